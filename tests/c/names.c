/* The name of a client in errors and log messages, and clients of configurations that are not files. */
#include "check.h"
#include "support.h"

#define CONFIGURATION                                                                   \
    "{\"mcpServers\":{\"files\":{\"url\":\"http://127.0.0.1:9/mcp\"}, /* a comment */ " \
    "\"tools\":{\"command\":\"/nowhere/libmcp\",\"envFile\":\"nowhere.env\"},"          \
    "\"off\":{\"url\":\"http://h/\",\"disabled\":true}}}"

static char last_line[2200];

static void record_line(void *userdata, int32_t level, const char *message) {
    (void)userdata;
    (void)level;
    snprintf(last_line, sizeof last_line, "%s", message);
}

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The message of the error of a ping that fails. */
static const char *failed_ping(mcp_client *client) {
    static char message[2200];
    mcp_error *error = NULL;
    CHECK(mcp_ping(client, NULL, &error) != MCP_OK);
    snprintf(message, sizeof message, "%s", mcp_error_message(error));
    mcp_error_free(error);
    return message;
}

static void clients_have_the_name_of_their_host_or_program(void) {
    const char *const command[] = {"/nowhere/libmcp", "--option", NULL};
    mcp_client *client = mcp_client_new("http://127.0.0.1:9/mcp", NULL);
    CHECK_TEXT("127.0.0.1", mcp_client_name(client));
    CHECK(begins_with(failed_ping(client), "ping http://127.0.0.1:9/mcp: "));
    mcp_client_free(client);
    client = mcp_client_new_stdio(command, NULL);
    CHECK_TEXT("/nowhere/libmcp", mcp_client_name(client));
    CHECK(begins_with(failed_ping(client), "ping /nowhere/libmcp: "));
    mcp_client_free(client);
    CHECK_TEXT("", mcp_client_name(NULL));
}

