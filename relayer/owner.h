/* Who is at work on something, as text that another process can judge later: is that one still alive? Only what was written on
 * this very machine since it started, in this process namespace, can be judged; of others nothing is known here, and a lease must
 * do. Process numbers are used again: the start of the process, as the kernel counts it, tells one bearer from the next
 * (proc(5): /proc/PID/stat, /proc/sys/kernel/random/boot_id). */
#ifndef CVM_RELAYER_OWNER_H
#define CVM_RELAYER_OWNER_H

#include <stdbool.h>
#include <stddef.h>

#define OWNER_TEXT 192

/* This process: "HOST BOOT/NAMESPACE PID@START". Where the kernel does not tell, the parts are "-", and nobody judges it. */
void owner_self(char out[OWNER_TEXT]);

enum owner_state {
    OWNER_ELSEWHERE, /* another machine, start or namespace, or no owner_self: nothing is known */
    OWNER_ALIVE,
    OWNER_GONE,      /* it ended; it never comes back */
};
enum owner_state owner_state(const char *owner);
/* "process 4711 of this machine", "HOST": for messages. */
void owner_words(char *out, size_t size, const char *owner);

#endif
