//! The first policy of a repository, written from what stands in its work tree.
//!
//! Pure: it sees files through [`Files`]. It guesses what may be guessed and says so in comments; what it cannot find out
//! fails until somebody fills it in, so that a starter never proves nothing.

mod project;
mod write;

pub use write::{Starter, write};

/// What a starter may know of the work tree. Paths are relative, with `/`.
pub trait Files {
    /// A file's text, where it is there and readable as UTF-8.
    fn read(&self, path: &str) -> Option<String>;
    /// Whether there is a folder of that name.
    fn has_folder(&self, path: &str) -> bool;

    /// Whether there is a readable file of that name.
    fn has_file(&self, path: &str) -> bool {
        self.read(path).is_some()
    }
}
