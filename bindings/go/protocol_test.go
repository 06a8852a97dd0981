package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// process is a client of a server on stdio that answers everything in one version: tests/schema/server.py.
func process(t testing.TB, version string, options ...mcp.Option) *mcp.Client {
	t.Helper()
	command := []string{"python3", "../../tests/schema/server.py", version, filepath.Join(t.TempDir(), "record")}
	client, err := mcp.NewProcess(command, options...)
	need(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

func everything(t testing.TB, options ...mcp.Option) *mcp.Client {
	return made(t, real(t, "everything").URL, options...)
}

// inBothEras runs a test on a legacy and on a modern server.
func inBothEras(t *testing.T, test func(t *testing.T, version string)) {
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

func same[T comparable](t testing.TB, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%v instead of %v", got, want)
	}
}

func TestListTools(t *testing.T) {
	client := everything(t)
	tools, err := client.ListTools(t.Context())
	need(t, err)
	index := slices.IndexFunc(tools, func(tool mcp.Tool) bool { return tool.Name == "get-sum" })
	if index < 0 {
		t.Fatal(tools)
	}
	tool := tools[index]
	same(t, tool.Description, "Returns the sum of two numbers")
	kind, err := tool.Raw.At("/inputSchema/properties/a/type")
	need(t, err)
	same(t, kind.String(), `"number"`)
	if !strings.Contains(string(tool.InputSchema), `"a"`) || tool.OutputSchema != nil {
		t.Error(tool)
	}

	count := 0
	for tool, err := range client.Tools(t.Context()) {
		need(t, err)
		same(t, tool.Name, tools[count].Name)
		count++
	}
	same(t, count, len(tools))
}

func TestPages(t *testing.T) {
	client := everything(t)
	for range client.Prompts(t.Context()) {
		break
	}
	resources, err := client.ListResources(t.Context())
	need(t, err)
	var walked []string
	for resource, err := range client.Resources(t.Context()) {
		need(t, err)
		walked = append(walked, resource.URI)
	}
	same(t, len(walked), len(resources))
	templates, err := client.ListResourceTemplates(t.Context())
	need(t, err)
	for template, err := range client.ResourceTemplates(t.Context()) {
		need(t, err)
		same(t, template.URITemplate, templates[0].URITemplate)
		break
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := 0
	for _, err := range client.Tools(ctx) {
		if !errors.Is(err, mcp.Cancelled) {
			t.Error(err)
		}
		ended++
	}
	same(t, ended, 1)
}

func TestCallTool(t *testing.T) {
	client := everything(t)
	result, err := client.CallTool(t.Context(), "echo", map[string]string{"message": "héllo"})
	need(t, err)
	same(t, result.Text(), "Echo: héllo")

	result, err = client.CallTool(t.Context(), "get-sum", struct {
		A int `json:"a"`
		B int `json:"b"`
	}{2, 40})
	need(t, err)
	same(t, result.Text(), "The sum of 2 and 40 is 42.")

	result, err = client.CallTool(t.Context(), "get-structured-content", json.RawMessage(`{"location":"Chicago"}`))
	need(t, err)
	var weather struct{ Conditions string }
	need(t, result.Decode(&weather))
	same(t, weather.Conditions, "Light rain / drizzle")

	result, err = client.CallTool(t.Context(), "get-tiny-image", nil)
	need(t, err)
	image := result.Content[slices.IndexFunc(result.Content, func(c mcp.Content) bool { return c.Type == "image" })]
	bytes, err := image.Bytes()
	need(t, err)
	same(t, image.MIMEType, "image/png")
	same(t, string(bytes[1:4]), "PNG")
}

func TestToolError(t *testing.T) {
	result, err := everything(t).CallTool(t.Context(), "get-sum", map[string]string{"a": "no number"})
	var failure *mcp.ToolError
	if !errors.As(err, &failure) || failure.Result != result || !result.IsError || failure.Name != "get-sum" ||
		!strings.Contains(err.Error(), result.Text()) {
		t.Error(result, err)
	}
}

func TestUnusableArguments(t *testing.T) {
	client := made(t, scripted(t, "modern"))
	for _, arguments := range []any{[]int{1}, "text", json.RawMessage("{"), func() {}, json.RawMessage(nil)} {
		_, err := client.CallTool(t.Context(), "echo", arguments)
		failed(t, err, mcp.InvalidArgument)
	}
	_, err := client.CallTool(t.Context(), "a\x00b", nil)
	failed(t, err, mcp.InvalidArgument)
	_, err = client.ReadResource(t.Context(), "a\x00b")
	failed(t, err, mcp.InvalidArgument)
	need(t, client.Ping(t.Context()))
}

func TestResources(t *testing.T) {
	client := everything(t)
	resources, err := client.ListResources(t.Context())
	need(t, err)
	contents, err := client.ReadResource(t.Context(), resources[0].URI)
	need(t, err)
	same(t, contents[0].URI, resources[0].URI)
	blobs, err := client.ReadResource(t.Context(), "demo://resource/dynamic/blob/1")
	need(t, err)
	bytes, err := blobs[0].Bytes()
	need(t, err)
	if !strings.Contains(string(bytes), "Resource 1") {
		t.Errorf("%q", bytes)
	}
	_, err = client.ReadResource(t.Context(), "demo://nowhere")
	if e := failed(t, err, mcp.RPCError); e.RPC == nil || e.RPC.Code != -32602 {
		t.Error(err)
	}
}

func TestPrompts(t *testing.T) {
	client := everything(t)
	prompts, err := client.ListPrompts(t.Context())
	need(t, err)
	index := slices.IndexFunc(prompts, func(p mcp.Prompt) bool { return p.Name == "args-prompt" })
	if !prompts[index].Arguments[0].Required {
		t.Error(prompts[index])
	}
	got, err := client.GetPrompt(t.Context(), "args-prompt", map[string]string{"city": "Ulm", "state": "BW"})
	need(t, err)
	same(t, got.Messages[0].Role, "user")
	same(t, got.Messages[0].Content.Text, "What's weather in Ulm, BW?")
	got, err = client.GetPrompt(t.Context(), "simple-prompt", nil)
	need(t, err)
	same(t, len(got.Messages), 1)

	completion, err := client.CompletePrompt(t.Context(), "completable-prompt", "department", "E", nil)
	need(t, err)
	same(t, strings.Join(completion.Values, " "), "Engineering")
	completion, err = client.CompletePrompt(t.Context(), "completable-prompt", "name", "D", map[string]string{"department": "Sales"})
	need(t, err)
	if len(completion.Values) == 0 || completion.HasMore {
		t.Error(completion)
	}
	completion, err = client.CompleteResource(t.Context(), "demo://resource/dynamic/text/{resourceId}", "resourceId", "12", nil)
	need(t, err)
	same(t, strings.Join(completion.Values, " "), "12")
}

func TestRequestAndNotify(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		record := filepath.Join(t.TempDir(), "record")
		client, err := mcp.NewProcess([]string{"python3", "../../tests/schema/server.py", version, record})
		need(t, err)
		defer client.Close()
		result, err := client.Request(t.Context(), "x.example/question", map[string]int{"a": 1}, mcp.Meta(map[string]string{"k": "v"}))
		need(t, err)
		if strings.Contains(result.String(), "error") {
			t.Error(result)
		}
		need(t, client.Notify(t.Context(), "x.example/news", nil))
		need(t, client.SetLoggingLevel(t.Context(), "info"))
		need(t, client.Ping(t.Context()))
		text, err := os.ReadFile(record)
		need(t, err)
		for _, part := range []string{`"x.example/question"`, `"k":"v"`, `"a":1`, `"x.example/news"`} {
			if !strings.Contains(string(text), part) {
				t.Errorf("no %s in %s", part, text)
			}
		}
	})
}

func TestHeaderOfACall(t *testing.T) {
	s := real(t, "fastmcp4-apikey")
	client := made(t, s.URL)
	need(t, client.Ping(t.Context(), mcp.Header("X-API-Key", s.Tokens["right"])))
	failed(t, client.Ping(t.Context()), mcp.Unauthorized)
	failed(t, client.Ping(t.Context(), mcp.Header("Host", "x")), mcp.InvalidArgument)
	failed(t, client.Ping(t.Context(), mcp.Meta([]int{1})), mcp.InvalidArgument)
}

func TestProgress(t *testing.T) {
	var seen []mcp.Progress
	result, err := everything(t).CallTool(t.Context(), "trigger-long-running-operation",
		map[string]any{"duration": 0.2, "steps": 4}, mcp.OnProgress(func(p mcp.Progress) { seen = append(seen, p) }))
	need(t, err)
	same(t, len(seen), 4)
	same(t, seen[3], mcp.Progress{Progress: 4, Total: 4})
	if !strings.Contains(result.Text(), "completed") {
		t.Error(result)
	}
}

func TestCancelDuringProgress(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		client := process(t, version)
		why := errors.New("seen enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := client.CallTool(ctx, "never", nil, mcp.OnProgress(func(p mcp.Progress) {
			same(t, p, mcp.Progress{Progress: 1, Total: -1})
			cancel(why)
		}))
		if failed(t, err, mcp.Cancelled); !errors.Is(err, why) {
			t.Error(err)
		}
		need(t, client.Ping(t.Context()))
	})
}

