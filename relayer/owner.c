#include "relayer/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct process {
    bool known;
    char state;               /* as in /proc/PID/stat */
    unsigned long long start; /* clock ticks since the machine started */
};

/* The beginning of a small file of the kernel's; "" where it cannot be read. */
static void read_start(char *out, size_t size, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/* The name in field 2 may hold anything, also spaces and brackets: fields are counted from its last one. */
static struct process process_of(pid_t pid)
{
    char path[48], text[1024];
    struct process p = {0};
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    read_start(text, sizeof text, path);
    const char *name_end = strrchr(text, ')');
    /* fields 3 to 22 */
    p.known = name_end && sscanf(name_end + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                                 &p.state, &p.start) == 2;
    return p;
}

/* The boot and the process namespace, without which a process number says nothing. */
static void place_self(char *out, size_t size)
{
    char boot[40], space[40] = "";
    read_start(boot, sizeof boot, "/proc/sys/kernel/random/boot_id");
    boot[strcspn(boot, " \n")] = '\0';
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1); /* "pid:[4026531836]" */
    space[n > 0 ? n : 0] = '\0';
    bool whole = boot[0] && space[0];
    snprintf(out, size, "%s/%s", whole ? boot : "-", whole ? space : "-");
}

static void host_self(char out[64])
{
    if (gethostname(out, 63) != 0 || !out[0])
        strcpy(out, "-");
    out[63] = '\0';
    for (char *p = out; *p; p++)
        if ((unsigned char)*p <= ' ')
            *p = '_';
}

void owner_self(char out[OWNER_TEXT])
{
    char host[64] = "", place[96];
    struct process p = process_of(getpid());
    host_self(host);
    place_self(place, sizeof place);
    snprintf(out, OWNER_TEXT, "%s %s %ld@%llu", host, p.known ? place : "-/-", (long)getpid(), p.start);
}

struct owner {
    char host[64], place[96];
    long pid;
    unsigned long long start;
};

static bool owner_parse(struct owner *out, const char *text)
{
    struct owner o = {0};
    int end = 0;
    if (sscanf(text, "%63s %95s %9ld@%20llu%n", o.host, o.place, &o.pid, &o.start, &end) != 4 || text[end] || o.pid <= 0)
        return false;
    *out = o;
    return true;
}

static bool is_here(const struct owner *o)
{
    char host[64] = "", place[96];
    host_self(host);
    place_self(place, sizeof place);
    return strcmp(place, "-/-") != 0 && strcmp(o->place, place) == 0 && strcmp(o->host, host) == 0;
}

enum owner_state owner_state(const char *owner)
{
    struct owner o;
    if (!owner_parse(&o, owner) || !is_here(&o))
        return OWNER_ELSEWHERE;
    /* asked first: where /proc hides others' processes, only this tells that there is none */
    if (kill((pid_t)o.pid, 0) != 0 && errno == ESRCH)
        return OWNER_GONE;
    struct process p = process_of((pid_t)o.pid);
    if (!p.known)
        return OWNER_ALIVE;
    return p.start != o.start || p.state == 'Z' || p.state == 'X' ? OWNER_GONE : OWNER_ALIVE;
}

void owner_words(char *out, size_t size, const char *owner)
{
    struct owner o;
    if (!owner_parse(&o, owner))
        snprintf(out, size, "%.80s", owner);
    else if (is_here(&o))
        snprintf(out, size, "process %ld of this machine", o.pid);
    else
        snprintf(out, size, "process %ld of %s", o.pid, o.host);
}
