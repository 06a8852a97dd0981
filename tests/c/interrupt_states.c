#define _XOPEN_SOURCE 700

#include "interrupt_states.h"

#include "interrupt_gate.h"
#include "interrupt_oauth.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *program_path;

/* The auth callback waits while this is blocked. */
struct callback_block {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_blocked;
    unsigned waiting;
    unsigned registered, destroyed;
};

struct fixture {
    const struct state *state;
    mcp_client *client;
    struct gate *gate;
    struct callback_block callback_block;
    struct logins *logins;
    char url[2 * URL_SIZE];
    /* Blocks the first request for it; "" if there is none. */
    char faulty_url[3 * URL_SIZE];
    /* A call of another thread, which lasts until fixture_unblock. It uses `sibling`, if there is one. */
    mcp_client *sibling;
    pthread_t thread;
    mcp_status (*other)(mcp_client *, const mcp_options *, mcp_error **);
    mcp_status status;
};

/* --- Calls ------------------------------------------------------------------------------------------------------- */

static mcp_status list_tools(mcp_client *client, const mcp_options *options, mcp_error **error) {
    mcp_json *tools = NULL;
    mcp_status status = mcp_list_tools(client, options, &tools, error);
    mcp_json_free(tools);
    return status;
}

static void ignore_change(void *userdata, const char *method, const mcp_json *params) {
    (void)userdata;
    (void)method;
    (void)params;
}

static mcp_status listen_for_tools(mcp_client *client, const mcp_options *options, mcp_error **error) {
    return mcp_listen(client, MCP_CHANGE_TOOLS, NULL, ignore_change, NULL, NULL, options, error);
}

/* More than the buffers of two sockets can hold. */
enum { LARGE = 6 * 1024 * 1024 };
static char large_params[LARGE];
static pthread_once_t large_params_once = PTHREAD_ONCE_INIT;

static void make_large_params(void) {
    memset(large_params, ' ', LARGE);
    memcpy(large_params, "{\"text\":\"", 9);
    memcpy(large_params + LARGE - 2, "\"}", 2);
}

static mcp_status send_large_request(mcp_client *client, const mcp_options *options, mcp_error **error) {
    mcp_json *result = NULL;
    mcp_status status = mcp_request(client, "tools/list", large_params, LARGE, options, &result, error);
    mcp_json_free(result);
    return status;
}

/* --- Preparing a state ------------------------------------------------------------------------------------------- */

static void new_client(struct fixture *fixture) {
    fixture->client = client_for(fixture->state->scenario);
}

static void connect_now(struct fixture *fixture) {
    mcp_error *error = NULL;
    if (mcp_connect(fixture->client, NULL, &error) != MCP_OK) {
        must(false, mcp_error_message(error));
    }
}

static void connected(struct fixture *fixture) {
    new_client(fixture);
    connect_now(fixture);
}

static uint16_t port_of(const char *variable) {
    const char *url = getenv(variable);
    must(url != NULL, "the test server's URL is in the environment");
    return (uint16_t)atoi(strrchr(url, ':') + 1);
}

static void client_behind_gate(struct fixture *fixture, enum gate_kind kind, const char *server, const char *scheme) {
    char url[URL_SIZE];
    fixture->gate = gate_new(kind, port_of(server));
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/s/%s/mcp", scheme, (unsigned)gate_port(fixture->gate),
             fixture->state->scenario);
    fixture->client = client_at(url);
}

static void full_listen_queue(struct fixture *fixture) {
    client_behind_gate(fixture, GATE_QUEUE_FULL, "MCP_TEST_URL", "http");
}

static void silent_server(struct fixture *fixture) {
    client_behind_gate(fixture, GATE_SILENT, "MCP_TEST_URL", "http");
}

static void silent_tls_server(struct fixture *fixture) {
    client_behind_gate(fixture, GATE_SILENT, "MCP_TEST_TLS_URL", "https");
    must(mcp_set_tls_ca_file(fixture->client, getenv("MCP_TEST_CA"), NULL) == MCP_OK, "mcp_set_tls_ca_file");
}

static void silent_event_stream(struct fixture *fixture) {
    silent_server(fixture);
    must(mcp_set_transport(fixture->client, MCP_TRANSPORT_SSE, NULL) == MCP_OK, "mcp_set_transport");
}

/* The server responds until the client is connected, and then reads nothing more. */
static void server_stops_reading(struct fixture *fixture) {
    pthread_once(&large_params_once, make_large_params);
    silent_server(fixture);
    gate_open(fixture->gate);
    connect_now(fixture);
    gate_close(fixture->gate);
}