func TestProgressPanics(t *testing.T) {
	client := process(t, "2025-11-25")
	func() {
		defer func() {
			if panicked, is := recover().(*mcp.PanicError); !is || panicked.Value != "in between" {
				t.Error(panicked)
			}
		}()
		_, _ = client.CallTool(t.Context(), "never", nil, mcp.OnProgress(func(mcp.Progress) { panic("in between") }))
		t.Error("the panic is lost")
	}()
	need(t, client.Ping(t.Context()))
}

func TestInputs(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		asked := map[string]int{}
		client := process(t, version,
			mcp.WithElicitation(func(r mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
				asked[r.Mode+" "+r.Message+r.URL]++
				if r.Mode == "url" {
					return mcp.ElicitAccept(nil), nil
				}
				return mcp.ElicitAccept(map[string]string{"name": "Ada"}), nil
			}),
			mcp.WithSampling(func(r mcp.SamplingRequest) (mcp.SamplingResult, error) {
				asked[r.Messages[0].Content[0].Text]++
				return mcp.SamplingResult{Role: "assistant", Content: mcp.Contents{{Type: "text", Text: "hello"}}, Model: "none"}, nil
			}),
			mcp.WithRoots(func() ([]mcp.Root, error) {
				asked["roots"]++
				return []mcp.Root{{URI: "file:///srv"}}, nil
			}))
		result, err := client.CallTool(t.Context(), "asks", nil)
		need(t, err)
		same(t, result.Text(), "well")
		// What is asked is answered before the call ends, but for what a legacy server asks without waiting.
		need(t, client.Ping(t.Context()))
		want := map[string]int{"form Who?": 1, "url Go therehttps://example.com/": 1, "well": 1, "roots": 1}
		if !maps.Equal(asked, want) {
			t.Errorf("%v", asked)
		}
	})
}

