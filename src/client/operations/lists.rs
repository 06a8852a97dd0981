//! Paginated lists: one page, or all pages (2025-11-25 and 2026-07-28, "Pagination").

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

/// The most pages that are requested for one list.
const MAX_PAGES: usize = 10_000;

/// The lists of a server.
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

    /// The name of the result's member that contains the list.
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
    /// The page at a cursor; without a cursor, the first page.
    pub fn page(&self, call: &CallContext, list: ListMethod, cursor: Option<&str>) -> Result<Json> {
        self.page_at(call, list, cursor.map(quoted))
    }

    /// The page at a cursor, which is JSON text: the server gets it back byte for byte.
    fn page_at(&self, call: &CallContext, list: ListMethod, cursor: Option<String>) -> Result<Json> {
        let mut params = Params::new();
        if let Some(cursor) = cursor {
            params.set("cursor", cursor);
        }
        let page = self.request_cached(call, Request::new(list.method(), params, RequestPolicy::REPEATABLE))?;
        check_page(&page, list)?;
        if list == ListMethod::Tools { self.without_invalid_tools(call, page) } else { Ok(page) }
    }

    /// All pages combined: the members of the first page, with the list elements of all. A page whose cursor was used
    /// before is the last: some servers return the same cursor on every page.
    pub fn all_pages(&self, call: &CallContext, list: ListMethod) -> Result<Json> {
        let first = self.page_at(call, list, None)?;
        let Some(mut cursor) = next_cursor(&first) else { return Ok(first) };
        let limit = self.settings.limits().message;
        let mut elements = String::new();
        append_elements(&mut elements, &first, list);
        // Hashes, because cursors and pages can be large.
        let hashes = RandomState::new();
        let hash_of_elements = |page: &Json| hashes.hash_one(page.raw_member(list.member()).map(RawValue::raw));
        let mut used_cursors = HashSet::new();
        let mut seen_pages = HashSet::from([hash_of_elements(&first)]);
        for _ in 1..MAX_PAGES {
            used_cursors.insert(hashes.hash_one(&cursor));
            let page = self.page_at(call, list, Some(cursor))?;
            let next = next_cursor(&page);
            let is_repeated = next.as_ref().is_some_and(|next| used_cursors.contains(&hashes.hash_one(next)));
            let is_new = seen_pages.insert(hash_of_elements(&page));
            // A server that ignores cursors sends the same page again: do not add its elements twice.
            if is_new || !is_repeated {
                append_elements(&mut elements, &page, list);
            }
            if elements.len() > limit {
                let why = format!(
                    "all pages of {} together are larger than {limit} bytes; mcp_set_limit raises this limit",
                    list.method()
                );
                return Err(Error::new(MCP_TOO_LARGE, why));
            }
            if is_repeated {
                call.log(LogLevel::Warning, || {
                    format!("the server's {} repeats a page that was already read; the list ends there", list.method())
                });
            }
            match next.filter(|_| !is_repeated) {
                None => return combined(&first, list, &elements),
                Some(next) => cursor = next,
            }
        }
        Err(Error::new(MCP_ENDLESS, format!("{} has more than {MAX_PAGES} pages", list.method())))
    }
}

fn check_page(page: &Json, list: ListMethod) -> Result<()> {
    let kind = |name| page.raw_member(name).map(RawValue::kind);
    let wrong = |what: &str| {
        Err(Error::new(MCP_INVALID_MESSAGE, format!("the server's response to {} contains {what}", list.method())))
    };
    match (kind(list.member()), kind("nextCursor")) {
        (Some(Kind::Array), None | Some(Kind::Null | Kind::String)) => Ok(()),
        (Some(Kind::Array), _) => wrong("a cursor that is not a string"),
        _ => wrong(&format!("no list of {}", list.member())),
    }
}

/// The cursor of the next page, as JSON text. An empty string is a valid cursor.
fn next_cursor(page: &Json) -> Option<String> {
    let cursor = page.raw_member("nextCursor").filter(|cursor| cursor.kind() == Kind::String);
    cursor.map(|cursor| cursor.raw().to_owned())
}

/// Appends the JSON text of a page's elements.
fn append_elements(elements: &mut String, page: &Json, list: ListMethod) {
    let array = page.raw_member(list.member()).filter(|array| array.kind() == Kind::Array);
    let added = array.map(|array| array.raw()[1..array.raw().len() - 1].trim_ascii()).filter(|added| !added.is_empty());
    let Some(added) = added else { return };
    if !elements.is_empty() {
        elements.push(',');
    }
    elements.push_str(added);
}

/// A copy of the page with `array` as its list, and without the member `removed`.
pub(in crate::client) fn with_list(page: &Json, list: ListMethod, array: &str, removed: Option<&str>) -> Result<Json> {
    let text = json_scanner::with_member(page.text(), list.member(), array, removed);
    let page = text.map_err(|InvalidJson| "a page is not an object".to_owned()).and_then(Json::parse);
    page.map_err(|why| Error::new(MCP_INTERNAL, why))
}

fn combined(first: &Json, list: ListMethod, elements: &str) -> Result<Json> {
    with_list(first, list, &format!("[{elements}]"), Some("nextCursor"))
}
