/* Cancel tokens: they end a blocked call soon in each phase, and the client remains usable. */
#define _XOPEN_SOURCE 700

#include "check.h"
#include "support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A cancelled call should end within 50 ms; the bound allows for a busy machine. */
enum { BOUND_MS = 1000 };

/* The request to wait for before the cancellation: the `count`-th of a method, under a tag of the server's log. That
 * the call's thread is blocked in poll is not enough: on a busy machine it may still be waiting for an earlier
 * response. */
struct awaited_request {
    const char *tag, *method;
    size_t count;
};

static void await_request(const struct awaited_request *awaited) {
    if (awaited->tag != NULL) {
        await_requests(awaited->tag, awaited->method, awaited->count);
    }
    await_polling(1);
}

struct trigger {
    const struct awaited_request *awaited;
    mcp_cancel *cancel;
    double at;
    struct delays before;
};

static void *trigger_cancel(void *argument) {
    struct trigger *trigger = argument;
    await_request(trigger->awaited);
    note_delays(&trigger->before);
    trigger->at = now_ms();
    mcp_cancel_trigger(trigger->cancel);
    return NULL;
}

/* Cancels a ping that waits for a response, and prints and checks how long it took to end. */
static void cancel_ping(const char *phase, mcp_client *client, struct awaited_request awaited) {
    struct trigger trigger = {.awaited = &awaited, .cancel = mcp_cancel_new()};
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    pthread_t thread;
    double end, allowed;

    CHECK_INT(MCP_OK, mcp_options_set_cancel(options, trigger.cancel, NULL));
    thread = start_thread(trigger_cancel, &trigger);
    EXPECT(MCP_CANCELLED, error, mcp_ping(client, options, &error));
    end = now_ms();
    join_thread(thread);
    allowed = allowed_ms(BOUND_MS, &trigger.before);
    printf("%-22s ended %8.0f us after the trigger\n", phase, (end - trigger.at) * 1e3);
    CHECK_SAYS(end - trigger.at < allowed, "%s: %.0f of %.0f ms", phase, end - trigger.at, allowed);
    mcp_options_free(options);
    mcp_cancel_free(trigger.cancel);
}

/* The server has its fault once, at the first request of that method; the client must work again afterwards. */
static void waiting_calls_are_cancelled(const char *name, const char *options, const char *method) {
    static unsigned number;
    char tag[32], tagged[128];
    mcp_client *client;
    mcp_error *error = NULL;
    snprintf(tag, sizeof tag, "cancel-phase-%u", number++);
    snprintf(tagged, sizeof tagged, "%s+tag=%s", options, tag);
    client = client_for(tagged);
    cancel_ping(name, client, (struct awaited_request){tag, method, 1});
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

/* Connecting blocks, because the listen queue is full. */
static void connecting_calls_are_cancelled(void) {
    enum { FILLERS = 64 };
    struct sockaddr_in address;
    uint16_t port;
    int listener = listen_on(&port, 0), fillers[FILLERS];
    char url[64];
    mcp_client *client;
    size_t i;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    for (i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM, 0);
        must(fillers[i] >= 0, "socket");
        fcntl(fillers[i], F_SETFL, O_NONBLOCK);
        connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u/mcp", (unsigned)port);
    client = client_at(url);
    cancel_ping("connect", client, (struct awaited_request){NULL, NULL, 0});
    mcp_client_free(client);
    for (i = 0; i < FILLERS; i++) {
        close(fillers[i]);
    }
    close(listener);
}

/* The log of `tag`, once the server has read a request of that method: the client sends it on a separate connection and
 * does not wait for a response. */
static mcp_json *log_with(const char *tag, const char *method) {
    mcp_json *log = server_log(tag);
    int tries;

    for (tries = 0; tries < 1000 && count_requests(log, method) == 0; tries++) {
        mcp_json_free(log);
        log = server_log(tag);
    }
    return log;
}

/* Whether the server has seen the connection of the first request with this method close. */
static bool first_connection_is_closed(const mcp_json *log, const char *rpc_method) {
    const mcp_json *request;
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *method = mcp_json_string(mcp_json_member(request, "rpc_method"));
        if (method != NULL && strcmp(method, rpc_method) == 0) {
            return mcp_json_type_of(mcp_json_member(request, "closed_ms")) == MCP_JSON_NUMBER;
        }
    }
    return false;
}

