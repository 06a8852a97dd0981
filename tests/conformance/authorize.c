/*
 * authorize: the part of the browser in a login. The suite's authorization servers have no login page: their
 * authorization endpoint responds with the redirect to the client at once.
 */
#define _POSIX_C_SOURCE 200809L
#include "client.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connects to `host` and `port`: "localhost" may have an IPv6 address at which the server does not listen. */
static int connected(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
    if (getaddrinfo(host, port, &hints, &addresses) != 0)
        stop(host, "the address lookup failed");
    int socket_fd = -1;
    for (const struct addrinfo *address = addresses; address && socket_fd < 0; address = address->ai_next) {
        socket_fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (socket_fd >= 0 && connect(socket_fd, address->ai_addr, address->ai_addrlen) != 0) {
            close(socket_fd);
            socket_fd = -1;
        }
    }
    freeaddrinfo(addresses);
    if (socket_fd < 0)
        stop(host, "cannot connect to the authorization server");
    return socket_fd;
}

/* Reads the response's status line and headers, up to and including the empty line. */
static void receive_head(int socket_fd, char *head, size_t room) {
    size_t length = 0;
    head[0] = '\0';
    while (!strstr(head, "\r\n\r\n")) {
        ssize_t received = recv(socket_fd, head + length, room - 1 - length, 0);
        if (received <= 0)
            stop("authorization response", "has no complete header section");
        length += (size_t)received;
        head[length] = '\0';
    }
}

char *redirect_of(const char *url) {
    static char request[8192], head[16384];
    char host[256], port[6];
    int path_at = 0;
    if (sscanf(url, "http://%255[^:/]:%5[0-9]%n", host, port, &path_at) != 2 || url[path_at] != '/')
        stop(url, "is not an authorization URL of the suite: http://HOST:PORT/PATH");
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n",
                          url + path_at, host, port);
    if (length < 0 || (size_t)length >= sizeof request)
        stop(url, "is too long");
    int socket_fd = connected(host, port);
    if (send(socket_fd, request, (size_t)length, 0) != length)
        stop("authorization request", "cannot be sent");
    receive_head(socket_fd, head, sizeof head);
    close(socket_fd);
    if (strncmp(head, "HTTP/1.1 302 ", 13) != 0)
        stop("the response to the authorization request is not a redirect", head);
    for (char *line = head; (line = strstr(line, "\r\n")); line += 2) {
        static const char name[] = "\r\nLocation: ";
        if (strncasecmp(line, name, sizeof name - 1) != 0)
            continue;
        char *location = line + sizeof name - 1;
        return strndup(location, strcspn(location, "\r"));
    }
    stop("the redirect has no Location", head);
}
