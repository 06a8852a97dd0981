package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// An OAuth obtains tokens as the specification describes (2026-07-28, "Authorization"): it finds the authorization
// server of an MCP server, registers the program there, lets the user log in, and keeps and refreshes the tokens. All
// fields are optional.
//
//	oauth := &mcp.OAuth{Open: mcp.OpenBrowser, Store: mcp.Folder("")}
//	client, err := mcp.New("https://example.com/mcp", mcp.WithOAuth(oauth))
//
// One OAuth may serve any number of clients, which then share its logins. [WithOAuth] reads the fields when the OAuth
// is used for the first time; later changes have no effect. Any number of goroutines may use an OAuth at the same time.
// It must not be copied.
//
// An OAuth is never garbage collected if its functions or its store refer to it or to a client that uses it.
type OAuth struct {
	// Clients are the registrations that the program already has. For an authorization server without one, the
	// library uses ClientURL if that server supports it; otherwise it registers the program.
	Clients []OAuthClient
	// ClientURL is the https URL of a document that describes the program (a client ID metadata document).
	ClientURL string
	// NoRegistration forbids the library to register the program (RFC 7591).
	NoRegistration bool
	// ClientMetadata are members that a registration contains in addition to those that the library sets, such as
	// "client_uri" or "logo_uri": a value that [encoding/json] encodes as an object.
	ClientMetadata any

	// Grant says how tokens are obtained; the default is [LoginGrant].
	Grant Grant
	// Scopes replace the scopes that the MCP server publishes. Those of a challenge are added. If it is empty, the
	// published ones are requested.
	Scopes []string
	// Resource replaces the resource identifier that the MCP server publishes (RFC 8707).
	Resource string
	// NoResource requests tokens without a resource identifier, for authorization servers that reject it.
	NoResource bool
	// Parameters are added to the authorization request, such as "login_hint" or "audience".
	Parameters map[string]string
	// AllowUnstatedPKCE accepts authorization servers that do not state in their metadata that they support PKCE.
	AllowUnstatedPKCE bool
	// AllowPrivateAddresses lets an MCP server at a public address name an authorization server at a private one.
	AllowPrivateAddresses bool
	// AllowPlainHTTP accepts authorization servers without TLS on other machines: for development only.
	AllowPlainHTTP bool

	// Open shows the login page to the user; [OpenBrowser] opens it in the browser. It is necessary for
	// [LoginGrant]: without it, calls that need a login return [LoginRequired].
	//
	// Open runs on a separate goroutine, and may wait for the user. It returns the URL to which the login page was
	// redirected; or "" if the program receives that URL elsewhere: the library does for the default Redirect,
	// otherwise pass it to [OAuth.Finish]. If Open returns an error, the call fails with [LoginFailed], and that
	// [Error] wraps the returned one. If it panics, the Error wraps a [*PanicError].
	//
	// The context is that of the call that needs the login. It is also done when that call returns. Open must not
	// make calls on the same client: they would wait for the login.
	Open func(ctx context.Context, login Login) (redirect string, err error)
	// Redirect is the URI to which the login page redirects. The default is "http://127.0.0.1/callback": the
	// library listens there during a login. For such a URI without a port, it uses any free one. For other URIs,
	// such as "https://app.example/callback" and "com.example.app:/callback", the program receives the redirect.
	Redirect string
	// WhenAsked restricts logins to [Client.Login]: other calls return [LoginRequired] instead of opening the login
	// page.
	WhenAsked bool
	// LoginTimeout limits the time that the user has for the login; the default is five minutes. This time does not
	// count against the timeout of a call, but the deadline of its context applies.
	LoginTimeout time.Duration

	// Store keeps the tokens and registrations. By default, they are kept in memory, and lost with the OAuth.
	Store Store

	// Assertion returns the JWT for [AssertionGrant]: with an Identity, the user's ID token; otherwise one that
	// identifies the program to the audience, such as that of a CI job. audience is the issuer of the authorization
	// server, resource the resource identifier of the MCP server. It runs on the goroutine of the call, with its
	// context. If it returns an error or panics, the call fails with [OAuthFailed].
	Assertion func(ctx context.Context, audience, resource string) (jwt string, err error)
	// Identity is the identity provider where ID tokens are exchanged.
	Identity *IdentityProvider

	mu     sync.Mutex
	handle *C.mcp_oauth
	// How many Open functions have ended.
	ended atomic.Int64
}

