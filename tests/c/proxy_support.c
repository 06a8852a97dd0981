#define _POSIX_C_SOURCE 200809L

#include "proxy_support.h"

#include "check.h"
#include "support.h"

const char *required_env(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(
            stderr,
            "%s is not set: run the program as `mcp-test-server --run fixture.py --run scripted.py --run PROGRAM`\n",
            name);
    }
    must(value != NULL, "reading an environment variable");
    return value;
}

const char *fake_proxy(const char *name) {
    char variable[64];
    snprintf(variable, sizeof variable, "MCP_TEST_SCRIPTED_PROXY_%s", name);
    return required_env(variable);
}

const char *tls_scenario(const char *options) {
    static char url[URL_SIZE];
    snprintf(url, sizeof url, "%s/s/%s/mcp", required_env("MCP_TEST_TLS_URL"), options);
    return url;
}

const char *port_of(const char *url) {
    static char port[16];
    const char *colon = strchr(strstr(url, "://") + 3, ':');
    must(colon != NULL, "the URL has a port");
    snprintf(port, sizeof port, "%.*s", (int)(1 + strspn(colon + 1, "0123456789")), colon);
    return port;
}

static void check_log_message(void *userdata, int32_t level, const char *message) {
    (void)userdata;
    (void)level;
    check_no_secret(message);
}

mcp_client *proxied_client(const char *url, const char *proxy) {
    mcp_client *client = client_at(url);
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_log(client, check_log_message, NULL, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
    EXPECT(MCP_OK, error, mcp_set_tls_ca_file(client, required_env("MCP_TEST_CA"), &error));
    EXPECT(MCP_OK, error, mcp_set_proxy(client, proxy, &error));
    return client;
}

void check_ping(mcp_status expected, const char *url, const char *proxy, const char *message_part) {
    mcp_client *client = proxied_client(url, proxy);
    mcp_error *error = NULL;
    mcp_status got = mcp_ping(client, NULL, &error);
    const char *message = mcp_error_message(error);

    CHECK_SAYS(got == expected, "got %s, expected %s: %s through %s: %s", mcp_status_name(got),
               mcp_status_name(expected), url, proxy != NULL ? proxy : "the environment's proxy", message);
    CHECK_SAYS(message_part == NULL || strstr(message, message_part) != NULL, "no \"%s\" in: %s", message_part,
               message);
    check_no_secret(message);
    mcp_error_free(error);
    dispose(client);
}

void check_no_secret(const char *text) {
    const char *secrets[] = {TOKEN, "wr0ng", required_env("MCP_TEST_PROXY_PASSWORD"),
                             strchr(required_env("MCP_TEST_PROXY_LOGIN"), ':') + 1,
                             required_env("MCP_TEST_PROXY_BASIC")};
    size_t i;
    for (i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        CHECK_SAYS(strstr(text, secrets[i]) == NULL, "%s is in: %s", secrets[i], text);
    }
}

/* The contents of a file and a NUL; NULL if there is no such file. Free it with free(). */
static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    size_t capacity = 1 << 16, count;
    char *text;
    if (file == NULL) {
        return NULL;
    }
    text = malloc(capacity);
    must(text != NULL, "memory");
    *size = 0;
    while ((count = fread(text + *size, 1, capacity - *size - 1, file)) > 0) {
        *size += count;
        if (capacity - *size < 2) {
            capacity *= 2;
            text = realloc(text, capacity);
            must(text != NULL, "memory");
        }
    }
    fclose(file);
    text[*size] = '\0';
    return text;
}

size_t occurrences(const char *path, const char *text) {
    size_t size = 0, length = strlen(text), count = 0, at;
    char *content = read_file(path, &size);
    must(content != NULL, path);
    for (at = 0; at + length <= size; at++) {
        count += memcmp(content + at, text, length) == 0;
    }
    free(content);
    return count;
}

/* Calls `callback` for each request to a fake proxy, with the request's connection and first line. */
static void for_each_request(const char *proxy, void (*callback)(void *, int64_t, const char *), void *userdata) {
    char path[URL_SIZE];
    size_t size = 0;
    char *content, *line, *rest;

    snprintf(path, sizeof path, "%s/requests.jsonl", required_env("MCP_TEST_SCRIPTED_PROXY_RECORD"));
    content = read_file(path, &size);
    must(content != NULL, path);
    for (line = strtok_r(content, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        mcp_json *request = mcp_json_parse(line, MCP_NUL_TERMINATED, NULL);
        const char *name = mcp_json_string(mcp_json_member(request, "proxy"));
        const char *first = mcp_json_string(mcp_json_member(request, "first"));
        int64_t connection = 0;
        must(name != NULL && first != NULL, "each line of the record names its proxy and first line");
        must(mcp_json_int64(mcp_json_member(request, "connection"), &connection, NULL) == MCP_OK,
             "each line of the record names its connection");
        if (strcmp(name, proxy) == 0) {
            callback(userdata, connection, first);
        }
        mcp_json_free(request);
    }
    free(content);
}

struct counts {
    const char *first;
    const char *text;
    int64_t last;
    size_t requests, connections, texts;
};

static void count(void *userdata, int64_t connection, const char *first) {
    struct counts *counts = userdata;
    counts->requests++;
    if (connection == counts->last) {
        return; /* count a connection once; its requests are adjacent, because tests use one at a time */
    }
    counts->last = connection;
    counts->connections++;
    if (counts->text != NULL && strstr(first, counts->first) != NULL) {
        char path[URL_SIZE];
        snprintf(path, sizeof path, "%s/%lld.bytes", required_env("MCP_TEST_SCRIPTED_PROXY_RECORD"),
                 (long long)connection);
        counts->texts += occurrences(path, counts->text);
    }
}

size_t sent_to(const char *proxy, const char *first, const char *text) {
    struct counts counts = {first, text, 0, 0, 0, 0};
    for_each_request(proxy, count, &counts);
    return counts.texts;
}

size_t requests_to(const char *proxy) {
    struct counts counts = {NULL, NULL, 0, 0, 0, 0};
    for_each_request(proxy, count, &counts);
    return counts.requests;
}

size_t connections_to(const char *proxy) {
    struct counts counts = {NULL, NULL, 0, 0, 0, 0};
    for_each_request(proxy, count, &counts);
    return counts.connections;
}
