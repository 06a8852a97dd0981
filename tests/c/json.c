/* JSON values: types, iteration, pointers, numbers at their limits, three ways to read strings, many threads. */
#include "check.h"
#include "support.h"

static mcp_json *parse(const char *text) {
    mcp_error *error = NULL;
    mcp_json *json = mcp_json_parse(text, MCP_NUL_TERMINATED, &error);
    CHECK_SAYS(json != NULL, "%s: %s", text, mcp_error_message(error));
    mcp_error_free(error);
    return json;
}

static void types_and_accessors(void) {
    mcp_json *root = parse("{\"n\":null,\"t\":true,\"f\":false,\"i\":1,\"s\":\"x\",\"a\":[],\"o\":{}}");
    mcp_error *error = NULL;
    bool flag = false;

    CHECK_INT(MCP_JSON_OBJECT, mcp_json_type_of(root));
    CHECK_INT(7, mcp_json_size(root));
    CHECK_INT(MCP_JSON_NULL, mcp_json_type_of(mcp_json_member(root, "n")));
    CHECK_INT(MCP_JSON_BOOL, mcp_json_type_of(mcp_json_member(root, "t")));
    CHECK_INT(MCP_JSON_NUMBER, mcp_json_type_of(mcp_json_member(root, "i")));
    CHECK_INT(MCP_JSON_STRING, mcp_json_type_of(mcp_json_member(root, "s")));
    CHECK_INT(MCP_JSON_ARRAY, mcp_json_type_of(mcp_json_member(root, "a")));
    CHECK_INT(MCP_JSON_OBJECT, mcp_json_type_of(mcp_json_member(root, "o")));

    /* null is a value; a missing member is not */
    CHECK(mcp_json_member(root, "n") != NULL);
    CHECK(mcp_json_member(root, "missing") == NULL);
    CHECK_INT(MCP_JSON_MISSING, mcp_json_type_of(mcp_json_member(root, "missing")));

    EXPECT(MCP_OK, error, mcp_json_bool(mcp_json_member(root, "t"), &flag, &error));
    CHECK(flag);
    EXPECT(MCP_OK, error, mcp_json_bool(mcp_json_member(root, "f"), &flag, &error));
    CHECK(!flag);
    flag = true;
    EXPECT(MCP_JSON_MISMATCH, error, mcp_json_bool(mcp_json_member(root, "n"), &flag, &error));
    CHECK(flag); /* written only on success */
    EXPECT(MCP_JSON_MISMATCH, error, mcp_json_bool(mcp_json_member(root, "i"), &flag, &error));

    /* accessors of other types */
    CHECK(mcp_json_member(mcp_json_member(root, "a"), "x") == NULL);
    CHECK(mcp_json_element(mcp_json_member(root, "s"), 0) == NULL);
    CHECK(mcp_json_first(mcp_json_member(root, "s")) == NULL);
    CHECK(mcp_json_first(mcp_json_member(root, "a")) == NULL);
    CHECK(mcp_json_first(mcp_json_member(root, "o")) == NULL);
    CHECK(mcp_json_string(mcp_json_member(root, "i")) == NULL);
    CHECK_INT(0, mcp_json_size(mcp_json_member(root, "n")));
    CHECK_INT(0, mcp_json_size(mcp_json_member(root, "i")));
    mcp_json_free(root);

    root = parse(" \t\r\n\"alone\" ");
    CHECK_TEXT("alone", mcp_json_string(root));
    CHECK(mcp_json_next(root) == NULL);
    CHECK(mcp_json_key(root) == NULL);
    mcp_json_free(root);
}

