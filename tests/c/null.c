/* NULL for every argument of the functions: nothing crashes, and required arguments are MCP_INVALID_ARGUMENT. */
#include "check.h"
#include "support.h"

static int destroyed;

static void destroy(void *userdata) {
    (void)userdata;
    destroyed++;
}

static void log_nothing(void *userdata, int32_t level, const char *message) {
    (void)userdata;
    (void)level;
    (void)message;
}

static void client_functions_check_for_null(void) {
    mcp_error *error = NULL;
    mcp_json *info = NULL;
    mcp_client *client;

    CHECK(mcp_client_new(NULL, &error) == NULL);
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(error));
    mcp_error_free(error);
    error = NULL;
    CHECK(mcp_client_new(NULL, NULL) == NULL);
    mcp_client_free(NULL);

    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_client_close(NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_bearer(NULL, "token", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_header(NULL, "X-Name", "value", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_timeout(NULL, 1, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_client_info(NULL, "name", "1", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_protocol_version(NULL, "2025-11-25", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_log(NULL, log_nothing, NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_extension(NULL, "a/b", "{}", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_notification(NULL, NULL, NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_trace(NULL, NULL, NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_use_debug_output(NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_connect(NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_ping(NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_server_info(NULL, NULL, &info, &error));
    CHECK(info == NULL);

    client = client_for("dual");
    EXPECT(MCP_OK, error, mcp_set_bearer(client, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_header(client, NULL, "value", &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-Name", NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_header(client, NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_client_info(client, NULL, "1", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_extension(client, NULL, "{}", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_extension(client, "a/b", "{", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_extension(client, "/b", "{}", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_OK, error, mcp_set_extension(client, "a/b", NULL, 1, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_client_info(client, "name", NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_server_info(client, NULL, NULL, &error));

    /* A registration's destroy function runs once, whether the registration succeeded or not. */
    destroyed = 0;
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_log(NULL, log_nothing, &destroyed, destroy, &error));
    CHECK_INT(1, destroyed);
    EXPECT(MCP_OK, error, mcp_set_log(client, NULL, &destroyed, destroy, &error));
    CHECK_INT(2, destroyed);
    EXPECT(MCP_OK, error, mcp_set_log(client, log_nothing, NULL, destroy, &error));
    CHECK_INT(2, destroyed);
    EXPECT(MCP_OK, error, mcp_set_log(client, NULL, NULL, NULL, &error));
    CHECK_INT(3, destroyed);

    /* The error argument may be NULL. */
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_set_bearer(client, "", NULL));
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_set_header(client, NULL, NULL, NULL));
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_ping(NULL, NULL, NULL));
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    CHECK_INT(MCP_OK, mcp_client_close(client, NULL, NULL));
    mcp_client_free(client);
}

static void option_functions_check_for_null(void) {
    mcp_error *error = NULL;
    mcp_options *options = mcp_options_new();
    mcp_cancel *cancel = mcp_cancel_new();

    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_options_set_timeout(NULL, 1, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_options_set_idle_timeout(NULL, 1, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_options_set_cancel(NULL, cancel, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_options_set_cancel(NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_options_set_cancel(options, NULL, &error));
    CHECK_INT(MCP_OK, mcp_options_set_timeout(options, 1, NULL));
    CHECK_INT(MCP_OK, mcp_options_set_idle_timeout(options, 1, NULL));
    CHECK_INT(MCP_OK, mcp_options_set_cancel(options, cancel, NULL));
    mcp_cancel_trigger(NULL);
    mcp_cancel_reset(NULL);
    CHECK(!mcp_cancel_is_triggered(NULL));
    mcp_cancel_free(NULL);
    mcp_options_free(NULL);
    mcp_cancel_free(cancel);
    mcp_options_free(options); /* the options still refer to the token */
}

static void json_functions_check_for_null(void) {
    mcp_error *error = NULL;
    mcp_json *root = mcp_json_parse("{\"a\":[true,1,\"x\"]}", MCP_NUL_TERMINATED, &error);
    const mcp_json *list = mcp_json_member(root, "a");
    char buffer[8];
    size_t length = 7;
    bool flag;
    int64_t i64;
    uint64_t u64;
    double real;

    CHECK(mcp_json_parse(NULL, 0, &error) == NULL);
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(error));
    mcp_error_free(error);
    error = NULL;
    CHECK(mcp_json_parse(NULL, MCP_NUL_TERMINATED, NULL) == NULL);
    CHECK(mcp_json_parse("{", 1, NULL) == NULL);
    mcp_json_free(NULL);

    CHECK_INT(MCP_JSON_MISSING, mcp_json_type_of(NULL));
    CHECK_INT(0, mcp_json_size(NULL));
    CHECK(mcp_json_member(NULL, "a") == NULL);
    CHECK(mcp_json_member(root, NULL) == NULL);
    CHECK(mcp_json_member(NULL, NULL) == NULL);
    CHECK(mcp_json_pointer(NULL, "/a") == NULL);
    CHECK(mcp_json_pointer(NULL, "") == NULL);
    CHECK(mcp_json_pointer(root, NULL) == NULL);
    CHECK(mcp_json_element(NULL, 0) == NULL);
    CHECK(mcp_json_first(NULL) == NULL);
    CHECK(mcp_json_next(NULL) == NULL);
    CHECK(mcp_json_key(NULL) == NULL);
    CHECK(mcp_json_string(NULL) == NULL);
    CHECK(mcp_json_raw(NULL, &length) == NULL);
    CHECK_INT(0, length);
    CHECK(mcp_json_raw(NULL, NULL) == NULL);
    CHECK(mcp_json_raw(root, NULL) != NULL);

    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_json_bool(mcp_json_element(list, 0), NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_json_int64(mcp_json_element(list, 1), NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_json_uint64(mcp_json_element(list, 1), NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_json_double(mcp_json_element(list, 1), NULL, &error));

    /* a missing member */
    EXPECT(MCP_JSON_MISMATCH, error, mcp_json_bool(NULL, &flag, &error));
    EXPECT(MCP_JSON_MISMATCH, error, mcp_json_int64(NULL, &i64, &error));
    EXPECT(MCP_JSON_MISMATCH, error, mcp_json_uint64(NULL, &u64, &error));
    EXPECT(MCP_JSON_MISMATCH, error, mcp_json_double(NULL, &real, &error));
    EXPECT(MCP_JSON_MISMATCH, error, mcp_json_copy_string(NULL, buffer, sizeof buffer, &length, &error));

    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_json_copy_string(mcp_json_element(list, 2), NULL, 8, &length, &error));
    EXPECT(MCP_OK, error, mcp_json_copy_string(mcp_json_element(list, 2), buffer, sizeof buffer, NULL, &error));
    CHECK_TEXT("x", buffer);
    mcp_json_free(root);
}

static void error_functions_accept_null(void) {
    CHECK_INT(MCP_OK, mcp_error_status(NULL));
    CHECK_TEXT("", mcp_error_message(NULL));
    CHECK_INT(0, mcp_error_http_status(NULL));
    CHECK(!mcp_error_has_rpc_code(NULL));
    CHECK_INT(0, mcp_error_rpc_code(NULL));
    CHECK(mcp_error_rpc_data(NULL) == NULL);
    CHECK(mcp_error_challenge(NULL) == NULL);
    CHECK_INT(-1, mcp_error_retry_after_ms(NULL));
    CHECK(mcp_error_cause(NULL) == NULL);
    mcp_error_free(NULL);
}

int main(void) {
    client_functions_check_for_null();
    option_functions_check_for_null();
    json_functions_check_for_null();
    error_functions_accept_null();
    return check_end();
}
