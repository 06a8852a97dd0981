// mcp.hpp - Model Context Protocol client for C++17 and later: mcp.h with objects, exceptions and ranges.
//
//     mcp::client client("https://example.com/mcp");
//     client.set_bearer(token);
//     client.ping(mcp::options().timeout(2s));
//
// Header only; link with libmcp (mcp::mcp in CMake, `pkg-config --libs mcp`).
//
// Conventions:
//
// - Errors. A function that can fail has two forms: `ping()` throws an mcp::error, `try_ping()` returns an
//   mcp::expected, which is std::expected where the standard library has it. With -fno-exceptions only the try_ forms
//   are declared. Apart from std::bad_alloc they throw nothing themselves. "Throws status::x" in a description means:
//   throws an mcp::error with that status; the try_ form returns the same error. A tool that reports a failure throws
//   an mcp::tool_error. mcp::exception is the base class of both.
// - Blocking. A function of mcp::client that takes options communicates with the server. It blocks until it has a
//   result, or until its timeout, its cancel token or client::close ends it. mcp_queue.hpp has mcp::queue, with which
//   every such function returns at once: its result is a std::future, is awaited by a coroutine, or is passed to a
//   callback.
// - Ownership. A client, options, a cancel token, OAuth settings, a JSON document and a JSON writer own their
//   resources; they can be moved, not copied (options and JSON have a function copy). Using a moved-from client, token,
//   writer or mcp::oauth is an error (status::invalid_argument), never a crash; a moved-from document is missing. Views
//   (json_view, std::string_view) are borrowed, and each description states how long they are valid.
// - Text is UTF-8. It is copied, and the copy is wiped after the call. Text with an embedded NUL is rejected with
//   status::invalid_argument, not truncated. A parameter that accepts std::nullopt is a std::optional, and its
//   description states what std::nullopt means.
// - Times are std::chrono durations in any unit: see mcp::duration.
// - Threads. Every function may be called from any thread. Several threads may use the same client, JSON value, error
//   or cancel token at the same time; the same options too, as long as no thread modifies them. As usual in C++, the
//   caller makes sure that no thread still uses an object that is destroyed or assigned to.
// - Callbacks. An exception that leaves a callback never propagates into the C library. The function that takes the
//   callback describes what happens instead.
//
// Translation units with different C++ standards, with and without exceptions, can be linked into one program: each
// configuration has its own types.
//
// mcp_nlohmann.hpp converts JSON values to and from nlohmann::json.
//
// Every declaration in this header has been available since 0.1.0.
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
#ifdef __cpp_lib_jthread
#include <stop_token>
#endif
#if defined(__cpp_impl_coroutine) && defined(__cpp_lib_coroutine)
#define MCP_HPP_COROUTINES 1
#include <coroutine>
#endif

// Classes and the behavior of inline functions depend on the configuration, so each configuration has its own
// namespace.
#ifdef __cpp_exceptions
#define MCP_HPP_ERRORS throwing
#else
#define MCP_HPP_ERRORS nonthrowing
#endif
#ifdef __cpp_lib_expected
#define MCP_HPP_EXPECTED std_expected
#else
#define MCP_HPP_EXPECTED mcp_expected
#endif
#if defined(__cpp_lib_jthread) && defined(MCP_HPP_COROUTINES)
#define MCP_HPP_CONCURRENCY stop_token_coroutine
#elif defined(__cpp_lib_jthread)
#define MCP_HPP_CONCURRENCY stop_token
#elif defined(MCP_HPP_COROUTINES)
#define MCP_HPP_CONCURRENCY coroutine
#else
#define MCP_HPP_CONCURRENCY plain
#endif
#define MCP_HPP_JOIN_NAMES(errors, expected, concurrency) errors##_##expected##_##concurrency
#define MCP_HPP_JOIN(errors, expected, concurrency) MCP_HPP_JOIN_NAMES(errors, expected, concurrency)
#define MCP_HPP_CONFIGURATION MCP_HPP_JOIN(MCP_HPP_ERRORS, MCP_HPP_EXPECTED, MCP_HPP_CONCURRENCY)

