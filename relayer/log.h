/* The only place that writes diagnostics: one line each to standard error, as text or JSON. Control characters from outside
 * are replaced. URLs are never in it whole: who speaks to an endpoint names it by its origin (rpc/http.h). */
#ifndef CVM_LOG_H
#define CVM_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* least: the most talkative level that is printed; LOG_WARN until this is called. */
void log_init(enum log_level least, bool as_json);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
