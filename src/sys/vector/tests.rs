use std::mem::MaybeUninit;

use super::*;

/// Bytes of all kinds. The period is not a multiple of a block.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 37 % 251) as u8 ^ (at / 251) as u8).collect()
}

/// Sets of positions: none, all, single ones, all but one, prefixes, suffixes, and arbitrary ones.
fn position_sets() -> Vec<u64> {
    let mut sets = vec![0, u64::MAX];
    for at in 0..64 {
        sets.extend([1 << at, !(1 << at), (1 << at) - 1, u64::MAX << at]);
    }
    let mut arbitrary: u64 = 1;
    for _ in 0..200 {
        arbitrary = arbitrary.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sets.push(arbitrary ^ arbitrary >> 29);
    }
    sets
}

/// Applies an operation to a block, with each implementation.
struct Apply<'a, F> {
    bytes: &'a [u8; BLOCK],
    operation: F,
}

trait Operation {
    type Output;

    fn apply<V: Vectors>(&self, vectors: V, block: V::Block) -> Self::Output;
}

impl<F: Operation> Kernel for Apply<'_, F> {
    type Output = F::Output;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> F::Output {
        self.operation.apply(vectors, vectors.load(self.bytes))
    }
}

/// The results of an operation: of the fastest implementation, and of the portable one.
fn results<F: Operation + Copy>(bytes: &[u8; BLOCK], operation: F) -> [F::Output; 2] {
    run_all(|| Apply { bytes, operation })
}

fn mask(bytes: &[u8; BLOCK], is_set: impl Fn(usize, u8) -> bool) -> u64 {
    bytes.iter().enumerate().fold(0, |mask, (at, byte)| mask | u64::from(is_set(at, *byte)) << at)
}

fn initialized(bytes: &[MaybeUninit<u8>]) -> Vec<u8> {
    // SAFETY: the callers initialized the bytes.
    bytes.iter().map(|byte| unsafe { byte.assume_init() }).collect()
}

fn stored<V: Vectors>(vectors: V, block: V::Block) -> Vec<u8> {
    let mut to = [MaybeUninit::uninit(); BLOCK];
    vectors.store(block, &mut to);
    initialized(&to)
}

#[derive(Clone, Copy)]
struct Equal(u8);

impl Operation for Equal {
    type Output = u64;

    fn apply<V: Vectors>(&self, vectors: V, block: V::Block) -> u64 {
        vectors.equal(block, self.0)
    }
}

#[derive(Clone, Copy)]
struct AtMost(u8);

impl Operation for AtMost {
    type Output = u64;

    fn apply<V: Vectors>(&self, vectors: V, block: V::Block) -> u64 {
        vectors.at_most(block, self.0)
    }
}

#[derive(Clone, Copy)]
struct Least([u8; BLOCK]);

impl Operation for Least {
    type Output = Vec<u8>;

    fn apply<V: Vectors>(&self, vectors: V, block: V::Block) -> Vec<u8> {
        stored(vectors, vectors.least(block, vectors.load(&self.0)))
    }
}

#[derive(Clone, Copy)]
struct Remove(usize);

impl Operation for Remove {
    type Output = Vec<u8>;

    fn apply<V: Vectors>(&self, vectors: V, block: V::Block) -> Vec<u8> {
        stored(vectors, vectors.remove(block, self.0))[..BLOCK - 1].to_vec()
    }
}

