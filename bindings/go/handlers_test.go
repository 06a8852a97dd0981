package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// promptly is how long a call may take to end after its context is done or its client is closed.
const promptly = 50 * time.Millisecond

// A waitingHandler waits when it runs for the first time. Later it returns at once.
type waitingHandler struct {
	// How long the handler sleeps; it ignores its context meanwhile. Zero: it waits for the end of the context.
	sleeps time.Duration
	ran    atomic.Bool
	// The context of the handler, when it runs, and the cause of its end, when the handler returns.
	started chan context.Context
	ended   chan error
}

func newWaitingHandler(sleeps time.Duration) *waitingHandler {
	return &waitingHandler{
		sleeps: sleeps, started: make(chan context.Context, 1), ended: make(chan error, 1),
	}
}

func (h *waitingHandler) wait(ctx context.Context) {
	if h.ran.Swap(true) {
		return
	}
	h.started <- ctx
	if h.sleeps > 0 {
		time.Sleep(h.sleeps)
	} else {
		<-ctx.Done()
	}
	h.ended <- context.Cause(ctx)
}

// elicit, sample, listRoots, authorize and open are handlers that wait.
func (h *waitingHandler) elicit(ctx context.Context, _ mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
	h.wait(ctx)
	return mcp.ElicitAccept(map[string]string{"name": "Ada"}), nil
}

func (h *waitingHandler) sample(ctx context.Context, _ mcp.SamplingRequest) (mcp.SamplingResult, error) {
	h.wait(ctx)
	return mcp.SamplingResult{}, errors.New("no model")
}

func (h *waitingHandler) listRoots(ctx context.Context, _ mcp.RootsRequest) ([]mcp.Root, error) {
	h.wait(ctx)
	panic("no roots")
}

func (h *waitingHandler) authorize(ctx context.Context, _ mcp.AuthRequest) (mcp.Credentials, error) {
	h.wait(ctx)
	return mcp.Credentials{Bearer: "token"}, nil
}

func (h *waitingHandler) open(ctx context.Context, login mcp.Login) (string, error) {
	h.wait(ctx)
	return login.RedirectURI + "?code=a&state=b", nil
}

// A handlerCase is a kind of handler: a client that has it, and a call that needs it.
type handlerCase struct {
	name   string
	client func(t *testing.T, handler *waitingHandler) *mcp.Client
	call   func(ctx context.Context, client *mcp.Client) error
}

func handlerCases() []handlerCase {
	var cases []handlerCase
	for kind, option := range map[string]func(*waitingHandler) mcp.Option{
		"elicitation": func(h *waitingHandler) mcp.Option { return mcp.WithElicitation(h.elicit) },
		"sampling":    func(h *waitingHandler) mcp.Option { return mcp.WithSampling(h.sample) },
		"roots":       func(h *waitingHandler) mcp.Option { return mcp.WithRoots(h.listRoots) },
	} {
		legacy := func(t *testing.T, h *waitingHandler) *mcp.Client { return newAskingClient(t, kind, option(h)) }
		modern := func(t *testing.T, h *waitingHandler) *mcp.Client {
			return newProcessClient(t, "2026-07-28", append(answerAll(), option(h))...)
		}
		cases = append(cases, handlerCase{kind + ", legacy", legacy, callAsks},
			handlerCase{kind + ", modern", modern, callAsks})
	}
	ping := func(ctx context.Context, client *mcp.Client) error { return client.Ping(ctx) }
	auth := func(t *testing.T, h *waitingHandler) *mcp.Client {
		return newClient(t, scriptedURL(t, "modern"), mcp.WithAuth(h.authorize))
	}
	login := func(t *testing.T, h *waitingHandler) *mcp.Client {
		return newProtectedServer(t).newClient(t, mcp.WithOAuth(&mcp.OAuth{Open: h.open}))
	}
	return append(cases, handlerCase{"auth", auth, ping}, handlerCase{"login", login, ping})
}

func callAsks(ctx context.Context, client *mcp.Client) error {
	_, err := client.CallTool(ctx, "asks", nil)
	return err
}

