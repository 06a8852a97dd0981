#define _GNU_SOURCE

#include "secrets_scan.h"

#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* --- Masking ------------------------------------------------------------------------------------------------------ */

void wipe(volatile char *text, size_t size) {
    while (size > 0) {
        text[--size] = 0;
    }
}

void wipe_plain(struct plain *plain) {
    wipe(plain->text, sizeof plain->text);
}

void mask_secret(struct secret *secret, const char *text, size_t size) {
    size_t i;
    must(size <= MAX_SECRET && getrandom(secret->mask, MAX_SECRET, 0) == MAX_SECRET, "random bytes");
    secret->size = size;
    for (i = 0; i < size; i++) {
        secret->masked[i] = (unsigned char)text[i] ^ secret->mask[i];
    }
}

void make_secret(struct secret *secret) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xy";
    struct plain plain;
    size_t i;
    must(getrandom(plain.text, SECRET_SIZE, 0) == SECRET_SIZE, "random bytes");
    for (i = 0; i < SECRET_SIZE; i++) {
        plain.text[i] = letters[plain.text[i] & 63];
    }
    mask_secret(secret, plain.text, SECRET_SIZE);
    wipe_plain(&plain);
}

char *reveal(const struct secret *secret, char *to) {
    size_t i;
    for (i = 0; i < secret->size; i++) {
        to[i] = (char)(secret->masked[i] ^ secret->mask[i]);
    }
    to[i] = '\0';
    return to + i;
}

char *append(char *to, const char *text) {
    while (*text != '\0') {
        *to++ = *text++;
    }
    *to = '\0';
    return to;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void decode_base64(const char *letters, unsigned char *bytes) {
    unsigned bits = 0;
    int i;
    for (i = 0; i < 4; i++) {
        bits = bits << 6 | (unsigned)(strchr(digits, letters[i]) - digits);
    }
    bytes[0] = (unsigned char)(bits >> 16);
    bytes[1] = (unsigned char)(bits >> 8);
    bytes[2] = (unsigned char)bits;
}

void encode_basic(const struct secret *password, struct secret *encoded) {
    struct plain pair, text;
    size_t size = (size_t)(reveal(password, append(pair.text, "user:")) - pair.text);
    size_t i, to = 0;
    for (i = 0; i + 2 < size; i += 3) {
        unsigned bits = (unsigned)(unsigned char)pair.text[i] << 16 | (unsigned)(unsigned char)pair.text[i + 1] << 8 |
                        (unsigned char)pair.text[i + 2];
        text.text[to++] = digits[bits >> 18];
        text.text[to++] = digits[bits >> 12 & 63];
        text.text[to++] = digits[bits >> 6 & 63];
        text.text[to++] = digits[bits & 63];
    }
    mask_secret(encoded, text.text, to - to % 3);
    wipe_plain(&pair);
    wipe_plain(&text);
}

/* --- The scan ----------------------------------------------------------------------------------------------------- */

struct regions {
    struct {
        unsigned char *start, *end;
        char name[64];
    } at[1024];
    size_t count;
};

static struct regions regions;

void find_regions(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    regions.count = 0;
    must(maps != NULL, "/proc/self/maps");
    while (fgets(line, sizeof line, maps) != NULL) {
        void *start, *end;
        char rights[8], name[300] = "";
        if (sscanf(line, "%p-%p %7s %*s %*s %*s %299[^\n]", &start, &end, rights, name) >= 3 && rights[0] == 'r' &&
            rights[1] == 'w') {
            must(regions.count < sizeof regions.at / sizeof regions.at[0], "the regions fit into the array");
            regions.at[regions.count].start = start;
            regions.at[regions.count].end = end;
            snprintf(regions.at[regions.count].name, sizeof regions.at[0].name, "%.60s", name);
            regions.count++;
        }
    }
    fclose(maps);
}

static bool is_at(const struct secret *secret, size_t from, const unsigned char *memory) {
    size_t i;
    for (i = 0; i < MIN_COPY; i++) {
        if (memory[i] != (secret->masked[from + i] ^ secret->mask[from + i])) {
            return false;
        }
    }
    return true;
}

/* A copy that was found. */
struct find {
    const char *what;
    size_t region;
    const unsigned char *at;
};

static struct find finds[4096];
static size_t found;

/* Prints a copy's address and the bytes before it. */
static void show(const struct find *find) {
    const unsigned char *start = regions.at[find->region].start;
    const unsigned char *from = find->at - start > 48 ? find->at - 48 : start;
    printf("    %s at %p in %s, after \"", find->what, (const void *)find->at, regions.at[find->region].name);
    for (; from < find->at; from++) {
        putchar(*from >= ' ' && *from < 127 ? *from : '.');
    }
    printf("\"\n");
}

size_t count_copies(const char *what, const struct secret *secret) {
    const unsigned char *last = NULL;
    size_t count = 0, region, from;
    for (region = 0; region < regions.count; region++) {
        const unsigned char *end = regions.at[region].end - MIN_COPY;
        const unsigned char *memory;
        for (memory = regions.at[region].start; memory <= end; memory++) {
            for (from = 0; from + MIN_COPY <= secret->size; from += MIN_COPY) {
                if (*memory == (secret->masked[from] ^ secret->mask[from]) && is_at(secret, from, memory) &&
                    memory - from != last) {
                    last = memory - from;
                    count++;
                    if (found < sizeof finds / sizeof finds[0]) {
                        finds[found++] = (struct find){what, region, memory};
                    }
                }
            }
        }
    }
    return count;
}

void show_copies(size_t max_shown) {
    size_t i;
    for (i = 0; i < found && i < max_shown; i++) {
        show(&finds[i]);
    }
}

void reset_copies(void) {
    found = 0;
}
