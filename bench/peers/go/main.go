// The client that uses the official Go SDK: PROGRAM URL KIND COUNT [CA-FILE]. KIND is ping, cold, or the file with the
// text that the server echoes.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	legacy = "2025-11-25"
	modern = "2026-07-28"
)

var implementation = &mcp.Implementation{Name: "bench", Version: "1"}

type client struct {
	session *mcp.ClientSession
	// The SDK's function for requests with any method.
	send   mcp.MethodHandler
	modern bool
	text   string
}

func main() {
	if len(os.Args) < 4 {
		fail(errors.New("usage: PROGRAM URL KIND COUNT [CA-FILE]"))
	}
	url, kind := os.Args[1], os.Args[2]
	count, err := strconv.Atoi(os.Args[3])
	must(err)
	authority := ""
	if len(os.Args) > 4 {
		authority = os.Args[4]
	}
	measure(kind, count, func() func(int) {
		client := connect(url, authority)
		client.text = textOf(kind)
		if client.text == "" {
			return client.ping
		}
		return client.echo
	})
}

// Connects with a fixed protocol version, so that the SDK does not send a probe.
func connect(url, authority string) *client {
	made := &client{modern: strings.Contains(url, "/modern/")}
	options := &mcp.ClientSessionOptions{ProtocolVersion: legacy}
	if made.modern {
		options.ProtocolVersion = modern
	}
	sdk := mcp.NewClient(implementation, nil)
	sdk.AddSendingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		made.send = next
		return next
	})
	transport := &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: httpClient(authority)}
	session, err := sdk.Connect(context.Background(), transport, options)
	must(err)
	if got := session.InitializeResult().ProtocolVersion; got != options.ProtocolVersion {
		fail(fmt.Errorf("the session has version %s", got))
	}
	made.session = session
	return made
}

// Without a CA file, returns nil: the SDK then uses its default, Go's http.DefaultClient.
func httpClient(authority string) *http.Client {
	if authority == "" {
		return nil
	}
	certificate, err := os.ReadFile(authority)
	must(err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		fail(errors.New("no certificate in " + authority))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return &http.Client{Transport: transport}
}

func (c *client) ping(int) {
	if c.modern {
		c.discover()
		return
	}
	must(c.session.Ping(context.Background(), nil))
}

// Sends server/discover, the lightest request of the modern protocol, which has no ping. The SDK has no method for it.
func (c *client) discover() {
	params := &mcp.DiscoverParams{Meta: mcp.Meta{
		mcp.MetaKeyProtocolVersion:    modern,
		mcp.MetaKeyClientInfo:         implementation,
		mcp.MetaKeyClientCapabilities: struct{}{},
	}}
	_, err := c.send(context.Background(), "server/discover", &mcp.DiscoverRequest{Session: c.session, Params: params})
	must(err)
}

func (c *client) echo(number int) {
	params := &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": c.text}}
	result, err := c.session.CallTool(context.Background(), params)
	must(err)
	if len(result.Content) != 1 {
		fail(errors.New("the result has no text"))
	}
	content, ok := result.Content[0].(*mcp.TextContent)
	if !ok || len(content.Text) != len(c.text) || (number == 0 && content.Text != c.text) {
		fail(errors.New("the echoed text differs"))
	}
}

func must(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
