package mcp_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// A protectedServer is an MCP server at /mcp, together with its authorization server on the same origin. Its methods
// and the fields below mu may be used while it runs.
type protectedServer struct {
	*httptest.Server
	t *testing.T

	mu sync.Mutex
	// What the server accepts now.
	accessToken, refreshToken string
	codes                     map[string]url.Values
	// The redirect URI of each registration, and the identifier of a client that was registered in advance.
	redirectURIs map[string]string
	knownClient  string
	// The resource that requests must have.
	resource string
	// Whether the login page refuses the login.
	denies bool
	// Confidential clients: the secret by the identifier.
	secrets map[string]string
	// The assertion that the token endpoint accepts.
	checkAssertion func(assertion string) bool
	// The requests so far, such as "login" and "refresh_token".
	requests []string
	// The last registration request, and the last parameters of the login page.
	registration map[string]any
	login        url.Values
}

func newProtectedServer(t *testing.T) *protectedServer {
	s := &protectedServer{
		t: t, codes: map[string]url.Values{}, redirectURIs: map[string]string{}, secrets: map[string]string{},
		checkAssertion: func(string) bool { return false },
	}
	mux := http.NewServeMux()
	for pattern, handler := range map[string]func(http.ResponseWriter, *http.Request){
		"GET /.well-known/oauth-protected-resource/mcp": s.describeResource,
		"GET /.well-known/oauth-authorization-server":   s.describeAuthorization,
		"POST /register": s.register,
		"GET /authorize": s.authorize,
		"POST /token":    s.issueToken,
		"POST /revoke":   s.revoke,
		"POST /mcp":      s.answer,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			handler(w, r)
		})
	}
	s.Server = httptest.NewUnstartedServer(mux)
	s.Start()
	s.set(func() { s.resource = s.URL + "/mcp" })
	t.Cleanup(s.Close)
	return s
}

// newClient returns a client of the MCP server.
func (s *protectedServer) newClient(t *testing.T, options ...mcp.Option) *mcp.Client {
	t.Helper()
	return newClient(t, s.URL+"/mcp", options...)
}

// set changes fields.
func (s *protectedServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// last returns the last registration request, and the last parameters of the login page.
func (s *protectedServer) last() (registration map[string]any, login url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.registration, s.login
}

// expireToken makes the server reject the access token.
func (s *protectedServer) expireToken() { s.set(func() { s.accessToken = "none" }) }

// count returns how many requests of a kind there were.
func (s *protectedServer) count(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, request := range s.requests {
		if request == kind {
			count++
		}
	}
	return count
}

func (s *protectedServer) describeResource(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"resource": s.URL + "/mcp", "authorization_servers": []string{s.URL}, "scopes_supported": []string{"read"},
	})
}

func (s *protectedServer) describeAuthorization(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token",
		"registration_endpoint": s.URL + "/register", "revocation_endpoint": s.URL + "/revoke",
		"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported":            []string{"none", "client_secret_basic", "private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"ES256"},
		"authorization_response_iss_parameter_supported":   true,
		"client_id_metadata_document_supported":            true,
	})
}

func (s *protectedServer) register(w http.ResponseWriter, r *http.Request) {
	s.registration = nil
	if err := json.NewDecoder(r.Body).Decode(&s.registration); err != nil {
		s.t.Error(err)
	}
	id := fmt.Sprintf("client-%d", len(s.redirectURIs)+1)
	s.redirectURIs[id] = s.registration["redirect_uris"].([]any)[0].(string)
	s.requests = append(s.requests, "registration")
	writeJSON(w, http.StatusCreated, map[string]any{
		"client_id": id, "redirect_uris": s.registration["redirect_uris"], "token_endpoint_auth_method": "none",
	})
}

// authorize is a login page that accepts or denies the login at once.
func (s *protectedServer) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	redirect, id := query.Get("redirect_uri"), query.Get("client_id")
	if query.Get("code_challenge_method") != "S256" || query.Get("response_type") != "code" ||
		query.Get("resource") != s.resource || s.redirectURIs[id] != redirect && id != s.knownClient {
		s.t.Errorf("invalid authorization request: %v", query)
		http.Error(w, "invalid", http.StatusBadRequest)
		return
	}
	s.login = query
	s.requests = append(s.requests, "login")
	answer := url.Values{"state": {query.Get("state")}, "iss": {s.URL}}
	if s.denies {
		answer.Set("error", "access_denied")
	} else {
		code := fmt.Sprintf("code-%d", len(s.requests))
		s.codes[code] = query
		answer.Set("code", code)
	}
	http.Redirect(w, r, redirect+"?"+answer.Encode(), http.StatusFound)
}

