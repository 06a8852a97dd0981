/** @file
 * mcp.h - Model Context Protocol (MCP) client for C, and for languages that call C.
 *
 * Generated from src/ffi of libmcp: make changes there.
 *
 * MCP connects applications that use language models to servers that provide tools and data. An
 * application contains a client; this library is one. Client and server exchange JSON-RPC 2.0
 * messages: requests with responses, and notifications, which have no response. The specification
 * is at https://modelcontextprotocol.io/specification; comments cite it by version and page title.
 *
 * Example: call the tool "add" of a server and print the result; `token` is a bearer token.
 *
 *     mcp_error *error = NULL;
 *     mcp_json *result = NULL;
 *     mcp_client *client = mcp_client_new("https://example.com/mcp", &error);
 *     mcp_writer *writer = mcp_writer_new();
 *     mcp_writer_begin_object(writer, NULL);
 *     mcp_writer_int64(writer, "a", 1);
 *     mcp_writer_int64(writer, "b", 2);
 *     mcp_writer_end(writer);
 *     if (client && mcp_set_bearer(client, token, &error) == MCP_OK &&
 *         mcp_call_tool(client, "add", mcp_writer_text(writer), mcp_writer_length(writer), NULL,
 *                       &result, &error) == MCP_OK)
 *       printf("%s%s\n", mcp_tool_result_is_error(result) ? "The tool failed: " : "",
 *              mcp_tool_result_text(result));
 *     else
 *       fprintf(stderr, "%s\n", mcp_error_message(error));
 *     mcp_writer_free(writer);
 *     mcp_json_free(result);
 *     mcp_error_free(error);
 *     mcp_client_free(client);
 *
 * Terms of the protocol:
 *
 * - A tool is a function of the server; the client calls it by name, with JSON arguments.
 * - A resource is data of the server, such as a file; the client reads it by its URI.
 * - A prompt is a template of the server, with arguments, for messages to a language model.
 * - Elicitation is a request of the server for input from the user of the application.
 * - Sampling is a request of the server for a message from the application's language model.
 * - Roots are the folders that the server may use; it requests a list of them.
 * - A task is a tool call that continues on the server after the function has returned.
 * - A subscription is a request for notifications when lists or resources of the server change.
 * - A legacy server uses a protocol version from 2024-11-05 to 2025-11-25, a modern server version
 *   2026-07-28 or later. The client supports both, and detects which one it has.
 * - A session is the state that a legacy server keeps for one client between requests.
 * - A transport carries the messages: Streamable HTTP (one POST for each message), its predecessor
 *   HTTP+SSE, or stdio, the standard input and output of a server process.
 * - An event stream is an HTTP response that stays open and carries messages as server-sent events.
 *   Over Streamable HTTP, a legacy server sends messages that belong to no call on a separate one,
 *   the server event stream.
 *
 * API conventions:
 *
 * - Results. mcp_json_parse and the functions with "_new" in their name return a pointer to a new
 *   object, or NULL on failure. All other functions that can fail return an mcp_status, which is
 *   MCP_OK on success, or MCP_PENDING if a call was submitted to a queue. The last parameter of
 *   both is a place for an error, which may be NULL (see mcp_error); only mcp_options_new,
 *   mcp_options_copy, mcp_cancel_new, mcp_oauth_new and mcp_writer_new, which never fail, have
 *   none. The functions that write JSON return nothing: mcp_writer_check reports their errors. Read
 *   the status before the error: in `report(mcp_ping(client, NULL, &error), error)` the order of
 *   evaluation is not defined, and report may get the value of `error` before the call.
 * - Ownership. Texts and arrays that the caller passes are copied before a function returns. The
 *   caller owns the objects that it receives, and frees each with the _free function of its type,
 *   which ignores NULL. Borrowed results are not freed; the description states how long they are
 *   valid. Output parameters for objects are set to NULL first, and to the object only on success.
 * - Text, including the names of files, is UTF-8 and NUL-terminated.
 * - JSON. An argument that is JSON is a text with a length in bytes (less than 4 GiB), or
 *   MCP_NUL_TERMINATED if it is NUL-terminated. The mcp_writer_ functions write such texts. The
 *   JSON that a function returns is a document, whose values are read with the mcp_json_ functions.
 * - Times are in milliseconds.
 * - Calls. A function described as "blocking" is a call: it communicates with the server, connects
 *   first if necessary, and returns when it has the result, or when its timeout expires (60 seconds
 *   by default), its cancel token is triggered or its client is closed. It can fail with every
 *   status that reports a cancellation, a timeout, or an error of the system, the network, HTTP or
 *   the protocol; its description names only those with a special meaning.
 * - Settings. The first call of a client, successful or not, fixes some of its settings: the
 *   functions that change them return MCP_MISUSE from then on.
 * - Threads. A function described as "thread-safe" may be called from any thread at any time.
 *   Several threads may use the same client, JSON value, error or cancel token at the same time;
 *   the same options too, as long as no thread changes them. The library creates a thread for each
 *   DNS lookup and each request for OAuth tokens, for handlers and auth and open callbacks while
 *   they run, for the calls of queues, and "reader threads": one for each open HTTP+SSE connection,
 *   for each server event stream, and for each server process. They block all signals.
 * - Callbacks. A handler is a callback that responds to requests of the server. The library holds
 *   no lock while a callback runs. No exception and no longjmp may leave a callback: a C++
 *   exception aborts the process.
 * - Invalid arguments. NULL where no description allows it, invalid UTF-8 and unknown numbers are
 *   errors (MCP_INVALID_ARGUMENT), never crashes. Use after free is not detected.
 * - The stack. A call uses at most 96 KiB of stack, in addition to what the callbacks of the
 *   application use. musl's default of 128 KiB is enough if they use less than 32 KiB.
 * - The process. The library installs no signal handler, raises no SIGPIPE and prints nothing; its
 *   file descriptors are close-on-exec. After fork, the child cannot use the clients of its parent:
 *   all functions for them return MCP_MISUSE, except mcp_client_free.
 * - Threads that end in a callback. If a callback ends its thread (pthread_exit, pthread_cancel),
 *   the library does not continue on it. With glibc, the thread sleeps until the process ends, and
 *   cannot be joined; elsewhere it ends. The memory that the library uses on it is not freed, and a
 *   call that waits for the thread ends with its timeout.
 * - Interpreters. An interpreter that exits may end or stop threads that call into it, as CPython
 *   does (before 3.14 with pthread_exit). Free the clients before that, in Python with `atexit`,
 *   and keep the callbacks until then. Later, mcp_client_free may wait forever for a callback that
 *   an interpreter has stopped (CPython 3.14 and later).
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

/** In place of the length of a text: the text ends with a NUL. Since 0.1.0. */
#define MCP_NUL_TERMINATED SIZE_MAX

/* Marks a pointer that is never NULL, for compilers that support such an annotation. */
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

/* Types that are used before their sections. */

/**
 * `mcp_options` contains the options of a call; NULL means the defaults. One object may be used
 * for any number of calls, also at the same time, as long as no thread changes it while a
 * call blocks or is submitted.
 *
 * Since 0.1.0.
 */
typedef struct mcp_options mcp_options;

/**
 * `mcp_cancel` is a token that cancels the calls whose options contain it: after
 * `mcp_cancel_trigger`, every current and later call with this token fails with `MCP_CANCELLED`,
 * except one that does not have to wait, such as a call that is answered from the cache.
 *
 * A blocked call returns within 50 ms of the trigger, regardless of what it waits for, unless a
 * callback of the application runs on its thread (for progress, changes, the log, a store or an
 * assertion). To cancel the calls of a queue, `mcp_queue_cancel` is usually simpler. The server is
 * notified as its protocol version requires; the client does not wait for its response. The client
 * stays usable.
 *
 * A token has a file descriptor from the first time that a call waits with it. If none is
 * available then, the call fails with `MCP_SYSTEM_ERROR`.
 *
 * Since 0.1.0.
 */
typedef struct mcp_cancel mcp_cancel;

/**
 * `mcp_queue` delivers the ends of calls to a program with an event loop, such as that of a user
 * interface. A call whose options contain a queue (`mcp_options_set_queue`) returns `MCP_PENDING`
 * at once. Its result, its progress and its handlers are delivered by `mcp_queue_dispatch`, which
 * the loop calls when `mcp_queue_fd` is readable:
 *
 * ```
 * mcp_options_set_queue(options, queue, done, userdata, NULL, NULL);
 * mcp_call_tool(client, "search", json, MCP_NUL_TERMINATED, options, NULL, NULL);
 * ```
 *
 * Rules:
 * - Every call of this header that takes `mcp_options` works with a queue. Its output parameters
 *   are set to NULL, and not written later; they may be NULL. Arguments and options are copied:
 *   they may be changed or freed at once.
 * - The call returns `MCP_PENDING` also for invalid arguments: every failure is delivered. It
 *   returns another status only if nothing can be delivered: `MCP_CLOSED` after `mcp_queue_stop`,
 *   and `MCP_MISUSE` in a child process after `fork`.
 * - Callbacks of a queue never run at the same time (one that dispatches runs others inside), and
 *   never inside the function that submits a call. No lock is held: they may submit calls, cancel,
 *   dispatch, and free the queue or a client.
 * - A queue may serve several clients, and a client several queues. A queued call keeps its client
 *   alive: `mcp_client_close` and `mcp_client_free` end it with `MCP_CLOSED`, which is delivered.
 * - The timeout of a call begins when it is submitted.
 * - The loop's thread must make no blocking call that needs a callback of the same queue (a
 *   handler, the auth callback, the open callback of a login): that call would not end.
 * - After `fork`, the child cannot use the queue: its functions return `MCP_MISUSE`, 0 or -1, and
 *   `mcp_queue_free` only closes its descriptor.
 *
 * The calls run on threads of the queue, named "mcp-queue", which end after 10 s without work.
 *
 * Since 0.1.0.
 */
typedef struct mcp_queue mcp_queue;

/**
 * `mcp_json` is a JSON value: a whole document, or a value inside one. It is immutable; several
 * threads may read it at the same time.
 *
 * A document is returned by a call, by `mcp_json_parse` or by `mcp_json_copy`, and freed with
 * `mcp_json_free`. The values inside it are borrowed: they are valid as long as the document
 * exists, and must not be freed separately. A document stores the text that the server sent, and
 * an index of its content, which is built at the first access at the latest.
 *
 * All functions accept NULL, which means "no such value". So they can be nested without checks in
 * between:
 *
 *     const char *name = mcp_json_string(mcp_json_pointer(info, "/serverInfo/name"));
 *     printf("%s\n", name ? name : "(no name)");
 *
 * If an object has several members with the same name, `mcp_json_member` and `mcp_json_pointer`
 * find the last one; `mcp_json_size`, `mcp_json_first` and `mcp_json_next` include all of them.
 *
 * Since 0.1.0.
 */
typedef struct mcp_json mcp_json;

/* ============================================================================================== */
/* Version                                                                                        */
/* ============================================================================================== */

/**
 * Returns the version of the library that is loaded at run time, such as "0.1.0". `MCP_VERSION` is
 * the version of the header at compile time.
 *
 * The result is a static string, never NULL. Thread-safe. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_version(void);

/* ============================================================================================== */
/* Status codes                                                                                   */
/* ============================================================================================== */

/**
 * The result of a function. `MCP_OK` is 0. A later version may add values, and never reuses a
 * number: treat an unknown value as a failure.
 *
 * `mcp_status_name` returns the name of a status, and `mcp_status_text` a description of it.
 * `mcp_error_message` describes the failure itself.
 *
 * Since 0.1.0.
 */
typedef enum mcp_status {
  /**
   * The function succeeded.
   */
  MCP_OK = 0,
  /**
   * An argument is invalid: NULL, not UTF-8, an unknown number, a line break in a header, a
   * malformed token or URL. Nothing was sent.
   */
  MCP_INVALID_ARGUMENT = 1,
  /**
   * The function is not allowed now or here: a setting was changed after the first call had fixed
   * it, or is not for this kind of server (URL or process); a client was used after `fork`; a
   * callback made a call that would wait for itself; or a handler responded to another request
   * than an elicitation with a function for elicitations.
   */
  MCP_MISUSE = 2,
  /**
   * A bug in libmcp, caught before it could harm the process. Please report it.
   */
  MCP_INTERNAL = 3,
  /**
   * The call was cancelled: by its cancel token, `mcp_queue_cancel`, `mcp_queue_stop` or its
   * progress callback.
   */
  MCP_CANCELLED = 4,
  /**
   * The client was closed or freed before or during the call, or the queue was stopped or freed.
   */
  MCP_CLOSED = 5,
  /**
   * The timeout or the idle timeout of the call expired.
   */
  MCP_TIMEOUT = 6,
  /**
   * The DNS lookup found no address for the server's host name.
   */
  MCP_RESOLVE_FAILED = 7,
  /**
   * Connection refused, or host unreachable.
   */
  MCP_CONNECT_FAILED = 8,
  /**
   * TLS failed: the server's certificate is not trusted, or the handshake failed.
   */
  MCP_TLS_FAILED = 9,
  /**
   * The connection was reset or closed before a response arrived.
   */
  MCP_DISCONNECTED = 10,
  /**
   * The response started, but its body or event stream ended before it was complete.
   */
  MCP_TRUNCATED = 11,
  /**
   * HTTP 401: the server requires credentials, or rejected those it received (RFC 9110, 15.5.2;
   * RFC 6750, 3.1). See `mcp_error_challenge`.
   */
  MCP_UNAUTHORIZED = 12,
  /**
   * HTTP 403: the server knows the credentials, but they are not sufficient (RFC 9110, 15.5.4).
   */
  MCP_FORBIDDEN = 13,
  /**
   * HTTP 404: there is no MCP endpoint at this URL.
   */
  MCP_NOT_FOUND = 14,
  /**
   * HTTP 429: too many requests; see `mcp_error_retry_after_ms` (RFC 6585, 4).
   */
  MCP_RATE_LIMITED = 15,
  /**
   * HTTP 5xx, except the codes of `MCP_UNAVAILABLE`.
   */
  MCP_SERVER_ERROR = 16,
  /**
   * HTTP 502, 503 or 504: a gateway cannot reach the server, or the server is overloaded. Retry
   * later.
   */
  MCP_UNAVAILABLE = 17,
  /**
   * Any other HTTP status that the protocol does not use; or the response is not HTTP, and then
   * `mcp_error_http_status` is 0.
   */
  MCP_HTTP_ERROR = 18,
  /**
   * A redirect was not followed, because it leads to another origin (scheme, host and port), would
   * change the method of a request other than GET, or was the sixth in a row; or an HTTP+SSE
   * server named an endpoint on an origin other than that of its event stream.
   */
  MCP_REDIRECT_REFUSED = 19,
  /**
   * The response is HTML, plain text or empty, where JSON or an event stream is required; or it
   * has a content encoding that the client did not offer.
   */
  MCP_UNEXPECTED_CONTENT = 20,
  /**
   * A response, or the text given to `mcp_json_parse`, is not valid JSON.
   */
  MCP_INVALID_JSON = 21,
  /**
   * The response is JSON, but not a message that the protocol allows here.
   */
  MCP_INVALID_MESSAGE = 22,
  /**
   * The response contains the result of another request.
   */
  MCP_WRONG_ID = 23,
  /**
   * The server returned a JSON-RPC error; see `mcp_error_rpc_code`.
   */
  MCP_RPC_ERROR = 24,
  /**
   * The client and the server have no protocol version in common, or the server does not support
   * the pinned version.
   */
  MCP_VERSION_UNSUPPORTED = 25,
  /**
   * The server no longer knows the session, and the request was not sent again: it may have been
   * executed, or the server lost the new session too. The next call opens a new session.
   */
  MCP_SESSION_LOST = 26,
  /**
   * A message, a header or an event exceeds the limit (`mcp_set_limit`).
   */
  MCP_TOO_LARGE = 27,
  /**
   * The JSON value is missing, or does not have the requested type.
   */
  MCP_JSON_MISMATCH = 28,
  /**
   * The JSON value cannot be converted: a number is out of range, or a string is not base64.
   */
  MCP_JSON_RANGE = 29,
  /**
   * The caller's buffer is too small; the required length was stored.
   */
  MCP_BUFFER_TOO_SMALL = 30,
  /**
   * The operating system denied a resource: a file descriptor, a thread, or memory for a response.
   */
  MCP_SYSTEM_ERROR = 31,
  /**
   * HTTP 407: a proxy requires credentials (RFC 9110, 15.5.8).
   */
  MCP_PROXY_AUTH_REQUIRED = 32,
  /**
   * The auth callback gave no credentials: it failed, or the values it set are invalid.
   */
  MCP_AUTH_FAILED = 33,
  /**
   * Credentials would have been sent over plain http to another machine, which
   * `mcp_set_require_https` forbids. Nothing was sent.
   */
  MCP_INSECURE = 34,
  /**
   * The proxy cannot be reached or used, or refused to connect to the server.
   */
  MCP_PROXY_FAILED = 35,
  /**
   * A list has more than 10,000 pages, or the server requested input more than 32 times in one
   * call.
   */
  MCP_ENDLESS = 36,
  /**
   * The server requested input for which no handler is set: see `mcp_set_elicitation`,
   * `mcp_set_sampling` and `mcp_set_roots`. Or a tool of a modern server requested input in a way
   * that only legacy versions have; the message says which version to pin
   * (`mcp_set_protocol_version`).
   */
  MCP_INPUT_UNSUPPORTED = 37,
  /**
   * A handler called `mcp_input_fail`, or gave no response (`mcp_input_fn`).
   */
  MCP_INPUT_FAILED = 38,
  /**
   * The server process cannot be started, or has ended.
   */
  MCP_PROCESS_FAILED = 39,
  /**
   * A configuration file cannot be read, or is invalid.
   */
  MCP_CONFIG_INVALID = 40,
  /**
   * The task was cancelled, by this client or another, before it had a result.
   */
  MCP_TASK_CANCELLED = 41,
  /**
   * The server requires a login, and none may begin: no open callback is set (`mcp_oauth_set_open`,
   * `mcp_oauth_use_browser`), logins begin only with `mcp_login`, or the last login failed. Offer
   * the user a login, and call `mcp_login`.
   */
  MCP_LOGIN_REQUIRED = 42,
  /**
   * The login failed: the redirect reported an error (see `mcp_error_oauth_code`), the open
   * callback failed, or the user did not complete it in time. Show the message; `mcp_login` begins
   * a new login.
   */
  MCP_LOGIN_FAILED = 43,
  /**
   * No token was obtained, for another reason than the user: a document or a response of the
   * authorization server is invalid or reports an error (see `mcp_error_oauth_code`), the server is
   * not available, no client id can be used there, the redirect port is taken, or a store or
   * assertion callback failed. If the server cannot be reached at all, the status is that of the
   * network error, such as `MCP_CONNECT_FAILED`, and the message names the server.
   */
  MCP_OAUTH_FAILED = 44,
  /**
   * Not a failure: the call was submitted to the queue of its options (`mcp_options_set_queue`), and
   * its end is delivered by `mcp_queue_dispatch`.
   */
  MCP_PENDING = 45,
} mcp_status;

/**
 * Returns the name of a status, such as "MCP_TIMEOUT"; "MCP_UNKNOWN" for a number that this
 * version of the library does not know.
 *
 * The result is a static string, never NULL. Thread-safe. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_status_name(int32_t status);

/**
 * Returns a description of a status for people, such as "The timeout of the call expired"; an
 * unknown number has one, too. It has no full stop, and the wording may change. If there is an
 * error, `mcp_error_message` says more.
 *
 * The result is a static string, never NULL. Thread-safe. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_status_text(int32_t status);

/* ============================================================================================== */
/* Errors                                                                                         */
/* ============================================================================================== */

