//! Lists, which come in pages: one of them, or all (2025-11-25 and 2026-07-28, "Pagination").

use super::Client;
use super::call::Call;
use super::exchange::Rules;
use super::operation::Operation;
use crate::error::{Error, Result};
use crate::protocol::json::{Json, Kind, Value};
use crate::protocol::messages::quoted;
use crate::protocol::params::Params;
use crate::status::*;

/// More pages than that are not asked for: a server whose pages never end is broken.
const MOST_PAGES: usize = 10_000;

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Tools,
    Resources,
    ResourceTemplates,
    Prompts,
}

impl List {
    pub fn method(self) -> &'static str {
        match self {
            List::Tools => "tools/list",
            List::Resources => "resources/list",
            List::ResourceTemplates => "resources/templates/list",
            List::Prompts => "prompts/list",
        }
    }

    /// The member of a result that holds the list.
    pub fn member(self) -> &'static str {
        match self {
            List::Tools => "tools",
            List::Resources => "resources",
            List::ResourceTemplates => "resourceTemplates",
            List::Prompts => "prompts",
        }
    }
}

impl Client {
    /// One page: the first, or the one that a cursor leads to.
    pub fn page(&self, call: &Call, list: List, cursor: Option<&str>) -> Result<Json> {
        let mut params = Params::new();
        if let Some(cursor) = cursor {
            params.set("cursor", quoted(cursor));
        }
        let page = self.cached(call, Operation::new(list.method(), params, Rules::REPEATABLE))?;
        check_page(&page, list)?;
        if list == List::Tools { self.without_invalid_tools(call, page) } else { Ok(page) }
    }

    /// All pages as one: the members of the first, and the elements of all.
    pub fn all_pages(&self, call: &Call, list: List) -> Result<Json> {
        let first = self.page(call, list, None)?;
        let Some(mut cursor) = next_cursor(&first) else { return Ok(first) };
        let limit = self.settings.limits().message;
        let mut elements = String::new();
        append(&mut elements, &first, list);
        for _ in 1..MOST_PAGES {
            let page = self.page(call, list, Some(&cursor))?;
            append(&mut elements, &page, list);
            if elements.len() > limit {
                let why = format!("all pages of {} together are larger than {limit} bytes", list.method());
                return Err(Error::new(MCP_TOO_LARGE, why));
            }
            match next_cursor(&page) {
                None => return together(&first, list, &elements),
                Some(next) if next == cursor => {
                    let why = format!("the server's {} leads from a page to the same page again", list.method());
                    return Err(Error::new(MCP_ENDLESS, why));
                }
                Some(next) => cursor = next,
            }
        }
        Err(Error::new(MCP_ENDLESS, format!("{} has more than {MOST_PAGES} pages", list.method())))
    }
}

fn check_page(page: &Json, list: List) -> Result<()> {
    let kind = |name| page.root().member(name).map(Value::kind);
    let wrong = |what: &str| {
        Err(Error::new(MCP_INVALID_MESSAGE, format!("the server's answer to {} holds {what}", list.method())))
    };
    match (kind(list.member()), kind("nextCursor")) {
        (Some(Kind::Array), None | Some(Kind::Null | Kind::String)) => Ok(()),
        (Some(Kind::Array), _) => wrong("a cursor that is no text"),
        _ => wrong(&format!("no list of {}", list.member())),
    }
}

/// Where the next page is. An empty text is a cursor, too.
fn next_cursor(page: &Json) -> Option<String> {
    page.root().member("nextCursor").and_then(Value::text).map(|text| text.into_owned())
}

/// Adds the elements of a page, as they stand in its text.
fn append(elements: &mut String, page: &Json, list: List) {
    let Some(array) = page.root().member(list.member()).filter(|array| array.size() > 0) else { return };
    let raw = array.raw();
    if !elements.is_empty() {
        elements.push(',');
    }
    elements.push_str(&raw[1..raw.len() - 1]);
}

fn together(first: &Json, list: List, elements: &str) -> Result<Json> {
    let mut params = Params::from_object(first.text()).map_err(|why| Error::new(MCP_INVALID_MESSAGE, why))?;
    params.remove("nextCursor");
    params.set(list.member(), format!("[{elements}]"));
    Json::parse(params.to_json()).map_err(|why| Error::new(MCP_INTERNAL, why))
}
