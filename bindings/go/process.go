package mcp

// #include "bridge.h"
import "C"

// NewProcess makes a client for a server that is started as a process and speaks on its standard streams (specification 2026-07-28,
// "stdio"). The command is the program and its arguments; no shell is between. It is started by the first call, and again by the next
// one when it has ended.
//
// The server inherits HOME, LOGNAME, PATH, SHELL, TERM and USER, no descriptor but its three streams, and has a process group of its
// own. What it writes to stderr goes to the log, or into a file ([WithStderrFile]). [Client.Close] closes its stdin; where it does not
// end within two seconds its group gets SIGTERM, and after two more SIGKILL.
//
// Credentials, headers and everything else that is about HTTP are [Misuse]: what the server needs to know goes into its environment.
func NewProcess(command []string, options ...Option) (*Client, error) {
	return newClient(options, func(failure **C.mcp_error) (made *C.mcp_client, err error) {
		err = withCStrings(command, "the command", func(texts []*C.char) error {
			return withArray(texts, func(argv **C.char) error {
				made = C.mcp_client_new_stdio(argv, failure)
				return nil
			})
		})
		return made, err
	})
}

// NewFromConfig makes a client for a server that a configuration file describes, in the form that FastMCP, editors and desktop
// clients share: a JSON object with "mcpServers". "" is the only server of the file that is not disabled. What the file says is set as by the options, and
// these beat it.
func NewFromConfig(path, name string, options ...Option) (*Client, error) {
	return newClient(options, func(failure **C.mcp_error) (made *C.mcp_client, err error) {
		err = withCString(path, "the path", func(path *C.char) error {
			return withOptionalCString(name, "the name", func(name *C.char) error {
				made = C.mcp_client_new_from_config(path, name, failure)
				return nil
			})
		})
		return made, err
	})
}

// ConfigNames lists the servers of a configuration file, in its order, with those that are disabled.
func ConfigNames(path string) ([]string, error) {
	var names []string
	err := readConfig(path, &names, func(path *C.char, names **C.mcp_json, failure **C.mcp_error) C.mcp_status {
		return C.mcp_config_names(path, names, failure)
	})
	return names, err
}

// ConfigServer is a server that a configuration file describes.
type ConfigServer struct {
	Name string `json:"name"`
	// Disabled says that the file disables it: NewFromConfig refuses it.
	Disabled bool `json:"disabled"`
}

// ConfigServers lists the servers of a configuration file, in its order.
func ConfigServers(path string) ([]ConfigServer, error) {
	var servers []ConfigServer
	err := readConfig(path, &servers, func(path *C.char, servers **C.mcp_json, failure **C.mcp_error) C.mcp_status {
		return C.mcp_config_servers(path, servers, failure)
	})
	return servers, err
}

// readConfig reads what a function says of a configuration file.
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

// WithEnvironment sets variables in the environment of the server's process.
func WithEnvironment(variables map[string]string) Option {
	return func(c *Client) error {
		for name, value := range variables {
			err := withCString(value, "the value", func(value *C.char) error { return c.setEnvironment(name, value) })
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// WithoutEnvironment removes variables from the environment of the server's process.
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

// WithWorkingDirectory sets the folder that the server's process is started in; without it, the program's own.
func WithWorkingDirectory(path string) Option {
	return textOption(path, "the path", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_working_directory(c, text, failure)
	})
}

// WithStderrFile appends what the server's process writes to stderr to a file; without it, that goes to the log.
func WithStderrFile(path string) Option {
	return textOption(path, "the path", func(c *C.mcp_client, text *C.char, failure **C.mcp_error) C.mcp_status {
		return C.mcp_set_stderr_file(c, text, failure)
	})
}