/**
 * Describes why a function failed. A function that can fail takes an `mcp_error **` as its last
 * argument, which may be NULL. If it is not NULL, `*error` is set to NULL first (its old value is
 * neither read nor freed), and on failure to a new error, which the caller frees with
 * `mcp_error_free`.
 *
 * An error is immutable; several threads may read it at the same time. It contains no token and no
 * value of a header that the application set. The functions below accept NULL, which means that
 * there was no error.
 *
 * Since 0.1.0.
 */
typedef struct mcp_error mcp_error;

/**
 * Returns the status, the same that the failed function returned; `MCP_OK` if `error` is NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_error_status(const mcp_error *error);

/**
 * Returns a message for people, as one line: what failed, where, why, and what to do. It has at
 * most 2,048 bytes and no control characters; the query of the URL is left out. The wording may
 * change: programs should check the status instead.
 *
 * The result is never NULL, and "" if `error` is NULL. It is valid as long as the error exists.
 * Thread-safe. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_error_message(const mcp_error *error);

/**
 * Returns the HTTP status of the response that caused the error, such as 401; 0 if there was none.
 *
 * Thread-safe. Since 0.1.0.
 */
int32_t mcp_error_http_status(const mcp_error *error);

/**
 * Returns whether the server sent a JSON-RPC error.
 *
 * Thread-safe. Since 0.1.0.
 */
bool mcp_error_has_rpc_code(const mcp_error *error);

/**
 * Returns the code of the server's JSON-RPC error, such as -32601 (JSON-RPC 2.0, section 5.1); 0
 * if the server sent none. Because 0 is also a valid code, check `mcp_error_has_rpc_code`.
 *
 * Thread-safe. Since 0.1.0.
 */
int64_t mcp_error_rpc_code(const mcp_error *error);

/**
 * Returns the `data` of the server's JSON-RPC error; NULL if there was none. Data that repeats a
 * credential or the session id is left out. Data of more than 1 MiB is not searched, and is left
 * out if the call had any such secret.
 *
 * The result is valid as long as the error exists, and must not be freed separately. Thread-safe.
 * Since 0.1.0.
 */
const mcp_json *mcp_error_rpc_data(const mcp_error *error);

/**
 * Returns the server's challenge, the `WWW-Authenticate` header of its response (RFC 9110, section
 * 11.6.1): which credentials the server requires, and what was wrong with those it received. NULL
 * if there was none.
 *
 * The result is valid as long as the error exists. Thread-safe. Since 0.1.0.
 */
const char *mcp_error_challenge(const mcp_error *error);

/**
 * Returns the error code that the authorization server returned, such as "access_denied" for a
 * login or "invalid_client" for a request of tokens (RFC 6749, sections 4.1.2.1 and 5.2); NULL if
 * there was none.
 *
 * The result is valid as long as the error exists. Thread-safe. Since 0.1.0.
 */
const char *mcp_error_oauth_code(const mcp_error *error);

/**
 * Returns how long to wait before the next attempt, in milliseconds, as the server's `Retry-After`
 * header requests (RFC 9110, section 10.2.3); -1 if the header is missing or invalid. A date in
 * the header is converted with the server's clock, if the response has a `Date` header.
 *
 * Thread-safe. Since 0.1.0.
 */
int64_t mcp_error_retry_after_ms(const mcp_error *error);

/**
 * Returns the object that the application passed to `mcp_auth_request_fail_with`,
 * `mcp_oauth_request_fail_with` or `mcp_oauth_fail`; NULL if there was none.
 *
 * The object is valid as long as the error exists. Thread-safe. Since 0.1.0.
 */
void *mcp_error_cause(const mcp_error *error);

/**
 * Returns a copy of an error, to keep a borrowed one; NULL for NULL. The caller frees it with
 * `mcp_error_free`. The copy has the same content, and shares the object that `mcp_error_cause`
 * returns.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_error *mcp_error_copy(const mcp_error *error);

/**
 * Frees an error; NULL is ignored.
 *
 * No thread may use the error, or text and data borrowed from it, any more. Since 0.1.0.
 */
void mcp_error_free(mcp_error *error);

/* ============================================================================================== */
/* Clients                                                                                        */
/* ============================================================================================== */

/**
 * A client for one server. It is created by `mcp_client_new`, `mcp_client_new_stdio`,
 * `mcp_client_new_from_config` or `mcp_client_new_from_config_text`, and freed by
 * `mcp_client_free`.
 *
 * Several threads may use a client at the same time, also for the first call: they share one
 * negotiation of the protocol version. The client manages connections and the session; it
 * re-establishes lost sessions.
 *
 * Since 0.1.0.
 */
typedef struct mcp_client mcp_client;

/**
 * Creates a client for the server at `url`, for example "https://example.com/mcp". Nothing is
 * sent: the first call connects.
 *
 * The URL is used unchanged, with or without a trailing slash, because servers distinguish the
 * two. Its scheme is http or https. It must not contain a user name, a password or non-ASCII
 * characters: percent-encode a path, and write a host name in its "xn--" form. An empty port
 * ("http://host:/") means the default port.
 *
 * Errors and log messages do not contain the URL's query. They show a path segment that may be a
 * secret as "***", and redact it in texts of the server. Such a segment has 16 bytes or more with
 * a letter and a digit, or follows "/s/", "/t/", "/key/" or "/token/"; "mcp" and "sse" are never
 * secrets. A segment that may be an ordinary word (shorter than 8 bytes; than 4 if it has a digit)
 * is hidden in the URL, but not in texts of the server.
 *
 * Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
 * `MCP_INVALID_ARGUMENT` for an invalid URL, or `MCP_SYSTEM_ERROR` if no file descriptor is
 * available.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_client *mcp_client_new(const char *url, mcp_error **error);

/**
 * Returns the name of a client: the one that was set with `mcp_set_name`, or that the server has
 * in its configuration file; otherwise the host of the URL, or the program of the server process.
 *
 * The result is never NULL, and "" if `client` is NULL. It is valid as long as the client exists,
 * also after `mcp_set_name`. Thread-safe. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_client_name(const mcp_client *client);

/**
 * Sets the name of a client, for programs that have several: it is in front of the URL or the
 * program in errors, and at the beginning of log messages. It is not sent to the server, and has
 * nothing to do with the name of the application (`mcp_set_client_info`). NULL and "" restore the
 * default: the host of the URL or the program, and no name in errors and log messages.
 *
 * Thread-safe; takes effect with the next error or message. Since 0.1.0.
 */
mcp_status mcp_set_name(mcp_client *client, const char *name, mcp_error **error);

/**
 * Closes a client. Every call in progress, on any thread, ends with `MCP_CLOSED`, and so does
 * every later call. This function does not wait until the other threads have returned from their
 * calls. A legacy server is notified that the session has ended, with HTTP DELETE (specification
 * 2025-11-25, "Transports": Session Management); with HTTP+SSE the event stream is closed. A
 * second close has no effect and returns `MCP_OK`.
 *
 * `options` may be NULL. Their timeout, or else the client's, limits the time for notifying the
 * server; their cancel token ends it early.
 *
 * Returns `MCP_OK`, or the reason why the server could not be notified; the client is closed
 * anyway, except if the result is `MCP_MISUSE` (after `fork`, or in the auth callback of this
 * client or a callback of its `mcp_oauth`). `mcp_client_free` must still be called.
 *
 * With a queue in the options, it returns `MCP_PENDING`. All calls of the client end at once, also
 * those of other queues, and the end of the close is the last of the client that its queue
 * delivers: `mcp_done_fn` may free the client there.
 *
 * Otherwise it blocks while it notifies the server. All callbacks except the auth callback and
 * those of `mcp_oauth` may close their client, even where they must not make calls. Thread-safe.
 * Since 0.1.0.
 */
mcp_status mcp_client_close(mcp_client *client,
                            const mcp_options *options,
                            mcp_error **error);

/**
 * Frees a client; NULL is ignored. No blocking call may be in progress; calls of queues end with
 * `MCP_CLOSED`, which is delivered. No thread may use the client
 * any more. It never uses the network: to end the session with the server properly, call
 * `mcp_client_close` first, and wait until the other threads have returned from their calls.
 *
 * It waits for the library's reader threads of this client (see "Threads" at the top) and for a
 * callback that runs on one of them, unless that callback itself frees the client. It waits up to
 * about 4 seconds for the end of a server process (see `mcp_set_stop_timeout`).
 *
 * In a child process after `fork` it only frees memory and closes the child's copies of file
 * descriptors; the copy of an open HTTP+SSE event stream stays open until the child ends.
 *
 * Since 0.1.0.
 */
void mcp_client_free(mcp_client *client);

/* ============================================================================================== */
/* Servers started as a process (stdio)                                                           */
/* ============================================================================================== */

/**
 * Creates a client for a server that runs as a child process and communicates over its standard
 * input and output (specification 2026-07-28, "stdio"). `argv` contains the program and its
 * arguments, followed by NULL; no shell is used. A program without a slash is searched for in the
 * PATH of the server process, and a relative path with a slash starts at its working directory.
 * The first call starts the process; if it has ended, the next call starts it again.
 *
 * The process inherits the environment variables HOME, LOGNAME, PATH, SHELL, TERM and USER, and no
 * file descriptors except its three standard streams, which are pipes. It gets its own process
 * group. Its stderr output goes to the log, and the last lines also into the error if the process
 * ends; or to a file (`mcp_set_stderr_file`).
 *
 * `mcp_client_close` and `mcp_client_free` close its stdin. When the process has exited, or after
 * 2 seconds, its process group gets SIGTERM, and processes that still run 2 seconds later get
 * SIGKILL (see `mcp_set_stop_timeout`). `mcp_client_free` waits for that. If the process exits
 * without being asked to, the rest of its group is ended in the same way.
 *
 * Credentials, headers and all other HTTP settings return `MCP_MISUSE` for such a client: pass
 * configuration to the server in its environment (`mcp_set_environment`).
 *
 * Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
 * `MCP_INVALID_ARGUMENT` for an empty command, or `MCP_SYSTEM_ERROR` if no file descriptor is
 * available.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_client *mcp_client_new_stdio(const char *const *argv, mcp_error **error);

/**
 * Creates a client for a server at the other end of open streams, with one message per line
 * (specification 2026-07-28, "stdio"): a socket pair or pipes to a thread of the program, a vsock or
 * serial connection, a process that the program has started itself.
 *
 * ```
 * int ends[2];
 * socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
 * start_server(ends[1]);
 * client = mcp_client_new_fds(ends[0], ends[0], "embedded", &error);
 * ```
 *
 * The client reads from `in` and writes to `out`, which may be the same descriptor. It owns both from
 * now on, also if this function fails, and closes them with `mcp_client_close` or
 * `mcp_client_free`. It makes them non-blocking, and with them all their duplicates, also those of
 * other processes. `name` identifies the server in errors and log messages.
 *
 * If the streams end, calls fail with `MCP_DISCONNECTED`: make a new client. Credentials, headers and
 * other HTTP settings return `MCP_MISUSE` for such a client, and so do `mcp_set_environment` and the
 * other settings of a server process.
 *
 * Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
 * `MCP_INVALID_ARGUMENT` for a descriptor that is not open or an empty name, or `MCP_SYSTEM_ERROR` if
 * no file descriptor is available.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_client *mcp_client_new_fds(int in,
                               int out,
                               const char *name,
                               mcp_error **error);

/**
 * Sets an environment variable of the server process; a NULL `value` removes it, even if it would
 * be inherited.
 *
 * If the server writes the value to stderr, it is redacted in the log and in errors, unless it is
 * shorter than 8 bytes or begins with a slash.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a name that is empty or contains "=", and `MCP_MISUSE` for a
 * client of a URL, or after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_environment(mcp_client *client,
                               const char *name,
                               const char *value,
                               mcp_error **error);

/**
 * Sets the working directory of the server process; NULL means that of this process (the default).
 * If the directory does not exist, the first call fails with `MCP_PROCESS_FAILED`.
 *
 * Returns `MCP_MISUSE` for a client of a URL, or after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_working_directory(mcp_client *client, const char *path, mcp_error **error);

/**
 * Sets how long the server process may take to exit when it is ended, in milliseconds: `term_ms`
 * after its stdin was closed, when its process group gets SIGTERM, and `kill_ms` after that, when
 * processes that still run get SIGKILL. 0 means immediately. Default: 2,000 each.
 *
 * `mcp_client_free` waits until the process group has ended, so for up to both times together.
 *
 * Returns `MCP_MISUSE` for a client of a URL, or after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_stop_timeout(mcp_client *client,
                                uint64_t term_ms,
                                uint64_t kill_ms,
                                mcp_error **error);

/**
 * Appends the stderr output of the server process to a file, which is created if it does not
 * exist; NULL means the log (the default). If the file cannot be opened, the first call fails with
 * `MCP_PROCESS_FAILED`.
 *
 * Returns `MCP_MISUSE` for a client of a URL, or after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_stderr_file(mcp_client *client, const char *path, mcp_error **error);

/* ============================================================================================== */
/* Configuration files                                                                            */
/* ============================================================================================== */

/**
 * Creates a client for a server from a configuration file, in the format that FastMCP, editors and
 * desktop clients share: a JSON object with "mcpServers" (or "servers", or "mcp" that contains
 * "servers", as in VS Code). It maps the name of each server to an object with
 *
 * - "url" (or "httpUrl" or "serverUrl"), and optionally "transport" or "type" ("http",
 *   "streamable-http" or "sse"; case, hyphens and underscores do not matter), "headers", and
 *   "auth", which is a bearer token or "oauth", and "oauth", the settings for it; or
 * - "command", and optionally "args", "env", "envFile" and "cwd", for a server that runs as a
 *   child process; "transport" or "type" may be "stdio";
 * - in both cases optionally "timeout", in milliseconds. A timeout from 1 to 999 is logged as a
 *   warning, because some programs mean seconds.
 *
 * Comments and trailing commas are allowed. A member that is null counts as missing, and so does
 * an empty "command" next to a URL. Other keys are ignored.
 *
 * `${NAME}` in a string is replaced by an environment variable, which must be set; `${NAME:-text}`
 * uses the text if it is unset or empty. All replacements together have at most 1 MiB. "~/" at the
 * start of "command", "cwd" and "envFile" means the user's home directory.
 *
 * A relative "cwd" starts at the working directory of this process. "envFile" is the path of a
 * file with lines `NAME=value`, relative to the folder of the configuration file. Values may be
 * quoted, and `#` starts a comment. Variables of "env" override it.
 *
 * "auth": "oauth", or "oauth" with an object, sets an `mcp_oauth` that opens the user's browser and
 * keeps the tokens in the default folder of `mcp_oauth_use_folder` (in memory without a home
 * folder). Members of the object are "clientId", "clientSecret", "issuer", "scopes" (an array or a
 * text), "redirectUri" or "callbackPort", and "clientMetadataUrl"; each is optional. A program that
 * must not open a browser replaces it with `mcp_set_oauth`.
 *
 * `name` selects the server; NULL selects the only enabled server of the file. A server with
 * "disabled": true or "enabled": false is refused. The client has the settings of the file, as if
 * they had been made with the functions of this header, which may still change them. Its name
 * (`mcp_client_name`) is that of the server in the file.
 *
 * The file must be a regular file of at most 4 MiB.
 *
 * Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
 * `MCP_CONFIG_INVALID` and a message that names the key.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_client *mcp_client_new_from_config(const char *path, const char *name, mcp_error **error);

/**
 * Creates a client for a server from the text of a configuration, which has the format of the file
 * of `mcp_client_new_from_config`: for a program that keeps its settings elsewhere. `text` has
 * `length` bytes, or is NUL-terminated if `length` is `MCP_NUL_TERMINATED`. A relative "envFile"
 * starts at the working directory of this process.
 *
 * `name` selects the server; NULL selects the only enabled server. The text has at most 4 MiB.
 *
 * Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
 * `MCP_CONFIG_INVALID` and a message that names the key.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_client *mcp_client_new_from_config_text(const char *text,
                                            size_t length,
                                            const char *name,
                                            mcp_error **error);

/**
 * Lists the servers of a configuration file: an array of the names of all servers in the order of
 * the file, including disabled ones. For the format of the file see `mcp_client_new_from_config`.
 *
 * On success `*names` is set to the array, which the caller frees with `mcp_json_free`; on failure
 * to NULL.
 *
 * Returns `MCP_CONFIG_INVALID` if the file cannot be read or is invalid.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_config_names(const char *path, mcp_json **names, mcp_error **error);

/**
 * Lists the servers of the text of a configuration: an array of the names of all servers in their
 * order, including disabled ones. `text` has `length` bytes, or is NUL-terminated if `length` is
 * `MCP_NUL_TERMINATED`. For its format see `mcp_client_new_from_config_text`.
 *
 * On success `*names` is set to the array, which the caller frees with `mcp_json_free`; on failure
 * to NULL.
 *
 * Returns `MCP_CONFIG_INVALID` if the text is invalid.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_config_names_text(const char *text,
                                 size_t length,
                                 mcp_json **names,
                                 mcp_error **error);

/**
 * Lists the servers of a configuration file: an array in the order of the file. Each element is an
 * object with "name", and "disabled", which is true if the file contains "disabled": true or
 * "enabled": false for the server. For the format of the file see `mcp_client_new_from_config`.
 *
 * On success `*servers` is set to the array, which the caller frees with `mcp_json_free`; on
 * failure to NULL.
 *
 * Returns `MCP_CONFIG_INVALID` if the file cannot be read or is invalid.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_config_servers(const char *path, mcp_json **servers, mcp_error **error);

/* ============================================================================================== */
/* Credentials and headers                                                                        */
/* ============================================================================================== */

/**
 * Sets the bearer token that every HTTP request carries, as `Authorization: Bearer <token>` (RFC
 * 6750, section 2.1). Pass the token without the word "Bearer"; NULL removes it. It overrides an
 * `Authorization` header of `mcp_set_header`.
 *
 * The token is copied. It is sent only to the origin of the URL (its scheme, host and port), or
 * after a redirect from http to https on the same host, and appears in no log message and no
 * error: if a server repeats it, also percent-encoded or JSON-escaped, it is redacted. It is wiped
 * from the library's memory when it is replaced and no request uses it any more.
 *
 * Returns `MCP_INVALID_ARGUMENT`, and keeps the old token, if `token` is empty, contains spaces,
 * control or non-ASCII characters, or begins with "Bearer "; `MCP_MISUSE` for a client of a server
 * process.
 *
 * Thread-safe; takes effect with the next request. Since 0.1.0.
 */
mcp_status mcp_set_bearer(mcp_client *client, const char *token, mcp_error **error);

/**
 * Sets a header that every HTTP request carries, such as "X-API-Key". It replaces a header of the
 * same name, regardless of case; a NULL `value` removes it. Values are treated as secrets, like
 * the bearer token.
 *
 * Returns `MCP_INVALID_ARGUMENT`, and changes nothing, for a name or a value that RFC 9110
 * (section 5) does not allow, such as one with a line break; if the bearer token and all values
 * together exceed 64 KiB; and for names that the protocol reserves: Host, Accept, Connection,
 * Content-Type, Content-Length, Transfer-Encoding and similar ones, and all that begin with
 * "Mcp-". Returns `MCP_MISUSE` for a client of a server process.
 *
 * Thread-safe; takes effect with the next request. Since 0.1.0.
 */
mcp_status mcp_set_header(mcp_client *client,
                          const char *name,
                          const char *value,
                          mcp_error **error);

/* ============================================================================================== */
/* Callback data                                                                                  */
/* ============================================================================================== */

