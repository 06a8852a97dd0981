#define _XOPEN_SOURCE 700

#include "interrupt_gate.h"

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

/* The polled descriptors: the stop pipe, the listener, and both ends of each pair. */
enum { STOP, LISTENER, PAIR_ENDS };

/* A client's connection, and the gate's connection to the server for it. */
struct pair {
    int ends[2];
};

struct gate {
    uint16_t port, server_port;
    int listener, fillers[FILLERS];
    size_t filled;
    /* Used by the relay thread while the gate is open, else by the gate's owner. */
    struct pair pairs[PAIRS];
    size_t count;
    pthread_t thread;
    bool is_open;
    int stop_pipe[2];
};

static struct sockaddr_in loopback(uint16_t port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

struct gate *gate_new(enum gate_kind kind, uint16_t server_port) {
    struct gate *gate = calloc(1, sizeof *gate);
    must(gate != NULL && pipe(gate->stop_pipe) == 0, "calloc and pipe");
    gate->server_port = server_port;
    gate->listener = listen_on(&gate->port, kind == GATE_QUEUE_FULL ? 0 : QUEUE);
    if (kind == GATE_QUEUE_FULL) {
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
    must(poll(&listener, 1, 10000) == 1, "a client connects to the gate");
}

static void accept_client(struct gate *gate) {
    struct sockaddr_in address = loopback(gate->server_port);
    struct pair *pair = &gate->pairs[gate->count];
    pair->ends[0] = accept(gate->listener, NULL, NULL);
    if (pair->ends[0] < 0) {
        return; /* the client has already disconnected */
    }
    pair->ends[1] = socket(AF_INET, SOCK_STREAM, 0);
    must(pair->ends[1] >= 0, "socket");
    must(connect(pair->ends[1], (struct sockaddr *)&address, sizeof address) == 0, "connect to the test server");
    gate->count++;
}

/* Returns false when one end has closed. */
static bool forward(int from, int to) {
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

static void close_pair(struct gate *gate, size_t i) {
    close(gate->pairs[i].ends[0]);
    close(gate->pairs[i].ends[1]);
    gate->pairs[i] = gate->pairs[--gate->count];
}

static void *relay(void *argument) {
    struct gate *gate = argument;
    for (;;) {
        struct pollfd fds[PAIR_ENDS + 2 * PAIRS];
        size_t i;
        fds[STOP].fd = gate->stop_pipe[0];
        fds[LISTENER].fd = gate->count < PAIRS ? gate->listener : -1;
        for (i = 0; i < 2 * gate->count; i++) {
            fds[PAIR_ENDS + i].fd = gate->pairs[i / 2].ends[i % 2];
        }
        for (i = 0; i < PAIR_ENDS + 2 * gate->count; i++) {
            fds[i].events = POLLIN;
            fds[i].revents = 0;
        }
        if (poll(fds, PAIR_ENDS + 2 * gate->count, -1) < 0) {
            continue;
        }
        if (fds[STOP].revents != 0) {
            return NULL;
        }
        /* Backwards: close_pair moves the last pair, which is already handled, into the free place. */
        for (i = gate->count; i-- > 0;) {
            const int *ends = gate->pairs[i].ends;
            if ((fds[PAIR_ENDS + 2 * i].revents != 0 && !forward(ends[0], ends[1])) ||
                (fds[PAIR_ENDS + 2 * i + 1].revents != 0 && !forward(ends[1], ends[0]))) {
                close_pair(gate, i);
            }
        }
        if (fds[LISTENER].revents != 0) {
            accept_client(gate);
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

void gate_close(struct gate *gate) {
    char byte;
    if (gate->is_open) {
        must(write(gate->stop_pipe[1], "", 1) == 1, "the gate's stop pipe");
        join_thread(gate->thread);
        must(read(gate->stop_pipe[0], &byte, 1) == 1, "the gate's stop pipe");
        gate->is_open = false;
    }
}

void gate_free(struct gate *gate) {
    gate_close(gate);
    while (gate->count > 0) {
        close_pair(gate, gate->count - 1);
    }
    while (gate->filled > 0) {
        close(gate->fillers[--gate->filled]);
    }
    close(gate->stop_pipe[0]);
    close(gate->stop_pipe[1]);
    close(gate->listener);
    free(gate);
}
