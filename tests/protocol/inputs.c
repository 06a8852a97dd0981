/* What the servers of ours on real frameworks ask of their client; on modern ones in rounds, on legacy ones by
 * requests.
 *
 *     PROGRAM WHAT VERSION ...
 *
 * WHAT is a list of the parts at the end, with + between.
 */
#include "protocol.h"

static mcp_error *error;

static notes *asked;
static const char *form_answer; /* NULL declines, "" cancels */

static void elicit(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_error *failure = NULL;
    const mcp_json *params = mcp_input_params(input);
    const char *message = mcp_json_string(mcp_json_member(params, "message"));
    CHECK_TEXT("elicitation/create", mcp_input_method(input));
    must(message != NULL, "a message");
    note(asked, "%s", message);
    if (strcmp(message, "Which colour?") == 0) {
        EXPECT(MCP_OK, failure, mcp_input_accept(input, "{\"colour\":\"green\"}", SIZE_MAX, &failure));
    } else if (strncmp(message, "Word ", 5) == 0) {
        char content[64];
        snprintf(content, sizeof content, "{\"word\":\"w%d\"}", atoi(message + 5));
        EXPECT(MCP_OK, failure, mcp_input_accept(input, content, SIZE_MAX, &failure));
    } else if (strcmp(message, "Log in.") == 0) {
        CHECK_TEXT("url", mcp_json_string(mcp_json_member(params, "mode")));
        CHECK_TEXT("https://example.test/login", mcp_json_string(mcp_json_member(params, "url")));
        EXPECT(MCP_OK, failure, mcp_input_accept(input, NULL, 0, &failure));
    } else {
        CHECK_TEXT("Who are you?", message);
        CHECK_TEXT("string", mcp_json_string(mcp_json_at(params, "/requestedSchema/properties/name/type")));
        CHECK_TEXT("Hello", mcp_json_string(mcp_json_at(params, "/requestedSchema/properties/greeting/default")));
        if (form_answer == NULL) {
            EXPECT(MCP_OK, failure, mcp_input_decline(input, &failure));
        } else if (*form_answer == '\0') {
            EXPECT(MCP_OK, failure, mcp_input_cancel(input, &failure));
        } else {
            EXPECT(MCP_OK, failure, mcp_input_accept(input, form_answer, SIZE_MAX, &failure));
        }
    }
}

static void sample(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_error *failure = NULL;
    const mcp_json *params = mcp_input_params(input);
    CHECK_TEXT("sampling/createMessage", mcp_input_method(input));
    CHECK_JSON("16", mcp_json_member(params, "maxTokens"));
    CHECK_TEXT("user", mcp_json_string(mcp_json_at(params, "/messages/0/role")));
    note(asked, "sample %s", mcp_json_string(mcp_json_at(params, "/messages/0/content/text")));
    EXPECT(MCP_OK, failure,
           mcp_input_respond(input,
                             "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"Old pond\"},"
                             "\"model\":\"basho-1\",\"stopReason\":\"endTurn\"}",
                             SIZE_MAX, &failure));
}

static void list_roots(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_error *failure = NULL;
    CHECK_TEXT("roots/list", mcp_input_method(input));
    note(asked, "roots");
    EXPECT(MCP_OK, failure,
           mcp_input_respond(input,
                             "{\"roots\":[{\"uri\":\"file:///srv/one\",\"name\":\"One\"},"
                             "{\"uri\":\"file:///srv/two\"}]}",
                             SIZE_MAX, &failure));
}

static mcp_client *answering_client(void) {
    mcp_client *client = new_client();
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, elicit, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_sampling(client, sample, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, list_roots, NULL, NULL, &error));
    return client;
}

static void fills_in_a_form(mcp_client *client) {
    form_answer = "{\"name\":\"Ada\",\"greeting\":\"Servus\"}";
    CHECK_TOOL("Servus, Ada!", client, "ask_name", NULL);
    form_answer = "{\"name\":\"Ada\"}"; /* the default of the form */
    CHECK_TOOL("Hello, Ada!", client, "ask_name", NULL);
    form_answer = NULL;
    CHECK_TOOL("action: decline", client, "ask_name", NULL);
    form_answer = "";
    CHECK_TOOL("action: cancel", client, "ask_name", NULL);
    CHECK_NOTES("Who are you?\nWho are you?\nWho are you?\nWho are you?", asked);
    forget_notes(asked);
}

static void asks_the_model(mcp_client *client) {
    CHECK_TOOL("Old pond", client, "ask_model", "{'prompt':'a haiku'}");
    CHECK_NOTES("sample a haiku", asked);
    forget_notes(asked);
}

