/* What server-everything asks of its client: forms, URLs, samples of a model, roots. */
#include "protocol.h"

static mcp_error *error;

typedef struct {
    const char *method;
    const char *params;  /* what they have to be; NULL for anything */
    const char *answer;  /* a result, or the content of an elicitation that is accepted; NULL declines */
    bool cancels, fails; /* instead of a response */
    int asked;
} handler;

static void answer(void *userdata, mcp_input *input) {
    handler *self = userdata;
    mcp_error *error = NULL;
    char *json = self->answer != NULL ? quotes(self->answer) : NULL;
    self->asked++;
    CHECK_TEXT(self->method, mcp_input_method(input));
    if (self->params != NULL) {
        CHECK_JSON(self->params, mcp_input_params(input));
    }
    bool elicited = strcmp(self->method, "elicitation/create") == 0;
    if (self->fails) {
        EXPECT(MCP_OK, error, mcp_input_fail(input, -1, "the person said no", &error));
    } else if (self->cancels) {
        EXPECT(MCP_OK, error, mcp_input_cancel(input, &error));
    } else if (!elicited) {
        EXPECT(MCP_MISUSE, error, mcp_input_decline(input, &error));
        EXPECT(MCP_INVALID_ARGUMENT, error, mcp_input_respond(input, "[]", SIZE_MAX, &error));
        EXPECT(MCP_OK, error, mcp_input_respond(input, json, SIZE_MAX, &error));
    } else if (json == NULL) {
        EXPECT(MCP_OK, error, mcp_input_decline(input, &error));
    } else {
        EXPECT(MCP_INVALID_ARGUMENT, error, mcp_input_accept(input, "7", SIZE_MAX, &error));
        EXPECT(MCP_OK, error, mcp_input_accept(input, strcmp(json, "") == 0 ? NULL : json, SIZE_MAX, &error));
    }
    free(json);
}

static handler elicitation = {"elicitation/create", NULL, NULL, false, false, 0};
static handler sampling = {"sampling/createMessage", NULL, NULL, false, false, 0};
static handler roots = {"roots/list", NULL, NULL, false, false, 0};

static mcp_client *answering_client(void) {
    mcp_client *client = new_client();
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, answer, &elicitation, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_sampling(client, answer, &sampling, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, answer, &roots, NULL, &error));
    roots.answer = "{'roots':[{'uri':'file:///srv/one','name':'One'},{'uri':'file:///srv/two'}]}";
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_roots(client, answer, &roots, NULL, &error));
    return client;
}

/* The tools follow from the capabilities: the first are there for everybody. */
static void offers_what_the_client_can(void) {
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
        roots.answer = "{'roots':[]}";
        if (cases[i].elicitation) {
            EXPECT(MCP_OK, error, mcp_set_elicitation(client, answer, &elicitation, NULL, &error));
        }
        if (cases[i].sampling) {
            EXPECT(MCP_OK, error, mcp_set_sampling(client, answer, &sampling, NULL, &error));
        }
        if (cases[i].roots) {
            EXPECT(MCP_OK, error, mcp_set_roots(client, answer, &roots, NULL, &error));
        }
        snprintf(names, sizeof names, "%s%s", common, cases[i].tools);
        EXPECT(MCP_OK, error, mcp_list_tools(client, NULL, &result, &error));
        CHECK_NAMES(names, mcp_json_member(result, "tools"), "name");
        mcp_json_free(result);
        end_client(client);
    }
}

/* The JSON behind "Raw result: " in the last text. */
static mcp_json *raw_result(const mcp_json *result) {
    const mcp_json *content = mcp_json_member(result, "content");
    const char *text = mcp_json_string(mcp_json_member(mcp_json_element(content, mcp_json_size(content) - 1), "text"));
    static const char intro[] = "\nRaw result: ";
    must(text != NULL && strncmp(text, intro, sizeof intro - 1) == 0, "a raw result");
    mcp_json *raw = mcp_json_parse(text + sizeof intro - 1, SIZE_MAX, NULL);
    must(raw != NULL, text);
    return raw;
}

