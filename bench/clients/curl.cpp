// A minimal client on libcurl that reuses one easy handle (and so its connection) and one buffer. With -DPARSER=1,
// simdjson parses the responses; otherwise handwritten code finds the values.
// c++ -O2 -std=c++17 curl.cpp -lcurl; with the parser: -DPARSER=1 -lsimdjson
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <curl/curl.h>

#include <exception>
#include <string>
#include <string_view>

#include "hand.h"

#if PARSER
#include <simdjson.h>
#endif

namespace {

// The maximum of libcurl. It is not used for small responses, because libcurl allocates the buffer for each call.
constexpr long large_buffer = 512 * 1024;

struct context {
    struct task task;
    CURL *curl = curl_easy_init();
    curl_slist *headers = nullptr;
    std::string request, answer;
    // A buffer for decoded texts, which is reused for all calls.
    std::string text;
#if PARSER
    simdjson::ondemand::parser parser;
#endif
};

size_t on_body(char *bytes, size_t size, size_t count, void *place) {
    static_cast<std::string *>(place)->append(bytes, size * count);
    return size * count;
}

size_t on_header(char *line, size_t size, size_t count, void *) {
    if (size * count < sizeof session && strncasecmp(line, "mcp-session-id:", 15) == 0)
        sprintf(session, "%.*s", static_cast<int>(strcspn(line, "\r")), line);
    return size * count;
}

void post(context &context, const char *body, size_t size) {
    context.answer.clear();
    curl_easy_setopt(context.curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
    curl_easy_setopt(context.curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(context.curl);
    if (code != CURLE_OK)
        fail(curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(context.curl, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 != 2)
        fail("the HTTP status is not 2xx");
}

void set_headers(context &context, const char *more) {
    for (const char *line :
         {"Content-Type: application/json", "Accept: application/json, text/event-stream", "Expect:", more})
        if (*line)
            context.headers = curl_slist_append(context.headers, line);
    curl_easy_setopt(context.curl, CURLOPT_HTTPHEADER, context.headers);
}

void add_header(context &context, const std::string &line) {
    context.headers = curl_slist_append(context.headers, line.c_str());
}

void connect(context &context) {
    const struct task &task = context.task;
    CURL *curl = context.curl;
    curl_easy_setopt(curl, CURLOPT_URL, task.url);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &context.answer);
    if (task.response_size > 2 * 65536) {
        curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, large_buffer);
        curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, large_buffer);
    }
    if (task.authority)
        curl_easy_setopt(curl, CURLOPT_CAINFO, task.authority);
    set_headers(context, "");
    if (!task.modern) {
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
        post(context, initialize, sizeof initialize - 1);
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, nullptr);
        add_header(context, "MCP-Protocol-Version: " LEGACY);
        add_header(context, session);
        post(context, initialized, sizeof initialized - 1);
        return;
    }
    add_header(context, "MCP-Protocol-Version: " MODERN);
    add_header(context, std::string("Mcp-Method: ") + method_of(&task));
    if (task.tool)
        add_header(context, std::string("Mcp-Name: ") + task.tool);
}

#if PARSER
simdjson::ondemand::document parsed(context &context, const char *json, size_t size) {
    // The parser may read simdjson::SIMDJSON_PADDING bytes after the JSON, which `main` has reserved.
    size_t offset = static_cast<size_t>(json - context.answer.data());
    return context.parser.iterate(json, size, context.answer.capacity() - offset);
}

struct tally walked(simdjson::ondemand::value tools) {
    struct tally tally = {};
    for (auto tool : tools.get_array()) {
        for (const char *member : {"name", "description"}) {
            std::string_view string = tool[member].get_string();
            add_string(&tally, string.data(), string.size());
        }
        tally.tools++;
    }
    return tally;
}

void read_result(context &context, simdjson::ondemand::value result, long number) {
    const struct task &task = context.task;
    if (task.what == ECHO) {
        std::string_view text = result["content"].at(0)["text"].get_string();
        context.text.assign(text);
        check_text(&task, context.text.data(), context.text.size(), number);
    } else if (task.what == TOOLS) {
        struct tally tally = walked(result["tools"]);
        check_tools(&task, &tally);
    }
}

void read_response(context &context, const char *json, size_t size, long number) {
    auto document = parsed(context, json, size);
    int64_t response_id = -1;
    bool has_result = false;
    for (auto member : document.get_object()) {
        std::string_view key = member.unescaped_key();
        if (key == "id") {
            response_id = member.value().get_int64();
        } else if (key == "result") {
            has_result = true;
            read_result(context, member.value(), number);
        }
    }
    if (response_id != number || !has_result)
        fail("the response has the wrong id, or no result");
}

// Reads a progress notification. Returns false if the message is another one.
bool read_progress(context &context, const char *json, size_t size, long &last) {
    auto document = parsed(context, json, size);
    std::string_view method;
    if (document["method"].get_string().get(method) != simdjson::SUCCESS || method != "notifications/progress")
        return false;
    double progress = document["params"]["progress"].get_double();
    check_progress(&last, progress);
    return true;
}

void read_answer(context &context, long number) {
    const char *json = context.answer.data(), *at = json, *end = json + context.answer.size();
    size_t size = context.answer.size();
    long last = 0;
    if (context.task.stream) {
        bool is_progress = context.task.what == EVENT_STREAM;
        do {
            json = next_event(&at, end, &size);
            if (!json)
                fail("the event stream has no response");
        } while (is_progress && read_progress(context, json, size, last));
        if (is_progress)
            check_events(last);
    }
    read_response(context, json, size, number);
}
#else
void read_answer(context &context, long number) {
    const std::string &answer = context.answer;
    read_by_hand(&context.task, answer.data(), answer.size(), &context.text[0], number, number);
}
#endif

void call(void *place, long number) {
    context &context = *static_cast<struct context *>(place);
    char start[1024];
    context.request.assign(start, static_cast<size_t>(request_start(&context.task, start, number)));
    if (context.task.tool)
        context.request.append(context.task.arguments, context.task.arguments_size);
    context.request += request_end(&context.task);
    post(context, context.request.data(), context.request.size());
    read_answer(context, number);
}

} // namespace

int main(int argc, char **argv) try {
    context context;
    context.task = task_of(argc, argv);
    context.answer.reserve(context.task.response_size);
    context.text.resize(context.task.size * 2 + 1024);
    connect(context);
    return measure(&context.task, call, &context);
} catch (const std::exception &error) {
    fail(error.what());
}
