/*
 * Interrupts calls in every state at random moments:
 *
 *     random_interrupts [--rounds N] [--seed S] [--state NAME] [--bound MS]
 *
 * In each round one thread makes a call and another one interrupts it, by its cancel token or by closing the client.
 * The call must return within 50 ms, with MCP_CANCELLED or MCP_CLOSED, or with its result if it had already completed.
 * After a cancel, the client works as before; after a close, every call fails at once.
 *
 * A round depends only on the seed and on its number. A busy machine wakes threads late: the worst wakeup latency is
 * measured meanwhile and added to the 50 ms.
 */
#define _XOPEN_SOURCE 700

#include "random_interrupts.h"
#include "check.h"
#include "interrupt_oauth.h"
#include "interrupt_states.h"
#include "interrupt_wakeups.h"
#include "support.h"

#include <time.h>

enum { THREADS = 4 };

const char *const interrupt_names[INTERRUPTS] = {"cancel", "close"};

/* Timeout of mcp_client_close, because some of the servers do not respond to its DELETE. */
enum { CLOSE_TIMEOUT_MS = 300 };

static uint64_t seed;
static size_t rounds = 10000;
static const char *only_state; /* run this state only */
static double bound_us = 50000;
static double max_delay_us;

/* --- Random choices ---------------------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t pick_state(uint64_t *rng) {
    unsigned total = 0, at;
    size_t i;
    for (i = 0; i < state_count; i++) {
        total += states[i].weight;
    }
    at = (unsigned)(next_random(rng) % total);
    for (i = 0; at >= states[i].weight; i++) {
        at -= states[i].weight;
    }
    return i;
}

static size_t find_state(const char *name) {
    size_t i;
    for (i = 0; i < state_count && strcmp(states[i].name, name) != 0; i++) {
    }
    must(i < state_count, "--state names an existing state");
    return i;
}

/* A quarter of the delays are very short. */
static double pick_delay(uint64_t *rng) {
    double longest = next_random(rng) % 4 == 0 ? max_delay_us / 10 : max_delay_us;
    return (double)(next_random(rng) % 10000) / 1e4 * longest;
}

/* --- The interrupted call ---------------------------------------------------------------------------------------- */

struct pending_call {
    const struct state *state;
    mcp_client *client;
    mcp_options *options;
    mcp_error *error;
    mcp_status status;
    double begin, end, cpu_wait_us;
};

static void *make_call(void *argument) {
    struct pending_call *pending = argument;
    double waited = cpu_wait_us();
    pending->begin = now_ms();
    pending->status = pending->state->call(pending->client, pending->options, &pending->error);
    pending->end = now_ms();
    pending->cpu_wait_us = cpu_wait_us() - waited;
    return NULL;
}

static void wait_us(double us) {
    struct timespec span = {0, (long)(us * 1e3)};
    while (us > 0 && nanosleep(&span, &span) != 0) {
    }
}

static void report_failure(const struct round *round, const char *what, mcp_status status, const mcp_error *error) {
    check_that(false, what, __FILE__, __LINE__);
    fprintf(stderr, "    seed %llu, round %zu, %s of \"%s\" after %.0f us: %s %.0f us later: %s\n",
            (unsigned long long)seed, round->number, interrupt_names[round->interrupt], states[round->state].name,
            round->delay_us, mcp_status_name(status), round->latency_us, mcp_error_message(error));
}

/* The call returned the interrupt's status, or its own result. */
static void check_status(struct round *round, const struct pending_call *pending) {
    const struct state *state = &states[round->state];
    mcp_status expected = round->interrupt == CANCEL ? MCP_CANCELLED : MCP_CLOSED;

    round->in_phase = state->phase != NULL && strstr(mcp_error_message(pending->error), state->phase) != NULL;
    if (pending->status == MCP_OK ? !state->may_succeed : pending->status != expected || round->latency_us < 0) {
        report_failure(round, "the status is the interrupt's, or the result of the completed call", pending->status,
                       pending->error);
    }
    if (mcp_error_status(pending->error) != pending->status) {
        report_failure(round, "the error has the status of the call", pending->status, pending->error);
    }
}

