package main

import (
	"context"
	"fmt"
	"log"
	"os"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func main() {
	log.SetFlags(0)
	client, err := mcp.New(os.Args[1], mcp.WithBearer(os.Getenv("MCP_BEARER_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Ping(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("the server answers")
}
