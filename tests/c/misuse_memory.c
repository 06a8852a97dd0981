/*
 * No memory for a large answer: an error of the call, and not the end of the program. Each answer comes to a child of
 * its own that may have only a little more memory than it has; then the limit goes away, and the client still pings.
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

static void ask(const char *scenery, size_t room) {
    char options[URL_SIZE];
    mcp_client *client;
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    struct rlimit before, little;
    mcp_status status;

    /* Counted by the path, so that each of them is struck. */
    snprintf(options, sizeof options, "%s+when=tools/list+times=1+tag=memory%zu", scenery, room);
    client = client_for(options);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    must(getrlimit(RLIMIT_AS, &before) == 0, "getrlimit");
    little = before;
    little.rlim_cur = address_space() + room;
    must(setrlimit(RLIMIT_AS, &little) == 0, "setrlimit");
    status = mcp_list_tools(client, NULL, &result, &error);
    must(setrlimit(RLIMIT_AS, &before) == 0, "setrlimit");
    printf("%-40s with %2zu MiB: %s: %.120s\n", scenery, room / MIB, mcp_status_name(status), mcp_error_message(error));
    if (status == MCP_OK && strncmp(scenery, "sse", 3) == 0) {
        /* The thread that reads has room of its own, from before. */
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
    static const char *const sceneries[] = {
        "modern+body-size=60000000",  "modern+gzip+body-size=60000000",
        "modern+event-size=60000000", "modern+stream+body-size=60000000",
        "legacy+body-size=60000000",  "sse+body-size=60000000",
        "modern+fault=big-body",      "modern+fault=big-event",
        "modern+fault=gzip-bomb",
    };
    static const size_t rooms[] = {8 * MIB, 40 * MIB};
    bool failed = false;
    size_t i, j;
    for (i = 0; i < sizeof sceneries / sizeof sceneries[0]; i++) {
        for (j = 0; j < sizeof rooms / sizeof rooms[0]; j++) {
            int status = 0;
            pid_t child;
            fflush(stdout);
            child = fork();
            must(child >= 0, "fork");
            if (child == 0) {
                ask(sceneries[i], rooms[j]);
                status = check_end();
                fflush(stdout);
                _exit(status);
            }
            must(waitpid(child, &status, 0) == child, "waitpid");
            if (status != 0) {
                fprintf(stderr, "%s with %zu MiB: %s %d\n", sceneries[i], rooms[j] / MIB,
                        WIFSIGNALED(status) ? "signal" : "exit code",
                        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
                failed = true;
            }
        }
    }
    return failed;
}
