/* Log messages of the servers of ours on real frameworks: PROGRAM MANNER VERSION ...
 *
 * MANNER is how the server takes the level that is asked for: it is kept to (by-level), taken and forgotten, for the
 * server has no session (forgotten), or not taken at all (refused).
 */
#include "protocol.h"

static mcp_error *error;

/* FastMCP wraps the text in an object, with the extras of Python's logging. */
static void said(void *userdata, const mcp_json *message) {
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
    must(argc >= 5, "usage: logging by-level|forgotten|refused VERSION http|stdio ...");
    use_server(argc - 1, argv + 1);
    bool by_level = strcmp(argv[1], "by-level") == 0, refused = strcmp(argv[1], "refused") == 0;
    must(by_level || refused || strcmp(argv[1], "forgotten") == 0, argv[1]);
    notes *heard = notes_new();
    mcp_client *client = connected_client();
    EXPECT(MCP_OK, error, mcp_set_logging(client, said, heard, NULL, &error));

    /* A modern server sends nothing before it is asked to; which a legacy one may, or may not. */
    CHECK_TOOL("spoken", client, "speak", "{'text':'one'}");
    if (modern()) {
        CHECK_NOTES("", heard);
    }
    forget_notes(heard);

    /* From "warning" on. */
    static const char all[] = "debug speaker two\ninfo speaker two\nwarning speaker two\nerror speaker two";
    EXPECT_KEEP(refused ? MCP_RPC_ERROR : MCP_OK, error, mcp_set_logging_level(client, "warning", NULL, &error));
    CHECK_INT(refused ? -32601 : 0, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("spoken", client, "speak", "{'text':'two'}");
    CHECK_NOTES(by_level ? "warning speaker two\nerror speaker two" : all, heard);

    /* Without a callback they are dropped. */
    EXPECT(MCP_OK, error, mcp_set_logging(client, NULL, NULL, NULL, &error));
    forget_notes(heard);
    CHECK_TOOL("spoken", client, "speak", "{'text':'three'}");
    CHECK_NOTES("", heard);
    end_client(client);
    notes_free(heard);
    return check_end();
}
