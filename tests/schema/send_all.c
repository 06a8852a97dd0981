/*
 * send_all PROGRAM [ARGS...]: starts a stdio server (server.py) and sends it all messages that a client can send. Calls
 * that the protocol version does not have fail. Outcomes are not checked, only the messages that the server records.
 */
#include <mcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void elicit(void *userdata, mcp_input *input) {
    (void)userdata;
    const mcp_json *schema = mcp_json_member(mcp_input_params(input), "requestedSchema");
    mcp_input_accept(input, schema ? "{\"name\":\"Ada\"}" : NULL, MCP_NUL_TERMINATED, NULL);
}

static void sample(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_input_respond(input,
                      "{\"role\":\"assistant\",\"model\":\"none\",\"stopReason\":\"endTurn\","
                      "\"content\":{\"type\":\"text\",\"text\":\"hello\"}}",
                      MCP_NUL_TERMINATED, NULL);
}

static void list_roots(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_input_respond(input, "{\"roots\":[{\"uri\":\"file:///srv\",\"name\":\"srv\"}]}", MCP_NUL_TERMINATED, NULL);
}

static bool cancel_at_progress(void *cancel, double progress, double total, const char *message) {
    (void)progress;
    (void)total;
    (void)message;
    mcp_cancel_trigger(cancel);
    return true;
}

static void cancel_at_change(void *cancel, const char *method, const mcp_json *params) {
    (void)method;
    (void)params;
    mcp_cancel_trigger(cancel);
}

static void print_outcome(const char *function, mcp_error *error) {
    printf("%s: %s\n", function, error ? mcp_error_message(error) : "ok");
    mcp_error_free(error);
}

/* REQUEST(list_tools, client, NULL) calls mcp_list_tools and frees its result. SEND is for functions without result. */
#define REQUEST(function, ...)                        \
    do {                                              \
        mcp_error *error = NULL;                      \
        mcp_json *result = NULL;                      \
        mcp_##function(__VA_ARGS__, &result, &error); \
        print_outcome(#function, error);              \
        mcp_json_free(result);                        \
    } while (0)
#define SEND(function, ...)                  \
    do {                                     \
        mcp_error *error = NULL;             \
        mcp_##function(__VA_ARGS__, &error); \
        print_outcome(#function, error);     \
    } while (0)

static bool is_legacy(mcp_client *client) {
    mcp_json *info = NULL;
    mcp_server_info(client, NULL, &info, NULL);
    const char *era = mcp_json_string(mcp_json_member(info, "era"));
    bool legacy = era && strcmp(era, "legacy") == 0;
    mcp_json_free(info);
    return legacy;
}

static void list_and_read(mcp_client *client, const mcp_options *options) {
    REQUEST(list_tools, client, options);
    REQUEST(list_tools_page, client, "second", options);
    REQUEST(list_resources, client, options);
    REQUEST(list_resource_templates, client, options);
    REQUEST(list_prompts, client, options);
    REQUEST(read_resource, client, "test://one", options);
    REQUEST(get_prompt, client, "greet", NULL, 0, options);
    REQUEST(get_prompt, client, "greet", "{\"name\":\"Ada\"}", MCP_NUL_TERMINATED, options);
    REQUEST(complete_prompt, client, "greet", "name", "A", "{\"place\":\"here\"}", MCP_NUL_TERMINATED, options);
    REQUEST(complete_resource, client, "test://{id}", "id", "", NULL, 0, options);
}

static void call(mcp_client *client, const mcp_options *options) {
    REQUEST(call_tool, client, "echo", NULL, 0, options);
    REQUEST(call_tool, client, "asks", "{\"a\":[1,2.5,null]}", MCP_NUL_TERMINATED, options);
    REQUEST(call_tool_as_task, client, "task", "{}", MCP_NUL_TERMINATED, options);
    REQUEST(get_task, client, "t1", options);
    REQUEST(wait_task, client, "t1", options);
    SEND(update_task, client, "t1", "{\"k\":{\"action\":\"cancel\"}}", MCP_NUL_TERMINATED, options);
    SEND(cancel_task, client, "t1", options);
    REQUEST(request, client, "x.example/question", "{\"a\":1}", MCP_NUL_TERMINATED, options);
    SEND(notify, client, "x.example/news", NULL, 0, options);
    if (is_legacy(client))
        SEND(notify, client, "notifications/roots/list_changed", NULL, 0, NULL);
    SEND(request_server_log, client, "info", options);
    REQUEST(call_tool, client, "echo", NULL, 0, NULL); /* in modern versions, this request contains the level */
}

static void cancel_requests(mcp_client *client) {
    static const char *const uris[] = {"test://one", NULL};
    mcp_options *options = mcp_options_new();
    mcp_cancel *cancel = mcp_cancel_new();
    mcp_options_set_cancel(options, cancel, NULL);
    mcp_options_set_progress(options, cancel_at_progress, cancel, NULL, NULL);
    REQUEST(call_tool, client, "never", "{}", MCP_NUL_TERMINATED, options);
    mcp_cancel_free(cancel);
    mcp_options_free(options);

    options = mcp_options_new();
    cancel = mcp_cancel_new();
    mcp_options_set_cancel(options, cancel, NULL);
    SEND(listen, client, MCP_CHANGE_TOOLS | MCP_CHANGE_PROMPTS | MCP_CHANGE_RESOURCES, uris, cancel_at_change, cancel,
         NULL, options);
    mcp_cancel_free(cancel);
    mcp_options_free(options);
}

int main(int count, char **arguments) {
    mcp_options *options = mcp_options_new();
    mcp_client *client = count > 1 ? mcp_client_new_stdio((const char *const *)arguments + 1, NULL) : NULL;
    if (!client)
        return 2;
    mcp_set_timeout(client, 20000, NULL);
    mcp_set_elicitation(client, elicit, NULL, NULL, NULL);
    mcp_set_sampling(client, sample, NULL, NULL, NULL);
    mcp_set_roots(client, list_roots, NULL, NULL, NULL);
    mcp_options_set_meta(options, "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}",
                         MCP_NUL_TERMINATED, NULL);

    SEND(ping, client, options);
    list_and_read(client, options);
    call(client, options);
    cancel_requests(client);
    SEND(client_close, client, NULL);
    mcp_client_free(client);
    mcp_options_free(options);
    return 0;
}
