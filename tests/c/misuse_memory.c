/*
 * When memory for a large response cannot be allocated, the call fails and the process survives. Each case runs in a
 * child process whose memory is limited to slightly more than it already uses. After the limit is removed, the client
 * pings.
 */
#define _XOPEN_SOURCE 700

#include "check.h"
#include "support.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1024 * 1024 };

static size_t address_space(void) {
    FILE *statm = fopen("/proc/self/statm", "r");
    size_t pages = 0;
    must(statm != NULL && fscanf(statm, "%zu", &pages) == 1, "/proc/self/statm");
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void list_tools_with_little_memory(const char *options, size_t extra) {
    char tagged[URL_SIZE];
    mcp_client *client;
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    struct rlimit before, limited;
    mcp_status status;

    /* The server counts `times` per path: with different tags, each case meets the fault. */
    snprintf(tagged, sizeof tagged, "%s+when=tools/list+times=1+tag=memory%zu", options, extra);
    client = client_for(tagged);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    must(getrlimit(RLIMIT_AS, &before) == 0, "getrlimit");
    limited = before;
    limited.rlim_cur = address_space() + extra;
    must(setrlimit(RLIMIT_AS, &limited) == 0, "setrlimit");
    status = mcp_list_tools(client, NULL, &result, &error);
    must(setrlimit(RLIMIT_AS, &before) == 0, "setrlimit");
    printf("%-40s with %2zu MiB: %s: %.120s\n", options, extra / MIB, mcp_status_name(status),
           mcp_error_message(error));
    if (status == MCP_OK && strncmp(options, "sse", 3) == 0) {
        /* The reader thread may have reserved enough memory before the limit was set. */
        CHECK(result != NULL);
    } else {
        CHECK_INT(MCP_SYSTEM_ERROR, status);
        CHECK_SAYS(strstr(mcp_error_message(error), "memory") != NULL, "%s", mcp_error_message(error));
    }
    mcp_json_free(result);
    mcp_error_free(error);
    error = NULL;
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

int main(void) {
    static const char *const scenarios[] = {
        "modern+body-size=60000000",  "modern+gzip+body-size=60000000",
        "modern+event-size=60000000", "modern+stream+body-size=60000000",
        "legacy+body-size=60000000",  "sse+body-size=60000000",
        "modern+fault=big-body",      "modern+fault=big-event",
        "modern+fault=gzip-bomb",
    };
    static const size_t extras[] = {8 * MIB, 40 * MIB};
    bool failed = false;
    size_t i, j;
    for (i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        for (j = 0; j < sizeof extras / sizeof extras[0]; j++) {
            int status = 0;
            pid_t child;
            fflush(stdout);
            child = fork();
            must(child >= 0, "fork");
            if (child == 0) {
                list_tools_with_little_memory(scenarios[i], extras[j]);
                status = check_end();
                fflush(stdout);
                _exit(status);
            }
            must(waitpid(child, &status, 0) == child, "waitpid");
            if (status != 0) {
                fprintf(stderr, "%s with %zu MiB: %s %d\n", scenarios[i], extras[j] / MIB,
                        WIFSIGNALED(status) ? "signal" : "exit code",
                        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
                failed = true;
            }
        }
    }
    return failed;
}
