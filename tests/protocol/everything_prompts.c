/* The prompts of server-everything, and the completion of their arguments. */
#include "protocol.h"

static mcp_error *error;

static void prompts_are_listed(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_list_prompts(client, NULL, &result, &error));
    CHECK_NAMES("simple-prompt args-prompt completable-prompt resource-prompt", mcp_json_member(result, "prompts"),
                "name");
    CHECK_JSON("{'name':'simple-prompt','title':'Simple Prompt','description':'A prompt with no arguments'}",
               mcp_json_pointer(result, "/prompts/0"));
    CHECK_JSON("[{'name':'city','description':'Name of the city','required':true},"
               "{'name':'state','required':false}]",
               mcp_json_pointer(result, "/prompts/1/arguments"));
    mcp_json_free(result);
    CHECK_INT(1, check_pages(client, mcp_list_prompts, mcp_list_prompts_page, "prompts"));
}

static void check_prompt(mcp_client *client, const char *name, const char *arguments, const char *messages) {
    mcp_json *result = NULL;
    char *json = arguments != NULL ? quotes(arguments) : NULL;
    EXPECT(MCP_OK, error, mcp_get_prompt(client, name, json, MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_JSON(messages, mcp_json_member(result, "messages"));
    mcp_json_free(result);
    free(json);
}

static void prompts_are_returned(mcp_client *client) {
    check_prompt(client, "simple-prompt", NULL,
                 "[{'role':'user','content':{'type':'text','text':'This is a simple prompt without arguments.'}}]");
    check_prompt(client, "simple-prompt", "{}",
                 "[{'role':'user','content':{'type':'text','text':'This is a simple prompt without arguments.'}}]");
    check_prompt(client, "args-prompt", "{'city':'K\xc3\xb6ln'}",
                 "[{'role':'user','content':{'type':'text','text':'What\\u0027s weather in K\xc3\xb6ln?'}}]");
    check_prompt(client, "args-prompt", "{'city':'Austin','state':'Texas'}",
                 "[{'role':'user','content':{'type':'text','text':'What\\u0027s weather in Austin, Texas?'}}]");
    check_prompt(client, "completable-prompt", "{'department':'Sales','name':'Eve'}",
                 "[{'role':'user','content':{'type':'text','text':'Please promote Eve to the head of the Sales "
                 "team.'}}]");
    check_prompt(client, "resource-prompt", "{'resourceType':'Text','resourceId':'3'}",
                 "[{'role':'user','content':{'type':'text','text':'This prompt includes the Text resource with id: 3. "
                 "Please analyze the following resource:'}},{'role':'user','content':{'type':'resource','resource':"
                 "{'uri':'demo://resource/dynamic/text/3','mimeType':'text/plain',"
                 "'text':'Resource 3: This is a plaintext resource created at \xe2\x80\xa6'}}}]");
    check_prompt(client, "resource-prompt", "{'resourceType':'Blob','resourceId':'4'}",
                 "[{'role':'user','content':{'type':'text','text':'This prompt includes the Blob resource with id: 4. "
                 "Please analyze the following resource:'}},{'role':'user','content':{'type':'resource','resource':"
                 "{'uri':'demo://resource/dynamic/blob/4','mimeType':'text/plain','blob':'UmVzb3VyY2\xe2\x80\xa6'}}}]");
}

static void invalid_prompts_are_rejected(mcp_client *client) {
    mcp_json *result = NULL;
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_get_prompt(client, "none", NULL, 0, NULL, &result, &error));
    CHECK_INT(-32602, mcp_error_rpc_code(error));
    CHECK(strstr(mcp_error_message(error), "Prompt none not found") != NULL);
    mcp_error_free(error);
    EXPECT_KEEP(MCP_RPC_ERROR, error,
                mcp_get_prompt(client, "args-prompt", "{}", MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK_INT(-32602, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
}

static void check_completion(mcp_client *client, const char *argument, const char *value, const char *context,
                             const char *values) {
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error,
           mcp_complete_prompt(client, "completable-prompt", argument, value, context, MCP_NUL_TERMINATED, NULL,
                               &result, &error));
    CHECK_JSON(values, mcp_json_pointer(result, "/completion/values"));
    CHECK_JSON("false", mcp_json_pointer(result, "/completion/hasMore"));
    mcp_json_free(result);
}

static void arguments_are_completed(mcp_client *client) {
    check_completion(client, "department", "", NULL, "['Engineering','Sales','Marketing','Support']");
    check_completion(client, "department", "S", NULL, "['Sales','Support']");
    check_completion(client, "department", "x", NULL, "[]");
    check_completion(client, "name", "", NULL, "[]");
    check_completion(client, "name", "", "{\"department\":\"Sales\"}", "['David','Eve','Frank']");
    check_completion(client, "name", "Ch", "{\"department\":\"Engineering\"}", "['Charlie']");
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error,
           mcp_complete_prompt(client, "resource-prompt", "resourceType", "B", NULL, 0, NULL, &result, &error));
    CHECK_JSON("{'values':['Blob'],'total':1,'hasMore':false}", mcp_json_member(result, "completion"));
    mcp_json_free(result);
    result = NULL;
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_complete_prompt(client, "none", "x", "", NULL, 0, NULL, &result, &error));
    CHECK_INT(-32602, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    mcp_client *client = connected_client();
    prompts_are_listed(client);
    prompts_are_returned(client);
    invalid_prompts_are_rejected(client);
    arguments_are_completed(client);
    end_client(client);
    return check_end();
}
