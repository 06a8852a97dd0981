/*
 * A preloaded connect: on a port marked with expect_reset, it returns only after the server has reset the connection.
 * This happens to a client whose thread is slower than the server.
 */
#define _GNU_SOURCE
/* glibc declares connect with a parameter of an internal type. */
#define connect declared_connect
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#undef connect

enum { MAX_WAIT_MS = 10000 };

static atomic_bool marked[65536];

/* Marks the port, or removes the mark. */
void expect_reset(int port, int expected) {
    marked[port] = expected != 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t size) {
    int (*next)(int, const struct sockaddr *, socklen_t);
    const struct sockaddr_in *peer = (const struct sockaddr_in *)(const void *)address;
    int result, error;

    *(void **)&next = dlsym(RTLD_NEXT, "connect");
    result = next(fd, address, size);
    error = errno;
    if (size >= sizeof *peer && peer->sin_family == AF_INET && marked[ntohs(peer->sin_port)]) {
        struct pollfd reset = {fd, 0, 0}; /* only errors are reported */
        poll(&reset, 1, MAX_WAIT_MS);
    }
    errno = error;
    return result;
}
