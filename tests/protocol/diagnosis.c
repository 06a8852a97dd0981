/* Every step of a diagnosis succeeds on a real server, or does not apply to it. */
#include "protocol.h"

static const char *const names[] = {"configuration", "process",       "name",     "tcp",          "proxy", "tls",
                                    "http",          "authorization", "protocol", "capabilities", "lists", "ping"};

enum { COUNT = sizeof names / sizeof *names };

static const mcp_json *result_of(const mcp_json *report, const char *name) {
    const mcp_json *step = mcp_json_first(mcp_json_member(report, "steps"));
    for (; step != NULL; step = mcp_json_next(step))
        if (strcmp(name, mcp_json_string(mcp_json_member(step, "step"))) == 0)
            return mcp_json_member(step, "result");
    return NULL;
}

static int64_t number(const mcp_json *json) {
    int64_t value = -1;
    mcp_json_int64(json, &value, NULL);
    return value;
}

static long long size(const mcp_json *json) {
    return (long long)mcp_json_size(json);
}

static void check(const mcp_json *report, bool was_open) {
    bool ok = false;
    size_t count = 0;
    const mcp_json *step = mcp_json_first(mcp_json_member(report, "steps"));
    for (; step != NULL && count < COUNT; step = mcp_json_next(step), count++) {
        CHECK_TEXT(names[count], mcp_json_string(mcp_json_member(step, "step")));
        CHECK_SAYS(mcp_json_member(step, "problem") == NULL, "%s: %s", names[count],
                   mcp_json_string(mcp_json_member(step, "problem")));
        bool passed = mcp_json_bool(mcp_json_member(step, "ok"), &ok, NULL) == MCP_OK;
        CHECK((mcp_json_string(mcp_json_member(step, "reason")) != NULL) == !passed);
        /* Only the process, or only the connection, is skipped. A server here has neither a proxy nor TLS. */
        bool of_http = count >= 2 && count <= 7, needed = count != 4 && count != 5;
        CHECK_SAYS(passed == (count == 1 ? on_process() : of_http ? !on_stdio() && needed : true), "%s", names[count]);
    }
    CHECK_INT(COUNT, count);
    CHECK(step == NULL);
    CHECK(mcp_json_bool(mcp_json_member(report, "ok"), &ok, NULL) == MCP_OK && ok);
    const mcp_json *protocol = result_of(report, "protocol");
    CHECK_TEXT(modern() ? "modern" : "legacy", mcp_json_string(mcp_json_member(protocol, "era")));
    CHECK(mcp_json_bool(mcp_json_member(protocol, "wasOpen"), &ok, NULL) == MCP_OK && ok == was_open);
    CHECK(mcp_json_string(mcp_json_member(protocol, "serverName")) != NULL);
    CHECK_TEXT(modern() ? "server/discover" : "ping",
               mcp_json_string(mcp_json_member(result_of(report, "ping"), "method")));
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    mcp_error *error = NULL;
    mcp_json *report = NULL, *tools = NULL, *info = NULL;
    mcp_client *client = new_client();
    EXPECT(MCP_OK, error, mcp_diagnose(client, NULL, &report, &error));
    check(report, false);
    EXPECT(MCP_OK, error, mcp_list_tools(client, NULL, &tools, &error));
    CHECK_INT(size(mcp_json_member(tools, "tools")), number(mcp_json_member(result_of(report, "lists"), "tools")));
    EXPECT(MCP_OK, error, mcp_server_info(client, NULL, &info, &error));
    CHECK_TEXT(mcp_json_string(mcp_json_pointer(info, "/protocolVersion")),
               mcp_json_string(mcp_json_member(result_of(report, "protocol"), "protocolVersion")));
    CHECK_INT(size(mcp_json_member(info, "capabilities")),
              size(mcp_json_member(result_of(report, "capabilities"), "capabilities")));
    if (on_process())
        CHECK(number(mcp_json_member(result_of(report, "process"), "processId")) > 1);
    mcp_json_free(report);
    mcp_json_free(tools);
    mcp_json_free(info);

    /* The session stays open, and the next diagnosis uses it. */
    EXPECT(MCP_OK, error, mcp_diagnose(client, NULL, &report, &error));
    check(report, true);
    mcp_json_free(report);
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_CLOSED, error, mcp_diagnose(client, NULL, &report, &error));
    CHECK(report == NULL);
    mcp_client_free(client);
    return check_end();
}
