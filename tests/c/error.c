/* Errors: their contents, and calls that pass NULL for the error. */
#include "check.h"
#include "support.h"

static mcp_error *ping_error(const char *options, const char *token) {
    mcp_client *client = client_for(options);
    mcp_error *error = NULL;
    if (token != NULL) {
        must(mcp_set_bearer(client, token, NULL) == MCP_OK, "mcp_set_bearer");
    }
    CHECK(mcp_ping(client, NULL, &error) != MCP_OK);
    dispose(client);
    return error; /* outlives its client */
}

static mcp_error *list_error(const char *options) {
    mcp_client *client = client_for(options);
    mcp_json *tools = NULL;
    mcp_error *error = NULL;
    CHECK(mcp_list_tools(client, NULL, &tools, &error) != MCP_OK);
    CHECK(tools == NULL);
    dispose(client);
    return error;
}

static void status_names(void) {
    CHECK_TEXT("MCP_OK", mcp_status_name(MCP_OK));
    CHECK_TEXT("MCP_TIMEOUT", mcp_status_name(MCP_TIMEOUT));
    CHECK_TEXT("MCP_PROXY_AUTH_REQUIRED", mcp_status_name(MCP_PROXY_AUTH_REQUIRED));
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(-1));
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(12345));
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(INT32_MIN));
    CHECK_TEXT("The timeout of the call expired", mcp_status_text(MCP_TIMEOUT));
    CHECK_TEXT("The status is unknown to this version of libmcp", mcp_status_text(-1));
    CHECK_TEXT(mcp_status_text(-1), mcp_status_text(12345));
    CHECK_TEXT("error", mcp_log_level_name(MCP_LOG_ERROR));
    CHECK_TEXT("warning", mcp_log_level_name(MCP_LOG_WARNING));
    CHECK_TEXT("info", mcp_log_level_name(MCP_LOG_INFO));
    CHECK_TEXT("debug", mcp_log_level_name(MCP_LOG_DEBUG));
    CHECK_TEXT("unknown", mcp_log_level_name(0));
    CHECK_TEXT("unknown", mcp_log_level_name(INT32_MIN));
}

static void errors_hold_the_servers_details(void) {
    mcp_error *error;

    error = ping_error("dual+bearer=right-token+tag=error-401", "wr0ng-token");
    CHECK_INT(MCP_UNAUTHORIZED, mcp_error_status(error));
    CHECK_INT(401, mcp_error_http_status(error));
    CHECK(mcp_error_challenge(error) != NULL);
    CHECK(strstr(mcp_error_message(error), "wr0ng-token") == NULL);
    CHECK(strstr(mcp_error_message(error), "127.0.0.1") != NULL);
    CHECK_INT(-1, mcp_error_retry_after_ms(error));
    mcp_error_free(error);

    error = ping_error("dual+status=429+retry-after=7", NULL);
    CHECK_INT(MCP_RATE_LIMITED, mcp_error_status(error));
    CHECK_INT(429, mcp_error_http_status(error));
    CHECK_INT(7000, mcp_error_retry_after_ms(error));
    CHECK(mcp_error_challenge(error) == NULL);
    CHECK(!mcp_error_has_rpc_code(error));
    CHECK(mcp_error_rpc_data(error) == NULL);
    mcp_error_free(error);

    error = ping_error("dual+status=503", NULL);
    CHECK_INT(MCP_UNAVAILABLE, mcp_error_status(error));
    CHECK_INT(-1, mcp_error_retry_after_ms(error));
    mcp_error_free(error);

    error = list_error("legacy+fault=rpc-error+when=tools/list");
    CHECK_INT(MCP_RPC_ERROR, mcp_error_status(error));
    CHECK(mcp_error_has_rpc_code(error));
    CHECK_INT(-32603, mcp_error_rpc_code(error));
    mcp_error_free(error);
}

static void errors_are_optional(void) {
    mcp_client *client = client_for("dual+bearer=right-token");
    mcp_json *info = (mcp_json *)client;
    mcp_error *error = NULL;

    CHECK_INT(MCP_UNAUTHORIZED, mcp_ping(client, NULL, NULL));
    CHECK_INT(MCP_UNAUTHORIZED, mcp_connect(client, NULL, NULL));
    CHECK_INT(MCP_UNAUTHORIZED, mcp_server_info(client, NULL, &info, NULL));
    CHECK(info == NULL); /* a failing call sets the result to NULL */
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_set_bearer(client, "a b", NULL));

    /* The next call on the same client may succeed, and does not set the error. */
    CHECK_INT(MCP_OK, mcp_set_bearer(client, "right-token", &error));
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, &error));
    CHECK(error == NULL);
    dispose(client);
}

int main(void) {
    status_names();
    errors_hold_the_servers_details();
    errors_are_optional();
    return check_end();
}
