/* Invalid texts are rejected: bad UTF-8, line breaks, headers reserved for the protocol, tokens and URLs. */
#include "check.h"
#include "support.h"

#include <ctype.h>

static void header_names_are_validated(mcp_client *client) {
    static const char *const bad[] = {
        "",         " ",        "X Name",  " X-Name", "X-Name ", "X-Name:", "X:Name",      "X-Name\r\nA",
        "X-Name\n", "X-Name\t", "X(Name)", "X\"Name", "X/Name",  "X-N\x7f", "X-N\xc3\xa4", "\xff\xfe",
        "X-\x01",   "X,Name",   "X{Name}", "X=Name",  "X@Name",  "[X]",     "X\\Name"};
    static const char *const reserved[] = {
        "Host",       "Content-Length",    "Content-Type",     "Accept",
        "Connection", "Transfer-Encoding", "Mcp-Session-Id",   "MCP-Protocol-Version",
        "Mcp-Method", "Mcp-Name",          "Mcp-Param-Region", "Last-Event-ID",
        "TE",         "Trailer",           "Upgrade",          "Keep-Alive",
        "Expect",     "Accept-Encoding",   "Content-Encoding"};
    static const char *const good[] = {"X-API-Key", "x", "Authorization", "User-Agent", "X_Under.Dot!#$%&'*+-^`|~9"};
    mcp_error *error = NULL;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_header(client, bad[i], "value", &error));
    }
    for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        char mixed_case[64];
        size_t c;
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_header(client, reserved[i], "value", &error));
        CHECK_SAYS(mcp_error_status(error) != MCP_INVALID_ARGUMENT ||
                       strstr(mcp_error_message(error), reserved[i]) != NULL,
                   "%s is not named in: %s", reserved[i], mcp_error_message(error));
        mcp_error_free(error);
        error = NULL;
        /* in any case */
        for (c = 0; reserved[i][c] != '\0'; c++) {
            mixed_case[c] =
                (char)(c % 2 ? toupper((unsigned char)reserved[i][c]) : tolower((unsigned char)reserved[i][c]));
        }
        mixed_case[c] = '\0';
        EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_header(client, mixed_case, "value", &error));
    }
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        EXPECT(MCP_OK, error, mcp_set_header(client, good[i], "value", &error));
        EXPECT(MCP_OK, error, mcp_set_header(client, good[i], NULL, &error));
    }
}

static void header_values_are_validated(mcp_client *client) {
    static const char *const bad[] = {"a\r\nInjected: b",   "a\nb",   "a\rb",  "\n",
                                      "bad \xff\xfe utf-8", "a\x01z", "a\x7fz"};
    static const char *const good[] = {"value", "a b", "a\tb", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"};
    mcp_error *error = NULL;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_header(client, "X-API-Key", bad[i], &error));
        CHECK(strstr(mcp_error_message(error), bad[i]) == NULL); /* values may be secrets */
        mcp_error_free(error);
        error = NULL;
    }
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", good[i], &error));
    }
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", NULL, &error));
}

static void tokens_are_validated(mcp_client *client) {
    static const char *const bad[] = {"",
                                      " ",
                                      "Bearer s3cr3t",
                                      "bearer s3cr3t",
                                      "BEARER  s3cr3t",
                                      "Bearer\ts3cr3t",
                                      " s3cr3t",
                                      "s3cr3t ",
                                      "s3cr 3t",
                                      "s3cr3t\n",
                                      "s3cr3t\r\nX-Evil: s3cr3t",
                                      "s3cr3t\t",
                                      "s3cr3t\x01",
                                      "s3cr3t\x7f",
                                      "s3cr3t\xc3\xa4",
                                      "s3cr3t\xff",
                                      "Bearer"};
    static const char *const good[] = {"s3cr3t", "a.b-c_d~e+f/g==", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "0"};
    mcp_error *error = NULL;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_bearer(client, bad[i], &error));
        CHECK_SAYS(strstr(mcp_error_message(error), "s3cr") == NULL, "the token is in: %s", mcp_error_message(error));
        mcp_error_free(error);
        error = NULL;
    }
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        EXPECT(MCP_OK, error, mcp_set_bearer(client, good[i], &error));
    }
    EXPECT(MCP_OK, error, mcp_set_bearer(client, NULL, &error));
}

