//! The text arguments of calls: borrowed while a blocking call runs, copied for a call in a queue.

use crate::error::Result;

/// The arguments of a call in copied form: texts, optional texts, and tuples of them.
pub trait Arguments: Send + 'static {
    type Borrowed<'a>: Copy;

    fn copy_of(borrowed: Self::Borrowed<'_>) -> Self;

    fn borrowed(&self) -> Self::Borrowed<'_>;
}

impl Arguments for () {
    type Borrowed<'a> = ();

    fn copy_of((): ()) {}

    fn borrowed(&self) {}
}

impl Arguments for String {
    type Borrowed<'a> = &'a str;

    fn copy_of(borrowed: &str) -> String {
        borrowed.to_owned()
    }

    fn borrowed(&self) -> &str {
        self
    }
}

impl Arguments for Option<String> {
    type Borrowed<'a> = Option<&'a str>;

    fn copy_of(borrowed: Option<&str>) -> Option<String> {
        borrowed.map(str::to_owned)
    }

    fn borrowed(&self) -> Option<&str> {
        self.as_deref()
    }
}

impl<A: Arguments, B: Arguments> Arguments for (A, B) {
    type Borrowed<'a> = (A::Borrowed<'a>, B::Borrowed<'a>);

    fn copy_of((a, b): Self::Borrowed<'_>) -> (A, B) {
        (A::copy_of(a), B::copy_of(b))
    }

    fn borrowed(&self) -> Self::Borrowed<'_> {
        (self.0.borrowed(), self.1.borrowed())
    }
}

/// Both values, or the first error.
pub fn both<A, B>(first: Result<A>, second: Result<B>) -> Result<(A, B)> {
    Ok((first?, second?))
}