#[derive(Clone, Copy)]
struct Outside(u64, &'static AsciiClass);

impl Operation for Outside {
    type Output = u64;

    fn apply<V: Vectors>(&self, vectors: V, block: V::Block) -> u64 {
        vectors.outside(block, self.0, self.1)
    }
}

#[derive(Clone, Copy)]
struct Replace(u64, &'static LetterMap);

impl Operation for Replace {
    type Output = Vec<u8>;

    fn apply<V: Vectors>(&self, vectors: V, block: V::Block) -> Vec<u8> {
        stored(vectors, vectors.replace(block, self.0, self.1))
    }
}

#[derive(Clone, Copy)]
struct Compress(u64);

impl Operation for Compress {
    type Output = Vec<u8>;

    fn apply<V: Vectors>(&self, vectors: V, block: V::Block) -> Vec<u8> {
        let mut to = [MaybeUninit::new(0xAA); BLOCK];
        let count = vectors.compress(block, self.0, &mut to);
        initialized(&to[..count])
    }
}

/// Each byte value at each position, among other bytes.
fn all_blocks() -> impl Iterator<Item = [u8; BLOCK]> {
    let positions = (0..=u8::MAX).flat_map(|byte| (0..BLOCK).map(move |at| (byte, at)));
    positions.flat_map(|(byte, at)| {
        [b'a', 0x80].map(|around| {
            let mut block = [around; BLOCK];
            block[at] = byte;
            block
        })
    })
}

#[test]
fn bytes_are_compared() {
    for block in all_blocks() {
        for byte in [b'"', b'\\', 0, 0x7F, 0x80, 0xFF] {
            assert_eq!(results(&block, Equal(byte)), [mask(&block, |_, other| other == byte); 2], "{block:?}");
        }
        for limit in [0, 0x1F, 0x7E] {
            assert_eq!(results(&block, AtMost(limit)), [mask(&block, |_, byte| byte <= limit); 2], "{block:?}");
        }
    }
}

#[test]
fn the_lesser_bytes_are_selected() {
    let [one, other] = [bytes(64), bytes(128).split_off(64)].map(|bytes| *bytes.first_chunk().unwrap());
    let expected: Vec<u8> = one.iter().zip(other).map(|(one, other)| other.min(*one)).collect();
    assert_eq!(results(&one, Least(other)), [expected.clone(), expected]);
}

#[test]
fn one_byte_is_removed() {
    let block = *bytes(64).first_chunk().unwrap();
    for position in 0..BLOCK {
        let mut expected = block.to_vec();
        expected.remove(position);
        assert_eq!(results(&block, Remove(position)), [expected.clone(), expected], "{position}");
    }
}

#[test]
fn bytes_outside_of_a_class_are_found() {
    static CLASS: AsciiClass = AsciiClass::new(b"\0\"\\/bfnrt\x7F");
    for block in all_blocks() {
        for positions in [0, u64::MAX, 0x5555_5555_5555_5555] {
            let is_outside = |at, byte| positions >> at & 1 == 1 && !b"\0\"\\/bfnrt\x7F".contains(&byte);
            assert_eq!(results(&block, Outside(positions, &CLASS)), [mask(&block, is_outside); 2], "{block:?}");
        }
    }
}

#[test]
fn letters_are_replaced() {
    static LETTERS: LetterMap = LetterMap::new(&[(b'b', 1), (b'f', 2), (b'n', 3), (b'r', 4), (b't', 5)]);
    let block: [u8; BLOCK] = std::array::from_fn(|at| b"\"\\/bfnrt\0_"[at % 10]);
    for positions in position_sets() {
        let replaced = |at: usize, byte: u8| match b"bfnrt".iter().position(|letter| *letter == byte) {
            Some(index) if positions >> at & 1 == 1 => index as u8 + 1,
            _ => byte,
        };
        let expected: Vec<u8> = block.iter().enumerate().map(|(at, byte)| replaced(at, *byte)).collect();
        assert_eq!(results(&block, Replace(positions, &LETTERS)), [expected.clone(), expected], "{positions:x}");
    }
}

#[test]
fn selected_bytes_are_written_one_after_another() {
    for block in bytes(300).windows(BLOCK).step_by(30).map(|block| block.first_chunk().unwrap()) {
        for positions in position_sets() {
            let selected = block.iter().enumerate().filter(|(at, _)| positions >> at & 1 == 1);
            let expected: Vec<u8> = selected.map(|(_, byte)| *byte).collect();
            assert_eq!(results(block, Compress(positions)), [expected.clone(), expected], "{positions:x}");
        }
    }
}

/// Writes all bytes in blocks, without the bytes that are zero.
struct WriteAll<'a, 'b, 'c>(&'a [u8], &'b mut ByteWriter<'c>);

impl Kernel for WriteAll<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) {
        for part in self.0.chunks(BLOCK) {
            let (block, all) = load_first(vectors, part);
            self.1.push_block(vectors, block, all & !vectors.equal(block, 0));
        }
    }
}

#[test]
fn a_writer_writes_into_memory_of_the_exact_size() {
    for count in (0..140).chain(250..260) {
        for zeros in [1, 5, 65] {
            let mut from = vec![b'x'; count];
            from.iter_mut().step_by(zeros).for_each(|byte| *byte = 0);
            let expected: Vec<u8> = from.iter().copied().filter(|byte| *byte != 0).collect();
            for portable in [false, true] {
                let write = |to: &mut ByteWriter| match portable {
                    true => WriteAll(&from, to).run(Portable),
                    false => run(WriteAll(&from, to)),
                };
                let mut to = vec![MaybeUninit::new(0xAA); expected.len() + 1];
                assert_eq!(write_to(&mut to[..expected.len()], write), expected.len());
                assert_eq!(initialized(&to), [expected.as_slice(), &[0xAA]].concat());
                assert_eq!(collect(expected.len(), write), expected);
                assert_eq!(collect(count + 100, write), expected);
            }
        }
    }
}

#[test]
#[should_panic(expected = "out of range")]
fn a_writer_panics_if_there_is_too_little_memory() {
    write_to(&mut [MaybeUninit::uninit(); 99], |to| run(WriteAll(&[1; 100], to)));
}
