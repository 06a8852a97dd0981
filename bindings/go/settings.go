package mcp

// #include "bridge.h"
import "C"

import (
	"net/http"
	"strings"
	"time"
)

// An Option configures a new client.
type Option func(*Client) error

// A Transport is an HTTP transport of the protocol.
type Transport int32

const (
	// Auto detects the transport from the URL and the server's responses.
	Auto Transport = C.MCP_TRANSPORT_AUTO
	// StreamableHTTP sends each message as a POST request; the HTTP response contains the result.
	StreamableHTTP Transport = C.MCP_TRANSPORT_STREAMABLE_HTTP
	// SSE is HTTP+SSE, the transport of version 2024-11-05: results arrive on an event stream that stays open.
	SSE Transport = C.MCP_TRANSPORT_SSE
)

// A Limit selects what [WithLimit] limits.
type Limit int32

const (
	// MessageLimit: the body of a response after decompression. The default is 64 MiB.
	MessageLimit Limit = C.MCP_LIMIT_MESSAGE
	// HeadLimit: the header fields of a response together. The default is 64 KiB, the maximum 16 MiB.
	HeadLimit Limit = C.MCP_LIMIT_HEAD
	// EventLimit: one event of an event stream (usually one message), or one message of a server process. The default
	// is 64 MiB.
	EventLimit Limit = C.MCP_LIMIT_EVENT
)

// WithBearer sets the bearer token that is sent with every request (RFC 6750). See [Client.SetBearer].
func WithBearer(token string) Option {
	return func(c *Client) error { return c.SetBearer(token) }
}

// WithHeader sets headers that are sent with every request; several values of one name are joined into a list. See
// [Client.SetHeader].
func WithHeader(header http.Header) Option {
	return func(c *Client) error {
		for name, values := range header {
			if len(values) == 0 {
				continue
			}
			if err := c.SetHeader(name, joinValues(name, values)); err != nil {
				return err
			}
		}
		return nil
	}
}

// joinValues joins the values of a header into one.
func joinValues(name string, values []string) string {
	separator := ", "
	if http.CanonicalHeaderKey(name) == "Cookie" {
		separator = "; "
	}
	return strings.Join(values, separator)
}

// WithTimeout sets the timeout of calls whose context has no deadline. The default is one minute; zero means no
// timeout.
func WithTimeout(d time.Duration) Option {
	return func(c *Client) error { return c.SetTimeout(d) }
}

// WithIdleTimeout sets the idle timeout of calls without [IdleTimeout]: a call ends with [TimedOut] if it waits this
// long without receiving a byte or, while it sends, without being able to send one. The default is zero: no limit.
func WithIdleTimeout(d time.Duration) Option {
	return func(c *Client) error {
		ms, err := milliseconds(d, "the idle timeout")
		if err != nil {
			return err
		}
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_idle_timeout(client, ms, failure)
		})
	}
}

// WithName sets the name of the client, for programs that have several: it is in front of the URL or the program in
// errors, and at the beginning of log messages. It is not sent to the server. See [Client.Name].
func WithName(name string) Option {
	return textOption(name, "the name", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_name(c, text, failure)
	})
}

// WithClientInfo sets the name and version of the program that are sent to the server ("clientInfo"). The default is
// "libmcp" and the library's version.
func WithClientInfo(name, version string) Option {
	return func(c *Client) error {
		return withCString(name, "the name", func(name *C.char) error {
			return withCString(version, "the version", func(version *C.char) error {
				return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
					return C.mcp_set_client_info(client, name, version, failure)
				})
			})
		})
	}
}

// WithExtension declares to the server that the program supports an extension, such as "com.example/charts"
// (specification 2026-07-28, "Extensions"). settings is encoded as a JSON object; nil means no settings. For the
// requests and notifications of an extension see [Client.Request], [Client.Notify] and [WithNotification].
func WithExtension(name string, settings any) Option {
	return func(c *Client) error {
		if settings == nil {
			settings = struct{}{}
		}
		text, err := marshal(settings, "the settings")
		if err != nil {
			return err
		}
		return withCString(name, "the name", func(name *C.char) error {
			return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
				t := jsonTextOf(text)
				return C.mcp_set_extension(client, name, t.text, t.length, failure)
			})
		})
	}
}

// WithProtocolVersion pins the protocol version, such as "2025-06-18": calls return [VersionUnsupported] if the server
// does not support it. "", the default, negotiates the newest version that both sides support. A version that the
// library does not support is [InvalidArgument].
func WithProtocolVersion(version string) Option {
	return textOption(version, "the version", func(c *C.mcp_client, text *C.char, e **C.mcp_error) C.mcp_status {
		return C.mcp_set_protocol_version(c, text, e)
	})
}

// WithTransport sets the transport; the default is [Auto].
func WithTransport(transport Transport) Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_transport(client, C.int32_t(transport), failure)
		})
	}
}

// WithLimit sets the maximum size, in bytes, of data from the server; a call that receives more returns [TooLarge]. 0
// restores the default.
func WithLimit(limit Limit, bytes uint64) Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_limit(client, C.int32_t(limit), C.uint64_t(bytes), failure)
		})
	}
}

