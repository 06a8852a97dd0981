/* The state of a client, and the callback for its changes. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "check.h"
#include "support.h"

static mcp_error *error;

/* The states that a callback has received. */
struct states {
    pthread_mutex_t lock;
    pthread_cond_t more;
    char text[128]; /* one letter for each */
    size_t count;
    int destroyed;
};

static void record_state(void *userdata, int32_t state) {
    struct states *states = userdata;
    pthread_mutex_lock(&states->lock);
    must(states->count + 1 < sizeof states->text, "room for the states");
    states->text[states->count++] = "ncLPx"[state];
    pthread_cond_broadcast(&states->more);
    pthread_mutex_unlock(&states->lock);
}

static void count_destroy(void *userdata) {
    ((struct states *)userdata)->destroyed++;
}

/* Waits until the callback has received this number of states. Without an event, the test times out. */
static void await_states(struct states *states, size_t count) {
    pthread_mutex_lock(&states->lock);
    while (states->count < count) {
        pthread_cond_wait(&states->more, &states->lock);
    }
    pthread_mutex_unlock(&states->lock);
}

static void observe(mcp_client *client, struct states *states) {
    *states = (struct states){.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    EXPECT(MCP_OK, error, mcp_set_state_changed(client, record_state, states, count_destroy, &error));
}

static void states_follow_the_calls(void) {
    struct states states;
    mcp_client *client = client_for("dual");
    observe(client, &states);
    CHECK_INT(MCP_STATE_NOT_CONNECTED, mcp_client_state(client));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(MCP_STATE_CONNECTED, mcp_client_state(client));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    CHECK_INT(MCP_STATE_CLOSED, mcp_client_state(client));
    mcp_client_free(client);
    CHECK_TEXT("cx", states.text);
    CHECK_INT(1, states.destroyed);
}

static void a_failed_connection_is_no_change(void) {
    struct states states;
    mcp_client *client = client_for("status=503");
    observe(client, &states);
    EXPECT(MCP_UNAVAILABLE, error, mcp_ping(client, NULL, &error));
    CHECK_INT(MCP_STATE_NOT_CONNECTED, mcp_client_state(client));
    mcp_client_free(client);
    CHECK_TEXT("", states.text);
}

static void a_free_is_no_change(void) {
    struct states states;
    mcp_client *client = client_for("legacy+sse");
    EXPECT(MCP_OK, error, mcp_set_transport(client, MCP_TRANSPORT_SSE, &error));
    observe(client, &states);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    mcp_client_free(client);
    CHECK_TEXT("c", states.text);
}

static void a_callback_can_be_replaced(void) {
    struct states first, second;
    mcp_client *client = client_for("dual");
    observe(client, &first);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    observe(client, &second);
    CHECK_INT(1, first.destroyed);
    EXPECT(MCP_OK, error, mcp_set_state_changed(client, NULL, NULL, NULL, &error));
    CHECK_INT(1, second.destroyed);
    dispose(client);
    CHECK_TEXT("c", first.text);
    CHECK_TEXT("", second.text);
}

static void a_pending_change_is_delivered_when_the_queue_is_changed(void) {
    struct states states, later;
    mcp_queue *queue = mcp_queue_new(&error);
    mcp_client *client = client_for("dual");
    observe(client, &states);
    EXPECT(MCP_OK, error, mcp_set_queue(client, queue, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_TEXT("", states.text);
    EXPECT(MCP_OK, error, mcp_set_queue(client, NULL, &error));
    CHECK_TEXT("c", states.text);
    EXPECT(MCP_OK, error, mcp_set_queue(client, queue, &error));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    /* A new callback receives no change from before it. */
    observe(client, &later);
    EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, 0, &error));
    mcp_client_free(client);
    mcp_queue_free(queue);
    CHECK_TEXT("c", states.text);
    CHECK_TEXT("", later.text);
}

static void a_lost_session_is_noticed_by_the_next_call(void) {
    struct states states;
    mcp_client *client = client_for("legacy+fault=lost-session+when=ping+times=1+tag=states-lost");
    observe(client, &states);
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    CHECK_TEXT("cLcx", states.text);
}

static void the_end_of_an_event_stream_is_noticed_at_once(void) {
    struct states states;
    mcp_client *client = client_for("legacy+sse+ends=clean:after+when=ping");
    EXPECT(MCP_OK, error, mcp_set_transport(client, MCP_TRANSPORT_SSE, &error));
    observe(client, &states);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    await_states(&states, 2);
    CHECK_INT(MCP_STATE_LOST, mcp_client_state(client));
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    CHECK_INT(MCP_STATE_CONNECTED, mcp_client_state(client));
    dispose(client);
    CHECK_TEXT("cLcx", states.text);
}

/* Responds to initialize and ping. Its name is its process id. */
static const char PROCESS[] =
    "while read -r line; do case $line in *'\"id\":'*) ;; *) continue ;; esac; "
    "id=${line#*'\"id\":'}; id=${id%%,*}; echo "
    "\"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":$id,\\\"result\\\":{\\\"protocolVersion\\\":\\\"2025-11-25\\\","
    "\\\"capabilities\\\":{},\\\"serverInfo\\\":{\\\"name\\\":\\\"$$\\\",\\\"version\\\":\\\"1\\\"}}}\"; done";

static mcp_client *client_of_process(void) {
    const char *const argv[] = {"/bin/sh", "-c", PROCESS, NULL};
    mcp_client *client = mcp_client_new_stdio(argv, &error);
    must(client != NULL, mcp_error_message(error));
    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, "2025-11-25", &error));
    return client;
}

