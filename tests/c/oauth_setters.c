/* The settings of mcp_oauth: invalid values, changes after mcp_set_oauth, and destroy functions. Nothing is sent. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "check.h"
#include "support.h"

static const char *const bad_utf8 = "\xff\xfe";

/* Made for tests. */
static const char *const private_key = "-----BEGIN PRIVATE KEY-----\n"
                                       "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
                                       "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
                                       "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
                                       "-----END PRIVATE KEY-----\n";

static void count_destroy(void *userdata) {
    ++*(int *)userdata;
}

static void open_nothing(void *userdata, mcp_oauth_request *request) {
    (void)userdata;
    (void)request;
}

static void keep_nothing(void *userdata, mcp_oauth_record *record) {
    (void)userdata;
    (void)record;
}

static void assert_nothing(void *userdata, mcp_oauth_assertion *assertion) {
    (void)userdata;
    (void)assertion;
}

/* --- NULL --------------------------------------------------------------------------------------------------------- */

static void functions_check_for_a_null_object(void) {
    mcp_error *error = NULL;
    int destroyed = 0;

    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client(NULL, NULL, "id", NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client_key(NULL, NULL, "id", private_key, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client_url(NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_registration(NULL, true, NULL, 0, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_grant(NULL, MCP_OAUTH_LOGIN, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_scopes(NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_resource(NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_parameter(NULL, "name", NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_allow(NULL, MCP_OAUTH_PLAIN_HTTP, true, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_use_browser(NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_redirect(NULL, "http://localhost/", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_login(NULL, MCP_OAUTH_WHEN_ASKED, 0, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_use_folder(NULL, "/nowhere", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_identity(NULL, "https://idp.example/", "id", NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_finish(NULL, "http://localhost/?code=c&state=s", &error));
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_oauth_set_scopes(NULL, NULL, NULL));
    mcp_oauth_free(NULL);

    /* The destroy function runs although the callback is not set. */
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_open(NULL, open_nothing, &destroyed, count_destroy, &error));
    CHECK_INT(1, destroyed);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_set_store(NULL, keep_nothing, keep_nothing, NULL, NULL, &destroyed, count_destroy, &error));
    CHECK_INT(2, destroyed);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_set_assertion(NULL, assert_nothing, &destroyed, count_destroy, &error));
    CHECK_INT(3, destroyed);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_fail(NULL, "https://auth.example/", "closed", &destroyed, count_destroy, &error));
    CHECK_INT(4, destroyed);
}

static void arguments_of_callbacks_are_checked_for_null(void) {
    mcp_error *error = NULL;
    int destroyed = 0;
    size_t length = 7;

    CHECK(mcp_oauth_request_url(NULL) == NULL);
    CHECK(mcp_oauth_request_server(NULL) == NULL);
    CHECK(mcp_oauth_request_issuer(NULL) == NULL);
    CHECK(mcp_oauth_request_scopes(NULL) == NULL);
    CHECK(mcp_oauth_request_redirect_uri(NULL) == NULL);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_request_finish(NULL, "http://localhost/?code=c", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_request_fail(NULL, "closed", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_request_fail_with(NULL, "closed", &destroyed, count_destroy, &error));
    CHECK_INT(1, destroyed);
    CHECK(mcp_oauth_record_key(NULL) == NULL);
    CHECK(mcp_oauth_record_text(NULL, &length) == NULL);
    CHECK_INT(0, length);
    CHECK(mcp_oauth_record_text(NULL, NULL) == NULL);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_record_set_text(NULL, "{}", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_record_fail(NULL, "locked", &error));
    CHECK(mcp_oauth_assertion_audience(NULL) == NULL);
    CHECK(mcp_oauth_assertion_resource(NULL) == NULL);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_assertion_set(NULL, "a.b.c", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_assertion_fail(NULL, "none", &error));
    CHECK(mcp_error_oauth_code(NULL) == NULL);
}

static void client_functions_check_for_null(void) {
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_client *client = client_at("http://127.0.0.1:9/mcp");
    mcp_error *error = NULL;
    mcp_json *state = NULL;

    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_oauth(NULL, oauth, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_login(NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_logout(NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_state(NULL, &state, &error));
    CHECK(state == NULL);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_state(client, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_open_browser(NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(client, NULL, &error));
    /* mcp_set_oauth has not fixed the settings. */
    EXPECT(MCP_OK, error, mcp_oauth_set_scopes(oauth, "read", &error));
    mcp_client_free(client);
    mcp_oauth_free(oauth);
}

/* --- Invalid values ----------------------------------------------------------------------------------------------- */

/* Each of the texts is rejected by the call, which stores its error in `error`. */
#define REJECTS(texts, text, call)                                              \
    do {                                                                        \
        size_t i_;                                                              \
        for (i_ = 0; i_ < sizeof(texts) / sizeof *(texts); i_++) {              \
            const char *text = (texts)[i_];                                     \
            mcp_error *error = NULL;                                            \
            mcp_status status = (call);                                         \
            CHECK_SAYS(status == MCP_INVALID_ARGUMENT, "%s is accepted", text); \
            CHECK_INT(status, mcp_error_status(error));                         \
            mcp_error_free(error);                                              \
        }                                                                       \
    } while (0)

static void invalid_clients_are_rejected(mcp_oauth *oauth) {
    static const char *const bad_issuers[] = {
        "",
        "auth.example",
        "ftp://auth.example",
        "https://",
        "https://user@auth.example",
        "https://auth.example/#fragment",
        "https://auth.example:70000",
        "https://auth.ex ample",
        "\xff\xfe",
    };
    static const char *const bad_ids[] = {"", "a\nb", "caf\xc3\xa9", "\xff\xfe"};
    static const char *const bad_keys[] = {
        "",
        "secret",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "\xff\xfe",
    };
    mcp_error *error = NULL;

    REJECTS(bad_issuers, issuer, mcp_oauth_set_client(oauth, issuer, "id", NULL, &error));
    REJECTS(bad_issuers, issuer, mcp_oauth_set_client_key(oauth, issuer, "id", private_key, NULL, &error));
    REJECTS(bad_ids, id, mcp_oauth_set_client(oauth, NULL, id, NULL, &error));
    REJECTS(bad_ids, id, mcp_oauth_set_client_key(oauth, NULL, id, private_key, NULL, &error));
    REJECTS(bad_keys, key, mcp_oauth_set_client_key(oauth, NULL, "id", key, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client(oauth, NULL, NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client(oauth, NULL, "id", "", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client(oauth, NULL, "id", bad_utf8, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client_key(oauth, NULL, NULL, private_key, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client_key(oauth, NULL, "id", NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_client_key(oauth, NULL, "id", private_key, bad_utf8, &error));

    EXPECT(MCP_OK, error, mcp_oauth_set_client(oauth, NULL, "id", NULL, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_client(oauth, "https://auth.example/tenant", "id", "secret", &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_client_key(oauth, "http://localhost:1/", "id", private_key, "key", &error));
}

/* A message about an invalid key does not contain it. */
static void errors_do_not_contain_keys(mcp_oauth *oauth) {
    mcp_error *error = NULL;

    EXPECT_KEEP(MCP_INVALID_ARGUMENT, error,
                mcp_oauth_set_client_key(oauth, NULL, "id", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", NULL, &error));
    CHECK_SAYS(strstr(mcp_error_message(error), "c2VjcmV0") == NULL, "%s", mcp_error_message(error));
    mcp_error_free(error);
}

static void invalid_registrations_are_rejected(mcp_oauth *oauth) {
    static const char *const bad_urls[] = {
        "",
        "client",
        "http://app.example/client.json",
        "https://app.example",
        "https://app.example/",
        "https://app.example/client.json#x",
        "https://app.example/a/../client.json",
        "\xff\xfe",
    };
    static const char *const bad_metadata[] = {
        "",
        "[]",
        "{",
        "{\"redirect_uris\":[]}",
        "{\"grant_types\":[]}",
        "{\"response_types\":[]}",
        "{\"token_endpoint_auth_method\":\"none\"}",
        "{\"contacts\":[],\"scope\":\"read\"}",
        "\xff\xfe",
    };
    mcp_error *error = NULL;

    REJECTS(bad_urls, url, mcp_oauth_set_client_url(oauth, url, &error));
    REJECTS(bad_metadata, text, mcp_oauth_set_registration(oauth, true, text, MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_registration(oauth, true, "{}", 1, &error));

    EXPECT(MCP_OK, error, mcp_oauth_set_client_url(oauth, "https://app.example/client.json", &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_client_url(oauth, NULL, &error));
    EXPECT(MCP_OK, error,
           mcp_oauth_set_registration(oauth, true, "{\"client_name\":\"x\"}", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_registration(oauth, true, "{}junk", 2, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_registration(oauth, false, NULL, 0, &error));
}

static void invalid_requests_are_rejected(mcp_oauth *oauth) {
    static const char *const bad_scopes[] = {"a\"b", "read \\", "caf\xc3\xa9", "a\x01", "\xff\xfe"};
    static const char *const bad_resources[] = {"https://example.com/#x", "a b", "caf\xc3\xa9", "a\nb", "\xff\xfe"};
    static const char *const bad_names[] = {
        "",
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "refresh_token",
        "resource",
        "response_type",
        "scope",
        "state",
        "\xff\xfe",
    };
    mcp_error *error = NULL;

    REJECTS(bad_scopes, scopes, mcp_oauth_set_scopes(oauth, scopes, &error));
    REJECTS(bad_resources, resource, mcp_oauth_set_resource(oauth, resource, &error));
    REJECTS(bad_names, name, mcp_oauth_set_parameter(oauth, name, "value", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_parameter(oauth, NULL, "value", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_parameter(oauth, "audience", bad_utf8, &error));

    EXPECT(MCP_OK, error, mcp_oauth_set_scopes(oauth, "files:read files:write", &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_scopes(oauth, "", &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_scopes(oauth, NULL, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_resource(oauth, "https://example.com/mcp", &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_resource(oauth, "", &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_resource(oauth, NULL, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_parameter(oauth, "audience", "x y", &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_parameter(oauth, "audience", NULL, &error));
}

static void invalid_redirects_are_rejected(mcp_oauth *oauth) {
    static const char *const bad_uris[] = {
        "",
        "/callback",
        "callback",
        "http://app.example/callback",
        "http://127.0.0.2/callback",
        "http://localhost.example/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1/#x",
        "com.example.app:",
        "com.example.app:/x#y",
        "com.example.app:/x y",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///tmp/x",
        "\xff\xfe",
    };
    static const char *const good_uris[] = {
        "http://127.0.0.1/callback",     "http://localhost:8080/callback", "http://[::1]/",
        "https://app.example.com/oauth", "com.example.app:/oauth",
    };
    mcp_error *error = NULL;
    size_t i;

    REJECTS(bad_uris, uri, mcp_oauth_set_redirect(oauth, uri, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_redirect(oauth, NULL, &error));
    for (i = 0; i < sizeof good_uris / sizeof good_uris[0]; i++) {
        EXPECT(MCP_OK, error, mcp_oauth_set_redirect(oauth, good_uris[i], &error));
    }
}

static void invalid_identity_providers_are_rejected(mcp_oauth *oauth) {
    static const char *const bad_urls[] = {"", "idp.example", "https://", "https://idp.example/#x", "\xff\xfe"};
    mcp_error *error = NULL;

    REJECTS(bad_urls, url, mcp_oauth_set_identity(oauth, url, "id", NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_identity(oauth, NULL, "id", NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_identity(oauth, "https://idp.example/", NULL, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_identity(oauth, "https://idp.example/", "id", bad_utf8, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_identity(oauth, "https://idp.example/token", "id", "secret", &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_identity(oauth, "https://idp.example/token", "id", NULL, &error));
}

/* The error for an unknown number names the valid ones. */
static void unknown_numbers_are_rejected(mcp_oauth *oauth) {
    static const int32_t unknown[] = {INT32_MIN, -1, 0, 4, INT32_MAX};
    mcp_error *error = NULL;
    int32_t known;
    size_t i;

    for (i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_grant(oauth, unknown[i], &error));
        CHECK(strstr(mcp_error_message(error), "MCP_OAUTH_CLIENT_CREDENTIALS (2)") != NULL);
        mcp_error_free(error);
        error = NULL;
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_oauth_allow(oauth, unknown[i], true, &error));
        CHECK(strstr(mcp_error_message(error), "MCP_OAUTH_PRIVATE_ADDRESSES (2)") != NULL);
        mcp_error_free(error);
        error = NULL;
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_login(oauth, unknown[i], 0, &error));
        CHECK(strstr(mcp_error_message(error), "MCP_OAUTH_WHEN_ASKED (2)") != NULL);
        mcp_error_free(error);
        error = NULL;
    }
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_set_login(oauth, 3, 0, &error));
    for (known = 1; known <= 3; known++) {
        EXPECT(MCP_OK, error, mcp_oauth_set_grant(oauth, known, &error));
        EXPECT(MCP_OK, error, mcp_oauth_allow(oauth, known, true, &error));
        EXPECT(MCP_OK, error, mcp_oauth_allow(oauth, known, false, &error));
    }
    EXPECT(MCP_OK, error, mcp_oauth_set_login(oauth, MCP_OAUTH_WHEN_NEEDED, 0, &error));
    EXPECT(MCP_OK, error, mcp_oauth_set_login(oauth, MCP_OAUTH_WHEN_ASKED, UINT64_MAX, &error));
}

static void a_folder_needs_a_path(mcp_oauth *oauth) {
    mcp_error *error = NULL;

    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_use_folder(oauth, "", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_use_folder(oauth, bad_utf8, &error));
    EXPECT(MCP_OK, error, mcp_oauth_use_folder(oauth, "relative/folder", &error));
    /* A relative path in the environment is ignored. */
    must(setenv("XDG_STATE_HOME", "relative", 1) == 0 && setenv("HOME", "", 1) == 0, "setenv");
    EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_oauth_use_folder(oauth, NULL, &error));
    CHECK(strstr(mcp_error_message(error), "XDG_STATE_HOME") != NULL);
    mcp_error_free(error);
    error = NULL;
    must(setenv("HOME", "/nowhere", 1) == 0, "setenv");
    EXPECT(MCP_OK, error, mcp_oauth_use_folder(oauth, NULL, &error));
}

/* Redirects and URLs for which no login waits. */
static void unknown_logins_are_rejected(mcp_oauth *oauth) {
    static const char *const redirects[] = {
        "",
        "http://127.0.0.1/callback",
        "http://127.0.0.1/callback?code=c",
        "http://127.0.0.1/callback?code=c&state=",
        "http://127.0.0.1/callback?code=c&state=unknown",
        "\xff\xfe",
    };
    mcp_error *error = NULL;
    int destroyed = 0;

    REJECTS(redirects, url, mcp_oauth_finish(oauth, url, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_finish(oauth, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_fail(oauth, "https://auth.example/", "closed", &destroyed, count_destroy, &error));
    CHECK_INT(1, destroyed);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_fail(oauth, NULL, "closed", &destroyed, count_destroy, &error));
    CHECK_INT(2, destroyed);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_oauth_fail(oauth, "https://auth.example/", NULL, &destroyed, count_destroy, &error));
    CHECK_INT(3, destroyed);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_oauth_fail(oauth, "https://auth.example/", "closed", NULL, NULL, &error));
}

static void only_urls_of_the_web_are_opened(void) {
    static const char *const bad_urls[] = {
        "",        "auth.example", "file:///etc/hosts", "javascript:alert(1)", "https://", "https://auth.example/a b",
        "\xff\xfe"};

    /* If a URL was opened, this command would succeed. */
    must(setenv("BROWSER", "true", 1) == 0, "setenv");
    REJECTS(bad_urls, url, mcp_open_browser(url, &error));
    CHECK_INT(MCP_OK, mcp_open_browser("https://auth.example/authorize?state=x", NULL));
}

/* --- Destroy functions -------------------------------------------------------------------------------------------- */

static void incomplete_stores_are_rejected(mcp_oauth *oauth) {
    enum { LOAD = 1, SAVE = 2, LOCK = 4, UNLOCK = 8 };
    int callbacks, destroyed = 0;

    for (callbacks = 0; callbacks < 16; callbacks++) {
        int valid = callbacks == 0 || callbacks == (LOAD | SAVE) || callbacks == (LOAD | SAVE | LOCK | UNLOCK);
        int before = destroyed;
        mcp_error *error = NULL;
        EXPECT(valid ? MCP_OK : MCP_INVALID_ARGUMENT, error,
               mcp_oauth_set_store(oauth, callbacks & LOAD ? keep_nothing : NULL,
                                   callbacks & SAVE ? keep_nothing : NULL, callbacks & LOCK ? keep_nothing : NULL,
                                   callbacks & UNLOCK ? keep_nothing : NULL, &destroyed, count_destroy, &error));
        if (!valid) {
            CHECK_INT(before + 1, destroyed);
        }
    }
    /* NULL callbacks are destroyed at once; the two complete sets, when they are replaced. */
    CHECK_INT(15, destroyed);
    CHECK_INT(MCP_OK, mcp_oauth_use_folder(oauth, "/nowhere", NULL));
    CHECK_INT(16, destroyed);
}

static mcp_status set_open(mcp_oauth *oauth, int is_set, void *userdata, mcp_destroy_fn destroy, mcp_error **error) {
    return mcp_oauth_set_open(oauth, is_set ? open_nothing : NULL, userdata, destroy, error);
}

static mcp_status set_store(mcp_oauth *oauth, int is_set, void *userdata, mcp_destroy_fn destroy, mcp_error **error) {
    mcp_oauth_record_fn callback = is_set ? keep_nothing : NULL;
    return mcp_oauth_set_store(oauth, callback, callback, callback, callback, userdata, destroy, error);
}

static mcp_status set_assertion(mcp_oauth *oauth, int is_set, void *userdata, mcp_destroy_fn destroy,
                                mcp_error **error) {
    return mcp_oauth_set_assertion(oauth, is_set ? assert_nothing : NULL, userdata, destroy, error);
}

typedef mcp_status (*set_callback)(mcp_oauth *oauth, int is_set, void *userdata, mcp_destroy_fn destroy,
                                   mcp_error **error);

static const set_callback setters[] = {set_open, set_store, set_assertion};

static void each_callback_is_destroyed_once(set_callback set) {
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_client *client = client_at("http://127.0.0.1:9/mcp");
    mcp_error *error = NULL;
    int first = 0, second = 0, third = 0;

    EXPECT(MCP_OK, error, set(oauth, 1, &first, count_destroy, &error));
    CHECK_INT(0, first);
    EXPECT(MCP_OK, error, set(oauth, 1, &second, count_destroy, &error));
    CHECK_INT(1, first);
    EXPECT(MCP_OK, error, set(oauth, 0, &first, count_destroy, &error));
    CHECK_INT(2, first);
    CHECK_INT(1, second);
    EXPECT(MCP_OK, error, set(oauth, 1, &second, count_destroy, &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(client, oauth, &error));

    /* A late callback is refused and destroyed at once; the earlier one stays. */
    EXPECT(MCP_MISUSE, error, set(oauth, 1, &third, count_destroy, &error));
    CHECK_INT(1, third);
    EXPECT(MCP_MISUSE, error, set(oauth, 0, &third, count_destroy, &error));
    CHECK_INT(2, third);
    mcp_oauth_free(oauth);
    CHECK_INT(1, second); /* the client still uses it */
    mcp_client_free(client);
    CHECK_INT(2, second);
    CHECK_INT(2, first);
    CHECK_INT(2, third);

    oauth = mcp_oauth_new();
    EXPECT(MCP_OK, error, set(oauth, 1, &third, count_destroy, &error));
    mcp_oauth_free(oauth);
    CHECK_INT(3, third);
}

struct reentrant {
    mcp_oauth *oauth;
    int destroyed;
    mcp_status status;
};

static void change_scopes(void *userdata) {
    struct reentrant *reentrant = userdata;
    reentrant->destroyed++;
    reentrant->status = mcp_oauth_set_scopes(reentrant->oauth, "read", NULL);
}

/* The settings are not locked while a destroy function runs. */
static void destroy_functions_may_change_the_same_object(set_callback set) {
    struct reentrant reentrant = {mcp_oauth_new(), 0, MCP_INTERNAL};
    mcp_client *client = client_at("http://127.0.0.1:9/mcp");
    mcp_error *error = NULL;

    EXPECT(MCP_OK, error, set(reentrant.oauth, 1, &reentrant, change_scopes, &error));
    EXPECT(MCP_OK, error, set(reentrant.oauth, 0, NULL, NULL, &error));
    CHECK_INT(1, reentrant.destroyed);
    CHECK_INT(MCP_OK, reentrant.status);
    EXPECT(MCP_OK, error, mcp_set_oauth(client, reentrant.oauth, &error));
    EXPECT(MCP_MISUSE, error, set(reentrant.oauth, 1, &reentrant, change_scopes, &error));
    CHECK_INT(2, reentrant.destroyed);
    CHECK_INT(MCP_MISUSE, reentrant.status);
    mcp_client_free(client);
    mcp_oauth_free(reentrant.oauth);
    CHECK_INT(2, reentrant.destroyed);
}

/* --- MCP_MISUSE --------------------------------------------------------------------------------------------------- */

static void settings_are_fixed_by_set_oauth(void) {
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_client *client = client_at("http://127.0.0.1:9/mcp"), *other = client_at("http://127.0.0.1:9/other");
    mcp_error *error = NULL;

    EXPECT(MCP_OK, error, mcp_oauth_set_scopes(oauth, "read", &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(client, oauth, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_client(oauth, NULL, "id", NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_client_key(oauth, NULL, "id", private_key, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_client_url(oauth, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_registration(oauth, true, NULL, 0, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_grant(oauth, MCP_OAUTH_LOGIN, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_scopes(oauth, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_resource(oauth, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_parameter(oauth, "audience", NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_allow(oauth, MCP_OAUTH_PLAIN_HTTP, true, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_use_browser(oauth, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_redirect(oauth, "http://localhost/", &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_login(oauth, MCP_OAUTH_WHEN_ASKED, 0, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_use_folder(oauth, "/nowhere", &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_identity(oauth, "https://idp.example/", "id", NULL, &error));

    /* Removing it from the client does not make them changeable, and other clients may use it. */
    EXPECT(MCP_OK, error, mcp_set_oauth(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_set_scopes(oauth, "write", &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(other, oauth, &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(client, oauth, &error));
    mcp_oauth_free(oauth);
    mcp_client_free(client);
    mcp_client_free(other);
}

static void clients_without_oauth_cannot_log_in(void) {
    const char *const argv[] = {"true", NULL};
    mcp_client *clients[] = {client_at("http://127.0.0.1:9/mcp"), mcp_client_new_stdio(argv, NULL)};
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_error *error = NULL;
    mcp_json *state = NULL;
    size_t i;

    EXPECT(MCP_MISUSE, error, mcp_set_oauth(clients[1], oauth, &error));
    /* The failure has not fixed the settings. */
    EXPECT(MCP_OK, error, mcp_oauth_set_scopes(oauth, "read", &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(clients[0], oauth, &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(clients[0], NULL, &error));
    for (i = 0; i < 2; i++) {
        EXPECT(MCP_MISUSE, error, mcp_login(clients[i], NULL, &error));
        EXPECT(MCP_MISUSE, error, mcp_logout(clients[i], NULL, &error));
        EXPECT(MCP_MISUSE, error, mcp_oauth_state(clients[i], &state, &error));
        CHECK(state == NULL);
        mcp_client_free(clients[i]);
    }
    mcp_oauth_free(oauth);
}

static void authorize_nothing(void *userdata, mcp_auth_request *request) {
    (void)userdata;
    (void)request;
}

static void a_client_has_either_an_auth_callback_or_oauth(void) {
    mcp_client *client = client_at("http://127.0.0.1:9/mcp");
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_error *error = NULL;
    mcp_json *state = NULL;
    int destroyed = 0;

    EXPECT(MCP_OK, error, mcp_set_auth(client, authorize_nothing, &destroyed, count_destroy, &error));
    EXPECT(MCP_OK, error, mcp_set_oauth(client, oauth, &error));
    CHECK_INT(1, destroyed);
    EXPECT(MCP_OK, error, mcp_oauth_state(client, &state, &error));
    mcp_json_free(state);
    EXPECT(MCP_OK, error, mcp_set_auth(client, authorize_nothing, &destroyed, count_destroy, &error));
    EXPECT(MCP_MISUSE, error, mcp_oauth_state(client, &state, &error));
    mcp_client_free(client);
    CHECK_INT(2, destroyed);
    mcp_oauth_free(oauth);
}

static void without_tokens_the_state_is_logged_out(void) {
    mcp_client *client = client_at("http://127.0.0.1:9/mcp");
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_error *error = NULL;
    mcp_json *state = NULL;
    bool logged_in = true;

    EXPECT(MCP_OK, error, mcp_set_oauth(client, oauth, &error));
    EXPECT(MCP_OK, error, mcp_oauth_state(client, &state, &error));
    EXPECT(MCP_OK, error, mcp_json_bool(mcp_json_member(state, "loggedIn"), &logged_in, &error));
    CHECK(!logged_in);
    CHECK_INT(1, mcp_json_size(state));
    mcp_json_free(state);
    mcp_client_free(client);
    mcp_oauth_free(oauth);
}

int main(void) {
    mcp_oauth *oauth = mcp_oauth_new();
    size_t i;

    functions_check_for_a_null_object();
    arguments_of_callbacks_are_checked_for_null();
    client_functions_check_for_null();
    invalid_clients_are_rejected(oauth);
    errors_do_not_contain_keys(oauth);
    invalid_registrations_are_rejected(oauth);
    invalid_requests_are_rejected(oauth);
    invalid_redirects_are_rejected(oauth);
    invalid_identity_providers_are_rejected(oauth);
    unknown_numbers_are_rejected(oauth);
    a_folder_needs_a_path(oauth);
    unknown_logins_are_rejected(oauth);
    incomplete_stores_are_rejected(oauth);
    mcp_oauth_free(oauth);
    only_urls_of_the_web_are_opened();
    for (i = 0; i < sizeof setters / sizeof setters[0]; i++) {
        each_callback_is_destroyed_once(setters[i]);
        destroy_functions_may_change_the_same_object(setters[i]);
    }
    settings_are_fixed_by_set_oauth();
    clients_without_oauth_cannot_log_in();
    a_client_has_either_an_auth_callback_or_oauth();
    without_tokens_the_state_is_logged_out();
    return check_end();
}
