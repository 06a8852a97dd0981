// Protocol operations: tools, resources, prompts, input requests, change notifications, tasks. The server is a child
// process that supports all of them in one version: tests/schema/server.py.
#include "check.hpp"
#include "support.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

const char *const legacy = "2025-11-25";
const char *const modern = "2026-07-28";

std::string folder;

std::string record_of(const std::string &version) {
    return folder + "/record-" + version;
}

std::vector<std::string> server(const std::string &version) {
    return {PYTHON, SCHEMA_SERVER, version, record_of(version)};
}

// Whether the client sent this text to a server of this version.
bool was_sent(const std::string &version, const char *text) {
    std::ifstream record(record_of(version));
    const std::string received((std::istreambuf_iterator<char>(record)), std::istreambuf_iterator<char>());
    return received.find(text) != std::string::npos;
}

mcp::client client_of(const std::string &version) {
    mcp::client client = mcp::client::for_process(server(version));
    client.set_timeout(20s);
    return client;
}

// The text at a pointer of a temporary document, and the text of a temporary result.
std::string at(const mcp::json &document, std::string_view pointer) {
    return document.pointer(pointer).try_copy_string().value_or("(none)");
}
std::string text(const mcp::tool_result &result) {
    return std::string(result.text());
}

void tools_are_listed_and_called(const std::string &version) {
    mcp::client client = client_of(version);
    const mcp::json all = client.list_tools();
    CHECK_EQUAL(4U, all["tools"].size());
    std::size_t pages = 0, walked = 0;
    for (const mcp::json &page : client.tool_pages(mcp::options().timeout(20s))) {
        pages++;
        for (mcp::json_view tool : page["tools"].elements()) {
            CHECK_EQUAL(all["tools"][walked++].raw(), tool.raw());
        }
    }
    CHECK_EQUAL(2U, pages);
    CHECK_EQUAL(4U, walked);
    for (const mcp::expected<mcp::json> &page : client.try_tool_pages()) {
        CHECK_WORKS(page);
        break;
    }

    const mcp::tool_result result = client.call_tool("echo", "{\"a\":1}");
    CHECK_EQUAL("well"sv, result.text());
    CHECK(!result.is_error() && !result.structured() && !result.task_id());
    for (mcp::json_view block : result.content()) {
        CHECK_EQUAL("text"sv, block["type"].string());
    }
    CHECK_EQUAL(result.view()["content"].raw(), result.view().pointer("/content").raw());
    CHECK_THROWS(invalid_argument, client.call_tool("echo", "[]"));
    CHECK_THROWS(invalid_argument, client.call_tool("echo", ""));
    CHECK_THROWS(invalid_argument, client.call_tool("a\0b"sv));
    CHECK_FAILS(invalid_argument, client.try_call_tool("echo", "{"));

    try {
        client.call_tool("fails");
        CHECK(false);
    } catch (const mcp::tool_error &error) {
        const mcp::tool_error copy = error;
        CHECK_EQUAL("no luck"sv, std::string_view(copy.what()));
        CHECK(copy.result().is_error());
    }
    const mcp::options with = mcp::options().timeout(20s);
    try {
        client.call_tool("fails", with);
        CHECK(false);
    } catch (const mcp::exception &exception) { // one handler for failed tools and failed calls
        CHECK_EQUAL("no luck"sv, exception.what());
    }
    const mcp::expected<mcp::tool_result> failed = client.try_call_tool("fails", with);
    CHECK(failed.has_value() && failed->is_error() && failed->text() == "no luck");
    CHECK_EQUAL("well"s, text(client.call_tool_as_task("echo", with)));
    CHECK_EQUAL("user"s, at(client.get_prompt("greet", with), "/messages/0/role"));
    CHECK_EQUAL(mcp::json_type::object, client.request("x.example/question", with).type());
    client.notify("x.example/news", with);
    CHECK_THROWS(invalid_argument, client.call_tool("echo", mcp::options().timeout(-1s)));
}

