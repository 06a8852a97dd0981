package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"sync"
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
	// Clients are the registrations that the program already has. If there are any, the library registers none: at
	// other authorization servers calls fail with [OAuthFailed], unless these support the ClientURL.
	Clients []OAuthClient
	// ClientURL is the https URL of a document that describes the program (a client ID metadata document). It is
	// the client identifier at each authorization server that supports this and for which there is no registration.
	ClientURL string
	// NoRegistration forbids the library to register the program at authorization servers (RFC 7591).
	NoRegistration bool
	// ClientMetadata are members that a registration contains in addition to those that the library sets, such as
	// "logo_uri" or "contacts": a value that [encoding/json] encodes as an object.
	ClientMetadata any

	// Grant says how tokens are obtained; the default is [LoginGrant].
	Grant Grant
	// Scopes are the scopes to request. If there are none, they are those that the MCP server publishes. Scopes
	// that a challenge of the server names are requested too.
	Scopes []string
	// NoScopes requests no scopes except those that a challenge of the server names.
	NoScopes bool
	// Resource names the MCP server to the authorization server (RFC 8707). The default is what the MCP server
	// publishes.
	Resource string
	// NoResource sends no resource, for authorization servers that reject it, such as Microsoft Entra ID.
	NoResource bool
	// Parameters are added to the URL of logins, such as "login_hint" or "audience"; with another grant than
	// [LoginGrant], to the requests for tokens.
	Parameters map[string]string
	// AllowUnstatedPKCE accepts authorization servers that do not declare that they support PKCE, such as Microsoft
	// Entra ID and Amazon Cognito. PKCE is used anyway.
	AllowUnstatedPKCE bool
	// AllowPrivateAddresses accepts an authorization server at a private address although the MCP server has a
	// public one. An MCP server could then make the program send requests into its own network.
	AllowPrivateAddresses bool
	// AllowPlainHTTP accepts authorization servers on other machines without TLS: for test networks only.
	AllowPlainHTTP bool

	// Open shows the login page to the user; [OpenBrowser] opens it in the browser. It is necessary for
	// [LoginGrant]: without it, calls that need a login return [LoginRequired].
	//
	// Open runs on a separate goroutine, and may wait for the user. It returns the URL to which the login page was
	// redirected; or "" if the program receives that URL elsewhere: the library does for the default Redirect,
	// otherwise pass it to [OAuth.Finish]. If Open returns an error, the call fails with [LoginFailed], and that
	// [Error] wraps the returned one. If it panics, the Error wraps a [*PanicError].
	//
	// The context has the values of the context of the call that needs the login. It is done when the login has
	// ended, or no call waits for it any more. Open must not make calls on clients with the same OAuth: they would
	// wait for the login.
	Open func(ctx context.Context, login Login) (redirect string, err error)
	// Redirect is the URI to which the login page redirects. The default is "http://127.0.0.1/callback", where the
	// library listens during a login; without a port in the URI, it uses any free one. If it is an https URL of the
	// program, or has a private scheme such as "com.example.app:/callback", the program receives the redirect.
	Redirect string
	// WhenAsked restricts logins to [Client.Login]: other calls return [LoginRequired] instead of opening the login
	// page.
	WhenAsked bool
	// LoginTimeout limits the time that the user has for the login: [LoginFailed]. The default is five minutes; a
	// negative value means no limit. This time does not count against the timeout of a call, but the deadline of
	// its context applies.
	LoginTimeout time.Duration

	// Store keeps the tokens and registrations. By default, they are kept in memory, and lost with the OAuth.
	Store Store

	// Assertion returns the JWT for [AssertionGrant], such as that of a CI job; with an Identity, the ID token of
	// the user. audience is the "aud" that it must have, resource names the MCP server ("" if the request does
	// not). It runs on the goroutine of the call that needs the token, with its context, and must not make calls on
	// clients with the same OAuth ([Misuse]). If it returns an error or panics, the call fails with [OAuthFailed],
	// and its message contains the text of the error.
	Assertion func(ctx context.Context, audience, resource string) (jwt string, err error)
	// Identity is the identity provider where ID tokens are exchanged.
	Identity *IdentityProvider

	mu     sync.Mutex
	handle *C.mcp_oauth
}

// An OAuthClient is a registration of the program at an authorization server.
type OAuthClient struct {
	// Issuer identifies the authorization server. If it is "", the registration is for the one at which it is used
	// first; a secret or key is then used only if that one is on this machine, or on the origin of the MCP server.
	Issuer string
	// ID is the client identifier.
	ID string
	// Secret is the client secret; "" for a public client, or one with a key.
	Secret string
	// PrivateKey is the key that signs the JWTs with which the client authenticates, as the text of a PEM file; ""
	// if it has none. It is a key on the curve P-256, an RSA key, or an Ed25519 key.
	PrivateKey string
	// KeyID is the identifier of the key ("kid"); "" if it has none.
	KeyID string
}

// An IdentityProvider is where the users of an organization have already logged in (MCP extension "Enterprise-Managed
// Authorization"). It exchanges the ID token of that login for an assertion.
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

// SetOAuth authorizes later calls with an [OAuth], in place of an [AuthFunc]; nil removes it. See [WithOAuth].
func (c *Client) SetOAuth(oauth *OAuth) error {
	var handle *C.mcp_oauth
	if oauth != nil {
		var err error
		if handle, err = oauth.object(); err != nil {
			return err
		}
	}
	defer runtime.KeepAlive(oauth)
	// A callback may run on a thread of the library, which mcp_client_free waits for.
	c.core.hasCallbacks.Store(true)
	c.core.hasHandlers.Store(true)
	return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_oauth(client, handle, failure)
	})
}

// Finish passes the URL to which a login page was redirected to the call that waits for it: a URL that the operating
// system passed to the program, or that the user pasted. The error is [InvalidArgument] if no login waits for this URL.
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
