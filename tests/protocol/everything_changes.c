/* Change notifications of server-everything: updates of subscribed resources, and changes of the list of resources. */
#define _POSIX_C_SOURCE 200809L

#include "protocol.h"

#include <unistd.h>

static mcp_error *error;

static const char watched[] = "demo://resource/dynamic/text/1";

typedef struct {
    mcp_client *client;
    notes *changes;
    mcp_cancel *cancel;
    mcp_status expected;
} listener;

static void changed(void *userdata, const char *method, const mcp_json *params) {
    listener *self = userdata;
    const char *uri = mcp_json_string(mcp_json_member(params, "uri"));
    /* The callback may make a call on the same client. */
    CHECK_TOOL("Echo: changed", self->client, "echo", "{'message':'changed'}");
    note(self->changes, "%s %s", method, uri != NULL ? uri : "-");
}

static void *listen_for_changes(void *userdata) {
    static const char *const uris[] = {watched, "demo://resource/dynamic/blob/2", NULL};
    listener *self = userdata;
    mcp_error *failure = NULL;
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, failure, mcp_options_set_cancel(options, self->cancel, &failure));
    EXPECT(self->expected, failure,
           mcp_listen(self->client, MCP_CHANGE_RESOURCES, uris, changed, self, NULL, options, &failure));
    mcp_options_free(options);
    return NULL;
}

/* Waits until the server logs the subscriptions. The event stream is open then. */
static void await_subscription(notes *logging) {
    AWAIT_NOTE(logging,
               "info - \"Received Subscribe Resource request for URI: demo://resource/dynamic/text/1 \xe2\x80\xa6");
    AWAIT_NOTE(logging,
               "info - \"Received Subscribe Resource request for URI: demo://resource/dynamic/blob/2 \xe2\x80\xa6");
}

static void changes_are_reported(void) {
    notes *logging = notes_new();
    mcp_client *client = new_client();
    listener self = {client, notes_new(), mcp_cancel_new(), MCP_CANCELLED};
    record_server_messages(client, logging);
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    pthread_t thread = start_thread(listen_for_changes, &self);
    await_subscription(logging);

    /* The server sends updates of the subscribed resources, at once and then every 5 s. */
    CHECK_TOOL("Started simulated resource updated notifications for session \xe2\x80\xa6", client,
               "toggle-subscriber-updates", NULL);
    AWAIT_NOTE(self.changes, "notifications/resources/updated demo://resource/dynamic/text/1");
    AWAIT_NOTE(self.changes, "notifications/resources/updated demo://resource/dynamic/blob/2");
    CHECK_TOOL("Stopped simulated resource updates for session \xe2\x80\xa6", client, "toggle-subscriber-updates",
               NULL);

    /* A new resource changes the list of resources. */
    char arguments[128];
    snprintf(arguments, sizeof arguments, "{'name':'changes-%ld.gz','data':'data:text/plain,x'}", (long)getpid());
    mcp_json_free(CALL(client, "gzip-file-as-resource", arguments, NULL));
    AWAIT_NOTE(self.changes, "notifications/resources/list_changed -");

    mcp_cancel_trigger(self.cancel);
    join_thread(thread);
    AWAIT_NOTE(logging, "info - \"Received Unsubscribe Resource request: demo://resource/dynamic/text/1 \xe2\x80\xa6");
    AWAIT_NOTE(logging, "info - \"Received Unsubscribe Resource request: demo://resource/dynamic/blob/2 \xe2\x80\xa6");
    CHECK_INT(0, count_notes(self.changes, "notifications/tools\xe2\x80\xa6"));
    end_client(client);
    mcp_cancel_free(self.cancel);
    notes_free(self.changes);
    notes_free(logging);
}

/* Closing the client ends mcp_listen with MCP_CLOSED. */
static void close_ends_listening(void) {
    notes *logging = notes_new();
    mcp_client *client = new_client();
    listener self = {client, notes_new(), mcp_cancel_new(), MCP_CLOSED};
    record_server_messages(client, logging);
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    pthread_t thread = start_thread(listen_for_changes, &self);
    await_subscription(logging);
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    join_thread(thread);
    mcp_client_free(client);
    mcp_cancel_free(self.cancel);
    notes_free(self.changes);
    notes_free(logging);
}

static void invalid_arguments_are_rejected(void) {
    mcp_client *client = connected_client();
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_listen(client, 0, NULL, changed, NULL, NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_listen(client, 1024, NULL, changed, NULL, NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_listen(client, MCP_CHANGE_TOOLS, NULL, NULL, NULL, NULL, NULL, &error));
    end_client(client);
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    invalid_arguments_are_rejected();
    changes_are_reported();
    close_ends_listening();
    return check_end();
}