func TestInputFails(t *testing.T) {
	for name, handler := range map[string]func(mcp.ElicitRequest) (mcp.ElicitAnswer, error){
		"error": func(mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
			return mcp.ElicitDecline(), errors.New("the door is locked\x00")
		},
		"code": func(mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
			return mcp.ElicitAnswer{}, &mcp.InputError{Code: -1, Message: "locked"}
		},
		"panic":  func(mcp.ElicitRequest) (mcp.ElicitAnswer, error) { panic("locked") },
		"answer": func(mcp.ElicitRequest) (mcp.ElicitAnswer, error) { return mcp.ElicitAccept([]string{"locked"}), nil },
	} {
		t.Run(name, func(t *testing.T) {
			client := process(t, "2026-07-28", mcp.WithElicitation(handler),
				mcp.WithRoots(func() ([]mcp.Root, error) { return nil, nil }),
				mcp.WithSampling(func(mcp.SamplingRequest) (mcp.SamplingResult, error) {
					return mcp.SamplingResult{Role: "assistant", Content: mcp.Contents{{Type: "text"}}, Model: "m"}, nil
				}))
			_, err := client.CallTool(t.Context(), "asks", nil)
			failed(t, err, mcp.InputFailed)
			if name != "answer" && !strings.Contains(err.Error(), "locked") {
				t.Error(err)
			}
			need(t, client.Ping(t.Context()))
		})
	}
	_, err := process(t, "2026-07-28").CallTool(t.Context(), "asks", nil)
	failed(t, err, mcp.InputUnsupported)
}

func TestElicitationOnARealServer(t *testing.T) {
	client := everything(t, mcp.WithElicitation(func(r mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
		if !strings.Contains(string(r.RequestedSchema), `"email"`) {
			t.Error(r)
		}
		return mcp.ElicitAccept(map[string]string{"name": "Ada"}), nil
	}))
	result, err := client.CallTool(t.Context(), "trigger-elicitation-request", nil)
	need(t, err)
	if text := result.Text(); !strings.Contains(text, "Name: Ada") || !strings.Contains(text, "Favorite Integer: 42") {
		t.Error(text)
	}
}

func TestAHandlerLearnsThatItsAnswerIsNotWanted(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var asked mcp.ElicitRequest
		client := process(t, version, mcp.WithElicitation(func(r mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
			same(t, r.Cancelled(), false)
			asked = r
			cancel()
			for !r.Cancelled() {
				runtime.Gosched()
			}
			return mcp.ElicitAnswer{}, nil
		}), mcp.WithSampling(func(mcp.SamplingRequest) (mcp.SamplingResult, error) {
			return mcp.SamplingResult{Role: "assistant", Content: mcp.Contents{{Type: "text", Text: "said"}}, Model: "m"}, nil
		}), mcp.WithRoots(func() ([]mcp.Root, error) { return nil, nil }))
		_, err := client.CallTool(ctx, "asks", nil)
		failed(t, err, mcp.Cancelled)
		same(t, asked.Cancelled(), true)
		same(t, mcp.ElicitRequest{}.Cancelled(), false)
	})
}

