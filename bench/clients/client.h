/* Shared by all C and C++ clients of the benchmark: command line, payload, measurement, and the line of JSON with the
 * results. The command line is PROGRAM URL KIND COUNT [CA-FILE]. */
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

struct task {
    const char *url, *kind, *authority;
    long count;
    /* The size in bytes of the text that the server echoes; 0 for a ping. */
    size_t size;
    bool modern, stream;
    /* The text, and the tool arguments that contain it, as JSON. */
    char *text, *arguments;
    size_t arguments_size;
};

static inline void fail(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

/* The text consists of lines of 63 characters. Each newline must be escaped in JSON. */
static inline char text_at(size_t at) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+\n";
    return alphabet[at % 64];
}

static inline void make_arguments(struct task *task) {
    char *text = task->text = (char *)malloc(task->size + 1);
    char *out = task->arguments = (char *)malloc(task->size * 2 + 16);
    if (!text || !out)
        fail("no memory");
    out += sprintf(out, "{\"text\":\"");
    for (size_t at = 0; at < task->size; at++) {
        text[at] = text_at(at);
        if (text[at] == '\n')
            *out++ = '\\';
        *out++ = text[at] == '\n' ? 'n' : text[at];
    }
    out += sprintf(out, "\"}");
    task->arguments_size = (size_t)(out - task->arguments);
}

static inline struct task task_of(int argc, char **argv) {
    if (argc < 4)
        fail("usage: PROGRAM URL KIND COUNT [CA-FILE]");
    struct task task = {argv[1], argv[2], argc > 4 ? argv[4] : NULL, atol(argv[3]), 0, false, false, NULL, NULL, 0};
    task.size = strcmp(task.kind, "echo100") == 0 ? 100 : strcmp(task.kind, "echo1M") == 0 ? 1000000 : 0;
    task.modern = strstr(task.url, "/modern/") != NULL;
    task.stream = strstr(task.url, "/sse") != NULL;
    make_arguments(&task);
    return task;
}

/* Checks the echoed text: its content in the first call, its length in every call. */
static inline void check_text(const struct task *task, const char *text, size_t size, long call) {
    if (size != task->size || (call == 0 && memcmp(text, task->text, size) != 0))
        fail("the echoed text differs");
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
