/* Input requests of the test servers on real frameworks: in rounds on modern servers, as server requests on legacy
 * servers.
 *
 *     PROGRAM PARTS VERSION ...
 *
 * PARTS lists names of the table in main(), separated by +.
 */
#include "protocol.h"

static mcp_error *error;

static notes *inputs;
static const char *form_content; /* NULL declines, "" cancels */

static void elicit(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_error *failure = NULL;
    const mcp_json *params = mcp_input_params(input);
    const char *message = mcp_json_string(mcp_json_member(params, "message"));
    CHECK_TEXT("elicitation/create", mcp_input_method(input));
    must(message != NULL, "a message");
    note(inputs, "%s", message);
    if (strcmp(message, "Which colour?") == 0) {
        EXPECT(MCP_OK, failure, mcp_input_accept(input, "{\"colour\":\"green\"}", MCP_NUL_TERMINATED, &failure));
    } else if (strncmp(message, "Word ", 5) == 0) {
        char content[64];
        snprintf(content, sizeof content, "{\"word\":\"w%d\"}", atoi(message + 5));
        EXPECT(MCP_OK, failure, mcp_input_accept(input, content, MCP_NUL_TERMINATED, &failure));
    } else if (strcmp(message, "Log in.") == 0) {
        CHECK_TEXT("url", mcp_json_string(mcp_json_member(params, "mode")));
        CHECK_TEXT("https://example.test/login", mcp_json_string(mcp_json_member(params, "url")));
        EXPECT(MCP_OK, failure, mcp_input_accept(input, NULL, 0, &failure));
    } else {
        CHECK_TEXT("Who are you?", message);
        CHECK_TEXT("string", mcp_json_string(mcp_json_pointer(params, "/requestedSchema/properties/name/type")));
        CHECK_TEXT("Hello", mcp_json_string(mcp_json_pointer(params, "/requestedSchema/properties/greeting/default")));
        if (form_content == NULL) {
            EXPECT(MCP_OK, failure, mcp_input_decline(input, &failure));
        } else if (*form_content == '\0') {
            EXPECT(MCP_OK, failure, mcp_input_cancel(input, &failure));
        } else {
            EXPECT(MCP_OK, failure, mcp_input_accept(input, form_content, MCP_NUL_TERMINATED, &failure));
        }
    }
}

static void sample(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_error *failure = NULL;
    const mcp_json *params = mcp_input_params(input);
    CHECK_TEXT("sampling/createMessage", mcp_input_method(input));
    CHECK_JSON("16", mcp_json_member(params, "maxTokens"));
    CHECK_TEXT("user", mcp_json_string(mcp_json_pointer(params, "/messages/0/role")));
    note(inputs, "sample %s", mcp_json_string(mcp_json_pointer(params, "/messages/0/content/text")));
    EXPECT(MCP_OK, failure,
           mcp_input_respond(input,
                             "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"Old pond\"},"
                             "\"model\":\"basho-1\",\"stopReason\":\"endTurn\"}",
                             MCP_NUL_TERMINATED, &failure));
}

static void list_roots(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_error *failure = NULL;
    CHECK_TEXT("roots/list", mcp_input_method(input));
    note(inputs, "roots");
    EXPECT(MCP_OK, failure,
           mcp_input_respond(input,
                             "{\"roots\":[{\"uri\":\"file:///srv/one\",\"name\":\"One\"},"
                             "{\"uri\":\"file:///srv/two\"}]}",
                             MCP_NUL_TERMINATED, &failure));
}

static mcp_client *answering_client(void) {
    mcp_client *client = new_client();
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, elicit, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_sampling(client, sample, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, list_roots, NULL, NULL, &error));
    return client;
}