void descriptors_of_the_program_are_used_and_closed() {
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a socket pair");
    {
        mcp::client client = mcp::client::for_fds(ends[0], ends[0], "embedded");
        CHECK_EQUAL("embedded"s, std::string(client.name()));
        const mcp::options brief = mcp::options().timeout(100ms);
        CHECK_THROWS(timeout, client.ping(brief));
        close(ends[1]);
        CHECK_THROWS(disconnected, client.ping());
    }
    CHECK_EQUAL(-1, fcntl(ends[0], F_GETFD));
    CHECK_FAILS(invalid_argument, mcp::client::try_for_fds(-1, -1, "none"));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a socket pair");
    CHECK_FAILS(invalid_argument, mcp::client::try_for_fds(ends[0], ends[1], std::string_view("a\0b", 3)));
    CHECK(fcntl(ends[0], F_GETFD) == -1 && fcntl(ends[1], F_GETFD) == -1);
}

void failed_page_is_the_last() {
    mcp::client client = mcp::client::for_process({"sh", "-c", "exit 3"});
    std::size_t count = 0;
    for (const mcp::expected<mcp::json> &page : client.try_prompt_pages()) {
        CHECK_FAILS(process_failed, page);
        count++;
    }
    CHECK_EQUAL(1U, count);
    CHECK_THROWS(process_failed, client.tool_pages().begin());
}

// Iteration ends at servers that repeat a cursor: the same one on every page, or two alternating ones.
void repeated_cursor_ends_iteration() {
    const std::vector<std::pair<std::string, std::size_t>> cursors{{"''", 2}, {"0", 2}, {"$((n % 2))", 3}};
    for (const auto &[cursor, expected] : cursors) {
        const std::string script = R"(n=0
            info='{"name":"sh","version":"1"}'
            send() { printf '%s\n' '{"jsonrpc":"2.0","id":'"$id"','"$1"'}'; }
            while IFS= read -r line; do
                id=${line#*'"id":'}
                id=${id%%[,\}]*}
                case $line in
                *server/discover*) send '"error":{"code":-32601,"message":"no"}' ;;
                *'"initialize"'*)
                    send '"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":'"$info"'}' ;;
                *'prompts/list'*)
                    n=$((n + 1)); send '"result":{"prompts":[{"name":"'$n'"}],"nextCursor":"')" +
                                   cursor + R"('"}' ;;
                esac
            done)";
        mcp::client client = mcp::client::for_process({"sh", "-c", script});
        std::size_t pages = 0;
        for (const mcp::json &page : client.prompt_pages(mcp::options().timeout(20s))) {
            pages += page["prompts"].size();
        }
        CHECK_EQUAL(expected, pages);
    }
}

void resources_and_prompts_are_read(const std::string &version) {
    mcp::client client = client_of(version);
    CHECK_EQUAL("test://one"s, at(client.list_resources(), "/resources/0/uri"));
    CHECK_EQUAL("any"s, at(client.list_resource_templates(), "/resourceTemplates/0/name"));
    CHECK_EQUAL("greet"s, at(client.list_prompts(), "/prompts/0/name"));
    std::size_t pages = 0;
    for (const mcp::json &page : client.resource_pages()) {
        pages += page["resources"].size();
    }
    for (const mcp::json &page : client.resource_template_pages()) {
        pages += page["resourceTemplates"].size();
    }
    for (const mcp::json &page : client.prompt_pages()) {
        pages += page["prompts"].size();
    }
    CHECK_EQUAL(3U, pages);

    const mcp::json read = client.read_resource("test://one");
    CHECK_EQUAL("1"sv, read.pointer("/contents/0/text").string());
    const std::vector<std::byte> bytes = read.pointer("/contents/1/blob").copy_base64();
    CHECK(bytes == std::vector<std::byte>({std::byte{0}, std::byte{255}, std::byte{'a'}}));
    CHECK_FAILS(json_range, read.pointer("/contents/0/text").try_copy_base64());
    CHECK_FAILS(json_mismatch, read["contents"].try_copy_base64());
    const mcp::json empty = mcp::json::parse("\"\"");
    CHECK(empty.view().copy_base64().empty());

    CHECK_EQUAL("user"s, at(client.get_prompt("greet", "{\"name\":\"Ada\"}"), "/messages/0/role"));
    CHECK_EQUAL("Ada"s, at(client.complete_prompt("greet", "name", "A", "{\"x\":\"y\"}"), "/completion/values/0"));
    CHECK_EQUAL("Ada"s, at(client.complete_resource("test://{id}", "id", ""), "/completion/values/0"));
    CHECK_FAILS(invalid_argument, client.try_complete_prompt("greet", "name", "A", "[]"));

    CHECK(client.request("x.example/question", "{\"a\":1}").type() == mcp::json_type::object);
    client.notify("x.example/news");
    client.request_server_log("info");
    CHECK_THROWS(invalid_argument, client.request_server_log("loud"));
    client.ping();
}

