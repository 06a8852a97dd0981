/* Handwritten MCP: builds requests, and finds the text in a response without a parser. For the clients that do not use
 * an MCP library: raw.c and curl.cpp. */
#ifndef HAND_H
#define HAND_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "client.h"

/* The header line with the session id of a legacy server. */
static char session[128];

static inline const char *method_of(const struct task *task) {
    if (task->tool)
        return "tools/call";
    return task->what == TOOLS ? "tools/list" : task->modern ? "server/discover" : "ping";
}

/* Writes the part of a request before the tool arguments; returns its size. */
static inline int request_start(const struct task *task, char *out, long id) {
    static const char version[] = "\"io.modelcontextprotocol/protocolVersion\":\"" MODERN "\","
                                  "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bench\",\"version\":\"1\"},"
                                  "\"io.modelcontextprotocol/clientCapabilities\":{}";
    bool progress = task->what == EVENT_STREAM;
    int size = sprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"%s\"", id, method_of(task));
    if (task->modern || task->tool)
        size += sprintf(out + size, ",\"params\":{");
    if (task->modern || progress)
        size +=
            sprintf(out + size, "\"_meta\":{%s%s%s}%s", task->modern ? version : "",
                    task->modern && progress ? "," : "", progress ? "\"progressToken\":1" : "", task->tool ? "," : "");
    if (task->tool)
        size += sprintf(out + size, "\"name\":\"%s\",\"arguments\":", task->tool);
    return size;
}

static inline const char *request_end(const struct task *task) {
    return task->modern || task->tool ? "}}" : "}";
}

static const char initialize[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY
    "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}";
static const char initialized[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

/* Decodes the string that begins at `at`, after its quote, to `out`, which needs 16 bytes more than the text. Returns
 * the position after its last quote. The texts contain only the escapes of one character. */
static inline const char *decoded_string(const char *at, const char *end, char *out, size_t *size) {
    char *start = out;
    for (;;) {
#ifdef __SSE2__
        while (end - at >= 16) {
            __m128i block = _mm_loadu_si128((const __m128i *)at);
            _mm_storeu_si128((__m128i *)out, block);
            __m128i special =
                _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
            int found = _mm_movemask_epi8(special);
            int plain = found ? __builtin_ctz((unsigned)found) : 16;
            at += plain;
            out += plain;
            if (found)
                break;
        }
#endif
        if (at >= end)
            fail("a string has no end");
        if (*at == '"') {
            *size = (size_t)(out - start);
            return at + 1;
        }
        bool escaped = *at == '\\';
        at += escaped;
        *out++ = escaped && *at == 'n' ? '\n' : *at;
        at++;
    }
}

/* Finds the member of an echoed text, and decodes it. */
static inline size_t decoded_text(const char *answer, size_t size, char *out) {
    const char *at = (const char *)memmem(answer, size, "\"text\":\"", 8);
    if (!at)
        fail("the response has no text");
    decoded_string(at + 8, answer + size, out, &size);
    return size;
}

/* Decodes the name and the description of each tool. `out` is for one of them. */
static inline struct tally decoded_tools(const char *answer, size_t size, char *out) {
    static const char name[] = "{\"name\":\"", description[] = ",\"description\":\"";
    struct tally tally = {0, 0, 0};
    const char *at = answer, *end = answer + size;
    while ((at = (const char *)memmem(at, (size_t)(end - at), name, sizeof name - 1)) != NULL) {
        struct tally before = tally;
        at = decoded_string(at + sizeof name - 1, end, out, &size);
        add_string(&tally, out, size);
        /* The information about a modern server, which follows the tools, has a name too. */
        if ((size_t)(end - at) < sizeof description || memcmp(at, description, sizeof description - 1) != 0)
            return before;
        at = decoded_string(at + sizeof description - 1, end, out, &size);
        add_string(&tally, out, size);
        tally.tools++;
    }
    return tally;
}

/* Returns the data of the event at `*at`, which consists of one line, and moves `*at` to the next event. NULL if there
 * is none. */
static inline const char *next_event(const char **at, const char *end, size_t *size) {
    const char *data = NULL;
    while (*at < end) {
        const char *line = *at, *stop = (const char *)memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            return NULL;
        *at = stop + 1;
        if (stop == line && data)
            return data;
        if (stop - line > 6 && memcmp(line, "data: ", 6) == 0) {
            data = line + 6;
            *size = (size_t)(stop - data);
        }
    }
    return NULL;
}

/* Returns the progress that a message reports; 0 if it is another message. */
static inline long progress_in(const char *message, size_t size) {
    const char *at = (const char *)memmem(message, size, "\"progress\":", 11);
    return at ? strtol(at + 11, NULL, 10) : 0;
}

/* Checks that the response belongs to the request `id`. */
static inline void check_id(const char *answer, size_t size, long id) {
    char expected[32];
    int length = sprintf(expected, "\"id\":%ld,", id);
    if (!memmem(answer, size < 256 ? size : 256, expected, (size_t)length))
        fail("the response has the wrong id");
}

/* Reads and checks a response without a parser. `out` has the space for a decoded text. */
static inline void read_by_hand(const struct task *task, const char *answer, size_t size, char *out, long id,
                                long call) {
    if (task->stream) {
        const char *at = answer, *end = answer + size;
        long last = 0, progress;
        while ((answer = next_event(&at, end, &size)) != NULL &&
               (progress = progress_in(answer, size < 128 ? size : 128)))
            check_progress(&last, (double)progress);
        if (!answer)
            fail("the event stream has no response");
        if (task->what == EVENT_STREAM)
            check_events(last);
    }
    check_id(answer, size, id);
    if (task->what == ECHO) {
        check_text(task, out, decoded_text(answer, size, out), call);
    } else if (task->what == TOOLS) {
        struct tally tally = decoded_tools(answer, size, out);
        check_tools(task, &tally);
    }
}

#endif