static void invalid_json_is_rejected(void) {
    static const char *const bad[] = {
        "",       " ",        "{",     "[1,]",     "{\"a\":}",       "{'a':1}",   "nul", "01",
        "1.",     "+1",       "[1 2]", "\"\x01\"", "\"\\x\"",        "\"open",    "1 2", "{\"a\"}",
        "[\xff]", "\"\xc3\"", "NaN",   "//c\n1",   "\xef\xbb\xbf{}", "\"\\u12\"", "-",   "1e"};
    mcp_error *error = NULL;
    char *deep = malloc(200001);
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mcp_json *json = mcp_json_parse(bad[i], MCP_NUL_TERMINATED, &error);
        CHECK_SAYS(json == NULL, "accepted as JSON: %s", bad[i]);
        CHECK_SAYS(mcp_error_status(error) == MCP_INVALID_JSON || mcp_error_status(error) == MCP_INVALID_ARGUMENT,
                   "\"%s\": %s", bad[i], mcp_status_name(mcp_error_status(error)));
        mcp_error_free(error);
        error = NULL;
        mcp_json_free(json);
    }

    /* the length is used, not the NUL; a NUL inside the text is not valid JSON */
    {
        mcp_json *json = mcp_json_parse("12345", 3, NULL);
        int64_t value = 0;
        CHECK_INT(MCP_OK, mcp_json_int64(json, &value, NULL));
        CHECK_INT(123, value);
        mcp_json_free(json);
        CHECK(mcp_json_parse("1\0", 2, NULL) == NULL);
        CHECK(mcp_json_parse("1", 0, NULL) == NULL);
    }

    /* 100,000 brackets: refused or accepted, but without a stack overflow while parsing or freeing */
    must(deep != NULL, "memory");
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    deep[200000] = '\0';
    mcp_json_free(mcp_json_parse(deep, MCP_NUL_TERMINATED, NULL));
    free(deep);
}

static void iteration_is_linear_and_in_order(void) {
    enum { COUNT = 10000 };
    char *text = malloc(COUNT * 24 + 16), *at = text;
    mcp_json *root;
    const mcp_json *child;
    size_t i;
    double start, walked;

    must(text != NULL, "memory");
    *at++ = '[';
    for (i = 0; i < COUNT; i++) {
        at += sprintf(at, "%s{\"name\":\"tool-%lu\"}", i > 0 ? "," : "", (unsigned long)i);
    }
    *at++ = ']';
    root = mcp_json_parse(text, (size_t)(at - text), NULL);
    free(text); /* the value owns a copy */
    CHECK_INT(COUNT, mcp_json_size(root));

    start = now_ms();
    for (i = 0, child = mcp_json_first(root); child != NULL; child = mcp_json_next(child), i++) {
        if (i == COUNT - 1) {
            CHECK_TEXT("tool-9999", mcp_json_string(mcp_json_member(child, "name")));
        }
    }
    walked = now_ms() - start;
    CHECK_INT(COUNT, i);
    printf("walked %d elements in %.2f ms\n", COUNT, walked);
    CHECK_SAYS(walked < 1000, "walking took %.0f ms: is it still linear?", walked);

    CHECK(mcp_json_element(root, 0) == mcp_json_first(root));
    CHECK_TEXT("tool-42", mcp_json_string(mcp_json_pointer(root, "/42/name")));
    CHECK(mcp_json_element(root, COUNT) == NULL);
    CHECK(mcp_json_element(root, SIZE_MAX) == NULL);
    mcp_json_free(root);

    /* members come in document order, with their keys */
    root = parse("{\"z\":1,\"a\":2,\"\\u006d\":3,\"\":4}");
    child = mcp_json_first(root);
    CHECK_TEXT("z", mcp_json_key(child));
    child = mcp_json_next(child);
    CHECK_TEXT("a", mcp_json_key(child));
    child = mcp_json_next(child);
    CHECK_TEXT("m", mcp_json_key(child));
    child = mcp_json_next(child);
    CHECK_TEXT("", mcp_json_key(child));
    CHECK(mcp_json_next(child) == NULL);
    CHECK(mcp_json_member(root, "m") != NULL);
    CHECK(mcp_json_member(root, "") == child);
    mcp_json_free(root);

    /* elements of an array have no key; freeing a child does nothing */
    root = parse("[[1,2]]");
    child = mcp_json_first(root);
    CHECK(mcp_json_key(child) == NULL);
    mcp_json_free((mcp_json *)child);
    CHECK_INT(2, mcp_json_size(child));
    mcp_json_free(root);

    /* of duplicate keys, the last one is used */
    root = parse("{\"a\":1,\"b\":2,\"a\":\"last\"}");
    CHECK_TEXT("last", mcp_json_string(mcp_json_member(root, "a")));
    CHECK_TEXT("last", mcp_json_string(mcp_json_pointer(root, "/a")));
    mcp_json_free(root);
}

