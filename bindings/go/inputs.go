package mcp

// #include "bridge.h"
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"runtime/cgo"
	"time"
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
	// ClientName is the name of the client ([Client.Name]).
	ClientName string `json:"-"`
	// Raw holds all parameters as received.
	Raw Result `json:"-"`
}

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
	// ClientName is the name of the client ([Client.Name]).
	ClientName string `json:"-"`
	// Raw holds all parameters as received, including others such as "tools" and "temperature".
	Raw Result `json:"-"`
}

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

// A RootsRequest is a server's request for the folders and files that it may access (specification 2026-07-28,
// "Roots").
type RootsRequest struct {
	// ClientName is the name of the client ([Client.Name]).
	ClientName string
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
// The handler runs on a separate goroutine, also several times at the same time, and may wait for the user. It may make
// calls on the client and close it. Its time does not count against timeouts; see [WithInputTimeout].
//
// The context has the values of the context of the call that needs the input. A legacy server does not say over
// HTTP+SSE and stdio which call that is: it is the oldest one that waits, if there is one. The context is done when an
// answer would be too late: the call has ended, or the server cancelled its request (which is not noticed over
// Streamable HTTP, if the server says it on the event stream of the call). The call does not wait for the handler, and
// a later answer has no effect. [context.Cause] is the cause of the call's context, or an [*Error] whose status says
// how the request ended.
//
// If the handler returns an error or panics, a legacy server gets a JSON-RPC error and the call continues; with a
// modern server, the call ends with [InputFailed], and that [Error] wraps the returned error or a [*PanicError].
func WithElicitation(handler func(context.Context, ElicitRequest) (ElicitAnswer, error)) Option {
	return withInput(func(ctx context.Context, i *C.mcp_input) error {
		request := ElicitRequest{ClientName: clientName(i), Raw: params(i)}
		if err := request.Raw.decodeLenient(&request); err != nil {
			return err
		}
		answer, err := handler(ctx, request)
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
// to the server. The handler runs under the rules that [WithElicitation] describes.
func WithSampling(handler func(context.Context, SamplingRequest) (SamplingResult, error)) Option {
	return withInput(func(ctx context.Context, i *C.mcp_input) error {
		request := SamplingRequest{ClientName: clientName(i), Raw: params(i)}
		if err := request.Raw.decodeLenient(&request); err != nil {
			return err
		}
		result, err := handler(ctx, request)
		if err != nil {
			return err
		}
		return respond(i, result)
	}, func(c *C.mcp_client, handle C.uintptr_t, e **C.mcp_error) C.mcp_status {
		return C.bridge_set_sampling(c, handle, e)
	})
}

// WithRoots sets the handler that returns the folders and files that the server may access. Without it, the client does
// not declare the roots capability to the server. The handler runs under the rules that [WithElicitation] describes.
func WithRoots(handler func(context.Context, RootsRequest) ([]Root, error)) Option {
	return withInput(func(ctx context.Context, i *C.mcp_input) error {
		roots, err := handler(ctx, RootsRequest{ClientName: clientName(i)})
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

// WithInputTimeout limits the time of the handlers of [WithElicitation], [WithSampling] and [WithRoots]. Zero, the
// default, means no limit.
func WithInputTimeout(d time.Duration) Option {
	return func(c *Client) error {
		ms, err := milliseconds(d, "the input timeout")
		if err != nil {
			return err
		}
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_input_timeout(client, ms, failure)
		})
	}
}

// An inputHandler answers a C input.
type inputHandler func(context.Context, *C.mcp_input) error

func withInput(
	handler inputHandler, set func(*C.mcp_client, C.uintptr_t, **C.mcp_error) C.mcp_status,
) Option {
	return func(c *Client) error {
		c.core.hasHandlers.Store(true)
		return c.setCallback(handler, set)
	}
}

func clientName(i *C.mcp_input) string { return C.GoString(C.mcp_input_client_name(i)) }

func params(i *C.mcp_input) Result { return Result(rawJSON(C.mcp_input_params(i))) }

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

//export bridgeInput
func bridgeInput(handle, call C.uintptr_t, input *C.mcp_input) {
	handler := cgo.Handle(handle).Value().(inputHandler)
	run := newHandlerRun(call)
	C.bridge_input_set_over(input, run.over())
	run.start(func() error { return handler(run.ctx, input) }, func(err error) {
		if err != nil {
			failInput(input, err)
		}
		C.mcp_input_free(input)
	})
}

// failInput reports that there is no answer. C owns the handle of the error.
func failInput(input *C.mcp_input, err error) {
	const internalError = -32603
	failure := &InputError{internalError, ""}
	errors.As(err, &failure)
	text, err := errorText(err)
	message := C.CString(text)
	defer freeCString(message)
	C.bridge_input_fail(input, C.int64_t(failure.Code), message, C.uintptr_t(cgo.NewHandle(err)))
}
