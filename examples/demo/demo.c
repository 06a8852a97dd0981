/*
 * The demo: starts one scripted MCP server, runs examples/ping against it several times, and prints the output.
 *
 *     mcp-demo MCP-TEST-SERVER PING
 *
 * Each run has an expected result. The demo exits with 0 only if all runs have it. This file does not use libmcp
 * (ping.c does): it only starts programs and prints their output.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODERN "modern"
#define LEGACY "legacy"
#define TOKEN_VARIABLE "MCP_BEARER_TOKEN"

struct run {
    const char *title;
    const char *era;      /* selects the server's behavior by the path of the URL */
    const char *argument; /* an option of ping, TOKEN_VARIABLE for an environment variable, or NULL */
    const char *value;    /* its value */
    int exit_code;        /* the expected exit code of ping */
    const char *words[3]; /* the output must contain these */
};

static const struct run runs[] = {
    {"No token: 401, and the server's challenge", MODERN, NULL, NULL, 2, {"MCP_UNAUTHORIZED", "challenge"}},
    {"A wrong token", MODERN, "--bearer", "not-the-token", 2, {"MCP_UNAUTHORIZED", "HTTP 401"}},
    {"A token with the prefix \"Bearer\": nothing is sent",
     MODERN,
     "--bearer",
     "Bearer demo-token",
     1,
     {"MCP_INVALID_ARGUMENT"}},
    {"The right token", MODERN, "--bearer", "demo-token", 0, {"alive", "(modern)"}},
    {"An API key in a header instead", MODERN, "--header", "X-API-Key: demo-key", 0, {"alive", "(modern)"}},
    {"A legacy server: no token", LEGACY, NULL, NULL, 2, {"MCP_UNAUTHORIZED", "challenge"}},
    {"The right token, from the environment", LEGACY, TOKEN_VARIABLE, "demo-token", 0, {"alive", "(legacy)"}},
    {"The API key on the legacy server", LEGACY, "--header", "X-API-Key: demo-key", 0, {"alive", "(legacy)"}},
};

struct child {
    pid_t pid;
    int in;    /* its stdin; -1 when closed */
    FILE *out; /* its stdout, and its stderr if requested */
};

/* Starts a program with pipes to it. Exits if that fails. */
static struct child start(char *const argv[], bool with_stderr) {
    struct child child;
    int in[2], out[2];