func TestListen(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		client := process(t, version)
		for change, err := range client.Listen(t.Context(), mcp.Changes{Tools: true, URIs: []string{"test://one"}}) {
			need(t, err)
			same(t, change.Method, "notifications/tools/list_changed")
			break
		}
		need(t, client.Ping(t.Context()))

		why := errors.New("heard enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		heard, ended := 0, 0
		for _, err := range client.Listen(ctx, mcp.Changes{Tools: true, URIs: []string{"test://one"}}) {
			if err == nil {
				heard++
				cancel(why)
				continue
			}
			if failed(t, err, mcp.Cancelled); !errors.Is(err, why) {
				t.Error(err)
			}
			ended++
		}
		if heard == 0 || ended != 1 {
			t.Error(heard, ended)
		}
		for _, err := range client.Listen(t.Context(), mcp.Changes{}) {
			failed(t, err, mcp.InvalidArgument)
		}
	})
}

func TestLogging(t *testing.T) {
	var lines []mcp.LoggingMessage
	client := made(t, real(t, "everything").URL, mcp.WithLogging(func(m mcp.LoggingMessage) {
		lines = append(lines, m)
		panic("dropped")
	}))
	need(t, client.SetLoggingLevel(t.Context(), "debug"))
	failed(t, client.SetLoggingLevel(t.Context(), "loud"), mcp.InvalidArgument)
	_, err := client.CallTool(t.Context(), "toggle-simulated-logging", nil)
	need(t, err)
}

func TestTasks(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		client := process(t, version)
		started, err := client.StartTool(t.Context(), "task", nil)
		need(t, err)
		same(t, started.TaskID, "t1")
		task, err := client.GetTask(t.Context(), started.TaskID)
		need(t, err)
		same(t, task.Status, "completed")
		result, err := client.WaitTask(t.Context(), started.TaskID)
		need(t, err)
		same(t, result.Text(), "well")
		need(t, client.CancelTask(t.Context(), started.TaskID))
		need(t, client.UpdateTask(t.Context(), started.TaskID, map[string]any{"k": map[string]string{"action": "cancel"}}))

		started, err = client.StartTool(t.Context(), "echo", nil)
		need(t, err)
		same(t, started.TaskID, "")
		same(t, started.Result.Text(), "well")
	})
}

func TestProcess(t *testing.T) {
	folder := t.TempDir()
	stderr := filepath.Join(folder, "stderr")
	script := `echo "$GREETING from $(pwd) without ${HOME:-a home}" >&2; exit 3`
	client, err := mcp.NewProcess([]string{"sh", "-c", script}, mcp.WithEnvironment(map[string]string{"GREETING": "hello"}),
		mcp.WithoutEnvironment("HOME"), mcp.WithWorkingDirectory(folder), mcp.WithStderrFile(stderr))
	need(t, err)
	defer client.Close()
	failed(t, client.Ping(t.Context()), mcp.ProcessFailed)
	text, err := os.ReadFile(stderr)
	need(t, err)
	if !strings.Contains(string(text), "hello from "+folder+" without a home\n") {
		t.Errorf("%q", text)
	}
	failed(t, client.SetBearer("token"), mcp.Misuse)
	_, err = mcp.NewProcess(nil)
	failed(t, err, mcp.InvalidArgument)
	_, err = mcp.NewProcess([]string{"sh", "a\x00b"})
	failed(t, err, mcp.InvalidArgument)
}

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mcp.json")
	t.Setenv("MCP_TEST_CONFIG_URL", scripted(t, "bearer=token"))
	text := `{"mcpServers":{"web":{"url":"${MCP_TEST_CONFIG_URL}","auth":"token"},"broken":{"command":3}}}`
	need(t, os.WriteFile(file, []byte(text), 0o600))
	names, err := mcp.ConfigNames(file)
	need(t, err)
	same(t, strings.Join(names, " "), "web broken")
	servers, err := mcp.ConfigServers(file)
	need(t, err)
	same(t, servers[1], mcp.ConfigServer{Name: "broken"})
	client, err := mcp.NewFromConfig(file, "web", mcp.WithTimeout(0))
	need(t, err)
	defer client.Close()
	need(t, client.Ping(t.Context()))
	_, err = mcp.NewFromConfig(file, "broken")
	failed(t, err, mcp.ConfigInvalid)
	_, err = mcp.NewFromConfig(file, "")
	failed(t, err, mcp.ConfigInvalid)
	_, err = mcp.ConfigNames(file + ".none")
	failed(t, err, mcp.ConfigInvalid)
}

func TestCache(t *testing.T) {
	client := process(t, "2026-07-28", mcp.WithCache())
	_, err := client.ListTools(t.Context())
	need(t, err)
	need(t, client.SetCache(false))
}
