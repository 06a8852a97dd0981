/* OAuth calls at the wrong time, and objects that are freed while a login or a token request is in progress. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <semaphore.h>
#include <time.h>

static void count_destroy(void *userdata) {
    __sync_fetch_and_add((int *)userdata, 1);
}

static void a_closed_client_cannot_log_in(void) {
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_client *client = client_with_oauth(oauth, "modern+oauth");
    mcp_error *error = NULL;
    mcp_json *state = NULL;

    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_CLOSED, error, mcp_login(client, NULL, &error));
    EXPECT(MCP_CLOSED, error, mcp_logout(client, NULL, &error));
    /* Like other settings, and the state, which needs no connection. */
    EXPECT(MCP_OK, error, mcp_oauth_state(client, &state, &error));
    mcp_json_free(state);
    EXPECT(MCP_OK, error, mcp_set_oauth(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(client, oauth, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_scopes(oauth, NULL, &error));
    mcp_client_free(client);
    mcp_oauth_free(oauth);
}

struct waiting {
    sem_t opened, destroyed;
    mcp_oauth *oauth;
    mcp_client *client;
    mcp_options *options;
    mcp_status status;
    char *url; /* of the login */
    int runs, destroys;
};

static void await(sem_t *semaphore, const char *what) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 70; /* longer than the timeout of a call */
    must(sem_timedwait(semaphore, &end) == 0, what);
}

static void record_login(void *userdata, mcp_oauth_request *request) {
    struct waiting *waiting = userdata;
    __sync_fetch_and_add(&waiting->runs, 1);
    waiting->url = strdup(mcp_oauth_request_url(request));
    sem_post(&waiting->opened);
}

static void record_destroy(void *userdata) {
    struct waiting *waiting = userdata;
    __sync_fetch_and_add(&waiting->destroys, 1);
    sem_post(&waiting->destroyed);
}

static void *log_in(void *argument) {
    struct waiting *waiting = argument;
    waiting->status = mcp_login(waiting->client, waiting->options, NULL);
    return NULL;
}

static void begin_waiting(struct waiting *waiting, mcp_oauth_open_fn open, const char *options) {
    must(sem_init(&waiting->opened, 0, 0) == 0 && sem_init(&waiting->destroyed, 0, 0) == 0, "sem_init");
    waiting->oauth = mcp_oauth_new();
    CHECK_INT(MCP_OK, mcp_oauth_set_open(waiting->oauth, open, waiting, record_destroy, NULL));
    waiting->client = client_with_oauth(waiting->oauth, options);
}

/* While one client logs in, another one with the same mcp_oauth is freed, and then the application's reference. */
static void a_login_survives_other_references(void) {
    struct waiting waiting = {0};
    mcp_client *other;
    mcp_error *error = NULL;
    pthread_t thread;

    begin_waiting(&waiting, record_login, "modern+oauth");
    other = client_with_oauth(waiting.oauth, "modern+oauth");
    thread = start_thread(log_in, &waiting);
    await(&waiting.opened, "the login begins");
    mcp_client_free(other);
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_open(waiting.oauth, finish_login, &waiting, record_destroy, &error));
    CHECK_INT(1, waiting.destroys);
    mcp_oauth_free(waiting.oauth);
    log_in_at(waiting.url);
    join_thread(thread);
    CHECK_INT(MCP_OK, waiting.status);
    EXPECT(MCP_OK, error, mcp_ping(waiting.client, NULL, &error));
    CHECK_INT(1, waiting.runs);
    CHECK_INT(1, waiting.destroys);
    dispose(waiting.client);
    CHECK_INT(2, waiting.destroys);
    free(waiting.url);
}

/* Of several redirects of one login, the first counts; afterwards the login is unknown. */
static void a_finished_login_is_unknown(void) {
    struct waiting waiting = {0};
    mcp_error *error = NULL;
    char *redirect_url;
    int causes = 0;
    pthread_t thread;

    begin_waiting(&waiting, record_login, "modern+oauth");
    thread = start_thread(log_in, &waiting);
    await(&waiting.opened, "the login begins");
    redirect_url = redirect_of(waiting.url);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_fail(waiting.oauth, redirect_url, "not its URL", &causes, count_destroy, &error));
    EXPECT(MCP_OK, error, mcp_oauth_finish(waiting.oauth, redirect_url, &error));
    join_thread(thread);
    CHECK_INT(MCP_OK, waiting.status);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_finish(waiting.oauth, redirect_url, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_fail(waiting.oauth, waiting.url, "too late", &causes, count_destroy, &error));
    CHECK_INT(2, causes);
    dispose(waiting.client);
    /* Without a client, the object still works. */
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_finish(waiting.oauth, redirect_url, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_scopes(waiting.oauth, NULL, &error));
    waiting.client = client_with_oauth(waiting.oauth, "modern+oauth");
    EXPECT(MCP_OK, error, mcp_ping(waiting.client, NULL, &error)); /* with the same URL: the tokens are still there */
    CHECK_INT(0, waiting.destroys);
    mcp_oauth_free(waiting.oauth);
    mcp_client_free(waiting.client);
    CHECK_INT(1, waiting.destroys);
    free(redirect_url);
    free(waiting.url);
}

