/* Random use of completion queues: calls are submitted, cancelled and delivered, queues stopped and freed, clients
 * closed and freed, and the process forked, in any order.
 *
 *     random_queue [--rounds COUNT] [--seed SEED]
 *
 * Of each call, `done` runs once, or not at all if its queue was freed; `destroy` runs once, and nothing after it. */
#define _GNU_SOURCE

#include "check.h"
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

enum { QUEUES = 2, CLIENTS = 2, STEPS = 24 };

static unsigned seed;

struct world {
    mcp_queue *queues[QUEUES];
    mcp_client *clients[CLIENTS];
    bool freed[QUEUES];
    int submitted, destroyed;
};

/* One call. */
struct call {
    struct world *world;
    int queue, done;
    unsigned dice; /* what its callback does */
};

static int pick(int count) {
    return (int)(rand_r(&seed) % (unsigned)count);
}

static void submit(struct world *world, int queue);

static void free_queue(struct world *world, int queue) {
    world->freed[queue] = true;
    mcp_queue_free(world->queues[queue]);
    world->queues[queue] = NULL;
}

static void on_done(void *userdata, int32_t status, const mcp_json *result, const mcp_error *error) {
    struct call *call = userdata;
    struct world *world = call->world;
    CHECK(!world->freed[call->queue]);
    CHECK_INT(1, ++call->done);
    CHECK((status == MCP_OK) == (error == NULL));
    CHECK(status != MCP_OK || result == NULL || mcp_json_size(result) > 0);
    switch (call->dice % 12) {
    case 0:
        submit(world, pick(QUEUES));
        break;
    case 1:
        mcp_queue_cancel(world->queues[call->queue], call); /* it has ended: no effect */
        break;
    case 2:
        mcp_queue_dispatch(world->queues[call->queue], 0, NULL);
        break;
    case 3:
        if (call->dice % 7 == 0 && !world->freed[call->queue]) {
            free_queue(world, call->queue);
        }
        break;
    default:
        break;
    }
}

static void on_destroy(void *userdata) {
    struct call *call = userdata;
    call->world->destroyed++;
    free(call);
}

static bool on_progress(void *userdata, double progress, double total, const char *message) {
    (void)userdata, (void)progress, (void)total, (void)message;
    return true;
}

static void submit(struct world *world, int queue) {
    mcp_client *client = world->clients[pick(CLIENTS)];
    if (world->freed[queue] || client == NULL) {
        return;
    }
    struct call *call = malloc(sizeof *call);
    must(call != NULL, "memory");
    *call = (struct call){world, queue, 0, (unsigned)rand_r(&seed)};
    mcp_options *options = mcp_options_new();
    CHECK_INT(MCP_OK, mcp_options_set_queue(options, world->queues[queue], on_done, call, on_destroy, NULL));
    mcp_options_set_progress(options, on_progress, NULL, NULL, NULL);
    if (call->dice % 5 == 0) {
        mcp_options_set_timeout(options, 1 + call->dice % 20, NULL);
    }
    world->submitted++;
    mcp_status status;
    switch (call->dice % 4) {
    case 0:
        status = mcp_list_tools(client, options, NULL, NULL);
        break;
    case 1:
        status = mcp_server_info(client, options, NULL, NULL);
        break;
    default:
        status = mcp_ping(client, options, NULL);
        break;
    }
    CHECK(status == MCP_PENDING || status == MCP_CLOSED); /* the queue may be stopped */
    if (status == MCP_PENDING && call->dice % 6 == 0) {
        mcp_queue_cancel(world->queues[queue], call);
    }
    mcp_options_free(options);
}

static void ignore_done(void *userdata, int32_t status, const mcp_json *result, const mcp_error *error) {
    (void)userdata, (void)status, (void)result, (void)error;
}

