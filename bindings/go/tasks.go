package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
)

// A Started is the result of [Client.CallToolAsTask]: a task or the tool's result.
type Started struct {
	// TaskID is the id of the task; "" if there is no task. Other clients and processes can use it too.
	TaskID string
	// Result is the tool's result; nil if there is a task.
	Result *ToolResult
	// Raw is the whole result as received.
	Raw Result
}

// CallToolAsTask calls a tool and returns its result, or a task: the tool then runs on the server after CallToolAsTask
// has returned. A modern server decides whether it starts a task (extension "io.modelcontextprotocol/tasks"). A server
// of version 2025-11-25 starts a task if the tool supports it; older servers never do. Arguments and errors are those
// of [Client.CallTool].
func (c *Client) CallToolAsTask(
	ctx context.Context, name string, arguments any, options ...CallOption,
) (*Started, error) {
	text, err := c.callNamed(ctx, name, arguments, options,
		func(
			c *C.mcp_client, name *C.char, a jsonText, o *C.mcp_options, r **C.mcp_json, e **C.mcp_error,
		) C.mcp_status {
			return C.mcp_call_tool_as_task(c, name, a.text, a.length, o, r, e)
		})
	if err != nil {
		return nil, err
	}
	started := &Started{Raw: text}
	var decoded struct {
		ResultType, TaskID string
		Task               struct{ TaskID string }
	}
	if err := text.decodeLenient(&decoded); err != nil {
		return nil, err
	}
	switch {
	case decoded.ResultType == "task":
		started.TaskID = decoded.TaskID
	case decoded.Task.TaskID != "":
		started.TaskID = decoded.Task.TaskID
	default:
		started.Result, err = toolResult(name, text)
	}
	return started, err
}

// A Task is the state of a task.
type Task struct {
	ID string `json:"taskId"`
	// Status is "working", "input_required", "completed", "failed" or "cancelled".
	Status        string `json:"status"`
	StatusMessage string `json:"statusMessage"`
	// InputRequests are the inputs that a task of a modern server needs, by key.
	InputRequests map[string]json.RawMessage `json:"inputRequests"`
	// Raw is the whole task as received. A modern server includes the "result" or "error" of a task that has ended.
	Raw Result `json:"-"`
}

// GetTask returns the state of a task.
func (c *Client) GetTask(ctx context.Context, id string, options ...CallOption) (*Task, error) {
	text, err := c.callTask(ctx, id, options,
		func(c *C.mcp_client, id *C.char, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_get_task(c, id, o, result, e)
		})
	if err != nil {
		return nil, err
	}
	task := &Task{Raw: text}
	if err := text.decodeLenient(task); err != nil {
		return nil, err
	}
	return task, nil
}

// UpdateTask sends the inputs that a task of a modern server needs. responses is a value that [encoding/json] encodes
// as an object with a result for each key of InputRequests. [Client.WaitTask] does this automatically.
func (c *Client) UpdateTask(ctx context.Context, id string, responses any, options ...CallOption) error {
	text, err := marshal(responses, "the responses")
	if err != nil {
		return err
	}
	return withCString(id, "the id", func(id *C.char) error {
		return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
			r := jsonTextOf(text)
			return C.mcp_update_task(c, id, r.text, r.length, o, e)
		})
	})
}

// CancelTask requests the cancellation of a task. The task may still complete.
func (c *Client) CancelTask(ctx context.Context, id string, options ...CallOption) error {
	return withCString(id, "the id", func(id *C.char) error {
		return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
			return C.mcp_cancel_task(c, id, o, e)
		})
	})
}

// WaitTask waits until a task has ended, and returns the result of the tool. The handlers of the client provide the
// inputs that the task needs. An [OnProgress] callback gets each new StatusMessage. The error is [RPCError] or a
// [*ToolError] if the task failed, and [TaskCancelled] if it was cancelled. The task continues if the context is done.
func (c *Client) WaitTask(ctx context.Context, id string, options ...CallOption) (*ToolResult, error) {
	text, err := c.callTask(ctx, id, options,
		func(c *C.mcp_client, id *C.char, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_wait_task(c, id, o, result, e)
		})
	if err != nil {
		return nil, err
	}
	return toolResult(id, text)
}

// callTask calls a C function that takes the id of a task, and returns its result.
func (c *Client) callTask(
	ctx context.Context, id string, options []CallOption,
	function func(*C.mcp_client, *C.char, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status,
) (Result, error) {
	var result Result
	err := withCString(id, "the id", func(id *C.char) (err error) {
		result, err = c.callResult(ctx, options,
			func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
				return function(c, id, o, result, e)
			})
		return err
	})
	return result, err
}
