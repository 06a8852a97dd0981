// mcp_nlohmann.hpp - converts JSON values between mcp.hpp and nlohmann::json, version 3.
//
//     const mcp::json tools = client.list_tools();
//     nlohmann::json first = tools["tools"][0];                // from a json_view, json or tool_result
//     client.call_tool("add", nlohmann::json{{"a", 1}, {"b", 2}}.dump());
//     mcp::json document = first.get<mcp::json>();
//
// A value of mcp.hpp is converted by walking it: its text is not parsed a second time. The functions of mcp::client
// take the text of a JSON object, which is what dump() returns.
//
// The conversions also apply to nlohmann::ordered_json, which keeps the order of members, and to every other
// nlohmann::basic_json.
#ifndef MCP_NLOHMANN_HPP
#define MCP_NLOHMANN_HPP

#include <mcp.hpp>

#include <nlohmann/json.hpp>

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp {
inline namespace MCP_HPP_CONFIGURATION {
namespace detail {

/// Converts a number as nlohmann::json parses it: to an integer if it has neither fraction nor exponent and fits into
/// 64 bits, else to a double.
template <class Target> void convert_number(Target &target, json_view number) {
    const std::string_view text = number.raw();
    if (text.find_first_of(".eE") == std::string_view::npos) {
        if (text.substr(0, 1) == "-") {
            if (const auto negative = number.try_as_int64()) {
                target = *negative;
                return;
            }
        } else if (const auto natural = number.try_as_uint64()) {
            target = *natural;
            return;
        }
    }
#ifdef __cpp_exceptions
    target = number.as_double();
#else
    target = number.try_as_double().value_or(std::numeric_limits<double>::infinity());
#endif
}

/// Converts a value. An array or an object becomes empty: convert() adds its children.
template <class Target> void convert_one(Target &target, json_view value) {
    switch (value.type()) {
    case json_type::object:
        target = Target::object();
        break;
    case json_type::array:
        target = Target::array();
        break;
    case json_type::string:
        target = value.try_copy_string().value_or(std::string());
        break;
    case json_type::number:
        convert_number(target, value);
        break;
    case json_type::boolean:
        target = value.try_as_bool().value_or(false);
        break;
    default:
        target = nullptr;
    }
}

/// An array or an object whose children are being converted.
template <class Target> struct open_value {
    open_value(Target &converted, json_view value)
        : target(&converted), is_object(value.type() == json_type::object), element(value.elements().begin()),
          member(value.members().begin()) {}

    /// Returns the next child and a new place for it; NULL after the last one.
    std::pair<Target *, json_view> next() {
        if (is_object && member != json_members::iterator()) {
            const json_member child = *member++;
            Target &place = (*target)[typename Target::object_t::key_type(child.key)];
            return {&place, child.value};
        }
        if (!is_object && element != json_elements::iterator()) {
            target->push_back(nullptr);
            return {&target->back(), *element++};
        }
        return {nullptr, json_view()};
    }

    Target *target; // not moved while it is open: only its children are added
    bool is_object;
    json_elements::iterator element;
    json_members::iterator member;
};

/// Converts a value and all values in it. Without recursion: a server can nest values deeper than the stack allows.
template <class Target> void convert(Target &target, json_view value) {
    // Not in `target`, which may be an object under construction: it is not destroyed after an exception.
    Target whole;
    convert_one(whole, value);
    std::vector<open_value<Target>> open;
    open.emplace_back(whole, value);
    while (!open.empty()) {
        const auto [place, child] = open.back().next();
        if (place == nullptr) {
            open.pop_back();
            continue;
        }
        convert_one(*place, child);
        if (child.size() > 0) {
            open.emplace_back(*place, child);
        }
    }
    target = std::move(whole);
}

} // namespace detail

/// Converts a value to nlohmann::json, which calls this function. A missing value becomes null. If members of an object
/// have the same name, the last one counts. Throws status::json_range for a number that is larger than any double;
/// without exceptions it becomes infinity.
template <class Target, class = typename Target::object_t, class = typename Target::number_unsigned_t>
void to_json(Target &target, json_view value) {
    detail::convert(target, value);
}

/// Converts the root value of a document.
template <class Target, class = typename Target::object_t, class = typename Target::number_unsigned_t>
void to_json(Target &target, const json &document) {
    detail::convert(target, document.view());
}

/// Converts the whole result of a tool.
template <class Target, class = typename Target::object_t, class = typename Target::number_unsigned_t>
void to_json(Target &target, const tool_result &result) {
    detail::convert(target, result.view());
}

/// Converts a nlohmann::json to a document: the implementation of `value.get<mcp::json>()`. Its text (dump()) is
/// parsed. Throws what dump() throws for a string that is not UTF-8; without exceptions, the document is missing if its
/// text is not JSON.
template <class Source, class = typename Source::object_t, class = typename Source::number_unsigned_t>
void from_json(const Source &source, json &document) {
#ifdef __cpp_exceptions
    document = json::parse(source.dump());
#else
    document = json::try_parse(source.dump()).value_or(json());
#endif
}

} // namespace MCP_HPP_CONFIGURATION
} // namespace mcp

#endif
