/* Mcp-Param headers (2026-07-28, "Custom Headers from Tool Parameters") with the server on the TypeScript SDK. It
 * compares them with the arguments before it calls the tool, and returns them. On stdio there are no headers. */
#define _POSIX_C_SOURCE 200809L

#include "protocol.h"

#include <unistd.h>

static mcp_error *error;

static mcp_client *named_client(void) {
    static int number;
    char value[64];
    mcp_client *client = new_client();
    snprintf(value, sizeof value, "headers-%ld-%d", (long)getpid(), number++);
    if (!on_stdio()) {
        EXPECT(MCP_OK, error, mcp_set_header(client, "X-Client", value, &error));
    }
    return client;
}

static void parameters_are_sent_as_headers(mcp_client *client) {
    static const struct {
        const char *arguments, *text, *headers;
    } cases[] = {
        {"{'region':'eu','query':'q'}", "eu undefined undefined q", "eu none none"},
        {"{'region':'eu','level':3,'urgent':true,'query':'q'}", "eu 3 true q", "eu 3 true"},
        {"{'region':'eu','level':-7,'urgent':false,'query':'q'}", "eu -7 false q", "eu -7 false"},
        {"{'query':'last','region':'us-west 2'}", "us-west 2 undefined undefined last", "us-west 2 none none"},
        /* Values that are not valid in a header, or that look like base64, are sent as base64. */
        {"{'region':'gr\xc3\xb6\xc3\x9f\x65','query':'q'}", "gr\xc3\xb6\xc3\x9f\x65 undefined undefined q",
         "=?base64?Z3LDtsOfZQ==?= none none"},
        {"{'region':'gr\\u00f6\\u00dfe','query':'q'}", "gr\xc3\xb6\xc3\x9f\x65 undefined undefined q",
         "=?base64?Z3LDtsOfZQ==?= none none"},
        {"{'region':' eu ','query':'q'}", " eu  undefined undefined q", "=?base64?IGV1IA==?= none none"},
        {"{'region':'a\\r\\nX-Evil: 1','query':'q'}", "a\r\nX-Evil: 1 undefined undefined q",
         "=?base64?YQ0KWC1FdmlsOiAx?= none none"},
        {"{'region':'=?base64?ZXU=?=','query':'q'}", "=?base64?ZXU=?= undefined undefined q",
         "=?base64?PT9iYXNlNjQ/WlhVPT89?= none none"},
        {"{'region':'','query':'q'}", " undefined undefined q", " none none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "%s: %s", cases[i].text, on_stdio() ? "no http" : cases[i].headers);
        CHECK_TOOL(expected, client, "region", cases[i].arguments);
    }
    /* The schema was fetched only once. */
    if (!on_stdio()) {
        CHECK_TOOL("list 1 memo 0", client, "counts", NULL);
    }
}

/* The server rejects the header of an outdated schema: the client fetches the schema again and repeats the call. */
static void changed_schema_is_fetched_again(void) {
    mcp_client *client = named_client();
    CHECK_TOOL("eu undefined undefined q: eu none none", client, "region", "{'region':'eu','query':'q'}");
    CHECK_TOOL("renamed", client, "rename", "{'header':'Area'}");
    CHECK_TOOL("eu undefined undefined q: eu none none", client, "region", "{'region':'eu','query':'q'}");
    CHECK_TOOL("list 2 memo 0", client, "counts", NULL);
    CHECK_TOOL("us undefined undefined q: us none none", client, "region", "{'region':'us','query':'q'}");
    CHECK_TOOL("list 2 memo 0", client, "counts", NULL);
    end_client(client);
}

/* A tool with an invalid header definition is removed from the list and logged; on stdio headers are not used. */
static void tools_with_invalid_headers_are_hidden(void) {
    notes *log = notes_new();
    mcp_client *client = named_client();
    mcp_json *result = NULL;
    record_log(client, log);
    EXPECT(MCP_OK, error, mcp_list_tools(client, NULL, &result, &error));
    size_t broken = 0, regions = 0;
    for (const mcp_json *each = mcp_json_first(mcp_json_member(result, "tools")); each; each = mcp_json_next(each)) {
        const char *name = mcp_json_string(mcp_json_member(each, "name"));
        broken += strcmp(name, "broken") == 0;
        regions += strcmp(name, "region") == 0;
    }
    CHECK_INT(1, regions);
    CHECK_INT(on_stdio() ? 1 : 0, broken);
    CHECK_INT(on_stdio() ? 0 : 1, count_notes(log, "the tool \"broken\" is left out: \xe2\x80\xa6"));
    mcp_json_free(result);
    end_client(client);
    notes_free(log);
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    mcp_client *client = named_client();
    parameters_are_sent_as_headers(client);
    end_client(client);
    if (!on_stdio()) {
        changed_schema_is_fetched_again();
    }
    tools_with_invalid_headers_are_hidden();
    return check_end();
}
