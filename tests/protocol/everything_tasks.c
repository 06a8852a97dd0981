/* Tasks of server-everything (2025-11-25): one tool must be called as a task. Its four stages take a second each. */
#include "protocol.h"

static mcp_error *error;
static int elicitations;

static void clarify(void *userdata, mcp_input *input) {
    mcp_error *failure = NULL;
    (void)userdata;
    elicitations++;
    CHECK_TEXT("elicitation/create", mcp_input_method(input));
    CHECK_TEXT("The research query \"python\" could have multiple interpretations. Please clarify what you're looking "
               "for:",
               mcp_json_string(mcp_json_member(mcp_input_params(input), "message")));
    CHECK_TEXT("snake", mcp_json_string(mcp_json_pointer(mcp_input_params(input),
                                                         "/requestedSchema/properties/interpretation/oneOf/1/const")));
    EXPECT(MCP_OK, failure, mcp_input_accept(input, "{\"interpretation\":\"snake\"}", MCP_NUL_TERMINATED, &failure));
}

static bool progressed(void *userdata, double progress, double total, const char *message) {
    (void)total;
    note(userdata, "%g %s", progress, message);
    return true;
}

static mcp_json *start(mcp_client *client, const char *arguments) {
    mcp_json *task = NULL;
    EXPECT(
        MCP_OK, error,
        mcp_call_tool_as_task(client, "simulate-research-query", arguments, MCP_NUL_TERMINATED, NULL, &task, &error));
    must(mcp_tool_result_task_id(task) != NULL, "a task");
    return task;
}

static void result_is_returned(mcp_client *client) {
    notes *stages = notes_new();
    mcp_options *options = mcp_options_new();
    mcp_json *task = start(client, "{\"topic\":\"python\",\"ambiguous\":true}"), *state = NULL, *result = NULL;
    CHECK_INT(32, strlen(mcp_tool_result_task_id(task)));
    EXPECT(MCP_OK, error, mcp_get_task(client, mcp_tool_result_task_id(task), NULL, &state, &error));
    CHECK_TEXT(mcp_tool_result_task_id(task), mcp_json_string(mcp_json_member(state, "taskId")));
    CHECK_TEXT("working", mcp_json_string(mcp_json_member(state, "status")));
    CHECK_TEXT("Gathering sources...", mcp_json_string(mcp_json_member(state, "statusMessage")));
    CHECK_JSON("300000", mcp_json_member(state, "ttl"));
    CHECK_JSON("1000", mcp_json_member(state, "pollInterval"));
    mcp_json_free(state);

    EXPECT(MCP_OK, error, mcp_options_set_progress(options, progressed, stages, NULL, &error));
    EXPECT(MCP_OK, error, mcp_wait_task(client, mcp_tool_result_task_id(task), options, &result, &error));
    CHECK(strncmp(mcp_tool_result_text(result), "# Research Report: python (snake)\n", 34) == 0);
    CHECK_INT(1, elicitations);
    CHECK(count_notes(stages, "1 \xe2\x80\xa6") == 1);
    mcp_json_free(result);
    mcp_json_free(task);
    mcp_options_free(options);
    notes_free(stages);
}

static void task_is_cancelled(mcp_client *client) {
    mcp_json *task = start(client, "{\"topic\":\"go\"}"), *state = NULL, *result = NULL;
    EXPECT(MCP_OK, error, mcp_cancel_task(client, mcp_tool_result_task_id(task), NULL, &error));
    EXPECT(MCP_OK, error, mcp_get_task(client, mcp_tool_result_task_id(task), NULL, &state, &error));
    CHECK_TEXT("cancelled", mcp_json_string(mcp_json_member(state, "status")));
    mcp_json_free(state);
    EXPECT(MCP_TASK_CANCELLED, error, mcp_wait_task(client, mcp_tool_result_task_id(task), NULL, &result, &error));
    CHECK(result == NULL);
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_cancel_task(client, mcp_tool_result_task_id(task), NULL, &error));
    CHECK_INT(-32602, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
    mcp_json_free(task);
}

/* After a wait that timed out, the task continues, and its result can still be fetched. */
static void task_continues_after_wait_timeout(mcp_client *client) {
    mcp_json *task = start(client, "{\"topic\":\"rust\"}"), *result = NULL;
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 300, &error));
    EXPECT(MCP_TIMEOUT, error, mcp_wait_task(client, mcp_tool_result_task_id(task), options, &result, &error));
    EXPECT(MCP_OK, error, mcp_wait_task(client, mcp_tool_result_task_id(task), NULL, &result, &error));
    CHECK(strncmp(mcp_tool_result_text(result), "# Research Report: rust\n", 24) == 0);
    mcp_json_free(result);
    mcp_options_free(options);
    mcp_json_free(task);
}

static void unknown_tasks_and_other_tools_are_handled(mcp_client *client) {
    mcp_json *state = NULL;
    EXPECT_KEEP(MCP_RPC_ERROR, error, mcp_get_task(client, "none", NULL, &state, &error));
    CHECK_INT(-32602, mcp_error_rpc_code(error));
    mcp_error_free(error);
    error = NULL;
    /* A tool that does not support tasks returns its result at once. */
    EXPECT(MCP_OK, error,
           mcp_call_tool_as_task(client, "echo", "{\"message\":\"now\"}", MCP_NUL_TERMINATED, NULL, &state, &error));
    CHECK(mcp_tool_result_task_id(state) == NULL);
    CHECK_TEXT("Echo: now", mcp_tool_result_text(state));
    mcp_json_free(state);
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    mcp_client *client = new_client();
    EXPECT(MCP_OK, error, mcp_set_elicitation(client, clarify, NULL, NULL, &error));
    unknown_tasks_and_other_tools_are_handled(client);
    result_is_returned(client);
    task_is_cancelled(client);
    task_continues_after_wait_timeout(client);
    end_client(client);
    return check_end();
}
