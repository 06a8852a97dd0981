// mcp_queue.hpp - calls that do not block: futures, coroutines and callbacks for all functions of mcp.hpp.
//
//     mcp::queue queue;
//     auto sum = queue.future([&](auto &with) { return client.call_tool("add", R"({"a":1,"b":2})", with); });
//     queue.wait(sum);                                                  // or dispatch() in the program's event loop
//     mcp::tool_result result = sum.get();
//
// With C++20, in a coroutine:
//
//     mcp::json tools = co_await queue.awaitable([&](auto &with) { return client.list_tools(with); });
//
// The conventions of mcp.hpp apply. Every declaration in this header has been available since 0.1.0.
#ifndef MCP_QUEUE_HPP
#define MCP_QUEUE_HPP

#include <mcp.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace mcp {
inline namespace MCP_HPP_CONFIGURATION {

namespace detail {

/// What a queue shares with its calls, because a callback may destroy the queue during dispatch.
struct queue_link {
    mcp_queue *queue = nullptr;   // NULL when the queue is destroyed
    std::exception_ptr exception; // the first one that left a callback, until dispatch throws it
};

// What a function of client returns, in either of its forms: the value, and whether it throws errors.
template <class Returned> struct returned_by {
    using value = Returned;
};
template <class Value> struct returned_by<expected<Value>> {
    using value = Value;
};

/// Converts the outcome of a queued call from C.
template <class Value>
expected<Value> outcome_of(std::int32_t status, const mcp_json *result, const mcp_error *reason) {
    static_assert(std::is_void_v<Value> || std::is_same_v<Value, json> || std::is_same_v<Value, tool_result>,
                  "the function returns the result of a call on a client");
    if (status != MCP_OK) {
        return unexpected(error(mcp_error_copy(reason)));
    }
    if constexpr (std::is_void_v<Value>) {
        return {};
    } else {
        return Value(json(mcp_json_copy(result)));
    }
}

/// Ends a queued call as its function would: a try_ form returns the outcome, a throwing form the value.
template <class Returned> Returned finish(expected<typename returned_by<Returned>::value> &&outcome) {
    if constexpr (std::is_same_v<Returned, expected<typename returned_by<Returned>::value>>) {
        return std::move(outcome);
    }
#ifdef __cpp_exceptions
    else if constexpr (std::is_same_v<Returned, tool_result>) {
        return tool_result_or_throw(std::move(outcome));
    } else {
        return value_or_throw(std::move(outcome));
    }
#endif
}

/// A queued call. C owns it from the submission until mcp_destroy_fn; a queued_call keeps it longer, so that no later
/// call has the same address, by which queue::cancel identifies a call.
///
/// Completion is called once with the outcome, an expected<Value>, or destroyed.
template <class Value, class Completion> class queued {
  public:
    queued(std::shared_ptr<queue_link> link, Completion completion)
        : link_(std::move(link)), completion_(std::move(completion)) {}
    queued(const queued &) = delete;
    queued &operator=(const queued &) = delete;

    /// Calls a function that makes a call with the options. Returns the error if the call was not queued: Completion is
    /// then not called by the queue.
    template <class Function>
    static std::optional<error> submit(const std::shared_ptr<queued> &call, Function &function, options &with) {
        if (call->link_->queue == nullptr) {
            return error(status::invalid_argument, "the queue was moved from");
        }
        call->owned_by_c_ = call;
        with.set(mcp_options_set_queue, call->link_->queue, &done, static_cast<void *>(call.get()), &destroy);
        with.submission_ = std::shared_ptr<submission>(call, &call->submission_);
        std::optional<error> failure = call->run(function, with);
        if (call->submission_.is_pending) {
            return std::nullopt;
        }
        if (!failure) {
            failure = error(status::invalid_argument, "the function made no call with the options of the queue");
        }
        // This header rejected an argument. For a call without a client, C delivers an error in dispatch, which is
        // replaced by this one: so all errors arrive in the same way.
        call->rejection_ = failure;
        return mcp_ping(nullptr, with.options_.get(), nullptr) == MCP_PENDING ? std::nullopt : failure;
    }

    /// Ends the call with this outcome, unless it has ended.
    void complete(expected<Value> &&outcome) {
        if (!has_ended_.exchange(true)) {
            Completion completion = *std::move(completion_);
            completion_.reset();
            completion(std::move(outcome));
        }
    }

  private:
    /// Runs the function, which returns or throws an error if no call is queued.
    template <class Function> std::optional<error> run(Function &function, const options &with) {
        using returned = std::invoke_result_t<Function &, const options &>;
#ifdef __cpp_exceptions
        try {
            return error_of<returned>(function, with);
        } catch (const error &thrown) {
            return thrown;
        } catch (...) {
            has_ended_ = true; // the caller gets the exception, not the outcome
            mcp_queue_cancel(link_->queue, this);
            throw;
        }
#else
        return error_of<returned>(function, with);
#endif
    }

    template <class Returned, class Function>
    static std::optional<error> error_of(Function &function, const options &with) {
        if constexpr (std::is_same_v<Returned, expected<Value>>) {
            const Returned outcome = function(with);
            return outcome ? std::nullopt : std::optional<error>(outcome.error());
        } else {
            static_cast<void>(function(with));
            return std::nullopt;
        }
    }

    /// An mcp_done_fn.
    static void done(void *userdata, std::int32_t status, const mcp_json *result, const mcp_error *reason) noexcept {
        queued &call = *static_cast<queued *>(userdata);
        const std::shared_ptr<queue_link> link = call.link_;
#ifdef __cpp_exceptions
        try {
            call.deliver(status, result, reason);
        } catch (...) {
            if (!link->exception) {
                link->exception = std::current_exception();
            }
        }
#else
        call.deliver(status, result, reason);
#endif
    }

    void deliver(std::int32_t status, const mcp_json *result, const mcp_error *reason) {
        complete(rejection_ ? expected<Value>(unexpected(*rejection_)) : outcome_of<Value>(status, result, reason));
    }

    /// An mcp_destroy_fn.
    static void destroy(void *userdata) noexcept {
        const std::shared_ptr<queued> call = std::move(static_cast<queued *>(userdata)->owned_by_c_);
        if (!call->has_ended_.exchange(true)) {
            call->completion_.reset();
        }
    }

    const std::shared_ptr<queue_link> link_;
    std::optional<Completion> completion_;
    std::optional<error> rejection_;
    std::atomic<bool> has_ended_{false};
    std::shared_ptr<queued> owned_by_c_;
    submission submission_; // written by the thread that submits the call
};

/// Fulfills a promise with the outcome of a call.
template <class Returned>
void fulfill(std::promise<Returned> &promise, expected<typename returned_by<Returned>::value> &&outcome) {
#ifdef __cpp_exceptions
    try {
        if constexpr (std::is_void_v<Returned>) {
            finish<Returned>(std::move(outcome));
            promise.set_value();
        } else {
            promise.set_value(finish<Returned>(std::move(outcome)));
        }
    } catch (...) {
        promise.set_exception(std::current_exception());
    }
#else
    promise.set_value(finish<Returned>(std::move(outcome)));
#endif
}

} // namespace detail

// ---------------------------------------------------------------------------------------------------------------------
// Queued calls
// ---------------------------------------------------------------------------------------------------------------------

/// Identifies a call that queue::submit has queued, for queue::cancel. It may be copied, and outlive the call and the
/// queue.
class queued_call {
  private:
    friend class queue;

    explicit queued_call(std::shared_ptr<const void> call) noexcept : call_(std::move(call)) {}

    std::shared_ptr<const void> call_;
};

#ifdef MCP_HPP_COROUTINES
namespace detail {

/// The outcome of an awaited call, and the coroutine that waits for it.
template <class Value> class await_state {
  public:
    bool is_complete() const noexcept {
        return waiting_.load(std::memory_order_acquire) == this;
    }

    /// Makes a coroutine wait. Returns false if the call has ended meanwhile: it must not suspend.
    bool wait(std::coroutine_handle<> coroutine) noexcept {
        void *none = nullptr;
        return waiting_.compare_exchange_strong(none, coroutine.address(), std::memory_order_acq_rel);
    }

    /// Resumes the coroutine that waits.
    void complete(expected<Value> &&outcome) {
        outcome_.emplace(std::move(outcome));
        void *waiting = waiting_.exchange(this, std::memory_order_acq_rel);
        if (waiting != nullptr && waiting != this) {
            std::coroutine_handle<>::from_address(waiting).resume();
        }
    }

    /// Makes sure that no coroutine is resumed. Returns whether the call had not ended.
    bool abandon() noexcept {
        return waiting_.exchange(this, std::memory_order_acq_rel) != this;
    }

    expected<Value> take() {
        return *std::move(outcome_);
    }

  private:
    std::optional<expected<Value>> outcome_;
    std::atomic<void *> waiting_{nullptr}; // the address of the coroutine; this when the outcome is there
};

} // namespace detail

/// A call in progress, which a coroutine can await once: see queue::awaitable. `co_await` returns or throws what the
/// function of the call would. The coroutine continues in queue::dispatch; or at once, if the call has already ended.
///
/// Destroying it before the call has ended cancels the call, for example because the coroutine that waits is destroyed.
/// This must not happen on another thread while a thread is in dispatch.
template <class Returned> class [[nodiscard]] awaitable {
  public:
    awaitable(awaitable &&) noexcept = default;
    awaitable &operator=(awaitable &&) = delete;
    ~awaitable() {
        if (state_ && state_->abandon() && link_->queue != nullptr) {
            mcp_queue_cancel(link_->queue, call_.get());
        }
    }

    bool await_ready() const noexcept {
        return state_->is_complete();
    }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
        return state_->wait(coroutine);
    }
    Returned await_resume() {
        return detail::finish<Returned>(state_->take());
    }

  private:
    friend class queue;
    using state = detail::await_state<typename detail::returned_by<Returned>::value>;

    awaitable(std::shared_ptr<detail::queue_link> link, std::shared_ptr<state> made,
              std::shared_ptr<const void> call) noexcept
        : link_(std::move(link)), state_(std::move(made)), call_(std::move(call)) {}

    std::shared_ptr<detail::queue_link> link_;
    std::shared_ptr<state> state_;
    std::shared_ptr<const void> call_;
};
#endif

