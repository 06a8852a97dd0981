package mcp_test

import (
	"bufio"
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
		fmt.Println(e.HTTPStatus, e.Challenge != "")
	}
	// Output: 401 true
}

func ExampleWithAuth() {
	tokens := []string{"old", "new"}
	auth := func(_ context.Context, r mcp.AuthRequest) (mcp.Credentials, error) {
		if r.Attempt > 1 {
			tokens = tokens[1:]
		}
		return mcp.Credentials{Bearer: tokens[0]}, nil
	}
	client, err := mcp.New(os.Getenv("MCP_TEST_URL")+"/s/bearer=new/mcp", mcp.WithAuth(auth))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(client.Ping(context.Background()))
	// Output: <nil>
}

// A command line program asks its user. It stops waiting if the call ends first.
func ExampleWithElicitation() {
	lines := make(chan string)
	go func() {
		for input := bufio.NewScanner(os.Stdin); input.Scan(); {
			lines <- input.Text()
		}
	}()
	elicit := func(ctx context.Context, r mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
		fmt.Printf("%s asks: %s (yes or no) ", r.ClientName, r.Message)
		select {
		case line := <-lines:
			if line == "yes" {
				return mcp.ElicitAccept(nil), nil
			}
			return mcp.ElicitDecline(), nil
		case <-ctx.Done():
			return mcp.ElicitCancel(), nil
		}
	}
	client, err := mcp.New("https://example.com/mcp", mcp.WithElicitation(elicit))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	result, err := client.CallTool(ctx, "delete_everything", nil)
	fmt.Println(result, err)
}

func ExampleClient_ServerInfo() {
	client, err := mcp.New(os.Getenv("MCP_TEST_URL") + "/s/modern/mcp")
	if err != nil {
		panic(err)
	}
	defer client.Close()
	info, err := client.ServerInfo(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(info.Server.Name, info.ProtocolVersion, info.Capabilities.Tools != nil)
	// Output: mcp-test-server 2026-07-28 true
}

func ExampleResult_Decode() {
	client, err := mcp.New(os.Getenv("MCP_TEST_URL") + "/s/modern/mcp")
	if err != nil {
		panic(err)
	}
	defer client.Close()
	result, err := client.Request(context.Background(), "tools/list", nil)
	if err != nil {
		panic(err)
	}
	var page struct{ Tools []struct{ Name string } }
	fmt.Println(result.Decode(&page), len(page.Tools) > 0)
	// Output: <nil> true
}
