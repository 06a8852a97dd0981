/* Progress notifications of the test servers on real frameworks: PROGRAM VERSION ... */
#include "protocol.h"

static mcp_error *error;

typedef struct {
    notes *notes;
    pthread_t thread;
} watcher;

static bool progressed(void *userdata, double progress, double total, const char *message) {
    watcher *self = userdata;
    CHECK(pthread_equal(self->thread, pthread_self()));
    note(self->notes, "%g of %g: %s", progress, total, message != NULL ? message : "-");
    return true;
}

static void progress_is_reported(mcp_client *client) {
    watcher self = {notes_new(), pthread_self()};
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, progressed, &self, NULL, &error));
    CHECK_TOOL_WITH(options, "counted to 3", client, "count", "{'steps':3}");
    CHECK_NOTES("1 of 3: step 1\n2 of 3: step 2\n3 of 3: step 3", self.notes);
    clear_notes(self.notes);
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, NULL, NULL, NULL, &error));
    CHECK_TOOL_WITH(options, "counted to 3", client, "count", "{'steps':3}");
    CHECK_NOTES("", self.notes);
    mcp_options_free(options);
    notes_free(self.notes);
}

static void notified(void *userdata, const char *method, const mcp_json *params) {
    (void)params;
    note(userdata, "%s", method);
}

static void count_traced(void *userdata, int32_t direction, const char *text, size_t length) {
    (void)length;
    if (direction == MCP_TRACE_RECEIVED && strstr(text, "notifications/progress") != NULL) {
        __sync_fetch_and_add((int *)userdata, 1);
    }
}

/* The callback for all notifications gets each before the callback for progress, and the trace has it. */
static void notifications_are_passed_first(mcp_client *client) {
    watcher self = {notes_new(), pthread_self()};
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, progressed, &self, NULL, &error));
    int traced = 0;
    EXPECT(MCP_OK, error, mcp_set_notification(client, notified, self.notes, NULL, &error));
    CHECK_TOOL_WITH(options, "counted to 2", client, "count", "{'steps':2}");
    EXPECT(MCP_OK, error, mcp_set_trace(client, count_traced, &traced, NULL, &error));
    CHECK_NOTES("notifications/progress\n1 of 2: step 1\nnotifications/progress\n2 of 2: step 2", self.notes);
    EXPECT(MCP_OK, error, mcp_set_notification(client, NULL, NULL, NULL, &error));
    clear_notes(self.notes);
    CHECK_TOOL_WITH(options, "counted to 2", client, "count", "{'steps':2}");
    EXPECT(MCP_OK, error, mcp_set_trace(client, NULL, NULL, NULL, &error));
    CHECK_NOTES("1 of 2: step 1\n2 of 2: step 2", self.notes);
    CHECK_INT(2, traced);
    mcp_options_free(options);
    notes_free(self.notes);
}

/* Of a thousand notifications in a row, none is lost. */
static void many_notifications_are_reported(mcp_client *client) {
    watcher self = {notes_new(), pthread_self()};
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, progressed, &self, NULL, &error));
    CHECK_TOOL_WITH(options, "counted to 1000", client, "count", "{'steps':1000}");
    CHECK_INT(1000, count_notes(self.notes, "\xe2\x80\xa6"));
    CHECK_INT(1, count_notes(self.notes, "1000 of 1000: step 1000"));
    mcp_options_free(options);
    notes_free(self.notes);
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    mcp_client *client = connected_client();
    progress_is_reported(client);
    notifications_are_passed_first(client);
    many_notifications_are_reported(client);
    end_client(client);
    return check_end();
}
