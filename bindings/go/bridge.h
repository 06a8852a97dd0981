// C functions for what Go cannot express: pointers to callback functions, and handles passed as pointers. A handle is a
// number that identifies a Go value (runtime/cgo.Handle). C code stores it in a pointer and never dereferences it.

#ifndef BRIDGE_H
#define BRIDGE_H

#include <mcp.h>
#include <stdint.h>
#include <stdlib.h>

mcp_status bridge_set_auth(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_log(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_notification(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_trace(mcp_client *client, uintptr_t handle, mcp_error **error);
void bridge_auth_request_set_over(mcp_auth_request *request, uintptr_t handle);
void bridge_auth_request_fail(mcp_auth_request *request, const char *reason, uintptr_t cause);
uintptr_t bridge_error_cause(const mcp_error *error);
mcp_status bridge_set_elicitation(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_sampling(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_set_roots(mcp_client *client, uintptr_t handle, mcp_error **error);
void bridge_input_set_over(mcp_input *input, uintptr_t handle);
void bridge_input_fail(mcp_input *input, int64_t code, const char *message, uintptr_t cause);
mcp_status bridge_set_server_log(mcp_client *client, uintptr_t handle, mcp_error **error);
mcp_status bridge_options_set_progress(mcp_options *options, uintptr_t handle, mcp_error **error);
mcp_status bridge_options_set_call_data(mcp_options *options, uintptr_t handle, mcp_error **error);
mcp_status bridge_listen(mcp_client *client, uint32_t changes, char **uris, uintptr_t handle, mcp_options *options,
                         mcp_error **error);
mcp_status bridge_oauth_set_open(mcp_oauth *oauth, uintptr_t handle, mcp_error **error);
mcp_status bridge_oauth_set_assertion(mcp_oauth *oauth, uintptr_t handle, mcp_error **error);
mcp_status bridge_oauth_set_store(mcp_oauth *oauth, uintptr_t handle, bool locks, mcp_error **error);
void bridge_oauth_request_set_over(mcp_oauth_request *request, uintptr_t handle);
void bridge_oauth_request_fail(mcp_oauth_request *request, const char *reason, uintptr_t cause);

#endif
