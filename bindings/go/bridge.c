#include "bridge.h"

#include "_cgo_export.h"

static void on_auth(void *handle, mcp_auth_request *request) {
    bridgeAuth((uintptr_t)handle, request);
}

static void on_log(void *handle, int32_t level, const char *message) {
    bridgeLog((uintptr_t)handle, level, (char *)message);
}

static void on_input(void *handle, mcp_input *input) {
    bridgeInput((uintptr_t)handle, input);
}

static void on_logging(void *handle, const mcp_json *message) {
    bridgeLogging((uintptr_t)handle, (mcp_json *)message);
}

static void on_progress(void *handle, double progress, double total, const char *message) {
    bridgeProgress((uintptr_t)handle, progress, total, (char *)message);
}

static void on_change(void *handle, const char *method, const mcp_json *params) {
    bridgeChange((uintptr_t)handle, (char *)method, (mcp_json *)params);
}

static void on_open(void *handle, mcp_oauth_request *request) {
    bridgeOpen((uintptr_t)handle, request);
}

static void on_assertion(void *handle, mcp_oauth_assertion *assertion) {
    bridgeAssertion((uintptr_t)handle, assertion);
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

mcp_status bridge_fail_with(mcp_auth_request *request, const char *reason, uintptr_t cause, mcp_error **error) {
    return mcp_auth_request_fail_with(request, reason, (void *)cause, destroy, error);
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

mcp_status bridge_set_logging(mcp_client *client, uintptr_t handle, mcp_error **error) {
    return mcp_set_logging(client, on_logging, (void *)handle, destroy, error);
}

mcp_status bridge_options_set_progress(mcp_options *options, uintptr_t handle, mcp_error **error) {
    return mcp_options_set_progress(options, on_progress, (void *)handle, destroy, error);
}

mcp_status bridge_listen(mcp_client *client, uint32_t changes, char **uris, uintptr_t handle, mcp_options *options,
                         mcp_error **error) {
    return mcp_listen(client, changes, (const char *const *)uris, on_change, (void *)handle, options, error);
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

mcp_status bridge_oauth_fail(mcp_oauth *oauth, const char *url, const char *reason, uintptr_t cause,
                             mcp_error **error) {
    return mcp_oauth_fail(oauth, url, reason, (void *)cause, destroy, error);
}

static _Thread_local uintptr_t call;

uintptr_t bridge_call(void) {
    return call;
}

uintptr_t bridge_set_call(uintptr_t handle) {
    uintptr_t previous = call;
    call = handle;
    return previous;
}