static void *make_other_call(void *argument) {
    struct fixture *fixture = argument;
    fixture->status = fixture->other(fixture->sibling != NULL ? fixture->sibling : fixture->client, NULL, NULL);
    return NULL;
}

static void start_other_call(struct fixture *fixture,
                             mcp_status (*other)(mcp_client *, const mcp_options *, mcp_error **)) {
    fixture->other = other;
    fixture->thread = start_thread(make_other_call, fixture);
}

static void other_thread_negotiates(struct fixture *fixture) {
    silent_server(fixture);
    start_other_call(fixture, mcp_connect);
    gate_await(fixture->gate);
}

/* Either of the two calls may negotiate for both: the waiting one takes over from a cancelled one. */
static void two_first_calls(struct fixture *fixture) {
    new_client(fixture);
    start_other_call(fixture, mcp_ping);
}

static void two_first_calls_at_silent_server(struct fixture *fixture) {
    silent_server(fixture);
    start_other_call(fixture, mcp_ping);
}

static void give_token(void *userdata, mcp_auth_request *request) {
    struct callback_block *callback_block = userdata;
    pthread_mutex_lock(&callback_block->lock);
    callback_block->waiting++;
    pthread_cond_broadcast(&callback_block->changed);
    while (callback_block->is_blocked) {
        pthread_cond_wait(&callback_block->changed, &callback_block->lock);
    }
    callback_block->waiting--;
    pthread_mutex_unlock(&callback_block->lock);
    mcp_auth_request_set_bearer(request, "some-token", NULL);
}

static void note_destroyed(void *userdata) {
    struct callback_block *callback_block = userdata;
    pthread_mutex_lock(&callback_block->lock);
    callback_block->destroyed++;
    pthread_cond_broadcast(&callback_block->changed);
    pthread_mutex_unlock(&callback_block->lock);
}

/* A callback may still run when its call has ended and its client was freed. */
static void await_destroyed(struct callback_block *callback_block) {
    pthread_mutex_lock(&callback_block->lock);
    while (callback_block->destroyed < callback_block->registered) {
        pthread_cond_wait(&callback_block->changed, &callback_block->lock);
    }
    pthread_mutex_unlock(&callback_block->lock);
}

static void set_blocked(struct callback_block *callback_block, bool is_blocked) {
    pthread_mutex_lock(&callback_block->lock);
    callback_block->is_blocked = is_blocked;
    pthread_cond_broadcast(&callback_block->changed);
    pthread_mutex_unlock(&callback_block->lock);
}

static void other_thread_in_auth_callback(struct fixture *fixture) {
    struct callback_block *callback_block = &fixture->callback_block;
    new_client(fixture);
    callback_block->registered++;
    must(mcp_set_auth(fixture->client, give_token, callback_block, note_destroyed, NULL) == MCP_OK, "mcp_set_auth");
    connect_now(fixture);
    set_blocked(callback_block, true);
    start_other_call(fixture, mcp_ping);
    pthread_mutex_lock(&callback_block->lock);
    while (callback_block->waiting == 0) {
        pthread_cond_wait(&callback_block->changed, &callback_block->lock);
    }
    pthread_mutex_unlock(&callback_block->lock);
}

static void new_stdio_client(struct fixture *fixture, const char *milliseconds) {
    const char *argv[] = {program_path, "--serve", fixture->state->scenario, milliseconds, NULL};
    fixture->client = mcp_client_new_stdio(argv, NULL);
    must(fixture->client != NULL, "mcp_client_new_stdio");
    must(mcp_set_timeout(fixture->client, 10000, NULL) == MCP_OK, "mcp_set_timeout");
}

static void slow_stdio_server(struct fixture *fixture) {
    new_stdio_client(fixture, "5");
}

static void two_first_calls_at_slow_stdio_server(struct fixture *fixture) {
    slow_stdio_server(fixture);
    start_other_call(fixture, mcp_ping);
}

static void connected_stdio_server(struct fixture *fixture) {
    new_stdio_client(fixture, "0");
    connect_now(fixture);
}

/* The faults of the authorization server apply once in each round: each round has a separate path. */
static void new_oauth_client(struct fixture *fixture, bool has_store) {
    static unsigned count;
    snprintf(fixture->url, sizeof fixture->url, "%s-%u", scenario(fixture->state->scenario),
             __sync_add_and_fetch(&count, 1));
    fixture->client = client_at(fixture->url);
    fixture->logins = logins_new(fixture->client, has_store);
}

