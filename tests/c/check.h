/*
 * Checks of the test programs. A failed check is printed and counted, and the program continues; check_end() returns
 * the exit code. Checks may run on any thread.
 */
#ifndef CHECK_H
#define CHECK_H

#include <mcp.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The condition is true. */
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)

/* The condition is true; otherwise the formatted message is printed: CHECK_SAYS(n == 1, "%zu requests", n). */
#define CHECK_SAYS(condition, ...)                                      \
    do {                                                                \
        if (!check_that((condition), #condition, __FILE__, __LINE__)) { \
            fprintf(stderr, "    " __VA_ARGS__);                        \
            fputc('\n', stderr);                                        \
        }                                                               \
    } while (0)

/* Two strings are equal; neither is NULL. */
#define CHECK_TEXT(expected, actual) check_text(expected, actual, #actual, __FILE__, __LINE__)

/* Two integers are equal. */
#define CHECK_INT(expected, actual) check_int((long long)(expected), (long long)(actual), #actual, __FILE__, __LINE__)

/*
 * The call returns this status, and its error matches it: EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error)).
 * EXPECT frees the error and sets it to NULL; EXPECT_KEEP keeps it for further checks.
 */
#define EXPECT(expected, error, call)       \
    do {                                    \
        EXPECT_KEEP(expected, error, call); \
        mcp_error_free(error);              \
        (error) = NULL;                     \
    } while (0)
#define EXPECT_KEEP(expected, error, call)                                       \
    do {                                                                         \
        mcp_status check_status = (call);                                        \
        check_outcome(expected, check_status, error, #call, __FILE__, __LINE__); \
    } while (0)

bool check_that(bool condition, const char *text, const char *file, int line);
void check_text(const char *expected, const char *actual, const char *text, const char *file, int line);
void check_int(long long expected, long long actual, const char *text, const char *file, int line);
void check_outcome(int32_t expected, int32_t actual, const mcp_error *error, const char *call, const char *file,
                   int line);

/* How many checks have failed so far. */
int checks_failed(void);

/* Prints the number of checks; every main ends with `return check_end();`. */
int check_end(void);

#endif