/**
 * Frees the `userdata` of a callback. It is called exactly once, after the last call of the
 * callback, on any thread: when the callback is replaced, or the client, the options (and their
 * copies) or the `mcp_oauth` that it was set on are freed, and no call uses it any more; or when
 * the call ends that it was passed to (`mcp_listen`). If setting the callback fails, or the
 * callback is NULL, it is called immediately. It is not called in a child process after `fork`.
 *
 * It must not throw an exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_destroy_fn)(void *userdata);

/**
 * Called if a request of a server, for credentials or for a login ends before the program has
 * answered it, for example to close a dialog. `status` is `MCP_CANCELLED` if the call or the server
 * cancelled it, `MCP_CLOSED` if the client was closed, `MCP_TIMEOUT` after the time limit for the
 * answer, or `MCP_DISCONNECTED` if the connection or the server process ended; and `MCP_OK` if a
 * login needs no answer, because the redirect or a failure was received elsewhere.
 *
 * The request stays valid: free it in the callback or later. The callback runs at most once, and
 * never after an answer that was in time or after the request was freed: in `mcp_queue_dispatch` if
 * the call is queued, otherwise on the thread that notices the end, with no lock held. It must
 * return soon, and not throw an exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_over_fn)(void *userdata, int32_t status);

/* ============================================================================================== */
/* Custom authentication                                                                          */
/* ============================================================================================== */

/**
 * The argument of an auth callback: describes the HTTP request, and receives its credentials. It
 * is valid until the callback returns, or until `mcp_auth_request_free` if the callback called
 * `mcp_auth_request_defer`. It is used by one thread at a time, except for
 * `mcp_auth_request_is_over`.
 *
 * Since 0.1.0.
 */
typedef struct mcp_auth_request mcp_auth_request;

/**
 * Gives an HTTP request its credentials. The callback sets them with `mcp_auth_request_set_bearer`
 * and `mcp_auth_request_set_header`, or reports with `mcp_auth_request_fail` why there are none.
 * They override the credentials of the client and of the call for the same header; the others are
 * sent as well.
 *
 * It may take long, or call `mcp_auth_request_defer`, return, and give the credentials later from
 * any thread. The calls that need them wait meanwhile, and end within 50 ms if they are cancelled
 * or the client is closed.
 *
 * It runs in `mcp_queue_dispatch` if the call that makes the request is queued, and otherwise on a
 * thread of the library; once at a time for each client, and with no lock held. It may use the
 * library, but must neither make a call on the same client (`MCP_MISUSE`) nor wait for one on
 * another thread. Its time does not count against any timeout. It must not throw an exception or
 * call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_auth_fn)(void *userdata, struct mcp_auth_request *MCP_NONNULL request);

/**
 * Sets the callback that authorizes requests, for tokens that expire, are fetched, or come from a
 * file. NULL removes it (the default). A callback replaces an `mcp_oauth` (`mcp_set_oauth`).
 *
 * The callback is called before each HTTP request (attempt 1). If the server responds with 401, or
 * with 403 and `insufficient_scope` (RFC 6750, section 3.1), it is called again and can read the
 * server's challenge (attempt 2, and 3 after another rejection; then the call fails). The request
 * is then sent again with the new credentials, under a new request id.
 *
 * If several calls are rejected at the same time, the callback is called once and all of them use
 * the result: a refresh token is used once. So the credentials may be used for other requests than
 * the one that the callback was called for. HTTP requests that belong to no call, such as the POST
 * with the response to a ping of the server, use the credentials that the callback gave last.
 *
 * If the callback calls `mcp_auth_request_fail`, or the last setter called in it failed, the call
 * ends with `MCP_AUTH_FAILED`.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Returns `MCP_MISUSE` for a client of a server process.
 *
 * Thread-safe; takes effect with the next request. Since 0.1.0.
 */
mcp_status mcp_set_auth(mcp_client *client,
                        mcp_auth_fn auth,
                        void *userdata,
                        mcp_destroy_fn destroy,
                        mcp_error **error);

/**
 * Takes over the request: called in the auth callback, it keeps the request valid after the
 * callback has returned. The program gives the credentials later, from any thread, and
 * `mcp_auth_request_free` then uses what was set. Until then, the callback is not called again.
 *
 * Returns `MCP_MISUSE` if it was deferred before.
 *
 * Since 0.1.0.
 */
mcp_status mcp_auth_request_defer(mcp_auth_request *request, mcp_error **error);

/**
 * Ends a deferred request, and frees it: the credentials that were set are used, or the failure.
 * Without both, requests are sent with the credentials of the client. NULL is ignored, and so is a
 * request that was not deferred.
 *
 * Since 0.1.0.
 */
void mcp_auth_request_free(mcp_auth_request *request);

/**
 * Returns whether no call waits for the credentials any more: all were cancelled, or the client was
 * closed. Credentials that are given nevertheless are used by later calls. False for NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
bool mcp_auth_request_is_over(const mcp_auth_request *request);

/**
 * Sets a callback that is called when no call waits for the credentials any more (`mcp_over_fn`).
 * NULL removes it. If that is the case already, it is called at once; in a queue, by the next
 * `mcp_queue_dispatch`.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Since 0.1.0.
 */
mcp_status mcp_auth_request_set_over(mcp_auth_request *request,
                                     mcp_over_fn over,
                                     void *userdata,
                                     mcp_destroy_fn destroy,
                                     mcp_error **error);

/**
 * Returns the name of the client that needs the credentials. NULL for NULL.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_auth_request_client_name(const mcp_auth_request *request);

/**
 * Returns the URL of the request, including its query; NULL for NULL.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_auth_request_url(const mcp_auth_request *request);

/**
 * Returns the HTTP method of the request: "POST", "GET" or "DELETE"; NULL for NULL.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_auth_request_method(const mcp_auth_request *request);

/**
 * Returns 1 before a request, 2 or 3 after the server has rejected the credentials of the call; 0
 * for NULL.
 *
 * Since 0.1.0.
 */
int32_t mcp_auth_request_attempt(const mcp_auth_request *request);

/**
 * Returns the HTTP status of the rejection, 401 or 403; 0 if there was none.
 *
 * Since 0.1.0.
 */
int32_t mcp_auth_request_http_status(const mcp_auth_request *request);

/**
 * Returns the server's challenge, the `WWW-Authenticate` header of the rejection (RFC 9110,
 * section 11.6.1); several headers are joined into one list. NULL if there was none.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_auth_request_challenge(const mcp_auth_request *request);

/**
 * Returns the pointer that `mcp_options_set_call_data` has set on the options of the call that
 * makes the request; NULL if there is none, and for NULL.
 *
 * The object is valid as long as the request. Since 0.1.0.
 */
void *mcp_auth_request_call_data(const mcp_auth_request *request);

/**
 * Sets the bearer token of the request, without the word "Bearer". NULL removes a token that this
 * function has set; that of `mcp_set_bearer` is then sent.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a token that `mcp_set_bearer` does not accept. If no later
 * setter succeeds, the call then ends with `MCP_AUTH_FAILED`.
 *
 * Since 0.1.0.
 */
mcp_status mcp_auth_request_set_bearer(mcp_auth_request *request,
                                       const char *token,
                                       mcp_error **error);

/**
 * Sets a header of the request. A NULL `value` removes a header that this function has set; one of
 * `mcp_set_header` or of the call's options is then sent.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a name or a value that `mcp_set_header` does not accept. If
 * no later setter succeeds, the call then ends with `MCP_AUTH_FAILED`.
 *
 * Since 0.1.0.
 */
mcp_status mcp_auth_request_set_header(mcp_auth_request *request,
                                       const char *name,
                                       const char *value,
                                       mcp_error **error);

/**
 * Reports that there are no credentials: the call ends with `MCP_AUTH_FAILED`, and its message
 * contains `reason`.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the call ends with
 * `MCP_AUTH_FAILED` then, too.
 *
 * Since 0.1.0.
 */
mcp_status mcp_auth_request_fail(mcp_auth_request *request,
                                 const char *reason,
                                 mcp_error **error);

/**
 * Reports that there are no credentials, as `mcp_auth_request_fail` does, and attaches an object
 * of the application, such as a caught exception. `mcp_error_cause` returns it from the error of
 * the call.
 *
 * `destroy`, which may be NULL, is called with `cause` when neither an error nor the client refers
 * to it any more; immediately if this function fails. One failure may end several calls: their
 * errors share the cause, and several threads may read it.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the call ends with
 * `MCP_AUTH_FAILED` then, too.
 *
 * Since 0.1.0.
 */
mcp_status mcp_auth_request_fail_with(mcp_auth_request *request,
                                      const char *reason,
                                      void *cause,
                                      mcp_destroy_fn destroy,
                                      mcp_error **error);

/* ============================================================================================== */
/* OAuth                                                                                          */
/* ============================================================================================== */

/**
 * `mcp_oauth` obtains access tokens with OAuth 2.1 (specification 2026-07-28, "Authorization"). It
 * contains the settings of the application, and the tokens. Several clients may use the same
 * object: those with the same URL share one login.
 *
 * Terms: an authorization server issues tokens for an MCP server; its issuer is the URL that
 * identifies it, such as "https://auth.example.com". A client id identifies the application there.
 * A scope is the name of a permission.
 *
 * A request without a token is sent first, so a server that requires none causes no login. When
 * the server responds with 401, the call in progress does the rest. It finds the authorization
 * server (RFC 9728, RFC 8414) and determines the client id: the one that is set for this issuer
 * (`mcp_oauth_set_client`), else the URL of the application's metadata document
 * (`mcp_oauth_set_client_url`), else one that it gets by registering there (RFC 7591). It calls
 * `mcp_oauth_open_fn`, which shows a URL to the user; the user logs in with a browser, which is
 * then redirected to a URL with a code. The call exchanges the code for tokens (with PKCE, RFC
 * 7636) and sends its request again.
 *
 * Later requests use the token. If the authorization server issues refresh tokens, the token is
 * refreshed without the user, before it expires and when the MCP server rejects it. After 403 with
 * `insufficient_scope`, the user logs in for the missing scopes too. If several calls need a token
 * at the same time, one of them gets it and the others wait. A call has at most one refresh, one
 * login and one login for missing scopes. A login that failed is not repeated: calls return
 * `MCP_LOGIN_REQUIRED` until `mcp_login` or `mcp_logout` is called, or another process has stored
 * tokens.
 *
 * Example: the first run opens a browser during the ping, later runs use the stored tokens.
 *
 *     mcp_error *error = NULL;
 *     mcp_client *client = mcp_client_new("https://example.com/mcp", &error);
 *     mcp_oauth *oauth = mcp_oauth_new();
 *     if (client && mcp_oauth_use_browser(oauth, &error) == MCP_OK &&
 *         mcp_oauth_use_folder(oauth, NULL, &error) == MCP_OK &&
 *         mcp_set_oauth(client, oauth, &error) == MCP_OK &&
 *         mcp_ping(client, NULL, &error) == MCP_OK)
 *       printf("The server responds.\n");
 *     else
 *       fprintf(stderr, "%s\n", mcp_error_message(error));
 *     mcp_error_free(error);
 *     mcp_oauth_free(oauth);
 *     mcp_client_free(client);
 *
 * A call that needs a token can fail with `MCP_LOGIN_REQUIRED`, `MCP_LOGIN_FAILED` or
 * `MCP_OAUTH_FAILED`; see also `mcp_error_oauth_code`. If the MCP server responds with 401 and
 * names no authorization server, and there is none at its own origin, the call fails with
 * `MCP_UNAUTHORIZED`, and so does one whose new token is rejected.
 *
 * Requests to authorization servers have the proxy, the certificate settings and the client
 * certificate of the client, and none of its headers, cookies and its Unix domain socket. Each
 * takes at most 30 seconds. A token request that has begun continues when its call ends, so that a
 * new token is not lost. Its store callbacks and their `destroy` may run on a thread of the library
 * after `mcp_client_free` and `mcp_oauth_free` have returned.
 *
 * After fork, the child must make a new object.
 *
 * Tokens, codes, secrets and keys appear in no log message and no error.
 *
 * Since 0.1.0.
 */
typedef struct mcp_oauth mcp_oauth;

/**
 * Creates an object with the default settings, which the caller frees with `mcp_oauth_free`. The
 * result is never NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_oauth *MCP_NONNULL mcp_oauth_new(void);

/**
 * Frees the caller's reference to an object; NULL is ignored. Clients that use the object keep it
 * alive, with its callbacks and its tokens. Keep the reference as long as a thread may call
 * `mcp_oauth_finish` or `mcp_oauth_fail`.
 *
 * Since 0.1.0.
 */
void mcp_oauth_free(mcp_oauth *oauth);

/**
 * Sets the object that obtains the tokens of a client. NULL removes it (the default).
 *
 * It replaces an auth callback, and setting an auth callback (`mcp_set_auth`) replaces it. Its
 * token overrides that of `mcp_set_bearer`. Tokens are sent only to the origin of the client's URL
 * (its scheme, host and port).
 *
 * From then on the settings of the object are fixed: functions that change them return
 * `MCP_MISUSE`.
 *
 * Returns `MCP_MISUSE` for a client of a server process.
 *
 * Thread-safe; takes effect with the next call. Since 0.1.0.
 */
mcp_status mcp_set_oauth(mcp_client *client, mcp_oauth *oauth, mcp_error **error);

/**
 * Sets the client id, and the client secret if there is one, with which the application was
 * registered at an authorization server in advance. `issuer` is the issuer of that server; a
 * client may be set for each of several issuers, and replaces an earlier one for the same issuer.
 * If the MCP server names several authorization servers, one that has a client is preferred. The
 * secret authenticates the application in requests for tokens (RFC 6749, section 2.3.1); NULL
 * means that there is none.
 *
 * If a client is set, the library registers none: at an authorization server for which none is
 * set, calls fail with `MCP_OAUTH_FAILED`, unless the server supports the document of
 * `mcp_oauth_set_client_url`.
 *
 * A NULL `issuer` sets the client for the authorization server at which it is used first. A secret
 * without an issuer is used only if the authorization server is on this machine, or on the origin
 * of the MCP server; otherwise the call fails with `MCP_OAUTH_FAILED`. The MCP server names its
 * authorization server, and must not determine where a secret is sent.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an issuer that is not an http or https URL or has a fragment,
 * a client id that is empty or contains control or non-ASCII characters, or an empty secret;
 * `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_client(mcp_oauth *oauth,
                                const char *issuer,
                                const char *client_id,
                                const char *client_secret,
                                mcp_error **error);

/**
 * Sets a client id, as `mcp_oauth_set_client` does, with a private key instead of a secret. The
 * application authenticates with JWTs that the key signs ("private_key_jwt": RFC 7523, section
 * 2.2; OpenID Connect Core, section 9). The key itself is never sent. It replaces a client with a
 * secret for the same issuer.
 *
 * `private_key` is the text of a PEM file with an unencrypted key: EC on the curve P-256 (ES256),
 * RSA with 2,048 to 4,096 bits (RS256), or Ed25519 (EdDSA). `key_id` is the name of the key at the
 * authorization server ("kid"); NULL sends none.
 *
 * A NULL `issuer` has the same meaning as in `mcp_oauth_set_client`, and the same restriction.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a key that cannot be used, or for an argument that
 * `mcp_oauth_set_client` does not accept; `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_client_key(mcp_oauth *oauth,
                                    const char *issuer,
                                    const char *client_id,
                                    const char *private_key,
                                    const char *key_id,
                                    mcp_error **error);

/**
 * Sets the URL of the application's metadata document, such as
 * "https://app.example.com/client.json" (specification 2026-07-28, "Authorization": Client ID
 * Metadata Documents). The URL is the client id at each authorization server that supports such
 * documents and for which no client is set. NULL removes it (the default).
 *
 * The application's web site must serve the document, a JSON object: its "client_id" is the same
 * URL, and its "redirect_uris" contains the redirect URI (`mcp_oauth_set_redirect`). The library
 * does not read it.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a URL that is not an https URL with a path, or that has a
 * fragment or a path segment "." or ".."; `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_client_url(mcp_oauth *oauth, const char *url, mcp_error **error);

/**
 * Sets whether the application may be registered at an authorization server that knows no client
 * id of it, and what the registration contains (Dynamic Client Registration: RFC 7591).
 * Registration is allowed by default.
 *
 * `metadata` is the text of a JSON object of `length` bytes, or NUL-terminated if `length` is
 * `MCP_NUL_TERMINATED`; NULL means none. Its members are added to the registration, such as
 * "logo_uri" or "contacts" (RFC 7591, section 2). "client_name" replaces the name of
 * `mcp_set_client_info`, and "application_type" the type that follows from the redirect URI.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `metadata` is not a JSON object, or contains "redirect_uris",
 * "grant_types", "response_types", "token_endpoint_auth_method" or "scope", which the library
 * sets; `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_registration(mcp_oauth *oauth,
                                      bool allowed,
                                      const char *metadata,
                                      size_t length,
                                      mcp_error **error);

/* ============================================================================================== */
/* OAuth: grants, scopes and security rules                                                       */
/* ============================================================================================== */

/**
 * How tokens are obtained.
 *
 * Since 0.1.0.
 */
typedef enum mcp_oauth_grant {
  /**
   * The user logs in with a browser (RFC 6749, section 4.1). The default.
   */
  MCP_OAUTH_LOGIN = 1,
  /**
   * A service without a user authenticates with its own secret or key (RFC 6749, section 4.4;
   * MCP extension "OAuth Client Credentials"). It needs `mcp_oauth_set_client` with a secret, or
   * `mcp_oauth_set_client_key`.
   */
  MCP_OAUTH_CLIENT_CREDENTIALS = 2,
  /**
   * A JWT of another party proves the identity of the application or of its user (RFC 7523,
   * section 2.1). It needs `mcp_oauth_set_assertion`.
   */
  MCP_OAUTH_ASSERTION = 3,
} mcp_oauth_grant;

/**
 * A security rule that `mcp_oauth_allow` can disable. A later version may add values.
 *
 * Since 0.1.0.
 */
typedef enum mcp_oauth_leniency {
  /**
   * The authorization server need not declare that it supports PKCE
   * ("code_challenge_methods_supported" in its metadata). Some do not, such as Microsoft Entra
   * ID and Amazon Cognito. PKCE is used anyway.
   */
  MCP_OAUTH_UNSTATED_PKCE = 1,
  /**
   * The authorization server may have a private or other non-public address, although the MCP
   * server has a public one. Allow this only for MCP servers that you trust: they could make the
   * application send requests into its own network.
   */
  MCP_OAUTH_PRIVATE_ADDRESSES = 2,
  /**
   * The authorization server may use http instead of https, and may be on this machine although
   * the MCP server is not. Secrets and tokens are then sent unencrypted: for test networks only.
   * Without it, http is allowed only on this machine.
   */
  MCP_OAUTH_PLAIN_HTTP = 3,
} mcp_oauth_leniency;

/**
 * Sets how tokens are obtained. `grant` is an `mcp_oauth_grant`.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an unknown grant, and `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_grant(mcp_oauth *oauth, int32_t grant, mcp_error **error);

/**
 * Sets the scopes to request, separated by spaces. They take the place of those that the MCP
 * server publishes. The scopes that a challenge of the server names (401 or 403) are requested in
 * addition. NULL removes them (the default): then the scopes of the challenge are requested, or if
 * it names none, those that the server publishes. "" requests no scopes except those of
 * challenges. "offline_access", for a refresh token, is added to a login if the authorization
 * server lists it in its metadata.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a text that RFC 6749 (section 3.3) does not allow, and
 * `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_scopes(mcp_oauth *oauth, const char *scopes, mcp_error **error);

/**
 * Sets the value of the parameter "resource", which names the MCP server to the authorization
 * server (RFC 8707). NULL sends the value that the MCP server publishes, if it does (the default).
 * "" sends no such parameter, for authorization servers that reject it, such as Microsoft Entra
 * ID.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a value that contains a space, a control or non-ASCII
 * character, or a fragment; `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_resource(mcp_oauth *oauth, const char *resource, mcp_error **error);

/**
 * Adds a parameter to the URL of logins, such as "login_hint", "audience" or "access_type"; with a
 * grant other than `MCP_OAUTH_LOGIN`, to the requests for tokens. Setting a parameter again
 * replaces its value; a NULL `value` removes it.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an empty name, or for a parameter that the library sets, such
 * as "scope" (see `mcp_oauth_set_scopes`), "resource", "client_id", "redirect_uri" or "state";
 * `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_parameter(mcp_oauth *oauth,
                                   const char *name,
                                   const char *value,
                                   mcp_error **error);

/**
 * Disables a security rule, or enables it again. `leniency` is an `mcp_oauth_leniency`. By default
 * nothing is allowed. The error of a call that breaks a rule names the value that allows it.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an unknown value, and `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_allow(mcp_oauth *oauth, int32_t leniency, bool allowed, mcp_error **error);

/* ============================================================================================== */
/* OAuth: requests for a login                                                                    */
/* ============================================================================================== */

