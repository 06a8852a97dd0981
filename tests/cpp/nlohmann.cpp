// mcp_nlohmann.hpp: values that are converted by walking them are the same as those that nlohmann::json parses.
#include "check.hpp"
#include "schema_server.hpp"
#include "support.hpp"

#include <mcp_nlohmann.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

using namespace nlohmann::literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

void values_are_the_same_as_parsed_ones() {
    for (const std::string_view text : {
             "null"sv,
             "true"sv,
             "false"sv,
             "0"sv,
             "-0"sv,
             "5"sv,
             "-5"sv,
             "5.0"sv,
             "50e-1"sv,
             "1E2"sv,
             "0.1"sv,
             "9223372036854775807"sv,
             "9223372036854775808"sv,
             "18446744073709551615"sv,
             "18446744073709551616"sv,
             "-9223372036854775808"sv,
             "-9223372036854775809"sv,
             "123456789012345678901234567890"sv,
             "\"\""sv,
             R"("plain")"sv,
             R"("\u0000\n\"\\\/\ud83d\ude00\u00e9")"sv,
             "[]"sv,
             "{}"sv,
             "[[],{},[[]],[{}]]"sv,
             R"([1,"two",null,true,[3.5,{"four":4}],{"a":[],"b":{}}])"sv,
             R"({"b":1,"a":{"c":[1,2,{"d":null}],"e":"f"},"":0})"sv,
             R"({"a":1,"b":2,"a":3})"sv,
         }) {
        const mcp::json document = mcp::json::parse(text);
        const nlohmann::json parsed = nlohmann::json::parse(text);
        const nlohmann::json converted = document;
        CHECK_EQUAL(parsed, converted);
        CHECK_EQUAL(parsed.dump(), converted.dump());
        CHECK_EQUAL(parsed.type_name(), std::string(converted.type_name()));
        CHECK(parsed.type() == converted.type()); // -5, 5 and 5.0 have different types
        const nlohmann::ordered_json ordered = document.view();
        CHECK_EQUAL(nlohmann::ordered_json::parse(text).dump(), ordered.dump());
        const mcp::json back = converted.get<mcp::json>();
        CHECK_EQUAL(parsed, nlohmann::json::parse(back.raw()));
    }
}

void values_can_be_used_in_expressions() {
    const mcp::json document = mcp::json::parse(R"({"tools":[{"name":"a"},{"name":"b"}]})");
    nlohmann::json first = document["tools"][0];
    CHECK_EQUAL("a"s, first["name"].get<std::string>());
    const nlohmann::json list = {document["tools"][1], mcp::json::parse("7")};
    CHECK_EQUAL(R"([{"name":"b"},7])"s, list.dump());
    first["more"] = document["tools"];
    CHECK_EQUAL(2U, first["more"].size());
    const nlohmann::json missing = document["none"];
    CHECK(missing.is_null());
    const nlohmann::json moved = mcp::json();
    CHECK(moved.is_null());
}

void invalid_values_are_rejected() {
    const mcp::json large = mcp::json::parse("[1e999]");
    CHECK_THROWS(json_range, static_cast<void>(nlohmann::json(large.view())));
    try {
        static_cast<void>(nlohmann::json("\xff").get<mcp::json>());
        CHECK(false);
    } catch (const nlohmann::json::exception &) {
        CHECK(true);
    }
}

// A server may send this: it must not overflow the stack.
void deep_nesting_is_converted_without_recursion() {
    constexpr std::size_t depth = 200000;
    const mcp::json document = mcp::json::parse(std::string(depth, '[') + std::string(depth, ']'));
    const nlohmann::json converted = document;
    std::size_t levels = 1;
    const nlohmann::json *level = &converted;
    for (; !level->empty(); level = &level->front()) {
        levels++;
    }
    CHECK_EQUAL(depth, levels);
}

void arguments_and_results_of_tools() {
    mcp::client client = schema_server::client(schema_server::modern);
    const mcp::tool_result result = client.call_tool("echo", nlohmann::json{{"a", 1}, {"b", {1, 2}}}.dump());
    const nlohmann::json whole = result;
    CHECK_EQUAL("well"s, whole.at("/content/0/text"_json_pointer).get<std::string>());
    const nlohmann::json tools = client.list_tools();
    CHECK_EQUAL(4U, tools["tools"].size());
}

} // namespace

int main() {
    values_are_the_same_as_parsed_ones();
    values_can_be_used_in_expressions();
    invalid_values_are_rejected();
    deep_nesting_is_converted_without_recursion();
    arguments_and_results_of_tools();
    return check::end();
}
