//! The argument types of the exported functions, and helpers that the files of this folder share.
//!
//! Exported functions take these types instead of pointers, and need no `unsafe` to use them. Each type has the layout
//! of the C type that the header shows (build.rs replaces it for cbindgen). C code creates them by calling a function;
//! Rust code needs `unsafe`. Both promise that the pointer is NULL, or as the header requires until the function
//! returns.
//!
//! For an object that is const in the header, functions take `Option<&T>`; for an object that no other thread uses
//! meanwhile, `Option<&mut T>`; for an object that they free, `Option<Box<T>>`.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char, c_void};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::error::{Error, Result};
use crate::protocol::json::MAX_TEXT;
use crate::status::{MCP_BUFFER_TOO_SMALL, MCP_INVALID_ARGUMENT};
use crate::sys::panics::caught_briefly;
use crate::sys::text::utf8_slice;

/// `T *`: an object that is not const in the header, and that several threads may use at the same
/// time.
#[repr(transparent)]
pub struct SharedHandle<'a, T>(*mut T, PhantomData<&'a T>);

impl<'a, T> SharedHandle<'a, T> {
    /// # Safety
    ///
    /// `object` is NULL, or valid for `'a`.
    pub const unsafe fn new(object: *mut T) -> SharedHandle<'a, T> {
        SharedHandle(object, PhantomData)
    }

    /// The object; `None` for NULL.
    pub fn object(self) -> Option<&'a T> {
        // SAFETY: NULL, or valid for 'a.
        unsafe { self.0.as_ref() }
    }

    /// The object; NULL is an error.
    pub fn required(self, what: &str) -> Result<&'a T> {
        not_null(self.object(), what)
    }

    /// The pointer, to free the object.
    pub fn pointer(self) -> *mut T {
        self.0
    }
}

/// `const char *`: a NUL-terminated text.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct CText<'a>(*const c_char, PhantomData<&'a CStr>);

impl<'a> CText<'a> {
    /// # Safety
    ///
    /// `start` is NULL or NUL-terminated, and the text does not change for `'a`.
    pub const unsafe fn new(start: *const c_char) -> CText<'a> {
        CText(start, PhantomData)
    }

    /// The text; NULL is an error.
    pub fn required(self, what: &str) -> Result<&'a str> {
        not_null(self.optional(what)?, what)
    }

    /// The text; `None` for NULL.
    pub fn optional(self, what: &str) -> Result<Option<&'a str>> {
        let text = self.bytes().map(str::from_utf8).transpose();
        text.map_err(|_| not_utf8(what))
    }

    /// The bytes before the NUL, which are perhaps not UTF-8; `None` for NULL.
    pub fn bytes(self) -> Option<&'a [u8]> {
        // SAFETY: NUL-terminated if it is not NULL.
        (!self.0.is_null()).then(|| unsafe { CStr::from_ptr(self.0) }.to_bytes())
    }
}

/// `const char *`: a text whose length is another argument of the same function.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct SizedText<'a>(*const c_char, PhantomData<&'a [u8]>);

impl<'a> SizedText<'a> {
    /// # Safety
    ///
    /// `start` is NULL, or readable for the number of bytes in the function's [`BufferSize`], or
    /// NUL-terminated if that is `usize::MAX`. The text does not change for `'a`.
    pub const unsafe fn new(start: *const c_char) -> SizedText<'a> {
        SizedText(start, PhantomData)
    }

    /// The text; NULL is an error.
    pub fn required(self, length: BufferSize, what: &str) -> Result<&'a str> {
        let BufferSize(length) = length;
        if length == usize::MAX {
            // SAFETY: NULL or NUL-terminated, because of this length.
            return unsafe { CText::new(self.0) }.required(what);
        }
        // SAFETY: NULL, or readable for this length.
        let bytes = unsafe { slice(self.0.cast(), length, what) }?;
        utf8_slice(bytes).map_err(|_| not_utf8(what))
    }

    /// The text; `None` for NULL.
    pub fn optional(self, length: BufferSize, what: &str) -> Result<Option<&'a str>> {
        if self.0.is_null() { Ok(None) } else { self.required(length, what).map(Some) }
    }
}

