package mcp

// #include "bridge.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// NewProcess makes a client for a server that runs as a child process and communicates over its standard streams
// (specification 2026-07-28, "stdio"). command is the program and its arguments; no shell is used. A program without a
// slash is searched for in PATH. The first call starts the process; if the process ends, the next call starts it again.
// The error is [InvalidArgument] for an empty command or an invalid option.
//
// The process inherits only the environment variables HOME, LOGNAME, PATH, SHELL, TERM and USER, and no descriptors
// except its standard streams. It runs in a new process group. Its stderr goes to the log, or to a file
// ([WithStderrFile]). [Client.Close] closes its stdin. If it does not end within two seconds, its process group gets
// SIGTERM, and after two more seconds SIGKILL ([WithStopTimeout]).
//
// Credentials, headers and other HTTP settings return [Misuse]; use [WithEnvironment] to pass settings to the server.
func NewProcess(command []string, options ...Option) (*Client, error) {
	return newClient(options, func(failure **C.mcp_error) (client *C.mcp_client, err error) {
		err = withCStrings(command, "the command", func(texts []*C.char) error {
			return withArray(texts, func(argv **C.char) error {
				client = C.mcp_client_new_stdio(argv, failure)
				return nil
			})
		})
		return client, err
	})
}

// NewFiles makes a client for a server at the other end of open files, with one message per line: a socket pair or
// pipes to a goroutine of the program, a vsock or serial connection, a process that the program has started itself. The
// client reads from in and writes to out, which may be the same file. It duplicates their descriptors and makes them
// non-blocking: the program closes its files, and does not read or write them. name identifies the server in errors and
// log messages.
//
// If the files end, calls return [Disconnected]: make a new client. HTTP settings and those of a server process return
// [Misuse]. The error is [InvalidArgument] for an empty name.
func NewFiles(in, out *os.File, name string, options ...Option) (*Client, error) {
	return newClient(options, func(failure **C.mcp_error) (client *C.mcp_client, err error) {
		err = withCString(name, "the name", func(name *C.char) error {
			read, err := duplicate(in)
			if err != nil {
				return err
			}
			write, err := duplicate(out)
			if err != nil {
				return errors.Join(err, syscall.Close(read))
			}
			client = C.mcp_client_new_fds(C.int(read), C.int(write), name, failure)
			return nil
		})
		return client, err
	})
}

func duplicate(file *os.File) (fd int, err error) {
	connection, err := file.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("mcp: the file cannot be used: %w", err)
	}
	failure := connection.Control(func(own uintptr) { fd, err = syscall.Dup(int(own)) })
	if err := errors.Join(failure, err); err != nil {
		return -1, fmt.Errorf("mcp: the file cannot be used: %w", err)
	}
	return fd, nil
}

// NewFromConfig makes a client for a server in a configuration file of the format that FastMCP, editors and desktop
// clients share: a JSON object with "mcpServers". If name is "", the file must contain exactly one server that is not
// disabled, which is used. The options override the settings of the file. The error is [ConfigInvalid] if the file
// cannot be read or used, or if the server is missing or disabled.
func NewFromConfig(path, name string, options ...Option) (*Client, error) {
	return newClient(options, func(failure **C.mcp_error) (client *C.mcp_client, err error) {
		err = withCString(path, "the path", func(path *C.char) error {
			return withOptionalCString(name, "the name", func(name *C.char) error {
				client = C.mcp_client_new_from_config(path, name, failure)
				return nil
			})
		})
		return client, err
	})
}

// NewFromConfigText makes a client like [NewFromConfig], from the text of a configuration. It is for programs that keep
// their settings elsewhere. A relative "envFile" starts at the working directory of the program.
func NewFromConfigText(text []byte, name string, options ...Option) (*Client, error) {
	return newClient(options, func(failure **C.mcp_error) (client *C.mcp_client, err error) {
		err = withOptionalCString(name, "the name", func(name *C.char) error {
			t := jsonTextOf(text)
			client = C.mcp_client_new_from_config_text(t.text, t.length, name, failure)
			return nil
		})
		return client, err
	})
}

