/* Starts a program, waits for it, and exits with its exit code: launch PROGRAM ARGUMENTS...
 *
 * First it prints a line of JSON with the time directly before the start. Python would be slower; also, a program
 * inherits the peak memory of its parent (ru_maxrss), so the parent must be smaller than all measured programs. */
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
