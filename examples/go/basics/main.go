// Basics does ten things that a client does. The token is in MCP_BEARER_TOKEN.
//
//	basics URL
//
// basics.py does the same with FastMCP, and prints the same lines.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func ping(ctx context.Context, client *mcp.Client) error {
	if err := client.Ping(ctx); err != nil {
		return err
	}
	fmt.Println("the server answers")
	return nil
}

func showServer(ctx context.Context, client *mcp.Client) error {
	info, err := client.ServerInfo(ctx)
	if err != nil {
		return err
	}
	fmt.Println("server:", info.Server.Name, info.Server.Version)
	return nil
}

func listTools(ctx context.Context, client *mcp.Client) error {
	tools, err := client.ListTools(ctx)
	for _, tool := range tools {
		fmt.Println("tool:", tool.Name)
	}
	return err
}

func callTool(ctx context.Context, client *mcp.Client) error {
	result, err := client.CallTool(ctx, "person", map[string]any{"name": "Ada", "age": 36})
	if err != nil {
		return err
	}
	var person struct {
		Name string
		Age  int
		Tags []string
	}
	if err := result.Decode(&person); err != nil {
		return err
	}
	fmt.Printf("person: %s, %d, %d tags\n", person.Name, person.Age, len(person.Tags))
	return nil
}

func seeToolFail(ctx context.Context, client *mcp.Client) error {
	_, err := client.CallTool(ctx, "fail", map[string]string{"why": "no luck"})
	var failed *mcp.ToolError
	if errors.As(err, &failed) {
		fmt.Println("the tool failed:", failed.Result.Text())
		return nil
	}
	return err
}

func readResource(ctx context.Context, client *mcp.Client) error {
	memo, err := client.ReadResource(ctx, "memo://text")
	for _, content := range memo {
		fmt.Println("memo:", content.Text)
	}
	return err
}

func getPrompt(ctx context.Context, client *mcp.Client) error {
	prompt, err := client.GetPrompt(ctx, "explain", map[string]string{"topic": "Rust"})
	if err != nil {
		return err
	}
	for _, message := range prompt.Messages {
		fmt.Printf("%s: %s\n", message.Role, message.Content.Text)
	}
	return nil
}

func watchProgress(ctx context.Context, client *mcp.Client) error {
	show := mcp.OnProgress(func(p mcp.Progress) error {
		fmt.Printf("progress: %g of %g, %s\n", p.Progress, p.Total, p.Message)
		return nil
	})
	result, err := client.CallTool(ctx, "count", map[string]int{"steps": 3}, show)
	if err != nil {
		return err
	}
	fmt.Println(result.Text())
	return nil
}

func answer(_ context.Context, request mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
	fmt.Println("the server asks:", request.Message)
	return mcp.ElicitAccept(map[string]string{"name": "Ada"}), nil
}

func giveInput(ctx context.Context, client *mcp.Client) error {
	result, err := client.CallTool(ctx, "ask_name", nil)
	if err != nil {
		return err
	}
	fmt.Println(result.Text())
	return nil
}

func limitTime(ctx context.Context, client *mcp.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err := client.CallTool(ctx, "slow", map[string]int{"seconds": 5})
	if errors.Is(err, context.DeadlineExceeded) {
		fmt.Println("the call took too long")
		return nil
	}
	return err
}

func run(ctx context.Context, url string) error {
	client, err := mcp.New(url, mcp.WithBearer(os.Getenv("MCP_BEARER_TOKEN")), mcp.WithElicitation(answer))
	if err != nil {
		return err
	}
	defer client.Close()
	for _, task := range []func(context.Context, *mcp.Client) error{
		ping, showServer, listTools, callTool, seeToolFail, readResource, getPrompt, watchProgress, giveInput, limitTime,
	} {
		if err := task(ctx, client); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: basics URL")
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
