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

// An ElicitRequest asks a person for something (specification 2026-07-28, "Elicitation"). Show which server asks, let the person
// decline, and open no URL unasked.
type ElicitRequest struct {
	// Mode is "form" or "url"; "" is a form.
	Mode    string `json:"mode"`
	Message string `json:"message"`
	// RequestedSchema is the JSON schema of the form.
	RequestedSchema json.RawMessage `json:"requestedSchema"`
	// URL is what the person is to open.
	URL string `json:"url"`
	// Raw are all parameters as they came.
	Raw Result `json:"-"`

	asked *askedInput
}

// Cancelled says whether an answer would come too late: the server has cancelled its request, or the call that needs the answer was
// cancelled, or its client closed; or the handler has returned. A handler that waits for a person asks from time to time, and returns.
func (r ElicitRequest) Cancelled() bool { return r.asked.cancelled() }

// An ElicitAnswer is what a person has made of an [ElicitRequest]. The zero value is no choice at all.
type ElicitAnswer struct {
	action  func(*C.mcp_input, jsonText, **C.mcp_error) C.mcp_status
	content any
}

// ElicitAccept is the answer of a person who has filled in the form, with an object of whatever [encoding/json] makes one of. What
// it leaves out gets the schema's default; nil leaves everything out, as it is for a URL.
func ElicitAccept(content any) ElicitAnswer {
	return ElicitAnswer{content: content, action: func(i *C.mcp_input, c jsonText, e **C.mcp_error) C.mcp_status {
		return C.mcp_input_accept(i, c.text, c.length, e)
	}}
}

// ElicitDecline is the answer of a person who has said no.
func ElicitDecline() ElicitAnswer {
	return ElicitAnswer{action: func(i *C.mcp_input, _ jsonText, e **C.mcp_error) C.mcp_status { return C.mcp_input_decline(i, e) }}
}

// ElicitCancel is the answer of a person who has made no choice.
func ElicitCancel() ElicitAnswer {
	return ElicitAnswer{action: func(i *C.mcp_input, _ jsonText, e **C.mcp_error) C.mcp_status { return C.mcp_input_cancel(i, e) }}
}

// A SamplingRequest asks a model for something (specification 2026-07-28, "Sampling"). A person should see it and the answer, and be
// able to say no.
type SamplingRequest struct {
	Messages     []SamplingMessage `json:"messages"`
	SystemPrompt string            `json:"systemPrompt"`
	MaxTokens    int64             `json:"maxTokens"`
	// Raw are all parameters as they came, perhaps with "tools", "temperature" and more.
	Raw Result `json:"-"`

	asked *askedInput
}

// Cancelled says whether an answer would come too late; see [ElicitRequest.Cancelled].
func (r SamplingRequest) Cancelled() bool { return r.asked.cancelled() }

// A SamplingMessage is one of a conversation with a model.
type SamplingMessage struct {
	// Role is "user" or "assistant".
	Role    string   `json:"role"`
	Content Contents `json:"content"`
}

// A SamplingResult is what a model has said.
type SamplingResult struct {
	Role    string   `json:"role"`
	Content Contents `json:"content"`
	// Model is the model's name.
	Model string `json:"model"`
	// StopReason is such as "endTurn", "maxTokens" or "toolUse"; "" where it is not known.
	StopReason string `json:"stopReason,omitempty"`
}

// Contents is one block, or several.
type Contents []Content

// UnmarshalJSON reads a block or an array of blocks.
func (c *Contents) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("[")) || string(text) == "null" {
		return tolerant(json.Unmarshal(text, (*[]Content)(c)))
	}
	*c = make(Contents, 1)
	return tolerant(json.Unmarshal(text, &(*c)[0]))
}

// MarshalJSON writes one block as it is, for servers that know no others.
func (c Contents) MarshalJSON() ([]byte, error) {
	if len(c) == 1 {
		return json.Marshal(c[0])
	}
	return json.Marshal([]Content(c))
}

