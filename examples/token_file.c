/*
 * token_file: pings an MCP server with a token from a file that another process rotates.
 *
 *     token_file URL FILE [--every MS] [--times N]
 *
 *     URL         the server, such as https://example.com/mcp
 *     FILE        holds the token and nothing else; a line break at its end is fine
 *     --every MS  milliseconds between two pings (default 1000)
 *     --times N   how many pings (default 1)
 *
 * Build it with `cc token_file.c $(pkg-config --cflags --libs mcp) -o token_file`.
 *
 * Whoever rotates the token writes it to another file and renames that over FILE, so that nobody reads half of one. The
 * file is read again when it looks different, and whenever the server refuses the token. The exit code is 0 when the
 * server answered every ping, 1 when a ping failed, 2 for a wrong command line.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep, st_mtim */

#include <mcp.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct token_file {
    const char *path;
    struct stat seen; /* the file that `token` was read from */
    bool is_read;
    char token[8192];
};

/* Whether the file looks as it did when it was read. */
static bool is_unchanged(const struct token_file *file) {
    struct stat now;
    return file->is_read && stat(file->path, &now) == 0 && now.st_dev == file->seen.st_dev &&
           now.st_ino == file->seen.st_ino && now.st_size == file->seen.st_size &&
           now.st_mtim.tv_sec == file->seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == file->seen.st_mtim.tv_nsec;
}

/* Reads the token; NULL, or what went wrong. */
static const char *read_token(struct token_file *file) {
    const char *problem = NULL;
    size_t length;
    FILE *stream = fopen(file->path, "r");

    file->is_read = false;
    if (stream == NULL) {
        return strerror(errno);
    }
    /* What it looked like before it was read: a change from now on is seen the next time. */
    if (fstat(fileno(stream), &file->seen) != 0) {
        problem = strerror(errno);
    }
    length = fread(file->token, 1, sizeof file->token, stream);
    if (problem == NULL && ferror(stream)) {
        problem = "it cannot be read";
    } else if (problem == NULL && length == sizeof file->token) {
        problem = "it is too long for a token";
    }
    fclose(stream);
    if (problem != NULL) {
        return problem;
    }

    while (length > 0 && strchr(" \t\r\n", file->token[length - 1]) != NULL) {
        length--;
    }
    file->token[length] = '\0';
    file->is_read = true;
    return NULL;
}

/* Called by the library before every request, and again when the server has refused the token: on one thread at a time,
 * so that `file` needs no lock. */
static void authorise(void *userdata, mcp_auth_request *request) {
    struct token_file *file = userdata;

    if (mcp_auth_request_attempt(request) > 1 || !is_unchanged(file)) {
        const char *problem = read_token(file);
        if (problem != NULL) {
            char reason[512];
            snprintf(reason, sizeof reason, "token file %.300s: %s", file->path, problem);
            mcp_auth_request_fail(request, reason, NULL);
            return;
        }
    }
    /* Its error needs no look: what cannot be a token ends the call, with a message that says why. */
    mcp_auth_request_set_bearer(request, file->token, NULL);
}

static bool parse_number(const char *text, long *value) {
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static void sleep_ms(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static int ping(mcp_client *client, long every, long times) {
    for (long number = 1; number <= times; number++) {
        mcp_error *error = NULL;
        if (mcp_ping(client, NULL, &error) != MCP_OK) {
            fprintf(stderr, "token_file: ping %ld: %s\n", number, mcp_error_message(error));
            mcp_error_free(error);
            return 1;
        }
        printf("ping %ld: the server answers\n", number);
        fflush(stdout); /* for whoever reads along */
        if (number < times) {
            sleep_ms(every);
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    long every = 1000, times = 1;
    bool is_usable = argc >= 3 && argc % 2 == 1;
    struct token_file *file;
    mcp_client *client;
    mcp_error *error = NULL;
    int exit_code = 1;

    for (int i = 3; is_usable && i < argc; i += 2) {
        long *value = strcmp(argv[i], "--every") == 0 ? &every : strcmp(argv[i], "--times") == 0 ? &times : NULL;
        is_usable = value != NULL && parse_number(argv[i + 1], value);
    }
    if (!is_usable) {
        fputs("usage: token_file URL FILE [--every MS] [--times N]\n", stderr);
        return 2;
    }

    file = calloc(1, sizeof *file);
    if (file == NULL) {
        perror("token_file");
        return 1;
    }
    file->path = argv[2];

    client = mcp_client_new(argv[1], &error);
    if (client == NULL) {
        free(file);
        /* From here on the file belongs to the library, which calls `free` on it; also when mcp_set_auth fails. */
    } else if (mcp_set_auth(client, authorise, file, free, &error) == MCP_OK) {
        exit_code = ping(client, every, times);
    }
    if (error != NULL) {
        fprintf(stderr, "token_file: %s\n", mcp_error_message(error));
        mcp_error_free(error);
    }
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    return exit_code;
}