// ---------------------------------------------------------------------------------------------------------------------
// Queues
// ---------------------------------------------------------------------------------------------------------------------

/// Runs calls without blocking, and delivers their results in dispatch(). For event loops, coroutines, and programs
/// with many calls in flight.
///
/// A call is made by a function that the queue calls at once, with options to pass on. It makes exactly one call on a
/// client with them, in either form, and returns what that returns:
///
///     [&](const mcp::options &with) { return client.call_tool("add", arguments, with); }
///
/// The call returns at once, without a result. Everything that is passed to it is copied. The outcome arrives in
/// dispatch(), in one of three ways: future(), awaitable(), or the callback of submit(). With a throwing form, errors
/// are thrown there; with a try_ form, the result is an mcp::expected. All errors arrive there too, also those for
/// invalid arguments, unless the queue takes no more calls (stop()).
///
/// All callbacks that belong to a queued call run in dispatch: progress, handlers, the auth callback. They never run at
/// the same time, and no lock is held: they may use the queue and make calls, also blocking ones on other clients. The
/// options of a call, such as a timeout or a cancel token (with C++20 also a std::stop_token), are the last argument:
///
///     queue.future([&](auto &with) { return client.ping(with); }, mcp::options().timeout(2s).cancel(stop_token));
///
/// One queue may serve any number of clients. A client may be destroyed before its calls have ended: they end with
/// status::closed. A queued client::close ends all calls of the client when it is made, and is the last one whose
/// outcome arrives. The destructor of a queue cancels its calls, waits for its threads, and delivers nothing: futures
/// report std::future_errc::broken_promise, and coroutines that wait are not resumed. To deliver everything first:
///
///     queue.stop();
///     while (queue.pending() > 0) queue.dispatch(std::nullopt);
///
/// All functions may be called from any thread, but only one thread at a time may dispatch. A callback may destroy the
/// queue: no other callback runs after it.
class queue {
  public:
#ifdef __cpp_exceptions
    /// Creates a queue. Throws status::system_error if no file descriptor is available.
    queue() : queue(detail::value_or_throw(try_new())) {}
#endif

