/*
 * A library for LD_PRELOAD with which servers of this machine have public and private addresses.
 *
 * getaddrinfo resolves names that end in ".test" to the addresses in their labels: "1-1-1-1.10-0-0-1.test" has 1.1.1.1
 * and 10.0.0.1. If a label is "then", the first lookup finds the addresses before it, and all later ones find those
 * after it; test_forget makes the next lookup of any such name a first one. connect records the address of each attempt
 * outside of 127.0.0.0/8, and connects to the same port of 127.0.0.1. test_connections returns the record, one address
 * in each line, and clears it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);
typedef int connect_function(int, const struct sockaddr *, socklen_t);

/* The declaration in sys/socket.h has another type: a transparent union of pointers. */
int test_connect(int fd, const struct sockaddr *to, socklen_t length) __asm__("connect");

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool is_looked_up;
static char connections[65536], returned[65536];

void test_forget(void) {
    pthread_mutex_lock(&mutex);
    is_looked_up = false;
    pthread_mutex_unlock(&mutex);
}

const char *test_connections(void) {
    pthread_mutex_lock(&mutex);
    memcpy(returned, connections, sizeof returned);
    connections[0] = '\0';
    pthread_mutex_unlock(&mutex);
    return returned;
}

static bool is_later_lookup(void) {
    bool value;
    pthread_mutex_lock(&mutex);
    value = is_looked_up;
    is_looked_up = true;
    pthread_mutex_unlock(&mutex);
    return value;
}

static void replace_all(char *text, char from, char to) {
    for (; *text != '\0'; text++) {
        if (*text == from) {
            *text = to;
        }
    }
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    lookup *real;
    char labels[256], address[256], *label, *rest;
    const char *end_of_name = node != NULL ? strrchr(node, '.') : NULL;
    struct addrinfo **end = result;
    bool has_then = node != NULL && strstr(node, ".then.") != NULL, is_after = false;
    bool wants_after = has_then && is_later_lookup();

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (end_of_name == NULL || strcmp(end_of_name, ".test") != 0) {
        return real(node, service, hints, result);
    }
    snprintf(labels, sizeof labels, "%.*s", (int)(end_of_name - node), node);
    *result = NULL;
    for (label = strtok_r(labels, ".", &rest); label != NULL; label = strtok_r(NULL, ".", &rest)) {
        int failed;
        if (strcmp(label, "then") == 0) {
            is_after = true;
            continue;
        }
        if (has_then && is_after != wants_after) {
            continue;
        }
        snprintf(address, sizeof address, "%s", label);
        replace_all(address, '-', '.');
        replace_all(address, '_', ':');
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

static void record(const char *address, int port) {
    size_t used;
    pthread_mutex_lock(&mutex);
    used = strlen(connections);
    snprintf(connections + used, sizeof connections - used, "%s %d\n", address, port);
    pthread_mutex_unlock(&mutex);
}

int test_connect(int fd, const struct sockaddr *to, socklen_t length) {
    connect_function *real;
    char text[INET6_ADDRSTRLEN];

    *(void **)&real = dlsym(RTLD_NEXT, "connect");
    if (to->sa_family == AF_INET) {
        struct sockaddr_in local;
        memcpy(&local, to, sizeof local);
        if (ntohl(local.sin_addr.s_addr) >> 24 != 127) {
            record(inet_ntop(AF_INET, &local.sin_addr, text, sizeof text), ntohs(local.sin_port));
            local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            return real(fd, (const struct sockaddr *)&local, sizeof local);
        }
    } else if (to->sa_family == AF_INET6) {
        struct sockaddr_in6 local;
        memcpy(&local, to, sizeof local);
        /* The socket is one of IPv6, which cannot connect to 127.0.0.1 unless mapped. */
        if (!IN6_IS_ADDR_LOOPBACK(&local.sin6_addr)) {
            record(inet_ntop(AF_INET6, &local.sin6_addr, text, sizeof text), ntohs(local.sin6_port));
            inet_pton(AF_INET6, "::ffff:127.0.0.1", &local.sin6_addr);
            return real(fd, (const struct sockaddr *)&local, sizeof local);
        }
    }
    return real(fd, to, length);
}
