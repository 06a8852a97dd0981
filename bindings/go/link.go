//go:build !static

package mcp

// #cgo pkg-config: mcp
import "C"
