/* What the programs here share: the real server that they are run against, and expectations of whole JSON values.
 *
 *     PROGRAM VERSION http STATE.json     a server of ../servers that is running; see fixture.py there
 *     PROGRAM VERSION stdio COMMAND...    one that the library starts as a process
 *
 * VERSION is the protocol version that client and server have to agree on; =VERSION pins it.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include "check.h"
#include "support.h"

/* Reads the arguments. Ends the program where they name no server. */
void use_server(int argc, char **argv);

/* Whether the version is of the modern era; whether the server is a process of ours, or speaks HTTP+SSE. */
bool modern(void);
bool on_stdio(void);
bool on_sse(void);

/* A client of the server that has sent nothing yet, with its token where it wants one. The timeout is 30 s. */
mcp_client *new_client(void);

/* The same, connected: the version has been checked. */
mcp_client *connected_client(void);

/* Closes in good order and frees. */
void end_client(mcp_client *client);

/*
 * A value is this JSON, whatever the order of members: ' stands for ", and a text that ends in an ellipsis (U+2026) for
 * every text that begins so.
 */
#define CHECK_JSON(expected, actual) check_json(expected, actual, #actual, __FILE__, __LINE__)
void check_json(const char *expected, const mcp_json *actual, const char *text, const char *file, int line);

/* The texts of one member of every element, in their order, with a space between. */
#define CHECK_NAMES(expected, array, member) check_names(expected, array, member, #array, __FILE__, __LINE__)
void check_names(const char *expected, const mcp_json *array, const char *member, const char *text, const char *file,
                 int line);

/* Calls a tool that has to succeed; the arguments with ' for ". NULL when it does not. */
#define CALL(client, name, arguments, options) call_tool(client, name, arguments, options, __FILE__, __LINE__)
mcp_json *call_tool(mcp_client *client, const char *name, const char *arguments, const mcp_options *options,
                    const char *file, int line);

/* Calls a tool, whose texts have to be these; an ellipsis at the end is as above. */
#define CHECK_TOOL(expected, client, name, arguments) \
    check_tool(expected, client, name, arguments, NULL, __FILE__, __LINE__)
#define CHECK_TOOL_WITH(options, expected, client, name, arguments) \
    check_tool(expected, client, name, arguments, options, __FILE__, __LINE__)
void check_tool(const char *expected, mcp_client *client, const char *name, const char *arguments,
                const mcp_options *options, const char *file, int line);

/* Goes through all pages of a list, one by one: their elements are those of the list. Gives the number of pages. */
typedef mcp_status (*list_fn)(mcp_client *, const mcp_options *, mcp_json **, mcp_error **);
typedef mcp_status (*page_fn)(mcp_client *, const char *, const mcp_options *, mcp_json **, mcp_error **);
size_t check_pages(mcp_client *client, list_fn list, page_fn page, const char *member);

/* JSON with ' for ", to be freed. */
char *quotes(const char *text);

/*
 * Lines of what callbacks have seen, from any thread. await_note waits until one is this text (or begins so, with an
 * ellipsis at its end), and is a failed check after 20 s.
 */
typedef struct notes notes;
notes *notes_new(void);
void notes_free(notes *notes);
void note(notes *notes, const char *format, ...);
#define AWAIT_NOTE(notes, text) await_note(notes, text, 20000, __FILE__, __LINE__)
bool await_note(notes *notes, const char *text, unsigned milliseconds, const char *file, int line);
/* Whether it came within that time; no check. */
bool noted_within(notes *notes, const char *text, unsigned milliseconds);
size_t count_notes(notes *notes, const char *text);
/* All of them, one on a line. */
#define CHECK_NOTES(expected, notes) check_notes(expected, notes, __FILE__, __LINE__)
void check_notes(const char *expected, notes *notes, const char *file, int line);
void forget_notes(notes *notes);

/* Keeps the lines of the client's own log, and of the server's messages, as "LEVEL LOGGER DATA". */
void keep_log(mcp_client *client, notes *notes);
void keep_logging(mcp_client *client, notes *notes);

#endif
