//! What a checkout left as it is.

use bstr::BString;

/// Something about a checked out file that whoever judges a proof should know. Paths are those in the whole checkout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// The file holds a pointer to content that LFS stores, and nobody asked for that content.
    PointerLeft {
        /// Its path.
        path: BString,
    },
    /// LFS was asked for, and the file holds a pointer that no attribute gives to LFS: so does every checkout of the commit.
    PointerWithoutAttribute {
        /// Its path.
        path: BString,
    },
    /// An attribute names a filter driver that did not run, because nobody named it.
    FilterLeft {
        /// The driver.
        driver: String,
        /// The file's path.
        path: BString,
    },
}
