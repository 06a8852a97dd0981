/* Completion queues: the rules of the header about the order of callbacks, lifetimes, cancellation and fork. */
#define _GNU_SOURCE

#include "check.h"
#include "support.h"

#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Everything ends within 50 ms; the bound allows for a busy machine. */
enum { BOUND_MS = 1000 };

static mcp_error *error;

/* What happened to the calls that have the same userdata. */
struct record {
    mcp_queue *queue;
    mcp_client *client;
    int done, destroyed;
    int32_t status;    /* of the last call */
    char message[512]; /* of its error */
    bool has_result;
    size_t pending; /* in the callback */
    void (*then)(struct record *record);
};

static void record_done(void *userdata, int32_t status, const mcp_json *result, const mcp_error *failure) {
    struct record *record = userdata;
    record->done++;
    record->status = status;
    record->has_result = result != NULL;
    record->pending = mcp_queue_pending(record->queue);
    CHECK((status == MCP_OK) == (failure == NULL));
    snprintf(record->message, sizeof record->message, "%s", failure == NULL ? "" : mcp_error_message(failure));
    if (record->then != NULL) {
        record->then(record);
    }
}

static void record_destroy(void *userdata) {
    struct record *record = userdata;
    record->destroyed++;
}

/* Options that deliver to `record`. */
static mcp_options *queued(struct record *record) {
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_queue(options, record->queue, record_done, record, record_destroy, &error));
    return options;
}

static void ping(struct record *record) {
    mcp_options *options = queued(record);
    EXPECT(MCP_PENDING, error, mcp_ping(record->client, options, &error));
    mcp_options_free(options);
}

static void dispatch_all(mcp_queue *queue) {
    while (mcp_queue_pending(queue) > 0) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
}

static struct record new_record(const char *options) {
    struct record record = {.queue = mcp_queue_new(&error), .client = client_for(options)};
    must(record.queue != NULL, "a queue");
    return record;
}

static void free_record(struct record *record) {
    mcp_queue_free(record->queue);
    mcp_client_free(record->client);
}

static bool is_readable(const mcp_queue *queue) {
    struct pollfd polled = {.fd = mcp_queue_fd(queue), .events = POLLIN};
    return poll(&polled, 1, 0) == 1;
}

/* --- Results ------------------------------------------------------------------------------------------------------ */

static void results_are_delivered_once_in_dispatch(void) {
    struct record record = new_record("dual");
    mcp_options *options = queued(&record);
    mcp_json *result = (mcp_json *)&record; /* is cleared, and never written later */
    EXPECT(MCP_PENDING, error, mcp_server_info(record.client, options, &result, &error));
    CHECK(result == NULL);
    EXPECT(MCP_PENDING, error, mcp_list_tools(record.client, options, NULL, NULL));
    CHECK_INT(2, mcp_queue_pending(record.queue));
    CHECK_INT(0, record.done);
    mcp_options_free(options);
    dispatch_all(record.queue);
    CHECK_INT(2, record.done);
    CHECK_INT(1, record.destroyed); /* one for the userdata, when neither options nor calls need it */
    CHECK_INT(MCP_OK, record.status);
    CHECK(record.has_result && result == NULL);
    CHECK_INT(0, record.pending); /* in its callback, a call is not pending any more */
    CHECK(!is_readable(record.queue));
    free_record(&record);
}

static void invalid_arguments_are_delivered(void) {
    struct record record = new_record("dual");
    mcp_options *options = queued(&record);
    EXPECT(MCP_PENDING, error, mcp_call_tool(record.client, NULL, NULL, 0, options, NULL, &error));
    CHECK_INT(0, record.done);
    dispatch_all(record.queue);
    CHECK_INT(MCP_INVALID_ARGUMENT, record.status);
    CHECK(strstr(record.message, "name is NULL") != NULL);
    EXPECT(MCP_PENDING, error, mcp_call_tool(record.client, "t", "[1]", 3, options, NULL, &error));
    dispatch_all(record.queue);
    CHECK_INT(MCP_INVALID_ARGUMENT, record.status);
    EXPECT(MCP_PENDING, error, mcp_ping(NULL, options, &error));
    dispatch_all(record.queue);
    CHECK_INT(MCP_INVALID_ARGUMENT, record.status);
    EXPECT(MCP_PENDING, error, mcp_client_close(NULL, options, &error));
    dispatch_all(record.queue);
    CHECK_INT(MCP_INVALID_ARGUMENT, record.status);
    mcp_options_free(options);
    free_record(&record);
}

