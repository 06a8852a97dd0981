/* Redirects: followed to the same origin if the method is kept; refused with the target's name otherwise. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <poll.h>
#include <unistd.h>

#define SECRET "s3cr3t-token"

/* Percent-encodes a text for use in an option's value; a static buffer. */
static const char *percent_encoded(const char *text) {
    static char out[URL_SIZE];
    char *at = out;
    for (; *text != '\0'; text++) {
        if (strchr("+/%:?=,", *text) != NULL) {
            at += sprintf(at, "%%%02X", (unsigned)(unsigned char)*text);
        } else {
            *at++ = *text;
        }
    }
    *at = '\0';
    return out;
}

/* Pings a server that redirects every request. The error must contain `message_part`. */
static void check_redirect(mcp_status expected, int status, const char *target, const char *message_part) {
    char options[URL_SIZE + 64];
    mcp_client *client;
    mcp_error *error = NULL;

    snprintf(options, sizeof options, "dual+redirect=%d:%s", status, percent_encoded(target));
    client = client_for(options);
    EXPECT(MCP_OK, error, mcp_set_bearer(client, SECRET, &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", SECRET, &error));
    EXPECT_KEEP(expected, error, mcp_ping(client, NULL, &error));
    if (expected != MCP_OK) {
        CHECK_SAYS(strstr(mcp_error_message(error), message_part) != NULL, "%d to %s: %s", status, target,
                   mcp_error_message(error));
        CHECK(strstr(mcp_error_message(error), SECRET) == NULL);
    }
    mcp_error_free(error);
    dispose(client);
}

int main(void) {
    uint16_t port;
    int listener = listen_on(&port, 16);
    struct pollfd connection;
    char other_origin[64];
    mcp_json *log;
    const mcp_json *request;

    /* the same origin: credentials are sent, because they were set for this origin */
    check_redirect(MCP_OK, 307, "/s/dual+bearer=" SECRET "+tag=redirect-307/mcp", "");
    check_redirect(MCP_OK, 308, "/s/dual+bearer=" SECRET "+tag=redirect-308/mcp", "");
    check_redirect(MCP_OK, 307, "../dual+tag=redirect-relative/mcp", "");
    check_redirect(MCP_OK, 307, "self-slash", ""); /* FastMCP redirects to the URL with a slash */
    log = server_log("redirect-307");
    request = mcp_json_first(log);
    CHECK_TEXT("POST", mcp_json_string(mcp_json_member(request, "method")));
    CHECK_TEXT("Bearer " SECRET, header_of(request, "authorization"));
    CHECK_TEXT(SECRET, header_of(request, "x-api-key"));
    mcp_json_free(log);

    /* statuses that may turn POST into GET */
    check_redirect(MCP_REDIRECT_REFUSED, 301, "/s/dual/mcp", "/s/***/mcp");
    check_redirect(MCP_REDIRECT_REFUSED, 302, "/s/dual/mcp", "/s/***/mcp");
    check_redirect(MCP_REDIRECT_REFUSED, 303, "/s/dual/mcp", "/s/***/mcp");

    /* another origin: another port, host or scheme */
    snprintf(other_origin, sizeof other_origin, "http://127.0.0.1:%u/mcp", (unsigned)port);
    check_redirect(MCP_REDIRECT_REFUSED, 307, other_origin, other_origin);
    check_redirect(MCP_REDIRECT_REFUSED, 308, other_origin, other_origin);
    check_redirect(MCP_REDIRECT_REFUSED, 307, "http://localhost:1/mcp", "localhost:1");
    check_redirect(MCP_REDIRECT_REFUSED, 307, "//127.0.0.2/mcp", "127.0.0.2");
    check_redirect(MCP_REDIRECT_REFUSED, 307, "ftp://127.0.0.1/mcp", "neither http nor https");
    check_redirect(MCP_REDIRECT_REFUSED, 307, "file:///etc/hostname", "neither http nor https");
    connection.fd = listener;
    connection.events = POLLIN;
    CHECK_SAYS(poll(&connection, 1, 0) == 0, "a client has connected to the other origin");
    close(listener);

    return check_end();
}
