/* The JSON writer: what it writes is read back, wrong use is one error and no text, and calls do not accept "". */
#include "check.h"
#include "support.h"

#include <float.h>
#include <math.h>

enum { MEGABYTE = 1024 * 1024, LEVELS = 128 };

/* The text of the writer as a document; NULL if the writer reports an error. */
static mcp_json *document(const mcp_writer *writer) {
    mcp_error *error = NULL;
    mcp_json *json;
    EXPECT(MCP_OK, error, mcp_writer_check(writer, &error));
    CHECK_INT(strlen(mcp_writer_text(writer)), mcp_writer_length(writer));
    json = mcp_json_parse(mcp_writer_text(writer), mcp_writer_length(writer), &error);
    CHECK_SAYS(json != NULL, "%s: %s", mcp_writer_text(writer), mcp_error_message(error));
    mcp_error_free(error);
    return json;
}

static void all_types_are_read_back(void) {
    mcp_writer *writer = mcp_writer_new();
    mcp_json *value = mcp_json_parse("[{\"inner\" : [1, 2]}]", MCP_NUL_TERMINATED, NULL);
    mcp_json *json;
    int64_t whole = 0;
    uint64_t natural = 0;
    bool flag = false;
    char buffer[16];
    size_t length = 0;

    mcp_writer_begin_object(writer, NULL);
    mcp_writer_string(writer, "text", "a \"quoted\" \\ line\n\xc3\xa4", MCP_NUL_TERMINATED);
    mcp_writer_string(writer, "part", "abcdef", 3);
    mcp_writer_string(writer, "nul", "a\0b", 3);
    mcp_writer_string(writer, "empty", "", 0);
    mcp_writer_base64(writer, "blob", "\x00\xff\x10\x80", 4);
    mcp_writer_base64(writer, "none", NULL, 0);
    mcp_writer_int64(writer, "least", INT64_MIN);
    mcp_writer_uint64(writer, "most", UINT64_MAX);
    mcp_writer_bool(writer, "true", true);
    mcp_writer_bool(writer, "false", false);
    mcp_writer_null(writer, "null");
    mcp_writer_json(writer, "value", mcp_json_first(value));
    mcp_writer_raw(writer, "raw", " [1.50 , \"x\"]\n", MCP_NUL_TERMINATED);
    mcp_writer_raw(writer, "raw part", "12,", 2);
    mcp_writer_begin_array(writer, "list \"\n");
    mcp_writer_begin_object(writer, NULL);
    mcp_writer_end(writer);
    mcp_writer_begin_array(writer, NULL);
    mcp_writer_end(writer);
    mcp_writer_string(writer, NULL, "last", MCP_NUL_TERMINATED);
    mcp_writer_end(writer);
    mcp_writer_end(writer);
    mcp_json_free(value); /* what was written is a copy */

    json = document(writer);
    CHECK_INT(15, mcp_json_size(json));
    CHECK_TEXT("a \"quoted\" \\ line\n\xc3\xa4", mcp_json_string(mcp_json_member(json, "text")));
    CHECK_TEXT("abc", mcp_json_string(mcp_json_member(json, "part")));
    CHECK_INT(MCP_OK, mcp_json_copy_string(mcp_json_member(json, "nul"), buffer, sizeof buffer, &length, NULL));
    CHECK(length == 3 && memcmp(buffer, "a\0b", 4) == 0);
    CHECK_TEXT("", mcp_json_string(mcp_json_member(json, "empty")));
    CHECK_INT(MCP_OK, mcp_json_copy_base64(mcp_json_member(json, "blob"), buffer, sizeof buffer, &length, NULL));
    CHECK(length == 4 && memcmp(buffer, "\x00\xff\x10\x80", 4) == 0);
    CHECK_TEXT("", mcp_json_string(mcp_json_member(json, "none")));
    CHECK_INT(MCP_OK, mcp_json_int64(mcp_json_member(json, "least"), &whole, NULL));
    CHECK(whole == INT64_MIN);
    CHECK_INT(MCP_OK, mcp_json_uint64(mcp_json_member(json, "most"), &natural, NULL));
    CHECK(natural == UINT64_MAX);
    CHECK_INT(MCP_OK, mcp_json_bool(mcp_json_member(json, "true"), &flag, NULL));
    CHECK(flag);
    CHECK_INT(MCP_OK, mcp_json_bool(mcp_json_member(json, "false"), &flag, NULL));
    CHECK(!flag);
    CHECK_INT(MCP_JSON_NULL, mcp_json_type_of(mcp_json_member(json, "null")));
    CHECK_TEXT("{\"inner\" : [1, 2]}", mcp_json_text(mcp_json_member(json, "value")));
    CHECK_TEXT("[1.50 , \"x\"]", mcp_json_text(mcp_json_member(json, "raw")));
    CHECK_TEXT("12", mcp_json_text(mcp_json_member(json, "raw part")));
    CHECK_TEXT("[{},[],\"last\"]", mcp_json_text(mcp_json_member(json, "list \"\n")));
    mcp_json_free(json);
    mcp_writer_free(writer);
}

