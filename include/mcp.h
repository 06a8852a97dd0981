/* mcp.h - the Model Context Protocol client for C, and for every language that can call C.
 *
 * Generated from src/ffi of libmcp; changes are made there.
 *
 *     mcp_error *error = NULL;
 *     mcp_client *client = mcp_client_new("https://example.com/mcp", &error);
 *     if (client && mcp_set_bearer(client, token, &error) == MCP_OK &&
 *         mcp_ping(client, NULL, &error) == MCP_OK)
 *       puts("the server answers");
 *     else
 *       fprintf(stderr, "%s\n", mcp_error_message(error));
 *     mcp_error_free(error);
 *     mcp_client_free(client);
 *
 * What holds everywhere:
 *
 * - Results. A constructor returns a pointer, or NULL when it failed. Everything else that can fail
 *   returns an mcp_status, MCP_OK for success. The last argument of both is a place for an error;
 *   it may be NULL.
 * - Ownership. What goes in is copied before the call returns. What comes out belongs to the caller
 *   and is freed by its own _free function, which takes NULL; where a result is only borrowed, its
 *   description says how long it lives. Outputs are set to NULL first, and to a result only on
 *   success.
 * - Text is UTF-8 and NUL-terminated, except JSON, which comes with its length in bytes.
 * - Times are in milliseconds.
 * - Threads. Every function may be called from any thread. A client, a JSON value and an error may
 *   be used by many at once; options may, as long as nobody changes them. The library starts a
 *   thread to look up a name, and one each for an open HTTP+SSE connection, for the stream that a
 *   legacy server keeps open for its own messages, and for a server that is a process; no signal of
 *   the program is handled on them.
 * - The stack. A call takes at most 96 KiB of its thread's, and what callbacks take on top; musl's
 *   default of 128 KiB is enough.
 * - NULL, bad UTF-8 and unknown numbers are errors (MCP_INVALID_ARGUMENT), never crashes. A pointer
 *   that was freed is not noticed.
 * - The process. No signal handler is installed and no SIGPIPE raised, nothing is printed,
 *   descriptors are close-on-exec. After fork, the child cannot use the clients of its parent:
 *   calls return MCP_MISUSE.
 * - Threads that end in a callback. No exception and no longjmp may leave a callback: a C++ exception
 *   aborts the process. A callback that ends its thread (pthread_exit, pthread_cancel) does not
 *   return either. With glibc, that thread sleeps until the process ends, and nobody can join it;
 *   elsewhere it ends. What the library uses on it is not freed, and a call that waits for it ends
 *   with its timeout.
 * - Interpreters. An interpreter that exits may end or stop threads that call into it: CPython does
 *   (before 3.14 with pthread_exit). Free the clients before that, in Python with `atexit`, and keep
 *   the callbacks until then. Later, mcp_client_free may wait for ever for a callback that an
 *   interpreter has stopped (CPython from 3.14 on).
 */
#ifndef MCP_H
#define MCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header. */
#define MCP_VERSION "0.1.0"
#define MCP_VERSION_MAJOR 0
#define MCP_VERSION_MINOR 1
#define MCP_VERSION_PATCH 0

/* Before a pointer that is never NULL, for compilers that can be told. */
#ifdef __clang__
#define MCP_NONNULL _Nonnull
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-completeness"
#pragma clang diagnostic ignored "-Wnullability-extension"
#else
#define MCP_NONNULL
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Used by what comes first; each is described in its section. */
typedef struct mcp_options mcp_options;
typedef struct mcp_cancel mcp_cancel;
typedef struct mcp_json mcp_json;

/* ============================================================================================== */
/* Version                                                                                        */
/* ============================================================================================== */

/**
 * The version of the library that the program runs with, such as "0.1.0". `MCP_VERSION` is the
 * one that it was compiled with.
 *
 * The text is static and never NULL. Any thread, any time.
 *
 * Since 0.1.0.
 */
const char *MCP_NONNULL mcp_version(void);

/* ============================================================================================== */
/* Status codes                                                                                   */
/* ============================================================================================== */

/**
 * How a call ended. `MCP_OK` is zero; a number is never reused, and a later version may add more,
 * so treat an unknown one as a failure.
 *
 * Use `mcp_status_name` for the name as text, and `mcp_error_message` for what happened.
 *
 * Since 0.1.0.
 */
typedef enum mcp_status {
  /**
   * The call did what it was asked to do.
   */
  MCP_OK = 0,
  /**
   * An argument cannot be used: NULL, not UTF-8, a line break in a header, a malformed token or
   * URL. Nothing was sent.
   */
  MCP_INVALID_ARGUMENT = 1,
  /**
   * The call came at the wrong time: a setting after the first request that fixed it, or a
   * client used after `fork`.
   */
  MCP_MISUSE = 2,
  /**
   * A bug in libmcp, caught before it could hurt the program. Please report it.
   */
  MCP_INTERNAL = 3,
  /**
   * The call's cancel token was triggered.
   */
  MCP_CANCELLED = 4,
  /**
   * `mcp_client_close` was called on the client, before or during the call.
   */
  MCP_CLOSED = 5,
  /**
   * The call's timeout passed, or its idle limit.
   */
  MCP_TIMEOUT = 6,
  /**
   * The server's name has no address.
   */
  MCP_RESOLVE_FAILED = 7,
  /**
   * Nobody accepts connections there: refused or unreachable.
   */
  MCP_CONNECT_FAILED = 8,
  /**
   * No trusted TLS connection: a bad certificate, or a handshake that failed.
   */
  MCP_TLS_FAILED = 9,
  /**
   * The connection was reset, or ended before an answer.
   */
  MCP_DISCONNECTED = 10,
  /**
   * The answer began, and its body or event stream ended before it was complete.
   */
  MCP_TRUNCATED = 11,
  /**
   * HTTP 401: the server wants credentials, or refuses those that it got (RFC 9110, 15.5.2; RFC
   * 6750, 3.1).
   */
  MCP_UNAUTHORIZED = 12,
  /**
   * HTTP 403: the credentials are known and do not suffice (RFC 9110, 15.5.4).
   */
  MCP_FORBIDDEN = 13,
  /**
   * HTTP 404: nothing at this URL speaks MCP.
   */
  MCP_NOT_FOUND = 14,
  /**
   * HTTP 429: too many requests; see `mcp_error_retry_after_ms` (RFC 6585, 4).
   */
  MCP_RATE_LIMITED = 15,
  /**
   * HTTP 5xx, except those of `MCP_UNAVAILABLE`.
   */
  MCP_SERVER_ERROR = 16,
  /**
   * HTTP 502, 503 or 504: the server cannot be reached behind its gateway, or is overloaded;
   * try again later.
   */
  MCP_UNAVAILABLE = 17,
  /**
   * Any other HTTP status that has no place in the protocol; or an answer that is no HTTP at all,
   * and then the HTTP status of the error is 0.
   */
  MCP_HTTP_ERROR = 18,
  /**
   * A redirect that is not followed, because credentials would leave their origin or the method
   * would change (of a POST; a GET is redirected within its origin), or because there are more than
   * five; or the endpoint of an HTTP+SSE server, on another origin than its stream.
   */
  MCP_REDIRECT_REFUSED = 19,
  /**
   * HTML, plain text or nothing where a JSON message or an event stream belongs; or it has a content
   * coding that nobody asked for.
   */
  MCP_UNEXPECTED_CONTENT = 20,
  /**
   * The answer says that it is JSON and is not.
   */
  MCP_INVALID_JSON = 21,
  /**
   * The answer is JSON, but not a message that the protocol allows here.
   */
  MCP_INVALID_MESSAGE = 22,
  /**
   * The answer carries a result for another request.
   */
  MCP_WRONG_ID = 23,
  /**
   * The server answered with a JSON-RPC error; see `mcp_error_rpc_code`.
   */
  MCP_RPC_ERROR = 24,
  /**
   * The server and this client share no protocol version, or not the pinned one.
   */
  MCP_VERSION_UNSUPPORTED = 25,
  /**
   * The server does not know the session any more, and the request was not sent again: it may have
   * been executed, or the server forgot a second session as well. The next call opens a new one.
   */
  MCP_SESSION_LOST = 26,
  /**
   * A message, header or event is larger than the limit.
   */
  MCP_TOO_LARGE = 27,
  /**
   * The JSON value has another type than the one that was asked for, or is not there.
   */
  MCP_JSON_MISMATCH = 28,
  /**
   * The JSON value does not fit into what it was asked as: a number out of range, text that is
   * no base64.
   */
  MCP_JSON_RANGE = 29,
  /**
   * The caller's buffer is too small; the length that is needed was set.
   */
  MCP_BUFFER_TOO_SMALL = 30,
  /**
   * The operating system refused something: no descriptors, no thread.
   */
  MCP_SYSTEM_ERROR = 31,
  /**
   * HTTP 407: a proxy wants credentials (RFC 9110, 15.5.8).
   */
  MCP_PROXY_AUTH_REQUIRED = 32,
  /**
   * The auth callback gave no credentials: it failed, or what it set cannot be used.
   */
  MCP_AUTH_FAILED = 33,
  /**
   * Credentials would have gone over plain http to another machine, and `mcp_set_require_https`
   * forbids that. Nothing was sent.
   */
  MCP_INSECURE = 34,
  /**
   * The proxy cannot be reached or used, or refuses to connect to the server.
   */
  MCP_PROXY_FAILED = 35,
  /**
   * The server never comes to an end: its pages lead on and on, or it asks for input again and
   * again.
   */
  MCP_ENDLESS = 36,
  /**
   * The server asks for something that no handler is set for.
   */
  MCP_INPUT_UNSUPPORTED = 37,
  /**
   * A handler that the program has set gave no input.
   */
  MCP_INPUT_FAILED = 38,
  /**
   * The server's process cannot be started, or has ended.
   */
  MCP_PROCESS_FAILED = 39,
  /**
   * A configuration file cannot be read or used.
   */
  MCP_CONFIG_INVALID = 40,
  /**
   * The task was cancelled, by whomever, before it had a result.
   */
  MCP_TASK_CANCELLED = 41,
} mcp_status;