static void json_pointers_follow_rfc_6901(void) {
    /* the example of RFC 6901, section 5 */
    mcp_json *root = parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
                           "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9}");
    static const struct {
        const char *pointer;
        int64_t value;
    } numbers[] = {{"/", 0},     {"/a~1b", 1}, {"/c%d", 2}, {"/e^f", 3},  {"/g|h", 4},
                   {"/i\\j", 5}, {"/k\"l", 6}, {"/ ", 7},   {"/m~0n", 8}, {"/~01", 9}};
    static const char *const missing[] = {"foo",     "/foo/2",  "/foo/-",   "/foo/00",
                                          "/foo/01", "/foo/+1", "/foo/x",   "/bar",
                                          "/foo/",   "/~2",     "/foo/0/x", "/foo/99999999999999999999",
                                          "/m~n",    "~",       "/~",       "#/foo"};
    size_t i;

    CHECK(mcp_json_pointer(root, "") == root);
    CHECK_TEXT("bar", mcp_json_string(mcp_json_pointer(root, "/foo/0")));
    CHECK_TEXT("baz", mcp_json_string(mcp_json_pointer(root, "/foo/1")));
    for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int64_t value = -1;
        mcp_json_int64(mcp_json_pointer(root, numbers[i].pointer), &value, NULL);
        CHECK_SAYS(value == numbers[i].value, "%s gives %lld", numbers[i].pointer, (long long)value);
    }
    for (i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        CHECK_SAYS(mcp_json_pointer(root, missing[i]) == NULL, "%s finds something", missing[i]);
    }
    /* relative to a child */
    CHECK_TEXT("baz", mcp_json_string(mcp_json_pointer(mcp_json_member(root, "foo"), "/1")));
    mcp_json_free(root);
}

