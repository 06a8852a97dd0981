/*
 * Wrong arguments for every exported function: each call returns a documented status in bounded time without a crash,
 * and the client still pings. misuse_cases.py generates the calls from the header. Functions on the argument of a
 * callback are called inside that callback, where it is valid. A forked child calls each function that takes a client.
 *
 *     misuse PYTHON SERVER.PY [--brief]      the server is ../schema/server.py; --brief omits the legacy server
 */
#define _POSIX_C_SOURCE 200809L

#include "misuse_fixture.h"

#include <semaphore.h>
#include <unistd.h>

static void wrong_arguments_are_refused(const char *options) {
    struct fixture s = {0};
    char url[URL_SIZE];
    mcp_json *log;
    const mcp_json *request;

    snprintf(url, sizeof url, "%s", scenario(options));
    s.url = url;
    run_all_cases(&s);
    printf("%s: the slowest call took %.0f ms: %s\n", options, s.slowest, s.slowest_of);

    /* No value with a line break was sent as an additional header. */
    log = server_log(strstr(options, "tag=") + strlen("tag="));
    CHECK(mcp_json_size(log) > 100);
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        CHECK(header_of(request, "injected") == NULL);
    }
    mcp_json_free(log);
}

static int callback_runs;

static void misuse_auth_request(void *userdata, mcp_auth_request *request) {
    callback_runs++;
    run_auth_request_cases(userdata, request);
    CHECK_INT(MCP_OK, mcp_auth_request_set_bearer(request, "token", NULL));
}

