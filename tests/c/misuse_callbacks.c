/*
 * Callbacks that call the library: on their own client and on another one.
 *
 *     misuse_callbacks PYTHON SERVER.PY      the server is ../schema/server.py
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <semaphore.h>
#include <time.h>

static const char *python, *server_py;

/* --- Calls inside a callback -------------------------------------------------------------------------------------- */

struct nested {
    mcp_client *same, *other;
    mcp_cancel *cancel; /* triggered at the end; may be NULL */
    bool closes;
    bool stops; /* a progress callback returns false */
    int runs, destroyed;
    mcp_status ping, list, setting, elsewhere, close;
    double took, allowed; /* milliseconds */
};

/* Calls the callback's own client and another one, the first time that the callback runs. */
static void make_nested_calls(struct nested *nested) {
    mcp_json *list = NULL;
    struct delays before;
    note_delays(&before);
    double started = now_ms();
    if (nested->runs++ > 0) {
        return;
    }
    nested->ping = mcp_ping(nested->same, NULL, NULL);
    nested->list = mcp_list_tools(nested->same, NULL, &list, NULL);
    mcp_json_free(list);
    nested->setting = mcp_set_timeout(nested->same, 9000, NULL);
    nested->elsewhere = mcp_ping(nested->other, NULL, NULL);
    if (nested->closes) {
        nested->close = mcp_client_close(nested->same, NULL, NULL);
    }
    double ended = now_ms();
    nested->allowed = allowed_ms(5000, &before);
    nested->took = ended - started;
    mcp_cancel_trigger(nested->cancel);
}

/* The nested calls ended soon, those on the same client with the status `same`. */
static void check_nested_calls(const struct nested *nested, mcp_status same, const char *where) {
    CHECK_SAYS(nested->runs > 0, "%s: the callback did not run", where);
    CHECK_SAYS(nested->ping == same && nested->list == same, "%s: %s and %s", where, mcp_status_name(nested->ping),
               mcp_status_name(nested->list));
    CHECK_SAYS(nested->setting == MCP_OK, "%s: mcp_set_timeout: %s", where, mcp_status_name(nested->setting));
    CHECK_SAYS(nested->elsewhere == MCP_OK, "%s: another client: %s", where, mcp_status_name(nested->elsewhere));
    CHECK_SAYS(nested->took < nested->allowed, "%s: %.0f ms", where, nested->took);
    printf("%-40s same client %-12s other %-8s %4.0f ms\n", where, mcp_status_name(nested->ping),
           mcp_status_name(nested->elsewhere), nested->took);
}

static void in_auth(void *userdata, mcp_auth_request *request) {
    make_nested_calls(userdata);
    CHECK_INT(MCP_OK, mcp_auth_request_set_bearer(request, "token", NULL));
}

static void in_log(void *userdata, int32_t level, const char *message) {
    (void)level;
    (void)message;
    make_nested_calls(userdata);
}

static void in_logging(void *userdata, const mcp_json *message) {
    (void)message;
    make_nested_calls(userdata);
}

static void in_input(void *userdata, mcp_input *input) {
    make_nested_calls(userdata);
    if (strcmp(mcp_input_method(input), "elicitation/create") == 0) {
        CHECK_INT(MCP_OK, mcp_input_decline(input, NULL));
        /* Two responses: the last one counts. */
        CHECK_INT(MCP_OK, mcp_input_cancel(input, NULL));
    }
}

static bool in_progress(void *userdata, double done, double total, const char *message) {
    (void)done;
    (void)total;
    (void)message;
    make_nested_calls(userdata);
    return !((struct nested *)userdata)->stops;
}

static void in_change(void *userdata, const char *method, const mcp_json *params) {
    (void)method;
    (void)params;
    make_nested_calls(userdata);
}

static void count_destroy(void *userdata) {
    ((struct nested *)userdata)->destroyed++;
}

