/* Handwritten MCP: builds requests, and finds the text in a response without a parser. For the clients that do not use
 * an MCP library: raw.c and curl.cpp. */
#ifndef HAND_H
#define HAND_H

#include "client.h"

/* The header line with the session id of a legacy server. */
static char session[128];

static inline const char *method_of(const struct task *task) {
    return task->size ? "tools/call" : task->modern ? "server/discover" : "ping";
}

/* Writes the part of a request before the tool arguments; returns its size. */
static inline int request_start(const struct task *task, char *out, long id) {
    static const char meta[] = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN "\","
                               "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bench\",\"version\":\"1\"},"
                               "\"io.modelcontextprotocol/clientCapabilities\":{}}";
    int size = sprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"%s\"", id, method_of(task));
    if (task->modern || task->size)
        size += sprintf(out + size, ",\"params\":{");
    if (task->modern)
        size += sprintf(out + size, "%s", meta);
    if (task->size)
        size += sprintf(out + size, "%s\"name\":\"echo\",\"arguments\":", task->modern ? "," : "");
    return size;
}

static inline const char *request_end(const struct task *task) {
    return task->modern || task->size ? "}}" : "}";
}

static const char initialize[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY
    "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}";
static const char initialized[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

/* Finds the text in a response and decodes it into `out`. Newlines are the only escaped characters in the payload. */
static inline size_t decoded_text(const char *answer, size_t size, char *out) {
    const char *end = answer + size;
    const char *at = (const char *)memmem(answer, size, "\"text\":\"", 8);
    if (!at)
        fail("the response has no text");
    char *start = out;
    for (at += 8; at < end && *at != '"';) {
        const char *special = (const char *)memchr(at, '\\', (size_t)(end - at));
        const char *quote = (const char *)memchr(at, '"', (size_t)((special ? special : end) - at));
        const char *stop = quote ? quote : special ? special : end;
        memcpy(out, at, (size_t)(stop - at));
        out += stop - at;
        at = stop;
        if (at < end && *at == '\\') {
            *out++ = at[1] == 'n' ? '\n' : at[1];
            at += 2;
        }
    }
    return (size_t)(out - start);
}

/* Checks that the response belongs to the request `id`. */
static inline void check_id(const char *answer, size_t size, long id) {
    char expected[32];
    int length = sprintf(expected, "\"id\":%ld,", id);
    if (!memmem(answer, size < 256 ? size : 256, expected, (size_t)length))
        fail("the response has the wrong id");
}

#endif
