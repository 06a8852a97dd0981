package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func Example() {
	client, err := mcp.New(os.Getenv("MCP_TEST_URL")+"/mcp", mcp.WithBearer("token"))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println(client.Ping(ctx))
	// Output: <nil>
}

func ExampleError() {
	client, err := mcp.New(os.Getenv("MCP_TEST_URL") + "/s/bearer=token/mcp")
	if err != nil {
		panic(err)
	}
	defer client.Close()
	err = client.Ping(context.Background())
	var e *mcp.Error
	if errors.Is(err, mcp.Unauthorized) && errors.As(err, &e) {
		fmt.Println(e.HTTPStatus, e.WWWAuthenticate != "")
	}
	// Output: 401 true
}

func ExampleWithAuth() {
	tokens := []string{"old", "new"}
	auth := func(r *mcp.AuthRequest) error {
		if r.Attempt > 1 {
			tokens = tokens[1:]
		}
		return r.SetBearer(tokens[0])
	}
	client, err := mcp.New(os.Getenv("MCP_TEST_URL")+"/s/bearer=new/mcp", mcp.WithAuth(auth))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(client.Ping(context.Background()))
	// Output: <nil>
}

func ExampleResult_Decode() {
	client, err := mcp.New(os.Getenv("MCP_TEST_URL") + "/s/modern/mcp")
	if err != nil {
		panic(err)
	}
	defer client.Close()
	info, err := client.ServerInfo(context.Background())
	if err != nil {
		panic(err)
	}
	var server struct{ Era, ProtocolVersion string }
	fmt.Println(info.Decode(&server), server.Era, server.ProtocolVersion)
	// Output: <nil> modern 2026-07-28
}
