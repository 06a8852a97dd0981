package mcp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func TestClientCredentials(t *testing.T) {
	s := newProtectedServer(t)
	s.set(func() { s.secrets["inventory"] = "s3cr3t" })
	for secret, status := range map[string]mcp.Status{"s3cr3t": 0, "wrong": mcp.OAuthFailed} {
		client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{
			Grant:   mcp.ClientCredentialsGrant,
			Clients: []mcp.OAuthClient{{Issuer: s.URL, ID: "inventory", Secret: secret}},
			Scopes:  []string{"read"},
		}))
		err := client.Ping(t.Context())
		if status == 0 {
			noError(t, err)
			state, err := client.OAuthState()
			noError(t, err)
			if state.ClientID != "inventory" || state.Registration != "configured" || state.Refreshable {
				t.Errorf("%+v", state)
			}
			continue
		}
		if e := wantStatus(t, err, status); e.OAuthCode != "invalid_client" || strings.Contains(e.Message, secret) {
			t.Error(e.OAuthCode, e)
		}
	}
	wantEqual(t, s.count("registration"), 0)
}

func TestClientKey(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	noError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	noError(t, err)
	s := newProtectedServer(t)
	check := func(assertion string) bool {
		parts := strings.Split(assertion, ".")
		if len(parts) != 3 {
			t.Errorf("the assertion has %d parts", len(parts))
			return false
		}
		var header struct{ Alg, Kid string }
		decodeJWTPart(t, parts[0], &header)
		wantEqual(t, header.Alg+" "+header.Kid, "ES256 2026-11")
		var claims struct {
			Iss, Sub string
		}
		decodeJWTPart(t, parts[1], &claims)
		wantEqual(t, claims.Iss+" "+claims.Sub, "inventory inventory")
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil || len(signature) != 64 {
			t.Error(len(signature), err)
			return false
		}
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(&key.PublicKey, sum[:], r, s)
	}
	s.set(func() { s.checkAssertion = check })
	client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{
		Grant: mcp.ClientCredentialsGrant,
		Clients: []mcp.OAuthClient{{
			Issuer: s.URL, ID: "inventory", KeyID: "2026-11",
			PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		}},
	}))
	noError(t, client.Ping(t.Context()))
}

func decodeJWTPart(t *testing.T, part string, v any) {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestAssertion(t *testing.T) {
	s := newProtectedServer(t)
	s.set(func() { s.checkAssertion = func(assertion string) bool { return assertion == "a.b.c" } })
	type key struct{}
	oauth := &mcp.OAuth{
		Grant:   mcp.AssertionGrant,
		Clients: []mcp.OAuthClient{{Issuer: s.URL, ID: "ci"}},
		Assertion: func(ctx context.Context, audience, resource string) (string, error) {
			wantEqual(t, ctx.Value(key{}), any("value"))
			wantEqual(t, audience, s.URL)
			wantEqual(t, resource, s.URL+"/mcp")
			return "a.b.c", nil
		},
	}
	noError(t, s.newClient(t, mcp.WithOAuth(oauth)).Ping(context.WithValue(t.Context(), key{}, "value")))
}

func TestIdentityProvider(t *testing.T) {
	s := newProtectedServer(t)
	s.set(func() { s.checkAssertion = func(assertion string) bool { return assertion == "a.b.c" } })
	oauth := &mcp.OAuth{
		Grant:    mcp.AssertionGrant,
		Clients:  []mcp.OAuthClient{{Issuer: s.URL, ID: "program"}},
		Identity: &mcp.IdentityProvider{TokenEndpoint: s.URL + "/token", ClientID: "at-provider"},
		Assertion: func(_ context.Context, audience, _ string) (string, error) {
			wantEqual(t, audience, "at-provider")
			return "id.to.ken", nil
		},
	}
	noError(t, s.newClient(t, mcp.WithOAuth(oauth)).Ping(t.Context()))
}

func TestAssertionFailures(t *testing.T) {
	s := newProtectedServer(t)
	for name, assertion := range map[string]func() (string, error){
		"error": func() (string, error) { return "", errors.New("the runner is locked\x00") },
		"panic": func() (string, error) { panic("the runner is locked") },
		"empty": func() (string, error) { return "", nil },
		"NUL":   func() (string, error) { return "a\x00b", nil },
	} {
		t.Run(name, func(t *testing.T) {
			client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{
				Grant:     mcp.AssertionGrant,
				Clients:   []mcp.OAuthClient{{Issuer: s.URL, ID: "ci"}},
				Assertion: func(context.Context, string, string) (string, error) { return assertion() },
			}))
			err := client.Ping(t.Context())
			wantStatus(t, err, mcp.OAuthFailed)
			if (name == "error" || name == "panic") && !strings.Contains(err.Error(), "the runner is locked") {
				t.Error(err)
			}
		})
	}
}