/**
 * The argument of `mcp_oauth_open_fn`: describes a login. It is valid until the callback returns,
 * or until `mcp_oauth_request_free` if the callback called `mcp_oauth_request_defer`. It is used by
 * one thread at a time, except for `mcp_oauth_request_is_over`.
 *
 * Since 0.1.0.
 */
typedef struct mcp_oauth_request mcp_oauth_request;

/**
 * Takes over the request: called in the open callback, it keeps the request valid after the
 * callback has returned, until `mcp_oauth_request_free`.
 *
 * Returns `MCP_MISUSE` if it was deferred before.
 *
 * Since 0.1.0.
 */
mcp_status mcp_oauth_request_defer(mcp_oauth_request *request, mcp_error **error);

/**
 * Frees a deferred request; NULL is ignored, and so is a request that was not deferred. The login
 * goes on. A callback of `mcp_oauth_request_set_over` does not run any more.
 *
 * Since 0.1.0.
 */
void mcp_oauth_request_free(mcp_oauth_request *request);

/**
 * Returns whether the login has ended: the redirect has arrived, the call that waits for it was
 * cancelled, or its time is over (`mcp_oauth_set_login`). False for NULL, and after
 * `mcp_oauth_request_finish` and `mcp_oauth_request_fail`.
 *
 * Thread-safe. Since 0.1.0.
 */
bool mcp_oauth_request_is_over(const mcp_oauth_request *request);

/**
 * Sets a callback that is called when the login ends, unless this request has ended it with
 * `mcp_oauth_request_finish` or `mcp_oauth_request_fail` (`mcp_over_fn`). NULL removes it. If the
 * login has ended already, it is called at once; in a queue, by the next `mcp_queue_dispatch`.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Since 0.1.0.
 */
mcp_status mcp_oauth_request_set_over(mcp_oauth_request *request,
                                      mcp_over_fn over,
                                      void *userdata,
                                      mcp_destroy_fn destroy,
                                      mcp_error **error);

/**
 * Returns the name of the client that needs the login. NULL for NULL.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_oauth_request_client_name(const mcp_oauth_request *request);

/**
 * Returns the URL to open in a browser; NULL for NULL. It is for this login only.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_oauth_request_url(const mcp_oauth_request *request);

/**
 * Returns the URL of the MCP server that requires the login, as messages show it: without its
 * query, and with "***" for secrets in its path. NULL for NULL.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_oauth_request_server(const mcp_oauth_request *request);

/**
 * Returns the issuer of the authorization server at which the user logs in, such as
 * "https://auth.example.com"; NULL for NULL.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_oauth_request_issuer(const mcp_oauth_request *request);

/**
 * Returns the scopes that are requested, separated by spaces; "" if none are. NULL for NULL.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_oauth_request_scopes(const mcp_oauth_request *request);

/**
 * Returns the redirect URI of this login, with the port on which the library listens, if it does.
 * NULL for NULL.
 *
 * The result is valid as long as the request. Since 0.1.0.
 */
const char *mcp_oauth_request_redirect_uri(const mcp_oauth_request *request);

/**
 * Returns the pointer that `mcp_options_set_call_data` has set on the options of the call that
 * begins the login; NULL if there is none, and for NULL. Other calls may wait for the same login.
 *
 * The object is valid as long as the request. Since 0.1.0.
 */
void *mcp_oauth_request_call_data(const mcp_oauth_request *request);

/**
 * Ends the wait of a login with the redirect, if the callback itself received it, for example in
 * an automated login. `redirect_url` is the complete URL to which the browser was redirected, with
 * its query. If the query reports an error, such as "access_denied", this function succeeds, and
 * the call fails with `MCP_LOGIN_FAILED`. If the login has ended already, there is no effect.
 *
 * Returns `MCP_INVALID_ARGUMENT` if the URL is not the redirect of this login, because its "state"
 * is another one, or if its query is not valid; the login then continues to wait.
 *
 * Since 0.1.0.
 */
mcp_status mcp_oauth_request_finish(mcp_oauth_request *request,
                                    const char *redirect_url,
                                    mcp_error **error);

/**
 * Ends a login that cannot begin: the call fails with `MCP_LOGIN_FAILED`, and its message contains
 * `reason`.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the login ends then, too.
 *
 * Since 0.1.0.
 */
mcp_status mcp_oauth_request_fail(mcp_oauth_request *request,
                                  const char *reason,
                                  mcp_error **error);

/**
 * Ends a login that cannot begin, as `mcp_oauth_request_fail` does, and attaches an object of the
 * application, such as a caught exception. `mcp_error_cause` returns it from the error of the
 * call.
 *
 * `destroy`, which may be NULL, is called with `cause` when neither an error nor the library
 * refers to it any more; immediately if this function fails. One failure may end several calls:
 * their errors share the cause, and several threads may read it.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the login ends then, too.
 *
 * Since 0.1.0.
 */
mcp_status mcp_oauth_request_fail_with(mcp_oauth_request *request,
                                       const char *reason,
                                       void *cause,
                                       mcp_destroy_fn destroy,
                                       mcp_error **error);

/* ============================================================================================== */
/* OAuth: logins                                                                                  */
/* ============================================================================================== */

/**
 * When the user may be asked to log in.
 *
 * Since 0.1.0.
 */
typedef enum mcp_oauth_when {
  /**
   * During each call for which the server requires a login. The default.
   */
  MCP_OAUTH_WHEN_NEEDED = 1,
  /**
   * Only during `mcp_login`. Other calls fail with `MCP_LOGIN_REQUIRED`, so no window opens
   * unexpectedly.
   */
  MCP_OAUTH_WHEN_ASKED = 2,
} mcp_oauth_when;

/**
 * Begins a login: shows `mcp_oauth_request_url` to the user. It may open the URL in a browser
 * (`mcp_open_browser`) or in a window of the application, or print it. Tell the user which server
 * requires the login (`mcp_oauth_request_server`), and where the user will log in
 * (`mcp_oauth_request_issuer`).
 *
 * It need not wait for the user: the call waits for the redirect. How the redirect arrives depends
 * on `mcp_oauth_set_redirect`. By default the library receives it, and the callback has nothing
 * else to do. If the application receives it, it calls `mcp_oauth_finish`; or
 * `mcp_oauth_request_finish`, if the callback already has it. If the login cannot begin, the
 * callback calls `mcp_oauth_request_fail`; if it fails later, for example because the user closed
 * the window, the application calls `mcp_oauth_fail`.
 *
 * A Cancel button calls `mcp_oauth_fail`, or `mcp_oauth_request_fail` for a deferred request, which
 * ends the login for all calls that wait for it. A cancel token ends only its own call; another one
 * may then begin a new login. To close the window when the login is over, defer the request and set
 * a callback (`mcp_oauth_request_set_over`).
 *
 * Over SSH and in a container, often no browser can be opened, and a redirect to 127.0.0.1 does not
 * reach this machine. Then the callback must print the URL. The user opens it on another machine;
 * after the login, the browser there shows an error, because it cannot reach the redirect URI. Let
 * the user copy the URL from the address bar into the program, and pass it to `mcp_oauth_finish`;
 * read it outside of the callback, on a thread that neither waits for a call nor dispatches a
 * queue.
 *
 * It runs in `mcp_queue_dispatch` if the call that needs the token is queued, and otherwise on a
 * thread of the library; with no lock held, and for one login at a time for each MCP server. It may
 * use the library, but must neither make a call on a client with the same `mcp_oauth` nor wait for
 * one on another thread. Its time, and that of the wait for the user, do not count against any
 * timeout of a call: see `mcp_oauth_set_login`. A cancel token or `mcp_client_close` ends the wait
 * within 50 ms. It must not throw an exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_oauth_open_fn)(void *userdata, mcp_oauth_request *MCP_NONNULL request);

/**
 * Sets the callback that begins logins. NULL removes it (the default): a call that needs a login
 * then fails with `MCP_LOGIN_REQUIRED`.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Returns `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_open(mcp_oauth *oauth,
                              mcp_oauth_open_fn open,
                              void *userdata,
                              mcp_destroy_fn destroy,
                              mcp_error **error);

/**
 * Sets a callback that opens logins with `mcp_open_browser`. If no browser can be opened, as over
 * SSH, the call that needs the login fails with `MCP_LOGIN_FAILED`: a program that may run there
 * should set its own callback, which prints the URL (`mcp_oauth_set_open`).
 *
 * Returns `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_use_browser(mcp_oauth *oauth, mcp_error **error);

/**
 * Opens an http or https URL in the user's browser, with the command `xdg-open`, or `open` on
 * macOS. The environment variable BROWSER may contain other commands, separated by colons, which
 * are tried in this order; "%s" in a command is replaced with the URL, which is otherwise the last
 * argument. The library starts the command without a shell. It opens a browser only for this
 * function, for `mcp_oauth_use_browser`, and for a configuration file with OAuth.
 *
 * Returns `MCP_INVALID_ARGUMENT` for another URL, and for one with a character that must be
 * percent-encoded; `MCP_SYSTEM_ERROR` if no browser can be opened, for example because neither
 * BROWSER, DISPLAY nor WAYLAND_DISPLAY is set (on macOS only BROWSER matters).
 *
 * It blocks for at most 2 seconds for each command, to detect whether the command fails.
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_open_browser(const char *url, mcp_error **error);

/**
 * Passes the redirect of a login to the call that waits for it: the URL that the system passed to
 * the application for an app link or a private scheme, or that the user copied from a browser.
 * `redirect_url` is the complete URL, with its query. The login is found by the "state" in it, so
 * an application may pass any URL that it receives. If the query reports an error, such as
 * "access_denied", this function succeeds, and the call fails with `MCP_LOGIN_FAILED`.
 *
 * Returns `MCP_INVALID_ARGUMENT` if no login of `oauth` waits for this URL.
 *
 * It does not wait for the call. Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_finish(mcp_oauth *oauth, const char *redirect_url, mcp_error **error);

/**
 * Ends a login that waits for the user, for example because the user closed the window: the call
 * fails with `MCP_LOGIN_FAILED`, and its message contains `reason`. `url` is the
 * `mcp_oauth_request_url` of the login, of which the callback has kept a copy.
 *
 * `cause` is an object of the application that `mcp_error_cause` returns from the error of the
 * call; it may be NULL. `destroy`, which may be NULL, is called with `cause` when neither an error
 * nor the library refers to it any more; immediately if this function fails. One failure may end
 * several calls: their errors share the cause, and several threads may read it.
 *
 * Returns `MCP_INVALID_ARGUMENT` if no login of `oauth` with this URL is waiting.
 *
 * It does not wait for the call. Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_fail(mcp_oauth *oauth,
                          const char *url,
                          const char *reason,
                          void *cause,
                          mcp_destroy_fn destroy,
                          mcp_error **error);

/**
 * Sets the redirect URI: where the authorization server redirects the browser after the login. Its
 * kind determines what receives the redirect:
 *
 * - "http://127.0.0.1/callback" (the default), or any other path on 127.0.0.1, [::1] or localhost:
 *   the library listens on this machine until the login ends. Without a port it uses any free one,
 *   which authorization servers have to accept (RFC 8252, section 7.3), so several processes can
 *   log in at the same time. With a port it uses only that one; if the port is taken, the call
 *   fails, and the error names it.
 * - An https URL, such as "https://app.example.com/oauth": the application receives the redirect,
 *   as an app link that the system associates with it, or on its web server, and calls
 *   `mcp_oauth_finish`.
 * - A private scheme, such as "com.example.app:/oauth" (RFC 8252, section 7.1): the system passes
 *   the URL to the application, which calls `mcp_oauth_finish`. Prefer an https app link: any
 *   application can claim a private scheme, but for an app link the system checks that the
 *   application belongs to the host of the URL.
 *
 * The authorization server must know the redirect URI. The library sends it when it registers the
 * application; in other cases, enter it in advance: see `mcp_oauth_set_client` and
 * `mcp_oauth_set_client_url`.
 *
 * Returns `MCP_INVALID_ARGUMENT` for http on another host, a scheme that belongs to another
 * protocol ("javascript", "file"), a URI with a fragment, or an invalid one; `MCP_MISUSE` after
 * `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_redirect(mcp_oauth *oauth, const char *uri, mcp_error **error);

/**
 * Sets when the user may be asked to log in, and how long a login waits for the user. `when` is an
 * `mcp_oauth_when`. `timeout_ms` is in milliseconds, and 0 means no limit; when it has passed, the
 * call fails with `MCP_LOGIN_FAILED`. Default: `MCP_OAUTH_WHEN_NEEDED` and 300,000.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an unknown value of `when`, and `MCP_MISUSE` after
 * `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_login(mcp_oauth *oauth,
                               int32_t when,
                               uint64_t timeout_ms,
                               mcp_error **error);

/**
 * Makes sure that the client has a token that the server accepts. It uses or refreshes a stored
 * token if possible, and otherwise lets the user log in, also with `MCP_OAUTH_WHEN_ASKED` and
 * after a login that failed. With a grant other than `MCP_OAUTH_LOGIN`, it gets a token without
 * the user. Some servers require a token only for some requests: the user logs in there, too, if
 * the server names an authorization server. If it names none and requires no token, the function
 * succeeds without a login.
 *
 * The wait for the user is limited by `mcp_oauth_set_login`, and not by the timeout of the call.
 *
 * Returns `MCP_LOGIN_REQUIRED` if a login is necessary and no open callback is set;
 * `MCP_LOGIN_FAILED` if the redirect reported an error, the callback failed, or the login's time
 * has passed; `MCP_OAUTH_FAILED` if the authorization server cannot be used; and `MCP_MISUSE` if
 * the client has no `mcp_oauth`. `mcp_error_oauth_code` returns the reason of the authorization
 * server.
 *
 * `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_login(mcp_client *client, const mcp_options *options, mcp_error **error);

/**
 * Removes the tokens of the client's server from memory and from the store, and revokes them if
 * the authorization server supports that (RFC 7009). It concerns all clients of that server with
 * the same `mcp_oauth`. The registration of the application at the authorization server is kept.
 * The user stays logged in there with the browser: the next login may ask for no password.
 *
 * If the tokens cannot be revoked, they are removed anyway, and the result is the reason. If the
 * store cannot be locked or read, they are kept. The call waits for a login in progress; to end
 * that, call `mcp_oauth_fail`. The next call that gets 401 begins a login, except with
 * `MCP_OAUTH_WHEN_ASKED`.
 *
 * Returns `MCP_MISUSE` if the client has no `mcp_oauth`.
 *
 * `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_logout(mcp_client *client, const mcp_options *options, mcp_error **error);

/**
 * Gets what is known of the login at the client's server, as an object. Nothing is sent; the store
 * may be read. Members that are unknown are missing.
 *
 * - "loggedIn": whether there is an access token that has not expired, or a refresh token; the
 *   server may have revoked them
 * - "issuer": the issuer of the authorization server
 * - "resource": the resource for which tokens are requested (see `mcp_oauth_set_resource`)
 * - "clientId": the client id at the authorization server
 * - "registration": where it comes from: "configured" (`mcp_oauth_set_client`),
 *   "metadata_document" (`mcp_oauth_set_client_url`) or "registered"
 * - "scopes": an array of the scopes of the token
 * - "expiresAt": when the access token expires, in seconds since 1970
 * - "refreshable": whether there is a refresh token
 * - "idToken": an object with the claims of the ID token (OpenID Connect Core, section 2), for
 *   display only
 *
 * It contains no token and no secret.
 *
 * On success `*state` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. Returns `MCP_MISUSE` if the client has no `mcp_oauth`. Thread-safe. Since
 * 0.1.0.
 */
mcp_status mcp_oauth_state(mcp_client *client, mcp_json **state, mcp_error **error);

/* ============================================================================================== */
/* OAuth: stored registrations and tokens                                                         */
/* ============================================================================================== */

/**
 * The argument of the callbacks of a store: a record, which is what the library keeps for one MCP
 * server. It is valid until the callback returns, and only on the callback's thread.
 *
 * Since 0.1.0.
 */
typedef struct mcp_oauth_record mcp_oauth_record;

/**
 * A callback of a store (`mcp_oauth_set_store`). `mcp_oauth_record_key` identifies the record;
 * what to do depends on the callback:
 *
 * - `load` finds the record and passes its text to `mcp_oauth_record_set_text`. If there is none,
 *   it does nothing.
 * - `save` stores `mcp_oauth_record_text` in place of the old text; if that is NULL, it removes
 *   the record.
 * - `lock` waits until no other process has locked the record, and locks it. The library does this
 *   before it changes tokens. Before a refresh it then calls `load` again, and uses the new token
 *   if another process has stored one meanwhile: many authorization servers accept a refresh token
 *   only once.
 * - `unlock` releases the lock. It may run on another thread than `lock`.
 *
 * If one cannot do its work, it calls `mcp_oauth_record_fail`.
 *
 * It runs on the thread of a call or on a thread of the library, with no lock of the library held,
 * and may run on several threads at the same time. Its time counts against the timeout of the
 * call. It may use the library, but must neither make a call on a client with the same `mcp_oauth`
 * nor wait for one on another thread. A cancel token and `mcp_client_close` do not interrupt it.
 * It must not throw an exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_oauth_record_fn)(void *userdata, struct mcp_oauth_record *MCP_NONNULL record);

/**
 * Sets the callbacks that store registrations and tokens, for example in the keychain of the
 * system. `load` and `save` are required; `lock` and `unlock` may be NULL if no other process uses
 * the same records. If all four are NULL, the records are kept in memory and lost when the process
 * ends (the default). It takes the place of `mcp_oauth_use_folder`.
 *
 * `userdata` is passed to all four callbacks, and to `destroy` (which may be NULL) once, when it
 * is no longer needed: see `mcp_destroy_fn`.
 *
 * Returns `MCP_INVALID_ARGUMENT` if only one of `load` and `save` is NULL, only one of `lock` and
 * `unlock`, or only the first two; `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_store(mcp_oauth *oauth,
                               mcp_oauth_record_fn load,
                               mcp_oauth_record_fn save,
                               mcp_oauth_record_fn lock,
                               mcp_oauth_record_fn unlock,
                               void *userdata,
                               mcp_destroy_fn destroy,
                               mcp_error **error);

/**
 * Stores registrations and tokens in a folder, one file for each MCP server, so that they are
 * still there when the program runs again. Several processes may use the same folder: they take
 * turns to refresh a token, and all use the result. All programs that use the folder share the
 * tokens of a server, unless they have different client ids; to keep the tokens of an application
 * separate, pass a folder for it. It takes the place of `mcp_oauth_set_store`.
 *
 * `path` is the path of the folder; a relative one starts at the current working directory. NULL
 * means the folder "libmcp/oauth" in $XDG_STATE_HOME, or else in "~/.local/state" (on macOS
 * "~/Library/Application Support"). The folder is created when something is stored. Only the
 * current user can access the files, which contain tokens that are not encrypted; a folder that
 * others may write is refused. A call
 * that cannot read or write a file fails with `MCP_SYSTEM_ERROR`.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an empty path, or if `path` is NULL and neither
 * XDG_STATE_HOME nor HOME is an absolute path; `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_use_folder(mcp_oauth *oauth, const char *path, mcp_error **error);

/**
 * Returns the key of a record; NULL for NULL. It is the same in each run of the program, and
 * different for different MCP servers and client ids. It contains the URL of the server and a line
 * break: a store that uses file names or limits their length should use a hash of it.
 *
 * The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
 */
