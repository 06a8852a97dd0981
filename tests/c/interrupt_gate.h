/* A TCP relay in front of the test server, closed at first: clients cannot connect, or get no response. After
 * gate_open, the same port leads to the server, and a client that was blocked there must reach it. */
#ifndef INTERRUPT_GATE_H
#define INTERRUPT_GATE_H

#include <stdint.h>

enum gate_kind {
    GATE_QUEUE_FULL, /* connect() blocks: the listen queue is full */
    GATE_SILENT,     /* connections are accepted by the kernel, but no data is read from them */
};

struct gate *gate_new(enum gate_kind kind, uint16_t server_port);

uint16_t gate_port(const struct gate *gate);

/* Returns when a client has connected to a gate that was never opened. */
void gate_await(const struct gate *gate);

void gate_open(struct gate *gate);

/* Keeps connections open, but forwards no data until gate_open is called again. */
void gate_close(struct gate *gate);

void gate_free(struct gate *gate);

#endif
