use super::*;

fn lookup(name: &str) -> Option<String> {
    [("TOKEN", "s3cr3t"), ("EMPTY", "")].into_iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_owned())
}

fn read(file: &str, name: Option<&str>) -> Result<ServerConfig, String> {
    server(&Json::parse(file.into()).unwrap(), name, &lookup)
}

#[test]
fn servers_with_a_url_and_with_a_command_are_read() {
    let file = r#"{"mcpServers":{
            "web":{"url":"https://h/mcp","transport":"sse","headers":{"X-Key":"k-${TOKEN}"},"auth":"${TOKEN}","timeout":5000},
            "local":{"command":"node","args":["a.js",8],"env":{"A":"${EMPTY:-x}$1"},"cwd":"/tmp","type":"stdio"}}}"#;
    let names: Vec<String> =
        list(&Json::parse(file.into()).unwrap()).unwrap().into_iter().map(|server| server.name).collect();
    assert_eq!(names, ["web", "local"]);
    let web = ServerAddress::Url {
        key: "url",
        url: "https://h/mcp".into(),
        transport: Some(ConfiguredTransport::Sse),
        headers: vec![("X-Key".into(), "k-s3cr3t".into())],
        bearer: Some("s3cr3t".into()),
        oauth: None,
    };
    assert_eq!(
        read(file, Some("web")).unwrap(),
        ServerConfig { name: "web".into(), key_path: "mcpServers.web".into(), address: web, timeout_ms: Some(5000) }
    );
    let local = ServerAddress::Process {
        argv: ["node", "a.js", "8"].map(String::from).to_vec(),
        environment: vec![("A".into(), "x$1".into())],
        directory: Some("/tmp".into()),
        env_file: None,
    };
    assert_eq!(
        read(file, Some("local")).unwrap(),
        ServerConfig { name: "local".into(), key_path: "mcpServers.local".into(), address: local, timeout_ms: None }
    );
}

#[test]
fn the_root_object_may_contain_the_servers_and_a_single_one_needs_no_name() {
    let one = r#"{"only":{"url":"http://h/"}}"#;
    assert!(matches!(read(one, None).unwrap().address, ServerAddress::Url { url, .. } if url == "http://h/"));
}