// A Root is a directory or file that the server may look at; its URI begins with "file://".
type Root struct {
	URI  string `json:"uri"`
	Name string `json:"name,omitempty"`
}

// An InputError is why a handler gives no answer, with the code that a legacy server is told: -1 for a person who has refused. Any
// other error gets -32603.
type InputError struct {
	Code    int64
	Message string
}

// Error gives the message.
func (e *InputError) Error() string { return e.Message }

// WithElicitation sets the handler that asks a person. Without one, the server is told that this client cannot do it.
//
// A handler runs on the goroutine of the call that the server needs the input for; where the server asks by itself, on a thread that
// reads for the client, where it must make no call on it ([Misuse]). Its time counts against no timeout. When it returns an error, or
// panics, a legacy server is told so and the call goes on; on a modern one the call ends with [InputFailed].
func WithElicitation(handler func(ElicitRequest) (ElicitAnswer, error)) Option {
	return withInput(func(i *C.mcp_input) error {
		request := ElicitRequest{Raw: Result(raw(C.mcp_input_params(i))), asked: &askedInput{input: i}}
		defer request.asked.end()
		if err := request.Raw.understand(&request); err != nil {
			return err
		}
		answer, err := handler(request)
		if err != nil || answer.action == nil {
			return err
		}
		content, err := marshalled(answer.content, "the content")
		if err != nil {
			return err
		}
		return check(func(e **C.mcp_error) C.mcp_status { return answer.action(i, jsonTextOf(content), e) })
	}, func(c *C.mcp_client, handle C.uintptr_t, e **C.mcp_error) C.mcp_status {
		return C.bridge_set_elicitation(c, handle, e)
	})
}

// WithSampling sets the handler that asks a model; otherwise as [WithElicitation].
func WithSampling(handler func(SamplingRequest) (SamplingResult, error)) Option {
	return withInput(func(i *C.mcp_input) error {
		request := SamplingRequest{Raw: Result(raw(C.mcp_input_params(i))), asked: &askedInput{input: i}}
		defer request.asked.end()
		if err := request.Raw.understand(&request); err != nil {
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

// WithRoots sets the handler that tells which folders the server may look at; otherwise as [WithElicitation].
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
	answer func(*C.mcp_input) error, set func(*C.mcp_client, C.uintptr_t, **C.mcp_error) C.mcp_status,
) Option {
	return func(c *Client) error { return c.setHook(&inputHook{answer, &c.core.callbacks}, set) }
}

func respond(i *C.mcp_input, result any) error {
	text, err := marshalled(result, "the result")
	if err != nil {
		return err
	}
	return check(func(e **C.mcp_error) C.mcp_status {
		t := jsonTextOf(text)
		return C.mcp_input_respond(i, t.text, t.length, e)
	})
}

// An askedInput is an input that is there as long as its handler runs.
type askedInput struct {
	mutex sync.Mutex
	input *C.mcp_input
}

func (a *askedInput) cancelled() bool {
	if a == nil {
		return false // a request of the program's own making, such as a test's
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.input == nil || bool(C.mcp_input_is_cancelled(a.input))
}

func (a *askedInput) end() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.input = nil
}

type inputHook struct {
	answer  func(*C.mcp_input) error
	running *atomic.Int32
}

//export bridgeInput
func bridgeInput(handle C.uintptr_t, input *C.mcp_input) {
	hook := cgo.Handle(handle).Value().(*inputHook)
	hook.running.Add(1)
	defer hook.running.Add(-1)
	err := guarded(func() error { return hook.answer(input) })
	if err == nil {
		return
	}
	const internalError = -32603
	failure := &InputError{internalError, ""}
	errors.As(err, &failure)
	text, _ := errorText(err)
	message := C.CString(text)
	defer freeText(message)
	C.mcp_input_fail(input, C.int64_t(failure.Code), message, nil)
}
