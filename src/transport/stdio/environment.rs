//! The environment of a server process, and the secrets in it.

use crate::sys::child_process::{ProcessCommand, StopTimeouts};

/// The variables that a server inherits, as in other clients. Others may be secrets of the application.
const INHERITED: [&str; 6] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

/// The minimum length of a secret, in bytes.
const MIN_SECRET_LENGTH: usize = 8;

/// The process for a command, with the inherited variables.
pub fn command_for(argv: Vec<String>) -> ProcessCommand {
    let inherited = INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let stop_timeouts = StopTimeouts::default();
    ProcessCommand { argv, environment: inherited.collect(), directory: None, stderr: None, stop_timeouts }
}

/// The values of the variables that the application sets: errors and log lines redact them if the server prints them.
/// Short values and paths are not redacted, because error messages would be hard to read without them.
pub fn secrets_of(command: &ProcessCommand) -> Vec<String> {
    let own = command.environment.iter().filter(|(name, _)| !INHERITED.contains(&name.as_str()));
    let values =
        own.map(|(_, value)| value).filter(|value| value.len() >= MIN_SECRET_LENGTH && !value.starts_with('/'));
    values.cloned().collect()
}