const char *mcp_oauth_record_key(const mcp_oauth_record *record);

/**
 * Returns the text to save; NULL if the record must be removed, in the other callbacks, and for
 * NULL. The text is NUL-terminated, and `*length`, if `length` is not NULL, is set to its length
 * in bytes. It contains tokens and other secrets, and its format may change.
 *
 * The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
 */
const char *mcp_oauth_record_text(const mcp_oauth_record *record, size_t *length);

/**
 * Sets the text that `load` found: exactly what `mcp_oauth_record_text` returned to `save`. `text`
 * has `length` bytes, or is NUL-terminated if `length` is `MCP_NUL_TERMINATED`; it is copied. NULL
 * means that there is no record. A text that is not a record has the same effect; one that a newer
 * version of the library has written makes the call fail with `MCP_OAUTH_FAILED`.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `text` is not UTF-8, and `MCP_MISUSE` in another callback than
 * `load`. If no later setter succeeds, the call then fails with `MCP_OAUTH_FAILED`.
 *
 * Only on the callback's thread. Since 0.1.0.
 */
mcp_status mcp_oauth_record_set_text(mcp_oauth_record *record,
                                     const char *text,
                                     size_t length,
                                     mcp_error **error);

/**
 * Reports that a callback of a store cannot do its work: the call fails with `MCP_OAUTH_FAILED`,
 * and its message contains `reason`. In `unlock` there is no effect. If `save` fails, later calls
 * of this process use the new tokens nevertheless.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the callback has failed then,
 * too.
 *
 * Only on the callback's thread. Since 0.1.0.
 */
mcp_status mcp_oauth_record_fail(mcp_oauth_record *record,
                                 const char *reason,
                                 mcp_error **error);

/* ============================================================================================== */
/* OAuth: assertions                                                                              */
/* ============================================================================================== */

/**
 * The argument of `mcp_oauth_assertion_fn`: describes the assertion that is needed, and receives
 * it. It is valid until the callback returns, and only on the callback's thread.
 *
 * Since 0.1.0.
 */
typedef struct mcp_oauth_assertion mcp_oauth_assertion;

/**
 * Provides an assertion, a JWT that another party has signed, with `mcp_oauth_assertion_set`; or
 * reports with `mcp_oauth_assertion_fail` why there is none. It is called for each request of a
 * token with an assertion.
 *
 * It runs on the thread of the call that needs the token, with no lock held, and for one
 * request at a time for each MCP server. It may use the library, but must neither make a call on a
 * client with the same `mcp_oauth` nor wait for one on another thread. Its time does not count
 * against any timeout. It must not throw an exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_oauth_assertion_fn)(void *userdata, struct mcp_oauth_assertion *MCP_NONNULL assertion);

/**
 * Sets the callback that provides assertions, for the grant `MCP_OAUTH_ASSERTION` (RFC 7523,
 * section 2.1). NULL removes it (the default). For example, a job of a CI system proves its
 * identity with the JWT that the system issues to it (workload identity). The assertion is sent
 * only to an authorization server whose issuer is set (`mcp_oauth_set_client`), is on this
 * machine, or is on the origin of the MCP server: the MCP server must not determine where it is
 * sent. With `mcp_oauth_set_identity`, the assertion is an ID token of the user.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Returns `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_assertion(mcp_oauth *oauth,
                                   mcp_oauth_assertion_fn assertion,
                                   void *userdata,
                                   mcp_destroy_fn destroy,
                                   mcp_error **error);

/**
 * Returns the audience ("aud") that the assertion must have: the issuer of the authorization
 * server, or with `mcp_oauth_set_identity` the client id at the identity provider. NULL for NULL.
 *
 * The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
 */
const char *mcp_oauth_assertion_audience(const mcp_oauth_assertion *assertion);

/**
 * Returns the resource for which a token is requested, usually the URL of the MCP server; NULL if
 * the requests name none (see `mcp_oauth_set_resource`), and for NULL.
 *
 * The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
 */
const char *mcp_oauth_assertion_resource(const mcp_oauth_assertion *assertion);

/**
 * Returns the pointer that `mcp_options_set_call_data` has set on the options of the call that
 * needs the token; NULL if there is none, and for NULL.
 *
 * The object is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
 */
void *mcp_oauth_assertion_call_data(const mcp_oauth_assertion *assertion);

/**
 * Sets the assertion: a JWT, as text. It is copied, and wiped from the library's memory after its
 * use.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a text that is NULL, empty, or has a character other than
 * visible ASCII. If no later setter succeeds, the call then fails with `MCP_OAUTH_FAILED`.
 *
 * Only on the callback's thread. Since 0.1.0.
 */
mcp_status mcp_oauth_assertion_set(mcp_oauth_assertion *assertion,
                                   const char *text,
                                   mcp_error **error);

/**
 * Reports that there is no assertion: the call fails with `MCP_OAUTH_FAILED`, and its message
 * contains `reason`.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the call fails then, too.
 *
 * Only on the callback's thread. Since 0.1.0.
 */
mcp_status mcp_oauth_assertion_fail(mcp_oauth_assertion *assertion,
                                    const char *reason,
                                    mcp_error **error);

/**
 * Sets the identity provider of an organization at which the user has already logged in, for the
 * grant `MCP_OAUTH_ASSERTION` (MCP extension "Enterprise-Managed Authorization"). The callback of
 * `mcp_oauth_set_assertion` then provides the ID token of that login. The library exchanges it at
 * the identity provider for an identity assertion (RFC 8693), and this at the authorization server
 * for an access token (RFC 7523): the user need not log in again for each MCP server.
 *
 * `token_endpoint` is the URL of the identity provider for token requests. `client_id` and
 * `client_secret` are those of the application at the identity provider; a NULL `client_secret`
 * means that there is none. `mcp_oauth_set_client` or `mcp_oauth_set_client_key` sets those at the
 * authorization server, with its issuer.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a `token_endpoint` that is not an http or https URL or has a
 * fragment; `MCP_MISUSE` after `mcp_set_oauth`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_oauth_set_identity(mcp_oauth *oauth,
                                  const char *token_endpoint,
                                  const char *client_id,
                                  const char *client_secret,
                                  mcp_error **error);

/* ============================================================================================== */
/* Settings                                                                                       */
/* ============================================================================================== */

/**
 * What `mcp_set_limit` can limit. A later version may add values.
 *
 * Since 0.1.0.
 */
typedef enum mcp_limit {
  /**
   * The body of one HTTP response that is not an event stream, after decompression; all pages of
   * a list together; all results in the cache together. Default: 64 MiB.
   */
  MCP_LIMIT_MESSAGE = 1,
  /**
   * All header fields of one response together. Default: 64 KiB; maximum: 16 MiB.
   */
  MCP_LIMIT_HEAD = 2,
  /**
   * One event of an event stream (usually one message), or one message of a server process.
   * Default: 64 MiB.
   */
  MCP_LIMIT_EVENT = 3,
} mcp_limit;

/**
 * Sets the timeout of calls whose options set none, in milliseconds; 0 means none. Default:
 * 60,000.
 *
 * The timeout covers a call from start to return: DNS lookup, connecting, TLS, negotiation,
 * redirects, retries and the body. The time in callbacks of the application is not counted, except
 * in the log callback.
 *
 * Thread-safe; takes effect with the next call. Since 0.1.0.
 */
mcp_status mcp_set_timeout(mcp_client *client, uint64_t timeout_ms, mcp_error **error);

/**
 * Sets the idle timeout of calls whose options set none, in milliseconds: a call fails with
 * `MCP_TIMEOUT` if it waits this long without receiving a byte or, while it sends, without being
 * able to send one. 0 means none (the default).
 *
 * Each byte starts the idle time again, such as those of a progress notification; nothing extends
 * the timeout of the call (`mcp_set_timeout`).
 *
 * Thread-safe; takes effect with the next call. Since 0.1.0.
 */
mcp_status mcp_set_idle_timeout(mcp_client *client, uint64_t timeout_ms, mcp_error **error);

/**
 * Sets the name and version of the application that are sent to the server (`clientInfo`).
 * Default: "libmcp" and the version of the library. The name of the server in errors and log lines
 * is another one: see `mcp_set_name`.
 *
 * Returns `MCP_MISUSE` after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_client_info(mcp_client *client,
                               const char *name,
                               const char *version,
                               mcp_error **error);

/**
 * Declares to the server that the application supports an extension (specification 2026-07-28,
 * "Extensions"), such as "com.example/charts". `settings` is the text of a JSON object of `length`
 * bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`; "{}" means no settings, and NULL
 * removes the extension. The library supports and declares "io.modelcontextprotocol/tasks" itself.
 *
 * ```
 * mcp_set_extension(client, "com.example/charts", "{\"formats\":[\"svg\"]}", MCP_NUL_TERMINATED, &error);
 * mcp_set_notification(client, show_chart, window, NULL, &error);
 * ```
 *
 * For the requests and notifications of an extension see `mcp_request`, `mcp_notify` and
 * `mcp_set_notification`.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a name without a vendor and a slash, or if `settings` is not a
 * JSON object, and `MCP_MISUSE` after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_extension(mcp_client *client,
                             const char *name,
                             const char *settings,
                             size_t length,
                             mcp_error **error);

/**
 * Pins the protocol version, such as "2025-06-18": if the server does not support it, calls fail
 * with `MCP_VERSION_UNSUPPORTED`. NULL negotiates the newest version that both sides support (the
 * default).
 *
 * Returns `MCP_INVALID_ARGUMENT` for a version that this library does not support (it supports
 * 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28), and `MCP_MISUSE` after the first
 * call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_protocol_version(mcp_client *client, const char *version, mcp_error **error);

/**
 * Sets a limit for data from the server, in bytes: a call that exceeds it fails with
 * `MCP_TOO_LARGE`. `limit` is an `mcp_limit`; 0 bytes restore the default. A limit above 4 GiB
 * counts as 4 GiB.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an unknown limit, or for `MCP_LIMIT_HEAD` above its maximum,
 * and `MCP_MISUSE` after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_limit(mcp_client *client, int32_t limit, uint64_t bytes, mcp_error **error);

/**
 * Enables or disables the cache for lists and resources, which keeps results as long as the server
 * declares them fresh (specification 2026-07-28, "Caching"). With true, a call may be answered
 * from the cache, unless its options set a header or "_meta". false (the default) also clears the
 * cache.
 *
 * A change notification of the server removes the results that it concerns; most servers send such
 * notifications only while `mcp_listen` runs. Private results are used only with the credentials
 * of their request, and not at all if an auth callback (`mcp_set_auth`) is set.
 *
 * Thread-safe; takes effect with the next call. Since 0.1.0.
 */
mcp_status mcp_set_cache(mcp_client *client, bool wanted, mcp_error **error);

/* ============================================================================================== */
/* Transport, TLS and proxies                                                                     */
/* ============================================================================================== */

/**
 * The transport between the client and the server. A later version may add values.
 *
 * Since 0.1.0.
 */
typedef enum mcp_transport {
  /**
   * Detected from the URL and the server.
   */
  MCP_TRANSPORT_AUTO = 0,
  /**
   * Streamable HTTP: each message is sent as a POST; the response to a request is in the HTTP
   * response.
   */
  MCP_TRANSPORT_STREAMABLE_HTTP = 1,
  /**
   * HTTP+SSE, the transport of 2024-11-05: responses arrive on an event stream (server-sent
   * events) that stays open.
   */
  MCP_TRANSPORT_SSE = 2,
} mcp_transport;

/**
 * Sets the transport, a value of `mcp_transport`. By default it is detected: for a URL whose path
 * ends in the segment "sse" the client uses HTTP+SSE, unless GET does not return an event stream;
 * for any other URL it uses Streamable HTTP, and falls back to HTTP+SSE if the response to
 * `initialize` is 400, 404 or 405 (specification 2025-11-25, "Transports": Backwards
 * Compatibility). The member "transport" of `mcp_server_info` contains the result.
 *
 * HTTP+SSE supports every protocol version up to 2025-11-25. Its event stream uses a thread, which
 * ends with the connection. If the stream ends, pending calls fail with `MCP_DISCONNECTED`, and
 * the next call opens it again.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an unknown number, and `MCP_MISUSE` after the first call, or
 * for a client of a server process.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_transport(mcp_client *client, int32_t transport, mcp_error **error);

/**
 * Connects to the Unix domain socket at `path` instead of the host and port of the URL, like
 * curl's `--unix-socket`. The request still contains the host and port of the URL. No proxy is
 * used. NULL means none (the default).
 *
 * Returns `MCP_INVALID_ARGUMENT` for a path that is empty or too long (more than 107 bytes on
 * Linux), and `MCP_MISUSE` after the first call, or for a client of a server process.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_unix_socket(mcp_client *client, const char *path, mcp_error **error);

/**
 * Sets the proxy: "http://host:port" (CONNECT for https, forwarded requests for http),
 * "socks5://host:port" (the client looks up host names) or "socks5h://host:port" (the proxy looks
 * them up). For a proxy with authentication put "user:password@" in front of the host,
 * percent-encoded. "" means no proxy. The default port is 1080.
 *
 * NULL (the default) uses the environment, with the rules of curl: `http_proxy` (lower case only)
 * for http URLs, `https_proxy` or `HTTPS_PROXY` for https URLs, else `all_proxy` or `ALL_PROXY`.
 * `no_proxy` or `NO_PROXY` lists hosts, domains, addresses and networks ("10.0.0.0/8") that are
 * reached without a proxy, "*" alone means all; it does not apply to a proxy that is set here. The
 * environment is read once, at the first call.
 *
 * The proxy's credentials are sent only to the proxy, and appear in no message. Calls fail with
 * `MCP_PROXY_FAILED` if the proxy cannot be reached or refuses to connect, with
 * `MCP_PROXY_AUTH_REQUIRED` if it requires other credentials. These errors name the proxy and what
 * set it. So does the error for a response with status 403, 502, 503 or 504 or an HTML page over
 * plain http, because the proxy may have sent it.
 *
 * Returns `MCP_INVALID_ARGUMENT` for an invalid URL, and `MCP_MISUSE` after the first call, or for
 * a client of a server process.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_proxy(mcp_client *client, const char *url, mcp_error **error);

/**
 * Sets whether credentials may be sent to another machine only over https. With true, a request
 * with credentials over plain http fails with `MCP_INSECURE` before it is sent. With false (the
 * default) it is sent, and a warning is logged. The local machine is always allowed: loopback
 * addresses, Unix domain sockets, and localhost with all names below it, for which no DNS lookup
 * is made (RFC 6761).
 *
 * Returns `MCP_MISUSE` after the first call, or for a client of a server process.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_require_https(mcp_client *client, bool required, mcp_error **error);

/**
 * Trusts the certificate authorities in a PEM file, in addition to those of the system. It
 * replaces an earlier file; NULL means none (the default). The file is read immediately. On Linux,
 * the environment variables SSL_CERT_FILE and SSL_CERT_DIR name other authorities in place of the
 * system's.
 *
 * The file may also contain a server's own certificate, even one with CA:TRUE, as `openssl req
 * -x509` creates it. Such a certificate is accepted from a server that presents exactly the same
 * certificate, if it has not expired and contains the URL's host name.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a file that cannot be read, is not a regular file, is larger
 * than 16 MiB or contains no certificate, and `MCP_MISUSE` after the first call, or for a client
 * of a server process.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_tls_ca_file(mcp_client *client, const char *path, mcp_error **error);

/**
 * Sets the client certificate for servers that request one (mutual TLS). `cert_path` is a PEM file
 * with the certificate, followed by its intermediate certificates. `key_path` is a PEM file with
 * the private key (PKCS #8, PKCS #1 or SEC 1, not encrypted), or NULL if the key is in the same
 * file. If both are NULL, no certificate is used (the default). The files are read immediately.
 *
 * Returns `MCP_INVALID_ARGUMENT` for files that cannot be read, are not regular files, are larger
 * than 16 MiB or do not belong together, and `MCP_MISUSE` after the first call, or for a client of
 * a server process.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_tls_client_cert_file(mcp_client *client,
                                        const char *cert_path,
                                        const char *key_path,
                                        mcp_error **error);

/**
 * Sets whether the certificates of servers are verified (the default is true). **With false,
 * anyone on the network path can read and change all data, including the token.** Use it for
 * development only; a warning is logged.
 *
 * Returns `MCP_MISUSE` after the first call, or for a client of a server process.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_tls_verify(mcp_client *client, bool verify, mcp_error **error);

/* ============================================================================================== */
/* Connection and server information                                                              */
/* ============================================================================================== */

/**
 * Connects: negotiates the protocol version, and opens a session if that version has sessions. It
 * is optional, because every call connects if necessary; use it to detect problems early. It does
 * not always detect a bad token: some servers check credentials only later.
 *
 * `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_connect(mcp_client *client, const mcp_options *options, mcp_error **error);

/**
 * Checks that the server responds. The result never comes from the cache: each call contacts the
 * server.
 *
 * With a legacy server this is the protocol's `ping`. Versions from 2026-07-28 on have no ping;
 * the client sends `server/discover` instead, which every server of those versions implements. Any
 * JSON-RPC response is a success, also an error, because some servers do not know `ping`.
 *
 * `MCP_OK` means that the server responded, not that it accepts the token for its tools: a server
 * may allow this request without credentials. If it does not, a missing or wrong token is
 * `MCP_UNAUTHORIZED`, with the server's challenge in `mcp_error_challenge`.
 *
 * `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_ping(mcp_client *client, const mcp_options *options, mcp_error **error);

/**
 * Gets the server's description of itself from the negotiation, as an object. It connects first if
 * necessary, and otherwise sends nothing.
 *
 * - "protocolVersion": the negotiated version, such as "2025-11-25"
 * - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
 * - "transport": "streamable-http", "sse" or "stdio"
 * - "serverInfo": an object with "name" and "version", if the server sends it
 * - "capabilities": the server's capabilities
 * - "instructions": how to use the server, if it sends that
 * - "supportedVersions": all versions that a modern server supports
 *
 * The content is not verified: use it for display only.
 *
 * On success `*info` is set to the object, which the caller frees with `mcp_json_free`; on failure
 * to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_server_info(mcp_client *client,
                           const mcp_options *options,
                           mcp_json **info,
                           mcp_error **error);

/* ============================================================================================== */
/* Tools                                                                                          */
/* ============================================================================================== */

