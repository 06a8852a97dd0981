/*
 * servers: the tools of all servers of a configuration file, listed at the same time.
 *
 *     servers FILE                       lists the tools, as SERVER_TOOL
 *     servers FILE SERVER_TOOL [JSON]    calls one, with its arguments
 *
 * Each server has its own client. A server that cannot be reached costs one line on stderr.
 */
#include <mcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server {
    const char *name;
    mcp_client *client;
};

static int report(const char *name, const mcp_error *error) {
    fprintf(stderr, "%s: %s\n", name, mcp_error_message(error));
    return 1;
}

static void show_tools(void *data, int32_t status, const mcp_json *result, const mcp_error *error) {
    const struct server *server = data;
    if (status != MCP_OK)
        report(server->name, error);
    for (const mcp_json *tool = mcp_json_first(mcp_json_member(result, "tools")); tool; tool = mcp_json_next(tool))
        printf("%s_%s\n", server->name, mcp_json_string(mcp_json_member(tool, "name")));
}

static void list_all(struct server *servers, size_t count, mcp_queue *queue) {
    for (size_t i = 0; i < count; i++) {
        mcp_options *options = mcp_options_new();
        mcp_options_set_queue(options, queue, show_tools, &servers[i], NULL, NULL);
        mcp_list_tools(servers[i].client, options, NULL, NULL);
        mcp_options_free(options);
    }
    while (mcp_queue_pending(queue) > 0)
        mcp_queue_dispatch(queue, MCP_FOREVER, NULL);
}

/* The server of a tool: of the names that fit, the longest. */
static struct server *find(struct server *servers, size_t count, const char *tool) {
    struct server *found = NULL;
    for (struct server *server = servers; server < servers + count; server++) {
        size_t length = strlen(server->name);
        int fits = strncmp(tool, server->name, length) == 0 && tool[length] == '_';
        if (fits && (!found || length > strlen(found->name)))
            found = server;
    }
    return found;
}

static int call(struct server *server, const char *tool, const char *arguments) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    if (!server) {
        fprintf(stderr, "no server has a tool %s\n", tool);
        return 1;
    }
    tool += strlen(server->name) + 1;
    if (mcp_call_tool(server->client, tool, arguments, MCP_NUL_TERMINATED, NULL, &result, &error) != MCP_OK) {
        int code = report(server->name, error);
        mcp_error_free(error);
        return code;
    }
    puts(mcp_tool_result_text(result));
    mcp_json_free(result);
    return 0;
}

int main(int argc, char **argv) {
    mcp_error *error = NULL;
    mcp_json *listed = NULL;
    mcp_queue *queue;
    struct server *servers;
    size_t count = 0;
    int code = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: servers FILE [SERVER_TOOL [JSON]]\n");
        return 2;
    }
    queue = mcp_queue_new(&error);
    if (!queue || mcp_config_servers(argv[1], &listed, &error) != MCP_OK) {
        report(argv[1], error);
        mcp_error_free(error);
        return 1;
    }
    servers = calloc(mcp_json_size(listed) + 1, sizeof *servers);
    for (const mcp_json *entry = mcp_json_first(listed); servers && entry; entry = mcp_json_next(entry)) {
        struct server server = {mcp_json_string(mcp_json_member(entry, "name")), NULL};
        bool is_disabled = false;
        mcp_json_bool(mcp_json_member(entry, "disabled"), &is_disabled, NULL);
        if (is_disabled)
            continue;
        server.client = mcp_client_new_from_config(argv[1], server.name, &error);
        if (server.client) {
            servers[count++] = server;
        } else {
            report(server.name, error);
            mcp_error_free(error);
            error = NULL;
        }
    }
    if (argc == 2)
        list_all(servers, count, queue);
    else
        code = call(find(servers, count, argv[2]), argv[2], argc > 3 ? argv[3] : NULL);

    for (size_t i = 0; i < count; i++)
        mcp_client_free(servers[i].client);
    mcp_queue_free(queue);
    mcp_json_free(listed);
    free(servers);
    return code;
}
