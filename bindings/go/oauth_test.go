package mcp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func TestInvalidOAuth(t *testing.T) {
	for name, oauth := range map[string]*mcp.OAuth{
		"no client ID":          {Clients: []mcp.OAuthClient{{Issuer: "https://auth.example"}}},
		"issuer":                {Clients: []mcp.OAuthClient{{ID: "a", Issuer: "auth.example"}}},
		"key":                   {Clients: []mcp.OAuthClient{{ID: "a", PrivateKey: "no PEM"}}},
		"secret and key":        {Clients: []mcp.OAuthClient{{ID: "a", Secret: "s", PrivateKey: "k"}}},
		"NUL":                   {Clients: []mcp.OAuthClient{{ID: "a\x00"}}},
		"client URL":            {ClientURL: "http://app.example/client.json"},
		"metadata type":         {ClientMetadata: []int{1}},
		"metadata encoding":     {ClientMetadata: func() {}},
		"metadata member":       {ClientMetadata: map[string]string{"scope": "a"}},
		"grant":                 {Grant: 99},
		"scope":                 {Scopes: []string{"a b"}},
		"empty scope":           {Scopes: []string{""}},
		"scope character":       {Scopes: []string{`"`}},
		"resource":              {Resource: "https://example.com/#fragment"},
		"resource twice":        {Resource: "https://example.com/", NoResource: true},
		"parameter":             {Parameters: map[string]string{"client_id": "a"}},
		"redirect":              {Redirect: "ftp://app.example/"},
		"scopes twice":          {Scopes: []string{"a"}, NoScopes: true},
		"identity":              {Identity: &mcp.IdentityProvider{TokenEndpoint: "x"}},
		"identity without port": {Identity: &mcp.IdentityProvider{TokenEndpoint: "https://a:b/", ClientID: "a"}},
		"folder":                {Store: mcp.Folder("a\x00b")},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				_, err := mcp.New("http://127.0.0.1:1/mcp", mcp.WithOAuth(oauth))
				wantStatus(t, err, mcp.InvalidArgument)
			}
			wantStatus(t, oauth.Finish("http://127.0.0.1/?state=a"), mcp.InvalidArgument)
		})
	}
}

func TestOAuthIsForHTTPOnly(t *testing.T) {
	_, err := mcp.NewProcess([]string{"true"}, mcp.WithOAuth(&mcp.OAuth{}))
	wantStatus(t, err, mcp.Misuse)
}

func TestLoginWithoutOAuthIsMisuse(t *testing.T) {
	client := newClient(t, "http://127.0.0.1:1/mcp")
	wantMisuse := func() {
		t.Helper()
		wantStatus(t, client.Login(t.Context()), mcp.Misuse)
		wantStatus(t, client.Logout(t.Context()), mcp.Misuse)
		_, err := client.OAuthState()
		wantStatus(t, err, mcp.Misuse)
	}
	wantMisuse()
	noError(t, client.SetOAuth(&mcp.OAuth{}))
	state, err := client.OAuthState()
	noError(t, err)
	wantEqual(t, state.LoggedIn, false)
	noError(t, client.SetOAuth(nil))
	wantMisuse()
	noError(t, client.Close())
	wantStatus(t, client.SetOAuth(&mcp.OAuth{}), mcp.Closed)
}

func TestLoginIsRequired(t *testing.T) {
	s := newProtectedServer(t)
	wantStatus(t, s.newClient(t, mcp.WithOAuth(&mcp.OAuth{})).Ping(t.Context()), mcp.LoginRequired)

	asked := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: followLogin, WhenAsked: true}))
	wantStatus(t, asked.Ping(t.Context()), mcp.LoginRequired)
	wantEqual(t, s.count("login"), 0)
	noError(t, asked.Login(t.Context()))
	noError(t, asked.Ping(t.Context()))
}

func TestServerWithoutAuthorizationServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/mcp") {
			w.WriteHeader(http.StatusUnauthorized)
		} else {
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	oauth := &mcp.OAuth{Open: followLogin}
	wantStatus(t, newClient(t, server.URL+"/mcp", mcp.WithOAuth(oauth)).Ping(t.Context()), mcp.Unauthorized)
}

