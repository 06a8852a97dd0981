/* Change notifications of the test servers on real frameworks: PROGRAM WHAT VERSION ...
 *
 * WHAT lists the kinds of changes that the server reports (tools, prompts, resources), and its support for resource
 * subscriptions: "updated" if it sends updates, "refused" if it does not have resources/subscribe. "no-listening" is a
 * server that does not support listening at all.
 */
#include "protocol.h"

static mcp_error *error;

typedef struct {
    mcp_client *client;
    notes *changes, *log;
    mcp_cancel *cancel;
    uint32_t kinds;
    const char *uri;
} listener;

static void changed(void *userdata, const char *method, const mcp_json *params) {
    listener *self = userdata;
    const char *uri = mcp_json_string(mcp_json_member(params, "uri"));
    note(self->changes, "%s %s", method, uri != NULL ? uri : "-");
}

static void *listen_for_changes(void *userdata) {
    listener *self = userdata;
    const char *const uris[] = {self->uri, NULL};
    mcp_error *failure = NULL;
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, failure, mcp_options_set_cancel(options, self->cancel, &failure));
    EXPECT(MCP_CANCELLED, failure, mcp_listen(self->client, self->kinds, uris, changed, self, NULL, options, &failure));
    mcp_options_free(options);
    return NULL;
}

static listener new_listener(uint32_t kinds, const char *uri) {
    listener self = {new_client(), notes_new(), notes_new(), mcp_cancel_new(), kinds, uri};
    record_log(self.client, self.log);
    EXPECT(MCP_OK, error, mcp_connect(self.client, NULL, &error));
    return self;
}

static void end_listener(listener *self, pthread_t thread) {
    mcp_cancel_trigger(self->cancel);
    join_thread(thread);
    CHECK_TOOL("still here", self->client, "echo", "{'text':'still here'}");
    end_client(self->client);
    mcp_cancel_free(self->cancel);
    notes_free(self->changes);
    notes_free(self->log);
}

/* Lets the server make a change, and waits for the notification. Modern servers have acknowledged the subscription and
 * notify at once. A legacy server does not confirm that the event stream is open, and notifications before that are
 * lost: repeat the change until a notification arrives. */
static void trigger_change(listener *self, const char *tool, const char *arguments, const char *notification) {
    for (int times = 0; times < (modern() ? 1 : 30); times++) {
        mcp_json_free(CALL(self->client, tool, arguments, NULL));
        if (note_arrives_within(self->changes, notification, modern() ? 30000 : 500)) {
            break;
        }
    }
    AWAIT_NOTE(self->changes, notification);
}

static void list_changes_are_reported(bool tools, bool prompts, bool resources) {
    listener self = new_listener((tools ? MCP_CHANGE_TOOLS : 0) | (prompts ? MCP_CHANGE_PROMPTS : 0) |
                                     (resources ? MCP_CHANGE_RESOURCES : 0),
                                 NULL);
    pthread_t thread = start_thread(listen_for_changes, &self);
    if (modern()) {
        AWAIT_NOTE(self.log, "subscribed to {\xe2\x80\xa6");
    }
    if (tools) {
        trigger_change(&self, "change", "{'what':'tools'}", "notifications/tools/list_changed -");
    }
    if (prompts) {
        trigger_change(&self, "change", "{'what':'prompts'}", "notifications/prompts/list_changed -");
    }
    if (resources) {
        trigger_change(&self, "change", "{'what':'resources'}", "notifications/resources/list_changed -");
    }
    end_listener(&self, thread);
}

/* Changes that were not requested are not reported: only notifications about tools arrive. */
static void only_requested_changes_are_reported(void) {
    listener self = new_listener(MCP_CHANGE_TOOLS, NULL);
    pthread_t thread = start_thread(listen_for_changes, &self);
    if (modern()) {
        AWAIT_NOTE(self.log, "subscribed to {\xe2\x80\xa6");
    }
    mcp_json_free(CALL(self.client, "change", "{'what':'prompts'}", NULL));
    trigger_change(&self, "change", "{'what':'tools'}", "notifications/tools/list_changed -");
    CHECK_INT(count_notes(self.changes, "\xe2\x80\xa6"),
              count_notes(self.changes, "notifications/tools/list_changed -"));
    end_listener(&self, thread);
}

static void resource_updates_are_reported(void) {
    listener self = new_listener(0, "memo://text");
    pthread_t thread = start_thread(listen_for_changes, &self);
    if (modern()) {
        AWAIT_NOTE(self.log, "subscribed to {\xe2\x80\xa6");
    }
    mcp_json_free(CALL(self.client, "touch", "{'uri':'memo://bytes'}", NULL));
    trigger_change(&self, "touch", "{'uri':'memo://text'}", "notifications/resources/updated memo://text");
    CHECK_INT(0, count_notes(self.changes, "notifications/resources/updated memo://bytes"));
    end_listener(&self, thread);
}

static void resource_subscription_is_refused(void) {
    const char *const uris[] = {"memo://text", NULL};
    mcp_client *client = connected_client();
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_listen(client, 0, uris, changed, NULL, NULL, NULL, &error));
    CHECK_INT(-32601, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
    end_client(client);
}

static void listening_is_refused(void) {
    mcp_client *client = connected_client();
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_listen(client, MCP_CHANGE_TOOLS, NULL, changed, NULL, NULL, NULL, &error));
    CHECK_INT(modern() ? -32601 : -32000, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
    end_client(client);
}

/* Listens until the client is closed; the timeout in the options limits only the start. */
typedef struct {
    mcp_client *client;
    notes *log;
} closed_listener;

static void *listen_until_closed(void *userdata) {
    closed_listener *self = userdata;
    mcp_error *failure = NULL;
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, failure, mcp_options_set_timeout(options, 5000, &failure));
    EXPECT(MCP_CLOSED, failure,
           mcp_listen(self->client, MCP_CHANGE_TOOLS, NULL, changed, NULL, NULL, options, &failure));
    mcp_options_free(options);
    return NULL;
}

static void close_ends_listening(void) {
    closed_listener self = {new_client(), notes_new()};
    record_log(self.client, self.log);
    EXPECT(MCP_OK, error, mcp_connect(self.client, NULL, &error));
    pthread_t thread = start_thread(listen_until_closed, &self);
    if (modern()) {
        AWAIT_NOTE(self.log, "subscribed to {\xe2\x80\xa6");
    }
    CHECK_TOOL("still here", self.client, "echo", "{'text':'still here'}");
    EXPECT(MCP_OK, error, mcp_client_close(self.client, NULL, &error));
    join_thread(thread);
    mcp_client_free(self.client);
    notes_free(self.log);
}

int main(int argc, char **argv) {
    must(argc >= 5, "usage: changes WHAT VERSION http|stdio ...");
    use_server(argc - 1, argv + 1);
    bool tools = strstr(argv[1], "tools") != NULL, prompts = strstr(argv[1], "prompts") != NULL;
    if (strcmp(argv[1], "no-listening") == 0) {
        listening_is_refused();
        return check_end();
    }
    if (tools) {
        list_changes_are_reported(tools, prompts, strstr(argv[1], "resources") != NULL);
        only_requested_changes_are_reported();
        close_ends_listening();
    }
    if (strstr(argv[1], "updated") != NULL) {
        resource_updates_are_reported();
    }
    if (strstr(argv[1], "refused") != NULL) {
        resource_subscription_is_refused();
    }
    return check_end();
}
