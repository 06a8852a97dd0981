/* Callbacks that are registered twice, too late, replaced while they run, and ended by what calls the library. */
#include "check.h"
#include "support.h"

/* --- Registrations --------------------------------------------------------------------------------------------------
 */

static void count_end(void *userdata) {
    ++*(int *)userdata;
}

static void auth(void *userdata, mcp_auth_request *request) {
    (void)userdata;
    (void)request;
}

static void input(void *userdata, mcp_input *asked) {
    (void)userdata;
    (void)asked;
}

static void logging(void *userdata, const mcp_json *message) {
    (void)userdata;
    (void)message;
}

static void log_line(void *userdata, int32_t level, const char *message) {
    (void)userdata;
    (void)level;
    (void)message;
}

static void progress(void *userdata, double done, double total, const char *message) {
    (void)userdata;
    (void)done;
    (void)total;
    (void)message;
}

/* One after another, and the same userdata twice: each registration ends once. */
#define REGISTER(set, callback)                                                   \
    do {                                                                          \
        mcp_client *client = client_for("dual");                                  \
        mcp_error *error = NULL;                                                  \
        int first = 0, second = 0;                                                \
        EXPECT(MCP_OK, error, set(client, callback, &first, count_end, &error));  \
        CHECK_INT(0, first);                                                      \
        EXPECT(MCP_OK, error, set(client, callback, &second, count_end, &error)); \
        CHECK_INT(1, first);                                                      \
        EXPECT(MCP_OK, error, set(client, callback, &first, count_end, &error));  \
        CHECK_INT(1, second);                                                     \
        EXPECT(MCP_OK, error, set(client, callback, &first, count_end, &error));  \
        CHECK_INT(2, first);                                                      \
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));                    \
        CHECK_INT(2, first);                                                      \
        dispose(client);                                                          \
        CHECK_INT(3, first);                                                      \
        CHECK_INT(1, second);                                                     \
    } while (0)

/* Too late, the new registration ends at once, and the old one stays. */
#define REGISTER_LATE(set, callback)                                                \
    do {                                                                            \
        mcp_client *client = client_for("dual");                                    \
        mcp_error *error = NULL;                                                    \
        int early = 0, late = 0;                                                    \
        EXPECT(MCP_OK, error, set(client, callback, &early, count_end, &error));    \
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));                      \
        EXPECT(MCP_MISUSE, error, set(client, callback, &late, count_end, &error)); \
        CHECK_INT(1, late);                                                         \
        EXPECT(MCP_MISUSE, error, set(client, NULL, &late, count_end, &error));     \
        CHECK_INT(2, late);                                                         \
        CHECK_INT(0, early);                                                        \
        dispose(client);                                                            \
        CHECK_INT(1, early);                                                        \
        CHECK_INT(2, late);                                                         \
    } while (0)

static void registrations(void) {
    mcp_options *options = mcp_options_new();
    int first = 0, second = 0;

    REGISTER(mcp_set_auth, auth);
    REGISTER(mcp_set_log, log_line);
    REGISTER(mcp_set_logging, logging);
    REGISTER(mcp_set_elicitation, input);
    REGISTER(mcp_set_sampling, input);
    REGISTER(mcp_set_roots, input);
    REGISTER_LATE(mcp_set_elicitation, input);
    REGISTER_LATE(mcp_set_sampling, input);
    REGISTER_LATE(mcp_set_roots, input);

    CHECK_INT(MCP_OK, mcp_options_set_progress(options, progress, &first, count_end, NULL));
    CHECK_INT(MCP_OK, mcp_options_set_progress(options, progress, &second, count_end, NULL));
    CHECK_INT(1, first);
    CHECK_INT(MCP_OK, mcp_options_set_progress(options, progress, &first, count_end, NULL));
    mcp_options_free(options);
    CHECK_INT(2, first);
    CHECK_INT(1, second);
}

/* --- A callback that replaces itself
 * ---------------------------------------------------------------------------------- */

struct inside {
    mcp_client *client;
    int times, ends;
    int ends_within; /* while the callback was running */
    mcp_status ping, setting;
};

static void end_inside(void *userdata) {
    ((struct inside *)userdata)->ends++;
}

static void replace_auth(void *userdata, mcp_auth_request *request) {
    struct inside *inside = userdata;
    (void)request;
    if (inside->times++ == 0) {
        CHECK_INT(MCP_OK, mcp_set_auth(inside->client, NULL, NULL, NULL, NULL));
    }
    inside->ends_within += inside->ends;
}

static void replace_log(void *userdata, int32_t level, const char *message) {
    struct inside *inside = userdata;
    (void)level;
    (void)message;
    if (inside->times++ == 0) {
        CHECK_INT(MCP_OK, mcp_set_log(inside->client, NULL, NULL, NULL, NULL));
    }
    inside->ends_within += inside->ends;
}

static void replaced_within(void) {
    mcp_client *client = client_for("dual");
    struct inside as_auth = {0}, as_log = {0};
    mcp_error *error = NULL;

    as_auth.client = client;
    as_log.client = client;
    EXPECT(MCP_OK, error, mcp_set_auth(client, replace_auth, &as_auth, end_inside, &error));
    EXPECT(MCP_OK, error, mcp_set_log(client, replace_log, &as_log, end_inside, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_INT(1, as_auth.times);
    CHECK_INT(1, as_log.times);
    CHECK_INT(0, as_auth.ends_within); /* its userdata was needed still */
    CHECK_INT(0, as_log.ends_within);
    dispose(client);
    CHECK_INT(1, as_auth.ends);
    CHECK_INT(1, as_log.ends);
}

/* The end of a registration may use the library, too. */
static void call_at_the_end(void *userdata) {
    struct inside *inside = userdata;
    inside->ends++;
    inside->ping = mcp_ping(inside->client, NULL, NULL);
    inside->setting = mcp_set_log(inside->client, log_line, NULL, NULL, NULL);
}

static void calls_at_the_end(void) {
    mcp_client *client = client_for("dual");
    struct inside inside = {0};
    mcp_error *error = NULL;

    inside.client = client;
    EXPECT(MCP_OK, error, mcp_set_log(client, log_line, &inside, call_at_the_end, &error));
    EXPECT(MCP_OK, error, mcp_set_log(client, NULL, NULL, NULL, &error));
    CHECK_INT(1, inside.ends);
    CHECK_INT(MCP_OK, inside.ping);
    CHECK_INT(MCP_OK, inside.setting);
    EXPECT(MCP_OK, error, mcp_set_auth(client, auth, &inside, call_at_the_end, &error));
    EXPECT(MCP_OK, error, mcp_set_auth(client, NULL, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_logging(client, logging, &inside, call_at_the_end, &error));
    EXPECT(MCP_OK, error, mcp_set_logging(client, NULL, NULL, NULL, &error));
    CHECK_INT(3, inside.ends);
    CHECK_INT(MCP_OK, inside.ping);
    CHECK_INT(MCP_OK, inside.setting);
    dispose(client);
}

int main(void) {
    registrations();
    replaced_within();
    calls_at_the_end();
    return check_end();
}