/* --- Closing the client ------------------------------------------------------------------------------------------ */

/* mcp_client_close runs on a separate thread, because it must not hang either. */
struct closing {
    mcp_client *client;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t done;
    double at, cpu_wait_us;
    bool is_done;
};

static void *close_client(void *argument) {
    struct closing *closing = argument;
    mcp_options *options = mcp_options_new();
    double waited = cpu_wait_us();
    mcp_options_set_timeout(options, CLOSE_TIMEOUT_MS, NULL);
    pthread_mutex_lock(&closing->lock);
    closing->at = now_ms();
    pthread_mutex_unlock(&closing->lock);
    mcp_client_close(closing->client, options, NULL); /* DELETE may fail, which is not checked here */
    mcp_options_free(options);
    pthread_mutex_lock(&closing->lock);
    closing->cpu_wait_us = cpu_wait_us() - waited;
    closing->is_done = true;
    pthread_cond_signal(&closing->done);
    pthread_mutex_unlock(&closing->lock);
    return NULL;
}

static void begin_close(struct closing *closing, mcp_client *client) {
    closing->client = client;
    closing->cpu_wait_us = 0;
    closing->is_done = false;
    pthread_mutex_init(&closing->lock, NULL);
    pthread_cond_init(&closing->done, NULL);
    closing->thread = start_thread(close_client, closing);
}

/* Whether mcp_client_close returns soon after its timeout. */
static bool closes_in_time(struct closing *closing) {
    struct timespec until;
    int timed_out = 0;
    bool is_done;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1 + CLOSE_TIMEOUT_MS / 1000;
    pthread_mutex_lock(&closing->lock);
    while (!closing->is_done && !timed_out) {
        timed_out = pthread_cond_timedwait(&closing->done, &closing->lock, &until);
    }
    is_done = closing->is_done;
    pthread_mutex_unlock(&closing->lock);
    return is_done;
}

static void end_close(struct closing *closing) {
    join_thread(closing->thread);
    pthread_mutex_destroy(&closing->lock);
    pthread_cond_destroy(&closing->done);
}

/* --- One round --------------------------------------------------------------------------------------------------- */

/* Makes one more call after the interrupt and checks its status. */
static void check_next_call(const struct round *round, mcp_client *client, mcp_status expected) {
    mcp_error *error = NULL;
    double begin = now_ms();
    mcp_status status = mcp_ping(client, NULL, &error);
    if (status != expected) {
        report_failure(round, "the next call has the expected status", status, error);
    }
    if (expected == MCP_CLOSED && (now_ms() - begin) * 1e3 > bound_us + wakeups_worst_us()) {
        report_failure(round, "a call on a closed client fails at once", status, error);
    }
    mcp_error_free(error);
}