static void urls_are_validated(void) {
    static const char *const bad[] = {"",
                                      " ",
                                      "mcp",
                                      "/mcp",
                                      "//example.com/mcp",
                                      "example.com/mcp",
                                      "http:",
                                      "http:/",
                                      "http://",
                                      "http:///mcp",
                                      "https://:443/mcp",
                                      "http://?q",
                                      "httpfoo://example.com/mcp",
                                      "ftp://example.com/mcp",
                                      "file:///mcp",
                                      "ws://example.com/mcp",
                                      "http//example.com/mcp",
                                      "http://user:pa55@example.com/mcp",
                                      "http://pa55@example.com/mcp",
                                      "http://example.com:99999/mcp",
                                      "http://example.com:port/mcp",
                                      "http://exa mple.com/mcp",
                                      "http://example.com/m cp",
                                      "http://example.com/mcp\r\nHost: evil",
                                      "http://example.com/mcp\n",
                                      "http://example.com/\x01",
                                      "http://example.com/\xff",
                                      "http://[::1/mcp",
                                      " http://example.com/mcp"};
    static const char *const good[] = {"http://example.com",
                                       "http://example.com/",
                                       "https://example.com/mcp/",
                                       "HTTPS://Example.COM/mcp",
                                       "http://127.0.0.1:8000/mcp",
                                       "http://[::1]:8000/mcp",
                                       "http://localhost/sse?x=1&y=%20",
                                       "https://example.com:65535/a/b/c?d=e"};
    mcp_error *error = NULL;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mcp_client *client = mcp_client_new(bad[i], &error);
        CHECK_SAYS(client == NULL, "\"%s\" was accepted as a URL", bad[i]);
        CHECK_INT(MCP_INVALID_ARGUMENT, mcp_error_status(error));
        CHECK(strstr(mcp_error_message(error), "pa55") == NULL);
        mcp_error_free(error);
        error = NULL;
        mcp_client_free(client);
    }
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        mcp_client *client = mcp_client_new(good[i], &error);
        CHECK_SAYS(client != NULL, "%s: %s", good[i], mcp_error_message(error));
        CHECK(error == NULL);
        mcp_error_free(error);
        error = NULL;
        mcp_client_free(client);
    }
}

static void client_info_is_validated(mcp_client *client) {
    mcp_error *error = NULL;
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_client_info(client, "bad \xff", "1", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_client_info(client, "name", "\xc3", &error));
    EXPECT(MCP_OK, error, mcp_set_client_info(client, "n\xc3\xa4me \"quoted\"", "1.0", &error));
}

static void versions_are_validated(mcp_client *client) {
    static const char *const bad[] = {"", "1", "latest", "2025-11-25 ", "2025-11-25\r\nX: y", "\xff", "1999-01-01"};
    static const char *const good[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"};
    mcp_error *error = NULL;
    size_t i;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mcp_status status = mcp_set_protocol_version(client, bad[i], &error);
        CHECK_SAYS(status == MCP_INVALID_ARGUMENT || status == MCP_VERSION_UNSUPPORTED, "\"%s\": %s", bad[i],
                   mcp_status_name(status));
        mcp_error_free(error);
        error = NULL;
    }
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        EXPECT(MCP_OK, error, mcp_set_protocol_version(client, good[i], &error));
    }
    EXPECT(MCP_OK, error, mcp_set_protocol_version(client, NULL, &error));
}

int main(void) {
    mcp_client *client = client_for("dual+tag=text");
    mcp_error *error = NULL;
    mcp_json *log;
    char *text;

    header_names_are_validated(client);
    header_values_are_validated(client);
    tokens_are_validated(client);
    urls_are_validated();
    client_info_is_validated(client);
    versions_are_validated(client);

    /* After those rejections the client works, and sends none of the texts. */
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    log = server_log("text");
    CHECK(mcp_json_size(log) > 0);
    text = http_get("/_log/text");
    CHECK(strstr(text, "s3cr3t") == NULL);
    free(text);
    CHECK(header_of(mcp_json_first(log), "authorization") == NULL);
    CHECK(header_of(mcp_json_first(log), "x-api-key") == NULL);
    mcp_json_free(log);
    dispose(client);
    return check_end();
}
