/* Callbacks that are registered twice, too late, or replaced while they run; destroy functions that call the library.
 */
#include "check.h"
#include "support.h"

/* --- Registrations ------------------------------------------------------------------------------------------------ */

static void count_destroy(void *userdata) {
    ++*(int *)userdata;
}

static void auth(void *userdata, mcp_auth_request *request) {
    (void)userdata;
    (void)request;
}

static void input(void *userdata, mcp_input *request) {
    (void)userdata;
    (void)request;
}

static void logging(void *userdata, const mcp_json *message) {
    (void)userdata;
    (void)message;
}

static void notification(void *userdata, const char *method, const mcp_json *params) {
    (void)userdata;
    (void)method;
    (void)params;
}

static void trace_message(void *userdata, int32_t direction, const char *text, size_t length) {
    (void)userdata;
    (void)direction;
    (void)text;
    (void)length;
}

static void log_message(void *userdata, int32_t level, const char *message) {
    (void)userdata;
    (void)level;
    (void)message;
}

static bool progress(void *userdata, double done, double total, const char *message) {
    (void)userdata;
    (void)done;
    (void)total;
    (void)message;
    return true;
}

/* Registers one callback after another, and the same userdata twice: each registration is destroyed once. */
#define REGISTER(set, callback)                                                       \
    do {                                                                              \
        mcp_client *client = client_for("dual");                                      \
        mcp_error *error = NULL;                                                      \
        int first = 0, second = 0;                                                    \
        EXPECT(MCP_OK, error, set(client, callback, &first, count_destroy, &error));  \
        CHECK_INT(0, first);                                                          \
        EXPECT(MCP_OK, error, set(client, callback, &second, count_destroy, &error)); \
        CHECK_INT(1, first);                                                          \
        EXPECT(MCP_OK, error, set(client, callback, &first, count_destroy, &error));  \
        CHECK_INT(1, second);                                                         \
        EXPECT(MCP_OK, error, set(client, callback, &first, count_destroy, &error));  \
        CHECK_INT(2, first);                                                          \
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));                        \
        CHECK_INT(2, first);                                                          \
        dispose(client);                                                              \
        CHECK_INT(3, first);                                                          \
        CHECK_INT(1, second);                                                         \
    } while (0)

/* A late registration is refused and destroyed at once; the old one stays. */
#define REGISTER_LATE(set, callback)                                                    \
    do {                                                                                \
        mcp_client *client = client_for("dual");                                        \
        mcp_error *error = NULL;                                                        \
        int early = 0, late = 0;                                                        \
        EXPECT(MCP_OK, error, set(client, callback, &early, count_destroy, &error));    \
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));                          \
        EXPECT(MCP_MISUSE, error, set(client, callback, &late, count_destroy, &error)); \
        CHECK_INT(1, late);                                                             \
        EXPECT(MCP_MISUSE, error, set(client, NULL, &late, count_destroy, &error));     \
        CHECK_INT(2, late);                                                             \
        CHECK_INT(0, early);                                                            \
        dispose(client);                                                                \
        CHECK_INT(1, early);                                                            \
        CHECK_INT(2, late);                                                             \
    } while (0)

static void each_registration_is_destroyed_once(void) {
    mcp_options *options = mcp_options_new();
    int first = 0, second = 0;

    REGISTER(mcp_set_auth, auth);
    REGISTER(mcp_set_log, log_message);
    REGISTER(mcp_set_trace, trace_message);
    REGISTER(mcp_set_server_log, logging);
    REGISTER(mcp_set_notification, notification);
    REGISTER(mcp_set_elicitation, input);
    REGISTER(mcp_set_sampling, input);
    REGISTER(mcp_set_roots, input);
    REGISTER_LATE(mcp_set_elicitation, input);
    REGISTER_LATE(mcp_set_sampling, input);
    REGISTER_LATE(mcp_set_roots, input);

    CHECK_INT(MCP_OK, mcp_options_set_progress(options, progress, &first, count_destroy, NULL));
    CHECK_INT(MCP_OK, mcp_options_set_progress(options, progress, &second, count_destroy, NULL));
    CHECK_INT(1, first);
    CHECK_INT(MCP_OK, mcp_options_set_progress(options, progress, &first, count_destroy, NULL));
    CHECK_INT(MCP_OK, mcp_options_set_call_data(options, &second, count_destroy, NULL));
    CHECK_INT(MCP_OK, mcp_options_set_call_data(options, &second, count_destroy, NULL));
    CHECK_INT(2, second);
    mcp_options_free(options);
    CHECK_INT(2, first);
    CHECK_INT(3, second);
}

