//! Diagnoses of servers on this machine that are scripted here.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

use crate::call::context::CallOptions;
use crate::client::Client;
use crate::net::proxy::{Proxy, ProxyChoice};
use crate::status::*;
use crate::transport::stdio::environment::command_for;

const STEPS: [&str; 12] = [
    "configuration",
    "process",
    "name",
    "tcp",
    "proxy",
    "tls",
    "http",
    "authorization",
    "protocol",
    "capabilities",
    "lists",
    "ping",
];

/// The responses of a legacy server, by the name of the JSON-RPC or HTTP method: the status, headers, and the result or
/// the whole body.
type Script = fn(&str) -> (u16, String, String);

/// Serves `script` on connections to a new port, and returns the port.
fn serve(script: Script) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            std::thread::spawn(move || {
                while let Some(request) = read_request(&mut socket) {
                    let (id, name) = match serde_json::from_str::<Value>(&request.1) {
                        Ok(message) => (message["id"].clone(), message["method"].as_str().unwrap().to_owned()),
                        Err(_) => (Value::Null, request.0),
                    };
                    let (status, headers, body) = script(&name);
                    let body = body.replace("ID", &id.to_string());
                    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
                    if socket.write_all(format!("{head}{body}").as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// The method and the path of a request, and its body.
fn read_request(socket: &mut impl Read) -> Option<(String, String)> {
    let (mut request, mut buffer) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = request.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                let first = request.lines().next()?.rsplit_once(' ')?.0;
                return Some((first.to_owned(), body.to_owned()));
            }
        }
        let count = socket.read(&mut buffer).ok().filter(|count| *count > 0)?;
        request.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
}

fn result(text: &str) -> (u16, String, String) {
    let body = format!(r#"{{"jsonrpc":"2.0","id":ID,"result":{text}}}"#);
    (200, "Content-Type: application/json\r\nServer: scripted\r\n".into(), body)
}

fn client(url: &str) -> Arc<Client> {
    let client = Client::new(url).unwrap();
    client.settings.set_proxy(ProxyChoice::None).unwrap();
    client
}

fn diagnose(client: &Client) -> Value {
    let options = CallOptions { timeout_ms: Some(10_000), ..CallOptions::default() };
    let report = client.call("diagnosis", &options, |call| client.diagnose(call)).unwrap();
    println!("{}", report.text());
    let report: Value = serde_json::from_str(report.text()).unwrap();
    let names: Vec<_> = report["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, STEPS);
    for step in report["steps"].as_array().unwrap() {
        assert_eq!(step["ok"].is_null(), step["reason"].is_string(), "{step}");
        assert_eq!(step["ok"].is_null(), step["milliseconds"].is_null(), "{step}");
        assert_eq!(step["ok"] == false, step["problem"].is_string(), "{step}");
    }
    report
}

fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["steps"].as_array().unwrap().iter().find(|step| step["step"] == name).unwrap()
}

/// The steps that have failed, and those that were skipped.
fn failed_and_skipped(report: &Value) -> (Vec<&str>, Vec<&str>) {
    let with = |ok: Value| {
        let all = report["steps"].as_array().unwrap().iter();
        all.filter(|step| step["ok"] == ok).map(|step| step["step"].as_str().unwrap()).collect()
    };
    (with(false.into()), with(Value::Null))
}

fn legacy(name: &str) -> (u16, String, String) {
    match name {
        "server/discover" => (400, String::new(), "Bad Request: Missing session ID".into()),
        "initialize" => {
            let mut response = result(concat!(
                r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{}},"#,
                r#""serverInfo":{"name":"scripted s3cr3t-token","version":"1"},"instructions":"x"}"#
            ));
            response.1 += "Mcp-Session-Id: s3cr3t-session\r\n";
            response
        }
        "tools/list" => result(r#"{"tools":[{"name":"a"},{"name":"b"}]}"#),
        "resources/list" => result(r#"{"resources":[]}"#),
        "resources/templates/list" => {
            let body = r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"s3cr3t-session"}}"#;
            (200, "Content-Type: application/json\r\n".into(), body.into())
        }
        "ping" => result("{}"),
        "notifications/initialized" => (202, String::new(), String::new()),
        _ => (404, String::new(), String::new()),
    }
}

#[test]
fn every_step_of_a_server_is_reported() {
    let url = format!("http://127.0.0.1:{}/mcp?key=s3cr3t-query", serve(legacy));
    let client = client(&url);
    client.auth().credentials.set_bearer(Some("s3cr3t-token")).unwrap();
    client.auth().credentials.set_header("X-Key", Some("s3cr3t-header")).unwrap();
    let report = diagnose(&client);
    assert_eq!(report["ok"], true);
    assert!(!report.to_string().contains("s3cr3t"), "{report}");
    assert_eq!(failed_and_skipped(&report), (vec![], vec!["process", "proxy", "tls"]));
    assert_eq!(step(&report, "configuration")["result"]["headers"], serde_json::json!(["x-key"]));
    assert_eq!(step(&report, "configuration")["result"]["timeout"], 10_000);
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    assert_eq!(step(&report, "tcp")["result"]["address"], address);
    assert_eq!(step(&report, "http")["result"]["status"], 400);
    let protocol = &step(&report, "protocol")["result"];
    assert_eq!((&protocol["sessionId"], &protocol["wasOpen"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(protocol["serverName"], "scripted [redacted]");
    let lists = &step(&report, "lists")["result"];
    assert_eq!(lists, &serde_json::json!({"tools": 2, "resources": 0}));
    assert_eq!(step(&report, "capabilities")["result"]["capabilities"]["tools"]["listChanged"], true);
    let again = diagnose(&client);
    assert_eq!(step(&again, "protocol")["result"]["wasOpen"], true);
}

#[test]
fn a_dead_port_fails_the_connection_and_skips_what_follows() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let report = diagnose(&client(&format!("https://localhost:{port}/mcp")));
    assert_eq!(report["ok"], false);
    let (failed, skipped) = failed_and_skipped(&report);
    assert_eq!(failed, ["tcp"]);
    let after = ["proxy", "tls", "http", "authorization", "protocol", "capabilities", "lists", "ping"];
    assert_eq!(skipped, [&["process"][..], &after].concat());
    let tcp = step(&report, "tcp");
    assert_eq!(tcp["result"]["refused"][0]["problem"], "connection refused");
    assert!(tcp["remedy"].as_str().unwrap().starts_with("start the server"), "{tcp}");
}

#[test]
fn a_server_that_requires_credentials_is_described() {
    fn protected(name: &str) -> (u16, String, String) {
        match name {
            "GET /.well-known/oauth-protected-resource/mcp" => (200, String::new(), "{\"resource\":1}".into()),
            name if name.starts_with("GET") => (404, String::new(), String::new()),
            _ => (401, "WWW-Authenticate: Bearer scope=\"a b\", realm=\"x\"\r\n".into(), String::new()),
        }
    }
    let report = diagnose(&client(&format!("http://127.0.0.1:{}/mcp", serve(protected))));
    let authorization = step(&report, "authorization");
    let challenges = serde_json::json!([{"scheme": "Bearer", "scope": "a b", "realm": "x"}]);
    assert_eq!(authorization["result"]["challenges"], challenges);
    assert_eq!(authorization["result"]["required"], true);
    assert_eq!(authorization["problem"], "the server requires credentials, and none were sent");
    assert!(authorization["warnings"][0].as_str().unwrap().contains("has no resource"), "{authorization}");
    assert_eq!(failed_and_skipped(&report).0, ["http", "authorization", "protocol"]);
    assert!(step(&report, "http")["remedy"].as_str().unwrap().contains("mcp_set_bearer"));
}

#[test]
fn a_refused_first_request_is_a_warning_if_the_session_can_be_opened() {
    fn gateway(name: &str) -> (u16, String, String) {
        match name {
            "server/discover" => (401, "WWW-Authenticate: Bearer\r\n".into(), String::new()),
            name => legacy(name),
        }
    }
    let url = format!("http://127.0.0.1:{}/mcp", serve(gateway));
    let first = client(&url);
    let saved = |from: &Client| {
        let next = client(&url);
        next.set_saved_session(Some(from.save_session().unwrap().text())).unwrap();
        next
    };
    for (was_open, continued) in [(false, false), (true, false), (false, true)] {
        let next = if continued { saved(&first) } else { Arc::clone(&first) };
        let report = diagnose(&next);
        assert_eq!((&report["ok"], failed_and_skipped(&report).0), (&Value::Bool(true), vec![]));
        assert!(step(&report, "http")["warnings"][0].as_str().unwrap().contains("HTTP 401"));
        let protocol = &step(&report, "protocol")["result"];
        assert_eq!((&protocol["wasOpen"], &protocol["continued"]), (&was_open.into(), &continued.into()));
    }
}

#[test]
fn a_session_without_a_handshake_excuses_nothing_until_the_ping_succeeds() {
    static REFUSES: AtomicBool = AtomicBool::new(false);
    fn revoking(name: &str) -> (u16, String, String) {
        match name {
            name if name.starts_with("GET") => (404, String::new(), String::new()),
            _ if REFUSES.load(Ordering::SeqCst) => {
                (401, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n".into(), String::new())
            }
            name => legacy(name),
        }
    }
    let url = format!("http://127.0.0.1:{}/mcp", serve(revoking));
    let (open, continuing) = (client(&url), client(&url));
    assert_eq!(diagnose(&open)["ok"], true);
    continuing.set_saved_session(Some(open.save_session().unwrap().text())).unwrap();
    REFUSES.store(true, Ordering::SeqCst);
    for (client, continued) in [(open, false), (continuing, true)] {
        let report = diagnose(&client);
        assert_eq!(failed_and_skipped(&report).0, ["http", "authorization", "lists", "ping"]);
        let protocol = &step(&report, "protocol")["result"];
        assert_eq!((&protocol["wasOpen"], &protocol["continued"]), (&(!continued).into(), &continued.into()));
    }
}

/// Of "localhost", issued by an authority that is not trusted, from 2001 to 2002. It has the scripted server's key.
const EXPIRED: &[u8] = b"\
-----BEGIN CERTIFICATE-----\n\
MIIC5jCCAc6gAwIBAgIBATANBgkqhkiG9w0BAQsFADAdMRswGQYDVQQDDBJtY3At\n\
dGVzdCBmYXVsdHMgQ0EwHhcNMDEwMTAxMDAwMDAwWhcNMDIwMTAxMDAwMDAwWjAh\n\
MR8wHQYDVQQDDBZtY3AtdGVzdCBmYXVsdHMgc2VydmVyMIIBIjANBgkqhkiG9w0B\n\
AQEFAAOCAQ8AMIIBCgKCAQEA1Px0mQIcckmIXsS6YuluNYDys9ad3GjGtu/n6jVe\n\
eFWqMeamTDnUc+KMu3/NKXvIObpYEiWFWZ7eyHaoR9YrbjOb9Rygz5hOU2wXWDoU\n\
5DYCD0M7Ku4vCJaaQ2ObOs4hwBuGCKdYshtQ3qDJh5fZ4DLTI81XARxHN4kC5SbU\n\
CGGlXf2ceL5ZUsT/626ITu0xLCyxrHbca1tk6UNj3b2Y61MJQblZXPjQ+Z7tmOZq\n\
RwXw+Xv/23uAzqlBbcekSu/DqnoBeljmXYrwUVy+5cnWSZiQC7ldrsthWZfpE32H\n\
+ac6AuWtPR12YCy6Oyzx7b5bxdO8iGDUQKQURor9fY/30wIDAQABoy0wKzAUBgNV\n\
HREEDTALgglsb2NhbGhvc3QwEwYDVR0lBAwwCgYIKwYBBQUHAwEwDQYJKoZIhvcN\n\
AQELBQADggEBAEPob9ejpV4LATNkJ3XT4LElVNoYnnw4SrPpDml2DsP89llPktas\n\
/0jRP1NWSyGIEpfHP4mbZN3mUf/LJWI6XE12zbtTNtkw6VeSmxmga7Ez02eck0uS\n\
hyptrU1GfrlrEOmcZxw8ayTW8BIbyi+g4St/wnSG/ElvE6JD1cAK6qKJ+GBJhisP\n\
mAYb98pHTWqYNO8jRB8WAWqs1ssrrk4Egqxv96ajfs6ogsXBCFmVxeYbzJI8xiAn\n\
Zm5rzoGxwgMX8JW318X/1CFSdoocN2S6s/Yaijd78heH/eceocDbhRJrsHzJMrku\n\
GE83dSw9jGm0BfYrH+NMDMhh7cztPIJ72pc=\n\
-----END CERTIFICATE-----\n\
";

#[test]
fn a_certificate_that_is_rejected_is_described() {
    let key = include_bytes!("../../../tests/server/src/client_rsa_key.pem");
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(EXPIRED).unwrap()];
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client(&format!("https://localhost:{}/mcp", listener.local_addr().unwrap().port()));
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        while connection.is_handshaking() {
            if connection.complete_io(&mut socket).is_err() {
                return;
            }
        }
    });
    let report = diagnose(&client);
    server.join().unwrap();
    assert_eq!(failed_and_skipped(&report).0, ["tls"]);
    let tls = step(&report, "tls");
    let found = &tls["result"];
    assert_eq!((&found["subject"], &found["certificates"]), (&"CN=mcp-test faults server".into(), &1.into()));
    assert_eq!((&found["issuer"], &found["names"][0]), (&"CN=mcp-test faults CA".into(), &"localhost".into()));
    assert_eq!(
        (&found["notBefore"], &found["notAfter"]),
        (&"2001-01-01T00:00:00Z".into(), &"2002-01-01T00:00:00Z".into())
    );
    assert!(found["daysLeft"].as_i64().unwrap() < -8000, "{tls}");
    assert!(tls["problem"].as_str().unwrap().starts_with("TLS connection failed"), "{tls}");
    assert!(tls["remedy"].is_string(), "{tls}");
}

#[test]
fn a_proxy_is_named_without_its_password() {
    fn refusing(_: &str) -> (u16, String, String) {
        (407, String::new(), "s3cr3t-password".into())
    }
    let port = serve(refusing);
    let client = Client::new("https://mcp.example/mcp").unwrap();
    let proxy = Proxy::parse(&format!("http://user:s3cr3t-password@127.0.0.1:{port}")).unwrap();
    client.settings.set_proxy(ProxyChoice::Set(Arc::new(proxy))).unwrap();
    let report = diagnose(&client);
    assert!(!report.to_string().contains("s3cr3t"), "{report}");
    let proxy = step(&report, "proxy");
    assert_eq!(proxy["result"]["proxy"], format!("http://127.0.0.1:{port}"));
    assert_eq!(proxy["remedy"], "put the user name and the password into the proxy's URL");
    assert_eq!(failed_and_skipped(&report).0, ["proxy"]);
    assert_eq!(step(&report, "name")["result"]["host"], "127.0.0.1");
}

#[test]
fn credentials_over_http_to_another_machine_are_a_warning() {
    let proxy = Arc::new(Proxy::parse("http://127.0.0.1:1").unwrap());
    let client = Client::new("http://mcp.example/mcp").unwrap();
    client.settings.set_proxy(ProxyChoice::Set(proxy)).unwrap();
    client.auth().credentials.set_bearer(Some("token")).unwrap();
    let report = diagnose(&client);
    let configuration = step(&report, "configuration");
    assert_eq!(configuration["warnings"][0], "credentials are sent unencrypted over http to mcp.example");
    assert!(configuration["remedy"].as_str().unwrap().starts_with("use an https URL"));
    assert_eq!(failed_and_skipped(&report).0, ["tcp"]);
}

#[test]
fn the_timeout_fails_its_step_and_skips_those_after_it() {
    // Connections are accepted by the system, and nothing responds.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client(&format!("https://{}/mcp", listener.local_addr().unwrap()));
    let options = CallOptions { timeout_ms: Some(50), ..CallOptions::default() };
    let report = client.call("diagnosis", &options, |call| client.diagnose(call)).unwrap();
    let report: Value = serde_json::from_str(report.text()).unwrap();
    let (failed, skipped) = failed_and_skipped(&report);
    assert_eq!((failed, skipped.len()), (vec!["tls"], 8));
    assert!(step(&report, "tls")["problem"].as_str().unwrap().contains("the timeout of 50 ms passed"));
    assert!(step(&report, "http")["reason"].as_str().unwrap().contains("timeout"));
    let warning = step(&report, "configuration")["warnings"][0].as_str().unwrap();
    assert!(warning.contains("if it means seconds"), "{warning}");
}

#[test]
fn a_cancelled_diagnosis_has_no_report() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client(&format!("https://{}/mcp", listener.local_addr().unwrap()));
    let cancel = Arc::new(crate::sys::pollable_event::PollableEvent::new().unwrap());
    let options = CallOptions { cancel: Some(Arc::clone(&cancel)), ..CallOptions::default() };
    let outcome = std::thread::scope(|scope| {
        let call = scope.spawn(|| client.call("diagnosis", &options, |call| client.diagnose(call)));
        // The diagnosis has connected, and waits for the server.
        drop(listener.accept().map(|(socket, _)| std::mem::forget(socket)));
        cancel.set();
        call.join().unwrap()
    });
    assert_eq!(outcome.err().map(|error| error.status()), Some(MCP_CANCELLED));
}

#[test]
fn the_steps_of_http_are_skipped_for_a_process() {
    let script = r#"while read line; do case "$line" in
        *server/discover*) echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}';;
        *initialize\"*) id=${line#*\"id\":}; id=${id%%,*}; echo '{"jsonrpc":"2.0","id":'$id',"result":
            {"protocolVersion":"2025-11-25","capabilities":{}}}' | tr '\n' ' '; echo;;
        *\"ping\"*) id=${line#*\"id\":}; id=${id%%,*}; echo '{"jsonrpc":"2.0","id":'$id',"result":{}}';;
    esac; done"#;
    let command = command_for(["/bin/sh", "-c", script].map(String::from).to_vec());
    let report = diagnose(&Client::new_stdio(command).unwrap());
    let skipped = ["name", "tcp", "proxy", "tls", "http", "authorization"];
    assert_eq!(failed_and_skipped(&report), (vec![], skipped.to_vec()));
    assert!(step(&report, "process")["result"]["processId"].as_i64().unwrap() > 1);
}