static void numbers_are_converted_exactly_or_refused(void) {
    static const struct {
        const char *text;
        mcp_status as_int64, as_uint64;
        int64_t int64;
        uint64_t uint64;
        double real;
    } rows[] = {
        {"0", MCP_OK, MCP_OK, 0, 0, 0.0},
        {"-0", MCP_OK, MCP_OK, 0, 0, 0.0},
        {"-1", MCP_OK, MCP_JSON_RANGE, -1, 0, -1.0},
        {"9223372036854775807", MCP_OK, MCP_OK, INT64_MAX, INT64_MAX, 9223372036854775807.0},
        {"9223372036854775808", MCP_JSON_RANGE, MCP_OK, 0, 9223372036854775808u, 9223372036854775808.0},
        {"-9223372036854775808", MCP_OK, MCP_JSON_RANGE, INT64_MIN, 0, -9223372036854775808.0},
        {"-9223372036854775809", MCP_JSON_RANGE, MCP_JSON_RANGE, 0, 0, -9223372036854775809.0},
        {"18446744073709551615", MCP_JSON_RANGE, MCP_OK, 0, UINT64_MAX, 18446744073709551615.0},
        {"18446744073709551616", MCP_JSON_RANGE, MCP_JSON_RANGE, 0, 0, 18446744073709551616.0},
        {"5.0", MCP_OK, MCP_OK, 5, 5, 5.0},
        {"5e0", MCP_OK, MCP_OK, 5, 5, 5.0},
        {"1e3", MCP_OK, MCP_OK, 1000, 1000, 1000.0},
        {"-5.0", MCP_OK, MCP_JSON_RANGE, -5, 0, -5.0},
        {"5.5", MCP_JSON_RANGE, MCP_JSON_RANGE, 0, 0, 5.5},
        {"1e300", MCP_JSON_RANGE, MCP_JSON_RANGE, 0, 0, 1e300},
        {"0.1", MCP_JSON_RANGE, MCP_JSON_RANGE, 0, 0, 0.1},
    };
    mcp_error *error = NULL;
    mcp_json *root;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t i64 = 77;
        uint64_t u64 = 77;
        double real = 77;
        mcp_status status;
        root = parse(rows[i].text);

        status = mcp_json_int64(root, &i64, &error);
        CHECK_SAYS(status == rows[i].as_int64, "%s as int64: %s", rows[i].text, mcp_status_name(status));
        CHECK_SAYS(i64 == (status == MCP_OK ? rows[i].int64 : 77), "%s as int64: %lld", rows[i].text, (long long)i64);
        mcp_error_free(error);
        error = NULL;

        status = mcp_json_uint64(root, &u64, &error);
        CHECK_SAYS(status == rows[i].as_uint64, "%s as uint64: %s", rows[i].text, mcp_status_name(status));
        CHECK_SAYS(u64 == (status == MCP_OK ? rows[i].uint64 : 77), "%s as uint64: %llu", rows[i].text,
                   (unsigned long long)u64);
        mcp_error_free(error);
        error = NULL;

        EXPECT(MCP_OK, error, mcp_json_double(root, &real, &error));
        CHECK_SAYS(real == rows[i].real, "%s as double: %.17g", rows[i].text, real);
        mcp_json_free(root);
    }

    /* too large for a double: refused by the parser or by the accessor, and never returned as infinity */
    root = mcp_json_parse("1e999", MCP_NUL_TERMINATED, NULL);
    if (root != NULL) {
        double real = 77;
        EXPECT(MCP_JSON_RANGE, error, mcp_json_double(root, &real, &error));
        CHECK(real == 77);
        mcp_json_free(root);
    }

    root = parse("\"5\"");
    {
        int64_t i64;
        uint64_t u64;
        double real;
        EXPECT(MCP_JSON_MISMATCH, error, mcp_json_int64(root, &i64, &error));
        EXPECT(MCP_JSON_MISMATCH, error, mcp_json_uint64(root, &u64, &error));
        EXPECT(MCP_JSON_MISMATCH, error, mcp_json_double(root, &real, &error));
    }
    mcp_json_free(root);
}

