/* NULL for the arguments of requests, handlers and results: nothing crashes, and required arguments are
 * MCP_INVALID_ARGUMENT. */
#include "check.h"
#include "support.h"

static int destroyed;

static void destroy(void *userdata) {
    (void)userdata;
    destroyed++;
}

static void no_input(void *userdata, mcp_input *input) {
    (void)userdata;
    (void)input;
}

static void no_change(void *userdata, const char *method, const mcp_json *params) {
    (void)userdata;
    (void)method;
    (void)params;
}

static void no_logging(void *userdata, const mcp_json *message) {
    (void)userdata;
    (void)message;
}

static bool no_progress(void *userdata, double progress, double total, const char *message) {
    (void)userdata;
    (void)progress;
    (void)total;
    (void)message;
    return true;
}

#define REFUSED(call) EXPECT(MCP_INVALID_ARGUMENT, error, call)

static void null_clients_are_refused(void) {
    static char somewhere; /* the result's value before the call */
    mcp_error *error = NULL;
    mcp_json *result;

#define NO_RESULT(call)              \
    result = (mcp_json *)&somewhere; \
    REFUSED(call);                   \
    CHECK(result == NULL)

    NO_RESULT(mcp_list_tools(NULL, NULL, &result, &error));
    NO_RESULT(mcp_list_tools_page(NULL, NULL, NULL, &result, &error));
    NO_RESULT(mcp_list_resources(NULL, NULL, &result, &error));
    NO_RESULT(mcp_list_resources_page(NULL, NULL, NULL, &result, &error));
    NO_RESULT(mcp_list_resource_templates(NULL, NULL, &result, &error));
    NO_RESULT(mcp_list_resource_templates_page(NULL, NULL, NULL, &result, &error));
    NO_RESULT(mcp_list_prompts(NULL, NULL, &result, &error));
    NO_RESULT(mcp_list_prompts_page(NULL, NULL, NULL, &result, &error));
    NO_RESULT(mcp_call_tool(NULL, "echo", "{}", MCP_NUL_TERMINATED, NULL, &result, &error));
    NO_RESULT(mcp_call_tool_as_task(NULL, "echo", "{}", MCP_NUL_TERMINATED, NULL, &result, &error));
    NO_RESULT(mcp_get_task(NULL, "1", NULL, &result, &error));
    NO_RESULT(mcp_wait_task(NULL, "1", NULL, &result, &error));
    NO_RESULT(mcp_read_resource(NULL, "file:///x", NULL, &result, &error));
    NO_RESULT(mcp_get_prompt(NULL, "p", NULL, 0, NULL, &result, &error));
    NO_RESULT(mcp_complete_prompt(NULL, "p", "a", "", NULL, 0, NULL, &result, &error));
    NO_RESULT(mcp_complete_resource(NULL, "x://{a}", "a", "", NULL, 0, NULL, &result, &error));
    NO_RESULT(mcp_request(NULL, "ping", NULL, 0, NULL, &result, &error));
    NO_RESULT(mcp_config_names(NULL, &result, &error));
    NO_RESULT(mcp_config_servers(NULL, &result, &error));
#undef NO_RESULT
    REFUSED(mcp_update_task(NULL, "1", "{}", MCP_NUL_TERMINATED, NULL, &error));
    REFUSED(mcp_cancel_task(NULL, "1", NULL, &error));
    REFUSED(mcp_notify(NULL, "notifications/x", NULL, 0, NULL, &error));
    REFUSED(mcp_request_server_log(NULL, "info", NULL, &error));
    REFUSED(mcp_listen(NULL, MCP_CHANGE_TOOLS, NULL, no_change, NULL, NULL, NULL, &error));
    REFUSED(mcp_set_cache(NULL, true, &error));
    REFUSED(mcp_set_environment(NULL, "A", "b", &error));
    REFUSED(mcp_set_working_directory(NULL, "/", &error));
    REFUSED(mcp_set_stderr_file(NULL, "/x", &error));

    CHECK(mcp_client_new_stdio(NULL, &error) == NULL);
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(error));
    mcp_error_free(error);
    error = NULL;
    CHECK(mcp_client_new_stdio(NULL, NULL) == NULL);
    CHECK(mcp_client_new_from_config(NULL, NULL, &error) == NULL);
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(error));
    mcp_error_free(error);
    CHECK(mcp_client_new_from_config(NULL, NULL, NULL) == NULL);
}

