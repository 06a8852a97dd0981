/* The states in which a call is interrupted: how to bring a call into each of them, and how to unblock it. */
#ifndef INTERRUPT_STATES_H
#define INTERRUPT_STATES_H

#include <mcp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The objects of one round: a client, and the server or gate that it talks to. */
struct fixture;

struct state {
    const char *name;
    /* Options of the test server, or the era of a stdio server. */
    const char *scenario;
    /* How often it is chosen, relative to the others. */
    unsigned weight;
    /* Multiplies the delay before the interrupt, for states that take longer to reach. */
    unsigned delay_factor;
    /* The call may complete with MCP_OK before it is interrupted. */
    bool may_succeed;
    /* A part of the error message of a call that is interrupted in this state; at least one round must see it. NULL if
     * no call is in progress: it is made after the interrupt. */
    const char *phase;
    /* Creates the client and everything that makes the call block. */
    void (*prepare)(struct fixture *);
    mcp_status (*call)(mcp_client *client, const mcp_options *options, mcp_error **error);
};

extern const struct state states[];
extern const size_t state_count;

/* The path of this program, which is also started as a stdio server. */
extern const char *program_path;

/* Prepares everything for the call. */
struct fixture *fixture_new(const struct state *state);

mcp_client *fixture_client(struct fixture *fixture);

/* Removes what blocks the client's calls, and waits for the call of the fixture's other thread. */
void fixture_unblock(struct fixture *fixture);

/* The status of the other thread's call; MCP_OK if there is none. Only after fixture_unblock. */
mcp_status fixture_other_status(const struct fixture *fixture);

/* Closes the client and frees everything. */
void fixture_free(struct fixture *fixture);

/* Serves MCP on stdin and stdout: waits so many milliseconds before its first response, and never responds to
 * tools/list. Returns the exit code. */
int run_stdio_server(const char *era, const char *milliseconds);

#endif
