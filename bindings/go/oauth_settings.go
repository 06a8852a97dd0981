package mcp

// #include "bridge.h"
import "C"

import (
	"runtime/cgo"
	"strings"
	"time"
)

// defaultLoginTimeout is that of the C library.
const defaultLoginTimeout = 5 * time.Minute

// configure copies the fields into a C object.
func (o *OAuth) configure(oauth *C.mcp_oauth) error {
	s := oauthSetup{oauth: oauth}
	for _, client := range o.Clients {
		s.setClient(client)
	}
	s.setRegistration(o)
	s.setRequests(o)
	s.allow(C.MCP_OAUTH_UNSTATED_PKCE, o.AllowUnstatedPKCE)
	s.allow(C.MCP_OAUTH_PRIVATE_ADDRESSES, o.AllowPrivateAddresses)
	s.allow(C.MCP_OAUTH_PLAIN_HTTP, o.AllowPlainHTTP)
	s.setLogin(o)
	s.setCallbacks(o)
	if folder := o.Store.folder; folder != nil {
		s.texts(func(t []*C.char, e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_use_folder(oauth, t[0], e)
		}, *folder)
	}
	return s.err
}

// An oauthSetup calls the setters of a C object until one fails.
type oauthSetup struct {
	oauth *C.mcp_oauth
	err   error
}

func (s *oauthSetup) call(set func(**C.mcp_error) C.mcp_status) {
	if s.err == nil {
		s.err = check(set)
	}
}

// texts calls a setter with C strings, or with NULL for empty texts.
func (s *oauthSetup) texts(set func([]*C.char, **C.mcp_error) C.mcp_status, texts ...string) {
	if s.err != nil {
		return
	}
	s.err = withCStrings(texts, "a text of the OAuth", func(c []*C.char) error {
		arguments := make([]*C.char, len(c))
		for i, text := range texts {
			if text != "" {
				arguments[i] = c[i]
			}
		}
		return check(func(e **C.mcp_error) C.mcp_status { return set(arguments, e) })
	})
}

// unlessNone calls a setter with a text: "" means none to C, and NULL the default.
func (s *oauthSetup) unlessNone(name, text string, none bool, set func(*C.char, **C.mcp_error) C.mcp_status) {
	switch {
	case s.err != nil:
	case !none:
		s.texts(func(t []*C.char, e **C.mcp_error) C.mcp_status { return set(t[0], e) }, text)
	case text != "":
		s.fail("the OAuth has " + name + ", and No" + name + " is set")
	default:
		s.err = withCString("", name, func(text *C.char) error {
			return check(func(e **C.mcp_error) C.mcp_status { return set(text, e) })
		})
	}
}

func (s *oauthSetup) fail(why string) {
	if s.err == nil {
		s.err = invalidArgument(why)
	}
}

func (s *oauthSetup) setClient(client OAuthClient) {
	switch {
	case client.PrivateKey == "":
		s.texts(func(t []*C.char, e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_set_client(s.oauth, t[0], t[1], t[2], e)
		}, client.Issuer, client.ID, client.Secret)
	case client.Secret == "":
		s.texts(func(t []*C.char, e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_set_client_key(s.oauth, t[0], t[1], t[2], t[3], e)
		}, client.Issuer, client.ID, client.PrivateKey, client.KeyID)
	default:
		s.fail("the OAuth client " + client.ID + " has a secret and a private key: only one is possible")
	}
}

func (s *oauthSetup) setRegistration(o *OAuth) {
	metadata, err := marshal(o.ClientMetadata, "the client metadata")
	if err != nil && s.err == nil {
		s.err = err
	}
	s.call(func(e **C.mcp_error) C.mcp_status {
		m := jsonTextOf(metadata)
		return C.mcp_oauth_set_registration(s.oauth, C.bool(!o.NoRegistration), m.text, m.length, e)
	})
	s.texts(func(t []*C.char, e **C.mcp_error) C.mcp_status {
		return C.mcp_oauth_set_client_url(s.oauth, t[0], e)
	}, o.ClientURL)
}

func (s *oauthSetup) setRequests(o *OAuth) {
	if o.Grant != 0 {
		s.call(func(e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_set_grant(s.oauth, C.int32_t(o.Grant), e)
		})
	}
	for _, scope := range o.Scopes {
		if scope == "" || strings.Contains(scope, " ") {
			s.fail("a scope of the OAuth is empty or contains a space")
		}
	}
	s.unlessNone("Scopes", strings.Join(o.Scopes, " "), o.NoScopes,
		func(scopes *C.char, e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_set_scopes(s.oauth, scopes, e)
		})
	s.unlessNone("Resource", o.Resource, o.NoResource,
		func(resource *C.char, e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_set_resource(s.oauth, resource, e)
		})
	for name, value := range o.Parameters {
		s.texts(func(t []*C.char, e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_set_parameter(s.oauth, t[0], t[1], e)
		}, name, value)
	}
	if identity := o.Identity; identity != nil {
		s.texts(func(t []*C.char, e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_set_identity(s.oauth, t[0], t[1], t[2], e)
		}, identity.TokenEndpoint, identity.ClientID, identity.ClientSecret)
	}
}

func (s *oauthSetup) allow(leniency C.int32_t, allowed bool) {
	s.call(func(e **C.mcp_error) C.mcp_status {
		return C.mcp_oauth_allow(s.oauth, leniency, C.bool(allowed), e)
	})
}

func (s *oauthSetup) setLogin(o *OAuth) {
	if o.Redirect != "" {
		s.texts(func(t []*C.char, e **C.mcp_error) C.mcp_status {
			return C.mcp_oauth_set_redirect(s.oauth, t[0], e)
		}, o.Redirect)
	}
	when, timeout := C.int32_t(C.MCP_OAUTH_WHEN_NEEDED), o.LoginTimeout
	if o.WhenAsked {
		when = C.MCP_OAUTH_WHEN_ASKED
	}
	switch {
	case timeout == 0:
		timeout = defaultLoginTimeout
	case timeout < 0:
		timeout = 0 // no limit for C
	}
	s.call(func(e **C.mcp_error) C.mcp_status {
		ms, _ := milliseconds(timeout, "the LoginTimeout")
		return C.mcp_oauth_set_login(s.oauth, when, ms, e)
	})
}

// setCallbacks registers callbacks with C. C owns their handles and deletes them with bridgeDestroy, also if the
// registration fails.
func (s *oauthSetup) setCallbacks(o *OAuth) {
	if o.Open != nil {
		s.call(func(e **C.mcp_error) C.mcp_status {
			return C.bridge_oauth_set_open(s.oauth, C.uintptr_t(cgo.NewHandle(o.Open)), e)
		})
	}
	if o.Assertion != nil {
		s.call(func(e **C.mcp_error) C.mcp_status {
			return C.bridge_oauth_set_assertion(s.oauth, C.uintptr_t(cgo.NewHandle(o.Assertion)), e)
		})
	}
	if store := o.Store.custom; store != nil {
		_, locks := store.(LockingStore)
		s.call(func(e **C.mcp_error) C.mcp_status {
			handle := C.uintptr_t(cgo.NewHandle(store))
			return C.bridge_oauth_set_store(s.oauth, handle, C.bool(locks), e)
		})
	}
}