static void strings_are_read_in_three_ways(void) {
    mcp_json *root = parse("{\"plain\":\"abc\",\"escapes\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\","
                           "\"nul\":\"a\\u0000b\",\"empty\":\"\",\"raw\":[1.50, 2e0 ]}");
    const mcp_json *plain = mcp_json_member(root, "plain");
    mcp_error *error = NULL;
    char buffer[64];
    size_t length = 0;
    const char *raw;

    /* the string is owned by the root, and is the same pointer each time */
    CHECK_TEXT("abc", mcp_json_string(plain));
    CHECK(mcp_json_string(plain) == mcp_json_string(plain));
    CHECK_TEXT("\"\\/\b\f\n\r\t\xc3\xa4\xf0\x9f\x98\x80", mcp_json_string(mcp_json_member(root, "escapes")));
    CHECK_TEXT("", mcp_json_string(mcp_json_member(root, "empty")));

    /* copied into a buffer, with the length */
    memset(buffer, '#', sizeof buffer);
    EXPECT(MCP_OK, error, mcp_json_copy_string(plain, buffer, sizeof buffer, &length, &error));
    CHECK_TEXT("abc", buffer);
    CHECK_INT(3, length);
    memset(buffer, '#', sizeof buffer);
    EXPECT(MCP_OK, error, mcp_json_copy_string(plain, buffer, 4, &length, &error));
    CHECK_TEXT("abc", buffer);
    CHECK(buffer[4] == '#');
    memset(buffer, '#', sizeof buffer);
    length = 0;
    EXPECT(MCP_BUFFER_TOO_SMALL, error, mcp_json_copy_string(plain, buffer, 3, &length, &error));
    CHECK_INT(3, length); /* the required length, without the NUL */
    CHECK(buffer[3] == '#');
    length = 0;
    EXPECT(MCP_BUFFER_TOO_SMALL, error, mcp_json_copy_string(plain, NULL, 0, &length, &error));
    CHECK_INT(3, length); /* capacity 0 only queries the length */
    EXPECT(MCP_JSON_MISMATCH, error,
           mcp_json_copy_string(mcp_json_member(root, "raw"), buffer, sizeof buffer, &length, &error));

    /* a NUL inside the string is copied, and counted in the length */
    EXPECT(MCP_OK, error, mcp_json_copy_string(mcp_json_member(root, "nul"), buffer, sizeof buffer, &length, &error));
    CHECK_INT(3, length);
    CHECK(memcmp(buffer, "a\0b", 4) == 0);

    /* raw: as in the document */
    raw = mcp_json_raw(mcp_json_member(root, "raw"), &length);
    CHECK(length == 12 && memcmp(raw, "[1.50, 2e0 ]", 12) == 0);
    raw = mcp_json_raw(mcp_json_pointer(root, "/raw/0"), &length);
    CHECK(length == 4 && memcmp(raw, "1.50", 4) == 0);
    raw = mcp_json_raw(plain, &length);
    CHECK(length == 5 && memcmp(raw, "\"abc\"", 5) == 0);
    mcp_json_free(root);

    /* a lone surrogate is read as U+FFFD; the rest is unchanged */
    root = parse("{\"a\\udc00\":\"x\\ud800\\n\\ud83d\\ude00\"}");
    CHECK_TEXT("a\xef\xbf\xbd", mcp_json_key(mcp_json_first(root)));
    CHECK_TEXT("x\xef\xbf\xbd\n\xf0\x9f\x98\x80", mcp_json_string(mcp_json_first(root)));
    EXPECT(MCP_BUFFER_TOO_SMALL, error, mcp_json_copy_string(mcp_json_first(root), NULL, 0, &length, &error));
    CHECK_INT(9, length);
    EXPECT(MCP_OK, error, mcp_json_copy_string(mcp_json_first(root), buffer, 10, &length, &error));
    CHECK_TEXT("x\xef\xbf\xbd\n\xf0\x9f\x98\x80", buffer);
    raw = mcp_json_raw(mcp_json_first(root), &length);
    CHECK(length == 23 && memcmp(raw, "\"x\\ud800\\n\\ud83d\\ude00\"", 23) == 0);
    mcp_json_free(root);
}

static void *read_all(void *argument) {
    const mcp_json *root = argument;
    const mcp_json *child;
    size_t round, sum = 0;
    for (round = 0; round < 50; round++) {
        for (child = mcp_json_first(root); child != NULL; child = mcp_json_next(child)) {
            const char *string = mcp_json_string(mcp_json_member(child, "s"));
            sum += string != NULL ? strlen(string) : 1000;
            sum += strlen(mcp_json_key(mcp_json_first(child)));
        }
    }
    CHECK_INT(50 * 200 * (4 + 1), sum);
    return NULL;
}

static void threads_may_share_a_value(void) {
    char buffer[200 * 24 + 8], *at = buffer;
    pthread_t thread[8];
    mcp_json *root;
    size_t i;

    *at++ = '[';
    for (i = 0; i < 200; i++) {
        at += sprintf(at, "%s{\"s\":\"\\u0061%03lu\"}", i > 0 ? "," : "", (unsigned long)i);
    }
    strcpy(at, "]");
    root = parse(buffer); /* the first accesses happen on all eight threads at once */
    for (i = 0; i < 8; i++) {
        thread[i] = start_thread(read_all, root);
    }
    for (i = 0; i < 8; i++) {
        join_thread(thread[i]);
    }
    mcp_json_free(root);
}

int main(void) {
    types_and_accessors();
    invalid_json_is_rejected();
    iteration_is_linear_and_in_order();
    json_pointers_follow_rfc_6901();
    numbers_are_converted_exactly_or_refused();
    strings_are_read_in_three_ways();
    threads_may_share_a_value();
    return check_end();
}
