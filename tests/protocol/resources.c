/* The resources of the test servers on real frameworks: lists, templates, texts and binary data.
 *
 *     PROGRAM CODE VERSION ...     CODE: the server's error code for an unknown resource
 */
#include "protocol.h"

static mcp_error *error;

static void resources_are_listed(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_list_resources(client, NULL, &result, &error));
    CHECK_NAMES("memo://text memo://bytes", mcp_json_member(result, "resources"), "uri");
    CHECK_NAMES("memo bytes", mcp_json_member(result, "resources"), "name");
    CHECK_NAMES("text/plain application/octet-stream", mcp_json_member(result, "resources"), "mimeType");
    mcp_json_free(result);
    CHECK_INT(1, check_pages(client, mcp_list_resources, mcp_list_resources_page, "resources"));
    EXPECT(MCP_OK, error, mcp_list_resource_templates(client, NULL, &result, &error));
    CHECK_NAMES("memo://squares/{number}", mcp_json_member(result, "resourceTemplates"), "uriTemplate");
    CHECK_NAMES("square", mcp_json_member(result, "resourceTemplates"), "name");
    mcp_json_free(result);
    CHECK_INT(1,
              check_pages(client, mcp_list_resource_templates, mcp_list_resource_templates_page, "resourceTemplates"));
}

static void check_text_resource(mcp_client *client, const char *uri, const char *text) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_read_resource(client, uri, NULL, &result, &error));
    CHECK_INT(1, mcp_json_size(mcp_json_member(result, "contents")));
    CHECK_TEXT(uri, mcp_json_string(mcp_json_pointer(result, "/contents/0/uri")));
    CHECK_TEXT("text/plain", mcp_json_string(mcp_json_pointer(result, "/contents/0/mimeType")));
    CHECK_TEXT(text, mcp_json_string(mcp_json_pointer(result, "/contents/0/text")));
    CHECK(mcp_json_pointer(result, "/contents/0/blob") == NULL);
    mcp_json_free(result);
}

static void binary_resource_is_read(mcp_client *client) {
    unsigned char bytes[256];
    size_t length = 0;
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_read_resource(client, "memo://bytes", NULL, &result, &error));
    CHECK_TEXT("application/octet-stream", mcp_json_string(mcp_json_pointer(result, "/contents/0/mimeType")));
    const mcp_json *blob = mcp_json_pointer(result, "/contents/0/blob");
    EXPECT(MCP_OK, error, mcp_json_copy_base64(blob, bytes, sizeof bytes, &length, &error));
    CHECK_INT(256, length);
    for (int i = 0; i < 256; i++) {
        CHECK_INT(i, bytes[i]);
    }
    CHECK(mcp_json_pointer(result, "/contents/0/text") == NULL);
    mcp_json_free(result);
}

static void unknown_resource_is_an_error(mcp_client *client, int code) {
    mcp_json *result = NULL;
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_read_resource(client, "memo://nothing", NULL, &result, &error));
    CHECK(mcp_error_has_rpc_code(error));
    CHECK_INT(code, mcp_error_rpc_code(error));
    CHECK(strstr(mcp_error_message(error), "memo://nothing") != NULL);
    CHECK(result == NULL);
    mcp_error_free(error);
    error = NULL;
}

int main(int argc, char **argv) {
    must(argc >= 5, "usage: resources CODE VERSION http|stdio ...");
    use_server(argc - 1, argv + 1);
    mcp_client *client = connected_client();
    resources_are_listed(client);
    check_text_resource(client, "memo://text", "Dear diary");
    check_text_resource(client, "memo://squares/12", "144");
    binary_resource_is_read(client);
    unknown_resource_is_an_error(client, atoi(argv[1]));
    end_client(client);
    return check_end();
}