static void doubles_are_short_and_exact(void) {
    static const struct {
        double number;
        const char *text;
    } rows[] = {{0.0, "0"},
                {-0.0, "-0.0"},
                {1.0, "1"},
                {-2.0, "-2"},
                {0.1, "0.1"},
                {2.5e-7, "2.5e-7"},
                {1e300, "1e300"},
                {DBL_MAX, "1.7976931348623157e308"},
                {1.0 / 3.0, "0.3333333333333333"}};
    mcp_writer *writer = mcp_writer_new();
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double read = 77;
        mcp_json *json;
        mcp_writer_double(writer, NULL, rows[i].number);
        CHECK_TEXT(rows[i].text, mcp_writer_text(writer));
        json = document(writer);
        CHECK_INT(MCP_OK, mcp_json_double(json, &read, NULL));
        CHECK_SAYS(memcmp(&read, &rows[i].number, sizeof read) == 0, "%s is read as %.17g", rows[i].text, read);
        mcp_json_free(json);
        mcp_writer_reset(writer);
    }
    mcp_writer_free(writer);
}

/* Each writes something wrong. */
static void end_without_begin(mcp_writer *writer) {
    mcp_writer_end(writer);
}

static void end_too_many(mcp_writer *writer) {
    mcp_writer_begin_array(writer, NULL);
    mcp_writer_end(writer);
    mcp_writer_end(writer);
}

static void no_key(mcp_writer *writer) {
    mcp_writer_begin_object(writer, NULL);
    mcp_writer_int64(writer, NULL, 1);
    mcp_writer_end(writer);
}

static void key_in_an_array(mcp_writer *writer) {
    mcp_writer_begin_array(writer, NULL);
    mcp_writer_null(writer, "key");
    mcp_writer_end(writer);
}

static void outermost_key(mcp_writer *writer) {
    mcp_writer_begin_object(writer, "key");
    mcp_writer_end(writer);
}

static void second_value(mcp_writer *writer) {
    mcp_writer_bool(writer, NULL, true);
    mcp_writer_bool(writer, NULL, true);
}

static void no_text(mcp_writer *writer) {
    mcp_writer_string(writer, NULL, NULL, 0);
}

static void text_that_is_not_utf8(mcp_writer *writer) {
    mcp_writer_string(writer, NULL, "a\xff", 2);
}

static void key_that_is_not_utf8(mcp_writer *writer) {
    mcp_writer_begin_object(writer, NULL);
    mcp_writer_uint64(writer, "a\xff", 1);
    mcp_writer_end(writer);
}

static void no_bytes(mcp_writer *writer) {
    mcp_writer_base64(writer, NULL, NULL, 1);
}

static void not_a_number(mcp_writer *writer) {
    mcp_writer_double(writer, NULL, NAN);
}

static void infinite(mcp_writer *writer) {
    mcp_writer_double(writer, NULL, -HUGE_VAL);
}

static void missing_value(mcp_writer *writer) {
    mcp_writer_json(writer, NULL, NULL);
}

static void raw_text_that_is_not_json(mcp_writer *writer) {
    mcp_writer_raw(writer, NULL, "{\"a\":1", MCP_NUL_TERMINATED);
}

