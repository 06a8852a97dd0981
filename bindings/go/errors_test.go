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

func TestWhatCannotBeUsed(t *testing.T) {
	for _, url := range []string{"", "ftp://x/", "http://a b/", "http://h/\x00", "http://\xff/"} {
		_, err := mcp.New(url)
		failed(t, err, mcp.InvalidArgument)
	}
	client := made(t, "http://127.0.0.1:1/mcp")
	for _, err := range []error{
		client.SetBearer(""), client.SetBearer("Bearer x"), client.SetBearer("a\x00b"),
		client.SetHeader("a\r\nb", "x"), client.SetHeader("X-A", "x\nb"), client.SetHeader("X-A", "x\x00b"),
		client.SetHeader("Host", "x"), client.SetTimeout(-time.Second),
		client.Ping(t.Context(), mcp.Timeout(-1)), client.Ping(t.Context(), mcp.IdleTimeout(-1)),
	} {
		failed(t, err, mcp.InvalidArgument)
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	need(t, err)
	url := "http://" + listener.Addr().String() + "/mcp"
	need(t, listener.Close())
	e := failed(t, made(t, url).Ping(t.Context()), mcp.ConnectFailed)
	if e.HTTPStatus != 0 || e.RPC != nil || e.RetryAfter >= 0 || !strings.Contains(e.Message, url) {
		t.Errorf("%+v", e)
	}
}

func TestRPCError(t *testing.T) {
	client := made(t, scripted(t, "legacy+fault=rpc-error+when=tools/list"))
	_, err := client.ListTools(t.Context())
	e := failed(t, err, mcp.RPCError)
	var data struct{ Why string }
	if e.RPC == nil || e.RPC.Code != -32603 || json.Unmarshal(e.RPC.Data, &data) != nil || data.Why != "test" {
		t.Errorf("%+v", e.RPC)
	}
}

func TestRetryAfter(t *testing.T) {
	e := failed(t, made(t, scripted(t, "status=429+retry-after=7")).Ping(t.Context()), mcp.RateLimited)
	if e.RetryAfter != 7*time.Second {
		t.Error(e.RetryAfter)
	}
}

func TestStatusNames(t *testing.T) {
	if mcp.TimedOut.String() != "MCP_TIMEOUT" || mcp.Status(9999).Error() != "MCP_UNKNOWN" || mcp.Version() == "" {
		t.Error(mcp.TimedOut, mcp.Status(9999), mcp.Version())
	}
	var timeout net.Error
	if err := error(&mcp.Error{Status: mcp.TimedOut}); !err.(interface{ Timeout() bool }).Timeout() || errors.As(err, &timeout) {
		t.Error("a timeout is none")
	}
}

func TestResult(t *testing.T) {
	result := mcp.Result(`{"a":[1,{"b/c":"x"}]}`)
	part, err := result.At("/a/1/b~1c")
	need(t, err)
	if part.String() != `"x"` {
		t.Error(part)
	}
	text, err := json.Marshal(map[string]mcp.Result{"r": result})
	need(t, err)
	var back map[string]mcp.Result
	need(t, json.Unmarshal(text, &back))
	if back["r"].String() != result.String() {
		t.Error(back)
	}
	_, err = mcp.Result("{").At("")
	failed(t, err, mcp.InvalidJSON)
	_, err = mcp.Result(nil).At("")
	failed(t, err, mcp.InvalidArgument)
	_, err = result.At("/\x00")
	failed(t, err, mcp.InvalidArgument)
}

func TestSettings(t *testing.T) {
	ends := scripted(t, "modern")
	need(t, made(t, ends, mcp.WithClientInfo("program", "2"), mcp.WithTimeout(time.Minute), mcp.WithoutProxy(),
		mcp.WithLimit(mcp.EventLimit, 1<<20), mcp.WithLimit(mcp.HeadLimit, 0), mcp.WithRequireHTTPS(), mcp.WithProtocolVersion("")).Ping(t.Context()))

	failed(t, made(t, ends, mcp.WithLimit(mcp.MessageLimit, 10)).Ping(t.Context()), mcp.TooLarge)
	failed(t, made(t, ends, mcp.WithProxy("http://127.0.0.1:1")).Ping(t.Context()), mcp.ProxyFailed)
	failed(t, made(t, ends, mcp.WithUnixSocket(t.TempDir()+"/none")).Ping(t.Context()), mcp.ConnectFailed)
	failed(t, made(t, "http://localhost.invalid/", mcp.WithBearer("x"), mcp.WithRequireHTTPS()).Ping(t.Context()), mcp.Insecure)
	failed(t, made(t, "https://127.0.0.1:1/", mcp.WithoutTLSVerification()).Ping(t.Context()), mcp.ConnectFailed)

	for _, option := range []mcp.Option{
		mcp.WithCAFile("/there/is/none"), mcp.WithClientCertificate("/there/is/none", ""), mcp.WithProxy("nonsense://"),
		mcp.WithTransport(99), mcp.WithLimit(99, 1), mcp.WithClientInfo("a\x00", "b"), mcp.WithProxy("http://\x00"),
	} {
		_, err := mcp.New(ends, option)
		failed(t, err, mcp.InvalidArgument)
	}
	used := made(t, ends)
	need(t, used.Ping(t.Context()))
	failed(t, mcp.WithTransport(mcp.SSE)(used), mcp.Misuse)
}