/**
 * The name of a status as text, such as "MCP_TIMEOUT"; "MCP_UNKNOWN" for a number that this
 * version of the library does not know.
 *
 * The text is static and never NULL. Any thread, any time.
 *
 * Since 0.1.0.
 */
const char *MCP_NONNULL mcp_status_name(int32_t status);

/* ============================================================================================== */
/* Errors                                                                                         */
/* ============================================================================================== */

/**
 * Why a call failed. Every function that can fail takes an `mcp_error **` as its last argument.
 * It may be NULL; if not, `*error` is set to NULL first, whatever it was, and on failure to an
 * error that the caller frees with `mcp_error_free`.
 *
 * An error is immutable and may be read from many threads. It holds no token and no header value.
 * The functions below take NULL and then answer as for no error.
 *
 * Since 0.1.0.
 */
typedef struct mcp_error mcp_error;

/**
 * The status, the same that the call returned; `MCP_OK` for NULL.
 *
 * Since 0.1.0.
 */
int32_t mcp_error_status(const mcp_error *error);

/**
 * What failed, where, why, and what to do about it, for people: one line of at most 2,048 bytes
 * without control characters. The URL in it lacks its query. Programs look at the status instead:
 * the wording may change.
 *
 * Never NULL; "" for NULL. Lives as long as the error. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_error_message(const mcp_error *error);

/**
 * The HTTP status of the answer behind the error, such as 401; 0 where there was none.
 *
 * Since 0.1.0.
 */
int32_t mcp_error_http_status(const mcp_error *error);

/**
 * Whether the server sent a JSON-RPC error.
 *
 * Since 0.1.0.
 */
bool mcp_error_has_rpc_code(const mcp_error *error);

/**
 * The code of the server's JSON-RPC error, such as -32601 (JSON-RPC 2.0, section 5.1); 0 where
 * there was none, but 0 is also a code: see `mcp_error_has_rpc_code`.
 *
 * Since 0.1.0.
 */
int64_t mcp_error_rpc_code(const mcp_error *error);

/**
 * The `data` of the server's JSON-RPC error; NULL where there was none. Lives as long as the
 * error: it is not freed by itself. Data in which the server has sent back a credential or the
 * session's id is left out; and so is data of more than 1 MiB, which is not searched, where there
 * is anything of the kind.
 *
 * Since 0.1.0.
 */
const mcp_json *mcp_error_rpc_data(const mcp_error *error);

/**
 * The server's challenge, as in its `WWW-Authenticate` header (RFC 9110, section 11.6.1): what
 * kind of credentials it wants, and what was wrong with those that it got. NULL where it sent
 * none. Lives as long as the error.
 *
 * Since 0.1.0.
 */
const char *mcp_error_www_authenticate(const mcp_error *error);

/**
 * How long the server asks to wait before the next try, in milliseconds, where its `Retry-After`
 * header says it in seconds (RFC 9110, section 10.2.3); -1 where it does not.
 *
 * Since 0.1.0.
 */
int64_t mcp_error_retry_after_ms(const mcp_error *error);

/**
 * What an auth callback gave as the cause of its failure (`mcp_auth_request_fail_with`); NULL where
 * it gave none. Lives as long as the error.
 *
 * Since 0.1.0.
 */
void *mcp_error_cause(const mcp_error *error);

/**
 * Frees an error; NULL is ignored.
 *
 * Since 0.1.0.
 */
void mcp_error_free(mcp_error *error);

/* ============================================================================================== */
/* Clients                                                                                        */
/* ============================================================================================== */

/**
 * One server, as the program talks to it. Made by `mcp_client_new`, freed by `mcp_client_free`.
 *
 * A client may be used from many threads at once, also for the first call: they share one
 * negotiation. Connections, the session and the protocol version are the client's business; a
 * session that the server loses is opened anew.
 *
 * Since 0.1.0.
 */
typedef struct mcp_client mcp_client;

/**
 * Makes a client for the server at `url`, for example "https://example.com/mcp". Nothing is sent
 * yet: the first call connects.
 *
 * The URL is used as it stands, also with or without a slash at its end, for servers are strict
 * about that. It has the scheme http or https and holds no user name, no password, and nothing
 * outside ASCII: a path is percent-encoded, and a host is in its "xn--" form. An empty port
 * ("http://host:/") is the default one.
 *
 * Errors and the log do not show the URL's query. A segment of its path that may be a secret is
 * shown as "***", and is redacted where a server repeats it: one of 16 bytes or more with a letter
 * and a digit, and one that follows "/s/", "/t/", "/key/" or "/token/". (The endpoint names "mcp"
 * and "sse" are none. A short word that follows is redacted in the URL only, for messages hold such
 * words by themselves.)
 *
 * Returns the client, which the caller frees with `mcp_client_free`; or NULL, with
 * `MCP_INVALID_ARGUMENT` for a URL that cannot be used, or `MCP_SYSTEM_ERROR` when no descriptor
 * can be had.
 *
 * Since 0.1.0.
 */
mcp_client *mcp_client_new(const char *url, mcp_error **error);

/**
 * Closes a client: every call in flight, on any thread, ends with `MCP_CLOSED`; a legacy server
 * is told that the session is over (HTTP DELETE; specification 2025-11-25, "Session Management";
 * on HTTP+SSE the event stream is closed); and every later call returns `MCP_CLOSED`. The client
 * is closed whatever this returns, and a second close does nothing and returns `MCP_OK`.
 * `mcp_client_free` is still to be called.
 *
 * `options` may be NULL; its timeout, or else the client's, limits how long telling the server
 * may take, and its cancel token ends that early.
 *
 * Returns `MCP_OK`; or, with the client closed all the same, why the server could not be told.
 *
 * Any thread, any time. Since 0.1.0.
 */
mcp_status mcp_client_close(mcp_client *client,
                            const mcp_options *options,
                            mcp_error **error);

/**
 * Frees a client; NULL is ignored. No call may be in flight, and the client is not used any more.
 * Never goes to the network: to end the session with the server in good order, call
 * `mcp_client_close` first. The library's threads that read for the client (see "Threads" at the
 * top) have ended when this returns; if one is in the log callback at that moment, this waits for
 * the callback, unless it is the callback that frees.
 *
 * In a child process after `fork` it only closes the child's copies of the descriptors and frees
 * the memory; the copy of an open HTTP+SSE event stream stays open until the child ends.
 *
 * Since 0.1.0.
 */
void mcp_client_free(mcp_client *client);

/* ============================================================================================== */
/* Servers started as a process (stdio)                                                           */
/* ============================================================================================== */

/**
 * Makes a client for a server that is started as a process and speaks on its standard streams
 * (specification 2026-07-28, "stdio"). `argv` is the program and its arguments, with a NULL behind
 * the last one; no shell is between. A program without a slash is found by PATH. It is started by
 * the first call, and again by the next call when it has ended.
 *
 * The server inherits HOME, LOGNAME, PATH, SHELL, TERM and USER of the environment, no descriptor
 * but its three streams, which are pipes, and has a process group of its own. What it writes to stderr goes to the
 * log, and its last lines into the error when it ends; or into a file (`mcp_set_stderr_file`).
 *
 * `mcp_client_close` and `mcp_client_free` close its stdin. When it has ended, or after 2 seconds,
 * its group gets SIGTERM, and what of it still runs after 2 more SIGKILL. `mcp_client_free` waits for
 * that. A server that ends by itself takes what it has started with it in the same way, unless that
 * has left the group.
 *
 * Credentials, headers and everything else that is about HTTP return `MCP_MISUSE` on such a client:
 * what the server needs to know goes into its environment (`mcp_set_environment`).
 *
 * Returns the client, which the caller frees with `mcp_client_free`; or NULL, with
 * `MCP_INVALID_ARGUMENT` for an empty command. Since 0.1.0.
 */
mcp_client *mcp_client_new_stdio(const char *const *argv,
                                 mcp_error **error);

/**
 * Sets a variable in the environment of the server's process; NULL removes it.
 *
 * Where the server writes its value to stderr, it is replaced in the log and in errors, unless it
 * is shorter than 8 bytes or begins with a slash.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a name that is empty or holds "=", and `MCP_MISUSE` for a
 * client of a URL, and after the first call. Since 0.1.0.
 */
mcp_status mcp_set_environment(mcp_client *client,
                               const char *name,
                               const char *value,
                               mcp_error **error);

/**
 * Sets the folder that the server's process is started in; NULL, as at the start, is the program's
 * own. Errors as for `mcp_set_environment`. Since 0.1.0.
 */