namespace mcp {
inline namespace MCP_HPP_CONFIGURATION {

class json;
class json_view;
class options;
class queue;

namespace detail {

/// Deleter for std::unique_ptr: frees a handle with the given function of mcp.h.
template <auto Free> struct deleter {
    template <class Handle> void operator()(Handle *handle) const noexcept {
        Free(handle);
    }
};

/// An mcp_destroy_fn: deletes an object that was created with `new`.
template <class Owned> void destroy(void *userdata) noexcept {
    delete static_cast<Owned *>(userdata);
}

} // namespace detail

// ---------------------------------------------------------------------------------------------------------------------
// Version
// ---------------------------------------------------------------------------------------------------------------------

/// Returns the version of the library that is loaded at run time, such as "0.1.0". MCP_VERSION is the version of the
/// header at compile time. The text is static.
inline const char *version() noexcept {
    return mcp_version();
}

// ---------------------------------------------------------------------------------------------------------------------
// Enumerations
// ---------------------------------------------------------------------------------------------------------------------

/// The result of a call. A later version may add values: treat an unknown value as a failure. An unknown value keeps
/// its number.
enum class status : std::int32_t {
    /// The call succeeded. No error has this status.
    ok = MCP_OK,
    /// An argument is invalid: an embedded NUL, not UTF-8, a line break in a header, a malformed token or URL, a
    /// negative duration, a moved-from object. Nothing was sent.
    invalid_argument = MCP_INVALID_ARGUMENT,
    /// The function is not allowed now or here: a setting was changed after the first call had fixed it, or is not for
    /// this kind of server (URL or process); a client was used after fork; or a callback made a call that would wait
    /// for itself.
    misuse = MCP_MISUSE,
    /// A bug in libmcp, caught before it could harm the process. Please report it.
    internal = MCP_INTERNAL,
    /// The call's cancel token was triggered, or its progress callback returned false.
    cancelled = MCP_CANCELLED,
    /// The client was closed before or during the call.
    closed = MCP_CLOSED,
    /// The timeout or the idle timeout of the call expired.
    timeout = MCP_TIMEOUT,
    /// DNS lookup found no address for the server's host name.
    resolve_failed = MCP_RESOLVE_FAILED,
    /// Connection refused, or host unreachable.
    connect_failed = MCP_CONNECT_FAILED,
    /// TLS failed: the certificate is not trusted, or the handshake failed.
    tls_failed = MCP_TLS_FAILED,
    /// The connection was reset or closed before a response arrived.
    disconnected = MCP_DISCONNECTED,
    /// The response started, but its body or event stream ended before it was complete.
    truncated = MCP_TRUNCATED,
    /// HTTP 401: the server requires credentials or rejected those it received; see error::challenge.
    unauthorized = MCP_UNAUTHORIZED,
    /// HTTP 403: the server knows the credentials, but they are not sufficient.
    forbidden = MCP_FORBIDDEN,
    /// HTTP 404: there is no MCP endpoint at this URL.
    not_found = MCP_NOT_FOUND,
    /// HTTP 429: too many requests; see error::retry_after.
    rate_limited = MCP_RATE_LIMITED,
    /// HTTP 5xx, except the codes of `unavailable`.
    server_error = MCP_SERVER_ERROR,
    /// HTTP 502, 503 or 504: the gateway cannot reach the server, or the server is overloaded. Retry later.
    unavailable = MCP_UNAVAILABLE,
    /// Any other HTTP status that the protocol does not use, or a response that is not HTTP.
    http_error = MCP_HTTP_ERROR,
    /// A redirect was not followed, because it would send credentials to another origin or change the method; or an
    /// HTTP+SSE server named an endpoint on an origin other than that of its event stream.
    redirect_refused = MCP_REDIRECT_REFUSED,
    /// The response is HTML, plain text or empty, where a JSON message or an event stream is required.
    unexpected_content = MCP_UNEXPECTED_CONTENT,
    /// A text or a response should be JSON, but is not valid JSON.
    invalid_json = MCP_INVALID_JSON,
    /// The response is JSON, but not a message that the protocol allows here.
    invalid_message = MCP_INVALID_MESSAGE,
    /// The response contains the result of another request.
    wrong_id = MCP_WRONG_ID,
    /// The server returned a JSON-RPC error; see error::rpc_code.
    rpc_error = MCP_RPC_ERROR,
    /// The client and the server have no protocol version in common, or the server does not support the pinned version.
    version_unsupported = MCP_VERSION_UNSUPPORTED,
    /// The server no longer knows the session, and the request was not sent again: it may have been executed, or the
    /// server lost the new session too. The next call opens a new session.
    session_lost = MCP_SESSION_LOST,
    /// A message, a header or an event exceeds the limit.
    too_large = MCP_TOO_LARGE,
    /// The JSON value is missing or does not have the requested type.
    json_mismatch = MCP_JSON_MISMATCH,
    /// The JSON value cannot be converted: a number is out of range, or a text is not base64.
    json_range = MCP_JSON_RANGE,
    /// A buffer is too small. Occurs only in C: std::string grows.
    buffer_too_small = MCP_BUFFER_TOO_SMALL,
    /// The operating system denied a resource: a file descriptor or a thread.
    system_error = MCP_SYSTEM_ERROR,
    /// HTTP 407: a proxy requires credentials.
    proxy_auth_required = MCP_PROXY_AUTH_REQUIRED,
    /// The auth callback returned no credentials: it threw or failed (see error::cause), or the credentials are
    /// invalid.
    auth_failed = MCP_AUTH_FAILED,
    /// Credentials would have been sent over plain http to another machine, which client::set_require_https forbids.
    /// Nothing was sent.
    insecure = MCP_INSECURE,
    /// The proxy cannot be reached or used, or refused to connect to the server.
    proxy_failed = MCP_PROXY_FAILED,
    /// A list has too many pages, or the server requested input too many times in one call.
    endless = MCP_ENDLESS,
    /// The server requested input for which no handler is set, or a tool of a modern server requested it in a way that
    /// only legacy versions have.
    input_unsupported = MCP_INPUT_UNSUPPORTED,
    /// A handler failed or gave no response.
    input_failed = MCP_INPUT_FAILED,
    /// The server process cannot be started, or has ended.
    process_failed = MCP_PROCESS_FAILED,
    /// A configuration file cannot be read or is invalid.
    config_invalid = MCP_CONFIG_INVALID,
    /// The task was cancelled, by this client or another, before it had a result.
    task_cancelled = MCP_TASK_CANCELLED,
    /// The server requires a login, and the user cannot be asked: there is no open callback (oauth::set_open), logins
    /// start only with client::login (oauth_when::asked), or the last login failed.
    login_required = MCP_LOGIN_REQUIRED,
    /// The login failed: the user or the authorization server refused it (see error::oauth_code), the open callback
    /// failed (see error::cause), or the user did not complete it in time.
    login_failed = MCP_LOGIN_FAILED,
    /// The authorization server cannot be found, violates a rule, or refuses the client (see error::oauth_code); or the
    /// store or the assertion callback failed. The message names the rule, and the function that permits an exception.
    oauth_failed = MCP_OAUTH_FAILED,
    /// The call is queued: see mcp::queue. No error has this status.
    pending = MCP_PENDING,
};

/// Returns the C name of a status, such as "MCP_TIMEOUT"; "MCP_UNKNOWN" for a number that this version of the library
/// does not know. The text is static.
inline const char *to_string(status value) noexcept {
    return mcp_status_name(static_cast<std::int32_t>(value));
}

/// Returns a description of a status for people, such as "The timeout of the call expired"; an unknown number has one,
/// too. error::message says more about a failure. The text is static.
inline const char *describe(status value) noexcept {
    return mcp_status_text(static_cast<std::int32_t>(value));
}

/// What client::set_limit can limit. A later version may add values.
enum class limit : std::int32_t {
    /// The body of one response, after decompression. Default: 64 MiB.
    message = MCP_LIMIT_MESSAGE,
    /// All header fields of one response together. Default: 64 KiB; maximum: 16 MiB.
    head = MCP_LIMIT_HEAD,
    /// One event of an event stream (usually one message), or one message of a server process. Default: 64 MiB.
    event = MCP_LIMIT_EVENT,
};

/// The transport between the client and the server. A later version may add values.
enum class transport : std::int32_t {
    /// Detected from the URL and the server.
    automatic = MCP_TRANSPORT_AUTO,
    /// Streamable HTTP: each message is sent as a POST; the response to a request is in the HTTP response.
    streamable_http = MCP_TRANSPORT_STREAMABLE_HTTP,
    /// HTTP+SSE, the transport of 2024-11-05: responses arrive on an event stream that stays open.
    sse = MCP_TRANSPORT_SSE,
};

/// The changes that client::listen can receive; combine several with |.
enum class change : std::uint32_t {
    /// No list, only resources.
    none = 0,
    /// The list of tools changed.
    tools = MCP_CHANGE_TOOLS,
    /// The list of prompts changed.
    prompts = MCP_CHANGE_PROMPTS,
    /// The list of resources changed.
    resources = MCP_CHANGE_RESOURCES,
};

inline constexpr change operator|(change left, change right) noexcept {
    return static_cast<change>(static_cast<std::uint32_t>(left) | static_cast<std::uint32_t>(right));
}

/// How a client gets its tokens from an authorization server: see oauth::set_grant. A later version may add values.
enum class oauth_grant : std::int32_t {
    /// The user logs in with a browser (authorization code with PKCE; RFC 6749, section 4.1). The default.
    login = MCP_OAUTH_LOGIN,
    /// A service without a user authenticates with its own secret or key (RFC 6749, section 4.4).
    client_credentials = MCP_OAUTH_CLIENT_CREDENTIALS,
    /// A JWT of another party proves the identity of the application or of its user (RFC 7523, section 2.1). Needs an
    /// assertion callback.
    assertion = MCP_OAUTH_ASSERTION,
};

/// The rules for authorization servers that oauth::allow can switch off. A later version may add values.
enum class oauth_leniency : std::int32_t {
    /// The metadata of an authorization server need not state that it supports PKCE (`code_challenge_methods_supported`
    /// is missing). Needed for Microsoft Entra ID and Amazon Cognito.
    unstated_pkce = MCP_OAUTH_UNSTATED_PKCE,
    /// An MCP server at a public address may name an authorization server at a private one. Only for MCP servers that
    /// you trust: they could make the application send requests into its own network.
    private_addresses = MCP_OAUTH_PRIVATE_ADDRESSES,
    /// Authorization servers on other machines may use http. Secrets and tokens are then sent unencrypted: for test
    /// networks only.
    plain_http = MCP_OAUTH_PLAIN_HTTP,
};

/// When a login starts: see oauth::set_login. A later version may add values.
enum class oauth_when : std::int32_t {
    /// In any call, when the server requires a token that only a login can provide. The default.
    needed = MCP_OAUTH_WHEN_NEEDED,
    /// Only in client::login; other calls fail with status::login_required.
    asked = MCP_OAUTH_WHEN_ASKED,
};

/// The severity of a log message of the library. A later version may add values.
enum class log_level : std::int32_t {
    /// A failure that no call reports.
    error = MCP_LOG_ERROR,
    /// A danger or a probable mistake, such as a token sent over plain http.
    warning = MCP_LOG_WARNING,
    /// Useful information, such as the negotiated version.
    info = MCP_LOG_INFO,
    /// Details for debugging.
    debug = MCP_LOG_DEBUG,
};

/// Returns the name of a level, such as "warning"; "unknown" for an unknown number. The text is static.
inline const char *to_string(log_level value) noexcept {
    return mcp_log_level_name(static_cast<std::int32_t>(value));
}

/// Which way a message goes: see client::set_trace. A later version may add values.
enum class trace_direction : std::int32_t {
    /// The client sends the message.
    sent = MCP_TRACE_SENT,
    /// The client has received the message.
    received = MCP_TRACE_RECEIVED,
};

/// The type of a JSON value (RFC 8259, section 3).
enum class json_type : std::int32_t {
    /// There is no value. Not the same as null.
    missing = MCP_JSON_MISSING,
    /// null
    null = MCP_JSON_NULL,
    /// true or false
    boolean = MCP_JSON_BOOL,
    /// A number, with or without a fraction.
    number = MCP_JSON_NUMBER,
    /// A string.
    string = MCP_JSON_STRING,
    /// An array of elements.
    array = MCP_JSON_ARRAY,
    /// An object: members, each with a key.
    object = MCP_JSON_OBJECT,
};

// ---------------------------------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------------------------------

/// The base class of the exceptions of this header: error, for a call that failed, and tool_error, for a tool that
/// reports a failure. One handler catches both:
///
///     try {
///         mcp::tool_result sum = client.call_tool("add", "{\"a\":1,\"b\":2}");
///     } catch (const mcp::exception &exception) {
///         std::cerr << exception.what() << '\n';
///     }
class exception : public std::exception {
  protected:
    exception() noexcept = default;
    exception(const exception &) noexcept = default;
    exception &operator=(const exception &) noexcept = default;
    ~exception() override = default;
};

/// Describes why a call failed. Immutable, never empty, and cheap to copy (copies share their content). It contains no
/// token and no header value.
///
///     try {
///         client.ping();
///     } catch (const mcp::error &error) {
///         if (error.status() == mcp::status::unauthorized) ...
///         std::cerr << error.what() << '\n';
///     }
///
/// Borrowed results (texts, rpc_data) are valid as long as the error or any copy of it exists.
class error : public exception {
  public:
    /// Takes ownership of an error from a function of mcp.h.
    explicit error(mcp_error *owned) : state_(std::make_shared<state>(owned)) {}

    /// Creates an error of the application, for a test or to report errors in the same way as the library.
    error(mcp::status status, std::string message) : state_(std::make_shared<state>(status, std::move(message))) {}

    // No move operations: a moved-from error would be empty.
    error(const error &) noexcept = default;
    error &operator=(const error &) noexcept = default;
    ~error() override = default;

    /// Returns the kind of failure.
    mcp::status status() const noexcept {
        return state_->status;
    }

    /// Returns a message for people, as one line: what failed, where, why, and what to do. The query of the URL is left
    /// out. The wording may change: programs should check status().
    const char *what() const noexcept override {
        return state_->c_error ? mcp_error_message(state_->c_error.get()) : state_->message.c_str();
    }

    /// Returns the same text as what().
    std::string_view message() const noexcept {
        return what();
    }

    /// Returns the HTTP status of the response that caused the error, such as 401; std::nullopt if there was none.
    std::optional<int> http_status() const noexcept {
        const int number = mcp_error_http_status(state_->c_error.get());
        return number != 0 ? std::optional<int>(number) : std::nullopt;
    }

    /// Returns the code of the server's JSON-RPC error, such as -32601 (JSON-RPC 2.0, section 5.1); std::nullopt if the
    /// server sent none.
    std::optional<std::int64_t> rpc_code() const noexcept {
        const mcp_error *c_error = state_->c_error.get();
        return mcp_error_has_rpc_code(c_error) ? std::optional<std::int64_t>(mcp_error_rpc_code(c_error))
                                               : std::nullopt;
    }

    /// Returns the `data` of the server's JSON-RPC error; missing if there was none.
    json_view rpc_data() const noexcept;

    /// Returns the server's challenge, the WWW-Authenticate header (RFC 9110, section 11.6.1): which credentials the
    /// server requires, and what was wrong with those it received. std::nullopt if the server sent none.
    std::optional<std::string_view> challenge() const noexcept {
        const char *challenge = mcp_error_challenge(state_->c_error.get());
        return challenge != nullptr ? std::optional<std::string_view>(challenge) : std::nullopt;
    }

    /// Returns the delay of the server's Retry-After header (RFC 9110, section 10.2.3); std::nullopt if the header is
    /// missing or contains neither seconds nor a date.
    std::optional<std::chrono::milliseconds> retry_after() const noexcept {
        const std::int64_t wait = mcp_error_retry_after_ms(state_->c_error.get());
        return wait >= 0 ? std::optional<std::chrono::milliseconds>(wait) : std::nullopt;
    }

    /// Returns the error code of the authorization server, such as "access_denied" or "invalid_scope" (RFC 6749,
    /// sections 4.1.2.1 and 5.2); std::nullopt if it sent none.
    std::optional<std::string_view> oauth_code() const noexcept {
        const char *code = mcp_error_oauth_code(state_->c_error.get());
        return code != nullptr ? std::optional<std::string_view>(code) : std::nullopt;
    }

#ifdef __cpp_exceptions
    /// Returns the exception that left a handler, the auth callback or the open callback, or was passed to input::fail,
    /// auth_request::fail, oauth_request::fail or oauth::fail; null if there was none. std::rethrow_exception throws it
    /// again. If one failure ended several calls, their errors share this exception.
    std::exception_ptr cause() const noexcept {
        const auto *cause = static_cast<const std::exception_ptr *>(mcp_error_cause(state_->c_error.get()));
        return cause != nullptr ? *cause : nullptr;
    }
#endif

  private:
    struct state {
        explicit state(mcp_error *owned)
            : c_error(owned), status(static_cast<mcp::status>(mcp_error_status(owned))), message() {}
        state(mcp::status own_status, std::string own_message)
            : c_error(), status(own_status), message(std::move(own_message)) {}

        std::unique_ptr<mcp_error, detail::deleter<mcp_error_free>> c_error;
        mcp::status status;
        std::string message;
    };

    std::shared_ptr<const state> state_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Results of the try_ forms
// ---------------------------------------------------------------------------------------------------------------------

#ifdef __cpp_lib_expected

/// The result of a try_ form: a T, or the error that explains why there is none.
///
///     if (auto info = client.try_server_info()) use(*info);
///     else std::cerr << info.error().what() << '\n';
template <class T> using expected = std::expected<T, error>;

/// Wraps an error, to construct an expected that holds it.
using unexpected = std::unexpected<error>;

#else

/// Wraps an error, to construct an expected that holds it.
class unexpected {
  public:
    explicit unexpected(mcp::error error) : error_(std::move(error)) {}

    const mcp::error &error() const noexcept {
        return error_;
    }

  private:
    mcp::error error_;
};

/// The result of a try_ form: a T, or the error that explains why there is none. A subset of C++23's std::expected,
/// which replaces it where the standard library has it.
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

    /// Returns the T. Undefined behavior if there is none.
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

    /// Returns the T. Throws the error if there is none (std::expected throws std::bad_expected_access instead).
    /// Without exceptions, calls std::abort.
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

    /// Returns the T, or `other` if there is none.
    template <class Other> T value_or(Other &&other) const & {
        return has_value() ? **this : static_cast<T>(std::forward<Other>(other));
    }
    template <class Other> T value_or(Other &&other) && {
        return has_value() ? *std::move(*this) : static_cast<T>(std::forward<Other>(other));
    }

    /// Returns the error. Undefined behavior if there is none.
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

/// The result of a try_ form that returns no value.
template <> class [[nodiscard]] expected<void> {
  public:
    expected() noexcept = default;
    expected(const unexpected &failure) : error_(failure.error()) {}

    /// Whether the call succeeded.
    bool has_value() const noexcept {
        return !error_.has_value();
    }
    explicit operator bool() const noexcept {
        return has_value();
    }

    /// Throws the error if there is one. Without exceptions, calls std::abort.
    void value() const {
        if (error_) {
#ifdef __cpp_exceptions
            throw *error_;
#else
            std::abort();
#endif
        }
    }

    /// Returns the error. Undefined behavior if there is none.
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

/// A time limit, converted from any std::chrono duration: `2s`, `std::chrono::minutes(1)`. Rounded up to milliseconds;
/// at most 2^63 of them. 0 means no limit. A function that gets a negative duration fails with
/// status::invalid_argument.
class duration {
  public:
    template <class Rep, class Period>
    duration(std::chrono::duration<Rep, Period> length) noexcept
        : milliseconds_(std::chrono::duration<long double, std::milli>(length).count()) {}

    /// Whether the duration can be used as a limit: it is a number and not negative.
    bool is_valid() const noexcept {
        return milliseconds_ >= 0;
    }

    /// Returns the milliseconds; 0 if the duration is not valid.
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
// Conversions to and from C
// ---------------------------------------------------------------------------------------------------------------------

namespace detail {

/// A text for C: NUL-terminated, or NULL for std::nullopt. It may be a secret, so the destructor wipes the copy.
class text {
  public:
    text(std::optional<std::string_view> value, const char *name)
        : copy_(value ? std::optional<std::string>(*value) : std::nullopt), name_(name) {}
    text(const text &) = delete;
    text &operator=(const text &) = delete;
    ~text() {
        if (copy_) {
            // Volatile, so that the compiler does not remove the writes.
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

// Validates an argument: the error if it cannot be passed to C.
template <class Plain> std::optional<error> validate(const Plain &) {
    return std::nullopt;
}
inline std::optional<error> validate(const text &argument) {
    if (!argument.has_nul()) {
        return std::nullopt;
    }
    return error(status::invalid_argument, std::string(argument.name()) + " has a NUL inside");
}
inline std::optional<error> validate(const duration &argument) {
    if (argument.is_valid()) {
        return std::nullopt;
    }
    return error(status::invalid_argument, "a duration is negative or not a number");
}
std::optional<error> validate(const options &argument);

// Converts an argument to its C type.
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

// Tells the queue of a call that the call was queued.
template <class Plain> void note_pending(const Plain &) noexcept {}
void note_pending(const options &argument) noexcept;

/// Calls a function of mcp.h that returns a status and whose last argument is the place for an error. A queued call
/// succeeds without a result, which the queue receives later.
template <class Function, class... Arguments> expected<void> call(Function &&function, const Arguments &...arguments) {
    std::optional<error> invalid;
    if (((invalid = validate(arguments)) || ...)) {
        return unexpected(*invalid);
    }
    mcp_error *failure = nullptr;
    const mcp_status outcome = function(to_c(arguments)..., &failure);
    if (outcome == MCP_PENDING) {
        (note_pending(arguments), ...);
        return {};
    }
    if (outcome != MCP_OK) {
        return unexpected(error(failure));
    }
    return {};
}

/// Calls a function of mcp.h that returns a status and writes a Plain to its last argument but one, before the place
/// for an error.
template <class Plain, class Function, class... Arguments>
expected<Plain> get(Function &&function, const Arguments &...arguments) {
    Plain result{};
    const expected<void> outcome = call(function, arguments..., &result);
    if (!outcome) {
        return unexpected(outcome.error());
    }
    return result;
}

/// A text that the library returned; empty for NULL.
inline std::string_view or_empty(const char *text) noexcept {
    return text != nullptr ? std::string_view(text) : std::string_view();
}

/// Whether a text is UTF-8 without a NUL (RFC 3629, section 4).
inline bool is_valid_text(std::string_view text) noexcept {
    for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
        const unsigned char first = static_cast<unsigned char>(text[at]);
        if (first == 0 || (first >= 0x80 && first < 0xC2) || first > 0xF4) {
            return false;
        }
        length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        if (length > text.size() - at) {
            return false;
        }
        for (std::size_t i = 1; i < length; i++) {
            const unsigned char next = static_cast<unsigned char>(text[at + i]);
            const int least = i > 1 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
            const int most = i > 1 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
            if (next < least || next > most) {
                return false;
            }
        }
    }
    return true;
}

/// The reason for a failure as C accepts it. C counts a failure with another reason, too: it cannot be reported again.
inline std::string valid_reason(std::string_view reason) {
    return is_valid_text(reason) ? std::string(reason)
                                 : "(the reason that was given is not UTF-8, or has a NUL inside)";
}

#ifdef __cpp_exceptions
/// Implements a throwing form with its try_ form: returns the value or throws the error.
template <class T> T value_or_throw(expected<T> &&outcome) {
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

/// The elements of an array, as json_view: a std::ranges::forward_range, a view, and a borrowed range.
using json_elements = json_range<json_view>;
/// The members of an object, as json_member: a std::ranges::forward_range, a view, and a borrowed range.
using json_members = json_range<json_member>;

/// A value inside a JSON document, or no value ("missing"). A borrowed pointer: trivially copyable, and valid as long
/// as the document exists (see json).
///
/// Every function accepts a missing value, so lookups can be chained without checks:
///
///     std::string_view name = info.pointer("/serverInfo/name").string().value_or("(no name)");
class json_view {
  public:
    /// Creates a missing value.
    json_view() noexcept = default;

    /// Wraps a borrowed pointer from a function of mcp.h; NULL is a missing value.
    explicit json_view(const mcp_json *borrowed) noexcept : value_(borrowed) {}

    /// Returns the type; json_type::missing if there is no value.
    json_type type() const noexcept {
        return static_cast<json_type>(mcp_json_type_of(value_));
    }

    /// Whether there is a value. null is a value.
    explicit operator bool() const noexcept {
        return value_ != nullptr;
    }

    /// Returns the number of elements of an array or of members of an object; 0 for everything else.
    std::size_t size() const noexcept {
        return mcp_json_size(value_);
    }

    /// Returns the member of an object with this name, the last one if there are several; missing if there is none.
    /// Takes time proportional to the number of members. A name with an embedded NUL is not found.
    json_view operator[](std::string_view name) const {
        const detail::text text(name, "the name");
        return json_view(text.has_nul() ? nullptr : mcp_json_member(value_, text.c_str()));
    }

    /// Returns the element of an array at this index, from 0; missing if there is none. Takes time proportional to the
    /// index: to visit all elements, use elements().
    json_view operator[](std::size_t index) const noexcept {
        return json_view(mcp_json_element(value_, index));
    }

    /// Returns the value at a JSON pointer, such as "/content/0/text" (RFC 6901: in a name, ~1 stands for a slash and
    /// ~0 for a tilde); "" is this value itself. Missing if there is no such value or the pointer is malformed.
    json_view pointer(std::string_view json_pointer) const {
        const detail::text text(json_pointer, "the JSON pointer");
        return json_view(text.has_nul() ? nullptr : mcp_json_pointer(value_, text.c_str()));
    }

    /// Returns a document with the same content, to keep the value for longer than its document exists; missing if the
    /// value is missing. It shares the text of the document, and keeps all of it in memory.
    [[nodiscard]] json copy() const noexcept;

    /// Returns the elements of an array; an empty range for any other value.
    json_elements elements() const noexcept;

    /// Returns the members of an object, in the order of the document; an empty range for any other value.
    ///
    ///     for (auto [key, value] : info["capabilities"].members())
    json_members members() const noexcept;

    /// Returns the JSON text of the value as the server sent it; strings include their quotes and escapes. Not a copy;
    /// valid as long as the document exists. Empty if the value is missing.
    std::string_view raw() const noexcept {
        std::size_t length = 0;
        const char *start = mcp_json_raw(value_, &length);
        return start != nullptr ? std::string_view(start, length) : std::string_view();
    }

    /// Returns the decoded text of a string; std::nullopt if the value is not a string. Not a copy: NUL-terminated,
    /// valid as long as the document exists. An unpaired surrogate becomes U+FFFD, as in copy_string(). An embedded NUL
    /// is shown as U+FFFD; copy_string() returns it unchanged.
    std::optional<std::string_view> string() const noexcept {
        const char *text = mcp_json_string(value_);
        return text != nullptr ? std::optional<std::string_view>(text) : std::nullopt;
    }

#ifdef __cpp_exceptions
    /// Returns true or false. Throws status::json_mismatch for any other or a missing value.
    bool as_bool() const {
        return detail::value_or_throw(try_as_bool());
    }

    /// Returns an integer in any notation: 5, 5.0 and 50e-1 are all 5. Throws status::json_mismatch if the value is not
    /// a number, status::json_range if it has a fraction or does not fit.
    std::int64_t as_int64() const {
        return detail::value_or_throw(try_as_int64());
    }

    /// Returns an integer from 0 to 2^64 - 1, in any notation. Throws status::json_mismatch if the value is not a
    /// number, status::json_range if it has a fraction or does not fit.
    std::uint64_t as_uint64() const {
        return detail::value_or_throw(try_as_uint64());
    }

    /// Returns a number as the nearest double. Throws status::json_mismatch if the value is not a number,
    /// status::json_range if it is larger than any double.
    double as_double() const {
        return detail::value_or_throw(try_as_double());
    }

    /// Returns the decoded text of a string, including embedded NULs. Throws status::json_mismatch if the value is not
    /// a string.
    std::string copy_string() const {
        return detail::value_or_throw(try_copy_string());
    }

    /// Returns the decoded bytes of a string that contains base64 (RFC 4648, section 4), such as the "blob" of a
    /// resource or the "data" of an image. Throws status::json_mismatch if the value is not a string,
    /// status::json_range if it is not base64.
    std::vector<std::byte> copy_base64() const {
        return detail::value_or_throw(try_copy_base64());
    }
#endif

    /// Non-throwing form of as_bool().
    [[nodiscard]] expected<bool> try_as_bool() const {
        return detail::get<bool>(mcp_json_bool, value_);
    }

    /// Non-throwing form of as_int64().
    [[nodiscard]] expected<std::int64_t> try_as_int64() const {
        return detail::get<std::int64_t>(mcp_json_int64, value_);
    }

    /// Non-throwing form of as_uint64().
    [[nodiscard]] expected<std::uint64_t> try_as_uint64() const {
        return detail::get<std::uint64_t>(mcp_json_uint64, value_);
    }

    /// Non-throwing form of as_double().
    [[nodiscard]] expected<double> try_as_double() const {
        return detail::get<double>(mcp_json_double, value_);
    }

    /// Non-throwing form of copy_string().
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

    /// Non-throwing form of copy_base64().
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
    friend class json_writer;

    const mcp_json *value_ = nullptr;
};

/// A member of an object.
struct json_member {
    /// The decoded name; valid as long as the document exists. An embedded NUL and an unpaired surrogate are shown as
    /// U+FFFD.
    std::string_view key;
    /// The value; never missing.
    json_view value;
};

/// The range that elements() and members() return. Its iterators return values by copy and may outlive the range: they
/// are valid as long as the document exists.
template <class Value> class json_range {
  public:
    class iterator {
      public:
        using value_type = Value;
        using reference = Value;
        using difference_type = std::ptrdiff_t;
        /// The result of operator->, which has no stored object to point to.
        struct pointer {
            Value value;
            const Value *operator->() const noexcept {
                return &value;
            }
        };
        using iterator_category = std::input_iterator_tag; // a C++17 forward iterator must return a true reference
        using iterator_concept = std::forward_iterator_tag;

        /// The end iterator.
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

    /// An empty range.
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
    return json_view(mcp_error_rpc_data(state_->c_error.get()));
}

/// A JSON document, which owns all values inside it. Immutable; several threads may read it at the same time.
///
/// It stores the text that the server sent, and an index of its content, which is built at the first access at the
/// latest. Functions that return borrowed values cannot be called on a temporary document, because the results would
/// dangle: store the document in a variable first.
///
///     mcp::json info = client.server_info();
///     std::cout << info.pointer("/serverInfo/name").string().value_or("?") << '\n';
class json {
  public:
    /// Creates a missing document, the same as a moved-from one.
    json() noexcept = default;

    /// Takes ownership of a document from a function of mcp.h.
    explicit json(mcp_json *owned) noexcept : document_(owned) {}

#ifdef __cpp_exceptions
    /// Parses a text, which is copied. Throws status::invalid_json if it is not JSON (RFC 8259),
    /// status::invalid_argument if it is not UTF-8.
    [[nodiscard]] static json parse(std::string_view text) {
        return detail::value_or_throw(try_parse(text));
    }
#endif

    /// Non-throwing form of parse().
    [[nodiscard]] static expected<json> try_parse(std::string_view text) {
        const char *start = text.data() != nullptr ? text.data() : "";
        mcp_error *failure = nullptr;
        json made(mcp_json_parse(start, text.size(), &failure));
        if (!made.document_) {
            return unexpected(error(failure));
        }
        return made;
    }

    /// Returns the root value, which has all functions of json_view; valid as long as the document exists. The most
    /// common functions are also members of json.
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

    /// Returns a document with the same content, which shares the text.
    [[nodiscard]] json copy() const noexcept {
        return json(mcp_json_copy(document_.get()));
    }

    /// Returns the type of the root value: see json_view::type.
    json_type type() const noexcept {
        return json_view(document_.get()).type();
    }

    /// Returns the number of elements or members of the root value: see json_view::size.
    std::size_t size() const noexcept {
        return json_view(document_.get()).size();
    }

    /// Returns a member of the root object: see json_view::operator[].
    json_view operator[](std::string_view name) const & {
        return view()[name];
    }
    json_view operator[](std::string_view name) const && = delete;

    /// Returns an element of the root array: see json_view::operator[].
    json_view operator[](std::size_t index) const & noexcept {
        return view()[index];
    }
    json_view operator[](std::size_t index) const && = delete;

    /// Returns the value at a JSON pointer: see json_view::pointer.
    json_view pointer(std::string_view json_pointer) const & {
        return view().pointer(json_pointer);
    }
    json_view pointer(std::string_view json_pointer) const && = delete;

    /// Returns the elements of the root array: see json_view::elements.
    json_elements elements() const & noexcept {
        return view().elements();
    }
    json_elements elements() const && = delete;

    /// Returns the members of the root object: see json_view::members.
    json_members members() const & noexcept {
        return view().members();
    }
    json_members members() const && = delete;

    /// Returns the JSON text of the document: see json_view::raw.
    std::string_view raw() const & noexcept {
        return view().raw();
    }
    std::string_view raw() const && = delete;

  private:
    friend class tool_result;

    const mcp_json *handle() const noexcept {
        return document_.get();
    }

    std::unique_ptr<mcp_json, detail::deleter<mcp_json_free>> document_;
};

inline json json_view::copy() const noexcept {
    return json(mcp_json_copy(value_));
}

/// Writes JSON text: the arguments of a tool, or other JSON for a function of this header. It adds commas, colons and
/// escapes.
///
///     mcp::json_writer arguments;
///     arguments.begin_object().string("name", name).begin_array("tags");
///     for (const std::string &tag : tags) arguments.string(tag);
///     arguments.end().end();
///     client.call_tool("greet", arguments.text());
///
/// Each function that writes has two forms: with a key, for a member of an object, and without one, for an element of
/// an array and for the outermost value. Whether a key occurs twice is not checked.
///
/// The functions that write do not fail. The first error is kept, and what is written after it is ignored: check()
/// throws it. Errors are status::invalid_argument: a missing key, or one that does not belong there; a key with an
/// embedded NUL; a second outermost value; an end without a beginning; text that is not UTF-8; NaN or infinity; a
/// missing JSON value; raw text that is not JSON. status::too_large: the text is longer than 64 MiB, or more than 128
/// arrays and objects are open. status::system_error: there is no memory for the text.
///
/// After an error, or if an array or object has not ended, the text is empty. No function accepts that as JSON: a call
/// with it fails with status::invalid_argument and sends nothing.
///
/// Only one thread may use a writer at a time.
class json_writer {
  public:
    json_writer() noexcept : writer_(mcp_writer_new()) {}

    /// Begins an object, which end() ends.
    json_writer &begin_object() {
        return write(mcp_writer_begin_object);
    }
    json_writer &begin_object(std::string_view key) {
        return write_member(mcp_writer_begin_object, key);
    }

    /// Begins an array, which end() ends.
    json_writer &begin_array() {
        return write(mcp_writer_begin_array);
    }
    json_writer &begin_array(std::string_view key) {
        return write_member(mcp_writer_begin_array, key);
    }

    /// Ends the array or object that began last and has not ended.
    json_writer &end() {
        if (!key_error_) {
            mcp_writer_end(writer_.get());
        }
        return *this;
    }

    /// Writes a string. An embedded NUL is written as an escape.
    json_writer &string(std::string_view text) {
        return write(mcp_writer_string, start(text), text.size());
    }
    json_writer &string(std::string_view key, std::string_view text) {
        return write_member(mcp_writer_string, key, start(text), text.size());
    }

    /// Writes bytes as a string in base64 (RFC 4648, section 4).
    json_writer &base64(const void *bytes, std::size_t size) {
        return write(mcp_writer_base64, bytes, size);
    }
    json_writer &base64(std::string_view key, const void *bytes, std::size_t size) {
        return write_member(mcp_writer_base64, key, bytes, size);
    }

    /// Writes an integer.
    json_writer &int64(std::int64_t value) {
        return write(mcp_writer_int64, value);
    }
    json_writer &int64(std::string_view key, std::int64_t value) {
        return write_member(mcp_writer_int64, key, value);
    }

    /// Writes an integer that is not negative. Many servers read integers above 2^53 inexactly.
    json_writer &uint64(std::uint64_t value) {
        return write(mcp_writer_uint64, value);
    }
    json_writer &uint64(std::string_view key, std::uint64_t value) {
        return write_member(mcp_writer_uint64, key, value);
    }

    /// Writes a number with the fewest digits that are read back as the same double. NaN and infinity are errors.
    json_writer &number(double value) {
        return write(mcp_writer_double, value);
    }
    json_writer &number(std::string_view key, double value) {
        return write_member(mcp_writer_double, key, value);
    }

    /// Writes true or false. A template, so that nothing is converted to bool, such as a key without a value.
    template <class Bool, std::enable_if_t<std::is_same_v<Bool, bool>, int> = 0> json_writer &boolean(Bool value) {
        return write(mcp_writer_bool, value);
    }
    template <class Bool, std::enable_if_t<std::is_same_v<Bool, bool>, int> = 0>
    json_writer &boolean(std::string_view key, Bool value) {
        return write_member(mcp_writer_bool, key, value);
    }

    /// Writes null.
    json_writer &null() {
        return write(mcp_writer_null);
    }
    json_writer &null(std::string_view key) {
        return write_member(mcp_writer_null, key);
    }

    /// Writes a copy of a JSON value. A missing value is an error.
    json_writer &value(json_view copied) {
        return write(mcp_writer_json, copied.value_);
    }
    json_writer &value(std::string_view key, json_view copied) {
        return write_member(mcp_writer_json, key, copied.value_);
    }

    /// Writes JSON text: one value, with white space around it or not. It is an error if the text is not JSON.
    json_writer &raw(std::string_view text) {
        return write(mcp_writer_raw, start(text), text.size());
    }
    json_writer &raw(std::string_view key, std::string_view text) {
        return write_member(mcp_writer_raw, key, start(text), text.size());
    }

    /// Removes the text and the error, so that the writer can write another value. Its memory is used again.
    void reset() noexcept {
        mcp_writer_reset(writer_.get());
        key_error_.reset();
    }

#ifdef __cpp_exceptions
    /// Throws the first error, or status::invalid_argument if nothing was written, or if an array or object has not
    /// ended.
    void check() const {
        detail::value_or_throw(try_check());
    }
#endif

    /// Non-throwing form of check().
    [[nodiscard]] expected<void> try_check() const {
        if (key_error_) {
            return unexpected(*key_error_);
        }
        const mcp_writer *writer = writer_.get();
        return detail::call(mcp_writer_check, writer);
    }

    /// Returns the text of the value, NUL-terminated; empty if check() throws. Valid until the writer writes, is reset
    /// or destroyed.
    std::string_view text() const noexcept {
        return key_error_ ? std::string_view("")
                          : std::string_view(mcp_writer_text(writer_.get()), mcp_writer_length(writer_.get()));
    }

  private:
    // C requires a pointer that is not NULL.
    static const char *start(std::string_view text) noexcept {
        return text.data() != nullptr ? text.data() : "";
    }

    template <class Function, class... Values> json_writer &write(Function function, Values... values) {
        if (!key_error_) {
            function(writer_.get(), nullptr, values...);
        }
        return *this;
    }

    template <class Function, class... Values>
    json_writer &write_member(Function function, std::string_view key, Values... values) {
        if (!key_error_) {
            const detail::text name(key, "the key");
            key_error_ = detail::validate(name);
            if (!key_error_) {
                function(writer_.get(), name.c_str(), values...);
            }
        }
        return *this;
    }

    std::unique_ptr<mcp_writer, detail::deleter<mcp_writer_free>> writer_;
    std::optional<error> key_error_; // a key that cannot be passed to C
};

namespace detail {

/// Calls a function of mcp.h that returns a document.
template <class Function, class... Arguments>
expected<json> get_json(Function &&function, const Arguments &...arguments) {
    const expected<mcp_json *> result = get<mcp_json *>(function, arguments...);
    if (!result) {
        return unexpected(result.error());
    }
    return json(*result);
}

/// The text of a JSON object for C, as a pointer and a length; NULL for std::nullopt.
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

/// The result of a tool (specification 2026-07-28, "Tools": Tool Result). Immutable; several threads may read it at the
/// same time.
class tool_result {
  public:
    /// Takes ownership of a result from client::request("tools/call", ...) or a similar request.
    explicit tool_result(json result) noexcept : result_(std::move(result)) {}

    /// Whether the tool reports a failure; text() then describes it.
    bool is_error() const noexcept {
        return mcp_tool_result_is_error(handle());
    }

    /// Returns the texts of the content, separated by line breaks: the blocks of type "text" and the texts of embedded
    /// resources. Valid as long as the result exists.
    std::string_view text() const & noexcept {
        return mcp_tool_result_text(handle());
    }
    std::string_view text() const && = delete;

    /// Returns the structured content: an object; any value from 2026-07-28 on; missing if there is none. It is not
    /// validated against the tool's "outputSchema". Valid as long as the result exists.
    json_view structured() const & noexcept {
        return json_view(mcp_tool_result_structured(handle()));
    }
    json_view structured() const && = delete;

    /// Returns the blocks of the content, each with a "type". Valid as long as the result exists.
    json_elements content() const & {
        return result_["content"].elements();
    }
    json_elements content() const && = delete;

    /// Returns the id of the task that client::call_tool_as_task started; std::nullopt if it returned the tool's
    /// result. Valid as long as the result exists.
    std::optional<std::string_view> task_id() const & noexcept {
        const char *id = mcp_tool_result_task_id(handle());
        return id != nullptr ? std::optional<std::string_view>(id) : std::nullopt;
    }
    std::optional<std::string_view> task_id() const && = delete;

    /// Returns the whole result, including "_meta". Valid as long as this object exists.
    json_view view() const & noexcept {
        return result_.view();
    }
    json_view view() const && = delete;

  private:
    const mcp_json *handle() const noexcept {
        return result_.handle();
    }

    json result_;
};

#ifdef __cpp_exceptions
/// Thrown by client::call_tool, call_tool_as_task and wait_task if the tool reports a failure. It is not an error,
/// because the call itself succeeded: mcp::exception catches both. Cheap to copy (copies share their content).
class tool_error : public exception {
  public:
    explicit tool_error(tool_result result) : result_(std::make_shared<const tool_result>(std::move(result))) {}

    tool_error(const tool_error &) noexcept = default;
    tool_error &operator=(const tool_error &) noexcept = default;
    ~tool_error() override = default;

    /// Returns the text of the tool's result.
    const char *what() const noexcept override {
        return result_->text().data();
    }

    /// Returns the whole result; valid as long as the exception or any copy of it exists.
    const tool_result &result() const noexcept {
        return *result_;
    }

  private:
    std::shared_ptr<const tool_result> result_;
};

namespace detail {

/// Implements the throwing form of a call of a tool.
inline tool_result tool_result_or_throw(expected<tool_result> &&outcome) {
    tool_result result = value_or_throw(std::move(outcome));
    if (result.is_error()) {
        throw tool_error(std::move(result));
    }
    return result;
}

} // namespace detail
#endif

// ---------------------------------------------------------------------------------------------------------------------
// Cancellation and call options
// ---------------------------------------------------------------------------------------------------------------------

/// A token that cancels the calls whose options contain it: after trigger(), every current and later call with this
/// token fails with status::cancelled, except one that does not have to wait, such as a call that is answered from the
/// cache.
///
/// A blocked call returns within 50 ms of the trigger, regardless of what it waits for. The server is notified as its
/// protocol version requires; the client does not wait for its response. The client stays usable. A token has a file
/// descriptor from the first time that a call waits with it.
///
/// With C++20, options::cancel also accepts a std::stop_token.
class cancel {
  public:
    /// Creates a token.
    cancel() noexcept : token_(mcp_cancel_new()) {}

    /// Triggers the token; a second call has no effect. May be called from any thread at any time, also from a signal
    /// handler (async-signal-safe, preserves errno).
    void trigger() const noexcept {
        mcp_cancel_trigger(token_.get());
    }

    /// Returns whether the token is triggered; false for a token that was moved from.
    bool is_triggered() const noexcept {
        return mcp_cancel_is_triggered(token_.get());
    }

    /// Makes a triggered token usable again, for later calls and for options that contain it. Reset it when all calls
    /// that it cancels have returned: a call that has not noticed the trigger yet continues.
    void reset() const noexcept {
        mcp_cancel_reset(token_.get());
    }

  private:
    friend class options;

    std::unique_ptr<mcp_cancel, detail::deleter<mcp_cancel_free>> token_;
};

namespace detail {

#ifdef __cpp_lib_jthread
/// A cancel token of mcp.h that is triggered when a std::stop_token stops.
class stop_link {
  public:
    explicit stop_link(std::stop_token token)
        : cancel_(mcp_cancel_new()), callback_(std::move(token), trigger{cancel_.get()}) {}

    mcp_cancel *cancel() const noexcept {
        return cancel_.get();
    }

  private:
    struct trigger {
        mcp_cancel *cancel;
        void operator()() const noexcept {
            mcp_cancel_trigger(cancel);
        }
    };

    std::unique_ptr<mcp_cancel, deleter<mcp_cancel_free>> cancel_;
    std::stop_callback<trigger> callback_;
};
#endif

// A queued call: see mcp_queue.hpp.
template <class Value, class Completion> class queued;

/// What a queue learns from the options of a call that was made for it.
struct submission {
    bool is_pending = false;
    std::shared_ptr<const void> stop_link; // to be kept until the call ends
};

} // namespace detail

/// The progress of an operation.
struct progress {
    /// Increases with each notification.
    double value;
    /// The value at completion; std::nullopt if the server does not know it.
    std::optional<double> total;
    /// The server's message; empty if there is none. Valid until the callback returns.
    std::string_view message;
};

namespace detail {

// Whether a callable is a null pointer, an empty std::function or similar.
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

/// Passes a callable to C, which destroys it, also if the setter fails.
template <class Setter, class Handle, class Function, class Callable>
expected<void> set_callback(Setter setter, Handle *handle, Function function, Callable callable) {
    if (is_empty(callable)) {
        return unexpected(empty_callback());
    }
    void *owned = new Callable(std::move(callable));
    return call(setter, handle, function, owned, &destroy<Callable>);
}

/// Calls a callback and discards its exceptions.
template <class Callable, class... Arguments>
void invoke_ignoring_exceptions(Callable &callable, Arguments &&...arguments) noexcept {
#ifdef __cpp_exceptions
    try {
        callable(std::forward<Arguments>(arguments)...);
    } catch (...) {
        // Documented at the function that takes the callback.
    }
#else
    callable(std::forward<Arguments>(arguments)...);
#endif
}

/// Calls a progress callback. Returns whether the call continues.
template <class Callable>
bool invoke_progress(void *userdata, double value, double total, const char *message) noexcept {
    const auto end = total >= 0 ? std::optional<double>(total) : std::nullopt;
    const progress reported{value, end, message != nullptr ? message : ""};
    auto &callable = *static_cast<Callable *>(userdata);
    if constexpr (std::is_same_v<std::invoke_result_t<Callable &, const progress &>, bool>) {
        bool continues = true;
        const auto call = [&] { continues = callable(reported); };
        invoke_ignoring_exceptions(call);
        return continues;
    } else {
        invoke_ignoring_exceptions(callable, reported);
        return true;
    }
}

} // namespace detail

/// Options of a call. Options that are not set have their defaults. Default construction allocates nothing.
///
///     client.ping(mcp::options().timeout(2s).cancel(token));
///
/// One object may be used for any number of calls, also at the same time, as long as no thread modifies it during a
/// call. Setters do not fail: if a value is invalid, such as a negative duration, every call with these options fails
/// with status::invalid_argument and sends nothing.
class options {
  public:
    options() noexcept = default;

    /// Sets the timeout of the call; 0 means none. Default: the client's timeout.
    options &timeout(duration length) & {
        set(mcp_options_set_timeout, length);
        return *this;
    }
    options &&timeout(duration length) && {
        return std::move(timeout(length));
    }

    /// Sets the idle timeout of the call: the call fails with status::timeout if it waits this long without receiving a
    /// byte or, while it sends, without being able to send one. 0 means none (the default).
    options &idle_timeout(duration length) & {
        set(mcp_options_set_idle_timeout, length);
        return *this;
    }
    options &&idle_timeout(duration length) && {
        return std::move(idle_timeout(length));
    }

    /// Sets the token that can cancel the call. The options keep a reference to it: the token object may be destroyed
    /// at any time.
    options &cancel(const mcp::cancel &token) & {
        if (token.token_) {
            set(mcp_options_set_cancel, token.token_.get());
            stop_link_.reset();
        } else {
            record_error(error(status::invalid_argument, "the cancel token was moved from"));
        }
        return *this;
    }
    options &&cancel(const mcp::cancel &token) && {
        return std::move(cancel(token));
    }

#ifdef __cpp_lib_jthread
    /// Sets the std::stop_token that can cancel the call: request_stop() has the effect of cancel::trigger. It takes
    /// the place of a cancel token.
    ///
    ///     std::jthread thread([&](std::stop_token token) { client.ping(mcp::options().cancel(token)); });
    ///
    options &cancel(std::stop_token token) & {
        if (!token.stop_possible()) {
            return cancel(std::nullopt);
        }
        auto link = std::make_shared<const detail::stop_link>(std::move(token));
        set(mcp_options_set_cancel, link->cancel());
        stop_link_ = std::move(link);
        return *this;
    }
    options &&cancel(std::stop_token token) && {
        return std::move(cancel(std::move(token)));
    }
#endif

    /// Removes the cancel token, or the std::stop_token.
    options &cancel(std::nullopt_t) & {
        set(mcp_options_set_cancel, static_cast<mcp_cancel *>(nullptr));
        stop_link_.reset();
        return *this;
    }
    options &&cancel(std::nullopt_t) && {
        return std::move(cancel(std::nullopt));
    }

    /// Requests progress notifications from the server and sets the callback that receives them (specification
    /// 2026-07-28, "Progress"). The callback can be any callable that accepts a const progress &:
    ///
    ///     options.on_progress([](const mcp::progress &p) { std::cout << p.value << '\n'; });
    ///
    /// If it returns a bool, false ends the call with status::cancelled; if it returns nothing, the call continues. It
    /// runs on the thread of the call; if the call is queued, in queue::dispatch, where it receives only the newest
    /// progress. Its time does not count against any timeout. An exception that leaves it is discarded, and the call
    /// continues. The callable is moved into the options, and destroyed when neither the options nor a call needs it.
    template <class Callable> options &on_progress(Callable callable) & {
        static_assert(std::is_invocable_v<Callable &, const progress &>,
                      "a progress callback is called with a const mcp::progress &");
        if (detail::is_empty(callable)) {
            record_error(detail::empty_callback());
            return *this;
        }
        void *owned = new Callable(std::move(callable));
        set(mcp_options_set_progress, &detail::invoke_progress<Callable>, owned, &detail::destroy<Callable>);
        return *this;
    }
    template <class Callable> options &&on_progress(Callable callable) && {
        return std::move(on_progress(std::move(callable)));
    }

    /// Sets members of the "_meta" of the call's requests: the text of a JSON object, for example with a trace context
    /// ("traceparent"). They override the members that the library sets.
    options &meta(std::string_view object) & {
        const detail::json_text text(object);
        set(mcp_options_set_meta, text.start, text.length);
        return *this;
    }
    options &&meta(std::string_view object) && {
        return std::move(meta(object));
    }

    /// Sets a header for the HTTP requests of the call. It overrides a header of the same name of client::set_header;
    /// "Authorization" also overrides the bearer token. std::nullopt removes the header from the options: that of the
    /// client is then sent. The rules of client::set_header apply. With a server process, headers are ignored.
    options &header(std::string_view name, std::optional<std::string_view> value) & {
        set(mcp_options_set_header, detail::text(name, "the header's name"), detail::text(value, "the header's value"));
        return *this;
    }
    options &&header(std::string_view name, std::optional<std::string_view> value) && {
        return std::move(header(name, value));
    }

    /// Returns a copy, for example of a template with headers and timeouts that a call adds to. It has everything that
    /// was set, also the cancel token and the callback, which both then share: a callable is destroyed when neither of
    /// them, nor a call, needs it.
    [[nodiscard]] options copy() const {
        options made;
        made.options_.reset(options_ ? mcp_options_copy(options_.get()) : nullptr);
        made.first_error_ = first_error_;
        made.stop_link_ = stop_link_;
        made.submission_ = submission_;
        return made;
    }

  private:
    friend std::optional<error> detail::validate(const options &);
    friend const mcp_options *detail::to_c(const options &) noexcept;
    friend void detail::note_pending(const options &) noexcept;
    template <class Value, class Completion> friend class detail::queued;

    template <class Setter, class... Values> void set(Setter setter, const Values &...values) {
        if (!options_) {
            options_.reset(mcp_options_new());
        }
        const expected<void> outcome = detail::call(setter, options_.get(), values...);
        if (!outcome) {
            record_error(outcome.error());
        }
    }

    void record_error(const error &reason) {
        if (!first_error_) {
            first_error_ = std::make_shared<const error>(reason);
        }
    }

    std::unique_ptr<mcp_options, detail::deleter<mcp_options_free>> options_; // created by the first setter
    // A pointer, because GCC warns of uninitialized memory where a std::optional<error> is moved.
    std::shared_ptr<const error> first_error_;
    std::shared_ptr<const void> stop_link_;          // cancels the calls when a std::stop_token stops
    std::shared_ptr<detail::submission> submission_; // of the queue that these options were made for
};

inline std::optional<error> detail::validate(const options &argument) {
    return argument.first_error_ ? std::optional<error>(*argument.first_error_) : std::nullopt;
}

inline const mcp_options *detail::to_c(const options &argument) noexcept {
    return argument.options_.get();
}

inline void detail::note_pending(const options &argument) noexcept {
    if (argument.submission_) {
        *argument.submission_ = {true, argument.stop_link_};
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Requests that are answered later
// ---------------------------------------------------------------------------------------------------------------------

namespace detail {

// The functions of mcp.h for a request that can be deferred.
template <class Handle> struct deferral;
template <> struct deferral<mcp_input> {
    static constexpr auto defer = mcp_input_defer;
    static constexpr auto free = mcp_input_free;
    static constexpr auto is_over = mcp_input_is_over;
    static constexpr auto set_over = mcp_input_set_over;
    static constexpr auto client_name = mcp_input_client_name;
};
template <> struct deferral<mcp_auth_request> {
    static constexpr auto defer = mcp_auth_request_defer;
    static constexpr auto free = mcp_auth_request_free;
    static constexpr auto is_over = mcp_auth_request_is_over;
    static constexpr auto set_over = mcp_auth_request_set_over;
    static constexpr auto client_name = mcp_auth_request_client_name;
};
template <> struct deferral<mcp_oauth_request> {
    static constexpr auto defer = mcp_oauth_request_defer;
    static constexpr auto free = mcp_oauth_request_free;
    static constexpr auto is_over = mcp_oauth_request_is_over;
    static constexpr auto set_over = mcp_oauth_request_set_over;
    static constexpr auto client_name = mcp_oauth_request_client_name;
};

template <class Callable> void invoke_over(void *userdata, std::int32_t reason) noexcept {
    invoke_ignoring_exceptions(*static_cast<Callable *>(userdata), static_cast<status>(reason));
}

} // namespace detail

/// What input, auth_request and oauth_request have in common: they may be answered after their callback has returned
/// (defer()), and can become pointless before that.
template <class Handle> class deferrable {
  public:
    using handle_type = Handle;

    deferrable(const deferrable &) = delete;
    deferrable &operator=(const deferrable &) = delete;

    /// Returns the name of the client whose request this is, to show it to the user.
    std::string_view client_name() const noexcept {
        return detail::or_empty(detail::deferral<Handle>::client_name(handle_));
    }

    /// Whether a response would be too late: the call that needs it has been cancelled or has timed out, the server has
    /// cancelled its request, or the client has been closed. False after a response. May be called from any thread.
    bool is_over() const noexcept {
        return detail::deferral<Handle>::is_over(handle_);
    }

#ifdef __cpp_exceptions
    /// Sets the callback that is told when the request ends without a response, for example to close a dialog. It can
    /// be any callable that accepts a status: cancelled, closed, timeout or disconnected.
    ///
    ///     deferred.set_over([&dialog](mcp::status) { dialog.close(); });
    ///
    /// It runs at most once; never after a response was accepted, or after the deferred request was destroyed. For a
    /// queued call it runs in queue::dispatch, else on the thread that noticed the end. If the request has ended
    /// already, it runs at once, for a queued call in the next dispatch. It may destroy the deferred request. An
    /// exception that leaves it is discarded. Replaces the callback that was set before, and stop_token().
    template <class Callable> void set_over(Callable callable) {
        detail::value_or_throw(try_set_over(std::move(callable)));
    }

    /// Removes the callback of set_over.
    void set_over(std::nullopt_t) {
        detail::value_or_throw(try_set_over(std::nullopt));
    }
#endif

    /// Non-throwing form of set_over().
    template <class Callable> [[nodiscard]] expected<void> try_set_over(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, status>, "the callback is called with an mcp::status");
#ifdef __cpp_lib_jthread
        stop_ = std::stop_source(std::nostopstate);
#endif
        return detail::set_callback(detail::deferral<Handle>::set_over, handle_, detail::invoke_over<Callable>,
                                    std::move(callable));
    }

    /// Non-throwing form of set_over(std::nullopt).
    [[nodiscard]] expected<void> try_set_over(std::nullopt_t) {
#ifdef __cpp_lib_jthread
        stop_ = std::stop_source(std::nostopstate);
#endif
        return detail::call(detail::deferral<Handle>::set_over, handle_, nullptr, nullptr, nullptr);
    }

#ifdef __cpp_lib_jthread
    /// Returns a token that is stopped when the request ends without a response: when is_over() becomes true. It takes
    /// the place of a callback of set_over().
    std::stop_token stop_token() {
        if (!stop_.stop_possible()) {
            std::stop_source source;
            if (!try_set_over([source](status) mutable { source.request_stop(); })) {
                source.request_stop(); // the request cannot be answered any more
            }
            stop_ = std::move(source);
        }
        return stop_.get_token();
    }
#endif

  protected:
    explicit deferrable(Handle *handle) noexcept : handle_(handle) {}
    deferrable(deferrable &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr))
#ifdef __cpp_lib_jthread
          ,
          stop_(std::move(other.stop_))
#endif
    {
    }
    deferrable &operator=(deferrable &&other) noexcept {
        handle_ = std::exchange(other.handle_, nullptr);
#ifdef __cpp_lib_jthread
        stop_ = std::move(other.stop_);
#endif
        return *this;
    }
    ~deferrable() = default;

    /// Makes the request the program's: see input::defer.
    template <class Deferred> expected<Deferred> defer_as() {
        const expected<void> outcome = detail::call(detail::deferral<Handle>::defer, handle_);
        if (!outcome) {
            return unexpected(outcome.error());
        }
        Deferred owner(handle_);
#ifdef __cpp_lib_jthread
        static_cast<deferrable &>(owner).stop_ = stop_;
#endif
        return owner;
    }

    Handle *handle_;
#ifdef __cpp_lib_jthread
    std::stop_source stop_{std::nostopstate};
#endif
};

/// A request that its callback has deferred: the program answers it later, from any thread, with the functions of
/// Request (input, auth_request or oauth_request), and destroys it. Everything that it returns is valid until then,
/// also when the call, its client and its queue are gone. A request that is destroyed without a response ends as if the
/// callback had given none.
///
/// One thread at a time may use it; is_over() may be called from any thread. A response after the request has ended
/// throws the status with which it ended, and nothing is sent. Using a moved-from request throws
/// status::invalid_argument.
template <class Request> class [[nodiscard]] deferred : public Request {
  public:
    deferred(deferred &&other) noexcept : Request(std::move(other)) {}
    deferred &operator=(deferred &&other) noexcept {
        if (this != &other) {
            release(this->handle_);
            Request::operator=(std::move(other));
        }
        return *this;
    }
    ~deferred() {
        release(this->handle_);
    }

  private:
    template <class Handle> friend class deferrable;

    template <class Handle> explicit deferred(Handle *owned) noexcept : Request(owned) {}

    template <class Handle> static void release(Handle *owned) noexcept {
        detail::deferral<Handle>::free(owned);
    }
};

// ---------------------------------------------------------------------------------------------------------------------
// Custom authentication
// ---------------------------------------------------------------------------------------------------------------------

/// The argument of an auth callback: describes the HTTP request, and receives its credentials. See client::set_auth.
/// The object and the texts it returns are valid until the callback returns, on the callback's thread only, unless the
/// callback calls defer().
class auth_request : public deferrable<mcp_auth_request> {
  public:
    explicit auth_request(mcp_auth_request *borrowed) noexcept : deferrable(borrowed) {}

    /// Returns the whole URL of the request, including its query.
    std::string_view url() const noexcept {
        return detail::or_empty(mcp_auth_request_url(handle_));
    }

    /// Returns the HTTP method of the request: "POST", "GET" or "DELETE".
    std::string_view method() const noexcept {
        return detail::or_empty(mcp_auth_request_method(handle_));
    }

    /// Returns 1 before a request; 2 or 3 after the server rejected the credentials of this call.
    int attempt() const noexcept {
        return mcp_auth_request_attempt(handle_);
    }

    /// Returns the HTTP status of the rejection, 401 or 403; std::nullopt if there was none.
    std::optional<int> http_status() const noexcept {
        const int number = mcp_auth_request_http_status(handle_);
        return number != 0 ? std::optional<int>(number) : std::nullopt;
    }

    /// Returns the server's challenge, the WWW-Authenticate header of the rejection (RFC 9110, section 11.6.1); several
    /// headers are joined into one list. std::nullopt if there was none.
    std::optional<std::string_view> challenge() const noexcept {
        const char *challenge = mcp_auth_request_challenge(handle_);
        return challenge != nullptr ? std::optional<std::string_view>(challenge) : std::nullopt;
    }

    /// Reports that there are no credentials: the call fails with status::auth_failed, and the reason is in its
    /// message. A reason that is not UTF-8 or contains a NUL is replaced by a fixed text.
    void fail(std::string_view reason) noexcept {
        mcp_auth_request_fail(handle_, detail::valid_reason(reason).c_str(), nullptr);
    }

#ifdef __cpp_exceptions
    /// Reports that there are no credentials, and attaches an exception, which error::cause returns. An exception that
    /// leaves the callback has the same effect.
    void fail(std::string_view reason, std::exception_ptr cause) noexcept {
        mcp_auth_request_fail_with(handle_, detail::valid_reason(reason).c_str(),
                                   new std::exception_ptr(std::move(cause)), &detail::destroy<std::exception_ptr>,
                                   nullptr);
    }

    /// Makes the request the program's, which answers it later: with set_bearer() and set_header(), then by destroying
    /// the result; or with fail(). Credentials that are set when is_over() are used by later calls. To be called in the
    /// callback, once; the callback then returns. Throws status::misuse outside the callback, or if it was called
    /// before; or the status with which the request has ended already.
    [[nodiscard]] deferred<auth_request> defer() {
        return detail::value_or_throw(try_defer());
    }

    /// Sets the bearer token of the request, without the word "Bearer"; std::nullopt removes it. The rules and errors
    /// of client::set_bearer apply.
    void set_bearer(std::optional<std::string_view> token) {
        detail::value_or_throw(try_set_bearer(token));
    }

    /// Sets a header of the request; std::nullopt removes it. The rules and errors of client::set_header apply.
    void set_header(std::string_view name, std::optional<std::string_view> value) {
        detail::value_or_throw(try_set_header(name, value));
    }
#endif

    /// Non-throwing form of set_bearer(). If the last setter called in the callback failed, the call fails with
    /// status::auth_failed.
    [[nodiscard]] expected<void> try_set_bearer(std::optional<std::string_view> token) {
        const detail::text text(token, "the bearer token");
        if (text.has_nul()) {
            mcp_auth_request_set_bearer(handle_, never_valid, nullptr);
        }
        return detail::call(mcp_auth_request_set_bearer, handle_, text);
    }

    /// Non-throwing form of set_header(). If the last setter called in the callback failed, the call fails with
    /// status::auth_failed.
    [[nodiscard]] expected<void> try_set_header(std::string_view name, std::optional<std::string_view> value) {
        const detail::text c_name(name, "the header's name"), c_value(value, "the header's value");
        if (c_name.has_nul() || c_value.has_nul()) {
            mcp_auth_request_set_header(handle_, never_valid, never_valid, nullptr);
        }
        return detail::call(mcp_auth_request_set_header, handle_, c_name, c_value);
    }

    /// Non-throwing form of defer().
    [[nodiscard]] expected<deferred<auth_request>> try_defer() {
        return defer_as<deferred<auth_request>>();
    }

  protected:
    auth_request(auth_request &&) noexcept = default;
    auth_request &operator=(auth_request &&) noexcept = default;

  private:
    /// Passed to C in place of a text with an embedded NUL, so that the library knows that the setter failed.
    static constexpr const char *never_valid = "\1";
};

/// An auth_request that its callback has deferred.
using deferred_auth_request = deferred<auth_request>;

// ---------------------------------------------------------------------------------------------------------------------
// OAuth: the arguments of its callbacks
// ---------------------------------------------------------------------------------------------------------------------

/// The argument of an open callback: the login that the user has to perform in a browser. See oauth::set_open. The
/// object and the texts it returns are valid until the callback returns, unless the callback calls defer(): copy the
/// URL for oauth::fail.
class oauth_request : public deferrable<mcp_oauth_request> {
  public:
    explicit oauth_request(mcp_oauth_request *borrowed) noexcept : deferrable(borrowed) {}

    /// Returns the URL to open in a browser. It identifies the login for oauth::fail.
    std::string_view url() const noexcept {
        return detail::or_empty(mcp_oauth_request_url(handle_));
    }

    /// Returns the URL of the MCP server that requires the login, as messages show it: without its query.
    std::string_view server() const noexcept {
        return detail::or_empty(mcp_oauth_request_server(handle_));
    }

    /// Returns the issuer of the authorization server, such as "https://auth.example". The MCP server has chosen it:
    /// show it to the user.
    std::string_view issuer() const noexcept {
        return detail::or_empty(mcp_oauth_request_issuer(handle_));
    }

    /// Returns the requested scopes, separated by spaces; empty if none is requested.
    std::string_view scopes() const noexcept {
        return detail::or_empty(mcp_oauth_request_scopes(handle_));
    }

    /// Returns the redirect URI of the login. If it is a loopback address, the library receives the redirect itself.
    std::string_view redirect_uri() const noexcept {
        return detail::or_empty(mcp_oauth_request_redirect_uri(handle_));
    }

    /// Reports that there will be no redirect: the call fails with status::login_failed, and the reason is in its
    /// message. A reason that is not UTF-8 or contains a NUL is replaced by a fixed text.
    void fail(std::string_view reason) noexcept {
        mcp_oauth_request_fail(handle_, detail::valid_reason(reason).c_str(), nullptr);
    }

#ifdef __cpp_exceptions
    /// Reports that there will be no redirect, and attaches an exception, which error::cause returns. An exception that
    /// leaves the callback has the same effect.
    void fail(std::string_view reason, std::exception_ptr cause) noexcept {
        mcp_oauth_request_fail_with(handle_, detail::valid_reason(reason).c_str(),
                                    new std::exception_ptr(std::move(cause)), &detail::destroy<std::exception_ptr>,
                                    nullptr);
    }

    /// Makes the request the program's: it stays valid after the callback has returned, so that fail(), finish() and
    /// is_over() can be used while the user logs in. To be called in the callback, once. Throws status::misuse outside
    /// the callback, or if it was called before; or the status with which the request has ended already.
    [[nodiscard]] deferred<oauth_request> defer() {
        return detail::value_or_throw(try_defer());
    }

    /// Finishes the login with the whole URL to which the authorization server redirected, for a callback that received
    /// the redirect itself. Throws status::invalid_argument if it is not the redirect of this login.
    void finish(std::string_view redirect_url) {
        detail::value_or_throw(try_finish(redirect_url));
    }
#endif

    /// Non-throwing form of finish().
    [[nodiscard]] expected<void> try_finish(std::string_view redirect_url) {
        return detail::call(mcp_oauth_request_finish, handle_, detail::text(redirect_url, "the redirect URL"));
    }

    /// Non-throwing form of defer().
    [[nodiscard]] expected<deferred<oauth_request>> try_defer() {
        return defer_as<deferred<oauth_request>>();
    }

  protected:
    oauth_request(oauth_request &&) noexcept = default;
    oauth_request &operator=(oauth_request &&) noexcept = default;
};

/// An oauth_request that its callback has deferred.
using deferred_oauth_request = deferred<oauth_request>;

/// The argument of the callbacks of a store: one record, which contains the registration and the tokens for one server.
/// See oauth::set_store. The object and the texts it returns are valid until the callback returns.
class oauth_record {
  public:
    explicit oauth_record(mcp_oauth_record *borrowed) noexcept : record_(borrowed) {}
    oauth_record(const oauth_record &) = delete;
    oauth_record &operator=(const oauth_record &) = delete;

    /// Returns the key under which the record is stored. It contains line breaks, and no secret.
    std::string_view key() const noexcept {
        return detail::or_empty(mcp_oauth_record_key(record_));
    }

    /// Returns the text to save, which is a secret; std::nullopt if the record is to be removed. Only in the callback
    /// that saves.
    std::optional<std::string_view> text() const noexcept {
        std::size_t length = 0;
        const char *start = mcp_oauth_record_text(record_, &length);
        return start != nullptr ? std::optional<std::string_view>(std::in_place, start, length) : std::nullopt;
    }

    /// Reports that the store failed: the call fails with status::oauth_failed, and the reason is in its message. A
    /// reason that is not UTF-8 or contains a NUL is replaced by a fixed text. An exception that leaves the callback
    /// has the same effect, with its what().
    void fail(std::string_view reason) noexcept {
        mcp_oauth_record_fail(record_, detail::valid_reason(reason).c_str(), nullptr);
    }

#ifdef __cpp_exceptions
    /// Sets the stored text. A callback that sets none has no record with this key. Throws status::misuse in another
    /// callback than the one that loads, status::invalid_argument if the text is not UTF-8.
    void set_text(std::string_view text) {
        detail::value_or_throw(try_set_text(text));
    }
#endif

    /// Non-throwing form of set_text(). If the last call of it in the callback failed, the call fails with
    /// status::oauth_failed.
    [[nodiscard]] expected<void> try_set_text(std::string_view text) {
        const char *start = text.data() != nullptr ? text.data() : "";
        return detail::call(mcp_oauth_record_set_text, record_, start, text.size());
    }

  private:
    mcp_oauth_record *record_;
};

/// The argument of an assertion callback: describes the assertion, and receives it. See oauth::set_assertion. The
/// object and the texts it returns are valid until the callback returns.
class oauth_assertion {
  public:
    explicit oauth_assertion(mcp_oauth_assertion *borrowed) noexcept : assertion_(borrowed) {}
    oauth_assertion(const oauth_assertion &) = delete;
    oauth_assertion &operator=(const oauth_assertion &) = delete;

    /// Returns the audience that the assertion must have: the issuer of the authorization server, or with
    /// oauth::set_identity, the client identifier at the identity provider.
    std::string_view audience() const noexcept {
        return detail::or_empty(mcp_oauth_assertion_audience(assertion_));
    }

    /// Returns the identifier of the MCP server that the token is for; empty if none is sent (oauth::set_resource).
    std::string_view resource() const noexcept {
        return detail::or_empty(mcp_oauth_assertion_resource(assertion_));
    }

    /// Reports that there is no assertion: the call fails with status::oauth_failed, and the reason is in its message.
    /// A reason that is not UTF-8 or contains a NUL is replaced by a fixed text. An exception that leaves the callback
    /// has the same effect, with its what().
    void fail(std::string_view reason) noexcept {
        mcp_oauth_assertion_fail(assertion_, detail::valid_reason(reason).c_str(), nullptr);
    }

#ifdef __cpp_exceptions
    /// Sets the assertion, usually a JSON Web Token.
    void set(std::string_view text) {
        detail::value_or_throw(try_set(text));
    }
#endif

    /// Non-throwing form of set(). If the last call of it in the callback failed, the call fails with
    /// status::oauth_failed.
    [[nodiscard]] expected<void> try_set(std::string_view text) {
        const detail::text copy(text, "the assertion");
        if (copy.has_nul()) {
            mcp_oauth_assertion_set(assertion_, "", nullptr); // so that the library knows that it failed
        }
        return detail::call(mcp_oauth_assertion_set, assertion_, copy);
    }

  private:
    mcp_oauth_assertion *assertion_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Server requests
// ---------------------------------------------------------------------------------------------------------------------

/// The argument of a handler: describes the server's request, and receives the response. See client::set_elicitation,
/// set_sampling and set_roots. The object and the values it returns are valid until the handler returns, on the
/// handler's thread only, unless the handler calls defer(). A handler that gives no response cancels an elicitation and
/// fails any other request.
class input : public deferrable<mcp_input> {
  public:
    explicit input(mcp_input *borrowed) noexcept : deferrable(borrowed) {}

    /// Returns the method of the request: "elicitation/create", "sampling/createMessage" or "roots/list".
    std::string_view method() const noexcept {
        const char *method = mcp_input_method(handle_);
        return method != nullptr ? std::string_view(method) : std::string_view();
    }

    /// Returns the parameters of the request, an object.
    json_view params() const noexcept {
        return json_view(mcp_input_params(handle_));
    }

    /// Reports that there is no response. A legacy server receives a JSON-RPC error with this code, and the call
    /// continues; with a modern server the call fails with status::input_failed. Use -1 if a person refused, and -32603
    /// for a failure; an exception that leaves the handler is reported with -32603. A message that is not UTF-8 or
    /// contains a NUL is replaced by a fixed text.
    void fail(std::string_view message, std::int64_t code = -32603) noexcept {
        if (!detail::call(mcp_input_fail, handle_, code, detail::text(message, "the message"))) {
            mcp_input_fail(handle_, code, "(the message that was given is not UTF-8, or has a NUL inside)", nullptr);
        }
    }

#ifdef __cpp_exceptions
    /// Reports that there is no response, and attaches an exception: if the call fails with status::input_failed,
    /// error::cause returns it. An exception that leaves the handler has the same effect.
    void fail(std::string_view message, std::exception_ptr cause, std::int64_t code = -32603) noexcept {
        mcp_input_fail_with(handle_, code, detail::valid_reason(message).c_str(),
                            new std::exception_ptr(std::move(cause)), &detail::destroy<std::exception_ptr>, nullptr);
    }

    /// Makes the request the program's, which answers it later, from any thread, so that the handler need not wait for
    /// a person. To be called in the handler, once; the handler then returns.
    ///
    ///     client.set_elicitation([&window](mcp::input &input) {
    ///         window.ask(std::make_shared<mcp::deferred_input>(input.defer()));
    ///     });
    ///
    /// Throws status::misuse outside the handler, or if it was called before; or the status with which the request has
    /// ended already.
    [[nodiscard]] deferred<input> defer() {
        return detail::value_or_throw(try_defer());
    }

    /// Accepts an elicitation. `content` contains the fields that the person filled in, as the text of a JSON object;
    /// missing fields get the schema's defaults, if there are any. std::nullopt leaves all fields out, as for a URL.
    ///
    /// Throws status::invalid_argument if `content` is not a JSON object, status::misuse if the request is not an
    /// elicitation.
    void accept(std::optional<std::string_view> content = std::nullopt) {
        detail::value_or_throw(try_accept(content));
    }

    /// Declines an elicitation: the person refused. Throws status::misuse if the request is not an elicitation.
    void decline() {
        detail::value_or_throw(try_decline());
    }

    /// Cancels an elicitation: the person made no choice. Throws status::misuse if the request is not an elicitation.
    void cancel() {
        detail::value_or_throw(try_cancel());
    }

    /// Responds with a complete result, the text of a JSON object. Throws status::invalid_argument, and sets no
    /// response, if it is not a valid result for this request.
    void respond(std::string_view result) {
        detail::value_or_throw(try_respond(result));
    }
#endif

    /// Non-throwing form of accept().
    [[nodiscard]] expected<void> try_accept(std::optional<std::string_view> content = std::nullopt) {
        const detail::json_text text(content);
        return detail::call(mcp_input_accept, handle_, text.start, text.length);
    }

    /// Non-throwing form of decline().
    [[nodiscard]] expected<void> try_decline() {
        return detail::call(mcp_input_decline, handle_);
    }

    /// Non-throwing form of cancel().
    [[nodiscard]] expected<void> try_cancel() {
        return detail::call(mcp_input_cancel, handle_);
    }

    /// Non-throwing form of respond().
    [[nodiscard]] expected<void> try_respond(std::string_view result) {
        const detail::json_text text(result);
        return detail::call(mcp_input_respond, handle_, text.start, text.length);
    }

    /// Non-throwing form of defer().
    [[nodiscard]] expected<deferred<input>> try_defer() {
        return defer_as<deferred<input>>();
    }

  protected:
    input(input &&) noexcept = default;
    input &operator=(input &&) noexcept = default;
};

/// An input that its handler has deferred.
using deferred_input = deferred<input>;

// ---------------------------------------------------------------------------------------------------------------------
// Adapters from C callbacks to callables
// ---------------------------------------------------------------------------------------------------------------------

namespace detail {

#ifdef __cpp_exceptions
// Whether the argument of a callback can attach an exception to the error.
template <class Argument, class = void> struct carries_cause : std::false_type {};
template <class Argument>
struct carries_cause<Argument, std::void_t<decltype(std::declval<Argument &>().fail(
                                   std::string_view(), std::declval<std::exception_ptr>()))>> : std::true_type {};

/// Reports the exception that is being handled.
template <class Argument> void fail_with_exception(Argument &argument, std::string_view reason) noexcept {
    if constexpr (carries_cause<Argument>::value) {
        argument.fail(reason, std::current_exception());
    } else {
        argument.fail(reason);
    }
}
#endif

/// Calls a callback, and passes the exception that leaves it to `fail` of its argument.
template <class Callable, class Argument> void invoke_or_fail(Callable &callable, Argument &argument) noexcept {
#ifdef __cpp_exceptions
    try {
        callable(argument);
    } catch (const std::exception &thrown) {
        fail_with_exception(argument, thrown.what());
    } catch (...) {
        fail_with_exception(argument, "the callback threw an exception that is not a std::exception");
    }
#else
    callable(argument);
#endif
}

/// Calls a callback that receives a Request: an input, an auth_request or an oauth_request.
template <class Request, class Callable, class Handle> void invoke_request(void *userdata, Handle *borrowed) noexcept {
    Request request(borrowed);
    invoke_or_fail(*static_cast<Callable *>(userdata), request);
}

#ifdef MCP_HPP_COROUTINES
// Whether `co_await` accepts a value of this type.
template <class Type, class = void> struct has_await_ready : std::false_type {};
template <class Type>
struct has_await_ready<Type, std::void_t<decltype(std::declval<Type &>().await_ready())>> : std::true_type {};
template <class Type, class = void> struct has_member_co_await : std::false_type {};
template <class Type>
struct has_member_co_await<Type, std::void_t<decltype(std::declval<Type>().operator co_await())>> : std::true_type {};
template <class Type, class = void> struct has_free_co_await : std::false_type {};
template <class Type>
struct has_free_co_await<Type, std::void_t<decltype(operator co_await(std::declval<Type>()))>> : std::true_type {};
template <class Type>
inline constexpr bool is_awaitable =
    has_await_ready<Type>::value || has_member_co_await<Type>::value || has_free_co_await<Type>::value;

/// A coroutine that starts at once and that no other coroutine awaits. Its frame is destroyed at its end.
struct detached {
    struct promise_type {
        detached get_return_object() const noexcept {
            return {};
        }
        std::suspend_never initial_suspend() const noexcept {
            return {};
        }
        std::suspend_never final_suspend() const noexcept {
            return {};
        }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept {
            std::terminate();
        }
    };
};

/// Awaits what a callback returns for a deferred request, and passes an exception to `fail` of the request. Holds the
/// callable, which the client may destroy meanwhile.
template <class Request, class Callable>
detached await_deferred(std::shared_ptr<Callable> callable, deferred<Request> request) {
#ifdef __cpp_exceptions
    try {
        static_cast<void>(co_await (*callable)(request));
    } catch (const std::exception &thrown) {
        fail_with_exception(request, thrown.what());
    } catch (...) {
        fail_with_exception(request, "the callback threw an exception that is not a std::exception");
    }
#else
    static_cast<void>(co_await (*callable)(request));
#endif
}

/// Calls a callback that receives a Request and returns an awaitable.
template <class Request, class Callable, class Handle>
void invoke_awaitable(void *userdata, Handle *borrowed) noexcept {
    Request request(borrowed);
    auto owned = request.try_defer();
    if (owned) {
        await_deferred<Request, Callable>(*static_cast<std::shared_ptr<Callable> *>(userdata), *std::move(owned));
    } else {
        request.fail(owned.error().message());
    }
}
#endif

/// Passes a callback that receives a Request to C.
template <class Request, class Setter, class Handle, class Callable>
expected<void> set_request_callback(Setter setter, Handle *handle, Callable callable) {
#ifdef MCP_HPP_COROUTINES
    if constexpr (is_awaitable<std::invoke_result_t<Callable &, Request &>>) {
        if (is_empty(callable)) {
            return unexpected(empty_callback());
        }
        return set_callback(setter, handle, &invoke_awaitable<Request, Callable, typename Request::handle_type>,
                            std::make_shared<Callable>(std::move(callable)));
    } else
#endif
    {
        return set_callback(setter, handle, &invoke_request<Request, Callable, typename Request::handle_type>,
                            std::move(callable));
    }
}

template <class Callable> void invoke_assertion(void *userdata, mcp_oauth_assertion *borrowed) noexcept {
    oauth_assertion assertion(borrowed);
    invoke_or_fail(*static_cast<Callable *>(userdata), assertion);
}

/// The callbacks of a store; a callback that is not set is a std::nullopt_t.
template <class Load, class Save, class Lock, class Unlock> struct store_callbacks {
    Load load;
    Save save;
    Lock lock;
    Unlock unlock;
};

template <class Store, auto Member> void invoke_store(void *userdata, mcp_oauth_record *borrowed) noexcept {
    oauth_record record(borrowed);
    invoke_or_fail(static_cast<Store *>(userdata)->*Member, record);
}

template <class Callable> void invoke_log(void *userdata, std::int32_t level, const char *message) noexcept {
    invoke_ignoring_exceptions(*static_cast<Callable *>(userdata), static_cast<log_level>(level),
                               std::string_view(message));
}

template <class Callable>
void invoke_trace(void *userdata, std::int32_t direction, const char *text, std::size_t length) noexcept {
    invoke_ignoring_exceptions(*static_cast<Callable *>(userdata), static_cast<trace_direction>(direction),
                               std::string_view(text, length));
}

template <class Callable> void invoke_server_log(void *userdata, const mcp_json *message) noexcept {
    invoke_ignoring_exceptions(*static_cast<Callable *>(userdata), json_view(message));
}

template <class Callable> void invoke_change(void *userdata, const char *method, const mcp_json *params) noexcept {
    invoke_ignoring_exceptions(*static_cast<Callable *>(userdata), std::string_view(method), json_view(params));
}

/// The elements of a vector as a NULL-terminated array for C.
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

inline std::optional<error> validate(const text_array &argument) {
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
// OAuth
// ---------------------------------------------------------------------------------------------------------------------

/// OAuth settings: what the application is at authorization servers, and what it keeps of them.
///
///     mcp::oauth oauth;
///     oauth.use_browser();
///     oauth.use_folder();
///     client.set_oauth(oauth);
///     client.ping(); // the first time, the browser opens
///
/// A request without a token is sent first: a server that requires none causes no login. When the server responds with
/// 401, the call finds the authorization server that it names (specification 2026-07-28, "Authorization"), and
/// determines the client identifier: the one of set_client, else the URL of set_client_url, else one that it gets by
/// registering there. Later the token is refreshed without the user. A login that failed is not repeated before
/// client::login.
///
/// Several clients and threads may use the same settings: those with the same URL share one login, and one login or
/// refresh serves all calls that wait for it. The first client::set_oauth fixes the settings: setters throw
/// status::misuse from then on. Clients keep a reference: the object may be destroyed when neither finish() nor fail()
/// is needed.
///
/// A secret or a key that is set without an issuer is used only if the authorization server is on this machine or has
/// the origin of the MCP server: an MCP server must not determine where a secret is sent. Secrets and tokens appear in
/// no log message and no error.
class oauth {
  public:
    /// Creates settings for logins of the user, with tokens in memory.
    oauth() noexcept : oauth_(mcp_oauth_new()) {}

#ifdef __cpp_exceptions
    // --- The identity of the client ---

    /// Sets the client identifier that the authorization server has assigned, and its secret if it has one. `issuer`
    /// identifies the authorization server; std::nullopt means the one at which the identifier is used first. May be
    /// called for each of several issuers. If one is set, the library registers none.
    void set_client(std::optional<std::string_view> issuer, std::string_view client_id,
                    std::optional<std::string_view> client_secret = std::nullopt) {
        detail::value_or_throw(try_set_client(issuer, client_id, client_secret));
    }

    /// Sets the client identifier that the authorization server has assigned, and the private key with which the client
    /// authenticates (`private_key_jwt`; RFC 7523, section 2.2). The key is PEM text, not the path of a file. `key_id`
    /// selects the key at the authorization server, if the client has several there.
    ///
    /// Throws status::invalid_argument for a key that cannot be used.
    void set_client_key(std::optional<std::string_view> issuer, std::string_view client_id,
                        std::string_view private_key, std::optional<std::string_view> key_id = std::nullopt) {
        detail::value_or_throw(try_set_client_key(issuer, client_id, private_key, key_id));
    }

    /// Sets the URL of the document that describes the application (Client ID Metadata Document). It is the client
    /// identifier at every authorization server that supports such documents, unless one is set for it. std::nullopt
    /// removes it. Throws status::invalid_argument unless it is an https URL with a path.
    void set_client_url(std::optional<std::string_view> url) {
        detail::value_or_throw(try_set_client_url(url));
    }

    /// Allows or forbids the registration of the client at authorization servers where it has no identifier (RFC 7591).
    /// Allowed by default. `metadata` is the text of a JSON object whose members are added to the registration, such as
    /// "client_name" or "contacts".
    ///
    /// Throws status::invalid_argument for metadata that is not an object or contains a member that the library sets.
    void set_registration(bool allowed, std::optional<std::string_view> metadata = std::nullopt) {
        detail::value_or_throw(try_set_registration(allowed, metadata));
    }

    // --- Tokens ---

    /// Sets how tokens are obtained. Default: oauth_grant::login.
    void set_grant(oauth_grant grant) {
        detail::value_or_throw(try_set_grant(grant));
    }

    /// Sets the scopes to request, separated by spaces, instead of those that the MCP server publishes. Scopes that it
    /// requires in a challenge are added. std::nullopt restores the default.
    void set_scopes(std::optional<std::string_view> scopes) {
        detail::value_or_throw(try_set_scopes(scopes));
    }

    /// Sets the identifier of the MCP server for the authorization server (RFC 8707). std::nullopt means the published
    /// one (the default); "" sends none, which Microsoft Entra ID needs.
    void set_resource(std::optional<std::string_view> resource) {
        detail::value_or_throw(try_set_resource(resource));
    }

    /// Adds a parameter to the URL of a login, such as "login_hint" or "prompt", or to the token requests of the other
    /// grants, such as "audience"; std::nullopt removes it. Throws status::invalid_argument for a parameter that the
    /// library sets.
    void set_parameter(std::string_view name, std::optional<std::string_view> value) {
        detail::value_or_throw(try_set_parameter(name, value));
    }

    /// Switches a rule for authorization servers off, or on again. All are on by default.
    void allow(oauth_leniency leniency, bool allowed = true) {
        detail::value_or_throw(try_allow(leniency, allowed));
    }

    // --- Logins ---

    /// Sets the callback that starts a login: it shows oauth_request::url to the user, in a browser
    /// (mcp::open_browser), in a window, or as text. It can be any callable that accepts an oauth_request & (it may be
    /// move-only):
    ///
    ///     oauth.set_open([&window](mcp::oauth_request &request) {
    ///         window.show(std::string(request.url()), std::string(request.server()));
    ///     });
    ///
    /// It must return soon and not wait for the user: the call waits for the redirect afterwards. By default the
    /// library receives the redirect. If the application receives it (set_redirect), it calls finish(); if the callback
    /// itself does, oauth_request::finish. If the user gives up, call fail(). Over SSH, let the user open the URL on
    /// another machine, copy the address of the page that cannot be loaded there, and pass it to finish().
    ///
    /// It runs in queue::dispatch if the call that needs the token is queued, and otherwise on a thread of the library,
    /// with no lock held; neither its time nor that of the user counts against any timeout of a call. It must not make
    /// calls on a client with these settings, nor wait for one. An exception that leaves it ends the call, and the
    /// calls that wait for the same login, with status::login_failed. The message contains its what(), and error::cause
    /// returns the exception. Without exceptions, use oauth_request::fail.
    ///
    /// The callable is moved into the settings, and destroyed after its last call, on any thread. Throws
    /// status::invalid_argument if it is empty.
    template <class Callable> void set_open(Callable callable) {
        detail::value_or_throw(try_set_open(std::move(callable)));
    }

    /// Removes the open callback (the default): a call that needs a login fails with status::login_required.
    void set_open(std::nullopt_t) {
        detail::value_or_throw(try_set_open(std::nullopt));
    }

    /// Opens logins with mcp::open_browser. Replaces an open callback. If no browser can be opened, as over SSH, the
    /// call fails with status::login_failed.
    void use_browser() {
        detail::value_or_throw(try_use_browser());
    }

    /// Sets the redirect URI. Default: "http://127.0.0.1/callback".
    ///
    /// - "http://127.0.0.1/path" or "http://localhost/path": the library receives the redirect, at any free port, or at
    ///   the port of the URI
    /// - an https URL, or a private scheme such as "com.example.app:/oauth": the application receives the redirect and
    ///   calls finish(). Prefer an https URL that the system opens with the application (app link, universal link):
    ///   other applications can claim a private scheme
    ///
    /// Throws status::invalid_argument for any other URI.
    void set_redirect(std::string_view uri) {
        detail::value_or_throw(try_set_redirect(uri));
    }

    /// Sets when logins start, and how long a login waits for the user; 0 means without limit. Default:
    /// oauth_when::needed, 5 minutes.
    void set_login(oauth_when when, duration timeout) {
        detail::value_or_throw(try_set_login(when, timeout));
    }

    /// Finishes a login with the whole URL to which the authorization server redirected: one that the system passed to
    /// the application, or that the user copied from a browser. May be called from any thread at any time. Throws
    /// status::invalid_argument if no login waits for this redirect.
    void finish(std::string_view redirect_url) {
        detail::value_or_throw(try_finish(redirect_url));
    }

    /// Ends the login with this oauth_request::url, for example because the user closed the window: the call that
    /// waits fails with status::login_failed, and the reason is in its message. May be called from any thread at any
    /// time. Throws status::invalid_argument if no login with this URL waits. A reason that is not UTF-8 or contains a
    /// NUL is replaced by a fixed text.
    void fail(std::string_view url, std::string_view reason) {
        detail::value_or_throw(try_fail(url, reason));
    }

    /// Ends the login, and attaches an exception, which error::cause returns.
    void fail(std::string_view url, std::string_view reason, std::exception_ptr cause) {
        detail::value_or_throw(try_fail(url, reason, cause));
    }

    // --- Storage ---

    /// Sets the callbacks of a store for registrations and tokens, for example a keychain. Each can be any callable
    /// that accepts an oauth_record &:
    ///
    ///     oauth.set_store([&](mcp::oauth_record &record) { if (auto text = vault.read(record.key())) ... },
    ///                     [&](mcp::oauth_record &record) { vault.write(record.key(), record.text()); });
    ///
    /// `load` passes the stored text to oauth_record::set_text, or does nothing if there is none. `save` stores
    /// oauth_record::text, or removes the record if that is std::nullopt. `lock` waits until no other process has
    /// locked the record, and locks it; `unlock` may run on another thread. Both may be std::nullopt if no other
    /// process uses the records.
    ///
    /// They run on the thread of a call or on a thread of the library, possibly on several threads at the same time,
    /// and neither a cancel token nor client::close interrupts them. They must not make calls on a client with these
    /// settings, nor wait for one. An exception that leaves them ends the call with status::oauth_failed, and the
    /// message contains its what().
    ///
    /// The callables are moved into the settings, and destroyed after their last call, on any thread. Throws
    /// status::invalid_argument if one is empty, or if there is only one of `lock` and `unlock`.
    template <class Load, class Save, class Lock = std::nullopt_t, class Unlock = std::nullopt_t>
    void set_store(Load load, Save save, Lock lock = std::nullopt, Unlock unlock = std::nullopt) {
        detail::value_or_throw(try_set_store(std::move(load), std::move(save), std::move(lock), std::move(unlock)));
    }

    /// Removes the callbacks of a store, or the folder: registrations and tokens are kept in memory (the default).
    void set_store(std::nullopt_t) {
        detail::value_or_throw(try_set_store(std::nullopt));
    }

    /// Keeps registrations and tokens in files in this folder, which only the user can read. Processes may share a
    /// folder. std::nullopt means "libmcp/oauth" in $XDG_STATE_HOME (usually ~/.local/state). Replaces a store. A call
    /// that cannot read or write a file fails with status::system_error.
    void use_folder(std::optional<std::string_view> path = std::nullopt) {
        detail::value_or_throw(try_use_folder(path));
    }

    // --- Assertions ---

    /// Sets the callback that provides the assertions for oauth_grant::assertion, such as the identity token of a
    /// workload. It can be any callable that accepts an oauth_assertion & (it may be move-only):
    ///
    ///     oauth.set_assertion([](mcp::oauth_assertion &assertion) {
    ///         assertion.set(identity_token(assertion.audience()));
    ///     });
    ///
    /// It runs for each request of a token, on the thread of the call that needs it, with no lock held; its time does
    /// not count against any timeout. It must not make calls on a client with these settings, nor wait for one. An
    /// exception that leaves it ends the call with status::oauth_failed, and the message contains its what().
    ///
    /// The assertion is sent only to an authorization server whose issuer is set (set_client), is on this machine, or
    /// is on the origin of the MCP server.
    ///
    /// The callable is moved into the settings, and destroyed after its last call, on any thread. Throws
    /// status::invalid_argument if it is empty.
    template <class Callable> void set_assertion(Callable callable) {
        detail::value_or_throw(try_set_assertion(std::move(callable)));
    }

    /// Removes the assertion callback.
    void set_assertion(std::nullopt_t) {
        detail::value_or_throw(try_set_assertion(std::nullopt));
    }

    /// Exchanges assertions at the identity provider of an enterprise first (Enterprise-Managed Authorization): the
    /// assertion callback provides an ID token of that provider, whose token endpoint and client this function sets.
    void set_identity(std::string_view token_endpoint, std::string_view client_id,
                      std::optional<std::string_view> client_secret = std::nullopt) {
        detail::value_or_throw(try_set_identity(token_endpoint, client_id, client_secret));
    }
#endif

    /// Non-throwing form of set_client().
    [[nodiscard]] expected<void> try_set_client(std::optional<std::string_view> issuer, std::string_view client_id,
                                                std::optional<std::string_view> client_secret = std::nullopt) {
        return detail::call(mcp_oauth_set_client, oauth_.get(), detail::text(issuer, "the issuer"),
                            detail::text(client_id, "the client identifier"),
                            detail::text(client_secret, "the client secret"));
    }

    /// Non-throwing form of set_client_key().
    [[nodiscard]] expected<void> try_set_client_key(std::optional<std::string_view> issuer, std::string_view client_id,
                                                    std::string_view private_key,
                                                    std::optional<std::string_view> key_id = std::nullopt) {
        return detail::call(mcp_oauth_set_client_key, oauth_.get(), detail::text(issuer, "the issuer"),
                            detail::text(client_id, "the client identifier"),
                            detail::text(private_key, "the private key"), detail::text(key_id, "the key's identifier"));
    }

    /// Non-throwing form of set_client_url().
    [[nodiscard]] expected<void> try_set_client_url(std::optional<std::string_view> url) {
        return detail::call(mcp_oauth_set_client_url, oauth_.get(), detail::text(url, "the client's URL"));
    }

    /// Non-throwing form of set_registration().
    [[nodiscard]] expected<void> try_set_registration(bool allowed,
                                                      std::optional<std::string_view> metadata = std::nullopt) {
        const detail::json_text text(metadata);
        return detail::call(mcp_oauth_set_registration, oauth_.get(), allowed, text.start, text.length);
    }

    /// Non-throwing form of set_grant().
    [[nodiscard]] expected<void> try_set_grant(oauth_grant grant) {
        return detail::call(mcp_oauth_set_grant, oauth_.get(), static_cast<std::int32_t>(grant));
    }

    /// Non-throwing form of set_scopes().
    [[nodiscard]] expected<void> try_set_scopes(std::optional<std::string_view> scopes) {
        return detail::call(mcp_oauth_set_scopes, oauth_.get(), detail::text(scopes, "the list of scopes"));
    }

    /// Non-throwing form of set_resource().
    [[nodiscard]] expected<void> try_set_resource(std::optional<std::string_view> resource) {
        return detail::call(mcp_oauth_set_resource, oauth_.get(), detail::text(resource, "the resource"));
    }

    /// Non-throwing form of set_parameter().
    [[nodiscard]] expected<void> try_set_parameter(std::string_view name, std::optional<std::string_view> value) {
        return detail::call(mcp_oauth_set_parameter, oauth_.get(), detail::text(name, "the parameter's name"),
                            detail::text(value, "the parameter's value"));
    }

    /// Non-throwing form of allow().
    [[nodiscard]] expected<void> try_allow(oauth_leniency leniency, bool allowed = true) {
        return detail::call(mcp_oauth_allow, oauth_.get(), static_cast<std::int32_t>(leniency), allowed);
    }

    /// Non-throwing form of set_open().
    template <class Callable> [[nodiscard]] expected<void> try_set_open(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, oauth_request &>,
                      "an open callback is called with an mcp::oauth_request &");
        return detail::set_request_callback<oauth_request>(mcp_oauth_set_open, oauth_.get(), std::move(callable));
    }

    /// Non-throwing form of set_open(std::nullopt).
    [[nodiscard]] expected<void> try_set_open(std::nullopt_t) {
        return detail::call(mcp_oauth_set_open, oauth_.get(), nullptr, nullptr, nullptr);
    }

    /// Non-throwing form of use_browser().
    [[nodiscard]] expected<void> try_use_browser() {
        return detail::call(mcp_oauth_use_browser, oauth_.get());
    }

    /// Non-throwing form of set_redirect().
    [[nodiscard]] expected<void> try_set_redirect(std::string_view uri) {
        return detail::call(mcp_oauth_set_redirect, oauth_.get(), detail::text(uri, "the redirect URI"));
    }

    /// Non-throwing form of set_login().
    [[nodiscard]] expected<void> try_set_login(oauth_when when, duration timeout) {
        return detail::call(mcp_oauth_set_login, oauth_.get(), static_cast<std::int32_t>(when), timeout);
    }

    /// Non-throwing form of finish().
    [[nodiscard]] expected<void> try_finish(std::string_view redirect_url) {
        return detail::call(mcp_oauth_finish, oauth_.get(), detail::text(redirect_url, "the redirect URL"));
    }

    /// Non-throwing form of fail().
    [[nodiscard]] expected<void> try_fail(std::string_view url, std::string_view reason) {
        return end_login(url, reason, nullptr, nullptr);
    }

#ifdef __cpp_exceptions
    /// Non-throwing form of fail() with a cause.
    [[nodiscard]] expected<void> try_fail(std::string_view url, std::string_view reason, std::exception_ptr cause) {
        return end_login(url, reason, new std::exception_ptr(std::move(cause)), &detail::destroy<std::exception_ptr>);
    }
#endif

    /// Non-throwing form of set_store().
    template <class Load, class Save, class Lock = std::nullopt_t, class Unlock = std::nullopt_t>
    [[nodiscard]] expected<void> try_set_store(Load load, Save save, Lock lock = std::nullopt,
                                               Unlock unlock = std::nullopt) {
        static_assert(std::is_invocable_v<Load &, oauth_record &> && std::is_invocable_v<Save &, oauth_record &>,
                      "the callbacks of a store are called with an mcp::oauth_record &");
        using store = detail::store_callbacks<Load, Save, Lock, Unlock>;
        if (detail::is_empty(load) || detail::is_empty(save) || detail::is_empty(lock) || detail::is_empty(unlock)) {
            return unexpected(detail::empty_callback());
        }
        void *owned = new store{std::move(load), std::move(save), std::move(lock), std::move(unlock)};
        return detail::call(mcp_oauth_set_store, oauth_.get(), &detail::invoke_store<store, &store::load>,
                            &detail::invoke_store<store, &store::save>, optional_callback<store, &store::lock, Lock>(),
                            optional_callback<store, &store::unlock, Unlock>(), owned, &detail::destroy<store>);
    }

    /// Non-throwing form of set_store(std::nullopt).
    [[nodiscard]] expected<void> try_set_store(std::nullopt_t) {
        return detail::call(mcp_oauth_set_store, oauth_.get(), nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    }

    /// Non-throwing form of use_folder().
    [[nodiscard]] expected<void> try_use_folder(std::optional<std::string_view> path = std::nullopt) {
        return detail::call(mcp_oauth_use_folder, oauth_.get(), detail::text(path, "the folder's path"));
    }

    /// Non-throwing form of set_assertion().
    template <class Callable> [[nodiscard]] expected<void> try_set_assertion(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, oauth_assertion &>,
                      "an assertion callback is called with an mcp::oauth_assertion &");
        return detail::set_callback(mcp_oauth_set_assertion, oauth_.get(), detail::invoke_assertion<Callable>,
                                    std::move(callable));
    }

    /// Non-throwing form of set_assertion(std::nullopt).
    [[nodiscard]] expected<void> try_set_assertion(std::nullopt_t) {
        return detail::call(mcp_oauth_set_assertion, oauth_.get(), nullptr, nullptr, nullptr);
    }

    /// Non-throwing form of set_identity().
    [[nodiscard]] expected<void> try_set_identity(std::string_view token_endpoint, std::string_view client_id,
                                                  std::optional<std::string_view> client_secret = std::nullopt) {
        return detail::call(mcp_oauth_set_identity, oauth_.get(), detail::text(token_endpoint, "the token endpoint"),
                            detail::text(client_id, "the client identifier"),
                            detail::text(client_secret, "the client secret"));
    }

  private:
    friend class client;

    /// The function for C of a callback that may be std::nullopt.
    template <class Store, auto Member, class Callable> static mcp_oauth_record_fn optional_callback() noexcept {
        if constexpr (std::is_same_v<Callable, std::nullopt_t>) {
            return nullptr;
        } else {
            static_assert(std::is_invocable_v<Callable &, oauth_record &>,
                          "the callbacks of a store are called with an mcp::oauth_record &");
            return &detail::invoke_store<Store, Member>;
        }
    }

    /// Ends a login. C destroys the cause, also on failure.
    expected<void> end_login(std::string_view url, std::string_view reason, void *cause, mcp_destroy_fn destroy) {
        const detail::text c_url(url, "the URL");
        const std::string c_reason = detail::valid_reason(reason);
        // C gets an empty URL, which fits no login, in place of one with a NUL, so that it destroys the cause.
        const char *usable_url = c_url.has_nul() ? "" : c_url.c_str();
        const auto outcome = detail::call(mcp_oauth_fail, oauth_.get(), usable_url, c_reason.c_str(), cause, destroy);
        const auto invalid = detail::validate(c_url);
        return invalid ? expected<void>(unexpected(*invalid)) : outcome;
    }

    std::unique_ptr<mcp_oauth, detail::deleter<mcp_oauth_free>> oauth_;
};

/// Non-throwing form of open_browser().
[[nodiscard]] inline expected<void> try_open_browser(std::string_view url) {
    return detail::call(mcp_open_browser, detail::text(url, "the URL"));
}

#ifdef __cpp_exceptions
/// Opens an http or https URL in the user's browser. Blocks for at most 2 seconds for each command that is tried, to
/// detect whether it fails; mcp_open_browser has the details. Throws status::invalid_argument for another URL,
/// status::system_error if no browser can be opened.
inline void open_browser(std::string_view url) {
    detail::value_or_throw(try_open_browser(url));
}
#endif

// ---------------------------------------------------------------------------------------------------------------------
// Paginated lists
// ---------------------------------------------------------------------------------------------------------------------

/// The pages of a list: an input range whose ++ requests the next page from the server. With Page = json, a failure
/// throws the error; with Page = expected<json>, the error is the last page. The range can be iterated once, and moved
/// until begin() is called; its client must outlive it. Iteration ends at a cursor that was already used, because some
/// servers return the same cursor with every page.
///
///     for (const mcp::json &page : client.tool_pages())
///         for (mcp::json_view tool : page["tools"].elements()) ...
template <class Page> class page_range {
  public:
    using function = mcp_status (*)(mcp_client *, const char *, const mcp_options *, mcp_json **, mcp_error **);

    page_range(function fetch_page, mcp_client *client, options opts) noexcept
        : fetch_page_(fetch_page), client_(client), options_(std::move(opts)) {}

    class iterator {
      public:
        using value_type = Page;
        using reference = const Page &;
        using pointer = const Page *;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        /// The end iterator.
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

    /// Requests the first page.
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
        expected<json> page = detail::get_json(fetch_page_, client_, detail::text(cursor_, "the cursor"), options_);
        is_last_ = true;
        if (page) {
            // An empty text is a valid cursor.
            if (const expected<std::string> next = (*page)["nextCursor"].try_copy_string()) {
                cursor_ = *next;
                is_last_ = seen_cursors_.size() < max_seen_cursors ? !seen_cursors_.insert(*next).second
                                                                   : seen_cursors_.count(*next) > 0;
            }
        }
        if constexpr (std::is_same_v<Page, json>) {
#ifdef __cpp_exceptions
            page_ = detail::value_or_throw(std::move(page));
#endif
        } else {
            page_ = std::move(page);
        }
    }

    /// Limits the memory for cursors: later ones are not remembered, but iteration can continue.
    static constexpr std::size_t max_seen_cursors = 10000;

    function fetch_page_;
    mcp_client *client_;
    options options_;
    std::optional<std::string> cursor_;
    std::set<std::string> seen_cursors_;
    std::optional<Page> page_;
    bool is_last_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------
// Configuration files
// ---------------------------------------------------------------------------------------------------------------------

/// Non-throwing form of config_names().
[[nodiscard]] inline expected<json> try_config_names(std::string_view path) {
    return detail::get_json(mcp_config_names, detail::text(path, "the path"));
}

/// Non-throwing form of config_names_text().
[[nodiscard]] inline expected<json> try_config_names_text(std::string_view configuration) {
    const detail::json_text text(configuration);
    return detail::get_json(mcp_config_names_text, text.start, text.length);
}

/// Non-throwing form of config_servers().
[[nodiscard]] inline expected<json> try_config_servers(std::string_view path) {
    return detail::get_json(mcp_config_servers, detail::text(path, "the path"));
}

#ifdef __cpp_exceptions
/// Returns the names of all servers of a configuration file, including disabled ones, as an array in the order of the
/// file. See client::from_config. Throws status::config_invalid if the file cannot be read or is invalid.
[[nodiscard]] inline json config_names(std::string_view path) {
    return detail::value_or_throw(try_config_names(path));
}

/// Returns the names of all servers of a configuration, including disabled ones, as an array in their order. The text
/// has the format of a configuration file. Throws status::config_invalid if it is invalid.
[[nodiscard]] inline json config_names_text(std::string_view configuration) {
    return detail::value_or_throw(try_config_names_text(configuration));
}

/// Returns the servers of a configuration file, as an array in the order of the file. Each element is an object with
/// "name" and "disabled", which is true if the file disables the server. Throws status::config_invalid if the file
/// cannot be read or is invalid.
[[nodiscard]] inline json config_servers(std::string_view path) {
    return detail::value_or_throw(try_config_servers(path));
}
#endif

// ---------------------------------------------------------------------------------------------------------------------
// Clients
// ---------------------------------------------------------------------------------------------------------------------

/// A client for one server. Several threads may use it at the same time, also for the first call: they share one
/// negotiation. The client manages connections, the session and the protocol version; it re-establishes lost sessions.
///
/// The destructor never uses the network: to end the session with the server properly, call close() first. No call may
/// be in progress when the destructor runs; close() from another thread ends running calls. The destructor waits for
/// the library's reader threads of this client, including a log callback that runs on one of them, and up to 4 seconds
/// for the end of a server process.
///
/// Settings marked "before the first call" fail with status::misuse after the first call that contacted the server. All
/// other settings may be changed at any time, from any thread, and take effect with the next request.
class client {
  public:
#ifdef __cpp_exceptions
    /// Creates a client for the server at `url`, for example "https://example.com/mcp". Nothing is sent: the first call
    /// connects.
    ///
    /// The URL is used unchanged, with or without a trailing slash, because servers distinguish the two. Its scheme is
    /// http or https. It must not contain a user name, a password or non-ASCII characters (percent-encode them).
    ///
    /// Throws status::invalid_argument for an invalid URL, status::system_error if no file descriptor is available.
    explicit client(std::string_view url) : client(detail::value_or_throw(try_new(url))) {}
#endif

    /// Non-throwing form of the constructor.
    [[nodiscard]] static expected<client> try_new(std::string_view url) {
        return make(mcp_client_new, detail::text(url, "the URL"));
    }

#ifdef __cpp_exceptions
    /// Creates a client for a server that runs as a child process and communicates over its standard streams
    /// (specification 2026-07-28, "stdio"). `command` is the program and its arguments; no shell is used. The first
    /// call starts the process; if it has ended, the next call starts it again.
    ///
    /// The process inherits HOME, LOGNAME, PATH, SHELL, TERM and USER and no descriptors except its three streams, and
    /// gets its own process group. Its stderr output goes to the log or to a file (set_stderr_file). close() and the
    /// destructor close its stdin; if it does not exit within 2 seconds, its group gets SIGTERM, and after 2 more
    /// seconds SIGKILL (set_stop_timeout).
    ///
    /// Credentials, headers and all other HTTP settings throw status::misuse for such a client: pass configuration to
    /// the server in its environment (set_environment).
    ///
    /// Throws status::invalid_argument for an empty command.
    [[nodiscard]] static client for_process(const std::vector<std::string> &command) {
        return detail::value_or_throw(try_for_process(command));
    }

    /// Creates a client for a server at the other end of open streams, with one message per line: a socket pair or
    /// pipes to a thread of the program, a vsock or serial connection, a process that the program has started itself.
    /// The client reads from `in` and writes to `out`, which may be the same descriptor. It owns both from now on, also
    /// if this function throws: it makes them non-blocking, and closes them with close() or in its destructor. `name`
    /// identifies the server in errors and log messages.
    ///
    /// If the streams end, calls throw status::disconnected: make a new client. HTTP settings and those of a server
    /// process throw status::misuse for such a client.
    ///
    /// Throws status::invalid_argument for a descriptor that is not open, or an empty name.
    [[nodiscard]] static client for_fds(int in, int out, std::string_view name) {
        return detail::value_or_throw(try_for_fds(in, out, name));
    }

    /// Creates a client for a server from a configuration file, in the format that FastMCP, editors and desktop clients
    /// share: a JSON object with "mcpServers" (or "servers", or "mcp" that contains "servers"). It maps each server's
    /// name to an object with
    ///
    /// - "url" (or "httpUrl" or "serverUrl"), and optionally "transport" or "type" ("http", "streamable-http" or
    ///   "sse"), "headers", "auth", which is a bearer token or "oauth", and "oauth", the settings for it; or
    /// - "command", and optionally "args", "env", "envFile" and "cwd", for a server that runs as a child process;
    /// - optionally "timeout", in milliseconds.
    ///
    /// Comments and trailing commas are allowed; mcp_client_new_from_config has the details. `${NAME}` in a text stands
    /// for an environment variable, `${NAME:-text}` for one with a default. `name` selects the server; std::nullopt
    /// selects the only enabled server of the file. With "oauth", logins open the user's browser, and the tokens are
    /// kept in the folder of oauth::use_folder; set_oauth replaces that. Throws status::config_invalid, with a message
    /// that names the key.
    [[nodiscard]] static client from_config(std::string_view path,
                                            std::optional<std::string_view> name = std::nullopt) {
        return detail::value_or_throw(try_from_config(path, name));
    }

    /// Creates a client for a server from the text of a configuration, which has the format of the file of
    /// from_config(): for a program that keeps its settings elsewhere. A relative "envFile" starts at the working
    /// directory of this process.
    [[nodiscard]] static client from_config_text(std::string_view configuration,
                                                 std::optional<std::string_view> name = std::nullopt) {
        return detail::value_or_throw(try_from_config_text(configuration, name));
    }
#endif

    /// Non-throwing form of for_process().
    [[nodiscard]] static expected<client> try_for_process(const std::vector<std::string> &command) {
        return make(mcp_client_new_stdio, detail::text_array(command, "the command"));
    }

    /// Non-throwing form of for_fds().
    [[nodiscard]] static expected<client> try_for_fds(int in, int out, std::string_view name) {
        const detail::text checked(name, "the name");
        if (checked.has_nul()) {
            // It is refused below, without a call of the C function, which also closes the descriptors.
            mcp_client_free(mcp_client_new_fds(in, out, nullptr, nullptr));
        }
        return make(mcp_client_new_fds, in, out, checked);
    }

    /// Non-throwing form of from_config().
    [[nodiscard]] static expected<client> try_from_config(std::string_view path,
                                                          std::optional<std::string_view> name = std::nullopt) {
        return make(mcp_client_new_from_config, detail::text(path, "the path"), detail::text(name, "the name"));
    }

    /// Non-throwing form of from_config_text().
    [[nodiscard]] static expected<client> try_from_config_text(std::string_view configuration,
                                                               std::optional<std::string_view> name = std::nullopt) {
        const detail::json_text text(configuration);
        return make(mcp_client_new_from_config_text, text.start, text.length, detail::text(name, "the name"));
    }

    /// Returns the name of the client: the one that was set with set_name, or that the server has in its configuration
    /// file; otherwise the host of the URL, or the program. Valid as long as the client exists; empty for a client that
    /// was moved from.
    std::string_view name() const noexcept {
        return mcp_client_name(client_.get());
    }

#ifdef __cpp_exceptions
    // --- Calls ---

    /// Connects: negotiates the protocol version, and opens a session if that version has sessions. Optional, because
    /// every call connects when necessary; useful to detect problems early. Does not always detect a bad token: some
    /// servers check credentials only later.
    void connect(const options &opts = {}) {
        detail::value_or_throw(try_connect(opts));
    }

    /// Checks that the server responds. Never answered from the cache: each call contacts the server.
    ///
    /// With a legacy server this is the protocol's `ping`. Versions from 2026-07-28 on have no ping; the client sends
    /// `server/discover` instead, which every server of those versions implements.
    ///
    /// Success means that the server responded, not that it accepts the token for its tools: a server may allow this
    /// request without credentials. If it does not, a missing or wrong token throws status::unauthorized.
    void ping(const options &opts = {}) {
        detail::value_or_throw(try_ping(opts));
    }

    /// Returns the server's description of itself from the negotiation, as an object. Connects first if necessary;
    /// otherwise sends nothing.
    ///
    /// - "protocolVersion": the negotiated version, such as "2025-11-25"
    /// - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
    /// - "transport": "streamable-http", "sse" or "stdio"
    /// - "serverInfo": an object with "name" and "version", if the server sends it
    /// - "capabilities": the server's capabilities
    /// - "instructions": how to use the server, if it sends that
    /// - "supportedVersions": all versions that a modern server supports
    ///
    /// The content is not verified: use it for display only.
    [[nodiscard]] json server_info(const options &opts = {}) {
        return detail::value_or_throw(try_server_info(opts));
    }

    /// Closes the client. Every call in progress, on any thread, ends with status::closed, and so does every later
    /// call. A legacy server is notified that the session has ended (HTTP DELETE; with HTTP+SSE the event stream is
    /// closed). A second close has no effect. May be called from any thread at any time.
    ///
    /// The timeout of the options, or else of the client, limits the time for notifying the server; their cancel token
    /// ends it early. An error means that the server could not be notified; the client is closed anyway.
    void close(const options &opts = {}) {
        detail::value_or_throw(try_close(opts));
    }

    // --- Tools ---

    /// Returns all tools of the server: an object with "tools", an array that combines all pages. Each tool has a
    /// "name", usually a "description", and an "inputSchema", the JSON schema of its arguments (specification
    /// 2026-07-28, "Tools"). Throws status::endless if there are too many pages.
    [[nodiscard]] json list_tools(const options &opts = {}) {
        return detail::value_or_throw(try_list_tools(opts));
    }

    /// Returns the server's tools page by page. The options are moved into the range.
    [[nodiscard]] page_range<json> tool_pages(options opts = {}) & {
        return {mcp_list_tools_page, client_.get(), std::move(opts)};
    }
    page_range<json> tool_pages(options opts = {}) && = delete;

    /// Calls a tool. `arguments` is the text of a JSON object, or std::nullopt for none. Throws a tool_error **if the
    /// tool reports a failure**; try_call_tool returns such a result, and tool_result::is_error is true.
    ///
    /// The client never calls a tool twice: if it is not known whether the server executed the call, it is not sent
    /// again. During the call the server may request input from the handlers that are set.
    tool_result call_tool(std::string_view name, std::optional<std::string_view> arguments = std::nullopt,
                          const options &opts = {}) {
        return throw_if_failed(try_call_tool(name, arguments, opts));
    }

    /// Calls a tool without arguments, with options.
    tool_result call_tool(std::string_view name, const options &opts) {
        return call_tool(name, std::nullopt, opts);
    }

    // --- Tasks: long-running tools ---

    /// Calls a tool like call_tool, but also accepts a task instead of a result: the server continues the work after
    /// this function returns. tool_result::task_id distinguishes a task from a result. A modern server decides whether
    /// to start a task; on servers of 2025-11-25 every tool that supports tasks starts one; older servers have no
    /// tasks.
    tool_result call_tool_as_task(std::string_view name, std::optional<std::string_view> arguments = std::nullopt,
                                  const options &opts = {}) {
        return throw_if_failed(try_call_tool_as_task(name, arguments, opts));
    }

    /// Calls a tool as a task, without arguments, with options.
    tool_result call_tool_as_task(std::string_view name, const options &opts) {
        return call_tool_as_task(name, std::nullopt, opts);
    }

    /// Returns the state of a task: an object with "taskId", "status" ("working", "input_required", "completed",
    /// "failed" or "cancelled"), and optionally "statusMessage". On modern servers a completed task contains its
    /// "result", a failed one its "error".
    [[nodiscard]] json get_task(std::string_view id, const options &opts = {}) {
        return detail::value_or_throw(try_get_task(id, opts));
    }

    /// Sends inputs that a task of a modern server requests: `responses` is the text of a JSON object with a result for
    /// each key of the task's "inputRequests". wait_task does this automatically.
    void update_task(std::string_view id, std::string_view responses, const options &opts = {}) {
        detail::value_or_throw(try_update_task(id, responses, opts));
    }

    /// Sends a request to cancel a task. The task may still complete.
    void cancel_task(std::string_view id, const options &opts = {}) {
        detail::value_or_throw(try_cancel_task(id, opts));
    }

    /// Waits for the end of a task and returns the result of the tool. Handlers that are set respond to the input
    /// requests of the task; a progress callback receives each new "statusMessage". Throws status::rpc_error or a
    /// tool_error if the task failed, status::task_cancelled if it was cancelled. If this call ends early, the task
    /// continues.
    tool_result wait_task(std::string_view id, const options &opts = {}) {
        return throw_if_failed(try_wait_task(id, opts));
    }

    // --- Resources ---

    /// Returns all resources of the server: an object with "resources", an array. Each resource has a "uri" and a
    /// "name" (specification 2026-07-28, "Resources").
    [[nodiscard]] json list_resources(const options &opts = {}) {
        return detail::value_or_throw(try_list_resources(opts));
    }

    /// Returns the server's resources page by page. The options are moved into the range.
    [[nodiscard]] page_range<json> resource_pages(options opts = {}) & {
        return {mcp_list_resources_page, client_.get(), std::move(opts)};
    }
    page_range<json> resource_pages(options opts = {}) && = delete;

    /// Returns all resource templates of the server: an object with "resourceTemplates", an array. Each template has a
    /// "uriTemplate" (RFC 6570) and a "name".
    [[nodiscard]] json list_resource_templates(const options &opts = {}) {
        return detail::value_or_throw(try_list_resource_templates(opts));
    }

    /// Returns the server's resource templates page by page. The options are moved into the range.
    [[nodiscard]] page_range<json> resource_template_pages(options opts = {}) & {
        return {mcp_list_resource_templates_page, client_.get(), std::move(opts)};
    }
    page_range<json> resource_template_pages(options opts = {}) && = delete;

    /// Reads a resource. Returns an object with "contents", an array; each element has a "uri", optionally a
    /// "mimeType", and either "text" or "blob", which is base64 (json_view::copy_base64). Throws status::rpc_error if
    /// the resource does not exist, with code -32602, or -32002 on servers up to 2025-11-25.
    [[nodiscard]] json read_resource(std::string_view uri, const options &opts = {}) {
        return detail::value_or_throw(try_read_resource(uri, opts));
    }

    // --- Prompts and argument completion ---

    /// Returns all prompts of the server: an object with "prompts", an array. Each prompt has a "name", and optionally
    /// "arguments" (specification 2026-07-28, "Prompts").
    [[nodiscard]] json list_prompts(const options &opts = {}) {
        return detail::value_or_throw(try_list_prompts(opts));
    }

    /// Returns the server's prompts page by page. The options are moved into the range.
    [[nodiscard]] page_range<json> prompt_pages(options opts = {}) & {
        return {mcp_list_prompts_page, client_.get(), std::move(opts)};
    }
    page_range<json> prompt_pages(options opts = {}) && = delete;

    /// Returns a prompt with its arguments filled in: an object with "messages", an array; each message has a "role"
    /// and a "content". `arguments` is the text of a JSON object of strings, or std::nullopt for none.
    [[nodiscard]] json get_prompt(std::string_view name, std::optional<std::string_view> arguments = std::nullopt,
                                  const options &opts = {}) {
        return detail::value_or_throw(try_get_prompt(name, arguments, opts));
    }

    /// Returns a prompt without arguments, with options.
    [[nodiscard]] json get_prompt(std::string_view name, const options &opts) {
        return get_prompt(name, std::nullopt, opts);
    }

    /// Returns completions for an argument of a prompt that begin with `value`. `context` is the text of a JSON object
    /// with the arguments that are already known, or std::nullopt. The result is an object whose "completion" has
    /// "values", an array of at most 100 texts, and optionally "total" and "hasMore" (specification 2026-07-28,
    /// "Completion").
    [[nodiscard]] json complete_prompt(std::string_view prompt, std::string_view argument, std::string_view value,
                                       std::optional<std::string_view> context = std::nullopt,
                                       const options &opts = {}) {
        return detail::value_or_throw(try_complete_prompt(prompt, argument, value, context, opts));
    }

    /// Returns completions for an argument of a resource template, which is identified by its "uriTemplate". Parameters
    /// and result as for complete_prompt.
    [[nodiscard]] json complete_resource(std::string_view uri_template, std::string_view argument,
                                         std::string_view value, std::optional<std::string_view> context = std::nullopt,
                                         const options &opts = {}) {
        return detail::value_or_throw(try_complete_resource(uri_template, argument, value, context, opts));
    }

    // --- Change notifications, and the server's log ---

    /// Receives change notifications. Blocks until cancelled or closed. `uris` are resources to watch for updates. The
    /// callback can be any callable that accepts the method of a notification (std::string_view) and its params
    /// (json_view, missing if there are none); both are valid until it returns:
    ///
    ///     client.listen(mcp::change::tools, {}, [](std::string_view method, mcp::json_view) { ... },
    ///                   mcp::options().cancel(token));
    ///
    /// The methods are "notifications/tools/list_changed", "notifications/prompts/list_changed",
    /// "notifications/resources/list_changed", and "notifications/resources/updated" with the "uri". The callback runs
    /// on this thread, in queue::dispatch if the call is queued, with no lock held, and may make calls on the client.
    /// An exception that leaves it is discarded: to stop listening, use a cancel token.
    ///
    /// If the connection breaks, it is re-established, until five attempts in a row have failed; changes during the
    /// interruption are not reported. The timeout applies only to opening the stream. Returns normally if the server
    /// ended the subscription properly; throws an error in every other case. Throws status::invalid_argument if there
    /// is nothing to listen for or the callback is empty.
    template <class Callable>
    void listen(change changes, const std::vector<std::string> &uris, Callable callable, const options &opts = {}) {
        detail::value_or_throw(try_listen(changes, uris, std::move(callable), opts));
    }

    /// Sets the callback that receives the server's log messages: objects with "level", "data", and optionally "logger"
    /// (specification 2026-07-28, "Logging"). It can be any callable that accepts a json_view, which is valid until it
    /// returns. Most servers send no messages before request_server_log.
    ///
    /// It runs on the thread of the call whose response carried the message, in queue::dispatch if the call is queued;
    /// if the message belongs to no call, in the queue of set_queue, or else on the library's reader thread. An
    /// exception that leaves it is discarded. The other rules are those of set_log.
    template <class Callable> void set_server_log(Callable callable) {
        detail::value_or_throw(try_set_server_log(std::move(callable)));
    }

    /// Removes the callback for the server's log messages.
    void set_server_log(std::nullopt_t) {
        detail::value_or_throw(try_set_server_log(std::nullopt));
    }

    /// Sets the callback that receives all notifications of the server, also those of extensions, and those that other
    /// callbacks receive, such as progress, log messages and changes; it runs before them. It can be any callable that
    /// accepts a std::string_view and a json_view (it may be move-only):
    ///
    ///     client.set_notification([](std::string_view method, mcp::json_view params) {
    ///         if (method == "notifications/tasks/status")
    ///             show(params["status"].string());
    ///     });
    ///
    /// `params` is empty if the server sends none. Both are valid until the callback returns. A modern server sends
    /// changes only to listen(). The other rules are those of set_server_log.
    template <class Callable> void set_notification(Callable callable) {
        detail::value_or_throw(try_set_notification(std::move(callable)));
    }

    /// Removes the callback for notifications.
    void set_notification(std::nullopt_t) {
        detail::value_or_throw(try_set_notification(std::nullopt));
    }

    /// Requests the server's log messages of this level and above: "debug", "info", "notice", "warning", "error",
    /// "critical", "alert" or "emergency". Sent to a legacy server immediately, to a modern one with every later
    /// request. Throws status::invalid_argument for any other level, status::rpc_error if a legacy server has no log.
    void request_server_log(std::string_view level, const options &opts = {}) {
        detail::value_or_throw(try_request_server_log(level, opts));
    }

    // --- Raw requests ---

    /// Sends any request, for example one of an extension, and returns its result unchanged. `params` is the text of a
    /// JSON object, or std::nullopt for none. The request is sent once: if it is not known whether the server executed
    /// it, it is not sent again.
    json request(std::string_view method, std::optional<std::string_view> params = std::nullopt,
                 const options &opts = {}) {
        return detail::value_or_throw(try_request(method, params, opts));
    }

    /// Sends any request without params, with options.
    json request(std::string_view method, const options &opts) {
        return request(method, std::nullopt, opts);
    }

    /// Sends any notification, which has no response. `params` is the text of a JSON object, or std::nullopt for none.
    void notify(std::string_view method, std::optional<std::string_view> params = std::nullopt,
                const options &opts = {}) {
        detail::value_or_throw(try_notify(method, params, opts));
    }

    /// Sends any notification without params, with options.
    void notify(std::string_view method, const options &opts) {
        notify(method, std::nullopt, opts);
    }

    // --- Credentials and headers ---

    /// Sets the bearer token that every HTTP request carries, as `Authorization: Bearer <token>` (RFC 6750, section
    /// 2.1). Pass the token without the word "Bearer"; std::nullopt removes it. It overrides an `Authorization` header
    /// of set_header.
    ///
    /// The token is sent only to the origin of the URL and appears in no log message and no error (if a server repeats
    /// it, it is redacted). It is wiped from the library's memory when it is replaced and no request uses it any more.
    ///
    /// Throws status::invalid_argument, and keeps the old token, if the token is empty, contains spaces, control or
    /// non-ASCII characters, or begins with "Bearer ".
    void set_bearer(std::optional<std::string_view> token) {
        detail::value_or_throw(try_set_bearer(token));
    }

    /// Sets a header that every HTTP request carries, such as "X-API-Key". Replaces a header of the same name,
    /// regardless of case; std::nullopt removes it. Values are treated as secrets, like the bearer token.
    ///
    /// Throws status::invalid_argument for a name or a value that RFC 9110 (section 5) does not allow, such as one with
    /// a line break, and for names that the protocol reserves: Host, Accept, Connection, Content-Type, Content-Length,
    /// Transfer-Encoding and similar ones, and all that begin with "Mcp-".
    void set_header(std::string_view name, std::optional<std::string_view> value) {
        detail::value_or_throw(try_set_header(name, value));
    }

    /// Sets the callback that authorizes requests, for tokens that expire, are fetched, or come from a file. It can be
    /// any callable that accepts an auth_request & (it may be move-only). It sets the credentials with the setters of
    /// the request, and throws if there are none:
    ///
    ///     client.set_auth([&store](mcp::auth_request &request) {
    ///         request.set_bearer(store.token(request.attempt() > 1));
    ///     });
    ///
    /// The credentials that it sets override those of the client; a callback that sets nothing adds nothing. It
    /// replaces the OAuth settings of set_oauth. It is called before each HTTP request (attempt 1); and again if the
    /// server responds with 401, or with 403 and `insufficient_scope` (RFC 6750, section 3.1). The server's challenge
    /// is then available (attempt 2, and 3 after another rejection; then the call fails). If several calls are rejected
    /// at the same time, the callback is called once and all of them use the result: a refresh token is used once.
    ///
    /// It runs in queue::dispatch if the call that makes the request is queued, and otherwise on a thread of the
    /// library; once at a time for each client, with no lock held. If it cannot answer at once, it may call
    /// auth_request::defer, or with C++20 be a coroutine, as for set_elicitation. It may use the library, but must
    /// neither make a call on the same client nor wait for one (status::misuse). Its time does not count against any
    /// timeout.
    ///
    /// An exception that leaves it ends the call, and the calls that wait for the same result, with
    /// status::auth_failed. The message contains its what(), and error::cause returns the exception. Without
    /// exceptions, use auth_request::fail.
    ///
    /// The callable is moved into the client, and destroyed after its last call, on any thread. Throws
    /// status::invalid_argument if it is empty.
    template <class Callable> void set_auth(Callable callable) {
        detail::value_or_throw(try_set_auth(std::move(callable)));
    }

    /// Removes the auth callback.
    void set_auth(std::nullopt_t) {
        detail::value_or_throw(try_set_auth(std::nullopt));
    }

    // --- OAuth ---

    /// Gets the tokens of this client from authorization servers, as the settings say: see mcp::oauth. A token is
    /// requested when the server requires one, and renewed before it expires. It overrides the token of set_bearer; a
    /// server that requires none gets none. Replaces an auth callback.
    ///
    /// This fixes the settings, which may be used for any number of clients. The client keeps a reference to them: the
    /// object may be destroyed at any time.
    void set_oauth(const oauth &settings) {
        detail::value_or_throw(try_set_oauth(settings));
    }

    /// Removes the OAuth settings.
    void set_oauth(std::nullopt_t) {
        detail::value_or_throw(try_set_oauth(std::nullopt));
    }

    /// Makes sure that there is a token which the server accepts. Uses or refreshes a stored token if possible, and
    /// otherwise lets the user log in, also with oauth_when::asked and after a login that failed. The time of the user
    /// does not count against any timeout; oauth::set_login limits it. To end it early, use a cancel token.
    ///
    /// Throws status::login_required without an open callback, status::login_failed if the login failed,
    /// status::misuse without OAuth settings.
    void login(const options &opts = {}) {
        detail::value_or_throw(try_login(opts));
    }

    /// Logs out: deletes the tokens for this server, and revokes them if the authorization server supports that (RFC
    /// 7009). If that fails, they are deleted anyway, and the error is the reason. The registration of the application
    /// is kept. Throws status::misuse without OAuth settings.
    void logout(const options &opts = {}) {
        detail::value_or_throw(try_logout(opts));
    }

    /// Returns the state of the login, an object. Sends nothing. Throws status::misuse without OAuth settings.
    ///
    /// - "loggedIn": whether there is an access token that has not expired, or a refresh token; the server may have
    ///   revoked them
    /// - "issuer", "resource", "clientId": the authorization server, the identifier of the MCP server there, and this
    ///   client's identifier
    /// - "registration": how the client got its identifier: "configured", "metadata_document" or "registered"
    /// - "scopes": an array with the granted scopes
    /// - "expiresAt": when the token expires, in seconds since 1970
    /// - "refreshable": whether there is a refresh token
    /// - "idToken": an object with the claims of the ID token. Its signature is not verified: for display only
    ///
    /// Members that are not known are missing.
    [[nodiscard]] json oauth_state() const {
        return detail::value_or_throw(try_oauth_state());
    }

    // --- Server requests: before the first call ---

    /// Sets the handler for elicitations, which asks the user for input (specification 2026-07-28, "Elicitation"). It
    /// can be any callable that accepts an input &. The params have a "message", and either a "requestedSchema" for a
    /// form, or "mode" = "url" and a "url" for the user to open. Show which server asks, let the user decline, and open
    /// no URL without consent.
    ///
    ///     client.set_elicitation([](mcp::input &input) { input.accept(form(input.params())); });
    ///
    /// The handler of a queued call runs in queue::dispatch: if the answer takes time, let it call input::defer and
    /// return. That of a blocking call runs on a thread of the library, and may wait. A call ends on time (cancel,
    /// client::close, timeout) while the handler runs: input::stop_token and input::is_over tell the handler. If the
    /// request belongs to no call, the handler runs in the queue of set_queue, or else on the library's reader thread,
    /// where it must not make calls on this client (status::misuse). Its time does not count against any timeout.
    ///
    /// With C++20 the handler may be a coroutine, or return another awaitable: the request is then deferred, and
    /// `input` is valid until the coroutine has ended, on any thread.
    ///
    ///     client.set_elicitation([&](mcp::input &input) -> task { input.accept(co_await window.ask(input.params()));
    ///     });
    ///
    /// An exception that leaves the handler, or its coroutine, has the effect of input::fail: if the call fails with
    /// status::input_failed, error::cause returns it. Without a handler, the client does not declare this capability to
    /// the server.
    ///
    /// The callable is moved into the client, and destroyed with it, or later if it still runs. Throws
    /// status::invalid_argument if it is empty.
    template <class Callable> void set_elicitation(Callable callable) {
        detail::value_or_throw(try_set_elicitation(std::move(callable)));
    }

    /// Sets the handler for sampling, which asks a language model (specification 2026-07-28, "Sampling"). The params
    /// have "messages", "maxTokens" and more, optionally "tools". The response (input::respond) is an object with
    /// "role", "content", "model" and optionally "stopReason". Let the user see both and refuse. Threads, exceptions
    /// and ownership as for set_elicitation.
    template <class Callable> void set_sampling(Callable callable) {
        detail::value_or_throw(try_set_sampling(std::move(callable)));
    }

    /// Sets the handler that lists the folders that the server may access (specification 2026-07-28, "Roots"). The
    /// response (input::respond) is an object with "roots", an array; each root has a "uri" that begins with "file://",
    /// and optionally a "name". Threads, exceptions and ownership as for set_elicitation.
    template <class Callable> void set_roots(Callable callable) {
        detail::value_or_throw(try_set_roots(std::move(callable)));
    }

    // --- Server process: before the first call ---

    /// Sets an environment variable of the server process; std::nullopt removes it. Throws status::invalid_argument for
    /// a name that is empty or contains "=".
    void set_environment(std::string_view name, std::optional<std::string_view> value) {
        detail::value_or_throw(try_set_environment(name, value));
    }

    /// Sets how long the server process may take to exit when it is ended: `term` after its stdin was closed, when its
    /// process group gets SIGTERM, and `kill` after that, when processes that still run get SIGKILL. 0 means
    /// immediately. Default: 2 seconds each.
    void set_stop_timeout(duration term, duration kill) {
        detail::value_or_throw(try_set_stop_timeout(term, kill));
    }

    /// Sets the working directory of the server process; std::nullopt means that of this process (the default).
    void set_working_directory(std::optional<std::string_view> path) {
        detail::value_or_throw(try_set_working_directory(path));
    }

    /// Appends the stderr output of the server process to a file; std::nullopt means the log (the default). If the file
    /// cannot be opened, the first call fails with status::process_failed.
    void set_stderr_file(std::optional<std::string_view> path) {
        detail::value_or_throw(try_set_stderr_file(path));
    }

    /// Sets how long a handler may take to answer; 0 means without limit (the default). After that the request ends as
    /// if the handler had given no response, and input::is_over is true.
    void set_input_timeout(duration length) {
        detail::value_or_throw(try_set_input_timeout(length));
    }

    // --- Settings ---

    /// Sets the queue in whose dispatch the callbacks run that belong to no call: the log, the server's log, and
    /// handlers of requests that the server sends outside of a call. std::nullopt means the library's threads (the
    /// default). Callbacks that belong to a queued call run in the dispatch of that call's queue. Needs mcp_queue.hpp.
    void set_queue(const queue &target);
    void set_queue(std::nullopt_t) {
        detail::value_or_throw(try_set_queue(std::nullopt));
    }

    /// Enables or disables the cache for lists and resources, which keeps results as long as the server declares them
    /// fresh (specification 2026-07-28, "Caching"). A change that listen() receives invalidates the results it
    /// concerns. Private results are used only with the credentials of their request. false (the default) clears the
    /// cache.
    void set_cache(bool enabled) {
        detail::value_or_throw(try_set_cache(enabled));
    }

    /// Sets the timeout of calls whose options set none; 0 means none. Default: 60 s.
    ///
    /// The timeout covers a call from start to return: DNS lookup, connecting, TLS, negotiation, redirects, retries and
    /// the body. The time of the auth callback and of a login is not counted.
    void set_timeout(duration length) {
        detail::value_or_throw(try_set_timeout(length));
    }

    /// Sets the idle timeout of calls whose options set none: a call fails with status::timeout if it waits this long
    /// without receiving a byte or, while it sends, without being able to send one. 0 means none (the default).
    void set_idle_timeout(duration length) {
        detail::value_or_throw(try_set_idle_timeout(length));
    }

    /// Sets the name of the client, for programs that have several: it is in front of the URL or the program in errors,
    /// and at the beginning of log messages. It is not sent to the server. std::nullopt and "" restore the default: see
    /// name().
    void set_name(std::optional<std::string_view> name) {
        detail::value_or_throw(try_set_name(name));
    }

    /// Sets the name and version of the application that are sent to the server (`clientInfo`). Default: "libmcp" and
    /// the version of the library. Before the first call.
    void set_client_info(std::string_view name, std::string_view version) {
        detail::value_or_throw(try_set_client_info(name, version));
    }

    /// Declares to the server that the program supports an extension, such as "com.example/charts" (specification
    /// 2026-07-28, "Extensions"). `settings` is a JSON object; std::nullopt removes the extension. For the requests and
    /// notifications of an extension see request(), notify() and set_notification(). Before the first call.
    ///
    ///     client.set_extension("com.example/charts", R"({"formats":["svg"]})");
    ///
    /// Throws status::invalid_argument for a name without a vendor and a slash, or settings that are not an object.
    void set_extension(std::string_view name, std::optional<std::string_view> settings) {
        detail::value_or_throw(try_set_extension(name, settings));
    }

    /// Pins the protocol version, such as "2025-06-18": if the server does not support it, calls fail with
    /// status::version_unsupported. std::nullopt negotiates the newest version that both sides support (the default).
    /// Before the first call.
    ///
    /// Throws status::invalid_argument for a version that this library does not support (it supports 2024-11-05,
    /// 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28).
    void set_protocol_version(std::optional<std::string_view> version) {
        detail::value_or_throw(try_set_protocol_version(version));
    }

    /// Sets a limit for data from the server, in bytes: a call that exceeds it fails with status::too_large. 0 restores
    /// the default. Before the first call.
    ///
    /// Throws status::invalid_argument for an unknown limit, or for limit::head above its maximum.
    void set_limit(limit kind, std::uint64_t bytes) {
        detail::value_or_throw(try_set_limit(kind, bytes));
    }

    /// Sets the callback that receives the library's log messages: fallbacks, retries, warnings. Without a callback
    /// nothing is logged; the library never prints. Messages contain no token and no header value. It can be any
    /// callable that accepts a log_level and a std::string_view (it may be move-only):
    ///
    ///     client.set_log([](mcp::log_level, std::string_view message) { std::clog << message << '\n'; });
    ///
    /// The message has no line break and is valid until the callback returns. The callback runs on the thread of any
    /// call and on the library's reader threads, possibly on several at the same time: protect shared data with a lock.
    /// It may call the library, but must not destroy a client with a call in progress, and on a reader thread must not
    /// make calls on this client (status::misuse). An exception that leaves it is discarded: the message is lost, the
    /// call continues.
    ///
    /// The callable is moved into the client, and destroyed after its last call, on any thread. Throws
    /// status::invalid_argument if it is empty.
    template <class Callable> void set_log(Callable callable) {
        detail::value_or_throw(try_set_log(std::move(callable)));
    }

    /// Removes the log callback.
    void set_log(std::nullopt_t) {
        detail::value_or_throw(try_set_log(std::nullopt));
    }

    /// Sets the callback that receives every JSON-RPC message that the client sends and receives, for debugging. It can
    /// be any callable that accepts a trace_direction and a std::string_view (it may be move-only):
    ///
    ///     client.set_trace([](mcp::trace_direction direction, std::string_view text) {
    ///         std::clog << (direction == mcp::trace_direction::sent ? "-> " : "<- ") << text << '\n';
    ///     });
    ///
    /// Tokens, cookies, and the values of headers that were set are replaced by "[redacted]", but not secrets that only
    /// the program and the server know. Of a longer message, the first 1 MiB are passed. What the server sends in place
    /// of a message is passed, too.
    ///
    /// The callback runs on the thread that sends or receives the message, possibly on several at the same time: the
    /// message waits for it. It must not make calls on this client. An exception that leaves it is discarded.
    ///
    /// The callable is moved into the client, and destroyed after its last call, on any thread. Throws
    /// status::invalid_argument if it is empty.
    template <class Callable> void set_trace(Callable callable) {
        detail::value_or_throw(try_set_trace(std::move(callable)));
    }

    /// Removes the trace callback.
    void set_trace(std::nullopt_t) {
        detail::value_or_throw(try_set_trace(std::nullopt));
    }

    /// Lets the user of the program see the log: if the environment variable MCP_DEBUG is "1", log messages are written
    /// to stderr, and if it is "2", also the messages of the protocol. Otherwise, this does nothing. It replaces the
    /// callbacks of set_log and, with "2", of set_trace.
    void use_debug_output() {
        detail::value_or_throw(try_use_debug_output());
    }

    // --- Transport, TLS and proxies: before the first call ---

    /// Sets the transport. By default it is detected: for a URL whose path ends in the segment "sse" the client uses
    /// HTTP+SSE, unless GET does not return an event stream; for any other URL it uses Streamable HTTP, and falls back
    /// to HTTP+SSE if the response to `initialize` is 400, 404 or 405. The member "transport" of server_info() contains
    /// the result.
    ///
    /// HTTP+SSE supports every protocol version up to 2025-11-25. Its event stream uses a thread, which ends with the
    /// connection. If the stream ends, pending calls fail with status::disconnected, and the next call opens it again.
    void set_transport(transport value) {
        detail::value_or_throw(try_set_transport(value));
    }

    /// Connects to the Unix domain socket at `path` instead of the host and port of the URL, like curl's
    /// `--unix-socket`. The request still contains the host and port of the URL. No proxy is used. std::nullopt means
    /// none (the default).
    ///
    /// Throws status::invalid_argument for a path that is empty or too long (more than 107 bytes on Linux).
    void set_unix_socket(std::optional<std::string_view> path) {
        detail::value_or_throw(try_set_unix_socket(path));
    }

    /// Sets the proxy: "http://host:port" (CONNECT for https, forwarded requests for http), "socks5://host:port" (the
    /// client looks up host names) or "socks5h://host:port" (the proxy looks them up). For a proxy with authentication
    /// put "user:password@" in front of the host, percent-encoded. "" means no proxy. The default port is 1080.
    ///
    /// std::nullopt (the default) uses the environment, with the rules of curl: `http_proxy` (lower case only) for http
    /// URLs, `https_proxy` or `HTTPS_PROXY` for https URLs, else `all_proxy` or `ALL_PROXY`. `no_proxy` or `NO_PROXY`
    /// lists hosts, domains, addresses and networks ("10.0.0.0/8") that are reached without a proxy, "*" for all; it
    /// does not apply to a proxy that is set here. The environment is read once, at the first call.
    ///
    /// The proxy's credentials are sent only to the proxy and appear in no message. Calls fail with
    /// status::proxy_failed if the proxy cannot be reached or refuses to connect, with status::proxy_auth_required if
    /// it requires other credentials. Throws status::invalid_argument for an invalid URL.
    void set_proxy(std::optional<std::string_view> url) {
        detail::value_or_throw(try_set_proxy(url));
    }

    /// Sets whether credentials may be sent to another machine only over https. With true, a request with credentials
    /// over plain http fails with status::insecure before it is sent. With false (the default) it is sent, and a
    /// warning is logged. The local machine (loopback, Unix domain sockets) is always allowed.
    void set_require_https(bool required) {
        detail::value_or_throw(try_set_require_https(required));
    }

    /// Trusts the certificate authorities in a PEM file, in addition to those of the system. Replaces an earlier file;
    /// std::nullopt means none (the default). The file is read immediately.
    ///
    /// Throws status::invalid_argument for a file that cannot be read or contains no certificate.
    void set_tls_ca_file(std::optional<std::string_view> path) {
        detail::value_or_throw(try_set_tls_ca_file(path));
    }

    /// Sets the client certificate for servers that request one (mutual TLS). `cert_path` is a PEM file with the
    /// certificate, followed by its intermediate certificates; `key_path` is a PEM file with the private key (PKCS #8,
    /// PKCS #1 or SEC 1, not encrypted), or std::nullopt if the key is in the same file. A `cert_path` of std::nullopt
    /// means no certificate (the default). The files are read immediately.
    ///
    /// Throws status::invalid_argument for files that cannot be read or do not belong together.
    void set_tls_client_cert_file(std::optional<std::string_view> cert_path,
                                  std::optional<std::string_view> key_path = std::nullopt) {
        detail::value_or_throw(try_set_tls_client_cert_file(cert_path, key_path));
    }

    /// Sets whether the server's certificate is verified; true by default. **With false, an attacker on the network can
    /// read and change everything, including the token.** For development only; a warning is logged.
    void set_tls_verify(bool verify) {
        detail::value_or_throw(try_set_tls_verify(verify));
    }
#endif

    // --- Non-throwing forms ---

    /// Non-throwing form of connect().
    [[nodiscard]] expected<void> try_connect(const options &opts = {}) {
        return detail::call(mcp_connect, client_.get(), opts);
    }

    /// Non-throwing form of ping().
    [[nodiscard]] expected<void> try_ping(const options &opts = {}) {
        return detail::call(mcp_ping, client_.get(), opts);
    }

    /// Non-throwing form of server_info().
    [[nodiscard]] expected<json> try_server_info(const options &opts = {}) {
        return detail::get_json(mcp_server_info, client_.get(), opts);
    }

    /// Non-throwing form of close().
    [[nodiscard]] expected<void> try_close(const options &opts = {}) {
        return detail::call(mcp_client_close, client_.get(), opts);
    }

    /// Non-throwing form of list_tools().
    [[nodiscard]] expected<json> try_list_tools(const options &opts = {}) {
        return detail::get_json(mcp_list_tools, client_.get(), opts);
    }

    /// Non-throwing form of tool_pages(). If a page fails, the error is the last page.
    [[nodiscard]] page_range<expected<json>> try_tool_pages(options opts = {}) & {
        return {mcp_list_tools_page, client_.get(), std::move(opts)};
    }
    page_range<expected<json>> try_tool_pages(options opts = {}) && = delete;

    /// Non-throwing form of call_tool(). **If the tool reports a failure, it returns the result**:
    /// tool_result::is_error is true.
    [[nodiscard]] expected<tool_result> try_call_tool(std::string_view name,
                                                      std::optional<std::string_view> arguments = std::nullopt,
                                                      const options &opts = {}) {
        return as_tool_result(call_with_json(mcp_call_tool, detail::text(name, "the tool's name"), arguments, opts));
    }

    /// Non-throwing form of call_tool() without arguments.
    [[nodiscard]] expected<tool_result> try_call_tool(std::string_view name, const options &opts) {
        return try_call_tool(name, std::nullopt, opts);
    }

    /// Non-throwing form of call_tool_as_task(). If the tool reports a failure, it returns the result.
    [[nodiscard]] expected<tool_result> try_call_tool_as_task(std::string_view name,
                                                              std::optional<std::string_view> arguments = std::nullopt,
                                                              const options &opts = {}) {
        return as_tool_result(
            call_with_json(mcp_call_tool_as_task, detail::text(name, "the tool's name"), arguments, opts));
    }

    /// Non-throwing form of call_tool_as_task() without arguments.
    [[nodiscard]] expected<tool_result> try_call_tool_as_task(std::string_view name, const options &opts) {
        return try_call_tool_as_task(name, std::nullopt, opts);
    }

    /// Non-throwing form of get_task().
    [[nodiscard]] expected<json> try_get_task(std::string_view id, const options &opts = {}) {
        return detail::get_json(mcp_get_task, client_.get(), detail::text(id, "the task's id"), opts);
    }

    /// Non-throwing form of update_task().
    [[nodiscard]] expected<void> try_update_task(std::string_view id, std::string_view responses,
                                                 const options &opts = {}) {
        const detail::json_text text(responses);
        return detail::call(mcp_update_task, client_.get(), detail::text(id, "the task's id"), text.start, text.length,
                            opts);
    }

    /// Non-throwing form of cancel_task().
    [[nodiscard]] expected<void> try_cancel_task(std::string_view id, const options &opts = {}) {
        return detail::call(mcp_cancel_task, client_.get(), detail::text(id, "the task's id"), opts);
    }

    /// Non-throwing form of wait_task(). If the tool reports a failure, it returns the result.
    [[nodiscard]] expected<tool_result> try_wait_task(std::string_view id, const options &opts = {}) {
        return as_tool_result(detail::get_json(mcp_wait_task, client_.get(), detail::text(id, "the task's id"), opts));
    }

    /// Non-throwing form of list_resources().
    [[nodiscard]] expected<json> try_list_resources(const options &opts = {}) {
        return detail::get_json(mcp_list_resources, client_.get(), opts);
    }

    /// Non-throwing form of resource_pages(). If a page fails, the error is the last page.
    [[nodiscard]] page_range<expected<json>> try_resource_pages(options opts = {}) & {
        return {mcp_list_resources_page, client_.get(), std::move(opts)};
    }
    page_range<expected<json>> try_resource_pages(options opts = {}) && = delete;

    /// Non-throwing form of list_resource_templates().
    [[nodiscard]] expected<json> try_list_resource_templates(const options &opts = {}) {
        return detail::get_json(mcp_list_resource_templates, client_.get(), opts);
    }

    /// Non-throwing form of resource_template_pages(). If a page fails, the error is the last page.
    [[nodiscard]] page_range<expected<json>> try_resource_template_pages(options opts = {}) & {
        return {mcp_list_resource_templates_page, client_.get(), std::move(opts)};
    }
    page_range<expected<json>> try_resource_template_pages(options opts = {}) && = delete;

    /// Non-throwing form of read_resource().
    [[nodiscard]] expected<json> try_read_resource(std::string_view uri, const options &opts = {}) {
        return detail::get_json(mcp_read_resource, client_.get(), detail::text(uri, "the URI"), opts);
    }

    /// Non-throwing form of list_prompts().
    [[nodiscard]] expected<json> try_list_prompts(const options &opts = {}) {
        return detail::get_json(mcp_list_prompts, client_.get(), opts);
    }

    /// Non-throwing form of prompt_pages(). If a page fails, the error is the last page.
    [[nodiscard]] page_range<expected<json>> try_prompt_pages(options opts = {}) & {
        return {mcp_list_prompts_page, client_.get(), std::move(opts)};
    }
    page_range<expected<json>> try_prompt_pages(options opts = {}) && = delete;

    /// Non-throwing form of get_prompt().
    [[nodiscard]] expected<json> try_get_prompt(std::string_view name,
                                                std::optional<std::string_view> arguments = std::nullopt,
                                                const options &opts = {}) {
        return call_with_json(mcp_get_prompt, detail::text(name, "the prompt's name"), arguments, opts);
    }

    /// Non-throwing form of get_prompt() without arguments.
    [[nodiscard]] expected<json> try_get_prompt(std::string_view name, const options &opts) {
        return try_get_prompt(name, std::nullopt, opts);
    }

    /// Non-throwing form of complete_prompt().
    [[nodiscard]] expected<json> try_complete_prompt(std::string_view prompt, std::string_view argument,
                                                     std::string_view value,
                                                     std::optional<std::string_view> context = std::nullopt,
                                                     const options &opts = {}) {
        return request_completion(mcp_complete_prompt, prompt, argument, value, context, opts);
    }

    /// Non-throwing form of complete_resource().
    [[nodiscard]] expected<json> try_complete_resource(std::string_view uri_template, std::string_view argument,
                                                       std::string_view value,
                                                       std::optional<std::string_view> context = std::nullopt,
                                                       const options &opts = {}) {
        return request_completion(mcp_complete_resource, uri_template, argument, value, context, opts);
    }

    /// Non-throwing form of listen().
    template <class Callable>
    [[nodiscard]] expected<void> try_listen(change changes, const std::vector<std::string> &uris, Callable callable,
                                            const options &opts = {}) {
        static_assert(std::is_invocable_v<Callable &, std::string_view, json_view>,
                      "a change callback is called with a std::string_view and an mcp::json_view");
        if (detail::is_empty(callable)) {
            return unexpected(detail::empty_callback());
        }
        const detail::text_array texts(uris, "a URI");
        for (const std::optional<error> &invalid : {detail::validate(texts), detail::validate(opts)}) {
            if (invalid) {
                return unexpected(*invalid);
            }
        }
        void *owned = new Callable(std::move(callable)); // C destroys it, also if the call fails
        return detail::call(mcp_listen, client_.get(), static_cast<std::uint32_t>(changes), texts,
                            &detail::invoke_change<Callable>, owned, &detail::destroy<Callable>, opts);
    }

    /// Non-throwing form of set_server_log().
    template <class Callable> [[nodiscard]] expected<void> try_set_server_log(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, json_view>,
                      "a callback for the server's log is called with an mcp::json_view");
        return set_callback(mcp_set_server_log, detail::invoke_server_log<Callable>, std::move(callable));
    }

    /// Non-throwing form of set_server_log(std::nullopt).
    [[nodiscard]] expected<void> try_set_server_log(std::nullopt_t) {
        return detail::call(mcp_set_server_log, client_.get(), nullptr, nullptr, nullptr);
    }

    /// Non-throwing form of set_notification().
    template <class Callable> [[nodiscard]] expected<void> try_set_notification(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, std::string_view, json_view>,
                      "a notification callback is called with a std::string_view and an mcp::json_view");
        return set_callback(mcp_set_notification, detail::invoke_change<Callable>, std::move(callable));
    }

    /// Non-throwing form of set_notification(std::nullopt).
    [[nodiscard]] expected<void> try_set_notification(std::nullopt_t) {
        return detail::call(mcp_set_notification, client_.get(), nullptr, nullptr, nullptr);
    }

    /// Non-throwing form of request_server_log().
    [[nodiscard]] expected<void> try_request_server_log(std::string_view level, const options &opts = {}) {
        return detail::call(mcp_request_server_log, client_.get(), detail::text(level, "the level"), opts);
    }

    /// Non-throwing form of request().
    [[nodiscard]] expected<json> try_request(std::string_view method,
                                             std::optional<std::string_view> params = std::nullopt,
                                             const options &opts = {}) {
        return call_with_json(mcp_request, detail::text(method, "the method"), params, opts);
    }

    /// Non-throwing form of request() without params.
    [[nodiscard]] expected<json> try_request(std::string_view method, const options &opts) {
        return try_request(method, std::nullopt, opts);
    }

    /// Non-throwing form of notify().
    [[nodiscard]] expected<void> try_notify(std::string_view method,
                                            std::optional<std::string_view> params = std::nullopt,
                                            const options &opts = {}) {
        const detail::json_text text(params);
        return detail::call(mcp_notify, client_.get(), detail::text(method, "the method"), text.start, text.length,
                            opts);
    }

    /// Non-throwing form of notify() without params.
    [[nodiscard]] expected<void> try_notify(std::string_view method, const options &opts) {
        return try_notify(method, std::nullopt, opts);
    }

    /// Non-throwing form of set_elicitation().
    template <class Callable> [[nodiscard]] expected<void> try_set_elicitation(Callable callable) {
        return set_handler(mcp_set_elicitation, std::move(callable));
    }

    /// Non-throwing form of set_sampling().
    template <class Callable> [[nodiscard]] expected<void> try_set_sampling(Callable callable) {
        return set_handler(mcp_set_sampling, std::move(callable));
    }

    /// Non-throwing form of set_roots().
    template <class Callable> [[nodiscard]] expected<void> try_set_roots(Callable callable) {
        return set_handler(mcp_set_roots, std::move(callable));
    }

    /// Non-throwing form of set_environment().
    [[nodiscard]] expected<void> try_set_environment(std::string_view name, std::optional<std::string_view> value) {
        return detail::call(mcp_set_environment, client_.get(), detail::text(name, "the variable's name"),
                            detail::text(value, "the variable's value"));
    }

    /// Non-throwing form of set_stop_timeout().
    [[nodiscard]] expected<void> try_set_stop_timeout(duration term, duration kill) {
        return detail::call(mcp_set_stop_timeout, client_.get(), term, kill);
    }

    /// Non-throwing form of set_working_directory().
    [[nodiscard]] expected<void> try_set_working_directory(std::optional<std::string_view> path) {
        return detail::call(mcp_set_working_directory, client_.get(), detail::text(path, "the folder's path"));
    }

    /// Non-throwing form of set_stderr_file().
    [[nodiscard]] expected<void> try_set_stderr_file(std::optional<std::string_view> path) {
        return detail::call(mcp_set_stderr_file, client_.get(), detail::text(path, "the file's path"));
    }

    /// Non-throwing form of set_input_timeout().
    [[nodiscard]] expected<void> try_set_input_timeout(duration length) {
        return detail::call(mcp_set_input_timeout, client_.get(), length);
    }

    /// Non-throwing form of set_queue().
    [[nodiscard]] expected<void> try_set_queue(const queue &target);
    [[nodiscard]] expected<void> try_set_queue(std::nullopt_t) {
        return detail::call(mcp_set_queue, client_.get(), static_cast<mcp_queue *>(nullptr));
    }

    /// Non-throwing form of set_cache().
    [[nodiscard]] expected<void> try_set_cache(bool enabled) {
        return detail::call(mcp_set_cache, client_.get(), enabled);
    }

    /// Non-throwing form of set_bearer().
    [[nodiscard]] expected<void> try_set_bearer(std::optional<std::string_view> token) {
        return detail::call(mcp_set_bearer, client_.get(), detail::text(token, "the bearer token"));
    }

    /// Non-throwing form of set_header().
    [[nodiscard]] expected<void> try_set_header(std::string_view name, std::optional<std::string_view> value) {
        return detail::call(mcp_set_header, client_.get(), detail::text(name, "the header's name"),
                            detail::text(value, "the header's value"));
    }

    /// Non-throwing form of set_auth().
    template <class Callable> [[nodiscard]] expected<void> try_set_auth(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, auth_request &>,
                      "an auth callback is called with an mcp::auth_request &");
        return detail::set_request_callback<auth_request>(mcp_set_auth, client_.get(), std::move(callable));
    }

    /// Non-throwing form of set_auth(std::nullopt).
    [[nodiscard]] expected<void> try_set_auth(std::nullopt_t) {
        return detail::call(mcp_set_auth, client_.get(), nullptr, nullptr, nullptr);
    }

    /// Non-throwing form of set_oauth().
    [[nodiscard]] expected<void> try_set_oauth(const oauth &settings) {
        if (!settings.oauth_) {
            return unexpected(error(status::invalid_argument, "the OAuth settings were moved from"));
        }
        return detail::call(mcp_set_oauth, client_.get(), settings.oauth_.get());
    }

    /// Non-throwing form of set_oauth(std::nullopt).
    [[nodiscard]] expected<void> try_set_oauth(std::nullopt_t) {
        return detail::call(mcp_set_oauth, client_.get(), nullptr);
    }

    /// Non-throwing form of login().
    [[nodiscard]] expected<void> try_login(const options &opts = {}) {
        return detail::call(mcp_login, client_.get(), opts);
    }

    /// Non-throwing form of logout().
    [[nodiscard]] expected<void> try_logout(const options &opts = {}) {
        return detail::call(mcp_logout, client_.get(), opts);
    }

    /// Non-throwing form of oauth_state().
    [[nodiscard]] expected<json> try_oauth_state() const {
        return detail::get_json(mcp_oauth_state, client_.get());
    }

    /// Non-throwing form of set_timeout().
    [[nodiscard]] expected<void> try_set_timeout(duration length) {
        return detail::call(mcp_set_timeout, client_.get(), length);
    }

    /// Non-throwing form of set_idle_timeout().
    [[nodiscard]] expected<void> try_set_idle_timeout(duration length) {
        return detail::call(mcp_set_idle_timeout, client_.get(), length);
    }

    /// Non-throwing form of set_name().
    [[nodiscard]] expected<void> try_set_name(std::optional<std::string_view> name) {
        return detail::call(mcp_set_name, client_.get(), detail::text(name, "the name"));
    }

    /// Non-throwing form of set_extension().
    [[nodiscard]] expected<void> try_set_extension(std::string_view name, std::optional<std::string_view> settings) {
        const detail::json_text text(settings);
        return detail::call(mcp_set_extension, client_.get(), detail::text(name, "the extension's name"), text.start,
                            text.length);
    }

    /// Non-throwing form of set_client_info().
    [[nodiscard]] expected<void> try_set_client_info(std::string_view name, std::string_view version) {
        return detail::call(mcp_set_client_info, client_.get(), detail::text(name, "the client's name"),
                            detail::text(version, "the client's version"));
    }

    /// Non-throwing form of set_protocol_version().
    [[nodiscard]] expected<void> try_set_protocol_version(std::optional<std::string_view> version) {
        return detail::call(mcp_set_protocol_version, client_.get(), detail::text(version, "the protocol version"));
    }

    /// Non-throwing form of set_limit().
    [[nodiscard]] expected<void> try_set_limit(limit kind, std::uint64_t bytes) {
        return detail::call(mcp_set_limit, client_.get(), static_cast<std::int32_t>(kind), bytes);
    }

    /// Non-throwing form of set_log().
    template <class Callable> [[nodiscard]] expected<void> try_set_log(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, log_level, std::string_view>,
                      "a log callback is called with an mcp::log_level and a std::string_view");
        return set_callback(mcp_set_log, detail::invoke_log<Callable>, std::move(callable));
    }

    /// Non-throwing form of set_log(std::nullopt).
    [[nodiscard]] expected<void> try_set_log(std::nullopt_t) {
        return detail::call(mcp_set_log, client_.get(), nullptr, nullptr, nullptr);
    }

    /// Non-throwing form of set_trace().
    template <class Callable> [[nodiscard]] expected<void> try_set_trace(Callable callable) {
        static_assert(std::is_invocable_v<Callable &, trace_direction, std::string_view>,
                      "a trace callback is called with an mcp::trace_direction and a std::string_view");
        return set_callback(mcp_set_trace, detail::invoke_trace<Callable>, std::move(callable));
    }

    /// Non-throwing form of set_trace(std::nullopt).
    [[nodiscard]] expected<void> try_set_trace(std::nullopt_t) {
        return detail::call(mcp_set_trace, client_.get(), nullptr, nullptr, nullptr);
    }

    /// Non-throwing form of use_debug_output().
    [[nodiscard]] expected<void> try_use_debug_output() {
        return detail::call(mcp_use_debug_output, client_.get());
    }

    /// Non-throwing form of set_transport().
    [[nodiscard]] expected<void> try_set_transport(transport value) {
        return detail::call(mcp_set_transport, client_.get(), static_cast<std::int32_t>(value));
    }

    /// Non-throwing form of set_unix_socket().
    [[nodiscard]] expected<void> try_set_unix_socket(std::optional<std::string_view> path) {
        return detail::call(mcp_set_unix_socket, client_.get(), detail::text(path, "the socket's path"));
    }

    /// Non-throwing form of set_proxy().
    [[nodiscard]] expected<void> try_set_proxy(std::optional<std::string_view> url) {
        return detail::call(mcp_set_proxy, client_.get(), detail::text(url, "the proxy's URL"));
    }

    /// Non-throwing form of set_require_https().
    [[nodiscard]] expected<void> try_set_require_https(bool required) {
        return detail::call(mcp_set_require_https, client_.get(), required);
    }

    /// Non-throwing form of set_tls_ca_file().
    [[nodiscard]] expected<void> try_set_tls_ca_file(std::optional<std::string_view> path) {
        return detail::call(mcp_set_tls_ca_file, client_.get(), detail::text(path, "the path of the CA file"));
    }

    /// Non-throwing form of set_tls_client_cert_file().
    [[nodiscard]] expected<void> try_set_tls_client_cert_file(std::optional<std::string_view> cert_path,
                                                              std::optional<std::string_view> key_path = std::nullopt) {
        return detail::call(mcp_set_tls_client_cert_file, client_.get(),
                            detail::text(cert_path, "the path of the certificate"),
                            detail::text(key_path, "the path of the key"));
    }

    /// Non-throwing form of set_tls_verify().
    [[nodiscard]] expected<void> try_set_tls_verify(bool verify) {
        return detail::call(mcp_set_tls_verify, client_.get(), verify);
    }

  private:
    explicit client(mcp_client *owned) noexcept : client_(owned) {}

    template <class Setter, class Function, class Callable>
    expected<void> set_callback(Setter setter, Function function, Callable callable) {
        return detail::set_callback(setter, client_.get(), function, std::move(callable));
    }

    template <class Setter, class Callable> expected<void> set_handler(Setter setter, Callable callable) {
        if constexpr (std::is_same_v<Callable, std::nullopt_t>) {
            return detail::call(setter, client_.get(), nullptr, nullptr, nullptr);
        } else {
            static_assert(std::is_invocable_v<Callable &, input &>, "a handler is called with an mcp::input &");
            return detail::set_request_callback<input>(setter, client_.get(), std::move(callable));
        }
    }

    /// Creates a client with a function of mcp.h.
    template <class Function, class... Arguments>
    static expected<client> make(Function function, const Arguments &...arguments) {
        mcp_client *made = nullptr;
        const auto status_of = [&](const auto &...converted) {
            made = function(converted...);
            return made != nullptr ? MCP_OK : MCP_INTERNAL;
        };
        const expected<void> outcome = detail::call(status_of, arguments...);
        if (!outcome) {
            return unexpected(outcome.error());
        }
        return client(made);
    }

    /// Calls a function of mcp.h that takes a name and JSON, and returns a document.
    template <class Function>
    expected<json> call_with_json(Function function, const detail::text &name, std::optional<std::string_view> object,
                                  const options &opts) {
        const detail::json_text text(object);
        return detail::get_json(function, client_.get(), name, text.start, text.length, opts);
    }

    template <class Function>
    expected<json> request_completion(Function function, std::string_view name, std::string_view argument,
                                      std::string_view value, std::optional<std::string_view> context,
                                      const options &opts) {
        const detail::json_text known(context);
        return detail::get_json(function, client_.get(), detail::text(name, "the name"),
                                detail::text(argument, "the argument"), detail::text(value, "the value"), known.start,
                                known.length, opts);
    }

    static expected<tool_result> as_tool_result(expected<json> &&result) {
        if (!result) {
            return unexpected(result.error());
        }
        return tool_result(*std::move(result));
    }

#ifdef __cpp_exceptions
    static tool_result throw_if_failed(expected<tool_result> &&outcome) {
        return detail::tool_result_or_throw(std::move(outcome));
    }
#endif

    std::unique_ptr<mcp_client, detail::deleter<mcp_client_free>> client_;
};

} // namespace MCP_HPP_CONFIGURATION
} // namespace mcp

#ifdef __cpp_lib_ranges
template <class Value> inline constexpr bool std::ranges::enable_view<mcp::json_range<Value>> = true;
template <class Value> inline constexpr bool std::ranges::enable_borrowed_range<mcp::json_range<Value>> = true;
#endif

#endif // MCP_HPP
