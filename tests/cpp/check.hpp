// Assertions for the test programs. A failed check is printed and counted, and the program continues; its exit code
// reports failures. Checks may be made on any thread.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <mcp.hpp>

#include <atomic>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

// The condition is true.
#define CHECK(condition) check::that(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

// Two values are equal.
#define CHECK_EQUAL(expected, actual) check::equal(expected, actual, #actual, __FILE__, __LINE__)

// A try_ form fails with this mcp::status; returns the error.
#define CHECK_FAILS(expected, outcome) check::fails(mcp::status::expected, outcome, #outcome, __FILE__, __LINE__)

// A throwing form throws an mcp::error with this mcp::status; returns the error.
#define CHECK_THROWS(expected, statement) \
    check::fails(mcp::status::expected, check::run([&] { statement; }), #statement, __FILE__, __LINE__)

// A try_ form succeeds.
#define CHECK_WORKS(outcome) check::works(outcome, #outcome, __FILE__, __LINE__)

namespace check {

inline std::atomic<int> made{0};
inline std::atomic<int> failed{0};

inline bool that(bool condition, const std::string &text, const char *file, int line) {
    made++;
    if (!condition) {
        failed++;
        std::ostringstream report; // one write, so that the output of threads is not mixed
        report << file << ':' << line << ": not true: " << text << '\n';
        std::cerr << report.str();
    }
    return condition;
}

inline std::string show(mcp::status status) {
    return mcp::to_string(status);
}
inline std::string show(mcp::json_type type) {
    return "type " + std::to_string(static_cast<int>(type));
}
inline std::string show(std::chrono::milliseconds length) {
    return std::to_string(length.count()) + " ms";
}
inline std::string show(std::nullopt_t) {
    return "nothing";
}
template <class T> std::string show(const T &value) {
    std::ostringstream text;
    text << value;
    return text.str();
}
template <class T> std::string show(const std::optional<T> &value) {
    return value ? show(*value) : "nothing";
}

template <class Expected, class Actual>
void equal(const Expected &expected, const Actual &actual, const char *text, const char *file, int line) {
    const bool same = actual == expected;
    that(same, same ? text : std::string(text) + " is " + show(actual) + ", not " + show(expected), file, line);
}

template <class T>
mcp::error fails(mcp::status expected, const mcp::expected<T> &outcome, const char *text, const char *file, int line) {
    if (!that(!outcome.has_value(), std::string(text) + " must fail", file, line)) {
        return mcp::error(mcp::status::ok, "no error occurred");
    }
    const mcp::error &error = outcome.error();
    that(error.status() == expected, std::string(text) + ": " + show(error.status()) + ": " + error.what(), file, line);
    that(error.what()[0] != '\0' && error.message() == error.what(), "the error has a message", file, line);
    return error;
}

template <class T> bool works(const mcp::expected<T> &outcome, const char *text, const char *file, int line) {
    return that(outcome.has_value(),
                outcome.has_value()
                    ? std::string(text)
                    : std::string(text) + ": " + show(outcome.error().status()) + ": " + outcome.error().what(),
                file, line);
}

#ifdef __cpp_exceptions
// The error that a statement throws.
template <class Statement> mcp::expected<void> run(Statement statement) {
    try {
        statement();
    } catch (const mcp::error &error) {
        return mcp::unexpected(error);
    }
    return {};
}
#endif

// The last statement of every main: `return check::end();`.
inline int end() {
    if (failed > 0 || made == 0) {
        std::cerr << failed << " of " << made << " checks failed\n";
        return 1;
    }
    std::cout << made << " checks\n";
    return 0;
}

} // namespace check

#endif
