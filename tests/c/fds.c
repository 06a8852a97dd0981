/* Clients for streams that the program has opened. The server at their other end is this program. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "support.h"

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

/* Checks that no client was made, and why. */
static void check_refused(mcp_client *client, mcp_error *error) {
    CHECK(client == NULL);
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(error));
    mcp_error_free(error);
}

static void socket_pair(int ends[2]) {
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a socket pair");
}

/* Responds to the messages on a stream until it ends: legacy, with ping. */
static void *serve(void *argument) {
    int fd = *(int *)argument;
    FILE *in = fdopen(dup(fd), "r");
    char line[4096];
    while (fgets(line, sizeof line, in) != NULL) {
        mcp_json *message = mcp_json_parse(line, MCP_NUL_TERMINATED, NULL);
        const char *method = mcp_json_string(mcp_json_member(message, "method"));
        const mcp_json *id = mcp_json_member(message, "id");
        if (id != NULL && strcmp(method, "initialize") == 0) {
            dprintf(fd,
                    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
                    "\"serverInfo\":{\"name\":\"thread\",\"version\":\"1\"}}}\n",
                    mcp_json_text(id));
        } else if (id != NULL && strcmp(method, "ping") == 0) {
            dprintf(fd, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n", mcp_json_text(id));
        } else if (id != NULL) {
            dprintf(fd, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n",
                    mcp_json_text(id));
        }
        mcp_json_free(message);
    }
    fclose(in);
    close(fd);
    return NULL;
}

static void a_server_in_the_same_process_is_called(void) {
    int ends[2];
    pthread_t server;
    mcp_error *error = NULL;
    socket_pair(ends);
    server = start_thread(serve, &ends[1]);
    mcp_client *client = mcp_client_new_fds(ends[0], ends[0], "embedded", &error);
    must(client != NULL, mcp_error_message(error));
    CHECK_TEXT("embedded", mcp_client_name(client));
    for (int i = 0; i < 3; i++) {
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    }
    mcp_json *info = NULL;
    EXPECT(MCP_OK, error, mcp_server_info(client, NULL, &info, &error));
    CHECK_TEXT("thread", mcp_json_string(mcp_json_pointer(info, "/serverInfo/name")));
    CHECK_TEXT("stdio", mcp_json_string(mcp_json_member(info, "transport")));
    mcp_json_free(info);
    mcp_client_free(client);
    join_thread(server); /* its stream has ended */
    CHECK(!is_open(ends[0]));
}

static void two_descriptors_are_used_in_their_directions(void) {
    int requests[2], responses[2];
    char sent[64] = "";
    mcp_error *error = NULL;
    mcp_options *options = mcp_options_new();
    must(pipe(requests) == 0 && pipe(responses) == 0, "pipes");
    mcp_client *client = mcp_client_new_fds(responses[0], requests[1], "pipes", &error);
    must(client != NULL, mcp_error_message(error));
    mcp_options_set_timeout(options, 100, NULL);
    EXPECT(MCP_TIMEOUT, error, mcp_ping(client, options, &error));
    CHECK(read(requests[0], sent, 17) == 17 && strcmp(sent, "{\"jsonrpc\":\"2.0\",") == 0);
    mcp_options_free(options);
    mcp_client_free(client);
    CHECK(!is_open(responses[0]) && !is_open(requests[1]));
    close(requests[0]);
    close(responses[1]);
}

static void calls_fail_when_the_stream_has_ended(void) {
    int ends[2];
    mcp_error *error = NULL;
    socket_pair(ends);
    mcp_client *client = mcp_client_new_fds(ends[0], ends[0], "gone", &error);
    must(client != NULL, mcp_error_message(error));
    close(ends[1]);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(MCP_DISCONNECTED, mcp_ping(client, NULL, &error));
        CHECK(strncmp(mcp_error_message(error), "ping gone: ", 11) == 0);
        if (i == 1) {
            CHECK(strstr(mcp_error_message(error), "make a new client") != NULL);
        }
        mcp_error_free(error);
        error = NULL;
    }
    mcp_client_free(client);
}

static void descriptors_are_closed_also_on_failure(void) {
    int ends[2];
    mcp_error *error = NULL;
    mcp_client *client;
    socket_pair(ends);
    client = mcp_client_new_fds(ends[0], ends[1], NULL, &error);
    check_refused(client, error);
    CHECK(!is_open(ends[0]) && !is_open(ends[1]));
    socket_pair(ends);
    client = mcp_client_new_fds(ends[0], ends[0], "", &error);
    check_refused(client, error);
    client = mcp_client_new_fds(ends[1], -1, "half", &error);
    check_refused(client, error);
    client = mcp_client_new_fds(-1, -1, "none", &error);
    check_refused(client, error);
    client = mcp_client_new_fds(ends[0], ends[0], "closed", &error);
    check_refused(client, error);
    CHECK(!is_open(ends[0]) && !is_open(ends[1]));
}

static void settings_of_other_servers_are_misuse(void) {
    int ends[2];
    mcp_error *error = NULL;
    socket_pair(ends);
    mcp_client *client = mcp_client_new_fds(ends[0], ends[0], "embedded", NULL);
    EXPECT(MCP_MISUSE, error, mcp_set_bearer(client, "token", &error));
    EXPECT(MCP_MISUSE, error, mcp_set_environment(client, "A", "b", &error));
    mcp_client_free(client); /* without a call */
    CHECK(!is_open(ends[0]));
    close(ends[1]);
}

int main(void) {
    a_server_in_the_same_process_is_called();
    two_descriptors_are_used_in_their_directions();
    calls_fail_when_the_stream_has_ended();
    descriptors_are_closed_also_on_failure();
    settings_of_other_servers_are_misuse();
    return check_end();
}
