/*
 * client: the client program for the official conformance suite. It uses only mcp.h.
 *
 *     MCP_CONFORMANCE_SCENARIO=NAME client URL
 *
 * The suite starts a server for one scenario, runs this program and checks the requests that the server received.
 * MCP_CONFORMANCE_CONTEXT is a JSON object with the scenario's parameters for the client. On success, the last line on
 * stdout is "done": the suite may also pass a scenario that ended early. oauth.c has the authorization scenarios.
 */
#define _POSIX_C_SOURCE 200809L
#include "client.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* On a timeout, the suite stops the shell that started this program, but not this program. */
enum { OWN_DEADLINE_S = 20, CALL_TIMEOUT_MS = 10000 };

mcp_error *last_error;

_Noreturn void stop(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

void must(mcp_status status, const char *what) {
    if (status != MCP_OK)
        stop(what, mcp_error_message(last_error));
}

mcp_json *scenario_context(void) {
    const char *text = getenv("MCP_CONFORMANCE_CONTEXT");
    mcp_json *context = text ? mcp_json_parse(text, MCP_NUL_TERMINATED, &last_error) : NULL;
    if (text && !context)
        stop("MCP_CONFORMANCE_CONTEXT", mcp_error_message(last_error));
    return context;
}

static const char *name_of(const mcp_json *item, const char *member) {
    const char *name = mcp_json_string(mcp_json_member(item, member));
    if (!name)
        stop(member, "an item in the server's list does not have this member");
    return name;
}

typedef mcp_status (*list_fn)(mcp_client *, const mcp_options *, mcp_json **, mcp_error **);

/* Lists all tools, resources or prompts; `kind` is the name of the array. The caller frees the document. */
static mcp_json *listed(mcp_client *client, list_fn list, const char *kind) {
    mcp_json *result = NULL;
    must(list(client, NULL, &result, &last_error), kind);
    if (mcp_json_type_of(mcp_json_member(result, kind)) != MCP_JSON_ARRAY)
        stop(kind, "the result has no such array");
    printf("%s: %zu\n", kind, mcp_json_size(mcp_json_member(result, kind)));
    return result;
}

static const mcp_json *first_of(const mcp_json *result, const char *kind) {
    const mcp_json *first = mcp_json_first(mcp_json_member(result, kind));
    if (!first)
        stop(kind, "the list is empty");
    return first;
}

static const mcp_json *tool_named(const mcp_json *tools, const char *name) {
    for (const mcp_json *tool = first_of(tools, "tools"); tool; tool = mcp_json_next(tool))
        if (strcmp(name_of(tool, "name"), name) == 0)
            return tool;
    stop(name, "there is no such tool");
}

static void call(mcp_client *client, const char *tool, const char *arguments, size_t length) {
    mcp_json *result = NULL;
    must(mcp_call_tool(client, tool, arguments, length, NULL, &result, &last_error), tool);
    if (mcp_tool_result_is_error(result))
        stop(tool, mcp_tool_result_text(result));
    printf("%s: %s\n", tool, mcp_tool_result_text(result));
    mcp_json_free(result);
}

/* --- Handlers -------------------------------------------------------------------------------------------------- */

/* Accepts with `content`. The library fills in missing members from the defaults of the schema. */
static void accept_with(void *content, mcp_input *input) {
    must(mcp_input_accept(input, content, MCP_NUL_TERMINATED, &last_error), "accept");
}

static void respond_with(void *answer, mcp_input *input) {
    must(mcp_input_respond(input, answer, MCP_NUL_TERMINATED, &last_error), mcp_input_method(input));
}

/* --- Scenarios ------------------------------------------------------------------------------------------------- */

static void initialize(mcp_client *client) {
    must(mcp_set_client_info(client, "libmcp-conformance", mcp_version(), &last_error), "client info");
    must(mcp_connect(client, NULL, &last_error), "connect");
    must(mcp_ping(client, NULL, &last_error), "ping");
    mcp_json_free(listed(client, mcp_list_tools, "tools"));
}

static void tools_call(mcp_client *client) {
    mcp_json *tools = listed(client, mcp_list_tools, "tools");
    call(client, name_of(tool_named(tools, "add_numbers"), "name"), "{\"a\":2,\"b\":3.5}", MCP_NUL_TERMINATED);
    mcp_json_free(tools);
}

static void elicitation_defaults(mcp_client *client) {
    must(mcp_set_elicitation(client, accept_with, NULL, NULL, &last_error), "elicitation");
    call(client, "test_client_elicitation_defaults", NULL, 0);
}

/* Without handlers: with them, the library opens a server stream, which the suite would take for the reconnect. */
static void sse_retry(mcp_client *client) {
    call(client, "test_reconnection", "{}", MCP_NUL_TERMINATED);
}

/* Sets every handler, because the suite checks the declared capabilities. */
static void request_metadata(mcp_client *client) {
    static char model[] =
        "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"yes\"},\"model\":\"none\"}";
    static char folders[] = "{\"roots\":[]}";
    must(mcp_set_client_info(client, "libmcp-conformance", mcp_version(), &last_error), "client info");
    must(mcp_set_elicitation(client, accept_with, NULL, NULL, &last_error), "elicitation");
    must(mcp_set_sampling(client, respond_with, model, NULL, &last_error), "sampling");
    must(mcp_set_roots(client, respond_with, folders, NULL, &last_error), "roots");
    must(mcp_ping(client, NULL, &last_error), "ping");
    mcp_json_free(listed(client, mcp_list_tools, "tools"));
    call(client, "anything", NULL, 0);
}

/* Calls another tool before it accepts: a client may send other requests while the user fills in the form. */
static void confirm(void *client, mcp_input *input) {
    static char content[] = "{\"confirmed\":true}";
    call(client, "test_mrtr_unrelated", NULL, 0);
    accept_with(content, input);
}

static void input_rounds(mcp_client *client) {
    must(mcp_set_elicitation(client, confirm, client, NULL, &last_error), "elicitation");
    mcp_json_free(listed(client, mcp_list_tools, "tools"));
    call(client, "test_mrtr_echo_state", NULL, 0);
    call(client, "test_mrtr_no_state", "{}", MCP_NUL_TERMINATED);
    call(client, "test_mrtr_unrelated", "{}", MCP_NUL_TERMINATED);
    call(client, "test_mrtr_no_result_type", "{}", MCP_NUL_TERMINATED);
}

/* Uses everything that the server lists, so that the suite sees the headers of each kind of request. */
static void standard_headers(mcp_client *client) {
    mcp_json *result = NULL;
    mcp_json *tools = listed(client, mcp_list_tools, "tools");
    for (const mcp_json *tool = first_of(tools, "tools"); tool; tool = mcp_json_next(tool))
        call(client, name_of(tool, "name"), "{}", MCP_NUL_TERMINATED);
    mcp_json *resources = listed(client, mcp_list_resources, "resources");
    for (const mcp_json *item = first_of(resources, "resources"); item; item = mcp_json_next(item)) {
        must(mcp_read_resource(client, name_of(item, "uri"), NULL, &result, &last_error), "read");
        mcp_json_free(result);
    }
    mcp_json *prompts = listed(client, mcp_list_prompts, "prompts");
    for (const mcp_json *prompt = first_of(prompts, "prompts"); prompt; prompt = mcp_json_next(prompt)) {
        must(mcp_get_prompt(client, name_of(prompt, "name"), NULL, 0, NULL, &result, &last_error), "prompt");
        mcp_json_free(result);
    }
    mcp_json_free(tools);
    mcp_json_free(resources);
    mcp_json_free(prompts);
}

/* Makes the tool calls that the context lists, with their arguments byte for byte. */
static void custom_headers(mcp_client *client) {
    mcp_json *context = scenario_context();
    mcp_json_free(listed(client, mcp_list_tools, "tools"));
    for (const mcp_json *wanted = first_of(context, "toolCalls"); wanted; wanted = mcp_json_next(wanted)) {
        size_t length = 0;
        const char *arguments = mcp_json_raw(mcp_json_member(wanted, "arguments"), &length);
        call(client, name_of(wanted, "name"), arguments, length);
    }
    mcp_json_free(context);
}

/* Calls all listed tools: the library must remove tools with invalid headers from the list. */
static void invalid_tool_headers(mcp_client *client) {
    mcp_json *tools = listed(client, mcp_list_tools, "tools");
    tool_named(tools, "valid_tool");
    for (const mcp_json *tool = first_of(tools, "tools"); tool; tool = mcp_json_next(tool))
        call(client, name_of(tool, "name"), "{\"region\":\"eu\"}", MCP_NUL_TERMINATED);
    mcp_json_free(tools);
}

/* The library must not load the URL in the schema's $ref. */
static void network_reference(mcp_client *client) {
    mcp_json *tools = listed(client, mcp_list_tools, "tools");
    tool_named(tools, "lookup_user");
    mcp_json_free(tools);
}

/* Sends the schema of a tool back to the server, byte for byte. */
static void schema_preserved(mcp_client *client) {
    mcp_json *tools = listed(client, mcp_list_tools, "tools");
    size_t length = 0;
    const char *schema =
        mcp_json_raw(mcp_json_member(tool_named(tools, "json_schema_2020_12_tool"), "inputSchema"), &length);
    size_t room = length + sizeof "{\"schema\":}";
    char *arguments = malloc(room);
    if (!schema || !arguments)
        stop("inputSchema", "the tool has no schema");
    snprintf(arguments, room, "{\"schema\":%.*s}", (int)length, schema);
    call(client, "json_schema_echo", arguments, MCP_NUL_TERMINATED);
    free(arguments);
    mcp_json_free(tools);
}

static const struct {
    const char *name;
    void (*run)(mcp_client *client);
} scenarios[] = {
    {"initialize", initialize},
    {"tools_call", tools_call},
    {"elicitation-sep1034-client-defaults", elicitation_defaults},
    {"sse-retry", sse_retry},
    {"request-metadata", request_metadata},
    {"sep-2322-client-request-state", input_rounds},
    {"http-standard-headers", standard_headers},
    {"http-custom-headers", custom_headers},
    {"http-invalid-tool-headers", invalid_tool_headers},
    {"json-schema-ref-no-deref", network_reference},
    {"json-schema-2020-12-preservation", schema_preserved},
};

static void show_log(void *unused, int32_t level, const char *message) {
    (void)unused;
    printf("log %d: %s\n", (int)level, message);
}

static bool run_scenario(const char *name, mcp_client *client) {
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            scenarios[i].run(client);
            return true;
        }
    }
    return run_oauth_scenario(name, client);
}

int main(int argc, char **argv) {
    const char *wanted = getenv("MCP_CONFORMANCE_SCENARIO");
    if (argc != 2 || !wanted)
        stop("usage", "MCP_CONFORMANCE_SCENARIO=NAME client URL");
    alarm(OWN_DEADLINE_S);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    mcp_client *client = mcp_client_new(argv[1], &last_error);
    if (!client)
        stop(argv[1], mcp_error_message(last_error));
    must(mcp_set_log(client, show_log, NULL, NULL, &last_error), "log");
    must(mcp_set_timeout(client, CALL_TIMEOUT_MS, &last_error), "timeout");
    if (!run_scenario(wanted, client))
        stop(wanted, "unknown scenario");
    must(mcp_client_close(client, NULL, &last_error), "close");
    mcp_client_free(client);
    puts("done");
    return 0;
}