func TestLogin(t *testing.T) {
	s := newProtectedServer(t)
	var logins []mcp.Login
	type key struct{}
	oauth := &mcp.OAuth{
		ClientMetadata: map[string]string{"client_uri": "https://app.example"},
		Parameters:     map[string]string{"login_hint": "ada"},
		Open: func(ctx context.Context, login mcp.Login) (string, error) {
			wantEqual(t, ctx.Value(key{}), any("value"))
			logins = append(logins, login)
			return followLogin(ctx, login)
		},
	}
	client := s.newClient(t, mcp.WithOAuth(oauth), mcp.WithClientInfo("program", "1"))
	noError(t, client.Ping(context.WithValue(t.Context(), key{}, "value")))

	wantEqual(t, len(logins), 1)
	login := logins[0]
	wantEqual(t, login.Server, s.URL+"/mcp")
	wantEqual(t, login.Issuer, s.URL)
	wantEqual(t, strings.Join(login.Scopes, " "), "read")
	if !strings.HasPrefix(login.RedirectURI, "http://127.0.0.1:") || !strings.HasPrefix(login.URL, s.URL) {
		t.Errorf("%+v", login)
	}
	registration, parameters := s.last()
	wantEqual(t, parameters.Get("login_hint"), "ada")
	wantEqual(t, registration["client_name"], any("program"))
	wantEqual(t, registration["client_uri"], any("https://app.example"))

	state, err := client.OAuthState()
	noError(t, err)
	left := time.Until(state.ExpiresAt)
	if !state.LoggedIn || !state.Refreshable || state.Issuer != s.URL || state.Resource != s.URL+"/mcp" ||
		state.ClientID != "client-1" || state.Registration != "registered" || len(state.Scopes) != 1 ||
		left < 50*time.Minute || left > time.Hour || state.IDToken != nil {
		t.Errorf("%+v", state)
	}
}

func TestLoginParameters(t *testing.T) {
	for name, oauth := range map[string]*mcp.OAuth{
		"set":  {Resource: "urn:example:mcp", Scopes: []string{"read", "write"}, LoginTimeout: time.Hour},
		"none": {NoResource: true, NoScopes: true, LoginTimeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newProtectedServer(t)
			s.set(func() { s.resource = oauth.Resource })
			oauth.Open = followLogin
			noError(t, s.newClient(t, mcp.WithOAuth(oauth)).Ping(t.Context()))
			_, login := s.last()
			wantEqual(t, login.Get("scope"), strings.Join(oauth.Scopes, " "))
			wantEqual(t, login.Has("resource"), oauth.Resource != "")
		})
	}
}

func TestKnownClients(t *testing.T) {
	for id, registration := range map[string]string{
		"program": "configured", "https://app.example/client.json": "metadata_document",
	} {
		t.Run(registration, func(t *testing.T) {
			s := newProtectedServer(t)
			s.set(func() { s.knownClient = id })
			oauth := &mcp.OAuth{Open: followLogin, NoRegistration: true}
			if registration == "configured" {
				oauth.Clients = []mcp.OAuthClient{{ID: id}}
			} else {
				oauth.ClientURL = id
			}
			client := s.newClient(t, mcp.WithOAuth(oauth))
			noError(t, client.Ping(t.Context()))
			state, err := client.OAuthState()
			noError(t, err)
			wantEqual(t, state.ClientID, id)
			wantEqual(t, state.Registration, registration)
			wantEqual(t, s.count("registration"), 0)
		})
	}
	s := newProtectedServer(t)
	unregistered := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: followLogin, NoRegistration: true}))
	wantStatus(t, unregistered.Ping(t.Context()), mcp.OAuthFailed)
}

func TestRefreshTokensRotate(t *testing.T) {
	s := newProtectedServer(t)
	client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: followLogin}))
	for range 3 {
		noError(t, client.Ping(t.Context()))
		s.expireToken()
	}
	wantEqual(t, s.count("login"), 1)
	wantEqual(t, s.count("refresh_token"), 2)
}

func TestLogout(t *testing.T) {
	s := newProtectedServer(t)
	client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: followLogin, WhenAsked: true}))
	noError(t, client.Login(t.Context()))
	noError(t, client.Logout(t.Context()))
	if s.count("revocation") == 0 {
		t.Error("no token was revoked")
	}
	state, err := client.OAuthState()
	noError(t, err)
	wantEqual(t, state.LoggedIn, false)
	wantStatus(t, client.Ping(t.Context()), mcp.LoginRequired)
	noError(t, client.Login(t.Context()))
	wantEqual(t, s.count("registration"), 1)
	wantEqual(t, s.count("login"), 2)
}

