package mcp_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"sync/atomic"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// newFakeServerClient starts a modern server and returns a client of it. The server responds to server/discover, and to
// every other request with the result that reply returns.
func newFakeServerClient(t testing.TB, reply func(method string, params json.RawMessage) string) *mcp.Client {
	t.Helper()
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var request struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
		}
		if err := json.Unmarshal(body, &request); err != nil || request.ID == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		result := `{"supportedVersions":["2026-07-28"],"capabilities":{}}`
		if request.Method != "server/discover" {
			result = reply(request.Method, request.Params)
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"jsonrpc":"2.0","id":`+string(request.ID)+`,"result":`+result+`}`)
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	t.Cleanup(server.Close)
	return newClient(t, server.URL+"/mcp")
}

// newFixedResultClient starts a modern server that responds with the same result to all requests except server/discover
// and tools/list, and returns a client of it.
func newFixedResultClient(t testing.TB, result string) *mcp.Client {
	return newFakeServerClient(t, func(method string, _ json.RawMessage) string {
		if method == "tools/list" {
			return `{"tools":[]}`
		}
		return result
	})
}

func TestInvalidBlocksDoNotHideOthers(t *testing.T) {
	client := newFixedResultClient(t, `{"content":[{"type":"text","text":"one"},{"type":"text","text":42},7,null,`+
		`"x",[],{"type":"resource","resource":[]},{"type":"resource","resource":{"uri":1,"text":"two"}},`+
		`{"type":3,"text":"no"},{"type":"text","text":"three\ud83d"}],`+
		`"isError":"false","structuredContent":{"a":1},"_meta":[]}`)
	result, err := client.CallTool(t.Context(), "t", nil)
	noError(t, err)
	wantEqual(t, len(result.Content), 10)
	wantEqual(t, result.Content[0].Text, "one")
	wantEqual(t, result.Content[7].Resource.Text, "two")
	wantEqual(t, result.Content[9].Text, "three\ufffd")
	wantEqual(t, result.IsError, false)
	wantEqual(t, string(result.StructuredContent), `{"a":1}`)
	block, err := result.Raw.At("/content/1/text")
	noError(t, err)
	wantEqual(t, block.String(), "42")
}

func TestResultsWithInvalidContentAreReturned(t *testing.T) {
	for _, content := range []string{"7", `"x"`, "{}", "null"} {
		client := newFixedResultClient(t, `{"content":`+content+`,"structuredContent":5}`)
		result, err := client.CallTool(t.Context(), "t", nil)
		noError(t, err)
		wantEqual(t, len(result.Content), 0)
		wantEqual(t, string(result.StructuredContent), "5")
		wantEqual(t, result.Raw != nil, true)
	}
	client := newFixedResultClient(t, `{"taskId":7,"task":"x","content":[{"type":"text","text":"done"}]}`)
	started, err := client.CallToolAsTask(t.Context(), "t", nil)
	noError(t, err)
	wantEqual(t, started.Result.Text(), "done")
}

func TestInvalidElementsDoNotHideOthers(t *testing.T) {
	client := newFakeServerClient(t, func(method string, _ json.RawMessage) string {
		return map[string]string{
			"tools/list":               `{"tools":[{"name":"a","title":1},7,{"name":"b"}]}`,
			"resources/list":           `{"resources":[{"uri":"a","name":[]},{"uri":"b"}]}`,
			"resources/templates/list": `{"resourceTemplates":[null,{"uriTemplate":"b"}]}`,
			"prompts/list": `{"prompts":[{"name":"a","arguments":[{"name":"x","required":"yes"},1]},` +
				`{"name":"b","arguments":5}]}`,
			"resources/read": `{"contents":[{"uri":7,"text":"a"},3,{"text":"b"}]}`,
			"prompts/get": `{"messages":[{"role":1,"content":{"type":"text","text":"a"}},4,` +
				`{"role":"user","content":"b"}]}`,
			"completion/complete": `{"completion":{"values":["a",1,"b"],"total":1e30,"hasMore":"no"}}`,
		}[method]
	})
	tools, err := client.ListTools(t.Context())
	noError(t, err)
	wantEqual(t, len(tools), 3)
	wantEqual(t, tools[0].Name+tools[2].Name, "ab")
	wantEqual(t, tools[1].Raw.String(), "7")
	resources, err := client.ListResources(t.Context())
	noError(t, err)
	wantEqual(t, resources[0].URI+resources[1].URI, "ab")
	templates, err := client.ListResourceTemplates(t.Context())
	noError(t, err)
	wantEqual(t, templates[1].URITemplate, "b")
	prompts, err := client.ListPrompts(t.Context())
	noError(t, err)
	wantEqual(t, prompts[0].Arguments[0].Name+prompts[1].Name, "xb")
	contents, err := client.ReadResource(t.Context(), "a")
	noError(t, err)
	wantEqual(t, contents[0].Text+contents[2].Text, "ab")
	prompt, err := client.GetPrompt(t.Context(), "a", nil)
	noError(t, err)
	wantEqual(t, prompt.Messages[0].Content.Text, "a")
	wantEqual(t, prompt.Messages[2].Role, "user")
	completion, err := client.CompletePrompt(t.Context(), "a", "b", "", nil)
	noError(t, err)
	wantEqual(t, completion.Values[0]+completion.Values[2], "ab")
}

func TestToolAnnotations(t *testing.T) {
	defaults := mcp.ToolAnnotations{DestructiveHint: true, OpenWorldHint: true}
	for annotations, want := range map[string]mcp.ToolAnnotations{
		`null`: defaults,
		`{}`:   defaults,
		`7`:    defaults,
		`{"title":1,"readOnlyHint":"yes","destructiveHint":null,"idempotentHint":{},"openWorldHint":0}`: defaults,
		`{"title":"T","readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false}`: {
			Title: "T", ReadOnlyHint: true, IdempotentHint: true,
		},
		`{"destructiveHint":false}`: {OpenWorldHint: true},
	} {
		client := newFakeServerClient(t, func(string, json.RawMessage) string {
			return `{"tools":[{"name":"without"},{"name":"with","annotations":` + annotations + `}]}`
		})
		tools, err := client.ListTools(t.Context())
		noError(t, err)
		wantEqual(t, tools[0].Annotations, defaults)
		wantEqual(t, tools[1].Annotations, want)
		wantEqual(t, tools[1].Name, "with")
	}
}

