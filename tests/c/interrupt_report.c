#define _XOPEN_SOURCE 700

#include "random_interrupts.h"

#include "check.h"
#include "interrupt_states.h"
#include "interrupt_wakeups.h"

enum { STATUSES = 64 };

/* If at least this many rounds aimed at a state, one of them must have interrupted a call in it. */
enum { MIN_ROUNDS = 20 };

/* A row of the report: the rounds of one state, or of all states, with one kind of interrupt. */
struct row {
    const char *name;
    const struct state *state; /* NULL: all */
    enum interrupt interrupt;
};

static bool matches(const struct row *row, const struct round *round) {
    return round->interrupt == row->interrupt && (row->state == NULL || row->state == &states[round->state]);
}

static double percentile(const double *sorted, size_t count, double fraction) {
    return count == 0 ? 0 : sorted[(size_t)((double)(count - 1) * fraction)];
}

static void print_statuses(const size_t counts[STATUSES]) {
    int32_t status;
    for (status = 0; status < STATUSES; status++) {
        if (counts[status] > 0) {
            printf("  %s %zu", mcp_status_name(status), counts[status]);
        }
    }
    putchar('\n');
}

static void print_row(const struct row *row, const struct round *rounds, size_t count) {
    double *latencies = malloc((count + 1) * sizeof *latencies);
    size_t statuses[STATUSES] = {0}, all = 0, in_phase = 0, returned = 0, i;

    if (latencies == NULL) {
        exit(2);
    }
    for (i = 0; i < count; i++) {
        const struct round *round = &rounds[i];
        if (matches(row, round)) {
            all++;
            in_phase += round->in_phase;
            statuses[(size_t)round->status % STATUSES]++;
            if (round->latency_us >= 0) {
                latencies[returned++] = round->latency_us;
            }
        }
    }
    qsort(latencies, returned, sizeof *latencies, compare_doubles);
    printf("%-31s %-6s %6zu %6zu %7.0f %7.0f %7.0f", row->name, interrupt_names[row->interrupt], all, in_phase,
           percentile(latencies, returned, 0.5), percentile(latencies, returned, 0.99),
           percentile(latencies, returned, 1));
    print_statuses(statuses);
    free(latencies);
}

static void print_rows(const char *name, const struct state *state, const struct round *rounds, size_t count) {
    int interrupt;
    for (interrupt = 0; interrupt < INTERRUPTS; interrupt++) {
        struct row row = {name, state, (enum interrupt)interrupt};
        print_row(&row, rounds, count);
    }
}

/* Otherwise the report's numbers would not be about this state. */
static void check_state_was_reached(const struct state *state, const struct round *rounds, size_t count) {
    size_t all = 0, in_phase = 0, i;
    for (i = 0; i < count; i++) {
        all += &states[rounds[i].state] == state;
        in_phase += &states[rounds[i].state] == state && rounds[i].in_phase;
    }
    CHECK_SAYS(state->phase == NULL || all < MIN_ROUNDS || in_phase > 0, "no call of \"%s\" was interrupted %s",
               state->name, state->phase);
}

static void check_latencies(uint64_t seed, const struct round *rounds, size_t count, double bound_us, double worst_us) {
    size_t over = 0, over_net = 0, i;
    for (i = 0; i < count; i++) {
        const struct round *round = &rounds[i];
        double net_us = round->latency_us - round->cpu_wait_us;
        over += round->latency_us > bound_us;
        over_net += net_us > bound_us;
        CHECK_SAYS(
            net_us <= bound_us + worst_us,
            "seed %llu, round %zu, %s of \"%s\" after %.0f us: the call returned after %.0f us, of which it waited "
            "%.0f us for a free processor",
            (unsigned long long)seed, round->number, interrupt_names[round->interrupt], states[round->state].name,
            round->delay_us, round->latency_us, round->cpu_wait_us);
    }
    printf("%zu calls took longer than %.0f us; %zu without the time in which they waited for a free processor\n", over,
           bound_us, over_net);
}

void report(uint64_t seed, const struct round *rounds, size_t count, double bound_us, const double *wakeup_latencies,
            size_t wakeup_count) {
    double worst = percentile(wakeup_latencies, wakeup_count, 1);
    size_t i;

    printf("\nwakeup latency of a plain thread: p50 %.0f, p99 %.0f, max %.0f us (%zu wakeups); the bound is %.0f us\n",
           percentile(wakeup_latencies, wakeup_count, 0.5), percentile(wakeup_latencies, wakeup_count, 0.99), worst,
           wakeup_count, bound_us + worst);
    printf("%-38s %6s %6s %7s %7s %7s\n", "us from the interrupt to the return", "rounds", "met", "p50", "p99", "max");
    for (i = 0; i < state_count; i++) {
        print_rows(states[i].name, &states[i], rounds, count);
        check_state_was_reached(&states[i], rounds, count);
    }
    print_rows("all", NULL, rounds, count);
    check_latencies(seed, rounds, count, bound_us, worst);
    fflush(stdout); /* before the messages on stderr */
}
