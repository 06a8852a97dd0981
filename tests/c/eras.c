/* Every version of the protocol, detected or pinned: the server's era, and the requests that are sent. */
#include "check.h"
#include "support.h"

static const char *text_at(const mcp_json *json, const char *pointer) {
    const char *text = mcp_json_string(mcp_json_pointer(json, pointer));
    return text != NULL ? text : "(none)";
}

/* The client detects this era and version of the server. */
static void version_is_detected(const char *options, const char *era, const char *version) {
    mcp_client *client = client_for(options);
    mcp_error *error = NULL;
    mcp_json *info = NULL;

    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_server_info(client, NULL, &info, &error));
    CHECK_TEXT(era, text_at(info, "/era"));
    CHECK_TEXT(version, text_at(info, "/protocolVersion"));
    CHECK_INT(MCP_JSON_STRING, mcp_json_type_of(mcp_json_pointer(info, "/serverInfo/name")));
    CHECK_INT(MCP_JSON_OBJECT, mcp_json_type_of(mcp_json_member(info, "capabilities")));
    mcp_json_free(info);
    dispose(client);
}

static void pinned_version_is_used_or_refused(const char *options, const char *version, mcp_status expected) {
    mcp_client *client = client_for(options);
    mcp_error *error = NULL;
    mcp_json *info = NULL;
    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, version, &error));
    EXPECT(expected, error, mcp_server_info(client, NULL, &info, &error));
    if (info != NULL) {
        CHECK_TEXT(version, text_at(info, "/protocolVersion"));
    }
    mcp_json_free(info);
    EXPECT(expected, error, mcp_ping(client, NULL, &error));
    dispose(client);
}

/* Checks the methods of the requests that a server got; `expected` holds them separated by spaces. */
static void check_request_sequence(const char *tag, const char *expected) {
    mcp_json *log = server_log(tag);
    const mcp_json *request;
    char seen[1024] = "";
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *method = mcp_json_string(mcp_json_member(request, "rpc_method"));
        strcat(seen, seen[0] != '\0' ? " " : "");
        strcat(seen, method != NULL ? method : text_at(request, "/method"));
    }
    CHECK_TEXT(expected, seen);
    mcp_json_free(log);
}

static void requests_carry_the_fields_of_their_version(void) {
    mcp_client *client = client_for("modern+tag=eras-modern");
    mcp_json *log, *body;
    const mcp_json *request;
    size_t i;

    CHECK_INT(MCP_OK, mcp_set_client_info(client, "an-app", "1.2.3", NULL));
    CHECK_INT(MCP_OK, mcp_set_extension(client, "com.example/charts", " {\"a\": 1}", MCP_NUL_TERMINATED, NULL));
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    dispose(client);
    check_request_sequence("eras-modern", "server/discover server/discover");
    log = server_log("eras-modern");
    request = mcp_json_first(log);
    CHECK_TEXT("2026-07-28", header_of(request, "mcp-protocol-version"));
    CHECK_TEXT("server/discover", header_of(request, "mcp-method"));
    CHECK(header_of(request, "mcp-session-id") == NULL);
    CHECK_TEXT("application/json", header_of(request, "content-type"));
    CHECK(header_of(request, "accept") != NULL && strstr(header_of(request, "accept"), "text/event-stream") != NULL);
    body = mcp_json_parse(mcp_json_string(mcp_json_member(request, "body")), MCP_NUL_TERMINATED, NULL);
    CHECK_TEXT("an-app", text_at(body, "/params/_meta/io.modelcontextprotocol~1clientInfo/name"));
    CHECK_TEXT("{\"a\": 1}",
               mcp_json_text(mcp_json_pointer(body, "/params/_meta/io.modelcontextprotocol~1clientCapabilities"
                                                    "/extensions/com.example~1charts")));
    mcp_json_free(body);
    mcp_json_free(log);

    client = client_for("legacy+tag=eras-legacy");
    CHECK_INT(MCP_OK, mcp_set_client_info(client, "an-app", "1.2.3", NULL));
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    dispose(client);
    check_request_sequence("eras-legacy", "server/discover initialize notifications/initialized ping ping DELETE");
    log = server_log("eras-legacy");
    request = mcp_json_element(log, 1);
    CHECK(header_of(request, "mcp-session-id") == NULL);
    body = mcp_json_parse(mcp_json_string(mcp_json_member(request, "body")), MCP_NUL_TERMINATED, NULL);
    CHECK_TEXT("an-app", text_at(body, "/params/clientInfo/name"));
    CHECK_TEXT("1.2.3", text_at(body, "/params/clientInfo/version"));
    mcp_json_free(body);
    for (i = 2; i < mcp_json_size(log); i++) {
        request = mcp_json_element(log, i);
        CHECK_TEXT("2025-11-25", header_of(request, "mcp-protocol-version"));
        CHECK(header_of(request, "mcp-session-id") != NULL);
    }
    mcp_json_free(log);
}

