/* client.h: what the files of the conformance program share. */
#ifndef CLIENT_H
#define CLIENT_H

#include <mcp.h>

/* The error of the last function that failed. */
extern mcp_error *last_error;

/* Ends the program with an error. */
_Noreturn void stop(const char *what, const char *why);

/* Ends the program unless `status` is MCP_OK. */
void must(mcp_status status, const char *what);

/* Returns MCP_CONFORMANCE_CONTEXT, the scenario's parameters for the client; NULL if it has none. The caller frees the
   document. */
mcp_json *scenario_context(void);

/* oauth.c: runs the authorization scenario `name`. Returns false if there is no such scenario. */
bool run_oauth_scenario(const char *name, mcp_client *client);

/* authorize.c: sends a GET request to `url`, without following the redirect in the response. The caller frees the
   result, the redirect's URL. */
char *redirect_of(const char *url);

#endif
