/*
 * What the thread sanitizer does not see of Rust's standard library, told to it.
 *
 * The standard library comes compiled, without the sanitizer. What it inlines into libmcp is watched, and that is
 * nearly everything: an uncontended lock, a counter of references, a look whether something was initialised. What stays
 * behind is
 *
 * - the slow path of its locks: libmcp unlocks in the open, and locks where nobody looks;
 * - the fence before the last owner frees what was shared, which the sanitizer does not understand: it knows only
 * accesses;
 * - the initialisation of a OnceLock or LazyLock, which says by an atomic store that it is done.
 *
 * Each becomes a word to the sanitizer about the one address in question, and about nothing else. library.py has the
 * linker put these functions in front of the real ones (ld --wrap).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

/* --- Locks: a futex at the beginning, by which the one who unlocks has spoken --------------------------------------
 */

void real_mutex_lock_contended(void *mutex) __asm__("__real_" MUTEX_LOCK_CONTENDED);
void mutex_lock_contended(void *mutex) __asm__("__wrap_" MUTEX_LOCK_CONTENDED);
void mutex_lock_contended(void *mutex) {
    real_mutex_lock_contended(mutex);
    __tsan_acquire(mutex);
}

void real_rwlock_read_contended(void *lock) __asm__("__real_" RWLOCK_READ_CONTENDED);
void rwlock_read_contended(void *lock) __asm__("__wrap_" RWLOCK_READ_CONTENDED);
void rwlock_read_contended(void *lock) {
    real_rwlock_read_contended(lock);
    __tsan_acquire(lock);
}

void real_rwlock_write_contended(void *lock) __asm__("__real_" RWLOCK_WRITE_CONTENDED);
void rwlock_write_contended(void *lock) __asm__("__wrap_" RWLOCK_WRITE_CONTENDED);
void rwlock_write_contended(void *lock) {
    real_rwlock_write_contended(lock);
    __tsan_acquire(lock);
}

/* --- Counters of references: Arc counts down, and the last one has a fence before it frees -------------------------
 */

static __thread void *counted_down;

uint64_t __real___tsan_atomic64_fetch_sub(volatile uint64_t *counter, uint64_t by, int order);
uint64_t __wrap___tsan_atomic64_fetch_sub(volatile uint64_t *counter, uint64_t by, int order);
uint64_t __wrap___tsan_atomic64_fetch_sub(volatile uint64_t *counter, uint64_t by, int order) {
    counted_down = (void *)counter;
    return __real___tsan_atomic64_fetch_sub(counter, by, order);
}

void __real___tsan_atomic_thread_fence(int order);
void __wrap___tsan_atomic_thread_fence(int order);
void __wrap___tsan_atomic_thread_fence(int order) {
    if (counted_down != NULL) {
        __tsan_acquire(counted_down);
        counted_down = NULL;
    }
    __real___tsan_atomic_thread_fence(order);
}

/* --- Initialisation: it has spoken when the function that initialises returns, which is before the store -----------
 */

static __thread void *initialised;

void real_once_call(void *once, bool poisoned, void *data, const void *vtable) __asm__("__real_" ONCE_CALL);
void once_call(void *once, bool poisoned, void *data, const void *vtable) __asm__("__wrap_" ONCE_CALL);
void once_call(void *once, bool poisoned, void *data, const void *vtable) {
    void *outer = initialised;
    initialised = once;
    real_once_call(once, poisoned, data, vtable);
    initialised = outer;
    __tsan_acquire(once);
}

void __real___tsan_func_exit(void);
void __wrap___tsan_func_exit(void);
void __wrap___tsan_func_exit(void) {
    if (initialised != NULL) {
        __tsan_release(initialised);
    }
    __real___tsan_func_exit();
}

/* --- Three functions that the compiler's runtime has and gcc's has not: gcc's watches the plain ones ---------------
 */

__attribute__((weak)) void *__tsan_memcpy(void *to, const void *from, size_t size);
__attribute__((weak)) void *__tsan_memcpy(void *to, const void *from, size_t size) {
    return memcpy(to, from, size);
}

__attribute__((weak)) void *__tsan_memmove(void *to, const void *from, size_t size);
__attribute__((weak)) void *__tsan_memmove(void *to, const void *from, size_t size) {
    return memmove(to, from, size);
}

__attribute__((weak)) void *__tsan_memset(void *to, int byte, size_t size);
__attribute__((weak)) void *__tsan_memset(void *to, int byte, size_t size) {
    return memset(to, byte, size);
}
