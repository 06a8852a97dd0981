//! The steps from "protocol" to "ping": what is sent in a session.

use std::sync::Arc;
use std::time::Instant;

use super::remedy::remedy_for;
use super::report::{Detail, Report, Step};
use crate::call::context::CallContext;
use crate::client::Client;
use crate::client::operations::lists::ListMethod;
use crate::error::{Error, Result};
use crate::protocol::json::{Json, Value};
use crate::protocol::version::Era;
use crate::session::session_slot::Opened;
use crate::session::state::Session;
use crate::status::*;

/// The most names of tools that are left out.
const MAX_LEFT_OUT: usize = 20;

/// JSON-RPC 2.0, section 5.1.
const METHOD_NOT_FOUND: i64 = -32601;

/// The lists, and the capability that a server with such a list declares.
const LISTS: [(ListMethod, &str); 4] = [
    (ListMethod::Tools, "tools"),
    (ListMethod::Resources, "resources"),
    (ListMethod::ResourceTemplates, "resources"),
    (ListMethod::Prompts, "prompts"),
];

/// The step of a server that is no URL's, if it is a process, and what skips the steps of HTTP.
pub type BeforeProtocol<'a> = (Option<Step>, &'a dyn Fn(&mut Report));

/// Opens a session, unless one is open, and uses it.
pub fn diagnose(
    client: &Client,
    call: &CallContext,
    report: &mut Report,
    before: Option<BeforeProtocol>,
) -> Result<()> {
    let mut step = Step::new("protocol");
    let is_blocked = report.is_blocked();
    let start = Instant::now();
    let opened = if is_blocked { None } else { Some(client.session(call)) };
    step.time = start.elapsed();
    let (mut process_failed, mut has_shaken_hands) = (false, false);
    if let Some((process, skip_http)) = before {
        if let Some(process) = process {
            process_failed = add_process(process, opened.as_ref(), report);
        }
        skip_http(report);
    }
    match &opened {
        None => report.skip("protocol", ""),
        Some(Err(_)) if process_failed => {
            report.block("the server's process cannot be used");
            report.skip("protocol", "");
        }
        Some(Err(error)) => {
            step.fail(&error.to_string());
            step.advise(remedy_for(error, call.has_sent_credentials().0));
            report.add(step);
            report.check(call)?;
            report.block("the step \"protocol\" failed");
        }
        Some(Ok((session, opened))) => {
            // Before it is used: a request that succeeds proves it.
            has_shaken_hands = *opened == Opened::ByThisCall && !session.is_unproven();
            describe(session, *opened, &mut step);
            report.add(step);
        }
    }
    report.check(call)?;
    let session = opened.and_then(Result::ok).map(|(session, _)| session);
    let result = session.as_ref().and_then(|session| session.handshake_result.as_ref());
    let declared = result.and_then(|result| result.root().member("capabilities")).map(Value::to_json);
    report.run(call, "capabilities", &mut |step| {
        match &declared {
            Some(declared) => step.add("capabilities", Detail::Json(declared.clone())),
            None => step.warn("the server has not said what its capabilities are"),
        }
        Ok(())
    })?;
    report.run(call, "lists", &mut |step| count_lists(client, call, declared.as_ref(), step))?;
    report.run(call, "ping", &mut |step| {
        let is_modern = session.as_ref().is_some_and(|session| session.era == Era::Modern);
        step.text("method", if is_modern { "server/discover" } else { "ping" });
        client.ping(call).inspect_err(|error| step.advise(remedy_for(error, call.has_sent_credentials().0)))
    })?;
    // Without a handshake, only the ping shows that the server accepts the client now.
    if has_shaken_hands || report.has_passed("ping") {
        ["http", "authorization"].into_iter().for_each(|name| report.excuse(name));
    }
    Ok(())
}

/// Completes and adds the step of the process. Returns whether the process was the reason why no session was opened.
fn add_process(mut step: Step, opened: Option<&Result<(Arc<Session>, Opened)>>, report: &mut Report) -> bool {
    match opened {
        None => report.skip("process", ""),
        Some(Err(error)) if error.status() == MCP_PROCESS_FAILED => {
            step.fail(&error.to_string());
            step.advise("run the command in a terminal, and look at what it prints");
            report.add(step);
            return true;
        }
        Some(outcome) => {
            let session = outcome.as_ref().ok().map(|(session, _)| session);
            if let Some(id) = session.and_then(|session| session.transport.process_id()) {
                step.number("processId", id.into());
            }
            // The program was started, so it was found.
            step.remedy = None;
            report.add(step);
        }
    }
    false
}

fn describe(session: &Session, opened: Opened, step: &mut Step) {
    step.text("protocolVersion", session.version);
    step.text("era", session.era.name());
    step.text("transport", session.transport.transport_kind().name());
    step.flag("sessionId", session.id.is_some());
    step.flag("wasOpen", opened == Opened::Before);
    step.flag("continued", session.is_unproven());
    let root = session.handshake_result.as_ref().map(Json::root);
    let member = |pointer| root.and_then(|root| root.at(pointer));
    if let Some(info) = member("/_meta/io.modelcontextprotocol~1serverInfo").or_else(|| member("/serverInfo")) {
        for (name, key) in [("serverName", "name"), ("serverVersion", "version")] {
            if let Some(text) = info.member(key).and_then(Value::text) {
                step.text(name, &text);
            }
        }
    }
    step.flag("instructions", member("/instructions").is_some());
}

/// Counts the elements of the lists whose capabilities the server declares.
fn count_lists(client: &Client, call: &CallContext, declared: Option<&Json>, step: &mut Step) -> Result<()> {
    for (list, capability) in LISTS {
        if declared.is_none_or(|declared| declared.raw_member(capability).is_none()) {
            continue;
        }
        let mut left_out = Vec::new();
        match client.all_pages_and_left_out(call, list, &mut left_out) {
            Ok(all) => {
                let elements = all.root().member(list.member()).map_or(0, |elements| elements.children().count());
                step.number(list.member(), elements as i64);
            }
            // A server with resources need not have templates.
            Err(error) if list == ListMethod::ResourceTemplates && is_unknown_method(&error) => {}
            Err(error) => {
                step.fail(&format!("{}: {error}", list.method()));
                step.advise(remedy_for(&error, call.has_sent_credentials().0));
                if call.wait_context().check().is_err() {
                    return Ok(());
                }
            }
        }
        if !left_out.is_empty() {
            step.warn(&format!(
                "{} tools break the rules for headers, and are left out; the log has the reasons",
                left_out.len()
            ));
            left_out.truncate(MAX_LEFT_OUT);
            step.texts("toolsLeftOut", left_out);
        }
    }
    Ok(())
}

fn is_unknown_method(error: &Error) -> bool {
    error.report().rpc.as_ref().is_some_and(|rpc| rpc.code == METHOD_NOT_FOUND)
}