func TestLibraryReceivesLoopbackRedirect(t *testing.T) {
	s := newProtectedServer(t)
	browse := func(ctx context.Context, login mcp.Login) (string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, login.URL, nil)
		if err != nil {
			return "", err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		return "", err
	}
	for _, redirect := range []string{"", "http://localhost/callback"} {
		client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: browse, Redirect: redirect}))
		noError(t, client.Ping(t.Context()))
	}
}

func TestRedirectEndsContextOfOpen(t *testing.T) {
	s := newProtectedServer(t)
	ended := make(chan error, 1)
	open := func(ctx context.Context, login mcp.Login) (string, error) {
		response, err := http.Get(login.URL) // follows the redirect to the library
		if err != nil {
			return "", err
		}
		response.Body.Close()
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return "", ctx.Err()
	}
	noError(t, s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: open})).Ping(t.Context()))
	wantEqual(t, <-ended, context.Canceled)
}

func TestRedirectArrivesElsewhere(t *testing.T) {
	s := newProtectedServer(t)
	oauth := &mcp.OAuth{Redirect: "com.example.app:/callback"}
	finished := make(chan error, 1)
	oauth.Open = func(ctx context.Context, login mcp.Login) (string, error) {
		redirect, err := followLogin(ctx, login)
		go func() { finished <- oauth.Finish(redirect) }()
		return "", err
	}
	noError(t, s.newClient(t, mcp.WithOAuth(oauth)).Login(t.Context()))
	noError(t, <-finished)
	wantStatus(t, oauth.Finish("com.example.app:/callback?code=a&state=b"), mcp.InvalidArgument)
	wantStatus(t, oauth.Finish("a\x00b"), mcp.InvalidArgument)
}

func TestOpenErrorIsWrapped(t *testing.T) {
	why := errors.New("the user closed the window\x00\xff")
	s := newProtectedServer(t)
	client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{
		Open: func(context.Context, mcp.Login) (string, error) { return "", why },
	}))
	err := client.Login(t.Context())
	wantStatus(t, err, mcp.LoginFailed)
	if !errors.Is(err, why) || !strings.Contains(err.Error(), "the user closed the window") {
		t.Error(err)
	}
	wantStatus(t, client.Ping(t.Context()), mcp.LoginRequired)
}

func TestOpenFailures(t *testing.T) {
	for name, open := range map[string]func(context.Context, mcp.Login) (string, error){
		"panic":  func(context.Context, mcp.Login) (string, error) { panic("oh no") },
		"Goexit": func(context.Context, mcp.Login) (string, error) { runtime.Goexit(); return "", nil },
		"nil error": func(context.Context, mcp.Login) (string, error) {
			var nothing *nilError
			return "", nothing
		},
		"redirect of another login": func(_ context.Context, login mcp.Login) (string, error) {
			return login.RedirectURI + "?code=a&state=b", nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newProtectedServer(t)
			err := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: open})).Login(t.Context())
			cause := errors.Unwrap(wantStatus(t, err, mcp.LoginFailed))
			var panicked *mcp.PanicError
			switch name {
			case "panic":
				if !errors.As(err, &panicked) || panicked.Value != "oh no" ||
					!strings.Contains(string(panicked.Stack), "oauth_test.go") {
					t.Error(err)
				}
			case "nil error":
				if !errors.As(err, &panicked) {
					t.Error(err)
				}
			case "Goexit":
				if cause == nil || !strings.Contains(err.Error(), "Goexit") {
					t.Error(err)
				}
			default:
				wantStatus(t, cause, mcp.InvalidArgument)
			}
		})
	}
}

func TestLoginIsDenied(t *testing.T) {
	s := newProtectedServer(t)
	s.set(func() { s.denies = true })
	err := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: followLogin})).Ping(t.Context())
	wantEqual(t, wantStatus(t, err, mcp.LoginFailed).OAuthCode, "access_denied")
}

// waitingOAuth returns an OAuth whose Open function waits for the end of its context. It then sends the cause.
func waitingOAuth() (oauth *mcp.OAuth, opened <-chan mcp.Login, ended <-chan error) {
	logins, causes := make(chan mcp.Login, 1), make(chan error, 1)
	open := func(ctx context.Context, login mcp.Login) (string, error) {
		logins <- login
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return "", ctx.Err()
	}
	return &mcp.OAuth{Open: open}, logins, causes
}