static void arguments_are_copied(void) {
    struct record record = new_record("dual");
    mcp_options *options = queued(&record);
    char method[] = "tools/list", params[] = "{}";
    EXPECT(MCP_PENDING, error, mcp_request(record.client, method, params, 2, options, NULL, &error));
    memset(method, 'x', sizeof method - 1);
    memset(params, 'x', sizeof params - 1);
    mcp_options_set_timeout(options, 1, NULL);
    mcp_options_free(options);
    dispatch_all(record.queue);
    CHECK_SAYS(record.status == MCP_OK, "%s", record.message);
    free_record(&record);
}

static void a_queue_can_be_removed_from_options(void) {
    struct record record = new_record("dual");
    mcp_options *options = queued(&record);
    EXPECT(MCP_OK, error, mcp_options_set_queue(options, NULL, NULL, NULL, NULL, &error));
    CHECK_INT(1, record.destroyed);
    EXPECT(MCP_OK, error, mcp_ping(record.client, options, &error));
    mcp_options_free(options);
    free_record(&record);
}

static void done_may_be_null(void) {
    struct record record = new_record("dual");
    mcp_options *options = mcp_options_new();
    EXPECT(MCP_OK, error, mcp_options_set_queue(options, record.queue, NULL, &record, record_destroy, &error));
    EXPECT(MCP_PENDING, error, mcp_ping(record.client, options, &error));
    mcp_options_free(options);
    dispatch_all(record.queue);
    CHECK_INT(1, record.destroyed);
    free_record(&record);
}

/* --- Turns -------------------------------------------------------------------------------------------------------- */

static void ping_again(struct record *record) {
    if (record->done < 5) {
        ping(record);
    }
}

static void calls_from_callbacks_wait_for_the_next_turn(void) {
    struct record record = new_record("dual");
    record.then = ping_again;
    ping(&record);
    dispatch_all(record.queue);
    CHECK_INT(5, record.done);
    CHECK_INT(5, record.destroyed);
    free_record(&record);
}

static void dispatch_nested(struct record *record) {
    EXPECT(MCP_OK, error, mcp_queue_dispatch(record->queue, 0, &error));
}

static void callbacks_may_dispatch(void) {
    struct record record = new_record("dual");
    record.then = dispatch_nested;
    for (int i = 0; i < 10; i++) {
        ping(&record);
    }
    dispatch_all(record.queue);
    CHECK_INT(10, record.done);
    free_record(&record);
}

static void *dispatch_elsewhere(void *argument) {
    mcp_error *failure = NULL;
    EXPECT(MCP_MISUSE, failure, mcp_queue_dispatch(argument, 0, &failure));
    return NULL;
}

static void dispatch_on_another_thread(struct record *record) {
    join_thread(start_thread(dispatch_elsewhere, record->queue));
}

static void one_thread_dispatches(void) {
    struct record record = new_record("dual");
    record.then = dispatch_on_another_thread;
    ping(&record);
    dispatch_all(record.queue);
    CHECK_INT(1, record.done);
    free_record(&record);
}

/* Each change of readiness is signalled, also what is due at the end of a turn. */
static void the_descriptor_works_edge_triggered(void) {
    struct record record = new_record("dual");
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    record.then = ping_again;
    must(loop >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, mcp_queue_fd(record.queue), &event) == 0, "epoll");
    ping(&record);
    while (mcp_queue_pending(record.queue) > 0) {
        must(epoll_wait(loop, &event, 1, 10000) == 1, "an event");
        EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, 0, &error));
    }
    CHECK_INT(5, record.done);
    CHECK(!is_readable(record.queue));
    close(loop);
    free_record(&record);
}

static void count_wakeup(void *userdata) {
    __atomic_add_fetch((int *)userdata, 1, __ATOMIC_SEQ_CST);
}

static void the_wakeup_is_called_when_something_becomes_due(void) {
    struct record record = new_record("dual");
    int wakeups = 0;
    EXPECT(MCP_OK, error, mcp_queue_set_wakeup(record.queue, count_wakeup, &wakeups, NULL, &error));
    ping(&record);
    while (__atomic_load_n(&wakeups, __ATOMIC_SEQ_CST) == 0) {
        sleep_ms(1);
    }
    EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, 0, &error));
    CHECK_INT(1, record.done);
    CHECK_INT(1, wakeups);
    free_record(&record);
}

/* --- Ends --------------------------------------------------------------------------------------------------------- */

