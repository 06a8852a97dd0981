/*
 * login: logs in at the authorization server of an MCP server, and does what it is told.
 *
 *     login URL [NAME=VALUE...] STEP...
 *
 * It prints a line for each step: the step, the status, the authorization server's error code and the result, separated
 * by tabs; "-" stands for a code or a result that does not exist. The result is the error's message, the text of a
 * tool, or the state as JSON. The steps are
 *
 *     ping, login, logout, state
 *     call:TOOL    calls a tool without arguments
 *     pause        reads a line from stdin
 *
 * Settings:
 *
 *     open=browser          the command in BROWSER opens the URL
 *     open=callback         prints the line "open<TAB>URL"; the callback itself reads a line from stdin and finishes
 *     open=later            the same, but the callback returns at once, and another thread finishes
 *     folder=PATH           keeps the tokens there
 *     redirect=URI          the redirect URI
 *     scopes=SCOPES         the scopes to request
 *     grant=client_credentials
 *     issuer=URL            the issuer that the client of the next setting is for
 *     client=ID             a public client
 *     secret=ID:SECRET      a client with a secret
 *     key=ID:KEY_ID:FILE    a client with a private key in a PEM file
 *     client_url=URL        a client whose metadata is at this URL
 *     registration=off      does not register a client
 *     when=asked            logs in only in the step `login`
 *     login_ms=N            how long the person may take
 *     version=VERSION       the protocol version; otherwise it is negotiated
 *
 * The line on stdin that ends a login is the redirect URL, or "fail REASON".
 */
#define _POSIX_C_SOURCE 200809L
#include <mcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 8192, CALL_TIMEOUT_MS = 30000 };

static mcp_error *error;
static mcp_oauth *oauth;
static const char *issuer;
static const char *opening = "";
static int32_t when = MCP_OAUTH_WHEN_NEEDED;
static uint64_t login_ms = 30000;

