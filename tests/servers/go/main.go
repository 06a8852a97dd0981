// A server with the tool echo, on one of two Go SDKs.
//
//	server PORT KIND
//
// KIND is one of
//
//	sdk           the official SDK: Streamable HTTP at /mcp
//	sdk-stateless the official SDK: Streamable HTTP at /mcp, without sessions
//	sdk-sse       the official SDK: HTTP+SSE at /sse/; /sse is redirected there
//	mcp-go        mcp-go: Streamable HTTP at /mcp
//	mcp-go-sse    mcp-go: HTTP+SSE at /sse
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	markmcp "github.com/mark3labs/mcp-go/mcp"
	markserver "github.com/mark3labs/mcp-go/server"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func official() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "libmcp-go", Version: "1.2.3"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "echo"},
		func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "ok"}}}, nil, nil
		})
	return server
}

func mark() *markserver.MCPServer {
	server := markserver.NewMCPServer("libmcp-mcp-go", "1.2.3")
	server.AddTool(markmcp.NewTool("echo"),
		func(context.Context, markmcp.CallToolRequest) (*markmcp.CallToolResult, error) {
			return markmcp.NewToolResultText("ok"), nil
		})
	return server
}

func main() {
	address, kind := "127.0.0.1:"+os.Args[1], os.Args[2]
	server := official()
	which := func(*http.Request) *mcp.Server { return server }
	mux := http.NewServeMux()
	switch kind {
	case "sdk":
		mux.Handle("/mcp", mcp.NewStreamableHTTPHandler(which, nil))
	case "sdk-stateless":
		mux.Handle("/mcp", mcp.NewStreamableHTTPHandler(which, &mcp.StreamableHTTPOptions{Stateless: true}))
	case "sdk-sse":
		mux.Handle("/sse/", mcp.NewSSEHandler(which, nil))
	case "mcp-go":
		log.Fatal(markserver.NewStreamableHTTPServer(mark()).Start(address))
	case "mcp-go-sse":
		log.Fatal(markserver.NewSSEServer(mark()).Start(address))
	default:
		log.Fatalf("unknown kind: %s", kind)
	}
	log.Fatal(http.ListenAndServe(address, mux))
}
