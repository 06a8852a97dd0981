//! Configuration files.

use super::texts;
use crate::client::Client;
use crate::config::env_file::parse_env_file;
use crate::config::file as config;
use crate::protocol::json::{Json, Value};

/// The value of environment variables, which no error may show.
const SECRET: &str = "zqxw-5up3r-s3cr3t";

/// The first line is the name of a server, or empty for the only one; the rest is a configuration file. The file is
/// read, or rejected with an error, and no error contains the value of an environment variable.
pub fn config(bytes: &[u8]) {
    let Some([name, text]) = texts(bytes) else { return };
    // The same text as an `envFile`.
    if let Err((line, why)) = parse_env_file(text) {
        assert!(line > 0 && !why.is_empty());
    }
    let Ok(file) = config::parse(text.as_bytes()) else { return };
    if contains_secret(&file) || name.contains(SECRET) {
        return;
    }
    let names = config::list(&file);
    if let Ok(names) = &names {
        for server in names {
            let is_found = read(&file, Some(&server.name));
            assert!(!server.is_disabled || !is_found, "a disabled server is used");
        }
    }
    let is_found = read(&file, Some(name).filter(|name| !name.is_empty()));
    assert!(names.is_ok() || !is_found, "a server without a name");
}

/// Reads a server and creates its client. Returns whether the file has the server.
fn read(file: &Json, name: Option<&str>) -> bool {
    let outcome = config::server(file, name, &lookup);
    let is_found = outcome.is_ok();
    let client = outcome.and_then(Client::from_server_config);
    if let Err(why) = client {
        assert!(!why.is_empty() && !why.contains(SECRET), "{why}");
    }
    is_found
}

fn lookup(name: &str) -> Option<String> {
    match name {
        "TOKEN" | "HOME" | "A" => Some(SECRET.into()),
        "URL" => Some(format!("http://{SECRET}/{SECRET}?{SECRET}")),
        // A value that is invalid everywhere.
        "ODD" => Some(format!("{SECRET}\r\n\u{1b}[31m\0ü {SECRET}")),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// Whether the file itself contains the secret: then an error may show it.
fn contains_secret(file: &Json) -> bool {
    let has = |text: &str| text.contains(&SECRET[..6]);
    let value_has = |value: Value| {
        let key = value.key();
        key.is_some_and(|key| has(&key)) || value.text().is_some_and(|text| has(&text))
    };
    (0..file.len()).any(|index| value_has(file.value(index)))
}
