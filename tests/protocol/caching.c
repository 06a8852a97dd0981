/* Caching of results, with the server on the TypeScript SDK. It counts its requests. It declares the list of tools
 * public and the memo private, both fresh for a minute. */
#define _POSIX_C_SOURCE 200809L

#include "protocol.h"

#include <unistd.h>

static mcp_error *error;

static mcp_client *counted_client(const char *name) {
    char value[64];
    mcp_client *client = new_client();
    snprintf(value, sizeof value, "%s-%ld", name, (long)getpid());
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-Client", value, &error));
    return client;
}

static void list(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_list_tools(client, NULL, &result, &error));
    CHECK_TEXT("echo", mcp_json_string(mcp_json_pointer(result, "/tools/0/name")));
    mcp_json_free(result);
}

static void read_memo(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_read_resource(client, "memo://text", NULL, &result, &error));
    CHECK_TEXT("Dear diary", mcp_json_string(mcp_json_pointer(result, "/contents/0/text")));
    mcp_json_free(result);
}

static void nothing_is_cached_by_default(void) {
    mcp_client *client = counted_client("plain");
    for (int i = 0; i < 3; i++) {
        list(client);
        read_memo(client);
    }
    CHECK_TOOL("list 3 memo 3", client, "counts", NULL);
    end_client(client);
}

static void fresh_results_are_cached(void) {
    mcp_client *client = counted_client("cache");
    EXPECT(MCP_OK, error, mcp_set_cache(client, true, &error));
    for (int i = 0; i < 3; i++) {
        list(client);
        read_memo(client);
    }
    CHECK_TOOL("list 1 memo 1", client, "counts", NULL);
    /* Another URI is not served from the cache entry of the memo; this result has no cache hint. */
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_read_resource(client, "memo://bytes", NULL, &result, &error));
    CHECK(mcp_json_pointer(result, "/contents/0/blob") != NULL);
    mcp_json_free(result);
    /* New credentials discard private results and keep public ones. */
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "another-token", &error));
    list(client);
    read_memo(client);
    read_memo(client);
    CHECK_TOOL("list 1 memo 2", client, "counts", NULL);
    /* Disabling the cache also discards its content. */
    EXPECT(MCP_OK, error, mcp_set_cache(client, false, &error));
    list(client);
    read_memo(client);
    EXPECT(MCP_OK, error, mcp_set_cache(client, true, &error));
    list(client);
    read_memo(client);
    CHECK_TOOL("list 3 memo 4", client, "counts", NULL);
    end_client(client);
}

typedef struct {
    mcp_client *client;
    mcp_cancel *cancel;
    notes *changes, *log;
} listener;

static void changed(void *userdata, const char *method, const mcp_json *params) {
    listener *self = userdata;
    (void)params;
    note(self->changes, "%s", method);
}

static void *listen_for_changes(void *userdata) {
    static const char *const uris[] = {"memo://text", NULL};
    listener *self = userdata;
    mcp_error *failure = NULL;
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, failure, mcp_options_set_cancel(options, self->cancel, &failure));
    EXPECT(MCP_CANCELLED, failure,
           mcp_listen(self->client, MCP_CHANGE_TOOLS, uris, changed, self, NULL, options, &failure));
    mcp_options_free(options);
    return NULL;
}

/* A change notification discards the cached result that it concerns, and no other. */
static void changed_results_are_fetched_again(void) {
    listener self = {counted_client("listen"), mcp_cancel_new(), notes_new(), notes_new()};
    record_log(self.client, self.log);
    EXPECT(MCP_OK, error, mcp_set_cache(self.client, true, &error));
    list(self.client);
    read_memo(self.client);
    pthread_t thread = start_thread(listen_for_changes, &self);
    AWAIT_NOTE(self.log, "subscribed to {\xe2\x80\xa6");
    CHECK_TOOL("changed", self.client, "change", "{'what':'tools'}");
    AWAIT_NOTE(self.changes, "notifications/tools/list_changed");
    list(self.client);
    read_memo(self.client);
    CHECK_TOOL("list 2 memo 1", self.client, "counts", NULL);
    CHECK_TOOL("touched", self.client, "touch", "{'uri':'memo://text'}");
    AWAIT_NOTE(self.changes, "notifications/resources/updated");
    list(self.client);
    read_memo(self.client);
    read_memo(self.client);
    CHECK_TOOL("list 2 memo 2", self.client, "counts", NULL);
    mcp_cancel_trigger(self.cancel);
    join_thread(thread);
    end_client(self.client);
    mcp_cancel_free(self.cancel);
    notes_free(self.changes);
    notes_free(self.log);
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    nothing_is_cached_by_default();
    fresh_results_are_cached();
    changed_results_are_fetched_again();
    return check_end();
}
