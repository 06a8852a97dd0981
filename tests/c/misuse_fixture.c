#define _GNU_SOURCE

#include "misuse_fixture.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MEGABYTE = 1024 * 1024 };

char *LONG;

static char *edge;

static double bound_ms; /* for the duration of a call */

static const struct fixture *current;

static const char *const missing_program[] = {"/nowhere/libmcp", NULL};

static void crashed(int number) {
    (void)number;
    if (current != NULL) {
        dprintf(2, "CRASH in %s, where %s\n", current->function, current->what);
    }
    _exit(1);
}

void prepare(double bound) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    LONG = malloc(MEGABYTE + 1);
    bound_ms = bound;
    must(LONG != NULL && pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0, "memory");
    memset(LONG, 'x', MEGABYTE);
    LONG[MEGABYTE] = '\0';
    edge = pages + page - sizeof "{}";
    memcpy(edge, "{}", sizeof "{}");
    must(setenv("BROWSER", "true", 1) == 0, "setenv"); /* mcp_open_browser opens nothing */
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    signal(SIGABRT, crashed);
}

static void print_case(const struct fixture *s, const char *what) {
    fprintf(stderr, "    %s, where %s: %s\n", s->function, s->what, what);
}

void fixture_begin(struct fixture *s, enum kind kind, const char *function, const char *what) {
    current = s;
    s->kind = kind;
    s->function = function;
    s->what = what;
    s->edge = edge;
    s->destroy_expected = 0;
    if (kind != IN_CALLBACK) {
        s->destroyed = 0;
        s->client = kind == PROCESS ? mcp_client_new_stdio(missing_program, NULL) : mcp_client_new(s->url, NULL);
        must(s->client != NULL, "creating a client");
        mcp_set_timeout(s->client, 5000, NULL);
        s->oauth = mcp_oauth_new();
        if (kind == URL_WITH_OAUTH) {
            must(mcp_set_oauth(s->client, s->oauth, NULL) == MCP_OK, "mcp_set_oauth");
        }
        s->redirect_url = "http://127.0.0.1/callback?code=code&state=state";
    }
    s->options = mcp_options_new();
    s->cancel = mcp_cancel_new();
    s->queue = mcp_queue_new(NULL);
    s->json = mcp_json_parse("{\"a\":true,\"n\":1,\"s\":\"eHg=\"}", MCP_NUL_TERMINATED, NULL);
    s->truth = mcp_json_member(s->json, "a");
    s->number = mcp_json_member(s->json, "n");
    s->text = mcp_json_member(s->json, "s");
    s->writer = mcp_writer_new();
    mcp_writer_begin_object(s->writer, NULL);
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_ping(NULL, NULL, &s->kept_error));
    s->error = NULL;
    s->result = NULL;
    s->uris[0] = "test://one";
    s->uris[1] = NULL;
    s->argv[0] = "/nowhere/libmcp";
    s->argv[1] = NULL;
    s->started = now_ms();
}

static void check_duration(struct fixture *s) {
    double time = now_ms() - s->started;
    if (!CHECK(time < bound_ms)) {
        print_case(s, "took too long");
    }
    if (time > s->slowest) {
        s->slowest = time;
        snprintf(s->slowest_of, sizeof s->slowest_of, "%s, where %s", s->function, s->what);
    }
}

static void check_result(struct fixture *s, mcp_status status, enum outcome expected) {
    bool good = status != MCP_INTERNAL;
    good = good && (expected != REFUSED || status == MCP_INVALID_ARGUMENT);
    good = good && (expected != MISMATCHED || status == MCP_JSON_MISMATCH);
    good = good && (status != MCP_OK || s->error == NULL);
    /* The error is set, unless the error pointer was the wrong argument. */
    good = good && (s->error == NULL || mcp_error_status(s->error) == status);
    good = good && (status == MCP_OK || s->result == NULL);
    if (!CHECK(good)) {
        print_case(s, mcp_status_name(status));
    }
}

/* Whether the call succeeded or failed, the client still works. */
static void check_client_pings(struct fixture *s, mcp_status status) {
    bool is_client_setting = strncmp(s->function, "mcp_set_", 8) == 0;
    bool is_oauth_setting = strncmp(s->function, "mcp_oauth_", 10) == 0 && s->kind == URL;
    mcp_error *error = NULL;
    mcp_status ping;
    if (s->kind == PROCESS || s->kind == IN_CALLBACK) {
        return;
    }
    if (is_oauth_setting && !CHECK(mcp_set_oauth(s->client, s->oauth, NULL) == MCP_OK)) {
        print_case(s, "the mcp_oauth cannot be used");
    }
    if ((is_client_setting || is_oauth_setting) && status == MCP_OK) {
        return;
    }
    ping = mcp_ping(s->client, NULL, &error);
    if (strcmp(s->function, "mcp_client_close") == 0 && status != MCP_INVALID_ARGUMENT) {
        CHECK_INT(MCP_CLOSED, ping);
    } else if (!CHECK(ping == MCP_OK)) {
        print_case(s, mcp_error_message(error));
    }
    mcp_error_free(error);
}