static void oauth_client(struct fixture *fixture) {
    new_oauth_client(fixture, false);
}

static void oauth_client_with_store(struct fixture *fixture) {
    new_oauth_client(fixture, true);
}

/* `before` and `after` surround the path of the MCP server in that of the endpoint. */
static void faulty_endpoint(struct fixture *fixture, const char *before, const char *after) {
    size_t origin;
    new_oauth_client(fixture, false);
    origin = (size_t)(strstr(fixture->url, "/s/") - fixture->url);
    snprintf(fixture->faulty_url, sizeof fixture->faulty_url, "%.*s%s%s%s", (int)origin, fixture->url, before,
             fixture->url + origin, after);
}

static void faulty_resource_metadata(struct fixture *fixture) {
    faulty_endpoint(fixture, "/.well-known/oauth-protected-resource", "");
}

static void faulty_server_metadata(struct fixture *fixture) {
    faulty_endpoint(fixture, "/.well-known/oauth-authorization-server", "");
}

static void faulty_registration(struct fixture *fixture) {
    faulty_endpoint(fixture, "", "/oauth/register");
}

static void logged_in(struct fixture *fixture) {
    oauth_client_with_store(fixture);
    connect_now(fixture);
}

static void absent_user(struct fixture *fixture) {
    oauth_client_with_store(fixture);
    logins_block(fixture->logins);
}

static void other_thread_logs_in(struct fixture *fixture) {
    oauth_client(fixture);
    logins_block(fixture->logins);
    start_other_call(fixture, mcp_login);
    logins_await(fixture->logins);
}

/* With another client that has the same URL and mcp_oauth: interrupting one does not end the login of the other. */
static void sibling_logs_in(struct fixture *fixture) {
    oauth_client_with_store(fixture);
    fixture->sibling = client_at(fixture->url);
    logins_share(fixture->logins, fixture->sibling);
    logins_block(fixture->logins);
    start_other_call(fixture, mcp_login);
    logins_await(fixture->logins);
}

static void other_thread_logs_out(struct fixture *fixture) {
    logged_in(fixture);
    start_other_call(fixture, mcp_logout);
}

/* --- The states -------------------------------------------------------------------------------------------------- */

#define CONNECT "while connecting"
#define TLS "during the TLS handshake"
#define SEND "while sending the request"
#define HEAD "while waiting for the server's response"
#define BODY "while reading the server's response"
#define LISTENING "while listening for changes"
#define RESUMING "before the stream was resumed"
#define NOT_SENT "before anything was sent"
#define USER "while waiting for the user to log in"
#define TOKEN "it will be stored"

/*
 * States that take long to unblock have a low weight. Two bugs were found here; with the fixes reverted, these
 * arguments reproduce them:
 *
 *     --state "other's auth callback, legacy" --rounds 20
 *         mcp_client_close waited forever for the auth callback of another thread before its DELETE.
 *     --state "stdio, start, legacy" --rounds 3000 --seed 5
 *     --state "two first calls, stdio, legacy" --rounds 3000 --seed 5
 *         A call that was interrupted just after a stdio server had refused server/discover returned that
 *         refusal, and so did the calls that waited for its negotiation.
 */
