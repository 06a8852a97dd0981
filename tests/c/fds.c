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

/* Responds to server/discover only after a while, and then like `serve`. */
static void *serve_late(void *argument) {
    sleep_ms(300);
    return serve(argument);
}

static void a_call_may_fail_before_the_server_is_ready(void) {
    int ends[2];
    mcp_error *error = NULL;
    mcp_options *brief = mcp_options_new();
    socket_pair(ends);
    pthread_t server = start_thread(serve_late, &ends[1]);
    mcp_client *client = mcp_client_new_fds(ends[0], ends[0], "slow", NULL);
    mcp_options_set_timeout(brief, 20, NULL);
    EXPECT(MCP_TIMEOUT, error, mcp_connect(client, brief, &error));
    EXPECT(MCP_OK, error, mcp_set_timeout(client, 20000, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    mcp_options_free(brief);
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    join_thread(server); /* the close has ended its stream */
    mcp_client_free(client);
    CHECK(!is_open(ends[0]));
}

static void a_close_without_a_call_closes_the_descriptors(void) {
    int ends[2];
    char byte;
    mcp_error *error = NULL;
    socket_pair(ends);
    mcp_client *client = mcp_client_new_fds(ends[0], ends[0], "unused", NULL);
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    CHECK_INT(0, read(ends[1], &byte, 1));
    EXPECT(MCP_CLOSED, error, mcp_ping(client, NULL, &error));
    mcp_client_free(client);
    close(ends[1]);
}

/* Reads two requests, and no more. Responds to the first, and later to the second, with much text. */
static void *serve_two(void *argument) {
    int fd = *(int *)argument;
    char line[4096], *text = calloc(1, 100001);
    FILE *in = fdopen(dup(fd), "r");
    must(text != NULL && fgets(line, sizeof line, in) != NULL, "initialize");
    dprintf(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
                "\"serverInfo\":{\"name\":\"two\",\"version\":\"1\"}}}\n");
    must(fgets(line, sizeof line, in) != NULL && fgets(line, sizeof line, in) != NULL, "a ping");
    shutdown(fd, SHUT_RD);
    memset(text, 'x', 100000);
    sleep_ms(100);
    dprintf(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"text\":\"%s\"}}\n", text);
    sleep_ms(100);
    free(text);
    fclose(in);
    close(fd);
    return NULL;
}

static void *ping(void *client) {
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    return NULL;
}

static void a_response_counts_although_the_server_has_stopped_reading(void) {
    int ends[2];
    socket_pair(ends);
    pthread_t server = start_thread(serve_two, &ends[1]);
    mcp_client *client = mcp_client_new_fds(ends[0], ends[0], "half", NULL);
    must(mcp_set_protocol_version(client, "2025-11-25", NULL) == MCP_OK, "a version");
    must(mcp_connect(client, NULL, NULL) == MCP_OK, "a connection");
    pthread_t call = start_thread(ping, client);
    sleep_ms(50);
    mcp_notify(client, "notifications/example", NULL, 0, NULL, NULL); /* it cannot be written */
    join_thread(call);
    join_thread(server);
    mcp_client_free(client);
}

static void flags_of_the_descriptors_are_kept(void) {
    int ends[2];
    char path[] = "/tmp/mcp-fds-XXXXXX";
    int file = mkstemp(path);
    must(file >= 0 && unlink(path) == 0 && pipe(ends) == 0, "a file and a pipe");
    must(fcntl(file, F_SETFL, O_APPEND) == 0, "fcntl");
    int copy = dup(file);
    mcp_client *client = mcp_client_new_fds(ends[0], file, "file", NULL);
    must(client != NULL, "a client");
    CHECK((fcntl(copy, F_GETFL) & (O_APPEND | O_NONBLOCK)) == (O_APPEND | O_NONBLOCK));
    mcp_client_free(client);
    close(copy);
    close(ends[1]);
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
    a_call_may_fail_before_the_server_is_ready();
    a_close_without_a_call_closes_the_descriptors();
    a_response_counts_although_the_server_has_stopped_reading();
    flags_of_the_descriptors_are_kept();
    descriptors_are_closed_also_on_failure();
    settings_of_other_servers_are_misuse();
    return check_end();
}