#[test]
fn errors_name_the_invalid_key() {
    let one = |server: &str| format!(r#"{{"mcpServers":{{"s":{server}}}}}"#);
    let cases = [
        ("[]".to_owned(), "is not a JSON object"),
        ("{}".into(), "mcpServers: the key is missing"),
        (r#"{"mcpServers":[]}"#.into(), "mcpServers: "),
        (r#"{"mcpServers":{}}"#.into(), "it has none"),
        (
            r#"{"mcpServers":{"s":{"url":"http://h/"},"s":{"url":"http://i/"}}}"#.into(),
            "two servers have the name \"s\"",
        ),
        (one("1"), "mcpServers.s: it is not an object"),
        (one("{}"), "neither"),
        (one(r#"{"url":"http://h/","command":"x"}"#), "mcpServers.s: it has a \"url\" and a \"command\""),
        (one(r#"{"url":"u","headers":[]}"#), "mcpServers.s.headers: "),
        (one(r#"{"url":1.5}"#), "mcpServers.s.url: it is not a string"),
        (one(r#"{"url":"u","headers":{"A":"${NONE}"}}"#), "mcpServers.s.headers.A: the environment variable NONE"),
        (one(r#"{"url":"u","transport":"stdio"}"#), "mcpServers.s.transport: "),
        (one(r#"{"url":"u","auth":"token","oauth":{}}"#), "mcpServers.s.oauth: "),
        (one(r#"{"url":"u","oauth":"yes"}"#), "mcpServers.s.oauth: "),
        (one(r#"{"url":"u","oauth":{"clientId":[]}}"#), "mcpServers.s.oauth.clientId: "),
        (one(r#"{"url":"u","oauth":{"clientSecret":"x"}}"#), "mcpServers.s.oauth.clientSecret: "),
        (one(r#"{"url":"u","oauth":{"callbackPort":0}}"#), "mcpServers.s.oauth.callbackPort: "),
        (one(r#"{"url":"u","oauth":{"callbackPort":1,"redirectUri":"http://localhost/"}}"#), "callbackPort: "),
        (one(r#"{"url":"u","oauth":{"scopes":[{}]}}"#), "mcpServers.s.oauth.scopes: "),
        (one(r#"{"url":"u","auth":{}}"#), "mcpServers.s.auth: it is not a string"),
        (one(r#"{"command":"c","args":"x"}"#), "mcpServers.s.args: "),
        (one(r#"{"command":"c","args":[[]]}"#), "mcpServers.s.args.0: "),
        (one(r#"{"command":"${"}"#), "mcpServers.s.command: "),
        (one(r#"{"command":"c","timeout":-1}"#), "mcpServers.s.timeout: "),
    ];
    for (file, expected) in cases {
        let why = read(&file, None).unwrap_err();
        assert!(why.contains(expected), "{file}: {why}");
    }
    assert!(read(r#"{"a":{"url":"u"},"b":{"url":"u"}}"#, None).unwrap_err().contains("it has a, b"));
    assert!(read(r#"{"a":{"url":"u"}}"#, Some("c")).unwrap_err().contains("it has a"));
}

#[test]
fn the_files_of_other_hosts_are_read() {
    let url = |file: &str| match read(file, None).unwrap() {
        ServerConfig { address: ServerAddress::Url { url, transport, .. }, key_path, .. } => (key_path, url, transport),
        server => panic!("{server:?}"),
    };
    let web = |key_path: &str, transport| (key_path.to_owned(), "http://h/".to_owned(), transport);
    let http = Some(ConfiguredTransport::StreamableHttp);
    assert_eq!(url(r#"{"servers":{"s":{"type":"http","url":"http://h/"}},"inputs":[]}"#), web("servers.s", http));
    assert_eq!(url(r#"{"mcp":{"servers":{"s":{"url":"http://h/"}}}}"#), web("mcp.servers.s", None));
    assert_eq!(url(r#"{"mcp.servers":{"s":{"url":"http://h/"}}}"#), web("mcp.servers.s", None));
    assert_eq!(url(r#"{"servers":{"url":"http://h/"}}"#), web("servers", None));
    assert_eq!(url(r#"{"mcpServers":{"s":{"url":"http://h/","command":""}}}"#), web("mcpServers.s", None));
    assert_eq!(url(r#"{"mcpServers":{"s":{"serverUrl":"http://h/","url":null}}}"#), web("mcpServers.s", None));
    assert_eq!(url(r#"{"mcpServers":{"s":{"httpUrl":"http://h/","url":"http://x/"}}}"#), web("mcpServers.s", http));
    let spellings = ["http", "HTTP", "streamable-http", "streamableHttp", "streamable_http", "Streamable HTTP"];
    for (spelling, transport) in
        spellings.map(|s| (s, http)).into_iter().chain([("SSE", Some(ConfiguredTransport::Sse))])
    {
        for key in ["type", "transport"] {
            let file = format!(r#"{{"mcpServers":{{"s":{{"{key}":"{spelling}","url":"http://h/"}}}}}}"#);
            assert_eq!(url(&file), web("mcpServers.s", transport), "{spelling}");
        }
    }
    let both = r#"{"mcpServers":{"s":{"url":"http://h/","command":"x","type":"stdio"}}}"#;
    assert!(matches!(read(both, None).unwrap().address, ServerAddress::Process { .. }));
}

#[test]
fn comments_and_trailing_commas_are_allowed() {
    let text = "\u{feff}// one\n{\"a\": [1, /* two\n\n */ \"//\",],/* three */}";
    assert_eq!(parse(text.as_bytes()).unwrap().root().member("a").unwrap().size(), 2);
    assert!(parse(b"/* \n\n */ {x}").unwrap_err().contains("line 3"));
    for bad in ["{} /", "{/x}", "/*", "{,}}", "[1,,]"] {
        let _ = parse(bad.as_bytes());
    }
}

#[test]
fn the_total_size_of_expanded_variables_is_limited() {
    let lookup = |_: &str| Some("x".repeat(100_000));
    let arguments = ["\"${A}\""; 11].join(",");
    let file = format!(r#"{{"s":{{"command":"x","args":[{arguments}]}}}}"#);
    assert!(server(&Json::parse(file).unwrap(), None, &lookup).unwrap_err().contains("s.args.10: the variables"));
}

#[test]
fn oauth_settings_are_read() {
    let oauth = |server: &str| {
        let file = format!(r#"{{"mcpServers":{{"s":{server}}}}}"#);
        match read(&file, None).unwrap().address {
            ServerAddress::Url { oauth, bearer, .. } => (oauth, bearer),
            address => panic!("{address:?}"),
        }
    };
    assert_eq!(oauth(r#"{"url":"u","auth":"oauth"}"#), (Some(OAuthConfig::default()), None));
    let port = OAuthConfig { redirect_uri: Some("http://localhost:3118/callback".into()), ..OAuthConfig::default() };
    assert_eq!(oauth(r#"{"url":"u","oauth":{"callbackPort":3118}}"#), (Some(port), None));
    let all = r#"{"url":"u","auth":"oauth","oauth":{"clientId":"id","clientSecret":"${TOKEN}","issuer":"https://as.example",
        "scopes":["a","b"],"redirectUri":"http://127.0.0.1/cb","clientMetadataUrl":"https://app.example/client.json"}}"#;
    let expected = OAuthConfig {
        client_id: Some("id".into()),
        client_secret: Some("s3cr3t".into()),
        issuer: Some("https://as.example".into()),
        scopes: Some("a b".into()),
        redirect_uri: Some("http://127.0.0.1/cb".into()),
        client_metadata_url: Some("https://app.example/client.json".into()),
    };
    assert_eq!(oauth(all), (Some(expected), None));
    assert_eq!(oauth(r#"{"url":"u","auth":"token"}"#), (None, Some("token".into())));
}
