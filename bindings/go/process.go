package mcp

// #include "bridge.h"
import "C"

// NewProcess makes a client for a server that runs as a child process and communicates over its standard streams
// (specification 2026-07-28, "stdio"). command is the program and its arguments; no shell is used. A program without a
// slash is searched for in PATH. The first call starts the process; if the process ends, the next call starts it again.
// The error is [InvalidArgument] for an empty command or an invalid option.
//
// The process inherits only the environment variables HOME, LOGNAME, PATH, SHELL, TERM and USER, and no descriptors
// except its standard streams. It runs in a new process group. Its stderr goes to the log, or to a file
// ([WithStderrFile]). [Client.Close] closes its stdin. If it does not end within two seconds, its process group gets
// SIGTERM, and after two more seconds SIGKILL.
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

// ConfigNames returns the names of the servers in a configuration file, in the order of the file, including disabled
// ones. The error is [ConfigInvalid] if the file cannot be read or used.
func ConfigNames(path string) ([]string, error) {
	var names []string
	err := readConfig(path, &names, func(path *C.char, names **C.mcp_json, failure **C.mcp_error) C.mcp_status {
		return C.mcp_config_names(path, names, failure)
	})
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