    /// Non-throwing form of the constructor.
    [[nodiscard]] static expected<queue> try_new() {
        mcp_error *failure = nullptr;
        queue made(mcp_queue_new(&failure));
        if (!made.queue_) {
            return unexpected(error(failure));
        }
        return made;
    }

    queue(queue &&) noexcept = default;
    queue &operator=(queue &&other) noexcept {
        if (this != &other) {
            release();
            queue_ = std::move(other.queue_);
            link_ = std::move(other.link_);
        }
        return *this;
    }
    ~queue() {
        release();
    }

    /// Returns a descriptor that is readable while dispatch() has something to do, for poll, epoll, kqueue or a GUI's
    /// loop. It must only be polled. -1 on systems without descriptors: use set_wakeup.
    int fd() const noexcept {
        return mcp_queue_fd(queue_.get());
    }

    /// Returns how many calls have not delivered their outcome.
    std::size_t pending() const noexcept {
        return mcp_queue_pending(queue_.get());
    }

    /// Cancels all calls and takes no more; returns how many outcomes dispatch() has yet to deliver. Later calls fail
    /// with status::closed at once.
    std::size_t stop() noexcept {
        return mcp_queue_stop(queue_.get());
    }

    /// Cancels a call; returns whether that ends it. Its outcome, usually status::cancelled, arrives in dispatch. To
    /// cancel the call of a future or of an awaitable, use a cancel token or a std::stop_token.
    bool cancel(const queued_call &call) noexcept {
        return mcp_queue_cancel(queue_.get(), call.call_.get()) > 0;
    }

#ifdef __cpp_exceptions
    /// Runs the callbacks and coroutines that are due. What they add runs in the next dispatch. `wait` is how long to
    /// wait for the first of them: by default not at all; std::nullopt means without limit.
    ///
    /// Throws the exception that leaves a callback; if several do, the first one. The other callbacks run anyway, and
    /// the queue stays usable. Throws status::misuse if another thread is in dispatch.
    void dispatch(std::optional<duration> wait = std::chrono::milliseconds(0)) {
        detail::value_or_throw(try_dispatch(wait));
    }

