/* Measures how late this machine wakes a thread that waits in poll: no library can react faster than that. */
#ifndef INTERRUPT_WAKEUPS_H
#define INTERRUPT_WAKEUPS_H

#include <stddef.h>

/* Starts the measurement on two threads. */
void wakeups_start(void);

/* The largest wakeup latency so far, in microseconds. */
double wakeups_worst_us(void);

/* Stops the measurement and returns all wakeup latencies in microseconds, sorted; free them with free(). */
double *wakeups_stop(size_t *count);

/* How long this thread has been runnable but without a processor so far, in microseconds, as counted by the kernel. 0
 * if the kernel does not count it. */
double cpu_wait_us(void);

int compare_doubles(const void *a, const void *b);

#endif