static void forms_are_answered(mcp_client *client) {
    form_content = "{\"name\":\"Ada\",\"greeting\":\"Servus\"}";
    CHECK_TOOL("Servus, Ada!", client, "ask_name", NULL);
    form_content = "{\"name\":\"Ada\"}"; /* the default of the form */
    CHECK_TOOL("Hello, Ada!", client, "ask_name", NULL);
    form_content = NULL;
    CHECK_TOOL("action: decline", client, "ask_name", NULL);
    form_content = "";
    CHECK_TOOL("action: cancel", client, "ask_name", NULL);
    CHECK_NOTES("Who are you?\nWho are you?\nWho are you?\nWho are you?", inputs);
    clear_notes(inputs);
}

static void sampling_is_answered(mcp_client *client) {
    CHECK_TOOL("Old pond", client, "ask_model", "{'prompt':'a haiku'}");
    CHECK_NOTES("sample a haiku", inputs);
    clear_notes(inputs);
}

static void roots_are_listed(mcp_client *client) {
    CHECK_TOOL("file:///srv/one file:///srv/two", client, "ask_roots", NULL);
    CHECK_NOTES("roots", inputs);
    clear_notes(inputs);
}

static void url_elicitation_is_answered(mcp_client *client) {
    CHECK_TOOL("action: accept", client, "ask_url", NULL);
    CHECK_NOTES("Log in.", inputs);
    clear_notes(inputs);
}

/* The server requests three inputs in one round. */
static void three_inputs_are_answered_in_one_round(mcp_client *client) {
    CHECK_TOOL("three: green, Old pond, 2", client, "ask_all", NULL);
    CHECK_INT(1, count_notes(inputs, "Which colour?"));
    CHECK_INT(1, count_notes(inputs, "sample all"));
    CHECK_INT(1, count_notes(inputs, "roots"));
    CHECK_INT(3, count_notes(inputs, "\xe2\x80\xa6"));
    clear_notes(inputs);
}

/* The client returns the state of each round with the next request. The number of rounds is limited to 32. */
static void rounds_carry_state_and_are_limited(mcp_client *client) {
    CHECK_TOOL("w1 w2 w3", client, "rounds", "{'count':3}");
    CHECK_NOTES("Word 1?\nWord 2?\nWord 3?", inputs);
    clear_notes(inputs);
    mcp_json *result = NULL;
    if (modern()) {
        EXPECT(MCP_ENDLESS, error,
               mcp_call_tool(client, "rounds", "{\"count\":100000}", MCP_NUL_TERMINATED, NULL, &result, &error));
        CHECK(result == NULL);
        CHECK_INT(32, count_notes(inputs, "\xe2\x80\xa6"));
        clear_notes(inputs);
    }
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
}

/* A round with a state and no input request: the client repeats the call. */
static void call_is_retried_with_state(mcp_client *client) {
    CHECK_TOOL("after 2 retries", client, "retry", "{'times':2}");
    CHECK_NOTES("", inputs);
}

/* Without a handler, the call fails in the way that the server chooses; the client stays usable. */
static void call_without_handler(mcp_status expected, int code) {
    mcp_client *client = connected_client();
    mcp_json *result = NULL;
    EXPECT_KEEP(expected, error, mcp_call_tool(client, "ask_name", NULL, 0, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result) == (expected == MCP_OK));
    CHECK_INT(code, mcp_error_rpc_code(error));
    mcp_json_free(result);
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
    end_client(client);
}

/* The server requests input although the client has no such capability; the library reports the missing handler. */
static void no_handler_is_client_error(mcp_client *unused) {
    (void)unused;
    call_without_handler(MCP_INPUT_UNSUPPORTED, 0);
}

static void no_handler_is_rpc_error(mcp_client *unused) {
    (void)unused;
    call_without_handler(MCP_RPC_ERROR, -32021);
}

static void no_handler_is_tool_error(mcp_client *unused) {
    (void)unused;
    call_without_handler(MCP_OK, 0);
}

static void fail_input(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_error *failure = NULL;
    EXPECT(MCP_OK, failure, mcp_input_fail(input, -32603, "no terminal", &failure));
}

