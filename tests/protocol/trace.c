/* The trace shows every message: each request that is sent, and its response. */
#include "protocol.h"

enum { MOST = 64 };

static struct {
    pthread_mutex_t lock;
    int sent, received, invalid;
    long long requests[MOST], responses[MOST];
    size_t request_count, response_count;
    bool has_call, has_result;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void record(void *userdata, int32_t direction, const char *text, size_t length) {
    (void)userdata;
    mcp_json *message = mcp_json_parse(text, length, NULL);
    const mcp_json *id = mcp_json_member(message, "id");
    const char *method = mcp_json_string(mcp_json_member(message, "method"));
    int64_t number = 0;
    bool has_number = id != NULL && mcp_json_int64(id, &number, NULL) == MCP_OK;
    pthread_mutex_lock(&seen.lock);
    seen.invalid += message == NULL || strlen(text) != length;
    if (direction == MCP_TRACE_SENT) {
        seen.sent++;
        seen.has_call |= method != NULL && strcmp(method, "tools/call") == 0;
        if (method != NULL && has_number && seen.request_count < MOST)
            seen.requests[seen.request_count++] = number;
    } else {
        seen.received++;
        seen.has_result |= strstr(text, "traced words") != NULL;
        if (method == NULL && has_number && seen.response_count < MOST)
            seen.responses[seen.response_count++] = number;
    }
    pthread_mutex_unlock(&seen.lock);
    mcp_json_free(message);
}

static bool has_response(long long id) {
    for (size_t i = 0; i < seen.response_count; i++)
        if (seen.responses[i] == id)
            return true;
    return false;
}

int main(int argc, char **argv) {
    must(argc >= 5, "usage: trace ARGUMENT VERSION http|stdio|fds ...");
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    char arguments[64];
    snprintf(arguments, sizeof arguments, "{\"%s\":\"traced words\"}", argv[1]);
    use_server(argc - 1, argv + 1);
    mcp_client *client = new_client();
    EXPECT(MCP_OK, error, mcp_set_trace(client, record, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_call_tool(client, "echo", arguments, MCP_NUL_TERMINATED, NULL, &result, &error));
    mcp_json_free(result);
    CHECK_INT(0, seen.invalid);
    CHECK(seen.has_call && seen.has_result);
    CHECK(seen.request_count >= 2);
    for (size_t i = 0; i < seen.request_count; i++)
        /* Over HTTP, the response to a version that the server does not know may have another id. */
        CHECK_SAYS(has_response(seen.requests[i]) || i == 0, "no response to request %lld", seen.requests[i]);

    /* Without a trace, nothing is passed. */
    EXPECT(MCP_OK, error, mcp_set_trace(client, NULL, NULL, NULL, &error));
    int before = seen.sent + seen.received;
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(before, seen.sent + seen.received);
    dispose(client);
    return check_end();
}
