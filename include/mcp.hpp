// mcp.hpp - the Model Context Protocol client for C++17 and later: mcp.h with objects, exceptions and ranges.
//
//     mcp::client client("https://example.com/mcp");
//     client.set_bearer(token);
//     client.ping(mcp::options().timeout(2s));
//
// Header only; link with libmcp (mcp::mcp in CMake, `pkg-config --libs mcp`).
//
// What holds everywhere:
//
// - Errors. Whatever can fail has two forms: `ping()` throws an mcp::error, `try_ping()` returns an mcp::expected,
//   which is std::expected where the standard library has it. With -fno-exceptions only the try_ forms are there. They
//   throw nothing themselves, but for std::bad_alloc.
// - Ownership. A client, options, a cancel token and a JSON document own what they stand for and can be moved, not
//   copied. The use of a client or a token that was moved from is an error (status::invalid_argument), never a crash; a
//   document is then missing. Views (json_view, std::string_view) are borrowed, and each description says how long they
//   live.
// - Text is UTF-8. It is copied, and the copy wiped; a NUL inside is refused with status::invalid_argument, not cut.
//   Where std::nullopt has a meaning, the parameter is a std::optional: give the text, or std::nullopt.
// - Times are of std::chrono, in any unit: see mcp::duration.
// - Threads. Every function may be called from any thread. A client, a JSON value, an error and a cancel token may be
//   used by many at once; options may, as long as nobody changes them. As always in C++, who destroys an object or
//   assigns to it makes sure that nobody uses it any more.
// - Callbacks. An exception that leaves one never reaches C: see client::set_auth and client::set_log.
//
// Translation units with different standards, with exceptions and without, can be linked into one program: the types of
// one setting are not those of another.
//
// Everything here is there since 0.1.0.
#ifndef MCP_HPP
#define MCP_HPP

#include <mcp.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#if __has_include(<version>)
#include <version>
#endif
#ifdef __cpp_lib_expected
#include <expected>
#endif
#ifdef __cpp_lib_ranges
#include <ranges>
#endif

// What an inline function does depends on the setting, so each setting has a namespace of its own.
#if defined(__cpp_exceptions) && defined(__cpp_lib_expected)
#define MCP_HPP_SETTING throwing_std_expected
#elif defined(__cpp_exceptions)
#define MCP_HPP_SETTING throwing_own_expected
#elif defined(__cpp_lib_expected)
#define MCP_HPP_SETTING silent_std_expected
#else
#define MCP_HPP_SETTING silent_own_expected
#endif

