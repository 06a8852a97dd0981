/* All tools of server-everything that need no client capabilities. */
#define _POSIX_C_SOURCE 200809L

#include "protocol.h"

#include <unistd.h>

static mcp_error *error;

static void tools_are_listed(void) {
    mcp_client *client = connected_client();
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_list_tools(client, NULL, &result, &error));
    const mcp_json *tools = mcp_json_member(result, "tools");
    CHECK_NAMES("echo get-annotated-message get-env get-resource-links get-resource-reference get-structured-content "
                "get-sum get-tiny-image gzip-file-as-resource toggle-simulated-logging toggle-subscriber-updates "
                "trigger-long-running-operation simulate-research-query",
                tools, "name");
    const mcp_json *echo = mcp_json_first(tools);
    CHECK_TEXT("Echo Tool", mcp_json_string(mcp_json_member(echo, "title")));
    CHECK_TEXT("Echoes back the input string", mcp_json_string(mcp_json_member(echo, "description")));
    CHECK_JSON("{'message':{'type':'string','description':'Message to echo'}}",
               mcp_json_pointer(echo, "/inputSchema/properties"));
    CHECK_JSON("{'readOnlyHint':true,'destructiveHint':false,'idempotentHint':true,'openWorldHint':false}",
               mcp_json_member(echo, "annotations"));
    CHECK_JSON("'required'", mcp_json_pointer(result, "/tools/12/execution/taskSupport"));
    CHECK_JSON("['temperature','conditions','humidity']", mcp_json_pointer(result, "/tools/5/outputSchema/required"));
    mcp_json_free(result);
    CHECK_INT(1, check_pages(client, mcp_list_tools, mcp_list_tools_page, "tools"));
    end_client(client);
}

static void text_results_are_returned(mcp_client *client) {
    CHECK_TOOL("Echo: hello", client, "echo", "{'message':'hello'}");
    CHECK_TOOL("Echo: ", client, "echo", "{'message':''}");
    CHECK_TOOL("Echo: \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n\t\\/", client, "echo",
               "{'message':'\\u00e4\xe2\x82\xac\\ud83d\\ude00\\n\\t\\\\\\/'}");
    CHECK_TOOL("The sum of 2 and 3.5 is 5.5.", client, "get-sum", "{'a':2,'b':35e-1}");
    mcp_json *result = CALL(client, "echo", "{'message':'x'}", NULL);
    CHECK_JSON("[{'type':'text','text':'Echo: x'}]", mcp_json_member(result, "content"));
    CHECK(mcp_tool_result_structured(result) == NULL);
    mcp_json_free(result);
}

/* Sends and receives a text of 1 MiB. */
static void long_text_is_returned(mcp_client *client) {
    enum { LENGTH = 1 << 20 };
    char *arguments = malloc(LENGTH + 64);
    must(arguments != NULL, "memory");
    size_t used = (size_t)sprintf(arguments, "{\"message\":\"");
    memset(arguments + used, 'a', LENGTH);
    sprintf(arguments + used + LENGTH, "\"}");
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_call_tool(client, "echo", arguments, MCP_NUL_TERMINATED, NULL, &result, &error));
    const char *text = mcp_tool_result_text(result);
    CHECK_INT(LENGTH + 6, strlen(text));
    CHECK_INT(LENGTH + 6, strspn(text, "Echo: a"));
    mcp_json_free(result);
    free(arguments);
}

