// A Go program that pings the test server with a bearer token.
package main

import (
	"context"
	"fmt"
	"os"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func main() {
	url := os.Getenv("MCP_TEST_URL") + "/s/bearer=token/mcp"
	client, err := mcp.New(url, mcp.WithBearer("token"))
	if err == nil {
		defer client.Close()
		err = client.Ping(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("libmcp %s: pinged %s: alive\n", mcp.Version(), url)
}