/* Submits pings that the server never answers. */
static void submit_silent(struct record *record, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ping(record);
    }
}

static void cancelled_calls_end_at_once(void) {
    struct record record = new_record("legacy+fault=silent+when=ping+tag=queue-cancel");
    struct record other = record;
    struct delays before;
    submit_silent(&record, 10);
    submit_silent(&other, 1);
    await_requests("queue-cancel", "ping", 11);
    note_delays(&before);
    double start = now_ms();
    CHECK_INT(10, mcp_queue_cancel(record.queue, &record));
    CHECK_INT(0, mcp_queue_cancel(record.queue, &record)); /* they were cancelled before */
    CHECK(is_readable(record.queue));
    EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, 0, &error));
    CHECK_INT(10, record.done);
    CHECK_INT(MCP_CANCELLED, record.status);
    CHECK(strstr(record.message, "ping http") == record.message);
    CHECK_SAYS(now_ms() - start < allowed_ms(BOUND_MS, &before), "%.1f ms", now_ms() - start);
    CHECK_INT(0, other.done);
    CHECK_INT(1, mcp_queue_cancel(record.queue, &other));
    dispatch_all(record.queue);
    CHECK_INT(1, other.done);
    free_record(&record);
}

/* A notification is sent only if that takes less than 25 ms: on a busy machine, it may need several calls. */
static void the_server_is_told_of_cancelled_calls(void) {
    struct record record = new_record("legacy+fault=silent+when=ping+tag=queue-told");
    size_t told = 0;
    for (size_t calls = 1; told == 0; calls++) {
        ping(&record);
        await_requests("queue-told", "ping", calls);
        CHECK_INT(1, mcp_queue_cancel(record.queue, &record));
        dispatch_all(record.queue);
        sleep_ms(50);
        mcp_json *log = server_log("queue-told");
        told = count_requests(log, "notifications/cancelled");
        mcp_json_free(log);
    }
    free_record(&record);
}

static void waiting_calls_are_cancelled_before_they_begin(void) {
    struct record record = new_record("legacy+fault=silent+when=ping+tag=queue-waiting");
    struct record waiting = record;
    EXPECT(MCP_OK, error, mcp_queue_set_threads(record.queue, 1, &error));
    submit_silent(&record, 1);
    await_requests("queue-waiting", "ping", 1);
    submit_silent(&waiting, 3);
    CHECK_INT(3, mcp_queue_cancel(record.queue, &waiting));
    EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, 0, &error));
    CHECK_INT(3, waiting.done);
    CHECK_INT(MCP_CANCELLED, waiting.status);
    CHECK_INT(0, record.done);
    /* A timeout ends a call that waits for a thread, too. */
    mcp_options *options = queued(&waiting);
    mcp_options_set_timeout(options, 50, NULL);
    EXPECT(MCP_PENDING, error, mcp_ping(record.client, options, &error));
    mcp_options_free(options);
    EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, 30000, &error));
    CHECK_INT(4, waiting.done);
    CHECK_INT(MCP_TIMEOUT, waiting.status);
    CHECK(strstr(waiting.message, "waited for a thread") != NULL);
    CHECK_INT(0, mcp_queue_set_threads(record.queue, 0, NULL) == MCP_OK);
    free_record(&record);
    CHECK_INT(0, record.done); /* freed: not delivered */
    CHECK_INT(1, record.destroyed);
}

/* A token works beside the queue, also for a call that waits for a thread. */
static void tokens_end_waiting_calls(void) {
    struct record record = new_record("legacy+fault=silent+when=ping+tag=queue-token");
    struct record waiting = record;
    mcp_cancel *cancel = mcp_cancel_new();
    EXPECT(MCP_OK, error, mcp_queue_set_threads(record.queue, 1, &error));
    submit_silent(&record, 1);
    await_requests("queue-token", "ping", 1);
    mcp_options *options = queued(&waiting);
    EXPECT(MCP_OK, error, mcp_options_set_cancel(options, cancel, &error));
    EXPECT(MCP_PENDING, error, mcp_ping(record.client, options, &error));
    mcp_options_free(options);
    mcp_cancel_trigger(cancel);
    EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, 30000, &error));
    CHECK_INT(1, waiting.done);
    CHECK_INT(MCP_CANCELLED, waiting.status);
    mcp_cancel_free(cancel);
    free_record(&record);
}

/* The call of the callback is dropped with the queue, and must not keep later calls waiting. */
static void set_token(void *userdata, mcp_auth_request *request) {
    (void)userdata;
    CHECK_INT(MCP_OK, mcp_auth_request_set_bearer(request, "token", NULL));
}