/**
 * Lists the tools of the server: an object with "tools", an array. A server may split a list into
 * pages, each with a "nextCursor" that leads to the next one; the function requests all pages.
 *
 * Each tool has a "name", usually a "description", and an "inputSchema", the JSON schema of its
 * arguments (specification 2026-07-28, "Tools"). With a modern server over HTTP, a tool is left
 * out, and a warning is logged, if its schema marks arguments as headers in an invalid way (as the
 * specification requires), or is larger than 1 MiB.
 *
 * A page whose "nextCursor" was already used is the last one, and a warning is logged: some
 * servers return the same cursor with every page. Returns `MCP_ENDLESS` for more than 10,000
 * pages, and `MCP_TOO_LARGE` if all pages together exceed `MCP_LIMIT_MESSAGE`.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_list_tools(mcp_client *client,
                          const mcp_options *options,
                          mcp_json **result,
                          mcp_error **error);

/**
 * Lists one page of the server's tools: an object with "tools". Pass NULL as `cursor` for the
 * first page, and the "nextCursor" of a page for the page after it. A page without "nextCursor" is
 * the last; "" is a valid cursor. The caller must detect a cursor that repeats.
 *
 * On success `*page` is set to the object, which the caller frees with `mcp_json_free`; on failure
 * to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_list_tools_page(mcp_client *client,
                               const char *cursor,
                               const mcp_options *options,
                               mcp_json **page,
                               mcp_error **error);

/**
 * Calls a tool. `arguments` is the text of a JSON object of `length` bytes, or NUL-terminated if
 * `length` is `MCP_NUL_TERMINATED`; NULL means no arguments.
 *
 * The result is an object with "content", an array of what the tool returns, and optionally
 * "structuredContent" (specification 2026-07-28, "Tools": Tool Result). **If the tool reports a
 * failure, the call still succeeds**: it returns `MCP_OK`, `mcp_tool_result_is_error` is true, and
 * `mcp_tool_result_text` describes the failure. The structured content is not validated against
 * the tool's "outputSchema".
 *
 * The client never calls a tool twice: if it is not known whether the server executed the call, it
 * is not sent again. Such a call fails with `MCP_TRUNCATED`, `MCP_DISCONNECTED`,
 * `MCP_SESSION_LOST` or `MCP_PROCESS_FAILED`, and the message says that the tool may have been
 * executed.
 *
 * The client may first request the list of tools, which says how to call the tool. During the call
 * the server may request input, and the handlers that are set respond (see `mcp_input_fn`). If the
 * tool requests it in a way that only legacy versions have, as `ctx.elicit` of FastMCP 4 does, and
 * the server is a modern one, the call fails with `MCP_INPUT_UNSUPPORTED`; the message says which
 * version to pin. A tool that must run as a task (2025-11-25) is started as one, and the function
 * waits for its end; if the function is cancelled or times out, so is the task.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_call_tool(mcp_client *client,
                         const char *name,
                         const char *arguments,
                         size_t length,
                         const mcp_options *options,
                         mcp_json **result,
                         mcp_error **error);

/**
 * Returns whether the tool reports a failure (its "isError"); false for NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
bool mcp_tool_result_is_error(const mcp_json *result);

/**
 * Returns the texts of a tool's result, separated by line breaks: the blocks of type "text" and
 * the texts of embedded resources, in their order. "" if there are none, or for NULL. Invalid
 * blocks are ignored.
 *
 * The result is never NULL. It is created once, and valid as long as the document exists.
 * Thread-safe. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_tool_result_text(const mcp_json *result);

/**
 * Returns the structured content of a tool's result: an object, or from 2026-07-28 on any value;
 * NULL if there is none, or for NULL.
 *
 * The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const mcp_json *mcp_tool_result_structured(const mcp_json *result);

/* ============================================================================================== */
/* Tasks                                                                                          */
/* ============================================================================================== */

/**
 * Calls a tool like `mcp_call_tool`, but also accepts a task instead of a result: the server
 * continues the work after this function returns. A modern server decides whether to start a task
 * (the extension "io.modelcontextprotocol/tasks"); on servers of 2025-11-25 every tool that
 * supports tasks starts one (specification 2025-11-25, "Tasks"); older servers have no tasks.
 *
 * `mcp_tool_result_task_id` distinguishes a task from a result. The application can store the id
 * and use the task in another process.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_call_tool_as_task(mcp_client *client,
                                 const char *name,
                                 const char *arguments,
                                 size_t length,
                                 const mcp_options *options,
                                 mcp_json **result,
                                 mcp_error **error);

/**
 * Returns the id of the task that `mcp_call_tool_as_task` started; NULL if it returned the tool's
 * result, or for NULL.
 *
 * The id is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const char *mcp_tool_result_task_id(const mcp_json *result);

/**
 * Gets the state of a task: an object with "taskId", "status" ("working", "input_required",
 * "completed", "failed" or "cancelled"), and optionally "statusMessage", "ttlMs" and
 * "pollIntervalMs", which servers of 2025-11-25 call "ttl" and "pollInterval". On modern servers a
 * completed task contains its "result", a failed one its "error"; on servers of 2025-11-25
 * `mcp_wait_task` returns them.
 *
 * On success `*task` is set to the object, which the caller frees with `mcp_json_free`; on failure
 * to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_get_task(mcp_client *client,
                        const char *id,
                        const mcp_options *options,
                        mcp_json **task,
                        mcp_error **error);

/**
 * Sends inputs that a task of a modern server requests. While such a task has the status
 * "input_required", it contains "inputRequests", an object with a request for each key. `responses`
 * is the text of a JSON object of `length` bytes, or NUL-terminated if `length` is
 * `MCP_NUL_TERMINATED`; it maps the same keys to the results, which have the form that
 * `mcp_input_respond` requires. `mcp_wait_task` does this automatically.
 *
 * `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_update_task(mcp_client *client,
                           const char *id,
                           const char *responses,
                           size_t length,
                           const mcp_options *options,
                           mcp_error **error);

/**
 * Sends a request to cancel a task. The task may still complete.
 *
 * `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_cancel_task(mcp_client *client,
                           const char *id,
                           const mcp_options *options,
                           mcp_error **error);

/**
 * Waits for the end of a task, and returns the result of the tool. It requests the state of the
 * task at the interval that the server sets, or every second. Handlers that are set respond to the
 * input requests of the task. A progress callback in the options receives each new
 * "statusMessage", with the number of such messages as the progress.
 *
 * The timeout of the call applies to the whole wait: for a long task, set it to 0 or to a long
 * time (`mcp_options_set_timeout`).
 *
 * Returns `MCP_RPC_ERROR` if the task failed, `MCP_TASK_CANCELLED` if it was cancelled. If this
 * call is cancelled or times out, the task continues.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
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
 * Lists the resources of the server: an object with "resources", an array with the elements of all
 * pages. Each resource has a "uri" and a "name" (specification 2026-07-28, "Resources").
 *
 * A page whose "nextCursor" was already used is the last one, and a warning is logged. Returns
 * `MCP_ENDLESS` for more than 10,000 pages, and `MCP_TOO_LARGE` if all pages together exceed
 * `MCP_LIMIT_MESSAGE`.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_list_resources(mcp_client *client,
                              const mcp_options *options,
                              mcp_json **result,
                              mcp_error **error);

/**
 * Lists one page of the server's resources: an object with "resources". Pass NULL as `cursor` for
 * the first page, and the "nextCursor" of a page for the page after it. A page without
 * "nextCursor" is the last; "" is a valid cursor. The caller must detect a cursor that repeats.
 *
 * On success `*page` is set to the object, which the caller frees with `mcp_json_free`; on failure
 * to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_list_resources_page(mcp_client *client,
                                   const char *cursor,
                                   const mcp_options *options,
                                   mcp_json **page,
                                   mcp_error **error);

/**
 * Lists the resource templates of the server: an object with "resourceTemplates", an array with
 * the elements of all pages. Each template has a "name" and a "uriTemplate", from which the URIs
 * of resources are built (RFC 6570).
 *
 * A page whose "nextCursor" was already used is the last one, and a warning is logged. Returns
 * `MCP_ENDLESS` for more than 10,000 pages, and `MCP_TOO_LARGE` if all pages together exceed
 * `MCP_LIMIT_MESSAGE`.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_list_resource_templates(mcp_client *client,
                                       const mcp_options *options,
                                       mcp_json **result,
                                       mcp_error **error);

/**
 * Lists one page of the server's resource templates: an object with "resourceTemplates". Pass NULL
 * as `cursor` for the first page, and the "nextCursor" of a page for the page after it. A page
 * without "nextCursor" is the last; "" is a valid cursor. The caller must detect a cursor that
 * repeats.
 *
 * On success `*page` is set to the object, which the caller frees with `mcp_json_free`; on failure
 * to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_list_resource_templates_page(mcp_client *client,
                                            const char *cursor,
                                            const mcp_options *options,
                                            mcp_json **page,
                                            mcp_error **error);

/**
 * Reads a resource. The result is an object with "contents", an array; each element has a "uri",
 * optionally a "mimeType", and either "text" or "blob", which is base64 (`mcp_json_copy_base64`).
 *
 * Returns `MCP_RPC_ERROR` if the resource does not exist, with code -32602, or -32002 on servers
 * up to 2025-11-25.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
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
 * Lists the prompts of the server: an object with "prompts", an array with the elements of all
 * pages. Each prompt has a "name", and optionally "arguments" (specification 2026-07-28,
 * "Prompts").
 *
 * A page whose "nextCursor" was already used is the last one, and a warning is logged. Returns
 * `MCP_ENDLESS` for more than 10,000 pages, and `MCP_TOO_LARGE` if all pages together exceed
 * `MCP_LIMIT_MESSAGE`.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_list_prompts(mcp_client *client,
                            const mcp_options *options,
                            mcp_json **result,
                            mcp_error **error);

/**
 * Lists one page of the server's prompts: an object with "prompts". Pass NULL as `cursor` for the
 * first page, and the "nextCursor" of a page for the page after it. A page without "nextCursor" is
 * the last; "" is a valid cursor. The caller must detect a cursor that repeats.
 *
 * On success `*page` is set to the object, which the caller frees with `mcp_json_free`; on failure
 * to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_list_prompts_page(mcp_client *client,
                                 const char *cursor,
                                 const mcp_options *options,
                                 mcp_json **page,
                                 mcp_error **error);

/**
 * Gets a prompt with its arguments filled in: an object with "messages", an array; each message has
 * a "role" and a "content". `arguments` is the text, of `length` bytes, of a JSON object whose
 * values are strings; it is NUL-terminated if `length` is `MCP_NUL_TERMINATED`. NULL means none.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_get_prompt(mcp_client *client,
                          const char *name,
                          const char *arguments,
                          size_t length,
                          const mcp_options *options,
                          mcp_json **result,
                          mcp_error **error);

/**
 * Gets completions for an argument of a prompt. `prompt` and `argument` are their names, `value` is
 * what the user has entered so far. `context` is the text, of `length` bytes, of a JSON object with
 * the arguments that are already known; it is NUL-terminated if `length` is `MCP_NUL_TERMINATED`.
 * NULL means none.
 *
 * The result is an object whose "completion" has "values", an array of at most 100 strings, and
 * optionally "total" and "hasMore" (specification 2026-07-28, "Completion").
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_complete_prompt(mcp_client *client,
                               const char *prompt,
                               const char *argument,
                               const char *value,
                               const char *context,
                               size_t length,
                               const mcp_options *options,
                               mcp_json **result,
                               mcp_error **error);

/**
 * Gets completions for an argument of a resource template. `uri_template` is the "uriTemplate" of
 * the template, `argument` the name of a variable in it, and `value` what the user has entered so
 * far. `context` is the text, of `length` bytes, of a JSON object with the arguments that are
 * already known; it is NUL-terminated if `length` is `MCP_NUL_TERMINATED`. NULL means none.
 *
 * The result is the same object as that of `mcp_complete_prompt`.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_complete_resource(mcp_client *client,
                                 const char *uri_template,
                                 const char *argument,
                                 const char *value,
                                 const char *context,
                                 size_t length,
                                 const mcp_options *options,
                                 mcp_json **result,
                                 mcp_error **error);

/* ============================================================================================== */
/* Server requests                                                                                */
/* ============================================================================================== */

/**
 * The argument of a handler: describes the server's request, and receives the response. It is
 * valid until the handler returns, or until `mcp_input_free` if the handler called
 * `mcp_input_defer`. It is used by one thread at a time, except for `mcp_input_is_over`.
 *
 * Since 0.1.0.
 */
typedef struct mcp_input mcp_input;

/**
 * Responds to a request of the server: to an elicitation with `mcp_input_accept`,
 * `mcp_input_decline` or `mcp_input_cancel`, to any request with `mcp_input_respond` or
 * `mcp_input_fail`. The last response before the handler returns counts; after `mcp_input_defer`,
 * the first. A handler that sets no response cancels an elicitation, and fails any other request.
 *
 * A handler that asks a person may wait for the answer, or call `mcp_input_defer` and return (and
 * `mcp_input_set_over`, to close the dialog): the program then responds later, from any thread. The
 * call that needs the input waits meanwhile, and ends within 50 ms if it is cancelled or its client
 * is closed; `mcp_input_set_over` reports that.
 *
 * It runs in `mcp_queue_dispatch` if the call is queued, or if the request belongs to no call and
 * the client has a queue (`mcp_set_queue`); otherwise on a thread of the library. Never on the
 * thread of a call. It may run on several threads at the same time, with no lock held, and may use
 * the library. Its time, and that of a deferred answer, do not count against any timeout: see
 * `mcp_set_input_timeout`. It must not throw an exception or call longjmp.
 *
 * At most 32 requests of one client are open. For further ones, a legacy server receives an error;
 * with a modern server the call fails with `MCP_INPUT_FAILED`.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_input_fn)(void *userdata, struct mcp_input *MCP_NONNULL input);

/**
 * Sets the handler for elicitations, which asks the user for input (specification 2026-07-28,
 * "Elicitation"). The parameters have a "message", and either a "requestedSchema", the JSON schema
 * of a form, or "mode" = "url" and a "url" for the user to open. Show which server asks, let the
 * user decline, and open no URL without consent.
 *
 * NULL removes the handler (the default). Without it, the client does not declare to the server
 * that it supports elicitation. `userdata` is passed to the handler, and to `destroy` (which may
 * be NULL) when it is no longer needed: see `mcp_destroy_fn`.
 *
 * Returns `MCP_MISUSE` after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_elicitation(mcp_client *client,
                               mcp_input_fn handler,
                               void *userdata,
                               mcp_destroy_fn destroy,
                               mcp_error **error);

/**
 * Sets the handler for sampling, which asks the application's language model (specification
 * 2026-07-28, "Sampling"). The parameters have "messages", "maxTokens" and more, optionally
 * "tools". The response (`mcp_input_respond`) is an object with "role", "content", "model" and
 * optionally "stopReason". Let the user see the request and the response, and refuse either.
 *
 * NULL removes the handler (the default). Without it, the client does not declare to the server
 * that it supports sampling. `userdata` is passed to the handler, and to `destroy` (which may be
 * NULL) when it is no longer needed: see `mcp_destroy_fn`.
 *
 * Returns `MCP_MISUSE` after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_sampling(mcp_client *client,
                            mcp_input_fn handler,
                            void *userdata,
                            mcp_destroy_fn destroy,
                            mcp_error **error);

/**
 * Sets the handler that lists the folders that the server may use (specification 2026-07-28,
 * "Roots"). The response (`mcp_input_respond`) is an object with "roots", an array; each root has
 * a "uri" that begins with "file://", and optionally a "name". If the folders change, notify a
 * legacy server with `mcp_notify` and "notifications/roots/list_changed".
 *
 * NULL removes the handler (the default). Without it, the client does not declare to the server
 * that it supports roots. `userdata` is passed to the handler, and to `destroy` (which may be
 * NULL) when it is no longer needed: see `mcp_destroy_fn`.
 *
 * Returns `MCP_MISUSE` after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_roots(mcp_client *client,
                         mcp_input_fn handler,
                         void *userdata,
                         mcp_destroy_fn destroy,
                         mcp_error **error);

/**
 * Limits the time for the answer to each request of the server, in milliseconds; 0 means no limit
 * (the default), because a person may take long. When it has passed, the server gets the same
 * response as from a handler that gives none.
 *
 * Returns `MCP_MISUSE` after the first call.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_input_timeout(mcp_client *client, uint64_t timeout_ms, mcp_error **error);

/**
 * Returns the method of the request: "elicitation/create", "sampling/createMessage" or
 * "roots/list"; NULL for NULL.
 *
 * The result is valid as long as the input. Since 0.1.0.
 */
const char *mcp_input_method(const mcp_input *input);

/**
 * Returns the parameters of the request, an object; NULL for NULL.
 *
 * The result is valid as long as the input, and must not be freed separately. Since 0.1.0.
 */
const mcp_json *mcp_input_params(const mcp_input *input);

/**
 * Returns the name of the client whose server asks: show it to the user. By default it is the host
 * of the server's URL, or the program. NULL for NULL.
 *
 * The result is valid as long as the input. Since 0.1.0.
 */
const char *mcp_input_client_name(const mcp_input *input);

/**
 * Returns the pointer that `mcp_options_set_call_data` has set on the options of the call that
 * needs the input; NULL if there is none, if the request belongs to no call, and for NULL. Over
 * HTTP+SSE and stdio, a legacy server does not say which call its request is for: the call is the
 * oldest one that waits for a response, and has no other request to handle.
 *
 * The object is valid as long as the input. Since 0.1.0.
 */
void *mcp_input_call_data(const mcp_input *input);

/**
 * Returns whether a response would be too late: the request has ended, for a reason that
 * `mcp_over_fn` lists. False for NULL, and after a response that was in time.
 *
 * Thread-safe. Since 0.1.0.
 */
bool mcp_input_is_over(const mcp_input *input);

/**
 * Takes over the input: called in the handler, it keeps the input valid after the handler has
 * returned. The program responds later, from any thread, with one of the functions for that, and
 * then frees the input with `mcp_input_free`. The first response counts; one that the handler has
 * set before is final.
 *
 * Returns `MCP_MISUSE` if it was deferred before, and the status by which the request has ended, if
 * it has: the input stays valid only until the handler returns.
 *
 * Since 0.1.0.
 */
mcp_status mcp_input_defer(mcp_input *input, mcp_error **error);

/**
 * Frees a deferred input; NULL is ignored, and so is an input that was not deferred. Without a
 * response before, the server gets the same as from a handler that gives none. A callback of
 * `mcp_input_set_over` does not run any more.
 *
 * Since 0.1.0.
 */
void mcp_input_free(mcp_input *input);

/**
 * Sets a callback for the end of a request without an answer. NULL removes it. If the request has
 * ended already, the callback is called at once; in a queue, by the next `mcp_queue_dispatch`.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Since 0.1.0.
 */
mcp_status mcp_input_set_over(mcp_input *input,
                              mcp_over_fn over,
                              void *userdata,
                              mcp_destroy_fn destroy,
                              mcp_error **error);

/**
 * Accepts an elicitation. `content` contains the fields that the user filled in: the text of a JSON
 * object of `length` bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`. Missing fields
 * get the defaults of the schema, if there are any. NULL means no fields, as for "mode" = "url".
 *
 * Returns `MCP_INVALID_ARGUMENT` if `content` is not a JSON object, and `MCP_MISUSE` if the
 * request is not an elicitation.
 *
 * If the request has ended, returns the status by which it has; nothing is sent. Returns
 * `MCP_MISUSE` if it was deferred and answered before.
 *
 * Since 0.1.0.
 */
mcp_status mcp_input_accept(mcp_input *input,
                            const char *content,
                            size_t length,
                            mcp_error **error);

/**
 * Declines an elicitation: the user refused.
 *
 * Returns `MCP_MISUSE` if the request is not an elicitation.
 *
 * If the request has ended, returns the status by which it has; nothing is sent. Returns
 * `MCP_MISUSE` if it was deferred and answered before.
 *
 * Since 0.1.0.
 */
mcp_status mcp_input_decline(mcp_input *input, mcp_error **error);

/**
 * Cancels an elicitation: the user made no choice.
 *
 * Returns `MCP_MISUSE` if the request is not an elicitation.
 *
 * If the request has ended, returns the status by which it has; nothing is sent. Returns
 * `MCP_MISUSE` if it was deferred and answered before.
 *
 * Since 0.1.0.
 */
mcp_status mcp_input_cancel(mcp_input *input, mcp_error **error);

/**
 * Responds with a complete result: the text of a JSON object of `length` bytes, or NUL-terminated
 * if `length` is `MCP_NUL_TERMINATED`.
 *
 * Returns `MCP_INVALID_ARGUMENT`, and sets no response, if it is not an object or lacks a required
 * member: "action" ("accept", "decline" or "cancel") for an elicitation; "role", "content" and
 * "model" for sampling; "roots" for roots.
 *
 * If the request has ended, returns the status by which it has; nothing is sent. Returns
 * `MCP_MISUSE` if it was deferred and answered before.
 *
 * Since 0.1.0.
 */
mcp_status mcp_input_respond(mcp_input *input,
                             const char *result,
                             size_t length,
                             mcp_error **error);

