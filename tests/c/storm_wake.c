#define _XOPEN_SOURCE 700

#include "storm_wake.h"

#include "support.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One ends the test of a few minutes; what comes later is not measured. */
enum { MOST = 200000 };

static struct {
    pthread_mutex_t lock;
    int pipe[2];
    pthread_t waker, waiter;
    int is_over;
    size_t count;
    double worst, late[MOST];
} wake = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Writes the time into the pipe, every millisecond; a negative one at the end. */
static void *send_times(void *argument) {
    double now;
    (void)argument;
    while (!__sync_fetch_and_add(&wake.is_over, 0)) {
        sleep_ms(1);
        now = now_ms();
        must(write(wake.pipe[1], &now, sizeof now) == sizeof now, "write");
    }
    now = -1;
    must(write(wake.pipe[1], &now, sizeof now) == sizeof now, "write");
    return NULL;
}

/* Waits in poll, as the library does. */
static void *take_times(void *argument) {
    (void)argument;
    for (;;) {
        struct pollfd end = {wake.pipe[0], POLLIN, 0};
        double sent, late;
        must(poll(&end, 1, -1) == 1, "poll");
        late = now_ms();
        must(read(wake.pipe[0], &sent, sizeof sent) == sizeof sent, "read");
        if (sent < 0) {
            return NULL;
        }
        late = (late - sent) * 1e3;
        pthread_mutex_lock(&wake.lock);
        wake.worst = late > wake.worst ? late : wake.worst;
        if (wake.count < MOST) {
            wake.late[wake.count++] = late;
        }
        pthread_mutex_unlock(&wake.lock);
    }
}

void wake_begin(void) {
    must(pipe(wake.pipe) == 0, "pipe");
    wake.waiter = start_thread(take_times, NULL);
    wake.waker = start_thread(send_times, NULL);
}

double wake_worst(void) {
    double worst;
    pthread_mutex_lock(&wake.lock);
    worst = wake.worst;
    pthread_mutex_unlock(&wake.lock);
    return worst;
}

double queued_us(void) {
    FILE *file = fopen("/proc/thread-self/schedstat", "r");
    unsigned long long ran = 0, queued = 0;
    if (file != NULL) {
        if (fscanf(file, "%llu %llu", &ran, &queued) != 2) {
            queued = 0;
        }
        fclose(file);
    }
    return (double)queued / 1e3;
}

int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double *wake_end(size_t *count) {
    double *late;
    __sync_fetch_and_add(&wake.is_over, 1);
    join_thread(wake.waker);
    join_thread(wake.waiter);
    close(wake.pipe[0]);
    close(wake.pipe[1]);
    late = malloc((wake.count + 1) * sizeof *late);
    must(late != NULL, "memory");
    memcpy(late, wake.late, wake.count * sizeof *late);
    qsort(late, wake.count, sizeof *late, compare_doubles);
    *count = wake.count;
    return late;
}
