// 10,000 clients one after the other, each with a ping. Memory, descriptors and threads at the end must be the same as
// after the first 1,000.
#include "check.hpp"
#include "support.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace {

struct size {
    long resident_kib = 0;
    long descriptors = 0;
    long threads = 0;

    static size now() {
        size size;
        std::ifstream status("/proc/self/status");
        for (std::string line; std::getline(status, line);) {
            if (line.rfind("VmRSS:", 0) == 0) {
                size.resident_kib = std::stol(line.substr(6));
            }
        }
        size.descriptors = entries("/proc/self/fd");
        size.threads = entries("/proc/self/task");
        return size;
    }

    void print(const char *when) const {
        std::printf("%s: %ld KiB, %ld descriptors, %ld threads\n", when, resident_kib, descriptors, threads);
    }

  private:
    static long entries(const char *folder) {
        return static_cast<long>(
            std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
    }
};

// The life of one client that uses callbacks, options and results.
void client_life(const std::string &url) {
    mcp::client client(url);
    auto held = std::make_shared<std::string>("token");
    client.set_auth([held](mcp::auth_request &request) { request.set_bearer(*held); });
    client.set_log([held](mcp::log_level, std::string_view) {});
    const mcp::cancel token;
    client.ping(mcp::options().timeout(std::chrono::seconds(20)).cancel(token));
    const mcp::json info = client.server_info();
    must(info["era"].string().has_value(), "the server information has an era");
    must(!mcp::client("http://127.0.0.1:1/mcp").try_ping(), "connection refused on an unused port");
    client.close();
}

} // namespace

int main() {
    const std::string legacy = scenario("legacy"), sse = scenario("sse"), modern = scenario("modern");
    size baseline;
    for (int i = 0; i < 10000; i++) {
        if (i == 1000) {
            baseline = size::now();
            baseline.print("after  1,000 rounds");
        }
        client_life(i % 10 == 0 ? sse : i % 2 == 0 ? legacy : modern);
    }
    const size end = size::now();
    end.print("after 10,000 rounds");
    CHECK(baseline.resident_kib > 0 && end.resident_kib < baseline.resident_kib + 4096);
    CHECK_EQUAL(baseline.descriptors, end.descriptors);
    CHECK_EQUAL(baseline.threads, end.threads);
    return check::end();
}
