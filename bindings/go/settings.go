package mcp

// #include "bridge.h"
import "C"

import (
	"net/http"
	"strings"
	"time"
)

// An Option sets something on a client that is being made.
type Option func(*Client) error

// A Transport says how messages travel.
type Transport int32

const (
	// Auto finds the transport out from the URL and the server.
	Auto Transport = C.MCP_TRANSPORT_AUTO
	// StreamableHTTP sends every message as a POST, with its answer in the answer to it.
	StreamableHTTP Transport = C.MCP_TRANSPORT_STREAMABLE_HTTP
	// SSE is HTTP+SSE, the transport of 2024-11-05: answers come on an event stream that stays open.
	SSE Transport = C.MCP_TRANSPORT_SSE
)

// A Limit is what [WithLimit] can limit.
type Limit int32

const (
	// MessageLimit: the body of one answer, unpacked; 64 MiB at the start.
	MessageLimit Limit = C.MCP_LIMIT_MESSAGE
	// HeadLimit: the head of one answer; 64 KiB at the start, and at most 16 MiB.
	HeadLimit Limit = C.MCP_LIMIT_HEAD
	// EventLimit: one event of an event stream; 64 MiB at the start.
	EventLimit Limit = C.MCP_LIMIT_EVENT
)

// WithBearer sets the bearer token that every request carries (RFC 6750). See [Client.SetBearer].
func WithBearer(token string) Option {
	return func(c *Client) error { return c.SetBearer(token) }
}

// WithHeader sets headers that every request carries; several values of one name become a list. See [Client.SetHeader].
func WithHeader(header http.Header) Option {
	return func(c *Client) error {
		for name, values := range header {
			if len(values) == 0 {
				continue
			}
			separator := ", "
			if http.CanonicalHeaderKey(name) == "Cookie" {
				separator = "; "
			}
			if err := c.SetHeader(name, strings.Join(values, separator)); err != nil {
				return err
			}
		}
		return nil
	}
}

// WithTimeout sets the timeout of calls whose context has no deadline; zero is none. It is one minute where it is never set.
func WithTimeout(d time.Duration) Option {
	return func(c *Client) error { return c.SetTimeout(d) }
}

// WithClientInfo sets the name and version under which the program introduces itself to the server.
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

// WithProtocolVersion pins the protocol version, such as "2025-06-18": a server that does not speak it is [VersionUnsupported]. ""
// negotiates, as without this option.
func WithProtocolVersion(version string) Option {
	return textOption(version, "the version", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_protocol_version(c, text, failure)
	})
}

// WithTransport sets how messages travel.
func WithTransport(transport Transport) Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_transport(client, C.int32_t(transport), failure)
		})
	}
}

// WithLimit sets the largest of what a server may send, in bytes; what is larger is [TooLarge]. 0 stands for the value at the start.
func WithLimit(limit Limit, bytes uint64) Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_limit(client, C.int32_t(limit), C.uint64_t(bytes), failure)
		})
	}
}

// WithUnixSocket connects to the Unix domain socket at path in place of the URL's host and port.
func WithUnixSocket(path string) Option {
	return textOption(path, "the path", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_unix_socket(c, text, failure)
	})
}

// WithProxy sets the proxy, such as "http://host:port" or "socks5h://host:port", with "user:password@" in front of the host where it
// wants that. Without this option the environment says which, by the rules of curl.
func WithProxy(url string) Option {
	return textOption(url, "the proxy's URL", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_proxy(c, text, failure)
	})
}

// WithoutProxy uses no proxy, whatever the environment says.
func WithoutProxy() Option {
	return func(c *Client) error {
		return withCString("", "the proxy's URL", func(none *C.char) error {
			return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
				return C.mcp_set_proxy(client, none, failure)
			})
		})
	}
}

// WithRequireHTTPS lets credentials go to another machine over https only; a request that would carry them over plain http is
// [Insecure] and is not sent.
func WithRequireHTTPS() Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_require_https(client, true, failure)
		})
	}
}

// WithCAFile trusts the certificate authorities in a PEM file beside those that the system trusts.
func WithCAFile(path string) Option {
	return textOption(path, "the path", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_tls_ca_file(c, text, failure)
	})
}

// WithClientCertificate shows a certificate to servers that ask for one. Both are PEM files; an empty keyFile means that the key is
// in the same file.
func WithClientCertificate(certFile, keyFile string) Option {
	return func(c *Client) error {
		return withCString(certFile, "the path", func(cert *C.char) error {
			return withOptionalCString(keyFile, "the path", func(key *C.char) error {
				return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
					return C.mcp_set_tls_client_cert(client, cert, key, failure)
				})
			})
		})
	}
}

// WithoutTLSVerification takes every certificate. Anybody on the way can then read and change everything, the token included: for
// development only.
func WithoutTLSVerification() Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_tls_verify(client, false, failure)
		})
	}
}

// WithCache keeps results as long as the server says that they are fresh: lists, and resources that were read (specification
// 2026-07-28, "Caching"). Private results go with the credentials that they were asked for with. What somebody listens for
// ([Client.Listen]) is forgotten when it changes.
func WithCache() Option {
	return func(c *Client) error { return c.SetCache(true) }
}

// SetCache is [WithCache] at any time; false forgets everything that was kept.
func (c *Client) SetCache(wanted bool) error {
	return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_cache(client, C.bool(wanted), failure)
	})
}

// SetBearer sets the bearer token that every request carries from the next one on, without the word "Bearer". It goes to the URL's
// own origin only, and is in no error and no log line. It beats an Authorization header.
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

// SetHeader sets a header that every request carries from the next one on, in place of one of the same name. Values are treated as
// secrets. The names that belong to the protocol are refused.
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

// SetTimeout is [WithTimeout] for calls from the next one on.
func (c *Client) SetTimeout(d time.Duration) error {
	ms, err := milliseconds(d, "the timeout")
	if err != nil {
		return err
	}
	return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_timeout(client, ms, failure)
	})
}

// textOption sets a text; "" stands for nothing at all.
func textOption(text, what string, set func(*C.mcp_client, *C.char, **C.mcp_error) C.mcp_status) Option {
	return func(c *Client) error {
		return withOptionalCString(text, what, func(text *C.char) error {
			return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status { return set(client, text, failure) })
		})
	}
}