func (s *protectedServer) issueToken(w http.ResponseWriter, r *http.Request) {
	form := readForm(s.t, r)
	grant := form.Get("grant_type")
	s.requests = append(s.requests, grant)
	var valid bool
	switch grant {
	case "authorization_code":
		login := s.codes[form.Get("code")]
		delete(s.codes, form.Get("code"))
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		valid = login != nil && login.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(sum[:]) &&
			form.Get("redirect_uri") == login.Get("redirect_uri") && form.Get("client_id") == login.Get("client_id")
	case "refresh_token":
		valid = s.refreshToken != "" && form.Get("refresh_token") == s.refreshToken
	case "client_credentials":
		id, secret, hasSecret := r.BasicAuth()
		valid = hasSecret && s.secrets[id] == secret || s.checkAssertion(form.Get("client_assertion"))
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		valid = s.checkAssertion(form.Get("assertion"))
	case "urn:ietf:params:oauth:grant-type:token-exchange":
		// The identity provider.
		if form.Get("subject_token") == "id.to.ken" && form.Get("audience") == s.URL &&
			form.Get("client_id") == "at-provider" {
			writeJSON(w, http.StatusOK, map[string]any{
				"access_token": "a.b.c", "token_type": "N_A",
				"issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
			})
			return
		}
	}
	if !valid && grant == "client_credentials" {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	if !valid || form.Get("resource") != s.resource {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	s.accessToken = fmt.Sprintf("access-%d", len(s.requests))
	tokens := map[string]any{
		"access_token": s.accessToken, "token_type": "Bearer", "expires_in": 3600, "scope": "read",
	}
	if s.login != nil {
		s.refreshToken = fmt.Sprintf("refresh-%d", len(s.requests))
		tokens["refresh_token"] = s.refreshToken
	}
	writeJSON(w, http.StatusOK, tokens)
}

func (s *protectedServer) revoke(_ http.ResponseWriter, r *http.Request) {
	s.requests = append(s.requests, "revocation")
	switch readForm(s.t, r).Get("token") {
	case s.accessToken:
		s.accessToken = ""
	case s.refreshToken:
		s.accessToken, s.refreshToken = "", ""
	}
}

// answer is the MCP server, of protocol version 2025-06-18 without sessions.
func (s *protectedServer) answer(w http.ResponseWriter, r *http.Request) {
	if s.accessToken == "" || r.Header.Get("Authorization") != "Bearer "+s.accessToken {
		metadata := s.URL + "/.well-known/oauth-protected-resource/mcp"
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer resource_metadata=%q", metadata))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var request struct {
		ID     json.RawMessage
		Method string
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		s.t.Error(err)
	}
	response := map[string]any{"jsonrpc": "2.0", "id": request.ID}
	switch {
	case request.ID == nil:
		w.WriteHeader(http.StatusAccepted)
		return
	case request.Method == "initialize":
		response["result"] = map[string]any{
			"protocolVersion": "2025-06-18", "capabilities": map[string]any{},
			"serverInfo": map[string]any{"name": "protected", "version": "1"},
		}
	case request.Method == "ping":
		response["result"] = map[string]any{}
	default:
		response["error"] = map[string]any{"code": -32601, "message": "Method not found"}
	}
	writeJSON(w, http.StatusOK, response)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func readForm(t *testing.T, r *http.Request) url.Values {
	if err := r.ParseForm(); err != nil {
		t.Error(err)
	}
	return r.PostForm
}

// followLogin is an Open function without a browser: it requests the login page, and returns its redirect.
func followLogin(ctx context.Context, login mcp.Login) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, login.URL, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusFound {
		return "", fmt.Errorf("the login page responded with %s", response.Status)
	}
	return response.Header.Get("Location"), nil
}

// A memoryStore is a store that the program implements.
type memoryStore struct {
	mu      sync.Mutex
	texts   map[string]string
	failure error
}

func (m *memoryStore) Load(key string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.texts[key], m.failure
}

func (m *memoryStore) Save(key, text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if text == "" {
		delete(m.texts, key)
	} else {
		m.texts[key] = text
	}
	return m.failure
}

func newMemoryStore() *memoryStore { return &memoryStore{texts: map[string]string{}} }

// A lockingStore also counts its locks.
type lockingStore struct {
	*memoryStore
	held, taken int
}

func (l *lockingStore) Lock(string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held++
	l.taken++
	return nil
}

func (l *lockingStore) Unlock(string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held--
}

// keys returns the keys of the texts, sorted.
func (m *memoryStore) keys() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key := range m.texts {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}
