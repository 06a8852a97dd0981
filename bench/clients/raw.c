/* The lower bound: a blocking socket, one send for each call, and as little parsing as possible.
 * cc -O2 raw.c */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hand.h"

struct context {
    struct task task;
    int socket;
    const char *path;
    int port;
    /* The request; `id` points to the ten digits of its id. */
    char *request, *id;
    size_t request_size;
    char *input, *text;
    size_t capacity;
};

static void connect_to(struct context *context) {
    const char *colon = strrchr(context->task.url, ':');
    context->port = atoi(colon + 1);
    context->path = strchr(colon, '/');
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)context->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    context->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(context->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(context->socket, (struct sockaddr *)&address, sizeof address) != 0)
        fail("cannot connect");
}

/* Writes the headers of a request with a body of that size. */
static int head(const struct context *context, char *out, size_t body, bool named) {
    const struct task *task = &context->task;
    int size = sprintf(out,
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                       "Accept: application/json, text/event-stream\r\nContent-Length: %zu\r\n",
                       context->path, context->port, body);
    if (named)
        size += sprintf(out + size, "MCP-Protocol-Version: %s\r\n%s", task->modern ? MODERN : LEGACY, session);
    if (named && task->modern)
        size += sprintf(out + size, "Mcp-Method: %s\r\n", method_of(task));
    if (named && task->modern && task->tool)
        size += sprintf(out + size, "Mcp-Name: %s\r\n", task->tool);
    return size + sprintf(out + size, "\r\n");
}

static void send_all(int socket, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            fail("cannot send");
        bytes += sent;
        size -= (size_t)sent;
    }
}

/* Removes the chunk framing of a body in place: the first chunk is not moved. Returns the body and its size. */
static char *without_chunks(char *body, size_t *size) {
    char *in = body, *out = NULL, *start = NULL, *end = body + *size;
    for (;;) {
        char *line_end = memchr(in, '\n', (size_t)(end - in));
        size_t length = strtoul(in, NULL, 16);
        if (!line_end || length > (size_t)(end - line_end))
            fail("a chunk is not complete");
        if (length == 0)
            break;
        in = line_end + 1;
        if (start)
            memmove(out, in, length);
        else
            start = out = in;
        out += length;
        in += length + 2;
    }
    *size = (size_t)(out - start);
    return start;
}

/* Receives a response. Returns its size with the head; `body` is the offset of its body. */
static size_t receive(struct context *context, size_t *body) {
    size_t size = 0, expected = 0;
    bool chunked = false;
    *body = 0;
    for (;;) {
        ssize_t got = recv(context->socket, context->input + size, context->capacity - size, 0);
        if (got <= 0)
            fail("the server has closed the connection");
        size += (size_t)got;
        if (*body == 0) {
            const char *end = memmem(context->input, size, "\r\n\r\n", 4);
            if (!end)
                continue;
            *body = (size_t)(end - context->input) + 4;
            const char *length = memmem(context->input, *body, "Content-Length: ", 16);
            chunked = length == NULL;
            expected = *body + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
        if (chunked ? size >= 7 && memcmp(context->input + size - 7, "\r\n0\r\n\r\n", 7) == 0 : size >= expected)
            return size;
    }
}

/* Sends a message of the handshake, and stores the session id of the response. */
static void send_message(struct context *context, const char *message, bool in_session) {
    char request[1024];
    size_t body;
    int size = head(context, request, strlen(message), in_session);
    size += sprintf(request + size, "%s", message);
    send_all(context->socket, request, (size_t)size);
    size = (int)receive(context, &body);
    const char *id = memmem(context->input, body, "Mcp-Session-Id: ", 16);
    if (id)
        sprintf(session, "%.*s\r\n", (int)strcspn(id, "\r"), id);
}

static void prepare(struct context *context) {
    struct task *task = &context->task;
    char start[1024];
    int before = request_start(task, start, 1000000000);
    const char *end = request_end(task);
    size_t size = (size_t)before + task->arguments_size + strlen(end);
    char *out = context->request = malloc(size + 2048);
    out += head(context, out, size, true);
    context->id = strstr(start, "1000000000") - start + out;
    memcpy(out, start, (size_t)before);
    out += before;
    if (task->tool)
        memcpy(out, task->arguments, task->arguments_size);
    out += task->arguments_size;
    out += sprintf(out, "%s", end);
    context->request_size = (size_t)(out - context->request);
}

static void call(void *place, long number) {
    struct context *context = place;
    char digits[32];
    sprintf(digits, "%ld", 1000000000 + number);
    memcpy(context->id, digits, 10);
    send_all(context->socket, context->request, context->request_size);
    size_t body, size = receive(context, &body);
    char *response = context->input + body;
    size -= body;
    if (context->task.stream)
        response = without_chunks(response, &size);
    read_by_hand(&context->task, response, size, context->text, 1000000000 + number, number);
}

int main(int argc, char **argv) {
    struct context context = {.task = task_of(argc, argv)};
    context.capacity = context.task.response_size;
    context.input = allocated(context.capacity);
    context.text = allocated(context.task.response_size);
    connect_to(&context);
    if (!context.task.modern) {
        send_message(&context, initialize, false);
        send_message(&context, initialized, true);
    }
    prepare(&context);
    return measure(&context.task, call, &context);
}