func TestContentsWithWrongTypes(t *testing.T) {
	for text, want := range map[string]mcp.Contents{
		`[{"type":"text","text":42},{"type":"text","text":"a"}]`: {{Type: "text"}, {Type: "text", Text: "a"}},
		`{"type":"text","text":[],"data":"x"}`:                   {{Type: "text", Data: "x"}},
		`"x"`:                                                    {{}},
		`[]`:                                                     {},
		`null`:                                                   nil,
	} {
		var got mcp.Contents
		noError(t, json.Unmarshal([]byte(text), &got))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is decoded as %v instead of %v", text, got, want)
		}
	}
}

func TestTextIncludesEmbeddedResources(t *testing.T) {
	client := newFixedResultClient(t, `{"content":[{"type":"text","text":"a"},`+
		`{"type":"resource","resource":{"uri":"x:","text":"b"}},`+
		`{"type":"resource","resource":{"uri":"x:","blob":"AAAA"}},{"type":"text","text":"c"}]}`)
	result, err := client.CallTool(t.Context(), "t", nil)
	noError(t, err)
	wantEqual(t, result.Text(), "a\nb\nc")
}

func TestRepeatedCursorEndsPages(t *testing.T) {
	for _, test := range []struct {
		cursors []string
		pages   int
	}{{[]string{""}, 2}, {[]string{"0"}, 2}, {[]string{"a", "b"}, 3}} {
		var calls atomic.Int64
		client := newFakeServerClient(t, func(string, json.RawMessage) string {
			count := int(calls.Add(1))
			cursor, err := json.Marshal(test.cursors[count%len(test.cursors)])
			noError(t, err)
			name := strconv.Itoa(count)
			return `{"prompts":[{"name":"` + name + `"}],"nextCursor":` + string(cursor) + `}`
		})
		pages := 0
		for prompt, err := range client.Prompts(t.Context()) {
			noError(t, err)
			pages++
			wantEqual(t, prompt.Name, strconv.Itoa(pages))
		}
		wantEqual(t, pages, test.pages)
		calls.Store(0)
		prompts, err := client.ListPrompts(t.Context())
		noError(t, err)
		wantEqual(t, len(prompts), test.pages)
	}
}
