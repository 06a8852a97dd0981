/* What the proxies of tests/proxies recorded, and clients whose errors and logs are checked for secrets. */
#ifndef PROXY_SUPPORT_H
#define PROXY_SUPPORT_H

#include <mcp.h>

#include <stdbool.h>
#include <stddef.h>

/* The bearer token of every client here. */
#define TOKEN "s3cr3t-token"

/* The value of an environment variable, which must be set. */
const char *required_env(const char *name);

/* "host:port" of a fake proxy, by its name, such as "SOCKS_CLOSE". */
const char *fake_proxy(const char *name);

/* The URL of a scenario of the test server over TLS; a static buffer. */
const char *tls_scenario(const char *options);

/* ":port" of a URL; a static buffer. */
const char *port_of(const char *url);

/*
 * Creates a client with a token that trusts the tests' certificate authority. `proxy` as in mcp_set_proxy. Its log
 * messages are checked for secrets.
 */
mcp_client *proxied_client(const char *url, const char *proxy);

/*
 * Pings through a proxied_client. The error must have the status, and contain `message_part` if that is not NULL.
 * Neither the error nor the log may contain a secret.
 */
void check_ping(mcp_status expected, const char *url, const char *proxy, const char *message_part);

/* Checks that the text contains neither the token nor a proxy password, plain or encoded. */
void check_no_secret(const char *text);

/* How often a text occurs in a file. */
size_t occurrences(const char *path, const char *text);

/* How often a text occurs in the data that clients sent to a fake proxy, on connections whose first line contains
 * `first`. */
size_t sent_to(const char *proxy, const char *first, const char *text);

/* How many requests a fake proxy received, and on how many connections. */
size_t requests_to(const char *proxy);
size_t connections_to(const char *proxy);

#endif
