/* Writing to a closed connection must not raise SIGPIPE, which by default kills the host process. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_bool stop;

/* Accepts and closes connections at once: in turn with a FIN, with a RST, and with a RST after the first bytes. */
static void *disconnect(void *argument) {
    int listener = *(int *)argument;
    unsigned n = 0;
    for (;;) {
        int s = accept(listener, NULL, NULL);
        if (s < 0 || atomic_load(&stop)) {
            close(s);
            return NULL;
        }
        if (n % 3 != 0) {
            struct linger reset = {1, 0};
            setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
        if (n % 3 == 2) {
            char buffer[16];
            (void)!read(s, buffer, sizeof buffer);
        }
        close(s);
        n++;
    }
}

static void many_pings(mcp_client *client, const char *what) {
    int i, succeeded = 0;
    for (i = 0; i < 60; i++) {
        mcp_error *error = NULL;
        mcp_status status = mcp_ping(client, NULL, &error);
        succeeded += status == MCP_OK;
        CHECK_SAYS(status == MCP_OK || status == MCP_DISCONNECTED || status == MCP_TRUNCATED ||
                       status == MCP_CONNECT_FAILED,
                   "%s: %s: %s", what, mcp_status_name(status), mcp_error_message(error));
        mcp_error_free(error);
    }
    printf("%-12s %d of 60 pings succeeded\n", what, succeeded);
}

int main(void) {
    struct sigaction action;
    uint16_t port;
    int listener = listen_on(&port, 64);
    pthread_t server;
    char url[64];
    mcp_client *client;

    signal(SIGPIPE, SIG_DFL);
    server = start_thread(disconnect, &listener);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/mcp", (unsigned)port);
    client = client_at(url);
    many_pings(client, "disconnects");
    dispose(client);
    atomic_store(&stop, true);
    shutdown(listener, SHUT_RDWR);
    join_thread(server);
    close(listener);

    client = client_for("legacy+fault=close-after+when=ping");
    many_pings(client, "close-after");
    dispose(client);
    client = client_for("legacy+fault=stale+when=ping");
    many_pings(client, "stale");
    dispose(client);
    client = client_for("legacy+fault=reset+when=ping");
    many_pings(client, "reset");
    dispose(client);

    sigaction(SIGPIPE, NULL, &action);
    CHECK(action.sa_handler == SIG_DFL); /* the library has not changed it */
    return check_end();
}
