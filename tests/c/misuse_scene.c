#define _GNU_SOURCE

#include "misuse_scene.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEGABYTE = 1024 * 1024 };

char *LONG;

static char *edge;

/* The longest that a call may take, in milliseconds. */
static double bound;

static const struct scene *now;

static const char *const nobody[] = {"/nowhere/libmcp", NULL};

static void crashed(int number) {
    (void)number;
    if (now != NULL) {
        dprintf(2, "CRASH: %s, where %s\n", now->function, now->what);
    }
    _exit(1);
}

void prepare(double longest) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    LONG = malloc(MEGABYTE + 1);
    bound = longest;
    must(LONG != NULL && two != MAP_FAILED && mprotect(two + page, page, PROT_NONE) == 0, "memory");
    memset(LONG, 'x', MEGABYTE);
    LONG[MEGABYTE] = '\0';
    edge = two + page - sizeof "{}";
    memcpy(edge, "{}", sizeof "{}");
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    signal(SIGABRT, crashed);
}

static void say(const struct scene *s, const char *what) {
    fprintf(stderr, "    %s, where %s: %s\n", s->function, s->what, what);
}

void scene_begin(struct scene *s, enum kind kind, const char *function, const char *what) {
    now = s;
    s->kind = kind;
    s->function = function;
    s->what = what;
    s->edge = edge;
    s->ends_wanted = 0;
    if (kind != INSIDE) {
        s->ends = 0;
        s->client = kind == URL ? mcp_client_new(s->url, NULL) : mcp_client_new_stdio(nobody, NULL);
        must(s->client != NULL, "a client");
        mcp_set_timeout(s->client, 5000, NULL);
    }
    s->options = mcp_options_new();
    s->cancel = mcp_cancel_new();
    s->json = mcp_json_parse("{\"a\":true,\"n\":1,\"s\":\"eHg=\"}", SIZE_MAX, NULL);
    s->truth = mcp_json_member(s->json, "a");
    s->number = mcp_json_member(s->json, "n");
    s->text = mcp_json_member(s->json, "s");
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_ping(NULL, NULL, &s->kept));
    s->error = NULL;
    s->result = NULL;
    s->uris[0] = "test://one";
    s->uris[1] = NULL;
    s->argv[0] = "/nowhere/libmcp";
    s->argv[1] = NULL;
    s->begun = now_ms();
}

static void took(struct scene *s) {
    double time = now_ms() - s->begun;
    if (!CHECK(time < bound)) {
        say(s, "late");
    }
    if (time > s->slowest) {
        s->slowest = time;
        snprintf(s->slowest_of, sizeof s->slowest_of, "%s, where %s", s->function, s->what);
    }
}

static void came_to(struct scene *s, mcp_status status, enum outcome expected) {
    bool good = status != MCP_INTERNAL;
    good = good && (expected != REFUSED || status == MCP_INVALID_ARGUMENT);
    good = good && (expected != MISMATCHED || status == MCP_JSON_MISMATCH);
    good = good && (status != MCP_OK || s->error == NULL);
    /* A place for the error was given, unless that was what was wrong. */
    good = good && (s->error == NULL || mcp_error_status(s->error) == (int32_t)status);
    good = good && (status == MCP_OK || s->result == NULL);
    if (!CHECK(good)) {
        say(s, mcp_status_name(status));
    }
}

/* Whatever was refused or has failed: the client is as good as before. */
static void still_pings(struct scene *s, mcp_status status) {
    bool is_setting = strncmp(s->function, "mcp_set_", 8) == 0 && strcmp(s->function, "mcp_set_logging_level") != 0;
    mcp_error *error = NULL;
    mcp_status ping;
    if (s->kind != URL || (is_setting && status == MCP_OK)) {
        return;
    }
    ping = mcp_ping(s->client, NULL, &error);
    if (strcmp(s->function, "mcp_client_close") == 0 && status != MCP_INVALID_ARGUMENT) {
        CHECK_INT(MCP_CLOSED, ping);
    } else if (!CHECK(ping == MCP_OK)) {
        say(s, mcp_error_message(error));
    }
    mcp_error_free(error);
}

static void strike(struct scene *s) {
    mcp_error_free(s->error);
    mcp_error_free(s->kept);
    mcp_json_free(s->result);
    mcp_json_free(s->json);
    mcp_cancel_free(s->cancel);
    mcp_options_free(s->options);
    if (s->kind != INSIDE) {
        mcp_client_free(s->client);
        s->client = NULL;
        /* A registration ends once, whether it came about or not; with NULL as its userdata it is not counted. */
        if (s->ends_wanted && strcmp(s->what, "userdata is NULL") != 0 && !CHECK(s->ends == 1)) {
            say(s, s->ends > 1 ? "destroyed twice" : "not destroyed");
        }
    }
}

void scene_over(struct scene *s) {
    took(s);
    still_pings(s, MCP_INVALID_ARGUMENT);
    strike(s);
}

void scene_end(struct scene *s, mcp_status status, enum outcome expected) {
    took(s);
    came_to(s, status, expected);
    still_pings(s, status);
    strike(s);
}

void scene_made(struct scene *s, mcp_client *made, enum outcome expected) {
    mcp_client_free(made);
    scene_end(s, made != NULL ? MCP_OK : mcp_error_status(s->error), s->error == NULL ? ANYTHING : expected);
    CHECK(expected != REFUSED || made == NULL);
}

void scene_parsed(struct scene *s, mcp_json *made, enum outcome expected) {
    mcp_json_free(made);
    scene_end(s, made != NULL ? MCP_OK : mcp_error_status(s->error), s->error == NULL ? ANYTHING : expected);
    CHECK(expected != REFUSED || made == NULL);
}

void child_call(struct scene *s, enum kind kind, const char *function) {
    static mcp_client *of_url, *of_process;
    now = s;
    s->function = function;
    s->what = "the client is the parent's";
    /* The first time in the parent. */
    if (of_url == NULL) {
        of_url = mcp_client_new(s->url, NULL);
        of_process = mcp_client_new_stdio(nobody, NULL);
    }
    s->client = kind == URL ? of_url : of_process;
    s->begun = now_ms();
}

void child_check(struct scene *s, mcp_status status) {
    took(s);
    if (!CHECK(status == MCP_MISUSE && s->result == NULL)) {
        say(s, mcp_status_name(status));
    }
    mcp_error_free(s->error);
    s->error = NULL;
}

void no_auth(void *userdata, mcp_auth_request *request) {
    (void)userdata;
    (void)request;
}

void no_input(void *userdata, mcp_input *input) {
    (void)userdata;
    (void)input;
}

void no_logging(void *userdata, const mcp_json *message) {
    (void)userdata;
    (void)message;
}

void no_log(void *userdata, int32_t level, const char *message) {
    (void)userdata;
    (void)level;
    (void)message;
}

void no_progress(void *userdata, double progress, double total, const char *message) {
    (void)userdata;
    (void)progress;
    (void)total;
    (void)message;
}

void no_change(void *userdata, const char *method, const mcp_json *params) {
    (void)userdata;
    (void)method;
    (void)params;
}

void count_end(void *userdata) {
    if (userdata != NULL) {
        ++*(int *)userdata;
    }
}
