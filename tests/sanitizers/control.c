/*
 * Deliberate bugs that the sanitizers must report: without this check, a sanitizer that reports nothing would pass all
 * tests.
 *
 *     control race | library-race | use-after-free | leak | library-leak | overflow
 */
#define _XOPEN_SOURCE 700

#include <mcp.h>

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int counter;

static void *count(void *argument) {
    (void)argument;
    counter++;
    return NULL;
}

/* mcp.h forbids changing options while another thread uses them. */
static void *set_timeout(void *options) {
    mcp_options_set_timeout(options, 1000, NULL);
    return NULL;
}

static void on_two_threads(void *(*run)(void *), void *argument) {
    pthread_t threads[2];
    int i;
    for (i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, run, argument);
    }
    for (i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* The invalid access is in the library, to an object of the library. */
static void use_after_free(void) {
    mcp_options *options = mcp_options_new();
    mcp_options_free(options);
    mcp_options_set_timeout(options, 1000, NULL);
}

int main(int argc, char **argv) {
    const char *bug = argc > 1 ? argv[1] : "";
    if (strcmp(bug, "race") == 0) {
        on_two_threads(count, NULL);
    } else if (strcmp(bug, "library-race") == 0) {
        mcp_options *options = mcp_options_new();
        on_two_threads(set_timeout, options);
        mcp_options_free(options);
    } else if (strcmp(bug, "use-after-free") == 0) {
        use_after_free();
    } else if (strcmp(bug, "leak") == 0) {
        printf("%d\n", malloc(100) != NULL);
    } else if (strcmp(bug, "library-leak") == 0) {
        printf("%d\n", mcp_client_new("http://127.0.0.1:9/", NULL) != NULL);
    } else if (strcmp(bug, "overflow") == 0) {
        printf("%d\n", INT_MAX + argc);
    } else {
        fprintf(stderr, "usage: control race | library-race | use-after-free | leak | library-leak | overflow\n");
        return 2;
    }
    return 0;
}
