/* The only place that reads time. Under CVM_TEST_HOOKS the clock can be moved: the file named by CVM_TEST_CLOCK holds the
 * seconds to add to the wall clock, read anew each time. */
#ifndef CVM_CLOCK_H
#define CVM_CLOCK_H

#include <stdint.h>

int64_t clock_now_s(void);      /* unix seconds */
int64_t clock_now_ms(void);     /* unix milliseconds */
uint64_t clock_mono_ms(void);   /* for deadlines; never jumps, never moved */
void clock_sleep_ms(uint64_t ms); /* returns early on a signal */

#endif
