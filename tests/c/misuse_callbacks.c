/*
 * Callbacks that do what they should not: registered twice, replaced while they run, and calling the library from
 * within.
 *
 *     misuse_callbacks PYTHON SERVER.PY      the server is ../schema/server.py
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <semaphore.h>
#include <time.h>

static const char *python, *server_py;

/* --- What a callback does with the library
 * ---------------------------------------------------------------------------- */

struct inside {
    mcp_client *same, *other;
    mcp_cancel *cancel; /* triggered at the end, where there is one */
    bool closes;
    int times;
    mcp_status ping, list, setting, elsewhere, close;
    double took;
};

/* Once: calls on the client whose callback this is, and on another one. */
static void call_the_library(struct inside *inside) {
    mcp_json *list = NULL;
    double begun = now_ms();
    if (inside->times++ > 0) {
        return;
    }
    inside->ping = mcp_ping(inside->same, NULL, NULL);
    inside->list = mcp_list_tools(inside->same, NULL, &list, NULL);
    mcp_json_free(list);
    inside->setting = mcp_set_timeout(inside->same, 9000, NULL);
    inside->elsewhere = mcp_ping(inside->other, NULL, NULL);
    if (inside->closes) {
        inside->close = mcp_client_close(inside->same, NULL, NULL);
    }
    inside->took = now_ms() - begun;
    mcp_cancel_trigger(inside->cancel);
}

/* What it came to, quickly: the calls on the same client ended with `same`. */
static void check_inside(const struct inside *inside, mcp_status same, const char *where) {
    CHECK_SAYS(inside->times > 0, "%s: the callback did not run", where);
    CHECK_SAYS(inside->ping == same && inside->list == same, "%s: %s and %s", where, mcp_status_name(inside->ping),
               mcp_status_name(inside->list));
    CHECK_SAYS(inside->setting == MCP_OK, "%s: a setting: %s", where, mcp_status_name(inside->setting));
    CHECK_SAYS(inside->elsewhere == MCP_OK, "%s: another client: %s", where, mcp_status_name(inside->elsewhere));
    CHECK_SAYS(inside->took < 3000, "%s: %.0f ms", where, inside->took);
    printf("%-40s same client %-12s other %-8s %4.0f ms\n", where, mcp_status_name(inside->ping),
           mcp_status_name(inside->elsewhere), inside->took);
}

static void in_auth(void *userdata, mcp_auth_request *request) {
    call_the_library(userdata);
    CHECK_INT(MCP_OK, mcp_auth_request_set_bearer(request, "token", NULL));
}

static void in_log(void *userdata, int32_t level, const char *message) {
    (void)level;
    (void)message;
    call_the_library(userdata);
}

static void in_logging(void *userdata, const mcp_json *message) {
    (void)message;
    call_the_library(userdata);
}

static void in_input(void *userdata, mcp_input *asked) {
    call_the_library(userdata);
    if (strcmp(mcp_input_method(asked), "elicitation/create") == 0) {
        CHECK_INT(MCP_OK, mcp_input_decline(asked, NULL));
        /* Two answers: the last one counts. */
        CHECK_INT(MCP_OK, mcp_input_cancel(asked, NULL));
    }
}

static void in_progress(void *userdata, double done, double total, const char *message) {
    (void)done;
    (void)total;
    (void)message;
    call_the_library(userdata);
}

static void in_change(void *userdata, const char *method, const mcp_json *params) {
    (void)method;
    (void)params;
    call_the_library(userdata);
}

static struct inside inside_of(mcp_client *client, mcp_client *other) {
    struct inside inside = {0};
    inside.same = client;
    inside.other = other;
    CHECK_INT(MCP_OK, mcp_set_timeout(client, 10000, NULL));
    return inside;
}

