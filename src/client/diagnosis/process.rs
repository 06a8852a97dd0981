//! The step "process": the program of a server that is started as a process.

use std::time::Instant;

use super::report::Step;
use crate::client::Client;

/// Where the program is found. `None` if the server is not a process. The step is completed when the session was
/// opened, which starts the process.
pub fn describe(client: &Client) -> Option<Step> {
    let command = client.settings.process_command()?;
    let (mut step, start) = (Step::new("process"), Instant::now());
    step.text("program", &command.argv[0]);
    if let Some(path) = command.program() {
        step.text("path", &path.to_string_lossy());
    } else {
        step.advise("install the program, write its whole path, or set PATH with mcp_set_environment");
    }
    step.time = start.elapsed();
    Some(step)
}