static void two_raw_values(mcp_writer *writer) {
    mcp_writer_raw(writer, NULL, "1 2", MCP_NUL_TERMINATED);
}

static void no_raw_text(mcp_writer *writer) {
    mcp_writer_raw(writer, NULL, NULL, MCP_NUL_TERMINATED);
}

static void no_end(mcp_writer *writer) {
    mcp_writer_begin_object(writer, NULL);
    mcp_writer_begin_array(writer, "list");
    mcp_writer_end(writer);
}

static void check_no_text(const mcp_writer *writer) {
    CHECK_TEXT("", mcp_writer_text(writer));
    CHECK_INT(0, mcp_writer_length(writer));
}

static void the_first_error_is_kept(void) {
    static const struct {
        void (*write)(mcp_writer *writer);
        const char *why;
    } cases[] = {{end_without_begin, "no array or object is open"},
                 {end_too_many, "after 2 bytes: no array or object is open"},
                 {no_key, "after 1 bytes: a value in an object needs a key"},
                 {key_in_an_array, "a value in an array cannot have a key"},
                 {outermost_key, "the outermost value cannot have a key"},
                 {second_value, "after 4 bytes: the value is complete"},
                 {no_text, "the text is NULL"},
                 {text_that_is_not_utf8, "the text is not valid UTF-8"},
                 {key_that_is_not_utf8, "the key is not valid UTF-8"},
                 {no_bytes, "the data is NULL"},
                 {not_a_number, "NaN"},
                 {infinite, "infinity"},
                 {missing_value, "the JSON value is NULL"},
                 {raw_text_that_is_not_json, "the raw text is not valid JSON"},
                 {two_raw_values, "the raw text is not valid JSON"},
                 {no_raw_text, "the raw text is NULL"}};
    mcp_writer *writer = mcp_writer_new();
    mcp_error *error = NULL;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int round;
        cases[i].write(writer);
        for (round = 0; round < 2; round++) {
            check_no_text(writer);
            EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_writer_check(writer, &error));
            CHECK_SAYS(strstr(mcp_error_message(error), cases[i].why) != NULL, "not \"%s\" but: %s", cases[i].why,
                       mcp_error_message(error));
            mcp_error_free(error);
            error = NULL;
            /* what is written after the error changes nothing, whether it is right or wrong */
            mcp_writer_begin_object(writer, NULL);
            mcp_writer_string(writer, "\xff", NULL, 0);
            mcp_writer_double(writer, NULL, NAN);
            mcp_writer_end(writer);
        }
        mcp_writer_reset(writer);
        mcp_writer_begin_array(writer, NULL);
        mcp_writer_end(writer);
        CHECK_TEXT("[]", mcp_writer_text(writer));
        mcp_writer_reset(writer);
    }
    mcp_writer_free(writer);
}

static void an_incomplete_value_has_no_text(void) {
    mcp_writer *writer = mcp_writer_new();
    mcp_error *error = NULL;
    check_no_text(writer);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_writer_check(writer, &error));
    no_end(writer);
    check_no_text(writer);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_writer_check(writer, &error));
    mcp_writer_end(writer);
    CHECK_TEXT("{\"list\":[]}", mcp_writer_text(writer));
    EXPECT(MCP_OK, error, mcp_writer_check(writer, &error));
    mcp_writer_free(writer);
}

