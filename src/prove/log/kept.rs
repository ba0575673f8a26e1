//! What is kept of a log on disk: its head and its tail, and one line in between that says what was left out.
//!
//! The head is the log's file itself. The tail is written to numbered pieces beside it, of which the oldest are removed, and is put
//! behind the head at the end; so a killed gate leaves both on disk. What is kept is a function of the bytes alone, never of how they
//! were cut into writes.
//!
//! Deliberately absent: what the bytes mean.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

/// How much is kept, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) head: u64,
    pub(super) tail: u64,
    /// A piece of the tail. The last but one is removed when the tail is whole without it.
    pub(super) piece: u64,
}

/// Together with the piece that is being copied at the end: 20 MiB on disk at most.
pub(super) const SIZES: Sizes = Sizes { head: 8 << 20, tail: 8 << 20, piece: 2 << 20 };

/// How far from the cut the end of a line is looked for, so that no line is kept by half.
const EDGE: usize = 4096;

/// A log on disk while it is written.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    sizes: Sizes,
    head: File,
    in_head: u64,
    pieces: VecDeque<Piece>,
    next_piece: u32,
    left_out: LeftOut,
    finished: bool,
}

/// One file of the tail.
#[derive(Debug)]
struct Piece {
    path: PathBuf,
    file: File,
    length: u64,
    lines: u64,
}

/// What is not kept.
#[derive(Debug, Default)]
struct LeftOut {
    bytes: u64,
    lines: u64,
}

impl LeftOut {
    fn note(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.lines += line_ends(bytes);
    }
}

impl Kept {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Kept::with(path, SIZES)
    }

    pub(super) fn with(path: &Path, sizes: Sizes) -> io::Result<Self> {
        Ok(Kept {
            path: path.to_owned(),
            sizes,
            head: private_file(path)?,
            in_head: 0,
            pieces: VecDeque::new(),
            next_piece: 1,
            left_out: LeftOut::default(),
            finished: false,
        })
    }

    /// Adds bytes; they are in a file when this returns.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = usize::try_from(self.sizes.head - self.in_head).unwrap_or(usize::MAX);
        let (head, mut rest) = bytes.split_at(bytes.len().min(room));
        self.head.write_all(head)?;
        self.in_head += head.len() as u64;
        while !rest.is_empty() {
            if self.pieces.back().is_none_or(|piece| piece.length == self.sizes.piece) {
                self.new_piece()?;
            }
            let piece = self.pieces.back_mut().expect("one was just made where there was none");
            let room = usize::try_from(self.sizes.piece - piece.length).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(rest.len().min(room));
            piece.file.write_all(now)?;
            piece.length += now.len() as u64;
            piece.lines += line_ends(now);
            rest = later;
        }
        Ok(())
    }

    fn new_piece(&mut self) -> io::Result<()> {
        let held: u64 = self.pieces.iter().skip(1).map(|piece| piece.length).sum();
        if held >= self.sizes.tail
            && let Some(oldest) = self.pieces.pop_front()
        {
            fs::remove_file(&oldest.path)?;
            self.left_out.bytes += oldest.length;
            self.left_out.lines += oldest.lines;
        }
        let path = piece_path(&self.path, self.next_piece);
        self.next_piece += 1;
        let file = private_file(&path)?;
        self.pieces.push_back(Piece { path, file, length: 0, lines: 0 });
        Ok(())
    }

    /// Puts the tail behind the head and removes its pieces. Done once; a second time it does nothing.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        let held: u64 = self.pieces.iter().map(|piece| piece.length).sum();
        let mut surplus = held.saturating_sub(self.sizes.tail);
        if self.left_out.bytes + surplus > 0 {
            self.cut_head_at_a_line()?;
        }
        let mut told = self.left_out.bytes + surplus == 0;
        while let Some(mut piece) = self.pieces.pop_front() {
            let mut bytes = Vec::new();
            piece.file.seek(SeekFrom::Start(0))?;
            piece.file.read_to_end(&mut bytes)?;
            let skipped = usize::try_from(surplus).map_or(bytes.len(), |surplus| surplus.min(bytes.len()));
            surplus -= skipped as u64;
            let (over, mut kept) = bytes.split_at(skipped);
            self.left_out.note(over);
            if !told && !kept.is_empty() {
                let edge = kept[..kept.len().min(EDGE)].find_byte(b'\n').map_or(0, |end| end + 1);
                let (half_a_line, whole) = kept.split_at(edge);
                self.left_out.note(half_a_line);
                kept = whole;
                let LeftOut { bytes, lines } = self.left_out;
                self.head
                    .write_all(format!("\n{GAP_START}{bytes} bytes in {lines} lines left out{GAP_END}\n").as_bytes())?;
                told = true;
            }
            self.head.write_all(kept)?;
            fs::remove_file(&piece.path)?;
        }
        Ok(())
    }

    /// Takes the last line out of the head where it is not whole.
    fn cut_head_at_a_line(&mut self) -> io::Result<()> {
        let from = self.in_head.saturating_sub(EDGE as u64);
        self.head.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&self.head).take(EDGE as u64).read_to_end(&mut bytes)?;
        if let Some(end) = bytes.rfind_byte(b'\n') {
            // Without its line end: the line that tells what was left out starts with one.
            self.left_out.bytes += (bytes.len() - end - 1) as u64;
            self.in_head = from + end as u64;
            self.head.set_len(self.in_head)?;
        }
        self.head.seek(SeekFrom::End(0))?;
        Ok(())
    }
}

/// How the line begins that stands between head and tail.
const GAP_START: &str = "[proof-gate: ";
const GAP_END: &str = " here]";

/// Where the pieces of a log's tail lie while it is written.
pub(super) fn piece_path(log: &Path, number: u32) -> PathBuf {
    let mut path = OsString::from(log);
    path.push(format!(".tail-{number:06}"));
    path.into()
}

fn private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    // A umask can only take bits away, the owner's too.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
