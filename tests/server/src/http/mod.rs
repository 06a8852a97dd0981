//! HTTP/1.1 as bytes: heads, body framing, and a buffered source to read both from.

pub mod body;
pub mod head;
pub mod source;

pub use body::{Framing, Scanner};
pub use head::Head;
pub use source::Source;