static void length_and_depth_are_limited(void) {
    mcp_writer *writer = mcp_writer_new();
    mcp_error *error = NULL;
    char *text = malloc(65 * (size_t)MEGABYTE);
    int level;
    must(text != NULL, "memory");
    memset(text, 'x', 65 * (size_t)MEGABYTE);

    mcp_writer_string(writer, NULL, text, 64 * (size_t)MEGABYTE - 2); /* and two quotes */
    EXPECT(MCP_OK, error, mcp_writer_check(writer, &error));
    CHECK_INT(64 * MEGABYTE, mcp_writer_length(writer));
    mcp_writer_reset(writer);
    mcp_writer_string(writer, NULL, text, 64 * (size_t)MEGABYTE - 1);
    EXPECT(MCP_TOO_LARGE, error, mcp_writer_check(writer, &error));
    check_no_text(writer);
    mcp_writer_reset(writer);
    mcp_writer_base64(writer, NULL, text, 48 * (size_t)MEGABYTE);
    EXPECT(MCP_TOO_LARGE, error, mcp_writer_check(writer, &error));
    free(text);
    /* lengths that no memory has are refused without reading it */
    mcp_writer_reset(writer);
    mcp_writer_base64(writer, NULL, "", SIZE_MAX / 2);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_writer_check(writer, &error));
    mcp_writer_reset(writer);
    mcp_writer_raw(writer, NULL, "", SIZE_MAX - 1);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_writer_check(writer, &error));

    mcp_writer_reset(writer);
    for (level = 0; level < LEVELS; level++) {
        mcp_writer_begin_array(writer, NULL);
    }
    for (level = 0; level < LEVELS; level++) {
        mcp_writer_end(writer);
    }
    EXPECT(MCP_OK, error, mcp_writer_check(writer, &error));
    CHECK_INT(2 * LEVELS, mcp_writer_length(writer));
    mcp_writer_reset(writer);
    for (level = 0; level <= LEVELS; level++) {
        mcp_writer_begin_array(writer, NULL);
    }
    EXPECT(MCP_TOO_LARGE, error, mcp_writer_check(writer, &error));
    mcp_writer_free(writer);
}

static void null_is_a_writer_without_text(void) {
    mcp_error *error = NULL;
    mcp_writer_begin_object(NULL, NULL);
    mcp_writer_begin_array(NULL, NULL);
    mcp_writer_end(NULL);
    mcp_writer_string(NULL, NULL, "x", 1);
    mcp_writer_base64(NULL, NULL, "x", 1);
    mcp_writer_int64(NULL, NULL, 1);
    mcp_writer_uint64(NULL, NULL, 1);
    mcp_writer_double(NULL, NULL, 1);
    mcp_writer_bool(NULL, NULL, true);
    mcp_writer_null(NULL, NULL);
    mcp_writer_json(NULL, NULL, NULL);
    mcp_writer_raw(NULL, NULL, "1", 1);
    mcp_writer_reset(NULL);
    mcp_writer_free(NULL);
    check_no_text(NULL);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_writer_check(NULL, &error));
    CHECK_INT(MCP_INVALID_ARGUMENT, mcp_writer_check(NULL, NULL));
}

static void a_tool_gets_what_was_written_and_is_not_called_after_an_error(void) {
    static const char said[] = "\"quotes\", \\ and\nlines";
    mcp_client *client = client_for("dual+tag=writer");
    mcp_writer *writer = mcp_writer_new();
    mcp_error *error = NULL;
    mcp_json *result = NULL, *log;

    mcp_writer_begin_object(writer, NULL);
    mcp_writer_string(writer, "text", said, MCP_NUL_TERMINATED);
    mcp_writer_end(writer);
    EXPECT(MCP_OK, error,
           mcp_call_tool(client, "echo", mcp_writer_text(writer), mcp_writer_length(writer), NULL, &result, &error));
    CHECK_TEXT(said, mcp_tool_result_text(result));
    mcp_json_free(result);

    mcp_writer_reset(writer);
    mcp_writer_begin_object(writer, NULL);
    mcp_writer_string(writer, NULL, said, MCP_NUL_TERMINATED);
    mcp_writer_end(writer);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_call_tool(client, "echo", mcp_writer_text(writer), mcp_writer_length(writer), NULL, &result, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_call_tool(client, "echo", mcp_writer_text(writer), MCP_NUL_TERMINATED, NULL, &result, &error));
    CHECK(result == NULL);
    mcp_writer_free(writer);
    dispose(client);
    log = server_log("writer");
    CHECK_INT(1, count_requests(log, "tools/call"));
    mcp_json_free(log);
}

int main(void) {
    all_types_are_read_back();
    doubles_are_short_and_exact();
    the_first_error_is_kept();
    an_incomplete_value_has_no_text();
    length_and_depth_are_limited();
    null_is_a_writer_without_text();
    a_tool_gets_what_was_written_and_is_not_called_after_an_error();
    return check_end();
}