static void a_freed_queue_does_not_block_its_client(void) {
    struct record record = new_record("dual");
    EXPECT(MCP_OK, error, mcp_set_auth(record.client, set_token, NULL, NULL, &error));
    ping(&record);
    while (!is_readable(record.queue)) { /* until the auth callback is due */
        sleep_ms(1);
    }
    mcp_queue_free(record.queue);
    CHECK_INT(0, record.done);
    CHECK_INT(1, record.destroyed);
    EXPECT(MCP_OK, error, mcp_ping(record.client, NULL, &error));
    mcp_client_free(record.client);
}

static void cancel_all(void *userdata) {
    struct record *record = userdata;
    mcp_queue_cancel(record->queue, record);
}

/* No lock is held while the wakeup runs. */
static void a_wakeup_may_cancel(void) {
    struct record record = new_record("dual");
    EXPECT(MCP_OK, error, mcp_queue_set_wakeup(record.queue, cancel_all, &record, NULL, &error));
    ping(&record);
    ping(&record);
    dispatch_all(record.queue);
    CHECK_INT(2, record.done);
    free_record(&record);
}

static void a_stopped_queue_takes_no_calls(void) {
    struct record record = new_record("legacy+fault=silent+when=ping");
    submit_silent(&record, 3);
    CHECK_INT(3, mcp_queue_stop(record.queue));
    mcp_options *options = queued(&record);
    EXPECT(MCP_CLOSED, error, mcp_ping(record.client, options, &error));
    dispatch_all(record.queue);
    CHECK_INT(3, record.done);
    CHECK_INT(MCP_CANCELLED, record.status);
    CHECK_INT(0, mcp_queue_stop(record.queue));
    mcp_queue_free(record.queue);
    EXPECT(MCP_CLOSED, error, mcp_ping(record.client, options, &error)); /* options keep the queue's memory */
    mcp_options_free(options);
    CHECK_INT(4, record.destroyed);
    mcp_client_free(record.client);
}

static void free_queue(struct record *record) {
    mcp_queue_free(record->queue);
}

static void a_queue_freed_in_a_callback_delivers_nothing_more(void) {
    struct record record = new_record("dual");
    record.then = free_queue;
    for (int i = 0; i < 5; i++) {
        ping(&record);
    }
    while (record.done == 0) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, MCP_FOREVER, &error));
    }
    CHECK_INT(1, record.done);
    CHECK_INT(5, record.destroyed);
    mcp_client_free(record.client);
}

/* --- The client --------------------------------------------------------------------------------------------------- */

static void free_client(struct record *record) {
    mcp_client_free(record->client);
}

static void close_ends_the_calls_of_all_queues_and_is_last(void) {
    struct record record = new_record("legacy+fault=silent+when=ping+tag=queue-close");
    struct record other = {.queue = mcp_queue_new(NULL), .client = record.client};
    struct record closing = {.queue = record.queue, .client = record.client, .then = free_client};
    submit_silent(&record, 4);
    submit_silent(&other, 4);
    await_requests("queue-close", "ping", 8);
    mcp_options *options = queued(&closing);
    EXPECT(MCP_PENDING, error, mcp_client_close(record.client, options, &error));
    mcp_options_free(options);
    EXPECT(MCP_OK, error, mcp_queue_dispatch(other.queue, 0, &error)); /* ended at submission */
    CHECK_INT(4, other.done);
    CHECK_INT(MCP_CLOSED, other.status);
    while (closing.done == 0) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, MCP_FOREVER, &error));
    }
    CHECK_INT(4, record.done);
    CHECK_INT(MCP_CLOSED, record.status);
    CHECK_SAYS(closing.status == MCP_OK, "%s", closing.message);
    mcp_queue_free(other.queue);
    mcp_queue_free(record.queue);
}

/* All threads are busy: a queued close must not wait for one of them. */
static void a_close_does_not_wait_for_a_thread(void) {
    struct record record = new_record("legacy+fault=silent+when=ping+tag=queue-busy");
    struct record closing = record;
    EXPECT(MCP_OK, error, mcp_queue_set_threads(record.queue, 2, &error));
    submit_silent(&record, 6);
    await_requests("queue-busy", "ping", 2);
    mcp_options *options = queued(&closing);
    EXPECT(MCP_PENDING, error, mcp_client_close(record.client, options, &error));
    mcp_options_free(options);
    dispatch_all(record.queue);
    CHECK_INT(6, record.done);
    CHECK_INT(1, closing.done);
    free_record(&record);
}

