//go:build !cgo

package mcp

// This package calls a C library. Without cgo, the compiler skips the files that do so, and programs would fail with
// errors such as "undefined: mcp.New". The undefined name below is in the first error instead. Set CGO_ENABLED=1 and
// install a C compiler; for another system or processor, set CC to a compiler for it.
var _ = libmcp_needs_cgo_so_set_CGO_ENABLED_1_and_install_a_C_compiler
