#include "bridge.h"

#include "_cgo_export.h"

// The handlers for which a call waits run on goroutines, which answer the deferred object and free it.
static void on_auth(void *handle, mcp_auth_request *request) {
    if (mcp_auth_request_defer(request, NULL) == MCP_OK) {
        bridgeAuth((uintptr_t)handle, (uintptr_t)mcp_auth_request_call_data(request), request);
    }
}

static void on_log(void *handle, int32_t level, const char *message) {
    bridgeLog((uintptr_t)handle, level, (char *)message);
}

static void on_trace(void *handle, int32_t direction, const char *text, size_t length) {
    bridgeTrace((uintptr_t)handle, direction, (char *)text, length);
}

static void on_input(void *handle, mcp_input *input) {
    if (mcp_input_defer(input, NULL) == MCP_OK) {
        bridgeInput((uintptr_t)handle, (uintptr_t)mcp_input_call_data(input), input);
    }
}

static void on_server_log(void *handle, const mcp_json *message) {
    bridgeServerLog((uintptr_t)handle, (mcp_json *)message);
}

static void on_notification(void *handle, const char *method, const mcp_json *params) {
    bridgeNotification((uintptr_t)handle, (char *)method, (mcp_json *)params);
}

static bool on_progress(void *handle, double progress, double total, const char *message) {
    return bridgeProgress((uintptr_t)handle, progress, total, (char *)message);
}

static void on_change(void *handle, const char *method, const mcp_json *params) {
    bridgeChange((uintptr_t)handle, (char *)method, (mcp_json *)params);
}

static void on_open(void *handle, mcp_oauth_request *request) {
    if (mcp_oauth_request_defer(request, NULL) == MCP_OK) {
        bridgeOpen((uintptr_t)handle, (uintptr_t)mcp_oauth_request_call_data(request), request);
    }
}

static void on_over(void *handle, int32_t status) {
    bridgeOver((uintptr_t)handle, status);
}

static void on_assertion(void *handle, mcp_oauth_assertion *assertion) {
    bridgeAssertion((uintptr_t)handle, (uintptr_t)mcp_oauth_assertion_call_data(assertion), assertion);
}

static void on_load(void *handle, mcp_oauth_record *record) {
    bridgeLoad((uintptr_t)handle, record);
}

static void on_save(void *handle, mcp_oauth_record *record) {
    bridgeSave((uintptr_t)handle, record);
}

static void on_lock(void *handle, mcp_oauth_record *record) {
    bridgeLock((uintptr_t)handle, record);
}

static void on_unlock(void *handle, mcp_oauth_record *record) {
    bridgeUnlock((uintptr_t)handle, record);
}

static void destroy(void *handle) {
    bridgeDestroy((uintptr_t)handle);
}

mcp_status bridge_set_auth(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_auth(client, handle ? on_auth : NULL, (void *)handle, handle ? destroy : NULL, error);
}

mcp_status bridge_set_log(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_log(client, handle ? on_log : NULL, (void *)handle, handle ? destroy : NULL, error);
}

mcp_status bridge_set_notification(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_notification(client, handle ? on_notification : NULL, (void *)handle, handle ? destroy : NULL,
                                error);
}

mcp_status bridge_set_trace(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_trace(client, handle ? on_trace : NULL, (void *)handle, handle ? destroy : NULL, error);
}

void bridge_auth_request_set_over(mcp_auth_request *request, uintptr_t handle) {
    mcp_auth_request_set_over(request, on_over, (void *)handle, destroy, NULL);
}

void bridge_auth_request_fail(mcp_auth_request *request, const char *reason, uintptr_t cause) {
    mcp_auth_request_fail_with(request, reason, (void *)cause, destroy, NULL);
}

uintptr_t bridge_error_cause(const mcp_error *error) {
    return (uintptr_t)mcp_error_cause(error);
}

mcp_status bridge_set_elicitation(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_elicitation(client, on_input, (void *)handle, destroy, error);
}

mcp_status bridge_set_sampling(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_sampling(client, on_input, (void *)handle, destroy, error);
}

mcp_status bridge_set_roots(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_roots(client, on_input, (void *)handle, destroy, error);
}

void bridge_input_set_over(mcp_input *input, uintptr_t handle) {
    mcp_input_set_over(input, on_over, (void *)handle, destroy, NULL);
}

void bridge_input_fail(mcp_input *input, int64_t code, const char *message, uintptr_t cause) {
    mcp_input_fail_with(input, code, message, (void *)cause, destroy, NULL);
}

mcp_status bridge_set_server_log(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_server_log(client, on_server_log, (void *)handle, destroy, error);
}

mcp_status bridge_options_set_progress(mcp_options *options, uintptr_t handle, mcp_error **error) {
    return mcp_options_set_progress(options, on_progress, (void *)handle, destroy, error);
}

mcp_status bridge_options_set_call_data(mcp_options *options, uintptr_t handle, mcp_error **error) {
    return mcp_options_set_call_data(options, (void *)handle, destroy, error);
}

mcp_status bridge_listen(mcp_client *client, uint32_t changes, char **uris, uintptr_t handle, mcp_options *options,
                         mcp_error **error) {
    return mcp_listen(client, changes, (const char *const *)uris, on_change, (void *)handle, destroy, options, error);
}

mcp_status bridge_oauth_set_open(mcp_oauth *oauth, uintptr_t handle, mcp_error **error) {
    return mcp_oauth_set_open(oauth, on_open, (void *)handle, destroy, error);
}

mcp_status bridge_oauth_set_assertion(mcp_oauth *oauth, uintptr_t handle, mcp_error **error) {
    return mcp_oauth_set_assertion(oauth, on_assertion, (void *)handle, destroy, error);
}

mcp_status bridge_oauth_set_store(mcp_oauth *oauth, uintptr_t handle, bool locks, mcp_error **error) {
    return mcp_oauth_set_store(oauth, on_load, on_save, locks ? on_lock : NULL, locks ? on_unlock : NULL,
                               (void *)handle, destroy, error);
}

void bridge_oauth_request_set_over(mcp_oauth_request *request, uintptr_t handle) {
    mcp_oauth_request_set_over(request, on_over, (void *)handle, destroy, NULL);
}

void bridge_oauth_request_fail(mcp_oauth_request *request, const char *reason, uintptr_t cause) {
    mcp_oauth_request_fail_with(request, reason, (void *)cause, destroy, NULL);
}