/* A legacy server gets notifications/cancelled with the request's id; a modern one sees the connection close. */
static void servers_learn_of_the_cancellation(void) {
    mcp_client *client = client_for("legacy+fault=silent+when=ping+times=1+tag=cancel-notified");
    mcp_json *log;
    const mcp_json *request, *ping = NULL, *cancelled = NULL;

    CHECK_INT(MCP_OK, mcp_connect(client, NULL, NULL));
    cancel_ping("notified, legacy", client, (struct awaited_request){"cancel-notified", "ping", 1});
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    dispose(client);
    /* ctest's timeout ends this loop if the server never sees the stream close */
    while (log = log_with("cancel-notified", "notifications/cancelled"), !first_connection_is_closed(log, "ping")) {
        mcp_json_free(log);
    }
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *method = mcp_json_string(mcp_json_member(request, "rpc_method"));
        if (method != NULL && strcmp(method, "ping") == 0 && ping == NULL) {
            ping = request;
        } else if (method != NULL && strcmp(method, "notifications/cancelled") == 0) {
            cancelled = request;
        }
    }
    CHECK_INT(1, count_requests(log, "notifications/cancelled"));
    if (ping != NULL && cancelled != NULL) {
        mcp_json *sent = mcp_json_parse(mcp_json_string(mcp_json_member(ping, "body")), MCP_NUL_TERMINATED, NULL);
        mcp_json *after = mcp_json_parse(mcp_json_string(mcp_json_member(cancelled, "body")), MCP_NUL_TERMINATED, NULL);
        int64_t id = -1, of = -2;
        mcp_json_int64(mcp_json_member(sent, "id"), &id, NULL);
        mcp_json_int64(mcp_json_pointer(after, "/params/requestId"), &of, NULL);
        CHECK_INT(id, of);
        CHECK(header_of(cancelled, "mcp-session-id") != NULL);
        CHECK_INT(MCP_JSON_NUMBER,
                  mcp_json_type_of(mcp_json_member(ping, "closed_ms"))); /* the stream was closed too */
        mcp_json_free(sent);
        mcp_json_free(after);
    }
    mcp_json_free(log);

    client = client_for("modern+fault=silent+when=server/discover+after=1+times=1+tag=cancel-modern");
    CHECK_INT(MCP_OK, mcp_connect(client, NULL, NULL));
    cancel_ping("notified, modern", client, (struct awaited_request){"cancel-modern", "server/discover", 2});
    dispose(client);
    /* ctest's timeout ends this loop if the server never sees the connection close */
    while (log = server_log("cancel-modern"), mcp_json_pointer(log, "/1/closed_ms") == NULL) {
        mcp_json_free(log);
        sleep_ms(1);
    }
    CHECK_INT(2, mcp_json_size(log));
    mcp_json_free(log);
}

static void triggered_tokens_prevent_requests(void) {
    mcp_client *client = client_for("dual+tag=cancel-before");
    mcp_options *options = mcp_options_new();
    mcp_cancel *cancel = mcp_cancel_new();
    mcp_error *error = NULL;
    mcp_json *log, *info = NULL;

    mcp_cancel_trigger(cancel);
    mcp_cancel_trigger(cancel); /* a second trigger has no effect */
    CHECK_INT(MCP_OK, mcp_options_set_cancel(options, cancel, NULL));
    mcp_cancel_free(cancel); /* the options keep a reference */
    EXPECT(MCP_CANCELLED, error, mcp_ping(client, options, &error));
    EXPECT(MCP_CANCELLED, error, mcp_connect(client, options, &error));
    EXPECT(MCP_CANCELLED, error, mcp_server_info(client, options, &info, &error));
    log = server_log("cancel-before");
    CHECK_INT(0, mcp_json_size(log)); /* nothing was sent */
    mcp_json_free(log);

    CHECK_INT(MCP_OK, mcp_options_set_cancel(options, NULL, NULL));
    EXPECT(MCP_OK, error, mcp_ping(client, options, &error));
    mcp_options_free(options);
    dispose(client);
}