func TestStoreKeepsLogin(t *testing.T) {
	memory, locking := newMemoryStore(), &lockingStore{memoryStore: newMemoryStore()}
	folder := filepath.Join(t.TempDir(), "tokens")
	stores := map[string]mcp.Store{
		"folder": mcp.Folder(folder), "custom": mcp.CustomStore(memory), "locking": mcp.CustomStore(locking),
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			s := newProtectedServer(t)
			noError(t, s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: followLogin, Store: store})).Ping(t.Context()))
			client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Store: store}))
			noError(t, client.Ping(t.Context()))
			s.expireToken()
			noError(t, client.Ping(t.Context()))
			wantEqual(t, s.count("login"), 1)
			wantEqual(t, s.count("refresh_token"), 1)
			files, _ := os.ReadDir(folder)
			if name == "folder" && len(files) == 0 ||
				name != "folder" && !strings.Contains(memory.keys()+locking.keys(), s.URL) {
				t.Error("the store is empty")
			}
			noError(t, client.Logout(t.Context()))
			wantStatus(t, client.Ping(t.Context()), mcp.LoginRequired)
		})
	}
	if locking.taken == 0 || locking.held != 0 {
		t.Errorf("%d locks were taken, %d are still held", locking.taken, locking.held)
	}
}

func TestStoreErrorEndsCall(t *testing.T) {
	s := newProtectedServer(t)
	store := newMemoryStore()
	store.failure = errors.New("the keychain is locked")
	oauth := &mcp.OAuth{Open: followLogin, Store: mcp.CustomStore(store)}
	err := s.newClient(t, mcp.WithOAuth(oauth)).Ping(t.Context())
	wantStatus(t, err, mcp.OAuthFailed)
	if !strings.Contains(err.Error(), "the keychain is locked") {
		t.Error(err)
	}
}

func TestOpenBrowser(t *testing.T) {
	// The browser passes the URL to the test, which then requests the login page.
	folder := t.TempDir()
	pipe, browser := filepath.Join(folder, "pipe"), filepath.Join(folder, "browser")
	noError(t, syscall.Mkfifo(pipe, 0o600))
	script := "#!/bin/sh\nprintf %s \"$1\" > '" + pipe + "'\n"
	noError(t, os.WriteFile(browser, []byte(script), 0o700))
	t.Setenv("BROWSER", browser)
	visited := make(chan error, 1)
	go func() {
		visited <- func() error {
			file, err := os.Open(pipe)
			if err != nil {
				return err
			}
			defer file.Close()
			url, err := io.ReadAll(file)
			if err != nil {
				return err
			}
			response, err := http.Get(string(url))
			if err != nil {
				return err
			}
			return response.Body.Close()
		}()
	}()
	s := newProtectedServer(t)
	noError(t, s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: mcp.OpenBrowser})).Ping(t.Context()))
	noError(t, <-visited)
}

func TestBrowserErrorIsWrapped(t *testing.T) {
	t.Setenv("BROWSER", filepath.Join(t.TempDir(), "none"))
	s := newProtectedServer(t)
	err := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: mcp.OpenBrowser})).Login(t.Context())
	wantStatus(t, err, mcp.LoginFailed)
	var cause *mcp.Error
	if !errors.As(errors.Unwrap(err), &cause) {
		t.Error(err)
	}
}