static void kill_server(mcp_client *client) {
    mcp_json *info = NULL;
    EXPECT(MCP_OK, error, mcp_server_info(client, NULL, &info, &error));
    const char *name = mcp_json_string(mcp_json_pointer(info, "/serverInfo/name"));
    must(name != NULL && atoi(name) > 1, "the process id");
    kill(atoi(name), SIGKILL);
    mcp_json_free(info);
}

static void a_killed_process_is_noticed_at_once(void) {
    struct states states;
    mcp_client *client = client_of_process();
    observe(client, &states);
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    kill_server(client);
    await_states(&states, 2);
    CHECK_INT(MCP_STATE_PROCESS_ENDED, mcp_client_state(client));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(MCP_STATE_CONNECTED, mcp_client_state(client));
    mcp_client_free(client);
    CHECK_TEXT("cPc", states.text);
    CHECK_INT(1, states.destroyed);
}

static void changes_are_delivered_in_the_queue(void) {
    struct states states;
    mcp_queue *queue = mcp_queue_new(&error);
    mcp_client *client = client_of_process();
    must(queue != NULL, "a queue");
    EXPECT(MCP_OK, error, mcp_set_queue(client, queue, &error));
    observe(client, &states);
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    CHECK_INT(MCP_STATE_CONNECTED, mcp_client_state(client));
    CHECK_TEXT("", states.text);
    kill_server(client);
    while (states.count < 2) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    CHECK_INT(MCP_STATE_PROCESS_ENDED, mcp_client_state(client));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    while (states.count < 3) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    CHECK_TEXT("cPx", states.text);
    mcp_client_free(client);
    CHECK_INT(1, states.destroyed);
    mcp_queue_free(queue);
}

static void record_closed(void *userdata, int32_t status, const mcp_json *result, const mcp_error *failure) {
    (void)result;
    (void)failure;
    CHECK_INT(MCP_OK, status);
    record_state(userdata, MCP_STATE_NOT_CONNECTED); /* as a mark */
}

static void a_queued_close_is_delivered_after_the_change(void) {
    struct states states;
    mcp_queue *queue = mcp_queue_new(&error);
    mcp_client *client = client_for("dual");
    mcp_options *options = mcp_options_new();
    must(queue != NULL, "a queue");
    EXPECT(MCP_OK, error, mcp_set_queue(client, queue, &error));
    observe(client, &states);
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_options_set_queue(options, queue, record_closed, &states, NULL, &error));
    EXPECT(MCP_PENDING, error, mcp_client_close(client, options, &error));
    while (mcp_queue_pending(queue) > 0) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    CHECK_TEXT("cxn", states.text);
    mcp_options_free(options);
    mcp_client_free(client);
    mcp_queue_free(queue);
}

/* The stream cannot be opened again. */
static void the_end_of_streams_is_noticed_at_once(void) {
    struct states states;
    int ends[2];
    char line[4096];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a socket pair");
    mcp_client *client = mcp_client_new_fds(ends[0], ends[0], "streams", &error);
    must(client != NULL, mcp_error_message(error));
    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, "2025-11-25", &error));
    observe(client, &states);
    static const char result[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\","
                                 "\"capabilities\":{},\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}}\n";
    mcp_queue *queue = mcp_queue_new(&error);
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_queue(options, queue, NULL, NULL, NULL, &error));
    EXPECT(MCP_PENDING, error, mcp_connect(client, options, &error));
    must(read(ends[1], line, sizeof line) > 0, "initialize");
    must(write(ends[1], result, sizeof result - 1) > 0, "the response");
    while (mcp_queue_pending(queue) > 0) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    CHECK_INT(MCP_STATE_CONNECTED, mcp_client_state(client));
    close(ends[1]);
    await_states(&states, 2);
    CHECK_INT(MCP_STATE_LOST, mcp_client_state(client));
    EXPECT(MCP_DISCONNECTED, error, mcp_ping(client, NULL, &error));
    CHECK_INT(MCP_STATE_LOST, mcp_client_state(client));
    mcp_options_free(options);
    mcp_queue_free(queue);
    mcp_client_free(client);
    CHECK_TEXT("cL", states.text);
}

static void close_at_once(void *userdata, int32_t state) {
    mcp_client *client = *(mcp_client **)userdata;
    if (state == MCP_STATE_CONNECTED) {
        EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    } else {
        CHECK_INT(MCP_STATE_CLOSED, state);
    }
}

static void a_callback_may_close_the_client(void) {
    mcp_client *client = client_for("legacy");
    mcp_error *failure = NULL;
    EXPECT(MCP_OK, error, mcp_set_state_changed(client, close_at_once, &client, NULL, &error));
    EXPECT(MCP_CLOSED, failure, mcp_ping(client, NULL, &failure));
    CHECK_INT(MCP_STATE_CLOSED, mcp_client_state(client));
    mcp_client_free(client);
}

int main(void) {
    states_follow_the_calls();
    a_failed_connection_is_no_change();
    a_free_is_no_change();
    a_callback_can_be_replaced();
    a_pending_change_is_delivered_when_the_queue_is_changed();
    a_lost_session_is_noticed_by_the_next_call();
    the_end_of_an_event_stream_is_noticed_at_once();
    a_killed_process_is_noticed_at_once();
    changes_are_delivered_in_the_queue();
    a_queued_close_is_delivered_after_the_change();
    the_end_of_streams_is_noticed_at_once();
    a_callback_may_close_the_client();
    return check_end();
}