mcp_status mcp_set_working_directory(mcp_client *client, const char *path, mcp_error **error);

/**
 * Appends what the server writes to stderr to a file, which is made where it is missing; NULL, as
 * at the start, is the log. A file that cannot be opened is `MCP_PROCESS_FAILED` in the first call.
 * Errors as for `mcp_set_environment`. Since 0.1.0.
 */
mcp_status mcp_set_stderr_file(mcp_client *client, const char *path, mcp_error **error);

/* ============================================================================================== */
/* Configuration files                                                                            */
/* ============================================================================================== */

/**
 * Makes a client for a server that a configuration file describes, in the form that FastMCP,
 * editors and desktop clients share: a JSON object with "mcpServers" (or "servers", or "mcp" with
 * "servers" in it, as VS Code has them), in which each name stands for an object with
 *
 * - "url" (or "httpUrl" or "serverUrl"), and perhaps "transport" or "type" ("http",
 *   "streamable-http" or "sse", however it is written), "headers", and "auth", a bearer token; or
 * - "command", and perhaps "args", "env", "envFile" and "cwd", for a server that is started as a
 *   process;
 * - perhaps "timeout", in milliseconds. One below 1000 leads to a warning in the log, because some
 *   programs mean seconds.
 *
 * The file may have comments and trailing commas. A null member counts as missing, and so does an
 * empty "command" beside a URL. `${NAME}` in a text stands for an environment variable,
 * `${NAME:-text}` for one that may be unset; together they may fill in 1 MiB. "~/" at the start of
 * "command", "cwd" and "envFile" is the user's home. Other keys are left alone.
 *
 * "envFile" names a file of lines `NAME=value`, from the folder of the configuration file; values
 * may be quoted, `#` begins a comment, and "env" wins over it.
 *
 * `name` is the server's; NULL is the only one of the file that is not disabled. A server with
 * "disabled": true is refused. What the file says is set as by the functions for it, and may be
 * changed by them.
 *
 * Only regular files are read, of at most 4 MiB.
 *
 * Returns the client, which the caller frees with `mcp_client_free`; or NULL, with
 * `MCP_CONFIG_INVALID` and a message that names the key. Since 0.1.0.
 */
mcp_client *mcp_client_new_from_config(const char *path, const char *name, mcp_error **error);

/**
 * Lists the servers of a configuration file: an array of their names, in the order of the file,
 * with those that are disabled. `mcp_config_servers` says which are.
 *
 * `*names` is set to NULL first and to the array on success; the caller frees it with
 * `mcp_json_free`. `MCP_CONFIG_INVALID` for a file that cannot be read or used. Since 0.1.0.
 */
mcp_status mcp_config_names(const char *path, mcp_json **names, mcp_error **error);

/**
 * Lists the servers of a configuration file as `mcp_config_names` does, with an object for each:
 * "name", and "disabled", which is true where the file says "disabled": true or "enabled": false.
 *
 * `*servers` is set to NULL first and to the array on success; the caller frees it with
 * `mcp_json_free`. `MCP_CONFIG_INVALID` for a file that cannot be read or used. Since 0.1.0.
 */
mcp_status mcp_config_servers(const char *path, mcp_json **servers, mcp_error **error);

/* ============================================================================================== */
/* Credentials and headers                                                                        */
/* ============================================================================================== */

/**
 * Sets the bearer token that every HTTP request carries, as `Authorization: Bearer <token>` (RFC
 * 6750, section 2.1). The token alone is given, without the word "Bearer". NULL removes it. It
 * beats an `Authorization` header set by `mcp_set_header`.
 *
 * The token is copied, goes to the URL's own origin only, is in no log line and no error message
 * (where a server echoes it, it is replaced; percent-encoded and JSON-escaped too), and is wiped
 * from the library's memory when it is replaced and no request uses it any more.
 *
 * Returns `MCP_INVALID_ARGUMENT`, and keeps the old token, where `token` can be none: empty, with
 * spaces, control characters or characters outside ASCII, or with a "Bearer " prefix.
 *
 * Any thread, any time; counts from the next request. Since 0.1.0.
 */
mcp_status mcp_set_bearer(mcp_client *client, const char *token, mcp_error **error);

/**
 * Sets a header that every HTTP request carries, such as "X-API-Key". One of the same name, in
 * whatever case, is replaced; a NULL value removes it. Values are treated as secrets, like the
 * bearer token.
 *
 * Returns `MCP_INVALID_ARGUMENT`, and changes nothing, for a name or a value that RFC 9110
 * (section 5) does not allow (line breaks above all), and for the names that the protocol owns:
 * Host, Accept, Connection, Content-Type, Content-Length, Transfer-Encoding and their like, and
 * everything that begins with "Mcp-".
 *
 * Any thread, any time; counts from the next request. Since 0.1.0.
 */
mcp_status mcp_set_header(mcp_client *client,
                          const char *name,
                          const char *value,
                          mcp_error **error);

/* ============================================================================================== */
/* Callbacks                                                                                      */
/* ============================================================================================== */

/**
 * Ends the life of a callback's `userdata`. Called exactly once, after the last call of the
 * callback, on whatever thread that happens; also when the registration fails. Not called in a
 * child process after `fork`.
 */
typedef void (*mcp_destroy_fn)(void *userdata);

/* ============================================================================================== */
/* Custom authentication                                                                          */
/* ============================================================================================== */

/**
 * What an auth callback is asked, and the place for its answer. It lives as long as the callback
 * runs, and belongs to that thread.
 *
 * Since 0.1.0.
 */
typedef struct mcp_auth_request mcp_auth_request;

/**
 * Gives a request its credentials: sets them with `mcp_auth_request_set_bearer` and
 * `mcp_auth_request_set_header`, or says with `mcp_auth_request_fail` why there are none. What it
 * sets beats what was set on the client; whoever sets nothing adds nothing.
 *
 * It runs on the thread of the call that makes the request, on one thread at a time for each
 * client, with no lock held. It may use the library, but not make a call on the same client, nor
 * wait for one (`MCP_MISUSE`). It may take its time: that counts against no timeout. No exception
 * and no longjmp may leave it.
 */
typedef void (*mcp_auth_fn)(void *userdata, struct mcp_auth_request *MCP_NONNULL request);

/**
 * Sets the callback that authorises requests, where a fixed token does not do: tokens that expire,
 * are fetched, or come from a file. NULL, as at the start, is none.
 *
 * The callback is asked before each HTTP request (attempt 1); and when the server answers 401, or
 * 403 with `insufficient_scope` (RFC 6750, section 3.1), once more for something better, with the
 * server's challenge at hand (attempt 2, and 3 after another refusal; then the call fails). The
 * request is sent again with what it gives, under a new request id. However many calls are refused
 * at the same time, one of them asks, and all others take the outcome: a refresh token is spent
 * once. So an answer may go with other requests than the one that it was asked for. Requests that
 * belong to no call, such as the answer to a ping of the server, carry what the callback gave last.
 *
 * A callback that fails, or a setter in it that fails and is not followed by one that does not,
 * ends the call with `MCP_AUTH_FAILED`.
 *
 * `userdata` is handed to the callback as it is, and to `destroy`, which may be NULL, when it is
 * not needed any more.
 *
 * Any thread, any time; counts from the next request. Since 0.1.0.
 */
mcp_status mcp_set_auth(mcp_client *client,
                        mcp_auth_fn auth,
                        void *userdata,
                        mcp_destroy_fn destroy,
                        mcp_error **error);

/**
 * Where the request goes: the whole URL, with its query. Lives as long as the request. NULL for
 * NULL. Since 0.1.0.
 */
const char *mcp_auth_request_url(const mcp_auth_request *request);

/**
 * The HTTP method of the request: "POST", "GET" or "DELETE". Lives as long as the request. NULL
 * for NULL. Since 0.1.0.
 */
const char *mcp_auth_request_method(const mcp_auth_request *request);

/**
 * 1 before a request; 2 or 3 after the server has refused what this call came with. 0 for NULL.
 * Since 0.1.0.
 */
int32_t mcp_auth_request_attempt(const mcp_auth_request *request);

/**
 * The HTTP status of the refusal, 401 or 403; 0 where there was none. Since 0.1.0.
 */
int32_t mcp_auth_request_http_status(const mcp_auth_request *request);

/**
 * The server's challenge, the `WWW-Authenticate` header of the refusal (RFC 9110, section 11.6.1);
 * several are one list. Lives as long as the request. NULL where there was none. Since 0.1.0.
 */
const char *mcp_auth_request_challenge(const mcp_auth_request *request);

/**
 * Gives the request a bearer token, without the word "Bearer"; NULL takes it away again. The same
 * rules and errors as those of `mcp_set_bearer`. Since 0.1.0.
 */
mcp_status mcp_auth_request_set_bearer(mcp_auth_request *request,
                                       const char *token,
                                       mcp_error **error);

/**
 * Gives the request a header; a NULL value takes it away again. The same rules and errors as those
 * of `mcp_set_header`. Since 0.1.0.
 */
mcp_status mcp_auth_request_set_header(mcp_auth_request *request,
                                       const char *name,
                                       const char *value,
                                       mcp_error **error);

/**
 * Says that there are no credentials: the call ends with `MCP_AUTH_FAILED`, and `reason` in its
 * message. Since 0.1.0.
 */