    /// Dispatches until a future of this queue is ready. Without it, `get()` would wait forever if no other thread
    /// dispatches.
    template <class Result> void wait(const std::future<Result> &result) {
        while (result.wait_for(std::chrono::seconds(0)) == std::future_status::timeout) {
            dispatch(std::nullopt);
        }
    }

    /// Sets how many calls may be in progress at the same time, at least 1. Default: 64. Others wait. Calls whose
    /// handler has deferred its answer are not counted.
    void set_threads(std::uint32_t threads) {
        detail::value_or_throw(try_set_threads(threads));
    }

    /// Sets the callback that tells the program's loop to dispatch, for loops that cannot wait for a descriptor. It can
    /// be any callable without arguments. It is called from any thread when dispatch() gets something to do, and must
    /// only wake the loop. An exception that leaves it is discarded. The callable is moved into the queue, and
    /// destroyed with it. Throws status::invalid_argument if it is empty.
    template <class Callable> void set_wakeup(Callable callable) {
        detail::value_or_throw(try_set_wakeup(std::move(callable)));
    }

    /// Removes the callback of set_wakeup.
    void set_wakeup(std::nullopt_t) {
        detail::value_or_throw(try_set_wakeup(std::nullopt));
    }

    /// Makes a call whose outcome is passed to `done`, in dispatch: any callable that accepts an mcp::expected of what
    /// the function returns. As with the try_ forms, a tool that reports a failure has a result.
    ///
    ///     queue.submit([&](auto &with) { return client.list_tools(with); },
    ///                  [](mcp::expected<mcp::json> tools) { ... });
    ///
    /// It is called once, or never if the queue is destroyed before. dispatch() throws the exception that leaves it.
    /// Throws status::closed if the queue takes no more calls, and status::misuse in a child process after fork.
    template <class Function, class Done> queued_call submit(Function &&function, Done done, options opts = {}) {
        return detail::value_or_throw(try_submit(function, std::move(done), std::move(opts)));
    }
#endif

    /// Non-throwing form of dispatch(), except that the exception of a callback is thrown.
    [[nodiscard]] expected<void> try_dispatch(std::optional<duration> wait = std::chrono::milliseconds(0)) {
        const std::shared_ptr<detail::queue_link> link = link_; // a callback may destroy this queue
        const auto outcome = wait ? detail::call(mcp_queue_dispatch, queue_.get(), *wait)
                                  : detail::call(mcp_queue_dispatch, queue_.get(), std::uint64_t{MCP_FOREVER});
#ifdef __cpp_exceptions
        if (outcome && link->exception) { // after a failure, another thread may be in dispatch
            std::rethrow_exception(std::exchange(link->exception, nullptr));
        }
#endif
        return outcome;
    }

    /// Non-throwing form of set_threads().
    [[nodiscard]] expected<void> try_set_threads(std::uint32_t threads) {
        return detail::call(mcp_queue_set_threads, queue_.get(), threads);
    }

    /// Non-throwing form of set_wakeup().
    template <class Callable> [[nodiscard]] expected<void> try_set_wakeup(Callable callable) {
        if constexpr (std::is_same_v<Callable, std::nullopt_t>) {
            return detail::call(mcp_queue_set_wakeup, queue_.get(), nullptr, nullptr, nullptr);
        } else {
            static_assert(std::is_invocable_v<Callable &>, "a wakeup callback is called without arguments");
            return detail::set_callback(mcp_queue_set_wakeup, queue_.get(), &invoke_wakeup<Callable>,
                                        std::move(callable));
        }
    }