/* Some cases report a failure, so the request fails although a later setter succeeds. */
static void wrong_arguments_in_the_auth_callback_are_refused(void) {
    struct fixture s = {0};
    mcp_client *client = client_for("dual");
    mcp_error *error = NULL;

    callback_runs = 0;
    EXPECT(MCP_OK, error, mcp_set_auth(client, misuse_auth_request, &s, NULL, &error));
    EXPECT(MCP_AUTH_FAILED, error, mcp_ping(client, NULL, &error));
    CHECK_INT(1, callback_runs);
    EXPECT(MCP_OK, error, mcp_set_auth(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    /* Every cause that was passed has been destroyed. */
    CHECK_SAYS(s.destroyed > 3, "%d causes were destroyed", s.destroyed);
}

static void misuse_input(void *userdata, mcp_input *input) {
    callback_runs++;
    run_input_cases(userdata, input);
}

static void wrong_arguments_in_input_handlers_are_refused(const char *python, const char *server, const char *version) {
    const char *const command[] = {python, server, version, "/dev/null", NULL};
    struct fixture s = {0};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    mcp_status status;

    callback_runs = 0;
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, misuse_input, &s, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_sampling(client, misuse_input, &s, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, misuse_input, &s, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    status = mcp_call_tool(client, "asks", NULL, 0, NULL, &result, &error);
    CHECK_SAYS(status == MCP_OK || status == MCP_INPUT_FAILED, "%s: %s", mcp_status_name(status),
               mcp_error_message(error));
    CHECK_SAYS(callback_runs > 0, "%s: no handler was called", version);
    mcp_json_free(result);
    mcp_error_free(error);
    error = NULL;
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

/* --- The callbacks of mcp_oauth ----------------------------------------------------------------------------------- */

static sem_t open_has_returned;

/* mcp_oauth_request_finish comes first: one of its cases is valid and ends the login. The login does not wait until
 * this callback has returned. */
static void misuse_oauth_request(void *userdata, mcp_oauth_request *request) {
    struct fixture *s = userdata;
    char *redirect_url = redirect_of(mcp_oauth_request_url(request));
    callback_runs++;
    s->redirect_url = redirect_url;
    run_oauth_request_cases(s, request);
    free(redirect_url);
    sem_post(&open_has_returned);
}

static void wrong_arguments_in_the_open_callback_are_refused(void) {
    struct fixture s = {0};
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_error *error = NULL;
    mcp_client *client;

    callback_runs = 0;
    must(sem_init(&open_has_returned, 0, 0) == 0, "sem_init");
    EXPECT(MCP_OK, error, mcp_oauth_set_open(oauth, misuse_oauth_request, &s, NULL, &error));
    client = client_with_oauth(oauth, "modern+oauth");
    EXPECT(MCP_OK, error, mcp_login(client, NULL, &error));
    must(sem_wait(&open_has_returned) == 0, "sem_wait");
    CHECK_INT(1, callback_runs);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    mcp_oauth_free(oauth);
    CHECK_SAYS(s.destroyed > 3, "%d causes were destroyed", s.destroyed);
}

static void misuse_load(void *userdata, mcp_oauth_record *record) {
    callback_runs++;
    run_oauth_record_cases(userdata, record);
}

/* Sets a text in a callback for which that is not allowed, and ignores the error. */
static void misuse_record(void *userdata, mcp_oauth_record *record) {
    mcp_error *error = NULL;
    (void)userdata;
    callback_runs++;
    CHECK(mcp_oauth_record_key(record)[0] != '\0');
    EXPECT(MCP_MISUSE, error, mcp_oauth_record_set_text(record, "{}", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_record_set_text(record, NULL, 0, &error));
}

static void wrong_arguments_in_the_callbacks_of_a_store_are_refused(void) {
    struct fixture s = {0};
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_error *error = NULL;
    mcp_json *state = NULL;
    mcp_client *client;

    callback_runs = 0;
    EXPECT(MCP_OK, error, mcp_oauth_set_store(oauth, misuse_load, no_record, NULL, NULL, &s, NULL, &error));
    client = client_with_oauth(oauth, "modern+oauth");
    EXPECT(MCP_OAUTH_FAILED, error, mcp_oauth_state(client, &state, &error));
    EXPECT(MCP_OAUTH_FAILED, error, mcp_ping(client, NULL, &error));
    CHECK_INT(2, callback_runs);
    dispose(client);
    mcp_oauth_free(oauth);

    /* The tokens are used although they could not be saved. */
    oauth = mcp_oauth_new();
    callback_runs = 0;
    EXPECT(MCP_OK, error, mcp_oauth_set_store(oauth, no_record, misuse_record, NULL, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_client(oauth, NULL, "client", NULL, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_open(oauth, finish_login, NULL, NULL, &error));
    client = client_with_oauth(oauth, "modern+oauth");
    EXPECT(MCP_OAUTH_FAILED, error, mcp_login(client, NULL, &error));
    CHECK_INT(1, callback_runs);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    mcp_oauth_free(oauth);

    oauth = mcp_oauth_new();
    callback_runs = 0;
    EXPECT(MCP_OK, error,
           mcp_oauth_set_store(oauth, no_record, no_record, misuse_record, no_record, NULL, NULL, &error));
    client = client_with_oauth(oauth, "modern+oauth");
    EXPECT(MCP_OAUTH_FAILED, error, mcp_logout(client, NULL, &error));
    CHECK_INT(1, callback_runs);
    dispose(client);
    mcp_oauth_free(oauth);
}

static void misuse_assertion(void *userdata, mcp_oauth_assertion *assertion) {
    callback_runs++;
    run_oauth_assertion_cases(userdata, assertion);
}

static void wrong_arguments_in_the_assertion_callback_are_refused(void) {
    struct fixture s = {0};
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_error *error = NULL;
    mcp_client *client;

    callback_runs = 0;
    EXPECT(MCP_OK, error, mcp_oauth_set_grant(oauth, MCP_OAUTH_ASSERTION, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_client(oauth, NULL, "client", NULL, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_assertion(oauth, misuse_assertion, &s, NULL, &error));
    client = client_with_oauth(oauth, "modern+oauth");
    EXPECT(MCP_OAUTH_FAILED, error, mcp_login(client, NULL, &error));
    CHECK_INT(1, callback_runs);
    dispose(client);
    mcp_oauth_free(oauth);
}

static void clients_are_unusable_in_a_forked_child(void) {
    struct fixture s = {0};
    char url[URL_SIZE];
    struct child_checks child;

    snprintf(url, sizeof url, "%s", scenario("legacy"));
    s.url = url;
    fixture_begin(&s, URL, "fork", "all arguments are valid");
    mcp_client_free(s.client);
    child_call(&s, URL, "fork"); /* creates the clients */
    CHECK_INT(MCP_OK, mcp_ping(s.client, NULL, NULL));
    CHECK_INT(MCP_OK, mcp_set_auth(s.client, NULL, &s.destroyed, count_destroy, NULL));
    CHECK_INT(1, s.destroyed);
    CHECK_INT(MCP_OK, mcp_set_log(s.client, no_log, &s.destroyed, count_destroy, NULL));
    CHECK_INT(MCP_OK, mcp_oauth_set_open(s.oauth, no_open, &s.destroyed, count_destroy, NULL));
    CHECK_INT(MCP_OK, mcp_set_oauth(s.client, s.oauth, NULL));
    child = fork_checks();
    if (child.process == 0) {
        int before;
        run_child_cases(&s);
        /* Objects that belong to no client still work. */
        CHECK_INT(MCP_OK, mcp_json_bool(s.truth, &s.flag, NULL));
        CHECK_INT(MCP_OK, mcp_options_set_timeout(s.options, 5, NULL));
        CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(s.kept_error));
        before = s.destroyed;
        child_call(&s, URL, "mcp_client_free");
        mcp_client_free(s.client);
        mcp_oauth_free(s.oauth);
        CHECK_INT(before, s.destroyed); /* only the parent destroys the registrations */
        mcp_options_free(s.options);
        mcp_cancel_free(s.cancel);
        mcp_json_free(s.json);
        mcp_error_free(s.kept_error);
        end_child_checks(child);
    }
    join_child_checks(child);
    child_call(&s, PROCESS, "fork");
    mcp_client_free(s.client);
    child_call(&s, URL, "fork");
    CHECK_INT(MCP_OK, mcp_ping(s.client, NULL, NULL));
    CHECK_INT(1, s.destroyed);
    dispose(s.client);
    mcp_queue_free(s.queue);
    mcp_writer_free(s.writer);
    CHECK_INT(2, s.destroyed);
    mcp_oauth_free(s.oauth);
    CHECK_INT(3, s.destroyed);
    mcp_options_free(s.options);
    mcp_cancel_free(s.cancel);
    mcp_json_free(s.json);
    mcp_error_free(s.kept_error);
}

int main(int count, char **arguments) {
    must(count >= 3, "usage: misuse PYTHON SERVER.PY [--brief]");
    /* The timeout of a call is 5 s. --brief is used under valgrind, which takes 7 s for a megabyte. */
    prepare(count == 3 ? 8000 : 60000);
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(INT32_MIN));
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(-1));
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(12345));
    wrong_arguments_are_refused("modern+tag=misuse-modern");
    if (count == 3) {
        wrong_arguments_are_refused("legacy+tag=misuse-legacy");
    }
    wrong_arguments_in_the_auth_callback_are_refused();
    wrong_arguments_in_input_handlers_are_refused(arguments[1], arguments[2], "2025-11-25");
    wrong_arguments_in_input_handlers_are_refused(arguments[1], arguments[2], "2026-07-28");
    wrong_arguments_in_the_open_callback_are_refused();
    wrong_arguments_in_the_callbacks_of_a_store_are_refused();
    wrong_arguments_in_the_assertion_callback_are_refused();
    clients_are_unusable_in_a_forked_child();
    free(LONG);
    return check_end();
}
