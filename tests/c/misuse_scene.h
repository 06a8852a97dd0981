/*
 * What the calls of misuse_cases.py are made in: objects that are right, and what is looked at behind a call. Each call
 * has a client of its own, which has to answer a ping afterwards.
 */
#ifndef MISUSE_SCENE_H
#define MISUSE_SCENE_H

#include "check.h"
#include "support.h"

/* What is wrong with a text. LONG is a megabyte. */
#define NOT_UTF8 "x\xff\xfe"
#define LINES "x\r\nInjected: y"
extern char *LONG;

/* What a call has to come to. Whatever else it is, it is no bug of the library, and comes in time. */
enum outcome {
    ANYTHING,
    REFUSED,   /* MCP_INVALID_ARGUMENT, or NULL */
    MISMATCHED /* MCP_JSON_MISMATCH */
};

enum kind {
    URL,     /* a client of the test server */
    PROCESS, /* one whose server is a process that does not exist */
    INSIDE   /* in a callback: no client but that of the call */
};

struct scene {
    const char *url; /* of the test server */
    mcp_client *client;
    mcp_options *options;
    mcp_cancel *cancel;
    mcp_error *error;
    mcp_error *kept; /* an error that can be looked at */
    mcp_json *json;
    const mcp_json *truth, *number, *text;
    const char *edge; /* "{}"; what is behind its NUL cannot be read */
    mcp_json *result;
    const char *uris[2], *argv[2];
    char buffer[64];
    size_t length;
    bool flag;
    int64_t whole;
    uint64_t natural;
    double real;
    int ends, ends_wanted; /* of a registration */
    /* The call that is made now. */
    enum kind kind;
    const char *function, *what;
    double begun;
    /* The slowest so far. */
    double slowest;
    char slowest_of[200];
};

/* Once, at the start: no call may take longer than that, in milliseconds. A crash says then which call it was in. */
void prepare(double longest);

void scene_begin(struct scene *s, enum kind kind, const char *function, const char *what);
void scene_end(struct scene *s, mcp_status status, enum outcome expected);
void scene_made(struct scene *s, mcp_client *made, enum outcome expected);
void scene_parsed(struct scene *s, mcp_json *made, enum outcome expected);
void scene_over(struct scene *s);

/* In a child of a fork, with clients of the parent. */
void child_call(struct scene *s, enum kind kind, const char *function);
void child_check(struct scene *s, mcp_status status);

/* Callbacks that do nothing; count_end counts in what it gets. */
void no_auth(void *userdata, mcp_auth_request *request);
void no_input(void *userdata, mcp_input *input);
void no_logging(void *userdata, const mcp_json *message);
void no_log(void *userdata, int32_t level, const char *message);
void no_progress(void *userdata, double progress, double total, const char *message);
void no_change(void *userdata, const char *method, const mcp_json *params);
void count_end(void *userdata);

/* Made by misuse_cases.py. */
void try_all(struct scene *s);
void try_auth_request(struct scene *s, mcp_auth_request *request);
void try_input(struct scene *s, mcp_input *input);
void try_in_a_child(struct scene *s);

#endif
