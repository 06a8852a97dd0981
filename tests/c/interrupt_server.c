#define _XOPEN_SOURCE 700

#include "interrupt_states.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISCOVERED                                                                                 \
    "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{\"listChanged\":true}}," \
    "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\",\"_meta\":{"               \
    "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"test\",\"version\":\"1\"}}}"
#define INITIALIZED                                                                       \
    "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":" \
    "{\"name\":\"test\",\"version\":\"1\"}}"

static bool is_one_of(const char *method, const char *a, const char *b) {
    return strcmp(method, a) == 0 || strcmp(method, b) == 0;
}

static void respond(const char *era, const mcp_json *request) {
    const char *method = mcp_json_string(mcp_json_member(request, "method"));
    bool is_modern = strcmp(era, "modern") == 0;
    int64_t id;

    if (method == NULL || mcp_json_int64(mcp_json_member(request, "id"), &id, NULL) != MCP_OK) {
        return; /* a notification */
    }
    if (is_modern ? strcmp(method, "server/discover") == 0 : is_one_of(method, "initialize", "ping")) {
        const char *result = is_modern ? DISCOVERED : strcmp(method, "ping") == 0 ? "{}" : INITIALIZED;
        printf("{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":%s}\n", (long long)id, result);
    } else if (!is_one_of(method, "tools/list", "subscriptions/listen")) {
        const char *error = "{\"code\":-32601,\"message\":\"Method not found\"}";
        printf("{\"jsonrpc\":\"2.0\",\"id\":%lld,\"error\":%s}\n", (long long)id, error);
    }
    fflush(stdout);
}

int run_stdio_server(const char *era, const char *milliseconds) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    unsigned delay_ms = (unsigned)atoi(milliseconds);

    while ((length = getline(&line, &capacity, stdin)) > 0) {
        mcp_json *request = mcp_json_parse(line, (size_t)length, NULL);
        sleep_ms(delay_ms); /* before the first response only */
        delay_ms = 0;
        respond(era, request);
        mcp_json_free(request);
    }
    free(line);
    return 0;
}
