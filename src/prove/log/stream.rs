//! Masks a stream that comes in pieces of any size, with bounded memory; what comes out depends on the bytes alone.
//!
//! No secret but a key block spans lines, so a line is decided when its end is there. A line longer than the window is decided in steps
//! that count from its start: a secret is found there wherever it begins if it is no longer than [`LONGEST`].
//!
//! Deliberately absent: what a secret looks like.

use std::io;

use bstr::ByteSlice as _;

use super::masks::{Found, MASK, Masks};

/// Bytes of an unfinished line that are held, at most.
pub(super) const WINDOW: usize = 64 << 10;

/// The longest secret that is surely found in a line longer than the window.
const LONGEST: usize = 16 << 10;

/// Where a key block that has no end is given up: twice the armour of an RSA key of 16384 bits.
const LONGEST_BLOCK: usize = 32 << 10;

/// Takes decided bytes.
pub(in crate::prove) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// A stream on its way to the log.
#[derive(Debug)]
pub(in crate::prove) struct Stream {
    masks: Masks,
    /// Bytes that are not decided yet: an unfinished line, or the end of a long one.
    pending: Vec<u8>,
    /// Bytes of a private key that were swallowed so far, where one is under way.
    block: Option<usize>,
}

impl Stream {
    pub(in crate::prove) fn new(masks: &Masks) -> Self {
        Stream { masks: masks.clone(), pending: Vec::new(), block: None }
    }

    /// Adds bytes and gives those that are decided to `out`.
    pub(in crate::prove) fn push(&mut self, mut bytes: &[u8], out: Sink<'_>) -> io::Result<()> {
        while !bytes.is_empty() {
            let before = self.pending.len();
            let (now, later) = bytes.split_at(bytes.len().min(WINDOW - before));
            self.pending.extend_from_slice(now);
            bytes = later;
            // What waited before holds no line end: it would have been decided.
            match now.rfind_byte(b'\n') {
                Some(end) => self.decide(before + end + 1, before + end + 1, out)?,
                None if self.pending.len() == WINDOW => self.decide(WINDOW, WINDOW - LONGEST, out)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Decides what is left.
    pub(in crate::prove) fn end(&mut self, out: Sink<'_>) -> io::Result<()> {
        let all = self.pending.len();
        if all > 0 { self.decide(all, all, out) } else { Ok(()) }
    }

    /// What waits, masked as if nothing more came.
    pub(super) fn waiting(&self) -> Vec<u8> {
        let mut masked = Vec::new();
        mask(&self.masks, &self.pending, self.pending.len(), &mut self.block.clone(), &mut masked);
        masked
    }

    /// Decides every secret that starts before `sure`; the bytes before `seen` may be looked at for that.
    fn decide(&mut self, seen: usize, sure: usize, out: Sink<'_>) -> io::Result<()> {
        let mut masked = Vec::with_capacity(seen);
        let done = mask(&self.masks, &self.pending[..seen], sure, &mut self.block, &mut masked);
        self.pending.drain(..done);
        out(&masked)
    }
}

/// Writes `text` to `out` with its secrets masked, up to `sure` or the end of the secret that starts before it; gives back how far.
fn mask(masks: &Masks, text: &[u8], sure: usize, block: &mut Option<usize>, out: &mut Vec<u8>) -> usize {
    let mut scan = masks.scan(text);
    let mut at = 0;
    loop {
        if let Some(swallowed) = block {
            let end = swallow(&text[at..], *swallowed);
            *swallowed += end.length();
            at += end.length();
            match end {
                Swallowed::More(_) => return at,
                Swallowed::Whole(_) => {}
                Swallowed::NoKey(_) => out.push(b'\n'),
            }
            *block = None;
        }
        match scan.next(at) {
            Some(found) if found.start() < sure => {
                out.extend_from_slice(&text[at..found.start()]);
                out.extend_from_slice(MASK.as_bytes());
                at = found.end();
                if let Found::KeyBlock(_) = found {
                    *block = Some(0);
                }
            }
            Some(_) | None => {
                out.extend_from_slice(&text[at..sure.max(at)]);
                return sure.max(at);
            }
        }
    }
}

/// What became of the text behind the first line of a private key. All hold how many bytes belong to the key.
pub(super) enum Swallowed {
    /// All of the text does, and more may follow.
    More(usize),
    /// The key's last line was found.
    Whole(usize),
    /// What follows is no key.
    NoKey(usize),
}

impl Swallowed {
    pub(super) fn length(&self) -> usize {
        match self {
            Swallowed::More(length) | Swallowed::Whole(length) | Swallowed::NoKey(length) => *length,
        }
    }
}

/// Swallows lines of a private key. `before`: how many of its bytes went already; none means that `text` starts behind the marker.
pub(super) fn swallow(text: &[u8], before: usize) -> Swallowed {
    let mut at = 0;
    loop {
        let line_end = text[at..].find_byte(b'\n').map(|end| at + end + 1);
        let line = &text[at..line_end.unwrap_or(text.len())];
        if let Some(end) = line.find(b"-----END ") {
            let name = &line[end + 9..];
            let rest = name.find(b"-----").map_or(name.len(), |close| close + 5);
            return Swallowed::Whole(at + end + 9 + rest);
        }
        let is_first = before + at == 0;
        if !is_key_line(line) || before + at > LONGEST_BLOCK {
            // Its line end went with the marker's line, but where the marker itself is followed by words.
            return if is_first { Swallowed::Whole(0) } else { Swallowed::NoKey(at) };
        }
        match line_end {
            Some(end) if end < text.len() => at = end,
            Some(_) | None => return Swallowed::More(text.len()),
        }
    }
}

/// Whether a line can belong to a private key: blank, a header, or without blanks inside; or with a long run of base64 behind some prefix.
fn is_key_line(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let is_header =
        [b"Proc-Type:".as_slice(), b"DEK-Info:", b"Version:", b"Comment:"].iter().any(|name| line.starts_with(name));
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    is_header
        || !line.iter().any(u8::is_ascii_whitespace)
        || line.split(|byte| !is_base64(byte)).any(|run| run.len() >= 32)
}
