package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
)

// A Started is what became of [Client.StartTool]: a task, or the tool's result.
type Started struct {
	// TaskID names the task; keep it, another process can ask for the task as well. "" where there is none.
	TaskID string
	// Result is nil where there is a task.
	Result *ToolResult
	// Raw is the whole answer as it came.
	Raw Result
}

// StartTool calls a tool as [Client.CallTool] does, and takes a task for an answer, too: work that goes on at the server while nobody
// waits. On modern servers the server decides; on those of 2025-11-25 a tool that can be a task becomes one; on older ones there are
// none.
func (c *Client) StartTool(ctx context.Context, name string, arguments any, options ...CallOption) (*Started, error) {
	text, err := c.callNamed(ctx, name, arguments, options,
		func(c *C.mcp_client, name *C.char, a jsonText, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_start_tool(c, name, a.text, a.length, o, result, e)
		})
	if err != nil {
		return nil, err
	}
	started := &Started{Raw: text}
	var read struct {
		ResultType, TaskID string
		Task               struct{ TaskID string }
	}
	if err := text.decodeLenient(&read); err != nil {
		return nil, err
	}
	switch {
	case read.ResultType == "task":
		started.TaskID = read.TaskID
	case read.Task.TaskID != "":
		started.TaskID = read.Task.TaskID
	default:
		started.Result, err = toolResult(name, text)
	}
	return started, err
}

// A Task is how a task stands.
type Task struct {
	ID string `json:"taskId"`
	// Status is "working", "input_required", "completed", "failed" or "cancelled".
	Status        string `json:"status"`
	StatusMessage string `json:"statusMessage"`
	// InputRequests are what a modern task asks for, each under its key.
	InputRequests map[string]json.RawMessage `json:"inputRequests"`
	// Raw is the whole task as it came: a modern one that has ended has its "result" or "error" there.
	Raw Result `json:"-"`
}

// GetTask asks how a task stands.
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

// UpdateTask gives a task of a modern server inputs that it asks for: an object with a result under each key of its InputRequests.
// [Client.WaitTask] does that by itself.
func (c *Client) UpdateTask(ctx context.Context, id string, responses any, options ...CallOption) error {
	text, err := marshal(responses, "the responses")
	if err != nil {
		return err
	}
	return withCString(id, "the id", func(id *C.char) error {
		return c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
			r := jsonTextOf(text)
			return C.mcp_update_task(client, id, r.text, r.length, options, failure)
		})
	})
}

// CancelTask asks the server to end a task. It may end it, or finish it first.
func (c *Client) CancelTask(ctx context.Context, id string, options ...CallOption) error {
	return withCString(id, "the id", func(id *C.char) error {
		return c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
			return C.mcp_cancel_task(client, id, options, failure)
		})
	})
}

// WaitTask waits until a task has ended, and gives the result of the tool. What the task asks for, the handlers that are set give;
// [OnProgress] is told each new StatusMessage. A task that failed is [RPCError] or a [*ToolError], one that was cancelled
// [TaskCancelled]. When the context ends, the task goes on.
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

// ofTask runs a C function that takes the id of a task and gives a result.
func (c *Client) callTask(
	ctx context.Context, id string, options []CallOption,
	function func(*C.mcp_client, *C.char, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status,
) (Result, error) {
	var result Result
	err := withCString(id, "the id", func(id *C.char) (err error) {
		result, err = c.callResult(ctx, options, func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return function(c, id, o, result, e)
		})
		return err
	})
	return result, err
}