/* If the handler fails, the call ends on modern servers; legacy servers get the error and report it in various ways. */
static void call_with_failing_handler(mcp_status expected) {
    mcp_client *client = new_client();
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, fail_input, NULL, NULL, &error));
    EXPECT_KEEP(expected, error, mcp_call_tool(client, "ask_name", NULL, 0, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result) == (expected == MCP_OK));
    const char *text = expected == MCP_OK ? mcp_tool_result_text(result) : mcp_error_message(error);
    CHECK_SAYS(strstr(text, "no terminal") != NULL, "%s", text);
    CHECK_INT(expected == MCP_RPC_ERROR ? -32603 : 0, mcp_error_rpc_code(error));
    mcp_json_free(result);
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
    end_client(client);
}

static void failing_handler_is_client_error(mcp_client *unused) {
    (void)unused;
    call_with_failing_handler(MCP_INPUT_FAILED);
}

static void failing_handler_is_rpc_error(mcp_client *unused) {
    (void)unused;
    call_with_failing_handler(MCP_RPC_ERROR);
}

static void failing_handler_is_tool_error(mcp_client *unused) {
    (void)unused;
    call_with_failing_handler(MCP_OK);
}

/* A tool that requests input in the way of legacy versions. */
static void form_of_direct_tool_is_answered(mcp_client *client) {
    form_content = "{\"name\":\"Ada\"}";
    CHECK_TOOL("Hello, Ada!", client, "ask_name_directly", NULL);
    CHECK_NOTES("Who are you?", inputs);
    clear_notes(inputs);
}

/* On a modern connection, it fails: the error says which version to pin. */
static void call_of_direct_tool(mcp_client *client, mcp_status expected) {
    mcp_json *result = NULL;
    EXPECT_KEEP(expected, error, mcp_call_tool(client, "ask_name_directly", NULL, 0, NULL, &result, &error));
    CHECK(result == NULL);
    CHECK_INT(expected == MCP_RPC_ERROR ? -32600 : 0, mcp_error_rpc_code(error));
    const char *text = mcp_error_message(error);
    CHECK_SAYS(strstr(text, "pin version 2025-11-25 with mcp_set_protocol_version") != NULL, "%s", text);
    mcp_error_free(error);
    error = NULL;
    CHECK_NOTES("", inputs);
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
}

static void direct_tool_is_client_error(mcp_client *client) {
    call_of_direct_tool(client, MCP_INPUT_UNSUPPORTED);
}

static void direct_tool_is_rpc_error(mcp_client *client) {
    call_of_direct_tool(client, MCP_RPC_ERROR);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(mcp_client *);
    } parts[] = {
        {"form", forms_are_answered},
        {"sample", sampling_is_answered},
        {"roots", roots_are_listed},
        {"url", url_elicitation_is_answered},
        {"all", three_inputs_are_answered_in_one_round},
        {"rounds", rounds_carry_state_and_are_limited},
        {"retry", call_is_retried_with_state},
        {"direct", form_of_direct_tool_is_answered},
        {"no-direct", direct_tool_is_client_error},
        {"no-direct-rpc", direct_tool_is_rpc_error},
        {"no-handler-client-error", no_handler_is_client_error},
        {"no-handler-rpc-error", no_handler_is_rpc_error},
        {"no-handler-tool-error", no_handler_is_tool_error},
        {"failing-handler-client-error", failing_handler_is_client_error},
        {"failing-handler-rpc-error", failing_handler_is_rpc_error},
        {"failing-handler-tool-error", failing_handler_is_tool_error},
    };
    must(argc >= 5, "usage: inputs PARTS VERSION http|stdio ...");
    use_server(argc - 1, argv + 1);
    inputs = notes_new();
    mcp_client *client = answering_client();
    for (char *part = strtok(argv[1], "+"); part != NULL; part = strtok(NULL, "+")) {
        bool known = false;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            if (strcmp(parts[i].name, part) == 0) {
                parts[i].run(client);
                known = true;
            }
        }
        must(known, part);
    }
    end_client(client);
    notes_free(inputs);
    return check_end();
}