/// `const void *`: bytes whose number is another argument of the same function.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct SizedBytes<'a>(*const c_void, PhantomData<&'a [u8]>);

impl<'a> SizedBytes<'a> {
    /// # Safety
    ///
    /// `start` is NULL, or readable for the number of bytes in the function's [`BufferSize`], which do
    /// not change for `'a`.
    pub const unsafe fn new(start: *const c_void) -> SizedBytes<'a> {
        SizedBytes(start, PhantomData)
    }

    /// The bytes; NULL is an error, unless there are none.
    pub fn get(self, BufferSize(length): BufferSize, what: &str) -> Result<&'a [u8]> {
        if length == 0 {
            return Ok(&[]);
        }
        // SAFETY: NULL, or readable for this length.
        unsafe { slice(self.0.cast(), length, what) }
    }
}

/// The bytes of an argument; an error if it is NULL or too long.
///
/// # Safety
///
/// `start` is NULL, or readable for `length` bytes, which do not change for `'a`.
unsafe fn slice<'a>(start: *const u8, length: usize, what: &str) -> Result<&'a [u8]> {
    if start.is_null() {
        return Err(null_error(what));
    }
    // No slice may be longer than `isize::MAX`, which is less where pointers have 32 bits.
    if length > MAX_TEXT.min(isize::MAX as usize) {
        return Err(Error::new(MCP_INVALID_ARGUMENT, format!("{what} of {length} bytes is larger than {MAX_TEXT}")));
    }
    // SAFETY: not NULL, so readable for this length.
    Ok(unsafe { std::slice::from_raw_parts(start, length) })
}

/// `size_t`: the size of the text or buffer of the same function. No function takes two of them.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct BufferSize(usize);

impl BufferSize {
    /// # Safety
    ///
    /// The text or buffer of the same function has this size, as [`SizedText`], [`SizedBytes`] and
    /// [`OutBuffer`] describe.
    pub const unsafe fn new(size: usize) -> BufferSize {
        BufferSize(size)
    }
}

/// `const char *const *`: an array of NUL-terminated texts, followed by NULL.
#[repr(transparent)]
pub struct TextArray<'a>(*const *const c_char, PhantomData<&'a CStr>);

impl TextArray<'_> {
    /// Copies of the texts; none for NULL.
    pub fn texts(self, what: &str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        if self.0.is_null() {
            return Ok(texts);
        }
        loop {
            // SAFETY: the array is readable up to and including its NULL, and each element before is NUL-terminated.
            let next = unsafe { CText::new(*self.0.add(texts.len())) };
            match next.optional(what)? {
                Some(text) => texts.push(text.to_owned()),
                None => return Ok(texts),
            }
        }
    }
}

/// `T *`: an output parameter, which is NULL or points to memory for a value, initialized or not.
#[repr(transparent)]
pub struct OutParam<'a, T>(*mut T, PhantomData<&'a mut MaybeUninit<T>>);

impl<'a, T> OutParam<'a, T> {
    /// # Safety
    ///
    /// `place` is NULL, or writable and not used by anything else for `'a`.
    pub const unsafe fn new(place: *mut T) -> OutParam<'a, T> {
        OutParam(place, PhantomData)
    }

    /// The memory; `None` for NULL.
    pub fn get(&mut self) -> Option<&mut MaybeUninit<T>> {
        // SAFETY: NULL, or writable and not used by anything else; a `MaybeUninit` may be uninitialized.
        unsafe { self.0.cast::<MaybeUninit<T>>().as_mut() }
    }

    /// The memory; NULL is an error.
    pub fn required(&mut self, what: &str) -> Result<&mut MaybeUninit<T>> {
        not_null(self.get(), what)
    }

    /// Sets the value, unless the pointer is NULL.
    pub fn put(&mut self, value: T) {
        if let Some(place) = self.get() {
            place.write(value);
        }
    }
}

/// `T *`: an output buffer for bytes, whose capacity is another argument of the same function. `T`
/// has no influence.
#[repr(transparent)]
pub struct OutBuffer<'a, T>(*mut T, PhantomData<&'a mut [MaybeUninit<u8>]>);