mcp_status mcp_auth_request_fail(mcp_auth_request *request,
                                 const char *reason,
                                 mcp_error **error);

/**
 * As `mcp_auth_request_fail`, with an object of the program's own behind it, such as the exception
 * that was caught: `mcp_error_cause` gives it to whoever gets the error.
 *
 * `destroy`, which may be NULL, is called with `cause` when neither an error nor the client refers
 * to it any more; at once, when this function fails. One failure may end many calls: their errors
 * share the cause, and may be read on several threads.
 *
 * Since 0.1.0.
 */
mcp_status mcp_auth_request_fail_with(mcp_auth_request *request,
                                      const char *reason,
                                      void *cause,
                                      mcp_destroy_fn destroy,
                                      mcp_error **error);

/* ============================================================================================== */
/* Settings                                                                                       */
/* ============================================================================================== */

/**
 * What `mcp_set_limit` can limit. A later version may add more.
 *
 * Since 0.1.0.
 */
typedef enum mcp_limit {
  /**
   * The body of one answer, unpacked; 64 MiB at the start.
   */
  MCP_LIMIT_MESSAGE = 1,
  /**
   * The head of one answer, all of its header fields together; 64 KiB at the start, and at most
   * 16 MiB.
   */
  MCP_LIMIT_HEAD = 2,
  /**
   * One event of an event stream; 64 MiB at the start.
   */
  MCP_LIMIT_EVENT = 3,
} mcp_limit;

/**
 * Sets the timeout of calls whose options set none, in milliseconds; 0 means none. It is 60,000
 * where it is never set.
 *
 * One timeout governs a call from entry to return: name lookup, connecting, TLS, negotiation,
 * redirects, resends and the body. The time that the auth callback takes is not counted.
 *
 * Any thread, any time; counts from the next call. Since 0.1.0.
 */
mcp_status mcp_set_timeout(mcp_client *client, uint64_t timeout_ms, mcp_error **error);

/**
 * Sets the name and version under which the program introduces itself to the server
 * (`clientInfo`). Without it, the server is told "libmcp" and the library's version.
 *
 * Returns `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_client_info(mcp_client *client,
                               const char *name,
                               const char *version,
                               mcp_error **error);

/**
 * Pins the protocol version, such as "2025-06-18": the server has to speak that one, or calls
 * fail with `MCP_VERSION_UNSUPPORTED`. NULL, as at the start, negotiates: the newest version that
 * both sides speak.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a version that this library does not speak (it speaks
 * 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28), and `MCP_MISUSE` after the
 * first call that went to the server.
 *
 * Since 0.1.0.
 */
mcp_status mcp_set_protocol_version(mcp_client *client, const char *version, mcp_error **error);

/**
 * Sets the largest of what a server may send, in bytes: a call that meets more ends with
 * `MCP_TOO_LARGE`. `limit` is a number of `mcp_limit`; 0 bytes stand for the value at the start.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an unknown number or a head that is too large, and
 * `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_limit(mcp_client *client, int32_t limit, uint64_t bytes, mcp_error **error);

/**
 * Whether results are kept as long as the server says that they are fresh: lists, and resources
 * that were read (specification 2026-07-28, "Caching"). With true, a call may be answered from
 * memory. A server that says of a change makes what it concerns stale, while somebody listens
 * (`mcp_listen`). Private results go with the credentials that they were asked for with; where a
 * callback gives those (`mcp_set_auth`), they are not kept.
 *
 * Any thread, any time; false at the start, and with it everything that was kept is forgotten.
 * Since 0.1.0.
 */
mcp_status mcp_set_cache(mcp_client *client, bool wanted, mcp_error **error);

/* ============================================================================================== */
/* Transport, TLS and proxies                                                                     */
/* ============================================================================================== */

/**
 * How messages travel. A later version may add more.
 *
 * Since 0.1.0.
 */
typedef enum mcp_transport {
  /**
   * To be found out from the URL and the server.
   */
  MCP_TRANSPORT_AUTO = 0,
  /**
   * Streamable HTTP: every message is a POST, with its answer in the answer to it.
   */
  MCP_TRANSPORT_STREAMABLE_HTTP = 1,
  /**
   * HTTP+SSE, the transport of 2024-11-05: answers come on an event stream that stays open.
   */
  MCP_TRANSPORT_SSE = 2,
} mcp_transport;

/**
 * Sets how messages travel, by the numbers of `mcp_transport`. At the start it is found out: a URL
 * whose path's last segment is "sse" leads to HTTP+SSE, unless its GET is no event stream; any
 * other to Streamable HTTP, and to HTTP+SSE where `initialize` is answered with 400, 404 or 405
 * (specification 2025-11-25, "Transports": Backwards Compatibility). The member "transport" of
 * `mcp_server_info` says what it came to.
 *
 * HTTP+SSE carries every protocol version up to 2025-11-25. Its event stream has a thread of its
 * own, which ends with the connection. When the stream ends, the calls that wait for an answer end
 * with `MCP_DISCONNECTED`, and the next call opens it anew.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an unknown number, and `MCP_MISUSE` after the first call that
 * went to the server. Since 0.1.0.
 */
mcp_status mcp_set_transport(mcp_client *client, int32_t transport, mcp_error **error);

/**
 * Connects to the Unix domain socket at `path` in place of the URL's host and port, which the
 * server still sees in the request; as `--unix-socket` of curl does. No proxy is used then. NULL,
 * as at the start, is none.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a path that is empty or too long (107 bytes on Linux), and
 * `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_unix_socket(mcp_client *client, const char *path, mcp_error **error);

/**
 * Sets the proxy: "http://host:port" (CONNECT for https, and requests passed on for http),
 * "socks5://host:port" (names are looked up here) or "socks5h://host:port" (by the proxy), with
 * "user:password@" in front of the host where it wants that, percent-encoded. "" is no proxy at
 * all. The port is 1080 where none is given.
 *
 * NULL, as at the start, is what the environment says, by the rules of curl: `http_proxy` (in
 * small letters only) for http URLs, `https_proxy` or `HTTPS_PROXY` for https URLs, else
 * `all_proxy` or `ALL_PROXY`; and `no_proxy` or `NO_PROXY` lists hosts, domains, addresses and
 * networks ("10.0.0.0/8") that are reached without one, "*" for all. It is read once, at the first
 * call. That list does not apply to a proxy that is set here.
 *
 * A proxy's credentials go to the proxy alone, and are in no message. A proxy that refuses or
 * cannot be reached is `MCP_PROXY_FAILED`, one that wants other credentials
 * `MCP_PROXY_AUTH_REQUIRED`. Errors name the proxy and what set it; so does one for an answer of
 * 403, 502, 503 or 504, or an HTML page, that came through a proxy over http, for the proxy may
 * have answered in the server's place.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a URL that cannot be used, and `MCP_MISUSE` after the first
 * call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_proxy(mcp_client *client, const char *url, mcp_error **error);

/**
 * Whether credentials may go to another machine over https only. With true, a request that carries
 * any over plain http fails with `MCP_INSECURE` before it is sent; without, as at the start, it is
 * sent, with a warning to the log. This machine itself is always allowed: loopback addresses, Unix
 * domain sockets, and localhost with all names below it, for which no resolver is asked (RFC 6761).
 *
 * Returns `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_require_https(mcp_client *client, bool required, mcp_error **error);

/**
 * Trusts the certificate authorities in a PEM file, beside those that the system trusts, and in
 * place of an earlier file. NULL, as at the start, is none. The file is read now. On Linux, the
 * variables SSL_CERT_FILE and SSL_CERT_DIR of the environment name other authorities in place of
 * the system's.
 *
 * A server's own certificate may be in the file, too, also one with CA:TRUE, as a plain
 * `openssl req -x509` makes it. It is accepted from a server that shows the same certificate, byte
 * for byte, while its dates are right and the URL's host is among its names.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a file that cannot be read, is no regular file, is larger than
 * 16 MiB or holds no certificate, and `MCP_MISUSE` after the first call that went to the server.
 * Since 0.1.0.
 */
mcp_status mcp_set_tls_ca_file(mcp_client *client, const char *path, mcp_error **error);

/**
 * Shows a certificate to servers that ask for one (mutual TLS). `cert_path` is a PEM file with the
 * certificate, and those between it and its authority behind it; `key_path` one with the private
 * key (PKCS #8, PKCS #1 or SEC 1, not encrypted), or NULL where that is in the same file. A NULL
 * `cert_path`, as at the start, is none. The files are read now.
 *
 * Returns `MCP_INVALID_ARGUMENT` for files that cannot be read (as for `mcp_set_tls_ca_file`), or do
 * not belong together, and `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_tls_client_cert(mcp_client *client,
                                   const char *cert_path,
                                   const char *key_path,
                                   mcp_error **error);

/**
 * Whether a server has to prove who it is; true at the start. **With false, anybody on the way can
 * read and change everything, the token included.** For development; the log gets a warning.
 *
 * Returns `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_tls_verify(mcp_client *client, bool verify, mcp_error **error);

/* ============================================================================================== */
/* Calls                                                                                          */
/* ============================================================================================== */