// WithUnixSocket connects to the Unix domain socket at path instead of the URL's host and port. No proxy is used then.
func WithUnixSocket(path string) Option {
	return textOption(path, "the path", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_unix_socket(c, text, failure)
	})
}

// WithProxy sets the proxy, such as "http://host:port", "socks5://host:port" or "socks5h://host:port" (DNS lookups by
// the proxy). If the proxy requires credentials, put "user:password@" before the host. By default, the proxy is taken
// from environment variables such as https_proxy and no_proxy, like in curl.
func WithProxy(url string) Option {
	return textOption(url, "the proxy's URL", func(c *C.mcp_client, text *C.char, e **C.mcp_error) C.mcp_status {
		return C.mcp_set_proxy(c, text, e)
	})
}

// WithoutProxy disables proxies, including those of environment variables.
func WithoutProxy() Option {
	return func(c *Client) error {
		return withCString("", "the proxy's URL", func(none *C.char) error {
			return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
				return C.mcp_set_proxy(client, none, failure)
			})
		})
	}
}

// WithRequireHTTPS forbids credentials over plain HTTP to other machines: such a request is not sent, and the call
// returns [Insecure]. Without this option, it is sent and the log gets a warning. Loopback addresses, localhost and
// Unix domain sockets are always allowed.
func WithRequireHTTPS() Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_require_https(client, true, failure)
		})
	}
}

// WithCAFile trusts the certificate authorities in a PEM file, in addition to those that the system trusts. The file
// may also contain the server's own self-signed certificate. It is read immediately; the error is [InvalidArgument] if
// it cannot be used.
func WithCAFile(path string) Option {
	return textOption(path, "the path", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_tls_ca_file(c, text, failure)
	})
}

// WithClientCertificate sets the client certificate for servers that request one (mutual TLS). Both files are PEM
// files; if keyFile is "", the key is in certFile. They are read immediately; the error is [InvalidArgument] if they
// cannot be used.
func WithClientCertificate(certFile, keyFile string) Option {
	return func(c *Client) error {
		return withCString(certFile, "the path", func(cert *C.char) error {
			return withOptionalCString(keyFile, "the path", func(key *C.char) error {
				return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
					return C.mcp_set_tls_client_cert_file(client, cert, key, failure)
				})
			})
		})
	}
}

// WithoutTLSVerification accepts any server certificate. An attacker on the network can then read and change all data,
// including the token: for development only.
func WithoutTLSVerification() Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_tls_verify(client, false, failure)
		})
	}
}

// WithCache caches lists and resources that were read, for as long as the server declares them fresh (specification
// 2026-07-28, "Caching"). A private result is reused only with the same credentials, and never cached if an [AuthFunc]
// is set. While [Client.Listen] runs, a change notification removes the results that it concerns.
func WithCache() Option {
	return func(c *Client) error { return c.SetCache(true) }
}

// SetCache enables or disables the cache that [WithCache] describes; false also empties it.
func (c *Client) SetCache(enabled bool) error {
	return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_cache(client, C.bool(enabled), failure)
	})
}

// SetBearer sets the bearer token that is sent with every later request, without the word "Bearer". It is sent only to
// the origin of the client's URL, never appears in errors and log messages, and overrides an Authorization header. The
// error is [InvalidArgument] for a text that cannot be a token; the old token is then kept.
func (c *Client) SetBearer(token string) error {
	return withCString(token, "the token", func(token *C.char) error { return c.setBearer(token) })
}

// ClearBearer removes the bearer token.
func (c *Client) ClearBearer() error { return c.setBearer(nil) }

func (c *Client) setBearer(token *C.char) error {
	return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_bearer(client, token, failure)
	})
}

// SetHeader sets a header that is sent with every later request, and replaces one of the same name. Values are treated
// as secrets. The error is [InvalidArgument] for an invalid name or value, and for names that the protocol uses, such
// as Host, Accept, Content-Type and all that begin with "Mcp-".
func (c *Client) SetHeader(name, value string) error {
	return withCString(value, "the value", func(value *C.char) error { return c.setHeader(name, value) })
}

// DelHeader removes a header.
func (c *Client) DelHeader(name string) error { return c.setHeader(name, nil) }

func (c *Client) setHeader(name string, value *C.char) error {
	return withCString(name, "the name", func(name *C.char) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_header(client, name, value, failure)
		})
	})
}

// SetTimeout sets the timeout of later calls whose context has no deadline; zero means no timeout.
func (c *Client) SetTimeout(d time.Duration) error {
	ms, err := milliseconds(d, "the timeout")
	if err != nil {
		return err
	}
	return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_timeout(client, ms, failure)
	})
}

// textOption returns an option that calls a C setter with a C string, or with NULL if the text is empty.
func textOption(text, what string, set func(*C.mcp_client, *C.char, **C.mcp_error) C.mcp_status) Option {
	return func(c *Client) error {
		return withOptionalCString(text, what, func(text *C.char) error {
			return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
				return set(client, text, failure)
			})
		})
	}
}
