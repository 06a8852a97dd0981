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
mcp_status bridge_oauth_set_open(mcp_oauth *oauth, uintptr_t handle, mcp_error **error);
mcp_status bridge_oauth_set_assertion(mcp_oauth *oauth, uintptr_t handle, mcp_error **error);
mcp_status bridge_oauth_set_store(mcp_oauth *oauth, uintptr_t handle, bool locks, mcp_error **error);
mcp_status bridge_oauth_fail(mcp_oauth *oauth, const char *url, const char *reason, uintptr_t cause, mcp_error **error);

// The handle of the context of the call that runs on this thread; 0 if there is none. bridge_set_call returns the
// previous one.
uintptr_t bridge_call(void);
uintptr_t bridge_set_call(uintptr_t handle);

#endif
