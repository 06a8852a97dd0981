/* Server requests of server-everything: form and URL elicitation, sampling, roots. */
#include "protocol.h"

static mcp_error *error;

typedef struct {
    const char *method;
    const char *params;   /* the expected parameters; NULL: not checked */
    const char *response; /* the result, or the content with which an elicitation is accepted; NULL declines */
    bool cancels, fails;  /* instead of the response */
    int calls;
} handler;

static void respond(void *userdata, mcp_input *input) {
    handler *self = userdata;
    mcp_error *error = NULL;
    char *json = self->response != NULL ? quotes(self->response) : NULL;
    self->calls++;
    CHECK_TEXT(self->method, mcp_input_method(input));
    if (self->params != NULL) {
        CHECK_JSON(self->params, mcp_input_params(input));
    }
    bool elicited = strcmp(self->method, "elicitation/create") == 0;
    if (self->fails) {
        EXPECT(MCP_OK, error, mcp_input_fail(input, -1, "the user refused", &error));
    } else if (self->cancels) {
        EXPECT(MCP_OK, error, mcp_input_cancel(input, &error));
    } else if (!elicited) {
        EXPECT(MCP_MISUSE, error, mcp_input_decline(input, &error));
        EXPECT(MCP_INVALID_ARGUMENT, error, mcp_input_respond(input, "[]", MCP_NUL_TERMINATED, &error));
        EXPECT(MCP_OK, error, mcp_input_respond(input, json, MCP_NUL_TERMINATED, &error));
    } else if (json == NULL) {
        EXPECT(MCP_OK, error, mcp_input_decline(input, &error));
    } else {
        EXPECT(MCP_INVALID_ARGUMENT, error, mcp_input_accept(input, "7", MCP_NUL_TERMINATED, &error));
        EXPECT(MCP_OK, error, mcp_input_accept(input, strcmp(json, "") == 0 ? NULL : json, MCP_NUL_TERMINATED, &error));
    }
    free(json);
}

static handler elicitation = {"elicitation/create", NULL, NULL, false, false, 0};
static handler sampling = {"sampling/createMessage", NULL, NULL, false, false, 0};
static handler roots = {"roots/list", NULL, NULL, false, false, 0};

static mcp_client *answering_client(void) {
    mcp_client *client = new_client();
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, respond, &elicitation, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_sampling(client, respond, &sampling, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, respond, &roots, NULL, &error));
    roots.response = "{'roots':[{'uri':'file:///srv/one','name':'One'},{'uri':'file:///srv/two'}]}";
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_roots(client, respond, &roots, NULL, &error));
    return client;
}