void progress_callback_can_cancel_call(const std::string &version) {
    mcp::client client = client_of(version);
    mcp::cancel token;
    int notifications = 0;
    std::string all;
    client.set_notification([&all](std::string_view method, mcp::json_view params) {
        all += std::string(method) + ' ' + std::string(params["progress"].raw());
    });
    mcp::options with =
        mcp::options().cancel(token).meta("{\"k\":\"v\"}").on_progress([&](const mcp::progress &progress) {
            CHECK_EQUAL(1.0, progress.value);
            CHECK(!progress.total && progress.message.empty());
            notifications++;
            token.trigger();
            throw std::runtime_error("swallowed");
        });
    CHECK_THROWS(cancelled, client.call_tool("never", std::nullopt, with));
    CHECK_EQUAL(1, notifications);
    CHECK_EQUAL("notifications/progress 1"s, all);
    client.set_notification(std::nullopt);
    client.ping();
    CHECK_THROWS(invalid_argument, client.ping(mcp::options().meta("[]")));
    CHECK_THROWS(invalid_argument, client.ping(mcp::options().header("Host", "x")));
    CHECK_THROWS(invalid_argument,
                 client.ping(mcp::options().on_progress(static_cast<void (*)(const mcp::progress &)>(nullptr))));

    CHECK(was_sent(version, "\"k\":\"v\"") && was_sent(version, "progressToken"));
}

void progress_callback_that_returns_false_ends_call(const std::string &version) {
    mcp::client client = client_of(version);
    int notifications = 0;
    const auto callback = [&](const mcp::progress &) { return ++notifications == 0; };
    CHECK_THROWS(cancelled, client.call_tool("never", std::nullopt, mcp::options().on_progress(callback)));
    CHECK_EQUAL(1, notifications);
    client.ping();
}

