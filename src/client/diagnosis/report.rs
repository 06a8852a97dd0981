//! The report of a diagnosis. Its texts are written at the end, when all secrets of the call are known.

use std::time::{Duration, Instant};

use crate::call::context::CallContext;
use crate::call::secrets::Secrets;
use crate::error::{Error, Result};
use crate::protocol::json::{Json, Kind};
use crate::protocol::json_writer::JsonWriter;
use crate::protocol::raw_value::RawValue;
use crate::status::MCP_INTERNAL;

/// Values of the server that are nested deeper are left out.
const MAX_DEPTH: usize = 16;

/// The longest text of a server's value that is searched for secrets, in bytes. A longer value is left out.
const MAX_VALUE: usize = 64 * 1024;

/// The steps so far.
#[derive(Default)]
pub struct Report {
    steps: Vec<Step>,
    /// Why the steps that follow are skipped.
    blocked: Option<String>,
}

/// One step.
pub struct Step {
    name: &'static str,
    verdict: Verdict,
    pub time: Duration,
    result: Vec<(&'static str, Detail)>,
    warnings: Vec<String>,
    pub remedy: Option<&'static str>,
}

enum Verdict {
    Passed,
    /// With the problem.
    Failed(String),
    /// With the reason.
    Skipped(String),
}

/// A value in the result of a step. No `Debug`: it may contain secrets.
pub enum Detail {
    Text(String),
    Texts(Vec<String>),
    Number(i64),
    Flag(bool),
    Objects(Vec<Vec<(&'static str, Detail)>>),
    /// A value of the server.
    Json(Json),
}

/// Not inlined: a step consists of many calls of these functions.
impl Step {
    #[inline(never)]
    pub fn new(name: &'static str) -> Step {
        let time = Duration::ZERO;
        Step { name, verdict: Verdict::Passed, time, result: Vec::new(), warnings: Vec::new(), remedy: None }
    }

    #[inline(never)]
    pub fn add(&mut self, name: &'static str, detail: Detail) {
        self.result.push((name, detail));
    }

    #[inline(never)]
    pub fn text(&mut self, name: &'static str, text: &str) {
        self.add(name, Detail::Text(text.to_owned()));
    }

    #[inline(never)]
    pub fn texts(&mut self, name: &'static str, texts: Vec<String>) {
        self.add(name, Detail::Texts(texts));
    }

    #[inline(never)]
    pub fn number(&mut self, name: &'static str, number: i64) {
        self.add(name, Detail::Number(number));
    }

    #[inline(never)]
    pub fn flag(&mut self, name: &'static str, flag: bool) {
        self.add(name, Detail::Flag(flag));
    }

    #[inline(never)]
    pub fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }

    /// Records a problem. Of several, the first is reported, and the others are warnings.
    #[inline(never)]
    pub fn fail(&mut self, problem: &str) {
        match self.verdict {
            Verdict::Failed(_) => self.warn(problem),
            _ => self.verdict = Verdict::Failed(problem.to_owned()),
        }
    }

    pub fn has_failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed(_))
    }

    pub fn advise(&mut self, remedy: &'static str) {
        self.remedy.get_or_insert(remedy);
    }
}

impl Report {
    /// Runs a step, unless the steps are blocked. Fails only if the call was cancelled or the client closed.
    pub fn run(
        &mut self,
        call: &CallContext,
        name: &'static str,
        body: &mut dyn FnMut(&mut Step) -> Result<()>,
    ) -> Result<()> {
        if self.blocked.is_some() {
            self.skip(name, "");
            return Ok(());
        }
        let (mut step, start) = (Step::new(name), Instant::now());
        if let Err(error) = body(&mut step) {
            step.fail(&error.to_string());
        }
        step.time = start.elapsed();
        self.add(step);
        self.check(call)
    }

    /// Blocks the steps that follow if the time of the call has passed. Fails if the call was cancelled or the client
    /// closed.
    pub fn check(&mut self, call: &CallContext) -> Result<()> {
        let wait_context = call.wait_context().clone();
        wait_context
            .interrupted()
            .map_err(|interrupt| call.interrupt_error_while(&interrupt, "during the diagnosis"))?;
        if wait_context.check().is_err() {
            self.block("the timeout of the call passed in an earlier step");
        }
        Ok(())
    }

    #[inline(never)]
    pub fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Adds a step that is skipped for this reason, or because the steps are blocked.
    #[inline(never)]
    pub fn skip(&mut self, name: &'static str, reason: &str) {
        let reason = self.blocked.as_deref().unwrap_or(reason).to_owned();
        self.add(Step { verdict: Verdict::Skipped(reason), ..Step::new(name) });
    }

