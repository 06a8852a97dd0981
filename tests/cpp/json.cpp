// JSON documents, views and ranges. No server is needed.
#include "check.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view text = R"({"null": null, "bool": true, "int": -5, "whole": 5.0, "part": 2.5, "big": 1e999,
  "uint": 18446744073709551615, "text": "a\u00e9\n", "nul": "a\u0000b", "half": "\ud800", "list": [1, 2, 3],
  "empty": [], "deep": {"a/b": [{"c~d": "found"}]}, "twice": 1, "twice": 2, "": "no name"})";

void lookups_find_values() {
    const mcp::json document = mcp::json::parse(text);
    CHECK(document);
    CHECK_EQUAL(mcp::json_type::object, document.type());
    CHECK_EQUAL(16u, document.size());
    CHECK_EQUAL(text, document.raw());

    CHECK_EQUAL(mcp::json_type::null, document["null"].type());
    CHECK_EQUAL(mcp::json_type::boolean, document["bool"].type());
    CHECK_EQUAL(mcp::json_type::number, document["int"].type());
    CHECK_EQUAL(mcp::json_type::string, document["text"].type());
    CHECK_EQUAL(mcp::json_type::array, document["list"].type());
    CHECK_EQUAL(mcp::json_type::object, document["deep"].type());
    CHECK(document["null"]); // null is a value

    CHECK_EQUAL(3u, document["list"].size());
    CHECK_EQUAL(2, document["list"][1].as_int64());
    CHECK_EQUAL("3"sv, document["list"][2].raw());
    CHECK_EQUAL(1, document["list"][0].as_int64());
    CHECK_EQUAL("found"sv, document.pointer("/deep/a~1b/0/c~0d").string());
    CHECK_EQUAL("no name"sv, document[""].string());
    CHECK_EQUAL(text, document.pointer("").raw());
    CHECK_EQUAL(2, document["twice"].as_int64());
    CHECK_EQUAL("\"a\\u00e9\\n\""sv, document["text"].raw());

    const mcp::json list = mcp::json::parse("[7]");
    CHECK_EQUAL(7, list[0].as_int64());
    CHECK_EQUAL(7, list.view()[0].as_int64());
    CHECK_EQUAL(1, std::distance(list.elements().begin(), list.elements().end()));
}

void check_missing(mcp::json_view view) {
    CHECK(!view);
    CHECK_EQUAL(mcp::json_type::missing, view.type());
    CHECK_EQUAL(0u, view.size());
    CHECK_EQUAL(""sv, view.raw());
    CHECK_EQUAL(std::nullopt, view.string());
    CHECK(!view["a"]["b"][7].pointer("/c"));
    CHECK(view.elements().empty() && view.members().empty());
    CHECK(view.elements().begin() == view.elements().end());
    CHECK_THROWS(json_mismatch, view.as_bool());
    CHECK_THROWS(json_mismatch, view.copy_string());
}

void lookups_of_absent_values_are_missing() {
    const mcp::json document = mcp::json::parse(text);
    check_missing(mcp::json_view());
    check_missing(document["absent"]);
    check_missing(document["list"]["text"]); // not an object
    check_missing(document["list"][3]);
    check_missing(document["deep"][0]); // not an array
    check_missing(document.pointer("/list/3"));
    check_missing(document.pointer("no slash"));
    check_missing(mcp::json().type() == mcp::json_type::missing ? mcp::json_view() : mcp::json_view(document));
    // A name is not truncated at an embedded NUL.
    check_missing(document["null\0"sv]);
    check_missing(document.pointer("/null\0"sv));

    mcp::json first = mcp::json::parse("[1]");
    const mcp::json_view element = first[0];
    const mcp::json second = std::move(first);
    CHECK_EQUAL(1, element.as_int64()); // the value stays valid when its document is moved
    CHECK(!first && first.size() == 0 && first.raw().empty());
    check_missing(first[0]);
    CHECK(second);
}

void numbers_and_booleans_are_converted() {
    const mcp::json document = mcp::json::parse(text);
    CHECK_EQUAL(true, document["bool"].as_bool());
    CHECK_EQUAL(-5, document["int"].as_int64());
    CHECK_EQUAL(5, document["whole"].as_int64());
    CHECK_EQUAL(5u, document["whole"].as_uint64());
    CHECK_EQUAL(18446744073709551615u, document["uint"].as_uint64());
    CHECK_EQUAL(2.5, document["part"].as_double());
    CHECK_EQUAL(-5.0, document["int"].as_double());

    CHECK_THROWS(json_mismatch, document["int"].as_bool());
    CHECK_THROWS(json_mismatch, document["text"].as_int64());
    CHECK_THROWS(json_mismatch, document["null"].as_double());
    CHECK_THROWS(json_range, document["part"].as_int64());
    CHECK_THROWS(json_range, document["uint"].as_int64());
    CHECK_THROWS(json_range, document["int"].as_uint64());
    CHECK_THROWS(json_range, document["big"].as_double());

    CHECK_EQUAL(true, document["bool"].try_as_bool().value());
    CHECK_EQUAL(-5, *document["int"].try_as_int64());
    CHECK_EQUAL(7, document["text"].try_as_int64().value_or(7));
    CHECK_EQUAL(5u, *document["whole"].try_as_uint64());
    CHECK_EQUAL(2.5, *document["part"].try_as_double());
    CHECK_FAILS(json_mismatch, document["text"].try_as_bool());
    CHECK_FAILS(json_range, document["int"].try_as_uint64());
    CHECK_FAILS(json_range, document["big"].try_as_double());
}

