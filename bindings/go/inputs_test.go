package mcp_test

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// answerAll returns handlers for all requests of the tool "asks".
func answerAll() []mcp.Option {
	return []mcp.Option{
		mcp.WithElicitation(func(context.Context, mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
			return mcp.ElicitDecline(), nil
		}),
		mcp.WithRoots(func(context.Context, mcp.RootsRequest) ([]mcp.Root, error) { return nil, nil }),
		mcp.WithSampling(func(context.Context, mcp.SamplingRequest) (mcp.SamplingResult, error) {
			content := mcp.Contents{{Type: "text", Text: "text"}}
			return mcp.SamplingResult{Role: "assistant", Content: content, Model: "m"}, nil
		}),
	}
}

func TestInputHandlers(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		var mu sync.Mutex
		requests := map[string]int{}
		client := newProcessClient(t, version,
			mcp.WithElicitation(func(_ context.Context, r mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
				mu.Lock()
				defer mu.Unlock()
				requests[r.Mode+" "+r.Message+r.URL]++
				if r.Mode == "url" {
					return mcp.ElicitAccept(nil), nil
				}
				return mcp.ElicitAccept(map[string]string{"name": "Ada"}), nil
			}),
			mcp.WithSampling(func(_ context.Context, r mcp.SamplingRequest) (mcp.SamplingResult, error) {
				mu.Lock()
				defer mu.Unlock()
				requests[r.Messages[0].Content[0].Text]++
				content := mcp.Contents{{Type: "text", Text: "hello"}}
				return mcp.SamplingResult{Role: "assistant", Content: content, Model: "none"}, nil
			}),
			mcp.WithRoots(func(context.Context, mcp.RootsRequest) ([]mcp.Root, error) {
				mu.Lock()
				defer mu.Unlock()
				requests["roots"]++
				return []mcp.Root{{URI: "file:///srv"}}, nil
			}))
		result, err := client.CallTool(t.Context(), "asks", nil)
		noError(t, err)
		wantEqual(t, result.Text(), "well")
		// The ping makes sure that all requests were handled: a legacy server may end the call without waiting
		// for the responses to its requests.
		noError(t, client.Ping(t.Context()))
		mu.Lock()
		defer mu.Unlock()
		want := map[string]int{"form Who?": 1, "url Go therehttps://example.com/": 1, "well": 1, "roots": 1}
		if !maps.Equal(requests, want) {
			t.Errorf("the handlers got %v instead of %v", requests, want)
		}
	})
}

func TestInputHandlerFailures(t *testing.T) {
	why := errors.New("the door is locked\x00")
	for name, handler := range map[string]func() (mcp.ElicitAnswer, error){
		"error": func() (mcp.ElicitAnswer, error) { return mcp.ElicitDecline(), why },
		"code": func() (mcp.ElicitAnswer, error) {
			return mcp.ElicitAnswer{}, &mcp.InputError{Code: -1, Message: "locked"}
		},
		"panic":  func() (mcp.ElicitAnswer, error) { panic("locked") },
		"Goexit": func() (mcp.ElicitAnswer, error) { runtime.Goexit(); return mcp.ElicitAnswer{}, nil },
		"nil error": func() (mcp.ElicitAnswer, error) {
			var nothing *nilError
			return mcp.ElicitAnswer{}, nothing
		},
		"invalid content": func() (mcp.ElicitAnswer, error) { return mcp.ElicitAccept([]string{"locked"}), nil },
	} {
		t.Run(name, func(t *testing.T) {
			elicit := func(context.Context, mcp.ElicitRequest) (mcp.ElicitAnswer, error) { return handler() }
			client := newProcessClient(t, "2026-07-28", append(answerAll(), mcp.WithElicitation(elicit))...)
			_, err := client.CallTool(t.Context(), "asks", nil)
			wantStatus(t, err, mcp.InputFailed)
			var panicked *mcp.PanicError
			var coded *mcp.InputError
			switch name {
			case "error":
				wantEqual(t, errors.Is(err, why), true)
			case "code":
				wantEqual(t, errors.As(err, &coded), true)
			case "panic":
				if !errors.As(err, &panicked) || !strings.Contains(string(panicked.Stack), "inputs_test.go") {
					t.Error(err)
				}
			case "nil error":
				wantEqual(t, errors.As(err, &panicked), true)
			case "Goexit":
				wantEqual(t, strings.Contains(err.Error(), "Goexit"), true)
			default:
				wantStatus(t, errors.Unwrap(err), mcp.InvalidArgument)
			}
			if (name == "error" || name == "code" || name == "panic") && !strings.Contains(err.Error(), "locked") {
				t.Error(err)
			}
			noError(t, client.Ping(t.Context()))
		})
	}
	_, err := newProcessClient(t, "2026-07-28").CallTool(t.Context(), "asks", nil)
	wantStatus(t, err, mcp.InputUnsupported)
}

func TestElicitationWithRealServer(t *testing.T) {
	elicit := func(_ context.Context, r mcp.ElicitRequest) (mcp.ElicitAnswer, error) {
		if !strings.Contains(string(r.RequestedSchema), `"email"`) {
			t.Error(r)
		}
		return mcp.ElicitAccept(map[string]string{"name": "Ada"}), nil
	}
	client := newEverythingClient(t, mcp.WithElicitation(elicit))
	result, err := client.CallTool(t.Context(), "trigger-elicitation-request", nil)
	noError(t, err)
	text := result.Text()
	if !strings.Contains(text, "Name: Ada") || !strings.Contains(text, "Favorite Integer: 42") {
		t.Error(text)
	}
}
