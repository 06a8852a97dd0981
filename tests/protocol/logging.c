/* Log messages of the test servers on real frameworks: PROGRAM LEVELS VERSION ...
 *
 * LEVELS is how the server handles logging/setLevel: it filters by level (by-level), it accepts the level and ignores
 * it, because it has no session (ignored), or it does not support the request (refused).
 */
#include "protocol.h"

static mcp_error *error;

/* FastMCP wraps the text in an object, together with the `extra` fields of Python's logging. */
static void logged(void *userdata, const mcp_json *message) {
    const mcp_json *data = mcp_json_member(message, "data");
    const char *text = mcp_json_string(data);
    if (text == NULL) {
        text = mcp_json_string(mcp_json_member(data, "msg"));
    }
    const char *level = mcp_json_string(mcp_json_member(message, "level"));
    const char *logger = mcp_json_string(mcp_json_member(message, "logger"));
    note(userdata, "%s %s %s", level != NULL ? level : "-", logger != NULL ? logger : "-", text != NULL ? text : "-");
}

int main(int argc, char **argv) {
    must(argc >= 5, "usage: logging by-level|ignored|refused VERSION http|stdio ...");
    use_server(argc - 1, argv + 1);
    bool by_level = strcmp(argv[1], "by-level") == 0, refused = strcmp(argv[1], "refused") == 0;
    must(by_level || refused || strcmp(argv[1], "ignored") == 0, argv[1]);
    notes *messages = notes_new();
    mcp_client *client = connected_client();
    EXPECT(MCP_OK, error, mcp_set_server_log(client, logged, messages, NULL, &error));

    /* A modern server sends no messages before a level is set; a legacy server may. */
    CHECK_TOOL("spoken", client, "speak", "{'text':'one'}");
    if (modern()) {
        CHECK_NOTES("", messages);
    }
    clear_notes(messages);

    /* Level "warning" and above. */
    static const char all[] = "debug speaker two\ninfo speaker two\nwarning speaker two\nerror speaker two";
    EXPECT_KEEP(refused ? MCP_RPC_ERROR : MCP_OK, error, mcp_request_server_log(client, "warning", NULL, &error));
    CHECK_INT(refused ? -32601 : 0, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("spoken", client, "speak", "{'text':'two'}");
    CHECK_NOTES(by_level ? "warning speaker two\nerror speaker two" : all, messages);

    /* Without a callback, messages are dropped. */
    EXPECT(MCP_OK, error, mcp_set_server_log(client, NULL, NULL, NULL, &error));
    clear_notes(messages);
    CHECK_TOOL("spoken", client, "speak", "{'text':'three'}");
    CHECK_NOTES("", messages);
    end_client(client);
    notes_free(messages);
    return check_end();
}
