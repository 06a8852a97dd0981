/* How late a thread that only waits is woken on this machine, now: no library can be faster than that. */
#ifndef STORM_WAKE_H
#define STORM_WAKE_H

#include <stddef.h>

/* Two threads begin to wake each other. */
void wake_begin(void);

/* The worst so far, in microseconds. */
double wake_worst(void);

/* They end; gives all that were measured, in microseconds, in order of size, and how many. To be freed. */
double *wake_end(size_t *count);

/* How long this thread has waited for a processor so far, though it had something to do, in microseconds: the kernel
 * counts it. 0 where there is no such count. */
double queued_us(void);

int compare_doubles(const void *a, const void *b);

#endif
