// Pings one client from 64 goroutines, then cancels from another goroutine a ping that is never answered.
package main

// #cgo LDFLAGS: -lmcp
// #include <stdlib.h>
// #include <mcp.h>
import "C"

import (
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"
)

func need(status C.mcp_status, err *C.mcp_error, want C.mcp_status) {
	if status != want {
		name, message := C.mcp_status_name(C.int32_t(status)), C.mcp_error_message(err)
		panic(C.GoString(name) + ": " + C.GoString(message))
	}
	C.mcp_error_free(err)
}

func client(path string) *C.mcp_client {
	url, token := C.CString(os.Getenv("MCP_TEST_URL")+path), C.CString("right-token")
	defer C.free(unsafe.Pointer(url))
	defer C.free(unsafe.Pointer(token))
	var err *C.mcp_error
	made := C.mcp_client_new(url, &err)
	need(C.mcp_set_bearer(made, token, &err), err, C.MCP_OK)
	return made
}

func ping(client *C.mcp_client, options *C.mcp_options, want C.mcp_status) {
	var err *C.mcp_error
	need(C.mcp_ping(client, options, &err), err, want)
}

func main() {
	var all sync.WaitGroup
	shared := client("/s/modern+bearer=right-token/mcp")
	for i := 0; i < 64; i++ {
		all.Go(func() { ping(shared, nil, C.MCP_OK) })
	}
	all.Wait()
	C.mcp_client_free(shared)

	silent := client("/s/legacy+fault=silent+when=ping/mcp")
	need(C.mcp_connect(silent, nil, nil), nil, C.MCP_OK)
	cancel, options := C.mcp_cancel_new(), C.mcp_options_new()
	need(C.mcp_options_set_cancel(options, cancel, nil), nil, C.MCP_OK)
	var asked time.Time
	time.AfterFunc(200*time.Millisecond, func() { asked = time.Now(); C.mcp_cancel_trigger(cancel) })
	ping(silent, options, C.MCP_CANCELLED)
	C.mcp_options_free(options)
	C.mcp_cancel_free(cancel)
	C.mcp_client_free(silent)
	fmt.Println("ok: 64 pings; cancelled within", time.Since(asked).Round(time.Millisecond))
}
