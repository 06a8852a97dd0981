/*
 * ping: is this MCP server there, and does it answer me?
 *
 *     ping URL [--bearer TOKEN] [--header 'NAME: VALUE']... [--timeout MS] [--protocol-version V] [--verbose]
 *
 * Build it with `cc ping.c $(pkg-config --cflags --libs mcp) -o ping`.
 *
 * The exit code says what happened, so that scripts need not read the text:
 *
 *     0   the server answered
 *     1   the command line is wrong, or the library refused what was given on it
 *     2   the server refused the credentials (401, 403, or 407 from a proxy)
 *     3   the server could not be reached, or did not answer in time
 *     4   anything else
 *
 * It shows the usual life of a client: make it, set it up, call, look at the error if there is one, close, free.
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

enum { ANSWERED = 0, USAGE = 1, REFUSED = 2, UNREACHABLE = 3, OTHER = 4 };

static const char usage[] =
    "usage: ping URL [options]\n"
    "\n"
    "Asks the MCP server at URL for a sign of life, and says who answered and how long it took.\n"
    "\n"
    "  --bearer TOKEN            authorise with this token, given without the \"Bearer \" in front\n"
    "  --header 'NAME: VALUE'    send this header too, such as 'X-API-Key: ...'; may be repeated\n"
    "  --timeout MS              give up after so many milliseconds (default 10000; 0 means never)\n"
    "  --protocol-version V      speak this version of the protocol instead of asking the server\n"
    "  --verbose                 show what the library is doing, on standard error\n"
    "  --help                    show this\n"
    "\n"
    "The command line of a program is visible to every user of the machine. A token is better given in the\n"
    "environment variable MCP_BEARER_TOKEN; --bearer wins where both are given.\n"
    "\n"
    "Exit codes: 0 the server answered; 1 wrong usage; 2 it refused the credentials; 3 it could not be reached\n"
    "or did not answer in time; 4 anything else.\n";

/* Milliseconds on a clock that nobody sets. */
static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Called by the library for every line of its log. */
static void print_log(void *userdata, int32_t level, const char *message) {
    static const char *const names[] = {"log", "error", "warning", "info", "debug"};
    (void)userdata;
    fprintf(stderr, "[%s] %s\n", level >= MCP_LOG_ERROR && level <= MCP_LOG_DEBUG ? names[level] : names[0], message);
}

/* Prints what went wrong, frees it, and says with which code to exit. */
static int report(mcp_error *error) {
    int32_t status = mcp_error_status(error);
    int exit_code = OTHER;

    switch (status) {
    case MCP_INVALID_ARGUMENT:
        exit_code = USAGE;
        break;
    case MCP_UNAUTHORIZED:
    case MCP_FORBIDDEN:
    case MCP_PROXY_AUTH_REQUIRED:
        exit_code = REFUSED;
        break;
    case MCP_RESOLVE_FAILED:
    case MCP_CONNECT_FAILED:
    case MCP_TLS_FAILED:
    case MCP_DISCONNECTED:
    case MCP_TIMEOUT:
    case MCP_UNAVAILABLE:
        exit_code = UNREACHABLE;
        break;
    default: /* a newer library may know more of them: no list of statuses is ever complete */
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
    if (mcp_error_www_authenticate(error) != NULL) {
        printf("challenge  %s\n", mcp_error_www_authenticate(error));
    }
    if (mcp_error_retry_after_ms(error) >= 0) {
        printf("retry in   %.1f s\n", (double)mcp_error_retry_after_ms(error) / 1e3);
    }

    mcp_error_free(error);
    return exit_code;
}

/* The text at `pointer` in `json`, or "?" where there is none. */
static const char *text_at(const mcp_json *json, const char *pointer) {
    const char *text = mcp_json_string(mcp_json_at(json, pointer));
    return text != NULL ? text : "?";
}

/* Two pings: the first connects and agrees on a protocol version, the second travels on the connection that is there.
 */
static int ping(mcp_client *client, const char *url) {
    mcp_error *error = NULL;
    mcp_json *info = NULL;
    double start, first, again;

    start = now_ms();
    if (mcp_ping(client, NULL, &error) != MCP_OK) {
        return report(error);
    }
    first = now_ms() - start;

    start = now_ms();
    if (mcp_ping(client, NULL, &error) != MCP_OK) {
        return report(error);
    }
    again = now_ms() - start;

    /* Known since the first ping: this asks the server nothing. */
    if (mcp_server_info(client, NULL, &info, &error) != MCP_OK) {
        return report(error);
    }

    printf("alive      %s\n", url);
    printf("server     %s %s\n", text_at(info, "/serverInfo/name"), text_at(info, "/serverInfo/version"));
    printf("protocol   %s (%s)\n", text_at(info, "/protocolVersion"), text_at(info, "/era"));
    printf("first ping %8.2f ms, with connecting and finding out the version\n", first);
    printf("next ping  %8.2f ms\n", again);

    mcp_json_free(info); /* and with it every string that text_at has lent us */
    return ANSWERED;
}

/* Sets a header given as "NAME: VALUE"; main has seen to it that there is a colon. */
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
            return ANSWERED;
        }
        if (strcmp(option, "--verbose") == 0) {
            verbose = true;
            continue;
        }
        if (option[0] != '-') {
            if (url != NULL) {
                return wrong_usage("one URL at a time, please");
            }
            url = option;
            continue;
        }

        /* Every other option has a value. What was given is not repeated in a message: it may be a secret. */
        if (value == NULL) {
            return wrong_usage("an option is unknown, or its value is missing");
        }
        i++;
        if (strcmp(option, "--bearer") == 0) {
            bearer = value;
        } else if (strcmp(option, "--header") == 0) {
            if (strchr(value, ':') == NULL) {
                return wrong_usage("a header looks like 'NAME: VALUE'");
            }
            headers[header_count++] = value;
        } else if (strcmp(option, "--timeout") == 0) {
            if (!parse_milliseconds(value, &timeout_ms)) {
                return wrong_usage("--timeout wants a number of milliseconds");
            }
        } else if (strcmp(option, "--protocol-version") == 0) {
            protocol_version = value;
        } else {
            return wrong_usage("an option is unknown");
        }
    }
    if (url == NULL) {
        return wrong_usage("which server? Give its URL");
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

    /* Closing says goodbye to the server where the protocol has a word for it. How that ends changes nothing here. */
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    return exit_code;
}