// newAskingClient returns a client of a legacy server. Its tool sends a request for an input of the given kind, and
// waits for the response.
func newAskingClient(t *testing.T, kind string, options ...mcp.Option) *mcp.Client {
	t.Helper()
	request := map[string]string{
		"elicitation": `"elicitation/create","params":{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}`,
		"sampling":    `"sampling/createMessage","params":{"messages":[],"maxTokens":1}`,
		"roots":       `"roots/list"`,
	}[kind]
	answered := make(chan struct{}, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			ID     json.RawMessage
			Method string
		}
		if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&message) != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		response := map[string]any{"jsonrpc": "2.0", "id": message.ID}
		switch {
		case message.Method == "":
			answered <- struct{}{}
			w.WriteHeader(http.StatusAccepted)
			return
		case message.ID == nil:
			w.WriteHeader(http.StatusAccepted)
			return
		case message.Method == "initialize":
			response["result"] = map[string]any{
				"protocolVersion": "2025-11-25", "capabilities": map[string]any{"tools": map[string]any{}},
				"serverInfo": map[string]any{"name": "asks", "version": "1"},
			}
		case message.Method == "tools/call":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":\"s1\",\"method\":%s}\n\n", request)
			w.(http.Flusher).Flush()
			select {
			case <-answered:
				fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[]}}\n\n", message.ID)
			case <-r.Context().Done():
			}
			return
		case message.Method == "ping":
			response["result"] = map[string]any{}
		default:
			response["error"] = map[string]any{"code": -32601, "message": "Method not found"}
		}
		writeJSON(w, http.StatusOK, response)
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	t.Cleanup(server.Close)
	return newClient(t, server.URL+"/mcp", options...)
}

// start starts the call of a case, and returns when the handler runs.
func (c handlerCase) start(ctx context.Context, client *mcp.Client, handler *waitingHandler) <-chan error {
	result := make(chan error, 1)
	go func() { result <- c.call(ctx, client) }()
	<-handler.started
	return result
}

func TestCallsEndWhileHandlersSleep(t *testing.T) {
	const sleep = 4 * time.Second
	// The checks for when the handlers have returned.
	var late []func(t *testing.T)
	for _, test := range handlerCases() {
		handler := newWaitingHandler(sleep)
		client := test.client(t, handler)
		t.Run(test.name+", cancel", func(t *testing.T) {
			why := errors.New("changed my mind")
			ctx, cancel := context.WithCancelCause(context.Background())
			result := test.start(ctx, client, handler)
			start := time.Now()
			cancel(why)
			err := returnWithin(t, promptly, "cancel", result, start)
			wantStatus(t, err, mcp.Cancelled)
			wantEqual(t, errors.Is(err, why), true)
			late = append(late, func(t *testing.T) {
				wantEqual(t, <-handler.ended, why)
				// The answer of the handler came too late. It has no effect on later calls.
				if err := client.Ping(t.Context()); test.name == "login" {
					wantStatus(t, err, mcp.LoginFailed)
				} else {
					noError(t, err)
				}
			})
		})
		handlerOfClosed := newWaitingHandler(sleep)
		closedClient := test.client(t, handlerOfClosed)
		t.Run(test.name+", close", func(t *testing.T) {
			result := test.start(context.Background(), closedClient, handlerOfClosed)
			closed := make(chan error, 1)
			start := time.Now()
			go func() { closed <- closedClient.Close() }()
			wantStatus(t, returnWithin(t, promptly, "close", result, start), mcp.Closed)
			late = append(late, func(t *testing.T) {
				wantStatus(t, <-handlerOfClosed.ended, mcp.Closed)
				<-closed
			})
		})
	}
	for _, check := range late {
		check(t)
	}
}

func TestContextOfHandlerEndsWithCall(t *testing.T) {
	for _, test := range handlerCases() {
		t.Run(test.name, func(t *testing.T) {
			why := errors.New("changed my mind")
			handler := newWaitingHandler(0)
			ctx, cancel := context.WithCancelCause(t.Context())
			result := test.start(ctx, test.client(t, handler), handler)
			cancel(why)
			wantStatus(t, <-result, mcp.Cancelled)
			wantEqual(t, <-handler.ended, why)
		})
	}
}

