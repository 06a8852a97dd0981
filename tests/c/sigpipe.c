/* A host with SIGPIPE at its default dies at the first write to a closed connection that is not careful. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_bool stop;

/* Accepts, and hangs up at once: now with a FIN, now with a RST, now after the first bytes. */
static void *hang_up(void *argument) {
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
    int i, good = 0;
    for (i = 0; i < 60; i++) {
        mcp_error *error = NULL;
        mcp_status status = mcp_ping(client, NULL, &error);
        good += status == MCP_OK;
        CHECK_SAYS(status == MCP_OK || status == MCP_DISCONNECTED || status == MCP_TRUNCATED ||
                       status == MCP_CONNECT_FAILED,
                   "%s: %s: %s", what, mcp_status_name(status), mcp_error_message(error));
        mcp_error_free(error);
    }
    printf("%-12s %d of 60 pings were answered\n", what, good);
}

int main(void) {
    struct sigaction action;
    uint16_t port;
    int listener = listen_on(&port, 64);
    pthread_t server;
    char url[64];
    mcp_client *client;

    signal(SIGPIPE, SIG_DFL);
    server = start_thread(hang_up, &listener);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/mcp", (unsigned)port);
    client = client_at(url);
    many_pings(client, "hanging up");
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
    CHECK(action.sa_handler == SIG_DFL); /* and it was not the library that changed it */
    return check_end();
}
