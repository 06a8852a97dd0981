//! The edge between C and Rust: the types of what C passes in, and what the files of the boundary share.
//!
//! Exports take these types in place of pointers, and need no `unsafe` for them. Each has the layout of the C type that the header
//! shows (build.rs puts that in its place for cbindgen). C makes them by calling an export; in Rust, making one is unsafe. Either
//! way it is a promise: the pointer is NULL, or what the header asks for, until the export returns.
//!
//! For an object that the header calls const, and for one that nobody else uses meanwhile, exports take `Option<&T>` and
//! `Option<&mut T>`; for one that they free, `Option<Box<T>>`.

use std::ffi::{CStr, CString, c_char};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::error::{Error, Result};
use crate::protocol::json::MAX_TEXT;
use crate::status::{MCP_BUFFER_TOO_SMALL, MCP_INVALID_ARGUMENT};
use crate::sys::panics::caught;
use crate::sys::text::utf8_slice;

/// An object that is not const in the header, and that several threads may use at once: `T *`.
#[repr(transparent)]
pub struct SharedHandle<'a, T>(*mut T, PhantomData<&'a T>);

impl<'a, T> SharedHandle<'a, T> {
    /// # Safety
    /// `object` is NULL, or alive for `'a`.
    pub const unsafe fn new(object: *mut T) -> SharedHandle<'a, T> {
        SharedHandle(object, PhantomData)
    }

    /// The object; `None` for NULL.
    pub fn object(self) -> Option<&'a T> {
        // SAFETY: NULL, or alive for 'a.
        unsafe { self.0.as_ref() }
    }

    /// The object; NULL is an error.
    pub fn required(self, what: &str) -> Result<&'a T> {
        given(self.object(), what)
    }

    /// For what takes an object back.
    pub fn pointer(self) -> *mut T {
        self.0
    }
}

/// A NUL-terminated text: `const char *`.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct CText<'a>(*const c_char, PhantomData<&'a CStr>);

impl<'a> CText<'a> {
    /// # Safety
    /// `start` is NULL or NUL-terminated, and the text stays as it is for `'a`.
    pub const unsafe fn new(start: *const c_char) -> CText<'a> {
        CText(start, PhantomData)
    }

    /// The text; NULL is an error.
    pub fn required(self, what: &str) -> Result<&'a str> {
        given(self.optional(what)?, what)
    }

    /// The text, where NULL has a meaning.
    pub fn optional(self, what: &str) -> Result<Option<&'a str>> {
        if self.0.is_null() {
            return Ok(None);
        }
        // SAFETY: not NULL, so NUL-terminated.
        let bytes = unsafe { CStr::from_ptr(self.0) };
        bytes.to_str().map(Some).map_err(|_| not_utf8(what))
    }
}

/// A text whose length is an argument of the same function: `const char *`.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct SizedText<'a>(*const c_char, PhantomData<&'a [u8]>);

impl<'a> SizedText<'a> {
    /// # Safety
    /// `start` is NULL, or readable for as many bytes as the [`BufferSize`] beside it says, or NUL-terminated where that is `usize::MAX`;
    /// and the text stays as it is for `'a`.
    pub const unsafe fn new(start: *const c_char) -> SizedText<'a> {
        SizedText(start, PhantomData)
    }

    /// The text; NULL is an error.
    pub fn required(self, length: BufferSize, what: &str) -> Result<&'a str> {
        let BufferSize(length) = length;
        if length == usize::MAX {
            // SAFETY: NULL or NUL-terminated, as the length says.
            return unsafe { CText::new(self.0) }.required(what);
        }
        if self.0.is_null() {
            return Err(null(what));
        }
        if length > MAX_TEXT {
            return Err(Error::new(
                MCP_INVALID_ARGUMENT,
                format!("{what} of {length} bytes is larger than {MAX_TEXT}"),
            ));
        }
        // SAFETY: not NULL, so readable for the length that came with it.
        let bytes = unsafe { std::slice::from_raw_parts(self.0.cast::<u8>(), length) };
        utf8_slice(bytes).map_err(|_| not_utf8(what))
    }

    /// The text, where NULL has a meaning.
    pub fn optional(self, length: BufferSize, what: &str) -> Result<Option<&'a str>> {
        if self.0.is_null() { Ok(None) } else { self.required(length, what).map(Some) }
    }
}

/// The size of the text or the buffer that the same function takes: `size_t`. No function takes two of them.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct BufferSize(usize);

impl BufferSize {
    /// # Safety
    /// What comes with it has that size, as [`SizedText`] and [`OutBuffer`] say.
    pub const unsafe fn new(size: usize) -> BufferSize {
        BufferSize(size)
    }
}

/// An array of NUL-terminated texts, with a NULL behind the last one: `const char *const *`.
#[repr(transparent)]
pub struct TextArray<'a>(*const *const c_char, PhantomData<&'a CStr>);

impl TextArray<'_> {
    /// Copies of the texts; NULL is an array without any.
    pub fn texts(self, what: &str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        if self.0.is_null() {
            return Ok(texts);
        }
        loop {
            // SAFETY: everything before the NULL may be read, and so may the NULL; each is NULL or NUL-terminated.
            let next = unsafe { CText::new(*self.0.add(texts.len())) };
            match next.optional(what)? {
                Some(text) => texts.push(text.to_owned()),
                None => return Ok(texts),
            }
        }
    }
}

/// Where the caller wants a value, `T *`: NULL, or memory that has room for one and perhaps holds none yet.
#[repr(transparent)]
pub struct OutParam<'a, T>(*mut T, PhantomData<&'a mut MaybeUninit<T>>);