/**
 * Connects: finds out which protocol versions the server speaks, and opens a session where the
 * server's version has sessions. Optional, for every call connects by itself; useful to see early
 * whether the server can be used at all.
 *
 * A bad token is not always seen here: some servers ask for credentials only later.
 *
 * `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_connect(mcp_client *client, const mcp_options *options, mcp_error **error);

/**
 * Asks whether the server is there, and answers. Never answered from memory: each call goes to
 * the server.
 *
 * On a legacy server this is the protocol's `ping`. From 2026-07-28 on there is none;
 * `server/discover`, which every server of that version implements, stands in for it.
 *
 * Any JSON-RPC answer will do, an error too: some servers do not know `ping`.
 *
 * `MCP_OK` means that the server answered, not that the token is good for its tools: a server may
 * leave this call open to everybody. Where it does not, a missing or wrong token is
 * `MCP_UNAUTHORIZED`, with the server's challenge in `mcp_error_www_authenticate`.
 *
 * `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_ping(mcp_client *client, const mcp_options *options, mcp_error **error);

/**
 * Gives what the server said of itself when the client connected (and connects first, where that
 * is still to do), as an object:
 *
 * - "protocolVersion": the version that is spoken, such as "2025-11-25"
 * - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
 * - "transport": "streamable-http", "sse" or "stdio"
 * - "serverInfo": with "name" and "version", where the server gives them
 * - "capabilities": what it can do
 * - "instructions": how it wants to be used, where it says so
 * - "supportedVersions": all that it speaks, on modern servers
 *
 * The server is not asked again. What it says of itself is not verified by anybody: it is for
 * people to read.
 *
 * `*info` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_server_info(mcp_client *client,
                           const mcp_options *options,
                           mcp_json **info,
                           mcp_error **error);

/* ============================================================================================== */
/* Tools                                                                                          */
/* ============================================================================================== */

/**
 * Lists the server's tools: an object with "tools", an array of all of them, of all pages together.
 *
 * Each has a "name", mostly a "description", and an "inputSchema", the JSON schema of its
 * arguments (specification 2026-07-28, "Tools"). A tool whose schema breaks the rules for headers
 * is left out, with a line in the log, as the specification wants it.
 *
 * A page whose "nextCursor" was used before is the last one, with a warning in the log: some servers
 * name the same cursor on every page. Returns `MCP_ENDLESS` for pages that lead on and on, and
 * `MCP_TOO_LARGE` where all pages together are larger than the limit of a message.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_list_tools(mcp_client *client,
                          const mcp_options *options,
                          mcp_json **result,
                          mcp_error **error);

/**
 * As `mcp_list_tools`, one page: the first one for a NULL `cursor`, and the one after another for
 * the text of that one's "nextCursor". A page without a "nextCursor" is the last; an empty text is
 * a cursor, too. To end where a cursor comes again is up to the caller.
 *
 * Since 0.1.0.
 */
mcp_status mcp_list_tools_page(mcp_client *client,
                               const char *cursor,
                               const mcp_options *options,
                               mcp_json **page,
                               mcp_error **error);

/**
 * Calls a tool. `arguments` is the text of a JSON object of `length` bytes, `SIZE_MAX` for a
 * NUL-terminated one; NULL means no arguments.
 *
 * `*result` is an object with "content", an array of what the tool has to say, and perhaps
 * "structuredContent" (specification 2026-07-28, "Tools": Tool Result). **A tool that failed is a
 * successful call**: `MCP_OK`, and `mcp_tool_result_is_error` says so; `mcp_tool_result_text` is
 * then what went wrong. Whether structured content is what the tool's "outputSchema" promises is
 * left to the caller.
 *
 * A tool is never called twice: where it is not known whether the server has executed the call,
 * it is not sent again. Such a call ends with `MCP_TRUNCATED`, `MCP_DISCONNECTED` or
 * `MCP_SESSION_LOST`, and the message says that the tool may have been executed. While it waits, handlers that are set may be asked for input. A tool that
 * has to be a task (2025-11-25) becomes one, and this waits for its end.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_call_tool(mcp_client *client,
                         const char *name,
                         const char *arguments,
                         size_t length,
                         const mcp_options *options,
                         mcp_json **result,
                         mcp_error **error);

/**
 * Whether the tool says that it failed (its "isError"); false for NULL. Since 0.1.0.
 */
bool mcp_tool_result_is_error(const mcp_json *result);

/**
 * The texts of a tool's result, each on a line of its own: those of its blocks of the type "text",
 * and those of embedded resources, in their order; "" where it has none, and for NULL. A block that
 * is not as the specification wants it is passed over. Never NULL. It is made once and lives as
 * long as the result.
 *
 * Since 0.1.0.
 */
const char *MCP_NONNULL mcp_tool_result_text(const mcp_json *result);

/**
 * The structured content of a tool's result: an object, from 2026-07-28 on any value; NULL where it
 * has none, and for NULL. Lives as long as the result. Since 0.1.0.
 */
const mcp_json *mcp_tool_result_structured(const mcp_json *result);

/* ============================================================================================== */
/* Tasks                                                                                          */
/* ============================================================================================== */

/**
 * Calls a tool as `mcp_call_tool` does, and takes a task for an answer, too: work that goes on at
 * the server while nobody waits. On modern servers the server decides (the extension
 * "io.modelcontextprotocol/tasks"); on those of 2025-11-25 a tool that can be a task becomes one
 * (specification 2025-11-25, "Tasks"); on older ones there are none.
 *
 * `mcp_task_id` tells a task from a result. Keep its id: with it, another process can ask for the
 * task as well.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_start_tool(mcp_client *client,
                          const char *name,
                          const char *arguments,
                          size_t length,
                          const mcp_options *options,
                          mcp_json **result,
                          mcp_error **error);

/**
 * The id of the task that `mcp_start_tool` brought; NULL where it brought the tool's result, and
 * for NULL. Lives as long as the result. Since 0.1.0.
 */
const char *mcp_task_id(const mcp_json *result);

/**
 * Asks how a task stands: an object with "taskId", "status" ("working", "input_required",
 * "completed", "failed" or "cancelled"), and perhaps "statusMessage", "ttlMs" and "pollIntervalMs",
 * which on servers of 2025-11-25 are called "ttl" and "pollInterval". On modern servers a completed
 * task has its "result" there, a failed one its "error".
 *
 * `*task` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_get_task(mcp_client *client,
                        const char *id,
                        const mcp_options *options,
                        mcp_json **task,
                        mcp_error **error);

/**
 * Gives a task of a modern server inputs that it asks for: the text of a JSON object of `length`
 * bytes, `SIZE_MAX` for a NUL-terminated one, with a result under each key of its "inputRequests".
 * `mcp_wait_task` does that by itself.
 *
 * `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_update_task(mcp_client *client,
                           const char *id,
                           const char *responses,
                           size_t length,
                           const mcp_options *options,
                           mcp_error **error);

/**
 * Asks the server to end a task. It may end it, or finish it first.
 *
 * `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_cancel_task(mcp_client *client,
                           const char *id,
                           const mcp_options *options,
                           mcp_error **error);

/**
 * Waits until a task has ended, and gives the result of the tool. It asks as often as the server
 * wants; what the task asks for, the handlers that are set give. A progress callback in the options
 * is told each new "statusMessage", with the number of such messages as the progress.
 *
 * Returns `MCP_RPC_ERROR` for a task that failed, `MCP_TASK_CANCELLED` for one that was cancelled.
 * When this call is cancelled or times out, the task goes on.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_wait_task(mcp_client *client,
                         const char *id,
                         const mcp_options *options,
                         mcp_json **result,
                         mcp_error **error);

/* ============================================================================================== */
/* Resources                                                                                      */
/* ============================================================================================== */

/**
 * Lists the server's resources: an object with "resources", an array of all of them.
 *
 * Each has a "uri" and a "name" (specification 2026-07-28, "Resources"). Errors as for
 * `mcp_list_tools`.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_list_resources(mcp_client *client,
                              const mcp_options *options,
                              mcp_json **result,
                              mcp_error **error);

/**
 * As `mcp_list_resources`, one page: the first one for a NULL `cursor`, and the one after another
 * for the text of that one's "nextCursor". A page without a "nextCursor" is the last; an empty text
 * is a cursor, too.
 *
 * Since 0.1.0.
 */
mcp_status mcp_list_resources_page(mcp_client *client,
                                   const char *cursor,
                                   const mcp_options *options,
                                   mcp_json **page,
                                   mcp_error **error);

/**
 * Lists the server's resource templates: an object with "resourceTemplates", an array of all of
 * them.
 *
 * Each has a "uriTemplate" (RFC 6570) and a "name". Errors as for `mcp_list_tools`.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_list_resource_templates(mcp_client *client,
                                       const mcp_options *options,
                                       mcp_json **result,
                                       mcp_error **error);

/**
 * As `mcp_list_resource_templates`, one page: the first one for a NULL `cursor`, and the one after
 * another for the text of that one's "nextCursor". A page without a "nextCursor" is the last; an
 * empty text is a cursor, too.
 *
 * Since 0.1.0.
 */
mcp_status mcp_list_resource_templates_page(mcp_client *client,
                                            const char *cursor,
                                            const mcp_options *options,
                                            mcp_json **page,
                                            mcp_error **error);

