/* resources/read while COUNT results are in the cache: cached URL other COUNT reads resources that the cache keeps for
 * only a millisecond; cached URL same COUNT reads one that is answered from the cache.
 * cc -O2 cached.c -lmcp */
#include "growth.h"

static void read_resource(mcp_client *client, const char *kind, long number) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    char uri[64];
    sprintf(uri, "bench://%s/%ld", kind, number);
    must(mcp_read_resource(client, uri, NULL, &result, &error), &error);
    const char *read = mcp_json_string(mcp_json_pointer(result, "/contents/0/uri"));
    if (!read || strcmp(read, uri) != 0)
        fail("another resource was read");
    mcp_json_free(result);
}

static void other(void *client, long number) {
    read_resource(client, "brief", number);
}

static void same(void *client, long number) {
    (void)number;
    read_resource(client, "kept", 7);
}

int main(int argc, char **argv) {
    bool is_same = argc > 2 && strcmp(argv[2], "same") == 0;
    if (argc > 2)
        argv[2] = "ping";
    struct task task = task_of(argc, argv);
    mcp_error *error = NULL;
    mcp_client *client = client_of(&task);
    must(mcp_set_cache(client, true, &error), &error);
    for (long number = 0; number < task.count; number++)
        read_resource(client, "kept", number);
    int result = print_cost(task, is_same ? 20000 : 2000, is_same ? same : other, client);
    mcp_client_free(client);
    return result;
}