static void close_client(struct world *world, int queue, int client) {
    if (world->freed[queue] || world->clients[client] == NULL) {
        return;
    }
    mcp_options *options = mcp_options_new();
    mcp_options_set_queue(options, world->queues[queue], ignore_done, NULL, NULL, NULL);
    mcp_options_set_timeout(options, 20, NULL);
    mcp_client_close(world->clients[client], options, NULL);
    mcp_options_free(options);
}

/* The child only frees what it has inherited. */
static void fork_and_free(struct world *world) {
    fflush(stdout);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        for (int i = 0; i < QUEUES; i++) {
            if (!world->freed[i]) {
                CHECK_INT(MCP_MISUSE, mcp_queue_dispatch(world->queues[i], 0, NULL));
                CHECK_INT(0, mcp_queue_pending(world->queues[i]));
                mcp_queue_free(world->queues[i]);
            }
        }
        int destroyed = world->destroyed;
        for (int i = 0; i < CLIENTS; i++) {
            mcp_client_free(world->clients[i]);
        }
        CHECK_INT(destroyed, world->destroyed);
        _exit(checks_failed() > 0);
    }
    int status = 0;
    must(waitpid(child, &status, 0) == child, "waitpid");
    CHECK_SAYS(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's wait status is %d", status);
}

static void step(struct world *world, int round) {
    int queue = pick(QUEUES), client = pick(CLIENTS);
    switch (pick(16)) {
    case 0:
        if (!world->freed[queue] && pick(4) == 0) {
            mcp_queue_stop(world->queues[queue]);
        }
        break;
    case 1:
        if (pick(6) == 0) {
            mcp_client_free(world->clients[client]);
            world->clients[client] = NULL;
        }
        break;
    case 2:
        if (pick(4) == 0) {
            close_client(world, queue, client);
        }
        break;
    case 3:
        if (!world->freed[queue] && pick(8) == 0) {
            free_queue(world, queue);
        }
        break;
    case 4:
        if (round % 32 == 0 && pick(4) == 0) {
            fork_and_free(world);
        }
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        if (!world->freed[queue]) {
            CHECK_INT(MCP_OK, mcp_queue_dispatch(world->queues[queue], (uint64_t)pick(3), NULL));
        }
        break;
    default:
        submit(world, queue);
        break;
    }
}

static void run_round(int round) {
    static const char *const scenarios[] = {"dual",          "legacy+fault=silent+when=ping",
                                            "legacy+stream", "modern+fault=silent",
                                            "legacy+sse",    "legacy+fault=reset+when=ping"};
    struct world world = {.submitted = 0};
    for (int i = 0; i < QUEUES; i++) {
        world.queues[i] = mcp_queue_new(NULL);
        must(world.queues[i] != NULL, "a queue");
        mcp_queue_set_threads(world.queues[i], (uint32_t)(1 + pick(4)), NULL);
    }
    for (int i = 0; i < CLIENTS; i++) {
        world.clients[i] = client_for(scenarios[pick(sizeof scenarios / sizeof *scenarios)]);
    }
    for (int i = 0; i < STEPS; i++) {
        step(&world, round);
    }
    /* In any order. */
    bool clients_first = pick(2) == 0;
    for (int i = 0; clients_first && i < CLIENTS; i++) {
        mcp_client_free(world.clients[i]);
        world.clients[i] = NULL;
    }
    for (int i = 0; i < QUEUES; i++) {
        if (!world.freed[i]) {
            free_queue(&world, i);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        mcp_client_free(world.clients[i]);
    }
    CHECK_INT(world.submitted, world.destroyed);
}

int main(int argc, char **argv) {
    int rounds = 300;
    unsigned first = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0) {
            rounds = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--seed") == 0) {
            first = (unsigned)atoi(argv[i + 1]);
        } else {
            must(0, "usage: random_queue [--rounds COUNT] [--seed SEED]");
        }
    }
    double start = now_ms();
    for (int round = 0; round < rounds; round++) {
        seed = first + (unsigned)round;
        run_round(round);
    }
    printf("%d rounds in %.1f s\n", rounds, (now_ms() - start) / 1e3);
    return check_end();
}
