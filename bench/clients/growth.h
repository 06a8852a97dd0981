/* Shared by the programs of the growth table. Their command line is that of all clients, but COUNT is the size that
 * grows: of a list, of a cache, of an output. They print the CPU time of a call. */
#ifndef GROWTH_H
#define GROWTH_H

#include <mcp.h>

#include "client.h"

/* Gets the address of the error pointer: an argument `error` could be evaluated before the call that sets it. */
static inline void must(mcp_status status, mcp_error **error) {
    if (status != MCP_OK)
        fail(mcp_error_message(*error));
}

static inline mcp_client *client_of(const struct task *task) {
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(task->url, &error);
    if (!client)
        fail(mcp_error_message(error));
    return client;
}

/* Makes `calls` calls after a warm-up, and prints their cost. */
static inline int print_cost(struct task task, long calls, void (*call)(void *context, long number), void *context) {
    task.count = calls;
    return measure(&task, call, context);
}

#endif
