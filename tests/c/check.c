#include "check.h"

static int made;
static int failed;

bool check_that(bool condition, const char *text, const char *file, int line) {
    __sync_fetch_and_add(&made, 1);
    if (!condition) {
        __sync_fetch_and_add(&failed, 1);
        fprintf(stderr, "%s:%d: not true: %s\n", file, line, text);
    }
    return condition;
}

void check_text(const char *expected, const char *actual, const char *text, const char *file, int line) {
    bool good = expected != NULL && actual != NULL && strcmp(expected, actual) == 0;
    if (!check_that(good, text, file, line)) {
        fprintf(stderr, "    expected \"%s\"\n    but it is \"%s\"\n", expected != NULL ? expected : "(null)",
                actual != NULL ? actual : "(null)");
    }
}

void check_int(long long expected, long long actual, const char *text, const char *file, int line) {
    if (!check_that(expected == actual, text, file, line)) {
        fprintf(stderr, "    expected %lld\n    but it is %lld\n", expected, actual);
    }
}

void check_outcome(int32_t expected, int32_t actual, const mcp_error *error, const char *call, const char *file,
                   int line) {
    if (!check_that(expected == actual, call, file, line)) {
        fprintf(stderr, "    expected %s\n    but it is %s: %s\n", mcp_status_name(expected), mcp_status_name(actual),
                mcp_error_message(error));
    }
    if (actual == MCP_OK) {
        check_that(error == NULL, "a call that succeeds makes no error", file, line);
    } else {
        check_that(error != NULL, "a call that fails makes an error", file, line);
        check_int(actual, mcp_error_status(error), "the error's status is the call's", file, line);
        check_that(mcp_error_message(error)[0] != '\0', "the error has a message", file, line);
    }
}

int check_end(void) {
    if (failed > 0) {
        fprintf(stderr, "%d of %d checks failed\n", failed, made);
        return 1;
    }
    printf("%d checks\n", made);
    return 0;
}
