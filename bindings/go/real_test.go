package mcp_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

var bearerServers = []string{"fastmcp4-static", "fastmcp3-static", "fastmcp4-sse"}

func TestRightBearer(t *testing.T) {
	for _, name := range bearerServers {
		t.Run(name, func(t *testing.T) {
			s := real(t, name)
			client := made(t, s.URL, mcp.WithBearer(s.Tokens["right"]))
			need(t, client.Connect(t.Context()))
			need(t, client.Ping(t.Context()))
		})
	}
}

func TestWrongBearer(t *testing.T) {
	for _, name := range bearerServers {
		t.Run(name, func(t *testing.T) {
			s := real(t, name)
			err := made(t, s.URL, mcp.WithBearer(s.Tokens["wrong"])).Ping(t.Context())
			e := failed(t, err, mcp.Unauthorized)
			if e.HTTPStatus != 401 || !strings.Contains(e.WWWAuthenticate, "invalid_token") {
				t.Errorf("%d %q", e.HTTPStatus, e.WWWAuthenticate)
			}
			if strings.Contains(err.Error(), s.Tokens["wrong"]) {
				t.Error("the error shows the token")
			}
			if !errors.Is(err, mcp.Unauthorized) || errors.Is(err, mcp.Forbidden) {
				t.Error("errors.Is does not know the status")
			}
		})
	}
}

func TestTheBearerChangesAtAnyTime(t *testing.T) {
	s := real(t, "fastmcp4-static")
	client := made(t, s.URL)
	failed(t, client.Ping(t.Context()), mcp.Unauthorized)
	need(t, client.SetBearer(s.Tokens["right"]))
	need(t, client.Ping(t.Context()))
	need(t, client.ClearBearer())
	failed(t, client.Ping(t.Context()), mcp.Unauthorized)
}

func TestHeader(t *testing.T) {
	s := real(t, "fastmcp4-apikey")
	client := made(t, s.URL, mcp.WithHeader(http.Header{"X-Api-Key": {s.Tokens["right"]}, "X-Other": {"a", "b"}}))
	need(t, client.Ping(t.Context()))
	need(t, client.DelHeader("x-api-key"))
	failed(t, client.Ping(t.Context()), mcp.Unauthorized)
}

func TestServerInfo(t *testing.T) {
	for name, transport := range map[string]string{
		"fastmcp4-static": "streamable-http", "fastmcp4-sse": "sse",
		"everything": "streamable-http", "everything-sse": "sse",
	} {
		t.Run(name, func(t *testing.T) {
			s := real(t, name)
			info, err := made(t, s.URL, mcp.WithBearer(s.Tokens["right"])).ServerInfo(t.Context())
			need(t, err)
			var read struct {
				ProtocolVersion, Transport string
				ServerInfo                 struct{ Name string }
			}
			need(t, info.Decode(&read))
			if read.ProtocolVersion == "" || read.Transport != transport || read.ServerInfo.Name == "" {
				t.Errorf("%+v of %s", read, info)
			}
			version, err := info.At("/protocolVersion")
			need(t, err)
			if version.String() != `"`+read.ProtocolVersion+`"` {
				t.Errorf("%s", version)
			}
			if missing, err := info.At("/no/where"); missing != nil || err != nil {
				t.Errorf("%s, %v", missing, err)
			}
		})
	}
}

func TestTransportAndVersion(t *testing.T) {
	s := real(t, "fastmcp4-sse")
	client := made(t, s.URL, mcp.WithBearer(s.Tokens["right"]), mcp.WithTransport(mcp.SSE), mcp.WithProtocolVersion("2024-11-05"))
	info, err := client.ServerInfo(t.Context())
	need(t, err)
	if !strings.Contains(info.String(), `"protocolVersion":"2024-11-05"`) {
		t.Error(info)
	}
	other := made(t, s.URL, mcp.WithBearer(s.Tokens["right"]), mcp.WithTransport(mcp.StreamableHTTP))
	if other.Ping(t.Context()) == nil {
		t.Error("the transport was not set")
	}
	_, err = mcp.New(s.URL, mcp.WithProtocolVersion("1999-01-01"))
	failed(t, err, mcp.InvalidArgument)
}
