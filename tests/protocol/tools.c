/* The tools of the test servers on real frameworks (../servers/features_*): lists and pages, results of every kind,
 * _meta. */
#include "protocol.h"

static mcp_error *error;

static bool has_tool(mcp_client *client, const char *tool) {
    mcp_json *result = NULL;
    bool found = false;
    EXPECT(MCP_OK, error, mcp_list_tools(client, NULL, &result, &error));
    for (const mcp_json *each = mcp_json_first(mcp_json_member(result, "tools")); each; each = mcp_json_next(each)) {
        found = found || strcmp(mcp_json_string(mcp_json_member(each, "name")), tool) == 0;
    }
    mcp_json_free(result);
    return found;
}

/* `pages` is the number of pages into which the server divides its list. */
static void tools_are_listed(mcp_client *client, size_t pages) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_list_tools(client, NULL, &result, &error));
    const mcp_json *tools = mcp_json_member(result, "tools");
    const mcp_json *echo = mcp_json_first(tools);
    CHECK_TEXT("echo", mcp_json_string(mcp_json_member(echo, "name")));
    CHECK_TEXT("string", mcp_json_string(mcp_json_pointer(echo, "/inputSchema/properties/text/type")));
    CHECK_JSON("['text']", mcp_json_pointer(echo, "/inputSchema/required"));
    CHECK_TEXT("add", mcp_json_string(mcp_json_pointer(result, "/tools/1/name")));
    CHECK_JSON("['result']", mcp_json_pointer(result, "/tools/1/outputSchema/required"));
    mcp_json_free(result);
    CHECK_INT(pages, check_pages(client, mcp_list_tools, mcp_list_tools_page, "tools"));
    EXPECT_KEEP(pages > 1 ? MCP_RPC_ERROR : MCP_OK, error,
                mcp_list_tools_page(client, "no cursor of yours", NULL, &result, &error));
    if (pages > 1) {
        CHECK_INT(-32602, mcp_error_rpc_code(error));
    }
    mcp_error_free(error);
    error = NULL;
    mcp_json_free(result);
}

static void results_are_returned(mcp_client *client) {
    CHECK_TOOL("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\n\"x\"", client, "echo",
               "{'text':'gr\\u00fc\xc3\x9f \\ud83d\\ude00\\n\\u0022x\\u0022'}");
    CHECK_TOOL("", client, "echo", "{'text':''}");
    mcp_json *result = CALL(client, "add", "{'a':2,'b':40}", NULL);
    CHECK_JSON("{'result':42}", mcp_tool_result_structured(result));
    CHECK_TEXT("42", mcp_tool_result_text(result));
    mcp_json_free(result);
    result = CALL(client, "person", "{'name':'Ada','age':36}", NULL);
    CHECK_JSON("{'name':'Ada','age':36,'tags':['a','b']}", mcp_tool_result_structured(result));
    mcp_json *same = mcp_json_parse(mcp_tool_result_text(result), MCP_NUL_TERMINATED, NULL);
    CHECK_JSON("{'name':'Ada','age':36,'tags':['a','b']}", same);
    mcp_json_free(same);
    mcp_json_free(result);
}

static void image_is_returned(mcp_client *client) {
    static const unsigned char start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    unsigned char bytes[128];
    size_t length = 0;
    mcp_json *result = CALL(client, "picture", NULL, NULL);
    CHECK_INT(1, mcp_json_size(mcp_json_member(result, "content")));
    CHECK_TEXT("image", mcp_json_string(mcp_json_pointer(result, "/content/0/type")));
    CHECK_TEXT("image/png", mcp_json_string(mcp_json_pointer(result, "/content/0/mimeType")));
    EXPECT(MCP_OK, error,
           mcp_json_copy_base64(mcp_json_pointer(result, "/content/0/data"), bytes, sizeof bytes, &length, &error));
    CHECK_INT(70, length);
    CHECK(memcmp(bytes, start, sizeof start) == 0);
    CHECK_TEXT("", mcp_tool_result_text(result));
    mcp_json_free(result);
}

/* If the tool fails, the call succeeds; the text of the error differs between frameworks. */
static void failures_are_reported(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "fail", "{\"why\":\"no paper\"}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result));
    const char *text = mcp_tool_result_text(result), *at = strstr(text, "no paper");
    CHECK_SAYS(at != NULL && strcmp(at, "no paper") == 0, "%s", text);
    CHECK(mcp_tool_result_structured(result) == NULL);
    mcp_json_free(result);
    result = NULL;
    EXPECT(MCP_OK, error, mcp_call_tool(client, "add", "{\"a\":2}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result));
    mcp_json_free(result);
    /* An unknown tool is a protocol error or a tool error, depending on the framework. */
    result = NULL;
    mcp_status status = mcp_call_tool(client, "nothing", "{}", MCP_NUL_TERMINATED, NULL, &result, &error);
    if (status == MCP_OK) {
        CHECK(mcp_tool_result_is_error(result));
        CHECK(strstr(mcp_tool_result_text(result), "nothing") != NULL);
    } else {
        CHECK_INT(MCP_RPC_ERROR, status);
        CHECK_INT(-32602, mcp_error_rpc_code(error));
        CHECK(strstr(mcp_error_message(error), "nothing") != NULL);
    }
    mcp_json_free(result);
    mcp_error_free(error);
    error = NULL;
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_call_tool(client, "add", "[1]", MCP_NUL_TERMINATED, NULL, &result, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_call_tool(client, "add", "{\"a\":", MCP_NUL_TERMINATED, NULL, &result, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_call_tool(client, NULL, "{}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK(result == NULL);
}

/* _meta and headers of a call reach the tool; _meta of the result reaches the caller. */
static void meta_and_headers_are_passed_through(mcp_client *client) {
    static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    char meta[128], expected[128];
    mcp_options *options = mcp_options_new();
    snprintf(meta, sizeof meta, "{\"traceparent\":\"%s\"}", trace);
    EXPECT(MCP_OK, error, mcp_options_set_meta(options, meta, MCP_NUL_TERMINATED, &error));
    if (!on_stdio()) {
        EXPECT(MCP_OK, error, mcp_options_set_header(options, "X-Test", "of this call", &error));
    }
    snprintf(expected, sizeof expected, "%s %s", trace, on_stdio() ? "none" : "of this call");
    mcp_json *result = CALL(client, "meta", NULL, options);
    CHECK_TEXT(expected, mcp_tool_result_text(result));
    CHECK_JSON("42", mcp_json_pointer(result, "/_meta/libmcp.test~1answer"));
    mcp_json_free(result);
    mcp_options_free(options);
    CHECK_TOOL("none none", client, "meta", "{}");
}

int main(int argc, char **argv) {
    must(argc >= 5, "usage: tools PAGES VERSION http|stdio ...");
    use_server(argc - 1, argv + 1);
    mcp_client *client = connected_client();
    tools_are_listed(client, (size_t)atoi(argv[1]));
    results_are_returned(client);
    image_is_returned(client);
    failures_are_reported(client);
    if (has_tool(client, "meta")) {
        meta_and_headers_are_passed_through(client);
    }
    end_client(client);
    return check_end();
}
