/*
 * basics: ten things that a client does. The token is in MCP_BEARER_TOKEN.
 *
 *     basics URL
 *
 * basics.py does the same with FastMCP, and prints the same lines. Each function returns 0, or reports a failure and
 * returns 1.
 */
#include <inttypes.h>
#include <mcp.h>
#include <stdio.h>
#include <stdlib.h>

static int report(mcp_error *error) {
    fprintf(stderr, "%s\n", mcp_error_message(error));
    mcp_error_free(error);
    return 1;
}

/* The text of a JSON string; "" if it is missing. */
static const char *text(const mcp_json *json) {
    const char *string = mcp_json_string(json);
    return string ? string : "";
}

/* Prints the text of a tool's result, which describes the failure if the tool failed, and frees the result. */
static int print_result(mcp_json *result) {
    int failed = mcp_tool_result_is_error(result);
    fprintf(failed ? stderr : stdout, "%s\n", mcp_tool_result_text(result));
    mcp_json_free(result);
    return failed;
}

static int ping(mcp_client *client) {
    mcp_error *error = NULL;
    if (mcp_ping(client, NULL, &error) != MCP_OK)
        return report(error);
    puts("the server answers");
    return 0;
}

static int show_server(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *info = NULL;
    if (mcp_server_info(client, NULL, &info, &error) != MCP_OK)
        return report(error);
    const mcp_json *server = mcp_json_member(info, "serverInfo");
    printf("server: %s %s\n", text(mcp_json_member(server, "name")), text(mcp_json_member(server, "version")));
    mcp_json_free(info);
    return 0;
}

static int list_tools(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *list = NULL;
    if (mcp_list_tools(client, NULL, &list, &error) != MCP_OK)
        return report(error);
    for (const mcp_json *tool = mcp_json_first(mcp_json_member(list, "tools")); tool; tool = mcp_json_next(tool))
        printf("tool: %s\n", text(mcp_json_member(tool, "name")));
    mcp_json_free(list);
    return 0;
}

static int call_tool(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    int64_t age = 0;
    mcp_writer *arguments = mcp_writer_new();
    mcp_writer_begin_object(arguments, NULL);
    mcp_writer_string(arguments, "name", "Ada", MCP_NUL_TERMINATED);
    mcp_writer_int64(arguments, "age", 36);
    mcp_writer_end(arguments);
    mcp_call_tool(client, "person", mcp_writer_text(arguments), mcp_writer_length(arguments), NULL, &result, &error);
    mcp_writer_free(arguments);
    if (!result)
        return report(error);
    if (mcp_tool_result_is_error(result))
        return print_result(result);
    const mcp_json *person = mcp_tool_result_structured(result);
    mcp_json_int64(mcp_json_member(person, "age"), &age, NULL);
    printf("person: %s, %" PRId64 ", %zu tags\n", text(mcp_json_member(person, "name")), age,
           mcp_json_size(mcp_json_member(person, "tags")));
    mcp_json_free(result);
    return 0;
}

static int see_tool_fail(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    if (mcp_call_tool(client, "fail", "{\"why\":\"no luck\"}", MCP_NUL_TERMINATED, NULL, &result, &error) != MCP_OK)
        return report(error);
    if (mcp_tool_result_is_error(result))
        printf("the tool failed: %s\n", mcp_tool_result_text(result));
    mcp_json_free(result);
    return 0;
}

static int read_resource(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *memo = NULL;
    if (mcp_read_resource(client, "memo://text", NULL, &memo, &error) != MCP_OK)
        return report(error);
    const mcp_json *contents = mcp_json_member(memo, "contents");
    for (const mcp_json *content = mcp_json_first(contents); content; content = mcp_json_next(content))
        printf("memo: %s\n", text(mcp_json_member(content, "text")));
    mcp_json_free(memo);
    return 0;
}

static int get_prompt(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *prompt = NULL;
    if (mcp_get_prompt(client, "explain", "{\"topic\":\"Rust\"}", MCP_NUL_TERMINATED, NULL, &prompt, &error) != MCP_OK)
        return report(error);
    const mcp_json *messages = mcp_json_member(prompt, "messages");
    for (const mcp_json *message = mcp_json_first(messages); message; message = mcp_json_next(message))
        printf("%s: %s\n", text(mcp_json_member(message, "role")), text(mcp_json_pointer(message, "/content/text")));
    mcp_json_free(prompt);
    return 0;
}

static bool show(void *unused, double progress, double total, const char *message) {
    (void)unused;
    printf("progress: %g of %g, %s\n", progress, total, message ? message : "");
    return true;
}

static int watch_progress(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    mcp_options *options = mcp_options_new();
    mcp_options_set_progress(options, show, NULL, NULL, NULL);
    mcp_call_tool(client, "count", "{\"steps\":3}", MCP_NUL_TERMINATED, options, &result, &error);
    mcp_options_free(options);
    return result ? print_result(result) : report(error);
}

static void answer(void *unused, mcp_input *input) {
    (void)unused;
    printf("the server asks: %s\n", text(mcp_json_member(mcp_input_params(input), "message")));
    mcp_input_accept(input, "{\"name\":\"Ada\"}", MCP_NUL_TERMINATED, NULL);
}

static int give_input(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    if (mcp_call_tool(client, "ask_name", NULL, 0, NULL, &result, &error) != MCP_OK)
        return report(error);
    return print_result(result);
}

static int limit_time(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    mcp_options *options = mcp_options_new();
    mcp_options_set_timeout(options, 200, NULL);
    mcp_call_tool(client, "slow", "{\"seconds\":5}", MCP_NUL_TERMINATED, options, &result, &error);
    mcp_options_free(options);
    if (result)
        return print_result(result);
    if (mcp_error_status(error) != MCP_TIMEOUT)
        return report(error);
    puts("the call took too long");
    mcp_error_free(error);
    return 0;
}

int main(int argc, char **argv) {
    mcp_error *error = NULL;
    mcp_client *client;
    int failed;
    if (argc != 2) {
        fprintf(stderr, "usage: basics URL\n");
        return 2;
    }
    client = mcp_client_new(argv[1], &error);
    if (!client || mcp_set_bearer(client, getenv("MCP_BEARER_TOKEN"), &error) != MCP_OK ||
        mcp_set_elicitation(client, answer, NULL, NULL, &error) != MCP_OK) {
        mcp_client_free(client);
        return report(error);
    }
    failed = ping(client) || show_server(client) || list_tools(client) || call_tool(client) || see_tool_fail(client) ||
             read_resource(client) || get_prompt(client) || watch_progress(client) || give_input(client) ||
             limit_time(client);
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    return failed;
}