/**
 * Reports that there is no response. A legacy server receives a JSON-RPC error with `code` and
 * `message`, and the call continues; with a modern server the call fails with `MCP_INPUT_FAILED`.
 * Use -1 if the user refused (specification 2026-07-28, "Sampling": Error Handling), and -32603
 * for a failure.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `message` is NULL or not UTF-8.
 *
 * If the request has ended, returns the status by which it has; nothing is sent. Returns
 * `MCP_MISUSE` if it was deferred and answered before.
 *
 * Since 0.1.0.
 */
mcp_status mcp_input_fail(mcp_input *input,
                          int64_t code,
                          const char *message,
                          mcp_error **error);

/**
 * Reports that there is no response, as `mcp_input_fail` does, and attaches an object of the
 * application, such as a caught exception. `mcp_error_cause` returns it from the error of a call of
 * a modern server.
 *
 * `destroy`, which may be NULL, is called with `cause` when no error refers to it any more;
 * immediately if this function fails.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `message` is NULL or not UTF-8; otherwise as `mcp_input_fail`.
 *
 * Since 0.1.0.
 */
mcp_status mcp_input_fail_with(mcp_input *input,
                               int64_t code,
                               const char *message,
                               void *cause,
                               mcp_destroy_fn destroy,
                               mcp_error **error);

/* ============================================================================================== */
/* Change notifications                                                                           */
/* ============================================================================================== */

/**
 * The changes that `mcp_listen` can receive; combine several with `|`.
 *
 * Since 0.1.0.
 */
typedef enum mcp_change {
  /**
   * The list of tools changed.
   */
  MCP_CHANGE_TOOLS = 1,
  /**
   * The list of prompts changed.
   */
  MCP_CHANGE_PROMPTS = 2,
  /**
   * The list of resources changed.
   */
  MCP_CHANGE_RESOURCES = 4,
} mcp_change;

/**
 * Receives a change. `method` is "notifications/tools/list_changed",
 * "notifications/prompts/list_changed", "notifications/resources/list_changed", or
 * "notifications/resources/updated" with the "uri" of the resource in `params`. `params` is NULL
 * if the server sends none. Both are valid until the callback returns.
 *
 * It runs in `mcp_queue_dispatch` if the call is queued, and otherwise on the thread that called
 * `mcp_listen`. No lock is held. It may use the library, and
 * make calls on the same client. It must not throw an exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_change_fn)(void *userdata, const char *MCP_NONNULL method, const mcp_json *params);

/**
 * Receives change notifications. It lasts until it is cancelled, the client is closed, or the
 * connection cannot be re-established: without a queue in the options, it needs a thread of the
 * application. `changes` is a
 * combination of `mcp_change` values, or 0. `uris` contains the URIs of resources whose updates to
 * report, followed by NULL; or it is NULL. A server may report only some of these changes; a debug
 * message in the log says which ones a modern server grants.
 *
 * With a modern server this is a subscription (specification 2026-07-28, "Subscriptions"); with a
 * legacy one `resources/subscribe` and the server event stream.
 *
 * If the connection breaks, it is re-established after growing delays, until five attempts in a
 * row have failed; changes during the interruption are not reported. If a server refuses the
 * stream because it has not noticed the end of the old one (HTTP 409), the client retries for
 * about two minutes, and then opens a new session.
 *
 * `options` may be NULL; their timeout and idle timeout apply only until the stream is first open.
 * `change` must not be NULL. `userdata` is passed to it, and to `destroy` (which may be NULL) when
 * the call has ended: see `mcp_destroy_fn`.
 *
 * Returns `MCP_OK` if the server ended the subscription properly, `MCP_CANCELLED` after
 * `mcp_cancel_trigger`, `MCP_CLOSED` after `mcp_client_close`, `MCP_INVALID_ARGUMENT` if there is
 * nothing to listen for, and another status if no changes can be received.
 *
 * Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_listen(mcp_client *client,
                      uint32_t changes,
                      const char *const *uris,
                      mcp_change_fn change,
                      void *userdata,
                      mcp_destroy_fn destroy,
                      const mcp_options *options,
                      mcp_error **error);

/* ============================================================================================== */
/* Log messages and notifications of the server                                                   */
/* ============================================================================================== */

/**
 * Receives a log message of the server: an object with "level", "data", and optionally "logger"
 * (specification 2026-07-28, "Logging"). It is valid until the callback returns.
 *
 * It runs on the thread of the call whose response carried the message; if the message belongs to
 * no call, on a reader thread of the library. It may run on several threads at the same time, with
 * no lock held. It may use the library, but on a reader thread must not make calls on this client
 * (`MCP_MISUSE`). Its time does not count against any timeout. It must not throw an exception or
 * call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_server_log_fn)(void *userdata, const mcp_json *MCP_NONNULL message);

/**
 * Receives a notification of the server. `params` is NULL if it has none. Both are valid until the
 * callback returns. Where it runs, and what it may do: see `mcp_server_log_fn`.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_notification_fn)(void *userdata, const char *MCP_NONNULL method, const mcp_json *params);

/**
 * Sets the callback that receives the log messages of the server; those of the library go to
 * `mcp_set_log`. NULL discards them (the default).
 *
 * Most servers send none before `mcp_request_server_log`. Over Streamable HTTP, a legacy server
 * sends messages that belong to no call on the server event stream. It is opened by the first
 * call, if this callback or a handler is set by then; else by `mcp_request_server_log`.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Thread-safe; takes effect with the next message. Since 0.1.0.
 */
mcp_status mcp_set_server_log(mcp_client *client,
                              mcp_server_log_fn log,
                              void *userdata,
                              mcp_destroy_fn destroy,
                              mcp_error **error);

/**
 * Sets the callback that receives all notifications of the server, also those of extensions, and
 * those that other callbacks receive, such as progress, log messages and changes; it runs before
 * them:
 *
 * ```
 * static void notified(void *userdata, const char *MCP_NONNULL method, const mcp_json *params) {
 *     if (strcmp(method, "notifications/tasks/status") == 0)
 *         show_task(userdata, mcp_json_string(mcp_json_member(params, "status")));
 * }
 * mcp_set_notification(client, notified, window, NULL, &error);
 * ```
 *
 * NULL removes it (the default). A modern server sends changes only to `mcp_listen`. Over Streamable
 * HTTP, a legacy server sends notifications that belong to no call on the server event stream, which
 * the first call opens if this callback is set by then. Notifications with more than 1 MiB of
 * parameters are skipped, except log messages. If the application is slower than the server, the
 * oldest are lost: 256 of a call wait at most, and 256 in the queue of the client (`mcp_set_queue`).
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Thread-safe; takes effect with the next notification. Since 0.1.0.
 */
mcp_status mcp_set_notification(mcp_client *client,
                                mcp_notification_fn notification,
                                void *userdata,
                                mcp_destroy_fn destroy,
                                mcp_error **error);

/**
 * Requests the server's log messages of this level and above: "debug", "info", "notice",
 * "warning", "error", "critical", "alert" or "emergency". The level is sent to a legacy server
 * immediately, to a modern one with every later request.
 *
 * Returns `MCP_INVALID_ARGUMENT` for any other level, and `MCP_RPC_ERROR` if a legacy server has
 * no log.
 *
 * `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_request_server_log(mcp_client *client,
                                  const char *level,
                                  const mcp_options *options,
                                  mcp_error **error);

/* ============================================================================================== */
/* Raw requests                                                                                   */
/* ============================================================================================== */

/**
 * Sends any request, for example one of an extension, and returns its result unchanged. `params` is
 * the text of a JSON object of `length` bytes, or NUL-terminated if `length` is
 * `MCP_NUL_TERMINATED`; NULL means none. The library adds the "_meta" members that the protocol
 * version requires.
 *
 * The request is sent once: if it is not known whether the server executed it, it is not sent
 * again.
 *
 * On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
 * failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
 */
mcp_status mcp_request(mcp_client *client,
                       const char *method,
                       const char *params,
                       size_t length,
                       const mcp_options *options,
                       mcp_json **result,
                       mcp_error **error);

/**
 * Sends any notification, which has no response. `params` is the text of a JSON object of `length`
 * bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`; NULL means none.
 *
 * `options` may be NULL. It blocks until the server has accepted the notification; with a server
 * process, only until it is queued for the process. Thread-safe. Since 0.1.0.
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

/* The type mcp_options is described at the top. */

/**
 * Receives the progress of a call, and returns whether the call continues: false ends it with
 * `MCP_CANCELLED`, in the same way as a cancel token. `progress` increases with each notification;
 * `total` is its value at completion, or negative if the server does not know it; `message` is the
 * server's message, or NULL. The text is valid until the callback returns.
 *
 * It runs in `mcp_queue_dispatch` if the call is queued, and then receives only the newest
 * progress; otherwise on the thread of the call. No lock is held. It may use the library, and make
 * calls on the same client. Its time does not count against any timeout. It must not throw an
 * exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef bool (*mcp_progress_fn)(void *userdata, double progress, double total, const char *message);

/**
 * Creates options with the defaults, which the caller frees with `mcp_options_free`. The result is
 * never NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_options *MCP_NONNULL mcp_options_new(void);

/**
 * Returns a copy of options, for example of a template with headers and timeouts that a call adds
 * to; new options for NULL. The caller frees it with `mcp_options_free`. The result is never NULL.
 *
 * The copy has everything that was set, also the cancel token and the callbacks. Both share the
 * `userdata` of a callback: `destroy` runs when neither of them, nor a call, needs it.
 *
 * Several threads may copy the same options, while no thread changes them. Since 0.1.0.
 */
mcp_options *MCP_NONNULL mcp_options_copy(const mcp_options *options);

/**
 * Frees options; NULL is ignored. No blocking call may use them any more; calls of
 * queues have a copy.
 *
 * Since 0.1.0.
 */
void mcp_options_free(mcp_options *options);

/**
 * Sets the timeout of the call, in milliseconds; 0 means none. Default: the client's timeout
 * (`mcp_set_timeout`).
 *
 * No other thread may use the options meanwhile. Since 0.1.0.
 */
mcp_status mcp_options_set_timeout(mcp_options *options,
                                   uint64_t timeout_ms,
                                   mcp_error **error);

/**
 * Sets the idle timeout of the call, in milliseconds: the call fails with `MCP_TIMEOUT` if it
 * waits this long without receiving a byte or, while it sends, without being able to send one. 0
 * means none. Default: the client's idle timeout (`mcp_set_idle_timeout`).
 *
 * No other thread may use the options meanwhile. Since 0.1.0.
 */
mcp_status mcp_options_set_idle_timeout(mcp_options *options,
                                        uint64_t timeout_ms,
                                        mcp_error **error);

/**
 * Sets the token that can cancel the call; NULL removes it. The options keep a reference to the
 * token: the caller may free its own at any time.
 *
 * No other thread may use the options meanwhile. Since 0.1.0.
 */
mcp_status mcp_options_set_cancel(mcp_options *options,
                                  mcp_cancel *cancel,
                                  mcp_error **error);

/**
 * Requests progress notifications from the server, and sets the callback that receives them
 * (specification 2026-07-28, "Progress"). NULL requests none (the default).
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when neither the
 * options nor a call needs it: see `mcp_destroy_fn`.
 *
 * No other thread may use the options meanwhile. Since 0.1.0.
 */
mcp_status mcp_options_set_progress(mcp_options *options,
                                    mcp_progress_fn progress,
                                    void *userdata,
                                    mcp_destroy_fn destroy,
                                    mcp_error **error);

/**
 * Sets members of the "_meta" of the call's requests, for example a trace context ("traceparent").
 * `meta` is the text of a JSON object of `length` bytes, or NUL-terminated if `length` is
 * `MCP_NUL_TERMINATED`; NULL means none. They override the members that the library sets.
 *
 * Returns `MCP_INVALID_ARGUMENT` if `meta` is not a JSON object.
 *
 * No other thread may use the options meanwhile. Since 0.1.0.
 */
mcp_status mcp_options_set_meta(mcp_options *options,
                                const char *meta,
                                size_t length,
                                mcp_error **error);

/**
 * Sets a pointer to an object of the application, by which callbacks recognize the call: a window,
 * for example, in which they show a dialog. `mcp_input_call_data`, `mcp_auth_request_call_data`,
 * `mcp_oauth_request_call_data` and `mcp_oauth_assertion_call_data` return it. NULL means none (the
 * default).
 *
 * `destroy`, which may be NULL, is called with `data` when neither the options, nor a call, nor an
 * argument of a callback needs it: see `mcp_destroy_fn`.
 *
 * No other thread may use the options meanwhile. Since 0.1.0.
 */
mcp_status mcp_options_set_call_data(mcp_options *options,
                                     void *data,
                                     mcp_destroy_fn destroy,
                                     mcp_error **error);

/**
 * Sets a header for the HTTP requests of the call. It overrides a header of the same name of
 * `mcp_set_header`; "Authorization" also overrides the bearer token. A NULL `value` removes the
 * header from the options: that of the client is then sent. With a server process, headers are
 * ignored.
 *
 * Returns `MCP_INVALID_ARGUMENT` for a name or a value that `mcp_set_header` does not accept.
 *
 * No other thread may use the options meanwhile. Since 0.1.0.
 */
mcp_status mcp_options_set_header(mcp_options *options,
                                  const char *name,
                                  const char *value,
                                  mcp_error **error);

/* ============================================================================================== */
/* Cancellation                                                                                   */
/* ============================================================================================== */

/* The type mcp_cancel is described at the top. */

/**
 * Creates a token, which the caller frees with `mcp_cancel_free`. The result is never NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_cancel *MCP_NONNULL mcp_cancel_new(void);

/**
 * Triggers a token; NULL is ignored. A second call has no effect.
 *
 * Thread-safe. It may also be called from a signal handler: it is async-signal-safe and preserves
 * errno. Since 0.1.0.
 */
void mcp_cancel_trigger(mcp_cancel *cancel);

/**
 * Returns whether a token is triggered; false for NULL.
 *
 * Thread-safe. It may also be called from a signal handler. Since 0.1.0.
 */
bool mcp_cancel_is_triggered(const mcp_cancel *cancel);

/**
 * Makes a triggered token usable again, for later calls and for options that contain it; NULL is
 * ignored. For a program that cancels the current call on Ctrl-C, and continues: the signal
 * handler triggers the token, and the program resets it when the call has returned.
 *
 * Reset it when all calls that it cancels have returned: a call that has not noticed the trigger
 * yet continues. If another thread triggers it at the same time, it is triggered or not afterwards.
 *
 * Thread-safe, but not for signal handlers. Since 0.1.0.
 */
void mcp_cancel_reset(mcp_cancel *cancel);

/**
 * Frees the caller's reference to a token; NULL is ignored. Options and calls that contain the
 * token keep it alive. The caller must make sure that no thread is about to trigger it.
 *
 * Since 0.1.0.
 */
void mcp_cancel_free(mcp_cancel *cancel);

/* ============================================================================================== */
/* Queues for event loops                                                                         */
/* ============================================================================================== */

/**
 * A time without limit, for `mcp_queue_dispatch`.
 *
 * Since 0.1.0.
 */
#define MCP_FOREVER UINT64_MAX

/* The type mcp_queue is described at the top. */

/**
 * Wakes the program's loop. It is called on any thread, and must only wake the loop: it must not wait
 * for anything, such as a lock that another thread holds while it dispatches.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_wakeup_fn)(void *userdata);

/**
 * Receives the end of a call. `status` is `MCP_OK` or the failure. `result` is what the call's
 * output parameter would be, or NULL; `error` describes a failure, or is NULL. Both are valid until
 * the callback returns: keep them with `mcp_json_copy` and `mcp_error_copy`. A tool may have failed
 * although the call succeeded (`mcp_tool_result_is_error`).
 *
 * It runs exactly once for each call that returned `MCP_PENDING`, in `mcp_queue_dispatch`, after
 * the last progress of the call; only `mcp_queue_free` drops it. It must not throw an exception or
 * call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_done_fn)(void *userdata,
                            int32_t status,
                            const mcp_json *result,
                            const mcp_error *error);

/**
 * Creates a queue, which the caller frees with `mcp_queue_free`. Returns NULL with
 * `MCP_SYSTEM_ERROR` if no file descriptor is available.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_queue *mcp_queue_new(mcp_error **error);

/**
 * Frees a queue; NULL is ignored. Its calls are cancelled and their ends are not delivered: only
 * `destroy` runs for each (`mcp_options_set_queue`). To see the ends, call `mcp_queue_stop`, and
 * dispatch until `mcp_queue_pending` is 0. Options that contain the queue stay valid; a call with
 * them returns `MCP_CLOSED`.
 *
 * It waits for the queue's threads, which end within milliseconds. In a callback of the queue it
 * returns at once: the queue is freed when the outermost `mcp_queue_dispatch` returns, and nothing
 * else is delivered. No other thread may use the queue any more. Since 0.1.0.
 */
void mcp_queue_free(mcp_queue *queue);

/**
 * Returns the queue's file descriptor, which is readable only while something is due: poll it for
 * reading, and do nothing else with it. It works level-triggered and edge-triggered. Remove it from
 * the loop before `mcp_queue_free`, which closes it. Returns -1 for NULL and after `fork`.
 *
 * Thread-safe. Since 0.1.0.
 */
int mcp_queue_fd(const mcp_queue *queue);

/**
 * Sets a function that wakes the loop, for loops that cannot wait for a file descriptor. It is
 * called each time a callback becomes due while none was, at the end of a dispatch that leaves
 * callbacks, and at once if some are due. NULL removes it (the default).
 *
 * `userdata` is passed to it, and to `destroy` (which may be NULL) when it is no longer needed: see
 * `mcp_destroy_fn`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_queue_set_wakeup(mcp_queue *queue,
                                mcp_wakeup_fn wakeup,
                                void *userdata,
                                mcp_destroy_fn destroy,
                                mcp_error **error);

/**
 * Runs the callbacks that are due when it begins: progress, handlers, and the ends of calls. What
 * they add waits for the next time, so that the loop cannot starve. If nothing is due, it waits for
 * at most `wait_ms` milliseconds: 0 does not wait, `MCP_FOREVER` waits without limit, also if no
 * call is pending. A callback may dispatch its queue: that continues with the next callback.
 *
 * Returns `MCP_OK`, also if nothing was due; `MCP_MISUSE` if another thread dispatches the queue,
 * or after `fork`. Any thread may call it, one at a time.
 *
 * Since 0.1.0.
 */
mcp_status mcp_queue_dispatch(mcp_queue *queue, uint64_t wait_ms, mcp_error **error);

/**
 * Cancels the calls of the queue whose `userdata` (`mcp_options_set_queue`) is this pointer, and
 * returns how many that are. They end at once with `MCP_CANCELLED`, which the next
 * `mcp_queue_dispatch` delivers; the servers are notified as with a cancel token. Calls that wait
 * for a thread are cancelled, too. A call that has ended and is not delivered yet keeps its result
 * and does not count. NULL cancels the calls whose `userdata` is NULL. Returns 0 for a NULL `queue`
 * and after `fork`.
 *
 * Thread-safe. Since 0.1.0.
 */
size_t mcp_queue_cancel(mcp_queue *queue, const void *userdata);

/**
 * Cancels all calls of the queue, and makes it take no more: a new call returns `MCP_CLOSED`.
 * Returns how many calls are still to be delivered: dispatch until `mcp_queue_pending` is 0.
 * Returns 0 for NULL and after `fork`.
 *
 * Thread-safe. Since 0.1.0.
 */
size_t mcp_queue_stop(mcp_queue *queue);

/**
 * Returns the number of calls whose end was not delivered yet; in a `mcp_done_fn`, its own call
 * does not count. Returns 0 for NULL and after `fork`.
 *
 * Thread-safe. Since 0.1.0.
 */
size_t mcp_queue_pending(const mcp_queue *queue);

