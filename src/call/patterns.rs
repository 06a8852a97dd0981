//! Finding many texts in another one, in one pass (Aho and Corasick, 1975): the time does not depend on how many there are, and a
//! server chooses some of them.

use zeroize::Zeroize;

/// What is looked for, as a tree: each node is a byte, and each path from the root the beginning of a pattern.
pub struct SecretPatterns {
    nodes: Vec<PatternNode>,
    /// The children of the root.
    first: [u32; 256],
}

#[derive(Clone, Copy, Default)]
struct PatternNode {
    byte: u8,
    /// How many bytes the path has.
    depth: u32,
    /// The length of the longest pattern that ends here; zero for none.
    longest: u32,
    /// Another node, or zero for none: the root is nobody's child and fails nowhere.
    child: u32,
    sibling: u32,
    /// The end of the longest other path that this one ends in.
    fail: u32,
}

impl SecretPatterns {
    pub fn new<'a>(patterns: impl Iterator<Item = &'a str> + Clone) -> SecretPatterns {
        // With room for all: what grows leaves copies behind.
        let most = 1 + patterns.clone().map(str::len).sum::<usize>();
        let mut made = SecretPatterns { nodes: Vec::with_capacity(most), first: [0; 256] };
        made.nodes.push(PatternNode::default());
        patterns.for_each(|pattern| made.add(pattern.as_bytes()));
        made.link();
        made
    }

    fn add(&mut self, pattern: &[u8]) {
        let mut at = 0;
        for (depth, byte) in (1..).zip(pattern) {
            at = match self.child(at, *byte) {
                0 => self.add_child(at, *byte, depth),
                child => child,
            };
        }
        self.nodes[at as usize].longest = self.nodes[at as usize].depth;
    }

    fn add_child(&mut self, parent: u32, byte: u8, depth: u32) -> u32 {
        let at = self.nodes.len() as u32;
        let sibling = std::mem::replace(&mut self.nodes[parent as usize].child, at);
        self.nodes.push(PatternNode { byte, depth, sibling, ..PatternNode::default() });
        if parent == 0 {
            self.first[usize::from(byte)] = at;
        }
        at
    }

    fn child(&self, parent: u32, byte: u8) -> u32 {
        if parent == 0 {
            return self.first[usize::from(byte)];
        }
        let mut at = self.nodes[parent as usize].child;
        while at != 0 && self.nodes[at as usize].byte != byte {
            at = self.nodes[at as usize].sibling;
        }
        at
    }

    /// Sets where each node fails to, from the root on.
    fn link(&mut self) {
        let mut waiting = std::collections::VecDeque::from([0]);
        while let Some(parent) = waiting.pop_front() {
            let mut at = self.nodes[parent as usize].child;
            while at != 0 {
                let PatternNode { byte, sibling, .. } = self.nodes[at as usize];
                let fail = if parent == 0 { 0 } else { self.step(self.nodes[parent as usize].fail, byte) };
                let shorter = self.nodes[fail as usize].longest;
                let node = &mut self.nodes[at as usize];
                node.fail = fail;
                node.longest = node.longest.max(shorter);
                waiting.push_back(at);
                at = sibling;
            }
        }
    }

    fn step(&self, mut at: u32, byte: u8) -> u32 {
        loop {
            match self.child(at, byte) {
                0 if at == 0 => return 0,
                0 => at = self.nodes[at as usize].fail,
                child => return child,
            }
        }
    }

    /// Calls `found` for the longest pattern that ends at each place, with where it begins and ends, until that says to stop. Gives how
    /// many bytes at the end of `text` are the beginning of a pattern.
    pub fn find(&self, text: &[u8], mut found: impl FnMut(usize, usize) -> bool) -> usize {
        let mut at = 0;
        for (end, byte) in (1..).zip(text) {
            at = self.step(at, *byte);
            let longest = self.nodes[at as usize].longest as usize;
            if longest > 0 && !found(end - longest, end) {
                return 0;
            }
        }
        self.nodes[at as usize].depth as usize
    }
}

impl Drop for SecretPatterns {
    fn drop(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.byte.zeroize());
        self.first.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(patterns: &[&str], text: &str) -> (Vec<(usize, usize)>, usize) {
        let mut all = Vec::new();
        let rest = SecretPatterns::new(patterns.iter().copied()).find(text.as_bytes(), |start, end| {
            all.push((start, end));
            true
        });
        (all, rest)
    }

    #[test]
    fn the_longest_pattern_at_each_end_is_found() {
        let (all, rest) = found(&["he", "she", "his", "hers"], "ushers, hishe");
        assert_eq!(all, [(1, 4), (2, 6), (8, 11), (10, 13)]);
        assert_eq!(rest, 3);
        assert_eq!(found(&["abc", "abc", "bcd"], "xabcdab"), (vec![(1, 4), (2, 5)], 2));
        assert_eq!(found(&[], "abc"), (vec![], 0));
        assert_eq!(found(&["é"], "aéb"), (vec![(1, 3)], 0));
        let mut count = 0;
        SecretPatterns::new(["a"].into_iter()).find(b"aaaa", |_, _| {
            count += 1;
            count < 2
        });
        assert_eq!(count, 2, "it stops");
    }

    #[test]
    fn it_finds_what_a_search_for_each_finds() {
        let patterns = ["aa", "ab", "aab", "baa", "abab", "bbbbb", "aabaab"];
        for number in 0..1 << 12 {
            let text: String = (0..12).map(|bit| if number >> bit & 1 == 1 { 'a' } else { 'b' }).collect();
            let mut expected = Vec::new();
            for end in 1..=text.len() {
                let ends =
                    patterns.iter().filter(|pattern| text[..end].ends_with(*pattern)).map(|pattern| pattern.len());
                expected.extend(ends.max().map(|length| (end - length, end)));
            }
            let begins = |length: &usize| patterns.iter().any(|pattern| pattern.starts_with(&text[12 - length..]));
            // A whole pattern counts as the beginning of itself.
            let rest = (1..=12).rev().find(begins).unwrap_or(0);
            assert_eq!(found(&patterns, &text), (expected, rest), "{text}");
        }
    }
}