static struct nested nested_calls_for(mcp_client *client, mcp_client *other) {
    struct nested nested = {0};
    nested.same = client;
    nested.other = other;
    nested.allowed = 5000; /* a callback that only returns does not set it */
    CHECK_INT(MCP_OK, mcp_set_timeout(client, 10000, NULL));
    return nested;
}

/* The auth callback runs inside a call that waits for it. */
static void auth_callbacks_get_misuse_from_their_client(mcp_client *other, const char *options) {
    mcp_client *client = client_for(options);
    struct nested nested = nested_calls_for(client, other);
    mcp_error *error = NULL;
    nested.closes = true;
    EXPECT(MCP_OK, error, mcp_set_auth(client, in_auth, &nested, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(MCP_MISUSE, nested.close);
    check_nested_calls(&nested, MCP_MISUSE, "auth callback");
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

static void log_callbacks_may_call_their_client_once_connected(mcp_client *other) {
    mcp_client *client = client_for("legacy+fault=lost-session+when=ping+times=1+after=1");
    struct nested connecting = nested_calls_for(client, other), resending = nested_calls_for(client, other);
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_log(client, in_log, &connecting, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    /* The first message is logged while the client connects: a nested call would wait for itself. */
    check_nested_calls(&connecting, MCP_MISUSE, "log, connecting");
    EXPECT(MCP_OK, error, mcp_set_log(client, in_log, &resending, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    check_nested_calls(&resending, MCP_OK, "log, lost session");
    dispose(client);
}

/* A client whose server is server.py. */
static mcp_client *stdio_client(const char *version) {
    const char *const command[] = {python, server_py, version, "/dev/null", NULL};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    must(client != NULL, "mcp_client_new_stdio");
    return client;
}

enum end { BY_TOKEN, BY_CLOSE, BY_RETURNING_FALSE };

/* A progress callback may call its client, and ends its call in each of the three ways. */
static void progress_callbacks_may_call_their_client(mcp_client *other, const char *version, enum end end) {
    static const char *const names[] = {"progress", "progress with close", "progress that returns false"};
    bool closes = end == BY_CLOSE;
    mcp_client *client = stdio_client(version);
    struct nested nested = nested_calls_for(client, other);
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    mcp_json *result = NULL;

    nested.cancel = end == BY_RETURNING_FALSE ? NULL : mcp_cancel_new();
    nested.closes = closes;
    nested.stops = end == BY_RETURNING_FALSE;
    EXPECT(MCP_OK, error, mcp_options_set_cancel(options, nested.cancel, &error));
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, in_progress, &nested, NULL, &error));
    EXPECT(closes ? MCP_CLOSED : MCP_CANCELLED, error,
           mcp_call_tool(client, "never", NULL, 0, options, &result, &error));
    CHECK(result == NULL);
    CHECK_INT(1, nested.runs);
    check_nested_calls(&nested, MCP_OK, names[end]);
    EXPECT(closes ? MCP_CLOSED : MCP_OK, error, mcp_ping(client, NULL, &error));
    mcp_cancel_free(nested.cancel);
    mcp_options_free(options);
    dispose(client);
}

/* An input handler runs on the thread of the call that the server needs the input for. */
static void input_handlers_may_call_their_client(mcp_client *other, const char *version) {
    mcp_client *client = stdio_client(version);
    struct nested nested = nested_calls_for(client, other);
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    char where[64];

    EXPECT(MCP_OK, error, mcp_set_elicitation(client, in_input, &nested, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_sampling(client, in_input, &nested, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, in_input, &nested, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    (void)mcp_call_tool(client, "asks", NULL, 0, NULL, &result, NULL); /* sampling gets no response */
    mcp_json_free(result);
    snprintf(where, sizeof where, "handlers, %s", version);
    check_nested_calls(&nested, MCP_OK, where);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

static void change_callbacks_may_call_their_client(mcp_client *other, const char *version) {
    static const char *const uris[] = {"test://one", NULL};
    mcp_client *client = stdio_client(version);
    struct nested nested = nested_calls_for(client, other);
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    char where[64];

    nested.cancel = mcp_cancel_new();
    EXPECT(MCP_OK, error, mcp_options_set_cancel(options, nested.cancel, &error));
    EXPECT(MCP_CANCELLED, error,
           mcp_listen(client, MCP_CHANGE_TOOLS, uris, in_change, &nested, count_destroy, options, &error));
    CHECK_INT(1, nested.destroyed);
    snprintf(where, sizeof where, "listening, %s", version);
    check_nested_calls(&nested, MCP_OK, where);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    mcp_cancel_free(nested.cancel);
    mcp_options_free(options);
    dispose(client);
}

static sem_t done;

static void in_unrequested_logging(void *userdata, const mcp_json *message) {
    in_logging(userdata, message);
    sem_post(&done);
}

static void in_unrequested_roots(void *userdata, mcp_input *input) {
    in_input(userdata, input);
    sem_post(&done);
}

static void await_done(void) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 20;
    must(sem_timedwait(&done, &end) == 0, "the callback runs");
}

/* A notification or request that follows a response is handled on the reader thread, which serves all calls and so
 * cannot wait for one. */
static void callbacks_on_the_reader_thread_get_misuse(mcp_client *other) {
    static const char script[] =
        "import json, sys\n"
        "def send(**message): print(json.dumps({'jsonrpc': '2.0'} | message), flush=True)\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    if request.get('method') == 'server/discover':\n"
        "        send(id=request['id'], error={'code': -32601, 'message': 'no'})\n"
        "    elif request.get('method') == 'initialize':\n"
        "        send(id=request['id'], result={'protocolVersion': '2025-11-25', 'capabilities': {'logging': {}},\n"
        "                                    'serverInfo': {'name': 'x', 'version': '1'}})\n"
        "    elif request.get('method') == 'ping':\n"
        "        send(id=request['id'], result={})\n"
        "        send(id='unrequested', method='roots/list')\n"
        "        send(method='notifications/message', params={'level': 'info', 'data': 'x'})\n";
    const char *const command[] = {python, "-c", script, NULL};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    struct nested nested_in_logging = nested_calls_for(client, other),
                  nested_in_roots = nested_calls_for(client, other);
    mcp_error *error = NULL;

    must(sem_init(&done, 0, 0) == 0, "a semaphore");
    EXPECT(MCP_OK, error, mcp_set_server_log(client, in_unrequested_logging, &nested_in_logging, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, in_unrequested_roots, &nested_in_roots, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    await_done();
    await_done();
    check_nested_calls(&nested_in_logging, MCP_MISUSE, "server's log, on the reader thread");
    check_nested_calls(&nested_in_roots, MCP_OK, "roots");
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    await_done();
    await_done();
    dispose(client);
}

int main(int count, char **arguments) {
    mcp_client *other;
    must(count == 3, "usage: misuse_callbacks PYTHON SERVER.PY");
    python = arguments[1];
    server_py = arguments[2];

    other = client_for("dual");
    auth_callbacks_get_misuse_from_their_client(other, "dual");
    auth_callbacks_get_misuse_from_their_client(other, "legacy");
    log_callbacks_may_call_their_client_once_connected(other);
    progress_callbacks_may_call_their_client(other, "2025-11-25", BY_TOKEN);
    progress_callbacks_may_call_their_client(other, "2026-07-28", BY_CLOSE);
    progress_callbacks_may_call_their_client(other, "2025-11-25", BY_RETURNING_FALSE);
    progress_callbacks_may_call_their_client(other, "2026-07-28", BY_RETURNING_FALSE);
    input_handlers_may_call_their_client(other, "2025-11-25");
    input_handlers_may_call_their_client(other, "2026-07-28");
    change_callbacks_may_call_their_client(other, "2025-11-25");
    change_callbacks_may_call_their_client(other, "2026-07-28");
    callbacks_on_the_reader_thread_get_misuse(other);
    dispose(other);
    return check_end();
}