/**
 * Reads a resource. `*result` is an object with "contents", an array: each has a "uri", perhaps a
 * "mimeType", and either "text" or "blob", which is base64 (`mcp_json_copy_base64`).
 *
 * A resource that does not exist is `MCP_RPC_ERROR`, with the code -32602, or -32002 on servers up
 * to 2025-11-25.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_read_resource(mcp_client *client,
                             const char *uri,
                             const mcp_options *options,
                             mcp_json **result,
                             mcp_error **error);

/* ============================================================================================== */
/* Prompts and argument completion                                                                */
/* ============================================================================================== */

/**
 * Lists the server's prompts: an object with "prompts", an array of all of them.
 *
 * Each has a "name", and perhaps "arguments" (specification 2026-07-28, "Prompts"). Errors as for
 * `mcp_list_tools`.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_list_prompts(mcp_client *client,
                            const mcp_options *options,
                            mcp_json **result,
                            mcp_error **error);

/**
 * As `mcp_list_prompts`, one page: the first one for a NULL `cursor`, and the one after another for
 * the text of that one's "nextCursor". A page without a "nextCursor" is the last; an empty text is
 * a cursor, too.
 *
 * Since 0.1.0.
 */
mcp_status mcp_list_prompts_page(mcp_client *client,
                                 const char *cursor,
                                 const mcp_options *options,
                                 mcp_json **page,
                                 mcp_error **error);

/**
 * Gets a prompt, with its arguments filled in. `arguments` is the text of a JSON object of strings,
 * of `length` bytes, `SIZE_MAX` for a NUL-terminated one; NULL means none.
 *
 * `*result` is an object with "messages", an array: each has a "role" and a "content".
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_get_prompt(mcp_client *client,
                          const char *name,
                          const char *arguments,
                          size_t length,
                          const mcp_options *options,
                          mcp_json **result,
                          mcp_error **error);

/**
 * Asks what may stand for an argument of a prompt that begins with `value`. `context` is the text
 * of a JSON object with the arguments that are known already, NUL-terminated, or NULL.
 *
 * `*result` is an object whose "completion" has "values", an array of at most 100 texts, and
 * perhaps "total" and "hasMore" (specification 2026-07-28, "Completion").
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_complete_prompt(mcp_client *client,
                               const char *prompt,
                               const char *argument,
                               const char *value,
                               const char *context,
                               const mcp_options *options,
                               mcp_json **result,
                               mcp_error **error);

/**
 * As `mcp_complete_prompt`, for an argument of a resource template, which is named by its
 * "uriTemplate".
 *
 * Since 0.1.0.
 */
mcp_status mcp_complete_resource(mcp_client *client,
                                 const char *uri_template,
                                 const char *argument,
                                 const char *value,
                                 const char *context,
                                 const mcp_options *options,
                                 mcp_json **result,
                                 mcp_error **error);

/* ============================================================================================== */
/* Server requests                                                                                */
/* ============================================================================================== */

/**
 * What a handler is asked, and the place for its answer. It lives as long as the handler runs, and
 * belongs to that thread.
 *
 * Since 0.1.0.
 */
typedef struct mcp_input mcp_input;

/**
 * Answers what a server asks, with `mcp_input_accept`, `mcp_input_decline` or `mcp_input_cancel`
 * for an elicitation, with `mcp_input_respond` for everything, or with `mcp_input_fail`. A handler
 * that gives no answer cancels an elicitation, and fails everything else.
 *
 * It runs on the thread of the call that the server needs the input for; on the library's reader
 * thread where the server asks by itself. No lock is held; it may use the library, but on the
 * reader thread make no call on the same client (`MCP_MISUSE`). It may take its time: that counts
 * against no timeout. No exception and no longjmp may leave it.
 */
typedef void (*mcp_input_fn)(void *userdata, struct mcp_input *MCP_NONNULL input);

/**
 * Sets the handler that asks a person (specification 2026-07-28, "Elicitation"). The parameters
 * have a "message", and either a "requestedSchema", for a form, or the "mode" "url" and a "url"
 * that the person is to open. Show which server asks, let the person decline, and open no URL
 * unasked.
 *
 * `userdata` is handed to the handler as it is, and to `destroy`, which may be NULL, when it is not
 * needed any more.
 *
 * NULL, as at the start, is none: the server is told that this client cannot do it. Returns
 * `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_elicitation(mcp_client *client,
                               mcp_input_fn handler,
                               void *userdata,
                               mcp_destroy_fn destroy,
                               mcp_error **error);

/**
 * Sets the handler that asks a model (specification 2026-07-28, "Sampling"): the parameters have
 * "messages", "maxTokens" and more, perhaps "tools". The answer is an object with "role",
 * "content", "model" and perhaps "stopReason". A person should see both, and be able to say no.
 *
 * `userdata` is handed to the handler as it is, and to `destroy`, which may be NULL, when it is not
 * needed any more.
 *
 * NULL, as at the start, is none: the server is told that this client cannot do it. Returns
 * `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_sampling(mcp_client *client,
                            mcp_input_fn handler,
                            void *userdata,
                            mcp_destroy_fn destroy,
                            mcp_error **error);

/**
 * Sets the handler that tells which folders the server may look at (specification 2026-07-28,
 * "Roots"). The answer is an object with "roots", an array: each has a "uri" that begins with
 * "file://", and perhaps a "name".
 *
 * `userdata` is handed to the handler as it is, and to `destroy`, which may be NULL, when it is not
 * needed any more.
 *
 * NULL, as at the start, is none: the server is told that this client cannot do it. Returns
 * `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
 */
mcp_status mcp_set_roots(mcp_client *client,
                         mcp_input_fn handler,
                         void *userdata,
                         mcp_destroy_fn destroy,
                         mcp_error **error);

/**
 * What is asked: "elicitation/create", "sampling/createMessage" or "roots/list". Lives as long as
 * the input. NULL for NULL. Since 0.1.0.
 */
const char *mcp_input_method(const mcp_input *input);

/**
 * The parameters, an object. They live as long as the input. NULL for NULL. Since 0.1.0.
 */
const mcp_json *mcp_input_params(const mcp_input *input);

/**
 * Whether an answer would come too late: the server has cancelled its request, or the call that
 * needs the input was cancelled, or its client closed. A handler that waits for a person asks from
 * time to time, and returns without an answer then. It may be asked from another thread as long as
 * the handler waits for that. Over Streamable HTTP a cancellation that the server sends with the
 * answer to the call itself is read only behind the handler. False for NULL. Since 0.1.0.
 */
bool mcp_input_is_cancelled(const mcp_input *input);

/**
 * Accepts an elicitation. `content` is what the person has filled in: the text of a JSON object of
 * `length` bytes, `SIZE_MAX` for a NUL-terminated one. What it leaves out gets the schema's
 * default, where that has one; NULL leaves everything out, as it is for a URL.
 *
 * Returns `MCP_INVALID_ARGUMENT` for what is no JSON object, and `MCP_MISUSE` where something else
 * is asked. Since 0.1.0.
 */
mcp_status mcp_input_accept(mcp_input *input,
                            const char *content,
                            size_t length,
                            mcp_error **error);

/**
 * Declines an elicitation: the person has said no. Errors as for `mcp_input_accept`. Since 0.1.0.
 */
mcp_status mcp_input_decline(mcp_input *input, mcp_error **error);

/**
 * Cancels an elicitation: the person has made no choice. Errors as for `mcp_input_accept`. Since
 * 0.1.0.
 */
mcp_status mcp_input_cancel(mcp_input *input, mcp_error **error);

/**
 * Answers with a whole result: the text of a JSON object of `length` bytes, `SIZE_MAX` for a
 * NUL-terminated one.
 *
 * Returns `MCP_INVALID_ARGUMENT`, and takes no answer, for what is no result of this kind. Since
 * 0.1.0.
 */
mcp_status mcp_input_respond(mcp_input *input,
                             const char *result,
                             size_t length,
                             mcp_error **error);

/**
 * Says that there is no answer. A legacy server gets a JSON-RPC error with `code` and `message`,
 * and the call goes on; on a modern one the call ends with `MCP_INPUT_FAILED`. -1 is the code for a
 * person who has refused (specification 2026-07-28, "Sampling": Error Handling), -32603 that for
 * something that broke. Since 0.1.0.
 */
mcp_status mcp_input_fail(mcp_input *input,
                          int64_t code,
                          const char *message,
                          mcp_error **error);

/* ============================================================================================== */
/* Change notifications                                                                           */
/* ============================================================================================== */

/**
 * What `mcp_listen` can listen for; several are added up.
 *
 * Since 0.1.0.
 */
typedef enum mcp_change {
  /**
   * The list of tools.
   */
  MCP_CHANGE_TOOLS = 1,
  /**
   * The list of prompts.
   */
  MCP_CHANGE_PROMPTS = 2,
  /**
   * The list of resources.
   */
  MCP_CHANGE_RESOURCES = 4,
} mcp_change;

/**
 * Receives a change: `method` is "notifications/tools/list_changed",
 * "notifications/prompts/list_changed", "notifications/resources/list_changed" or
 * "notifications/resources/updated", with the "uri" in `params`, which is NULL where there are
 * none. Both are gone when the callback returns.
 *
 * Called on the thread that listens, no lock held; it may use the library, and make calls on the
 * same client. No exception and no longjmp may leave it.
 */
typedef void (*mcp_change_fn)(void *userdata, const char *MCP_NONNULL method, const mcp_json *params);

