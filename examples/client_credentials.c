/*
 * client_credentials: pings an MCP server, with tokens from an OAuth 2.0 client-credentials grant (RFC 6749, section
 * 4.4).
 *
 *     CLIENT_SECRET=... client_credentials URL TOKEN_URL CLIENT_ID [--scope SCOPE] [--every MS] [--times N]
 *
 *     URL            the MCP server, such as https://example.com/mcp
 *     TOKEN_URL      the token endpoint of the authorization server
 *     CLIENT_ID      the client identifier; the secret is in the environment, because other users can see command lines
 *     --scope SCOPE  the requested scope (default: chosen by the authorization server)
 *     --every MS     milliseconds between two pings (default 1000)
 *     --times N      number of pings (default 1)
 *
 * Build it with `cc client_credentials.c $(pkg-config --cflags --libs mcp libcurl) -o client_credentials`.
 *
 * A token is replaced after nine tenths of its lifetime, and when the server rejects it. Exit codes: 0 if every ping
 * succeeded, 1 if something failed, 2 for a wrong command line.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, nanosleep, strcasecmp */

#include <curl/curl.h>
#include <mcp.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct grant {
    const char *token_url, *id, *secret, *scope;
    mcp_json *response; /* the token response, which owns the token */
    double valid_until; /* on the clock of now_seconds */
    char body[65536];   /* the text of the response */
    size_t length;
};

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t append_body(char *data, size_t size, size_t count, void *userdata) {
    struct grant *grant = userdata;
    if (size * count > sizeof grant->body - grant->length) {
        return 0; /* too large for a token response: curl aborts the transfer */
    }
    memcpy(grant->body + grant->length, data, size * count);
    grant->length += size * count;
    return size * count;
}

static const char *token_of(const struct grant *grant) {
    return mcp_json_string(mcp_json_member(grant->response, "access_token"));
}

/* Requests a token. Returns the HTTP status, or 0 and sets the reason. */
static long request_token(struct grant *grant, char *reason, size_t size) {
    CURL *curl = curl_easy_init();
    /* Section 2.3.1 requires form encoding in the user name and the password too. */
    char *id = curl_easy_escape(curl, grant->id, 0), *secret = curl_easy_escape(curl, grant->secret, 0);
    char *scope = curl_easy_escape(curl, grant->scope, 0);
    char form[2048];
    long http_status = 0;
    CURLcode code = CURLE_OUT_OF_MEMORY;

    if (curl != NULL && id != NULL && secret != NULL && scope != NULL) {
        int length = snprintf(form, sizeof form, "grant_type=client_credentials%s%s", *scope ? "&scope=" : "", scope);
        curl_easy_setopt(curl, CURLOPT_URL, grant->token_url);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
        curl_easy_setopt(curl, CURLOPT_USERNAME, id);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, secret);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, grant);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* for programs with several threads */
        code = (size_t)length < sizeof form ? curl_easy_perform(curl) : CURLE_BAD_FUNCTION_ARGUMENT;
    }
    if (code == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    } else {
        snprintf(reason, size, "token endpoint: %s", curl_easy_strerror(code));
    }
    curl_free(scope);
    curl_free(secret);
    curl_free(id);
    curl_easy_cleanup(curl);
    return http_status;
}

/* Gets a new token. Returns false and sets the reason on failure. */
static bool renew(struct grant *grant, char *reason, size_t size) {
    double lifetime = 300; /* the default; if the token expires earlier, the MCP server rejects it */
    const char *type, *error;
    long http_status;

    mcp_json_free(grant->response);
    grant->response = NULL;
    grant->valid_until = 0;
    grant->length = 0;
    http_status = request_token(grant, reason, size);
    if (http_status == 0) {
        return false;
    }
    grant->response = mcp_json_parse(grant->body, grant->length, NULL); /* NULL has no members, so no check is needed */
    type = mcp_json_string(mcp_json_member(grant->response, "token_type"));
    if (http_status != 200 || token_of(grant) == NULL) {
        error = mcp_json_string(mcp_json_member(grant->response, "error")); /* section 5.2 */
        snprintf(reason, size, "token endpoint: HTTP %ld, %.200s", http_status, error != NULL ? error : "no token");
        return false;
    }
    if (type == NULL || strcasecmp(type, "Bearer") != 0) {
        snprintf(reason, size, "token endpoint: the token is not a bearer token");
        return false;
    }
    mcp_json_double(mcp_json_member(grant->response, "expires_in"), &lifetime, NULL);
    grant->valid_until = now_seconds() + 0.9 * lifetime;
    return true;
}

/* The library calls this before every request, and again if the server rejected the token; on one thread at a time, so
 * `grant` needs no lock. */
static void authorize(void *userdata, mcp_auth_request *request) {
    struct grant *grant = userdata;
    bool is_valid = token_of(grant) != NULL && now_seconds() < grant->valid_until;
    char reason[512] = "token endpoint: no HTTP response";

    if ((!is_valid || mcp_auth_request_attempt(request) > 1) && !renew(grant, reason, sizeof reason)) {
        mcp_auth_request_fail(request, reason, NULL);
        return;
    }
    /* No error check is needed: an invalid token ends the call, with a message that explains why. */
    mcp_auth_request_set_bearer(request, token_of(grant), NULL);
}

static int ping(mcp_client *client, long every, long times) {
    struct timespec pause = {every / 1000, every % 1000 * 1000000};
    mcp_error *error = NULL;

    for (long number = 1; number <= times; number++) {
        if (mcp_ping(client, NULL, &error) != MCP_OK) {
            fprintf(stderr, "client_credentials: ping %ld: %s\n", number, mcp_error_message(error));
            mcp_error_free(error);
            return 1;
        }
        printf("ping %ld: the server answers\n", number);
        fflush(stdout); /* stdout may be a pipe */
        if (number < times) {
            nanosleep(&pause, NULL);
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    struct grant *grant = calloc(1, sizeof *grant);
    long every = 1000, times = 1;
    bool is_usable = argc >= 4 && argc % 2 == 0;
    mcp_client *client;
    mcp_error *error = NULL;
    int exit_code = 1;

    if (grant == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(grant);
        fputs("client_credentials: out of memory\n", stderr);
        return 1;
    }
    grant->secret = getenv("CLIENT_SECRET");
    grant->scope = "";
    for (int i = 4; is_usable && i < argc; i += 2) {
        if (strcmp(argv[i], "--scope") == 0) {
            grant->scope = argv[i + 1];
        } else if (strcmp(argv[i], "--every") == 0) {
            is_usable = (every = atol(argv[i + 1])) > 0;
        } else {
            is_usable = strcmp(argv[i], "--times") == 0 && (times = atol(argv[i + 1])) > 0;
        }
    }
    if (!is_usable || grant->secret == NULL) {
        fputs("usage: CLIENT_SECRET=... client_credentials URL TOKEN_URL CLIENT_ID [--scope S] [--every MS] [--times "
              "N]\n",
              stderr);
        free(grant);
        return 2;
    }
    grant->token_url = argv[2];
    grant->id = argv[3];

    /* No destroy function: the grant outlives the client. */
    client = mcp_client_new(argv[1], &error);
    if (client != NULL && mcp_set_auth(client, authorize, grant, NULL, &error) == MCP_OK) {
        exit_code = ping(client, every, times);
    }
    if (error != NULL) {
        fprintf(stderr, "client_credentials: %s\n", mcp_error_message(error));
        mcp_error_free(error);
    }
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    mcp_json_free(grant->response);
    free(grant);
    curl_global_cleanup();
    return exit_code;
}
