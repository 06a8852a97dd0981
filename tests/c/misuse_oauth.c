/* The callbacks and destroy functions of mcp_oauth call the library. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

static void count_destroy(void *userdata) {
    __sync_fetch_and_add((int *)userdata, 1);
}

/* --- Calls inside the callbacks ----------------------------------------------------------------------------------- */

enum { OPEN, LOAD, SAVE, LOCK, UNLOCK, ASSERTION, CALLBACKS };

/* Of the calls, in milliseconds. */
enum { TIMEOUT = 60000 };

static const char *const callback_names[CALLBACKS] = {"open", "load", "save", "lock", "unlock", "assertion"};

struct nested {
    mcp_oauth *oauth;
    mcp_client *same, *sibling; /* both use `oauth` */
    mcp_client *other;
    int runs[CALLBACKS];
    char *text; /* the stored record */
};

/* The results of all calls on one client that a callback must not make. */
static void check_misuse(mcp_client *client, const char *name) {
    mcp_json *result = NULL;
    mcp_status statuses[] = {
        mcp_ping(client, NULL, NULL),
        mcp_connect(client, NULL, NULL),
        mcp_list_tools(client, NULL, &result, NULL),
        mcp_login(client, NULL, NULL),
        mcp_logout(client, NULL, NULL),
        mcp_oauth_state(client, &result, NULL),
        mcp_client_close(client, NULL, NULL),
    };
    size_t i;
    for (i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        CHECK_SAYS(statuses[i] == MCP_MISUSE, "in %s, call %zu: %s", name, i, mcp_status_name(statuses[i]));
    }
    CHECK(result == NULL);
}