void handlers_respond_to_input_requests(const std::string &version) {
    mcp::client client = client_of(version);
    std::mutex lock; // handlers may run at the same time
    std::map<std::string, int> request_counts;
    const auto count = [&](const char *request) {
        const std::lock_guard<std::mutex> guard(lock);
        request_counts[request]++;
    };
    client.set_elicitation([&count](mcp::input &input) {
        const bool form = static_cast<bool>(input.params()["requestedSchema"]);
        count(form ? "form" : "url");
        CHECK_EQUAL("elicitation/create"sv, input.method());
        CHECK_FAILS(invalid_argument, input.try_accept("[]"));
        if (form) {
            input.accept("{\"name\":\"Ada\"}");
        } else {
            input.accept();
        }
    });
    client.set_sampling([&count](mcp::input &input) {
        count("sampling");
        CHECK_FAILS(misuse, input.try_decline());
        CHECK_FAILS(invalid_argument, input.try_respond("{}"));
        input.respond(R"({"role":"assistant","model":"none","content":{"type":"text","text":"hello"}})");
    });
    client.set_roots([&count](mcp::input &input) {
        count("roots");
        input.respond(R"({"roots":[{"uri":"file:///srv"}]})");
    });
    CHECK_EQUAL("well"s, text(client.call_tool("asks")));
    client.ping();
    CHECK(request_counts == (std::map<std::string, int>{{"form", 1}, {"url", 1}, {"sampling", 1}, {"roots", 1}}));
    CHECK_THROWS(misuse, client.set_roots(std::nullopt));
}

void failed_handlers_are_reported() {
    const std::vector<void (*)(mcp::input &)> handlers = {
        [](mcp::input &) { throw std::runtime_error("the door is locked"); },
        [](mcp::input &) { throw 7; },
        [](mcp::input &input) { input.fail("the door\0is locked"sv, -1); },
    };
    for (const auto handler : handlers) {
        mcp::client client = client_of(modern);
        client.set_sampling(handler);
        client.set_roots(handler);
        client.set_elicitation(handler);
        CHECK_THROWS(input_failed, client.call_tool("asks"));
        client.ping();
    }
    mcp::client legacy_client = client_of(legacy);
    legacy_client.set_sampling([](mcp::input &) { throw std::runtime_error("the model is away"); });
    legacy_client.set_roots([](mcp::input &input) { input.fail("the person says no", -1); });
    CHECK_EQUAL("well"s, text(legacy_client.call_tool("asks")));
    legacy_client.ping();
    CHECK(was_sent(legacy, R"("code":-32603,"message":"the model is away")"));
    CHECK(was_sent(legacy, R"("code":-1,"message":"the person says no")"));

    for (const bool declines : {true, false}) {
        mcp::client client = client_of(legacy);
        client.set_elicitation([declines](mcp::input &input) { declines ? input.decline() : input.cancel(); });
        CHECK_EQUAL("well"s, text(client.call_tool("asks")));
        client.ping();
    }
    for (const char *version : {legacy, modern}) {
        mcp::client waiting = client_of(version);
        mcp::cancel token;
        waiting.set_elicitation([&token](mcp::input &input) {
            CHECK(!input.is_over());
            token.trigger();
            for (int i = 0; i < 10000 && !input.is_over(); i++) {
                sleep_ms(1); // until the thread of the call has noticed it
            }
            CHECK(input.is_over());
        });
        waiting.set_sampling([](mcp::input &input) {
            input.respond(R"({"role":"assistant","content":{"type":"text","text":"said"},"model":"m"})");
        });
        waiting.set_roots([](mcp::input &input) { input.respond(R"({"roots":[]})"); });
        CHECK_THROWS(cancelled, waiting.call_tool("asks", "{}", mcp::options().cancel(token)));
    }
    mcp::client client = client_of(modern);
    CHECK_THROWS(input_unsupported, client.call_tool("asks"));
    CHECK_FAILS(invalid_argument, client.try_set_roots(static_cast<void (*)(mcp::input &)>(nullptr)));
    CHECK_WORKS(mcp::client::for_process(server(modern)).try_set_elicitation(std::nullopt));
}

void listen_receives_changes(const std::string &version) {
    mcp::client client = client_of(version);
    mcp::cancel token;
    int received = 0;
    const auto take = [&](std::string_view method, mcp::json_view) {
        CHECK_EQUAL("notifications/tools/list_changed"sv, method);
        received++;
        token.trigger();
        throw 1; // swallowed
    };
    CHECK_THROWS(cancelled, client.listen(mcp::change::tools | mcp::change::prompts, {"test://one"}, take,
                                          mcp::options().cancel(token)));
    CHECK(received > 0);
    client.ping();
    CHECK_FAILS(invalid_argument, client.try_listen(mcp::change::none, {}, take));
    CHECK_FAILS(invalid_argument, client.try_listen(mcp::change::tools, {std::string("a\0b", 3)}, take));

    client.set_server_log([](mcp::json_view) {});
    client.set_server_log(std::nullopt);
    client.set_cache(true);
    CHECK(client.list_prompts().size() > 0);
    client.set_cache(false);
}

// Calls from many threads, and one thread that listens until another one cancels it; also run with the thread
// sanitizer.
void many_threads_share_a_client(const std::string &version) {
    mcp::client client = client_of(version);
    std::atomic<int> input_requests{0};
    client.set_sampling([&input_requests](mcp::input &input) {
        input_requests++;
        input.respond(R"({"role":"assistant","model":"none","content":{"type":"text","text":"hello"}})");
    });
    mcp::cancel token;
    std::thread listener([&] {
        CHECK_FAILS(cancelled, client.try_listen(
                                   mcp::change::tools, {"test://one"}, [](std::string_view, mcp::json_view) {},
                                   mcp::options().cancel(token)));
    });
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; i++) {
        threads.emplace_back([&client] {
            for (int round = 0; round < 10; round++) {
                const mcp::expected<mcp::tool_result> result = client.try_call_tool("echo");
                CHECK(result.has_value() && result->text() == "well");
                CHECK_WORKS(client.try_list_tools());
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    token.trigger();
    listener.join();
    client.close();
}

void tasks_are_started_and_awaited(const std::string &version) {
    mcp::client client = client_of(version);
    const mcp::tool_result started = client.call_tool_as_task("task");
    CHECK_EQUAL("t1"sv, started.task_id());
    const std::string id(started.task_id().value_or(""));
    CHECK_EQUAL("completed"s, at(client.get_task(id), "/status"));
    CHECK_EQUAL("well"s, text(client.wait_task(id)));
    client.cancel_task(id);
    client.update_task(id, "{\"k\":{\"action\":\"cancel\"}}");
    const mcp::tool_result done = client.call_tool_as_task("echo");
    CHECK(!done.task_id() && done.text() == "well");
}

void process_settings_are_applied() {
    const std::string stderr_file = folder + "/stderr";
    mcp::client client =
        mcp::client::for_process({"sh", "-c", "echo \"$GREETING from $(pwd)${HOME:- nowhere}\" >&2; exit 3"});
    client.set_environment("GREETING", "hello");
    client.set_environment("HOME", std::nullopt);
    client.set_working_directory(folder);
    client.set_stop_timeout(500ms, 500ms);
    CHECK_FAILS(invalid_argument, client.try_set_stop_timeout(-1ms, 1s));
    client.set_stderr_file(stderr_file);
    CHECK_THROWS(process_failed, client.ping());
    std::ifstream file(stderr_file);
    std::string line;
    std::getline(file, line);
    CHECK_EQUAL("hello from " + folder + " nowhere", line);
    CHECK_THROWS(misuse, client.set_bearer("token"));
    CHECK_FAILS(invalid_argument, mcp::client::try_for_process({}));
    CHECK_FAILS(invalid_argument, mcp::client::try_for_process({"sh", std::string("a\0b", 3)}));
}

void clients_are_created_from_config() {
    const std::string path = folder + "/mcp.json";
    std::ofstream(path) << R"({"mcpServers":{"web":{"url":")" << scenario("bearer=token")
                        << R"(","auth":"token"},"broken":{"command":3}}})";
    const mcp::json names = mcp::config_names(path);
    CHECK_EQUAL("web"sv, names[0].string());
    CHECK_EQUAL("broken"sv, names[1].string());
    const mcp::json servers = mcp::config_servers(path);
    CHECK_EQUAL("broken"sv, servers[1]["name"].string());
    CHECK(!servers[1]["disabled"].as_bool());
    mcp::client::from_config(path, "web").ping();
    CHECK_FAILS(config_invalid, mcp::client::try_from_config(path));
    CHECK_FAILS(config_invalid, mcp::client::try_from_config(path, "broken"));
    CHECK_FAILS(config_invalid, mcp::try_config_names(path + ".none"));
    CHECK_FAILS(config_invalid, mcp::try_config_servers(path + ".none"));

    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const mcp::json names_of_text = mcp::config_names_text(text);
    CHECK_EQUAL("broken"sv, names_of_text[1].string());
    mcp::client client = mcp::client::from_config_text(text, "web");
    CHECK_EQUAL("web"sv, client.name());
    client.ping();
    client.set_name("other");
    CHECK_EQUAL("other"sv, client.name());
    client.set_name(std::nullopt);
    CHECK_EQUAL("127.0.0.1"sv, client.name());
    CHECK_FAILS(config_invalid, mcp::client::try_from_config_text(text));
    CHECK_FAILS(config_invalid, mcp::try_config_names_text(""));
    CHECK_FAILS(invalid_argument, client.try_set_name("a\0b"sv));
    const mcp::client moved = std::move(client);
    CHECK_EQUAL(""sv, client.name());
}

} // namespace

int main() {
    char name[] = "/tmp/mcp-cpp-XXXXXX";
    must(mkdtemp(name) != nullptr, "a folder");
    folder = name;
    for (const std::string version : {legacy, modern}) {
        tools_are_listed_and_called(version);
        resources_and_prompts_are_read(version);
        progress_callback_can_cancel_call(version);
        progress_callback_that_returns_false_ends_call(version);
        handlers_respond_to_input_requests(version);
        listen_receives_changes(version);
        tasks_are_started_and_awaited(version);
        many_threads_share_a_client(version);
    }
    descriptors_of_the_program_are_used_and_closed();
    failed_page_is_the_last();
    repeated_cursor_ends_iteration();
    failed_handlers_are_reported();
    process_settings_are_applied();
    clients_are_created_from_config();
    for (const char *file : {"/record-2025-11-25", "/record-2026-07-28", "/stderr", "/mcp.json"}) {
        unlink((folder + file).c_str());
    }
    CHECK(rmdir(folder.c_str()) == 0);
    return check::end();
}