impl<'a, T> OutBuffer<'a, T> {
    /// # Safety
    ///
    /// `start` is NULL, or writable for the number of bytes in the function's [`BufferSize`] and not
    /// used by anything else for `'a`.
    pub const unsafe fn new(start: *mut T) -> OutBuffer<'a, T> {
        OutBuffer(start, PhantomData)
    }

    /// Whether the buffer has room for this number of bytes.
    pub fn holds(&self, BufferSize(capacity): BufferSize, bytes: usize) -> bool {
        bytes <= capacity && !self.0.is_null()
    }

    /// The first `needed` bytes of the buffer; an error if it has fewer.
    pub fn first(self, capacity: BufferSize, needed: usize) -> Result<&'a mut [MaybeUninit<u8>]> {
        let holds = self.holds(capacity, needed);
        let BufferSize(capacity) = capacity;
        if capacity > 0 && self.0.is_null() {
            return Err(null_error("buffer"));
        }
        if capacity < needed {
            let why = format!("{needed} bytes are needed, the buffer has {capacity}");
            return Err(Error::new(MCP_BUFFER_TOO_SMALL, why));
        }
        if !holds {
            // A NULL buffer of capacity 0, and no bytes are needed.
            return Ok(&mut []);
        }
        // SAFETY: not NULL, writable for this capacity, and not used by anything else.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0.cast::<MaybeUninit<u8>>(), needed) })
    }
}

/// The value of an argument that must not be NULL.
pub fn not_null<T>(argument: Option<T>, what: &str) -> Result<T> {
    argument.ok_or_else(|| null_error(what))
}

/// The error for an argument that is NULL.
pub fn null_error(what: &str) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, format!("{what} is NULL"))
}

fn not_utf8(what: &str) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, format!("{what} is not valid UTF-8"))
}

/// A text for C. An embedded NUL, which would end the text in C, becomes U+FFFD.
pub fn c_string<'a>(text: impl Into<Cow<'a, str>>) -> CString {
    // A borrowed text is copied once, together with its NUL.
    let text = match text.into() {
        Cow::Borrowed(text) => CString::new(text),
        Cow::Owned(text) => CString::new(text),
    };
    text.unwrap_or_else(|refused| {
        let text = String::from_utf8_lossy(&refused.into_vec()).replace('\0', "\u{FFFD}");
        CString::new(text).unwrap_or_default()
    })
}

/// Runs the body of an exported function that cannot report an error; returns `default` if it
/// panics.
pub fn guard_quiet<T>(default: T, body: impl FnOnce() -> T) -> T {
    caught_briefly(body).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_returns_the_default() {
        assert_eq!(guard_quiet(7, || panic!("again")), 7);
    }

    #[test]
    fn a_sized_text_has_the_given_length_or_ends_with_a_nul() {
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
    fn sized_bytes_have_the_given_length_and_may_be_null_only_if_there_are_none() {
        let bytes = SizedBytes(c"a\xFFb".as_ptr().cast(), PhantomData);
        assert_eq!(bytes.get(BufferSize(2), "it").ok(), Some(b"a\xFF".as_slice()));
        for length in [isize::MAX as usize + 1, usize::MAX - 1, usize::MAX] {
            assert_eq!(bytes.get(BufferSize(length), "it").unwrap_err().status(), MCP_INVALID_ARGUMENT);
        }
        let none = SizedBytes(std::ptr::null(), PhantomData);
        assert_eq!(none.get(BufferSize(0), "it").ok(), Some(b"".as_slice()));
        assert_eq!(none.get(BufferSize(1), "it").unwrap_err().to_string(), "it is NULL");
    }

    #[test]
    fn an_array_of_texts_ends_at_null() {
        let array = [c"a".as_ptr(), c"".as_ptr(), std::ptr::null()];
        assert_eq!(TextArray(array.as_ptr(), PhantomData).texts("it").unwrap(), ["a", ""]);
        assert!(TextArray(std::ptr::null(), PhantomData).texts("it").unwrap().is_empty());
    }

    #[test]
    fn a_buffer_returns_exactly_the_needed_bytes() {
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