/* The server offers some tools only to clients with certain capabilities; `common` are the other tools. */
static void tools_depend_on_client_capabilities(void) {
    static const char common[] =
        "echo get-annotated-message get-env get-resource-links get-resource-reference get-structured-content get-sum "
        "get-tiny-image gzip-file-as-resource toggle-simulated-logging toggle-subscriber-updates "
        "trigger-long-running-operation ";
    static const struct {
        bool elicitation, sampling, roots;
        const char *tools;
    } cases[] = {
        {true, false, false, "trigger-elicitation-request trigger-url-elicitation simulate-research-query"},
        {false, true, false, "trigger-sampling-request simulate-research-query"},
        {false, false, true, "get-roots-list simulate-research-query"},
        {true, true, true,
         "get-roots-list trigger-elicitation-request trigger-url-elicitation trigger-sampling-request "
         "simulate-research-query"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char names[1024];
        mcp_json *result = NULL;
        mcp_client *client = new_client();
        roots.response = "{'roots':[]}";
        if (cases[i].elicitation) {
            EXPECT(MCP_OK, error, mcp_set_elicitation(client, respond, &elicitation, NULL, &error));
        }
        if (cases[i].sampling) {
            EXPECT(MCP_OK, error, mcp_set_sampling(client, respond, &sampling, NULL, &error));
        }
        if (cases[i].roots) {
            EXPECT(MCP_OK, error, mcp_set_roots(client, respond, &roots, NULL, &error));
        }
        snprintf(names, sizeof names, "%s%s", common, cases[i].tools);
        EXPECT(MCP_OK, error, mcp_list_tools(client, NULL, &result, &error));
        CHECK_NAMES(names, mcp_json_member(result, "tools"), "name");
        mcp_json_free(result);
        end_client(client);
    }
}

/* The JSON after "Raw result: " in the last text of the result. */
static mcp_json *raw_result(const mcp_json *result) {
    const mcp_json *content = mcp_json_member(result, "content");
    const char *text = mcp_json_string(mcp_json_member(mcp_json_element(content, mcp_json_size(content) - 1), "text"));
    static const char intro[] = "\nRaw result: ";
    must(text != NULL && strncmp(text, intro, sizeof intro - 1) == 0, "a raw result");
    mcp_json *raw = mcp_json_parse(text + sizeof intro - 1, MCP_NUL_TERMINATED, NULL);
    must(raw != NULL, text);
    return raw;
}

static void forms_are_answered(mcp_client *client) {
    /* Missing members get the defaults of the form. */
    elicitation = (handler){"elicitation/create", NULL, "{'name':'Ada','check':true,'integer':7}", false, false, 0};
    mcp_json *result = CALL(client, "trigger-elicitation-request", NULL, NULL);
    CHECK_JSON("'\xe2\x9c\x85 User provided the requested information!'", mcp_json_pointer(result, "/content/0/text"));
    CHECK_JSON("'User inputs:\\n- Name: Ada\\n- Agreed to terms: true\\n- Favorite Integer: 7\\n"
               "- Favorite Number: 3.14'",
               mcp_json_pointer(result, "/content/1/text"));
    mcp_json *raw = raw_result(result);
    CHECK_JSON("{'action':'accept','content':{'name':'Ada','check':true,'integer':7,'number':3.14,"
               "'firstLine':'It was a dark and stormy night.','untitledSingleSelectEnum':'Monica',"
               "'untitledMultipleSelectEnum':['Guitar'],'titledSingleSelectEnum':'hero-1',"
               "'titledMultipleSelectEnum':['fish-1'],'legacyTitledEnum':'pet-1'}}",
               raw);
    mcp_json_free(raw);
    mcp_json_free(result);
    CHECK_INT(1, elicitation.calls);

    elicitation.response = NULL;
    result = CALL(client, "trigger-elicitation-request", NULL, NULL);
    CHECK_JSON("'\xe2\x9d\x8c User declined to provide the requested information.'",
               mcp_json_pointer(result, "/content/0/text"));
    raw = raw_result(result);
    CHECK_JSON("{'action':'decline'}", raw);
    mcp_json_free(raw);
    mcp_json_free(result);

    elicitation.cancels = true;
    result = CALL(client, "trigger-elicitation-request", NULL, NULL);
    CHECK_JSON("'\xe2\x9a\xa0\xef\xb8\x8f User cancelled the elicitation dialog.'",
               mcp_json_pointer(result, "/content/0/text"));
    mcp_json_free(result);
    CHECK_INT(3, elicitation.calls);
}

static void url_elicitation_is_answered(mcp_client *client) {
    static const char arguments[] =
        "{'url':'https://example.test/login','message':'Please log in.','elicitationId':'e-1'}";
    elicitation = (handler){"elicitation/create",
                            "{'mode':'url','url':'https://example.test/login','message':'Please log in.',"
                            "'elicitationId':'e-1'}",
                            "",
                            false,
                            false,
                            0};
    mcp_json *result = CALL(client, "trigger-url-elicitation", arguments, NULL);
    CHECK_JSON("'\xe2\x9c\x85 User completed the URL elicitation flow.\\nElicitation ID: e-1\\n"
               "URL: https://example.test/login'",
               mcp_json_pointer(result, "/content/0/text"));
    mcp_json *raw = raw_result(result);
    CHECK_JSON("{'action':'accept'}", raw);
    mcp_json_free(raw);
    mcp_json_free(result);
    elicitation.response = NULL;
    result = CALL(client, "trigger-url-elicitation", arguments, NULL);
    CHECK_JSON("'\xe2\x9d\x8c User declined to open the URL (Elicitation ID: e-1).'",
               mcp_json_pointer(result, "/content/0/text"));
    mcp_json_free(result);
}

/* Error -32042 is returned to the caller, with the required URL elicitation in its data. The same call then works. */
static void url_required_error_is_returned(mcp_client *client) {
    static const char arguments[] =
        "{\"url\":\"https://example.test/second\",\"elicitationId\":\"e-2\",\"errorPath\":true}";
    mcp_json *result = NULL;
    elicitation = (handler){"elicitation/create", NULL, "", false, false, 0};
    EXPECT_KEEP(MCP_RPC_ERROR, error,
                mcp_call_tool(client, "trigger-url-elicitation", arguments, MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_INT(-32042, mcp_error_rpc_code(error));
    const mcp_json *required = mcp_json_pointer(mcp_error_rpc_data(error), "/elicitations/0");
    CHECK_TEXT("url", mcp_json_string(mcp_json_member(required, "mode")));
    CHECK_TEXT("https://modelcontextprotocol.io", mcp_json_string(mcp_json_member(required, "url")));
    CHECK_INT(36, strlen(mcp_json_string(mcp_json_member(required, "elicitationId"))));
    mcp_error_free(error);
    error = NULL;
    CHECK_INT(0, elicitation.calls);
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "trigger-url-elicitation", arguments, MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_INT(1, elicitation.calls);
    mcp_json_free(result);
}

static void sampling_is_answered(mcp_client *client) {
    sampling = (handler){"sampling/createMessage",
                         "{'messages':[{'role':'user','content':{'type':'text',"
                         "'text':'Resource trigger-sampling-request context: a haiku'}}],"
                         "'systemPrompt':'You are a helpful test server.','maxTokens':17,'temperature':0.7}",
                         "{'role':'assistant','content':{'type':'text','text':'Old pond\\n\xe2\x80\xa6'},"
                         "'model':'basho-1','stopReason':'endTurn'}",
                         false,
                         false,
                         0};
    mcp_json *result = CALL(client, "trigger-sampling-request", "{'prompt':'a haiku','maxTokens':17}", NULL);
    const char *text = mcp_tool_result_text(result), *brace = strchr(text, '{');
    must(brace != NULL, text);
    CHECK(strncmp(text, "LLM sampling result: \n{", 23) == 0);
    mcp_json *sample = mcp_json_parse(brace, MCP_NUL_TERMINATED, NULL);
    CHECK_JSON("{'role':'assistant','content':{'type':'text','text':'Old pond\\n\\u2026'},'model':'basho-1',"
               "'stopReason':'endTurn'}",
               sample);
    mcp_json_free(sample);
    mcp_json_free(result);

    sampling.fails = true;
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "trigger-sampling-request", "{\"prompt\":\"a haiku\",\"maxTokens\":17}",
                         MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result));
    CHECK_TEXT("MCP error -1: the user refused", mcp_tool_result_text(result));
    mcp_json_free(result);
    CHECK_INT(2, sampling.calls);
}

/* The server requests the roots once in a session, after the handshake or for the first call of this tool. */
static void roots_are_listed(mcp_client *client) {
    CHECK_TOOL("Current MCP Roots (2 total):\n\n1. One\n   URI: file:///srv/one\n\n2. Unnamed Root\n   URI: "
               "file:///srv/two\n\nNote: \xe2\x80\xa6",
               client, "get-roots-list", NULL);
    CHECK_TOOL("Current MCP Roots (2 total)\xe2\x80\xa6", client, "get-roots-list", NULL);
}

typedef struct {
    mcp_client *client;
    int number;
} caller;

static void *call_with_input(void *userdata) {
    caller *self = userdata;
    for (int i = 0; i < 50; i++) {
        CHECK_TOOL("LLM sampling result: \n\xe2\x80\xa6", self->client, "trigger-sampling-request",
                   "{'prompt':'a haiku','maxTokens':17}");
    }
    return NULL;
}

/* Several calls that need input at the same time. */
static void concurrent_calls_are_answered(mcp_client *client) {
    enum { CALLERS = 4 };
    caller callers[CALLERS];
    pthread_t threads[CALLERS];
    sampling.fails = false;
    sampling.calls = 0; /* several threads increment it without a lock; it is not checked */
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller){client, i};
        threads[i] = start_thread(call_with_input, &callers[i]);
    }
    for (int i = 0; i < CALLERS; i++) {
        join_thread(threads[i]);
    }
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    tools_depend_on_client_capabilities();
    mcp_client *client = answering_client();
    roots_are_listed(client);
    forms_are_answered(client);
    url_elicitation_is_answered(client);
    url_required_error_is_returned(client);
    sampling_is_answered(client);
    concurrent_calls_are_answered(client);
    end_client(client);
    return check_end();
}