static void tells_the_roots(mcp_client *client) {
    CHECK_TOOL("file:///srv/one file:///srv/two", client, "ask_roots", NULL);
    CHECK_NOTES("roots", asked);
    forget_notes(asked);
}

static void opens_an_url(mcp_client *client) {
    CHECK_TOOL("action: accept", client, "ask_url", NULL);
    CHECK_NOTES("Log in.", asked);
    forget_notes(asked);
}

/* Three in one round. */
static void answers_all(mcp_client *client) {
    CHECK_TOOL("three: green, Old pond, 2", client, "ask_all", NULL);
    CHECK_INT(1, count_notes(asked, "Which colour?"));
    CHECK_INT(1, count_notes(asked, "sample all"));
    CHECK_INT(1, count_notes(asked, "roots"));
    CHECK_INT(3, count_notes(asked, "\xe2\x80\xa6"));
    forget_notes(asked);
}

/* The state of each round comes back with the next. */
static void goes_through_rounds(mcp_client *client) {
    CHECK_TOOL("w1 w2 w3", client, "rounds", "{'count':3}");
    CHECK_NOTES("Word 1?\nWord 2?\nWord 3?", asked);
    forget_notes(asked);
    mcp_json *result = NULL;
    if (modern()) {
        EXPECT(MCP_ENDLESS, error,
               mcp_call_tool(client, "rounds", "{\"count\":100000}", SIZE_MAX, NULL, &result, &error));
        CHECK(result == NULL);
        CHECK_INT(32, count_notes(asked, "\xe2\x80\xa6"));
        forget_notes(asked);
    }
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
}

/* A state and no question: the call is made again. */
static void retries(mcp_client *client) {
    CHECK_TOOL("after 2 retries", client, "retry", "{'times':2}");
    CHECK_NOTES("", asked);
}

/* A client that cannot be asked: how the call fails is up to the server; the client goes on. */
static void cannot_be_asked(mcp_status expected, int code) {
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

/* The server asks all the same, and the library says that there is no handler. */
static void unasked_here(mcp_client *unused) {
    (void)unused;
    cannot_be_asked(MCP_INPUT_UNSUPPORTED, 0);
}

static void unasked_as_error(mcp_client *unused) {
    (void)unused;
    cannot_be_asked(MCP_RPC_ERROR, -32021);
}

static void unasked_in_result(mcp_client *unused) {
    (void)unused;
    cannot_be_asked(MCP_OK, 0);
}

static void refuse(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_error *failure = NULL;
    EXPECT(MCP_OK, failure, mcp_input_fail(input, -32603, "no terminal", &failure));
}

/* A handler that fails: on modern servers the call ends; legacy ones are told, and say it in their own ways. */
static void fails_to_answer(mcp_status expected) {
    mcp_client *client = new_client();
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, refuse, NULL, NULL, &error));
    EXPECT_KEEP(expected, error, mcp_call_tool(client, "ask_name", NULL, 0, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result) == (expected == MCP_OK));
    const char *said = expected == MCP_OK ? mcp_tool_result_text(result) : mcp_error_message(error);
    CHECK_SAYS(strstr(said, "no terminal") != NULL, "%s", said);
    CHECK_INT(expected == MCP_RPC_ERROR ? -32603 : 0, mcp_error_rpc_code(error));
    mcp_json_free(result);
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
    end_client(client);
}

static void refused_here(mcp_client *unused) {
    (void)unused;
    fails_to_answer(MCP_INPUT_FAILED);
}

static void refused_as_error(mcp_client *unused) {
    (void)unused;
    fails_to_answer(MCP_RPC_ERROR);
}

static void refused_in_result(mcp_client *unused) {
    (void)unused;
    fails_to_answer(MCP_OK);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(mcp_client *);
    } parts[] = {
        {"form", fills_in_a_form},
        {"sample", asks_the_model},
        {"roots", tells_the_roots},
        {"url", opens_an_url},
        {"all", answers_all},
        {"rounds", goes_through_rounds},
        {"retry", retries},
        {"unasked-here", unasked_here},
        {"unasked-as-error", unasked_as_error},
        {"unasked-in-result", unasked_in_result},
        {"refused-here", refused_here},
        {"refused-as-error", refused_as_error},
        {"refused-in-result", refused_in_result},
    };
    must(argc >= 5, "usage: inputs WHAT VERSION http|stdio ...");
    use_server(argc - 1, argv + 1);
    asked = notes_new();
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
    notes_free(asked);
    return check_end();
}
