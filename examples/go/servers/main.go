// Servers lists the tools of all servers of a configuration file at the same time, or calls one of them.
//
//	servers FILE                       lists the tools, as SERVER_TOOL
//	servers FILE SERVER_TOOL [JSON]    calls one, with its arguments
//
// Each server has its own client. A server that cannot be reached costs one line on stderr.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: servers FILE [SERVER_TOOL [JSON]]")
	}
	clients, err := open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if len(os.Args) == 2 {
		listAll(clients)
	} else if err := call(clients, os.Args[2], os.Args[3:]); err != nil {
		log.Fatal(err)
	}
}

func open(file string) (map[string]*mcp.Client, error) {
	servers, err := mcp.ConfigServers(file)
	clients := map[string]*mcp.Client{}
	for _, server := range servers {
		if server.Disabled {
			continue
		}
		client, err := mcp.NewFromConfig(file, server.Name)
		if err != nil {
			log.Printf("%s: %v", server.Name, err)
			continue
		}
		clients[server.Name] = client
	}
	return clients, err
}

func listAll(clients map[string]*mcp.Client) {
	var all sync.WaitGroup
	for name, client := range clients {
		all.Go(func() {
			tools, err := client.ListTools(context.Background())
			if err != nil {
				log.Printf("%s: %v", name, err)
			}
			for _, tool := range tools {
				fmt.Printf("%s_%s\n", name, tool.Name)
			}
		})
	}
	all.Wait()
}

// find returns the server of a tool: of the names that fit, the longest.
func find(clients map[string]*mcp.Client, tool string) (found string) {
	for name := range clients {
		if strings.HasPrefix(tool, name+"_") && len(name) > len(found) {
			found = name
		}
	}
	return found
}

func call(clients map[string]*mcp.Client, tool string, arguments []string) error {
	name := find(clients, tool)
	if name == "" {
		return fmt.Errorf("no server has a tool %s", tool)
	}
	object := json.RawMessage("{}")
	if len(arguments) > 0 {
		object = json.RawMessage(arguments[0])
	}
	result, err := clients[name].CallTool(context.Background(), strings.TrimPrefix(tool, name+"_"), object)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Println(result.Text())
	return nil
}