/* --- Callbacks that replace themselves ---------------------------------------------------------------------------- */

struct registration {
    mcp_client *client;
    int runs, destroyed;
    int destroyed_while_running;
    mcp_status ping, setting;
};

static void record_destroy(void *userdata) {
    ((struct registration *)userdata)->destroyed++;
}

static void replace_auth(void *userdata, mcp_auth_request *request) {
    struct registration *registration = userdata;
    (void)request;
    if (registration->runs++ == 0) {
        CHECK_INT(MCP_OK, mcp_set_auth(registration->client, NULL, NULL, NULL, NULL));
    }
    registration->destroyed_while_running += registration->destroyed;
}

static void replace_log(void *userdata, int32_t level, const char *message) {
    struct registration *registration = userdata;
    (void)level;
    (void)message;
    if (registration->runs++ == 0) {
        CHECK_INT(MCP_OK, mcp_set_log(registration->client, NULL, NULL, NULL, NULL));
    }
    registration->destroyed_while_running += registration->destroyed;
}

static void callbacks_may_replace_themselves(void) {
    mcp_client *client = client_for("dual");
    struct registration as_auth = {0}, as_log = {0};
    mcp_error *error = NULL;

    as_auth.client = client;
    as_log.client = client;
    EXPECT(MCP_OK, error, mcp_set_auth(client, replace_auth, &as_auth, record_destroy, &error));
    EXPECT(MCP_OK, error, mcp_set_log(client, replace_log, &as_log, record_destroy, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(1, as_auth.runs);
    CHECK_INT(1, as_log.runs);
    CHECK_INT(0, as_auth.destroyed_while_running); /* a running callback still uses its userdata */
    CHECK_INT(0, as_log.destroyed_while_running);
    dispose(client);
    CHECK_INT(1, as_auth.destroyed);
    CHECK_INT(1, as_log.destroyed);
}

/* A destroy function may call the library. */
static void call_the_library(void *userdata) {
    struct registration *registration = userdata;
    registration->destroyed++;
    registration->ping = mcp_ping(registration->client, NULL, NULL);
    registration->setting = mcp_set_log(registration->client, log_message, NULL, NULL, NULL);
}

static void destroy_functions_may_call_the_library(void) {
    mcp_client *client = client_for("dual");
    struct registration registration = {0};
    mcp_error *error = NULL;

    registration.client = client;
    EXPECT(MCP_OK, error, mcp_set_log(client, log_message, &registration, call_the_library, &error));
    EXPECT(MCP_OK, error, mcp_set_log(client, NULL, NULL, NULL, &error));
    CHECK_INT(1, registration.destroyed);
    CHECK_INT(MCP_OK, registration.ping);
    CHECK_INT(MCP_OK, registration.setting);
    EXPECT(MCP_OK, error, mcp_set_auth(client, auth, &registration, call_the_library, &error));
    EXPECT(MCP_OK, error, mcp_set_auth(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_server_log(client, logging, &registration, call_the_library, &error));
    EXPECT(MCP_OK, error, mcp_set_server_log(client, NULL, NULL, NULL, &error));
    CHECK_INT(3, registration.destroyed);
    CHECK_INT(MCP_OK, registration.ping);
    CHECK_INT(MCP_OK, registration.setting);
    dispose(client);
}

int main(void) {
    each_registration_is_destroyed_once();
    callbacks_may_replace_themselves();
    destroy_functions_may_call_the_library();
    return check_end();
}