/* It belongs to the call that waits for it. */
static void from_auth(mcp_client *other, const char *scenery) {
    mcp_client *client = client_for(scenery);
    struct inside inside = inside_of(client, other);
    mcp_error *error = NULL;
    inside.closes = true;
    EXPECT(MCP_OK, error, mcp_set_auth(client, in_auth, &inside, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(MCP_MISUSE, inside.close);
    check_inside(&inside, MCP_MISUSE, "auth callback");
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

static void from_log(mcp_client *other) {
    mcp_client *client = client_for("legacy+fault=lost-session+when=ping+times=1+after=1");
    struct inside connecting = inside_of(client, other), resending = inside_of(client, other);
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_log(client, in_log, &connecting, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    /* The first line comes while the client connects, which that very line would have to wait for. */
    check_inside(&connecting, MCP_MISUSE, "log, connecting");
    EXPECT(MCP_OK, error, mcp_set_log(client, in_log, &resending, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    check_inside(&resending, MCP_OK, "log, a session was lost");
    dispose(client);
}

/* The server is a process: server.py, or these lines. */
static mcp_client *of_process(const char *version) {
    const char *const command[] = {python, server_py, version, "/dev/null", NULL};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    must(client != NULL, "a client of a process");
    return client;
}

static void from_progress(mcp_client *other, const char *version, bool closes) {
    mcp_client *client = of_process(version);
    struct inside inside = inside_of(client, other);
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    mcp_json *result = NULL;

    inside.cancel = mcp_cancel_new();
    inside.closes = closes;
    EXPECT(MCP_OK, error, mcp_options_set_cancel(options, inside.cancel, &error));
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, in_progress, &inside, NULL, &error));
    EXPECT(closes ? MCP_CLOSED : MCP_CANCELLED, error,
           mcp_call_tool(client, "never", NULL, 0, options, &result, &error));
    CHECK(result == NULL);
    check_inside(&inside, MCP_OK, closes ? "progress, and close" : "progress");
    EXPECT(closes ? MCP_CLOSED : MCP_OK, error, mcp_ping(client, NULL, &error));
    mcp_cancel_free(inside.cancel);
    mcp_options_free(options);
    dispose(client);
}

/* It runs on the thread of the call that the server needs the input for. */
static void from_handlers(mcp_client *other, const char *version) {
    mcp_client *client = of_process(version);
    struct inside inside = inside_of(client, other);
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    char where[64];

    EXPECT(MCP_OK, error, mcp_set_elicitation(client, in_input, &inside, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_sampling(client, in_input, &inside, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, in_input, &inside, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    (void)mcp_call_tool(client, "asks", NULL, 0, NULL, &result, NULL); /* sampling has no answer here */
    mcp_json_free(result);
    snprintf(where, sizeof where, "handlers, %s", version);
    check_inside(&inside, MCP_OK, where);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

static void from_changes(mcp_client *other, const char *version) {
    static const char *const uris[] = {"test://one", NULL};
    mcp_client *client = of_process(version);
    struct inside inside = inside_of(client, other);
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    char where[64];

    inside.cancel = mcp_cancel_new();
    EXPECT(MCP_OK, error, mcp_options_set_cancel(options, inside.cancel, &error));
    EXPECT(MCP_CANCELLED, error, mcp_listen(client, MCP_CHANGE_TOOLS, uris, in_change, &inside, options, &error));
    snprintf(where, sizeof where, "listening, %s", version);
    check_inside(&inside, MCP_OK, where);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    mcp_cancel_free(inside.cancel);
    mcp_options_free(options);
    dispose(client);
}

static sem_t done;

static void in_logging_unasked(void *userdata, const mcp_json *message) {
    in_logging(userdata, message);
    sem_post(&done);
}

static void in_roots_unasked(void *userdata, mcp_input *asked) {
    in_input(userdata, asked);
    sem_post(&done);
}

static void await_done(void) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 20;
    must(sem_timedwait(&done, &end) == 0, "the callback runs");
}

/* What a server says by itself, behind an answer, is told on the thread that reads for all calls: it cannot wait for
 * one. */
static void from_the_reader(mcp_client *other) {
    static const char lines[] =
        "import json, sys\n"
        "def say(**message): print(json.dumps({'jsonrpc': '2.0'} | message), flush=True)\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    if asked.get('method') == 'server/discover':\n"
        "        say(id=asked['id'], error={'code': -32601, 'message': 'no'})\n"
        "    elif asked.get('method') == 'initialize':\n"
        "        say(id=asked['id'], result={'protocolVersion': '2025-11-25', 'capabilities': {'logging': {}},\n"
        "                                    'serverInfo': {'name': 'x', 'version': '1'}})\n"
        "    elif asked.get('method') == 'ping':\n"
        "        say(id=asked['id'], result={})\n"
        "        say(id='unasked', method='roots/list')\n"
        "        say(method='notifications/message', params={'level': 'info', 'data': 'x'})\n";
    const char *const command[] = {python, "-c", lines, NULL};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    struct inside logging_inside = inside_of(client, other), roots_inside = inside_of(client, other);
    mcp_error *error = NULL;

    must(sem_init(&done, 0, 0) == 0, "a semaphore");
    EXPECT(MCP_OK, error, mcp_set_logging(client, in_logging_unasked, &logging_inside, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, in_roots_unasked, &roots_inside, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    await_done();
    await_done();
    check_inside(&logging_inside, MCP_MISUSE, "server's log, on the reader's thread");
    check_inside(&roots_inside, MCP_MISUSE, "roots, on the reader's thread");
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    await_done();
    await_done();
    dispose(client);
}

int main(int count, char **arguments) {
    mcp_client *other;
    must(count == 3, "the arguments PYTHON and SERVER.PY");
    python = arguments[1];
    server_py = arguments[2];

    other = client_for("dual");
    from_auth(other, "dual");
    from_auth(other, "legacy");
    from_log(other);
    from_progress(other, "2025-11-25", false);
    from_progress(other, "2026-07-28", true);
    from_handlers(other, "2025-11-25");
    from_handlers(other, "2026-07-28");
    from_changes(other, "2025-11-25");
    from_changes(other, "2026-07-28");
    from_the_reader(other);
    dispose(other);
    return check_end();
}
