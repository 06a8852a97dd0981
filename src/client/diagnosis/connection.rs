//! The steps "name", "tcp", "proxy" and "tls": one connection to the server, which is closed again.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use super::report::{Detail, Report, Step};
use crate::call::context::CallContext;
use crate::error::{Error, Result};
use crate::net::certificate::{CertificateSummary, CertificateTime};
use crate::net::connection_factory::Route;
use crate::net::connection_record::{ConnectionRecord, RecordedLookup};
use crate::net::progress::RequestPhase;
use crate::status::*;
use crate::transport::http_peer::HttpPeer;

/// A certificate that expires within this many days is a warning.
const EXPIRES_SOON: i64 = 14;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// The steps, in the order in which a connection takes them.
const STEPS: [(&str, RequestPhase); 4] = [
    ("name", RequestPhase::DnsLookup),
    ("tcp", RequestPhase::Connect),
    ("proxy", RequestPhase::Proxy),
    ("tls", RequestPhase::Tls),
];

/// Opens a connection, and reports its steps. Blocks the other steps if it fails.
pub fn diagnose(call: &CallContext, peer: &HttpPeer, report: &mut Report) -> Result<()> {
    let record = ConnectionRecord::default();
    let wait_context = call.wait_context().clone();
    let outcome = peer.http.try_connection(&record, &wait_context);
    wait_context.interrupted().map_err(|interrupt| call.interrupt_error_while(&interrupt, "during the diagnosis"))?;
    let failed = outcome.err().map(|(phase, failed)| (failed_phase(phase, &failed.error, &record), failed.error));
    for (name, phase) in STEPS {
        let skipped = if failed.as_ref().is_some_and(|(failed, _)| *failed < phase) {
            Some("an earlier step failed")
        } else {
            not_needed(peer, phase, &record, failed.as_ref().map(|(failed, _)| *failed))
        };
        if let Some(reason) = skipped {
            report.skip(name, reason);
            continue;
        }
        let mut step = Step::new(name);
        step.time = record.time(phase);
        describe(peer, phase, &record, &mut step);
        if let Some((_, error)) = failed.as_ref().filter(|(failed, _)| *failed == phase) {
            step.fail(&error.to_string());
            step.advise(remedy(phase, error, &record));
        }
        report.add(step);
    }
    report.check(call)?;
    if let Some((phase, _)) = failed {
        let name = STEPS.iter().find(|(_, known)| *known == phase).map_or("connection", |(name, _)| name);
        report.block(&format!("the step {name:?} failed"));
    }
    Ok(())
}

/// The phase that a failure belongs to. A proxy whose URL is invalid fails before the lookup.
fn failed_phase(phase: RequestPhase, error: &Error, record: &ConnectionRecord) -> RequestPhase {
    match phase {
        RequestPhase::Connect if error.status() == MCP_PROXY_FAILED && record.lookups.borrow().is_empty() => {
            RequestPhase::Proxy
        }
        phase => phase.min(RequestPhase::Tls),
    }
}

/// Why a connection has no such step.
fn not_needed(
    peer: &HttpPeer,
    phase: RequestPhase,
    record: &ConnectionRecord,
    failed: Option<RequestPhase>,
) -> Option<&'static str> {
    match (phase, peer.http.route()) {
        (RequestPhase::DnsLookup, Ok(Route::Unix(_))) => Some("the server is reached over a Unix domain socket"),
        (RequestPhase::DnsLookup | RequestPhase::Connect, Err(_)) => Some("the proxy cannot be used"),
        (RequestPhase::Proxy, Ok(Route::Server)) => Some("no proxy is used for this server"),
        (RequestPhase::Proxy, Ok(Route::Unix(_))) => Some("a Unix domain socket needs no proxy"),
        (RequestPhase::Tls, _) if !peer.endpoint.origin().https => Some("the URL begins with http"),
        // A lookup that was not begun, because the call had ended.
        (RequestPhase::Tls, _) if failed.is_none() && record.tls.borrow().version.is_none() => Some("it was not begun"),
        _ => None,
    }
}

