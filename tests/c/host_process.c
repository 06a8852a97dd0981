/*
 * Effects on the host process: the library leaves signals, standard output, descriptors and threads unchanged, lets
 * child processes inherit no descriptor, and logs only to the client's log callback.
 */
#define _XOPEN_SOURCE 700

#include "check.h"
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t entries(const char *directory) {
    DIR *dir = opendir(directory);
    size_t count = 0;
    must(dir != NULL, directory);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

static int logged, destroyed;

static void count_log(void *userdata, int32_t level, const char *message) {
    CHECK(userdata == &logged);
    CHECK(level >= MCP_LOG_ERROR && level <= MCP_LOG_DEBUG);
    CHECK(message != NULL && message[0] != '\0');
    logged++;
}

static void count_destroy(void *userdata) {
    CHECK(userdata == &logged);
    destroyed++;
}

static void use_clients(void) {
    static const char *const servers[] = {"modern",          "legacy",         "legacy+stream",
                                          "dual+status=500", "dual+fault=eof", "dual+fault=not-json",
                                          "dual+bearer=x"};
    size_t i;
    for (i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        mcp_client *client = client_for(servers[i]);
        mcp_json *info = NULL;
        mcp_set_bearer(client, "a token", NULL);
        mcp_ping(client, NULL, NULL);
        mcp_server_info(client, NULL, &info, NULL);
        mcp_json_free(info);
        mcp_client_close(client, NULL, NULL);
        mcp_client_free(client);
    }
}

static void nothing_is_printed(void) {
    FILE *sink = tmpfile();
    struct stat written;
    int out = dup(1), err = dup(2);
    must(sink != NULL && out >= 0 && err >= 0, "redirecting stdout and stderr");
    fflush(NULL);
    dup2(fileno(sink), 1);
    dup2(fileno(sink), 2);
    use_clients();
    fflush(NULL);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    must(fstat(fileno(sink), &written) == 0, "fstat");
    CHECK_SAYS(written.st_size == 0, "%ld bytes were printed", (long)written.st_size);
    fclose(sink);
}

static void signals_descriptors_and_threads_are_unchanged(void) {
    struct sigaction before[32], after[32];
    sigset_t mask_before, mask_after;
    size_t descriptors, threads;
    int s;

    use_clients(); /* one-time initialization happens here */
    for (s = 1; s < 32; s++) {
        sigaction(s, NULL, &before[s]);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    descriptors = entries("/proc/self/fd");
    threads = entries("/proc/self/task");
    use_clients();
    for (s = 1; s < 32; s++) {
        sigaction(s, NULL, &after[s]);
        CHECK_SAYS(before[s].sa_handler == after[s].sa_handler, "signal %d", s);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    for (s = 1; s < 32; s++) {
        CHECK(sigismember(&mask_before, s) == sigismember(&mask_after, s));
    }
    CHECK_INT(descriptors, entries("/proc/self/fd"));
    CHECK_INT(threads, entries("/proc/self/task"));
    CHECK_INT(2 + 1, threads); /* ".", ".." and this thread: Streamable HTTP to an IP address starts none */
}

static void descriptors_are_close_on_exec(void) {
    bool known[256];
    mcp_client *client;
    int fd;
    for (fd = 0; fd < 256; fd++) {
        known[fd] = fcntl(fd, F_GETFD) >= 0;
    }
    client = client_for("legacy");
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    for (fd = 0; fd < 256; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (!known[fd] && flags >= 0) {
            CHECK_SAYS((flags & FD_CLOEXEC) != 0, "descriptor %d would be inherited", fd);
        }
    }
    dispose(client);
}

static void logs_go_to_the_clients_callback_only(void) {
    mcp_client *client = client_for("dual");
    mcp_client *other = client_for("dual");
    mcp_error *error = NULL;
    int so_far;

    EXPECT(MCP_OK, error, mcp_set_log(client, count_log, &logged, count_destroy, &error));
    CHECK_INT(MCP_OK, mcp_ping(other, NULL, NULL));
    CHECK_INT(0, logged); /* the other client has no log callback */
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    CHECK(logged > 0);

    EXPECT(MCP_OK, error, mcp_set_log(client, count_log, &logged, count_destroy, &error));
    CHECK_INT(1, destroyed); /* the first registration */
    EXPECT(MCP_OK, error, mcp_set_log(client, NULL, NULL, NULL, &error));
    CHECK_INT(2, destroyed);
    so_far = logged;
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    CHECK_INT(so_far, logged);

    EXPECT(MCP_OK, error, mcp_set_log(client, count_log, &logged, count_destroy, &error));
    dispose(client);
    CHECK_INT(3, destroyed); /* freeing the client ends the last registration */
    dispose(other);
}

int main(void) {
    nothing_is_printed();
    signals_descriptors_and_threads_are_unchanged();
    descriptors_are_close_on_exec();
    logs_go_to_the_clients_callback_only();
    return check_end();
}
