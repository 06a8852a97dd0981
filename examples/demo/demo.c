/*
 * The demo: one scripted MCP server, examples/ping in front of it, and a short story told by their output.
 *
 *     mcp-demo MCP-TEST-SERVER PING
 *
 * Every scene knows how it must end; the demo exits with 0 only if all of them ended so. This file shows nothing of
 * libmcp (look at ping.c for that): it starts programs and prints what they say.
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

struct scene {
    const char *title;
    const char *era;      /* which server: it chooses its behaviour by the path of the URL */
    const char *argument; /* an option for ping, TOKEN_VARIABLE for one in the environment, or NULL */
    const char *value;    /* its value */
    int exit_code;        /* of ping, see there */
    const char *says[3];  /* what the output must hold */
};

static const struct scene scenes[] = {
    {"No token: 401, and what the server wants", MODERN, NULL, NULL, 2, {"MCP_UNAUTHORIZED", "challenge"}},
    {"A wrong token", MODERN, "--bearer", "not-the-token", 2, {"MCP_UNAUTHORIZED", "HTTP 401"}},
    {"The prefix given too: nothing is sent", MODERN, "--bearer", "Bearer demo-token", 1, {"MCP_INVALID_ARGUMENT"}},
    {"The right token", MODERN, "--bearer", "demo-token", 0, {"alive", "(modern)"}},
    {"An API key in a header instead", MODERN, "--header", "X-API-Key: demo-key", 0, {"alive", "(modern)"}},
    {"A server of the legacy era: no token", LEGACY, NULL, NULL, 2, {"MCP_UNAUTHORIZED", "challenge"}},
    {"The right token, from the environment", LEGACY, TOKEN_VARIABLE, "demo-token", 0, {"alive", "(legacy)"}},
    {"And the API key there", LEGACY, "--header", "X-API-Key: demo-key", 0, {"alive", "(legacy)"}},
};

struct child {
    pid_t pid;
    int in;    /* we write, it reads; -1 when closed */
    FILE *out; /* it writes (stdout and stderr), we read */
};

/* Starts a program with pipes to it. Ends the demo when that cannot be done. */
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

/* Closes the child's standard input, waits for it, and gives its exit code, or -1. */
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

/* Reads the server's output until it says where it listens, such as "http://127.0.0.1:12345". */
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

static bool is_variable(const struct scene *scene) {
    return scene->argument != NULL && strcmp(scene->argument, TOKEN_VARIABLE) == 0;
}

/* The command as a person would type it, with the URL in a variable. */
static void print_command(const struct scene *scene, const char *variable) {
    printf("   $ ");
    if (is_variable(scene)) {
        printf("%s=%s ", scene->argument, scene->value);
    }
    printf("ping $%s", variable);
    if (scene->argument != NULL && !is_variable(scene)) {
        printf(" %s '%s'", scene->argument, scene->value);
    }
    printf("\n");
}

/* Prints a line with the name of the variable in the place of the URL, or it would be too long to read. */
static void print_line(const char *line, const char *url, const char *variable) {
    const char *found = strstr(line, url);
    if (found != NULL) {
        printf("   %.*s$%s%s", (int)(found - line), line, variable, found + strlen(url));
    } else {
        printf("   %s", line);
    }
}

/* Plays one scene; true when it ended as it must. `count` is its number on the screen. */
static bool play(const struct scene *scene, size_t count, const char *ping, const char *address) {
    char url[512], line[1024], output[8192] = "";
    char *argv[5];
    bool good;
    int exit_code, n = 0;
    size_t i;
    struct child child;
    const char *variable = strcmp(scene->era, MODERN) == 0 ? "MODERN" : "LEGACY";

    snprintf(url, sizeof url, "%s/s/%s+bearer=demo-token+api-key=demo-key/mcp", address, scene->era);
    argv[n++] = (char *)ping;
    argv[n++] = url;
    if (is_variable(scene)) {
        setenv(scene->argument, scene->value, 1);
    } else if (scene->argument != NULL) {
        argv[n++] = (char *)scene->argument;
        argv[n++] = (char *)scene->value;
    }
    argv[n] = NULL;

    printf("\n%lu. %s\n\n", (unsigned long)count, scene->title);
    print_command(scene, variable);
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

    good = exit_code == scene->exit_code;
    for (i = 0; i < sizeof scene->says / sizeof scene->says[0] && scene->says[i] != NULL; i++) {
        if (strstr(output, scene->says[i]) == NULL) {
            printf("   UNEXPECTED: nothing says \"%s\"\n", scene->says[i]);
            good = false;
        }
    }
    if (exit_code != scene->exit_code) {
        printf("   UNEXPECTED: the exit code should be %d\n", scene->exit_code);
    }
    /* A refused token is a secret still. */
    if (scene->exit_code != 0 && scene->value != NULL && strstr(output, scene->value) != NULL) {
        printf("   UNEXPECTED: the output repeats the token\n");
        good = false;
    }
    return good;
}

int main(int argc, char **argv) {
    char address[256];
    char *server_argv[2];
    struct child server;
    size_t i, failed = 0;
    const size_t count = sizeof scenes / sizeof scenes[0];

    if (argc != 3) {
        fprintf(stderr, "usage: mcp-demo MCP-TEST-SERVER PING\n");
        return 1;
    }
    unsetenv(TOKEN_VARIABLE); /* ping would take the user's own */

    server_argv[0] = argv[1];
    server_argv[1] = NULL;
    server = start(server_argv, false);
    if (!read_address(server.out, address, sizeof address)) {
        fprintf(stderr, "the test server did not start\n");
        finish(&server);
        return 1;
    }

    printf("An MCP server runs on %s. It has two faces, chosen by the path of the URL:\n\n", address);
    printf("   MODERN=%s/s/modern+bearer=demo-token+api-key=demo-key/mcp\n", address);
    printf("   LEGACY=%s/s/legacy+bearer=demo-token+api-key=demo-key/mcp\n\n", address);
    printf("Both want a bearer token or an API key. `ping` is examples/ping.c, a C program linked to libmcp.\n");

    for (i = 0; i < count; i++) {
        failed += !play(&scenes[i], i + 1, argv[2], address);
    }

    finish(&server);
    if (failed > 0) {
        printf("\n%lu of %lu scenes did not end as they should.\n", (unsigned long)failed, (unsigned long)count);
        return 1;
    }
    printf("\nAll %lu scenes ended as they should.\n", (unsigned long)count);
    return 0;
}