fn describe(peer: &HttpPeer, phase: RequestPhase, record: &ConnectionRecord, step: &mut Step) {
    match phase {
        RequestPhase::DnsLookup => {
            let lookups = record.lookups.borrow();
            match lookups.first() {
                Some(RecordedLookup { host, addresses }) => {
                    step.text("host", host);
                    step.texts("addresses", ip_addresses(addresses));
                }
                None => step.text("host", host_to_connect(peer)),
            }
        }
        RequestPhase::Connect => {
            if let Some(address) = record.connected.get() {
                step.text("address", &address.to_string());
            } else if let Ok(Route::Unix(path)) = peer.http.route() {
                step.text("address", &path.to_string_lossy());
            }
            let refused = record.refused.borrow();
            let refused = refused.iter().map(|(address, why)| {
                vec![("address", Detail::Text(address.to_string())), ("problem", Detail::Text(why.clone()))]
            });
            let refused: Vec<_> = refused.collect();
            if !refused.is_empty() {
                step.add("refused", Detail::Objects(refused));
            }
        }
        RequestPhase::Proxy => {
            if let Ok(Route::Proxy(proxy)) = peer.http.route() {
                step.text("proxy", &proxy.shown());
                step.text("proxySetBy", proxy.source());
                step.flag("forwards", proxy.forwards(peer.endpoint.origin()));
                // With SOCKS5, the client looks up the server's name, too.
                if let Some(RecordedLookup { addresses, .. }) = record.lookups.borrow().get(1) {
                    step.texts("addresses", ip_addresses(addresses));
                }
            }
        }
        _ => describe_tls(record, step),
    }
}

fn ip_addresses(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(|address| address.ip().to_string()).collect()
}

fn describe_tls(record: &ConnectionRecord, step: &mut Step) {
    let tls = record.tls.borrow();
    let negotiated = [("version", tls.version), ("cipher", tls.cipher), ("alpn", tls.alpn.as_deref())];
    for (name, text) in negotiated {
        text.iter().for_each(|text| step.text(name, text));
    }
    let Some(CertificateSummary { subject, issuer, names, not_before, not_after }) = &tls.certificate else { return };
    step.text("subject", subject);
    step.texts("names", names.clone());
    step.text("issuer", issuer);
    let times = [("notBefore", not_before), ("notAfter", not_after)];
    for (name, time) in times {
        time.iter().for_each(|time| step.text(name, &time.text()));
    }
    // The problem of a failed handshake says it already.
    let is_accepted = tls.version.is_some();
    if is_accepted && not_before.is_some_and(|begin| seconds_left(begin) > 0) {
        step.warn(
            "the server's certificate is not valid yet: correct the clock of this machine, or of the one that issued \
             the certificate",
        );
    }
    if let Some(seconds) = not_after.map(seconds_left) {
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        step.number("daysLeft", days);
        match days {
            ..0 if is_accepted => step.warn("the server's certificate has expired: renew it"),
            0..EXPIRES_SOON => step.warn(&format!("the server's certificate expires in {days} days: renew it")),
            _ => {}
        }
    }
    step.number("certificates", tls.chain_length as i64);
}

/// The seconds until `time`; negative if it has passed.
fn seconds_left(time: CertificateTime) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    time.unix_time() - now.as_secs() as i64
}

/// The host that is looked up: that of the URL, or of the proxy.
fn host_to_connect(peer: &HttpPeer) -> &str {
    match peer.http.route() {
        Ok(Route::Proxy(proxy)) => &proxy.host,
        _ => &peer.endpoint.origin().host,
    }
}

fn remedy(phase: RequestPhase, error: &Error, record: &ConnectionRecord) -> &'static str {
    match (phase, error.status()) {
        (RequestPhase::DnsLookup, MCP_TIMEOUT) => "check the DNS servers of this machine",
        (RequestPhase::DnsLookup, _) => "check the host in the URL, and the DNS servers of this machine",
        (RequestPhase::Connect, MCP_PROXY_FAILED) => "check the proxy's host and port, and that it runs",
        (RequestPhase::Connect, MCP_TIMEOUT) => {
            "check the host and the port in the URL, and whether a firewall drops the packets or a proxy is required"
        }
        (RequestPhase::Connect, _) => "start the server, and check the host and the port in the URL",
        (RequestPhase::Proxy, MCP_PROXY_AUTH_REQUIRED) => "put the user name and the password into the proxy's URL",
        (RequestPhase::Proxy, _) => "check the URL and the rules of the proxy, or exclude the server with NO_PROXY",
        _ => record
            .tls
            .borrow()
            .remedy
            .unwrap_or("check that the server offers TLS on this port, and TLS 1.2 or a newer version of it"),
    }
}
