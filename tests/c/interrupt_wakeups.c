#define _XOPEN_SOURCE 700

#include "interrupt_wakeups.h"

#include "support.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One sample per millisecond: enough for a few minutes. Later samples count for the worst latency only. */
enum { MAX_SAMPLES = 200000 };

static struct {
    pthread_mutex_t lock;
    int pipe[2];
    pthread_t waker, waiter;
    int is_stopped;
    size_t count;
    double worst, latencies[MAX_SAMPLES];
} wakeups = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Writes the time into the pipe every millisecond, and -1 at the end. */
static void *send_times(void *argument) {
    double now;
    (void)argument;
    while (!__sync_fetch_and_add(&wakeups.is_stopped, 0)) {
        sleep_ms(1);
        now = now_ms();
        must(write(wakeups.pipe[1], &now, sizeof now) == sizeof now, "write");
    }
    now = -1;
    must(write(wakeups.pipe[1], &now, sizeof now) == sizeof now, "write");
    return NULL;
}

/* Waits in poll, as the library does, and computes the latency of each wakeup. */
static void *receive_times(void *argument) {
    (void)argument;
    for (;;) {
        struct pollfd end = {wakeups.pipe[0], POLLIN, 0};
        double sent, latency;
        must(poll(&end, 1, -1) == 1, "poll");
        latency = now_ms();
        must(read(wakeups.pipe[0], &sent, sizeof sent) == sizeof sent, "read");
        if (sent < 0) {
            return NULL;
        }
        latency = (latency - sent) * 1e3;
        pthread_mutex_lock(&wakeups.lock);
        wakeups.worst = latency > wakeups.worst ? latency : wakeups.worst;
        if (wakeups.count < MAX_SAMPLES) {
            wakeups.latencies[wakeups.count++] = latency;
        }
        pthread_mutex_unlock(&wakeups.lock);
    }
}

void wakeups_start(void) {
    must(pipe(wakeups.pipe) == 0, "pipe");
    wakeups.waiter = start_thread(receive_times, NULL);
    wakeups.waker = start_thread(send_times, NULL);
}

double wakeups_worst_us(void) {
    double worst;
    pthread_mutex_lock(&wakeups.lock);
    worst = wakeups.worst;
    pthread_mutex_unlock(&wakeups.lock);
    return worst;
}

double cpu_wait_us(void) {
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

double *wakeups_stop(size_t *count) {
    double *latencies;
    __sync_fetch_and_add(&wakeups.is_stopped, 1);
    join_thread(wakeups.waker);
    join_thread(wakeups.waiter);
    close(wakeups.pipe[0]);
    close(wakeups.pipe[1]);
    latencies = malloc((wakeups.count + 1) * sizeof *latencies);
    must(latencies != NULL, "memory");
    memcpy(latencies, wakeups.latencies, wakeups.count * sizeof *latencies);
    qsort(latencies, wakeups.count, sizeof *latencies, compare_doubles);
    *count = wakeups.count;
    return latencies;
}
