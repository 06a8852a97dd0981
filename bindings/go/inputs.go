package mcp

// #include "bridge.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"errors"
	"runtime/cgo"
	"sync"
	"sync/atomic"
)

// An ElicitRequest is a server's request for input from the user (specification 2026-07-28, "Elicitation"). Show the
// user which server requests it, let the user decline, and open no URL without the user's consent.
type ElicitRequest struct {
	// Mode is "form" or "url"; "" means "form".
	Mode string `json:"mode"`
	// Message is the text to show to the user.
	Message string `json:"message"`
	// RequestedSchema is the JSON schema of the form.
	RequestedSchema json.RawMessage `json:"requestedSchema"`
	// URL is the URL that the user should open.
	URL string `json:"url"`
	// Raw holds all parameters as received.
	Raw Result `json:"-"`

	pending *pendingInput
}

// Cancelled reports whether a response would be too late: the server cancelled its request, the call that needs the
// input was cancelled, the client was closed, or the handler has returned. A handler that waits for the user should
// call it from time to time, and return if it is true. Any goroutine may call it.
func (r ElicitRequest) Cancelled() bool { return r.pending.cancelled() }

// An ElicitAnswer is the user's response to an [ElicitRequest]. The zero value cancels, like [ElicitCancel].
type ElicitAnswer struct {
	action  func(*C.mcp_input, jsonText, **C.mcp_error) C.mcp_status
	content any
}

// ElicitAccept returns the response of a user who accepted. content is the completed form, a value that [encoding/json]
// encodes as an object; properties that it omits get the schema's defaults. For mode "url", content is nil.
func ElicitAccept(content any) ElicitAnswer {
	return ElicitAnswer{content: content, action: func(i *C.mcp_input, c jsonText, e **C.mcp_error) C.mcp_status {
		return C.mcp_input_accept(i, c.text, c.length, e)
	}}
}

// ElicitDecline returns the response of a user who declined.
func ElicitDecline() ElicitAnswer {
	return ElicitAnswer{action: func(i *C.mcp_input, _ jsonText, e **C.mcp_error) C.mcp_status {
		return C.mcp_input_decline(i, e)
	}}
}

// ElicitCancel returns the response of a user who made no choice.
func ElicitCancel() ElicitAnswer {
	return ElicitAnswer{action: func(i *C.mcp_input, _ jsonText, e **C.mcp_error) C.mcp_status {
		return C.mcp_input_cancel(i, e)
	}}
}

// A SamplingRequest is a server's request for a model's response (specification 2026-07-28, "Sampling"). The user
// should see the request and the response, and be able to refuse them.
type SamplingRequest struct {
	Messages     []SamplingMessage `json:"messages"`
	SystemPrompt string            `json:"systemPrompt"`
	MaxTokens    int64             `json:"maxTokens"`
	// Raw holds all parameters as received, including others such as "tools" and "temperature".
	Raw Result `json:"-"`

	pending *pendingInput
}

// Cancelled reports whether a response would be too late, as [ElicitRequest.Cancelled] does.
func (r SamplingRequest) Cancelled() bool { return r.pending.cancelled() }

// A SamplingMessage is a message of a conversation with a model.
type SamplingMessage struct {
	// Role is "user" or "assistant".
	Role    string   `json:"role"`
	Content Contents `json:"content"`
}

// A SamplingResult is a model's response.
type SamplingResult struct {
	// Role is "user" or "assistant".
	Role    string   `json:"role"`
	Content Contents `json:"content"`
	// Model is the model's name.
	Model string `json:"model"`
	// StopReason is, for example, "endTurn", "maxTokens" or "toolUse"; "" if unknown.
	StopReason string `json:"stopReason,omitempty"`
}

// Contents is a list of content blocks. Its JSON is a single block or an array of blocks.
type Contents []Content

// UnmarshalJSON decodes a block or an array of blocks.
func (c *Contents) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("[")) || string(text) == "null" {
		return ignoreTypeMismatch(json.Unmarshal(text, (*[]Content)(c)))
	}
	*c = make(Contents, 1)
	return ignoreTypeMismatch(json.Unmarshal(text, &(*c)[0]))
}

// MarshalJSON encodes a single block without an array, for servers that do not support arrays here.
func (c Contents) MarshalJSON() ([]byte, error) {
	if len(c) == 1 {
		return json.Marshal(c[0])
	}
	return json.Marshal([]Content(c))
}

// A Root is a folder or file that the server may access (specification 2026-07-28, "Roots").
type Root struct {
	// URI begins with "file://".
	URI string `json:"uri"`
	// Name is a name to display; "" if there is none.
	Name string `json:"name,omitempty"`
}