static _Noreturn void stop(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

static void must(mcp_status status, const char *what) {
    if (status != MCP_OK)
        stop(what, mcp_error_message(error));
}

/* Reads a line without its end; returns false at the end of the input. */
static bool read_line(char *line, size_t size) {
    if (fgets(line, (int)size, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static bool starts(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Log messages go to stderr, where the test looks for secrets. */
static void logged(void *unused, int32_t level, const char *message) {
    (void)unused;
    fprintf(stderr, "log %d: %s\n", (int)level, message);
}

/* --- The login --------------------------------------------------------------------------------------------------- */

static const char FAIL[] = "fail ";

static void finish_in_callback(void *unused, mcp_oauth_request *request) {
    char line[LINE_SIZE];
    (void)unused;
    printf("open\t%s\n", mcp_oauth_request_url(request));
    fflush(stdout);
    if (!read_line(line, sizeof line))
        stop("open", "no redirect URL on stdin");
    if (starts(line, FAIL))
        must(mcp_oauth_request_fail(request, line + sizeof FAIL - 1, &error), "fail");
    else
        must(mcp_oauth_request_finish(request, line, &error), "finish");
}

/* Finishes the login with this URL, on another thread than that of the callback. */
static void *finish_later(void *url) {
    char line[LINE_SIZE];
    mcp_error *problem = NULL;
    mcp_status status = MCP_OK;
    if (!read_line(line, sizeof line))
        return NULL; /* the login is given up */
    if (starts(line, FAIL))
        status = mcp_oauth_fail(oauth, url, line + sizeof FAIL - 1, NULL, NULL, &problem);
    else
        status = mcp_oauth_finish(oauth, line, &problem);
    if (status != MCP_OK)
        stop("finish", mcp_error_message(problem));
    free(url);
    return NULL;
}

static void start_thread(void *unused, mcp_oauth_request *request) {
    pthread_t thread;
    char *url = strdup(mcp_oauth_request_url(request));
    (void)unused;
    printf("open\t%s\n", url);
    fflush(stdout);
    if (url == NULL || pthread_create(&thread, NULL, finish_later, url) != 0)
        stop("open", "no thread");
    pthread_detach(thread);
}

/* --- Settings ---------------------------------------------------------------------------------------------------- */

/* Cuts `text` at the next colon and returns what comes after it. */
static char *cut(char *text) {
    char *colon = strchr(text, ':');
    if (colon == NULL)
        stop(text, "a colon is missing");
    *colon = '\0';
    return colon + 1;
}

static void set_key(char *id) {
    char *key_id = cut(id), *path = cut(key_id), pem[4096];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        stop(path, "cannot be opened");
    pem[fread(pem, 1, sizeof pem - 1, file)] = '\0';
    fclose(file);
    must(mcp_oauth_set_client_key(oauth, issuer, id, pem, key_id, &error), "client key");
}

static bool is(const char *name, const char *expected) {
    return strcmp(name, expected) == 0;
}

static void set(mcp_client *client, const char *name, char *value) {
    if (is(name, "open")) {
        opening = value;
    } else if (is(name, "folder")) {
        must(mcp_oauth_use_folder(oauth, value, &error), name);
    } else if (is(name, "redirect")) {
        must(mcp_oauth_set_redirect(oauth, value, &error), name);
    } else if (is(name, "scopes")) {
        must(mcp_oauth_set_scopes(oauth, value, &error), name);
    } else if (is(name, "grant") && is(value, "client_credentials")) {
        must(mcp_oauth_set_grant(oauth, MCP_OAUTH_CLIENT_CREDENTIALS, &error), name);
    } else if (is(name, "issuer")) {
        issuer = value;
    } else if (is(name, "client")) {
        must(mcp_oauth_set_client(oauth, issuer, value, NULL, &error), name);
    } else if (is(name, "secret")) {
        char *secret = cut(value);
        must(mcp_oauth_set_client(oauth, issuer, value, secret, &error), name);
    } else if (is(name, "key")) {
        set_key(value);
    } else if (is(name, "client_url")) {
        must(mcp_oauth_set_client_url(oauth, value, &error), name);
    } else if (is(name, "registration") && is(value, "off")) {
        must(mcp_oauth_set_registration(oauth, false, NULL, 0, &error), name);
    } else if (is(name, "when") && is(value, "asked")) {
        when = MCP_OAUTH_WHEN_ASKED;
    } else if (is(name, "login_ms")) {
        login_ms = strtoull(value, NULL, 10);
    } else if (is(name, "version")) {
        must(mcp_set_protocol_version(client, value, &error), name);
    } else {
        stop(name, "unknown setting or value");
    }
}

static void set_opening(void) {
    if (is(opening, "browser"))
        must(mcp_oauth_use_browser(oauth, &error), "open");
    else if (is(opening, "callback"))
        must(mcp_oauth_set_open(oauth, finish_in_callback, NULL, NULL, &error), "open");
    else if (is(opening, "later"))
        must(mcp_oauth_set_open(oauth, start_thread, NULL, NULL, &error), "open");
    else if (!is(opening, ""))
        stop(opening, "unknown value of open");
}

/* --- Steps ------------------------------------------------------------------------------------------------------- */

static mcp_status call_tool(mcp_client *client, const char *tool, char **text) {
    mcp_json *result = NULL;
    mcp_status status = mcp_call_tool(client, tool, NULL, 0, NULL, &result, &error);
    if (status == MCP_OK) {
        if (mcp_tool_result_is_error(result))
            stop(tool, mcp_tool_result_text(result));
        *text = strdup(mcp_tool_result_text(result));
        mcp_json_free(result);
    }
    return status;
}

static mcp_status get_state(mcp_client *client, char **text) {
    mcp_json *state = NULL;
    mcp_status status = mcp_oauth_state(client, &state, &error);
    if (status == MCP_OK) {
        size_t length = 0;
        const char *json = mcp_json_raw(state, &length);
        *text = strndup(json, length);
        mcp_json_free(state);
    }
    return status;
}

static void pause_here(void) {
    char line[LINE_SIZE];
    printf("pause\n");
    fflush(stdout);
    if (!read_line(line, sizeof line))
        stop("pause", "no line on stdin");
}

static void run(mcp_client *client, const char *step) {
    static const char call[] = "call:";
    char *text = NULL;
    mcp_status status = MCP_OK;
    if (is(step, "pause")) {
        pause_here();
        return;
    }
    if (is(step, "ping"))
        status = mcp_ping(client, NULL, &error);
    else if (is(step, "login"))
        status = mcp_login(client, NULL, &error);
    else if (is(step, "logout"))
        status = mcp_logout(client, NULL, &error);
    else if (is(step, "state"))
        status = get_state(client, &text);
    else if (starts(step, call))
        status = call_tool(client, step + sizeof call - 1, &text);
    else
        stop(step, "unknown step");

    const char *code = status == MCP_OK ? NULL : mcp_error_oauth_code(error);
    const char *shown = status == MCP_OK ? text : mcp_error_message(error);
    printf("%s\t%s\t%s\t%s\n", step, mcp_status_name(status), code ? code : "-", shown ? shown : "-");
    fflush(stdout);
    free(text);
    mcp_error_free(error);
    error = NULL;
}

int main(int argc, char **argv) {
    if (argc < 3)
        stop("usage", "login URL [NAME=VALUE...] STEP...");
    mcp_client *client = mcp_client_new(argv[1], &error);
    if (client == NULL)
        stop(argv[1], mcp_error_message(error));
    oauth = mcp_oauth_new();
    if (oauth == NULL)
        stop("oauth", "no memory");
    must(mcp_set_log(client, logged, NULL, NULL, &error), "log");
    must(mcp_set_timeout(client, CALL_TIMEOUT_MS, &error), "timeout");

    int step = 2;
    for (; step < argc && strchr(argv[step], '=') != NULL; step++) {
        char *value = strchr(argv[step], '=');
        *value = '\0';
        set(client, argv[step], value + 1);
    }
    set_opening();
    must(mcp_oauth_set_login(oauth, when, login_ms, &error), "login");
    must(mcp_set_oauth(client, oauth, &error), "oauth");
    for (; step < argc; step++)
        run(client, argv[step]);

    mcp_client_free(client);
    mcp_oauth_free(oauth);
    return 0;
}