static void a_freed_client_ends_its_calls(void) {
    struct record record = new_record("legacy+fault=silent+when=ping+tag=queue-freed");
    submit_silent(&record, 4);
    await_requests("queue-freed", "ping", 4);
    mcp_client_free(record.client);
    CHECK_INT(4, mcp_queue_pending(record.queue));
    dispatch_all(record.queue);
    CHECK_INT(4, record.done);
    CHECK_INT(MCP_CLOSED, record.status);
    mcp_queue_free(record.queue);
}

/* --- Many calls --------------------------------------------------------------------------------------------------- */

static size_t open_descriptors(void) {
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    must(folder != NULL, "/proc/self/fd");
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

/* Calls in flight have a socket each and no other descriptor. A thousand end within 50 ms of a cancel or a close. */
static void many_calls_end_at_once(const char *how, size_t calls) {
    char options[128], tag[32];
    snprintf(tag, sizeof tag, "queue-%s-many", how);
    snprintf(options, sizeof options, "legacy+fault=silent+when=ping+tag=%s", tag);
    struct record record = new_record(options);
    struct record closing = record;
    struct delays before;
    struct rlimit limit;
    must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    EXPECT(MCP_OK, error, mcp_queue_set_threads(record.queue, (uint32_t)calls, &error));
    EXPECT(MCP_OK, error, mcp_set_timeout(record.client, 0, &error));
    size_t idle = open_descriptors();
    submit_silent(&record, calls);
    await_requests(tag, "ping", calls);
    size_t busy = open_descriptors();
    CHECK_SAYS(busy - idle < calls + 32, "%zu descriptors for %zu calls", busy - idle, calls);
    note_delays(&before);
    double start = now_ms();
    if (strcmp(how, "cancel") == 0) {
        CHECK_INT(calls, mcp_queue_cancel(record.queue, &record));
    } else {
        mcp_options *brief = queued(&closing);
        mcp_options_set_timeout(brief, 1000, NULL);
        EXPECT(MCP_PENDING, error, mcp_client_close(record.client, brief, &error));
        mcp_options_free(brief);
    }
    EXPECT(MCP_OK, error, mcp_queue_dispatch(record.queue, 0, &error));
    double took = now_ms() - start;
    CHECK_INT(calls, record.done);
    printf("%s: %zu calls ended in %.1f ms; %zu descriptors\n", how, calls, took, busy - idle);
    CHECK_SAYS(took < allowed_ms(BOUND_MS, &before), "%.1f ms", took);
    dispatch_all(record.queue);
    free_record(&record);
}

/* --- fork --------------------------------------------------------------------------------------------------------- */

static void fork_in_callback(struct record *record) {
    pid_t child;
    int status = 0;
    if (record->done > 1) {
        return;
    }
    fflush(stdout);
    child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        record->then = NULL;
        return;
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    CHECK_SAYS(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's wait status is %d", status);
}

/* In the child, the dispatch ends after the callback: the rest is the parent's. */
static void a_callback_may_fork(void) {
    struct record record = new_record("dual");
    pid_t parent = getpid();
    record.then = fork_in_callback;
    for (int i = 0; i < 3; i++) {
        mcp_options *options = queued(&record);
        EXPECT(MCP_PENDING, error, mcp_ping(NULL, options, &error)); /* ends at once */
        mcp_options_free(options);
    }
    mcp_status status = mcp_queue_dispatch(record.queue, 0, NULL);
    if (getpid() != parent) {
        _exit(status == MCP_MISUSE && record.done == 1 ? 0 : 1);
    }
    CHECK_INT(MCP_OK, status);
    CHECK_INT(3, record.done);
    CHECK_INT(3, record.destroyed);
    ping(&record);
    dispatch_all(record.queue);
    CHECK_INT(4, record.done);
    free_record(&record);
}

static void a_child_cannot_use_the_queue(void) {
    struct record record = new_record("legacy+fault=silent+when=ping+tag=queue-fork");
    mcp_options *options = queued(&record);
    submit_silent(&record, 2);
    await_requests("queue-fork", "ping", 2);
    struct child_checks child = fork_checks();
    if (child.process == 0) {
        int descriptor = mcp_queue_fd(record.queue);
        CHECK_INT(-1, descriptor);
        EXPECT(MCP_MISUSE, error, mcp_ping(record.client, options, &error));
        EXPECT(MCP_MISUSE, error, mcp_client_close(record.client, options, &error));
        EXPECT(MCP_MISUSE, error, mcp_queue_dispatch(record.queue, 0, &error));
        EXPECT(MCP_MISUSE, error, mcp_queue_set_threads(record.queue, 1, &error));
        EXPECT(MCP_MISUSE, error, mcp_queue_set_wakeup(record.queue, NULL, NULL, NULL, &error));
        EXPECT(MCP_MISUSE, error, mcp_set_queue(record.client, record.queue, &error));
        CHECK_INT(0, mcp_queue_cancel(record.queue, &record));
        CHECK_INT(0, mcp_queue_pending(record.queue));
        CHECK_INT(0, mcp_queue_stop(record.queue));
        size_t open = open_descriptors();
        mcp_queue_free(record.queue);
        CHECK_INT(open - 1, open_descriptors());
        CHECK_INT(0, record.destroyed);
        end_child_checks(child);
    }
    join_child_checks(child);
    mcp_options_free(options);
    CHECK_INT(2, mcp_queue_cancel(record.queue, &record));
    dispatch_all(record.queue);
    CHECK_INT(2, record.done);
    free_record(&record);
}

/* --- Logs --------------------------------------------------------------------------------------------------------- */

struct lines {
    pthread_t thread;
    int count, elsewhere, lost;
};

static void count_line(void *userdata, int32_t level, const char *message) {
    struct lines *lines = userdata;
    (void)level;
    lines->count++;
    lines->elsewhere += !pthread_equal(pthread_self(), lines->thread);
    lines->lost += strstr(message, "log messages were dropped") != NULL;
}

static void log_messages_are_delivered_in_dispatch(void) {
    struct record record = new_record("dual");
    struct lines lines = {.thread = pthread_self()};
    EXPECT(MCP_OK, error, mcp_set_log(record.client, count_line, &lines, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_queue(record.client, record.queue, &error));
    ping(&record);
    dispatch_all(record.queue);
    CHECK(lines.count > 0);
    CHECK_INT(0, lines.elsewhere);
    CHECK_INT(0, lines.lost);
    free_record(&record);
}

/* Of several lines, the first frees the queue. */
static void free_queue_in_line(void *userdata, int32_t level, const char *message) {
    struct record *record = userdata;
    (void)level, (void)message;
    record->done++;
    if (record->queue != NULL) {
        mcp_queue *queue = record->queue;
        record->queue = NULL;
        mcp_queue_free(queue);
    }
}

static void a_log_line_may_free_the_queue(void) {
    struct record record = new_record("dual");
    mcp_queue *queue = record.queue;
    EXPECT(MCP_OK, error, mcp_set_log(record.client, free_queue_in_line, &record, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_queue(record.client, queue, &error));
    EXPECT(MCP_OK, error, mcp_ping(record.client, NULL, &error)); /* logs */
    EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, 30000, &error));
    CHECK_INT(1, record.done);
    EXPECT(MCP_OK, error, mcp_ping(record.client, NULL, &error));
    mcp_client_free(record.client);
}

int main(int argc, char **argv) {
    /* Valgrind has at most 500 threads. */
    size_t calls = argc > 1 && strcmp(argv[1], "--few-calls") == 0 ? 100 : 1000;
    results_are_delivered_once_in_dispatch();
    invalid_arguments_are_delivered();
    arguments_are_copied();
    a_queue_can_be_removed_from_options();
    done_may_be_null();
    calls_from_callbacks_wait_for_the_next_turn();
    callbacks_may_dispatch();
    one_thread_dispatches();
    the_descriptor_works_edge_triggered();
    the_wakeup_is_called_when_something_becomes_due();
    cancelled_calls_end_at_once();
    the_server_is_told_of_cancelled_calls();
    waiting_calls_are_cancelled_before_they_begin();
    tokens_end_waiting_calls();
    a_freed_queue_does_not_block_its_client();
    a_wakeup_may_cancel();
    a_stopped_queue_takes_no_calls();
    a_queue_freed_in_a_callback_delivers_nothing_more();
    close_ends_the_calls_of_all_queues_and_is_last();
    a_close_does_not_wait_for_a_thread();
    a_freed_client_ends_its_calls();
    many_calls_end_at_once("cancel", calls);
    many_calls_end_at_once("close", calls);
    a_callback_may_fork();
    a_child_cannot_use_the_queue();
    a_log_line_may_free_the_queue();
    log_messages_are_delivered_in_dispatch();
    return check_end();
}
