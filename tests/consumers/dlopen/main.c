/*
 * An application that loads libmcp only when needed: it loads the library, pings the server at MCP_TEST_URL, and
 * unloads the library again. It does so several times, on the main thread and on other threads.
 *
 *     app [LIBRARY_PATH]
 */
#define _POSIX_C_SOURCE 200809L

#include <mcp.h>

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 4 };

/* The header provides the types; no function is linked. */
struct api {
    __typeof__(mcp_version) *version;
    __typeof__(mcp_client_new) *client_new;
    __typeof__(mcp_client_free) *client_free;
    __typeof__(mcp_ping) *ping;
    __typeof__(mcp_error_message) *error_message;
    __typeof__(mcp_error_free) *error_free;
};

/* The library that fits the header: until 1.0, a new minor version may break programs. */
#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number
#if MCP_VERSION_MAJOR == 0
static const char *library = "libmcp.so.0." TEXT(MCP_VERSION_MINOR);
#else
static const char *library = "libmcp.so." TEXT(MCP_VERSION_MAJOR);
#endif
static char url[1024];

static int resolve(void *handle, struct api *api) {
    const struct {
        const char *name;
        void *place;
    } wanted[] = {
        {"mcp_version", &api->version},
        {"mcp_client_new", &api->client_new},
        {"mcp_client_free", &api->client_free},
        {"mcp_ping", &api->ping},
        {"mcp_error_message", &api->error_message},
        {"mcp_error_free", &api->error_free},
    };
    size_t i;
    for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        void *symbol = dlsym(handle, wanted[i].name);
        if (symbol == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 0;
        }
        /* dlsym returns a data pointer, which ISO C cannot convert to a function pointer. */
        memcpy(wanted[i].place, &symbol, sizeof symbol);
    }
    return 1;
}

static int ping(const struct api *api) {
    mcp_error *error = NULL;
    mcp_client *client;
    int alive;

    if (strcmp(api->version(), MCP_VERSION) != 0) {
        fprintf(stderr, "compiled with libmcp %s, loaded %s\n", MCP_VERSION, api->version());
        return 0;
    }
    client = api->client_new(url, &error);
    alive = client != NULL && api->ping(client, NULL, &error) == MCP_OK;
    printf("libmcp %s: loaded, pinged %s: %s", api->version(), url, alive ? "alive" : api->error_message(error));
    api->error_free(error);
    api->client_free(client);
    return alive;
}

/* Returns NULL on success. */
static void *load_and_ping(void *unused) {
    static char failure;
    struct api api;
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    int alive;

    (void)unused;
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return &failure;
    }
    alive = resolve(handle, &api) && ping(&api);
    if (dlclose(handle) != 0) {
        fprintf(stderr, "%s\n", dlerror());
        return &failure;
    }
    return alive ? NULL : &failure;
}

static int load_and_ping_on_thread(void) {
    pthread_t thread;
    void *failure = NULL;
    if (pthread_create(&thread, NULL, load_and_ping, NULL) != 0 || pthread_join(thread, &failure) != 0) {
        fprintf(stderr, "cannot create or join a thread\n");
        return 0;
    }
    return failure == NULL;
}

static int is_loaded(void) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
    if (handle != NULL) {
        dlclose(handle);
    }
    return handle != NULL;
}

static int open_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (directory != NULL && readdir(directory) != NULL) {
        count++;
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return count;
}

int main(int argc, char **argv) {
    const char *server = getenv("MCP_TEST_URL");
    int before = open_descriptors();
    int round;

    if (argc > 1) {
        library = argv[1];
    }
    if (server == NULL || is_loaded()) {
        fprintf(stderr, "MCP_TEST_URL is not set, or libmcp was already loaded\n");
        return 1;
    }
    snprintf(url, sizeof url, "%s/mcp", server);
    for (round = 0; round < ROUNDS; round++) {
        if (!load_and_ping_on_thread()) {
            return 1;
        }
        printf(", closed: %s\n", is_loaded() ? "still loaded" : "unloaded");
    }
    for (round = 0; round < ROUNDS; round++) {
        if (load_and_ping(NULL) != NULL) {
            return 1;
        }
        printf(", closed: %s\n", is_loaded() ? "still loaded" : "unloaded");
    }
    printf("descriptors: %d before, %d after\n", before, open_descriptors());
    return open_descriptors() == before ? 0 : 1;
}