    /// Non-throwing form of submit().
    template <class Function, class Done>
    [[nodiscard]] expected<queued_call> try_submit(Function &&function, Done done, options opts = {}) {
        using value = typename detail::returned_by<returned<Function>>::value;
        static_assert(std::is_invocable_v<Done &, expected<value>>,
                      "`done` is called with an mcp::expected of what the function returns");
        if (detail::is_empty(done)) {
            return unexpected(detail::empty_callback());
        }
        auto [call, failure] = start<value>(function, std::move(done), opts);
        if (failure) {
            return unexpected(*failure);
        }
        return queued_call(std::move(call));
    }

    /// Makes a call whose outcome is in a std::future: get() returns or throws what the function would. It becomes
    /// ready in dispatch: some thread has to dispatch while another one waits, or use wait().
    ///
    /// If the queue takes no more calls, the future is ready at once, with status::closed.
    template <class Function>
    [[nodiscard]] std::future<std::invoke_result_t<Function &, const options &>> future(Function &&function,
                                                                                        options opts = {}) {
        using value = typename detail::returned_by<returned<Function>>::value;
        std::promise<returned<Function>> promise;
        auto result = promise.get_future();
        auto fulfill = [promise = std::move(promise)](expected<value> &&outcome) mutable {
            detail::fulfill(promise, std::move(outcome));
        };
        auto [call, failure] = start<value>(function, std::move(fulfill), opts);
        if (failure) {
            call->complete(unexpected(*failure));
        }
        return result;
    }

#ifdef MCP_HPP_COROUTINES
    /// Makes a call that a coroutine can await: see mcp::awaitable. The call begins at once, so that several can be in
    /// progress before the first one is awaited. The coroutine continues in dispatch.
    ///
    /// If the queue takes no more calls, `co_await` does not suspend, and ends with status::closed.
    template <class Function>
    mcp::awaitable<std::invoke_result_t<Function &, const options &>> awaitable(Function &&function,
                                                                                options opts = {}) {
        using value = typename detail::returned_by<returned<Function>>::value;
        auto state = std::make_shared<detail::await_state<value>>();
        auto complete = [state](expected<value> &&outcome) { state->complete(std::move(outcome)); };
        auto [call, failure] = start<value>(function, std::move(complete), opts);
        if (failure) {
            call->complete(unexpected(*failure));
        }
        return {link_, std::move(state), std::move(call)};
    }
#endif

  private:
    friend class client;

    // What the function of a call returns.
    template <class Function> using returned = std::invoke_result_t<Function &, const options &>;

    explicit queue(mcp_queue *owned) : queue_(owned), link_(std::make_shared<detail::queue_link>()) {
        link_->queue = owned;
    }

    template <class Callable> static void invoke_wakeup(void *userdata) noexcept {
        detail::invoke_ignoring_exceptions(*static_cast<Callable *>(userdata));
    }

    /// Starts a call, of any kind. Returns it, and the error if nothing is delivered in dispatch.
    template <class Value, class Function, class Completion>
    std::pair<std::shared_ptr<detail::queued<Value, Completion>>, std::optional<error>>
    start(Function &function, Completion completion, options &opts) {
        using queued = detail::queued<Value, Completion>;
        auto link = link_ ? link_ : std::make_shared<detail::queue_link>(); // a moved-from queue has none
        auto call = std::make_shared<queued>(std::move(link), std::move(completion));
        std::optional<error> failure = queued::submit(call, function, opts);
        return {std::move(call), std::move(failure)};
    }

    void release() noexcept {
        if (link_) {
            link_->queue = nullptr;
        }
        queue_.reset();
    }

    std::unique_ptr<mcp_queue, detail::deleter<mcp_queue_free>> queue_;
    std::shared_ptr<detail::queue_link> link_;
};

inline expected<void> client::try_set_queue(const queue &target) {
    if (!target.queue_) {
        return unexpected(error(status::invalid_argument, "the queue was moved from"));
    }
    return detail::call(mcp_set_queue, client_.get(), target.queue_.get());
}

#ifdef __cpp_exceptions
inline void client::set_queue(const queue &target) {
    detail::value_or_throw(try_set_queue(target));
}
#endif

} // namespace MCP_HPP_CONFIGURATION
} // namespace mcp

#endif
