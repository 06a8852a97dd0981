/* What the storm's rounds are, and the report on them. */
#ifndef STORM_H
#define STORM_H

#include <mcp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a call is ended. */
enum deed { CANCEL, CLOSE, DEEDS };

extern const char *const deed_names[DEEDS];

struct round {
    size_t number, state;
    enum deed deed;
    double moment_us;
    /* What came of it. */
    mcp_status status;
    double late_us;   /* the return, after the deed; negative: before it */
    double queued_us; /* of that, the time for which the threads of the round waited for a processor, at most */
    bool in_phase;    /* it was in the state that it was to be ended in */
};

/* Prints what came of all rounds, and checks that no call took longer than `bound_us`. How late plain threads were
 * woken meanwhile is in `late`, in order of size; the worst of it is allowed on top. */
void report(uint64_t seed, const struct round *rounds, size_t count, double bound_us, const double *late, size_t wakes);

#endif
