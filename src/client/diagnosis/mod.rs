//! A diagnosis of the connection to a server: every step from the settings to a ping, with its time, its result and a
//! remedy. A step that fails ends only the steps that need it.

mod authorization;
mod configuration;
mod connection;
mod process;
mod remedy;
mod report;
mod request;
mod session;
#[cfg(test)]
mod tests;

use super::Client;
use crate::call::context::CallContext;
use crate::error::Result;
use crate::protocol::json::Json;
use report::Report;

/// The steps of a server at a URL that others have not.
const HTTP_STEPS: [&str; 6] = ["name", "tcp", "proxy", "tls", "http", "authorization"];

impl Client {
    /// Diagnoses the connection to the server. A server that cannot be used is a result, and no error.
    pub fn diagnose(&self, call: &CallContext) -> Result<Json> {
        let call = call.clone().without_login().counting_connecting();
        let mut report = Report::default();
        report.run(&call, "configuration", &mut |step| {
            configuration::describe(self, &call, step);
            Ok(())
        })?;
        match &self.endpoint {
            Some(endpoint) => {
                report.skip("process", "the server is reached over HTTP, and not started as a process");
                let peer = self.http_peer()?;
                connection::diagnose(&call, peer, &mut report)?;
                let mut challenge = request::Challenged::default();
                report.run(&call, "http", &mut |step| request::send(self, &call, step, &mut challenge))?;
                report.run(&call, "authorization", &mut |step| {
                    authorization::describe(self, &call, endpoint, &challenge, step)
                })?;
                session::diagnose(self, &call, &mut report, None)?;
            }
            None => {
                let process = process::describe(self);
                let reason = match &process {
                    Some(_) => "the server is started as a process, and not reached over HTTP",
                    None => "the server is reached over streams that the program has opened",
                };
                if process.is_none() {
                    report.skip("process", reason);
                }
                let skip = |report: &mut Report| HTTP_STEPS.iter().for_each(|name| report.skip(name, reason));
                session::diagnose(self, &call, &mut report, Some((process, &skip)))?;
            }
        }
        report.write(&call, &self.display_name)
    }
}
