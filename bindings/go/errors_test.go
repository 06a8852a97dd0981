package mcp_test

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func TestInvalidArguments(t *testing.T) {
	for _, url := range []string{"", "ftp://x/", "http://a b/", "http://h/\x00", "http://\xff/"} {
		_, err := mcp.New(url)
		wantStatus(t, err, mcp.InvalidArgument)
	}
	client := newClient(t, "http://127.0.0.1:1/mcp")
	for _, err := range []error{
		client.SetBearer(""), client.SetBearer("Bearer x"), client.SetBearer("a\x00b"),
		client.SetHeader("a\r\nb", "x"), client.SetHeader("X-A", "x\nb"), client.SetHeader("X-A", "x\x00b"),
		client.SetHeader("Host", "x"), client.SetTimeout(-time.Second),
		client.Ping(t.Context(), mcp.Timeout(-1)), client.Ping(t.Context(), mcp.IdleTimeout(-1)),
	} {
		wantStatus(t, err, mcp.InvalidArgument)
	}
}

func TestConnectionRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	url := "http://" + listener.Addr().String() + "/mcp"
	noError(t, listener.Close())
	e := wantStatus(t, newClient(t, url).Ping(t.Context()), mcp.ConnectFailed)
	if e.HTTPStatus != 0 || e.RPC != nil || e.RetryAfter >= 0 || !strings.Contains(e.Message, url) {
		t.Errorf("%+v", e)
	}
}

func TestRPCError(t *testing.T) {
	client := newClient(t, scriptedURL(t, "legacy+fault=rpc-error+when=tools/list"))
	_, err := client.ListTools(t.Context())
	e := wantStatus(t, err, mcp.RPCError)
	var data struct{ Why string }
	if e.RPC == nil || e.RPC.Code != -32603 || json.Unmarshal(e.RPC.Data, &data) != nil || data.Why != "test" {
		t.Errorf("%+v", e.RPC)
	}
}

func TestRetryAfter(t *testing.T) {
	e := wantStatus(t, newClient(t, scriptedURL(t, "status=429+retry-after=7")).Ping(t.Context()), mcp.RateLimited)
	if e.RetryAfter != 7*time.Second {
		t.Error(e.RetryAfter)
	}
}

func TestStatusNames(t *testing.T) {
	if mcp.TimedOut.String() != "MCP_TIMEOUT" || mcp.Status(9999).Error() != "MCP_UNKNOWN" || mcp.Version() == "" {
		t.Error(mcp.TimedOut, mcp.Status(9999), mcp.Version())
	}
	wantEqual(t, mcp.TimedOut.Text(), "The timeout of the call expired")
	wantEqual(t, mcp.LogWarning.String(), "warning")
	var timeout net.Error
	err := error(&mcp.Error{Status: mcp.TimedOut})
	if !err.(interface{ Timeout() bool }).Timeout() || errors.As(err, &timeout) {
		t.Error("Timeout is false, or the error is a net.Error")
	}
}

func TestResult(t *testing.T) {
	result := mcp.Result(`{"a":[1,{"b/c":"x"}]}`)
	part, err := result.At("/a/1/b~1c")
	noError(t, err)
	if part.String() != `"x"` {
		t.Error(part)
	}
	text, err := json.Marshal(map[string]mcp.Result{"r": result})
	noError(t, err)
	var decoded map[string]mcp.Result
	noError(t, json.Unmarshal(text, &decoded))
	wantEqual(t, decoded["r"].String(), result.String())
	_, err = mcp.Result("{").At("")
	wantStatus(t, err, mcp.InvalidJSON)
	_, err = mcp.Result(nil).At("")
	wantStatus(t, err, mcp.InvalidArgument)
	_, err = result.At("/\x00")
	wantStatus(t, err, mcp.InvalidArgument)
}

func TestSettings(t *testing.T) {
	url := scriptedURL(t, "modern")
	ping := func(url string, options ...mcp.Option) error {
		t.Helper()
		return newClient(t, url, options...).Ping(t.Context())
	}
	noError(t, ping(url, mcp.WithClientInfo("program", "2"), mcp.WithTimeout(time.Minute), mcp.WithoutProxy(),
		mcp.WithLimit(mcp.EventLimit, 1<<20), mcp.WithLimit(mcp.HeadLimit, 0), mcp.WithRequireHTTPS(),
		mcp.WithProtocolVersion(""), mcp.WithIdleTimeout(time.Minute), mcp.WithName(""),
		mcp.WithExtension("com.example/charts", map[string]int{"version": 2}),
		mcp.WithExtension("com.example/other", nil)))

	wantStatus(t, ping(url, mcp.WithLimit(mcp.MessageLimit, 10)), mcp.TooLarge)
	wantStatus(t, ping(url, mcp.WithProxy("http://127.0.0.1:1")), mcp.ProxyFailed)
	wantStatus(t, ping(url, mcp.WithUnixSocket(t.TempDir()+"/none")), mcp.ConnectFailed)
	wantStatus(t, ping("http://localhost.invalid/", mcp.WithBearer("x"), mcp.WithRequireHTTPS()), mcp.Insecure)
	wantStatus(t, ping("https://127.0.0.1:1/", mcp.WithoutTLSVerification()), mcp.ConnectFailed)

	for _, option := range []mcp.Option{
		mcp.WithCAFile("/no/such/file"), mcp.WithClientCertificate("/no/such/file", ""),
		mcp.WithProxy("nonsense://"), mcp.WithProxy("http://\x00"), mcp.WithTransport(99), mcp.WithLimit(99, 1),
		mcp.WithClientInfo("a\x00", "b"),
		mcp.WithExtension("charts", nil),
		mcp.WithExtension("com.example/charts", 1),
		mcp.WithExtension("com.example/charts", func() {}),
	} {
		_, err := mcp.New(url, option)
		wantStatus(t, err, mcp.InvalidArgument)
	}
	connected := newClient(t, url)
	noError(t, connected.Ping(t.Context()))
	wantStatus(t, mcp.WithTransport(mcp.SSE)(connected), mcp.Misuse)
}
