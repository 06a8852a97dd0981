//! Lists, which come in pages: one of them, or all (2025-11-25 and 2026-07-28, "Pagination").

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::request::Request;
use crate::call::context::CallContext;
use crate::call::request::RequestPolicy;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::json::{Json, Kind};
use crate::protocol::json_scanner::{self, InvalidJson};
use crate::protocol::messages::quoted;
use crate::protocol::params::Params;
use crate::protocol::raw_value::RawValue;
use crate::status::*;

/// More pages than that are not asked for: a server whose pages never end is broken.
const MAX_PAGES: usize = 10_000;

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListMethod {
    Tools,
    Resources,
    ResourceTemplates,
    Prompts,
}

impl ListMethod {
    pub fn method(self) -> &'static str {
        match self {
            ListMethod::Tools => "tools/list",
            ListMethod::Resources => "resources/list",
            ListMethod::ResourceTemplates => "resources/templates/list",
            ListMethod::Prompts => "prompts/list",
        }
    }

    /// The member of a result that holds the list.
    pub fn member(self) -> &'static str {
        match self {
            ListMethod::Tools => "tools",
            ListMethod::Resources => "resources",
            ListMethod::ResourceTemplates => "resourceTemplates",
            ListMethod::Prompts => "prompts",
        }
    }
}

impl Client {
    /// One page: the first, or the one that a cursor leads to.
    pub fn page(&self, call: &CallContext, list: ListMethod, cursor: Option<&str>) -> Result<Json> {
        self.page_at(call, list, cursor.map(quoted))
    }

    /// The same for a cursor as it stands in the page before: what is given back to the server is what it sent.
    fn page_at(&self, call: &CallContext, list: ListMethod, cursor: Option<String>) -> Result<Json> {
        let mut params = Params::new();
        if let Some(cursor) = cursor {
            params.set("cursor", cursor);
        }
        let page = self.cached(call, Request::new(list.method(), params, RequestPolicy::REPEATABLE))?;
        check_page(&page, list)?;
        if list == ListMethod::Tools { self.without_invalid_tools(call, page) } else { Ok(page) }
    }

    /// All pages as one: the members of the first, and the elements of all. A page that names a cursor which was used before is the
    /// last: there are servers that name the same one on every page.
    pub fn all_pages(&self, call: &CallContext, list: ListMethod) -> Result<Json> {
        let first = self.page_at(call, list, None)?;
        let Some(mut cursor) = next_cursor(&first) else { return Ok(first) };
        let limit = self.settings.limits().message;
        let mut elements = String::new();
        append(&mut elements, &first, list);
        // Hashes stand for the cursors and pages, which can be large.
        let hashes = RandomState::new();
        let hash_of_elements =
            |page: &Json| hashes.hash_one(RawValue::of(page).member(list.member()).map(RawValue::raw));
        let mut used_cursors = HashSet::new();
        let mut seen_pages = HashSet::from([hash_of_elements(&first)]);
        for _ in 1..MAX_PAGES {
            used_cursors.insert(hashes.hash_one(&cursor));
            let page = self.page_at(call, list, Some(cursor))?;
            let next = next_cursor(&page);
            let is_circle = next.as_ref().is_some_and(|next| used_cursors.contains(&hashes.hash_one(next)));
            let is_new = seen_pages.insert(hash_of_elements(&page));
            // A server that looks at no cursor sends the same page again, and what is on it is not there twice.
            if is_new || !is_circle {
                append(&mut elements, &page, list);
            }
            if elements.len() > limit {
                let why = format!("all pages of {} together are larger than {limit} bytes", list.method());
                return Err(Error::new(MCP_TOO_LARGE, why));
            }
            if is_circle {
                call.log(LogLevel::Warning, || {
                    format!("the server's {} repeats a page that was already read; the list ends there", list.method())
                });
            }
            match next.filter(|_| !is_circle) {
                None => return together(&first, list, &elements),
                Some(next) => cursor = next,
            }
        }
        Err(Error::new(MCP_ENDLESS, format!("{} has more than {MAX_PAGES} pages", list.method())))
    }
}

fn check_page(page: &Json, list: ListMethod) -> Result<()> {
    let kind = |name| RawValue::of(page).member(name).map(RawValue::kind);
    let wrong = |what: &str| {
        Err(Error::new(MCP_INVALID_MESSAGE, format!("the server's response to {} contains {what}", list.method())))
    };
    match (kind(list.member()), kind("nextCursor")) {
        (Some(Kind::Array), None | Some(Kind::Null | Kind::String)) => Ok(()),
        (Some(Kind::Array), _) => wrong("a cursor that is not a string"),
        _ => wrong(&format!("no list of {}", list.member())),
    }
}

/// Where the next page is, as it stands there. An empty text is a cursor, too.
fn next_cursor(page: &Json) -> Option<String> {
    let cursor = RawValue::of(page).member("nextCursor").filter(|cursor| cursor.kind() == Kind::String);
    cursor.map(|cursor| cursor.raw().to_owned())
}

/// Adds the elements of a page, as they stand in its text.
fn append(elements: &mut String, page: &Json, list: ListMethod) {
    let array = RawValue::of(page).member(list.member()).filter(|array| array.kind() == Kind::Array);
    let added = array.map(|array| array.raw()[1..array.raw().len() - 1].trim_ascii()).filter(|added| !added.is_empty());
    let Some(added) = added else { return };
    if !elements.is_empty() {
        elements.push(',');
    }
    elements.push_str(added);
}

/// The page with another list in it, and without the member `dropped`.
pub(in crate::client) fn with_list(page: &Json, list: ListMethod, array: &str, dropped: Option<&str>) -> Result<Json> {
    let text = json_scanner::with_member(page.text(), list.member(), array, dropped);
    let made = text.map_err(|InvalidJson| "a page is not an object".to_owned()).and_then(Json::parse);
    made.map_err(|why| Error::new(MCP_INTERNAL, why))
}

fn together(first: &Json, list: ListMethod, elements: &str) -> Result<Json> {
    with_list(first, list, &format!("[{elements}]"), Some("nextCursor"))
}
