/* Counts the allocations of a program: LD_PRELOAD=count_alloc.so COUNT_ALLOC=FILE PROGRAM ...
 *
 * The counts are written to FILE when the program ends. To exclude the start and end of the program, use the difference
 * of two runs with different numbers of calls. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* glibc's internal names, because dlsym() itself allocates memory. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static atomic_ullong mallocs, callocs, reallocs, aligned, frees, bytes;

static void count(atomic_ullong *counter, size_t size) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes, size, memory_order_relaxed);
}

void *malloc(size_t size) {
    count(&mallocs, size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count(&callocs, number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count(&reallocs, size);
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    count(&aligned, size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = memalign(alignment, size);
    return *memory ? 0 : 12; /* ENOMEM */
}

void free(void *memory) {
    if (memory) {
        count(&frees, 0);
        __libc_free(memory);
    }
}

__attribute__((destructor)) static void report(void) {
    const char *name = getenv("COUNT_ALLOC");
    FILE *file = name ? fopen(name, "w") : NULL;
    if (file) {
        fprintf(file, "{\"malloc\": %llu, \"calloc\": %llu, \"realloc\": %llu, \"memalign\": %llu, \"free\": %llu",
                mallocs, callocs, reallocs, aligned, frees);
        fprintf(file, ", \"bytes\": %llu}\n", bytes);
        fclose(file);
    }
}
