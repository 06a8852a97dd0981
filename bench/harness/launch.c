/* Starts a program, waits for it, and ends as it did: launch PROGRAM ARGUMENTS...
 *
 * A line of JSON comes first: the time right before the start. It is not left to Python for two reasons: this is
 * quicker, and the kernel hands the peak memory of who starts a program down to it (ru_maxrss), so that the parent must
 * be smaller than everything that is measured. */
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: launch PROGRAM ARGUMENTS...\n");
        return 2;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("{\"started_ns\": %lld}\n", now.tv_sec * 1000000000LL + now.tv_nsec);
    fflush(stdout);

    pid_t pid;
    int failed = posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, environ);
    if (failed) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(failed));
        return 127;
    }
    int status;
    if (waitpid(pid, &status, 0) != pid) {
        perror("waitpid");
        return 126;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
