/*
 * agent: lists the tools of an MCP server, then reads tool calls from stdin and executes them.
 *
 *     agent URL                 for an HTTP server; the token, if one is needed, is in MCP_BEARER_TOKEN
 *     agent PROGRAM [ARGS...]   for a server that runs as a child process
 *
 * Each input line is the name of a tool, optionally followed by a JSON object with its arguments, for example
 * echo {"message":"hello"}. An empty line ends the program. It prints the progress of a call, and reads the responses
 * to elicitations from stdin too: one line for each field, such as name=Ada, and an empty line.
 */
#include <mcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char line[65536];

/* Prompts for a line of input and returns it without its line break; NULL at the end of input. */
static char *read_line(const char *prompt) {
    printf("%s", prompt);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* Prints the progress of a call; if it returned false, the call would end. */
static bool show_progress(void *unused, double progress, double total, const char *message) {
    (void)unused;
    printf("  ... %g", progress);
    if (total >= 0)
        printf(" of %g", total);
    printf(" %s\n", message ? message : "");
    return true;
}

/*
 * Handles an elicitation: the user types the fields of the form. Without any, the elicitation is declined; also if a
 * number or a boolean is not valid: the writer then has no text, which mcp_input_accept refuses.
 */
static void elicit(void *unused, mcp_input *input) {
    (void)unused;
    const mcp_json *params = mcp_input_params(input);
    const char *message = mcp_json_string(mcp_json_member(params, "message"));
    printf("  The server asks: %s\n", message ? message : "");
    const mcp_json *fields = mcp_json_pointer(params, "/requestedSchema/properties");
    for (const mcp_json *field = mcp_json_first(fields); field; field = mcp_json_next(field)) {
        const char *type = mcp_json_string(mcp_json_member(field, "type"));
        printf("    %s (%s)\n", mcp_json_key(field), type ? type : "?");
    }
    int answers = 0;
    mcp_writer *content = mcp_writer_new();
    mcp_writer_begin_object(content, NULL);
    for (char *name; (name = read_line("  > ")) != NULL && *name; answers++) {
        char *equals = strchr(name, '=');
        const char *value = equals ? equals + 1 : "";
        if (equals)
            *equals = '\0';
        const char *type = mcp_json_string(mcp_json_member(mcp_json_member(fields, name), "type"));
        if (type && strcmp(type, "string") != 0)
            mcp_writer_raw(content, name, value, MCP_NUL_TERMINATED);
        else
            mcp_writer_string(content, name, value, MCP_NUL_TERMINATED);
    }
    mcp_writer_end(content);
    if (answers == 0 || mcp_input_accept(input, mcp_writer_text(content), mcp_writer_length(content), NULL) != MCP_OK)
        mcp_input_decline(input, NULL);
    mcp_writer_free(content);
}

static int report(mcp_error *error) {
    fprintf(stderr, "%s\n", mcp_error_message(error));
    mcp_error_free(error);
    return 1;
}

int main(int argc, char **argv) {
    mcp_error *error = NULL;
    if (argc < 2) {
        fprintf(stderr, "usage: agent URL | agent PROGRAM [ARGS...]\n");
        return 2;
    }
    mcp_client *client = strncmp(argv[1], "http", 4) == 0 ? mcp_client_new(argv[1], &error)
                                                          : mcp_client_new_stdio((const char *const *)argv + 1, &error);
    const char *token = getenv("MCP_BEARER_TOKEN");
    mcp_json *tools = NULL;
    if (!client || (token && mcp_set_bearer(client, token, &error) != MCP_OK) ||
        mcp_set_elicitation(client, elicit, NULL, NULL, &error) != MCP_OK ||
        mcp_list_tools(client, NULL, &tools, &error) != MCP_OK) {
        mcp_client_free(client);
        return report(error);
    }
    const mcp_json *all = mcp_json_member(tools, "tools");
    for (const mcp_json *tool = mcp_json_first(all); tool; tool = mcp_json_next(tool)) {
        const char *description = mcp_json_string(mcp_json_member(tool, "description"));
        printf("%s: %s\n", mcp_json_string(mcp_json_member(tool, "name")), description ? description : "");
    }
    mcp_json_free(tools);

    mcp_options *options = mcp_options_new();
    mcp_options_set_progress(options, show_progress, NULL, NULL, NULL);
    for (char *input; (input = read_line("> ")) != NULL && *input;) {
        static char command[sizeof line];
        memcpy(command, input, strlen(input) + 1);
        char *arguments = strchr(command, ' ');
        if (arguments)
            *arguments++ = '\0';
        mcp_json *result = NULL;
        if (mcp_call_tool(client, command, arguments, MCP_NUL_TERMINATED, options, &result, &error) != MCP_OK) {
            report(error);
            continue;
        }
        printf("%s%s\n", mcp_tool_result_is_error(result) ? "The tool failed: " : "", mcp_tool_result_text(result));
        mcp_json_free(result);
    }
    mcp_options_free(options);
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    return 0;
}
