package mcp

// #include "bridge.h"
import "C"

import "runtime/cgo"

// A Store says where an [OAuth] keeps tokens and registrations. The zero value keeps them in memory.
type Store struct {
	folder *string
	custom TokenStore
}

// Folder returns a store in a folder, which is created when something is stored. Only the current user can access its
// files. They are not encrypted. Processes that use the same folder take turns to refresh a token, and all use the
// result. If path is "", the folder is "libmcp/oauth" in $XDG_STATE_HOME, or else in "~/.local/state" (on macOS
// "~/Library/Application Support").
func Folder(path string) Store { return Store{folder: &path} }

// CustomStore returns a store of the program, such as the keychain of the system.
func CustomStore(store TokenStore) Store { return Store{custom: store} }

// A TokenStore stores texts for an [OAuth], one for each MCP server and client identifier. The texts contain tokens
// and other secrets. A key contains the URL of the server and a line break: use a hash of it as the name of a file.
//
// The methods run on the goroutine of a call or on a thread of the library, and several may run at the same time. They
// must not make calls on clients with the same OAuth ([Misuse]). The end of a context does not interrupt them. If one
// returns an error or panics, the call fails with [OAuthFailed], and its message contains the text of the error. If
// Save fails, this process uses the new tokens nevertheless.
type TokenStore interface {
	// Load returns the text for the key; "" if there is none.
	Load(key string) (text string, err error)
	// Save stores the text for the key in place of the old one; "" removes it.
	Save(key, text string) error
}

// A LockingStore is a [TokenStore] that several processes use. The library locks a text before it changes tokens, and
// before a refresh it loads the text again: many authorization servers accept a refresh token only once.
type LockingStore interface {
	TokenStore
	// Lock waits until no other process has locked the text for the key, and locks it.
	Lock(key string) error
	// Unlock releases the lock. It may run on another goroutine than Lock.
	Unlock(key string)
}

//export bridgeLoad
func bridgeLoad(handle C.uintptr_t, record *C.mcp_oauth_record) {
	useStore(handle, record, func(store TokenStore, key string) error {
		text, err := store.Load(key)
		if err != nil || text == "" {
			return err
		}
		return check(func(e **C.mcp_error) C.mcp_status {
			t := jsonTextOf([]byte(text))
			return C.mcp_oauth_record_set_text(record, t.text, t.length, e)
		})
	})
}

//export bridgeSave
func bridgeSave(handle C.uintptr_t, record *C.mcp_oauth_record) {
	useStore(handle, record, func(store TokenStore, key string) error {
		var length C.size_t
		text := C.mcp_oauth_record_text(record, &length)
		return store.Save(key, C.GoStringN(text, C.int(length)))
	})
}

//export bridgeLock
func bridgeLock(handle C.uintptr_t, record *C.mcp_oauth_record) {
	useStore(handle, record, func(store TokenStore, key string) error { return store.(LockingStore).Lock(key) })
}

//export bridgeUnlock
func bridgeUnlock(handle C.uintptr_t, record *C.mcp_oauth_record) {
	useStore(handle, record, func(store TokenStore, key string) error {
		store.(LockingStore).Unlock(key)
		return nil
	})
}

// useStore calls a method of a store, and reports its error to C.
func useStore(handle C.uintptr_t, record *C.mcp_oauth_record, use func(TokenStore, string) error) {
	store := cgo.Handle(handle).Value().(TokenStore)
	key := C.GoString(C.mcp_oauth_record_key(record))
	if err := runCallback(func() error { return use(store, key) }); err != nil {
		text, _ := errorText(err)
		reason := C.CString(text)
		defer freeCString(reason)
		C.mcp_oauth_record_fail(record, reason, nil)
	}
}