static void run_round(struct round *round) {
    const struct state *state = &states[round->state];
    struct fixture *fixture = fixture_new(state);
    struct pending_call pending = {.state = state, .client = fixture_client(fixture), .options = mcp_options_new()};
    struct closing closing;
    mcp_cancel *cancel = mcp_cancel_new();
    mcp_status other;
    pthread_t thread;
    bool closed_in_time = true;
    double at = now_ms();

    must(pending.options != NULL && cancel != NULL, "mcp_options_new and mcp_cancel_new");
    CHECK_INT(MCP_OK, mcp_options_set_cancel(pending.options, cancel, NULL));
    if (state->phase != NULL) {
        thread = start_thread(make_call, &pending);
        wait_us(round->delay_us);
    }
    if (round->interrupt == CANCEL) {
        round->cpu_wait_us = -cpu_wait_us();
        at = now_ms();
        mcp_cancel_trigger(cancel);
        round->cpu_wait_us += cpu_wait_us();
    } else {
        begin_close(&closing, pending.client);
        closed_in_time = closes_in_time(&closing);
        at = closing.at;
        round->cpu_wait_us = closed_in_time ? closing.cpu_wait_us : 0;
    }
    if (state->phase != NULL) {
        join_thread(thread);
    } else {
        make_call(&pending);
    }
    /* A call that starts after the interrupt must fail at once. */
    round->latency_us = (pending.end - (pending.begin > at ? pending.begin : at)) * 1e3;
    round->cpu_wait_us += pending.cpu_wait_us;
    round->status = pending.status;
    check_status(round, &pending);
    mcp_error_free(pending.error);

    if (round->interrupt == CANCEL) {
        fixture_unblock(fixture);
        check_next_call(round, pending.client, MCP_OK);
    } else {
        if (!closed_in_time) {
            report_failure(round, "mcp_client_close returns soon after its timeout", MCP_OK, NULL);
        }
        check_next_call(round, pending.client, MCP_CLOSED);
        fixture_unblock(fixture);
        end_close(&closing);
    }
    other = fixture_other_status(fixture);
    if (other != MCP_OK && (round->interrupt == CANCEL || other != MCP_CLOSED)) {
        report_failure(round, "the other thread's call succeeds, or fails because of the close", other, NULL);
    }
    mcp_options_free(pending.options);
    mcp_cancel_free(cancel);
    fixture_free(fixture);
}

/* --- All rounds -------------------------------------------------------------------------------------------------- */

static struct round *results;
static size_t next_round;

static void *run_rounds(void *argument) {
    size_t number;
    (void)argument;
    while ((number = __sync_fetch_and_add(&next_round, 1)) < rounds) {
        uint64_t rng = seed ^ (number * 0xd1342543de82ef95u);
        struct round *round = &results[number];
        round->number = number;
        round->interrupt = number % INTERRUPTS;
        round->state = pick_state(&rng);
        if (only_state != NULL) {
            round->state = find_state(only_state);
        }
        round->delay_us = pick_delay(&rng) * states[round->state].delay_factor;
        run_round(round);
    }
    return NULL;
}

/* Measures how long a call takes on this machine: delays range up to three times that, or 3 ms. */
static void measure_call_time(void) {
    double best = 1e9;
    int i;
    for (i = 0; i < 3; i++) {
        mcp_client *client = client_for("legacy");
        double begin = now_ms(), took;
        must(mcp_ping(client, NULL, NULL) == MCP_OK, "the test server responds to ping");
        took = (now_ms() - begin) * 1e3;
        best = took < best ? took : best;
        dispose(client);
    }
    max_delay_us = best * 3 < 3000 ? 3000 : best * 3;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    double begin = now_ms(), *wakeup_latencies;
    size_t wakeup_count;
    int i;

    program_path = argv[0];
    if (argc == 4 && strcmp(argv[1], "--serve") == 0) {
        return run_stdio_server(argv[2], argv[3]);
    }
    seed = (uint64_t)time(NULL);
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0) {
            rounds = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--bound") == 0) {
            bound_us = strtod(argv[i + 1], NULL) * 1e3; /* sanitizers make the library slower */
        } else {
            must(strcmp(argv[i], "--state") == 0,
                 "usage: random_interrupts [--rounds N] [--seed S] [--state NAME] [--bound MS]");
            only_state = argv[i + 1];
        }
    }
    results = calloc(rounds + 1, sizeof *results);
    must(results != NULL, "memory");
    measure_call_time();
    printf("%zu rounds, seed %llu, delays up to %.0f us\n", rounds, (unsigned long long)seed, max_delay_us);
    fflush(stdout);

    wakeups_start();
    for (i = 0; i < THREADS; i++) {
        threads[i] = start_thread(run_rounds, NULL);
    }
    for (i = 0; i < THREADS; i++) {
        join_thread(threads[i]);
    }
    wakeup_latencies = wakeups_stop(&wakeup_count);
    logins_check_destroyed();
    report(seed, results, rounds, bound_us, wakeup_latencies, wakeup_count);
    free(wakeup_latencies);
    printf("%.1f s\n", (now_ms() - begin) / 1e3);
    free(results);
    return check_end();
}