struct call {
    mcp_client *client;
    const mcp_options *options;
    mcp_status status;
};

static void *ping(void *argument) {
    struct call *call = argument;
    call->status = mcp_ping(call->client, call->options, NULL);
    return NULL;
}

/* Many calls share a token: one trigger ends them all. */
static void one_token_cancels_many_calls(void) {
    mcp_client *client = client_for("legacy+fault=silent+when=ping+tag=cancel-many");
    mcp_options *options = mcp_options_new();
    mcp_cancel *cancel = mcp_cancel_new();
    struct call calls[8];
    pthread_t threads[8];
    size_t i;

    CHECK_INT(MCP_OK, mcp_options_set_cancel(options, cancel, NULL));
    for (i = 0; i < 8; i++) {
        calls[i].client = client;
        calls[i].options = options;
        threads[i] = start_thread(ping, &calls[i]);
    }
    await_requests("cancel-many", "ping", 8);
    await_polling(8);
    mcp_cancel_trigger(cancel);
    for (i = 0; i < 8; i++) {
        join_thread(threads[i]);
        CHECK_INT(MCP_CANCELLED, calls[i].status);
    }
    mcp_cancel_free(cancel);
    mcp_options_free(options);
    dispose(client);
}

/* A token ends only the calls that use it. */
static void other_calls_continue(void) {
    mcp_client *client = client_for("legacy+fault=late+when=ping");
    struct call other = {client, NULL, MCP_INTERNAL};
    pthread_t thread;
    CHECK_INT(MCP_OK, mcp_connect(client, NULL, NULL));
    thread = start_thread(ping, &other);
    {
        mcp_options *options = mcp_options_new();
        mcp_cancel *cancel = mcp_cancel_new();
        CHECK_INT(MCP_OK, mcp_options_set_cancel(options, cancel, NULL));
        mcp_cancel_trigger(cancel);
        CHECK_INT(MCP_CANCELLED, mcp_ping(client, options, NULL));
        mcp_options_free(options);
        mcp_cancel_free(cancel);
    }
    join_thread(thread);
    CHECK_INT(MCP_OK, other.status);
    dispose(client);
}

static mcp_cancel *volatile handler_cancel;
static volatile sig_atomic_t handled;

static void on_alarm(int signal) {
    (void)signal;
    handled = 1;
    mcp_cancel_trigger(handler_cancel);
}

struct signalled {
    pthread_t thread;
    double at;
    struct delays before;
};

static void *send_alarm(void *argument) {
    struct signalled *call = argument;
    await_request(&(struct awaited_request){"cancel-signal", "ping", 1});
    note_delays(&call->before);
    call->at = now_ms();
    pthread_kill(call->thread, SIGALRM);
    return NULL;
}

