/*
 * A connect to a port of which resets_come was told returns when the connection has been reset: as where the client's
 * thread is slower than the server. To be preloaded.
 */
#define _GNU_SOURCE
/* Its declaration has a parameter of a type that only glibc can spell. */
#define connect declared_connect
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#undef connect

enum { PATIENCE_MS = 10000 };

static atomic_bool marked[65536];

/* From now on, connections to the port will be reset, or not any more. */
void resets_come(int port, int come) {
    marked[port] = come != 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t size) {
    int (*next)(int, const struct sockaddr *, socklen_t);
    const struct sockaddr_in *end = (const struct sockaddr_in *)(const void *)address;
    int result, error;

    *(void **)&next = dlsym(RTLD_NEXT, "connect");
    result = next(fd, address, size);
    error = errno;
    if (size >= sizeof *end && end->sin_family == AF_INET && marked[ntohs(end->sin_port)]) {
        struct pollfd one = {fd, 0, 0};
        poll(&one, 1, PATIENCE_MS);
    }
    errno = error;
    return result;
}
