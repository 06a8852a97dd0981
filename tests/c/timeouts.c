/* Timeouts: total and idle, of the client and of one call. The upper bounds allow for busy machines. */
#include "check.h"
#include "support.h"

/* Pings; the ping must time out after `min_ms` to `max_ms`. */
static void times_out(const char *what, mcp_client *client, const mcp_options *options, double min_ms, double max_ms) {
    mcp_error *error = NULL;
    struct delays before;
    double start, took;
    note_delays(&before);
    start = now_ms();
    EXPECT(MCP_TIMEOUT, error, mcp_ping(client, options, &error));
    took = now_ms() - start;
    printf("%-34s %7.1f ms\n", what, took);
    CHECK_SAYS(took >= min_ms - 1 && took < min_ms + allowed_ms(max_ms - min_ms, &before), "%s: %.1f ms", what, took);
}

int main(void) {
    mcp_client *client = client_for("dual+fault=silent");
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;

    EXPECT(MCP_OK, error, mcp_set_timeout(client, 300, &error));
    times_out("the client's, 300 ms", client, NULL, 300, 1300);
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 100, &error));
    times_out("the call's, 100 ms", client, options, 100, 1100);
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 500, &error));
    times_out("the call's, 500 ms: longer", client, options, 500, 1500);
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 1, &error));
    times_out("1 ms", client, options, 1, 1000);
    dispose(client);

    /* the total timeout covers the whole call: received bytes do not extend it */
    client = client_for("legacy+fault=drip+when=ping");
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 400, &error));
    times_out("a dripping body, 400 ms", client, options, 400, 1400);
    dispose(client);

    /* the idle timeout counts from the last byte */
    mcp_options_free(options);
    options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_idle_timeout(options, 200, &error));
    client = client_for("legacy+fault=silent+when=ping");
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    times_out("idle 200 ms, silent headers", client, options, 200, 1200);
    dispose(client);
    client = client_for("legacy+fault=silent-body+when=ping");
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    times_out("idle 200 ms, silent body", client, options, 200, 1500);
    dispose(client);
    client = client_for("legacy+stream+fault=silent-stream+when=ping");
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    times_out("idle 200 ms, silent stream", client, options, 200, 1500);
    dispose(client);

    /* the client's idle timeout applies unless the options have one */
    client = client_for("legacy+fault=silent+when=ping");
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_idle_timeout(client, 200, &error));
    times_out("the client's idle 200 ms", client, NULL, 200, 1200);
    EXPECT(MCP_OK, error, mcp_options_set_idle_timeout(options, 500, &error));
    times_out("the call's idle 500 ms: longer", client, options, 500, 1500);
    EXPECT(MCP_OK, error, mcp_set_idle_timeout(client, 0, &error));
    EXPECT(MCP_OK, error, mcp_options_set_idle_timeout(options, 0, &error));
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 600, &error));
    times_out("no idle timeout", client, options, 600, 1600);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_idle_timeout(NULL, 200, &error));
    dispose(client);
    client = client_for("legacy+fault=late+when=ping");
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 0, &error));
    EXPECT(MCP_OK, error, mcp_set_idle_timeout(client, 50, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, options, &error)); /* the options override it */
    dispose(client);

    /* a timeout of 0 means no timeout */
    client = client_for("legacy+fault=late+when=ping");
    EXPECT(MCP_OK, error, mcp_options_set_idle_timeout(options, 0, &error));
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 0, &error));
    EXPECT(MCP_OK, error, mcp_set_timeout(client, 1, &error)); /* the options override it */
    EXPECT(MCP_OK, error, mcp_ping(client, options, &error));
    EXPECT(MCP_OK, error, mcp_set_timeout(client, UINT64_MAX, &error)); /* no overflow */
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);

    mcp_options_free(options);
    return check_end();
}
