/* A client that continues a saved session does not negotiate again: its trace shows the requests. */
#include "protocol.h"

/* The methods of the requests and notifications that a client has sent, separated by spaces. */
static char sent[1024];

static void record(void *userdata, int32_t direction, const char *text, size_t length) {
    (void)userdata;
    mcp_json *message = direction == MCP_TRACE_SENT ? mcp_json_parse(text, length, NULL) : NULL;
    const char *method = mcp_json_string(mcp_json_member(message, "method"));
    if (method != NULL && strlen(sent) + strlen(method) + 2 < sizeof sent) {
        strcat(sent, sent[0] != '\0' ? " " : "");
        strcat(sent, method);
    }
    mcp_json_free(message);
}

static void list_tools(mcp_client *client) {
    mcp_error *error = NULL;
    mcp_json *page = NULL;
    EXPECT(MCP_OK, error, mcp_list_tools_page(client, NULL, NULL, &page, &error));
    CHECK(mcp_json_size(mcp_json_member(page, "tools")) > 0);
    mcp_json_free(page);
}

/* Lists the tools in a client that continues the session, and checks what it sends, unless `expected` is NULL. Returns
 * the session; the client is freed, so that the session remains, or closed. */
static mcp_json *continued(const char *saved, bool closes, const char *expected) {
    mcp_error *error = NULL;
    mcp_json *again = NULL;
    mcp_client *client = new_client();
    sent[0] = '\0';
    EXPECT(MCP_OK, error, mcp_set_trace(client, record, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_saved_session(client, saved, MCP_NUL_TERMINATED, &error));
    list_tools(client);
    if (expected != NULL) {
        CHECK_TEXT(expected, sent);
    }
    CHECK_INT(MCP_STATE_CONNECTED, mcp_client_state(client));
    EXPECT(MCP_OK, error, mcp_save_session(client, &again, &error));
    if (closes) {
        end_client(client);
    } else {
        mcp_client_free(client);
    }
    return again;
}

static const char *id_of(const mcp_json *saved) {
    const char *id = mcp_json_string(mcp_json_member(saved, "sessionId"));
    return id != NULL ? id : "(none)";
}

int main(int argc, char **argv) {
    must(argc >= 4, "usage: saved_session VERSION http|stdio|fds ...");
    use_server(argc, argv);
    mcp_error *error = NULL;
    mcp_json *saved = NULL;
    mcp_client *client = new_client();
    EXPECT(MCP_MISUSE, error, mcp_save_session(client, &saved, &error));
    CHECK_INT(MCP_STATE_NOT_CONNECTED, mcp_client_state(client));
    list_tools(client);
    CHECK_INT(MCP_STATE_CONNECTED, mcp_client_state(client));
    EXPECT(MCP_OK, error, mcp_save_session(client, &saved, &error));
    mcp_client_free(client);

    /* A process always negotiates, and may be probed. */
    static const char handshake[] = "initialize notifications/initialized tools/list";
    const char *expected = on_stdio() ? NULL : on_sse() ? handshake : "tools/list";
    mcp_json *again = continued(mcp_json_text(saved), false, expected);
    CHECK_TEXT(id_of(saved), id_of(again));
    mcp_json_free(again);
    again = continued(mcp_json_text(saved), true, expected);
    mcp_json_free(again);

    /* The session has ended with the close: the same request is sent in a new one. */
    if (strcmp(id_of(saved), "(none)") != 0) {
        again = continued(mcp_json_text(saved), true, "tools/list initialize notifications/initialized tools/list");
        CHECK(strcmp(id_of(saved), id_of(again)) != 0);
        mcp_json_free(again);
    }
    mcp_json_free(saved);
    return check_end();
}