namespace mcp {
inline namespace MCP_HPP_SETTING {

class json_view;
class options;

namespace detail {

/// For std::unique_ptr: ends a handle with its function of mcp.h.
template <auto Free> struct frees {
    template <class Handle> void operator()(Handle *handle) const noexcept {
        Free(handle);
    }
};

/// As an mcp_destroy_fn: deletes what `new` made.
template <class Owned> void destroy(void *userdata) noexcept {
    delete static_cast<Owned *>(userdata);
}

} // namespace detail

// ---------------------------------------------------------------------------------------------------------------------
// Version
// ---------------------------------------------------------------------------------------------------------------------

/// The version of the library that the program runs with, such as "0.1.0"; MCP_VERSION is the one that it was compiled
/// with. Static text.
inline const char *version() noexcept {
    return mcp_version();
}

// ---------------------------------------------------------------------------------------------------------------------
// Numbers with names
// ---------------------------------------------------------------------------------------------------------------------

/// How a call ended. A later version may add more, so treat an unknown one as a failure; it keeps its number.
enum class status : std::int32_t {
    /// The call did what it was asked to do. No error has this status.
    ok = MCP_OK,
    /// An argument cannot be used: a NUL inside, not UTF-8, a line break in a header, a malformed token or URL, a
    /// negative duration, an object that was moved from. Nothing was sent.
    invalid_argument = MCP_INVALID_ARGUMENT,
    /// The call came at the wrong time: a setting after the first request that fixed it, or a client used after fork.
    misuse = MCP_MISUSE,
    /// A bug in libmcp, caught before it could hurt the program. Please report it.
    internal = MCP_INTERNAL,
    /// The call's cancel token was triggered.
    cancelled = MCP_CANCELLED,
    /// The client was closed, before or during the call.
    closed = MCP_CLOSED,
    /// The call's timeout passed, or its idle limit.
    timeout = MCP_TIMEOUT,
    /// The server's name has no address.
    resolve_failed = MCP_RESOLVE_FAILED,
    /// Nobody accepts connections there: refused or unreachable.
    connect_failed = MCP_CONNECT_FAILED,
    /// No trusted TLS connection: a bad certificate, or a handshake that failed.
    tls_failed = MCP_TLS_FAILED,
    /// The connection was reset, or ended before an answer.
    disconnected = MCP_DISCONNECTED,
    /// The answer began, and its body or event stream ended before it was complete.
    truncated = MCP_TRUNCATED,
    /// HTTP 401: the server wants credentials, or refuses those that it got; see error::www_authenticate.
    unauthorized = MCP_UNAUTHORIZED,
    /// HTTP 403: the credentials are known and do not suffice.
    forbidden = MCP_FORBIDDEN,
    /// HTTP 404: nothing at this URL speaks MCP.
    not_found = MCP_NOT_FOUND,
    /// HTTP 429: too many requests; see error::retry_after.
    rate_limited = MCP_RATE_LIMITED,
    /// HTTP 5xx, except those of `unavailable`.
    server_error = MCP_SERVER_ERROR,
    /// HTTP 502, 503 or 504: the server cannot be reached behind its gateway, or is overloaded; try again later.
    unavailable = MCP_UNAVAILABLE,
    /// Any other HTTP status that has no place in the protocol, or an answer that is no HTTP at all.
    http_error = MCP_HTTP_ERROR,
    /// A redirect that is not followed, because credentials would leave their origin or the method would change; or the
    /// endpoint of an HTTP+SSE server, on another origin than its stream.
    redirect_refused = MCP_REDIRECT_REFUSED,
    /// HTML, plain text or nothing where a JSON message or an event stream belongs.
    unexpected_content = MCP_UNEXPECTED_CONTENT,
    /// A text, or the answer, should be JSON and is not.
    invalid_json = MCP_INVALID_JSON,
    /// The answer is JSON, but not a message that the protocol allows here.
    invalid_message = MCP_INVALID_MESSAGE,
    /// The answer carries a result for another request.
    wrong_id = MCP_WRONG_ID,
    /// The server answered with a JSON-RPC error; see error::rpc_code.
    rpc_error = MCP_RPC_ERROR,
    /// The server and this client share no protocol version, or not the pinned one.
    version_unsupported = MCP_VERSION_UNSUPPORTED,
    /// The server forgot the session, and forgot it again after it had been opened anew.
    session_lost = MCP_SESSION_LOST,
    /// A message, header or event is larger than the limit.
    too_large = MCP_TOO_LARGE,
    /// The JSON value has another type than the one that was asked for, or is not there.
    json_mismatch = MCP_JSON_MISMATCH,
    /// The JSON value does not fit into what it was asked as: a number out of range, text that is no base64.
    json_range = MCP_JSON_RANGE,
    /// A buffer is too small. In C only: std::string grows.
    buffer_too_small = MCP_BUFFER_TOO_SMALL,
    /// The operating system refused something: no descriptors, no thread.
    system_error = MCP_SYSTEM_ERROR,
    /// HTTP 407: a proxy wants credentials.
    proxy_auth_required = MCP_PROXY_AUTH_REQUIRED,
    /// The auth callback gave no credentials: it threw or failed (see error::cause), or what it set cannot be used.
    auth_failed = MCP_AUTH_FAILED,
    /// Credentials would have gone over plain http to another machine, and client::set_require_https forbids that.
    insecure = MCP_INSECURE,
    /// The proxy cannot be reached or used, or refuses to connect to the server.
    proxy_failed = MCP_PROXY_FAILED,
    /// The server never comes to an end: its pages lead on and on, or it asks for input again and again.
    endless = MCP_ENDLESS,
    /// The server asks for something that no handler is set for.
    input_unsupported = MCP_INPUT_UNSUPPORTED,
    /// A handler gave no input.
    input_failed = MCP_INPUT_FAILED,
    /// The server's process cannot be started, or has ended.
    process_failed = MCP_PROCESS_FAILED,
    /// A configuration file cannot be read or used.
    config_invalid = MCP_CONFIG_INVALID,
    /// The task was cancelled, by whomever, before it had a result.
    task_cancelled = MCP_TASK_CANCELLED,
};

/// The name of a status as C has it, such as "MCP_TIMEOUT"; "MCP_UNKNOWN" for a number that this version of the library
/// does not know. Static text.
inline const char *to_string(status value) noexcept {
    return mcp_status_name(static_cast<std::int32_t>(value));
}

/// What client::set_limit can limit. A later version may add more.
enum class limit : std::int32_t {
    /// The body of one answer, unpacked; 64 MiB at the start.
    message = MCP_LIMIT_MESSAGE,
    /// The head of one answer, all of its header fields together; 64 KiB at the start, and at most 16 MiB.
    head = MCP_LIMIT_HEAD,
    /// One event of an event stream; 64 MiB at the start.
    event = MCP_LIMIT_EVENT,
};

/// How messages travel. A later version may add more.
enum class transport : std::int32_t {
    /// To be found out from the URL and the server.
    automatic = MCP_TRANSPORT_AUTO,
    /// Streamable HTTP: every message is a POST, with its answer in the answer to it.
    streamable_http = MCP_TRANSPORT_STREAMABLE_HTTP,
    /// HTTP+SSE, the transport of 2024-11-05: answers come on an event stream that stays open.
    sse = MCP_TRANSPORT_SSE,
};

/// What client::listen can listen for; several are joined with |.
enum class change : std::uint32_t {
    /// No list, only resources.
    none = 0,
    /// The list of tools.
    tools = MCP_CHANGE_TOOLS,
    /// The list of prompts.
    prompts = MCP_CHANGE_PROMPTS,
    /// The list of resources.
    resources = MCP_CHANGE_RESOURCES,
};

inline constexpr change operator|(change left, change right) noexcept {
    return static_cast<change>(static_cast<std::uint32_t>(left) | static_cast<std::uint32_t>(right));
}

/// How much a line of the log matters. A later version may add levels.
enum class log_level : std::int32_t {
    /// Something failed that no call reports.
    error = MCP_LOG_ERROR,
    /// Something is dangerous or probably wrong, such as a token over plain http.
    warning = MCP_LOG_WARNING,
    /// Something worth knowing, such as the negotiated version.
    info = MCP_LOG_INFO,
    /// What helps to find a fault.
    debug = MCP_LOG_DEBUG,
};

/// The type of a JSON value (RFC 8259, section 3).
enum class json_type : std::int32_t {
    /// There is no value. Not the same as a value that is null.
    missing = MCP_JSON_MISSING,
    /// null
    null = MCP_JSON_NULL,
    /// true or false
    boolean = MCP_JSON_BOOL,
    /// A number, whole or not.
    number = MCP_JSON_NUMBER,
    /// A text.
    string = MCP_JSON_STRING,
    /// A list of elements.
    array = MCP_JSON_ARRAY,
    /// A list of members, each with a key.
    object = MCP_JSON_OBJECT,
};

// ---------------------------------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------------------------------

/// Why a call failed. Immutable, cheap to copy (copies share), and never empty. It holds no token and no header value.
///
///     try {
///         client.ping();
///     } catch (const mcp::error &error) {
///         if (error.status() == mcp::status::unauthorized) ...
///         std::cerr << error.what() << '\n';
///     }
///
/// What it lends (texts, rpc_data) lives as long as the error or any copy of it.
class error : public std::exception {
  public:
    /// Takes over an error that a function of mcp.h made.
    explicit error(mcp_error *owned) : state_(std::make_shared<state>(owned)) {}

    /// An error of the program's own, for a test or to report like the library does.
    error(mcp::status status, std::string message) : state_(std::make_shared<state>(status, std::move(message))) {}

    // Nothing is moved out of an error: it would be an empty one.
    error(const error &) noexcept = default;
    error &operator=(const error &) noexcept = default;
    ~error() override = default;

    /// What kind of failure it is.
    mcp::status status() const noexcept {
        return state_->status;
    }

    /// What failed, where, why, and what to do about it, as one line of text for people. The URL in it lacks its query.
    /// Programs look at the status instead: the wording may change.
    const char *what() const noexcept override {
        return state_->of_c ? mcp_error_message(state_->of_c.get()) : state_->message.c_str();
    }

    /// The text of what().
    std::string_view message() const noexcept {
        return what();
    }

    /// The HTTP status of the answer behind the error, such as 401.
    std::optional<int> http_status() const noexcept {
        const int number = mcp_error_http_status(state_->of_c.get());
        return number != 0 ? std::optional<int>(number) : std::nullopt;
    }

    /// The code of the server's JSON-RPC error, such as -32601 (JSON-RPC 2.0, section 5.1).
    std::optional<std::int64_t> rpc_code() const noexcept {
        const mcp_error *of_c = state_->of_c.get();
        return mcp_error_has_rpc_code(of_c) ? std::optional<std::int64_t>(mcp_error_rpc_code(of_c)) : std::nullopt;
    }

    /// The `data` of the server's JSON-RPC error; missing where there was none.
    json_view rpc_data() const noexcept;

    /// The server's challenge, as in its WWW-Authenticate header (RFC 9110, section 11.6.1): what kind of credentials
    /// it wants, and what was wrong with those that it got.
    std::optional<std::string_view> www_authenticate() const noexcept {
        const char *challenge = mcp_error_www_authenticate(state_->of_c.get());
        return challenge != nullptr ? std::optional<std::string_view>(challenge) : std::nullopt;
    }

    /// How long the server asks to wait before the next try (RFC 9110, section 10.2.3).
    std::optional<std::chrono::milliseconds> retry_after() const noexcept {
        const std::int64_t wait = mcp_error_retry_after_ms(state_->of_c.get());
        return wait >= 0 ? std::optional<std::chrono::milliseconds>(wait) : std::nullopt;
    }

#ifdef __cpp_exceptions
    /// The exception that left the auth callback, or that it gave to auth_request::fail; null where there was none.
    /// std::rethrow_exception throws it again. One failure may end many calls: then they all refer to this one.
    std::exception_ptr cause() const noexcept {
        const auto *cause = static_cast<const std::exception_ptr *>(mcp_error_cause(state_->of_c.get()));
        return cause != nullptr ? *cause : nullptr;
    }
#endif

  private:
    struct state {
        explicit state(mcp_error *owned)
            : of_c(owned), status(static_cast<mcp::status>(mcp_error_status(owned))), message() {}
        state(mcp::status own_status, std::string own_message)
            : of_c(), status(own_status), message(std::move(own_message)) {}

        std::unique_ptr<mcp_error, detail::frees<mcp_error_free>> of_c;
        mcp::status status;
        std::string message;
    };

    std::shared_ptr<const state> state_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Results of the try_ forms
// ---------------------------------------------------------------------------------------------------------------------

#ifdef __cpp_lib_expected

/// What a try_ form returns: a T, or the error that is the reason why there is none.
///
///     if (auto info = client.try_server_info()) use(*info);
///     else std::cerr << info.error().what() << '\n';
template <class T> using expected = std::expected<T, error>;

/// An error on its way into an expected.
using unexpected = std::unexpected<error>;

#else

/// An error on its way into an expected.
class unexpected {
  public:
    explicit unexpected(mcp::error error) : error_(std::move(error)) {}

    const mcp::error &error() const noexcept {
        return error_;
    }

  private:
    mcp::error error_;
};

/// What a try_ form returns: a T, or the error that is the reason why there is none. A part of C++23's std::expected,
/// and replaced by that where the standard library has it.
///
///     if (auto info = client.try_server_info()) use(*info);
///     else std::cerr << info.error().what() << '\n';
template <class T> class [[nodiscard]] expected {
  public:
    expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    expected(const unexpected &failure) : state_(std::in_place_index<1>, failure.error()) {}

    /// Whether there is a T.
    bool has_value() const noexcept {
        return state_.index() == 0;
    }
    explicit operator bool() const noexcept {
        return has_value();
    }

    /// The T. There has to be one: ask first.
    T &operator*() & noexcept {
        return *std::get_if<0>(&state_);
    }
    const T &operator*() const & noexcept {
        return *std::get_if<0>(&state_);
    }
    T &&operator*() && noexcept {
        return std::move(*std::get_if<0>(&state_));
    }
    T *operator->() noexcept {
        return std::get_if<0>(&state_);
    }
    const T *operator->() const noexcept {
        return std::get_if<0>(&state_);
    }

    /// The T; throws the error where there is none (std::expected throws its std::bad_expected_access). Without
    /// exceptions the program is aborted.
    T &value() & {
        require();
        return **this;
    }
    const T &value() const & {
        require();
        return **this;
    }
    T &&value() && {
        require();
        return *std::move(*this);
    }

    /// The T, or this in its place.
    template <class Other> T value_or(Other &&other) const & {
        return has_value() ? **this : static_cast<T>(std::forward<Other>(other));
    }
    template <class Other> T value_or(Other &&other) && {
        return has_value() ? *std::move(*this) : static_cast<T>(std::forward<Other>(other));
    }

    /// The error. There has to be one: ask first.
    const mcp::error &error() const noexcept {
        return *std::get_if<1>(&state_);
    }

  private:
    void require() const {
        if (!has_value()) {
#ifdef __cpp_exceptions
            throw error();
#else
            std::abort();
#endif
        }
    }

    std::variant<T, mcp::error> state_;
};

/// What a try_ form without a result returns.
template <> class [[nodiscard]] expected<void> {
  public:
    expected() noexcept = default;
    expected(const unexpected &failure) : error_(failure.error()) {}

    /// Whether the call did what it was asked to do.
    bool has_value() const noexcept {
        return !error_.has_value();
    }
    explicit operator bool() const noexcept {
        return has_value();
    }

    /// Throws the error where there is one, as in expected.
    void value() const {
        if (error_) {
#ifdef __cpp_exceptions
            throw *error_;
#else
            std::abort();
#endif
        }
    }

    /// The error. There has to be one: ask first.
    const mcp::error &error() const noexcept {
        return *error_;
    }

  private:
    std::optional<mcp::error> error_;
};

#endif

// ---------------------------------------------------------------------------------------------------------------------
// Durations
// ---------------------------------------------------------------------------------------------------------------------

/// A limit of time, from any duration of std::chrono: `2s`, `std::chrono::minutes(1)`. Rounded up to milliseconds, at
/// most 2^63 of them; 0 means none. A negative one is refused by whoever gets it, with status::invalid_argument.
class duration {
  public:
    template <class Rep, class Period>
    duration(std::chrono::duration<Rep, Period> length) noexcept
        : milliseconds_(std::chrono::duration<long double, std::milli>(length).count()) {}

    /// Whether it can be used as a limit: it is not negative, and a number.
    bool is_valid() const noexcept {
        return milliseconds_ >= 0;
    }

    /// The milliseconds; 0 where it is not valid.
    std::uint64_t count() const noexcept {
        constexpr std::uint64_t most = std::uint64_t{1} << 63;
        if (!is_valid()) {
            return 0;
        }
        return milliseconds_ < static_cast<long double>(most) ? static_cast<std::uint64_t>(std::ceil(milliseconds_))
                                                              : most;
    }

  private:
    long double milliseconds_;
};

// ---------------------------------------------------------------------------------------------------------------------
// From here to C and back
// ---------------------------------------------------------------------------------------------------------------------

namespace detail {

/// A text as C wants it: NUL-terminated, NULL for none. It may be a secret, so the copy is wiped at its end.
class text {
  public:
    text(std::optional<std::string_view> value, const char *name)
        : copy_(value ? std::optional<std::string>(*value) : std::nullopt), name_(name) {}
    text(const text &) = delete;
    text &operator=(const text &) = delete;
    ~text() {
        if (copy_) {
            // Through a volatile pointer, or the compiler would leave out what nobody reads.
            volatile char *bytes = copy_->data();
            for (std::size_t i = 0; i < copy_->size(); i++) {
                bytes[i] = '\0';
            }
        }
    }

    const char *c_str() const noexcept {
        return copy_ ? copy_->c_str() : nullptr;
    }

    bool has_nul() const noexcept {
        return copy_ && copy_->find('\0') != std::string::npos;
    }

    const char *name() const noexcept {
        return name_;
    }

  private:
    std::optional<std::string> copy_;
    const char *name_;
};

// Why an argument is not even shown to C.
template <class Plain> std::optional<error> refusal(const Plain &) {
    return std::nullopt;
}
inline std::optional<error> refusal(const text &argument) {
    if (!argument.has_nul()) {
        return std::nullopt;
    }
    return error(status::invalid_argument, std::string(argument.name()) + " has a NUL inside");
}
inline std::optional<error> refusal(const duration &argument) {
    if (argument.is_valid()) {
        return std::nullopt;
    }
    return error(status::invalid_argument, "a duration is negative, or no number");
}
std::optional<error> refusal(const options &argument);

// An argument as C takes it.
template <class Plain> const Plain &to_c(const Plain &argument) noexcept {
    return argument;
}
inline const char *to_c(const text &argument) noexcept {
    return argument.c_str();
}
inline std::uint64_t to_c(const duration &argument) noexcept {
    return argument.count();
}
const mcp_options *to_c(const options &argument) noexcept;

/// Calls a function of mcp.h that returns a status and takes the place for an error as its last argument.
template <class Function, class... Arguments> expected<void> call(Function &&function, const Arguments &...arguments) {
    std::optional<error> refused;
    if (((refused = refusal(arguments)) || ...)) {
        return unexpected(*refused);
    }
    mcp_error *failure = nullptr;
    if (function(to_c(arguments)..., &failure) != MCP_OK) {
        return unexpected(error(failure));
    }
    return {};
}

/// The same where the function has a result: a Plain that it writes to the place before the last.
template <class Plain, class Function, class... Arguments>
expected<Plain> get(Function &&function, const Arguments &...arguments) {
    Plain result{};
    const expected<void> outcome = call(function, arguments..., &result);
    if (!outcome) {
        return unexpected(outcome.error());
    }
    return result;
}

#ifdef __cpp_exceptions
/// From the try_ form to the throwing one.
template <class T> T take(expected<T> &&outcome) {
    if (!outcome) {
        throw outcome.error();
    }
    if constexpr (!std::is_void_v<T>) {
        return *std::move(outcome);
    }
}
#endif

} // namespace detail

// ---------------------------------------------------------------------------------------------------------------------
// JSON values
// ---------------------------------------------------------------------------------------------------------------------

template <class Value> class json_range;
struct json_member;

/// The elements of an array, as json_view: a std::ranges::forward_range, a view, and borrowed.
using json_elements = json_range<json_view>;
/// The members of an object, as json_member: likewise.
using json_members = json_range<json_member>;

/// A value inside a JSON document, or none ("missing"). A borrowed pointer: trivially copyable, and good for as long as
/// the document lives (see json).
///
/// Everything can be asked of what is missing too, so that there is no check in between:
///
///     std::string_view name = info.at("/serverInfo/name").string().value_or("(no name)");
class json_view {
  public:
    /// Missing.
    json_view() noexcept = default;

    /// What a function of mcp.h lends.
    explicit json_view(const mcp_json *borrowed) noexcept : value_(borrowed) {}

    /// The type; json_type::missing where there is no value.
    json_type type() const noexcept {
        return static_cast<json_type>(mcp_json_type_of(value_));
    }

    /// Whether there is a value; null is one too.
    explicit operator bool() const noexcept {
        return value_ != nullptr;
    }

    /// How many elements an array has, or members an object; 0 for everything else.
    std::size_t size() const noexcept {
        return mcp_json_size(value_);
    }

    /// The member of an object by its name, the last one where several have it; missing where there is none. Takes time
    /// in proportion to the members. A name with a NUL inside is not found.
    json_view operator[](std::string_view name) const {
        const detail::text text(name, "the name");
        return json_view(text.has_nul() ? nullptr : mcp_json_member(value_, text.c_str()));
    }

    /// The element of an array by its index, from 0; missing where there is none. Takes time in proportion to the
    /// index: to go through all, use elements().
    json_view operator[](std::size_t index) const noexcept {
        return json_view(mcp_json_element(value_, index));
    }

    /// The value that a JSON pointer points to, such as "/content/0/text" (RFC 6901: in a name, ~1 stands for a slash
    /// and ~0 for a tilde); "" is this value itself. Missing where there is none, or the pointer is malformed.
    json_view at(std::string_view pointer) const {
        const detail::text text(pointer, "the JSON pointer");
        return json_view(text.has_nul() ? nullptr : mcp_json_at(value_, text.c_str()));
    }

    /// The elements of an array; none for anything else.
    json_elements elements() const noexcept;

    /// The members of an object, in the order of the document; none for anything else.
    ///
    ///     for (auto [key, value] : info["capabilities"].members())
    json_members members() const noexcept;

    /// The value as the server sent it: JSON text, a string with its quotes and escapes. No copy; lives as long as the
    /// document. Empty where the value is missing.
    std::string_view raw() const noexcept {
        std::size_t length = 0;
        const char *start = mcp_json_raw(value_, &length);
        return start != nullptr ? std::string_view(start, length) : std::string_view();
    }

    /// The text of a string, decoded; nullopt where the value is no string. No copy; it lives as long as the document,
    /// and has a NUL behind its end. Half of a surrogate pair becomes U+FFFD, in copy_string() as well. A NUL inside is
    /// shown as U+FFFD: copy_string() gives it as it is.
    std::optional<std::string_view> string() const noexcept {
        const char *text = mcp_json_string(value_);
        return text != nullptr ? std::optional<std::string_view>(text) : std::nullopt;
    }

#ifdef __cpp_exceptions
    /// True or false. status::json_mismatch for anything else, and for what is missing, as in all that follow.
    bool as_bool() const {
        return detail::take(try_as_bool());
    }

    /// A whole number, however it is written: 5, 5.0 and 50e-1 are all 5. status::json_range where it has a fraction or
    /// does not fit.
    std::int64_t as_int64() const {
        return detail::take(try_as_int64());
    }

    /// The same from 0 to 2^64 - 1.
    std::uint64_t as_uint64() const {
        return detail::take(try_as_uint64());
    }

    /// A number as the nearest double. status::json_range where it is larger than any.
    double as_double() const {
        return detail::take(try_as_double());
    }

    /// The text of a string, decoded, with every NUL that is in it.
    std::string copy_string() const {
        return detail::take(try_copy_string());
    }

    /// The bytes of a string that holds base64 (RFC 4648, section 4), such as the "blob" of a resource or the "data" of
    /// an image. status::json_range where it is no base64.
    std::vector<std::byte> copy_base64() const {
        return detail::take(try_copy_base64());
    }
#endif

    /// As as_bool, without an exception.
    [[nodiscard]] expected<bool> try_as_bool() const {
        return detail::get<bool>(mcp_json_bool, value_);
    }

    /// As as_int64, without an exception.
    [[nodiscard]] expected<std::int64_t> try_as_int64() const {
        return detail::get<std::int64_t>(mcp_json_int64, value_);
    }

    /// As as_uint64, without an exception.
    [[nodiscard]] expected<std::uint64_t> try_as_uint64() const {
        return detail::get<std::uint64_t>(mcp_json_uint64, value_);
    }

    /// As as_double, without an exception.
    [[nodiscard]] expected<double> try_as_double() const {
        return detail::get<double>(mcp_json_double, value_);
    }

    /// As copy_string, without an exception.
    [[nodiscard]] expected<std::string> try_copy_string() const {
        std::size_t length = 0;
        if (mcp_json_copy_string(value_, nullptr, 0, &length, nullptr) == MCP_BUFFER_TOO_SMALL) {
            length++; // for the NUL
        }
        std::string copy(length, '\0');
        const expected<void> outcome = detail::call(mcp_json_copy_string, value_, copy.data(), copy.size(), &length);
        if (!outcome) {
            return unexpected(outcome.error());
        }
        copy.resize(length);
        return copy;
    }

    /// As copy_base64, without an exception.
    [[nodiscard]] expected<std::vector<std::byte>> try_copy_base64() const {
        std::size_t length = 0;
        (void)mcp_json_copy_base64(value_, nullptr, 0, &length, nullptr);
        std::vector<std::byte> bytes(length);
        void *place = bytes.data();
        const expected<void> outcome = detail::call(mcp_json_copy_base64, value_, place, bytes.size(), &length);
        if (!outcome) {
            return unexpected(outcome.error());
        }
        return bytes;
    }

  private:
    const mcp_json *value_ = nullptr;
};

/// A member of an object.
struct json_member {
    /// Its name, decoded; lives as long as the document. A NUL inside, and half of a surrogate pair, is shown as
    /// U+FFFD.
    std::string_view key;
    /// Its value; never missing.
    json_view value;
};

/// What elements() and members() return. Its iterators give their values by copy, and outlive it: they are good for as
/// long as the document lives.
template <class Value> class json_range {
  public:
    class iterator {
      public:
        using value_type = Value;
        using reference = Value;
        using difference_type = std::ptrdiff_t;
        /// What -> needs where there is no object to point to.
        struct pointer {
            Value value;
            const Value *operator->() const noexcept {
                return &value;
            }
        };
        using iterator_category = std::input_iterator_tag; // C++17 asks more of a forward iterator: a true reference
        using iterator_concept = std::forward_iterator_tag;

        /// The end.
        iterator() noexcept = default;
        explicit iterator(const mcp_json *child) noexcept : child_(child) {}

        Value operator*() const noexcept {
            if constexpr (std::is_same_v<Value, json_member>) {
                const char *key = mcp_json_key(child_);
                return {key != nullptr ? std::string_view(key) : std::string_view(), json_view(child_)};
            } else {
                return Value(child_);
            }
        }
        pointer operator->() const noexcept {
            return {**this};
        }
        iterator &operator++() noexcept {
            child_ = mcp_json_next(child_);
            return *this;
        }
        iterator operator++(int) noexcept {
            const iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(iterator left, iterator right) noexcept {
            return left.child_ == right.child_;
        }
        friend bool operator!=(iterator left, iterator right) noexcept {
            return left.child_ != right.child_;
        }

      private:
        const mcp_json *child_ = nullptr;
    };

    /// Nothing.
    json_range() noexcept = default;
    explicit json_range(const mcp_json *first) noexcept : first_(first) {}

    iterator begin() const noexcept {
        return iterator(first_);
    }
    iterator end() const noexcept {
        return iterator();
    }
    bool empty() const noexcept {
        return first_ == nullptr;
    }

  private:
    const mcp_json *first_ = nullptr;
};

inline json_elements json_view::elements() const noexcept {
    return json_elements(type() == json_type::array ? mcp_json_first(value_) : nullptr);
}

inline json_members json_view::members() const noexcept {
    return json_members(type() == json_type::object ? mcp_json_first(value_) : nullptr);
}

inline json_view error::rpc_data() const noexcept {
    return json_view(mcp_error_rpc_data(state_->of_c.get()));
}

/// A JSON document, which owns every value inside it. Immutable; may be read from many threads.
///
/// It is kept as the text that the server sent; the first look inside makes an index of it. A view of a document that
/// is about to vanish would dangle, so a temporary has none: give the document a name first.
///
///     mcp::json info = client.server_info();
///     std::cout << info.at("/serverInfo/name").string().value_or("?") << '\n';
class json {
  public:
    /// Missing, as after a move.
    json() noexcept = default;

    /// Takes over a document that a function of mcp.h made.
    explicit json(mcp_json *owned) noexcept : document_(owned) {}

#ifdef __cpp_exceptions
    /// Makes a document from a text, which is copied. status::invalid_json for what is not JSON (RFC 8259),
    /// status::invalid_argument for what is not UTF-8.
    [[nodiscard]] static json parse(std::string_view text) {
        return detail::take(try_parse(text));
    }
#endif

    /// As parse, without an exception.
    [[nodiscard]] static expected<json> try_parse(std::string_view text) {
        const char *start = text.data() != nullptr ? text.data() : "";
        mcp_error *failure = nullptr;
        json made(mcp_json_parse(start, text.size(), &failure));
        if (!made.document_) {
            return unexpected(error(failure));
        }
        return made;
    }

    /// The document's value; it lives as long as the document. All that a value can be asked is in json_view, and some
    /// of it is here as well.
    json_view view() const & noexcept {
        return json_view(document_.get());
    }
    json_view view() const && = delete;

    operator json_view() const & noexcept {
        return view();
    }
    operator json_view() const && = delete;

    /// Whether there is a value.
    explicit operator bool() const noexcept {
        return document_ != nullptr;
    }

    /// See json_view::type.
    json_type type() const noexcept {
        return json_view(document_.get()).type();
    }

    /// See json_view::size.
    std::size_t size() const noexcept {
        return json_view(document_.get()).size();
    }

    /// See json_view.
    json_view operator[](std::string_view name) const & {
        return view()[name];
    }
    json_view operator[](std::string_view name) const && = delete;

    /// See json_view.
    json_view operator[](std::size_t index) const & noexcept {
        return view()[index];
    }
    json_view operator[](std::size_t index) const && = delete;

    /// See json_view::at.
    json_view at(std::string_view pointer) const & {
        return view().at(pointer);
    }
    json_view at(std::string_view pointer) const && = delete;

    /// See json_view::elements.
    json_elements elements() const & noexcept {
        return view().elements();
    }
    json_elements elements() const && = delete;

    /// See json_view::members.
    json_members members() const & noexcept {
        return view().members();
    }
    json_members members() const && = delete;

    /// See json_view::raw.
    std::string_view raw() const & noexcept {
        return view().raw();
    }
    std::string_view raw() const && = delete;

  private:
    friend class tool_result;

    const mcp_json *of_c() const noexcept {
        return document_.get();
    }

    std::unique_ptr<mcp_json, detail::frees<mcp_json_free>> document_;
};

namespace detail {

/// As get, for a function whose result is a document.
template <class Function, class... Arguments>
expected<json> get_json(Function &&function, const Arguments &...arguments) {
    const expected<mcp_json *> result = get<mcp_json *>(function, arguments...);
    if (!result) {
        return unexpected(result.error());
    }
    return json(*result);
}

/// The text of a JSON object that the caller gives, as C takes it; NULL for none.
struct json_text {
    json_text(std::optional<std::string_view> text) noexcept
        : start(!text                     ? nullptr
                : text->data() != nullptr ? text->data()
                                          : ""),
          length(text ? text->size() : 0) {}

    const char *start;
    std::size_t length;
};

} // namespace detail

/// What a tool has to say (specification 2026-07-28, "Tools": Tool Result). Immutable; may be read from many threads.
class tool_result {
  public:
    /// Takes over a result of client::request("tools/call", ...) or the like.
    explicit tool_result(json result) noexcept : result_(std::move(result)) {}

    /// Whether the tool says that it failed; text() is then what went wrong.
    bool is_error() const noexcept {
        return mcp_tool_result_is_error(of_c());
    }

    /// The texts of the content, each on a line of its own: those of its blocks of the type "text", and those of
    /// embedded resources. Lives as long as the result.
    std::string_view text() const & noexcept {
        return mcp_tool_result_text(of_c());
    }
    std::string_view text() const && = delete;

    /// The structured content: an object, from 2026-07-28 on any value; missing where there is none. Whether it is what
    /// the tool's "outputSchema" promises is left to the caller. Lives as long as the result.
    json_view structured() const & noexcept {
        return json_view(mcp_tool_result_structured(of_c()));
    }
    json_view structured() const && = delete;

    /// The blocks of the content, each with a "type". They live as long as the result.
    json_elements content() const & {
        return result_["content"].elements();
    }
    json_elements content() const && = delete;

    /// The id of the task that client::start_tool brought; nullopt where it brought the tool's result. Lives as long as
    /// the result.
    std::optional<std::string_view> task_id() const & noexcept {
        const char *id = mcp_task_id(of_c());
        return id != nullptr ? std::optional<std::string_view>(id) : std::nullopt;
    }
    std::optional<std::string_view> task_id() const && = delete;

    /// The whole result, with its "_meta"; lives as long as this.
    json_view view() const & noexcept {
        return result_.view();
    }
    json_view view() const && = delete;

  private:
    const mcp_json *of_c() const noexcept {
        return result_.of_c();
    }

    json result_;
};

#ifdef __cpp_exceptions
/// A tool was called, and failed: what client::call_tool throws. Cheap to copy (copies share).
class tool_error : public std::exception {
  public:
    explicit tool_error(tool_result result) : result_(std::make_shared<const tool_result>(std::move(result))) {}

    tool_error(const tool_error &) noexcept = default;
    tool_error &operator=(const tool_error &) noexcept = default;
    ~tool_error() override = default;

    /// What the tool says.
    const char *what() const noexcept override {
        return result_->text().data();
    }

    /// All that it says; lives as long as the exception or any copy of it.
    const tool_result &result() const noexcept {
        return *result_;
    }

  private:
    std::shared_ptr<const tool_result> result_;
};
#endif

// ---------------------------------------------------------------------------------------------------------------------
// Cancelling, and options of a call
// ---------------------------------------------------------------------------------------------------------------------

/// A token that ends the calls whose options hold it. It works once: after trigger(), every call with this token, also
/// a later one, fails with status::cancelled.
///
/// A blocked call returns within 50 ms of the trigger, whatever it is waiting for. The server is told as its protocol
/// version wants it; its answer is not awaited. The client stays usable.
///
/// With a std::stop_token (C++20) it takes one more line:
///
///     mcp::cancel cancel;
///     std::stop_callback link(stop_token, [&] { cancel.trigger(); });
///     client.ping(mcp::options().cancel(cancel));
class cancel {
  public:
#ifdef __cpp_exceptions
    /// status::system_error when the system gives no more descriptors.
    cancel() : cancel(detail::take(try_new())) {}
#endif

    /// As the constructor, without an exception.
    [[nodiscard]] static expected<cancel> try_new() {
        cancel made(mcp_cancel_new());
        if (!made.token_) {
            return unexpected(error(status::system_error, "no cancel token: the system gives no more descriptors"));
        }
        return made;
    }

    /// Triggers the token; a second time does nothing. Any thread, any time; also from a signal handler
    /// (async-signal-safe, errno is kept).
    void trigger() const noexcept {
        mcp_cancel_trigger(token_.get());
    }

  private:
    friend class options;

    explicit cancel(mcp_cancel *owned) noexcept : token_(owned) {}

    std::unique_ptr<mcp_cancel, detail::frees<mcp_cancel_free>> token_;
};

/// How far an operation has come.
struct progress {
    /// Grows with each one.
    double value;
    /// Where it ends; nullopt where the server does not know.
    std::optional<double> total;
    /// What the server says of it; empty where it says nothing. Gone when the callback returns.
    std::string_view message;
};

namespace detail {

// Whether a callable is a null pointer, an empty std::function, or the like.
template <class Callable, class = void> struct can_be_empty : std::false_type {};
template <class Callable>
struct can_be_empty<Callable, std::void_t<decltype(std::declval<const Callable &>() == nullptr)>>
    : std::is_constructible<Callable, std::nullptr_t> {};
template <class Callable> bool is_empty(const Callable &callable) {
    if constexpr (can_be_empty<Callable>::value) {
        return callable == nullptr;
    } else {
        return false;
    }
}

inline error empty_callback() {
    return error(status::invalid_argument, "the callback is empty");
}

/// Calls a callback whose exceptions have nowhere to go.
template <class Callable, class... Arguments> void swallow(Callable &callable, Arguments &&...arguments) noexcept {
#ifdef __cpp_exceptions
    try {
        callable(std::forward<Arguments>(arguments)...);
    } catch (...) {
        // See the function that took the callback.
    }
#else
    callable(std::forward<Arguments>(arguments)...);
#endif
}

template <class Callable> void tell_progress(void *userdata, double value, double total, const char *message) noexcept {
    const auto end = total >= 0 ? std::optional<double>(total) : std::nullopt;
    swallow(*static_cast<Callable *>(userdata), progress{value, end, message != nullptr ? message : ""});
}

} // namespace detail

/// Options of a call. What is not set has its default, and default-constructed ones cost nothing.
///
///     client.ping(mcp::options().timeout(2s).cancel(token));
///
/// One object may serve any number of calls, at the same time too, as long as nobody changes it while a call uses it.
/// The setters do not fail: a value that cannot be used, such as a negative duration, is the error of every call with
/// these options (status::invalid_argument), and nothing is sent.
class options {
  public:
    options() noexcept = default;

    /// Sets the timeout of the call; 0 means none. Unset: the client's.
    options &timeout(duration length) & {
        set(mcp_options_set_timeout, length);
        return *this;
    }
    options &&timeout(duration length) && {
        return std::move(timeout(length));
    }

    /// Sets the idle limit of the call: it ends with status::timeout when that long no byte comes from the server and
    /// none can be sent. 0, as at the start, means none.
    options &idle_timeout(duration length) & {
        set(mcp_options_set_idle_timeout, length);
        return *this;
    }
    options &&idle_timeout(duration length) && {
        return std::move(idle_timeout(length));
    }

    /// Sets the token that can end the call early. The options keep their own hold on it: the token may be destroyed at
    /// any time.
    options &cancel(const mcp::cancel &token) & {
        if (token.token_) {
            set(mcp_options_set_cancel, token.token_.get());
        } else {
            refuse(error(status::invalid_argument, "the cancel token was moved away"));
        }
        return *this;
    }
    options &&cancel(const mcp::cancel &token) && {
        return std::move(cancel(token));
    }

    /// Removes the token.
    options &cancel(std::nullopt_t) & {
        set(mcp_options_set_cancel, static_cast<mcp_cancel *>(nullptr));
        return *this;
    }
    options &&cancel(std::nullopt_t) && {
        return std::move(cancel(std::nullopt));
    }

    /// Asks the server to tell how far it has come, and sets the callback that is told, on the thread of the call
    /// (specification 2026-07-28, "Progress"). It is anything that can be called with a const progress &:
    ///
    ///     options.on_progress([](const mcp::progress &p) { std::cout << p.value << '\n'; });
    ///
    /// Its time counts against no timeout. An exception that leaves it is swallowed: to end the call, use a cancel
    /// token. The callable is moved into the options, and destroyed when neither they nor a call needs it.
    template <class Callable> options &on_progress(Callable callable) & {
        static_assert(std::is_invocable_v<Callable &, const progress &>,
                      "a progress callback is called with a const mcp::progress &");
        if (detail::is_empty(callable)) {
            refuse(detail::empty_callback());
            return *this;
        }
        void *owned = new Callable(std::move(callable));
        set(mcp_options_set_progress, &detail::tell_progress<Callable>, owned, &detail::destroy<Callable>);
        return *this;
    }
    template <class Callable> options &&on_progress(Callable callable) && {
        return std::move(on_progress(std::move(callable)));
    }

    /// Sets members of the "_meta" of the call's requests: the text of a JSON object, such as a trace context
    /// ("traceparent"). They beat what the library puts there by itself.
    options &meta(std::string_view object) & {
        const detail::json_text text(object);
        set(mcp_options_set_meta, text.start, text.length);
        return *this;
    }
    options &&meta(std::string_view object) && {
        return std::move(meta(object));
    }

    /// Sets a header that the requests of the call carry; std::nullopt removes it. The rules of client::set_header,
    /// which it beats.
    options &header(std::string_view name, std::optional<std::string_view> value) & {
        set(mcp_options_set_header, detail::text(name, "the header's name"), detail::text(value, "the header's value"));
        return *this;
    }
    options &&header(std::string_view name, std::optional<std::string_view> value) && {
        return std::move(header(name, value));
    }

  private:
    friend std::optional<error> detail::refusal(const options &);
    friend const mcp_options *detail::to_c(const options &) noexcept;

    template <class Setter, class... Values> void set(Setter setter, const Values &...values) {
        if (!options_) {
            options_.reset(mcp_options_new());
        }
        const expected<void> outcome = detail::call(setter, options_.get(), values...);
        if (!outcome) {
            refuse(outcome.error());
        }
    }

    void refuse(const error &reason) {
        if (!refusal_) {
            refusal_ = reason;
        }
    }

    std::unique_ptr<mcp_options, detail::frees<mcp_options_free>> options_; // made by the first setter
    std::optional<error> refusal_;
};

inline std::optional<error> detail::refusal(const options &argument) {
    return argument.refusal_;
}

inline const mcp_options *detail::to_c(const options &argument) noexcept {
    return argument.options_.get();
}

// ---------------------------------------------------------------------------------------------------------------------
// Credentials of one's own scheme
// ---------------------------------------------------------------------------------------------------------------------

/// What an auth callback is asked, and the place for its answer: see client::set_auth. It lives as long as the callback
/// runs, and belongs to that thread; so do the texts that it lends.
class auth_request {
  public:
    explicit auth_request(mcp_auth_request *borrowed) noexcept : request_(borrowed) {}
    auth_request(const auth_request &) = delete;
    auth_request &operator=(const auth_request &) = delete;

    /// Where the request goes: the whole URL, with its query.
    std::string_view url() const noexcept {
        return or_empty(mcp_auth_request_url(request_));
    }

    /// The HTTP method of the request: "POST", "GET" or "DELETE".
    std::string_view method() const noexcept {
        return or_empty(mcp_auth_request_method(request_));
    }

    /// 1 before a request; 2 or 3 after the server has refused what this call came with.
    int attempt() const noexcept {
        return mcp_auth_request_attempt(request_);
    }

    /// The HTTP status of the refusal, 401 or 403; nullopt where there was none.
    std::optional<int> http_status() const noexcept {
        const int number = mcp_auth_request_http_status(request_);
        return number != 0 ? std::optional<int>(number) : std::nullopt;
    }

    /// The server's challenge, the WWW-Authenticate header of the refusal (RFC 9110, section 11.6.1); several are one
    /// list. nullopt where there was none.
    std::optional<std::string_view> challenge() const noexcept {
        const char *challenge = mcp_auth_request_challenge(request_);
        return challenge != nullptr ? std::optional<std::string_view>(challenge) : std::nullopt;
    }

    /// Says that there are no credentials: the call ends with status::auth_failed, and the reason in its message. A
    /// reason that is no UTF-8 or has a NUL inside is replaced.
    void fail(std::string_view reason) noexcept {
        if (!detail::call(mcp_auth_request_fail, request_, detail::text(reason, "the reason"))) {
            mcp_auth_request_fail(request_, unusable_reason, nullptr);
        }
    }

#ifdef __cpp_exceptions
    /// The same with an exception behind it, which error::cause gives back. One that leaves the callback does this by
    /// itself.
    void fail(std::string_view reason, std::exception_ptr cause) noexcept {
        if (!try_fail(reason, cause)) {
            (void)try_fail(unusable_reason, cause);
        }
    }

    /// Gives the request a bearer token, without the word "Bearer"; std::nullopt takes it away again. The rules and
    /// errors of client::set_bearer.
    void set_bearer(std::optional<std::string_view> token) {
        detail::take(try_set_bearer(token));
    }

    /// Gives the request a header; std::nullopt takes it away again. The rules and errors of client::set_header.
    void set_header(std::string_view name, std::optional<std::string_view> value) {
        detail::take(try_set_header(name, value));
    }
#endif

    /// As set_bearer, without an exception. A setter that fails, and is not followed by one that does not, ends the
    /// call with status::auth_failed.
    [[nodiscard]] expected<void> try_set_bearer(std::optional<std::string_view> token) {
        const detail::text text(token, "the bearer token");
        if (text.has_nul()) {
            mcp_auth_request_set_bearer(request_, never_valid, nullptr);
        }
        return detail::call(mcp_auth_request_set_bearer, request_, text);
    }

    /// As set_header, without an exception. A failure counts as in try_set_bearer.
    [[nodiscard]] expected<void> try_set_header(std::string_view name, std::optional<std::string_view> value) {
        const detail::text c_name(name, "the header's name"), c_value(value, "the header's value");
        if (c_name.has_nul() || c_value.has_nul()) {
            mcp_auth_request_set_header(request_, never_valid, never_valid, nullptr);
        }
        return detail::call(mcp_auth_request_set_header, request_, c_name, c_value);
    }

  private:
    /// What C is shown in place of a text with a NUL inside: it has to know that the setter failed.
    static constexpr const char *never_valid = "\1";
    static constexpr const char *unusable_reason = "(the reason that was given is not UTF-8, or has a NUL inside)";

    static std::string_view or_empty(const char *text) noexcept {
        return text != nullptr ? std::string_view(text) : std::string_view();
    }

#ifdef __cpp_exceptions
    expected<void> try_fail(std::string_view reason, const std::exception_ptr &cause) {
        const detail::text text(reason, "the reason");
        if (auto refused = detail::refusal(text)) {
            return unexpected(*refused);
        }
        void *owned = new std::exception_ptr(cause);
        return detail::call(mcp_auth_request_fail_with, request_, text, owned, &detail::destroy<std::exception_ptr>);
    }
#endif

    mcp_auth_request *request_;
};

// ---------------------------------------------------------------------------------------------------------------------
// What the server asks of the program
// ---------------------------------------------------------------------------------------------------------------------

/// What a handler is asked, and the place for its answer: see client::set_elicitation, set_sampling and set_roots. It
/// lives as long as the handler runs, and belongs to that thread; so does what it lends. A handler that gives no answer
/// cancels an elicitation, and fails everything else.
class input {
  public:
    explicit input(mcp_input *borrowed) noexcept : input_(borrowed) {}
    input(const input &) = delete;
    input &operator=(const input &) = delete;

    /// What is asked: "elicitation/create", "sampling/createMessage" or "roots/list".
    std::string_view method() const noexcept {
        const char *method = mcp_input_method(input_);
        return method != nullptr ? std::string_view(method) : std::string_view();
    }

    /// The parameters, an object.
    json_view params() const noexcept {
        return json_view(mcp_input_params(input_));
    }

    /// Whether an answer would come too late: the server has cancelled its request, or the call that needs the input
    /// was cancelled, or its client closed. See mcp_input_is_cancelled.
    bool is_cancelled() const noexcept {
        return mcp_input_is_cancelled(input_);
    }

    /// Says that there is no answer. A legacy server gets a JSON-RPC error with this code, and the call goes on; on a
    /// modern one the call ends with status::input_failed. -1 is the code for a person who has refused, -32603 that for
    /// something that broke, such as an exception that leaves the handler. A message that is no UTF-8 or has a NUL
    /// inside is replaced.
    void fail(std::string_view message, std::int64_t code = -32603) noexcept {
        if (!detail::call(mcp_input_fail, input_, code, detail::text(message, "the message"))) {
            mcp_input_fail(input_, code, "(the message that was given is not UTF-8, or has a NUL inside)", nullptr);
        }
    }

#ifdef __cpp_exceptions
    /// Accepts an elicitation. `content` is what the person has filled in, the text of a JSON object; what it leaves
    /// out gets the schema's default, where that has one. std::nullopt leaves everything out, as it is for a URL.
    ///
    /// status::invalid_argument for what is no JSON object, status::misuse where something else is asked.
    void accept(std::optional<std::string_view> content = std::nullopt) {
        detail::take(try_accept(content));
    }

    /// Declines an elicitation: the person has said no. status::misuse where something else is asked.
    void decline() {
        detail::take(try_decline());
    }

    /// Cancels an elicitation: the person has made no choice. status::misuse where something else is asked.
    void cancel() {
        detail::take(try_cancel());
    }

    /// Answers with a whole result, the text of a JSON object. status::invalid_argument, and no answer is taken, for
    /// what is no result of this kind.
    void respond(std::string_view result) {
        detail::take(try_respond(result));
    }
#endif

    /// As accept, without an exception.
    [[nodiscard]] expected<void> try_accept(std::optional<std::string_view> content = std::nullopt) {
        const detail::json_text text(content);
        return detail::call(mcp_input_accept, input_, text.start, text.length);
    }

    /// As decline, without an exception.
    [[nodiscard]] expected<void> try_decline() {
        return detail::call(mcp_input_decline, input_);
    }

    /// As cancel, without an exception.
    [[nodiscard]] expected<void> try_cancel() {
        return detail::call(mcp_input_cancel, input_);
    }

    /// As respond, without an exception.
    [[nodiscard]] expected<void> try_respond(std::string_view result) {
        const detail::json_text text(result);
        return detail::call(mcp_input_respond, input_, text.start, text.length);
    }

  private:
    mcp_input *input_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Callbacks, as C calls them
// ---------------------------------------------------------------------------------------------------------------------

namespace detail {

template <class Callable> void ask(void *userdata, mcp_auth_request *borrowed) noexcept {
    Callable &callable = *static_cast<Callable *>(userdata);
    auth_request request(borrowed);
#ifdef __cpp_exceptions
    try {
        callable(request);
    } catch (const std::exception &thrown) {
        request.fail(thrown.what(), std::current_exception());
    } catch (...) {
        request.fail("it threw what is no std::exception", std::current_exception());
    }
#else
    callable(request);
#endif
}

template <class Callable> void tell(void *userdata, std::int32_t level, const char *message) noexcept {
    swallow(*static_cast<Callable *>(userdata), static_cast<log_level>(level), std::string_view(message));
}

template <class Callable> void tell_message(void *userdata, const mcp_json *message) noexcept {
    swallow(*static_cast<Callable *>(userdata), json_view(message));
}

template <class Callable> void tell_change(void *userdata, const char *method, const mcp_json *params) noexcept {
    swallow(*static_cast<Callable *>(userdata), std::string_view(method), json_view(params));
}

template <class Callable> void ask_input(void *userdata, mcp_input *borrowed) noexcept {
    Callable &callable = *static_cast<Callable *>(userdata);
    input asked(borrowed);
#ifdef __cpp_exceptions
    try {
        callable(asked);
    } catch (const std::exception &thrown) {
        asked.fail(thrown.what());
    } catch (...) {
        asked.fail("it threw what is no std::exception");
    }
#else
    callable(asked);
#endif
}

/// The elements of a vector as C takes them, with a NULL behind the last one.
class text_array {
  public:
    text_array(const std::vector<std::string> &texts, const char *name) : name_(name) {
        for (const std::string &text : texts) {
            has_nul_ = has_nul_ || text.find('\0') != std::string::npos;
            pointers_.push_back(text.c_str());
        }
        pointers_.push_back(nullptr);
    }

    const char *const *pointers() const noexcept {
        return pointers_.data();
    }
    bool has_nul() const noexcept {
        return has_nul_;
    }
    const char *name() const noexcept {
        return name_;
    }

  private:
    std::vector<const char *> pointers_;
    bool has_nul_ = false;
    const char *name_;
};

inline std::optional<error> refusal(const text_array &argument) {
    if (!argument.has_nul()) {
        return std::nullopt;
    }
    return error(status::invalid_argument, std::string(argument.name()) + " has a NUL inside");
}
inline const char *const *to_c(const text_array &argument) noexcept {
    return argument.pointers();
}

} // namespace detail

// ---------------------------------------------------------------------------------------------------------------------
// Lists, page by page
// ---------------------------------------------------------------------------------------------------------------------

/// The pages of a list: an input range, in which ++ asks the server for the next page. Page is json, and then an error
/// is thrown; or expected<json>, and then the error is the last page. Its client has to live as long; it can be moved
/// until begin() was called, and be walked once. A page that leads to one that was walked is the last: some servers
/// name the same cursor on every page.
///
///     for (const mcp::json &page : client.tool_pages())
///         for (mcp::json_view tool : page["tools"].elements()) ...
template <class Page> class page_range {
  public:
    using function = mcp_status (*)(mcp_client *, const char *, const mcp_options *, mcp_json **, mcp_error **);

    page_range(function ask, mcp_client *client, options with) noexcept
        : ask_(ask), client_(client), with_(std::move(with)) {}

    class iterator {
      public:
        using value_type = Page;
        using reference = const Page &;
        using pointer = const Page *;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        /// The end.
        iterator() noexcept = default;

        reference operator*() const noexcept {
            return *range_->page_;
        }
        pointer operator->() const noexcept {
            return &*range_->page_;
        }
        iterator &operator++() {
            range_->advance();
            return *this;
        }
        void operator++(int) {
            ++*this;
        }
        friend bool operator==(iterator left, iterator right) noexcept {
            return left.is_end() == right.is_end();
        }
        friend bool operator!=(iterator left, iterator right) noexcept {
            return !(left == right);
        }

      private:
        friend class page_range;
        explicit iterator(page_range *range) noexcept : range_(range) {}

        bool is_end() const noexcept {
            return range_ == nullptr || !range_->page_;
        }

        page_range *range_ = nullptr;
    };

    /// Asks for the first page.
    iterator begin() {
        advance();
        return iterator(this);
    }
    iterator end() const noexcept {
        return iterator();
    }

  private:
    void advance() {
        page_.reset();
        if (is_last_) {
            return;
        }
        expected<json> page = detail::get_json(ask_, client_, detail::text(cursor_, "the cursor"), with_);
        is_last_ = true;
        if (page) {
            // An empty text is a cursor, too.
            if (const expected<std::string> next = (*page)["nextCursor"].try_copy_string()) {
                cursor_ = *next;
                is_last_ = used_.size() < most_used ? !used_.insert(*next).second : used_.count(*next) > 0;
            }
        }
        if constexpr (std::is_same_v<Page, json>) {
#ifdef __cpp_exceptions
            page_ = detail::take(std::move(page));
#endif
        } else {
            page_ = std::move(page);
        }
    }

    /// A walk can go on for longer, and then remembers no more cursors.
    static constexpr std::size_t most_used = 10000;

    function ask_;
    mcp_client *client_;
    options with_;
    std::optional<std::string> cursor_;
    std::set<std::string> used_;
    std::optional<Page> page_;
    bool is_last_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------
// Servers of a configuration file
// ---------------------------------------------------------------------------------------------------------------------

/// The names of the servers of a configuration file, an array in the order of the file: see client::from_config. As
/// config_names, without an exception.
[[nodiscard]] inline expected<json> try_config_names(std::string_view path) {
    return detail::get_json(mcp_config_names, detail::text(path, "the path"));
}

/// The servers of a configuration file, an array with an object for each: "name", and "disabled". As config_servers,
/// without an exception.
[[nodiscard]] inline expected<json> try_config_servers(std::string_view path) {
    return detail::get_json(mcp_config_servers, detail::text(path, "the path"));
}

#ifdef __cpp_exceptions
/// The names of the servers of a configuration file, an array in the order of the file, with those that are disabled:
/// see client::from_config. status::config_invalid for a file that cannot be read or used.
[[nodiscard]] inline json config_names(std::string_view path) {
    return detail::take(try_config_names(path));
}

/// The servers of a configuration file, an array in the order of the file with an object for each: "name", and
/// "disabled", which is true where the file says so. status::config_invalid for a file that cannot be read or used.
[[nodiscard]] inline json config_servers(std::string_view path) {
    return detail::take(try_config_servers(path));
}
#endif

// ---------------------------------------------------------------------------------------------------------------------
// Clients
// ---------------------------------------------------------------------------------------------------------------------

/// One server, as the program talks to it. May be used from many threads at once, also for the first call: they share
/// one negotiation. Connections, the session and the protocol version are the client's business; a session that the
/// server loses is opened anew.
///
/// The destructor never goes to the network: to end the session with the server in good order, call close() first. As
/// with every object, no call may be in flight when it runs; close() from another thread ends those that are. It waits
/// for the library's threads that read for the client, and with them for a log callback there; and up to 4 seconds for
/// the end of a server that is a process.
///
/// Settings that say "before the first call" fail with status::misuse after the first call that went to the server; all
/// others may be changed at any time, on any thread, and count from the next request.
class client {
  public:
#ifdef __cpp_exceptions
    /// Makes a client for the server at `url`, for example "https://example.com/mcp". Nothing is sent yet: the first
    /// call connects.
    ///
    /// The URL is used as it stands, also with or without a slash at its end, for servers are strict about that. It has
    /// the scheme http or https and holds no user name, no password, and nothing outside ASCII (percent-encode it).
    ///
    /// status::invalid_argument for a URL that cannot be used, status::system_error when no descriptor can be had.
    explicit client(std::string_view url) : client(detail::take(try_new(url))) {}
#endif

    /// As the constructor, without an exception.
    [[nodiscard]] static expected<client> try_new(std::string_view url) {
        return make(mcp_client_new, detail::text(url, "the URL"));
    }

#ifdef __cpp_exceptions
    /// Makes a client for a server that is started as a process and speaks on its standard streams (specification
    /// 2026-07-28, "stdio"). `command` is the program and its arguments; no shell is between. It is started by the
    /// first call, and again by the next one when it has ended.
    ///
    /// The server inherits HOME, LOGNAME, PATH, SHELL, TERM and USER, no descriptor but its three streams, and has a
    /// process group of its own. What it writes to stderr goes to the log, or into a file (set_stderr_file). close()
    /// and the destructor close its stdin; where it does not end within 2 seconds its group gets SIGTERM, and after 2
    /// more SIGKILL.
    ///
    /// Credentials, headers and everything else that is about HTTP are status::misuse on such a client: what the server
    /// needs to know goes into its environment (set_environment).
    [[nodiscard]] static client for_process(const std::vector<std::string> &command) {
        return detail::take(try_for_process(command));
    }

    /// Makes a client for a server that a configuration file describes, in the form that FastMCP, editors and desktop
    /// clients share: a JSON object with "mcpServers" (or "servers", or "mcp" with "servers" in it), in which each name
    /// stands for an object with
    ///
    /// - "url" (or "httpUrl" or "serverUrl"), and perhaps "transport" or "type" ("http", "streamable-http" or "sse"),
    ///   "headers", and "auth", a bearer token; or
    /// - "command", and perhaps "args", "env", "envFile" and "cwd", for a server that is started as a process;
    /// - perhaps "timeout", in milliseconds.
    ///
    /// Comments and trailing commas are allowed; mcp_client_new_from_config has the details. `${NAME}` in a text stands
    /// for an environment variable, `${NAME:-text}` for one that may be unset. `name` is the server's; std::nullopt is
    /// the only one of the file that is not disabled. status::config_invalid, with a message that names the key.
    [[nodiscard]] static client from_config(std::string_view path,
                                            std::optional<std::string_view> name = std::nullopt) {
        return detail::take(try_from_config(path, name));
    }
#endif

    /// As for_process, without an exception.
    [[nodiscard]] static expected<client> try_for_process(const std::vector<std::string> &command) {
        return make(mcp_client_new_stdio, detail::text_array(command, "the command"));
    }

    /// As from_config, without an exception.
    [[nodiscard]] static expected<client> try_from_config(std::string_view path,
                                                          std::optional<std::string_view> name = std::nullopt) {
        return make(mcp_client_new_from_config, detail::text(path, "the path"), detail::text(name, "the name"));
    }

#ifdef __cpp_exceptions
    // --- Calls ---

    /// Connects: finds out which protocol versions the server speaks, and opens a session where the server's version
    /// has sessions. Optional, for every call connects by itself; useful to see early whether the server can be used at
    /// all. A bad token is not always seen here: some servers ask for credentials only later. Blocks.
    void connect(const options &with = {}) {
        detail::take(try_connect(with));
    }

    /// Asks whether the server is there, and answers. Never answered from memory: each call goes to the server. Blocks.
    ///
    /// On a legacy server this is the protocol's `ping`. From 2026-07-28 on there is none; `server/discover`, which
    /// every server of that version implements, stands in for it.
    ///
    /// Success means that the server answered, not that the token is good for its tools: a server may leave this call
    /// open to everybody. Where it does not, a missing or wrong token is status::unauthorized.
    void ping(const options &with = {}) {
        detail::take(try_ping(with));
    }

    /// What the server said of itself when the client connected (and connects first, where that is still to do):
    ///
    /// - "protocolVersion": the version that is spoken, such as "2025-11-25"
    /// - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
    /// - "transport": "streamable-http", "sse" or "stdio"
    /// - "serverInfo": with "name" and "version", where the server gives them
    /// - "capabilities": what it can do
    /// - "instructions": how it wants to be used, where it says so
    /// - "supportedVersions": all that it speaks, on modern servers
    ///
    /// The server is not asked again. What it says of itself is not verified by anybody: it is for people to read.
    [[nodiscard]] json server_info(const options &with = {}) {
        return detail::take(try_server_info(with));
    }

    /// Closes the client: every call in flight, on any thread, ends with status::closed; a legacy server is told that
    /// the session is over (HTTP DELETE; on HTTP+SSE the event stream is closed); and every later call fails with
    /// status::closed. A second close does nothing. Any thread, any time.
    ///
    /// The timeout of the options, or else the client's, limits how long telling the server may take, and their cancel
    /// token ends that early. The error is why the server could not be told; the client is closed all the same.
    void close(const options &with = {}) {
        detail::take(try_close(with));
    }

    // --- Tools ---

    /// Lists the server's tools: an object with "tools", an array of all of them. Each has a "name", mostly a
    /// "description", and an "inputSchema", the JSON schema of its arguments (specification 2026-07-28, "Tools").
    /// status::endless for pages that lead on and on.
    [[nodiscard]] json list_tools(const options &with = {}) {
        return detail::take(try_list_tools(with));
    }

    /// The same page by page; the options are moved in.
    [[nodiscard]] page_range<json> tool_pages(options with = {}) & {
        return {mcp_list_tools_page, client_.get(), std::move(with)};
    }
    page_range<json> tool_pages(options with = {}) && = delete;

    /// Calls a tool. `arguments` is the text of a JSON object, or std::nullopt for none. **A tool that fails is a
    /// tool_error**; with try_call_tool it is a result, and tool_result::is_error says so.
    ///
    /// A tool is never called twice: where it is not known whether the server has executed the call, it is not sent
    /// again. While it waits, handlers that are set may be asked for input. Blocks.
    tool_result call_tool(std::string_view name, std::optional<std::string_view> arguments = std::nullopt,
                          const options &with = {}) {
        return unless_failed(try_call_tool(name, arguments, with));
    }

    // --- Tasks: tools that take their time ---

    /// Calls a tool as call_tool does, and takes a task for an answer, too: work that goes on at the server while
    /// nobody waits. tool_result::task_id tells a task from a result. On modern servers the server decides; on those of
    /// 2025-11-25 a tool that can be a task becomes one; on older ones there are none.
    tool_result start_tool(std::string_view name, std::optional<std::string_view> arguments = std::nullopt,
                           const options &with = {}) {
        return unless_failed(try_start_tool(name, arguments, with));
    }

    /// Asks how a task stands: an object with "taskId", "status" ("working", "input_required", "completed", "failed" or
    /// "cancelled"), and perhaps "statusMessage". On modern servers a completed task has its "result" there, a failed
    /// one its "error".
    [[nodiscard]] json get_task(std::string_view id, const options &with = {}) {
        return detail::take(try_get_task(id, with));
    }

    /// Gives a task of a modern server inputs that it asks for: the text of a JSON object with a result under each key
    /// of its "inputRequests". wait_task does that by itself.
    void update_task(std::string_view id, std::string_view responses, const options &with = {}) {
        detail::take(try_update_task(id, responses, with));
    }

    /// Asks the server to end a task. It may end it, or finish it first.
    void cancel_task(std::string_view id, const options &with = {}) {
        detail::take(try_cancel_task(id, with));
    }

    /// Waits until a task has ended, and gives the result of the tool. What the task asks for, the handlers that are
    /// set give; a progress callback is told each new "statusMessage". status::rpc_error or a tool_error for a task
    /// that failed, status::task_cancelled for one that was cancelled. When this call ends early, the task goes on.
    tool_result wait_task(std::string_view id, const options &with = {}) {
        return unless_failed(try_wait_task(id, with));
    }

    // --- Resources ---

    /// Lists the server's resources: an object with "resources", an array of all of them. Each has a "uri" and a "name"
    /// (specification 2026-07-28, "Resources").
    [[nodiscard]] json list_resources(const options &with = {}) {
        return detail::take(try_list_resources(with));
    }

    /// The same page by page.
    [[nodiscard]] page_range<json> resource_pages(options with = {}) & {
        return {mcp_list_resources_page, client_.get(), std::move(with)};
    }
    page_range<json> resource_pages(options with = {}) && = delete;

    /// Lists the server's resource templates: an object with "resourceTemplates", an array of all of them. Each has a
    /// "uriTemplate" (RFC 6570) and a "name".
    [[nodiscard]] json list_resource_templates(const options &with = {}) {
        return detail::take(try_list_resource_templates(with));
    }

    /// The same page by page.
    [[nodiscard]] page_range<json> resource_template_pages(options with = {}) & {
        return {mcp_list_resource_templates_page, client_.get(), std::move(with)};
    }
    page_range<json> resource_template_pages(options with = {}) && = delete;

    /// Reads a resource: an object with "contents", an array; each has a "uri", perhaps a "mimeType", and either "text"
    /// or "blob", which is base64 (json_view::copy_base64). One that does not exist is status::rpc_error, with the code
    /// -32602, or -32002 on servers up to 2025-11-25.
    [[nodiscard]] json read_resource(std::string_view uri, const options &with = {}) {
        return detail::take(try_read_resource(uri, with));
    }

    // --- Prompts, and the completion of arguments ---

    /// Lists the server's prompts: an object with "prompts", an array of all of them. Each has a "name", and perhaps
    /// "arguments" (specification 2026-07-28, "Prompts").
    [[nodiscard]] json list_prompts(const options &with = {}) {
        return detail::take(try_list_prompts(with));
    }

    /// The same page by page.
    [[nodiscard]] page_range<json> prompt_pages(options with = {}) & {
        return {mcp_list_prompts_page, client_.get(), std::move(with)};
    }
    page_range<json> prompt_pages(options with = {}) && = delete;

    /// Gets a prompt, with its arguments filled in: an object with "messages", an array; each has a "role" and a
    /// "content". `arguments` is the text of a JSON object of strings, or std::nullopt for none.
    [[nodiscard]] json get_prompt(std::string_view name, std::optional<std::string_view> arguments = std::nullopt,
                                  const options &with = {}) {
        return detail::take(try_get_prompt(name, arguments, with));
    }

    /// Asks what may stand for an argument of a prompt that begins with `value`. `context` is the text of a JSON object
    /// with the arguments that are known already. An object whose "completion" has "values", an array of at most 100
    /// texts, and perhaps "total" and "hasMore" (specification 2026-07-28, "Completion").
    [[nodiscard]] json complete_prompt(std::string_view prompt, std::string_view argument, std::string_view value,
                                       std::optional<std::string_view> context = std::nullopt,
                                       const options &with = {}) {
        return detail::take(try_complete_prompt(prompt, argument, value, context, with));
    }

    /// The same for an argument of a resource template, which is named by its "uriTemplate".
    [[nodiscard]] json complete_resource(std::string_view uri_template, std::string_view argument,
                                         std::string_view value, std::optional<std::string_view> context = std::nullopt,
                                         const options &with = {}) {
        return detail::take(try_complete_resource(uri_template, argument, value, context, with));
    }

    // --- Changes, and the server's log ---

    /// Listens for changes until somebody ends it: this blocks the thread. `uris` are resources whose contents matter.
    /// The callback can be called with the method of a notification (std::string_view) and its params (json_view,
    /// missing where there are none), which are gone when it returns:
    ///
    ///     client.listen(mcp::change::tools, {}, [](std::string_view method, mcp::json_view) { ... },
    ///                   mcp::options().cancel(token));
    ///
    /// The methods are "notifications/tools/list_changed", "notifications/prompts/list_changed",
    /// "notifications/resources/list_changed", and "notifications/resources/updated" with the "uri". It runs on this
    /// thread, no lock held, and may make calls on the client. An exception that leaves it is swallowed: to end the
    /// listening, use a cancel token.
    ///
    /// When the connection breaks it is opened again, five times in a row; what changed meanwhile is not told. The
    /// timeout governs the opening only. It returns when the server has ended the subscription in good order; all other
    /// ends are errors.
    template <class Callable>
    void listen(change what, const std::vector<std::string> &uris, Callable callable, const options &with = {}) {
        detail::take(try_listen(what, uris, std::move(callable), with));
    }

    /// Sets the callback that receives the server's log messages: objects with "level", "data", and perhaps "logger"
    /// (specification 2026-07-28, "Logging"). It can be called with a json_view, which is gone when it returns. Servers
    /// send none before set_logging_level, as a rule.
    ///
    /// It is called on the thread of the call whose answer the message came with; where it belongs to no call, on the
    /// library's reader thread. An exception that leaves it is swallowed. For the rest, as set_log.
    template <class Callable> void set_logging(Callable callable) {
        detail::take(try_set_logging(std::move(callable)));
    }

    /// Removes the callback for the server's log messages.
    void set_logging(std::nullopt_t) {
        detail::take(try_set_logging(std::nullopt));
    }

    /// Asks the server for its log messages from a level on: "debug", "info", "notice", "warning", "error", "critical",
    /// "alert" or "emergency". A legacy server is told now; a modern one with every request from now on.
    void set_logging_level(std::string_view level, const options &with = {}) {
        detail::take(try_set_logging_level(level, with));
    }

    // --- Requests that have no function of their own ---

    /// Sends any request, such as one of an extension, and gives its result as it came. `params` is the text of a JSON
    /// object, or std::nullopt for none. It is sent once: where it is not known whether the server has executed it, it
    /// is not sent again.
    json request(std::string_view method, std::optional<std::string_view> params = std::nullopt,
                 const options &with = {}) {
        return detail::take(try_request(method, params, with));
    }

    /// Sends any notification; there is no answer.
    void notify(std::string_view method, std::optional<std::string_view> params = std::nullopt,
                const options &with = {}) {
        detail::take(try_notify(method, params, with));
    }

    // --- Credentials and headers ---

    /// Sets the bearer token that every HTTP request carries, as `Authorization: Bearer <token>` (RFC 6750, section
    /// 2.1). The token alone is given, without the word "Bearer"; std::nullopt removes it. It beats an `Authorization`
    /// header of set_header.
    ///
    /// The token goes to the URL's own origin only, is in no log line and no error (where a server echoes it, it is
    /// replaced), and is wiped from the library's memory when it is replaced and no request uses it any more.
    ///
    /// status::invalid_argument, and the old token is kept, for what can be none: empty, with spaces, control
    /// characters or characters outside ASCII, or with a "Bearer " prefix.
    void set_bearer(std::optional<std::string_view> token) {
        detail::take(try_set_bearer(token));
    }

    /// Sets a header that every HTTP request carries, such as "X-API-Key". One of the same name, in whatever case, is
    /// replaced; std::nullopt removes it. Values are treated as secrets, like the bearer token.
    ///
    /// status::invalid_argument for a name or a value that RFC 9110 (section 5) does not allow (line breaks above all),
    /// and for the names that the protocol owns: Host, Accept, Connection, Content-Type, Content-Length,
    /// Transfer-Encoding and their like, and everything that begins with "Mcp-".
    void set_header(std::string_view name, std::optional<std::string_view> value) {
        detail::take(try_set_header(name, value));
    }

    /// Sets the callback that authorises requests, where a fixed token does not do: tokens that expire, are fetched, or
    /// come from a file. It is anything that can be called with an auth_request & (also what can only be moved), gives
    /// the credentials with its setters, and throws where there are none:
    ///
    ///     client.set_auth([&store](mcp::auth_request &request) {
    ///         request.set_bearer(store.token(request.attempt() > 1));
    ///     });
    ///
    /// What it sets beats what was set on the client; whoever sets nothing adds nothing. It is asked before each HTTP
    /// request (attempt 1); and when the server answers 401, or 403 with `insufficient_scope` (RFC 6750, section 3.1),
    /// once more for something better, with the server's challenge at hand (attempt 2, and 3 after another refusal;
    /// then the call fails). However many calls are refused at the same time, one of them asks, and all others take the
    /// outcome: a refresh token is spent once.
    ///
    /// It runs on the thread of the call that makes the request, on one thread at a time for each client, with no lock
    /// held. It may use the library, but not make a call on the same client, nor wait for one (status::misuse). It may
    /// take its time: that counts against no timeout.
    ///
    /// An exception that leaves it ends the call, and those that wait for the same outcome, with status::auth_failed:
    /// its what() is in the message, and it itself is error::cause. Without exceptions, auth_request::fail does that.
    ///
    /// The callable is moved into the client, and destroyed after its last call, on whatever thread that happens.
    /// status::invalid_argument where it is empty.
    template <class Callable> void set_auth(Callable callable) {
        detail::take(try_set_auth(std::move(callable)));
    }

    /// Removes the auth callback.
    void set_auth(std::nullopt_t) {
        detail::take(try_set_auth(std::nullopt));
    }

    // --- What the server asks of the program: before the first call ---

    /// Sets the handler that asks a person (specification 2026-07-28, "Elicitation"). It is anything that can be called
    /// with an input &, whose params have a "message", and either a "requestedSchema", for a form, or the "mode" "url"
    /// and a "url" that the person is to open. Show which server asks, let the person decline, and open no URL unasked.
    ///
    ///     client.set_elicitation([](mcp::input &asked) { asked.accept(form(asked.params())); });
    ///
    /// It runs on the thread of the call that the server needs the input for; on the library's reader thread where the
    /// server asks by itself, where it must make no call on this client (status::misuse). It may take its time: that
    /// counts against no timeout. An exception that leaves it is input::fail. Without a handler, the server is told
    /// that this client cannot do it.
    ///
    /// The callable is moved into the client, and destroyed with it. status::invalid_argument where it is empty.
    template <class Callable> void set_elicitation(Callable callable) {
        detail::take(try_set_elicitation(std::move(callable)));
    }

    /// Sets the handler that asks a model (specification 2026-07-28, "Sampling"): the params have "messages",
    /// "maxTokens" and more, perhaps "tools". The answer (input::respond) is an object with "role", "content", "model"
    /// and perhaps "stopReason". A person should see both, and be able to say no. Otherwise as set_elicitation.
    template <class Callable> void set_sampling(Callable callable) {
        detail::take(try_set_sampling(std::move(callable)));
    }

    /// Sets the handler that tells which folders the server may look at (specification 2026-07-28, "Roots"). The answer
    /// (input::respond) is an object with "roots", an array: each has a "uri" that begins with "file://", and perhaps a
    /// "name". Otherwise as set_elicitation.
    template <class Callable> void set_roots(Callable callable) {
        detail::take(try_set_roots(std::move(callable)));
    }

    // --- The server's process: before the first call ---

    /// Sets a variable in the environment of the server's process; std::nullopt removes it.
    void set_environment(std::string_view name, std::optional<std::string_view> value) {
        detail::take(try_set_environment(name, value));
    }

    /// Sets the folder that the server's process is started in; std::nullopt, as at the start, is the program's own.
    void set_working_directory(std::optional<std::string_view> path) {
        detail::take(try_set_working_directory(path));
    }

    /// Appends what the server's process writes to stderr to a file; std::nullopt, as at the start, is the log.
    void set_stderr_file(std::optional<std::string_view> path) {
        detail::take(try_set_stderr_file(path));
    }

    // --- Settings ---

    /// Whether results are kept as long as the server says that they are fresh: lists, and resources that were read
    /// (specification 2026-07-28, "Caching"). What somebody listens for is forgotten when it changes; private results
    /// go with the credentials that they were asked for with. False, as at the start, forgets everything.
    void set_cache(bool wanted) {
        detail::take(try_set_cache(wanted));
    }

    /// Sets the timeout of calls whose options set none; 0 means none. It is 60 s where it is never set.
    ///
    /// One timeout governs a call from entry to return: name lookup, connecting, TLS, negotiation, redirects, resends
    /// and the body. The time that the auth callback takes is not counted.
    void set_timeout(duration length) {
        detail::take(try_set_timeout(length));
    }

    /// Sets the name and version under which the program introduces itself to the server (`clientInfo`). Without it,
    /// the server is told "libmcp" and the library's version. Before the first call.
    void set_client_info(std::string_view name, std::string_view version) {
        detail::take(try_set_client_info(name, version));
    }

    /// Pins the protocol version, such as "2025-06-18": the server has to speak that one, or calls fail with
    /// status::version_unsupported. std::nullopt, as at the start, negotiates: the newest version that both sides
    /// speak. Before the first call.
    ///
    /// status::invalid_argument for a version that this library does not speak (it speaks 2024-11-05, 2025-03-26,
    /// 2025-06-18, 2025-11-25 and 2026-07-28).
    void set_protocol_version(std::optional<std::string_view> version) {
        detail::take(try_set_protocol_version(version));
    }

    /// Sets the largest of what a server may send, in bytes: a call that meets more ends with status::too_large. 0
    /// bytes stand for the value at the start. Before the first call.
    ///
    /// status::invalid_argument for an unknown limit or a head that is too large.
    void set_limit(limit what, std::uint64_t bytes) {
        detail::take(try_set_limit(what, bytes));
    }

    /// Sets the callback that receives what the client has to say: fall-backs, resends, warnings. Without one there is
    /// silence: the library prints nothing by itself. No line holds a token or a header value. It is anything that can
    /// be called with a log_level and a std::string_view (also what can only be moved):
    ///
    ///     client.set_log([](mcp::log_level, std::string_view line) { std::clog << line << '\n'; });
    ///
    /// The line has no line break and is gone when the callback returns. It is called on the thread of whatever call
    /// has something to say, and on the threads of the library that read for a client, perhaps on several at once: what
    /// it shares needs a lock. It may call the library; but not end the life of a client with a call in flight, and on
    /// a reader thread make no call on this client (status::misuse). An exception that leaves it is swallowed: the line
    /// is lost, the call goes on.
    ///
    /// The callable is moved into the client, and destroyed after its last call, on whatever thread that happens.
    /// status::invalid_argument where it is empty.
    template <class Callable> void set_log(Callable callable) {
        detail::take(try_set_log(std::move(callable)));
    }

    /// Removes the log callback.
    void set_log(std::nullopt_t) {
        detail::take(try_set_log(std::nullopt));
    }

    // --- Transport, TLS and proxies: before the first call ---

    /// Sets how messages travel. At the start it is found out: a URL whose path's last segment is "sse" leads to
    /// HTTP+SSE, unless its GET is no event stream; any other to Streamable HTTP, and to HTTP+SSE where `initialize` is
    /// answered with 400, 404 or 405. The member "transport" of server_info() says what it came to.
    ///
    /// HTTP+SSE carries every protocol version up to 2025-11-25. Its event stream has a thread of its own, which ends
    /// with the connection. When the stream ends, the calls that wait for an answer end with status::disconnected, and
    /// the next call opens it anew.
    void set_transport(transport how) {
        detail::take(try_set_transport(how));
    }

    /// Connects to the Unix domain socket at `path` in place of the URL's host and port, which the server still sees in
    /// the request; as `--unix-socket` of curl does. No proxy is used then. std::nullopt, as at the start, is none.
    ///
    /// status::invalid_argument for a path that is empty or too long (107 bytes on Linux).
    void set_unix_socket(std::optional<std::string_view> path) {
        detail::take(try_set_unix_socket(path));
    }

    /// Sets the proxy: "http://host:port" (CONNECT for https, and requests passed on for http), "socks5://host:port"
    /// (names are looked up here) or "socks5h://host:port" (by the proxy), with "user:password@" in front of the host
    /// where it wants that, percent-encoded. "" is no proxy at all. The port is 1080 where none is given.
    ///
    /// std::nullopt, as at the start, is what the environment says, by the rules of curl: `http_proxy` (in small
    /// letters only) for http URLs, `https_proxy` or `HTTPS_PROXY` for https URLs, else `all_proxy` or `ALL_PROXY`; and
    /// `no_proxy` or `NO_PROXY` lists hosts, domains, addresses and networks ("10.0.0.0/8") that are reached without
    /// one, "*" for all. It is read once, at the first call. That list does not apply to a proxy that is set here.
    ///
    /// A proxy's credentials go to the proxy alone, and are in no message. A proxy that refuses or cannot be reached is
    /// status::proxy_failed, one that wants other credentials status::proxy_auth_required.
    void set_proxy(std::optional<std::string_view> url) {
        detail::take(try_set_proxy(url));
    }

    /// Whether credentials may go to another machine over https only. With true, a request that carries any over plain
    /// http fails with status::insecure before it is sent; without, as at the start, it is sent, with a warning to the
    /// log. This machine itself (loopback, Unix domain sockets) is always allowed.
    void set_require_https(bool required) {
        detail::take(try_set_require_https(required));
    }

    /// Trusts the certificate authorities in a PEM file, beside those that the system trusts, and in place of an
    /// earlier file. std::nullopt, as at the start, is none. The file is read now.
    ///
    /// status::invalid_argument for a file that cannot be read or holds no certificate.
    void set_tls_ca_file(std::optional<std::string_view> path) {
        detail::take(try_set_tls_ca_file(path));
    }

    /// Shows a certificate to servers that ask for one (mutual TLS). `cert_path` is a PEM file with the certificate,
    /// and those between it and its authority behind it; `key_path` one with the private key (PKCS #8, PKCS #1 or SEC
    /// 1, not encrypted), or std::nullopt where that is in the same file. A `cert_path` of std::nullopt, as at the
    /// start, is none. The files are read now.
    ///
    /// status::invalid_argument for files that cannot be read, or do not belong together.
    void set_tls_client_cert(std::optional<std::string_view> cert_path,
                             std::optional<std::string_view> key_path = std::nullopt) {
        detail::take(try_set_tls_client_cert(cert_path, key_path));
    }

    /// Whether a server has to prove who it is; true at the start. **With false, anybody on the way can read and change
    /// everything, the token included.** For development; the log gets a warning.
    void set_tls_verify(bool verify) {
        detail::take(try_set_tls_verify(verify));
    }
#endif

    // --- The same without exceptions ---

    /// As connect, without an exception.
    [[nodiscard]] expected<void> try_connect(const options &with = {}) {
        return detail::call(mcp_connect, client_.get(), with);
    }

    /// As ping, without an exception.
    [[nodiscard]] expected<void> try_ping(const options &with = {}) {
        return detail::call(mcp_ping, client_.get(), with);
    }

    /// As server_info, without an exception.
    [[nodiscard]] expected<json> try_server_info(const options &with = {}) {
        return detail::get_json(mcp_server_info, client_.get(), with);
    }

    /// As close, without an exception.
    [[nodiscard]] expected<void> try_close(const options &with = {}) {
        return detail::call(mcp_client_close, client_.get(), with);
    }

    /// As list_tools, without an exception.
    [[nodiscard]] expected<json> try_list_tools(const options &with = {}) {
        return detail::get_json(mcp_list_tools, client_.get(), with);
    }

    /// As tool_pages, without an exception: the error is the last page.
    [[nodiscard]] page_range<expected<json>> try_tool_pages(options with = {}) & {
        return {mcp_list_tools_page, client_.get(), std::move(with)};
    }
    page_range<expected<json>> try_tool_pages(options with = {}) && = delete;

    /// As call_tool, without an exception. **A tool that failed is a result**: tool_result::is_error says so.
    [[nodiscard]] expected<tool_result> try_call_tool(std::string_view name,
                                                      std::optional<std::string_view> arguments = std::nullopt,
                                                      const options &with = {}) {
        return as_tool_result(named(mcp_call_tool, detail::text(name, "the tool's name"), arguments, with));
    }

    /// As start_tool, without an exception. A tool that failed is a result.
    [[nodiscard]] expected<tool_result> try_start_tool(std::string_view name,
                                                       std::optional<std::string_view> arguments = std::nullopt,
                                                       const options &with = {}) {
        return as_tool_result(named(mcp_start_tool, detail::text(name, "the tool's name"), arguments, with));
    }

    /// As get_task, without an exception.
    [[nodiscard]] expected<json> try_get_task(std::string_view id, const options &with = {}) {
        return detail::get_json(mcp_get_task, client_.get(), detail::text(id, "the task's id"), with);
    }

    /// As update_task, without an exception.
    [[nodiscard]] expected<void> try_update_task(std::string_view id, std::string_view responses,
                                                 const options &with = {}) {
        const detail::json_text text(responses);
        return detail::call(mcp_update_task, client_.get(), detail::text(id, "the task's id"), text.start, text.length,
                            with);
    }

    /// As cancel_task, without an exception.
    [[nodiscard]] expected<void> try_cancel_task(std::string_view id, const options &with = {}) {
        return detail::call(mcp_cancel_task, client_.get(), detail::text(id, "the task's id"), with);
    }

    /// As wait_task, without an exception. A tool that failed is a result.
    [[nodiscard]] expected<tool_result> try_wait_task(std::string_view id, const options &with = {}) {
        return as_tool_result(detail::get_json(mcp_wait_task, client_.get(), detail::text(id, "the task's id"), with));
    }

    /// As list_resources, without an exception.
    [[nodiscard]] expected<json> try_list_resources(const options &with = {}) {
        return detail::get_json(mcp_list_resources, client_.get(), with);
    }

    /// As resource_pages, without an exception: the error is the last page.
    [[nodiscard]] page_range<expected<json>> try_resource_pages(options with = {}) & {
        return {mcp_list_resources_page, client_.get(), std::move(with)};
    }
    page_range<expected<json>> try_resource_pages(options with = {}) && = delete;

    /// As list_resource_templates, without an exception.
    [[nodiscard]] expected<json> try_list_resource_templates(const options &with = {}) {
        return detail::get_json(mcp_list_resource_templates, client_.get(), with);
    }

    /// As resource_template_pages, without an exception: the error is the last page.
    [[nodiscard]] page_range<expected<json>> try_resource_template_pages(options with = {}) & {
        return {mcp_list_resource_templates_page, client_.get(), std::move(with)};
    }
    page_range<expected<json>> try_resource_template_pages(options with = {}) && = delete;

    /// As read_resource, without an exception.
    [[nodiscard]] expected<json> try_read_resource(std::string_view uri, const options &with = {}) {
        return detail::get_json(mcp_read_resource, client_.get(), detail::text(uri, "the URI"), with);
    }

    /// As list_prompts, without an exception.
    [[nodiscard]] expected<json> try_list_prompts(const options &with = {}) {
        return detail::get_json(mcp_list_prompts, client_.get(), with);
    }

    /// As prompt_pages, without an exception: the error is the last page.
    [[nodiscard]] page_range<expected<json>> try_prompt_pages(options with = {}) & {
        return {mcp_list_prompts_page, client_.get(), std::move(with)};
    }
    page_range<expected<json>> try_prompt_pages(options with = {}) && = delete;

    /// As get_prompt, without an exception.
    [[nodiscard]] expected<json> try_get_prompt(std::string_view name,
                                                std::optional<std::string_view> arguments = std::nullopt,
                                                const options &with = {}) {
        return named(mcp_get_prompt, detail::text(name, "the prompt's name"), arguments, with);
    }

    /// As complete_prompt, without an exception.
    [[nodiscard]] expected<json> try_complete_prompt(std::string_view prompt, std::string_view argument,
                                                     std::string_view value,
                                                     std::optional<std::string_view> context = std::nullopt,
                                                     const options &with = {}) {
        return complete(mcp_complete_prompt, prompt, argument, value, context, with);
    }

    /// As complete_resource, without an exception.
    [[nodiscard]] expected<json> try_complete_resource(std::string_view uri_template, std::string_view argument,
                                                       std::string_view value,
                                                       std::optional<std::string_view> context = std::nullopt,
                                                       const options &with = {}) {
        return complete(mcp_complete_resource, uri_template, argument, value, context, with);
    }

    /// As listen, without an exception.
    template <class Callable>
    [[nodiscard]] expected<void> try_listen(change what, const std::vector<std::string> &uris, Callable callable,
                                            const options &with = {}) {
        static_assert(std::is_invocable_v<Callable &, std::string_view, json_view>,
                      "a change callback is called with a std::string_view and an mcp::json_view");
        if (detail::is_empty(callable)) {
            return unexpected(detail::empty_callback());
        }
        void *borrowed = std::addressof(callable);
        return detail::call(mcp_listen, client_.get(), static_cast<std::uint32_t>(what),
                            detail::text_array(uris, "a URI"), &detail::tell_change<Callable>, borrowed, with);
    }

    /// As set_logging, without an exception.
    template <class Callable> [[nodiscard]] expected<void> try_set_logging(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, json_view>,
                      "a logging callback is called with an mcp::json_view");
        return set_callback(mcp_set_logging, detail::tell_message<Callable>, std::move(callable));
    }

    /// As set_logging(std::nullopt), without an exception.
    [[nodiscard]] expected<void> try_set_logging(std::nullopt_t) {
        return detail::call(mcp_set_logging, client_.get(), nullptr, nullptr, nullptr);
    }

    /// As set_logging_level, without an exception.
    [[nodiscard]] expected<void> try_set_logging_level(std::string_view level, const options &with = {}) {
        return detail::call(mcp_set_logging_level, client_.get(), detail::text(level, "the level"), with);
    }

    /// As request, without an exception.
    [[nodiscard]] expected<json> try_request(std::string_view method,
                                             std::optional<std::string_view> params = std::nullopt,
                                             const options &with = {}) {
        return named(mcp_request, detail::text(method, "the method"), params, with);
    }

    /// As notify, without an exception.
    [[nodiscard]] expected<void> try_notify(std::string_view method,
                                            std::optional<std::string_view> params = std::nullopt,
                                            const options &with = {}) {
        const detail::json_text text(params);
        return detail::call(mcp_notify, client_.get(), detail::text(method, "the method"), text.start, text.length,
                            with);
    }

    /// As set_elicitation, without an exception.
    template <class Callable> [[nodiscard]] expected<void> try_set_elicitation(Callable callable) {
        return set_handler(mcp_set_elicitation, std::move(callable));
    }

    /// As set_sampling, without an exception.
    template <class Callable> [[nodiscard]] expected<void> try_set_sampling(Callable callable) {
        return set_handler(mcp_set_sampling, std::move(callable));
    }

    /// As set_roots, without an exception.
    template <class Callable> [[nodiscard]] expected<void> try_set_roots(Callable callable) {
        return set_handler(mcp_set_roots, std::move(callable));
    }

    /// As set_environment, without an exception.
    [[nodiscard]] expected<void> try_set_environment(std::string_view name, std::optional<std::string_view> value) {
        return detail::call(mcp_set_environment, client_.get(), detail::text(name, "the variable's name"),
                            detail::text(value, "the variable's value"));
    }

    /// As set_working_directory, without an exception.
    [[nodiscard]] expected<void> try_set_working_directory(std::optional<std::string_view> path) {
        return detail::call(mcp_set_working_directory, client_.get(), detail::text(path, "the folder's path"));
    }

    /// As set_stderr_file, without an exception.
    [[nodiscard]] expected<void> try_set_stderr_file(std::optional<std::string_view> path) {
        return detail::call(mcp_set_stderr_file, client_.get(), detail::text(path, "the file's path"));
    }

    /// As set_cache, without an exception.
    [[nodiscard]] expected<void> try_set_cache(bool wanted) {
        return detail::call(mcp_set_cache, client_.get(), wanted);
    }

    /// As set_bearer, without an exception.
    [[nodiscard]] expected<void> try_set_bearer(std::optional<std::string_view> token) {
        return detail::call(mcp_set_bearer, client_.get(), detail::text(token, "the bearer token"));
    }

    /// As set_header, without an exception.
    [[nodiscard]] expected<void> try_set_header(std::string_view name, std::optional<std::string_view> value) {
        return detail::call(mcp_set_header, client_.get(), detail::text(name, "the header's name"),
                            detail::text(value, "the header's value"));
    }

    /// As set_auth, without an exception.
    template <class Callable> [[nodiscard]] expected<void> try_set_auth(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, auth_request &>,
                      "an auth callback is called with an mcp::auth_request &");
        return set_callback(mcp_set_auth, detail::ask<Callable>, std::move(callable));
    }

    /// As set_auth(std::nullopt), without an exception.
    [[nodiscard]] expected<void> try_set_auth(std::nullopt_t) {
        return detail::call(mcp_set_auth, client_.get(), nullptr, nullptr, nullptr);
    }

    /// As set_timeout, without an exception.
    [[nodiscard]] expected<void> try_set_timeout(duration length) {
        return detail::call(mcp_set_timeout, client_.get(), length);
    }

    /// As set_client_info, without an exception.
    [[nodiscard]] expected<void> try_set_client_info(std::string_view name, std::string_view version) {
        return detail::call(mcp_set_client_info, client_.get(), detail::text(name, "the client's name"),
                            detail::text(version, "the client's version"));
    }

    /// As set_protocol_version, without an exception.
    [[nodiscard]] expected<void> try_set_protocol_version(std::optional<std::string_view> version) {
        return detail::call(mcp_set_protocol_version, client_.get(), detail::text(version, "the protocol version"));
    }

    /// As set_limit, without an exception.
    [[nodiscard]] expected<void> try_set_limit(limit what, std::uint64_t bytes) {
        return detail::call(mcp_set_limit, client_.get(), static_cast<std::int32_t>(what), bytes);
    }

    /// As set_log, without an exception.
    template <class Callable> [[nodiscard]] expected<void> try_set_log(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, log_level, std::string_view>,
                      "a log callback is called with an mcp::log_level and a std::string_view");
        return set_callback(mcp_set_log, detail::tell<Callable>, std::move(callable));
    }

    /// As set_log(std::nullopt), without an exception.
    [[nodiscard]] expected<void> try_set_log(std::nullopt_t) {
        return detail::call(mcp_set_log, client_.get(), nullptr, nullptr, nullptr);
    }

    /// As set_transport, without an exception.
    [[nodiscard]] expected<void> try_set_transport(transport how) {
        return detail::call(mcp_set_transport, client_.get(), static_cast<std::int32_t>(how));
    }

    /// As set_unix_socket, without an exception.
    [[nodiscard]] expected<void> try_set_unix_socket(std::optional<std::string_view> path) {
        return detail::call(mcp_set_unix_socket, client_.get(), detail::text(path, "the socket's path"));
    }

    /// As set_proxy, without an exception.
    [[nodiscard]] expected<void> try_set_proxy(std::optional<std::string_view> url) {
        return detail::call(mcp_set_proxy, client_.get(), detail::text(url, "the proxy's URL"));
    }

    /// As set_require_https, without an exception.
    [[nodiscard]] expected<void> try_set_require_https(bool required) {
        return detail::call(mcp_set_require_https, client_.get(), required);
    }

    /// As set_tls_ca_file, without an exception.
    [[nodiscard]] expected<void> try_set_tls_ca_file(std::optional<std::string_view> path) {
        return detail::call(mcp_set_tls_ca_file, client_.get(), detail::text(path, "the path of the CA file"));
    }

    /// As set_tls_client_cert, without an exception.
    [[nodiscard]] expected<void> try_set_tls_client_cert(std::optional<std::string_view> cert_path,
                                                         std::optional<std::string_view> key_path = std::nullopt) {
        return detail::call(mcp_set_tls_client_cert, client_.get(),
                            detail::text(cert_path, "the path of the certificate"),
                            detail::text(key_path, "the path of the key"));
    }

    /// As set_tls_verify, without an exception.
    [[nodiscard]] expected<void> try_set_tls_verify(bool verify) {
        return detail::call(mcp_set_tls_verify, client_.get(), verify);
    }

  private:
    explicit client(mcp_client *owned) noexcept : client_(owned) {}

    /// Hands a callable to C, which destroys it, also where it does not take it.
    template <class Setter, class Function, class Callable>
    expected<void> set_callback(Setter setter, Function function, Callable callable) {
        if (detail::is_empty(callable)) {
            return unexpected(detail::empty_callback());
        }
        void *owned = new Callable(std::move(callable));
        return detail::call(setter, client_.get(), function, owned, &detail::destroy<Callable>);
    }

    template <class Setter, class Callable> expected<void> set_handler(Setter setter, Callable callable) {
        if constexpr (std::is_same_v<Callable, std::nullopt_t>) {
            return detail::call(setter, client_.get(), nullptr, nullptr, nullptr);
        } else {
            static_assert(std::is_invocable_v<Callable &, input &>, "a handler is called with an mcp::input &");
            return set_callback(setter, detail::ask_input<Callable>, std::move(callable));
        }
    }

    /// A client that a function of mcp.h makes.
    template <class Function, class... Arguments>
    static expected<client> make(Function function, const Arguments &...arguments) {
        mcp_client *made = nullptr;
        const auto status_of = [&](const auto &...given) {
            made = function(given...);
            return made != nullptr ? MCP_OK : MCP_INTERNAL;
        };
        const expected<void> outcome = detail::call(status_of, arguments...);
        if (!outcome) {
            return unexpected(outcome.error());
        }
        return client(made);
    }

    /// A function that takes a name and JSON, and gives a document.
    template <class Function>
    expected<json> named(Function function, const detail::text &name, std::optional<std::string_view> given,
                         const options &with) {
        const detail::json_text text(given);
        return detail::get_json(function, client_.get(), name, text.start, text.length, with);
    }

    template <class Function>
    expected<json> complete(Function function, std::string_view name, std::string_view argument, std::string_view value,
                            std::optional<std::string_view> context, const options &with) {
        return detail::get_json(function, client_.get(), detail::text(name, "the name"),
                                detail::text(argument, "the argument"), detail::text(value, "the value"),
                                detail::text(context, "the context"), with);
    }

    static expected<tool_result> as_tool_result(expected<json> &&result) {
        if (!result) {
            return unexpected(result.error());
        }
        return tool_result(*std::move(result));
    }

#ifdef __cpp_exceptions
    static tool_result unless_failed(expected<tool_result> &&outcome) {
        tool_result result = detail::take(std::move(outcome));
        if (result.is_error()) {
            throw tool_error(std::move(result));
        }
        return result;
    }
#endif

    std::unique_ptr<mcp_client, detail::frees<mcp_client_free>> client_;
};

} // namespace MCP_HPP_SETTING
} // namespace mcp

#undef MCP_HPP_SETTING

#ifdef __cpp_lib_ranges
template <class Value> inline constexpr bool std::ranges::enable_view<mcp::json_range<Value>> = true;
template <class Value> inline constexpr bool std::ranges::enable_borrowed_range<mcp::json_range<Value>> = true;
#endif

#endif // MCP_HPP