    if (pipe(in) != 0 || pipe(out) != 0) {
        perror("pipe");
        exit(1);
    }
    fflush(stdout);
    child.pid = fork();
    if (child.pid < 0) {
        perror("fork");
        exit(1);
    }
    if (child.pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        if (with_stderr) {
            dup2(out[1], STDERR_FILENO);
        }
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execv(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    child.in = in[1];
    child.out = fdopen(out[0], "r");
    if (child.out == NULL) {
        perror("fdopen");
        exit(1);
    }
    return child;
}

/* Closes the child's standard input, waits for the child, and returns its exit code, or -1. */
static int finish(struct child *child) {
    int status = 0;
    if (child->in >= 0) {
        close(child->in);
    }
    if (waitpid(child->pid, &status, 0) < 0) {
        return -1;
    }
    fclose(child->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Reads the server's output up to the line with its address, such as "http://127.0.0.1:12345". */
static bool read_address(FILE *from, char *address, size_t size) {
    char line[512];
    while (fgets(line, sizeof line, from) != NULL) {
        if (strncmp(line, "READY ", 6) == 0) {
            line[strcspn(line, "\r\n")] = '\0';
            if (strlen(line + 6) >= size) {
                return false;
            }
            strcpy(address, line + 6);
            return true;
        }
    }
    return false;
}

static bool is_variable(const struct run *run) {
    return run->argument != NULL && strcmp(run->argument, TOKEN_VARIABLE) == 0;
}

/* Prints the command as a user would type it, with the URL in a variable. */
static void print_command(const struct run *run, const char *variable) {
    printf("   $ ");
    if (is_variable(run)) {
        printf("%s=%s ", run->argument, run->value);
    }
    printf("ping $%s", variable);
    if (run->argument != NULL && !is_variable(run)) {
        printf(" %s '%s'", run->argument, run->value);
    }
    printf("\n");
}

/* Prints a line with the URL replaced by the variable, so that the line stays short. */
static void print_line(const char *line, const char *url, const char *variable) {
    const char *found = strstr(line, url);
    if (found != NULL) {
        printf("   %.*s$%s%s", (int)(found - line), line, variable, found + strlen(url));
    } else {
        printf("   %s", line);
    }
}

/* Runs ping once, and returns whether the result is as expected. `count` is the printed number of the run. */
static bool run_ping(const struct run *run, size_t count, const char *ping, const char *address) {
    char url[512], line[1024], output[8192] = "";
    char *argv[5];
    bool succeeded;
    int exit_code, n = 0;
    size_t i;
    struct child child;
    const char *variable = strcmp(run->era, MODERN) == 0 ? "MODERN" : "LEGACY";

    snprintf(url, sizeof url, "%s/s/%s+bearer=demo-token+api-key=demo-key/mcp", address, run->era);
    argv[n++] = (char *)ping;
    argv[n++] = url;
    if (is_variable(run)) {
        setenv(run->argument, run->value, 1);
    } else if (run->argument != NULL) {
        argv[n++] = (char *)run->argument;
        argv[n++] = (char *)run->value;
    }
    argv[n] = NULL;

    printf("\n%lu. %s\n\n", (unsigned long)count, run->title);
    print_command(run, variable);
    child = start(argv, true);
    unsetenv(TOKEN_VARIABLE);
    close(child.in);
    child.in = -1;
    while (fgets(line, sizeof line, child.out) != NULL) {
        print_line(line, url, variable);
        if (strlen(output) + strlen(line) < sizeof output) {
            strcat(output, line);
        }
    }
    exit_code = finish(&child);
    printf("   exit code %d\n", exit_code);

    succeeded = exit_code == run->exit_code;
    for (i = 0; i < sizeof run->words / sizeof run->words[0] && run->words[i] != NULL; i++) {
        if (strstr(output, run->words[i]) == NULL) {
            printf("   UNEXPECTED: the output does not contain \"%s\"\n", run->words[i]);
            succeeded = false;
        }
    }
    if (exit_code != run->exit_code) {
        printf("   UNEXPECTED: the exit code should be %d\n", run->exit_code);
    }
    /* A rejected token is still a secret. */
    if (run->exit_code != 0 && run->value != NULL && strstr(output, run->value) != NULL) {
        printf("   UNEXPECTED: the output contains the token\n");
        succeeded = false;
    }
    return succeeded;
}

int main(int argc, char **argv) {
    char address[256];
    char *server_argv[2];
    struct child server;
    size_t i, failed = 0;
    const size_t count = sizeof runs / sizeof runs[0];

    if (argc != 3) {
        fprintf(stderr, "usage: mcp-demo MCP-TEST-SERVER PING\n");
        return 1;
    }
    unsetenv(TOKEN_VARIABLE); /* ping would use the user's token */

    server_argv[0] = argv[1];
    server_argv[1] = NULL;
    server = start(server_argv, false);
    if (!read_address(server.out, address, sizeof address)) {
        fprintf(stderr, "the test server did not start\n");
        finish(&server);
        return 1;
    }

    printf("An MCP server runs on %s. The path of the URL selects its era:\n\n", address);
    printf("   MODERN=%s/s/modern+bearer=demo-token+api-key=demo-key/mcp\n", address);
    printf("   LEGACY=%s/s/legacy+bearer=demo-token+api-key=demo-key/mcp\n\n", address);
    printf("Both require a bearer token or an API key. `ping` is examples/ping.c, a C program linked to libmcp.\n");

    for (i = 0; i < count; i++) {
        failed += !run_ping(&runs[i], i + 1, argv[2], address);
    }

    finish(&server);
    if (failed > 0) {
        printf("\n%lu of %lu runs had an unexpected result.\n", (unsigned long)failed, (unsigned long)count);
        return 1;
    }
    printf("\nAll %lu runs had the expected result.\n", (unsigned long)count);
    return 0;
}
