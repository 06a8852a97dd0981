/* Clocks, threads, sockets and the test server's log, for the programs here. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <mcp.h>

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { URL_SIZE = 1024 };

/* Milliseconds on a clock that nobody sets. */
double now_ms(void);

void sleep_ms(unsigned milliseconds);

/* How long each thread of the process has waited for a processor since it began. */
struct delays {
    size_t count;
    struct delay {
        long thread;
        double ms;
    } of[256];
};

void note_delays(struct delays *delays);

/* `bound`, and the time that the threads of the process have waited for a processor since `before`; at most twice
 * `bound`. */
double allowed_ms(double bound, const struct delays *before);

/* Returns when this many threads of the process have been waiting in poll for a while: the kernel is asked. */
void await_polling(size_t threads);

/* Ends the program when a thing that the test itself needs does not work. */
void must(int condition, const char *what);

/* The URL of a scenario of the test server, such as "legacy+stream"; a static buffer of the thread. */
const char *scenario(const char *options);

/* A client for a scenario; ends the program if there is none. The timeout is 10 s, so that a hang becomes a failure. */
mcp_client *client_for(const char *options);
mcp_client *client_at(const char *url);

/* Closes (on a server that may be silent: within a second) and frees. */
void dispose(mcp_client *client);

pthread_t start_thread(void *(*run)(void *), void *argument);
void join_thread(pthread_t thread);

/* A listening socket on a free port of 127.0.0.1. */
int listen_on(uint16_t *port, int backlog);

/* The body of a GET to the test server; to be freed. */
char *http_get(const char *path);

/* What the server recorded under a tag: a JSON array. To be freed with mcp_json_free. */
mcp_json *server_log(const char *tag);

/* Returns when so many requests of that method have been recorded under a tag. */
void await_requests(const char *tag, const char *method, size_t count);

/* How many recorded requests have this JSON-RPC method (or HTTP method, such as "DELETE"). */
size_t count_requests(const mcp_json *log, const char *method);

/* The value of a header of a recorded request, or NULL. */
const char *header_of(const mcp_json *request, const char *name);

#endif
