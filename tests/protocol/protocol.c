#define _POSIX_C_SOURCE 200809L

#include "protocol.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char ELLIPSIS[] = "\xe2\x80\xa6";

static struct {
    const char *version;
    bool pinned;
    mcp_json *state; /* NULL for stdio */
    const char *const *command;
    bool has_fds; /* this program starts the command */
} server;

static mcp_json *read_state(const char *path) {
    char text[16384];
    FILE *file = fopen(path, "rb");
    must(file != NULL, path);
    size_t length = fread(text, 1, sizeof text, file);
    must(length < sizeof text, "the state file is small");
    fclose(file);
    mcp_json *state = mcp_json_parse(text, length, NULL);
    must(state != NULL, "the state file is JSON");
    return state;
}

static const char *state(const char *member) {
    return mcp_json_string(mcp_json_member(server.state, member));
}

void use_server(int argc, char **argv) {
    must(argc >= 4, "usage: PROGRAM VERSION http STATE.json | PROGRAM VERSION stdio|fds COMMAND...");
    server.pinned = argv[1][0] == '=';
    server.version = argv[1] + server.pinned;
    if (strcmp(argv[2], "http") == 0) {
        server.state = read_state(argv[3]);
        must(state("url") != NULL, "the state file has a url");
    } else {
        server.has_fds = strcmp(argv[2], "fds") == 0;
        must(server.has_fds || strcmp(argv[2], "stdio") == 0, "http, stdio or fds");
        server.command = (const char *const *)argv + 3;
    }
}

bool modern(void) {
    return strcmp(server.version, "2026-07-28") >= 0;
}

bool on_stdio(void) {
    return server.command != NULL;
}

bool on_sse(void) {
    return server.state != NULL && strcmp(state("transport"), "sse") == 0;
}

/* A client for a server process that this program has started. It exits when its stdin ends. */
static mcp_client *new_client_of_process(mcp_error **error) {
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a socket pair");
    signal(SIGCHLD, SIG_IGN); /* no zombie remains */
    pid_t child = fork();
    must(child >= 0, "a process");
    if (child == 0) {
        if (dup2(ends[1], STDIN_FILENO) < 0 || dup2(ends[1], STDOUT_FILENO) < 0)
            _exit(126);
        close(ends[0]);
        close(ends[1]);
        execvp(server.command[0], (char *const *)server.command);
        _exit(127);
    }
    close(ends[1]);
    return mcp_client_new_fds(ends[0], ends[0], "process", error);
}

mcp_client *new_client(void) {
    mcp_error *error = NULL;
    mcp_client *client;
    if (server.has_fds) {
        client = new_client_of_process(&error);
    } else if (on_stdio()) {
        client = mcp_client_new_stdio(server.command, &error);
    } else {
        client = mcp_client_new(state("url"), &error);
    }
    must(client != NULL, mcp_error_message(error));
    EXPECT(MCP_OK, error, mcp_set_timeout(client, 30000, &error));
    const char *token = mcp_json_string(mcp_json_pointer(server.state, "/tokens/right"));
    if (token != NULL) {
        EXPECT(MCP_OK, error, mcp_set_bearer(client, token, &error));
    }
    if (server.pinned) {
        EXPECT(MCP_OK, error, mcp_set_protocol_version(client, server.version, &error));
    }
    return client;
}

mcp_client *connected_client(void) {
    mcp_client *client = new_client();
    mcp_error *error = NULL;
    mcp_json *info = NULL;
    EXPECT(MCP_OK, error, mcp_server_info(client, NULL, &info, &error));
    CHECK_TEXT(server.version, mcp_json_string(mcp_json_member(info, "protocolVersion")));
    CHECK_TEXT(modern() ? "modern" : "legacy", mcp_json_string(mcp_json_member(info, "era")));
    CHECK_TEXT(on_stdio() ? "stdio" : state("transport"), mcp_json_string(mcp_json_member(info, "transport")));
    mcp_json_free(info);
    return client;
}

void end_client(mcp_client *client) {
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    mcp_client_free(client);
}

char *quotes(const char *text) {
    char *copy = strdup(text);
    must(copy != NULL, "memory");
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;) {
        *at = '"';
    }
    return copy;
}

static bool matches(const char *expected, const char *actual) {
    if (expected == NULL || actual == NULL) {
        return false;
    }
    size_t length = strlen(expected), tail = strlen(ELLIPSIS);
    if (length >= tail && strcmp(expected + length - tail, ELLIPSIS) == 0) {
        return strncmp(expected, actual, length - tail) == 0;
    }
    return strcmp(expected, actual) == 0;
}

