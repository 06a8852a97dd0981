// Callbacks of the C API that do not return: they throw an exception or end their thread.
#include "check.hpp"
#include "support.hpp"

#include <atomic>
#include <csignal>
#include <stdexcept>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

extern "C" void throws(void *) {
    throw std::runtime_error("from a callback");
}

extern "C" bool no_progress(void *, double, double, const char *) {
    return true;
}

// An exception from a C callback is a bug of the application: it aborts the process and does not block the thread.
void exception_from_callback_aborts() {
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        alarm(20);
        mcp_options *options = mcp_options_new();
        mcp_options_set_progress(options, no_progress, nullptr, throws, nullptr);
        mcp_options_free(options);
        _exit(0);
    }
    int status = 0;
    must(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFSIGNALED(status));
    CHECK_EQUAL(SIGABRT, WTERMSIG(status));
}

pthread_t main_thread;
std::atomic<bool> called{false};

extern "C" void exit_other_threads(void *, int32_t, const char *) {
    if (!pthread_equal(pthread_self(), main_thread)) {
        called = true;
        pthread_exit(nullptr);
    }
}

void await_callback() {
    for (int i = 0; i < 1000 && !called; i++) {
        sleep_ms(10);
    }
    CHECK(called.exchange(false));
    sleep_ms(50); // until the thread has ended
}

mcp_client *with_log_callback(mcp_client *client) {
    must(client != nullptr, "create a client");
    must(mcp_set_log(client, exit_other_threads, nullptr, nullptr, nullptr) == MCP_OK, "set the log callback");
    return client;
}

// The callback ends the thread of a call. Its client cannot be freed, because the call never returns.
void callback_exits_call_thread() {
    static mcp_client *const client = with_log_callback(client_for("dual"));
    pthread_t thread;
    must(pthread_create(
             &thread, nullptr,
             [](void *) -> void * {
                 mcp_ping(client, nullptr, nullptr);
                 return nullptr;
             },
             nullptr) == 0,
         "create a thread");
    pthread_detach(thread);
    await_callback();
    mcp::client other = support::client_for("dual");
    CHECK_WORKS(other.try_ping());
}

// The callback ends the library's reader thread, which logs the end of the server: mcp_client_free does not wait for
// it.
void callback_exits_reader_thread() {
    const char *const argv[] = {"/bin/sh", "-c", "read line", nullptr};
    mcp_client *client = with_log_callback(mcp_client_new_stdio(argv, nullptr));
    mcp_options *options = mcp_options_new();
    must(mcp_options_set_timeout(options, 500, nullptr) == MCP_OK, "set the timeout");
    CHECK(mcp_ping(client, options, nullptr) != MCP_OK);
    mcp_options_free(options);
    await_callback();
    alarm(20);
    mcp_client_free(client);
    alarm(0);
}

} // namespace

int main() {
    main_thread = pthread_self();
    exception_from_callback_aborts();
    callback_exits_call_thread();
    callback_exits_reader_thread();
    return check::end();
}
