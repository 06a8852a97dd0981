/* TLS: certificates with an untrusted issuer are refused; those that the system trusts are accepted. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#define ANY_FAILURE MCP_INTERNAL /* marker for any failure except MCP_INTERNAL itself */

/* A process reads the system's certificates once, so each case runs in a separate process. */
static void ping_in_child(const char *what, const char *certificates, const char *url, mcp_status expected) {
    int status = 0;
    pid_t child;
    fflush(stdout);
    child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        mcp_client *client;
        mcp_error *error = NULL;
        mcp_status got;
        if (certificates != NULL) {
            setenv("SSL_CERT_FILE", certificates, 1);
        } else {
            unsetenv("SSL_CERT_FILE");
        }
        unsetenv("SSL_CERT_DIR");
        client = client_at(url);
        mcp_set_bearer(client, "s3cr3t", NULL);
        mcp_set_timeout(client, 2000, NULL);
        got = mcp_ping(client, NULL, &error);
        CHECK_SAYS(got == expected || (expected == ANY_FAILURE && got != MCP_OK && got != MCP_INTERNAL), "%s: %s: %s",
                   what, mcp_status_name(got), mcp_error_message(error));
        printf("%-24s %s %s\n", what, mcp_status_name(got), mcp_error_message(error));
        mcp_error_free(error);
        dispose(client);
        status = check_end();
        fflush(stdout);
        _exit(status);
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    CHECK_SAYS(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: the child's wait status is %d", what, status);
}

int main(void) {
    const char *tls = getenv("MCP_TEST_TLS_URL");
    const char *plain = getenv("MCP_TEST_URL");
    const char *ca = getenv("MCP_TEST_CA");
    char url[URL_SIZE], other[URL_SIZE];

    must(tls != NULL && plain != NULL && ca != NULL, "MCP_TEST_TLS_URL, MCP_TEST_URL and MCP_TEST_CA are set");
    must(strncmp(tls, "https://", 8) == 0, "MCP_TEST_TLS_URL is an https URL");
    snprintf(url, sizeof url, "%s/s/dual/mcp", tls);
    ping_in_child("unknown certificate", NULL, url, MCP_TLS_FAILED);
    ping_in_child("trusted certificate", ca, url, MCP_OK);

    /* the wrong scheme: the status depends on the server, but the call must end and fail */
    snprintf(other, sizeof other, "https://%s/s/dual/mcp", strstr(plain, "://") + 3);
    ping_in_child("https to a plain port", NULL, other, ANY_FAILURE);
    snprintf(other, sizeof other, "http://%s/s/dual/mcp", strstr(tls, "://") + 3);
    ping_in_child("http to a TLS port", NULL, other, ANY_FAILURE);
    return check_end();
}