func TestCancelledContextEndsLogin(t *testing.T) {
	s := newProtectedServer(t)
	why := errors.New("changed my mind")
	for _, call := range []func(*mcp.Client, context.Context) error{
		func(c *mcp.Client, ctx context.Context) error { return c.Login(ctx) },
		func(c *mcp.Client, ctx context.Context) error { return c.Ping(ctx) },
	} {
		oauth, opened, ended := waitingOAuth()
		client := s.newClient(t, mcp.WithOAuth(oauth))
		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error, 1)
		go func() { result <- call(client, ctx) }()
		<-opened
		start := time.Now()
		cancel(why)
		err := waitForReturn(t, "cancel", result, start)
		wantStatus(t, err, mcp.Cancelled)
		if !errors.Is(err, why) {
			t.Error(err)
		}
		wantEqual(t, <-ended, why)
	}
}

func TestDeadlineEndsLogin(t *testing.T) {
	oauth, _, ended := waitingOAuth()
	client := newProtectedServer(t).newClient(t, mcp.WithOAuth(oauth))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	wantStatus(t, client.Login(ctx), mcp.TimedOut)
	wantEqual(t, <-ended, context.DeadlineExceeded)
}

func TestCloseEndsLogin(t *testing.T) {
	oauth, opened, ended := waitingOAuth()
	client := newProtectedServer(t).newClient(t, mcp.WithOAuth(oauth))
	result := make(chan error, 1)
	go func() { result <- client.Login(t.Context()) }()
	<-opened
	start := time.Now()
	noError(t, client.Close())
	wantStatus(t, waitForReturn(t, "close", result, start), mcp.Closed)
	wantStatus(t, <-ended, mcp.Closed)
}

func TestLoginTimeout(t *testing.T) {
	oauth, _, ended := waitingOAuth()
	oauth.LoginTimeout = 50 * time.Millisecond
	client := newProtectedServer(t).newClient(t, mcp.WithOAuth(oauth))
	wantStatus(t, client.Login(t.Context()), mcp.LoginFailed)
	wantStatus(t, <-ended, mcp.TimedOut)
}

func TestTimeForLoginIsNotCounted(t *testing.T) {
	const timeout = time.Second
	s := newProtectedServer(t)
	open := func(ctx context.Context, login mcp.Login) (string, error) {
		<-time.After(timeout + 100*time.Millisecond)
		return followLogin(ctx, login)
	}
	client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: open}))
	noError(t, client.Ping(t.Context(), mcp.Timeout(timeout)))
}

func TestConcurrentCallsShareOneLogin(t *testing.T) {
	s := newProtectedServer(t)
	oauth := &mcp.OAuth{Open: followLogin}
	clients := []*mcp.Client{s.newClient(t, mcp.WithOAuth(oauth)), s.newClient(t, mcp.WithOAuth(oauth))}
	ping := func() {
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				if err := clients[i%2].Ping(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	ping()
	s.expireToken()
	ping()
	wantEqual(t, s.count("login"), 1)
	wantEqual(t, s.count("refresh_token"), 1)
}

func TestOAuthReplacesAuthFunc(t *testing.T) {
	s := newProtectedServer(t)
	auth := func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) {
		return mcp.Credentials{Bearer: "wrong"}, nil
	}
	client := s.newClient(t, mcp.WithAuth(auth))
	wantStatus(t, client.Ping(t.Context()), mcp.Unauthorized)
	noError(t, client.SetOAuth(&mcp.OAuth{Open: followLogin}))
	noError(t, client.Ping(t.Context()))
	noError(t, client.SetOAuth(nil))
	wantStatus(t, client.Ping(t.Context()), mcp.Unauthorized)
}

func TestUnreachableOAuthIsFreed(t *testing.T) {
	s := newProtectedServer(t)
	var freed atomic.Bool
	func() {
		big := new([1024]byte)
		runtime.AddCleanup(big, func(freed *atomic.Bool) { freed.Store(true) }, &freed)
		client := s.newClient(t, mcp.WithOAuth(&mcp.OAuth{
			Open: func(ctx context.Context, login mcp.Login) (string, error) {
				big[0]++
				return followLogin(ctx, login)
			},
		}))
		noError(t, client.Ping(t.Context()))
		noError(t, client.SetOAuth(nil))
	}()
	// Cleanups run some time after the garbage collection that found the OAuth unreachable.
	for range 1000 {
		runtime.GC()
		if freed.Load() {
			return
		}
	}
	t.Error("the Open function is still referenced")
}
