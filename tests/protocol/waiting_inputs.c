/* Handlers that wait for a person: their call ends when it is cancelled or its client is closed, and they may respond
 * later from any thread. */
#define _POSIX_C_SOURCE 200809L

#include "protocol.h"

/* Everything ends within 50 ms; the bound allows for a busy machine. */
enum { BOUND_MS = 1000, HANDLER_MS = 4000 };

static mcp_error *error;

/* What a test does in the handler, and what happens. */
struct question {
    notes *events;
    void (*handle)(struct question *question, mcp_input *input);
    mcp_input *deferred;
    mcp_cancel *cancel;
    mcp_client *client;
    struct delays before;
    double at;
};

static void ask(void *userdata, mcp_input *input) {
    struct question *question = userdata;
    CHECK_TEXT("elicitation/create", mcp_input_method(input));
    note(question->events, "asked");
    question->handle(question, input);
}

static void note_over(void *userdata, int32_t status) {
    struct question *question = userdata;
    note(question->events, "over %s", mcp_status_name(status));
}

/* A client whose elicitations go to `question`. */
static mcp_client *asking_client(struct question *question, void (*handle)(struct question *, mcp_input *)) {
    question->events = notes_new();
    question->handle = handle;
    question->client = new_client();
    EXPECT(MCP_OK, error, mcp_set_elicitation(question->client, ask, question, NULL, &error));
    return question->client;
}

static void end_question(struct question *question) {
    end_client(question->client);
    notes_free(question->events);
}

/* Calls the tool that asks for a name, with the cancel token of the question. Returns the status. */
static mcp_status call_asking_tool(struct question *question) {
    mcp_options *options = mcp_options_new();
    mcp_json *result = NULL;
    EXPECT(MCP_OK, error, mcp_options_set_cancel(options, question->cancel, &error));
    mcp_status status = mcp_call_tool(question->client, "ask_name", NULL, 0, options, &result, NULL);
    mcp_options_free(options);
    mcp_json_free(result);
    return status;
}

/* --- A handler that blocks ---------------------------------------------------------------------------------------- */

static void sleep_and_accept(struct question *question, mcp_input *input) {
    mcp_error *failure = NULL;
    CHECK_INT(MCP_OK, mcp_input_set_over(input, note_over, question, NULL, NULL));
    sleep_ms(HANDLER_MS);
    CHECK(mcp_input_is_over(input));
    EXPECT(question->cancel == NULL ? MCP_CLOSED : MCP_CANCELLED, failure,
           mcp_input_accept(input, "{\"name\":\"Ada\"}", MCP_NUL_TERMINATED, &failure)); /* too late */
    note(question->events, "returned");
}

static void defer(struct question *question, mcp_input *input);

static void *cancel_when_asked(void *argument) {
    struct question *question = argument;
    AWAIT_NOTE(question->events, question->handle == defer ? "deferred" : "asked");
    note_delays(&question->before);
    question->at = now_ms();
    mcp_cancel_trigger(question->cancel);
    return NULL;
}

static void a_cancelled_call_ends_while_its_handler_runs(void) {
    struct question question = {.cancel = mcp_cancel_new()};
    asking_client(&question, sleep_and_accept);
    pthread_t thread = start_thread(cancel_when_asked, &question);
    CHECK_INT(MCP_CANCELLED, call_asking_tool(&question));
    double took = now_ms() - question.at;
    printf("a call ended %.1f ms after its cancel, while its handler slept\n", took);
    CHECK_SAYS(took < allowed_ms(BOUND_MS, &question.before), "%.1f ms", took);
    join_thread(thread);
    AWAIT_NOTE(question.events, "over MCP_CANCELLED");
    AWAIT_NOTE(question.events, "returned");
    mcp_cancel_free(question.cancel);
    end_question(&question);
}

static void *close_when_asked(void *argument) {
    struct question *question = argument;
    AWAIT_NOTE(question->events, "asked");
    note_delays(&question->before);
    question->at = now_ms();
    mcp_client_close(question->client, NULL, NULL);
    return NULL;
}

