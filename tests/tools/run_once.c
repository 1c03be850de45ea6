/* Runs a program once and prints its wall time in milliseconds, its peak resident memory in KB and its CPU time in milliseconds. Small itself, because the kernel
 * counts in a process's peak what stood in its place before exec.
 *   run_once PROGRAM [ARG...]     exit status: the program's */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        return 127;
    clock_gettime(CLOCK_MONOTONIC, &to);
    double wall_ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    double cpu_ms = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    printf("%.3f %ld %.3f\n", wall_ms, usage.ru_maxrss, cpu_ms);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}
