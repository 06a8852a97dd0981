/* Saved sessions: which requests a client sends that continues one, and which texts it refuses. Servers that were
 * replaced: tests/hostile/saved_sessions.py. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

static mcp_error *error;

/* A text that was saved; free it with free(). */
static char *save(const mcp_client *client) {
    mcp_json *saved = NULL;
    EXPECT(MCP_OK, error, mcp_save_session(client, &saved, &error));
    const char *text = mcp_json_text(saved);
    char *copy = text != NULL ? strdup(text) : NULL;
    must(copy != NULL, "a saved session");
    mcp_json_free(saved);
    return copy;
}

/* The session of a client that is freed without a close. */
static char *saved_session_of(const char *options) {
    mcp_client *client = client_for(options);
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    char *saved = save(client);
    mcp_client_free(client);
    return saved;
}

/* `text` with `new` in place of the first `old`. It is freed. */
static char *replaced(char *text, const char *old, const char *new) {
    char *at = strstr(text, old);
    must(at != NULL, old);
    char *made = malloc(strlen(text) + strlen(new) + 1);
    must(made != NULL, "memory");
    sprintf(made, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    free(text);
    return made;
}

static mcp_client *continuing(const char *options, const char *saved) {
    mcp_client *client = client_for(options);
    EXPECT(MCP_OK, error, mcp_set_saved_session(client, saved, MCP_NUL_TERMINATED, &error));
    return client;
}

/* Checks the methods of the requests that a server got, separated by spaces. */
static void check_requests(const char *tag, const char *expected) {
    mcp_json *log = server_log(tag);
    char seen[1024] = "";
    for (const mcp_json *request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *method = mcp_json_string(mcp_json_member(request, "rpc_method"));
        strcat(seen, seen[0] != '\0' ? " " : "");
        strcat(seen, method != NULL ? method : mcp_json_string(mcp_json_member(request, "method")));
    }
    CHECK_TEXT(expected, seen);
    mcp_json_free(log);
}

static void a_modern_server_is_not_asked_for_its_version(void) {
    static const char options[] = "modern+tag=saved-modern";
    char *saved = saved_session_of(options);
    CHECK(strstr(saved, "sessionId") == NULL);
    mcp_client *client = continuing(options, saved);
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error)); /* sends nothing */
    CHECK_INT(MCP_STATE_CONNECTED, mcp_client_state(client));
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "echo", "{\"text\":\"hi\"}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_TEXT("hi", mcp_tool_result_text(result));
    mcp_json_free(result);
    char *after_call = save(client);
    EXPECT(MCP_OK, error, mcp_server_info(client, NULL, &result, &error));
    CHECK_TEXT("2026-07-28", mcp_json_string(mcp_json_member(result, "protocolVersion")));
    CHECK_INT(MCP_JSON_OBJECT, mcp_json_type_of(mcp_json_member(result, "capabilities")));
    mcp_json_free(result);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error)); /* asks the server, also for the first call */
    dispose(client);
    client = continuing(options, saved);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    check_requests("saved-modern", "server/discover tools/list tools/call server/discover server/discover");
    free(saved);

    /* The list of tools was valid for one minute: it is read again. */
    client = continuing(options, after_call);
    EXPECT(MCP_OK, error, mcp_call_tool(client, "add", "{\"a\":1,\"b\":2}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_TEXT("3", mcp_tool_result_text(result));
    mcp_json_free(result);
    dispose(client);
    check_requests("saved-modern", "server/discover tools/list tools/call server/discover server/discover "
                                   "tools/list tools/call");
    free(after_call);
}

static void a_legacy_session_is_continued(void) {
    static const char options[] = "legacy+tag=saved-legacy";
    mcp_client *client = client_for(options);
    EXPECT(MCP_OK, error, mcp_set_bearer(client, "a-secret-token", &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    char *saved = save(client);
    mcp_client_free(client);
    CHECK(strstr(saved, "a-secret-token") == NULL);
    mcp_json *json = mcp_json_parse(saved, MCP_NUL_TERMINATED, NULL);
    const char *id = mcp_json_string(mcp_json_member(json, "sessionId"));
    must(id != NULL, "a session id");
    CHECK_TEXT("2025-11-25", mcp_json_string(mcp_json_member(json, "protocolVersion")));
    CHECK_TEXT("streamable-http", mcp_json_string(mcp_json_member(json, "transport")));

    client = continuing(options, saved);
    mcp_client *other = continuing(options, saved);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(other, NULL, &error));
    mcp_client_free(other);
    char *again = save(client);
    CHECK(strstr(again, id) != NULL);
    free(again);
    dispose(client); /* ends the session */
    check_requests("saved-legacy", "server/discover initialize notifications/initialized ping ping ping DELETE");
    mcp_json *log = server_log("saved-legacy");
    char ids[3][32] = {"", "", ""};
    for (size_t i = 3; i < 6; i++) {
        const mcp_json *request = mcp_json_element(log, i);
        CHECK_TEXT(id, header_of(request, "mcp-session-id"));
        CHECK_TEXT("2025-11-25", header_of(request, "mcp-protocol-version"));
        mcp_json *body = mcp_json_parse(mcp_json_string(mcp_json_member(request, "body")), MCP_NUL_TERMINATED, NULL);
        snprintf(ids[i - 3], sizeof ids[0], "%s", mcp_json_text(mcp_json_member(body, "id")));
        mcp_json_free(body);
    }
    /* No id is used twice in a session. */
    CHECK(strcmp(ids[0], ids[1]) != 0 && strcmp(ids[1], ids[2]) != 0 && strcmp(ids[0], ids[2]) != 0);
    mcp_json_free(log);
    mcp_json_free(json);

    /* Now the session does not exist any more. */
    client = continuing(options, saved);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    check_requests("saved-legacy", "server/discover initialize notifications/initialized ping ping ping DELETE "
                                   "ping initialize notifications/initialized ping DELETE");
    free(saved);
}

static void a_lost_session_is_replaced(void) {
    static const char options[] = "legacy+fault=unknown-session-401+tag=saved-401";
    char *saved = saved_session_of(options);
    saved = replaced(saved, "\"sessionId\":\"", "\"sessionId\":\"un");
    mcp_client *client = continuing(options, saved);
    mcp_json *result = NULL;
    /* Also a tool call, because the server has not executed it. */
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "echo", "{\"text\":\"hi\"}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_TEXT("hi", mcp_tool_result_text(result));
    mcp_json_free(result);
    dispose(client);
    check_requests("saved-401", "server/discover initialize notifications/initialized "
                                "tools/call initialize notifications/initialized tools/call DELETE");
    free(saved);
}

static void an_event_stream_is_opened_without_a_search(void) {
    static const char options[] = "legacy+sse+tag=saved-sse";
    char *saved = saved_session_of(options);
    CHECK(strstr(saved, "\"transport\":\"sse\"") != NULL && strstr(saved, "sessionId") == NULL);
    mcp_json *log = server_log("saved-sse");
    size_t before = mcp_json_size(log);
    mcp_json_free(log);
    mcp_client *client = continuing(options, saved);
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    log = server_log("saved-sse");
    CHECK_TEXT("GET", mcp_json_string(mcp_json_member(mcp_json_element(log, before), "method")));
    CHECK_INT(before + 4, mcp_json_size(log)); /* then initialize, initialized and ping */
    mcp_json_free(log);
    free(saved);
}

static void refuse(void *userdata, mcp_input *input) {
    (void)userdata;
    mcp_input_fail(input, -32603, "no", NULL);
}

static void other_capabilities_need_another_session(void) {
    static const char options[] = "legacy+tag=saved-handlers";
    char *without = saved_session_of(options);
    mcp_client *client = continuing(options, without);
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, refuse, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    char *with = save(client);
    mcp_client_free(client);
    /* The era is known; a handler needs the server event stream. */
    check_requests("saved-handlers", "server/discover initialize notifications/initialized "
                                     "initialize notifications/initialized GET");
    client = continuing(options, with);
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, refuse, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    check_requests("saved-handlers", "server/discover initialize notifications/initialized "
                                     "initialize notifications/initialized GET GET ping DELETE");
    free(without);
    free(with);
}

static void only_an_open_session_can_be_saved(void) {
    mcp_json *saved = NULL;
    mcp_client *client = client_for("dual");
    EXPECT(MCP_MISUSE, error, mcp_save_session(client, &saved, &error));
    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    free(save(client));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_save_session(client, &saved, &error));
    CHECK(saved == NULL);
    mcp_client_free(client);
}

static void check_refused(mcp_client *client, const char *saved, size_t length, const char *why) {
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_set_saved_session(client, saved, length, &error));
    CHECK_SAYS(strstr(mcp_error_message(error), why) != NULL, "%s", mcp_error_message(error));
    mcp_error_free(error);
    error = NULL;
}

