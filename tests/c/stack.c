/* Calls on threads with a small stack: the stack size that mcp.h promises is enough for each of them. */
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

/* STACK_LIMIT is 16 KiB less than mcp.h promises, because compilers differ. */
enum { STACK_LIMIT = 80 * 1024, MEASURE_FROM = 160 * 1024, STEP = 4096 };

typedef void scenario_fn(void);

static void *run_on_thread(void *run) {
    (*(scenario_fn **)run)();
    return NULL;
}

/* Whether a scenario works on a stack of `size` bytes with a guard page below it. Runs in a child process, so that the
 * one-time work of a process's first call, such as loading the system's certificates, is measured too. */
static bool fits(scenario_fn *run, size_t size) {
    int status;
    pid_t child;
    fflush(stdout);
    child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *stack = mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pthread_attr_t attributes;
        pthread_t thread;
        must(stack != MAP_FAILED && mprotect(stack, page, PROT_NONE) == 0, "mmap and mprotect of the stack");
        must(pthread_attr_init(&attributes) == 0, "pthread_attr_init");
        must(pthread_attr_setstack(&attributes, stack + page, size) == 0, "pthread_attr_setstack");
        must(pthread_create(&thread, &attributes, run_on_thread, &run) == 0, "pthread_create");
        must(pthread_join(thread, NULL) == 0, "pthread_join");
        exit(check_end());
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- Scenarios ---------------------------------------------------------------------------------------------------- */

static bool progress(void *userdata, double done, double total, const char *message) {
    (void)userdata, (void)done, (void)total, (void)message;
    return true;
}

static void log_line(void *userdata, int32_t level, const char *line) {
    (void)userdata, (void)level, (void)line;
}

static void make_calls(mcp_client *client, mcp_status expected) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_set_log(client, log_line, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_options_set_progress(options, progress, NULL, NULL, &error));
    EXPECT(expected, error,
           mcp_call_tool(client, "echo", "{\"text\":\"x\"}", MCP_NUL_TERMINATED, options, &result, &error));
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
    make_calls(client_for("modern"), MCP_OK);
}

static void legacy(void) {
    make_calls(client_for("legacy+stream"), MCP_OK);
}

static void sse(void) {
    mcp_client *client = client_for("legacy+sse");
    CHECK_INT(MCP_OK, mcp_set_transport(client, MCP_TRANSPORT_SSE, NULL));
    make_calls(client, MCP_OK);
}

static void refused(void) {
    make_calls(client_for("modern+bearer=token"), MCP_UNAUTHORIZED);
}

static void failed(void) {
    make_calls(client_at("http://127.0.0.1:9/mcp"), MCP_CONNECT_FAILED);
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
    make_calls(secure(), MCP_OK);
}

static void untrusted(void) {
    static char url[URL_SIZE];
    snprintf(url, sizeof url, "%s/s/dual/mcp", getenv("MCP_TEST_TLS_URL"));
    make_calls(client_at(url), MCP_TLS_FAILED);
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
    must(client != NULL, "mcp_client_new_stdio");
    make_calls(client, MCP_OK);
}

static const struct {
    const char *name;
    scenario_fn *run;
} scenarios[] = {
    {"modern", modern}, {"legacy", legacy},       {"sse", sse},         {"refused", refused}, {"failed", failed},
    {"https", https},   {"untrusted", untrusted}, {"process", process},
};

/* Prints the smallest stack that is sufficient: `stack measure`, for manual use. */
static void measure(const char *name, scenario_fn *run) {
    size_t size = MEASURE_FROM;
    must(fits(run, size), "the largest stack is sufficient");
    while (size > STEP && fits(run, size - STEP)) {
        size -= STEP;
    }
    printf("%-10s %zu bytes\n", name, size);
}

int main(int count, char **arguments) {
    enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };
    bool fits_limit[SCENARIOS] = {false};
    size_t i;
    if (count > 1 && strcmp(arguments[1], "measure") == 0) {
        for (i = 0; i < SCENARIOS; i++) {
            measure(scenarios[i].name, scenarios[i].run);
        }
        return 0;
    }
    /* All children run before the first check: a child inherits and reports its parent's check counts. */
    for (i = 0; i < SCENARIOS; i++) {
        fits_limit[i] = fits(scenarios[i].run, STACK_LIMIT);
    }
    for (i = 0; i < SCENARIOS; i++) {
        CHECK_SAYS(fits_limit[i], "%s: a stack of %d bytes is not enough", scenarios[i].name, STACK_LIMIT);
    }
    return check_end();
}