/* No two requests of a session have the same id. */
static void request_ids_are_unique(void) {
    mcp_client *client = client_for("legacy+tag=eras-ids");
    mcp_json *log;
    const mcp_json *request;
    char seen[64][32];
    size_t count = 0, i;

    for (i = 0; i < 10; i++) {
        CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    }
    dispose(client);
    log = server_log("eras-ids");
    for (request = mcp_json_first(log); request != NULL && count < 64; request = mcp_json_next(request)) {
        const char *text = mcp_json_string(mcp_json_member(request, "body"));
        mcp_json *body = text != NULL && text[0] != '\0' ? mcp_json_parse(text, MCP_NUL_TERMINATED, NULL) : NULL;
        const mcp_json *id = mcp_json_member(body, "id");
        size_t length = 0;
        const char *raw = mcp_json_raw(id, &length);
        if (raw != NULL && length < sizeof seen[0]) {
            memcpy(seen[count], raw, length);
            seen[count][length] = '\0';
            for (i = 0; i < count; i++) {
                CHECK(strcmp(seen[i], seen[count]) != 0);
            }
            count++;
        }
        mcp_json_free(body);
    }
    CHECK_INT(12, count);
    mcp_json_free(log);
}

/* A session that the server has lost is re-established, once per call. */
static void lost_sessions_are_re_established(void) {
    mcp_client *client = client_for("legacy+fault=lost-session+when=ping+after=1+times=1+tag=eras-lost");
    mcp_error *error = NULL;
    mcp_json *log;
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    log = server_log("eras-lost");
    CHECK_INT(2, count_requests(log, "initialize"));
    mcp_json_free(log);

    client = client_for("legacy+fault=lost-session+when=ping+tag=eras-lost-always");
    EXPECT(MCP_SESSION_LOST, error, mcp_ping(client, NULL, &error));
    dispose(client);
    log = server_log("eras-lost-always");
    CHECK_INT(2, count_requests(log, "initialize"));
    mcp_json_free(log);
}

int main(void) {
    version_is_detected("modern", "modern", "2026-07-28");
    version_is_detected("modern+stream", "modern", "2026-07-28");
    version_is_detected("dual", "modern", "2026-07-28");
    version_is_detected("legacy", "legacy", "2025-11-25");
    version_is_detected("legacy+stream", "legacy", "2025-11-25");
    version_is_detected("legacy+stateless", "legacy", "2025-11-25");
    version_is_detected("legacy+versions=2025-11-25", "legacy", "2025-11-25");
    version_is_detected("legacy+versions=2025-06-18", "legacy", "2025-06-18");
    version_is_detected("legacy+versions=2025-03-26", "legacy", "2025-03-26");
    version_is_detected("legacy+versions=2024-11-05", "legacy", "2024-11-05");

    /* like the Go SDK's server: server/discover lists legacy versions only */
    version_is_detected("dual+versions=2025-06-18", "legacy", "2025-06-18");

    /* behavior of particular servers */
    version_is_detected("legacy+versions=2025-03-26+fault=batch+when=ping", "legacy", "2025-03-26");
    version_is_detected("legacy+fault=ping-request+when=ping", "legacy", "2025-11-25");

    pinned_version_is_used_or_refused("dual", "2026-07-28", MCP_OK);
    pinned_version_is_used_or_refused("dual", "2025-11-25", MCP_OK);
    pinned_version_is_used_or_refused("dual", "2025-03-26", MCP_OK);
    pinned_version_is_used_or_refused("legacy", "2024-11-05", MCP_OK);
    pinned_version_is_used_or_refused("modern", "2025-11-25", MCP_VERSION_UNSUPPORTED);
    pinned_version_is_used_or_refused("legacy+versions=2025-06-18", "2025-11-25", MCP_VERSION_UNSUPPORTED);

    {
        mcp_client *client = client_for("legacy+version=2031-01-01");
        mcp_error *error = NULL;
        EXPECT_KEEP(MCP_VERSION_UNSUPPORTED, error, mcp_ping(client, NULL, &error));
        CHECK(strstr(mcp_error_message(error), "2031-01-01") != NULL);
        mcp_error_free(error);
        error = NULL;
        dispose(client);

        client = client_for("dual");
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
        EXPECT(MCP_MISUSE, error, mcp_set_protocol_version(client, "2025-11-25", &error)); /* too late */
        EXPECT(MCP_MISUSE, error, mcp_set_client_info(client, "late", "1", &error));
        EXPECT(MCP_MISUSE, error, mcp_set_extension(client, "a/late", "{}", MCP_NUL_TERMINATED, &error));
        dispose(client);
    }

    requests_carry_the_fields_of_their_version();
    request_ids_are_unique();
    lost_sessions_are_re_established();
    return check_end();
}