static void a_closed_client_ends_its_call_while_the_handler_runs(void) {
    struct question question = {.cancel = NULL};
    asking_client(&question, sleep_and_accept);
    pthread_t thread = start_thread(close_when_asked, &question);
    CHECK_INT(MCP_CLOSED, call_asking_tool(&question));
    double took = now_ms() - question.at;
    printf("a call ended %.1f ms after the close, while its handler slept\n", took);
    CHECK_SAYS(took < allowed_ms(BOUND_MS, &question.before), "%.1f ms", took);
    join_thread(thread);
    AWAIT_NOTE(question.events, "over MCP_CLOSED");
    mcp_client_free(question.client); /* does not wait for the handler */
    CHECK_INT(0, count_notes(question.events, "returned"));
    AWAIT_NOTE(question.events, "returned");
    notes_free(question.events);
}

/* --- A handler that responds later -------------------------------------------------------------------------------- */

static void defer(struct question *question, mcp_input *input) {
    mcp_error *failure = NULL;
    EXPECT(MCP_OK, failure, mcp_input_set_over(input, note_over, question, NULL, &failure));
    EXPECT(MCP_OK, failure, mcp_input_defer(input, &failure));
    EXPECT(MCP_MISUSE, failure, mcp_input_defer(input, &failure)); /* only once */
    question->deferred = input;
    note(question->events, "deferred");
}

static void *accept_later(void *argument) {
    struct question *question = argument;
    mcp_error *failure = NULL;
    AWAIT_NOTE(question->events, "deferred");
    mcp_input *input = question->deferred;
    CHECK(mcp_input_client_name(input)[0] != '\0');
    CHECK(strcmp(mcp_json_string(mcp_json_member(mcp_input_params(input), "message")), "Who are you?") == 0);
    EXPECT(MCP_INVALID_ARGUMENT, failure, mcp_input_accept(input, "[]", MCP_NUL_TERMINATED, &failure));
    EXPECT(MCP_OK, failure, mcp_input_accept(input, "{\"name\":\"Ada\"}", MCP_NUL_TERMINATED, &failure));
    EXPECT(MCP_MISUSE, failure, mcp_input_decline(input, &failure)); /* the first response counts */
    CHECK(!mcp_input_is_over(input));
    mcp_input_free(input);
    return NULL;
}

static void a_deferred_input_is_answered_on_another_thread(void) {
    struct question question = {.cancel = NULL};
    mcp_client *client = asking_client(&question, defer);
    pthread_t thread = start_thread(accept_later, &question);
    CHECK_TOOL("Hello, Ada!", client, "ask_name", NULL);
    join_thread(thread);
    CHECK_INT(0, count_notes(question.events, "over \xe2\x80\xa6"));
    end_question(&question);
}

static void *free_later(void *argument) {
    struct question *question = argument;
    AWAIT_NOTE(question->events, "deferred");
    mcp_input_free(question->deferred);
    return NULL;
}

static void an_input_that_is_freed_without_a_response_is_cancelled(void) {
    struct question question = {.cancel = NULL};
    mcp_client *client = asking_client(&question, defer);
    pthread_t thread = start_thread(free_later, &question);
    CHECK_TOOL("action: cancel", client, "ask_name", NULL);
    join_thread(thread);
    CHECK_INT(0, count_notes(question.events, "over \xe2\x80\xa6"));
    end_question(&question);
}

static void a_deferred_input_is_over_when_its_call_is_cancelled(void) {
    struct question question = {.cancel = mcp_cancel_new()};
    asking_client(&question, defer);
    pthread_t thread = start_thread(cancel_when_asked, &question);
    CHECK_INT(MCP_CANCELLED, call_asking_tool(&question));
    join_thread(thread);
    AWAIT_NOTE(question.events, "deferred");
    AWAIT_NOTE(question.events, "over MCP_CANCELLED");
    CHECK(mcp_input_is_over(question.deferred));
    EXPECT(MCP_CANCELLED, error, mcp_input_accept(question.deferred, "{\"name\":\"Ada\"}", MCP_NUL_TERMINATED, &error));
    mcp_client_free(question.client);
    /* The input outlives its call and its client. */
    CHECK_TEXT("elicitation/create", mcp_input_method(question.deferred));
    CHECK_TEXT("Who are you?", mcp_json_string(mcp_json_member(mcp_input_params(question.deferred), "message")));
    mcp_input_free(question.deferred);
    mcp_cancel_free(question.cancel);
    notes_free(question.events);
}

