/* Prompts and completion of the test servers on real frameworks.
 *
 *     PROGRAM completes|no-completion CODE VERSION ...     CODE: the server's error code for an unknown prompt
 */
#include "protocol.h"

static mcp_error *error;

static void prompts_are_listed(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_list_prompts(client, NULL, &result, &error));
    CHECK_NAMES("greet explain", mcp_json_member(result, "prompts"), "name");
    CHECK_NAMES("Greets. Explains.", mcp_json_member(result, "prompts"), "description");
    CHECK_NAMES("topic style", mcp_json_pointer(result, "/prompts/1/arguments"), "name");
    CHECK_JSON("true", mcp_json_pointer(result, "/prompts/1/arguments/0/required"));
    CHECK_JSON("false", mcp_json_pointer(result, "/prompts/1/arguments/1/required"));
    mcp_json_free(result);
    CHECK_INT(1, check_pages(client, mcp_list_prompts, mcp_list_prompts_page, "prompts"));
}

static void check_prompt(mcp_client *client, const char *name, const char *arguments, const char *text) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_get_prompt(client, name, arguments, MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_INT(1, mcp_json_size(mcp_json_member(result, "messages")));
    CHECK_TEXT("user", mcp_json_string(mcp_json_pointer(result, "/messages/0/role")));
    CHECK_TEXT("text", mcp_json_string(mcp_json_pointer(result, "/messages/0/content/type")));
    CHECK_TEXT(text, mcp_json_string(mcp_json_pointer(result, "/messages/0/content/text")));
    mcp_json_free(result);
}

static void invalid_prompts_are_rejected(mcp_client *client, int code) {
    mcp_json *result = NULL;
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_get_prompt(client, "none", NULL, 0, NULL, &result, &error));
    CHECK(mcp_error_has_rpc_code(error));
    CHECK_INT(code, mcp_error_rpc_code(error));
    mcp_error_free(error);
    EXPECT(MCP_RPC_ERROR, error, mcp_get_prompt(client, "explain", "{}", MCP_NUL_TERMINATED, NULL, &result, &error));
    EXPECT(MCP_RPC_ERROR, error,
           mcp_get_prompt(client, "explain", "{\"topic\":7}", MCP_NUL_TERMINATED, NULL, &result, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_get_prompt(client, "explain", "7", MCP_NUL_TERMINATED, NULL, &result, &error));
}

static void arguments_are_completed(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_complete_prompt(client, "explain", "topic", "ru", NULL, 0, NULL, &result, &error));
    CHECK_JSON("['rust','ruby']", mcp_json_pointer(result, "/completion/values"));
    mcp_json_free(result);
    EXPECT(MCP_OK, error,
           mcp_complete_prompt(client, "explain", "topic", "x", "{}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_JSON("[]", mcp_json_pointer(result, "/completion/values"));
    mcp_json_free(result);
    EXPECT(MCP_OK, error,
           mcp_complete_resource(client, "memo://squares/{number}", "number", "12", NULL, 0, NULL, &result, &error));
    CHECK_JSON("['12','123']", mcp_json_pointer(result, "/completion/values"));
    mcp_json_free(result);
}

static void completion_is_not_supported(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT_KEEP(MCP_RPC_ERROR, error,
                mcp_complete_prompt(client, "explain", "topic", "ru", NULL, 0, NULL, &result, &error));
    CHECK_INT(-32601, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
}

int main(int argc, char **argv) {
    must(argc >= 6, "usage: prompts completes|no-completion CODE VERSION http|stdio ...");
    use_server(argc - 2, argv + 2);
    mcp_client *client = connected_client();
    prompts_are_listed(client);
    check_prompt(client, "greet", NULL, "Say hello.");
    check_prompt(client, "explain", "{\"topic\":\"rust\"}", "Explain rust.");
    check_prompt(client, "explain", "{\"topic\":\"C\",\"style\":\"verse\"}", "Explain C in verse.");
    invalid_prompts_are_rejected(client, atoi(argv[2]));
    if (strcmp(argv[1], "completes") == 0) {
        arguments_are_completed(client);
    } else {
        CHECK_TEXT("no-completion", argv[1]);
        completion_is_not_supported(client);
    }
    end_client(client);
    return check_end();
}
