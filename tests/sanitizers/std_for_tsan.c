/*
 * Reports the synchronization inside Rust's standard library to the thread sanitizer.
 *
 * The standard library is precompiled without the sanitizer. Most of its code is inlined into libmcp and is
 * instrumented there: uncontended locks, reference counters, the check whether something is initialized. Not
 * instrumented are
 *
 * - the slow path of locks: the sanitizer sees that libmcp unlocks, but not that it locks;
 * - condition variables, which unlock and lock while they wait;
 * - the fence before the last owner of an Arc frees the object: the sanitizer does not support fences;
 * - the initialization of a OnceLock or LazyLock, which ends with an atomic store.
 *
 * The functions here report each of these to the sanitizer, for the address in question only. library.py lets the
 * linker call them instead of the originals (ld --wrap).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

/* --- Locks: the futex is their first member, which the unlocking thread has released ------------------------------ */

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

/* --- Condition variables: they wait with a lock, whose futex is its first member -----------------------------------
 */

void real_condvar_wait(void *condvar, void *mutex) __asm__("__real_" CONDVAR_WAIT);
void condvar_wait(void *condvar, void *mutex) __asm__("__wrap_" CONDVAR_WAIT);
void condvar_wait(void *condvar, void *mutex) {
    __tsan_release(mutex);
    real_condvar_wait(condvar, mutex);
    __tsan_acquire(mutex);
}

bool real_condvar_wait_timeout(void *condvar, void *mutex, uint64_t seconds,
                               uint32_t nanoseconds) __asm__("__real_" CONDVAR_WAIT_TIMEOUT);
bool condvar_wait_timeout(void *condvar, void *mutex, uint64_t seconds,
                          uint32_t nanoseconds) __asm__("__wrap_" CONDVAR_WAIT_TIMEOUT);
bool condvar_wait_timeout(void *condvar, void *mutex, uint64_t seconds, uint32_t nanoseconds) {
    __tsan_release(mutex);
    bool is_notified = real_condvar_wait_timeout(condvar, mutex, seconds, nanoseconds);
    __tsan_acquire(mutex);
    return is_notified;
}

/* --- Arc: the last owner decrements the counter, executes a fence and frees the object ---------------------------- */

static __thread void *decremented;

uint64_t __real___tsan_atomic64_fetch_sub(volatile uint64_t *counter, uint64_t by, int order);
uint64_t __wrap___tsan_atomic64_fetch_sub(volatile uint64_t *counter, uint64_t by, int order);
uint64_t __wrap___tsan_atomic64_fetch_sub(volatile uint64_t *counter, uint64_t by, int order) {
    decremented = (void *)counter;
    return __real___tsan_atomic64_fetch_sub(counter, by, order);
}

void __real___tsan_atomic_thread_fence(int order);
void __wrap___tsan_atomic_thread_fence(int order);
void __wrap___tsan_atomic_thread_fence(int order) {
    if (decremented != NULL) {
        __tsan_acquire(decremented);
        decremented = NULL;
    }
    __real___tsan_atomic_thread_fence(order);
}

/* --- Once: released whenever a function returns during the initialization, which is before the atomic store ------- */

static __thread void *initializing;

void real_once_call(void *once, bool poisoned, void *data, const void *vtable) __asm__("__real_" ONCE_CALL);
void once_call(void *once, bool poisoned, void *data, const void *vtable) __asm__("__wrap_" ONCE_CALL);
void once_call(void *once, bool poisoned, void *data, const void *vtable) {
    void *outer = initializing;
    initializing = once;
    real_once_call(once, poisoned, data, vtable);
    initializing = outer;
    __tsan_acquire(once);
}

void __real___tsan_func_exit(void);
void __wrap___tsan_func_exit(void);
void __wrap___tsan_func_exit(void) {
    if (initializing != NULL) {
        __tsan_release(initializing);
    }
    __real___tsan_func_exit();
}

/* --- Functions that gcc's runtime does not have: it intercepts memcpy, memmove and memset themselves -------------- */

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