/* Whether the values are equal; if not, `where` is the JSON pointer of the first difference. */
static bool equal(const mcp_json *expected, const mcp_json *actual, char *where, size_t capacity) {
    mcp_json_type type = mcp_json_type_of(expected);
    size_t used = strlen(where);
    if (type != mcp_json_type_of(actual) || mcp_json_size(expected) != mcp_json_size(actual)) {
        return false;
    }
    if (type == MCP_JSON_STRING) {
        return matches(mcp_json_string(expected), mcp_json_string(actual));
    }
    if (type == MCP_JSON_NUMBER) {
        double a = 0, b = 1;
        return mcp_json_double(expected, &a, NULL) == MCP_OK && mcp_json_double(actual, &b, NULL) == MCP_OK && a == b;
    }
    if (type == MCP_JSON_BOOL) {
        bool a = false, b = true;
        return mcp_json_bool(expected, &a, NULL) == MCP_OK && mcp_json_bool(actual, &b, NULL) == MCP_OK && a == b;
    }
    size_t index = 0;
    const mcp_json *child = mcp_json_first(expected), *element = mcp_json_first(actual);
    for (; child != NULL; child = mcp_json_next(child), element = mcp_json_next(element)) {
        const char *key = mcp_json_key(child);
        if (key != NULL) {
            snprintf(where + used, capacity - used, "/%s", key);
        } else {
            snprintf(where + used, capacity - used, "/%zu", index++);
        }
        if (!equal(child, key != NULL ? mcp_json_member(actual, key) : element, where, capacity)) {
            return false;
        }
        where[used] = '\0';
    }
    return true;
}

void check_json(const char *expected, const mcp_json *actual, const char *text, const char *file, int line) {
    char where[512] = "";
    char *json = quotes(expected);
    mcp_json *parsed = mcp_json_parse(json, MCP_NUL_TERMINATED, NULL);
    must(parsed != NULL, expected);
    if (!check_that(equal(parsed, actual, where, sizeof where), text, file, line)) {
        size_t length = 0;
        const char *raw = mcp_json_raw(actual, &length);
        fprintf(stderr, "    difference at \"%s\": expected %s\n    found %.*s\n", where, json, (int)length,
                raw != NULL ? raw : "");
    }
    mcp_json_free(parsed);
    free(json);
}

void check_names(const char *expected, const mcp_json *array, const char *member, const char *text, const char *file,
                 int line) {
    char names[4096] = "";
    size_t used = 0;
    for (const mcp_json *element = mcp_json_first(array); element != NULL; element = mcp_json_next(element)) {
        const char *name = mcp_json_string(mcp_json_member(element, member));
        int count = snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? " " : "", name != NULL ? name : "?");
        must(count >= 0 && used + (size_t)count < sizeof names, "room for the names");
        used += (size_t)count;
    }
    check_text(expected, names, text, file, line);
}

mcp_json *call_tool(mcp_client *client, const char *name, const char *arguments, const mcp_options *options,
                    const char *file, int line) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    char *json = arguments != NULL ? quotes(arguments) : NULL;
    mcp_status status = mcp_call_tool(client, name, json, MCP_NUL_TERMINATED, options, &result, &error);
    check_outcome(MCP_OK, status, error, name, file, line);
    mcp_error_free(error);
    free(json);
    if (result != NULL && !check_that(!mcp_tool_result_is_error(result), "the tool succeeds", file, line)) {
        fprintf(stderr, "    %s\n", mcp_tool_result_text(result));
    }
    return result;
}

void check_tool(const char *expected, mcp_client *client, const char *name, const char *arguments,
                const mcp_options *options, const char *file, int line) {
    mcp_json *result = call_tool(client, name, arguments, options, file, line);
    const char *text = mcp_tool_result_text(result);
    if (!check_that(matches(expected, text), name, file, line)) {
        fprintf(stderr, "    expected \"%s\"\n    found \"%s\"\n", expected, text);
    }
    mcp_json_free(result);
}

static const char *raw_at(const mcp_json *json, size_t *length) {
    const char *raw = mcp_json_raw(json, length);
    return raw != NULL ? raw : "";
}

size_t check_pages(mcp_client *client, list_fn list, page_fn page, const char *member) {
    mcp_error *error = NULL;
    mcp_json *whole = NULL, *part = NULL;
    size_t pages = 0;
    EXPECT(MCP_OK, error, list(client, NULL, &whole, &error));
    const mcp_json *element = mcp_json_first(mcp_json_member(whole, member));
    CHECK(mcp_json_member(whole, "nextCursor") == NULL);
    char *cursor = NULL;
    do {
        EXPECT(MCP_OK, error, page(client, cursor, NULL, &part, &error));
        free(cursor);
        cursor = NULL;
        const mcp_json *elements = mcp_json_member(part, member);
        CHECK(mcp_json_type_of(elements) == MCP_JSON_ARRAY);
        for (const mcp_json *each = mcp_json_first(elements); each != NULL; each = mcp_json_next(each)) {
            size_t a = 0, b = 0;
            const char *one = raw_at(each, &a), *other = raw_at(element, &b);
            CHECK_SAYS(a == b && memcmp(one, other, a) == 0, "%.*s", (int)a, one);
            element = mcp_json_next(element);
        }
        const char *next = mcp_json_string(mcp_json_member(part, "nextCursor"));
        if (next != NULL) {
            cursor = strdup(next);
            must(cursor != NULL, "memory");
        }
        mcp_json_free(part);
        pages++;
    } while (cursor != NULL && pages < 1000);
    CHECK(element == NULL && cursor == NULL);
    free(cursor);
    mcp_json_free(whole);
    return pages;
}

