/*
 * Secrets that the test stores only XORed with a mask, and a search for copies of them in all writable memory of the
 * process. 24 bytes in sequence count as a copy, not only the whole secret, because an allocator overwrites the
 * beginning of freed memory. Fewer bytes do not count: a vector register saved on the stack during a copy holds 16
 * bytes of the secret, and they may later be moved into an object with the bytes around them. One run in fifty finds
 * such a fragment in an mcp_error.
 */
#ifndef SECRETS_SCAN_H
#define SECRETS_SCAN_H

#include <stddef.h>

enum { SECRET_SIZE = 48, MIN_COPY = 24, MAX_SECRET = 96 };

struct secret {
    unsigned char masked[MAX_SECRET], mask[MAX_SECRET];
    size_t size;
};

/* A buffer that holds the plain text for a short time. */
struct plain {
    char text[512];
};

/* Makes a secret of random letters and digits. */
void make_secret(struct secret *secret);

/* Stores `size` bytes under a mask; at most MAX_SECRET. */
void mask_secret(struct secret *secret, const char *text, size_t size);

/* Decodes four base64 characters into three bytes. */
void decode_base64(const char *letters, unsigned char *bytes);

/* "user:" and the secret in base64, as in a Proxy-Authorization header. */
void encode_basic(const struct secret *password, struct secret *encoded);

/* Append a text and return the new end. They use no function of the C library, which may keep copies in buffers. */
char *reveal(const struct secret *secret, char *to);
char *append(char *to, const char *text);

void wipe_plain(struct plain *plain);
void wipe(volatile char *text, size_t size);

/* Records the memory regions that count_copies() searches. */
void find_regions(void);

/* Counts the complete and partial copies of a secret. */
size_t count_copies(const char *what, const struct secret *secret);

/*
 * Prints where copies were found and the bytes before each, which help to find their owner. Call it after the whole
 * search, because printing makes copies too.
 */
void show_copies(size_t max_shown);
void reset_copies(void);

#endif
