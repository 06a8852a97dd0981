/* Credentials: the headers that are sent, and the places where a token must never appear. */
#include "check.h"
#include "support.h"

static void credentials_are_sent_as_set(const char *era) {
    char options[128], tag[64];
    mcp_client *client;
    mcp_error *error = NULL;
    mcp_json *log;
    const mcp_json *request;

    snprintf(tag, sizeof tag, "auth-%s", era);
    snprintf(options, sizeof options, "%s+bearer=right-token+api-key=right-key+tag=%s", era, tag);
    client = client_for(options);

    /* a bad token is sent once: it is not tried again with the other era */
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "wrong-token", &error));
    EXPECT_KEEP(MCP_UNAUTHORIZED, error, mcp_ping(client, NULL, &error));
    CHECK_INT(401, mcp_error_http_status(error));
    CHECK(mcp_error_challenge(error) != NULL &&
          strstr(mcp_error_challenge(error), "Bearer") == mcp_error_challenge(error));
    CHECK(strstr(mcp_error_message(error), "wrong-token") == NULL);
    mcp_error_free(error);
    error = NULL;
    log = server_log(tag);
    CHECK_INT(1, mcp_json_size(log));
    CHECK_TEXT("Bearer wrong-token", header_of(mcp_json_first(log), "authorization"));
    mcp_json_free(log);

    /* the next requests all have the new token */
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "right-token", &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    log = server_log(tag);
    for (request = mcp_json_element(log, 1); request != NULL; request = mcp_json_next(request)) {
        CHECK_TEXT("Bearer right-token", header_of(request, "authorization"));
    }
    mcp_json_free(log);

    /* a bearer token overrides a custom Authorization header, in either order */
    EXPECT(MCP_OK, error, mcp_set_header(client, "authorization", "Basic d3Jvbmc=", &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));

    /* without the token, the custom header is sent, which this server refuses */
    EXPECT(MCP_OK, error, mcp_set_bearer(client, NULL, &error));
    EXPECT(MCP_UNAUTHORIZED, error, mcp_ping(client, NULL, &error));
    log = server_log(tag);
    CHECK_TEXT("Basic d3Jvbmc=", header_of(mcp_json_element(log, mcp_json_size(log) - 1), "authorization"));
    mcp_json_free(log);
    EXPECT(MCP_OK, error, mcp_set_header(client, "AUTHORIZATION", NULL, &error));

    /* a header as the credential; setting it in another case replaces it */
    EXPECT(MCP_OK, error, mcp_set_header(client, "x-api-key", "wrong-key", &error));
    EXPECT(MCP_UNAUTHORIZED, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", "right-key", &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-Api-Key", NULL, &error));
    EXPECT(MCP_UNAUTHORIZED, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

struct text {
    char bytes[65536];
    size_t size;
};

static void append_log(void *userdata, int32_t level, const char *message) {
    struct text *text = userdata;
    size_t length = strlen(message);
    CHECK(level >= MCP_LOG_ERROR && level <= MCP_LOG_DEBUG);
    if (text->size + length + 2 < sizeof text->bytes) {
        memcpy(text->bytes + text->size, message, length);
        text->size += length;
        text->bytes[text->size++] = '\n';
        text->bytes[text->size] = '\0';
    }
}

/* Secrets appear in no log message and no error, even if the server sends them back. */
static void secrets_are_in_no_log_or_error(const char *scenario_options) {
    static struct text text;
    mcp_client *client = client_for(scenario_options);
    mcp_error *error = NULL;
    mcp_status status;

    text.size = 0;
    text.bytes[0] = '\0';
    EXPECT(MCP_OK, error, mcp_set_log(client, append_log, &text, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "s3cr3t-token", &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", "s3cr3t-key", &error));
    EXPECT(MCP_OK, error, mcp_set_header(client, "Cookie", "session=s3cr3t-cookie", &error));
    status = mcp_ping(client, NULL, &error);
    CHECK_SAYS(strstr(mcp_error_message(error), "s3cr3t") == NULL, "%s", mcp_error_message(error));
    CHECK(mcp_error_challenge(error) == NULL || strstr(mcp_error_challenge(error), "s3cr3t") == NULL);
    if (mcp_error_rpc_data(error) != NULL) {
        size_t length = 0;
        const char *raw = mcp_json_raw(mcp_error_rpc_data(error), &length);
        size_t i;
        for (i = 0; i + 6 <= length; i++) {
            CHECK(memcmp(raw + i, "s3cr3t", 6) != 0);
        }
    }
    mcp_error_free(error);
    dispose(client);
    CHECK_SAYS(strstr(text.bytes, "s3cr3t") == NULL, "the log is:\n%s", text.bytes);
    CHECK(status != MCP_OK || text.size > 0); /* shows that the log is not empty */
}

static void insufficient_scope_is_forbidden(void) {
    mcp_client *client = client_for("dual+bearer=right-token+scope-missing");
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "right-token", &error));
    EXPECT_KEEP(MCP_FORBIDDEN, error, mcp_ping(client, NULL, &error));
    CHECK_INT(403, mcp_error_http_status(error));
    CHECK(mcp_error_challenge(error) != NULL && strstr(mcp_error_challenge(error), "insufficient_scope") != NULL);
    mcp_error_free(error);
    dispose(client);
}

/* A gateway that authorizes by method may refuse the unknown server/discover: initialize is tried nevertheless, unless
 * the refusal is about the credentials. */
static void initialize_is_tried_after_a_refused_discover(const char *token) {
    char options[160], tag[64];
    mcp_client *client;
    mcp_error *error = NULL;
    mcp_json *log;

    snprintf(tag, sizeof tag, "gateway-%s", token == NULL ? "none" : token);
    snprintf(options, sizeof options, "legacy+status=401+when=server/discover+tag=%s", tag);
    client = client_for(options);
    EXPECT(MCP_OK, error, mcp_set_bearer(client, token, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    log = server_log(tag);
    if (token == NULL) {
        CHECK(header_of(mcp_json_element(log, 1), "authorization") == NULL);
    } else {
        CHECK_TEXT("Bearer token", header_of(mcp_json_element(log, 1), "authorization"));
    }
    mcp_json_free(log);
    dispose(client);
}

/* The pointers that the auth callback got. */
struct call_data {
    void *found[4];
    int size, destroyed;
};

static struct call_data call_data;

static void record_call_data(void *userdata, mcp_auth_request *request) {
    (void)userdata;
    CHECK(call_data.size < 4);
    call_data.found[call_data.size++ % 4] = mcp_auth_request_call_data(request);
}

static void count_call_data(void *data) {
    (void)data;
    call_data.destroyed++;
}

static void callbacks_get_the_data_of_the_call(void) {
    mcp_client *client = client_for("modern");
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    int window;

    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_auth(client, record_call_data, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_options_set_call_data(options, &window, count_call_data, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, options, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(2, call_data.size);
    CHECK(call_data.found[0] == &window && call_data.found[1] == NULL);
    CHECK_INT(0, call_data.destroyed);
    mcp_options_free(options);
    CHECK_INT(1, call_data.destroyed);
    dispose(client);
}

int main(void) {
    credentials_are_sent_as_set("modern");
    credentials_are_sent_as_set("legacy");
    credentials_are_sent_as_set("dual");
    secrets_are_in_no_log_or_error("dual");
    secrets_are_in_no_log_or_error("legacy");
    secrets_are_in_no_log_or_error("dual+bearer=other");
    secrets_are_in_no_log_or_error("dual+fault=secret-echo");
    secrets_are_in_no_log_or_error("legacy+fault=secret-echo+when=initialize");
    secrets_are_in_no_log_or_error("legacy+fault=html+when=ping");
    insufficient_scope_is_forbidden();
    initialize_is_tried_after_a_refused_discover(NULL);
    initialize_is_tried_after_a_refused_discover("token");
    callbacks_get_the_data_of_the_call();
    return check_end();
}
