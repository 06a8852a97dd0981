// Callables whose lifetime is counted, and the exceptions that leave them.
#ifndef CALLABLES_HPP
#define CALLABLES_HPP

#include "check.hpp"
#include "support.hpp"

#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string_view>

// Counts the live objects, except moved-from ones.
class counted {
  public:
    explicit counted(std::atomic<int> &alive) : alive_(&alive, [](std::atomic<int> *count) { --*count; }) {
        ++alive;
    }

  private:
    std::unique_ptr<std::atomic<int>, void (*)(std::atomic<int> *)> alive_; // makes it move-only
};

struct non_std_exception {
    int number;
};

#ifdef __cpp_exceptions
// The cause of an error; ends the test if it does not have this type.
template <class Exception> Exception cause_of(const mcp::error &error) {
    if (CHECK(error.cause() != nullptr)) {
        try {
            std::rethrow_exception(error.cause());
        } catch (const Exception &cause) {
            return cause;
        } catch (...) {
            CHECK(false);
        }
    }
    must(false, "the error has the expected cause");
    std::abort();
}
#endif

inline bool has(const mcp::error &error, std::string_view text) {
    return error.message().find(text) != std::string_view::npos;
}

#endif
