/*
 * Secrets that the test itself keeps under a mask only, and a look for copies of them through all memory of the process
 * that can be written to. Half of a secret counts as a copy: an allocator overwrites the beginning of what is freed.
 * Less than 24 bytes do not: a vector register that is saved on the stack in the middle of a copy holds 16, and what is
 * moved from there into an object later takes them along. One run in fifty finds such a piece in the box of an error.
 */
#ifndef SECRETS_SCAN_H
#define SECRETS_SCAN_H

#include <stddef.h>

enum { SIZE = 48, PIECE = 24, FORM = 96 };

struct secret {
    unsigned char masked[FORM], mask[FORM];
    size_t size;
};

/* A buffer that the plain text is in for a moment. */
struct plain {
    char text[512];
};

/* Random letters and digits. */
void make(struct secret *secret);

/* So many bytes, of at most FORM. */
void keep(struct secret *secret, const char *text, size_t size);

/* Four letters of base64 into three bytes. */
void decode(const char *letters, unsigned char *bytes);

/* "user:" and the secret in base64, as it stands in the header of a proxy. */
void encode(const struct secret *password, struct secret *encoded);

/* Appends it; gives the new end. No function of the C library, which may have buffers of its own. */
char *reveal(const struct secret *secret, char *to);
char *append(char *to, const char *text);

void forget(struct plain *plain);
void wipe(volatile char *text, size_t size);

/* What copies() looks through. */
void find_regions(void);

/* How many copies there are, whole or in part. */
size_t copies(const char *what, const struct secret *secret);

/*
 * Where they were found, and what stands before each, for whoever has to find out whose they are. Printing makes
 * copies, too: only when everything has been looked through.
 */
void show_copies(size_t most);
void forget_copies(void);

#endif