func TestDeadlineOfCallEndsContextOfHandler(t *testing.T) {
	handler := newWaitingHandler(0)
	client := newAskingClient(t, "elicitation", mcp.WithElicitation(handler.elicit))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	wantStatus(t, callAsks(ctx, client), mcp.TimedOut)
	wantEqual(t, <-handler.ended, context.DeadlineExceeded)
}

func TestContextOfHandlerHasValuesOfCall(t *testing.T) {
	type key struct{}
	for _, test := range handlerCases() {
		t.Run(test.name, func(t *testing.T) {
			handler := newWaitingHandler(time.Nanosecond)
			client := test.client(t, handler)
			_ = test.call(context.WithValue(t.Context(), key{}, test.name), client)
			wantEqual(t, (<-handler.started).Value(key{}), any(test.name))
		})
	}
}

// askingClients are clients of servers of both eras that request elicitations.
func askingClients(t *testing.T, test func(t *testing.T, newClient func(...mcp.Option) *mcp.Client)) {
	t.Run("legacy", func(t *testing.T) {
		test(t, func(options ...mcp.Option) *mcp.Client { return newAskingClient(t, "elicitation", options...) })
	})
	t.Run("modern", func(t *testing.T) {
		test(t, func(options ...mcp.Option) *mcp.Client {
			return newProcessClient(t, "2026-07-28", append(answerAll(), options...)...)
		})
	})
}

func TestHandlerMayCallItsClient(t *testing.T) {
	askingClients(t, func(t *testing.T, newClient func(...mcp.Option) *mcp.Client) {
		var client *mcp.Client
		elicit := func(ctx context.Context, _ mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
			return mcp.ElicitDecline(), client.Ping(ctx)
		}
		client = newClient(mcp.WithElicitation(elicit))
		noError(t, callAsks(t.Context(), client))
	})
}

func TestHandlerMayCloseItsClient(t *testing.T) {
	askingClients(t, func(t *testing.T, newClient func(...mcp.Option) *mcp.Client) {
		var client *mcp.Client
		causes := make(chan error, 1)
		elicit := func(ctx context.Context, _ mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
			_ = client.Close()
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return mcp.ElicitDecline(), nil
		}
		client = newClient(mcp.WithElicitation(elicit))
		wantStatus(t, callAsks(t.Context(), client), mcp.Closed)
		wantStatus(t, <-causes, mcp.Closed)
	})
}

// cancellingServer is a legacy server. Its tool requests an elicitation; the next ping makes it cancel that request.
const cancellingServer = `
import json, sys
def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    match message.get("method"):
        case "initialize":
            send(id=message["id"], result={"protocolVersion": "2025-11-25", "capabilities": {},
                                           "serverInfo": {"name": "cancels", "version": "1"}})
        case "tools/call":
            call = message["id"]
            send(id="s1", method="elicitation/create", params={"message": "Who?", "requestedSchema": {}})
        case "ping":
            send(method="notifications/cancelled", params={"requestId": "s1"})
            send(id=call, result={"content": []})
            send(id=message["id"], result={})
        case _ if "id" in message:
            send(id=message["id"], error={"code": -32601, "message": "Method not found"})
`

func TestServerCancelsItsRequest(t *testing.T) {
	handler := newWaitingHandler(0)
	client, err := mcp.NewProcess([]string{"python3", "-c", cancellingServer}, mcp.WithElicitation(handler.elicit))
	noError(t, err)
	defer client.Close()
	result := handlerCase{call: callAsks}.start(t.Context(), client, handler)
	noError(t, client.Ping(t.Context()))
	wantStatus(t, <-handler.ended, mcp.Cancelled)
	noError(t, <-result)
}

func TestInputTimeout(t *testing.T) {
	askingClients(t, func(t *testing.T, newClient func(...mcp.Option) *mcp.Client) {
		handler := newWaitingHandler(0)
		client := newClient(mcp.WithElicitation(handler.elicit), mcp.WithInputTimeout(50*time.Millisecond))
		_ = callAsks(t.Context(), client)
		wantStatus(t, <-handler.ended, mcp.TimedOut)
		noError(t, client.Ping(t.Context()))
	})
	_, err := mcp.New("http://127.0.0.1:1/mcp", mcp.WithInputTimeout(-1))
	wantStatus(t, err, mcp.InvalidArgument)
}