/* Calls the library, the first time that each callback runs. */
static void make_nested_calls(struct nested *nested, int callback) {
    const char *name = callback_names[callback];
    double started = now_ms();
    mcp_error *error = NULL;
    if (__sync_fetch_and_add(&nested->runs[callback], 1) > 0) {
        return;
    }
    check_misuse(nested->same, name);
    check_misuse(nested->sibling, name);
    EXPECT(MCP_OK, error, mcp_ping(nested->other, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_timeout(nested->same, TIMEOUT, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_scopes(nested->oauth, "read", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_finish(nested->oauth, "http://127.0.0.1/?code=c&state=s", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_fail(nested->oauth, "http://127.0.0.1/", "no reason", NULL, NULL, &error));
    CHECK_SAYS(now_ms() - started < TIMEOUT / 4, "in %s: %.0f ms", name, now_ms() - started);
}

static void nested_open(void *userdata, mcp_oauth_request *request) {
    make_nested_calls(userdata, OPEN);
    finish_login(NULL, request);
}

static void nested_load(void *userdata, mcp_oauth_record *record) {
    struct nested *nested = userdata;
    make_nested_calls(nested, LOAD);
    CHECK_INT(MCP_OK, mcp_oauth_record_set_text(record, nested->text, MCP_NUL_TERMINATED, NULL));
}

static void nested_save(void *userdata, mcp_oauth_record *record) {
    struct nested *nested = userdata;
    const char *text = mcp_oauth_record_text(record, NULL);
    make_nested_calls(nested, SAVE);
    free(nested->text);
    nested->text = text != NULL ? strdup(text) : NULL;
}

static void nested_lock(void *userdata, mcp_oauth_record *record) {
    (void)record;
    make_nested_calls(userdata, LOCK);
}

static void nested_unlock(void *userdata, mcp_oauth_record *record) {
    (void)record;
    make_nested_calls(userdata, UNLOCK);
}

static void nested_assertion(void *userdata, mcp_oauth_assertion *assertion) {
    make_nested_calls(userdata, ASSERTION);
    CHECK_INT(MCP_OK, mcp_oauth_assertion_set(assertion, "a.b.c", NULL));
}

/* A call on a client with the same mcp_oauth would wait for the callback. */
static void callbacks_get_misuse_from_clients_with_their_oauth(bool asserts) {
    struct nested nested = {.oauth = mcp_oauth_new(), .other = client_for("dual")};
    mcp_error *error = NULL;
    int callback;

    EXPECT(MCP_OK, error, mcp_oauth_set_client(nested.oauth, NULL, "client", NULL, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_grant(nested.oauth, asserts ? MCP_OAUTH_ASSERTION : MCP_OAUTH_LOGIN, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_open(nested.oauth, nested_open, &nested, NULL, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_assertion(nested.oauth, nested_assertion, &nested, NULL, &error));
    EXPECT(
        MCP_OK, error,
        mcp_oauth_set_store(nested.oauth, nested_load, nested_save, nested_lock, nested_unlock, &nested, NULL, &error));
    nested.same = client_with_oauth(nested.oauth, "modern+oauth+uses=3");
    nested.sibling = client_with_oauth(nested.oauth, "legacy+oauth");
    EXPECT(MCP_OK, error, mcp_set_timeout(nested.other, TIMEOUT, &error));
    EXPECT(MCP_OK, error, mcp_connect(nested.other, NULL, &error));
    for (callback = 0; callback < 4; callback++) {
        EXPECT(MCP_OK, error, mcp_ping(nested.same, NULL, &error)); /* the token is replaced after three requests */
    }
    EXPECT(MCP_OK, error, mcp_ping(nested.sibling, NULL, &error));
    EXPECT(MCP_OK, error, mcp_logout(nested.same, NULL, &error));
    EXPECT(MCP_OK, error, mcp_login(nested.same, NULL, &error));
    for (callback = 0; callback < CALLBACKS; callback++) {
        bool runs = callback != (asserts ? OPEN : ASSERTION);
        CHECK_SAYS(runs == (nested.runs[callback] > 0), "%s ran %d times", callback_names[callback],
                   nested.runs[callback]);
    }
    dispose(nested.same);
    dispose(nested.sibling);
    dispose(nested.other);
    mcp_oauth_free(nested.oauth);
    free(nested.text);
}

/* --- Inside open -------------------------------------------------------------------------------------------------- */

struct ending {
    mcp_oauth *oauth;
    int causes, late_causes; /* how many were destroyed */
    bool fails;
    int runs;
};

/* Ends the login twice: the first end counts. */
static void end_login(void *userdata, mcp_oauth_request *request) {
    struct ending *ending = userdata;
    const char *url = mcp_oauth_request_url(request);
    char *redirect_url = redirect_of(url);
    mcp_error *error = NULL;

    ending->runs++;
    if (ending->fails) {
        EXPECT(MCP_OK, error, mcp_oauth_fail(ending->oauth, url, "not today", &ending->causes, count_destroy, &error));
    } else {
        EXPECT(MCP_OK, error, mcp_oauth_finish(ending->oauth, redirect_url, &error));
    }
    EXPECT(MCP_OK, error, mcp_oauth_request_finish(request, redirect_url, &error));
    EXPECT(MCP_OK, error, mcp_oauth_request_fail(request, "too late", &error));
    EXPECT(MCP_OK, error,
           mcp_oauth_request_fail_with(request, "too late", &ending->late_causes, count_destroy, &error));
    CHECK_INT(1, ending->late_causes);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_request_fail_with(request, NULL, &ending->late_causes, count_destroy, &error));
    CHECK_INT(2, ending->late_causes);
    CHECK_INT(0, ending->causes);
    free(redirect_url);
}

static void open_may_finish_the_login_of_its_oauth(void) {
    struct ending ending = {.oauth = mcp_oauth_new()};
    mcp_error *error = NULL;
    mcp_client *client;

    EXPECT(MCP_OK, error, mcp_oauth_set_open(ending.oauth, end_login, &ending, NULL, &error));
    client = client_with_oauth(ending.oauth, "modern+oauth");
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(1, ending.runs);
    dispose(client);
    mcp_oauth_free(ending.oauth);
}

/* The cause belongs to the error of the call, and to the library until another login. */
static void open_may_fail_the_login_of_its_oauth(void) {
    struct ending ending = {.oauth = mcp_oauth_new(), .fails = true};
    mcp_error *error = NULL, *kept = NULL;
    mcp_client *client;

    EXPECT(MCP_OK, error, mcp_oauth_set_open(ending.oauth, end_login, &ending, NULL, &error));
    client = client_with_oauth(ending.oauth, "modern+oauth");
    EXPECT_KEEP(MCP_LOGIN_FAILED, kept, mcp_ping(client, NULL, &kept));
    CHECK(mcp_error_cause(kept) == &ending.causes);
    CHECK_SAYS(strstr(mcp_error_message(kept), "not today") != NULL, "%s", mcp_error_message(kept));
    EXPECT(MCP_LOGIN_REQUIRED, error, mcp_ping(client, NULL, &error));
    CHECK_INT(1, ending.runs);
    dispose(client);
    mcp_oauth_free(ending.oauth);
    CHECK_INT(0, ending.causes);
    CHECK(mcp_error_cause(kept) == &ending.causes);
    mcp_error_free(kept);
    CHECK_INT(1, ending.causes);
}

struct replacement {
    mcp_client *client;
    mcp_oauth *oauth, *new_oauth;
    int runs, destroyed;
    bool frees;
    mcp_status nested;
};

static void count_replacement(void *userdata) {
    ((struct replacement *)userdata)->destroyed++;
}

/* The second time, takes the object of this callback away from its client, and from the application. */
static void replace_oauth(void *userdata, mcp_oauth_request *request) {
    struct replacement *replacement = userdata;
    if (replacement->runs++ > 0) {
        CHECK_INT(MCP_OK, mcp_set_oauth(replacement->client, replacement->new_oauth, NULL));
        if (replacement->frees) {
            mcp_oauth_free(replacement->oauth);
        }
        replacement->nested = mcp_ping(replacement->client, NULL, NULL);
        CHECK_INT(0, replacement->destroyed);
    }
    finish_login(NULL, request);
}

/* The call in progress still uses the old object, and all others the new one. */
static void open_may_replace_its_oauth(bool frees, mcp_oauth *new_oauth) {
    struct replacement replacement = {.oauth = mcp_oauth_new(), .new_oauth = new_oauth, .frees = frees};
    mcp_status without_login = new_oauth != NULL ? MCP_LOGIN_REQUIRED : MCP_UNAUTHORIZED;
    mcp_error *error = NULL;

    EXPECT(MCP_OK, error,
           mcp_oauth_set_open(replacement.oauth, replace_oauth, &replacement, count_replacement, &error));
    replacement.client = client_with_oauth(replacement.oauth, "modern+oauth");
    EXPECT(MCP_OK, error, mcp_ping(replacement.client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_logout(replacement.client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(replacement.client, NULL, &error));
    CHECK_INT(2, replacement.runs);
    CHECK_INT(without_login, replacement.nested);
    EXPECT(without_login, error, mcp_ping(replacement.client, NULL, &error));
    dispose(replacement.client);
    if (!frees) {
        mcp_oauth_free(replacement.oauth);
    }
    CHECK_INT(1, replacement.destroyed);
}

/* --- Destroy functions -------------------------------------------------------------------------------------------- */

struct destruction {
    mcp_client *client; /* with the same mcp_oauth, or NULL */
    int destroyed;
    mcp_status ping, state;
    double took;
};

static void call_the_library(void *userdata) {
    struct destruction *destruction = userdata;
    mcp_json *state = NULL;
    double started = now_ms();
    destruction->destroyed++;
    destruction->state = mcp_oauth_state(destruction->client, &state, NULL);
    destruction->ping = mcp_ping(destruction->client, NULL, NULL);
    destruction->took = now_ms() - started;
    mcp_json_free(state);
}

static void check_destruction(const struct destruction *destruction, mcp_status state, mcp_status ping,
                              const char *where) {
    CHECK_SAYS(destruction->destroyed == 1, "%s: destroyed %d times", where, destruction->destroyed);
    CHECK_SAYS(destruction->state == state && destruction->ping == ping, "%s: %s and %s", where,
               mcp_status_name(destruction->state), mcp_status_name(destruction->ping));
    CHECK_SAYS(destruction->took < TIMEOUT / 4, "%s: %.0f ms", where, destruction->took);
}

/* A client or mcp_set_oauth has freed the last reference. */
static void destroy_functions_may_call_the_client(void) {
    struct destruction destruction = {0};
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_error *error = NULL;

    EXPECT(MCP_OK, error, mcp_oauth_set_open(oauth, finish_login, &destruction, call_the_library, &error));
    destruction.client = client_with_oauth(oauth, "modern+oauth");
    EXPECT(MCP_OK, error, mcp_ping(destruction.client, NULL, &error));
    mcp_oauth_free(oauth);
    EXPECT(MCP_OK, error, mcp_set_oauth(destruction.client, NULL, &error));
    check_destruction(&destruction, MCP_MISUSE, MCP_UNAUTHORIZED, "mcp_set_oauth");
    dispose(destruction.client);

    destruction = (struct destruction){0};
    oauth = mcp_oauth_new();
    EXPECT(MCP_OK, error, mcp_oauth_set_open(oauth, finish_login, &destruction, call_the_library, &error));
    mcp_oauth_free(oauth);
    check_destruction(&destruction, MCP_INVALID_ARGUMENT, MCP_INVALID_ARGUMENT, "mcp_oauth_free");
}

struct refusal {
    struct destruction destruction;
    bool fails;
};

static void fail_or_finish(void *userdata, mcp_oauth_request *request) {
    struct refusal *refusal = userdata;
    if (refusal->fails) {
        CHECK_INT(MCP_OK,
                  mcp_oauth_request_fail_with(request, "not today", &refusal->destruction, call_the_library, NULL));
    } else {
        finish_login(NULL, request);
    }
}

/* The library keeps the cause of a failed login until the next mcp_login or mcp_logout. */
static void causes_may_call_the_client_when_they_are_destroyed(bool logs_in) {
    struct refusal refusal = {.fails = true};
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_error *error = NULL;
    mcp_client *client;

    EXPECT(MCP_OK, error, mcp_oauth_set_open(oauth, fail_or_finish, &refusal, NULL, &error));
    client = client_with_oauth(oauth, "modern+oauth");
    EXPECT(MCP_LOGIN_FAILED, error, mcp_ping(client, NULL, &error));
    CHECK_INT(0, refusal.destruction.destroyed);
    refusal.destruction.client = client;
    refusal.fails = false;
    EXPECT(MCP_OK, error, logs_in ? mcp_login(client, NULL, &error) : mcp_logout(client, NULL, &error));
    /* Nothing prevents a login any more. */
    check_destruction(&refusal.destruction, MCP_OK, MCP_OK, logs_in ? "mcp_login" : "mcp_logout");
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    dispose(client);
    mcp_oauth_free(oauth);
}

int main(void) {
    mcp_oauth *other = mcp_oauth_new();
    callbacks_get_misuse_from_clients_with_their_oauth(false);
    callbacks_get_misuse_from_clients_with_their_oauth(true);
    open_may_finish_the_login_of_its_oauth();
    open_may_fail_the_login_of_its_oauth();
    open_may_replace_its_oauth(false, NULL);
    open_may_replace_its_oauth(true, NULL);
    open_may_replace_its_oauth(false, other);
    open_may_replace_its_oauth(true, other);
    mcp_oauth_free(other);
    destroy_functions_may_call_the_client();
    causes_may_call_the_client_when_they_are_destroyed(true);
    causes_may_call_the_client_when_they_are_destroyed(false);
    return check_end();
}
