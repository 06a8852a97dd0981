/*
 * ping: pings an MCP server and reports the result.
 *
 *     ping URL [--bearer TOKEN] [--header 'NAME: VALUE']... [--timeout MS] [--protocol-version V] [--verbose]
 *
 * Build it with `cc ping.c $(pkg-config --cflags --libs mcp) -o ping`.
 *
 * Exit codes, for scripts:
 *
 *     0   the server responded
 *     1   the command line is wrong, or the library rejected a value on it
 *     2   the server rejected the credentials (401, 403, or 407 from a proxy)
 *     3   the server could not be reached, or did not respond in time
 *     4   any other error
 *
 * It shows the typical life of a client: create, configure, call, report an error, close, free.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include <mcp.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RESPONDED = 0, USAGE = 1, REJECTED = 2, UNREACHABLE = 3, OTHER = 4 };

static const char usage[] =
    "usage: ping URL [options]\n"
    "\n"
    "Pings the MCP server at URL, and prints its name, its version and the response times.\n"
    "\n"
    "  --bearer TOKEN            send this bearer token, without the prefix \"Bearer \"\n"
    "  --header 'NAME: VALUE'    send this header, such as 'X-API-Key: ...'; may be repeated\n"
    "  --timeout MS              timeout in milliseconds (default 10000; 0 means none)\n"
    "  --protocol-version V      use this protocol version instead of negotiating one\n"
    "  --verbose                 print the log of the library to standard error\n"
    "  --help                    print this help\n"
    "\n"
    "Every user of the machine can see the command line of a program. Use the environment variable\n"
    "MCP_BEARER_TOKEN for a secret token; --bearer overrides it.\n"
    "\n"
    "Exit codes: 0 the server responded; 1 wrong usage; 2 it rejected the credentials; 3 it could not be reached\n"
    "or did not respond in time; 4 any other error.\n";

/* Milliseconds of the monotonic clock. */
static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The library calls this for each message of its log. */
static void print_log(void *userdata, int32_t level, const char *message) {
    (void)userdata;
    fprintf(stderr, "[%s] %s\n", mcp_log_level_name(level), message);
}

/* Prints an error, frees it, and returns the exit code for it. */
static int report(mcp_error *error) {
    mcp_status status = mcp_error_status(error);
    int exit_code = OTHER;

    switch (status) {
    case MCP_INVALID_ARGUMENT:
        exit_code = USAGE;
        break;
    case MCP_UNAUTHORIZED:
    case MCP_FORBIDDEN:
    case MCP_PROXY_AUTH_REQUIRED:
        exit_code = REJECTED;
        break;
    case MCP_RESOLVE_FAILED:
    case MCP_CONNECT_FAILED:
    case MCP_TLS_FAILED:
    case MCP_DISCONNECTED:
    case MCP_TIMEOUT:
    case MCP_UNAVAILABLE:
        exit_code = UNREACHABLE;
        break;
    default: /* required: a newer library may return other statuses */
        break;
    }

    printf("error      %s\n", mcp_error_message(error));
    printf("status     %s", mcp_status_name(status));
    if (mcp_error_http_status(error) != 0) {
        printf(", HTTP %d", (int)mcp_error_http_status(error));
    }
    if (mcp_error_has_rpc_code(error)) {
        printf(", JSON-RPC %lld", (long long)mcp_error_rpc_code(error));
    }
    printf("\n");
    if (mcp_error_challenge(error) != NULL) {
        printf("challenge  %s\n", mcp_error_challenge(error));
    }
    if (mcp_error_retry_after_ms(error) >= 0) {
        printf("retry in   %.1f s\n", (double)mcp_error_retry_after_ms(error) / 1e3);
    }

    mcp_error_free(error);
    return exit_code;
}

/* The text at `pointer` in `json`, or "?" if there is none. */
static const char *text_at(const mcp_json *json, const char *pointer) {
    const char *text = mcp_json_string(mcp_json_pointer(json, pointer));
    return text != NULL ? text : "?";
}