const struct state states[] = {
    {"idle, legacy", "legacy", 4, 1, false, NULL, connected, mcp_ping},
    {"idle, modern", "modern", 4, 1, false, NULL, connected, mcp_ping},
    {"healthy, legacy", "legacy", 8, 1, true, HEAD, connected, list_tools},
    {"healthy, modern", "modern", 8, 1, true, HEAD, connected, list_tools},
    {"healthy first, legacy", "legacy", 8, 1, true, HEAD, new_client, list_tools},
    {"healthy first, modern", "modern", 8, 1, true, HEAD, new_client, list_tools},
    {"connecting", "dual", 8, 1, false, CONNECT, full_listen_queue, mcp_ping},
    {"TLS handshake", "dual", 8, 1, false, TLS, silent_tls_server, mcp_ping},
    {"sending, legacy", "legacy", 1, 5, false, SEND, server_stops_reading, send_large_request},
    {"sending, modern", "modern", 1, 5, false, SEND, server_stops_reading, send_large_request},
    {"headers, legacy", "legacy+fault=silent+when=tools/list", 8, 1, false, HEAD, connected, list_tools},
    {"headers, modern", "modern+fault=silent+when=tools/list", 8, 1, false, HEAD, connected, list_tools},
    {"partial headers, legacy", "legacy+fault=half-head+when=tools/list", 4, 1, false, HEAD, connected, list_tools},
    {"partial headers, modern", "modern+fault=half-head+when=tools/list", 4, 1, false, HEAD, connected, list_tools},
    {"body, legacy", "legacy+fault=silent-body+when=tools/list", 8, 1, false, BODY, connected, list_tools},
    {"body, modern", "modern+fault=silent-body+when=tools/list", 8, 1, false, BODY, connected, list_tools},
    {"dripping, legacy", "legacy+fault=drip+when=tools/list", 4, 1, false, HEAD, connected, list_tools},
    {"dripping, modern", "modern+fault=drip+when=tools/list", 4, 1, false, HEAD, connected, list_tools},
    {"endless body, modern", "modern+fault=big-body+when=tools/list", 1, 1, false, BODY, connected, list_tools},
    {"event stream, legacy", "legacy+stream+fault=silent-stream+when=tools/list", 8, 1, false, BODY, connected,
     list_tools},
    {"event stream, modern", "modern+stream+fault=silent-stream+when=tools/list", 8, 1, false, BODY, connected,
     list_tools},
    {"before resuming", "legacy+stream+ends=clean:before+when=tools/list", 8, 1, false, RESUMING, connected,
     list_tools},
    {"negotiating, dual", "dual", 8, 1, false, HEAD, silent_server, mcp_ping},
    {"negotiating, modern", "modern", 8, 1, false, HEAD, silent_server, mcp_connect},
    {"initialize", "legacy+fault=late+when=initialize", 1, 1, true, HEAD, new_client, mcp_ping},
    {"initialized", "legacy+fault=late+when=notifications/initialized", 1, 1, true, HEAD, new_client, mcp_ping},
    {"other's negotiation, legacy", "legacy", 8, 1, false, NOT_SENT, other_thread_negotiates, mcp_ping},
    {"other's negotiation, modern", "modern", 8, 1, false, NOT_SENT, other_thread_negotiates, list_tools},
    {"other's auth callback, legacy", "legacy+bearer=some-token", 8, 1, false, NOT_SENT, other_thread_in_auth_callback,
     list_tools},
    {"other's auth callback, modern", "modern+bearer=some-token", 8, 1, false, NOT_SENT, other_thread_in_auth_callback,
     list_tools},
    {"two first calls, legacy", "legacy", 4, 1, true, NOT_SENT, two_first_calls, list_tools},
    {"two first calls, modern", "modern", 4, 1, true, NOT_SENT, two_first_calls, list_tools},
    {"two first calls, sse", "legacy+sse", 4, 1, true, NOT_SENT, two_first_calls, mcp_ping},
    {"two first calls, silent server", "dual", 4, 1, false, NOT_SENT, two_first_calls_at_silent_server, mcp_ping},
    {"two first calls, stdio, modern", "modern", 2, 5, true, NOT_SENT, two_first_calls_at_slow_stdio_server, mcp_ping},
    {"two first calls, stdio, legacy", "legacy", 2, 5, true, NOT_SENT, two_first_calls_at_slow_stdio_server, mcp_ping},
    {"listening, modern", "modern+fault=silent-stream+when=subscriptions/listen", 8, 1, false, BODY, connected,
     listen_for_tools},
    {"resubscribing, modern", "modern+fault=eof+when=subscriptions/listen", 8, 1, false, LISTENING, connected,
     listen_for_tools},
    {"listening, sse", "legacy+sse", 8, 1, false, LISTENING, connected, listen_for_tools},
    {"sse, opening", "legacy+sse", 8, 1, false, HEAD, silent_event_stream, mcp_ping},
    {"sse, endpoint", "legacy+sse+fault=endpoint-late", 1, 1, true, BODY, new_client, mcp_ping},
    {"sse, headers", "legacy+sse+fault=silent+when=tools/list", 8, 1, false, HEAD, connected, list_tools},
    {"sse, response", "legacy+sse+fault=accepted+when=tools/list", 8, 1, false, HEAD, connected, list_tools},
    {"stdio, start, legacy", "legacy", 4, 5, true, HEAD, slow_stdio_server, mcp_ping},
    {"stdio, start, modern", "modern", 4, 5, true, HEAD, slow_stdio_server, mcp_ping},
    {"stdio, response, legacy", "legacy", 4, 1, false, HEAD, connected_stdio_server, list_tools},
    {"stdio, response, modern", "modern", 4, 1, false, HEAD, connected_stdio_server, list_tools},
    {"stdio, listening", "modern", 4, 1, false, HEAD, connected_stdio_server, listen_for_tools},
    {"login, healthy", "modern+oauth", 4, 3, true, HEAD, oauth_client, mcp_login},
    {"login with store, healthy", "legacy+oauth", 4, 3, true, HEAD, oauth_client_with_store, mcp_login},
    {"login, resource metadata", "modern+oauth+fault=half-head+when=resource+times=1", 4, 5, false, HEAD,
     faulty_resource_metadata, mcp_ping},
    {"login, server metadata", "legacy+oauth+fault=silent-body+when=metadata+times=1", 4, 5, false, BODY,
     faulty_server_metadata, list_tools},
    {"login, registration", "modern+oauth+fault=half-head+when=register+times=1", 4, 5, false, HEAD,
     faulty_registration, mcp_login},
    {"login, user", "modern+oauth", 4, 5, false, USER, absent_user, mcp_login},
    {"login, user, first call", "legacy+oauth", 4, 5, false, USER, absent_user, list_tools},
    {"login, token", "modern+oauth+fault=late+when=token+times=1", 1, 5, true, TOKEN, oauth_client_with_store,
     list_tools},
    {"other's login, call", "modern+oauth", 4, 1, false, NOT_SENT, other_thread_logs_in, list_tools},
    {"other's login, login", "legacy+oauth", 4, 1, false, NOT_SENT, other_thread_logs_in, mcp_login},
    {"other's login, logout", "modern+oauth", 4, 1, false, NOT_SENT, other_thread_logs_in, mcp_logout},
    {"sibling's login, call", "legacy+oauth", 4, 1, false, NOT_SENT, sibling_logs_in, list_tools},
    {"sibling's login, login", "modern+oauth", 4, 1, false, NOT_SENT, sibling_logs_in, mcp_login},
    {"refresh, healthy, legacy", "legacy+oauth+uses=3", 4, 1, true, HEAD, logged_in, list_tools},
    {"refresh, healthy, modern", "modern+oauth+uses=1", 4, 1, true, HEAD, logged_in, list_tools},
    {"refresh, token, legacy", "legacy+oauth+uses=3+fault=late+when=token+after=1+times=1", 1, 3, true, TOKEN,
     logged_in, list_tools},
    {"refresh, token, modern", "modern+oauth+uses=1+fault=late+when=token+after=1+times=1", 1, 3, true, TOKEN,
     logged_in, mcp_login},
    {"logout, healthy", "modern+oauth", 4, 1, true, HEAD, logged_in, mcp_logout},
    {"logout, revocation", "legacy+oauth+fault=silent+when=revoke+times=1", 4, 1, false, HEAD, logged_in, mcp_logout},
    {"other's logout", "modern+oauth", 4, 1, true, NOT_SENT, other_thread_logs_out, list_tools},
};
const size_t state_count = sizeof states / sizeof *states;

