//go:build static

package mcp

// #cgo pkg-config: mcp-static
import "C"
