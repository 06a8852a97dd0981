//! Searches a text for many patterns in one pass (Aho and Corasick, 1975). The time does not depend on the number of
//! patterns, because a server chooses some of them.

use zeroize::Zeroize;

/// The patterns as a trie: each node is a byte, and each path from the root is a prefix of a pattern.
pub struct SecretPatterns {
    nodes: Vec<PatternNode>,
    /// The children of the root, by their bytes.
    first: [u32; 256],
}

#[derive(Clone, Copy, Default)]
struct PatternNode {
    byte: u8,
    /// The length of the path from the root.
    depth: u32,
    /// The length of the longest pattern that ends here; zero for none.
    longest: u32,
    /// The index of the first child; zero, the root, for none.
    child: u32,
    /// The index of the next child of the same parent; zero for none.
    sibling: u32,
    /// The failure link: the node of the longest proper suffix of this path that is a path itself; zero, the root, if
    /// it is empty.
    fail: u32,
}

impl SecretPatterns {
    pub fn new<'a>(patterns: impl Iterator<Item = &'a str> + Clone) -> SecretPatterns {
        // Allocate for all nodes: growing the vector would leave copies in memory.
        let capacity = 1 + patterns.clone().map(str::len).sum::<usize>();
        let mut trie = SecretPatterns { nodes: Vec::with_capacity(capacity), first: [0; 256] };
        trie.nodes.push(PatternNode::default());
        patterns.for_each(|pattern| trie.add(pattern.as_bytes()));
        trie.set_failure_links();
        trie
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

    /// Sets the failure links, breadth first.
    fn set_failure_links(&mut self) {
        let mut queue = std::collections::VecDeque::from([0]);
        while let Some(parent) = queue.pop_front() {
            let mut at = self.nodes[parent as usize].child;
            while at != 0 {
                let PatternNode { byte, sibling, .. } = self.nodes[at as usize];
                let fail = if parent == 0 { 0 } else { self.step(self.nodes[parent as usize].fail, byte) };
                let shorter = self.nodes[fail as usize].longest;
                let node = &mut self.nodes[at as usize];
                node.fail = fail;
                node.longest = node.longest.max(shorter);
                queue.push_back(at);
                at = sibling;
            }
        }
    }

    /// The node after reading `byte` at the node `at`.
    fn step(&self, mut at: u32, byte: u8) -> u32 {
        loop {
            match self.child(at, byte) {
                0 if at == 0 => return 0,
                0 => at = self.nodes[at as usize].fail,
                child => return child,
            }
        }
    }

    /// Calls `found` for each position at which a pattern ends, with the start and the end of the longest one, until
    /// `found` returns false. Returns how many bytes at the end of `text` are the beginning of a pattern.
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
        assert_eq!(count, 2, "the search stops");
    }

    #[test]
    fn the_matches_equal_those_of_separate_searches() {
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
            // A whole pattern counts as its own beginning.
            let rest = (1..=12).rev().find(begins).unwrap_or(0);
            assert_eq!(found(&patterns, &text), (expected, rest), "{text}");
        }
    }
}