#[test]
fn a_process_is_described() {
    let argv = |script: &str| ["/bin/sh", "-c", script].map(String::from).to_vec();
    let mut command = command_for(argv("echo s3cr3t-value >&2; exit 3"));
    command.environment.push(("KEY".into(), "s3cr3t-value".into()));
    let report = diagnose(&Client::new_stdio(command).unwrap());
    assert!(!report.to_string().contains("s3cr3t"), "{report}");
    let process = step(&report, "process");
    assert_eq!(process["result"]["path"], "/bin/sh");
    assert!(process["problem"].as_str().unwrap().contains("exited with status 3"), "{process}");
    assert_eq!(step(&report, "configuration")["result"]["environment"], serde_json::json!(["KEY"]));
    let (failed, skipped) = failed_and_skipped(&report);
    assert_eq!((failed, skipped.len()), (vec!["process"], 10));
    assert!(step(&report, "tls")["reason"].as_str().unwrap().contains("process"));

    let report = diagnose(&Client::new_stdio(command_for(vec!["no-such-program".into()])).unwrap());
    let process = step(&report, "process");
    assert!(process["problem"].as_str().unwrap().contains("not in any folder of PATH"), "{process}");
    assert!(process["remedy"].as_str().unwrap().starts_with("install the program"), "{process}");
}
