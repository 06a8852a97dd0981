// Callbacks of the C API that do not return: by an exception, or by the end of their thread.
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

extern "C" void no_progress(void *, double, double, const char *) {}

// An exception is a bug of the program: it ends the process, and does not hang the thread.
void an_exception_aborts() {
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

extern "C" void ends_other_threads(void *, int32_t, const char *) {
    if (!pthread_equal(pthread_self(), main_thread)) {
        called = true;
        pthread_exit(nullptr);
    }
}

void await_the_callback() {
    for (int i = 0; i < 1000 && !called; i++) {
        sleep_ms(10);
    }
    CHECK(called.exchange(false));
    sleep_ms(50); // so that the thread has come to its end
}

mcp_client *logging(mcp_client *client) {
    must(client != nullptr, "a client");
    must(mcp_set_log(client, ends_other_threads, nullptr, nullptr, nullptr) == MCP_OK, "its log");
    return client;
}

// The thread of a call; its client cannot be freed, for the call never ends.
void the_thread_of_a_call() {
    static mcp_client *const client = logging(client_for("dual"));
    pthread_t thread;
    must(pthread_create(
             &thread, nullptr,
             [](void *) -> void * {
                 mcp_ping(client, nullptr, nullptr);
                 return nullptr;
             },
             nullptr) == 0,
         "a thread");
    pthread_detach(thread);
    await_the_callback();
    mcp::client other = support::client_for("dual");
    CHECK_WORKS(other.try_ping());
}

// The library's reader thread, which logs the end of the server: mcp_client_free does not wait for it.
void the_reader_thread() {
    const char *const argv[] = {"/bin/sh", "-c", "read line", nullptr};
    mcp_client *client = logging(mcp_client_new_stdio(argv, nullptr));
    mcp_options *options = mcp_options_new();
    must(mcp_options_set_timeout(options, 500, nullptr) == MCP_OK, "a timeout");
    CHECK(mcp_ping(client, options, nullptr) != MCP_OK);
    mcp_options_free(options);
    await_the_callback();
    alarm(20);
    mcp_client_free(client);
    alarm(0);
}

} // namespace

int main() {
    main_thread = pthread_self();
    an_exception_aborts();
    the_thread_of_a_call();
    the_reader_thread();
    return check::end();
}
