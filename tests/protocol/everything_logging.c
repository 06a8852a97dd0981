/* Log messages of server-everything. It sends messages for subscriptions, and on request messages of random levels. */
#include "protocol.h"

static mcp_error *error;

static void subscribe(mcp_client *client, const char *method, const char *uri) {
    char params[128];
    mcp_json *result = NULL;
    snprintf(params, sizeof params, "{\"uri\":\"%s\"}", uri);
    EXPECT(MCP_OK, error, mcp_request(client, method, params, MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_JSON("{}", result);
    mcp_json_free(result);
}

/* Messages of the requested level and above arrive, those below it do not. */
static void level_is_respected(void) {
    notes *messages = notes_new();
    mcp_client *client = new_client();
    record_server_messages(client, messages);
    EXPECT(MCP_OK, error, mcp_request_server_log(client, "info", NULL, &error));
    subscribe(client, "resources/subscribe", "demo://one");
    AWAIT_NOTE(messages, "info - \"Received Subscribe Resource request for URI: demo://one \xe2\x80\xa6");
    EXPECT(MCP_OK, error, mcp_request_server_log(client, "notice", NULL, &error));
    clear_notes(messages);
    subscribe(client, "resources/subscribe", "demo://two");
    EXPECT(MCP_OK, error, mcp_request_server_log(client, "debug", NULL, &error));
    subscribe(client, "resources/unsubscribe", "demo://two");
    /* A message about the subscription would have arrived before this one. */
    AWAIT_NOTE(messages, "info - \"Received Unsubscribe Resource request: demo://two \xe2\x80\xa6");
    CHECK_INT(0, count_notes(messages, "info - \"Received Subscribe Resource\xe2\x80\xa6"));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_request_server_log(client, "loud", NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_request_server_log(client, NULL, NULL, &error));
    end_client(client);
    notes_free(messages);
}

/* The first message is sent at once, with a random level: with "debug" it arrives in any case. */
static void all_levels_are_received(void) {
    notes *messages = notes_new();
    mcp_client *client = new_client();
    record_server_messages(client, messages);
    EXPECT(MCP_OK, error, mcp_request_server_log(client, "debug", NULL, &error));
    CHECK_TOOL("Started simulated, random-leveled logging for session \xe2\x80\xa6", client, "toggle-simulated-logging",
               NULL);
    AWAIT_NOTE(messages, "\xe2\x80\xa6");
    static const char *const prefixes[] = {
        "debug - \"Debug-level message\xe2\x80\xa6",   "info - \"Info-level message\xe2\x80\xa6",
        "notice - \"Notice-level message\xe2\x80\xa6", "warning - \"Warning-level message\xe2\x80\xa6",
        "error - \"Error-level message\xe2\x80\xa6",   "critical - \"Critical-level message\xe2\x80\xa6",
        "alert - \"Alert level-message\xe2\x80\xa6",   "emergency - \"Emergency-level message\xe2\x80\xa6",
    };
    size_t known = 0;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        known += count_notes(messages, prefixes[i]);
    }
    CHECK_INT(count_notes(messages, "\xe2\x80\xa6"), known);
    CHECK_TOOL("Stopped simulated logging for session \xe2\x80\xa6", client, "toggle-simulated-logging", NULL);
    end_client(client);
    notes_free(messages);
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    level_is_respected();
    all_levels_are_received();
    return check_end();
}