static void signal_handlers_may_trigger(void) {
    mcp_client *client = client_for("legacy+fault=silent+when=ping+times=1+tag=cancel-signal");
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    struct sigaction action;
    struct signalled call = {.thread = pthread_self()};
    pthread_t thread;
    double ended;

    handler_cancel = mcp_cancel_new();
    CHECK_INT(MCP_OK, mcp_options_set_cancel(options, handler_cancel, NULL));
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm; /* without SA_RESTART: system calls end with EINTR */
    sigaction(SIGALRM, &action, NULL);
    thread = start_thread(send_alarm, &call);
    EXPECT(MCP_CANCELLED, error, mcp_ping(client, options, &error));
    ended = now_ms();
    join_thread(thread);
    printf("%-22s ended %8.0f us after the trigger\n", "signal handler", (ended - call.at) * 1e3);
    CHECK(handled);
    CHECK(ended - call.at < allowed_ms(BOUND_MS, &call.before));
    /* After a reset, the token can be used again. */
    CHECK(mcp_cancel_is_triggered(handler_cancel));
    EXPECT(MCP_CANCELLED, error, mcp_ping(client, options, &error));
    mcp_cancel_reset(handler_cancel);
    CHECK(!mcp_cancel_is_triggered(handler_cancel));
    EXPECT(MCP_OK, error, mcp_ping(client, options, &error));
    raise(SIGALRM);
    CHECK(mcp_cancel_is_triggered(handler_cancel));
    EXPECT(MCP_CANCELLED, error, mcp_ping(client, options, &error));
    mcp_cancel_free(handler_cancel);
    mcp_options_free(options);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

static int lowest_free_descriptor(void) {
    int descriptor = dup(STDERR_FILENO);
    close(descriptor);
    return descriptor;
}

static void tokens_have_no_descriptor_until_a_call_waits(void) {
    mcp_client *client = client_for("legacy+fault=late+when=ping");
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    mcp_cancel *cancels[3];
    int before, i;
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    before = lowest_free_descriptor();
    for (i = 0; i < 3; i++) {
        cancels[i] = mcp_cancel_new();
        mcp_cancel_trigger(cancels[i]);
        mcp_cancel_reset(cancels[i]);
        CHECK_INT(MCP_OK, mcp_options_set_cancel(options, cancels[i], NULL));
    }
    CHECK_INT(before, lowest_free_descriptor());
    EXPECT(MCP_OK, error, mcp_ping(client, options, &error));
    CHECK(before != lowest_free_descriptor());
    mcp_options_free(options);
    for (i = 0; i < 3; i++) {
        mcp_cancel_free(cancels[i]);
    }
    CHECK_INT(before, lowest_free_descriptor());
    dispose(client);
}

static void ignore(int signal) {
    (void)signal;
}

/* Signals that have nothing to do with the library end no call. */
static void unrelated_signals_end_no_call(void) {
    mcp_client *client = client_for("legacy+fault=late+when=ping");
    struct sigaction action;
    struct itimerval every = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}};
    mcp_error *error = NULL;

    memset(&action, 0, sizeof action);
    action.sa_handler = ignore;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    setitimer(ITIMER_REAL, &off, NULL); /* the handler stays installed: one more signal may be pending */
    dispose(client);
}

int main(void) {
    connecting_calls_are_cancelled();
    waiting_calls_are_cancelled("first contact", "dual+fault=silent+times=1", "server/discover");
    waiting_calls_are_cancelled("headers, legacy", "legacy+fault=silent+when=ping+times=1", "ping");
    waiting_calls_are_cancelled("half the headers", "legacy+fault=half-head+when=ping+times=1", "ping");
    waiting_calls_are_cancelled("body, legacy", "legacy+fault=silent-body+when=ping+times=1", "ping");
    waiting_calls_are_cancelled("event stream, legacy", "legacy+stream+fault=silent-stream+when=ping+times=1", "ping");
    waiting_calls_are_cancelled("dripping body", "legacy+fault=drip+when=ping+times=1", "ping");
    {
        /* on a modern server the first ping detects the era, so the second one waits for the response */
        mcp_client *client = client_for("modern+fault=silent+when=server/discover+after=1+times=1+tag=cancel-second");
        CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
        cancel_ping("headers, modern", client, (struct awaited_request){"cancel-second", "server/discover", 2});
        CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
        dispose(client);
    }
    servers_learn_of_the_cancellation();
    triggered_tokens_prevent_requests();
    one_token_cancels_many_calls();
    other_calls_continue();
    signal_handlers_may_trigger();
    tokens_have_no_descriptor_until_a_call_waits();
    unrelated_signals_end_no_call();
    return check_end();
}