static void tool_errors_are_returned(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_call_tool(client, "echo", "{}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result));
    CHECK_JSON("'MCP error -32602: Input validation error: Invalid arguments for tool echo: \xe2\x80\xa6'",
               mcp_json_pointer(result, "/content/0/text"));
    mcp_json_free(result);
    EXPECT(MCP_OK, error, mcp_call_tool(client, "nothing", NULL, 0, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result));
    CHECK_TEXT("MCP error -32602: Tool nothing not found", mcp_tool_result_text(result));
    mcp_json_free(result);
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "get-resource-links", "{\"count\":11}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK(mcp_tool_result_is_error(result));
    mcp_json_free(result);
}

static void annotations_are_returned(mcp_client *client) {
    mcp_json *result = CALL(client, "get-annotated-message", "{'messageType':'error'}", NULL);
    CHECK_JSON("[{'type':'text','text':'Error: Operation failed','annotations':"
               "{'priority':1,'audience':['user','assistant']}}]",
               mcp_json_member(result, "content"));
    mcp_json_free(result);
    result = CALL(client, "get-annotated-message", "{'messageType':'success'}", NULL);
    CHECK_JSON("[{'type':'text','text':'Operation completed successfully','annotations':"
               "{'priority':0.7,'audience':['user']}}]",
               mcp_json_member(result, "content"));
    mcp_json_free(result);
    result = CALL(client, "get-annotated-message", "{'messageType':'debug','includeImage':true}", NULL);
    CHECK_JSON("[{'type':'text','text':'Debug: Cache hit ratio 0.95, latency 150ms','annotations':"
               "{'priority':0.3,'audience':['assistant']}},{'type':'image','mimeType':'image/png',"
               "'annotations':{'priority':0.5,'audience':['user']},'data':'iVBORw0KGgo\xe2\x80\xa6'}]",
               mcp_json_member(result, "content"));
    mcp_json_free(result);
}

static uint32_t big_endian(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* A complete PNG of 20 by 20 pixels: its last chunk is IEND. */
static void image_is_returned(mcp_client *client) {
    static const unsigned char end[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    unsigned char bytes[8192];
    size_t length = 0;
    mcp_json *result = CALL(client, "get-tiny-image", NULL, NULL);
    CHECK_JSON("[{'type':'text','text':'Here\\u0027s the image you requested:'},{'type':'image','mimeType':'image/png',"
               "'data':'iVBORw0KGgo\xe2\x80\xa6'},{'type':'text','text':'The image above is the MCP logo.'}]",
               mcp_json_member(result, "content"));
    CHECK_TEXT("Here's the image you requested:\nThe image above is the MCP logo.", mcp_tool_result_text(result));
    const mcp_json *data = mcp_json_pointer(result, "/content/1/data");
    EXPECT(MCP_OK, error, mcp_json_copy_base64(data, bytes, sizeof bytes, &length, &error));
    must(length > 64, "an image");
    CHECK(memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0);
    CHECK_INT(20, big_endian(bytes + 16));
    CHECK_INT(20, big_endian(bytes + 20));
    CHECK(memcmp(bytes + length - sizeof end, end, sizeof end) == 0);
    size_t again = 0;
    EXPECT(MCP_BUFFER_TOO_SMALL, error, mcp_json_copy_base64(data, bytes, length - 1, &again, &error));
    CHECK_INT(length, again);
    EXPECT(MCP_OK, error, mcp_json_copy_base64(data, bytes, length, &again, &error));
    mcp_json_free(result);
}

static void resource_links_are_returned(mcp_client *client) {
    mcp_json *result = CALL(client, "get-resource-links", "{'count':2}", NULL);
    CHECK_JSON("[{'type':'text','text':'Here are 2 resource links to resources available in this server:'},"
               "{'type':'resource_link','uri':'demo://resource/dynamic/blob/1','name':'Blob Resource 1',"
               "'description':'Resource 1: plaintext resource','mimeType':'text/plain'},"
               "{'type':'resource_link','uri':'demo://resource/dynamic/text/2','name':'Text Resource 2',"
               "'description':'Resource 2: plaintext resource','mimeType':'text/plain'}]",
               mcp_json_member(result, "content"));
    mcp_json_free(result);
    result = CALL(client, "get-resource-links", NULL, NULL);
    CHECK_INT(4, mcp_json_size(mcp_json_member(result, "content"))); /* the default is 3 */
    mcp_json_free(result);
    result = CALL(client, "get-resource-reference", "{'resourceType':'Text','resourceId':7}", NULL);
    CHECK_JSON("[{'type':'text','text':'Returning resource reference for Resource 7:'},"
               "{'type':'resource','resource':{'uri':'demo://resource/dynamic/text/7','mimeType':'text/plain',"
               "'text':'Resource 7: This is a plaintext resource created at \xe2\x80\xa6'}},"
               "{'type':'text','text':'You can access this resource using the URI: demo://resource/dynamic/text/7'}]",
               mcp_json_member(result, "content"));
    /* The text of the resource, between the two other texts, ends in the current time. */
    const char *text = mcp_tool_result_text(result);
    const char *before = "Returning resource reference for Resource 7:\n"
                         "Resource 7: This is a plaintext resource created at ";
    const char *after = "\nYou can access this resource using the URI: demo://resource/dynamic/text/7";
    must(strlen(text) > strlen(before) + strlen(after), "the text of a resource");
    CHECK_INT(0, strncmp(text, before, strlen(before)));
    CHECK_TEXT(after, text + strlen(text) - strlen(after));
    mcp_json_free(result);
    result = CALL(client, "get-resource-reference", "{'resourceType':'Blob','resourceId':8}", NULL);
    CHECK_TEXT("demo://resource/dynamic/blob/8", mcp_json_string(mcp_json_pointer(result, "/content/1/resource/uri")));
    char bytes[128] = "";
    EXPECT(MCP_OK, error,
           mcp_json_copy_base64(mcp_json_pointer(result, "/content/1/resource/blob"), bytes, sizeof bytes - 1, NULL,
                                &error));
    CHECK(strncmp(bytes, "Resource 8: This is a base64 blob created at ", 45) == 0);
    mcp_json_free(result);
}

static void structured_content_is_returned(mcp_client *client) {
    mcp_json *result = CALL(client, "get-structured-content", "{'location':'Chicago'}", NULL);
    CHECK_JSON("{'temperature':36,'conditions':'Light rain / drizzle','humidity':82}",
               mcp_tool_result_structured(result));
    CHECK_TEXT("{\"temperature\":36,\"conditions\":\"Light rain / drizzle\",\"humidity\":82}",
               mcp_tool_result_text(result));
    mcp_json_free(result);
}

static uint32_t little_endian(const unsigned char *at) {
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

/* A gzip member ends with the CRC-32 and the length of the uncompressed data. */
static void check_gzip(const mcp_json *blob) {
    unsigned char bytes[128];
    size_t length = 0;
    EXPECT(MCP_OK, error, mcp_json_copy_base64(blob, bytes, sizeof bytes, &length, &error));
    must(length > 18, "a gzip file");
    CHECK(memcmp(bytes, "\x1f\x8b\x08", 3) == 0);
    CHECK_INT(0xdfd26a19, little_endian(bytes + length - 8));
    CHECK_INT(10, little_endian(bytes + length - 4));
}

static void gzip_resource_is_created_and_read(mcp_client *client) {
    char arguments[256], expected[512], uri[128];
    snprintf(uri, sizeof uri, "demo://resource/session/%ld.gz", (long)getpid());
    snprintf(arguments, sizeof arguments,
             "{'name':'%ld.gz','data':'data:text/plain,hello%%20gzip','outputType':'resourceLink'}", (long)getpid());
    mcp_json *result = CALL(client, "gzip-file-as-resource", arguments, NULL);
    snprintf(expected, sizeof expected,
             "[{'type':'resource_link','uri':'%s','name':'%ld.gz','mimeType':'application/gzip'}]", uri,
             (long)getpid());
    CHECK_JSON(expected, mcp_json_member(result, "content"));
    mcp_json_free(result);
    result = NULL;
    EXPECT(MCP_OK, error, mcp_read_resource(client, uri, NULL, &result, &error));
    CHECK_INT(1, mcp_json_size(mcp_json_member(result, "contents")));
    CHECK_TEXT("application/gzip", mcp_json_string(mcp_json_pointer(result, "/contents/0/mimeType")));
    check_gzip(mcp_json_pointer(result, "/contents/0/blob"));
    mcp_json_free(result);
    snprintf(arguments, sizeof arguments,
             "{'name':'%ld.gz','data':'data:text/plain,hello%%20gzip','outputType':'resource'}", (long)getpid());
    result = CALL(client, "gzip-file-as-resource", arguments, NULL);
    CHECK_TEXT(uri, mcp_json_string(mcp_json_pointer(result, "/content/0/resource/uri")));
    check_gzip(mcp_json_pointer(result, "/content/0/resource/blob"));
    mcp_json_free(result);
}

/* A server process gets the variables that were set for it and the six inherited variables of the specification, and
 * no other variable of the host process. */
static void process_environment_is_restricted(void) {
    static const char *const inherited[] = {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"};
    mcp_client *client = new_client();
    setenv("LIBMCP_TEST_SECRET", "of the program", 1);
    if (on_stdio()) {
        EXPECT(MCP_OK, error, mcp_set_environment(client, "LIBMCP_TEST_GIVEN", "gr\xc3\xbc\xc3\x9f=1", &error));
    } else {
        EXPECT(MCP_MISUSE, error, mcp_set_environment(client, "LIBMCP_TEST_GIVEN", "1", &error));
    }
    mcp_json *result = CALL(client, "get-env", NULL, NULL);
    mcp_json *environment = mcp_json_parse(mcp_tool_result_text(result), MCP_NUL_TERMINATED, NULL);
    CHECK(mcp_json_type_of(environment) == MCP_JSON_OBJECT);
    CHECK(mcp_json_member(environment, "LIBMCP_TEST_SECRET") == NULL);
    if (on_stdio()) {
        CHECK_TEXT(getenv("PATH"), mcp_json_string(mcp_json_member(environment, "PATH")));
        CHECK_TEXT("gr\xc3\xbc\xc3\x9f=1", mcp_json_string(mcp_json_member(environment, "LIBMCP_TEST_GIVEN")));
        for (const mcp_json *each = mcp_json_first(environment); each != NULL; each = mcp_json_next(each)) {
            bool known = strcmp(mcp_json_key(each), "LIBMCP_TEST_GIVEN") == 0;
            for (size_t i = 0; i < sizeof inherited / sizeof *inherited; i++) {
                known = known || strcmp(mcp_json_key(each), inherited[i]) == 0;
            }
            CHECK_SAYS(known, "%s", mcp_json_key(each));
        }
    }
    mcp_json_free(environment);
    mcp_json_free(result);
    end_client(client);
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    tools_are_listed();
    mcp_client *client = connected_client();
    text_results_are_returned(client);
    long_text_is_returned(client);
    tool_errors_are_returned(client);
    annotations_are_returned(client);
    image_is_returned(client);
    resource_links_are_returned(client);
    structured_content_is_returned(client);
    gzip_resource_is_created_and_read(client);
    end_client(client);
    process_environment_is_restricted();
    return check_end();
}
