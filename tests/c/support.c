#define _POSIX_C_SOURCE 200809L

#include "support.h"
#include "check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void note_delays(struct delays *delays) {
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    delays->count = 0;
    must(tasks != NULL, "/proc/self/task");
    while ((task = readdir(tasks)) != NULL && delays->count < sizeof delays->of / sizeof delays->of[0]) {
        char path[300];
        unsigned long long ran, queued;
        FILE *file;
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", task->d_name);
        file = task->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (file != NULL && fscanf(file, "%llu %llu", &ran, &queued) == 2) {
            struct delay *delay = &delays->of[delays->count++];
            delay->thread = atol(task->d_name);
            delay->ms = (double)queued / 1e6;
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    closedir(tasks);
}

double allowed_ms(double bound, const struct delays *before) {
    struct delays now;
    double lost = 0;
    size_t i, k;
    note_delays(&now);
    for (i = 0; i < now.count; i++) {
        for (k = 0; k < before->count && before->of[k].thread != now.of[i].thread; k++) {
        }
        lost += now.of[i].ms - (k < before->count ? before->of[k].ms : 0);
    }
    return bound + (lost < bound ? lost : bound);
}

/* How many threads are blocked in poll or ppoll now. */
static size_t polling(void) {
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    size_t count = 0;
    must(tasks != NULL, "/proc/self/task");
    while ((task = readdir(tasks)) != NULL) {
        char path[300];
        long number = -1;
        FILE *file;
        snprintf(path, sizeof path, "/proc/self/task/%s/syscall", task->d_name);
        file = task->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (file != NULL) {
            bool known = fscanf(file, "%ld", &number) == 1; /* otherwise the file reads "running" */
            fclose(file);
#ifdef SYS_poll
            count += known && number == SYS_poll;
#endif
            count += known && number == SYS_ppoll;
        }
    }
    closedir(tasks);
    return count;
}

void await_polling(size_t threads) {
    enum { SAMPLES = 20 };
    int samples = 0;
    while (samples < SAMPLES) {
        samples = polling() >= threads ? samples + 1 : 0;
        sleep_ms(1);
    }
}

void sleep_ms(unsigned milliseconds) {
    struct timespec left = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000L};
    while (nanosleep(&left, &left) != 0) {
    }
}

void must(int condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "the test cannot run, because this failed: %s\n", what);
        exit(2);
    }
}

static const char *server_url(void) {
    const char *url = getenv("MCP_TEST_URL");
    must(url != NULL, "MCP_TEST_URL must be set; run the program as `mcp-test-server --run PROGRAM`");
    return url;
}

const char *scenario(const char *options) {
    static __thread char url[URL_SIZE];
    snprintf(url, sizeof url, "%s/s/%s/mcp", server_url(), options);
    return url;
}

mcp_client *client_at(const char *url) {
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(url, &error);
    must(client != NULL, mcp_error_message(error));
    must(mcp_set_timeout(client, 10000, NULL) == MCP_OK, "mcp_set_timeout");
    return client;
}

mcp_client *client_for(const char *options) {
    return client_at(scenario(options));
}

void dispose(mcp_client *client) {
    mcp_options *options = mcp_options_new();
    mcp_options_set_timeout(options, 1000, NULL);
    mcp_client_close(client, options, NULL);
    mcp_options_free(options);
    mcp_client_free(client);
}

pthread_t start_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, run, argument) == 0, "pthread_create");
    return thread;
}

void join_thread(pthread_t thread) {
    must(pthread_join(thread, NULL) == 0, "pthread_join");
}

int listen_on(uint16_t *port, int backlog) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(listen(listener, backlog) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "getsockname");
    *port = ntohs(address.sin_port);
    return listener;
}

/* Sends a GET request to a port of 127.0.0.1, and returns the socket. */
static int send_get(uint16_t port, const char *path) {
    struct sockaddr_in address;
    size_t length = strlen(path) + 100;
    char *request = malloc(length);
    int s = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    must(s >= 0 && request != NULL, "socket");
    must(connect(s, (struct sockaddr *)&address, sizeof address) == 0, "connect to 127.0.0.1");
    snprintf(request, length, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n", path,
             (unsigned)port);
    must(send(s, request, strlen(request), 0) == (ssize_t)strlen(request), "send");
    free(request);
    return s;
}

/* The response to a GET request to a port of 127.0.0.1. */
static char *get(uint16_t port, const char *path) {
    size_t size = 0, capacity = 65536;
    char *response = malloc(capacity);
    int s = send_get(port, path);
    ssize_t n;
    must(response != NULL, "memory");
    while ((n = recv(s, response + size, capacity - size - 1, 0)) > 0) {
        size += (size_t)n;
        if (capacity - size < 4096) {
            capacity *= 2;
            response = realloc(response, capacity);
            must(response != NULL, "memory");
        }
    }
    close(s);
    response[size] = '\0';
    return response;
}

