package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime/cgo"
	"strings"
	"time"
)

// A Login is a login that the user has to complete. Tell the user which server requires it, and where the user will log
// in.
type Login struct {
	// URL is the URL of the login page. It is for this login only.
	URL string
	// Server is the URL of the MCP server, without its query and secrets.
	Server string
	// Issuer identifies the authorization server, at which the user logs in.
	Issuer string
	// Scopes are the scopes that are requested.
	Scopes []string
	// RedirectURI is the URI to which the login page redirects, with the port on which the library listens.
	RedirectURI string
	// ClientName is the name of the client ([Client.Name]).
	ClientName string
}

// OpenBrowser opens the login page in the user's browser, with the command xdg-open, or open on macOS. The environment
// variable BROWSER may name other commands. It is for the field Open of an [OAuth], or for a function there that also
// shows a message. The error is [SystemError] if no browser can be opened, for example over SSH.
func OpenBrowser(_ context.Context, login Login) (redirect string, err error) {
	return "", withCString(login.URL, "the URL", func(url *C.char) error {
		return check(func(e **C.mcp_error) C.mcp_status { return C.mcp_open_browser(url, e) })
	})
}

// Login makes sure that the client has a token that the server accepts. It uses or refreshes a stored token if
// possible, and otherwise lets the user log in, also if the last login failed. If the server requires no token and
// names no authorization server, it does nothing. The error is [Misuse] for a client without an [OAuth].
func (c *Client) Login(ctx context.Context, options ...CallOption) error {
	return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
		return C.mcp_login(c, o, e)
	})
}

// Logout removes the tokens for the client's server, and revokes them if the authorization server supports that (RFC
// 7009). If they cannot be revoked, they are removed anyway, and the error is the reason. The registration of the
// program is kept. The error is [Misuse] for a client without an [OAuth].
func (c *Client) Logout(ctx context.Context, options ...CallOption) error {
	return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
		return C.mcp_logout(c, o, e)
	})
}

// An OAuthState describes what is known of the login at the server of a client. Fields that are unknown have their zero
// value.
type OAuthState struct {
	// LoggedIn reports whether there is an access token that has not expired, or a refresh token. The server may
	// have revoked them.
	LoggedIn bool `json:"loggedIn"`
	// Issuer identifies the authorization server.
	Issuer string `json:"issuer"`
	// Resource is the resource for which tokens are requested.
	Resource string `json:"resource"`
	// ClientID is the client identifier of the program.
	ClientID string `json:"clientId"`
	// Registration says where the client identifier comes from: "configured", "metadata_document" or "registered".
	Registration string `json:"registration"`
	// Scopes are the scopes of the token.
	Scopes []string `json:"scopes"`
	// ExpiresAt is the time when the access token expires.
	ExpiresAt time.Time `json:"-"`
	// Refreshable reports whether there is a refresh token.
	Refreshable bool `json:"refreshable"`
	// IDToken is a JSON object with the claims of the ID token, for display only; nil if there is none.
	IDToken Result `json:"idToken"`
}

// OAuthState returns what is known of the login at the client's server. Nothing is sent; the store may be read. The
// error is [Misuse] for a client without an [OAuth].
func (c *Client) OAuthState() (OAuthState, error) {
	var document *C.mcp_json
	err := c.set(func(client *C.mcp_client, e **C.mcp_error) C.mcp_status {
		return C.mcp_oauth_state(client, &document, e)
	})
	if err != nil {
		return OAuthState{}, err
	}
	defer C.mcp_json_free(document)
	var state struct {
		OAuthState
		ExpiresAt int64 `json:"expiresAt"`
	}
	err = Result(rawJSON(document)).decodeLenient(&state)
	if state.ExpiresAt > 0 {
		state.OAuthState.ExpiresAt = time.Unix(state.ExpiresAt, 0)
	}
	return state.OAuthState, err
}

//export bridgeOpen
func bridgeOpen(handle, call C.uintptr_t, request *C.mcp_oauth_request) {
	open := cgo.Handle(handle).Value().(func(context.Context, Login) (string, error))
	run := newHandlerRun(call)
	C.bridge_oauth_request_set_over(request, run.over())
	run.start(func() error {
		redirect, err := open(run.ctx, Login{
			URL:         C.GoString(C.mcp_oauth_request_url(request)),
			Server:      C.GoString(C.mcp_oauth_request_server(request)),
			Issuer:      C.GoString(C.mcp_oauth_request_issuer(request)),
			Scopes:      strings.Fields(C.GoString(C.mcp_oauth_request_scopes(request))),
			RedirectURI: C.GoString(C.mcp_oauth_request_redirect_uri(request)),
			ClientName:  C.GoString(C.mcp_oauth_request_client_name(request)),
		})
		if err != nil || redirect == "" {
			return err
		}
		return withCString(redirect, "the redirect", func(redirect *C.char) error {
			return check(func(e **C.mcp_error) C.mcp_status {
				return C.mcp_oauth_request_finish(request, redirect, e)
			})
		})
	}, func(err error) {
		if err != nil {
			text, err := errorText(err)
			reason := C.CString(text)
			defer freeCString(reason)
			C.bridge_oauth_request_fail(request, reason, C.uintptr_t(cgo.NewHandle(err)))
		}
		C.mcp_oauth_request_free(request)
	})
}

//export bridgeAssertion
func bridgeAssertion(handle, call C.uintptr_t, assertion *C.mcp_oauth_assertion) {
	function := cgo.Handle(handle).Value().(func(context.Context, string, string) (string, error))
	err := runCallback(func() error {
		audience := C.GoString(C.mcp_oauth_assertion_audience(assertion))
		jwt, err := function(callContext(call), audience, C.GoString(C.mcp_oauth_assertion_resource(assertion)))
		if err != nil {
			return err
		}
		return withCString(jwt, "the assertion", func(jwt *C.char) error {
			return check(func(e **C.mcp_error) C.mcp_status {
				return C.mcp_oauth_assertion_set(assertion, jwt, e)
			})
		})
	})
	if err != nil {
		text, _ := errorText(err)
		reason := C.CString(text)
		defer freeCString(reason)
		C.mcp_oauth_assertion_fail(assertion, reason, nil)
	}
}
