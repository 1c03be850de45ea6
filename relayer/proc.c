#include "relayer/proc.h"

#include "crypto/base/auto.h"
#include "relayer/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- may it be run? --- */

static bool only_ours(const char *path, mode_t want, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_USAGE, "%s: owned by user %u; want root or the user who runs this", path, (unsigned)st.st_uid);
    bool sticky_dir = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !sticky_dir)
        return err_set(err, ERR_USAGE, "%s: others may write it (mode %04o); chmod go-w", path, (unsigned)(st.st_mode & 07777));
    if ((st.st_mode & S_IFMT) != want)
        return err_set(err, ERR_USAGE, "%s: not a regular file", path);
    return true;
}

bool proc_check(const char *path, struct err *err)
{
    if (path[0] != '/')
        return err_set(err, ERR_USAGE, "%s: want an absolute path", path);
    char real[PATH_MAX], folder[PATH_MAX];
    if (!realpath(path, real))
        return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
    memcpy(folder, real, sizeof folder);
    if (!only_ours(real, S_IFREG, err) || !only_ours(dirname(folder), S_IFDIR, err))
        return false;
    if (access(real, X_OK) != 0)
        return err_set(err, ERR_USAGE, "%s: not executable", path);
    return true;
}

/* --- running --- */

enum { END_IN, END_OUT, END_ERR, NUM_ENDS };

struct pipes {
    int ours[NUM_ENDS], theirs[NUM_ENDS];
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void pipes_done(struct pipes *p)
{
    for (int i = 0; i < NUM_ENDS; i++) {
        close_end(&p->ours[i]);
        close_end(&p->theirs[i]);
    }
}

static bool pipes_open(struct pipes *p, struct err *err)
{
    for (int i = 0; i < NUM_ENDS; i++)
        p->ours[i] = p->theirs[i] = -1;
    for (int i = 0; i < NUM_ENDS; i++) {
        int fd[2];
        if (pipe2(fd, O_CLOEXEC) != 0) {
            pipes_done(p);
            return err_set(err, ERR_STORE, "pipe: %s", strerror(errno));
        }
        p->ours[i] = i == END_IN ? fd[1] : fd[0];
        p->theirs[i] = i == END_IN ? fd[0] : fd[1];
        fcntl(p->ours[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

enum { MAX_ENV = 64 };

/* In the child: only async-signal-safe calls. */
_Noreturn static void child(const struct pipes *p, const struct proc *proc, char *const *env, pid_t parent)
{
    setpgid(0, 0);
    /* whoever is killed without a word takes it along: the next run must not find the last one's source at the same TPM */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < NUM_ENDS; i++)
        if (dup2(p->theirs[i], i) < 0)
            _exit(126);
    execve(proc->argv[0], (char *const *)proc->argv, env);
    _exit(127);
}

static void feed(struct pipes *p, struct bytes *input)
{
    ssize_t n = write(p->ours[END_IN], input->p, input->len);
    if (n > 0)
        *input = bytes_sub(*input, (size_t)n, input->len - (size_t)n);
    if (input->len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&p->ours[END_IN]); /* all told, or it does not listen */
}

static void keep_last_words(struct proc_result *r, const char *text, size_t len)
{
    size_t have = strlen(r->last_words), room = sizeof r->last_words - 1;
    if (len > room) {
        text += len - room;
        len = room;
    }
    size_t drop = have + len > room ? have + len - room : 0;
    memmove(r->last_words, r->last_words + drop, have - drop);
    for (size_t i = 0; i < len; i++)
        r->last_words[have - drop + i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : ' ';
    r->last_words[have - drop + len] = '\0';
}

static void listen_to(struct pipes *p, int end, struct proc_result *r)
{
    char chunk[16384];
    ssize_t n = read(p->ours[end], chunk, sizeof chunk);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_end(&p->ours[end]);
    } else if (end == END_ERR) {
        keep_last_words(r, chunk, (size_t)n);
    } else {
        buf_put(&r->output, bytes_from(chunk, (size_t)n));
        r->too_much = r->output.failed;
    }
}

/* Until both outputs are closed, the deadline passes, or it says too much. */
static void converse(struct pipes *p, const struct proc *proc, int64_t until_ms, struct proc_result *r)
{
    struct bytes input = proc->input;
    if (input.len == 0)
        close_end(&p->ours[END_IN]);
    while ((p->ours[END_OUT] >= 0 || p->ours[END_ERR] >= 0) && !r->too_much) {
        int64_t left = until_ms - (int64_t)clock_mono_ms();
        if (left <= 0) {
            r->timed_out = true;
            return;
        }
        struct pollfd fds[NUM_ENDS];
        for (int i = 0; i < NUM_ENDS; i++)
            fds[i] = (struct pollfd){.fd = p->ours[i], .events = i == END_IN ? POLLOUT : POLLIN};
        if (poll(fds, NUM_ENDS, left > 1000 ? 1000 : (int)left) <= 0)
            continue;
        if (fds[END_IN].revents)
            feed(p, &input);
        for (int i = END_OUT; i < NUM_ENDS; i++)
            if (fds[i].revents)
                listen_to(p, i, r);
    }
}

/* Its end, waited for until the deadline; then the whole group is killed, so that no grandchild stays behind. */
static void reap(pid_t pid, int64_t until_ms, struct proc_result *r)
{
    int status = 0;
    bool ended = false;
    while (!r->timed_out && !r->too_much && !ended) {
        ended = waitpid(pid, &status, WNOHANG) == pid;
        if (!ended && (int64_t)clock_mono_ms() >= until_ms)
            r->timed_out = true;
        else if (!ended)
            clock_sleep_ms(2);
    }
    kill(-pid, SIGKILL);
    while (!ended)
        ended = waitpid(pid, &status, 0) == pid || errno != EINTR;
    r->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool make_env(const char **out, const struct proc *proc, struct err *err)
{
    size_t n = 0;
    out[n++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    out[n++] = "LANG=C.UTF-8";
    for (size_t i = 0; proc->env && proc->env[i]; i++) {
        if (n == MAX_ENV)
            return err_set(err, ERR_BUG, "more than %d environment variables", MAX_ENV);
        out[n++] = proc->env[i];
    }
    out[n] = NULL;
    return true;
}

bool proc_run(struct proc_result *out, const struct proc *proc, struct err *err)
{
    const char *env[MAX_ENV + 1];
    AUTO(pipes_done) struct pipes p = {{-1, -1, -1}, {-1, -1, -1}};
    if (!proc_check(proc->argv[0], err) || !make_env(env, proc, err) || !pipes_open(&p, err))
        return false;
    struct proc_result r = {.output = buf_new(proc->max_output)};
    int64_t until_ms = (int64_t)clock_mono_ms() + proc->timeout_ms;
    /* a program that does not read its input must not end us */
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        child(&p, proc, (char *const *)env, self);
    bool started = pid > 0;
    if (started) {
        setpgid(pid, pid); /* here as well as in the child: whoever comes first */
        for (int i = 0; i < NUM_ENDS; i++)
            close_end(&p.theirs[i]);
        converse(&p, proc, until_ms, &r);
        reap(pid, until_ms, &r);
    }
    sigaction(SIGPIPE, &before, NULL);
    if (!started)
        return err_set(err, ERR_STORE, "%s: could not be started: %s", proc->argv[0], strerror(errno));
    *out = r;
    return true;
}

void proc_result_done(struct proc_result *r)
{
    buf_done(&r->output);
}