/* Required arguments are checked before the client connects: no server listens at this address. */
static void missing_arguments_are_refused_before_connecting(void) {
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new("http://127.0.0.1:9/mcp", NULL);
    mcp_json *result = NULL;

    REFUSED(mcp_list_tools(client, NULL, NULL, &error));
    REFUSED(mcp_list_tools_page(client, NULL, NULL, NULL, &error));
    REFUSED(mcp_call_tool(client, NULL, "{}", MCP_NUL_TERMINATED, NULL, &result, &error));
    REFUSED(mcp_call_tool(client, "echo", "{}", MCP_NUL_TERMINATED, NULL, NULL, &error));
    REFUSED(mcp_call_tool(client, "echo", "[]", MCP_NUL_TERMINATED, NULL, &result, &error));
    REFUSED(mcp_call_tool(client, "echo", "", 0, NULL, &result, &error));
    REFUSED(mcp_call_tool_as_task(client, NULL, NULL, 0, NULL, &result, &error));
    REFUSED(mcp_get_task(client, NULL, NULL, &result, &error));
    REFUSED(mcp_wait_task(client, NULL, NULL, &result, &error));
    REFUSED(mcp_update_task(client, NULL, "{}", MCP_NUL_TERMINATED, NULL, &error));
    REFUSED(mcp_update_task(client, "1", NULL, 0, NULL, &error));
    REFUSED(mcp_cancel_task(client, NULL, NULL, &error));
    REFUSED(mcp_read_resource(client, NULL, NULL, &result, &error));
    REFUSED(mcp_get_prompt(client, NULL, NULL, 0, NULL, &result, &error));
    REFUSED(mcp_complete_prompt(client, NULL, "a", "", NULL, 0, NULL, &result, &error));
    REFUSED(mcp_complete_prompt(client, "p", NULL, "", NULL, 0, NULL, &result, &error));
    REFUSED(mcp_complete_prompt(client, "p", "a", NULL, NULL, 0, NULL, &result, &error));
    REFUSED(mcp_complete_resource(client, NULL, "a", "", NULL, 0, NULL, &result, &error));
    REFUSED(mcp_request(client, NULL, NULL, 0, NULL, &result, &error));
    REFUSED(mcp_request(client, "ping", "1", MCP_NUL_TERMINATED, NULL, &result, &error));
    REFUSED(mcp_notify(client, NULL, NULL, 0, NULL, &error));
    REFUSED(mcp_request_server_log(client, NULL, NULL, &error));
    REFUSED(mcp_listen(client, MCP_CHANGE_TOOLS, NULL, NULL, NULL, NULL, NULL, &error));
    REFUSED(mcp_listen(client, 0, NULL, no_change, NULL, NULL, NULL, &error));
    REFUSED(mcp_listen(client, 1U << 31, NULL, no_change, NULL, NULL, NULL, &error));
    destroyed = 0;
    REFUSED(mcp_listen(client, 0, NULL, no_change, &destroyed, destroy, NULL, &error));
    CHECK_INT(1, destroyed);
    CHECK(result == NULL);

    /* The error argument may be NULL. */
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_call_tool(client, NULL, NULL, 0, NULL, &result, NULL));
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_listen(client, 0, NULL, NULL, NULL, NULL, NULL, NULL));
    /* Settings of stdio clients are misuse on an HTTP client. */
    EXPECT(MCP_MISUSE, error, mcp_set_environment(client, "A", "b", &error));
    EXPECT(MCP_MISUSE, error, mcp_set_working_directory(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_stderr_file(client, NULL, &error));
    mcp_client_free(client);
}