impl<'a, T> OutParam<'a, T> {
    /// # Safety
    /// `place` is NULL, or can be written to and is used by nobody else for `'a`.
    pub const unsafe fn new(place: *mut T) -> OutParam<'a, T> {
        OutParam(place, PhantomData)
    }

    /// The memory; `None` for NULL.
    pub fn get(&mut self) -> Option<&mut MaybeUninit<T>> {
        // SAFETY: NULL, or writable and used by nobody else; `MaybeUninit` may hold anything.
        unsafe { self.0.cast::<MaybeUninit<T>>().as_mut() }
    }

    /// The memory; NULL is an error.
    pub fn required(&mut self, what: &str) -> Result<&mut MaybeUninit<T>> {
        given(self.get(), what)
    }

    /// Sets the value, unless the caller does not want it.
    pub fn put(&mut self, value: T) {
        if let Some(place) = self.get() {
            place.write(value);
        }
    }
}

/// A buffer of the caller's whose capacity is an argument of the same function: `T *`, for bytes whatever `T` is.
#[repr(transparent)]
pub struct OutBuffer<'a, T>(*mut T, PhantomData<&'a mut [MaybeUninit<u8>]>);

impl<'a, T> OutBuffer<'a, T> {
    /// # Safety
    /// `start` is NULL, or can be written to for as many bytes as the [`BufferSize`] beside it says, and is used by nobody else for `'a`.
    pub const unsafe fn new(start: *mut T) -> OutBuffer<'a, T> {
        OutBuffer(start, PhantomData)
    }

    /// Whether it has room for that many bytes.
    pub fn holds(&self, BufferSize(capacity): BufferSize, bytes: usize) -> bool {
        bytes <= capacity && !self.0.is_null()
    }

    /// Its first bytes, as many as are needed; an error where it has fewer.
    pub fn first(self, capacity: BufferSize, needed: usize) -> Result<&'a mut [MaybeUninit<u8>]> {
        let holds = self.holds(capacity, needed);
        let BufferSize(capacity) = capacity;
        if capacity > 0 && self.0.is_null() {
            return Err(null("buffer"));
        }
        if capacity < needed {
            let why = format!("{needed} bytes are needed, the buffer has {capacity}");
            return Err(Error::new(MCP_BUFFER_TOO_SMALL, why));
        }
        if !holds {
            // A NULL buffer of capacity 0, for nothing.
            return Ok(&mut []);
        }
        // SAFETY: not NULL, writable for the capacity that came with it, and used by nobody else.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0.cast::<MaybeUninit<u8>>(), needed) })
    }
}

/// An argument that may not be NULL.
pub fn given<T>(argument: Option<T>, what: &str) -> Result<T> {
    argument.ok_or_else(|| null(what))
}

/// The error for an argument that is NULL.
pub fn null(what: &str) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, format!("{what} is NULL"))
}

fn not_utf8(what: &str) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, format!("{what} is not valid UTF-8"))
}

/// For C: a NUL inside, which C would take for the end, becomes U+FFFD.
pub fn c_string(text: impl Into<String>) -> CString {
    CString::new(text.into()).unwrap_or_else(|refused| {
        let text = String::from_utf8_lossy(&refused.into_vec()).replace('\0', "\u{FFFD}");
        CString::new(text).unwrap_or_default()
    })
}

/// Runs the body of an export that cannot report a failure.
pub fn guard_quiet<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    caught(body).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_value_for_a_failure() {
        assert_eq!(guard_quiet(7, || panic!("again")), 7);
    }

    #[test]
    fn a_text_has_the_length_that_is_given_or_ends_with_a_nul() {
        let text = SizedText(c"abc".as_ptr(), PhantomData);
        assert_eq!(text.required(BufferSize(2), "it").ok(), Some("ab"));
        assert_eq!(text.required(BufferSize(usize::MAX), "it").ok(), Some("abc"));
        let error = text.required(BufferSize(MAX_TEXT + 1), "it").unwrap_err();
        assert!(error.to_string().starts_with("it of 4294967296 bytes"), "{error}");
        let none = SizedText(std::ptr::null(), PhantomData);
        assert!(matches!(none.optional(BufferSize(3), "it"), Ok(None)));
        for length in [0, 3, usize::MAX] {
            assert_eq!(none.required(BufferSize(length), "it").unwrap_err().to_string(), "it is NULL");
        }
        assert!(SizedText(c"a\xFF".as_ptr(), PhantomData).required(BufferSize(2), "it").is_err());
    }

    #[test]
    fn an_array_of_texts_ends_with_null() {
        let array = [c"a".as_ptr(), c"".as_ptr(), std::ptr::null()];
        assert_eq!(TextArray(array.as_ptr(), PhantomData).texts("it").unwrap(), ["a", ""]);
        assert!(TextArray(std::ptr::null(), PhantomData).texts("it").unwrap().is_empty());
    }

    #[test]
    fn a_buffer_gives_what_is_needed_and_no_more() {
        let mut memory = [0u8; 4];
        let start = memory.as_mut_ptr();
        let buffer = |start| OutBuffer::<u8>(start, PhantomData);
        assert_eq!(buffer(start).first(BufferSize(4), 3).unwrap().len(), 3);
        assert_eq!(buffer(start).first(BufferSize(4), 5).unwrap_err().status(), MCP_BUFFER_TOO_SMALL);
        let none = std::ptr::null_mut();
        assert_eq!(buffer(none).first(BufferSize(0), 0).unwrap().len(), 0);
        assert_eq!(buffer(none).first(BufferSize(0), 1).unwrap_err().status(), MCP_BUFFER_TOO_SMALL);
        assert_eq!(buffer(none).first(BufferSize(4), 1).unwrap_err().to_string(), "buffer is NULL");
    }
}
