/* Files of ours and of the user's: read whole with a ceiling, written whole or not at all, and looked at for who else may
 * touch them. */
#ifndef CVM_FILES_H
#define CVM_FILES_H

#include "crypto/base/bytes.h"

#include <sys/types.h>

/* The whole file appended to out (whose ceiling counts); "-" is standard input. ERR_USAGE: cannot be read. ERR_FORMAT: larger. */
bool file_read(struct buf *out, const char *path, struct err *err);
/* The same for a file that holds a secret or commands: a regular file of root's or ours that nobody else can write, and (secret)
 * nobody else can read. ERR_USAGE names what is wrong. */
bool file_read_private(struct buf *out, const char *path, bool secret, struct err *err);
/* Complete and synced under its name, or not there: temporary file, fsync, rename, fsync of the folder. exclusive: an existing
 * file is ERR_USAGE. ERR_STORE otherwise. */
bool file_write(const char *path, struct bytes data, mode_t mode, bool exclusive, struct err *err);
/* The folder and its parents, 0700 where they are made here. */
bool dir_make(const char *path, struct err *err);
/* "a/b", malloc'd; NULL without memory. */
char *path_join(const char *dir, const char *name);

#endif
