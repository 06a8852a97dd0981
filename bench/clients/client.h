/* Shared by all C and C++ clients of the benchmark: command line, payload, measurement, and the line of JSON with the
 * results. The command line is PROGRAM URL KIND COUNT [CA-FILE]. KIND says what a call is:
 *
 *     ping, cold   a ping (a modern server has none: server/discover); "cold" makes only one
 *     tools        tools/list, and reading the name and the description of each tool; the URL ends in "?tools=N"
 *     events       a tool call that reports progress EVENTS times before its response
 *     a file       a tool call that returns the text in the file
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MODERN "2026-07-28"
#define LEGACY "2025-11-25"

enum { EVENTS = 10000, COMPARED = 64 };
enum call_kind { PING, ECHO, TOOLS, EVENT_STREAM };

/* What a client has read from a list of tools. */
struct tally {
    long tools;
    size_t bytes;
    unsigned sum;
};

struct task {
    const char *url, *kind, *authority;
    long count;
    enum call_kind what;
    bool modern, stream;
    /* The text that the server echoes, and its size in bytes. */
    char *text;
    size_t size;
    /* The tool to call, or NULL, and its arguments, as JSON. */
    const char *tool;
    char *arguments;
    size_t arguments_size;
    /* What the list of tools contains. */
    struct tally expected;
    /* At least the size of a response. */
    size_t response_size;
};

static inline void fail(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static inline void *allocated(size_t size) {
    void *memory = malloc(size);
    if (!memory)
        fail("no memory");
    return memory;
}

static inline void read_text(struct task *task) {
    FILE *file = fopen(task->kind, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        fail("KIND must be ping, cold, tools, events, or a file");
    task->size = (size_t)ftell(file);
    task->text = (char *)allocated(task->size + COMPARED);
    rewind(file);
    if (fread(task->text, 1, task->size, file) != task->size)
        fail("cannot read the text");
    fclose(file);
}

/* Writes {"text":TEXT}. Of the characters that JSON requires to be escaped, the texts contain only these three. */
static inline void make_arguments(struct task *task) {
    char *out = task->arguments = (char *)allocated(task->size * 2 + 16);
    out += sprintf(out, "{\"text\":\"");
    for (size_t at = 0; at < task->size; at++) {
        char byte = task->text[at];
        if (byte == '\n' || byte == '"' || byte == '\\')
            *out++ = '\\';
        *out++ = byte == '\n' ? 'n' : byte;
    }
    out += sprintf(out, "\"}");
    task->arguments_size = (size_t)(out - task->arguments);
}

/* Adds a name or a description. The bytes of both ends show that it was decoded. */
static inline void add_string(struct tally *tally, const char *string, size_t size) {
    tally->bytes += size;
    if (size > 0)
        tally->sum = tally->sum * 31 + (unsigned char)string[0] * 256 + (unsigned char)string[size - 1];
}

/* The list that the server generates: see server/src/lists.rs. */
static inline struct tally generated_tools(long count) {
    static const char prose[] = "Reads a \"file\" of the project and returns its lines.\nThe path is relative to the "
                                "root; a path that leaves the root is refused.\nWith \"limit\", only the first lines "
                                "are returned, and the result says how many follow.\n";
    struct tally tally = {count, 0, 0};
    char string[512];
    for (long number = 0; number < count; number++) {
        add_string(&tally, string, (size_t)sprintf(string, "tool_%05ld", number));
        int size = sprintf(string, "Tool %ld. %.*s", number, (int)(number * 37 % 200), prose);
        add_string(&tally, string, (size_t)size);
    }
    return tally;
}

static inline struct task task_of(int argc, char **argv) {
    if (argc < 4)
        fail("usage: PROGRAM URL KIND COUNT [CA-FILE]");
    struct task task;
    memset(&task, 0, sizeof task);
    task.url = argv[1];
    task.kind = argv[2];
    task.count = atol(argv[3]);
    task.authority = argc > 4 ? argv[4] : NULL;
    task.modern = strstr(task.url, "/modern/") != NULL;
    task.stream = strstr(task.url, "/sse") != NULL;
    const char *tools = strstr(task.url, "?tools=");
    if (strcmp(task.kind, "tools") == 0) {
        task.what = TOOLS;
        task.expected = generated_tools(tools ? atol(tools + 7) : 0);
        task.response_size = (size_t)task.expected.tools * 1024;
    } else if (strcmp(task.kind, "events") == 0) {
        task.what = EVENT_STREAM;
        task.stream = true;
        task.tool = "events";
        task.arguments = (char *)allocated(64);
        task.arguments_size = (size_t)sprintf(task.arguments, "{\"count\":%d}", EVENTS);
        task.response_size = EVENTS * 256;
    } else if (strcmp(task.kind, "ping") != 0 && strcmp(task.kind, "cold") != 0) {
        task.what = ECHO;
        task.tool = "echo";
        read_text(&task);
        make_arguments(&task);
        task.response_size = task.size * 2;
    }
    task.response_size += 65536;
    return task;
}

/* Checks the echoed text: completely in the first calls, which are not measured, then its length and a part of it. */
static inline void check_text(const struct task *task, const char *text, size_t size, long call) {
    bool complete = call < 3 || size < COMPARED;
    size_t at = complete ? 0 : (size_t)call * 7919 % (size - COMPARED + 1);
    if (size != task->size || memcmp(text + at, task->text + at, complete ? size : (size_t)COMPARED) != 0)
        fail("the echoed text differs");
}

static inline void check_tools(const struct task *task, const struct tally *tally) {
    const struct tally *expected = &task->expected;
    if (tally->tools != expected->tools || tally->bytes != expected->bytes || tally->sum != expected->sum)
        fail("the list of tools differs");
}

/* Checks that the progress of a call increases by one. `last` is that of the event before, or 0. */
static inline void check_progress(long *last, double progress) {
    if (progress != (double)++*last)
        fail("an event is missing, or not in order");
}

static inline void check_events(long last) {
    if (last != EVENTS)
        fail("events are missing");
}

static inline double cpu_us(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

static inline long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* A value of /proc/self/status, in KiB. */
static inline long status_kib(const char *name) {
    char line[256];
    long value = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0)
            value = atol(line + strlen(name) + 1);
    if (status)
        fclose(status);
    return value;
}

/* The number of open descriptors plus three (., .. and the folder itself): use only differences. */
static inline long descriptors(void) {
    long count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

/* Makes the calls and prints the measurements. `call(context, number)` makes one call. */
static inline int measure(const struct task *task, void (*call)(void *context, long number), void *context) {
    if (strcmp(task->kind, "cold") == 0) {
        call(context, 0);
        /* Read the clock first: status_kib() takes time, and C does not specify in which order arguments are evaluated.
         */
        long long finished = now_ns();
        printf("{\"first_answer_ns\": %lld, \"rss_kib\": %ld}\n", finished, status_kib("VmRSS"));
        return 0;
    }
    long warmup = task->count / 10 > 3 ? task->count / 10 : 3;
    for (long number = 0; number < warmup; number++)
        call(context, number);
    double cpu = cpu_us();
    long long wall = now_ns();
    for (long number = 0; number < task->count; number++)
        call(context, warmup + number);
    wall = now_ns() - wall;
    cpu = cpu_us() - cpu;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"count\": %ld, \"cpu_us\": %.3f, \"wall_us\": %.3f, \"rss_kib\": %ld}\n", task->count, cpu / task->count,
           wall / 1e3 / task->count, used.ru_maxrss);
    return 0;
}

#endif
