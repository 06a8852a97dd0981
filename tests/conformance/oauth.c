/*
 * oauth: the authorization scenarios. The suite checks the requests to the MCP server and to the authorization server;
 * in scenarios where one of them breaks a rule, the call must fail.
 */
#include "client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The user's part -------------------------------------------------------------------------------------------- */

static void log_in(void *unused, mcp_oauth_request *request) {
    (void)unused;
    char *redirect = redirect_of(mcp_oauth_request_url(request));
    printf("redirect: %s\n", redirect);
    must(mcp_oauth_request_finish(request, redirect, &last_error), "finish");
    free(redirect);
}

/* --- Configurations --------------------------------------------------------------------------------------------- */

static const char *parameter(const mcp_json *context, const char *name) {
    const char *text = mcp_json_string(mcp_json_member(context, name));
    if (!text)
        stop(name, "MCP_CONFORMANCE_CONTEXT does not have this parameter");
    return text;
}

static void metadata_document(mcp_oauth *oauth, const mcp_json *unused) {
    (void)unused;
    must(mcp_oauth_set_client_url(oauth, "https://conformance-test.local/client-metadata.json", &last_error),
         "client url");
}

static void registered_client(mcp_oauth *oauth, const mcp_json *context) {
    must(mcp_oauth_set_client(oauth, parameter(context, "issuer"), parameter(context, "client_id"),
                              parameter(context, "client_secret"), &last_error),
         "client");
}

static void client_secret(mcp_oauth *oauth, const mcp_json *context) {
    must(mcp_oauth_set_grant(oauth, MCP_OAUTH_CLIENT_CREDENTIALS, &last_error), "grant");
    must(mcp_oauth_set_client(oauth, NULL, parameter(context, "client_id"), parameter(context, "client_secret"),
                              &last_error),
         "client");
}

static void client_key(mcp_oauth *oauth, const mcp_json *context) {
    must(mcp_oauth_set_grant(oauth, MCP_OAUTH_CLIENT_CREDENTIALS, &last_error), "grant");
    must(mcp_oauth_set_client_key(oauth, NULL, parameter(context, "client_id"), parameter(context, "private_key_pem"),
                                  NULL, &last_error),
         "client key");
}

static void assert_with(void *token, mcp_oauth_assertion *assertion) {
    must(mcp_oauth_assertion_set(assertion, token, &last_error), "assertion");
}

static void use_assertion(mcp_oauth *oauth, const char *token) {
    must(mcp_oauth_set_grant(oauth, MCP_OAUTH_ASSERTION, &last_error), "grant");
    must(mcp_oauth_set_assertion(oauth, assert_with, (void *)token, NULL, &last_error), "assertion");
}

static void workload_identity(mcp_oauth *oauth, const mcp_json *context) {
    use_assertion(oauth, parameter(context, "valid_jwt"));
    must(mcp_oauth_set_client(oauth, NULL, parameter(context, "client_id"), NULL, &last_error), "client");
}

static void enterprise_identity(mcp_oauth *oauth, const mcp_json *context) {
    use_assertion(oauth, parameter(context, "idp_id_token"));
    must(mcp_oauth_set_identity(oauth, parameter(context, "idp_token_endpoint"), parameter(context, "idp_client_id"),
                                NULL, &last_error),
         "identity provider");
    must(mcp_oauth_set_client(oauth, NULL, parameter(context, "client_id"), parameter(context, "client_secret"),
                              &last_error),
         "client");
}

/* --- Scenarios -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    /* Sets what the scenario requires beyond the callback for the login; may be NULL. */
    void (*configure)(mcp_oauth *oauth, const mcp_json *context);
    /* The status of the calls: of the first that fails. */
    mcp_status expected;
} scenarios[] = {
    {"auth/metadata-default", NULL, MCP_OK},
    {"auth/metadata-var1", NULL, MCP_OK},
    {"auth/metadata-var2", NULL, MCP_OK},
    {"auth/metadata-var3", NULL, MCP_OK},
    {"auth/metadata-issuer-mismatch", NULL, MCP_OAUTH_FAILED},
    {"auth/resource-mismatch", NULL, MCP_OAUTH_FAILED},
    {"auth/2025-03-26-oauth-metadata-backcompat", NULL, MCP_OK},
    {"auth/2025-03-26-oauth-endpoint-fallback", NULL, MCP_OK},
    {"auth/authorization-server-migration", NULL, MCP_OK},
    {"auth/basic-cimd", metadata_document, MCP_OK},
    {"auth/pre-registration", registered_client, MCP_OK},
    {"auth/token-endpoint-auth-basic", NULL, MCP_OK},
    {"auth/token-endpoint-auth-post", NULL, MCP_OK},
    {"auth/token-endpoint-auth-none", NULL, MCP_OK},
    {"auth/scope-from-www-authenticate", NULL, MCP_OK},
    {"auth/scope-from-scopes-supported", NULL, MCP_OK},
    {"auth/scope-omitted-when-undefined", NULL, MCP_OK},
    {"auth/scope-step-up", NULL, MCP_OK},
    {"auth/scope-retry-limit", NULL, MCP_FORBIDDEN},
    {"auth/offline-access-scope", NULL, MCP_OK},
    {"auth/offline-access-not-supported", NULL, MCP_OK},
    {"auth/iss-supported", NULL, MCP_OK},
    {"auth/iss-not-advertised", NULL, MCP_OK},
    {"auth/iss-supported-missing", NULL, MCP_OAUTH_FAILED},
    {"auth/iss-wrong-issuer", NULL, MCP_OAUTH_FAILED},
    {"auth/iss-unexpected", NULL, MCP_OAUTH_FAILED},
    {"auth/iss-normalized", NULL, MCP_OAUTH_FAILED},
    {"auth/client-credentials-jwt", client_key, MCP_OK},
    {"auth/client-credentials-basic", client_secret, MCP_OK},
    {"auth/wif-jwt-bearer", workload_identity, MCP_OK},
    {"auth/enterprise-managed-authorization", enterprise_identity, MCP_OK},
};

/* Makes several calls, because some scenarios require another permission for a tool call, or replace the authorization
   server after the first request. Returns the status of the first call that fails. */
static mcp_status use_server(mcp_client *client) {
    mcp_json *tools = NULL, *result = NULL;
    mcp_status status = mcp_connect(client, NULL, &last_error);
    if (status == MCP_OK)
        status = mcp_list_tools(client, NULL, &tools, &last_error);
    if (status == MCP_OK)
        status = mcp_call_tool(client, "test-tool", NULL, 0, NULL, &result, &last_error);
    mcp_json_free(tools);
    mcp_json_free(result);
    return status;
}

bool run_oauth_scenario(const char *name, mcp_client *client) {
    size_t i = 0;
    while (strcmp(scenarios[i].name, name) != 0)
        if (++i == sizeof scenarios / sizeof *scenarios)
            return false;
    mcp_json *context = scenario_context();
    mcp_oauth *oauth = mcp_oauth_new();
    must(mcp_oauth_set_open(oauth, log_in, NULL, NULL, &last_error), "open callback");
    if (scenarios[i].configure)
        scenarios[i].configure(oauth, context);
    must(mcp_set_oauth(client, oauth, &last_error), "oauth");
    mcp_oauth_free(oauth);
    mcp_status status = use_server(client);
    printf("calls: %s: %s\n", mcp_status_name(status), status == MCP_OK ? "" : mcp_error_message(last_error));
    if (status != scenarios[i].expected)
        stop("expected", mcp_status_name(scenarios[i].expected));
    mcp_error_free(last_error);
    mcp_json_free(context);
    return true;
}
