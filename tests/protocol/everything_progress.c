/* Progress of the long-running operation of server-everything, and its end by cancellation and timeout. */
#include "protocol.h"

static mcp_error *error;

typedef struct {
    int count, destroyed;
    double last;
    pthread_t thread;
    mcp_cancel *cancel; /* triggered by the second notification */
} watcher;

static bool progressed(void *userdata, double progress, double total, const char *message) {
    watcher *self = userdata;
    self->count++;
    CHECK(progress == self->last + 1);
    self->last = progress;
    CHECK(total == 4);
    CHECK(message == NULL);
    CHECK(pthread_equal(self->thread, pthread_self()));
    if (self->count == 2) {
        mcp_cancel_trigger(self->cancel);
    }
    return true;
}

static void destroyed(void *userdata) {
    ((watcher *)userdata)->destroyed++;
}

static void progress_is_reported(mcp_client *client) {
    watcher self = {0, 0, 0, pthread_self(), NULL};
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, progressed, &self, destroyed, &error));
    CHECK_TOOL_WITH(options, "Long running operation completed. Duration: 0.4 seconds, Steps: 4.", client,
                    "trigger-long-running-operation", "{'duration':0.4,'steps':4}");
    CHECK_INT(4, self.count);
    self = (watcher){0, 0, 0, pthread_self(), NULL}; /* options may be used for several calls */
    CHECK_TOOL_WITH(options, "Long running operation completed. Duration: 0.1 seconds, Steps: 4.", client,
                    "trigger-long-running-operation", "{'duration':0.1,'steps':4}");
    CHECK_INT(4, self.count);
    CHECK_INT(0, self.destroyed);
    mcp_options_free(options);
    CHECK_INT(1, self.destroyed);
    CHECK_TOOL("Long running operation completed. Duration: 0.1 seconds, Steps: 2.", client,
               "trigger-long-running-operation", "{'duration':0.1,'steps':2}");
}

/* After the cancellation, the client can make the next call. */
static void call_is_cancelled(mcp_client *client) {
    mcp_cancel *cancel = mcp_cancel_new();
    watcher self = {0, 0, 0, pthread_self(), cancel};
    mcp_options *options = mcp_options_new();
    mcp_json *result = NULL;
    double start = now_ms();
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, progressed, &self, destroyed, &error));
    EXPECT(MCP_OK, error, mcp_options_set_cancel(options, cancel, &error));
    EXPECT(MCP_CANCELLED, error,
           mcp_call_tool(client, "trigger-long-running-operation", "{\"duration\":0.4,\"steps\":4}", MCP_NUL_TERMINATED,
                         options, &result, &error));
    CHECK(result == NULL);
    CHECK_INT(2, self.count);
    CHECK_SAYS(now_ms() - start < 5000, "%.0f ms", now_ms() - start);
    CHECK_TOOL("Echo: still here", client, "echo", "{'message':'still here'}");
    mcp_options_free(options);
    mcp_cancel_free(cancel);
}

static void call_times_out(mcp_client *client) {
    mcp_options *options = mcp_options_new();
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 200, &error));
    EXPECT(MCP_TIMEOUT, error,
           mcp_call_tool(client, "trigger-long-running-operation", "{\"duration\":30,\"steps\":2}", MCP_NUL_TERMINATED,
                         options, &result, &error));
    CHECK_TOOL("Echo: still here", client, "echo", "{'message':'still here'}");
    mcp_options_free(options);
}

static void *run_operation(void *client) {
    watcher self = {0, 0, 0, pthread_self(), NULL};
    mcp_options *options = mcp_options_new();
    mcp_error *failure = NULL;
    EXPECT(MCP_OK, failure, mcp_options_set_progress(options, progressed, &self, NULL, &failure));
    CHECK_TOOL_WITH(options, "Long running operation completed. Duration: 0.4 seconds, Steps: 4.", client,
                    "trigger-long-running-operation", "{'duration':0.4,'steps':4}");
    CHECK_INT(4, self.count);
    mcp_options_free(options);
    return NULL;
}

/* Each of several concurrent calls gets its progress notifications, on its thread. */
static void concurrent_calls_get_separate_progress(mcp_client *client) {
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        threads[i] = start_thread(run_operation, client);
    }
    for (size_t i = 0; i < 4; i++) {
        join_thread(threads[i]);
    }
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    mcp_client *client = connected_client();
    progress_is_reported(client);
    call_is_cancelled(client);
    call_times_out(client);
    concurrent_calls_get_separate_progress(client);
    end_client(client);
    return check_end();
}