/* Sends two pings: the first connects and negotiates the protocol version, the second reuses the connection. */
static int ping(mcp_client *client, const char *url) {
    mcp_error *error = NULL;
    mcp_json *info = NULL;
    double start, first, second;

    start = now_ms();
    if (mcp_ping(client, NULL, &error) != MCP_OK) {
        return report(error);
    }
    first = now_ms() - start;

    start = now_ms();
    if (mcp_ping(client, NULL, &error) != MCP_OK) {
        return report(error);
    }
    second = now_ms() - start;

    /* Known since the first ping: this sends no request. */
    if (mcp_server_info(client, NULL, &info, &error) != MCP_OK) {
        return report(error);
    }

    printf("alive      %s\n", url);
    printf("server     %s %s\n", text_at(info, "/serverInfo/name"), text_at(info, "/serverInfo/version"));
    printf("protocol   %s (%s)\n", text_at(info, "/protocolVersion"), text_at(info, "/era"));
    printf("first ping %8.2f ms, including connection and version negotiation\n", first);
    printf("next ping  %8.2f ms\n", second);

    mcp_json_free(info); /* and the strings that text_at returned */
    return RESPONDED;
}

/* Sets a header given as "NAME: VALUE"; main has checked that there is a colon. */
static mcp_status set_header(mcp_client *client, const char *header, mcp_error **error) {
    size_t name_length = strcspn(header, ":");
    const char *value = header + name_length + 1;
    char *name = malloc(name_length + 1);
    mcp_status status;

    if (name == NULL) {
        perror("ping");
        exit(OTHER);
    }
    memcpy(name, header, name_length);
    name[name_length] = '\0';
    value += strspn(value, " \t");
    status = mcp_set_header(client, name, value, error); /* the library copies both */
    free(name);
    return status;
}

static bool parse_milliseconds(const char *text, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static int wrong_usage(const char *message) {
    fprintf(stderr, "ping: %s\n\n%s", message, usage);
    return USAGE;
}

int main(int argc, char **argv) {
    const char *url = NULL;
    const char *bearer = getenv("MCP_BEARER_TOKEN");
    const char *protocol_version = NULL;
    const char **headers = calloc((size_t)argc + 1, sizeof *headers);
    size_t header_count = 0, h;
    uint64_t timeout_ms = 10000;
    bool verbose = false;
    mcp_client *client;
    mcp_error *error = NULL;
    mcp_status status;
    int exit_code, i;

    if (headers == NULL) {
        perror("ping");
        return OTHER;
    }
    for (i = 1; i < argc; i++) {
        const char *option = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0) {
            fputs(usage, stdout);
            return RESPONDED;
        }
        if (strcmp(option, "--verbose") == 0) {
            verbose = true;
            continue;
        }
        if (option[0] != '-') {
            if (url != NULL) {
                return wrong_usage("more than one URL");
            }
            url = option;
            continue;
        }

        /* Every other option has a value. Messages do not repeat arguments, which may be secrets. */
        if (value == NULL) {
            return wrong_usage("unknown option, or missing value");
        }
        i++;
        if (strcmp(option, "--bearer") == 0) {
            bearer = value;
        } else if (strcmp(option, "--header") == 0) {
            if (strchr(value, ':') == NULL) {
                return wrong_usage("the format of a header is 'NAME: VALUE'");
            }
            headers[header_count++] = value;
        } else if (strcmp(option, "--timeout") == 0) {
            if (!parse_milliseconds(value, &timeout_ms)) {
                return wrong_usage("--timeout requires a number of milliseconds");
            }
        } else if (strcmp(option, "--protocol-version") == 0) {
            protocol_version = value;
        } else {
            return wrong_usage("unknown option");
        }
    }
    if (url == NULL) {
        return wrong_usage("the URL is missing");
    }

    client = mcp_client_new(url, &error);
    if (client == NULL) {
        free(headers);
        return report(error);
    }

    status = mcp_set_timeout(client, timeout_ms, &error);
    if (status == MCP_OK) {
        status = mcp_set_client_info(client, "libmcp-ping", mcp_version(), &error);
    }
    if (status == MCP_OK && verbose) {
        status = mcp_set_log(client, print_log, NULL, NULL, &error);
    }
    if (status == MCP_OK && bearer != NULL) {
        status = mcp_set_bearer(client, bearer, &error);
    }
    if (status == MCP_OK && protocol_version != NULL) {
        status = mcp_set_protocol_version(client, protocol_version, &error);
    }
    for (h = 0; h < header_count && status == MCP_OK; h++) {
        status = set_header(client, headers[h], &error);
    }
    free(headers);

    exit_code = status == MCP_OK ? ping(client, url) : report(error);

    /* Ends the session, if there is one. An error of closing does not change the exit code. */
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    return exit_code;
}
