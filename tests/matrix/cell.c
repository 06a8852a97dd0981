/* Runs one cell of the matrix of real servers:
 *
 *   cell STATE.json WAY FORM TOKEN PIN EXPECT [CHALLENGE]
 *
 * WAY is how the transport is selected. With "url", the library detects it. "set-transport" and "fall-back" use an
 * HTTP+SSE server at a path that does not end in /sse: with the first, this program sets the transport; with the
 * second, the library falls back to HTTP+SSE.
 *
 * FORM is how the token is sent: bearer, header (Authorization) or x-api-key. TOKEN is the name of a token in the state
 * file, or "no" for a token that is set and then removed. PIN is a protocol version or "negotiated". EXPECT is
 * ERA@VERSION if the server accepts the token, otherwise the HTTP status; CHALLENGE is then the complete
 * WWW-Authenticate header.
 */
#include <mcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *token; /* must not occur in any log message */
    int lines;
} log_state;

#define CHECK(condition) check((condition), #condition, __LINE__)

static void check(bool condition, const char *text, int line) {
    if (!condition) {
        printf("FAILED at line %d: %s\n", line, text);
        exit(1);
    }
}

static bool same(const char *a, const char *b) {
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void logged(void *userdata, int32_t level, const char *message) {
    log_state *state = userdata;
    (void)level;
    state->lines++;
    if (state->token != NULL && strstr(message, state->token) != NULL) {
        printf("FAILED: the token is in the log\n");
        exit(1);
    }
}

static mcp_json *read_state(const char *path) {
    char text[16384];
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    size_t length = fread(text, 1, sizeof text, file);
    CHECK(length < sizeof text);
    fclose(file);
    mcp_json *state = mcp_json_parse(text, length, NULL);
    CHECK(state != NULL);
    return state;
}

/* Sets the token in the given form; NULL removes it. */
static void set_token(mcp_client *client, const char *form, const char *token) {
    if (same(form, "bearer")) {
        CHECK(mcp_set_bearer(client, token, NULL) == MCP_OK);
    } else if (same(form, "x-api-key")) {
        CHECK(mcp_set_header(client, "X-API-Key", token, NULL) == MCP_OK);
    } else {
        char value[8192];
        CHECK(same(form, "header"));
        snprintf(value, sizeof value, "Bearer %s", token == NULL ? "" : token);
        CHECK(mcp_set_header(client, "Authorization", token == NULL ? NULL : value, NULL) == MCP_OK);
    }
}

static void check_refusal(mcp_status status, mcp_error *error, int http, const char *challenge, const char *token) {
    printf("  %s: %s\n", mcp_status_name(status), mcp_error_message(error));
    CHECK(status == (http == 401 ? MCP_UNAUTHORIZED : MCP_FORBIDDEN));
    CHECK(mcp_error_status(error) == status);
    CHECK(mcp_error_http_status(error) == http);
    CHECK(!mcp_error_has_rpc_code(error));
    CHECK(mcp_error_message(error)[0] != '\0');
    CHECK(token == NULL || strstr(mcp_error_message(error), token) == NULL);
    if (challenge == NULL) {
        CHECK(mcp_error_challenge(error) == NULL);
    } else {
        CHECK(same(mcp_error_challenge(error), challenge));
    }
    mcp_error_free(error);
}

static void check_success(mcp_status status, mcp_error *error) {
    if (status != MCP_OK) {
        printf("  %s: %s\n", mcp_status_name(status), mcp_error_message(error));
    }
    CHECK(status == MCP_OK);
    CHECK(error == NULL);
}

/* Creates a client for the server of the state file; WAY (see above) selects URL and transport. */
static mcp_client *client_by(const char *way, const mcp_json *state) {
    bool by_url = same(way, "url"), set = same(way, "set-transport");
    CHECK(by_url || set || same(way, "fall-back"));
    const char *url = mcp_json_string(mcp_json_pointer(state, by_url ? "/url" : "/events_url"));
    CHECK(url != NULL);
    mcp_client *client = mcp_client_new(url, NULL);
    CHECK(client != NULL);
    if (set) {
        CHECK(mcp_set_transport(client, MCP_TRANSPORT_SSE, NULL) == MCP_OK);
    }
    return client;
}

static void check_info(mcp_client *client, const mcp_json *state, const char *era, const char *version) {
    bool everything =
        strncmp(mcp_json_string(mcp_json_pointer(state, "/name")), "everything", strlen("everything")) == 0;
    const char *server = everything ? "mcp-servers/everything" : "libmcp-fixture";
    const char *transport = mcp_json_string(mcp_json_pointer(state, "/transport"));
    mcp_json *info = NULL;
    mcp_error *error = NULL;
    check_success(mcp_server_info(client, NULL, &info, &error), error);
    CHECK(same(mcp_json_string(mcp_json_pointer(info, "/era")), era));
    CHECK(same(mcp_json_string(mcp_json_pointer(info, "/protocolVersion")), version));
    CHECK(same(mcp_json_string(mcp_json_pointer(info, "/transport")), transport));
    CHECK(same(mcp_json_string(mcp_json_pointer(info, "/serverInfo/name")), server));
    CHECK(mcp_json_type_of(mcp_json_pointer(info, "/capabilities/tools")) == MCP_JSON_OBJECT);
    mcp_json_free(info);
}

int main(int argc, char **argv) {
    CHECK(argc == 7 || argc == 8);
    const char *way = argv[2], *form = argv[3], *token_name = argv[4], *pin = argv[5], *expect = argv[6];
    const char *challenge = argc == 8 ? argv[7] : NULL;

    mcp_json *state = read_state(argv[1]);
    const char *kind = mcp_json_string(mcp_json_pointer(state, "/name"));
    const char *token = mcp_json_string(mcp_json_member(mcp_json_pointer(state, "/tokens"), token_name));
    CHECK((token == NULL) == same(token_name, "no"));

    log_state log = {token, 0};
    mcp_client *client = client_by(way, state);
    CHECK(mcp_set_log(client, logged, &log, NULL, NULL) == MCP_OK);
    CHECK(mcp_set_timeout(client, 20000, NULL) == MCP_OK);
    if (!same(pin, "negotiated")) {
        CHECK(mcp_set_protocol_version(client, pin, NULL) == MCP_OK);
    }
    set_token(client, form, token == NULL ? "removed-again" : token);
    if (token == NULL) {
        set_token(client, form, NULL);
    }

    const char *at = strchr(expect, '@');
    if (at != NULL) {
        char era[16];
        snprintf(era, sizeof era, "%.*s", (int)(at - expect), expect);
        for (int round = 0; round < 2; round++) {
            mcp_error *error = NULL;
            check_success(mcp_ping(client, NULL, &error), error);
            check_info(client, state, era, at + 1);
        }
    } else {
        for (int round = 0; round < 2; round++) {
            mcp_error *error = NULL;
            mcp_json *info = NULL;
            mcp_status status = mcp_ping(client, NULL, &error);
            check_refusal(status, error, atoi(expect), challenge, token);
            error = NULL;
            status = mcp_server_info(client, NULL, &info, &error);
            check_refusal(status, error, atoi(expect), challenge, token);
            CHECK(info == NULL);
        }
    }

    mcp_error *error = NULL;
    check_success(mcp_client_close(client, NULL, &error), error);
    mcp_client_free(client);
    printf("ok: server %s, way %s, token %s, form %s, pin %s: %s; the token is in none of %d log lines\n", kind, way,
           token_name, form, pin, expect, log.lines);
    mcp_json_free(state);
    return 0;
}
