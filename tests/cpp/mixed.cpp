// Translation units compiled with different C++ standards, with and without exceptions, work in one program.
#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" {
int whole_17(const char *url);
int whole_17_silent(const char *url);
int whole_20(const char *url);
int whole_23(const char *url);
int whole_23_silent(const char *url);
}

int main() {
    const char *server = std::getenv("MCP_TEST_URL");
    if (server == nullptr) {
        std::fputs("MCP_TEST_URL is not set; run it as `mcp-test-server --run PROGRAM`\n", stderr);
        return 2;
    }
    const std::string url = std::string(server) + "/s/dual/mcp";
    int failed = 0;
    for (int (*run)(const char *) : {whole_17, whole_17_silent, whole_20, whole_23, whole_23_silent}) {
        failed += run(url.c_str());
    }
    std::printf("%d of 5 configurations failed\n", failed);
    return failed;
}
