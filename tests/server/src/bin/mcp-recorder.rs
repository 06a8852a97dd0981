//! `mcp-recorder --target URL --out FILE [--port N] [--require-header 'Name: value'] [--run PROGRAM ARGS...]`

use mcp_test_server::recorder::{Recorder, Requirement, listen};
use mcp_test_server::run::Runner;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const USAGE: &str = "usage: mcp-recorder --target http://HOST:PORT --out FILE [--port N] \
                     [--require-header 'Name: value'] [--run PROGRAM ARGS...]";

/// The exit code if a request lacked the required header.
const MISSING_HEADER: u8 = 3;

#[derive(Default)]
struct Arguments {
    target: String,
    out: PathBuf,
    port: u16,
    requirement: Option<Requirement>,
    program: Vec<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(USAGE);
        match word.as_str() {
            "--target" => {
                let url = value()?;
                let host = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
                let host = host.filter(|host| host.contains(':') && !host.contains('/'));
                arguments.target = host.ok_or("--target must be http://HOST:PORT")?.into();
            }
            "--out" => arguments.out = value()?.into(),
            "--port" => arguments.port = value()?.parse().map_err(|_| USAGE)?,
            "--require-header" => {
                arguments.requirement = Some(Requirement::parse(&value()?).ok_or(USAGE)?);
            }
            "--run" => {
                arguments.program = words.by_ref().collect();
                if arguments.program.is_empty() {
                    return Err(USAGE.into());
                }
            }
            _ => return Err(format!("unknown argument {word}\n{USAGE}")),
        }
    }
    if arguments.target.is_empty() || arguments.out.as_os_str().is_empty() {
        return Err(USAGE.into());
    }
    Ok(arguments)
}

fn start(arguments: Arguments) -> Result<u8, Box<dyn Error>> {
    let runner = Runner::new();
    let recorder = Arc::new(Recorder::new(&arguments.out, arguments.requirement)?);
    let port = listen(arguments.port, arguments.target, recorder.clone())?;
    let url = format!("http://127.0.0.1:{port}");
    let code = if arguments.program.is_empty() {
        runner.serve(&[format!("READY {url}")])?
    } else {
        runner.run(&arguments.program, &[("MCP_TEST_URL", url)])
    };
    recorder.wait_for_connections(Duration::from_secs(2));
    match recorder.violation() {
        Some(violation) => {
            eprintln!("mcp-recorder: {violation}");
            // The exit code of a failed command is more useful.
            Ok(if code == 0 { MISSING_HEADER } else { code })
        }
        None => Ok(code),
    }
}

fn main() -> ExitCode {
    match arguments().map_err(Into::into).and_then(start) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("mcp-recorder: {error}");
            ExitCode::from(2)
        }
    }
}