void strings_are_decoded() {
    const mcp::json document = mcp::json::parse(text);
    CHECK_EQUAL("a\u00e9\n"sv, document["text"].string());
    CHECK_EQUAL("a\u00e9\n"s, document["text"].copy_string());
    CHECK_EQUAL("a\ufffdb"sv, document["nul"].string());
    CHECK_EQUAL("a\0b"s, document["nul"].copy_string()); // unchanged
    CHECK_EQUAL(3u, document["nul"].try_copy_string()->size());
    CHECK_EQUAL("\ufffd"sv, document["half"].string());
    CHECK_EQUAL("\ufffd"s, document["half"].copy_string());
    CHECK_EQUAL(std::nullopt, document["int"].string());
    CHECK_FAILS(json_mismatch, document["int"].try_copy_string());
    const mcp::json empty = mcp::json::parse("\"\"");
    CHECK_EQUAL(""s, empty.view().copy_string());
}

void elements_and_members_are_ranges() {
    const mcp::json document = mcp::json::parse(text);
    std::vector<std::int64_t> numbers;
    for (mcp::json_view element : document["list"].elements()) {
        numbers.push_back(element.as_int64());
    }
    CHECK((numbers == std::vector<std::int64_t>{1, 2, 3}));

    std::string keys;
    for (auto [key, value] : document.members()) {
        keys += std::string(key) + ' ';
        CHECK(value);
    }
    CHECK_EQUAL("null bool int whole part big uint text nul half list empty deep twice twice  "s, keys);

    // Ranges of the other kind of container, of a string, of an empty array, and default-constructed ones.
    CHECK(document["list"].members().empty() && document["deep"].elements().empty());
    CHECK(document["text"].elements().empty() && document["empty"].elements().empty());
    CHECK(mcp::json_elements().empty() && mcp::json_members().begin() == mcp::json_members().end());

    const mcp::json_elements list = document["list"].elements();
    auto at = list.begin();
    CHECK_EQUAL(mcp::json_type::number, at->type());
    CHECK_EQUAL(1, (*at++).as_int64());
    CHECK_EQUAL(2, at->as_int64());
    CHECK(at != list.begin() && ++at == std::next(list.begin(), 2));
    CHECK_EQUAL(1, std::count_if(list.begin(), list.end(), [](mcp::json_view v) { return v.as_int64() == 2; }));
    const auto whole = document.members();
    const auto uint = std::find_if(whole.begin(), whole.end(), [](mcp::json_member m) { return m.key == "uint"; });
    CHECK_EQUAL("18446744073709551615"sv, uint->value.raw());

    // Names that C cannot represent.
    const mcp::json odd = mcp::json::parse(R"({"a\u0000b": 1, "\ud800": 2, "": 3})");
    auto member = odd.members().begin();
    CHECK_EQUAL("a\ufffdb"sv, (*member++).key);
    CHECK_EQUAL("\ufffd"sv, member->key);
    CHECK_EQUAL(2, member->value.as_int64());
    ++member;
    CHECK(member->key.empty() && member->key.data() != nullptr && member->value.as_int64() == 3);
}

void parse_accepts_only_valid_json() {
    CHECK_THROWS(invalid_json, (void)mcp::json::parse("{"));
    CHECK_FAILS(invalid_json, mcp::json::try_parse("{} {}"));
    CHECK_FAILS(invalid_json, mcp::json::try_parse(""));
    CHECK_FAILS(invalid_json, mcp::json::try_parse(std::string_view()));
    CHECK_FAILS(invalid_json, mcp::json::try_parse("1\0"sv)); // not truncated
    CHECK_FAILS(invalid_argument, mcp::json::try_parse("\"\xff\""));
    const mcp::json number = mcp::json::parse("12"sv.substr(0, 1)); // need not be NUL-terminated
    CHECK_EQUAL(1, number.view().as_int64());
    auto document = mcp::json::try_parse("[true]");
    CHECK_WORKS(document);
    CHECK_EQUAL(true, (*document)[0].as_bool());
    const mcp::json owned = *std::move(document);
    CHECK_EQUAL("[true]"sv, owned.raw());
}

// Whether a member function can be called on a temporary document.
template <class Document, class = void> struct has_view : std::false_type {};
template <class Document>
struct has_view<Document, std::void_t<decltype(std::declval<Document>().view())>> : std::true_type {};
template <class Document, class = void> struct has_elements : std::false_type {};
template <class Document>
struct has_elements<Document, std::void_t<decltype(std::declval<Document>().elements())>> : std::true_type {};
template <class Document, class = void> struct has_pointer : std::false_type {};
template <class Document>
struct has_pointer<Document, std::void_t<decltype(std::declval<Document>().pointer(""))>> : std::true_type {};

static_assert(has_view<mcp::json &>::value && !has_view<mcp::json>::value);
static_assert(has_elements<const mcp::json &>::value && !has_elements<mcp::json>::value);
static_assert(has_pointer<const mcp::json &>::value && !has_pointer<mcp::json>::value);
static_assert(std::is_convertible_v<const mcp::json &, mcp::json_view>);
static_assert(!std::is_convertible_v<mcp::json, mcp::json_view>);
static_assert(!std::is_copy_constructible_v<mcp::json> && std::is_nothrow_move_constructible_v<mcp::json>);
static_assert(std::is_trivially_copyable_v<mcp::json_view> && sizeof(mcp::json_view) == sizeof(void *));

} // namespace

int main() {
    lookups_find_values();
    lookups_of_absent_values_are_missing();
    numbers_and_booleans_are_converted();
    strings_are_decoded();
    elements_and_members_are_ranges();
    parse_accepts_only_valid_json();
    return check::end();
}