/**
 * Listens for changes until somebody ends it: this blocks a thread of the caller's. `changes` is a
 * sum of `mcp_change`, and `uris` an array of the resources whose contents matter, with a NULL
 * behind the last one; or NULL. The server may not watch all of it; the log says what it does.
 *
 * On modern servers it is a subscription (specification 2026-07-28, "Subscriptions"); on legacy
 * ones `resources/subscribe` and the standing event stream. When the connection breaks it is opened
 * again, with growing pauses, until five attempts in a row have failed; what changed meanwhile is
 * not told. Where a server refuses the stream because it has not noticed the end of the old one
 * (HTTP 409), it is tried for two minutes, and then in a new session.
 *
 * `options` may be NULL; their timeout governs the opening only. The callback gets `userdata` as it
 * is.
 *
 * Returns `MCP_OK` when the server has ended the subscription in good order, `MCP_CANCELLED` after
 * `mcp_cancel_trigger`, `MCP_CLOSED` after `mcp_client_close`; `MCP_INVALID_ARGUMENT` where there
 * is nothing to listen for; otherwise why nothing can be heard. Any thread. Since 0.1.0.
 */
mcp_status mcp_listen(mcp_client *client,
                      uint32_t changes,
                      const char *const *uris,
                      mcp_change_fn change,
                      void *userdata,
                      const mcp_options *options,
                      mcp_error **error);

/* ============================================================================================== */
/* The server's log                                                                               */
/* ============================================================================================== */

/**
 * Receives a log message of the server: an object with "level", "data", and perhaps "logger"
 * (specification 2026-07-28, "Logging"). It is gone when the callback returns.
 *
 * Called on the thread of the call whose answer it came with; where it belongs to no call, on the
 * library's reader thread. No lock is held, and the callback may call the library, as for
 * `mcp_log_fn`. Its time counts against no timeout. No exception and no longjmp may leave it.
 */
typedef void (*mcp_logging_fn)(void *userdata, const mcp_json *MCP_NONNULL message);

/**
 * Sets the callback that receives the server's log messages. NULL, as at the start, drops them.
 * Servers send none before `mcp_set_logging_level`, as a rule. Messages of a legacy server that
 * belong to no call come on an event stream of their own, which has a thread.
 *
 * `userdata` is handed to the callback as it is, and to `destroy`, which may be NULL, when it is
 * not needed any more.
 *
 * Any thread, any time. Since 0.1.0.
 */
mcp_status mcp_set_logging(mcp_client *client,
                           mcp_logging_fn logging,
                           void *userdata,
                           mcp_destroy_fn destroy,
                           mcp_error **error);

/**
 * Asks the server for its log messages from a level on: "debug", "info", "notice", "warning",
 * "error", "critical", "alert" or "emergency". A legacy server is told now; a modern one with every
 * request from now on.
 *
 * Returns `MCP_INVALID_ARGUMENT` for another level, and `MCP_RPC_ERROR` where a legacy server has
 * no log.
 *
 * `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_set_logging_level(mcp_client *client,
                                 const char *level,
                                 const mcp_options *options,
                                 mcp_error **error);

/* ============================================================================================== */
/* Raw requests                                                                                   */
/* ============================================================================================== */

/**
 * Sends any request, such as one of an extension, and gives its result as it came. `params` is the
 * text of a JSON object of `length` bytes, `SIZE_MAX` for a NUL-terminated one; NULL means none.
 * What the protocol version wants in "_meta" is added.
 *
 * It is sent once: where it is not known whether the server has executed it, it is not sent again.
 *
 * `*result` is set to NULL first and to the object on success; the caller frees it with
 * `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
 */
mcp_status mcp_request(mcp_client *client,
                       const char *method,
                       const char *params,
                       size_t length,
                       const mcp_options *options,
                       mcp_json **result,
                       mcp_error **error);

/**
 * Sends any notification; there is no answer. `params` as for `mcp_request`.
 *
 * `options` may be NULL. Blocks until the server has taken it, but where it is a process; any
 * thread. Since 0.1.0.
 */
mcp_status mcp_notify(mcp_client *client,
                      const char *method,
                      const char *params,
                      size_t length,
                      const mcp_options *options,
                      mcp_error **error);

/* ============================================================================================== */
/* Call options                                                                                   */
/* ============================================================================================== */

/**
 * Options of a call. NULL in their place means the defaults. One object may serve any number of
 * calls, at the same time too, as long as nobody changes it while a call uses it.
 *
 * Since 0.1.0.
 */

/**
 * Receives how far an operation has come: `progress` grows with each call, `total` is where it
 * ends, or negative where the server does not know, and `message` is what the server says of it,
 * or NULL. The text is gone when the callback returns.
 *
 * Called on the thread of the call, no lock held; its time counts against no timeout. It may make
 * calls, on this client as well. No exception and no longjmp may leave it.
 */
typedef void (*mcp_progress_fn)(void *userdata, double progress, double total, const char *message);

/**
 * Makes options with the defaults. The caller frees them with `mcp_options_free`. Never NULL.
 *
 * Since 0.1.0.
 */
mcp_options *MCP_NONNULL mcp_options_new(void);

/**
 * Frees options; NULL is ignored. No call may use them any more.
 *
 * Since 0.1.0.
 */
void mcp_options_free(mcp_options *options);

/**
 * Sets the timeout of the call, in milliseconds; 0 means none. Unset: the client's.
 *
 * Since 0.1.0.
 */
mcp_status mcp_options_set_timeout(mcp_options *options,
                                   uint64_t timeout_ms,
                                   mcp_error **error);

/**
 * Sets the idle limit of the call, in milliseconds: it ends with `MCP_TIMEOUT` when that long no
 * byte comes from the server and none can be sent. 0, as at the start, means none.
 *
 * Since 0.1.0.
 */
mcp_status mcp_options_set_idle_timeout(mcp_options *options,
                                        uint64_t timeout_ms,
                                        mcp_error **error);

/**
 * Sets the token that can end the call early; NULL removes it. The options keep their own hold on
 * the token: the caller may free its own at any time.
 *
 * Since 0.1.0.
 */
mcp_status mcp_options_set_cancel(mcp_options *options,
                                  mcp_cancel *cancel,
                                  mcp_error **error);

/**
 * Asks the server to tell how far it has come, and sets the callback that is told (specification
 * 2026-07-28, "Progress"). NULL, as at the start, asks for nothing.
 *
 * `userdata` is handed to the callback as it is, and to `destroy`, which may be NULL, when neither
 * the options nor a call needs it any more.
 *
 * Since 0.1.0.
 */
mcp_status mcp_options_set_progress(mcp_options *options,
                                    mcp_progress_fn progress,
                                    void *userdata,
                                    mcp_destroy_fn destroy,
                                    mcp_error **error);

/**
 * Sets members of the "_meta" of the call's requests: the text of a JSON object of `length` bytes,
 * `SIZE_MAX` for a NUL-terminated one, such as a trace context ("traceparent"); NULL means none.
 * They beat what the library puts there by itself.
 *
 * Returns `MCP_INVALID_ARGUMENT` for what is no JSON object. Since 0.1.0.
 */
mcp_status mcp_options_set_meta(mcp_options *options,
                                const char *meta,
                                size_t length,
                                mcp_error **error);

/**
 * Sets a header that the requests of the call carry; a NULL value removes it. The same rules and
 * errors as those of `mcp_set_header`, which it beats. Since 0.1.0.
 */
mcp_status mcp_options_set_header(mcp_options *options,
                                  const char *name,
                                  const char *value,
                                  mcp_error **error);

/* ============================================================================================== */
/* Cancellation                                                                                   */
/* ============================================================================================== */

/**
 * A token that ends the calls whose options hold it. It works once: after `mcp_cancel_trigger`,
 * every call with this token, also a later one, returns `MCP_CANCELLED`.
 *
 * A blocked call returns within 50 ms of the trigger, whatever it is waiting for. The server is
 * told as its protocol version wants it; its answer is not awaited. The client stays usable.
 *
 * Since 0.1.0.
 */

/**
 * Makes a token. The caller frees it with `mcp_cancel_free`. NULL when the system gives no more
 * descriptors.
 *
 * Since 0.1.0.
 */
mcp_cancel *mcp_cancel_new(void);

/**
 * Triggers a token; NULL is ignored, and so is a second time. Any thread, any time; also from a
 * signal handler (async-signal-safe, errno is kept).
 *
 * Since 0.1.0.
 */
void mcp_cancel_trigger(mcp_cancel *cancel);

/**
 * Frees the caller's hold on a token; NULL is ignored. Options and calls that hold it keep it
 * alive for themselves. The caller must be sure that no thread is about to trigger it.
 *
 * Since 0.1.0.
 */
void mcp_cancel_free(mcp_cancel *cancel);

/* ============================================================================================== */
/* JSON values                                                                                    */
/* ============================================================================================== */

/**
 * The type of a JSON value (RFC 8259, section 3).
 *
 * Since 0.1.0.
 */
typedef enum mcp_json_type {
  /**
   * There is no value: the pointer is NULL. Not the same as a value that is null.
   */
  MCP_JSON_MISSING = 0,
  /**
   * null
   */
  MCP_JSON_NULL = 1,
  /**
   * true or false
   */
  MCP_JSON_BOOL = 2,
  /**
   * A number, whole or not.
   */
  MCP_JSON_NUMBER = 3,
  /**
   * A text.
   */
  MCP_JSON_STRING = 4,
  /**
   * A list of elements.
   */
  MCP_JSON_ARRAY = 5,
  /**
   * A list of members, each with a key.
   */
  MCP_JSON_OBJECT = 6,
} mcp_json_type;

