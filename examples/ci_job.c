/*
 * ci_job: pings an MCP server from a CI job, which authenticates with the identity token of its runner (workload
 * identity; RFC 7523). No secret is stored anywhere.
 *
 *     ci_job URL ISSUER CLIENT_ID
 *
 *     URL        the MCP server, such as https://example.com/mcp
 *     ISSUER     the authorization server, such as https://auth.example, which trusts the runner's issuer
 *     CLIENT_ID  the identifier of the job there
 *
 * GitHub Actions sets ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN in a job with the permission
 * `id-token: write`. For another CI system, change request_identity.
 *
 * Build it with `cc ci_job.c $(pkg-config --cflags --libs mcp libcurl) -o ci_job`. Exit codes: 0 if the ping succeeded,
 * 1 if something failed, 2 for a wrong command line.
 */
#include <curl/curl.h>
#include <mcp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct response {
    char body[16384];
    size_t length;
};

static size_t append_body(char *data, size_t size, size_t count, void *userdata) {
    struct response *response = userdata;
    if (size * count > sizeof response->body - response->length)
        return 0; /* too large for a token: curl aborts the transfer */
    memcpy(response->body + response->length, data, size * count);
    response->length += size * count;
    return size * count;
}

/* Requests the runner's identity token for this audience. Returns NULL, or a description of the problem. */
static const char *request_identity(const char *audience, struct response *response) {
    const char *url = getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), *token = getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    char full_url[2048], header[4096];
    long http_status = 0;
    if (url == NULL || token == NULL)
        return "ACTIONS_ID_TOKEN_REQUEST_URL or ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set";
    CURL *curl = curl_easy_init();
    char *escaped = curl_easy_escape(curl, audience, 0);
    int url_length = snprintf(full_url, sizeof full_url, "%s&audience=%s", url, escaped != NULL ? escaped : "");
    int length = snprintf(header, sizeof header, "Authorization: Bearer %s", token);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (curl != NULL && escaped != NULL && headers != NULL && (size_t)url_length < sizeof full_url &&
        (size_t)length < sizeof header) {
        curl_easy_setopt(curl, CURLOPT_URL, full_url);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, response);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* for programs with several threads */
        code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    }
    curl_slist_free_all(headers);
    curl_free(escaped);
    curl_easy_cleanup(curl);
    return code != CURLE_OK      ? curl_easy_strerror(code)
           : http_status != 200L ? "the runner refused to give an identity token"
                                 : NULL;
}

/* The library calls this whenever it needs a token. */
static void identify(void *unused, mcp_oauth_assertion *assertion) {
    struct response response = {.length = 0};
    const char *problem = request_identity(mcp_oauth_assertion_audience(assertion), &response);
    mcp_json *document = problem == NULL ? mcp_json_parse(response.body, response.length, NULL) : NULL;
    const char *identity = mcp_json_string(mcp_json_member(document, "value")); /* NULL has no members */
    (void)unused;
    if (identity != NULL)
        mcp_oauth_assertion_set(assertion, identity, NULL);
    else
        mcp_oauth_assertion_fail(assertion, problem != NULL ? problem : "the runner gave no identity token", NULL);
    mcp_json_free(document);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs("usage: ci_job URL ISSUER CLIENT_ID\n", stderr);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(argv[1], &error);
    mcp_oauth *oauth = mcp_oauth_new();
    if (client != NULL && mcp_oauth_set_grant(oauth, MCP_OAUTH_ASSERTION, &error) == MCP_OK &&
        mcp_oauth_set_client(oauth, argv[2], argv[3], NULL, &error) == MCP_OK &&
        mcp_oauth_set_assertion(oauth, identify, NULL, NULL, &error) == MCP_OK &&
        mcp_set_oauth(client, oauth, &error) == MCP_OK && mcp_ping(client, NULL, &error) == MCP_OK)
        puts("the server answers");
    else
        fprintf(stderr, "ci_job: %s\n", mcp_error_message(error));
    int failed = error != NULL;
    mcp_error_free(error);
    mcp_oauth_free(oauth);
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    curl_global_cleanup();
    return failed;
}
