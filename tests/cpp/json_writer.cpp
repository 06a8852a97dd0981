// mcp::json_writer, and copies of JSON values and options.
#include "check.hpp"
#include "support.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

void values_are_written_with_and_without_keys() {
    const mcp::json source = mcp::json::parse(R"({"list": [1, 2]})");
    mcp::json_writer writer;
    writer.begin_object().string("text", "a\"\0b"sv).base64("blob", "\0\xff", 2).int64("least", INT64_MIN);
    writer.uint64("most", UINT64_MAX).number("half", 0.5).boolean("yes", true).null("none");
    writer.value("value", source["list"]).value("source", source).raw("raw", " [1.50] ").begin_array("all");
    writer.begin_object().end().begin_array().end().string("").string({}).base64(nullptr, 0).int64(-1).uint64(1);
    writer.number(1e300).boolean(false).null().value(source["list"][1]).raw("{}").end();
    writer.begin_object("last").end().end();
    writer.check();
    CHECK_EQUAL(
        R"({"text":"a\"\u0000b","blob":"AP8=","least":-9223372036854775808,"most":18446744073709551615,"half":0.5,)"
        R"("yes":true,"none":null,"value":[1, 2],"source":{"list": [1, 2]},"raw":[1.50],)"
        R"("all":[{},[],"","","",-1,1,1e300,false,null,2,{}],"last":{}})"sv,
        writer.text());
    CHECK_EQUAL('\0', writer.text().data()[writer.text().size()]);
    CHECK(mcp::json::parse(writer.text()));

    writer.reset();
    CHECK_EQUAL(""sv, writer.text());
    CHECK_EQUAL("[]"sv, writer.begin_array().end().text());
}

// Nothing is converted to bool, such as a key without a value.
template <class Value, class = void> struct is_boolean : std::false_type {};
template <class Value>
struct is_boolean<Value, std::void_t<decltype(std::declval<mcp::json_writer &>().boolean(std::declval<Value>()))>>
    : std::true_type {};
static_assert(is_boolean<bool>::value && !is_boolean<const char *>::value && !is_boolean<int>::value);
static_assert(!std::is_copy_constructible_v<mcp::json_writer> && std::is_move_constructible_v<mcp::json_writer>);

void the_first_error_is_kept() {
    const auto check_fails = [](const char *why, auto &&write) {
        mcp::json_writer writer;
        write(writer);
        writer.string("not the first error", "\xff").end().null();
        CHECK_EQUAL(""sv, writer.text());
        const mcp::error error = CHECK_THROWS(invalid_argument, writer.check());
        if (error.message().find(why) == std::string_view::npos) {
            CHECK_EQUAL(std::string_view(why), error.message());
        }
        CHECK_FAILS(invalid_argument, writer.try_check());
        writer.reset();
        writer.null();
        CHECK_EQUAL("null"sv, writer.text());
        CHECK_WORKS(writer.try_check());
    };
    using writer = mcp::json_writer;
    check_fails("needs a key", [](writer &w) { w.begin_object().null(); });
    check_fails("cannot have a key", [](writer &w) { w.begin_array().null("key"); });
    check_fails("the key has a NUL inside", [](writer &w) { w.begin_object().string("a\0b"sv, "text").end(); });
    check_fails("not valid UTF-8", [](writer &w) { w.string("\xff"); });
    check_fails("no array or object is open", [](writer &w) { w.end(); });
    check_fails("the value is complete", [](writer &w) { w.null().null(); });
    check_fails("NaN", [](writer &w) { w.number(std::nan("")); });
    check_fails("the JSON value is NULL", [](writer &w) { w.value(mcp::json_view()); });
    check_fails("not valid JSON", [](writer &w) { w.raw("{"); });

    mcp::json_writer unfinished;
    CHECK_FAILS(invalid_argument, unfinished.try_check());
    CHECK_EQUAL(""sv, unfinished.begin_array().text());
    CHECK_FAILS(invalid_argument, unfinished.try_check());
    CHECK_EQUAL("[]"sv, unfinished.end().text());

    mcp::json_writer deep;
    for (int level = 0; level <= 128; level++) {
        deep.begin_array();
    }
    CHECK_THROWS(too_large, deep.check());

    mcp::json_writer moved = std::move(deep);
    CHECK_THROWS(too_large, moved.check());
    CHECK_FAILS(invalid_argument, deep.begin_array().end().try_check()); // moved from
    CHECK_EQUAL(""sv, deep.text());
}

void a_tool_gets_what_was_written() {
    mcp::client client = support::client_for("dual");
    mcp::json_writer arguments;
    arguments.begin_object().string("text", "a \"text\"").end();
    const mcp::tool_result result = client.call_tool("echo", arguments.text());
    CHECK_EQUAL("a \"text\""sv, result.text());
    CHECK_THROWS(invalid_argument, (void)client.call_tool("echo", arguments.null().text()));
    const mcp::tool_result short_result =
        client.call_tool("echo", mcp::json_writer().begin_object().string("text", "x").end().text());
    CHECK_EQUAL("x"sv, short_result.text());
}

void copied_json_outlives_its_document() {
    mcp::json whole, part;
    {
        const mcp::json document = mcp::json::parse(R"({"a": {"b": [1, "two"]}})");
        whole = document.copy();
        part = document["a"].copy();
        CHECK(document["a"].raw().data() == part.raw().data()); // the text is shared
    }
    CHECK_EQUAL(R"({"a": {"b": [1, "two"]}})"sv, whole.raw());
    CHECK_EQUAL("two"sv, part.pointer("/b/1").string());
    CHECK(!mcp::json_view().copy() && !mcp::json().copy() && !part["absent"].copy());
}

void copied_options_are_independent() {
    mcp::client client = support::client_for("dual");
    const auto counted = std::make_shared<int>();
    const mcp::cancel token;
    mcp::options copy;
    {
        const mcp::options original =
            mcp::options().timeout(20s).cancel(token).on_progress([counted](const mcp::progress &) {});
        copy = original.copy();
        CHECK_EQUAL(2, counted.use_count());
    }
    CHECK_EQUAL(2, counted.use_count());
    client.ping(copy);
    token.trigger();
    CHECK_THROWS(cancelled, client.ping(copy));
    copy = mcp::options();
    CHECK_EQUAL(1, counted.use_count());

    client.ping(mcp::options().copy().timeout(20s));
    CHECK_FAILS(invalid_argument, client.try_ping(mcp::options().timeout(-1s).copy())); // the error is copied, too
}

} // namespace

int main() {
    values_are_written_with_and_without_keys();
    the_first_error_is_kept();
    a_tool_gets_what_was_written();
    copied_json_outlives_its_document();
    copied_options_are_independent();
    return check::end();
}
