/* The resources of server-everything: static documents and two templates. */
#include "protocol.h"

static mcp_error *error;

static void documents_are_listed(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_list_resources(client, NULL, &result, &error));
    CHECK_NAMES("demo://resource/static/document/architecture.md demo://resource/static/document/extension.md "
                "demo://resource/static/document/features.md demo://resource/static/document/how-it-works.md "
                "demo://resource/static/document/instructions.md demo://resource/static/document/startup.md "
                "demo://resource/static/document/structure.md",
                mcp_json_member(result, "resources"), "uri");
    CHECK_JSON("{'uri':'demo://resource/static/document/extension.md','name':'extension.md',"
               "'mimeType':'text/markdown','description':'Static document file exposed from /docs: extension.md'}",
               mcp_json_pointer(result, "/resources/1"));
    mcp_json_free(result);
    CHECK_INT(1, check_pages(client, mcp_list_resources, mcp_list_resources_page, "resources"));
}

static void templates_are_listed(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_list_resource_templates(client, NULL, &result, &error));
    CHECK_JSON("[{'name':'Dynamic Text Resource','uriTemplate':'demo://resource/dynamic/text/{resourceId}',"
               "'mimeType':'text/plain','description':'Plaintext dynamic resource fabricated from the {resourceId} "
               "variable, which must be an integer.'},"
               "{'name':'Dynamic Blob Resource','uriTemplate':'demo://resource/dynamic/blob/{resourceId}',"
               "'mimeType':'application/octet-stream','description':'Binary (base64) dynamic resource fabricated from "
               "the {resourceId} variable, which must be an integer.'}]",
               mcp_json_member(result, "resourceTemplates"));
    mcp_json_free(result);
    CHECK_INT(1,
              check_pages(client, mcp_list_resource_templates, mcp_list_resource_templates_page, "resourceTemplates"));
}

/* The sizes of the documents in the pinned package. */
static void documents_are_read(mcp_client *client) {
    static const struct {
        const char *name;
        size_t size;
    } documents[] = {{"architecture.md", 1616}, {"extension.md", 965},     {"features.md", 9889},
                     {"how-it-works.md", 2772}, {"instructions.md", 1579}, {"startup.md", 2867},
                     {"structure.md", 12324}};
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        char uri[128];
        mcp_json *result = NULL;
        size_t length = 0;
        snprintf(uri, sizeof uri, "demo://resource/static/document/%s", documents[i].name);
        EXPECT(MCP_OK, error, mcp_read_resource(client, uri, NULL, &result, &error));
        CHECK_INT(1, mcp_json_size(mcp_json_member(result, "contents")));
        CHECK_TEXT(uri, mcp_json_string(mcp_json_pointer(result, "/contents/0/uri")));
        CHECK_TEXT("text/markdown", mcp_json_string(mcp_json_pointer(result, "/contents/0/mimeType")));
        EXPECT(MCP_BUFFER_TOO_SMALL, error,
               mcp_json_copy_string(mcp_json_pointer(result, "/contents/0/text"), NULL, 0, &length, &error));
        CHECK_INT(documents[i].size, length);
        mcp_json_free(result);
    }
}

static void template_resources_are_read(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_read_resource(client, "demo://resource/dynamic/text/42", NULL, &result, &error));
    CHECK_JSON("[{'uri':'demo://resource/dynamic/text/42','mimeType':'text/plain',"
               "'text':'Resource 42: This is a plaintext resource created at \xe2\x80\xa6'}]",
               mcp_json_member(result, "contents"));
    mcp_json_free(result);
    result = NULL;
    EXPECT(MCP_OK, error, mcp_read_resource(client, "demo://resource/dynamic/blob/43", NULL, &result, &error));
    const mcp_json *blob = mcp_json_pointer(result, "/contents/0/blob");
    char text[128] = "";
    size_t length = 0, needed = 0;
    EXPECT(MCP_OK, error, mcp_json_copy_base64(blob, text, sizeof text - 1, &length, &error));
    CHECK_INT(length, strlen(text));
    CHECK(strncmp(text, "Resource 43: This is a base64 blob created at ", 46) == 0);
    EXPECT(MCP_BUFFER_TOO_SMALL, error, mcp_json_copy_base64(blob, NULL, 0, &needed, &error));
    CHECK_INT(length, needed);
    CHECK(mcp_json_pointer(result, "/contents/0/text") == NULL);
    mcp_json_free(result);
}

static void unknown_resources_are_errors(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_read_resource(client, "demo://resource/none", NULL, &result, &error));
    CHECK(mcp_error_has_rpc_code(error));
    CHECK_INT(-32602, mcp_error_rpc_code(error));
    CHECK(strstr(mcp_error_message(error), "Resource demo://resource/none not found") != NULL);
    CHECK(result == NULL);
    mcp_error_free(error);
    EXPECT_KEEP(MCP_RPC_ERROR, error,
                mcp_read_resource(client, "demo://resource/dynamic/text/seven", NULL, &result, &error));
    CHECK(strstr(mcp_error_message(error), "Unknown resource: demo://resource/dynamic/text/seven") != NULL);
    mcp_error_free(error);
    error = NULL;
}

static void template_arguments_are_completed(mcp_client *client) {
    static const char text[] = "demo://resource/dynamic/text/{resourceId}";
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_complete_resource(client, text, "resourceId", "12", NULL, 0, NULL, &result, &error));
    CHECK_JSON("{'values':['12'],'total':1,'hasMore':false}", mcp_json_member(result, "completion"));
    mcp_json_free(result);
    result = NULL;
    EXPECT(MCP_OK, error, mcp_complete_resource(client, text, "resourceId", "x", NULL, 0, NULL, &result, &error));
    CHECK_JSON("[]", mcp_json_pointer(result, "/completion/values"));
    mcp_json_free(result);
    result = NULL;
    EXPECT_KEEP(MCP_RPC_ERROR, error,
                mcp_complete_resource(client, "demo://none/{x}", "x", "", NULL, 0, NULL, &result, &error));
    CHECK_INT(-32602, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    mcp_client *client = connected_client();
    documents_are_listed(client);
    templates_are_listed(client);
    documents_are_read(client);
    template_resources_are_read(client);
    unknown_resources_are_errors(client);
    template_arguments_are_completed(client);
    end_client(client);
    return check_end();
}
