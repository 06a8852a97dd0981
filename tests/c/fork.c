/* fork: a client belongs to the process that created it. The child may free it without affecting the parent. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

static void child_cannot_use_the_parents_client(const char *options) {
    mcp_client *client = client_for(options);
    mcp_error *error = NULL;
    mcp_json *info = NULL;
    int status = 0;
    pid_t child;

    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    fflush(stdout);
    child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        mcp_client *own;
        EXPECT(MCP_MISUSE, error, mcp_ping(client, NULL, &error));
        EXPECT(MCP_MISUSE, error, mcp_connect(client, NULL, &error));
        EXPECT(MCP_MISUSE, error, mcp_server_info(client, NULL, &info, &error));
        EXPECT(MCP_MISUSE, error, mcp_set_bearer(client, "token", &error));
        EXPECT(MCP_MISUSE, error, mcp_client_close(client, NULL, &error)); /* the session is the parent's */
        mcp_client_free(client);

        own = client_for(options); /* a new client works in the child */
        EXPECT(MCP_OK, error, mcp_ping(own, NULL, &error));
        dispose(own);
        status = check_end();
        fflush(stdout);
        _exit(status);
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    CHECK_SAYS(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's wait status is %d", status);

    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    mcp_client_free(client);
}

int main(void) {
    mcp_json *log;
    child_cannot_use_the_parents_client("modern");
    child_cannot_use_the_parents_client("legacy+tag=fork");
    log = server_log("fork");
    CHECK_INT(2, count_requests(log, "initialize")); /* the parent's session outlived the child */
    CHECK_INT(2, count_requests(log, "DELETE"));
    mcp_json_free(log);
    return check_end();
}
