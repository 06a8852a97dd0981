/* Redirects: followed where nothing can leak and nothing changes, refused with the target's name everywhere else. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <poll.h>
#include <unistd.h>

#define SECRET "s3cr3t-token"

/* Writes text so that it may stand in an option's value. */
static const char *encoded(const char *text) {
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

/* One ping of a server that redirects everything so. `says` must be in the message. */
static void redirect(mcp_status expected, int status, const char *target, const char *says) {
    char options[URL_SIZE + 64];
    mcp_client *client;
    mcp_error *error = NULL;

    snprintf(options, sizeof options, "dual+redirect=%d:%s", status, encoded(target));
    client = client_for(options);
    EXPECT(MCP_OK, error, mcp_set_bearer(client, SECRET, &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", SECRET, &error));
    EXPECT_KEEP(expected, error, mcp_ping(client, NULL, &error));
    if (expected != MCP_OK) {
        CHECK_SAYS(strstr(mcp_error_message(error), says) != NULL, "%d to %s: %s", status, target,
                   mcp_error_message(error));
        CHECK(strstr(mcp_error_message(error), SECRET) == NULL);
    }
    mcp_error_free(error);
    dispose(client);
}

int main(void) {
    uint16_t port;
    int listener = listen_on(&port, 16);
    struct pollfd visit;
    char elsewhere[64];
    mcp_json *log;
    const mcp_json *request;

    /* the same origin: the credentials go along, since they were given for it */
    redirect(MCP_OK, 307, "/s/dual+bearer=" SECRET "+tag=redirect-307/mcp", "");
    redirect(MCP_OK, 308, "/s/dual+bearer=" SECRET "+tag=redirect-308/mcp", "");
    redirect(MCP_OK, 307, "../dual+tag=redirect-relative/mcp", "");
    redirect(MCP_OK, 307, "self-slash", ""); /* as FastMCP does, which everybody meets */
    log = server_log("redirect-307");
    request = mcp_json_first(log);
    CHECK_TEXT("POST", mcp_json_string(mcp_json_member(request, "method")));
    CHECK_TEXT("Bearer " SECRET, header_of(request, "authorization"));
    CHECK_TEXT(SECRET, header_of(request, "x-api-key"));
    mcp_json_free(log);

    /* those that turn POST into GET, or that nobody needs */
    redirect(MCP_REDIRECT_REFUSED, 301, "/s/dual/mcp", "/s/***/mcp");
    redirect(MCP_REDIRECT_REFUSED, 302, "/s/dual/mcp", "/s/***/mcp");
    redirect(MCP_REDIRECT_REFUSED, 303, "/s/dual/mcp", "/s/***/mcp");

    /* another origin: another port, host or scheme */
    snprintf(elsewhere, sizeof elsewhere, "http://127.0.0.1:%u/mcp", (unsigned)port);
    redirect(MCP_REDIRECT_REFUSED, 307, elsewhere, elsewhere);
    redirect(MCP_REDIRECT_REFUSED, 308, elsewhere, elsewhere);
    redirect(MCP_REDIRECT_REFUSED, 307, "http://localhost:1/mcp", "localhost:1");
    redirect(MCP_REDIRECT_REFUSED, 307, "//127.0.0.2/mcp", "127.0.0.2");
    redirect(MCP_REDIRECT_REFUSED, 307, "ftp://127.0.0.1/mcp", "neither http nor https");
    redirect(MCP_REDIRECT_REFUSED, 307, "file:///etc/hostname", "neither http nor https");
    visit.fd = listener;
    visit.events = POLLIN;
    CHECK_SAYS(poll(&visit, 1, 0) == 0, "somebody has connected to the other origin");
    close(listener);

    return check_end();
}