    /// Skips the steps that follow, unless they are skipped already.
    pub fn block(&mut self, reason: &str) {
        self.blocked.get_or_insert_with(|| reason.to_owned());
    }

    pub fn has_passed(&self, name: &str) -> bool {
        self.steps.iter().any(|step| step.name == name && matches!(step.verdict, Verdict::Passed))
    }

    /// The server accepts the client nevertheless: what failed in this step is only a warning.
    pub fn excuse(&mut self, name: &str) {
        for step in self.steps.iter_mut().filter(|step| step.name == name && step.has_failed()) {
            if let Verdict::Failed(problem) = std::mem::replace(&mut step.verdict, Verdict::Passed) {
                step.warnings.insert(0, problem);
            }
        }
    }

    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// The text of the report, without secrets.
    pub fn write(self, call: &CallContext, server: &str) -> Result<Json> {
        let mut writer = ReportWriter { json: JsonWriter::default(), secrets: call.secrets() };
        writer.json.begin_object(None);
        writer.text("client", &call.client_name());
        writer.text("server", server);
        writer.json.bool(Some("ok"), !self.steps.iter().any(Step::has_failed));
        writer.json.begin_array(Some("steps"));
        self.steps.iter().for_each(|step| writer.step(step));
        writer.json.end();
        writer.json.end();
        writer.json.check()?;
        let text = writer.json.text_and_nul().trim_end_matches('\0').to_owned();
        Json::parse(text).map_err(|why| Error::new(MCP_INTERNAL, why))
    }
}

struct ReportWriter {
    json: JsonWriter,
    secrets: Secrets,
}

impl ReportWriter {
    fn step(&mut self, step: &Step) {
        self.json.begin_object(None);
        self.json.string(Some("step"), step.name);
        match &step.verdict {
            Verdict::Skipped(reason) => {
                self.json.null(Some("ok"));
                self.text("reason", reason);
            }
            verdict => {
                self.json.bool(Some("ok"), matches!(verdict, Verdict::Passed));
                // With one digit after the point.
                self.json.double(Some("milliseconds"), (step.time.as_secs_f64() * 10_000.0).round() / 10.0);
            }
        }
        if !step.result.is_empty() {
            self.json.begin_object(Some("result"));
            step.result.iter().for_each(|(name, detail)| self.detail(name, detail));
            self.json.end();
        }
        if !step.warnings.is_empty() {
            self.texts("warnings", &step.warnings);
        }
        if let Verdict::Failed(problem) = &step.verdict {
            self.text("problem", problem);
        }
        if let Some(remedy) = step.remedy {
            self.text("remedy", remedy);
        }
        self.json.end();
    }

    fn detail(&mut self, name: &'static str, detail: &Detail) {
        match detail {
            Detail::Text(text) => self.text(name, text),
            Detail::Texts(texts) => self.texts(name, texts),
            Detail::Number(number) => self.json.int64(Some(name), *number),
            Detail::Flag(flag) => self.json.bool(Some(name), *flag),
            Detail::Objects(objects) => {
                self.json.begin_array(Some(name));
                for object in objects {
                    self.json.begin_object(None);
                    object.iter().for_each(|(name, detail)| self.detail(name, detail));
                    self.json.end();
                }
                self.json.end();
            }
            Detail::Json(value) if value.text().len() > MAX_VALUE => self.json.null(Some(name)),
            Detail::Json(value) => self.value(Some(name), RawValue::of(value), 0),
        }
    }

    #[inline(never)]
    fn text(&mut self, name: &'static str, text: &str) {
        self.json.string(Some(name), &self.secrets.sanitize(text));
    }

    fn texts(&mut self, name: &'static str, texts: &[String]) {
        self.json.begin_array(Some(name));
        texts.iter().for_each(|text| self.json.string(None, &self.secrets.sanitize(text)));
        self.json.end();
    }

    /// A copy of a server's value, in which each text is sanitized.
    fn value(&mut self, key: Option<&str>, value: RawValue, depth: usize) {
        match value.kind() {
            Kind::Object | Kind::Array if depth == MAX_DEPTH => self.json.null(key),
            kind @ (Kind::Object | Kind::Array) => {
                if kind == Kind::Object {
                    self.json.begin_object(key)
                } else {
                    self.json.begin_array(key)
                }
                for (name, member) in value.children() {
                    let name = RawValue::from_validated(name).text().map(|name| self.secrets.sanitize(&name));
                    self.value(name.as_deref(), member, depth + 1);
                }
                self.json.end();
            }
            Kind::String => self.json.string(key, &self.secrets.sanitize(&value.text().unwrap_or_default())),
            _ => {
                let shown = self.secrets.sanitize(value.raw());
                if shown == value.raw() { self.json.json(key, &shown) } else { self.json.string(key, &shown) }
            }
        }
    }
}
