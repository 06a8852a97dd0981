/*
 * Wrong arguments for every export (misuse_cases.py makes the calls from the header): a documented status in bounded
 * time, no crash, and the client still pings. From within the callbacks whose objects live no longer, and from a forked
 * child, too.
 *
 *     misuse PYTHON SERVER.PY [--brief]      the server is ../schema/server.py; without the legacy round
 */
#define _POSIX_C_SOURCE 200809L

#include "misuse_scene.h"

#include <sys/wait.h>
#include <unistd.h>

static void on_server(const char *options) {
    struct scene s = {0};
    char url[URL_SIZE];
    mcp_json *log;
    const mcp_json *request;

    snprintf(url, sizeof url, "%s", scenario(options));
    s.url = url;
    try_all(&s);
    printf("%s: the slowest took %.0f ms: %s\n", options, s.slowest, s.slowest_of);

    /* What holds line breaks has not become a header of its own. */
    log = server_log(strstr(options, "tag=") + strlen("tag="));
    CHECK(mcp_json_size(log) > 100);
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        CHECK(header_of(request, "injected") == NULL);
    }
    mcp_json_free(log);
}

static int asked;

static void misused_request(void *userdata, mcp_auth_request *request) {
    asked++;
    try_auth_request(userdata, request);
    CHECK_INT(MCP_OK, mcp_auth_request_set_bearer(request, "token", NULL));
}

/* What ends with the failure of a request: the last setter counts, and a failure that was told. */
static void in_the_auth_callback(void) {
    struct scene s = {0};
    mcp_client *client = client_for("dual");
    mcp_error *error = NULL;

    asked = 0;
    EXPECT(MCP_OK, error, mcp_set_auth(client, misused_request, &s, NULL, &error));
    EXPECT(MCP_AUTH_FAILED, error, mcp_ping(client, NULL, &error));
    CHECK_INT(1, asked);
    EXPECT(MCP_OK, error, mcp_set_auth(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    /* Every cause that was given has ended. */
    CHECK_SAYS(s.ends > 3, "%d causes", s.ends);
}

static void misused_input(void *userdata, mcp_input *input) {
    asked++;
    try_input(userdata, input);
}

static void in_the_handlers(const char *python, const char *server, const char *version) {
    const char *const command[] = {python, server, version, "/dev/null", NULL};
    struct scene s = {0};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    mcp_status status;

    asked = 0;
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, misused_input, &s, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_sampling(client, misused_input, &s, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_roots(client, misused_input, &s, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    status = mcp_call_tool(client, "asks", NULL, 0, NULL, &result, &error);
    CHECK_SAYS(status == MCP_OK || status == MCP_INPUT_FAILED, "%s: %s", mcp_status_name(status),
               mcp_error_message(error));
    CHECK_SAYS(asked > 0, "%s: no handler was asked", version);
    mcp_json_free(result);
    mcp_error_free(error);
    error = NULL;
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

static void in_a_forked_child(void) {
    struct scene s = {0};
    char url[URL_SIZE];
    int status;
    pid_t child;

    snprintf(url, sizeof url, "%s", scenario("legacy"));
    s.url = url;
    scene_begin(&s, URL, "fork", "nothing is wrong");
    mcp_client_free(s.client);
    child_call(&s, URL, "fork"); /* makes the clients */
    CHECK_INT(MCP_OK, mcp_ping(s.client, NULL, NULL));
    CHECK_INT(MCP_OK, mcp_set_auth(s.client, NULL, &s.ends, count_end, NULL));
    CHECK_INT(1, s.ends);
    CHECK_INT(MCP_OK, mcp_set_log(s.client, no_log, &s.ends, count_end, NULL));
    fflush(stdout);
    child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        int before;
        try_in_a_child(&s);
        /* What belongs to no client goes on. */
        CHECK_INT(MCP_OK, mcp_json_bool(s.truth, &s.flag, NULL));
        CHECK_INT(MCP_OK, mcp_options_set_timeout(s.options, 5, NULL));
        CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(s.kept));
        before = s.ends;
        child_call(&s, URL, "mcp_client_free");
        mcp_client_free(s.client);
        CHECK_INT(before, s.ends); /* the registration is the parent's */
        mcp_options_free(s.options);
        mcp_cancel_free(s.cancel);
        mcp_json_free(s.json);
        mcp_error_free(s.kept);
        _exit(check_end());
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    CHECK_SAYS(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %d", status);
    child_call(&s, PROCESS, "fork");
    mcp_client_free(s.client);
    child_call(&s, URL, "fork");
    CHECK_INT(MCP_OK, mcp_ping(s.client, NULL, NULL));
    CHECK_INT(1, s.ends);
    dispose(s.client);
    CHECK_INT(2, s.ends);
    mcp_options_free(s.options);
    mcp_cancel_free(s.cancel);
    mcp_json_free(s.json);
    mcp_error_free(s.kept);
}

int main(int count, char **arguments) {
    must(count >= 3, "the arguments PYTHON and SERVER.PY");
    /* The timeout of a call is 5 s. Where it is brief, the machine is slow: valgrind takes 7 s for a megabyte. */
    prepare(count == 3 ? 8000 : 60000);
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(INT32_MIN));
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(-1));
    CHECK_TEXT("MCP_UNKNOWN", mcp_status_name(12345));
    on_server("modern+tag=misuse-modern");
    if (count == 3) {
        on_server("legacy+tag=misuse-legacy");
    }
    in_the_auth_callback();
    in_the_handlers(arguments[1], arguments[2], "2025-11-25");
    in_the_handlers(arguments[1], arguments[2], "2026-07-28");
    in_a_forked_child();
    free(LONG);
    return check_end();
}
