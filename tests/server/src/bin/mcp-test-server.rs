//! `mcp-test-server [--port N] [--tls] [--run PROGRAM ARGS...]`

use mcp_test_server::run::Runner;
use mcp_test_server::serve::listen;
use mcp_test_server::state::State;
use mcp_test_server::tls::Tls;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

const USAGE: &str = "usage: mcp-test-server [--port N] [--tls] [--run PROGRAM ARGS...]";

#[derive(Default)]
struct Arguments {
    port: u16,
    tls: bool,
    program: Vec<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--port" => arguments.port = words.next().and_then(|port| port.parse().ok()).ok_or(USAGE)?,
            "--tls" => arguments.tls = true,
            "--run" => {
                arguments.program = words.by_ref().collect();
                if arguments.program.is_empty() {
                    return Err(USAGE.into());
                }
            }
            _ => return Err(format!("unknown argument {word}\n{USAGE}")),
        }
    }
    Ok(arguments)
}

fn start(arguments: &Arguments) -> Result<u8, Box<dyn Error>> {
    let runner = Runner::new();
    let state = Arc::new(State::default());
    if arguments.program.is_empty() {
        if !arguments.tls {
            let port = listen(arguments.port, None, state)?;
            return Ok(runner.serve(&[format!("READY http://127.0.0.1:{port}")])?);
        }
        let tls = Tls::new()?;
        let port = listen(arguments.port, Some(tls.valid_config()?), state)?;
        let ca = format!("CA {}", tls.ca_path().display());
        return Ok(runner.serve(&[format!("READY https://localhost:{port}"), ca])?);
    }
    let tls = Tls::new()?;
    let mut variables = tls.listen(&state)?;
    let port = listen(arguments.port, None, state)?;
    variables.push(("MCP_TEST_URL", format!("http://127.0.0.1:{port}")));
    Ok(runner.run(&arguments.program, &variables))
}

fn main() -> ExitCode {
    match arguments().map_err(Into::into).and_then(|arguments| start(&arguments)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("mcp-test-server: {error}");
            ExitCode::from(2)
        }
    }
}
