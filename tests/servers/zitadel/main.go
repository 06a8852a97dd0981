// An authorization server (zitadel/oidc, with the storage and the login page of its example), and an MCP server on the
// official Go SDK that asks it about each token.
//
//	server
//
// Both listen on free loopback ports; the addresses and the clients are written as JSON to $ANNOUNCE_FD. $TOKEN_SECONDS
// is how long an access token lasts. Clients cannot register. The user "alice" has the password "wonderland".
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	scope  = "mcp:read"
	native = "native"
	// The client as which the MCP server authenticates when it asks about a token.
	introspector = "introspector"
	secret       = "secret-of-the-mcp-server"
	// A client of the example's storage, for the client credentials grant.
	service, serviceSecret = "sid1", "verysecret"
)

// users has one user.
type users struct{ alice storage.User }

func (u *users) GetUserByID(id string) *storage.User {
	if id == u.alice.ID {
		return &u.alice
	}
	return nil
}

func (u *users) GetUserByUsername(name string) *storage.User {
	if name == u.alice.Username {
		return &u.alice
	}
	return nil
}

func (u *users) ExampleClientID() string { return storage.ServiceUserID }

// client may request the scope of the MCP server.
type client struct{ op.Client }

func (c client) IsScopeAllowed(requested string) bool { return requested == scope }

// store is the storage of the example with another lifetime of access tokens.
type store struct {
	*storage.Storage
	lifetime time.Duration

	lock sync.Mutex
	ends map[string]time.Time // of access tokens, by their IDs
}

func (s *store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	found, err := s.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return client{found}, nil
}

func (s *store) issued(id string) time.Time {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.ends[id] = time.Now().Add(s.lifetime)
	return s.ends[id]
}

func (s *store) CreateAccessToken(ctx context.Context, request op.TokenRequest) (string, time.Time, error) {
	id, _, err := s.Storage.CreateAccessToken(ctx, request)
	return id, s.issued(id), err
}

func (s *store) CreateAccessAndRefreshTokens(
	ctx context.Context, request op.TokenRequest, current string,
) (string, string, time.Time, error) {
	id, refresh, _, err := s.Storage.CreateAccessAndRefreshTokens(ctx, request, current)
	return id, refresh, s.issued(id), err
}

// SetIntrospectionFromToken describes a token of any client. The example describes only those of the client that asks.
func (s *store) SetIntrospectionFromToken(
	ctx context.Context, answer *oidc.IntrospectionResponse, id, subject, _ string,
) error {
	s.lock.Lock()
	end := s.ends[id]
	s.lock.Unlock()
	if !time.Now().Before(end) {
		return errors.New("the token has expired")
	}
	if subject == service {
		// The example looks for a user with the name of the service.
		*answer = oidc.IntrospectionResponse{Active: true, Subject: subject, ClientID: service}
		answer.Scope = oidc.SpaceDelimitedArray{scope}
	} else if err := s.Storage.SetIntrospectionFromToken(ctx, answer, id, subject, native); err != nil {
		return err
	}
	answer.Expiration = oidc.FromTime(end)
	return nil
}

// verifier asks the authorization server about a token.
func verifier(issuer string) auth.TokenVerifier {
	return func(ctx context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		form := strings.NewReader(url.Values{"token": {token}}.Encode())
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"oauth/introspect", form)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(introspector, secret)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		var answer oidc.IntrospectionResponse
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			return nil, err
		}
		if !answer.Active {
			return nil, fmt.Errorf("%w: not active", auth.ErrInvalidToken)
		}
		extra := map[string]any{"client": answer.ClientID}
		return &auth.TokenInfo{Scopes: answer.Scope, Expiration: answer.Expiration.AsTime(), Extra: extra}, nil
	}
}

func read(_ context.Context, request *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	info := request.Extra.TokenInfo
	text := fmt.Sprint(info.Extra["client"], " ", strings.Join(info.Scopes, " "))
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
}

// resource is the MCP server.
func resource(origin, issuer string) http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "libmcp-zitadel", Version: "1.2.3"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "read"}, read)
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	const metadata = "/.well-known/oauth-protected-resource/mcp"
	options := auth.RequireBearerTokenOptions{ResourceMetadataURL: origin + metadata, Scopes: []string{scope}}
	mux := http.NewServeMux()
	mux.Handle("/mcp", auth.RequireBearerToken(verifier(issuer), &options)(handler))
	mux.Handle(metadata, auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource:             origin + "/mcp",
		AuthorizationServers: []string{issuer},
		ScopesSupported:      []string{scope},
	}))
	return mux
}

func listen() (net.Listener, string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return listener, "http://" + listener.Addr().String()
}

func announce(announcement map[string]any) error {
	descriptor, err := strconv.Atoi(os.Getenv("ANNOUNCE_FD"))
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(descriptor), "announcement")
	defer file.Close()
	return json.NewEncoder(file).Encode(announcement)
}

func main() {
	seconds := 3600
	if text := os.Getenv("TOKEN_SECONDS"); text != "" {
		var err error
		if seconds, err = strconv.Atoi(text); err != nil {
			log.Fatal(err)
		}
	}
	issuing, issuer := listen()
	serving, origin := listen()
	issuer += "/"

	storage.RegisterClients(
		storage.NativeClient(native, "http://127.0.0.1/callback"),
		storage.WebClient(introspector, secret),
	)
	people := &users{storage.User{ID: "id1", Username: "alice", Password: "wonderland", FirstName: "Alice"}}
	provider := &store{
		Storage:  storage.NewStorage(people),
		lifetime: time.Duration(seconds) * time.Second,
		ends:     map[string]time.Time{},
	}
	authorization := exampleop.SetupServer(issuer, provider, nil, false)
	go func() { log.Fatal(http.Serve(issuing, authorization)) }()

	err := announce(map[string]any{
		"transport": "streamable-http",
		"url":       origin + "/mcp",
		"issuer":    issuer,
		"scopes":    []string{scope},
		"client":    map[string]string{"id": native},
		"service":   map[string]string{"id": service, "secret": serviceSecret},
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(serving, resource(origin, issuer)))
}
