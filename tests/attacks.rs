//! Attacks on a server that checks: each is refused in words that name the reason, leaves nothing behind, and has an honest push
//! beside it that goes.
//!
//! Deliberately absent: the client's hook. Whoever attacks pushes without it.

mod fails;
mod logs;
mod names;
mod openpgp;
mod policies;
mod pushes;
mod records;
mod refs;
mod signatures;