/* A user who copies the URL from the address bar too early can try again. */
static void an_authorization_url_is_not_a_redirect(void) {
    struct waiting waiting = {0};
    mcp_error *error = NULL;
    char *redirect_url;
    pthread_t thread;

    begin_waiting(&waiting, record_login, "modern+oauth");
    thread = start_thread(log_in, &waiting);
    await(&waiting.opened, "the login begins");
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_finish(waiting.oauth, waiting.url, &error));
    redirect_url = redirect_of(waiting.url);
    EXPECT(MCP_OK, error, mcp_oauth_finish(waiting.oauth, redirect_url, &error));
    join_thread(thread);
    CHECK_INT(MCP_OK, waiting.status);
    dispose(waiting.client);
    mcp_oauth_free(waiting.oauth);
    free(redirect_url);
    free(waiting.url);
}

static void finish_and_record(void *userdata, mcp_oauth_request *request) {
    struct waiting *waiting = userdata;
    waiting->runs++;
    finish_login(NULL, request);
}

static void save_nothing(void *userdata, mcp_oauth_record *record) {
    struct waiting *waiting = userdata;
    CHECK_INT(0, waiting->destroys);
    (void)record;
}

/* Returns when the server has recorded a request for a path that ends so. */
static void await_endpoint(const char *tag, const char *ending) {
    bool has_arrived = false;
    while (!has_arrived) {
        mcp_json *log = server_log(tag);
        const mcp_json *request;
        for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
            const char *path = mcp_json_string(mcp_json_member(request, "path"));
            has_arrived |= strlen(path) > strlen(ending) && strcmp(path + strlen(path) - strlen(ending), ending) == 0;
        }
        mcp_json_free(log);
        sleep_ms(1);
    }
}

/* A token request is not given up with its call: the library stores the tokens on a separate thread, and then
 * destroys what the application has freed meanwhile. */
static void a_token_request_outlives_its_objects(void) {
    struct waiting waiting = {0};
    mcp_cancel *cancel = mcp_cancel_new();
    mcp_error *error = NULL;
    pthread_t thread;

    must(sem_init(&waiting.opened, 0, 0) == 0 && sem_init(&waiting.destroyed, 0, 0) == 0, "sem_init");
    waiting.oauth = mcp_oauth_new();
    waiting.options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_cancel(waiting.options, cancel, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_open(waiting.oauth, finish_and_record, &waiting, record_destroy, &error));
    EXPECT(MCP_OK, error,
           mcp_oauth_set_store(waiting.oauth, save_nothing, save_nothing, save_nothing, save_nothing, &waiting,
                               record_destroy, &error));
    waiting.client = client_with_oauth(waiting.oauth, "modern+oauth+tag=outlives+fault=late+when=token");
    thread = start_thread(log_in, &waiting);
    await_endpoint("outlives", "/oauth/token");
    mcp_cancel_trigger(cancel);
    join_thread(thread);
    CHECK_INT(MCP_CANCELLED, waiting.status);
    mcp_client_free(waiting.client);
    mcp_oauth_free(waiting.oauth);
    CHECK_INT(0, waiting.destroys); /* the response comes after 300 ms */
    await(&waiting.destroyed, "the first destroy function runs");
    await(&waiting.destroyed, "the second destroy function runs");
    CHECK_INT(2, waiting.destroys);
    CHECK_INT(1, waiting.runs);
    mcp_options_free(waiting.options);
    mcp_cancel_free(cancel);
}

enum { FIRST, SECOND, OAUTH, OBJECTS };

/* Each client works until it is freed, and the callbacks are destroyed with the last object. */
static void objects_may_be_freed_in_any_order(void) {
    static const int orders[][OBJECTS] = {{FIRST, SECOND, OAUTH}, {FIRST, OAUTH, SECOND}, {SECOND, FIRST, OAUTH},
                                          {SECOND, OAUTH, FIRST}, {OAUTH, FIRST, SECOND}, {OAUTH, SECOND, FIRST}};
    size_t order;
    for (order = 0; order < sizeof orders / sizeof orders[0]; order++) {
        mcp_oauth *oauth = mcp_oauth_new();
        mcp_client *clients[2];
        mcp_error *error = NULL;
        int i, k, destroyed = 0;

        EXPECT(MCP_OK, error, mcp_oauth_set_open(oauth, finish_login, &destroyed, count_destroy, &error));
        clients[FIRST] = client_with_oauth(oauth, "modern+oauth");
        clients[SECOND] = client_with_oauth(oauth, "legacy+oauth");
        EXPECT(MCP_OK, error, mcp_ping(clients[FIRST], NULL, &error));
        for (i = 0; i < OBJECTS; i++) {
            CHECK_INT(0, destroyed);
            for (k = 0; k < 2; k++) {
                if (clients[k] != NULL) {
                    EXPECT(MCP_OK, error, mcp_ping(clients[k], NULL, &error));
                }
            }
            if (orders[order][i] == OAUTH) {
                mcp_oauth_free(oauth);
            } else {
                mcp_client_free(clients[orders[order][i]]);
                clients[orders[order][i]] = NULL;
            }
        }
        CHECK_INT(1, destroyed);
    }
}

int main(void) {
    a_closed_client_cannot_log_in();
    a_login_survives_other_references();
    a_finished_login_is_unknown();
    an_authorization_url_is_not_a_redirect();
    a_token_request_outlives_its_objects();
    objects_may_be_freed_in_any_order();
    return check_end();
}
