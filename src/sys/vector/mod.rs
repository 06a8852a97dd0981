//! Operations on blocks of 64 bytes, with the vector instructions of the processor.
//!
//! An algorithm is a [`Kernel`]: it is compiled for each implementation of [`Vectors`], and [`run`] selects the one for
//! this processor. So an algorithm has no unsafe code, and all tests can run it with the portable implementation, too.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod byte_writer;
mod interface;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
#[cfg(any(test, not(all(target_arch = "aarch64", target_endian = "little"))))]
mod portable;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
mod tables;
#[cfg(test)]
mod tests;

pub use byte_writer::{ByteWriter, collect, write_to};
pub use interface::{AsciiClass, BLOCK, Kernel, LetterMap, Vectors, load_first};
#[cfg(test)]
pub use portable::Portable;

/// Runs an algorithm with the fastest implementation that the processor supports.
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = avx2::Avx2::detect() {
        return avx2.run(kernel);
    }
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    return kernel.run(neon::Neon);
    #[cfg(not(all(target_arch = "aarch64", target_endian = "little")))]
    kernel.run(portable::Portable)
}

/// Runs an algorithm with all implementations that the processor supports, and returns all results.
#[cfg(test)]
pub fn run_all<K: Kernel>(mut kernel: impl FnMut() -> K) -> [K::Output; 2] {
    [run(kernel()), kernel().run(portable::Portable)]
}
