// A minimal client on libcurl that reuses one easy handle (and so its connection) and one buffer. With -DPARSER=1,
// simdjson parses the responses; otherwise handwritten code finds the text.
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
    // The decoded text, and its buffer, which is reused for all calls.
    std::string text_buffer;
    std::string_view text;
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
    if (task.size > CURL_MAX_WRITE_SIZE) {
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
    if (task.size)
        add_header(context, "Mcp-Name: echo");
}

// The position and size of the JSON in a response: the complete body, or the data of the event.
std::pair<size_t, size_t> json_in(const std::string &answer, bool stream) {
    if (!stream)
        return {0, answer.size()};
    size_t start = answer.find("data: ");
    if (start == std::string::npos)
        fail("the event stream has no data");
    start += 6;
    return {start, answer.find('\n', start) - start};
}

#if PARSER
void read_answer(context &context, size_t start, size_t size, long id) {
    context.answer.reserve(context.answer.size() + simdjson::SIMDJSON_PADDING);
    auto document = context.parser.iterate(context.answer.data() + start, size, context.answer.capacity() - start);
    int64_t response_id = -1;
    bool has_result = false;
    for (auto member : document.get_object()) {
        std::string_view key = member.unescaped_key();
        if (key == "id") {
            response_id = member.value().get_int64();
        } else if (key == "result") {
            has_result = true;
            if (context.task.size) {
                std::string_view text = member.value()["content"].at(0)["text"].get_string();
                context.text = context.text_buffer.assign(text);
            }
        }
    }
    if (response_id != id || !has_result)
        fail("the response has the wrong id, or no result");
}
#else
void read_answer(context &context, size_t start, size_t size, long id) {
    check_id(context.answer.data() + start, size, id);
    if (context.task.size) {
        char *out = &context.text_buffer[0];
        context.text = {out, decoded_text(context.answer.data() + start, size, out)};
    }
}
#endif

void call(void *place, long number) {
    context &context = *static_cast<struct context *>(place);
    char start[1024];
    context.request.assign(start, static_cast<size_t>(request_start(&context.task, start, number)));
    if (context.task.size)
        context.request.append(context.task.arguments, context.task.arguments_size);
    context.request += request_end(&context.task);
    post(context, context.request.data(), context.request.size());
    auto [at, size] = json_in(context.answer, context.task.stream);
    read_answer(context, at, size, number);
    if (context.task.size)
        check_text(&context.task, context.text.data(), context.text.size(), number);
}

} // namespace

int main(int argc, char **argv) try {
    context context;
    context.task = task_of(argc, argv);
    if (context.task.size)
        context.answer.reserve(context.task.size * 2 + 65536);
    context.text_buffer.resize(context.task.size * 2);
    connect(context);
    return measure(&context.task, call, &context);
} catch (const std::exception &error) {
    fail(error.what());
}
