/* Calls at the wrong time: settings after the first call, timeouts that overflow, and frees in every order. */
#include "check.h"
#include "support.h"

static void no_input(void *userdata, mcp_input *input) {
    (void)userdata;
    (void)input;
}

static void late_settings_are_refused(void) {
    mcp_client *client = client_for("dual");
    mcp_oauth *oauth = mcp_oauth_new();
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
    EXPECT(MCP_MISUSE, error, mcp_set_tls_client_cert_file(client, NULL, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_verify(client, false, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_elicitation(client, no_input, NULL, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_sampling(client, no_input, NULL, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_roots(client, no_input, NULL, NULL, &error));
    /* None of those settings has had an effect. */
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));

    /* These settings are allowed at any time. */
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "token", &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-Name", "value", &error));
    EXPECT(MCP_OK, error, mcp_set_auth(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(client, oauth, &error));
    EXPECT(MCP_OK, error, mcp_set_timeout(client, 9000, &error));
    EXPECT(MCP_OK, error, mcp_set_idle_timeout(client, 9000, &error));
    EXPECT(MCP_OK, error, mcp_set_name(client, "name", &error));
    EXPECT(MCP_OK, error, mcp_set_cache(client, true, &error));
    EXPECT(MCP_OK, error, mcp_set_log(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_server_log(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));

    /* After close, calls fail, but another close and settings are allowed. */
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_CLOSED, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "other", &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(client, NULL, &error));
    mcp_client_free(client);
    mcp_oauth_free(oauth);
}

struct pending {
    mcp_client *client;
    mcp_options *options;
    mcp_status status;
};

static void *ping_silent_server(void *argument) {
    struct pending *pending = argument;
    pending->status = mcp_ping(pending->client, pending->options, NULL);
    return NULL;
}

/* A timeout that the clock cannot represent means no timeout; it must not become a short one. */
static void overflowing_timeouts_never_expire(void) {
    static const uint64_t long_times[] = {UINT64_MAX,     UINT64_MAX - 1,   UINT64_MAX / 1000, UINT64_MAX / 1000 + 1,
                                          INT64_MAX,      INT64_MAX / 1000, UINT32_MAX,        (uint64_t)UINT32_MAX + 1,
                                          UINT64_MAX / 2, 1ULL << 63,       INT32_MAX,         (uint64_t)INT32_MAX + 1};
    size_t i;
    for (i = 0; i < sizeof long_times / sizeof long_times[0]; i++) {
        mcp_client *client = client_for("dual");
        mcp_client *silent = client_for("modern+fault=silent");
        mcp_options *options = mcp_options_new();
        mcp_cancel *cancel = mcp_cancel_new();
        struct pending pending = {silent, options, MCP_OK};
        mcp_error *error = NULL;
        pthread_t thread;

        EXPECT(MCP_OK, error, mcp_set_timeout(client, long_times[i], &error));
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
        EXPECT(MCP_OK, error, mcp_options_set_timeout(options, long_times[i], &error));
        EXPECT(MCP_OK, error, mcp_options_set_idle_timeout(options, long_times[i], &error));
        EXPECT(MCP_OK, error, mcp_ping(client, options, &error));
        EXPECT(MCP_OK, error, mcp_options_set_cancel(options, cancel, &error));
        thread = start_thread(ping_silent_server, &pending);
        await_polling(1);
        mcp_cancel_trigger(cancel);
        join_thread(thread);
        CHECK_SAYS(pending.status == MCP_CANCELLED, "%llu ms: %s", (unsigned long long)long_times[i],
                   mcp_status_name(pending.status));
        EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
        mcp_client_free(client);
        mcp_client_free(silent);
        mcp_cancel_free(cancel);
        mcp_options_free(options);
    }
}

/* --- Freeing ------------------------------------------------------------------------------------------------------ */

enum { CLIENT, OPTIONS, CANCEL, ERROR, JSON, OBJECTS };

struct objects {
    mcp_client *client;
    mcp_options *options;
    mcp_cancel *cancel;
    mcp_error *error;
    mcp_json *json;
};

static void free_one(struct objects *objects, int which) {
    switch (which) {
    case CLIENT:
        mcp_client_free(objects->client);
        objects->client = NULL;
        break;
    case OPTIONS:
        mcp_options_free(objects->options);
        objects->options = NULL;
        break;
    case CANCEL:
        mcp_cancel_free(objects->cancel);
        objects->cancel = NULL;
        break;
    case ERROR:
        mcp_error_free(objects->error);
        objects->error = NULL;
        break;
    default:
        mcp_json_free(objects->json);
        objects->json = NULL;
        break;
    }
}

/* The remaining objects do not depend on the freed ones. */
static void check_remaining(const struct objects *objects, bool triggered) {
    if (objects->client != NULL) {
        mcp_status expected = objects->options != NULL && triggered ? MCP_CANCELLED : MCP_OK;
        CHECK_INT(expected, mcp_ping(objects->client, objects->options, NULL));
    }
    if (objects->options != NULL) {
        CHECK_INT(MCP_OK, mcp_options_set_timeout(objects->options, 9000, NULL));
    }
    if (objects->error != NULL) {
        CHECK_INT(MCP_RPC_ERROR, mcp_error_status(objects->error));
        CHECK_TEXT("test", mcp_json_string(mcp_json_member(mcp_error_rpc_data(objects->error), "why")));
    }
    if (objects->json != NULL) {
        CHECK_TEXT("modern", mcp_json_string(mcp_json_member(objects->json, "era")));
    }
}

static void free_in_order(const int *order, int triggered_at) {
    struct objects objects = {client_for("modern+fault=rpc-error+when=tools/list"), mcp_options_new(), mcp_cancel_new(),
                              NULL, NULL};
    mcp_json *no_tools = NULL;
    int i;

    CHECK_INT(MCP_OK, mcp_options_set_cancel(objects.options, objects.cancel, NULL));
    CHECK_INT(MCP_OK, mcp_server_info(objects.client, objects.options, &objects.json, NULL));
    CHECK_INT(MCP_RPC_ERROR, mcp_list_tools(objects.client, objects.options, &no_tools, &objects.error));
    for (i = 0; i < OBJECTS; i++) {
        if (i == triggered_at) {
            mcp_cancel_trigger(objects.cancel); /* NULL if it was freed */
            triggered_at = objects.cancel != NULL ? i : OBJECTS;
        }
        check_remaining(&objects, i >= triggered_at);
        free_one(&objects, order[i]);
    }
}

static void objects_may_be_freed_in_any_order(void) {
    int orders = 0;
    int code;
    for (code = 0; code < OBJECTS * OBJECTS * OBJECTS * OBJECTS * OBJECTS; code++) {
        int order[OBJECTS];
        int rest = code, i;
        unsigned seen = 0;
        for (i = 0; i < OBJECTS; i++, rest /= OBJECTS) {
            order[i] = rest % OBJECTS;
            seen |= 1U << order[i];
        }
        if (seen == (1U << OBJECTS) - 1) {
            free_in_order(order, orders % OBJECTS);
            orders++;
        }
    }
    CHECK_INT(120, orders);
}

int main(void) {
    late_settings_are_refused();
    overflowing_timeouts_never_expire();
    objects_may_be_freed_in_any_order();
    return check_end();
}