/**
 * A JSON value: a whole document, or a value inside one. Immutable; may be read from many
 * threads.
 *
 * A document comes from a call, or from `mcp_json_parse`, and is freed with `mcp_json_free`. The
 * values inside it are borrowed: they live as long as the document and are not freed by
 * themselves. A document is kept as the text that the server sent; the first look inside makes an
 * index of it.
 *
 * All functions take NULL as "no such value", so that they can be nested without a check in
 * between:
 *
 *     const char *name = mcp_json_string(mcp_json_at(info, "/serverInfo/name"));
 *     printf("%s\n", name ? name : "(no name)");
 *
 * Of members with the same name, the last one counts. Since 0.1.0.
 */

/**
 * Makes a document from a text of `length` bytes; `SIZE_MAX` means that it is NUL-terminated. The
 * text is copied.
 *
 * Returns the document, which the caller frees with `mcp_json_free`; or NULL, with
 * `MCP_INVALID_JSON` for what is not JSON (RFC 8259), or `MCP_INVALID_ARGUMENT` for NULL or what
 * is not UTF-8.
 *
 * Since 0.1.0.
 */
mcp_json *mcp_json_parse(const char *text, size_t length, mcp_error **error);

/**
 * Frees a document and everything that was borrowed from it; NULL is ignored. A value inside a
 * document is left alone.
 *
 * Since 0.1.0.
 */
void mcp_json_free(mcp_json *json);

/**
 * The type of a value; `MCP_JSON_MISSING` for NULL.
 *
 * Since 0.1.0.
 */
mcp_json_type mcp_json_type_of(const mcp_json *json);

/**
 * How many elements an array has, or members an object; 0 for everything else.
 *
 * Since 0.1.0.
 */
size_t mcp_json_size(const mcp_json *json);

/**
 * The member of an object by its name; NULL where there is none, or `json` is no object. Takes
 * time in proportion to the members.
 *
 * Since 0.1.0.
 */
const mcp_json *mcp_json_member(const mcp_json *json, const char *name);

/**
 * The value that a JSON pointer points to, such as "/content/0/text" (RFC 6901: in a name, ~1
 * stands for a slash and ~0 for a tilde); "" is `json` itself. NULL where there is none, or the
 * pointer is malformed.
 *
 * Since 0.1.0.
 */
const mcp_json *mcp_json_at(const mcp_json *json, const char *pointer);

/**
 * The element of an array by its index, from 0; NULL where there is none, or `json` is no array.
 * Takes time in proportion to the index: to go through all, use `mcp_json_first` and
 * `mcp_json_next`.
 *
 * Since 0.1.0.
 */
const mcp_json *mcp_json_element(const mcp_json *json, size_t index);

/**
 * The first element of an array or member of an object; NULL where there is none.
 *
 *     for (const mcp_json *tool = mcp_json_first(tools); tool; tool = mcp_json_next(tool))
 *
 * Since 0.1.0.
 */
const mcp_json *mcp_json_first(const mcp_json *json);

/**
 * The element or member after `child`, in the order of the document; NULL after the last one, and
 * for a document.
 *
 * Since 0.1.0.
 */
const mcp_json *mcp_json_next(const mcp_json *child);

/**
 * The key of a member, decoded and NUL-terminated; NULL where `child` is no member. It lives as
 * long as the document. A NUL inside the key, and half of a surrogate pair, is shown as U+FFFD.
 *
 * Since 0.1.0.
 */
const char *mcp_json_key(const mcp_json *child);

/**
 * Reads true or false. `MCP_JSON_MISMATCH`, and `*value` untouched, for anything else and NULL,
 * as in all functions that read a value.
 *
 * Since 0.1.0.
 */
mcp_status mcp_json_bool(const mcp_json *json, bool *value, mcp_error **error);

/**
 * Reads a whole number, however it is written: 5, 5.0 and 50e-1 are all 5. `MCP_JSON_MISMATCH`
 * where the value is no number; `MCP_JSON_RANGE` where it has a fraction, or does not fit.
 * `*value` is then untouched.
 *
 * Since 0.1.0.
 */
mcp_status mcp_json_int64(const mcp_json *json, int64_t *value, mcp_error **error);

/**
 * As `mcp_json_int64`, for whole numbers from 0 to 2^64 - 1.
 *
 * Since 0.1.0.
 */
mcp_status mcp_json_uint64(const mcp_json *json, uint64_t *value, mcp_error **error);

/**
 * Reads a number as the nearest double. `MCP_JSON_MISMATCH` where the value is no number,
 * `MCP_JSON_RANGE` where it is larger than any double. `*value` is then untouched.
 *
 * Since 0.1.0.
 */
mcp_status mcp_json_double(const mcp_json *json, double *value, mcp_error **error);

/**
 * The value as the server sent it: JSON text, a string with its quotes and escapes. Not
 * NUL-terminated: `*length`, where it is not NULL, is set to its bytes. No copy; lives as long as
 * the document. NULL, and 0, for NULL.
 *
 * Since 0.1.0.
 */
const char *mcp_json_raw(const mcp_json *json, size_t *length);

/**
 * The text of a string, decoded and NUL-terminated; NULL where the value is no string. It is made
 * once and lives as long as the document.
 *
 * Half of a surrogate pair, which some servers leave when they cut a text in an emoji, is no
 * Unicode: it becomes U+FFFD, here and wherever the library decodes a text; `mcp_json_raw` has the
 * escape as it was sent. A NUL inside the text, which C would take for its end, is shown as U+FFFD
 * as well; `mcp_json_copy_string` gives it as it is.
 *
 * Since 0.1.0.
 */
const char *mcp_json_string(const mcp_json *json);

/**
 * Decodes the text of a string into the caller's buffer of `capacity` bytes, with a NUL after it.
 * `*length` (which may be NULL) is set to the bytes of the text without that NUL, also when the
 * buffer is too small: then the result is `MCP_BUFFER_TOO_SMALL`, nothing is written, and
 * `*length` + 1 bytes are needed. A NULL buffer of capacity 0 only asks.
 *
 * `MCP_JSON_MISMATCH` where the value is no string. Half of a surrogate pair becomes U+FFFD.
 *
 * Since 0.1.0.
 */
mcp_status mcp_json_copy_string(const mcp_json *json,
                                char *buffer,
                                size_t capacity,
                                size_t *length,
                                mcp_error **error);

/**
 * Decodes a string that holds base64 (RFC 4648, section 4), such as the "blob" of a resource or the
 * "data" of an image, into the caller's buffer of `capacity` bytes. `*length` (which may be NULL)
 * is set to the number of bytes, also when the buffer is too small: then the result is
 * `MCP_BUFFER_TOO_SMALL`, and nothing is written. No NUL is added. A NULL buffer of capacity 0 only
 * asks.
 *
 * `MCP_JSON_MISMATCH` where the value is no string; `MCP_JSON_RANGE` where it is no base64. Since
 * 0.1.0.
 */
mcp_status mcp_json_copy_base64(const mcp_json *json,
                                void *buffer,
                                size_t capacity,
                                size_t *length,
                                mcp_error **error);

/* ============================================================================================== */
/* Log                                                                                            */
/* ============================================================================================== */

/**
 * How much a line of the log matters. A later version may add levels.
 *
 * Since 0.1.0.
 */
typedef enum mcp_log_level {
  /**
   * Something failed that no call reports.
   */
  MCP_LOG_ERROR = 1,
  /**
   * Something is dangerous or probably wrong, such as a token over plain http.
   */
  MCP_LOG_WARNING = 2,
  /**
   * Something worth knowing, such as the negotiated version.
   */
  MCP_LOG_INFO = 3,
  /**
   * What helps to find a fault.
   */
  MCP_LOG_DEBUG = 4,
} mcp_log_level;

/**
 * Receives a line of the log: `level` is an `mcp_log_level`, `message` a text of at most 2,048 bytes
 * without control characters that is gone when the callback returns. Called on the thread of
 * whatever call has something to say, and on the threads of the library that read for a client,
 * perhaps on several at once. No lock is held, and the callback may call the library; but make no
 * call on this client on such a reader thread, nor while it connects (`MCP_MISUSE`). It may free
 * the client on a reader thread, when no call is in flight; on the thread of a call, one is. No
 * exception and no longjmp may leave it.
 */
typedef void (*mcp_log_fn)(void *userdata, int32_t level, const char *MCP_NONNULL message);

/**
 * Sets the callback that receives what the client has to say: fall-backs, resends, warnings.
 * NULL, as at the start, is silence: the library prints nothing by itself. No line holds a token
 * or a header value.
 *
 * `userdata` is handed to the callback as it is, and to `destroy`, which may be NULL, when it is
 * not needed any more.
 *
 * Any thread, any time; counts from the next line. Since 0.1.0.
 */
mcp_status mcp_set_log(mcp_client *client,
                       mcp_log_fn log,
                       void *userdata,
                       mcp_destroy_fn destroy,
                       mcp_error **error);

#ifdef __clang__
#pragma clang diagnostic pop
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MCP_H */
