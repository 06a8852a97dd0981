#include "bridge.h"

#include "_cgo_export.h"

static void auth(void *handle, mcp_auth_request *request) {
    bridgeAuth((uintptr_t)handle, request);
}

static void take_line(void *handle, int32_t level, const char *message) {
    bridgeLog((uintptr_t)handle, level, (char *)message);
}

static void end(void *handle) {
    bridgeEnd((uintptr_t)handle);
}

mcp_status bridge_set_auth(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_auth(client, handle ? auth : NULL, (void *)handle, handle ? end : NULL, error);
}

mcp_status bridge_set_log(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_log(client, handle ? take_line : NULL, (void *)handle, handle ? end : NULL, error);
}

mcp_status bridge_fail_with(mcp_auth_request *request, const char *reason, uintptr_t cause, mcp_error **error) {
    return mcp_auth_request_fail_with(request, reason, (void *)cause, end, error);
}

uintptr_t bridge_error_cause(const mcp_error *error) {
    return (uintptr_t)mcp_error_cause(error);
}
