//! Configuration files.

use super::texts;
use crate::client::Client;
use crate::config::file as config;
use crate::protocol::json::{Json, Value};

/// What the environment holds, and no error may show.
const SECRET: &str = "zqxw-5up3r-s3cr3t";

/// The name of a server on the first line, or nothing for the only one; and behind it a file. It is read or refused with a word
/// about why, and what the environment filled in is in no error.
pub fn config(bytes: &[u8]) {
    let Some([name, text]) = texts(bytes) else { return };
    // The same bytes as the file that a server names.
    if let Err((line, why)) = crate::config::env_file::variables(text) {
        assert!(line > 0 && !why.is_empty());
    }
    let Ok(file) = config::parse(text.as_bytes()) else { return };
    if says_it_itself(&file) || name.contains(SECRET) {
        return;
    }
    let names = config::list(&file);
    if let Ok(names) = &names {
        for server in names {
            let found = read(&file, Some(&server.name));
            assert!(!server.is_disabled || !found, "a disabled server is used");
        }
    }
    let found = read(&file, Some(name).filter(|name| !name.is_empty()));
    assert!(names.is_ok() || !found, "a server without a name");
}

fn read(file: &Json, name: Option<&str>) -> bool {
    let outcome = config::server(file, name, &lookup);
    let found = outcome.is_ok();
    let made = outcome.and_then(Client::of_server);
    if let Err(why) = made {
        assert!(!why.is_empty() && !why.contains(SECRET), "{why}");
    }
    found
}

fn lookup(name: &str) -> Option<String> {
    match name {
        "TOKEN" | "HOME" | "A" => Some(SECRET.into()),
        "URL" => Some(format!("http://{SECRET}/{SECRET}?{SECRET}")),
        // What can be used for nothing.
        "ODD" => Some(format!("{SECRET}\r\n\u{1b}[31m\0ü {SECRET}")),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// The file itself spells the secret out: then it may be shown.
fn says_it_itself(file: &Json) -> bool {
    let has = |text: &str| text.contains(&SECRET[..6]);
    let shows = |value: Value| {
        let key = value.key();
        key.is_some_and(|key| has(&key)) || value.text().is_some_and(|text| has(&text))
    };
    (0..file.len()).any(|place| shows(file.value(place)))
}
