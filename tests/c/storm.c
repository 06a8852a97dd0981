/*
 * Cancel and close from every state, at random moments: storm [--rounds N] [--seed S] [--state NAME] [--bound MS]
 *
 * In each round one thread makes a call and another one ends it, by its cancel token or by closing the client. The call
 * must return within 50 ms of that, with MCP_CANCELLED or MCP_CLOSED, or with its true result where it had come to its
 * own end. After a cancel the client is as good as new; after a close, every call is refused at once.
 *
 * A round depends on nothing but the seed and its number. Threads are woken late on a machine that is busy, whatever a
 * library does: how late at the worst is measured beside, and comes on top of the 50 ms.
 */
#define _XOPEN_SOURCE 700

#include "storm.h"
#include "check.h"
#include "storm_states.h"
#include "storm_wake.h"
#include "support.h"

#include <time.h>

enum { THREADS = 4 };

const char *const deed_names[DEEDS] = {"cancel", "close"};

/* The goodbye of a close, to servers of which some do not answer. */
enum { GOODBYE_MS = 300 };

static uint64_t seed;
static size_t rounds = 10000;
static const char *only; /* a state */
static double bound_us = 50000;
static double span_us; /* of the moments */

/* --- Chance ------------------------------------------------------------------------------------------------------ */

/* splitmix64 */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t pick_state(uint64_t *chance) {
    unsigned total = 0, at;
    size_t i;
    for (i = 0; i < state_count; i++) {
        total += states[i].weight;
    }
    at = (unsigned)(next(chance) % total);
    for (i = 0; at >= states[i].weight; i++) {
        at -= states[i].weight;
    }
    return i;
}

static size_t find_state(const char *name) {
    size_t i;
    for (i = 0; i < state_count && strcmp(states[i].name, name) != 0; i++) {
    }
    must(i < state_count, "there is a state of that name");
    return i;
}

/* A quarter of the moments are very early. */
static double pick_moment(uint64_t *chance) {
    double most = next(chance) % 4 == 0 ? span_us / 10 : span_us;
    return (double)(next(chance) % 10000) / 1e4 * most;
}

/* --- One round --------------------------------------------------------------------------------------------------- */

struct calling {
    const struct state *state;
    mcp_client *client;
    mcp_options *options;
    mcp_error *error;
    mcp_status status;
    double begin, end, queued_us;
};

static void *make_call(void *argument) {
    struct calling *calling = argument;
    double queued = queued_us();
    calling->begin = now_ms();
    calling->status = calling->state->call(calling->client, calling->options, &calling->error);
    calling->end = now_ms();
    calling->queued_us = queued_us() - queued;
    return NULL;
}

static void wait_us(double us) {
    struct timespec span = {0, (long)(us * 1e3)};
    while (us > 0 && nanosleep(&span, &span) != 0) {
    }
}

static void complain(const struct round *round, const char *what, mcp_status status, const mcp_error *error) {
    check_that(false, what, __FILE__, __LINE__);
    fprintf(stderr, "    seed %llu, round %zu, %s of \"%s\" after %.0f us: %s %.0f us after it: %s\n",
            (unsigned long long)seed, round->number, deed_names[round->deed], states[round->state].name,
            round->moment_us, mcp_status_name(status), round->late_us, mcp_error_message(error));
}

/* The status is right: the deed's, or the call's own. */
static void judge(struct round *round, const struct calling *calling) {
    const struct state *state = &states[round->state];
    mcp_status expected = round->deed == CANCEL ? MCP_CANCELLED : MCP_CLOSED;

    round->in_phase = state->phase != NULL && strstr(mcp_error_message(calling->error), state->phase) != NULL;
    if (calling->status == MCP_OK ? !state->may_end : calling->status != expected || round->late_us < 0) {
        complain(round, "the status is that of the deed, or the call's own", calling->status, calling->error);
    }
    if (mcp_error_status(calling->error) != (int32_t)calling->status) {
        complain(round, "the error has the status of the call", calling->status, calling->error);
    }
}

/* --- The deed ---------------------------------------------------------------------------------------------------- */

/* A close is a call of its own: it must not hang either. */
struct closing {
    mcp_client *client;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t done;
    double at, queued_us;
    bool is_done;
};

static void *close_client(void *argument) {
    struct closing *closing = argument;
    mcp_options *options = mcp_options_new();
    double queued = queued_us();
    mcp_options_set_timeout(options, GOODBYE_MS, NULL);
    pthread_mutex_lock(&closing->lock);
    closing->at = now_ms();
    pthread_mutex_unlock(&closing->lock);
    mcp_client_close(closing->client, options, NULL); /* whether the server could be told is not what this is about */
    mcp_options_free(options);
    pthread_mutex_lock(&closing->lock);
    closing->queued_us = queued_us() - queued;
    closing->is_done = true;
    pthread_cond_signal(&closing->done);
    pthread_mutex_unlock(&closing->lock);
    return NULL;
}

static void begin_close(struct closing *closing, mcp_client *client) {
    closing->client = client;
    closing->queued_us = 0;
    closing->is_done = false;
    pthread_mutex_init(&closing->lock, NULL);
    pthread_cond_init(&closing->done, NULL);
    closing->thread = start_thread(close_client, closing);
}

