package mcp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// newProcessClient returns a client of tests/schema/server.py, a stdio server that implements all methods of one
// protocol version.
// respond responds to the requests that it reads, with an empty result or to initialize, until the file ends.
func respond(in io.Reader, out io.WriteCloser) {
	defer out.Close()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var request struct {
			ID     json.RawMessage
			Method string
		}
		_ = json.Unmarshal(lines.Bytes(), &request)
		result := "{}"
		if request.Method == "initialize" {
			result = `{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"goroutine","version":"1"}}`
		}
		if request.Method == "ping" {
			fmt.Fprintln(out, `{"jsonrpc":"2.0","method":"notifications/example","params":{"of":"ping"}}`)
		}
		if request.Method == "server/discover" {
			fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"unknown"}}`+"\n", request.ID)
		} else if request.ID != nil {
			fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", request.ID, result)
		}
	}
}

func TestFilesOfTheProgramAreUsed(t *testing.T) {
	requests, toServer, err := os.Pipe()
	noError(t, err)
	fromServer, responses, err := os.Pipe()
	noError(t, err)
	go respond(requests, responses)
	var notified string
	client, err := mcp.NewFiles(fromServer, toServer, "goroutine",
		mcp.WithNotification(func(method string, params mcp.Result) { notified = method + string(params) }))
	noError(t, err)
	noError(t, toServer.Close())
	noError(t, fromServer.Close())
	noError(t, client.Ping(t.Context()))
	wantEqual(t, client.Name(), "goroutine")
	wantEqual(t, notified, `notifications/example{"of":"ping"}`)
	noError(t, client.Close())
	wantStatus(t, client.Ping(t.Context()), mcp.Closed)

	_, err = mcp.NewFiles(fromServer, toServer, "closed")
	if err == nil || !strings.Contains(err.Error(), "closed file") {
		t.Errorf("closed files: %v", err)
	}
	_, err = mcp.NewFiles(nil, nil, "none")
	if !errors.Is(err, os.ErrInvalid) {
		t.Errorf("no files: %v", err)
	}
}

func newProcessClient(t testing.TB, version string, options ...mcp.Option) *mcp.Client {
	t.Helper()
	command := []string{"python3", "../../tests/schema/server.py", version, filepath.Join(t.TempDir(), "record")}
	client, err := mcp.NewProcess(command, options...)
	noError(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// newEverythingClient returns a client of the real server "everything".
func newEverythingClient(t testing.TB, options ...mcp.Option) *mcp.Client {
	return newClient(t, realServer(t, "everything").URL, options...)
}

// inBothEras runs a test on a legacy and on a modern server.
func inBothEras(t *testing.T, test func(t *testing.T, version string)) {
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

func wantEqual[T comparable](t testing.TB, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%v instead of %v", got, want)
	}
}

func TestServerInfoOfBothEras(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		info, err := newProcessClient(t, version).ServerInfo(t.Context())
		noError(t, err)
		isModern := version == "2026-07-28"
		wantEqual(t, info.ProtocolVersion, version)
		wantEqual(t, info.Era, map[bool]string{false: "legacy", true: "modern"}[isModern])
		wantEqual(t, info.Transport, "stdio")
		wantEqual(t, info.Server, mcp.Implementation{Name: "server.py", Version: "1"})
		wantEqual(t, slices.Contains(info.SupportedVersions, version), isModern)
		capabilities := info.Capabilities
		wantEqual(t, *capabilities.Tools, mcp.ServerCapability{ListChanged: true})
		wantEqual(t, *capabilities.Resources, mcp.ServerCapability{ListChanged: true, Subscribe: true})
		wantEqual(t, *capabilities.Prompts, mcp.ServerCapability{ListChanged: true})
		wantEqual(t, capabilities.Completions != nil, true)
		wantEqual(t, capabilities.Logging != nil, true)
		wantEqual(t, capabilities.Tasks != nil, !isModern)
	})
}

func TestListTools(t *testing.T) {
	client := newEverythingClient(t)
	tools, err := client.ListTools(t.Context())
	noError(t, err)
	index := slices.IndexFunc(tools, func(tool mcp.Tool) bool { return tool.Name == "get-sum" })
	if index < 0 {
		t.Fatal(tools)
	}
	tool := tools[index]
	wantEqual(t, tool.Description, "Returns the sum of two numbers")
	kind, err := tool.Raw.At("/inputSchema/properties/a/type")
	noError(t, err)
	wantEqual(t, kind.String(), `"number"`)
	if !strings.Contains(string(tool.InputSchema), `"a"`) || tool.OutputSchema != nil {
		t.Error(tool)
	}
	wantEqual(t, tool.Annotations, mcp.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true})

	count := 0
	for tool, err := range client.Tools(t.Context()) {
		noError(t, err)
		wantEqual(t, tool.Name, tools[count].Name)
		count++
	}
	wantEqual(t, count, len(tools))
}

func TestPages(t *testing.T) {
	client := newEverythingClient(t)
	for range client.Prompts(t.Context()) {
		break
	}
	resources, err := client.ListResources(t.Context())
	noError(t, err)
	var uris []string
	for resource, err := range client.Resources(t.Context()) {
		noError(t, err)
		uris = append(uris, resource.URI)
	}
	wantEqual(t, len(uris), len(resources))
	templates, err := client.ListResourceTemplates(t.Context())
	noError(t, err)
	for template, err := range client.ResourceTemplates(t.Context()) {
		noError(t, err)
		wantEqual(t, template.URITemplate, templates[0].URITemplate)
		break
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errorCount := 0
	for _, err := range client.Tools(ctx) {
		if !errors.Is(err, mcp.Cancelled) {
			t.Error(err)
		}
		errorCount++
	}
	wantEqual(t, errorCount, 1)
}

func TestCallTool(t *testing.T) {
	client := newEverythingClient(t)
	result, err := client.CallTool(t.Context(), "echo", map[string]string{"message": "héllo"})
	noError(t, err)
	wantEqual(t, result.Text(), "Echo: héllo")

	result, err = client.CallTool(t.Context(), "get-sum", struct {
		A int `json:"a"`
		B int `json:"b"`
	}{2, 40})
	noError(t, err)
	wantEqual(t, result.Text(), "The sum of 2 and 40 is 42.")

	result, err = client.CallTool(t.Context(), "get-structured-content", json.RawMessage(`{"location":"Chicago"}`))
	noError(t, err)
	var weather struct{ Conditions string }
	noError(t, result.Decode(&weather))
	wantEqual(t, weather.Conditions, "Light rain / drizzle")

	result, err = client.CallTool(t.Context(), "get-tiny-image", nil)
	noError(t, err)
	image := result.Content[slices.IndexFunc(result.Content, func(c mcp.Content) bool { return c.Type == "image" })]
	bytes, err := image.Bytes()
	noError(t, err)
	wantEqual(t, image.MIMEType, "image/png")
	wantEqual(t, string(bytes[1:4]), "PNG")
}

func TestToolError(t *testing.T) {
	result, err := newEverythingClient(t).CallTool(t.Context(), "get-sum", map[string]string{"a": "no number"})
	var failure *mcp.ToolError
	if !errors.As(err, &failure) || failure.Result != result || !result.IsError || failure.Name != "get-sum" ||
		!strings.Contains(err.Error(), result.Text()) {
		t.Error(result, err)
	}
}

func TestInvalidToolArguments(t *testing.T) {
	client := newClient(t, scriptedURL(t, "modern"))
	for _, arguments := range []any{[]int{1}, "text", json.RawMessage("{"), func() {}, json.RawMessage(nil)} {
		_, err := client.CallTool(t.Context(), "echo", arguments)
		wantStatus(t, err, mcp.InvalidArgument)
	}
	_, err := client.CallTool(t.Context(), "a\x00b", nil)
	wantStatus(t, err, mcp.InvalidArgument)
	_, err = client.ReadResource(t.Context(), "a\x00b")
	wantStatus(t, err, mcp.InvalidArgument)
	noError(t, client.Ping(t.Context()))
}

func TestResources(t *testing.T) {
	client := newEverythingClient(t)
	resources, err := client.ListResources(t.Context())
	noError(t, err)
	contents, err := client.ReadResource(t.Context(), resources[0].URI)
	noError(t, err)
	wantEqual(t, contents[0].URI, resources[0].URI)
	blobs, err := client.ReadResource(t.Context(), "demo://resource/dynamic/blob/1")
	noError(t, err)
	bytes, err := blobs[0].Bytes()
	noError(t, err)
	if !strings.Contains(string(bytes), "Resource 1") {
		t.Errorf("%q", bytes)
	}
	_, err = client.ReadResource(t.Context(), "demo://nowhere")
	if e := wantStatus(t, err, mcp.RPCError); e.RPC == nil || e.RPC.Code != -32602 {
		t.Error(err)
	}
}

func TestPrompts(t *testing.T) {
	client := newEverythingClient(t)
	prompts, err := client.ListPrompts(t.Context())
	noError(t, err)
	index := slices.IndexFunc(prompts, func(p mcp.Prompt) bool { return p.Name == "args-prompt" })
	if !prompts[index].Arguments[0].Required {
		t.Error(prompts[index])
	}
	prompt, err := client.GetPrompt(t.Context(), "args-prompt", map[string]string{"city": "Ulm", "state": "BW"})
	noError(t, err)
	wantEqual(t, prompt.Messages[0].Role, "user")
	wantEqual(t, prompt.Messages[0].Content.Text, "What's weather in Ulm, BW?")
	prompt, err = client.GetPrompt(t.Context(), "simple-prompt", nil)
	noError(t, err)
	wantEqual(t, len(prompt.Messages), 1)

	completion, err := client.CompletePrompt(t.Context(), "completable-prompt", "department", "E", nil)
	noError(t, err)
	wantEqual(t, strings.Join(completion.Values, " "), "Engineering")
	completion, err = client.CompletePrompt(t.Context(), "completable-prompt", "name", "D",
		map[string]string{"department": "Sales"})
	noError(t, err)
	if len(completion.Values) == 0 || completion.HasMore {
		t.Error(completion)
	}
	completion, err = client.CompleteResource(t.Context(), "demo://resource/dynamic/text/{resourceId}",
		"resourceId", "12", nil)
	noError(t, err)
	wantEqual(t, strings.Join(completion.Values, " "), "12")
}

func TestRequestAndNotify(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		record := filepath.Join(t.TempDir(), "record")
		client, err := mcp.NewProcess([]string{"python3", "../../tests/schema/server.py", version, record})
		noError(t, err)
		defer client.Close()
		result, err := client.Request(t.Context(), "x.example/question", map[string]int{"a": 1},
			mcp.Meta(map[string]string{"k": "v"}))
		noError(t, err)
		if strings.Contains(result.String(), "error") {
			t.Error(result)
		}
		noError(t, client.Notify(t.Context(), "x.example/news", nil))
		noError(t, client.RequestServerLog(t.Context(), "info"))
		noError(t, client.Ping(t.Context()))
		text, err := os.ReadFile(record)
		noError(t, err)
		for _, part := range []string{`"x.example/question"`, `"k":"v"`, `"a":1`, `"x.example/news"`} {
			if !strings.Contains(string(text), part) {
				t.Errorf("the server did not receive %s, but %s", part, text)
			}
		}
	})
}

func TestCallHeader(t *testing.T) {
	s := realServer(t, "fastmcp4-apikey")
	client := newClient(t, s.URL)
	noError(t, client.Ping(t.Context(), mcp.Header("X-API-Key", s.Tokens["right"])))
	wantStatus(t, client.Ping(t.Context()), mcp.Unauthorized)
	wantStatus(t, client.Ping(t.Context(), mcp.Header("Host", "x")), mcp.InvalidArgument)
	wantStatus(t, client.Ping(t.Context(), mcp.Meta([]int{1})), mcp.InvalidArgument)
}

func TestProgress(t *testing.T) {
	var received []mcp.Progress
	result, err := newEverythingClient(t).CallTool(t.Context(), "trigger-long-running-operation",
		map[string]any{"duration": 0.2, "steps": 4},
		mcp.OnProgress(func(p mcp.Progress) error {
			received = append(received, p)
			return nil
		}))
	noError(t, err)
	wantEqual(t, len(received), 4)
	wantEqual(t, received[3], mcp.Progress{Progress: 4, Total: 4})
	if !strings.Contains(result.Text(), "completed") {
		t.Error(result)
	}
}

func TestCancelDuringProgress(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		client := newProcessClient(t, version)
		why := errors.New("seen enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := client.CallTool(ctx, "never", nil, mcp.OnProgress(func(p mcp.Progress) error {
			wantEqual(t, p, mcp.Progress{Progress: 1, Total: -1})
			cancel(why)
			return nil
		}))
		if wantStatus(t, err, mcp.Cancelled); !errors.Is(err, why) {
			t.Error(err)
		}
		noError(t, client.Ping(t.Context()))
	})
}

func TestProgressErrorEndsCall(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		client := newProcessClient(t, version)
		enough := errors.New("seen enough")
		callback := func(mcp.Progress) error { return enough }
		_, err := client.CallTool(t.Context(), "never", nil, mcp.OnProgress(callback))
		e := wantStatus(t, err, mcp.Cancelled)
		if !errors.Is(err, enough) || !strings.HasSuffix(e.Message, "seen enough") {
			t.Error(err)
		}
		noError(t, client.Ping(t.Context()))
	})
}

func TestProgressPanicReachesCaller(t *testing.T) {
	client := newProcessClient(t, "2025-11-25")
	func() {
		defer func() {
			if panicked, ok := recover().(*mcp.PanicError); !ok || panicked.Value != "in the callback" {
				t.Error(panicked)
			}
		}()
		_, _ = client.CallTool(t.Context(), "never", nil,
			mcp.OnProgress(func(mcp.Progress) error { panic("in the callback") }))
		t.Error("the panic of the callback did not reach the caller")
	}()
	noError(t, client.Ping(t.Context()))
}

func TestListen(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		client := newProcessClient(t, version)
		changes := mcp.Changes{Tools: true, URIs: []string{"test://one"}}
		for change, err := range client.Listen(t.Context(), changes) {
			noError(t, err)
			wantEqual(t, change.Method, "notifications/tools/list_changed")
			break
		}
		noError(t, client.Ping(t.Context()))

		why := errors.New("received enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		changeCount, errorCount := 0, 0
		for _, err := range client.Listen(ctx, changes) {
			if err == nil {
				changeCount++
				cancel(why)
				continue
			}
			if wantStatus(t, err, mcp.Cancelled); !errors.Is(err, why) {
				t.Error(err)
			}
			errorCount++
		}
		if changeCount == 0 || errorCount != 1 {
			t.Errorf("%d changes and %d errors", changeCount, errorCount)
		}
		for _, err := range client.Listen(t.Context(), mcp.Changes{}) {
			wantStatus(t, err, mcp.InvalidArgument)
		}
	})
}

func TestLogging(t *testing.T) {
	var messages []mcp.LoggingMessage
	client := newClient(t, realServer(t, "everything").URL, mcp.WithServerLog(func(m mcp.LoggingMessage) {
		messages = append(messages, m)
		panic("ignored")
	}))
	noError(t, client.RequestServerLog(t.Context(), "debug"))
	wantStatus(t, client.RequestServerLog(t.Context(), "loud"), mcp.InvalidArgument)
	_, err := client.CallTool(t.Context(), "toggle-simulated-logging", nil)
	noError(t, err)
}

func TestTasks(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		client := newProcessClient(t, version)
		started, err := client.CallToolAsTask(t.Context(), "task", nil)
		noError(t, err)
		wantEqual(t, started.TaskID, "t1")
		task, err := client.GetTask(t.Context(), started.TaskID)
		noError(t, err)
		wantEqual(t, task.Status, "completed")
		result, err := client.WaitTask(t.Context(), started.TaskID)
		noError(t, err)
		wantEqual(t, result.Text(), "well")
		noError(t, client.CancelTask(t.Context(), started.TaskID))
		responses := map[string]any{"k": map[string]string{"action": "cancel"}}
		noError(t, client.UpdateTask(t.Context(), started.TaskID, responses))

		started, err = client.CallToolAsTask(t.Context(), "echo", nil)
		noError(t, err)
		wantEqual(t, started.TaskID, "")
		wantEqual(t, started.Result.Text(), "well")
	})
}

func TestProcess(t *testing.T) {
	folder := t.TempDir()
	stderr := filepath.Join(folder, "stderr")
	script := `echo "$GREETING from $(pwd) without ${HOME:-a home}" >&2; exit 3`
	client, err := mcp.NewProcess([]string{"sh", "-c", script},
		mcp.WithEnvironment(map[string]string{"GREETING": "hello"}), mcp.WithoutEnvironment("HOME"),
		mcp.WithWorkingDirectory(folder), mcp.WithStderrFile(stderr), mcp.WithStopTimeout(time.Second, time.Second))
	noError(t, err)
	defer client.Close()
	wantStatus(t, client.Ping(t.Context()), mcp.ProcessFailed)
	text, err := os.ReadFile(stderr)
	noError(t, err)
	if !strings.Contains(string(text), "hello from "+folder+" without a home\n") {
		t.Errorf("%q", text)
	}
	wantStatus(t, client.SetBearer("token"), mcp.Misuse)
	_, err = mcp.NewProcess(nil)
	wantStatus(t, err, mcp.InvalidArgument)
	_, err = mcp.NewProcess([]string{"sh", "a\x00b"})
	wantStatus(t, err, mcp.InvalidArgument)
}

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mcp.json")
	t.Setenv("MCP_TEST_CONFIG_URL", scriptedURL(t, "bearer=token"))
	text := `{"mcpServers":{"web":{"url":"${MCP_TEST_CONFIG_URL}","auth":"token"},"broken":{"command":3}}}`
	noError(t, os.WriteFile(file, []byte(text), 0o600))
	names, err := mcp.ConfigNames(file)
	noError(t, err)
	wantEqual(t, strings.Join(names, " "), "web broken")
	servers, err := mcp.ConfigServers(file)
	noError(t, err)
	wantEqual(t, servers[1], mcp.ConfigServer{Name: "broken"})
	client, err := mcp.NewFromConfig(file, "web", mcp.WithTimeout(0))
	noError(t, err)
	defer client.Close()
	noError(t, client.Ping(t.Context()))
	_, err = mcp.NewFromConfig(file, "broken")
	wantStatus(t, err, mcp.ConfigInvalid)
	_, err = mcp.NewFromConfig(file, "")
	wantStatus(t, err, mcp.ConfigInvalid)
	_, err = mcp.ConfigNames(file + ".none")
	wantStatus(t, err, mcp.ConfigInvalid)
}

func TestConfigText(t *testing.T) {
	text := []byte(`{"mcpServers":{"web":{"url":"` + scriptedURL(t, "dual") + `"},"broken":{"command":3}}}`)
	names, err := mcp.ConfigNamesText(text)
	noError(t, err)
	wantEqual(t, strings.Join(names, " "), "web broken")
	client, err := mcp.NewFromConfigText(text, "web")
	noError(t, err)
	wantEqual(t, client.Name(), "web")
	noError(t, client.Ping(t.Context()))
	noError(t, client.Close())
	wantEqual(t, client.Name(), "")
	_, err = mcp.NewFromConfigText(text, "")
	wantStatus(t, err, mcp.ConfigInvalid)
	_, err = mcp.ConfigNamesText([]byte("{"))
	wantStatus(t, err, mcp.ConfigInvalid)
}

func TestName(t *testing.T) {
	client, err := mcp.New("http://127.0.0.1:9/mcp")
	noError(t, err)
	wantEqual(t, client.Name(), "127.0.0.1")
	noError(t, client.Close())
	client, err = mcp.New("http://127.0.0.1:9/mcp", mcp.WithName("weather"))
	noError(t, err)
	defer client.Close()
	wantEqual(t, client.Name(), "weather")
	e := wantStatus(t, client.Ping(t.Context()), mcp.ConnectFailed)
	if !strings.HasPrefix(e.Message, "ping weather (http://127.0.0.1:9/mcp): ") {
		t.Error(e)
	}
}

func TestCache(t *testing.T) {
	client := newProcessClient(t, "2026-07-28", mcp.WithCache())
	_, err := client.ListTools(t.Context())
	noError(t, err)
	noError(t, client.SetCache(false))
}