static void fills_in_forms(mcp_client *client) {
    /* What is left out gets the form's defaults. */
    elicitation = (handler){"elicitation/create", NULL, "{'name':'Ada','check':true,'integer':7}", false, false, 0};
    mcp_json *result = CALL(client, "trigger-elicitation-request", NULL, NULL);
    CHECK_JSON("'\xe2\x9c\x85 User provided the requested information!'", mcp_json_at(result, "/content/0/text"));
    CHECK_JSON("'User inputs:\\n- Name: Ada\\n- Agreed to terms: true\\n- Favorite Integer: 7\\n"
               "- Favorite Number: 3.14'",
               mcp_json_at(result, "/content/1/text"));
    mcp_json *raw = raw_result(result);
    CHECK_JSON("{'action':'accept','content':{'name':'Ada','check':true,'integer':7,'number':3.14,"
               "'firstLine':'It was a dark and stormy night.','untitledSingleSelectEnum':'Monica',"
               "'untitledMultipleSelectEnum':['Guitar'],'titledSingleSelectEnum':'hero-1',"
               "'titledMultipleSelectEnum':['fish-1'],'legacyTitledEnum':'pet-1'}}",
               raw);
    mcp_json_free(raw);
    mcp_json_free(result);
    CHECK_INT(1, elicitation.asked);

    elicitation.answer = NULL;
    result = CALL(client, "trigger-elicitation-request", NULL, NULL);
    CHECK_JSON("'\xe2\x9d\x8c User declined to provide the requested information.'",
               mcp_json_at(result, "/content/0/text"));
    raw = raw_result(result);
    CHECK_JSON("{'action':'decline'}", raw);
    mcp_json_free(raw);
    mcp_json_free(result);

    elicitation.cancels = true;
    result = CALL(client, "trigger-elicitation-request", NULL, NULL);
    CHECK_JSON("'\xe2\x9a\xa0\xef\xb8\x8f User cancelled the elicitation dialog.'",
               mcp_json_at(result, "/content/0/text"));
    mcp_json_free(result);
    CHECK_INT(3, elicitation.asked);
}

static void opens_urls(mcp_client *client) {
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
               mcp_json_at(result, "/content/0/text"));
    mcp_json *raw = raw_result(result);
    CHECK_JSON("{'action':'accept'}", raw);
    mcp_json_free(raw);
    mcp_json_free(result);
    elicitation.answer = NULL;
    result = CALL(client, "trigger-url-elicitation", arguments, NULL);
    CHECK_JSON("'\xe2\x9d\x8c User declined to open the URL (Elicitation ID: e-1).'",
               mcp_json_at(result, "/content/0/text"));
    mcp_json_free(result);
}

/* The error -32042 is the caller's: what it wants is in its data; the same call then goes through. */
static void needs_an_url_first(mcp_client *client) {
    static const char arguments[] =
        "{\"url\":\"https://example.test/second\",\"elicitationId\":\"e-2\",\"errorPath\":true}";
    mcp_json *result = NULL;
    elicitation = (handler){"elicitation/create", NULL, "", false, false, 0};
    EXPECT_KEEP(MCP_RPC_ERROR, error,
                mcp_call_tool(client, "trigger-url-elicitation", arguments, SIZE_MAX, NULL, &result, &error));
    CHECK_INT(-32042, mcp_error_rpc_code(error));
    const mcp_json *wanted = mcp_json_at(mcp_error_rpc_data(error), "/elicitations/0");
    CHECK_TEXT("url", mcp_json_string(mcp_json_member(wanted, "mode")));
    CHECK_TEXT("https://modelcontextprotocol.io", mcp_json_string(mcp_json_member(wanted, "url")));
    CHECK_INT(36, strlen(mcp_json_string(mcp_json_member(wanted, "elicitationId"))));
    mcp_error_free(error);
    error = NULL;
    CHECK_INT(0, elicitation.asked);
    EXPECT(MCP_OK, error, mcp_call_tool(client, "trigger-url-elicitation", arguments, SIZE_MAX, NULL, &result, &error));
    CHECK_INT(1, elicitation.asked);
    mcp_json_free(result);
}

static void samples(mcp_client *client) {
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
    mcp_json *sample = mcp_json_parse(brace, SIZE_MAX, NULL);
    CHECK_JSON("{'role':'assistant','content':{'type':'text','text':'Old pond\\n\\u2026'},'model':'basho-1',"
               "'stopReason':'endTurn'}",
               sample);
    mcp_json_free(sample);
    mcp_json_free(result);

    sampling.fails = true;
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "trigger-sampling-request", "{\"prompt\":\"a haiku\",\"maxTokens\":17}", SIZE_MAX,
                         NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result));
    CHECK_TEXT("MCP error -1: the person said no", mcp_tool_result_text(result));
    mcp_json_free(result);
    CHECK_INT(2, sampling.asked);
}

/* The server asks for the roots once in a session, by itself or for the first call of this tool. */
static void tells_its_roots(mcp_client *client) {
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

/* Several calls that need input at the same time: each gets its own. */
static void answers_many_at_once(mcp_client *client) {
    enum { CALLERS = 4 };
    caller callers[CALLERS];
    pthread_t threads[CALLERS];
    sampling.fails = false;
    sampling.asked = 0; /* counted by several threads; not looked at */
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
    offers_what_the_client_can();
    mcp_client *client = answering_client();
    tells_its_roots(client);
    fills_in_forms(client);
    opens_urls(client);
    needs_an_url_first(client);
    samples(client);
    answers_many_at_once(client);
    end_client(client);
    return check_end();
}
