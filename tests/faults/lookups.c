/*
 * A preloaded getaddrinfo for names that end in ".lookup": set_lookup_result sets the result of each name, at any time.
 * Other names are passed to the next getaddrinfo: that of hostile/addresses.c, if it is preloaded after this one, or
 * libc's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { NAMES = 4096, STALLS = 1 };

struct name {
    char name[64];
    char instead[128];
    int failure;
};

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static struct name names[NAMES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* The entry of a name, or a free one; NULL if the table is full. */
static struct name *find(const char *name) {
    size_t i;
    for (i = 0; i < NAMES && names[i].name[0] != '\0'; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return &names[i];
        }
    }
    return i < NAMES ? &names[i] : NULL;
}

/*
 * Lookups of the name now fail with `failure` (an error number of netdb.h), do not return while it is STALLS, or give
 * the addresses of the name `instead` if it is 0. Returns 0 if the table is full.
 */
int set_lookup_result(const char *name, int failure, const char *instead) {
    struct name *entry;
    pthread_mutex_lock(&lock);
    entry = find(name);
    if (entry != NULL) {
        snprintf(entry->name, sizeof entry->name, "%s", name);
        snprintf(entry->instead, sizeof entry->instead, "%s", instead);
        entry->failure = failure;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return entry != NULL;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    lookup *next;
    struct name *entry;
    char instead[128];
    int failure;
    size_t length = node != NULL ? strlen(node) : 0;

    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    if (length < 7 || strcmp(node + length - 7, ".lookup") != 0) {
        return next(node, service, hints, result);
    }
    pthread_mutex_lock(&lock);
    while ((entry = find(node)) != NULL && entry->failure == STALLS) {
        pthread_cond_wait(&changed, &lock);
    }
    failure = entry != NULL && entry->name[0] != '\0' ? entry->failure : EAI_NONAME;
    snprintf(instead, sizeof instead, "%s", failure == 0 ? entry->instead : "");
    pthread_mutex_unlock(&lock);
    if (failure != 0) {
        errno = EMFILE; /* for EAI_SYSTEM */
        return failure;
    }
    return next(instead, service, hints, result);
}