/* --- Notes --------------------------------------------------------------------------------------------------- */

struct notes {
    pthread_mutex_t mutex;
    pthread_cond_t more;
    char **lines;
    size_t count, capacity;
};

notes *notes_new(void) {
    notes *made = calloc(1, sizeof *made);
    pthread_condattr_t clock;
    must(made != NULL && pthread_mutex_init(&made->mutex, NULL) == 0, "a mutex");
    must(pthread_condattr_init(&clock) == 0 && pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0, "a clock");
    must(pthread_cond_init(&made->more, &clock) == 0, "a condition");
    pthread_condattr_destroy(&clock);
    return made;
}

void clear_notes(notes *notes) {
    pthread_mutex_lock(&notes->mutex);
    for (size_t i = 0; i < notes->count; i++) {
        free(notes->lines[i]);
    }
    notes->count = 0;
    pthread_mutex_unlock(&notes->mutex);
}

void notes_free(notes *notes) {
    clear_notes(notes);
    free(notes->lines);
    pthread_cond_destroy(&notes->more);
    pthread_mutex_destroy(&notes->mutex);
    free(notes);
}

void note(notes *notes, const char *format, ...) {
    char line[4096];
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    pthread_mutex_lock(&notes->mutex);
    if (notes->count == notes->capacity) {
        notes->capacity = notes->capacity * 2 + 16;
        notes->lines = realloc(notes->lines, notes->capacity * sizeof *notes->lines);
        must(notes->lines != NULL, "memory");
    }
    notes->lines[notes->count] = strdup(line);
    must(notes->lines[notes->count++] != NULL, "memory");
    pthread_cond_broadcast(&notes->more);
    pthread_mutex_unlock(&notes->mutex);
}

static size_t count_matching(const notes *notes, const char *text) {
    size_t count = 0;
    for (size_t i = 0; i < notes->count; i++) {
        count += matches(text, notes->lines[i]);
    }
    return count;
}

size_t count_notes(notes *notes, const char *text) {
    pthread_mutex_lock(&notes->mutex);
    size_t count = count_matching(notes, text);
    pthread_mutex_unlock(&notes->mutex);
    return count;
}

bool note_arrives_within(notes *notes, const char *text, unsigned milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(milliseconds / 1000);
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    int waited = 0;
    pthread_mutex_lock(&notes->mutex);
    while (count_matching(notes, text) == 0 && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&notes->more, &notes->mutex, &until);
    }
    bool found = count_matching(notes, text) > 0;
    pthread_mutex_unlock(&notes->mutex);
    return found;
}

static void print_notes(notes *notes) {
    pthread_mutex_lock(&notes->mutex);
    for (size_t i = 0; i < notes->count; i++) {
        fprintf(stderr, "    | %s\n", notes->lines[i]);
    }
    pthread_mutex_unlock(&notes->mutex);
}

bool await_note(notes *notes, const char *text, unsigned milliseconds, const char *file, int line) {
    bool found = check_that(note_arrives_within(notes, text, milliseconds), text, file, line);
    if (!found) {
        print_notes(notes);
    }
    return found;
}

void check_notes(const char *expected, notes *notes, const char *file, int line) {
    bool equal = true;
    size_t count = 0;
    pthread_mutex_lock(&notes->mutex);
    const char *at = expected;
    while (*at != '\0') {
        char line[4096];
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, at);
        equal = equal && count < notes->count && matches(line, notes->lines[count]);
        count++;
        at += length + (at[length] == '\n');
    }
    equal = equal && count == notes->count;
    pthread_mutex_unlock(&notes->mutex);
    if (!check_that(equal, expected, file, line)) {
        print_notes(notes);
    }
}

static void logged(void *userdata, int32_t level, const char *message) {
    (void)level;
    note(userdata, "%s", message);
}

void record_log(mcp_client *client, notes *notes) {
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_log(client, logged, notes, NULL, &error));
}

static void server_logged(void *userdata, const mcp_json *message) {
    size_t length = 0;
    const char *level = mcp_json_string(mcp_json_member(message, "level"));
    const char *logger = mcp_json_string(mcp_json_member(message, "logger"));
    const char *data = raw_at(mcp_json_member(message, "data"), &length);
    note(userdata, "%s %s %.*s", level != NULL ? level : "-", logger != NULL ? logger : "-", (int)length, data);
}

void record_server_messages(mcp_client *client, notes *notes) {
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_server_log(client, server_logged, notes, NULL, &error));
}