static void an_input_ends_at_its_timeout(void) {
    struct question question = {.cancel = NULL};
    mcp_client *client = asking_client(&question, defer);
    EXPECT(MCP_OK, error, mcp_set_input_timeout(client, 50, &error));
    CHECK_TOOL("action: cancel", client, "ask_name", NULL);
    AWAIT_NOTE(question.events, "over MCP_TIMEOUT");
    EXPECT(MCP_TIMEOUT, error, mcp_input_decline(question.deferred, &error));
    mcp_input_free(question.deferred);
    end_question(&question);
}

/* --- In a queue --------------------------------------------------------------------------------------------------- */

static pthread_t loop_thread;

static void defer_in_loop(struct question *question, mcp_input *input) {
    CHECK(pthread_equal(pthread_self(), loop_thread));
    defer(question, input);
}

static void note_done(void *userdata, int32_t status, const mcp_json *result, const mcp_error *failure) {
    struct question *question = userdata;
    (void)failure;
    note(question->events, "done %s %s", mcp_status_name(status), mcp_tool_result_text(result));
}

static void queued_calls_ask_in_dispatch(void) {
    struct question question = {.cancel = NULL};
    mcp_client *client = asking_client(&question, defer_in_loop);
    mcp_queue *queue = mcp_queue_new(&error);
    mcp_options *options = mcp_options_new();
    loop_thread = pthread_self();
    EXPECT(MCP_OK, error, mcp_queue_set_threads(queue, 1, &error));
    EXPECT(MCP_OK, error, mcp_options_set_queue(options, queue, note_done, &question, NULL, &error));
    EXPECT(MCP_PENDING, error, mcp_call_tool(client, "ask_name", NULL, 0, options, NULL, &error));
    while (question.deferred == NULL) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    /* The call waits for a person and leaves the only thread to another call. */
    EXPECT(MCP_PENDING, error, mcp_list_tools(client, options, NULL, &error));
    while (count_notes(question.events, "done MCP_OK \xe2\x80\xa6") == 0) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    EXPECT(MCP_OK, error, mcp_input_accept(question.deferred, "{\"name\":\"Ada\"}", MCP_NUL_TERMINATED, &error));
    mcp_input_free(question.deferred);
    question.deferred = NULL;
    while (mcp_queue_pending(queue) > 0) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    CHECK_INT(1, count_notes(question.events, "done MCP_OK Hello, Ada!"));

    /* A cancelled call takes its dialog down in dispatch, before its end is delivered. */
    clear_notes(question.events);
    EXPECT(MCP_PENDING, error, mcp_call_tool(client, "ask_name", NULL, 0, options, NULL, &error));
    while (question.deferred == NULL) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    CHECK_INT(1, mcp_queue_cancel(queue, &question));
    while (mcp_queue_pending(queue) > 0 || count_notes(question.events, "over \xe2\x80\xa6") == 0) {
        EXPECT(MCP_OK, error, mcp_queue_dispatch(queue, MCP_FOREVER, &error));
    }
    CHECK_NOTES("asked\ndeferred\nover MCP_CANCELLED\ndone MCP_CANCELLED ", question.events);
    mcp_input_free(question.deferred);
    mcp_options_free(options);
    mcp_queue_free(queue);
    end_question(&question);
}

int main(int argc, char **argv) {
    use_server(argc, argv);
    a_cancelled_call_ends_while_its_handler_runs();
    a_closed_client_ends_its_call_while_the_handler_runs();
    a_deferred_input_is_answered_on_another_thread();
    an_input_that_is_freed_without_a_response_is_cancelled();
    a_deferred_input_is_over_when_its_call_is_cancelled();
    an_input_ends_at_its_timeout();
    queued_calls_ask_in_dispatch();
    return check_end();
}
