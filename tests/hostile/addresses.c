/*
 * A library for LD_PRELOAD whose getaddrinfo resolves test names to several addresses: "127-0-0-2.127-0-0-1.test" has
 * 127.0.0.2 and 127.0.0.1, in that order, and the label "v6" is ::1. Names that end in ".localhost" are resolved in the
 * same way, as a broken resolver might do. libc resolves all other names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static void label_to_address(char *address, size_t size, const char *label) {
    char *dash;
    snprintf(address, size, "%s", strcmp(label, "v6") == 0 ? "::1" : label);
    while ((dash = strchr(address, '-')) != NULL) {
        *dash = '.';
    }
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    lookup *real;
    char labels[256], address[256], *label, *rest;
    const char *end_of_name = node != NULL ? strrchr(node, '.') : NULL;
    struct addrinfo **end = result;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (end_of_name == NULL || (strcmp(end_of_name, ".test") != 0 && strcmp(end_of_name, ".localhost") != 0)) {
        return real(node, service, hints, result);
    }
    snprintf(labels, sizeof labels, "%.*s", (int)(end_of_name - node), node);
    *result = NULL;
    for (label = strtok_r(labels, ".", &rest); label != NULL; label = strtok_r(NULL, ".", &rest)) {
        int failed;
        label_to_address(address, sizeof address, label);
        failed = real(address, service, hints, end);
        if (failed != 0) {
            if (*result != NULL) {
                freeaddrinfo(*result);
            }
            return failed;
        }
        while (*end != NULL) {
            end = &(*end)->ai_next;
        }
    }
    return *result != NULL ? 0 : EAI_NONAME;
}
