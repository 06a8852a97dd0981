/* A port in front of the test server that is shut at first: nobody is let in, or nobody is answered. Once it is open,
 * the same port leads to the server, and a client that was stuck there must find its way. */
#ifndef STORM_GATE_H
#define STORM_GATE_H

#include <stdint.h>

enum gate_kind {
    GATE_FULL, /* connecting does not come to an end */
    GATE_MUTE, /* connections are made, and nobody reads what comes on them */
};

struct gate *gate_new(enum gate_kind kind, uint16_t server);

uint16_t gate_port(const struct gate *gate);

/* Returns when somebody has connected to a gate that was never open. */
void gate_await(const struct gate *gate);

void gate_open(struct gate *gate);

/* Leaves connections as they are, and reads nothing on them until it is opened again. */
void gate_shut(struct gate *gate);

void gate_free(struct gate *gate);

#endif
