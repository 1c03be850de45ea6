/* SIGINT and SIGTERM as a question: has somebody asked us to stop? What was begun is in the journal; stopping is always safe. */
#ifndef CVM_STOP_H
#define CVM_STOP_H

#include <stdbool.h>

void stop_install(void);
bool stop_wanted(void);
extern volatile int stop_flag; /* the same, for loops of others */

#endif
