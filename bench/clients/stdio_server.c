/* A server process with two tools, for blank_lines.c and in_flight.c. It finds the members of a request with strstr(),
 * so it is only for clients that write no spaces between them.
 *
 *     blank {"bytes":N}               writes N blank lines before its response
 *     wait {"calls":N,"events":E}     when N of these calls are pending: reports progress E times in all, then responds
 *
 * cc -O2 stdio_server.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Consecutive notifications for the same call. */
enum { RUN = 100, MOST = 10000 };

/* The raw values of the pending calls. */
static char *ids[MOST], *tokens[MOST];
static long pending;

/* A copy of the number or string after `name`, or NULL. */
static char *value_of(const char *message, const char *name) {
    const char *found = strstr(message, name);
    if (!found)
        return NULL;
    found += strlen(name);
    return strndup(found, strcspn(found, ",}"));
}

static long number_of(const char *message, const char *name) {
    const char *found = strstr(message, name);
    return found ? atol(found + strlen(name)) : 0;
}

static void respond(const char *id, const char *result) {
    printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n", id, result);
}

static void respond_to_all(long events) {
    for (long number = 0; number < events; number++)
        printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,"
               "\"progress\":%ld}}\n",
               tokens[number / RUN % pending], number + 1);
    for (long number = 0; number < pending; number++)
        respond(ids[number], "{\"content\":[]}");
    pending = 0;
}

static void call_tool(const char *message, const char *id) {
    if (strstr(message, "\"name\":\"blank\"")) {
        for (long left = number_of(message, "\"bytes\":"); left > 0; left--)
            putchar('\n');
        respond(id, "{\"content\":[]}");
        return;
    }
    ids[pending] = strdup(id);
    tokens[pending++] = value_of(message, "\"progressToken\":");
    if (pending == number_of(message, "\"calls\":"))
        respond_to_all(number_of(message, "\"events\":"));
}

static void answer(const char *message) {
    char *id = value_of(message, "\"id\":");
    if (!id)
        return;
    if (strstr(message, "\"method\":\"initialize\""))
        respond(id, "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},"
                    "\"serverInfo\":{\"name\":\"stdio-server\",\"version\":\"1\"}}");
    else if (strstr(message, "\"method\":\"tools/call\""))
        call_tool(message, id);
    else
        printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n", id);
    free(id);
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        answer(line);
        fflush(stdout);
    }
    return 0;
}
