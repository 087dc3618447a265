//! Deterministic mutations, for the suites that run the targets without nightly and without chance.

/// Mutations of each seed.
const ROUNDS: usize = 400;

/// Characters that mean something somewhere.
const MARKS: &[u8] = b"\"{}[],.=&%+ \t\n\r\0:@#?\\;~-*/";
/// Longer pieces that hostile input is made of.
const WORDS: &str = "%00 %ff %2 :* // /../ %2e%2e \u{e9} \u{202e} \u{fffd} \\u0000 1e999 \"kid\":\"\", ayb_at_ ayb_rt_ \
    localhost [::1] 127.0.0.1 http:// https:// javascript: &state=x &scope=* openid Basic bearer for= \"\"";

/// Marsaglia's xorshift: the same sequence on every machine.
pub struct Xorshift(u64);

impl Default for Xorshift {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// Changes a text in some of the ways in which hostile input differs from honest input.
    pub fn mutate(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(8) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.insert(at, self.next() as u8),
                4 => bytes.insert(at, MARKS[self.below(MARKS.len())]),
                5 => {
                    let word = WORDS.split(' ').nth(self.below(WORDS.split(' ').count()));
                    drop(bytes.splice(at..at, word.unwrap_or_default().bytes()));
                }
                6 => {
                    let from = self.below(other.len());
                    let piece: Vec<u8> = other[from..].iter().take(self.below(40)).copied().collect();
                    drop(bytes.splice(at..at, piece));
                }
                _ => {
                    let from = self.below(bytes.len());
                    let piece: Vec<u8> = bytes[from..].iter().take(self.below(40)).copied().collect();
                    drop(bytes.splice(at..at, piece));
                }
            }
        }
        bytes
    }
}

/// Runs `check` on every seed and on mutations of it, which also borrow from the other seeds.
pub fn over<S: AsRef<[u8]>>(seeds: &[S], mut check: impl FnMut(&[u8])) {
    let mut random = Xorshift::default();
    for (number, seed) in seeds.iter().enumerate() {
        check(seed.as_ref());
        for round in 0..ROUNDS {
            let other = seeds[(number + round) % seeds.len()].as_ref();
            check(&random.mutate(seed.as_ref(), other));
        }
    }
}
