// C functions for what Go cannot express: pointers to callback functions, and handles passed as pointers. A handle is a
// number that identifies a Go value (runtime/cgo.Handle). C code stores it in a pointer and never dereferences it.

#ifndef BRIDGE_H
#define BRIDGE_H

#include <mcp.h>
#include <stdint.h>
#include <stdlib.h>

mcp_status bridge_set_auth(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_log(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_fail_with(mcp_auth_request *request, const char *reason, uintptr_t cause, mcp_error **error);
uintptr_t bridge_error_cause(const mcp_error *error);
mcp_status bridge_set_elicitation(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_sampling(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_roots(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_logging(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_options_set_progress(mcp_options *options, uintptr_t handle, mcp_error **error);
mcp_status bridge_listen(mcp_client *client, uint32_t changes, char **uris, uintptr_t handle, mcp_options *options,
                         mcp_error **error);

#endif
