#include "relayer/files.h"

#include "crypto/base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(struct buf *out, int fd, const char *path, struct err *err)
{
    size_t before = out->len;
    uint8_t chunk[16384];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
        buf_put(out, bytes_from(chunk, (size_t)n));
        if (out->failed)
            return err_set(err, ERR_FORMAT, "%s: larger than %zu bytes, or no memory", path, out->max - before);
    }
    return true;
}

static bool open_file(int *fd, const char *path, struct err *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (*fd < 0)
        return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(*fd, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: is a folder", path);
    return true;
}

bool file_read(struct buf *out, const char *path, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return read_all(out, STDIN_FILENO, "standard input", err);
    AUTO(auto_close) int fd = -1;
    return open_file(&fd, path, err) && read_all(out, fd, path, err);
}

bool file_read_private(struct buf *out, const char *path, bool secret, struct err *err)
{
    AUTO(auto_close) int fd = -1;
    if (!open_file(&fd, path, err))
        return false;
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: not a regular file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_USAGE, "%s: belongs to user %u; want root or ourselves", path, (unsigned)st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return err_set(err, ERR_USAGE, "%s: others can write it (mode %03o); chmod go-w", path, (unsigned)st.st_mode & 0777);
    if (secret && (st.st_mode & (S_IRGRP | S_IROTH)))
        return err_set(err, ERR_USAGE, "%s: others can read this secret (mode %03o); chmod 600", path, (unsigned)st.st_mode & 0777);
    return read_all(out, fd, path, err);
}

char *path_join(const char *dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static bool sync_parent(const char *path)
{
    AUTO(auto_free) char *dir = strdup(path);
    if (!dir)
        return false;
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    AUTO(auto_close) int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

static bool write_all(int fd, struct bytes data)
{
    while (data.len) {
        ssize_t n = write(fd, data.p, data.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data = bytes_sub(data, (size_t)n, data.len - (size_t)n);
    }
    return true;
}

bool file_write(const char *path, struct bytes data, mode_t mode, bool exclusive, struct err *err)
{
    AUTO(auto_free) char *tmp = NULL;
    if (asprintf(&tmp, "%s.XXXXXX", path) < 0) {
        tmp = NULL;
        return err_set(err, ERR_NOMEM, "no memory to write %s", path);
    }
    AUTO(auto_close) int fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_STORE, "%s: %s", path, strerror(errno));
    bool ok = fchmod(fd, mode) == 0 && write_all(fd, data) && fsync(fd) == 0;
    /* link refuses an existing name in the same step; rename replaces it */
    ok = ok && (exclusive ? link(tmp, path) : rename(tmp, path)) == 0;
    int saved = errno;
    if (!ok || exclusive)
        unlink(tmp);
    if (!ok && exclusive && saved == EEXIST)
        return err_set(err, ERR_USAGE, "%s exists already", path);
    if (!ok)
        return err_set(err, ERR_STORE, "%s: %s", path, strerror(saved));
    if (!sync_parent(path))
        return err_set(err, ERR_STORE, "%s: written, but its folder cannot be synced: %s", path, strerror(errno));
    return true;
}

bool dir_make(const char *path, struct err *err)
{
    AUTO(auto_free) char *p = strdup(path);
    if (!p)
        return err_set(err, ERR_NOMEM, "no memory for a path");
    if (!*p)
        return err_set(err, ERR_USAGE, "the path of a folder is empty");
    for (char *slash = strchr(p + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(p, 0700) != 0 && errno != EEXIST)
            return err_set(err, ERR_STORE, "%s: %s", p, strerror(errno));
        if (!slash)
            return true;
        *slash = '/';
    }
}
