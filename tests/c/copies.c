/* Copies of JSON values, errors and options: they outlive the originals, and have the same content. */
#include "check.h"
#include "support.h"

static int destroyed;

static void count(void *userdata) {
    (void)userdata;
    destroyed++;
}

static mcp_json *parse(const char *text) {
    mcp_json *json = mcp_json_parse(text, MCP_NUL_TERMINATED, NULL);
    must(json != NULL, text);
    return json;
}

static void json_text_is_made_once_for_each_value(void) {
    mcp_json *root = parse(" { \"a\" : [1.50, \"x\\n\"], \"b\":null } ");
    const mcp_json *list = mcp_json_member(root, "a");
    const mcp_json *string = mcp_json_element(list, 1);
    CHECK_TEXT("x\n", mcp_json_string(string));
    CHECK_TEXT("{ \"a\" : [1.50, \"x\\n\"], \"b\":null }", mcp_json_text(root));
    CHECK_TEXT("[1.50, \"x\\n\"]", mcp_json_text(list));
    CHECK_TEXT("1.50", mcp_json_text(mcp_json_first(list)));
    CHECK_TEXT("\"x\\n\"", mcp_json_text(string));
    CHECK_TEXT("null", mcp_json_text(mcp_json_member(root, "b")));
    CHECK(mcp_json_text(root) == mcp_json_text(root));
    CHECK(mcp_json_text(string) == mcp_json_text(mcp_json_element(list, 1)));
    CHECK_TEXT("x\n", mcp_json_string(string));
    CHECK(mcp_json_text(NULL) == NULL);
    mcp_json_free(root);
}

static void a_copied_value_outlives_its_document(void) {
    mcp_json *root = parse("[{\"key\":{\"list\":[1,{\"deep\":\"text\"},[]],\"n\":-5}},7]");
    const mcp_json *inner = mcp_json_pointer(root, "/0/key");
    mcp_json *whole = mcp_json_copy(root), *part = mcp_json_copy(inner), *again, *scalar;
    const char *first = mcp_json_key(inner);
    int64_t number = 0;
    size_t length = 0;
    CHECK(whole != root && part != inner);
    CHECK_TEXT("key", first);
    CHECK_TEXT(mcp_json_text(root), mcp_json_text(whole));
    CHECK_TEXT(mcp_json_text(inner), mcp_json_text(part));
    CHECK(mcp_json_raw(inner, &length) == mcp_json_raw(part, NULL)); /* the text is shared */
    mcp_json_free(root);

    CHECK(mcp_json_key(part) == NULL && mcp_json_next(part) == NULL);
    CHECK_INT(2, mcp_json_size(part));
    CHECK_TEXT("text", mcp_json_string(mcp_json_pointer(part, "/list/1/deep")));
    CHECK_INT(MCP_OK, mcp_json_int64(mcp_json_member(part, "n"), &number, NULL));
    CHECK_INT(-5, number);
    again = mcp_json_copy(mcp_json_pointer(part, "/list"));
    mcp_json_free(part);
    CHECK_INT(3, mcp_json_size(again));
    scalar = mcp_json_copy(mcp_json_pointer(again, "/1/deep"));
    mcp_json_free(again);
    CHECK_TEXT("text", mcp_json_string(scalar));
    CHECK_TEXT("\"text\"", mcp_json_text(scalar));
    mcp_json_free(scalar);
    CHECK_TEXT("7", mcp_json_text(mcp_json_element(whole, 1)));
    mcp_json_free(whole);
    CHECK(mcp_json_copy(NULL) == NULL);
}

enum { MANY = 200, THREADS = 8 };

static void *copy_all(void *argument) {
    const mcp_json *child;
    size_t seen = 0;
    for (child = mcp_json_first(argument); child != NULL; child = mcp_json_next(child)) {
        mcp_json *copy = mcp_json_copy(child);
        seen += strcmp(mcp_json_text(copy), mcp_json_text(child)) == 0;
        mcp_json_free(copy);
    }
    CHECK_INT(MANY, seen);
    return NULL;
}

static void threads_may_copy_the_same_value(void) {
    mcp_writer *writer = mcp_writer_new();
    pthread_t thread[THREADS];
    mcp_json *root;
    size_t i;
    mcp_writer_begin_array(writer, NULL);
    for (i = 0; i < MANY; i++) {
        mcp_writer_begin_object(writer, NULL);
        mcp_writer_uint64(writer, "n", i);
        mcp_writer_end(writer);
    }
    mcp_writer_end(writer);
    root = parse(mcp_writer_text(writer));
    mcp_writer_free(writer);
    for (i = 0; i < THREADS; i++) {
        thread[i] = start_thread(copy_all, root);
    }
    for (i = 0; i < THREADS; i++) {
        join_thread(thread[i]);
    }
    mcp_json_free(root);
}

