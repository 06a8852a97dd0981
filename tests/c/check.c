#include "check.h"

static int total;
static int failed;

bool check_that(bool condition, const char *text, const char *file, int line) {
    __sync_fetch_and_add(&total, 1);
    if (!condition) {
        __sync_fetch_and_add(&failed, 1);
        fprintf(stderr, "%s:%d: check failed: %s\n", file, line, text);
    }
    return condition;
}

void check_text(const char *expected, const char *actual, const char *text, const char *file, int line) {
    bool equal = expected != NULL && actual != NULL && strcmp(expected, actual) == 0;
    if (!check_that(equal, text, file, line)) {
        fprintf(stderr, "    expected \"%s\"\n    got \"%s\"\n", expected != NULL ? expected : "(null)",
                actual != NULL ? actual : "(null)");
    }
}

void check_int(long long expected, long long actual, const char *text, const char *file, int line) {
    if (!check_that(expected == actual, text, file, line)) {
        fprintf(stderr, "    expected %lld\n    got %lld\n", expected, actual);
    }
}

void check_outcome(int32_t expected, int32_t actual, const mcp_error *error, const char *call, const char *file,
                   int line) {
    if (!check_that(expected == actual, call, file, line)) {
        fprintf(stderr, "    expected %s\n    got %s: %s\n", mcp_status_name(expected), mcp_status_name(actual),
                mcp_error_message(error));
    }
    if (actual == MCP_OK || actual == MCP_PENDING) {
        check_that(error == NULL, "a call that succeeds sets no error", file, line);
    } else {
        check_that(error != NULL, "a call that fails sets an error", file, line);
        check_int(actual, mcp_error_status(error), "the error has the status that the call returned", file, line);
        check_that(mcp_error_message(error)[0] != '\0', "the error has a message", file, line);
    }
}

int checks_failed(void) {
    return failed;
}

int check_end(void) {
    if (failed > 0) {
        fprintf(stderr, "%d of %d checks failed\n", failed, total);
        return 1;
    }
    printf("%d checks\n", total);
    return 0;
}
