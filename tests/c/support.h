/* Helpers of the test programs: clocks, threads, sockets and the test server's log. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <mcp.h>

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { URL_SIZE = 1024 };

/* Milliseconds of the monotonic clock. */
double now_ms(void);

void sleep_ms(unsigned milliseconds);

/* How long each thread of this process has waited for a free processor since it started. */
struct delays {
    size_t count;
    struct delay {
        long thread;
        double ms;
    } of[256];
};

void note_delays(struct delays *delays);

/* `bound` plus the time that this process's threads have waited for a free processor since `before`; at most twice
 * `bound`. */
double allowed_ms(double bound, const struct delays *before);

/* Returns when this many threads of the process have been blocked in poll for a while, according to /proc. */
void await_polling(size_t threads);

/* Ends the program with exit code 2 if `condition`, a precondition of the test itself, is false. */
void must(int condition, const char *what);

/* The URL of a scenario of the test server, such as "legacy+stream"; in a thread-local static buffer. */
const char *scenario(const char *options);

/* Creates a client for a scenario, or for a URL; ends the program on failure. Its timeout is 10 s, so that a hang
 * becomes a failure. */
mcp_client *client_for(const char *options);
mcp_client *client_at(const char *url);

/* Closes the client, with a timeout of one second because the server may be silent, and frees it. */
void dispose(mcp_client *client);

pthread_t start_thread(void *(*run)(void *), void *argument);
void join_thread(pthread_t thread);

/* A listening socket on a free port of 127.0.0.1. */
int listen_on(uint16_t *port, int backlog);

/* Sends a GET request to the test server and returns the body; free it with free(). */
char *http_get(const char *path);

/* Opens the authorization URL of a login (of a scenario with `oauth`) as a browser does, and returns the URL to which
 * the server redirects; free it with free(). */
char *redirect_of(const char *authorization_url);

/* Follows the redirect, too: the library's listener receives it. */
void log_in_at(const char *authorization_url);

/* An open callback: logs in at once. */
void finish_login(void *userdata, mcp_oauth_request *request);

/* Creates a client for a scenario that uses `oauth`. Its timeout is 60 s, because a first call with a login has ten
 * requests, which are slow under valgrind. */
mcp_client *client_with_oauth(mcp_oauth *oauth, const char *options);

/* A forked child that makes checks. */
struct child_checks {
    pid_t process; /* 0 in the child */
    int result;    /* the descriptor for the outcome of its checks */
};

/* Forks. The child makes its checks and calls `end_child_checks`, the parent calls `join_child_checks`. */
struct child_checks fork_checks(void);

/* Ends the child. Not with _exit: valgrind would report what belongs to the parent process and its threads. */
void end_child_checks(struct child_checks child);

/* Waits for the end of the child, and checks that its checks passed. */
void join_child_checks(struct child_checks child);

/* Sends a GET request for a URL at 127.0.0.1, and closes the connection after the first byte of the response. */
void request_first_byte(const char *url);

/* The requests that the server recorded under a tag, as a JSON array. Free it with mcp_json_free. */
mcp_json *server_log(const char *tag);

/* Returns when the server has recorded `count` requests of that method under a tag. */
void await_requests(const char *tag, const char *method, size_t count);

/* How many recorded requests have this JSON-RPC method (or HTTP method, such as "DELETE"). */
size_t count_requests(const mcp_json *log, const char *method);

/* The value of a header of a recorded request, or NULL. */
const char *header_of(const mcp_json *request, const char *name);

#endif
