/* How much of a thread's stack calls take: what mcp.h says is enough for each of them, so that threads may be small. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* 16 KiB less than what mcp.h promises, for compilers differ. */
enum { ENOUGH = 80 * 1024, MOST = 160 * 1024, STEP = 4096 };

typedef void scene(void);

static void *run_scene(void *run) {
    (*(scene **)run)();
    return NULL;
}

/* Whether a scene works on a stack of `size` bytes, with a page below it that nobody can touch. In a child, so that
 * what the first call of a process makes for all, such as the system's certificates, counts as well. */
static bool fits(scene *run, size_t size) {
    int status;
    pid_t child;
    fflush(stdout);
    child = fork();
    must(child >= 0, "a child");
    if (child == 0) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *stack = mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pthread_attr_t attributes;
        pthread_t thread;
        must(stack != MAP_FAILED && mprotect(stack, page, PROT_NONE) == 0, "a stack");
        must(pthread_attr_init(&attributes) == 0, "attributes");
        must(pthread_attr_setstack(&attributes, stack + page, size) == 0, "a stack of that size");
        must(pthread_create(&thread, &attributes, run_scene, &run) == 0, "a thread");
        must(pthread_join(thread, NULL) == 0, "its end");
        exit(check_end());
    }
    must(waitpid(child, &status, 0) == child, "its end");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- What is called ----------------------------------------------------------------------------------------------- */

static void progress(void *userdata, double done, double total, const char *message) {
    (void)userdata, (void)done, (void)total, (void)message;
}

static void log_line(void *userdata, int32_t level, const char *line) {
    (void)userdata, (void)level, (void)line;
}

static void calls(mcp_client *client, mcp_status expected) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_set_log(client, log_line, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, progress, NULL, NULL, &error));
    EXPECT(expected, error, mcp_call_tool(client, "echo", "{\"text\":\"x\"}", SIZE_MAX, options, &result, &error));
    CHECK(expected != MCP_OK || mcp_tool_result_text(result) != NULL);
    mcp_json_free(result);
    result = NULL;
    EXPECT(expected, error, mcp_list_tools(client, NULL, &result, &error));
    mcp_json_free(result);
    EXPECT(expected, error, mcp_ping(client, NULL, &error));
    mcp_options_free(options);
    dispose(client);
}

static void modern(void) {
    calls(client_for("modern"), MCP_OK);
}

static void legacy(void) {
    calls(client_for("legacy+stream"), MCP_OK);
}

static void sse(void) {
    mcp_client *client = client_for("legacy+sse");
    CHECK_INT(MCP_OK, mcp_set_transport(client, MCP_TRANSPORT_SSE, NULL));
    calls(client, MCP_OK);
}

static void refused(void) {
    calls(client_for("modern+bearer=token"), MCP_UNAUTHORIZED);
}

static void failed(void) {
    calls(client_at("http://127.0.0.1:9/mcp"), MCP_CONNECT_FAILED);
}

static mcp_client *secure(void) {
    static char url[URL_SIZE];
    mcp_client *client;
    snprintf(url, sizeof url, "%s/s/dual/mcp", getenv("MCP_TEST_TLS_URL"));
    client = client_at(url);
    CHECK_INT(MCP_OK, mcp_set_tls_ca_file(client, getenv("MCP_TEST_CA"), NULL));
    return client;
}

static void https(void) {
    calls(secure(), MCP_OK);
}

static void untrusted(void) {
    static char url[URL_SIZE];
    snprintf(url, sizeof url, "%s/s/dual/mcp", getenv("MCP_TEST_TLS_URL"));
    calls(client_at(url), MCP_TLS_FAILED);
}

static void process(void) {
    static const char script[] =
        "answer() { printf '{\"jsonrpc\":\"2.0\",\"id\":%s,%s}\\n' \"$id\" \"$1\"; }\n"
        "while read -r line; do\n"
        "  id=${line#*'\"id\":'}\n"
        "  id=${id%%[,\\}]*}\n"
        "  case $line in\n"
        "  *server/discover*) answer '\"error\":{\"code\":-32601,\"message\":\"no\"}' ;;\n"
        "  *notifications/*) ;;\n"
        "  *initialize*) answer '\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
        "\"serverInfo\":{\"name\":\"sh\",\"version\":\"1\"}}' ;;\n"
        "  *) answer '\"result\":{\"tools\":[],\"content\":[]}' ;;\n"
        "  esac\n"
        "done\n";
    const char *const argv[] = {"sh", "-c", script, NULL};
    mcp_client *client = mcp_client_new_stdio(argv, NULL);
    must(client != NULL, "a client");
    calls(client, MCP_OK);
}

static const struct {
    const char *name;
    scene *run;
} scenes[] = {
    {"modern", modern}, {"legacy", legacy},       {"sse", sse},         {"refused", refused}, {"failed", failed},
    {"https", https},   {"untrusted", untrusted}, {"process", process},
};

/* The smallest stack that does, for people: `stack measure`. */
static void measure(const char *name, scene *run) {
    size_t size = MOST;
    must(fits(run, size), "a large stack does");
    while (size > STEP && fits(run, size - STEP)) {
        size -= STEP;
    }
    printf("%-10s %zu bytes\n", name, size);
}

int main(int count, char **arguments) {
    enum { SCENES = sizeof scenes / sizeof *scenes };
    bool fitted[SCENES] = {false};
    size_t i;
    if (count > 1 && strcmp(arguments[1], "measure") == 0) {
        for (i = 0; i < SCENES; i++) {
            measure(scenes[i].name, scenes[i].run);
        }
        return 0;
    }
    /* All before the first check: a child counts what its parent has counted. */
    for (i = 0; i < SCENES; i++) {
        fitted[i] = fits(scenes[i].run, ENOUGH);
    }
    for (i = 0; i < SCENES; i++) {
        CHECK_SAYS(fitted[i], "%s: a stack of %d bytes is not enough", scenes[i].name, ENOUGH);
    }
    return check_end();
}
