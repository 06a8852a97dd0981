//! HTTP/1.1 at the byte level: heads, body framing, and a buffered reader for both.

pub mod body;
pub mod head;
pub mod source;

pub use body::{Framing, Scanner};
pub use head::Head;
pub use source::Source;
