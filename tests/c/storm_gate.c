#define _XOPEN_SOURCE 700

#include "storm_gate.h"

#include "support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILLERS = 8, QUEUE = 16, PAIRS = 16, CHUNK = 64 * 1024 };

/* What is polled: the bell, the listener, and both ends of each pair. */
enum { BELL, LISTENER, FIRST };

/* A connection of a client, and the one that was made to the server for it. */
struct pair {
    int ends[2];
};

struct gate {
    uint16_t port, server;
    int listener, fillers[FILLERS];
    size_t filled;
    /* Of the thread, while it is open; else of whoever holds the gate. */
    struct pair pairs[PAIRS];
    size_t count;
    pthread_t thread;
    bool is_open;
    int bell[2];
};

static struct sockaddr_in loopback(uint16_t port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

struct gate *gate_new(enum gate_kind kind, uint16_t server) {
    struct gate *gate = calloc(1, sizeof *gate);
    must(gate != NULL && pipe(gate->bell) == 0, "a gate");
    gate->server = server;
    gate->listener = listen_on(&gate->port, kind == GATE_FULL ? 0 : QUEUE);
    if (kind == GATE_FULL) {
        struct sockaddr_in address = loopback(gate->port);
        for (; gate->filled < FILLERS; gate->filled++) {
            int filler = socket(AF_INET, SOCK_STREAM, 0);
            must(filler >= 0, "socket");
            fcntl(filler, F_SETFL, O_NONBLOCK);
            connect(filler, (struct sockaddr *)&address, sizeof address);
            gate->fillers[gate->filled] = filler;
        }
    }
    return gate;
}

uint16_t gate_port(const struct gate *gate) {
    return gate->port;
}

void gate_await(const struct gate *gate) {
    struct pollfd listener = {gate->listener, POLLIN, 0};
    must(poll(&listener, 1, 10000) == 1, "somebody connects to the gate");
}

static void let_in(struct gate *gate) {
    struct sockaddr_in address = loopback(gate->server);
    struct pair *pair = &gate->pairs[gate->count];
    pair->ends[0] = accept(gate->listener, NULL, NULL);
    if (pair->ends[0] < 0) {
        return; /* it has left already */
    }
    pair->ends[1] = socket(AF_INET, SOCK_STREAM, 0);
    must(pair->ends[1] >= 0, "socket");
    must(connect(pair->ends[1], (struct sockaddr *)&address, sizeof address) == 0, "connect to the test server");
    gate->count++;
}

/* False when one end is gone. */
static bool pass_on(int from, int to) {
    static __thread char chunk[CHUNK];
    ssize_t size = recv(from, chunk, sizeof chunk, 0), sent = 0, n;
    while (sent < size) {
        n = send(to, chunk + sent, (size_t)(size - sent), MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        sent += n;
    }
    return size > 0;
}

static void drop(struct gate *gate, size_t i) {
    close(gate->pairs[i].ends[0]);
    close(gate->pairs[i].ends[1]);
    gate->pairs[i] = gate->pairs[--gate->count];
}

static void *relay(void *argument) {
    struct gate *gate = argument;
    for (;;) {
        struct pollfd fds[FIRST + 2 * PAIRS];
        size_t i;
        fds[BELL].fd = gate->bell[0];
        fds[LISTENER].fd = gate->count < PAIRS ? gate->listener : -1;
        for (i = 0; i < 2 * gate->count; i++) {
            fds[FIRST + i].fd = gate->pairs[i / 2].ends[i % 2];
        }
        for (i = 0; i < FIRST + 2 * gate->count; i++) {
            fds[i].events = POLLIN;
            fds[i].revents = 0;
        }
        if (poll(fds, FIRST + 2 * gate->count, -1) < 0) {
            continue;
        }
        if (fds[BELL].revents != 0) {
            return NULL;
        }
        /* From behind: what is dropped is replaced by the last one, which was looked at. */
        for (i = gate->count; i-- > 0;) {
            const int *ends = gate->pairs[i].ends;
            if ((fds[FIRST + 2 * i].revents != 0 && !pass_on(ends[0], ends[1])) ||
                (fds[FIRST + 2 * i + 1].revents != 0 && !pass_on(ends[1], ends[0]))) {
                drop(gate, i);
            }
        }
        if (fds[LISTENER].revents != 0) {
            let_in(gate);
        }
    }
}

void gate_open(struct gate *gate) {
    while (gate->filled > 0) {
        close(gate->fillers[--gate->filled]);
    }
    must(listen(gate->listener, QUEUE) == 0, "listen");
    gate->thread = start_thread(relay, gate);
    gate->is_open = true;
}

void gate_shut(struct gate *gate) {
    char byte;
    if (gate->is_open) {
        must(write(gate->bell[1], "", 1) == 1, "the gate's bell");
        join_thread(gate->thread);
        must(read(gate->bell[0], &byte, 1) == 1, "the gate's bell");
        gate->is_open = false;
    }
}

void gate_free(struct gate *gate) {
    gate_shut(gate);
    while (gate->count > 0) {
        drop(gate, gate->count - 1);
    }
    while (gate->filled > 0) {
        close(gate->fillers[--gate->filled]);
    }
    close(gate->bell[0]);
    close(gate->bell[1]);
    close(gate->listener);
    free(gate);
}
