/* Changes at the servers of ours on real frameworks: PROGRAM WHAT VERSION ...
 *
 * WHAT is a list of the lists that it tells changes of (tools, prompts, resources) and of what becomes of resources
 * that are listened for: "updated" where it tells, "refused" where it knows no resources/subscribe. "unheard" is a
 * server that one cannot listen to at all.
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
    EXPECT(MCP_CANCELLED, failure, mcp_listen(self->client, self->kinds, uris, changed, self, options, &failure));
    mcp_options_free(options);
    return NULL;
}

static listener new_listener(uint32_t kinds, const char *uri) {
    listener self = {new_client(), notes_new(), notes_new(), mcp_cancel_new(), kinds, uri};
    keep_log(self.client, self.log);
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

/* Has the server make a change, and waits for the news. On modern servers the subscription has been acknowledged: it is
 * told at once. A legacy server does not say when it has the event stream: what it tells before is lost, so ask again.
 */
static void provoke(listener *self, const char *tool, const char *arguments, const char *news) {
    for (int times = 0; times < (modern() ? 1 : 30); times++) {
        mcp_json_free(CALL(self->client, tool, arguments, NULL));
        if (noted_within(self->changes, news, modern() ? 30000 : 500)) {
            break;
        }
    }
    AWAIT_NOTE(self->changes, news);
}

static void tells_of_lists(bool tools, bool prompts, bool resources) {
    listener self = new_listener((tools ? MCP_CHANGE_TOOLS : 0) | (prompts ? MCP_CHANGE_PROMPTS : 0) |
                                     (resources ? MCP_CHANGE_RESOURCES : 0),
                                 NULL);
    pthread_t thread = start_thread(listen_for_changes, &self);
    if (modern()) {
        AWAIT_NOTE(self.log, "subscribed to {\xe2\x80\xa6");
    }
    if (tools) {
        provoke(&self, "change", "{'what':'tools'}", "notifications/tools/list_changed -");
    }
    if (prompts) {
        provoke(&self, "change", "{'what':'prompts'}", "notifications/prompts/list_changed -");
    }
    if (resources) {
        provoke(&self, "change", "{'what':'resources'}", "notifications/resources/list_changed -");
    }
    end_listener(&self, thread);
}

/* What was not asked for is not told: the change of tools comes last and is the only one. */
static void tells_what_was_asked_for(void) {
    listener self = new_listener(MCP_CHANGE_TOOLS, NULL);
    pthread_t thread = start_thread(listen_for_changes, &self);
    if (modern()) {
        AWAIT_NOTE(self.log, "subscribed to {\xe2\x80\xa6");
    }
    mcp_json_free(CALL(self.client, "change", "{'what':'prompts'}", NULL));
    provoke(&self, "change", "{'what':'tools'}", "notifications/tools/list_changed -");
    CHECK_INT(count_notes(self.changes, "\xe2\x80\xa6"),
              count_notes(self.changes, "notifications/tools/list_changed -"));
    end_listener(&self, thread);
}

static void tells_of_updates(void) {
    listener self = new_listener(0, "memo://text");
    pthread_t thread = start_thread(listen_for_changes, &self);
    if (modern()) {
        AWAIT_NOTE(self.log, "subscribed to {\xe2\x80\xa6");
    }
    mcp_json_free(CALL(self.client, "touch", "{'uri':'memo://bytes'}", NULL));
    provoke(&self, "touch", "{'uri':'memo://text'}", "notifications/resources/updated memo://text");
    CHECK_INT(0, count_notes(self.changes, "notifications/resources/updated memo://bytes"));
    end_listener(&self, thread);
}

static void refuses_updates(void) {
    const char *const uris[] = {"memo://text", NULL};
    mcp_client *client = connected_client();
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_listen(client, 0, uris, changed, NULL, NULL, &error));
    CHECK_INT(-32601, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
    end_client(client);
}

static void cannot_be_heard(void) {
    mcp_client *client = connected_client();
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_listen(client, MCP_CHANGE_TOOLS, NULL, changed, NULL, NULL, &error));
    CHECK_INT(modern() ? -32601 : -32000, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
    CHECK_TOOL("still here", client, "echo", "{'text':'still here'}");
    end_client(client);
}

/* Closing the client, and a timeout that is for the opening only. */
typedef struct {
    mcp_client *client;
    notes *log;
} closed_listener;

static void *listen_until_closed(void *userdata) {
    closed_listener *self = userdata;
    mcp_error *failure = NULL;
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, failure, mcp_options_set_timeout(options, 5000, &failure));
    EXPECT(MCP_CLOSED, failure, mcp_listen(self->client, MCP_CHANGE_TOOLS, NULL, changed, NULL, options, &failure));
    mcp_options_free(options);
    return NULL;
}

static void ends_with_the_client(void) {
    closed_listener self = {new_client(), notes_new()};
    keep_log(self.client, self.log);
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
    if (strcmp(argv[1], "unheard") == 0) {
        cannot_be_heard();
        return check_end();
    }
    if (tools) {
        tells_of_lists(tools, prompts, strstr(argv[1], "resources") != NULL);
        tells_what_was_asked_for();
        ends_with_the_client();
    }
    if (strstr(argv[1], "updated") != NULL) {
        tells_of_updates();
    }
    if (strstr(argv[1], "refused") != NULL) {
        refuses_updates();
    }
    return check_end();
}
