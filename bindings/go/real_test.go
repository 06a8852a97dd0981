package mcp_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

var bearerServers = []string{"fastmcp4-static", "fastmcp3-static", "fastmcp4-sse"}

func TestValidBearer(t *testing.T) {
	for _, name := range bearerServers {
		t.Run(name, func(t *testing.T) {
			s := realServer(t, name)
			client := newClient(t, s.URL, mcp.WithBearer(s.Tokens["right"]))
			noError(t, client.Connect(t.Context()))
			noError(t, client.Ping(t.Context()))
		})
	}
}

func TestInvalidBearer(t *testing.T) {
	for _, name := range bearerServers {
		t.Run(name, func(t *testing.T) {
			s := realServer(t, name)
			err := newClient(t, s.URL, mcp.WithBearer(s.Tokens["wrong"])).Ping(t.Context())
			e := wantStatus(t, err, mcp.Unauthorized)
			if e.HTTPStatus != 401 || !strings.Contains(e.Challenge, "invalid_token") {
				t.Errorf("%d %q", e.HTTPStatus, e.Challenge)
			}
			if strings.Contains(err.Error(), s.Tokens["wrong"]) {
				t.Error("the error contains the token")
			}
			if !errors.Is(err, mcp.Unauthorized) || errors.Is(err, mcp.Forbidden) {
				t.Error("errors.Is does not match the status")
			}
		})
	}
}

func TestBearerCanChange(t *testing.T) {
	s := realServer(t, "fastmcp4-static")
	client := newClient(t, s.URL)
	wantStatus(t, client.Ping(t.Context()), mcp.Unauthorized)
	noError(t, client.SetBearer(s.Tokens["right"]))
	noError(t, client.Ping(t.Context()))
	noError(t, client.ClearBearer())
	wantStatus(t, client.Ping(t.Context()), mcp.Unauthorized)
}

func TestHeadersAreSent(t *testing.T) {
	s := realServer(t, "fastmcp4-apikey")
	header := http.Header{"X-Api-Key": {s.Tokens["right"]}, "X-Other": {"a", "b"}}
	client := newClient(t, s.URL, mcp.WithHeader(header))
	noError(t, client.Ping(t.Context()))
	noError(t, client.DelHeader("x-api-key"))
	wantStatus(t, client.Ping(t.Context()), mcp.Unauthorized)
}

func TestServerInfo(t *testing.T) {
	for name, transport := range map[string]string{
		"fastmcp4-static": "streamable-http", "fastmcp4-sse": "sse",
		"everything": "streamable-http", "everything-sse": "sse",
	} {
		t.Run(name, func(t *testing.T) {
			s := realServer(t, name)
			info, err := newClient(t, s.URL, mcp.WithBearer(s.Tokens["right"])).ServerInfo(t.Context())
			noError(t, err)
			wantEqual(t, info.Transport, transport)
			if info.ProtocolVersion == "" || info.Server.Name == "" || info.Server.Version == "" ||
				(info.Era == "modern") != (info.ProtocolVersion >= "2026-07-28") || info.Capabilities.Tools == nil {
				t.Errorf("%s is decoded as %+v", info.Raw, info)
			}
			version, err := info.Raw.At("/protocolVersion")
			noError(t, err)
			wantEqual(t, version.String(), `"`+info.ProtocolVersion+`"`)
			if missing, err := info.Raw.At("/no/such/member"); missing != nil || err != nil {
				t.Errorf("%s, %v", missing, err)
			}
		})
	}
}

func TestTransportAndVersion(t *testing.T) {
	s := realServer(t, "fastmcp4-sse")
	client := newClient(t, s.URL, mcp.WithBearer(s.Tokens["right"]), mcp.WithTransport(mcp.SSE),
		mcp.WithProtocolVersion("2024-11-05"))
	info, err := client.ServerInfo(t.Context())
	noError(t, err)
	wantEqual(t, info.ProtocolVersion, "2024-11-05")
	other := newClient(t, s.URL, mcp.WithBearer(s.Tokens["right"]), mcp.WithTransport(mcp.StreamableHTTP))
	if other.Ping(t.Context()) == nil {
		t.Error("WithTransport had no effect")
	}
	_, err = mcp.New(s.URL, mcp.WithProtocolVersion("1999-01-01"))
	wantStatus(t, err, mcp.InvalidArgument)
}