/* The writer has written valid JSON, or reports an error and has no text. */
static void check_writer(struct fixture *s) {
    const char *text;
    mcp_json *json;
    bool good;
    mcp_writer_end(s->writer);
    text = mcp_writer_text(s->writer);
    json = mcp_json_parse(text, mcp_writer_length(s->writer), NULL);
    good = mcp_writer_check(s->writer, NULL) == MCP_OK ? json != NULL : strcmp(text, "") == 0;
    if (!CHECK(good && strlen(text) == mcp_writer_length(s->writer))) {
        print_case(s, "the writer's text is wrong");
    }
    mcp_json_free(json);
}

static void tear_down(struct fixture *s) {
    check_writer(s);
    mcp_writer_free(s->writer);
    mcp_error_free(s->error);
    mcp_error_free(s->kept_error);
    mcp_json_free(s->result);
    mcp_json_free(s->json);
    mcp_cancel_free(s->cancel);
    mcp_options_free(s->options);
    mcp_queue_free(s->queue);
    if (s->kind != IN_CALLBACK) {
        mcp_client_free(s->client);
        mcp_oauth_free(s->oauth);
        s->client = NULL;
        /* A registration is destroyed once, whether it succeeded or not; with userdata NULL it cannot be counted. */
        if (s->destroy_expected && strcmp(s->what, "userdata is NULL") != 0 && strcmp(s->what, "cause is NULL") != 0 &&
            strcmp(s->what, "data is NULL") != 0 && !CHECK(s->destroyed == 1)) {
            print_case(s, s->destroyed > 1 ? "destroyed twice" : "not destroyed");
        }
    }
}

void fixture_end_void(struct fixture *s) {
    check_duration(s);
    check_client_pings(s, MCP_INVALID_ARGUMENT);
    tear_down(s);
}

void fixture_end(struct fixture *s, mcp_status status, enum outcome expected) {
    check_duration(s);
    check_result(s, status, expected);
    check_client_pings(s, status);
    tear_down(s);
}

void fixture_end_client(struct fixture *s, mcp_client *returned, enum outcome expected) {
    mcp_client_free(returned);
    fixture_end(s, returned != NULL ? MCP_OK : mcp_error_status(s->error), s->error == NULL ? ANYTHING : expected);
    CHECK(expected != REFUSED || returned == NULL);
}

void fixture_end_json(struct fixture *s, mcp_json *returned, enum outcome expected) {
    mcp_json_free(returned);
    fixture_end(s, returned != NULL ? MCP_OK : mcp_error_status(s->error), s->error == NULL ? ANYTHING : expected);
    CHECK(expected != REFUSED || returned == NULL);
}

void fixture_end_options(struct fixture *s, mcp_options *returned) {
    mcp_options_free(returned);
    fixture_end_void(s);
}

void fixture_end_queue(struct fixture *s, mcp_queue *returned, enum outcome expected) {
    check_result(s, returned == NULL ? mcp_error_status(s->error) : MCP_OK, expected);
    mcp_queue_free(returned);
    fixture_end_void(s);
}

void child_call(struct fixture *s, enum kind kind, const char *function) {
    static mcp_client *url_client, *stdio_client;
    current = s;
    s->function = function;
    s->what = "the client is the parent's";
    /* The first call runs in the parent, before fork. */
    if (url_client == NULL) {
        url_client = mcp_client_new(s->url, NULL);
        stdio_client = mcp_client_new_stdio(missing_program, NULL);
    }
    s->client = kind == PROCESS ? stdio_client : url_client;
    s->started = now_ms();
}

void child_check(struct fixture *s, mcp_status status) {
    check_duration(s);
    if (!CHECK(status == MCP_MISUSE && s->result == NULL)) {
        print_case(s, mcp_status_name(status));
    }
    mcp_error_free(s->error);
    s->error = NULL;
}

void no_auth(void *userdata, mcp_auth_request *request) {
    (void)userdata;
    (void)request;
}

void no_open(void *userdata, mcp_oauth_request *request) {
    (void)userdata;
    (void)request;
}

void no_record(void *userdata, mcp_oauth_record *record) {
    (void)userdata;
    (void)record;
}

void no_assertion(void *userdata, mcp_oauth_assertion *assertion) {
    (void)userdata;
    (void)assertion;
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

void no_notification(void *userdata, const char *method, const mcp_json *params) {
    (void)userdata;
    (void)method;
    (void)params;
}

void no_trace(void *userdata, int32_t direction, const char *text, size_t length) {
    (void)userdata;
    (void)direction;
    (void)text;
    (void)length;
}

int open_stream(void) {
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a socket pair");
    close(ends[1]);
    return ends[0];
}

bool no_progress(void *userdata, double progress, double total, const char *message) {
    (void)userdata;
    (void)progress;
    (void)total;
    (void)message;
    return true;
}

void no_change(void *userdata, const char *method, const mcp_json *params) {
    (void)userdata;
    (void)method;
    (void)params;
}

void no_done(void *userdata, int32_t status, const mcp_json *result, const mcp_error *error) {
    (void)userdata;
    (void)status;
    (void)result;
    (void)error;
}

void no_wakeup(void *userdata) {
    (void)userdata;
}

void no_over(void *userdata, int32_t status) {
    (void)userdata;
    (void)status;
}

void count_destroy(void *userdata) {
    if (userdata != NULL) {
        ++*(int *)userdata;
    }
}
