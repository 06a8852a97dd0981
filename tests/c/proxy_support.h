/* What the proxies of tests/proxies tell, and clients that may not give a password away. */
#ifndef PROXY_SUPPORT_H
#define PROXY_SUPPORT_H

#include <mcp.h>

#include <stdbool.h>
#include <stddef.h>

/* The bearer token of every client here. */
#define TOKEN "s3cr3t-token"

/* A variable of the environment, which must be there. */
const char *given(const char *name);

/* "host:port" of a toy proxy, such as "SOCKS_CLOSE". */
const char *toy(const char *name);

/* The URL of a scenario of the test server over TLS; a static buffer. */
const char *tls_scenario(const char *options);

/* ":port" of a URL that ends in it or goes on with a path; a static buffer. */
const char *port_of(const char *url);

/*
 * A client with a token, which trusts the tests' authority. `proxy` as in mcp_set_proxy. No line of its log may hold a
 * secret.
 */
mcp_client *proxied_client(const char *url, const char *proxy);

/*
 * A ping by such a client. The error must have the status, and `says` in its message if that is not NULL. Neither it
 * nor the log may hold a secret.
 */
void visit(mcp_status expected, const char *url, const char *proxy, const char *says);

/* Neither the token nor the password of the proxies is in it, in any form. */
void check_no_secret(const char *text);

/* How often a text stands in a file. */
size_t occurrences(const char *path, const char *text);

/* How often a text stands in what clients sent to a toy proxy, in all connections whose first line holds `first`. */
size_t sent_to(const char *proxy, const char *first, const char *text);

/* How many requests came to a toy proxy, and on how many connections. */
size_t requests_to(const char *proxy);
size_t connections_to(const char *proxy);

#endif
