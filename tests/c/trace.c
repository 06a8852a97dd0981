/* The trace of the messages. */
#include "check.h"
#include "support.h"

struct trace {
    char text[65536];
    size_t length;
    int calls, destroyed;
};

static void append(void *userdata, int32_t direction, const char *text, size_t length) {
    struct trace *trace = userdata;
    int written = snprintf(trace->text + trace->length, sizeof trace->text - trace->length, "%s %.*s\n",
                           direction == MCP_TRACE_SENT ? "->" : "<-", (int)length, text);
    trace->calls++;
    if (written > 0 && trace->length + (size_t)written < sizeof trace->text) {
        trace->length += (size_t)written;
    }
}

static void count_destroy(void *userdata) {
    ((struct trace *)userdata)->destroyed++;
}

static void messages_are_passed_in_their_order(void) {
    struct trace trace = {0};
    mcp_error *error = NULL;
    mcp_client *client = client_for("legacy");
    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, "2025-11-25", &error));
    EXPECT(MCP_OK, error, mcp_set_trace(client, append, &trace, count_destroy, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    const char *expected[] = {
        "-> {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"", "<- {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":",
        "-> {\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
        "-> {\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}", "<- {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}"};
    const char *at = trace.text;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        CHECK_SAYS(strncmp(at, expected[i], strlen(expected[i])) == 0, "not %s but %s", expected[i], at);
        at = strchr(at, '\n') + 1;
    }
    CHECK_INT(5, trace.calls);
    dispose(client);
    CHECK_INT(1, trace.destroyed);
}

static void secrets_are_redacted(void) {
    struct trace trace = {0};
    mcp_error *error = NULL;
    mcp_client *client = client_for("dual");
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "a-secret-token", &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", "another-secret", &error));
    EXPECT(MCP_OK, error, mcp_set_trace(client, append, &trace, NULL, &error));
    mcp_json *result = NULL;
    /* The server returns its arguments. */
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "echo", "{\"text\":\"a-secret-token, \\u0061nother-secret and more\"}",
                         MCP_NUL_TERMINATED, NULL, &result, &error));
    mcp_json_free(result);
    CHECK(strstr(trace.text, "a-secret-token") == NULL && strstr(trace.text, "nother-secret") == NULL);
    const char *sent = strstr(trace.text, "[redacted], [redacted] and more");
    CHECK(sent != NULL && strstr(sent + 1, "[redacted], [redacted] and more") != NULL);
    dispose(client);
}

/* Over HTTP+SSE, another thread than that of the call receives what the server sends back. */
static void headers_of_calls_are_redacted(void) {
    struct trace trace = {0};
    mcp_error *error = NULL;
    mcp_client *client = client_at(scenario("legacy+sse+fault=secret-echo+when=ping"));
    EXPECT(MCP_OK, error, mcp_set_transport(client, MCP_TRANSPORT_SSE, &error));
    EXPECT(MCP_OK, error, mcp_set_trace(client, append, &trace, NULL, &error));
    for (int i = 0; i < 20; i++) {
        mcp_options *options = mcp_options_new();
        char key[64];
        snprintf(key, sizeof key, "call-key-%d-abcdefghijkl", i);
        EXPECT(MCP_OK, error, mcp_options_set_header(options, "X-API-Key", key, &error));
        mcp_ping(client, options, NULL);
        mcp_options_free(options);
    }
    CHECK(strstr(trace.text, "[redacted]") != NULL);
    CHECK_SAYS(strstr(trace.text, "call-key-") == NULL, "%s", trace.text);
    dispose(client);
}

static void a_trace_can_be_replaced(void) {
    struct trace first = {0}, second = {0};
    mcp_error *error = NULL;
    mcp_client *client = client_for("dual");
    EXPECT(MCP_OK, error, mcp_set_trace(client, append, &first, count_destroy, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(2, first.calls);
    EXPECT(MCP_OK, error, mcp_set_trace(client, append, &second, count_destroy, &error));
    CHECK_INT(1, first.destroyed);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_trace(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(2, first.calls);
    CHECK_INT(2, second.calls);
    CHECK_INT(1, second.destroyed);
    dispose(client);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_trace(NULL, append, &first, count_destroy, &error));
    CHECK_INT(2, first.destroyed);
}

int main(void) {
    messages_are_passed_in_their_order();
    secrets_are_redacted();
    headers_of_calls_are_redacted();
    a_trace_can_be_replaced();
    return check_end();
}
