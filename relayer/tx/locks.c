#include "relayer/tx/locks.h"

#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

bool locks_open(int *fd, const char *dir, uint64_t chain_id, struct addr20 account, struct err *err)
{
    char path[PATH_MAX], hex[41];
    int n = snprintf(path, sizeof path, "%s/locks", dir);
    if (n < 0 || (size_t)n >= sizeof path || !dir_make(path, err))
        return false;
    n = snprintf(path, sizeof path, "%s/locks/%llu-%s", dir, (unsigned long long)chain_id,
                 hex_encode(hex, BYTES_OF(account)));
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, ERR_STORE, "lock file: path too long");
    int got = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (got < 0)
        return err_set(err, ERR_STORE, "lock file %s: %s", path, strerror(errno));
    *fd = got;
    return true;
}

static bool set_lock(int fd, short type, off_t at)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool locks_take_sender(int fd, int64_t timeout_ms, struct err *err)
{
    uint64_t start_ms = clock_mono_ms(), pause_ms = 1;
    while (!set_lock(fd, F_WRLCK, 0)) {
        if (clock_mono_ms() - start_ms >= (uint64_t)timeout_ms)
            return err_set(err, ERR_STORE, "another process is sending for this account (waited %lld s)",
                           (long long)timeout_ms / 1000);
        clock_sleep_ms(pause_ms);
        pause_ms = pause_ms < 16 ? pause_ms * 2 : 16;
    }
    return true;
}

void locks_drop_sender(int fd)
{
    set_lock(fd, F_UNLCK, 0);
}

bool locks_try_intent(int fd, int64_t id)
{
    return set_lock(fd, F_WRLCK, (off_t)id);
}

void locks_drop_intent(int fd, int64_t id)
{
    set_lock(fd, F_UNLCK, (off_t)id);
}
