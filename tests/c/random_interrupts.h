/* The rounds of random_interrupts.c, and the report on them. */
#ifndef RANDOM_INTERRUPTS_H
#define RANDOM_INTERRUPTS_H

#include <mcp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a call is interrupted. */
enum interrupt { CANCEL, CLOSE, INTERRUPTS };

extern const char *const interrupt_names[INTERRUPTS];

struct round {
    size_t number, state;
    enum interrupt interrupt;
    double delay_us; /* from the start of the call to the interrupt */
    /* The outcome. */
    mcp_status status;
    double latency_us;  /* from the interrupt to the call's return; negative if it returned earlier */
    double cpu_wait_us; /* the part of it in which this round's threads waited for a free processor, at most */
    bool in_phase;      /* the call was in the intended state when it was interrupted */
};

/* Prints the outcomes of all rounds, and checks that no call took longer than `bound_us` plus the largest of the wakeup
 * latencies, which are sorted. */
void report(uint64_t seed, const struct round *rounds, size_t count, double bound_us, const double *wakeup_latencies,
            size_t wakeup_count);

#endif