// ConfigNames returns the names of the servers in a configuration file, in the order of the file, including disabled
// ones. The error is [ConfigInvalid] if the file cannot be read or used.
func ConfigNames(path string) ([]string, error) {
	var names []string
	err := readConfig(path, &names, func(path *C.char, names **C.mcp_json, failure **C.mcp_error) C.mcp_status {
		return C.mcp_config_names(path, names, failure)
	})
	return names, err
}

// ConfigNamesText returns the names of the servers in the text of a configuration, in their order, including disabled
// ones. The error is [ConfigInvalid] if the text cannot be used.
func ConfigNamesText(text []byte) ([]string, error) {
	var document *C.mcp_json
	err := check(func(failure **C.mcp_error) C.mcp_status {
		t := jsonTextOf(text)
		return C.mcp_config_names_text(t.text, t.length, &document, failure)
	})
	if err != nil {
		return nil, err
	}
	defer C.mcp_json_free(document)
	var names []string
	err = Result(rawJSON(document)).decodeLenient(&names)
	return names, err
}

// ConfigServer is a server in a configuration file.
type ConfigServer struct {
	Name string `json:"name"`
	// Disabled reports whether the file disables the server; [NewFromConfig] then fails with [ConfigInvalid].
	Disabled bool `json:"disabled"`
}

// ConfigServers returns the servers in a configuration file, in the order of the file, including disabled ones. The
// error is [ConfigInvalid] if the file cannot be read or used.
func ConfigServers(path string) ([]ConfigServer, error) {
	var servers []ConfigServer
	err := readConfig(path, &servers, func(path *C.char, servers **C.mcp_json, failure **C.mcp_error) C.mcp_status {
		return C.mcp_config_servers(path, servers, failure)
	})
	return servers, err
}

// readConfig calls a C function that reads a configuration file, and decodes its result into v.
func readConfig(path string, v any, read func(*C.char, **C.mcp_json, **C.mcp_error) C.mcp_status) error {
	var document *C.mcp_json
	err := withCString(path, "the path", func(path *C.char) error {
		return check(func(failure **C.mcp_error) C.mcp_status { return read(path, &document, failure) })
	})
	if err != nil {
		return err
	}
	defer C.mcp_json_free(document)
	return Result(rawJSON(document)).decodeLenient(v)
}

// WithEnvironment sets environment variables of the server process. It is [Misuse] for a client of a URL.
func WithEnvironment(variables map[string]string) Option {
	return func(c *Client) error {
		for name, value := range variables {
			err := withCString(value, "the value", func(value *C.char) error {
				return c.setEnvironment(name, value)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// WithoutEnvironment removes environment variables of the server process. It is [Misuse] for a client of a URL.
func WithoutEnvironment(names ...string) Option {
	return func(c *Client) error {
		for _, name := range names {
			if err := c.setEnvironment(name, nil); err != nil {
				return err
			}
		}
		return nil
	}
}

func (c *Client) setEnvironment(name string, value *C.char) error {
	return withCString(name, "the name", func(name *C.char) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_environment(client, name, value, failure)
		})
	})
}

// WithStopTimeout sets how long the server process may take to exit when it is ended: term after its stdin was closed,
// when its process group gets SIGTERM, and kill after that, when processes that still run get SIGKILL. 0 means
// immediately. The default is two seconds each. It is [Misuse] for a client of a URL.
func WithStopTimeout(term, kill time.Duration) Option {
	return func(c *Client) error {
		termMS, err := milliseconds(term, "the time until SIGTERM")
		if err != nil {
			return err
		}
		killMS, err := milliseconds(kill, "the time until SIGKILL")
		if err != nil {
			return err
		}
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_stop_timeout(client, termMS, killMS, failure)
		})
	}
}

// WithWorkingDirectory sets the working directory of the server process. The default is the working directory of the
// program. It is [Misuse] for a client of a URL.
func WithWorkingDirectory(path string) Option {
	return textOption(path, "the path", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_working_directory(c, text, failure)
	})
}

// WithStderrFile appends the stderr of the server process to a file, which is created if missing. By default, stderr
// goes to the log. If the file cannot be opened, the first call returns [ProcessFailed]. It is [Misuse] for a client of
// a URL.
func WithStderrFile(path string) Option {
	return textOption(path, "the path", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_stderr_file(c, text, failure)
	})
}
