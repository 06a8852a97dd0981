/* The states that a call can be in when somebody ends it, each with the way into it and out of it again. */
#ifndef STORM_STATES_H
#define STORM_STATES_H

#include <mcp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a round is about: one client, and what is around it. */
struct place;

struct state {
    const char *name;
    /* Options of the test server, or the era of a server that is a process. */
    const char *scenario;
    /* How often it is chosen, beside the others. */
    unsigned weight;
    /* How many times longer than others it takes to get there. */
    unsigned way;
    /* The call may come to its own end, which is MCP_OK. */
    bool may_end;
    /* What the error's message says of a call that was ended there; some round has to see it. NULL where no call is
     * under way: it is made afterwards. */
    const char *phase;
    /* Makes the client, and everything so that the call gets stuck. */
    void (*prepare)(struct place *);
    mcp_status (*call)(mcp_client *client, const mcp_options *options, mcp_error **error);
};

extern const struct state states[];
extern const size_t state_count;

/* The program itself, to be started as a server. */
extern const char *program_path;

/* Gets everything ready but for the call. */
struct place *place_new(const struct state *state);

mcp_client *place_client(struct place *place);

/* From now on nothing is in the way of a call of the client. Other threads' calls in the place come to an end. */
void place_heal(struct place *place);

/* How the call of the place's other thread has ended; MCP_OK where there is none. Only after place_heal. */
mcp_status place_other(const struct place *place);

/* Closes the client, and frees everything. */
void place_free(struct place *place);

/* The program as a server on its standard streams: it takes so many milliseconds for the first answer, and never
 * answers tools/list. Returns the exit code. */
int serve(const char *era, const char *milliseconds);

#endif