static void wrong_texts_are_refused(void) {
    enum { MEGABYTE = 1024 * 1024 };
    char *saved = saved_session_of("legacy");
    mcp_client *client = client_for("legacy");
    check_refused(client, "", MCP_NUL_TERMINATED, "not valid JSON");
    check_refused(client, saved, strlen(saved) - 1, "not valid JSON");
    check_refused(client, "{}", MCP_NUL_TERMINATED, "it has no \"v\"");
    char *large = calloc(1, MEGABYTE + 2);
    must(large != NULL, "memory");
    memset(large, ' ', MEGABYTE + 1);
    check_refused(client, large, MCP_NUL_TERMINATED, "larger than 1048576 bytes");
    free(large);

    mcp_client *elsewhere = client_at("http://127.0.0.1:1/other");
    check_refused(elsewhere, saved, MCP_NUL_TERMINATED, "and this client is for \"http://127.0.0.1:1/other\"");
    mcp_client_free(elsewhere);
    mcp_client *tenant = client_for("legacy+tag=another-tenant"); /* its URL is shown like that of the other */
    check_refused(tenant, saved, MCP_NUL_TERMINATED, "it belongs to another server");
    mcp_client_free(tenant);
    const char *const argv[] = {"/bin/true", NULL};
    mcp_client *process = mcp_client_new_stdio(argv, NULL);
    check_refused(process, saved, MCP_NUL_TERMINATED, "it belongs to the server");
    mcp_client_free(process);

    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, "2025-06-18", &error));
    check_refused(client, saved, MCP_NUL_TERMINATED, "pinned to 2025-06-18");
    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, "2025-11-25", &error));
    EXPECT(MCP_OK, error, mcp_set_transport(client, MCP_TRANSPORT_SSE, &error));
    check_refused(client, saved, MCP_NUL_TERMINATED, "\"transport\" cannot be used");
    EXPECT(MCP_OK, error, mcp_set_transport(client, MCP_TRANSPORT_AUTO, &error));
    EXPECT(MCP_OK, error, mcp_set_saved_session(client, saved, strlen(saved), &error));
    EXPECT(MCP_OK, error, mcp_set_saved_session(client, NULL, 0, &error));

    mcp_json *json = mcp_json_parse(saved, MCP_NUL_TERMINATED, NULL);
    const char *id = mcp_json_string(mcp_json_member(json, "sessionId"));
    must(id != NULL, "a session id");
    char *changed = replaced(strdup(saved), "\"sessionId\":\"", "\"sessionId\":\"\\r\\nX: ");
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_set_saved_session(client, changed, MCP_NUL_TERMINATED, &error));
    CHECK(strstr(mcp_error_message(error), id) == NULL); /* it is a secret */
    mcp_error_free(error);
    error = NULL;
    free(changed);
    mcp_json_free(json);

    EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_saved_session(client, saved, MCP_NUL_TERMINATED, &error));
    dispose(client);
    free(saved);
}

/* A version that is pinned later excludes the saved session. */
static void settings_may_change_after_it(void) {
    static const char options[] = "legacy+tag=saved-pinned";
    char *saved = saved_session_of(options);
    mcp_client *client = continuing(options, saved);
    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, "2025-06-18", &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    mcp_client_free(client);
    check_requests("saved-pinned", "server/discover initialize notifications/initialized "
                                   "initialize notifications/initialized ping DELETE");
    free(saved);
}

int main(void) {
    a_modern_server_is_not_asked_for_its_version();
    a_legacy_session_is_continued();
    a_lost_session_is_replaced();
    an_event_stream_is_opened_without_a_search();
    other_capabilities_need_another_session();
    only_an_open_session_can_be_saved();
    wrong_texts_are_refused();
    settings_may_change_after_it();
    return check_end();
}
