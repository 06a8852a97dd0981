import CMCP

/// Keeps tokens and registrations, such as in a keychain: one text for each key.
///
///     struct KeychainStore: OAuthStore {
///         func load(_ key: String) throws -> String? { try keychain.password(for: key) }
///         func save(_ text: String?, for key: String) throws { try keychain.setPassword(text, for: key) }
///     }
///
/// The texts contain tokens and other secrets, and their format may change. A key is the same in each run of the
/// program. It contains the URL of an MCP server and a line break: a store that uses file names or limits their length
/// should use a hash of it.
///
/// If a method throws, the call throws ``MCPError/Status/oauthFailed``, and its message includes the description of the
/// error. The methods may be implemented without `async`, or by an actor. They run as tasks on threads of Dispatch,
/// several at the same time, and are not cancelled with the call that waits for them. Calls on clients of the ``OAuth``
/// object inside them throw ``MCPError/Status/misuse``.
public protocol OAuthStore: Sendable {
    /// Returns the text that was saved for the key; nil if there is none.
    func load(_ key: String) async throws -> String?

    /// Saves a text for the key, in place of the previous one; nil removes it.
    func save(_ text: String?, for key: String) async throws

    /// Waits until no other process has locked the key, and locks it. The library does this before it changes tokens,
    /// and then loads the text again: many authorization servers accept a refresh token only once. Does nothing by
    /// default.
    func lock(_ key: String) async throws

    /// Releases the lock, perhaps on another thread than ``lock(_:)``. Errors are ignored. Does nothing by default.
    func unlock(_ key: String) async throws
}

extension OAuthStore {
    /// Does nothing.
    public func lock(_ key: String) async throws {}

    /// Does nothing.
    public func unlock(_ key: String) async throws {}
}

extension OAuth {
    /// Sets the store for tokens and registrations; nil (the default) keeps them in memory, until the process ends. It
    /// takes the place of ``useFolder(_:)``.
    ///
    /// The object retains the store.
    public func setStore(_ store: (any OAuthStore)?) throws(MCPError) {
        guard let store else {
            return try set { mcp_oauth_set_store($0, nil, nil, nil, nil, nil, nil, $1) }
        }
        let userdata = Box(StoreUserdata(store: store, owner: id)).retained()
        try set {
            mcp_oauth_set_store(
                $0, loadTrampoline, saveTrampoline, lockTrampoline, unlockTrampoline, userdata, releaseBox, $1)
        }
    }

    /// Keeps tokens and registrations in a folder, in place of a store. Several processes may use the same folder: they
    /// take turns to refresh a token, and all use the result. Only the current user can access it and its files, which
    /// are not encrypted.
    ///
    /// - Parameter path: The folder, which is created when something is stored. nil means "libmcp/oauth" in
    ///   `$XDG_STATE_HOME`, or else in "~/.local/state" (on macOS "~/Library/Application Support").
    public func useFolder(_ path: String? = nil) throws(MCPError) {
        try rejectNUL("the path of the folder", path)
        try set { mcp_oauth_use_folder($0, path, $1) }
    }
}

private struct StoreUserdata: Sendable {
    let store: any OAuthStore
    let owner: ObjectIdentifier
}

private func loadTrampoline(_ userdata: UnsafeMutableRawPointer?, _ record: OpaquePointer) {
    withStore(userdata, record) { content, key in
        guard let text = try runBlocking(within: content.owner, { try await content.store.load(key) }) else { return }
        try check { error in
            text.utf8CString.withUnsafeBufferPointer {
                mcp_oauth_record_set_text(record, $0.baseAddress, $0.count - 1, error)
            }
        }
    }
}

private func saveTrampoline(_ userdata: UnsafeMutableRawPointer?, _ record: OpaquePointer) {
    withStore(userdata, record) { content, key in
        var length = 0
        let text = mcp_oauth_record_text(record, &length).map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: length), as: UTF8.self)
        }
        try runBlocking(within: content.owner) { try await content.store.save(text, for: key) }
    }
}

private func lockTrampoline(_ userdata: UnsafeMutableRawPointer?, _ record: OpaquePointer) {
    withStore(userdata, record) { content, key in
        try runBlocking(within: content.owner) { try await content.store.lock(key) }
    }
}

private func unlockTrampoline(_ userdata: UnsafeMutableRawPointer?, _ record: OpaquePointer) {
    withStore(userdata, record) { content, key in
        try runBlocking(within: content.owner) { try await content.store.unlock(key) }
    }
}

/// Uses the store for a record, and reports its errors.
private func withStore(
    _ userdata: UnsafeMutableRawPointer?, _ record: OpaquePointer,
    _ body: (_ content: StoreUserdata, _ key: String) throws -> Void
) {
    guard let userdata else { return }
    do {
        try body(Box<StoreUserdata>.at(userdata).content, String(cString: mcp_oauth_record_key(record)))
    } catch {
        _ = mcp_oauth_record_fail(record, errorText(error), nil)
    }
}