char *http_get(const char *path) {
    char *response = get((uint16_t)atoi(strrchr(server_url(), ':') + 1), path);
    char *body;
    must(strncmp(response, "HTTP/1.1 200", 12) == 0, "the test server responds to a GET with 200");
    body = strstr(response, "\r\n\r\n");
    must(body != NULL && strstr(response, "chunked") == NULL,
         "the test server's response has a body that is not chunked");
    memmove(response, body + 4, strlen(body + 4) + 1);
    return response;
}

/* The port of a URL at 127.0.0.1; `path` is set to its path. */
static uint16_t port_of(const char *url, const char **path) {
    static const char prefix[] = "http://127.0.0.1:";
    const char *port = url + sizeof prefix - 1;
    must(strncmp(url, prefix, sizeof prefix - 1) == 0 && strchr(port, '/') != NULL, "the URL is at 127.0.0.1");
    *path = strchr(port, '/');
    return (uint16_t)atoi(port);
}

static char *get_url(const char *url) {
    const char *path;
    uint16_t port = port_of(url, &path);
    return get(port, path);
}

void request_first_byte(const char *url) {
    const char *path;
    uint16_t port = port_of(url, &path);
    int s = send_get(port, path);
    char byte;
    must(recv(s, &byte, 1, 0) == 1, "the test server responds");
    close(s);
}

char *redirect_of(const char *authorization_url) {
    static const char name[] = "\r\nLocation: ";
    char *response = get_url(authorization_url);
    char *location = strstr(response, name);
    must(strncmp(response, "HTTP/1.1 302", 12) == 0 && location != NULL, "the authorization server redirects");
    location += sizeof name - 1;
    location[strcspn(location, "\r")] = '\0';
    memmove(response, location, strlen(location) + 1);
    return response;
}

void log_in_at(const char *authorization_url) {
    char *location = redirect_of(authorization_url);
    free(get_url(location));
    free(location);
}

void finish_login(void *userdata, mcp_oauth_request *request) {
    char *redirect_url = redirect_of(mcp_oauth_request_url(request));
    (void)userdata;
    must(mcp_oauth_request_finish(request, redirect_url, NULL) == MCP_OK, "mcp_oauth_request_finish");
    free(redirect_url);
}

mcp_client *client_with_oauth(mcp_oauth *oauth, const char *options) {
    mcp_client *client = client_for(options);
    must(mcp_set_oauth(client, oauth, NULL) == MCP_OK, "mcp_set_oauth");
    must(mcp_set_timeout(client, 60000, NULL) == MCP_OK, "mcp_set_timeout");
    return client;
}

mcp_json *server_log(const char *tag) {
    char path[URL_SIZE];
    char *text;
    mcp_json *log;
    snprintf(path, sizeof path, "/_log/%s", tag);
    text = http_get(path);
    log = mcp_json_parse(text, MCP_NUL_TERMINATED, NULL);
    free(text);
    must(mcp_json_type_of(log) == MCP_JSON_ARRAY, "the test server's log is a JSON array");
    return log;
}

size_t count_requests(const mcp_json *log, const char *method) {
    const mcp_json *request;
    size_t count = 0;
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *rpc = mcp_json_string(mcp_json_member(request, "rpc_method"));
        const char *http = mcp_json_string(mcp_json_member(request, "method"));
        count += (rpc != NULL && strcmp(rpc, method) == 0) || (http != NULL && strcmp(http, method) == 0);
    }
    return count;
}

void await_requests(const char *tag, const char *method, size_t count) {
    size_t seen = 0;
    while (seen < count) {
        mcp_json *log = server_log(tag);
        seen = count_requests(log, method);
        mcp_json_free(log);
        sleep_ms(1);
    }
}

const char *header_of(const mcp_json *request, const char *name) {
    const mcp_json *pair;
    for (pair = mcp_json_first(mcp_json_member(request, "headers")); pair != NULL; pair = mcp_json_next(pair)) {
        const char *key = mcp_json_string(mcp_json_element(pair, 0));
        if (key != NULL && strcasecmp(key, name) == 0) {
            return mcp_json_string(mcp_json_element(pair, 1));
        }
    }
    return NULL;
}

struct child_checks fork_checks(void) {
    struct child_checks child;
    int result[2];

    must(pipe(result) == 0, "a pipe");
    fflush(stdout);
    child.process = fork();
    must(child.process >= 0, "fork");
    child.result = result[child.process == 0];
    must(close(result[child.process != 0]) == 0, "close");
    return child;
}

void end_child_checks(struct child_checks child) {
    char failed = (char)check_end();
    fflush(stdout);
    must(write(child.result, &failed, 1) == 1, "write");
    kill(getpid(), SIGKILL);
}

void join_child_checks(struct child_checks child) {
    char failed = 1;

    must(waitpid(child.process, NULL, 0) == child.process, "waitpid");
    CHECK(read(child.result, &failed, 1) == 1);
    CHECK_INT(0, failed);
    close(child.result);
}
