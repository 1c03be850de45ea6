/* The only place that writes diagnostics: one line each to standard error, as text or JSON. Control characters from outside
 * are replaced; URLs lose what may be a secret (user, password, path, query) through log_url. */
#ifndef CVM_LOG_H
#define CVM_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* least: the most talkative level that is printed; LOG_WARN until this is called. */
void log_init(enum log_level least, bool as_json);
enum log_level log_least(void);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* "https://host:port/..": scheme and host alone, for messages. Returns out. */
char *log_url(char *out, size_t size, const char *url);

#endif