static void a_copied_error_has_the_same_content(void) {
    mcp_client *client = client_for("legacy+fault=rpc-error+when=tools/list");
    mcp_json *tools = NULL;
    mcp_error *error = NULL, *copy;
    CHECK_INT(MCP_RPC_ERROR, mcp_list_tools(client, NULL, &tools, &error));
    copy = mcp_error_copy(error);
    CHECK(copy != error && mcp_error_message(copy) != mcp_error_message(error));
    CHECK_TEXT(mcp_error_message(error), mcp_error_message(copy));
    mcp_error_free(error);
    CHECK_INT(MCP_RPC_ERROR, mcp_error_status(copy));
    CHECK(mcp_error_has_rpc_code(copy));
    CHECK_INT(-32603, mcp_error_rpc_code(copy));
    CHECK_TEXT("test", mcp_json_string(mcp_json_member(mcp_error_rpc_data(copy), "why")));
    mcp_error_free(copy);
    dispose(client);

    client = client_for("dual+bearer=right-token");
    CHECK_INT(MCP_UNAUTHORIZED, mcp_ping(client, NULL, &error));
    copy = mcp_error_copy(error);
    CHECK_TEXT(mcp_error_challenge(error), mcp_error_challenge(copy));
    CHECK_INT(401, mcp_error_http_status(copy));
    CHECK(mcp_error_rpc_data(copy) == NULL);
    mcp_error_free(copy);
    CHECK(mcp_error_challenge(error) != NULL); /* the original stays valid */
    mcp_error_free(error);
    dispose(client);
    CHECK(mcp_error_copy(NULL) == NULL);
}

static void fail_with_cause(void *userdata, mcp_auth_request *request) {
    CHECK_INT(MCP_OK, mcp_auth_request_fail_with(request, "no token", userdata, count, NULL));
}

static void the_cause_is_shared_with_the_copy(void) {
    mcp_client *client = client_for("dual+bearer=right-token");
    mcp_error *error = NULL, *copy;
    int cause = 7;
    must(mcp_set_auth(client, fail_with_cause, &cause, NULL, NULL) == MCP_OK, "mcp_set_auth");
    CHECK_INT(MCP_AUTH_FAILED, mcp_ping(client, NULL, &error));
    copy = mcp_error_copy(error);
    dispose(client);
    destroyed = 0;
    mcp_error_free(error);
    CHECK_INT(0, destroyed);
    CHECK(mcp_error_cause(copy) == &cause);
    mcp_error_free(copy);
    CHECK_INT(1, destroyed);
}

static bool no_progress(void *userdata, double progress, double total, const char *message) {
    (void)userdata;
    (void)progress;
    (void)total;
    (void)message;
    return true;
}

static void copied_options_are_independent(void) {
    mcp_client *client = client_for("modern+tag=copies");
    mcp_options *template = mcp_options_new(), *copy;
    mcp_cancel *cancel = mcp_cancel_new();
    mcp_error *error = NULL;
    mcp_json *log, *tools = NULL;
    const mcp_json *last;
    const char *body;

    destroyed = 0;
    EXPECT(MCP_OK, error, mcp_options_set_header(template, "X-Template", "one", &error));
    EXPECT(MCP_OK, error, mcp_options_set_meta(template, "{\"traceparent\":\"kept\"}", MCP_NUL_TERMINATED, &error));
    EXPECT(MCP_OK, error, mcp_options_set_cancel(template, cancel, &error));
    EXPECT(MCP_OK, error, mcp_options_set_progress(template, no_progress, &destroyed, count, &error));
    copy = mcp_options_copy(template);
    EXPECT(MCP_OK, error, mcp_options_set_header(copy, "X-Copy", "two", &error));
    EXPECT(MCP_OK, error, mcp_options_set_header(template, "X-Template", "changed later", &error));
    mcp_options_free(template);
    CHECK_INT(0, destroyed); /* the copy has the callback, too */

    EXPECT(MCP_OK, error, mcp_list_tools(client, copy, &tools, &error));
    mcp_json_free(tools);
    log = server_log("copies");
    last = mcp_json_element(log, mcp_json_size(log) - 1);
    body = mcp_json_string(mcp_json_member(last, "body"));
    CHECK_TEXT("one", header_of(last, "x-template"));
    CHECK_TEXT("two", header_of(last, "x-copy"));
    CHECK_SAYS(body != NULL && strstr(body, "\"traceparent\":\"kept\"") != NULL, "%s", body != NULL ? body : "");
    mcp_json_free(log);

    mcp_cancel_trigger(cancel);
    EXPECT(MCP_CANCELLED, error, mcp_ping(client, copy, &error));
    mcp_cancel_free(cancel);
    mcp_options_free(copy);
    CHECK_INT(1, destroyed);

    /* a copy of the defaults */
    copy = mcp_options_copy(NULL);
    EXPECT(MCP_OK, error, mcp_options_set_timeout(copy, 10000, &error));
    EXPECT(MCP_OK, error, mcp_ping(client, copy, &error));
    mcp_options_free(copy);
    dispose(client);
}

int main(void) {
    json_text_is_made_once_for_each_value();
    a_copied_value_outlives_its_document();
    threads_may_copy_the_same_value();
    a_copied_error_has_the_same_content();
    the_cause_is_shared_with_the_copy();
    copied_options_are_independent();
    return check_end();
}
