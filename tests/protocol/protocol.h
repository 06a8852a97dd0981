/* Shared by the programs of this folder: the real server under test, and checks of complete JSON values.
 *
 *     PROGRAM VERSION http STATE.json     a running server of ../servers (see fixture.py there)
 *     PROGRAM VERSION stdio COMMAND...    a server that the library starts as a process
 *     PROGRAM VERSION fds COMMAND...      the same, but this program starts it, and gives the library its streams
 *
 * VERSION is the protocol version that the negotiation must result in; =VERSION pins the client to it.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include "check.h"
#include "support.h"

/* Reads the arguments of the program. Exits if they are invalid. */
void use_server(int argc, char **argv);

/* Whether the version is of the modern era; whether the transport is stdio; whether it is HTTP+SSE. */
bool modern(void);
bool on_stdio(void);
bool on_sse(void);

/* A client of the server, not yet connected, with the token that the server requires. The timeout is 30 s. */
mcp_client *new_client(void);

/* A connected client of the server; checks the negotiated version, the era and the transport. */
mcp_client *connected_client(void);

/* Closes the client, which must succeed, and frees it. */
void end_client(mcp_client *client);

/*
 * Checks that a value equals this JSON. The order of members does not matter. In `expected`, ' stands for ", and a
 * string that ends in an ellipsis (U+2026) matches every string with that beginning.
 */
#define CHECK_JSON(expected, actual) check_json(expected, actual, #actual, __FILE__, __LINE__)
void check_json(const char *expected, const mcp_json *actual, const char *text, const char *file, int line);

/* Checks the strings of one member of all elements, in order and separated by spaces. */
#define CHECK_NAMES(expected, array, member) check_names(expected, array, member, #array, __FILE__, __LINE__)
void check_names(const char *expected, const mcp_json *array, const char *member, const char *text, const char *file,
                 int line);

/* Calls a tool, which must succeed. In the arguments, ' stands for ". Returns the result, NULL on failure. */
#define CALL(client, name, arguments, options) call_tool(client, name, arguments, options, __FILE__, __LINE__)
mcp_json *call_tool(mcp_client *client, const char *name, const char *arguments, const mcp_options *options,
                    const char *file, int line);

/* Calls a tool and checks the text of its result, which may be shortened with an ellipsis as for CHECK_JSON. */
#define CHECK_TOOL(expected, client, name, arguments) \
    check_tool(expected, client, name, arguments, NULL, __FILE__, __LINE__)
#define CHECK_TOOL_WITH(options, expected, client, name, arguments) \
    check_tool(expected, client, name, arguments, options, __FILE__, __LINE__)
void check_tool(const char *expected, mcp_client *client, const char *name, const char *arguments,
                const mcp_options *options, const char *file, int line);

/* Fetches a list page by page, and checks that the elements equal those of the complete list. Returns the number of
 * pages. */
typedef mcp_status (*list_fn)(mcp_client *, const mcp_options *, mcp_json **, mcp_error **);
typedef mcp_status (*page_fn)(mcp_client *, const char *, const mcp_options *, mcp_json **, mcp_error **);
size_t check_pages(mcp_client *client, list_fn list, page_fn page, const char *member);

/* Replaces ' with ". The caller frees the result. */
char *quotes(const char *text);

/*
 * A thread-safe list of text lines that callbacks record. AWAIT_NOTE waits until one line equals the text (or begins
 * with it, if it ends in an ellipsis), and fails the check after 20 s.
 */
typedef struct notes notes;
notes *notes_new(void);
void notes_free(notes *notes);
void note(notes *notes, const char *format, ...);
#define AWAIT_NOTE(notes, text) await_note(notes, text, 20000, __FILE__, __LINE__)
bool await_note(notes *notes, const char *text, unsigned milliseconds, const char *file, int line);
/* Whether such a line arrives within the time. It does not fail a check. */
bool note_arrives_within(notes *notes, const char *text, unsigned milliseconds);
size_t count_notes(notes *notes, const char *text);
/* Checks all lines, in order and separated by newlines. */
#define CHECK_NOTES(expected, notes) check_notes(expected, notes, __FILE__, __LINE__)
void check_notes(const char *expected, notes *notes, const char *file, int line);
void clear_notes(notes *notes);

/* Record the log of the client, and the log messages of the server as "LEVEL LOGGER DATA". */
void record_log(mcp_client *client, notes *notes);
void record_server_messages(mcp_client *client, notes *notes);

#endif
