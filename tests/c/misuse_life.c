/* At the wrong time: settings after the first call, timeouts that overflow, and frees in every order. */
#include "check.h"
#include "support.h"

static void no_input(void *userdata, mcp_input *input) {
    (void)userdata;
    (void)input;
}

static void settings_after_the_first_call(void) {
    mcp_client *client = client_for("dual");
    mcp_error *error = NULL;

    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_client_info(client, "late", "1", &error));
    EXPECT(MCP_MISUSE, error, mcp_set_protocol_version(client, "2025-11-25", &error));
    EXPECT(MCP_MISUSE, error, mcp_set_limit(client, MCP_LIMIT_MESSAGE, 1, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_transport(client, MCP_TRANSPORT_SSE, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_unix_socket(client, "/nowhere", &error));
    EXPECT(MCP_MISUSE, error, mcp_set_proxy(client, "http://127.0.0.1:1", &error));
    EXPECT(MCP_MISUSE, error, mcp_set_require_https(client, true, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_ca_file(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_client_cert(client, NULL, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_verify(client, false, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_elicitation(client, no_input, NULL, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_sampling(client, no_input, NULL, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_roots(client, no_input, NULL, NULL, &error));
    /* It works as it did: none of that counts. */
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));

    /* These may come at any time. */
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "token", &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-Name", "value", &error));
    EXPECT(MCP_OK, error, mcp_set_auth(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_timeout(client, 9000, &error));
    EXPECT(MCP_OK, error, mcp_set_cache(client, true, &error));
    EXPECT(MCP_OK, error, mcp_set_log(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_logging(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));

    /* And after the end, nothing but the end. */
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_CLOSED, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "other", &error));
    mcp_client_free(client);
}

struct waiting {
    mcp_client *client;
    mcp_options *options;
    mcp_status status;
};

static void *wait_for_silence(void *argument) {
    struct waiting *waiting = argument;
    waiting->status = mcp_ping(waiting->client, waiting->options, NULL);
    return NULL;
}

/* A time that the clock cannot add is no time limit, and not a short one. */
static void times_that_overflow(void) {
    static const uint64_t long_times[] = {UINT64_MAX,     UINT64_MAX - 1,   UINT64_MAX / 1000, UINT64_MAX / 1000 + 1,
                                          INT64_MAX,      INT64_MAX / 1000, UINT32_MAX,        (uint64_t)UINT32_MAX + 1,
                                          UINT64_MAX / 2, 1ULL << 63,       INT32_MAX,         (uint64_t)INT32_MAX + 1};
    size_t i;
    for (i = 0; i < sizeof long_times / sizeof long_times[0]; i++) {
        mcp_client *client = client_for("dual");
        mcp_client *silent = client_for("modern+fault=silent");
        mcp_options *options = mcp_options_new();
        mcp_cancel *cancel = mcp_cancel_new();
        struct waiting waiting = {silent, options, MCP_OK};
        mcp_error *error = NULL;
        pthread_t thread;

        EXPECT(MCP_OK, error, mcp_set_timeout(client, long_times[i], &error));
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
        EXPECT(MCP_OK, error, mcp_options_set_timeout(options, long_times[i], &error));
        EXPECT(MCP_OK, error, mcp_options_set_idle_timeout(options, long_times[i], &error));
        EXPECT(MCP_OK, error, mcp_ping(client, options, &error));
        EXPECT(MCP_OK, error, mcp_options_set_cancel(options, cancel, &error));
        thread = start_thread(wait_for_silence, &waiting);
        await_polling(1);
        mcp_cancel_trigger(cancel);
        join_thread(thread);
        CHECK_SAYS(waiting.status == MCP_CANCELLED, "%llu ms: %s", (unsigned long long)long_times[i],
                   mcp_status_name(waiting.status));
        EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
        mcp_client_free(client);
        mcp_client_free(silent);
        mcp_cancel_free(cancel);
        mcp_options_free(options);
    }
}

/* --- Frees ----------------------------------------------------------------------------------------------------------
 */

enum { CLIENT, OPTIONS, CANCEL, ERROR, JSON, THINGS };

struct things {
    mcp_client *client;
    mcp_options *options;
    mcp_cancel *cancel;
    mcp_error *error;
    mcp_json *json;
};

static void free_one(struct things *things, int which) {
    switch (which) {
    case CLIENT:
        mcp_client_free(things->client);
        things->client = NULL;
        break;
    case OPTIONS:
        mcp_options_free(things->options);
        things->options = NULL;
        break;
    case CANCEL:
        mcp_cancel_free(things->cancel);
        things->cancel = NULL;
        break;
    case ERROR:
        mcp_error_free(things->error);
        things->error = NULL;
        break;
    default:
        mcp_json_free(things->json);
        things->json = NULL;
        break;
    }
}

/* What is left does not depend on what is gone. */
static void check_left(const struct things *things, bool triggered) {
    if (things->client != NULL) {
        mcp_status expected = things->options != NULL && triggered ? MCP_CANCELLED : MCP_OK;
        CHECK_INT(expected, mcp_ping(things->client, things->options, NULL));
    }
    if (things->options != NULL) {
        CHECK_INT(MCP_OK, mcp_options_set_timeout(things->options, 9000, NULL));
    }
    if (things->error != NULL) {
        CHECK_INT(MCP_RPC_ERROR, mcp_error_status(things->error));
        CHECK_TEXT("test", mcp_json_string(mcp_json_member(mcp_error_rpc_data(things->error), "why")));
    }
    if (things->json != NULL) {
        CHECK_TEXT("modern", mcp_json_string(mcp_json_member(things->json, "era")));
    }
}

static void free_in_order(const int *order, int triggered_at) {
    struct things things = {client_for("modern+fault=rpc-error+when=tools/list"), mcp_options_new(), mcp_cancel_new(),
                            NULL, NULL};
    mcp_json *none = NULL;
    int i;

    CHECK_INT(MCP_OK, mcp_options_set_cancel(things.options, things.cancel, NULL));
    CHECK_INT(MCP_OK, mcp_server_info(things.client, things.options, &things.json, NULL));
    CHECK_INT(MCP_RPC_ERROR, mcp_list_tools(things.client, things.options, &none, &things.error));
    for (i = 0; i < THINGS; i++) {
        if (i == triggered_at) {
            mcp_cancel_trigger(things.cancel); /* or NULL, where it is gone */
            triggered_at = things.cancel != NULL ? i : THINGS;
        }
        check_left(&things, i >= triggered_at);
        free_one(&things, order[i]);
    }
}

static void frees_in_every_order(void) {
    int orders = 0;
    int code;
    for (code = 0; code < THINGS * THINGS * THINGS * THINGS * THINGS; code++) {
        int order[THINGS];
        int rest = code, i;
        unsigned seen = 0;
        for (i = 0; i < THINGS; i++, rest /= THINGS) {
            order[i] = rest % THINGS;
            seen |= 1U << order[i];
        }
        if (seen == (1U << THINGS) - 1) {
            free_in_order(order, orders % THINGS);
            orders++;
        }
    }
    CHECK_INT(120, orders);
}

int main(void) {
    settings_after_the_first_call();
    times_that_overflow();
    frees_in_every_order();
    return check_end();
}
