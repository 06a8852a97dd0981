#define _XOPEN_SOURCE 700

#include "storm.h"

#include "check.h"
#include "storm_states.h"
#include "storm_wake.h"

enum { STATUSES = 64 };

/* A state that so many rounds were about has been met by one of them. */
enum { ENOUGH = 20 };

/* Of which rounds a line tells: those of a state, or of all of them. */
struct line {
    const char *name;
    const struct state *state; /* NULL: all */
    enum deed deed;
};

static bool is_of(const struct line *line, const struct round *round) {
    return round->deed == line->deed && (line->state == NULL || line->state == &states[round->state]);
}

static double part(const double *sorted, size_t count, double of) {
    return count == 0 ? 0 : sorted[(size_t)((double)(count - 1) * of)];
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

static void print_line(const struct line *line, const struct round *rounds, size_t count) {
    double *late = malloc((count + 1) * sizeof *late);
    size_t statuses[STATUSES] = {0}, all = 0, in_phase = 0, ended = 0, i;

    if (late == NULL) {
        exit(2);
    }
    for (i = 0; i < count; i++) {
        const struct round *round = &rounds[i];
        if (is_of(line, round)) {
            all++;
            in_phase += round->in_phase;
            statuses[(size_t)round->status % STATUSES]++;
            if (round->late_us >= 0) {
                late[ended++] = round->late_us;
            }
        }
    }
    qsort(late, ended, sizeof *late, compare_doubles);
    printf("%-29s %-6s %6zu %6zu %7.0f %7.0f %7.0f", line->name, deed_names[line->deed], all, in_phase,
           part(late, ended, 0.5), part(late, ended, 0.99), part(late, ended, 1));
    print_statuses(statuses);
    free(late);
}

static void print_both(const char *name, const struct state *state, const struct round *rounds, size_t count) {
    int deed;
    for (deed = 0; deed < DEEDS; deed++) {
        struct line line = {name, state, (enum deed)deed};
        print_line(&line, rounds, count);
    }
}

/* Else the other numbers of the state would say nothing about it. */
static void must_have_met(const struct state *state, const struct round *rounds, size_t count) {
    size_t all = 0, in_phase = 0, i;
    for (i = 0; i < count; i++) {
        all += &states[rounds[i].state] == state;
        in_phase += &states[rounds[i].state] == state && rounds[i].in_phase;
    }
    CHECK_SAYS(state->phase == NULL || all < ENOUGH || in_phase > 0, "no call of \"%s\" was ended %s", state->name,
               state->phase);
}

static void must_be_in_time(uint64_t seed, const struct round *rounds, size_t count, double bound_us, double worst_us) {
    size_t over = 0, by_itself = 0, i;
    for (i = 0; i < count; i++) {
        const struct round *round = &rounds[i];
        double own_us = round->late_us - round->queued_us;
        over += round->late_us > bound_us;
        by_itself += own_us > bound_us;
        CHECK_SAYS(
            own_us <= bound_us + worst_us,
            "seed %llu, round %zu, %s of \"%s\" after %.0f us: it took %.0f us, and %.0f of them no processor was free",
            (unsigned long long)seed, round->number, deed_names[round->deed], states[round->state].name,
            round->moment_us, round->late_us, round->queued_us);
    }
    printf("%zu calls took longer than %.0f us; without the time for which no processor was free: %zu\n", over,
           bound_us, by_itself);
}

void report(uint64_t seed, const struct round *rounds, size_t count, double bound_us, const double *late,
            size_t wakes) {
    double worst = part(late, wakes, 1);
    size_t i;

    printf("\na plain thread is woken after p50 %.0f, p99 %.0f, at most %.0f us (%zu times); so the bound is %.0f us\n",
           part(late, wakes, 0.5), part(late, wakes, 0.99), worst, wakes, bound_us + worst);
    printf("%-36s %6s %6s %7s %7s %7s\n", "us from the deed to the return", "rounds", "inside", "p50", "p99", "max");
    for (i = 0; i < state_count; i++) {
        print_both(states[i].name, &states[i], rounds, count);
        must_have_met(&states[i], rounds, count);
    }
    print_both("all", NULL, rounds, count);
    must_be_in_time(seed, rounds, count, bound_us, worst);
    fflush(stdout); /* before what stderr says of it */
}