/**
 * Sets how many calls of the queue run at the same time (default: 64); more calls wait. Not
 * counted are calls that wait for a person, `mcp_listen`, and `mcp_client_close`.
 *
 * Returns `MCP_INVALID_ARGUMENT` for 0.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_queue_set_threads(mcp_queue *queue, uint32_t threads, mcp_error **error);

/**
 * Delivers the callbacks of a client that belong to no call in `mcp_queue_dispatch`: log messages
 * of the library (`mcp_set_log`) and of the server, notifications (`mcp_set_notification`), and
 * requests of the server (`mcp_input_fn`). NULL runs them on threads of the library again (the
 * default). Of log messages and notifications that wait, the newest 256 are kept. Nothing of a
 * client is delivered after the end of its `mcp_client_close`. It does not queue the calls of the
 * client: see `mcp_options_set_queue`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_set_queue(mcp_client *client, mcp_queue *queue, mcp_error **error);

/**
 * Lets the calls with these options return `MCP_PENDING` at once, and delivers their ends to `done`
 * in `mcp_queue_dispatch`: see `mcp_queue`. NULL as `queue` makes calls block again (the default).
 * `done` may be NULL. Calls with different `userdata` need different options (`mcp_options_copy`).
 *
 * `userdata` is passed to `done`, identifies the calls for `mcp_queue_cancel`, and is passed to
 * `destroy` (which may be NULL) when neither the options nor a call needs it: see
 * `mcp_destroy_fn`. If the same `userdata` is used for progress, only this function needs a
 * `destroy`: it runs last.
 *
 * No other thread may use the options meanwhile. Since 0.1.0.
 */
mcp_status mcp_options_set_queue(mcp_options *options,
                                 mcp_queue *queue,
                                 mcp_done_fn done,
                                 void *userdata,
                                 mcp_destroy_fn destroy,
                                 mcp_error **error);

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
   * There is no value: the pointer is NULL. Not the same as null.
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
   * A number, with or without a fraction.
   */
  MCP_JSON_NUMBER = 3,
  /**
   * A string.
   */
  MCP_JSON_STRING = 4,
  /**
   * An array of elements.
   */
  MCP_JSON_ARRAY = 5,
  /**
   * An object: members, each with a key.
   */
  MCP_JSON_OBJECT = 6,
} mcp_json_type;

/* The type mcp_json is described at the top. */

/**
 * Creates a document from a text of `length` bytes, or a NUL-terminated text if `length` is
 * `MCP_NUL_TERMINATED`. The text is copied.
 *
 * Returns the document, which the caller frees with `mcp_json_free`. Returns NULL on failure, with
 * `MCP_INVALID_JSON` if the text is not JSON (RFC 8259), or `MCP_INVALID_ARGUMENT` if it is NULL
 * or not UTF-8.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_json *mcp_json_parse(const char *text, size_t length, mcp_error **error);

/**
 * Frees a document and everything that was borrowed from it; NULL is ignored. It has no effect on
 * a value inside a document.
 *
 * No thread may use the document any more. Since 0.1.0.
 */
void mcp_json_free(mcp_json *json);

/**
 * Returns a document that has the same content as a value, to keep a borrowed value for longer
 * than its document exists; NULL for NULL. The caller frees it with `mcp_json_free`.
 *
 * Nothing is parsed again. The copy shares the text of the document that the value is in, and keeps
 * all of it in memory: to keep a small part of a large result, use `mcp_json_parse` with the text
 * of `mcp_json_raw`.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_json *mcp_json_copy(const mcp_json *json);

/**
 * Returns the type of a value; `MCP_JSON_MISSING` for NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_json_type mcp_json_type_of(const mcp_json *json);

/**
 * Returns the number of elements of an array, or of members of an object; 0 for any other value.
 *
 * Thread-safe. Since 0.1.0.
 */
size_t mcp_json_size(const mcp_json *json);

/**
 * Returns the member of an object with this name; NULL if there is none, or if `json` is not an
 * object. Takes time proportional to the number of members.
 *
 * The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const mcp_json *mcp_json_member(const mcp_json *json, const char *name);

/**
 * Returns the value at a JSON pointer, such as "/content/0/text" (RFC 6901: in a name, ~1 stands
 * for a slash and ~0 for a tilde); "" is `json` itself. NULL if there is no such value, or if the
 * pointer is malformed.
 *
 * The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const mcp_json *mcp_json_pointer(const mcp_json *json, const char *pointer);

/**
 * Returns the element of an array at this index, from 0; NULL if there is none, or if `json` is
 * not an array. Takes time proportional to the index: to visit all elements, use `mcp_json_first`
 * and `mcp_json_next`.
 *
 * The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const mcp_json *mcp_json_element(const mcp_json *json, size_t index);

/**
 * Returns the first element of an array or the first member of an object; NULL if there is none.
 *
 *     for (const mcp_json *tool = mcp_json_first(tools); tool; tool = mcp_json_next(tool))
 *
 * The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const mcp_json *mcp_json_first(const mcp_json *json);

/**
 * Returns the element or member after `child`, in the order of the document; NULL after the last
 * one, or if `child` is a document.
 *
 * The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const mcp_json *mcp_json_next(const mcp_json *child);

/**
 * Returns the key of a member, decoded and NUL-terminated; NULL if `child` is not a member. An
 * embedded NUL and an unpaired surrogate are shown as U+FFFD.
 *
 * The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const char *mcp_json_key(const mcp_json *child);

/**
 * Reads true or false into `*value`, which is not changed on failure.
 *
 * Returns `MCP_JSON_MISMATCH` if the value is neither, or NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_json_bool(const mcp_json *json, bool *value, mcp_error **error);

/**
 * Reads an integer in any notation into `*value`, which is not changed on failure: 5, 5.0 and
 * 50e-1 are all 5.
 *
 * Returns `MCP_JSON_MISMATCH` if the value is not a number, or NULL; `MCP_JSON_RANGE` if it has a
 * fraction or does not fit.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_json_int64(const mcp_json *json, int64_t *value, mcp_error **error);

/**
 * Reads an integer from 0 to 2^64 - 1, in any notation, into `*value`, which is not changed on
 * failure.
 *
 * Returns `MCP_JSON_MISMATCH` if the value is not a number, or NULL; `MCP_JSON_RANGE` if it has a
 * fraction or does not fit.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_json_uint64(const mcp_json *json, uint64_t *value, mcp_error **error);

/**
 * Reads a number as the nearest double into `*value`, which is not changed on failure.
 *
 * Returns `MCP_JSON_MISMATCH` if the value is not a number, or NULL; `MCP_JSON_RANGE` if it is
 * larger than any double.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_json_double(const mcp_json *json, double *value, mcp_error **error);

/**
 * Returns the JSON text of the value as the server sent it; a string includes its quotes and
 * escapes. The text is not NUL-terminated: `*length`, if `length` is not NULL, is set to its
 * length in bytes. For NULL it returns NULL and length 0.
 *
 * The result is not a copy: it is valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const char *mcp_json_raw(const mcp_json *json, size_t *length);

/**
 * Returns the JSON text of the value as `mcp_json_raw` does, but NUL-terminated: it can be printed,
 * or passed to a function that accepts `MCP_NUL_TERMINATED`. NULL for NULL.
 *
 * The result is copied once, and valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const char *mcp_json_text(const mcp_json *json);

/**
 * Returns the text of a string, decoded and NUL-terminated; NULL if the value is not a string.
 *
 * An unpaired surrogate, which some servers send when they cut a text in the middle of an emoji,
 * becomes U+FFFD, here and in every decoded text; `mcp_json_raw` returns the escape as it was
 * sent. An embedded NUL is also shown as U+FFFD, because in C it would end the text;
 * `mcp_json_copy_string` returns it unchanged.
 *
 * The result is created once, and valid as long as the document exists. Thread-safe. Since 0.1.0.
 */
const char *mcp_json_string(const mcp_json *json);

/**
 * Copies the decoded text of a string to `buffer`, which has `capacity` bytes, and adds a NUL.
 * `*length` (`length` may be NULL) is set to the length of the text in bytes, without that NUL. An
 * unpaired surrogate becomes U+FFFD.
 *
 * If the buffer is too small, the function returns `MCP_BUFFER_TOO_SMALL`, sets `*length` too, and
 * writes nothing to the buffer: `*length` + 1 bytes are required. To get only the length, pass
 * NULL and capacity 0: the result is then `MCP_BUFFER_TOO_SMALL`.
 *
 * Returns `MCP_JSON_MISMATCH` if the value is not a string, or NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_json_copy_string(const mcp_json *json,
                                char *buffer,
                                size_t capacity,
                                size_t *length,
                                mcp_error **error);

/**
 * Decodes a string that contains base64 (RFC 4648, section 4), such as the "blob" of a resource or
 * the "data" of an image, to `buffer`, which has `capacity` bytes. `*length` (`length` may be
 * NULL) is set to the number of bytes. No NUL is added.
 *
 * If the buffer is too small, the function returns `MCP_BUFFER_TOO_SMALL`, sets `*length` too, and
 * writes nothing to the buffer. To get only the length, pass NULL and capacity 0: the result is
 * then `MCP_BUFFER_TOO_SMALL`, or `MCP_OK` if there are no bytes.
 *
 * Returns `MCP_JSON_MISMATCH` if the value is not a string, or NULL; `MCP_JSON_RANGE` if it is not
 * base64.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_json_copy_base64(const mcp_json *json,
                                void *buffer,
                                size_t capacity,
                                size_t *length,
                                mcp_error **error);

/* ============================================================================================== */
/* Writing JSON                                                                                   */
/* ============================================================================================== */

/**
 * `mcp_writer` writes JSON text: the arguments of a tool, or other JSON for a function of the
 * library. It adds commas, colons and escapes.
 *
 *     mcp_writer *writer = mcp_writer_new();
 *     mcp_writer_begin_object(writer, NULL);
 *     mcp_writer_string(writer, "name", name, MCP_NUL_TERMINATED);
 *     mcp_writer_begin_array(writer, "tags");
 *     for (size_t i = 0; i < count; i++)
 *       mcp_writer_string(writer, NULL, tags[i], MCP_NUL_TERMINATED);
 *     mcp_writer_end(writer);
 *     mcp_writer_end(writer);
 *     if (mcp_call_tool(client, "greet", mcp_writer_text(writer), mcp_writer_length(writer), NULL,
 *                       &result, &error) != MCP_OK)
 *       fprintf(stderr, "%s\n", mcp_error_message(error));
 *     mcp_writer_free(writer);
 *
 * `key` is the name of a member of an object: UTF-8 and NUL-terminated. It is NULL for an element
 * of an array, and for the outermost value. Whether a key occurs twice is not checked.
 *
 * The functions that write return nothing. The first error is kept, and what is written after it
 * is ignored: `mcp_writer_check` returns it. These are errors:
 *
 * - `MCP_INVALID_ARGUMENT`: a key is missing in an object, or present elsewhere; a second outermost
 *   value; an end without a beginning; NULL, or text that is not UTF-8; NaN or infinity; raw text
 *   that is not JSON.
 * - `MCP_TOO_LARGE`: the text is longer than 64 MiB, or more than 128 arrays and objects are open.
 * - `MCP_SYSTEM_ERROR`: there is no memory for the text.
 *
 * After an error, or if an array or object has not ended, the text is "". No function accepts that
 * as JSON: a call with it fails with `MCP_INVALID_ARGUMENT` and sends nothing.
 *
 * Only one thread may use a writer at a time. All functions accept NULL as the writer: they write
 * nothing, and the text is "".
 *
 * Since 0.1.0.
 */
typedef struct mcp_writer mcp_writer;

/**
 * Creates a writer, which the caller frees with `mcp_writer_free`. The result is never NULL.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_writer *MCP_NONNULL mcp_writer_new(void);

/**
 * Frees a writer and its text; NULL is ignored.
 *
 * Since 0.1.0.
 */
void mcp_writer_free(mcp_writer *writer);

/**
 * Removes the text and the error, so that the writer can write another value. Its memory is used
 * again.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_reset(mcp_writer *writer);

/**
 * Begins an object, which `mcp_writer_end` ends. The values written in between are its members, and
 * need a key.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_begin_object(mcp_writer *writer, const char *key);

/**
 * Begins an array, which `mcp_writer_end` ends. The values written in between are its elements, and
 * their key is NULL.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_begin_array(mcp_writer *writer, const char *key);

/**
 * Ends the array or object that began last and has not ended.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_end(mcp_writer *writer);

/**
 * Writes a string of `length` bytes of UTF-8, or NUL-terminated if `length` is
 * `MCP_NUL_TERMINATED`. A NUL inside of it is written as an escape. The text is copied.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_string(mcp_writer *writer, const char *key, const char *text, size_t length);

/**
 * Writes `length` bytes as a string in base64 (RFC 4648, section 4), such as the "blob" of a
 * resource or the "data" of an image. `bytes` may be NULL if `length` is 0.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_base64(mcp_writer *writer,
                       const char *key,
                       const void *bytes,
                       size_t length);

/**
 * Writes an integer.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_int64(mcp_writer *writer, const char *key, int64_t value);

/**
 * Writes an integer that is not negative. Many servers read integers above 2^53 inexactly.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_uint64(mcp_writer *writer, const char *key, uint64_t value);

/**
 * Writes a number with the fewest digits that are read back as the same double, such as 0.1, 1e300
 * or, for a whole number, 5. NaN and infinity are errors.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_double(mcp_writer *writer, const char *key, double value);

/**
 * Writes true or false.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_bool(mcp_writer *writer, const char *key, bool value);

/**
 * Writes null.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_null(mcp_writer *writer, const char *key);

/**
 * Writes a copy of a JSON value. NULL is an error: a value that is missing where it was expected is
 * not sent as null.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_json(mcp_writer *writer, const char *key, const mcp_json *value);

/**
 * Writes JSON text of `length` bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`: one
 * value of any type, with white space around it or not. It is an error if the text is not JSON.
 *
 * No other thread may use the writer meanwhile. Since 0.1.0.
 */
void mcp_writer_raw(mcp_writer *writer, const char *key, const char *json, size_t length);

/**
 * Returns `MCP_OK` if one value was written completely. Otherwise it returns the status of the
 * first error, or `MCP_INVALID_ARGUMENT` if nothing was written, or if an array or object has not
 * ended. The message says what is wrong, and after how many bytes of text.
 *
 * No other thread may write with the writer meanwhile. Since 0.1.0.
 */
mcp_status mcp_writer_check(const mcp_writer *writer, mcp_error **error);

/**
 * Returns the text of the value, NUL-terminated; "" if `mcp_writer_check` does not return
 * `MCP_OK`. `mcp_json_parse` makes a document of it.
 *
 * The result is never NULL. It is valid until the writer writes, is reset or freed. No other thread
 * may write with the writer meanwhile. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_writer_text(const mcp_writer *writer);

/**
 * Returns the length of the text in bytes, without its NUL.
 *
 * No other thread may write with the writer meanwhile. Since 0.1.0.
 */
size_t mcp_writer_length(const mcp_writer *writer);

/* ============================================================================================== */
/* Log messages of the library                                                                    */
/* ============================================================================================== */

/**
 * The severity of a log message of the library. A later version may add values.
 *
 * Since 0.1.0.
 */
typedef enum mcp_log_level {
  /**
   * A failure that no call reports.
   */
  MCP_LOG_ERROR = 1,
  /**
   * A danger or a probable mistake, such as a token sent over plain http.
   */
  MCP_LOG_WARNING = 2,
  /**
   * Useful information, such as the negotiated version.
   */
  MCP_LOG_INFO = 3,
  /**
   * Details for debugging.
   */
  MCP_LOG_DEBUG = 4,
} mcp_log_level;

/**
 * Receives a log message of the library. `level` is an `mcp_log_level`; `message` is one line of
 * at most 2,048 bytes without control characters, and valid until the callback returns.
 *
 * It runs in `mcp_queue_dispatch` if the client has a queue (`mcp_set_queue`); otherwise on the
 * thread of any call and on the library's reader threads, possibly on several at
 * the same time, with no lock held. It may use the library, but must not make calls on this client
 * on a reader thread, or while the client connects or obtains a token (`MCP_MISUSE`). It may free
 * the client only on a reader thread, and only if no call is in progress. Its time counts against
 * the timeout of the call. It must not throw an exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_log_fn)(void *userdata, int32_t level, const char *MCP_NONNULL message);

/**
 * Returns the name of a level: "error", "warning", "info" or "debug"; "unknown" for any other
 * number.
 *
 * The result is a static string, never NULL. Thread-safe. Since 0.1.0.
 */
const char *MCP_NONNULL mcp_log_level_name(int32_t level);

/**
 * Sets the callback that receives the library's log messages: fallbacks, retries, warnings. NULL
 * discards them (the default); the library never prints. Messages contain no token and no value of
 * a header that the application set.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Thread-safe; takes effect with the next message. Since 0.1.0.
 */
mcp_status mcp_set_log(mcp_client *client,
                       mcp_log_fn log,
                       void *userdata,
                       mcp_destroy_fn destroy,
                       mcp_error **error);

/* ============================================================================================== */
/* Trace of the messages                                                                          */
/* ============================================================================================== */

/**
 * Which way a message goes. A later version may add values.
 *
 * Since 0.1.0.
 */
typedef enum mcp_trace_direction {
  /**
   * The client sends the message.
   */
  MCP_TRACE_SENT = 1,
  /**
   * The client has received the message.
   */
  MCP_TRACE_RECEIVED = 2,
} mcp_trace_direction;

/**
 * Receives a message. `direction` is an `mcp_trace_direction`. `text` has `length` bytes, is also
 * NUL-terminated, and is valid until the callback returns.
 *
 * It runs on the thread that sends or receives the message, also for clients and calls with a
 * queue: on the threads of calls and on the library's reader threads, possibly on several at the
 * same time, with no lock held. It must return soon, because the message waits for it; it must not
 * make calls on this client, throw an exception or call longjmp.
 *
 * Since 0.1.0.
 */
typedef void (*mcp_trace_fn)(void *userdata, int32_t direction, const char *MCP_NONNULL text, size_t length);

/**
 * Sets the callback that receives every JSON-RPC message that the client sends and receives, for
 * debugging:
 *
 * ```
 * static void trace(void *file, int32_t direction, const char *MCP_NONNULL text, size_t length) {
 *     (void)length;
 *     fprintf(file, "%s %s\n", direction == MCP_TRACE_SENT ? "->" : "<-", text);
 * }
 * mcp_set_trace(client, trace, stderr, NULL, &error);
 * ```
 *
 * NULL removes it (the default). A message is passed before it is sent, also if that fails then, and
 * again if it is sent again, except after a redirect. Of what the server sends in place of messages,
 * lines on stdout, events and JSON bodies are passed, and the bodies of failed requests. A batch is
 * one message. The requests of OAuth are not messages of the protocol, and are not passed.
 *
 * Tokens, cookies, and the values of headers that the application has set are replaced by
 * "[redacted]", but not secrets that only the application and the server know: the arguments of
 * tools, for example. A server can send a header of one call (`mcp_options_set_header`) to another
 * one or to the event stream, where it is not replaced. Of a longer message, the first 1 MiB are
 * passed.
 *
 * `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
 * needed: see `mcp_destroy_fn`.
 *
 * Thread-safe; takes effect with the next message. Since 0.1.0.
 */
mcp_status mcp_set_trace(mcp_client *client,
                         mcp_trace_fn trace,
                         void *userdata,
                         mcp_destroy_fn destroy,
                         mcp_error **error);

/**
 * Lets the user of the program see the log: if the environment variable MCP_DEBUG is "1", the
 * library's log messages are written to stderr, and if it is "2", also the messages of the protocol
 * (`mcp_set_trace`). Otherwise, this function does nothing. It replaces the callbacks of
 * `mcp_set_log` and, with "2", of `mcp_set_trace`. With `mcp_set_queue`, log messages are written
 * when the queue is dispatched, and messages of the protocol at once.
 *
 * Thread-safe. Since 0.1.0.
 */
mcp_status mcp_use_debug_output(mcp_client *client, mcp_error **error);

#ifdef __clang__
#pragma clang diagnostic pop
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MCP_H */
