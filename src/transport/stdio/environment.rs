//! What a process is given of the environment, and what of that is secret.

use crate::sys::child_process::ProcessCommand;

/// What a server inherits of the environment, as in the other clients: no secret of the program's.
const INHERITED: [&str; 6] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

/// In bytes.
const SHORTEST_SECRET: usize = 8;

/// What is started for a command, with the environment that servers inherit.
pub fn program(argv: Vec<String>) -> ProcessCommand {
    let inherited = INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    ProcessCommand { argv, environment: inherited.collect(), directory: None, stderr: None }
}

/// The values that a program gives its server to know: no error and no log line shows them where the server says them. Short ones
/// and paths are no secrets, and it would be hard to read what is wrong without them.
pub fn secrets_of(program: &ProcessCommand) -> Vec<String> {
    let own = program.environment.iter().filter(|(name, _)| !INHERITED.contains(&name.as_str()));
    let values = own.map(|(_, value)| value).filter(|value| value.len() >= SHORTEST_SECRET && !value.starts_with('/'));
    values.cloned().collect()
}