// An OAuthClient is a registration of the program at an authorization server.
type OAuthClient struct {
	// Issuer identifies the authorization server. If it is "", the registration is for any one; then a secret or
	// key is only used if that server is on this machine or on the origin of the MCP server.
	Issuer string
	// ID is the client identifier.
	ID string
	// Secret is the client secret; "" for a public client, or one with a key.
	Secret string
	// PrivateKey is the key with which the client authenticates, as the text of a PEM file; "" if it has none.
	PrivateKey string
	// KeyID is the identifier of the key ("kid"); "" if it has none.
	KeyID string
}

// An IdentityProvider is where users of an enterprise log in: it exchanges an ID token for an authorization grant of
// the MCP server's authorization server.
type IdentityProvider struct {
	// TokenEndpoint is the URL of the token endpoint.
	TokenEndpoint string
	// ClientID and ClientSecret are those of the program at the identity provider.
	ClientID, ClientSecret string
}

// A Grant is a way to obtain tokens.
type Grant int32

const (
	// LoginGrant: the user logs in (RFC 6749, section 4.1).
	LoginGrant Grant = C.MCP_OAUTH_LOGIN
	// ClientCredentialsGrant: the program identifies itself (RFC 6749, section 4.4).
	ClientCredentialsGrant Grant = C.MCP_OAUTH_CLIENT_CREDENTIALS
	// AssertionGrant: a JWT proves the identity of the program or of its user (RFC 7523).
	AssertionGrant Grant = C.MCP_OAUTH_ASSERTION
)

// WithOAuth authorizes the client with an [OAuth]. The error is [InvalidArgument] if a field of it is invalid, and
// [Misuse] for a client of a process.
func WithOAuth(oauth *OAuth) Option {
	return func(c *Client) error { return c.SetOAuth(oauth) }
}

// SetOAuth authorizes later requests with an [OAuth], and removes an [AuthFunc]; nil removes the OAuth. See
// [WithOAuth].
func (c *Client) SetOAuth(oauth *OAuth) error {
	var handle *C.mcp_oauth
	if oauth != nil {
		var err error
		if handle, err = oauth.object(); err != nil {
			return err
		}
	}
	return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		// A callback may run on a thread of the library, which mcp_client_free waits for.
		c.core.hasCallbacks.Store(true)
		status := C.mcp_set_oauth(client, handle, failure)
		if status == C.MCP_OK {
			c.core.oauth.Store(oauth)
		}
		return status
	})
}

// Finish passes on the URL to which a login page was redirected, such as one that the operating system delivers or the
// user pastes. Any goroutine may call it. The error is [InvalidArgument] if no login waits for it.
func (o *OAuth) Finish(redirect string) error {
	handle, err := o.object()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(o)
	return withCString(redirect, "the redirect", func(redirect *C.char) error {
		return check(func(e **C.mcp_error) C.mcp_status { return C.mcp_oauth_finish(handle, redirect, e) })
	})
}

// object returns the C object, which the first call makes. It lives as long as the OAuth.
func (o *OAuth) object() (*C.mcp_oauth, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.handle != nil {
		return o.handle, nil
	}
	handle := C.mcp_oauth_new()
	if err := o.configure(handle); err != nil {
		C.mcp_oauth_free(handle)
		return nil, err
	}
	o.handle = handle
	runtime.AddCleanup(o, func(handle *C.mcp_oauth) { C.mcp_oauth_free(handle) }, handle)
	return handle, nil
}