/* Whether the close has ended in the time that it was given. */
static bool ends_in_time(struct closing *closing) {
    struct timespec until;
    int timed_out = 0;
    bool is_done;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1 + GOODBYE_MS / 1000;
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

/* --- One round, from its beginning to its end -------------------------------------------------------------------- */

/* A call now, with the client as it is. */
static void must_ping(const struct round *round, mcp_client *client, mcp_status expected) {
    mcp_error *error = NULL;
    double begin = now_ms();
    mcp_status status = mcp_ping(client, NULL, &error);
    if (status != expected) {
        complain(round, "a call afterwards", status, error);
    }
    if (expected == MCP_CLOSED && (now_ms() - begin) * 1e3 > bound_us + wake_worst()) {
        complain(round, "a closed client refuses at once", status, error);
    }
    mcp_error_free(error);
}

static void play(struct round *round) {
    const struct state *state = &states[round->state];
    struct place *place = place_new(state);
    struct calling calling = {.state = state, .client = place_client(place), .options = mcp_options_new()};
    struct closing closing;
    mcp_cancel *cancel = mcp_cancel_new();
    mcp_status other;
    pthread_t thread;
    bool has_closed = true;
    double at = now_ms();

    must(calling.options != NULL && cancel != NULL, "descriptors");
    CHECK_INT(MCP_OK, mcp_options_set_cancel(calling.options, cancel, NULL));
    if (state->phase != NULL) {
        thread = start_thread(make_call, &calling);
        wait_us(round->moment_us);
    }
    if (round->deed == CANCEL) {
        round->queued_us = -queued_us();
        at = now_ms();
        mcp_cancel_trigger(cancel);
        round->queued_us += queued_us();
    } else {
        begin_close(&closing, calling.client);
        has_closed = ends_in_time(&closing);
        at = closing.at;
        round->queued_us = has_closed ? closing.queued_us : 0;
    }
    if (state->phase != NULL) {
        join_thread(thread);
    } else {
        make_call(&calling);
    }
    /* A call that began after the deed has to be refused at once. */
    round->late_us = (calling.end - (calling.begin > at ? calling.begin : at)) * 1e3;
    round->queued_us += calling.queued_us;
    round->status = calling.status;
    judge(round, &calling);
    mcp_error_free(calling.error);

    if (round->deed == CANCEL) {
        place_heal(place);
        must_ping(round, calling.client, MCP_OK);
    } else {
        if (!has_closed) {
            complain(round, "the close has a timeout, and takes longer", MCP_OK, NULL);
        }
        must_ping(round, calling.client, MCP_CLOSED);
        place_heal(place);
        end_close(&closing);
    }
    other = place_other(place);
    if (other != MCP_OK && (round->deed == CANCEL || other != MCP_CLOSED)) {
        complain(round, "the other thread's call", other, NULL);
    }
    mcp_options_free(calling.options);
    mcp_cancel_free(cancel);
    place_free(place);
}

/* --- All rounds -------------------------------------------------------------------------------------------------- */

static struct round *played;
static size_t begun;

static void *play_rounds(void *argument) {
    size_t number;
    (void)argument;
    while ((number = __sync_fetch_and_add(&begun, 1)) < rounds) {
        uint64_t chance = seed ^ (number * 0xd1342543de82ef95u);
        struct round *round = &played[number];
        round->number = number;
        round->deed = number % DEEDS;
        round->state = pick_state(&chance);
        if (only != NULL) {
            round->state = find_state(only);
        }
        round->moment_us = pick_moment(&chance) * states[round->state].way;
        play(round);
    }
    return NULL;
}

/* What a call takes here: moments are spread over a few of that. */
static void measure_pace(void) {
    double best = 1e9;
    int i;
    for (i = 0; i < 3; i++) {
        mcp_client *client = client_for("legacy");
        double begin = now_ms(), took;
        must(mcp_ping(client, NULL, NULL) == MCP_OK, "the test server answers");
        took = (now_ms() - begin) * 1e3;
        best = took < best ? took : best;
        dispose(client);
    }
    span_us = best * 3 < 3000 ? 3000 : best * 3;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    double begin = now_ms(), *late;
    size_t wakes;
    int i;

    program_path = argv[0];
    if (argc == 4 && strcmp(argv[1], "--serve") == 0) {
        return serve(argv[2], argv[3]);
    }
    seed = (uint64_t)time(NULL);
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0) {
            rounds = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--bound") == 0) {
            bound_us = strtod(argv[i + 1], NULL) * 1e3; /* for a library that a sanitizer makes slow */
        } else {
            must(strcmp(argv[i], "--state") == 0, "an argument is --rounds N, --seed S, --state NAME or --bound MS");
            only = argv[i + 1];
        }
    }
    played = calloc(rounds + 1, sizeof *played);
    must(played != NULL, "memory");
    measure_pace();
    printf("%zu rounds, seed %llu, moments up to %.0f us\n", rounds, (unsigned long long)seed, span_us);
    fflush(stdout);

    wake_begin();
    for (i = 0; i < THREADS; i++) {
        threads[i] = start_thread(play_rounds, NULL);
    }
    for (i = 0; i < THREADS; i++) {
        join_thread(threads[i]);
    }
    late = wake_end(&wakes);
    report(seed, played, rounds, bound_us, late, wakes);
    free(late);
    printf("%.1f s\n", (now_ms() - begin) / 1e3);
    free(played);
    return check_end();
}