static void names_are_in_errors_and_log_messages(void) {
    mcp_client *client = client_for("dual");
    mcp_client *dead = mcp_client_new("http://127.0.0.1:9/mcp", NULL);
    mcp_error *error = NULL;
    const char *first, *second;

    EXPECT(MCP_OK, error, mcp_set_log(client, record_line, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_name(client, "memory", &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    CHECK_SAYS(begins_with(last_line, "memory: "), "log: %s", last_line);
    dispose(client);

    EXPECT(MCP_OK, error, mcp_set_name(dead, "first", &error));
    first = mcp_client_name(dead);
    CHECK(begins_with(failed_ping(dead), "ping first (http://127.0.0.1:9/mcp): "));
    EXPECT(MCP_OK, error, mcp_set_name(dead, "z\xc3\xbcrich", &error));
    second = mcp_client_name(dead);
    CHECK(begins_with(failed_ping(dead), "ping z\xc3\xbcrich (http://127.0.0.1:9/mcp): "));
    EXPECT(MCP_OK, error, mcp_set_name(dead, "first", &error));
    CHECK(mcp_client_name(dead) == first);
    EXPECT(MCP_OK, error, mcp_set_name(dead, NULL, &error));
    CHECK_TEXT("127.0.0.1", mcp_client_name(dead));
    CHECK(begins_with(failed_ping(dead), "ping http://127.0.0.1:9/mcp: "));
    EXPECT(MCP_OK, error, mcp_set_name(dead, "second", &error));
    EXPECT(MCP_OK, error, mcp_set_name(dead, "", &error));
    CHECK_TEXT("127.0.0.1", mcp_client_name(dead));
    /* Earlier names stay valid. */
    CHECK_TEXT("first", first);
    CHECK_TEXT("z\xc3\xbcrich", second);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_name(dead, "\xff", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_name(NULL, "name", &error));
    CHECK_TEXT("127.0.0.1", mcp_client_name(dead));
    mcp_client_free(dead);
}

/* Creates a client for `name`; `length` is that of the text. It must fail with a message that contains `why`, unless
 * that is NULL. */
static mcp_client *from_text(const char *text, size_t length, const char *name, const char *why) {
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new_from_config_text(text, length, name, &error);
    if (why == NULL) {
        CHECK_SAYS(client != NULL, "%s", mcp_error_message(error));
    } else {
        CHECK(client == NULL);
        CHECK_INT(MCP_CONFIG_INVALID, mcp_error_status(error));
        CHECK_SAYS(begins_with(mcp_error_message(error), "the configuration: ") &&
                       strstr(mcp_error_message(error), why) != NULL,
                   "%s is not in: %s", why, mcp_error_message(error));
    }
    mcp_error_free(error);
    return client;
}

static void clients_are_created_from_text(void) {
    mcp_client *client = from_text(CONFIGURATION "rubbish", sizeof CONFIGURATION - 1, "files", NULL);
    CHECK_TEXT("files", mcp_client_name(client));
    CHECK(begins_with(failed_ping(client), "ping files (http://127.0.0.1:9/mcp): "));
    mcp_client_free(client);
    CHECK(from_text(CONFIGURATION, MCP_NUL_TERMINATED, "off", "mcpServers.off") == NULL);
    CHECK(from_text(CONFIGURATION, MCP_NUL_TERMINATED, "none", "it has no server \"none\"; it has files, tools, off") ==
          NULL);
    CHECK(from_text(CONFIGURATION, MCP_NUL_TERMINATED, NULL, "pass the name of a server") == NULL);
    CHECK(from_text(CONFIGURATION, MCP_NUL_TERMINATED, "tools", "mcpServers.tools.envFile: nowhere.env") == NULL);
    CHECK(from_text("[]", MCP_NUL_TERMINATED, NULL, "it is not a JSON object") == NULL);
    CHECK(from_text("{", MCP_NUL_TERMINATED, NULL, "it is not valid JSON") == NULL);
    CHECK(from_text("", 0, NULL, "it is not valid JSON") == NULL);
}

static void servers_of_a_text_are_listed(void) {
    mcp_error *error = NULL;
    mcp_json *names = NULL;
    size_t length;
    const char *raw;
    EXPECT(MCP_OK, error, mcp_config_names_text(CONFIGURATION, MCP_NUL_TERMINATED, &names, &error));
    raw = mcp_json_raw(names, &length);
    CHECK(raw != NULL && begins_with(raw, "[\"files\",\"tools\",\"off\"]"));
    mcp_json_free(names);
    EXPECT(MCP_CONFIG_INVALID, error, mcp_config_names_text("{}", MCP_NUL_TERMINATED, &names, &error));
    CHECK(names == NULL);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_config_names_text(NULL, MCP_NUL_TERMINATED, &names, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_config_names_text("{}", MCP_NUL_TERMINATED, NULL, &error));
    CHECK(mcp_client_new_from_config_text(NULL, 0, NULL, NULL) == NULL);
}

/* A process that ignores SIGTERM and the end of its stdin. */
static void stop_timeouts_limit_the_end_of_a_process(void) {
    const char *const command[] = {"/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done", NULL};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    mcp_client *http = client_for("dual");
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    struct delays before;
    double start, took;

    EXPECT(MCP_OK, error, mcp_options_set_timeout(options, 300, &error));
    EXPECT(MCP_OK, error, mcp_set_stop_timeout(client, 100, 150, &error));
    EXPECT(MCP_TIMEOUT, error, mcp_ping(client, options, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_stop_timeout(client, 0, 0, &error));
    note_delays(&before);
    start = now_ms();
    mcp_client_free(client);
    took = now_ms() - start;
    CHECK_SAYS(took > 240 && took < 250 + allowed_ms(2000, &before), "%.0f ms", took);

    EXPECT(MCP_MISUSE, error, mcp_set_stop_timeout(http, 100, 100, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_stop_timeout(NULL, 100, 100, &error));
    mcp_options_free(options);
    dispose(http);
}

int main(void) {
    clients_have_the_name_of_their_host_or_program();
    names_are_in_errors_and_log_messages();
    clients_are_created_from_text();
    servers_of_a_text_are_listed();
    stop_timeouts_limit_the_end_of_a_process();
    return check_end();
}