// An InputError is an error of a handler with a JSON-RPC error code for legacy servers: -1 means that the user refused.
// For any other error, a legacy server gets the code -32603.
type InputError struct {
	Code    int64
	Message string
}

// Error returns the message.
func (e *InputError) Error() string { return e.Message }

// WithElicitation sets the handler of [ElicitRequest]s. Without it, the client does not declare the elicitation
// capability to the server.
//
// The handler runs on the goroutine of the call that needs the input. If the request belongs to no call, it runs on a
// reader thread of the library, where it may not make calls on the same client ([Misuse]). Its time does not count
// against timeouts. If it returns an error or panics, a legacy server gets a JSON-RPC error and the call continues;
// with a modern server, the call ends with [InputFailed].
func WithElicitation(handler func(ElicitRequest) (ElicitAnswer, error)) Option {
	return withInput(func(i *C.mcp_input) error {
		params := Result(rawJSON(C.mcp_input_params(i)))
		request := ElicitRequest{Raw: params, pending: &pendingInput{input: i}}
		defer request.pending.expire()
		if err := request.Raw.decodeLenient(&request); err != nil {
			return err
		}
		answer, err := handler(request)
		if err != nil || answer.action == nil {
			return err
		}
		content, err := marshal(answer.content, "the content")
		if err != nil {
			return err
		}
		return check(func(e **C.mcp_error) C.mcp_status { return answer.action(i, jsonTextOf(content), e) })
	}, func(c *C.mcp_client, handle C.uintptr_t, e **C.mcp_error) C.mcp_status {
		return C.bridge_set_elicitation(c, handle, e)
	})
}

// WithSampling sets the handler of [SamplingRequest]s. Without it, the client does not declare the sampling capability
// to the server. The handler runs on the goroutine and under the rules that [WithElicitation] describes.
func WithSampling(handler func(SamplingRequest) (SamplingResult, error)) Option {
	return withInput(func(i *C.mcp_input) error {
		params := Result(rawJSON(C.mcp_input_params(i)))
		request := SamplingRequest{Raw: params, pending: &pendingInput{input: i}}
		defer request.pending.expire()
		if err := request.Raw.decodeLenient(&request); err != nil {
			return err
		}
		result, err := handler(request)
		if err != nil {
			return err
		}
		return respond(i, result)
	}, func(c *C.mcp_client, handle C.uintptr_t, e **C.mcp_error) C.mcp_status {
		return C.bridge_set_sampling(c, handle, e)
	})
}

// WithRoots sets the handler that returns the folders and files that the server may access. Without it, the client does
// not declare the roots capability to the server. The handler runs on the goroutine and under the rules that
// [WithElicitation] describes.
func WithRoots(handler func() ([]Root, error)) Option {
	return withInput(func(i *C.mcp_input) error {
		roots, err := handler()
		if err != nil {
			return err
		}
		return respond(i, struct {
			Roots []Root `json:"roots"`
		}{append([]Root{}, roots...)})
	}, func(c *C.mcp_client, handle C.uintptr_t, e **C.mcp_error) C.mcp_status {
		return C.bridge_set_roots(c, handle, e)
	})
}

func withInput(
	handle func(*C.mcp_input) error, set func(*C.mcp_client, C.uintptr_t, **C.mcp_error) C.mcp_status,
) Option {
	return func(c *Client) error { return c.setCallback(&inputHandler{handle, &c.core.runningCallbacks}, set) }
}

func respond(i *C.mcp_input, result any) error {
	text, err := marshal(result, "the result")
	if err != nil {
		return err
	}
	return check(func(e **C.mcp_error) C.mcp_status {
		t := jsonTextOf(text)
		return C.mcp_input_respond(i, t.text, t.length, e)
	})
}

// A pendingInput is a C input, which is valid while its handler runs, and NULL afterwards.
type pendingInput struct {
	mutex sync.Mutex
	input *C.mcp_input
}

func (p *pendingInput) cancelled() bool {
	if p == nil {
		return false // a request that the program itself created, for example in a test
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.input == nil || bool(C.mcp_input_is_cancelled(p.input))
}

func (p *pendingInput) expire() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.input = nil
}

type inputHandler struct {
	handle  func(*C.mcp_input) error
	running *atomic.Int32
}

//export bridgeInput
func bridgeInput(handle C.uintptr_t, input *C.mcp_input) {
	handler := cgo.Handle(handle).Value().(*inputHandler)
	handler.running.Add(1)
	defer handler.running.Add(-1)
	err := runCallback(func() error { return handler.handle(input) })
	if err == nil {
		return
	}
	const internalError = -32603
	failure := &InputError{internalError, ""}
	errors.As(err, &failure)
	text, _ := errorText(err)
	message := C.CString(text)
	defer freeCString(message)
	C.mcp_input_fail(input, C.int64_t(failure.Code), message, nil)
}
