package mcp_test

import (
	"context"
	"fmt"
	"os"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// A command line program: the first run opens the browser, later runs use the tokens in the folder.
func ExampleWithOAuth() {
	oauth := &mcp.OAuth{Open: mcp.OpenBrowser, Store: mcp.Folder("")}
	client, err := mcp.New("https://example.com/mcp", mcp.WithOAuth(oauth))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(client.Ping(context.Background()))
}

// A service without a user authenticates with its key.
func ExampleWithOAuth_clientCredentials() {
	key, err := os.ReadFile("inventory.pem")
	if err != nil {
		panic(err)
	}
	client, err := mcp.New("https://example.com/mcp", mcp.WithOAuth(&mcp.OAuth{
		Grant: mcp.ClientCredentialsGrant,
		Clients: []mcp.OAuthClient{{
			Issuer: "https://auth.example", ID: "inventory", PrivateKey: string(key), KeyID: "2026-11",
		}},
		Scopes: []string{"stock:read"},
	}))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(client.Ping(context.Background()))
}

// A program without a browser on the same machine: the user pastes the URL to which the login page was redirected.
func ExampleOAuth() {
	oauth := &mcp.OAuth{Open: func(_ context.Context, login mcp.Login) (redirect string, err error) {
		fmt.Printf("To log in to %s, open %s\nand paste the URL of the page that follows: ", login.Server, login.URL)
		_, err = fmt.Scanln(&redirect)
		return redirect, err
	}}
	client, err := mcp.New("https://example.com/mcp", mcp.WithOAuth(oauth))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(client.Login(context.Background()))
}

// An application with a custom URL scheme: the operating system delivers the redirect.
func ExampleOAuth_Finish() {
	oauth := &mcp.OAuth{
		ClientURL: "https://app.example/mcp-client.json",
		Redirect:  "com.example.app:/callback",
		Open:      mcp.OpenBrowser,
		WhenAsked: true,
	}
	onOpenURL := func(url string) {
		if err := oauth.Finish(url); err != nil {
			fmt.Println("this URL is not for us:", err)
		}
	}
	onOpenURL("com.example.app:/callback?code=c&state=s")
}
