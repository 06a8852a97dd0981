package mcp

// #include "bridge.h"
import "C"

import "runtime/cgo"

// A Store says where an [OAuth] keeps tokens and registrations. The zero value keeps them in memory.
type Store struct {
	folder *string
	custom TokenStore
}

// Folder returns a store in a folder, which is created if missing. Its files are readable only by the user; processes
// that use the same folder take turns to refresh tokens. If path is "", the folder is libmcp/oauth in $XDG_STATE_HOME.
func Folder(path string) Store { return Store{folder: &path} }

// CustomStore returns a store of the program, such as the keychain of the system.
func CustomStore(store TokenStore) Store { return Store{custom: store} }

// A TokenStore keeps texts for an [OAuth]: one for each MCP server and client identifier. The texts contain secrets.
//
// Its methods may run on any goroutine, at the same time for different keys. They must not make calls on a client that
// uses the store ([Misuse]). If a method returns an error or panics, the call that needs it fails with [OAuthFailed],
// and its message contains the text of the error.
type TokenStore interface {
	// Load returns the text for the key; "" if there is none.
	Load(key string) (text string, err error)
	// Save keeps the text for the key instead of the previous one; "" removes it.
	Save(key, text string) error
}

// A LockingStore is a [TokenStore] that several processes use at the same time. A process that refreshes a token holds
// the lock meanwhile, because many authorization servers accept a refresh token only once.
type LockingStore interface {
	TokenStore
	// Lock waits until no other process holds the lock for the key, and takes it.
	Lock(key string) error
	// Unlock releases the lock for the key. It may run on another goroutine than Lock.
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