/* --- Fixtures ---------------------------------------------------------------------------------------------------- */

struct fixture *fixture_new(const struct state *state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    must(fixture != NULL, "memory");
    fixture->state = state;
    pthread_mutex_init(&fixture->callback_block.lock, NULL);
    pthread_cond_init(&fixture->callback_block.changed, NULL);
    state->prepare(fixture);
    return fixture;
}

mcp_client *fixture_client(struct fixture *fixture) {
    return fixture->client;
}

void fixture_unblock(struct fixture *fixture) {
    set_blocked(&fixture->callback_block, false);
    if (fixture->gate != NULL) {
        gate_open(fixture->gate);
    }
    if (fixture->faulty_url[0] != '\0') {
        request_first_byte(fixture->faulty_url); /* the call may have been interrupted before its request */
    }
    if (fixture->logins != NULL) {
        logins_unblock(fixture->logins);
    }
    if (fixture->other != NULL) {
        join_thread(fixture->thread);
    }
}

mcp_status fixture_other_status(const struct fixture *fixture) {
    /* A close of the client is no reason for the call of its sibling to fail. */
    return fixture->status == MCP_CLOSED && fixture->sibling != NULL ? MCP_INTERNAL : fixture->status;
}

void fixture_free(struct fixture *fixture) {
    dispose(fixture->client);
    if (fixture->sibling != NULL) {
        dispose(fixture->sibling);
    }
    await_destroyed(&fixture->callback_block);
    if (fixture->gate != NULL) {
        gate_free(fixture->gate);
    }
    if (fixture->logins != NULL) {
        logins_free(fixture->logins);
    }
    pthread_mutex_destroy(&fixture->callback_block.lock);
    pthread_cond_destroy(&fixture->callback_block.changed);
    free(fixture);
}
