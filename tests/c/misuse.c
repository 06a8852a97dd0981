/*
 * Wrong arguments for every exported function: each call returns a documented status in bounded time without a crash,
 * and the client still pings. misuse_cases.py generates the calls from the header. Functions on an mcp_auth_request or
 * an mcp_input are called inside their callbacks, where these objects are valid. A forked child calls each function
 * that takes a client.
 *
 *     misuse PYTHON SERVER.PY [--brief]      the server is ../schema/server.py; --brief omits the legacy server
 */
#define _POSIX_C_SOURCE 200809L

#include "misuse_fixture.h"

#include <sys/wait.h>
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

static void clients_are_unusable_in_a_forked_child(void) {
    struct fixture s = {0};
    char url[URL_SIZE];
    int status;
    pid_t child;

    snprintf(url, sizeof url, "%s", scenario("legacy"));
    s.url = url;
    fixture_begin(&s, URL, "fork", "all arguments are valid");
    mcp_client_free(s.client);
    child_call(&s, URL, "fork"); /* creates the clients */
    CHECK_INT(MCP_OK, mcp_ping(s.client, NULL, NULL));
    CHECK_INT(MCP_OK, mcp_set_auth(s.client, NULL, &s.destroyed, count_destroy, NULL));
    CHECK_INT(1, s.destroyed);
    CHECK_INT(MCP_OK, mcp_set_log(s.client, no_log, &s.destroyed, count_destroy, NULL));
    fflush(stdout);
    child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        int before;
        run_child_cases(&s);
        /* Objects that belong to no client still work. */
        CHECK_INT(MCP_OK, mcp_json_bool(s.truth, &s.flag, NULL));
        CHECK_INT(MCP_OK, mcp_options_set_timeout(s.options, 5, NULL));
        CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(s.kept_error));
        before = s.destroyed;
        child_call(&s, URL, "mcp_client_free");
        mcp_client_free(s.client);
        CHECK_INT(before, s.destroyed); /* only the parent destroys the registration */
        mcp_options_free(s.options);
        mcp_cancel_free(s.cancel);
        mcp_json_free(s.json);
        mcp_error_free(s.kept_error);
        _exit(check_end());
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    CHECK_SAYS(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's wait status is %d", status);
    child_call(&s, PROCESS, "fork");
    mcp_client_free(s.client);
    child_call(&s, URL, "fork");
    CHECK_INT(MCP_OK, mcp_ping(s.client, NULL, NULL));
    CHECK_INT(1, s.destroyed);
    dispose(s.client);
    CHECK_INT(2, s.destroyed);
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
    clients_are_unusable_in_a_forked_child();
    free(LONG);
    return check_end();
}