/* A registration's destroy function runs once, whether the registration succeeded or not. */
static void handler_registrations_are_destroyed_once(void) {
    static const char *const missing_program[] = {"/nowhere", NULL};
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new_stdio(missing_program, NULL);
    mcp_options *options = mcp_options_new();

#define HANDLER(set, handler)                                                             \
    destroyed = 0;                                                                        \
    EXPECT(MCP_INVALID_ARGUMENT, error, set(NULL, handler, &destroyed, destroy, &error)); \
    CHECK_INT(1, destroyed);                                                              \
    EXPECT(MCP_OK, error, set(client, NULL, &destroyed, destroy, &error));                \
    CHECK_INT(2, destroyed);                                                              \
    EXPECT(MCP_OK, error, set(client, handler, NULL, destroy, &error));                   \
    CHECK_INT(2, destroyed);                                                              \
    EXPECT(MCP_OK, error, set(client, NULL, NULL, NULL, &error));                         \
    CHECK_INT(3, destroyed)

    HANDLER(mcp_set_elicitation, no_input);
    HANDLER(mcp_set_sampling, no_input);
    HANDLER(mcp_set_roots, no_input);
    HANDLER(mcp_set_server_log, no_logging);
#undef HANDLER
    destroyed = 0;
    REFUSED(mcp_options_set_progress(NULL, no_progress, NULL, destroy, &error));
    CHECK_INT(1, destroyed);
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, no_progress, NULL, destroy, &error));
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, NULL, NULL, NULL, &error));
    CHECK_INT(2, destroyed);
    REFUSED(mcp_options_set_meta(NULL, "{}", MCP_NUL_TERMINATED, &error));
    REFUSED(mcp_options_set_meta(options, "[]", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_OK, error, mcp_options_set_meta(options, NULL, 0, &error));
    destroyed = 0;
    REFUSED(mcp_options_set_call_data(NULL, &destroyed, destroy, &error));
    CHECK_INT(1, destroyed);
    EXPECT(MCP_OK, error, mcp_options_set_call_data(options, NULL, NULL, &error));
    REFUSED(mcp_options_set_header(NULL, "X-A", "b", &error));
    REFUSED(mcp_options_set_header(options, NULL, "b", &error));
    EXPECT(MCP_OK, error, mcp_options_set_header(options, "X-A", NULL, &error));
    REFUSED(mcp_set_environment(client, NULL, "b", &error));
    EXPECT(MCP_OK, error, mcp_set_environment(client, "A", NULL, &error));
    mcp_options_free(options);
    mcp_client_free(client);
}

static void input_and_result_functions_check_for_null(void) {
    mcp_error *error = NULL;
    char buffer[4];

    CHECK(!mcp_input_is_over(NULL));
    CHECK(mcp_input_method(NULL) == NULL);
    CHECK(mcp_input_params(NULL) == NULL);
    CHECK(mcp_input_call_data(NULL) == NULL);
    CHECK(mcp_auth_request_call_data(NULL) == NULL);
    CHECK(mcp_oauth_request_call_data(NULL) == NULL);
    CHECK(mcp_oauth_assertion_call_data(NULL) == NULL);
    REFUSED(mcp_input_accept(NULL, "{}", MCP_NUL_TERMINATED, &error));
    REFUSED(mcp_input_decline(NULL, &error));
    REFUSED(mcp_input_cancel(NULL, &error));
    REFUSED(mcp_input_respond(NULL, "{}", MCP_NUL_TERMINATED, &error));
    REFUSED(mcp_input_fail(NULL, -1, "no", &error));

    CHECK(!mcp_tool_result_is_error(NULL));
    CHECK_TEXT("", mcp_tool_result_text(NULL));
    CHECK(mcp_tool_result_structured(NULL) == NULL);
    CHECK(mcp_tool_result_task_id(NULL) == NULL);
    EXPECT(MCP_JSON_MISMATCH, error, mcp_json_copy_base64(NULL, buffer, sizeof buffer, NULL, &error));
}

int main(void) {
    null_clients_are_refused();
    missing_arguments_are_refused_before_connecting();
    handler_registrations_are_destroyed_once();
    input_and_result_functions_check_for_null();
    return check_end();
}
