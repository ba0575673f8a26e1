//! Globs of paths, refs and ids: how each kind is read, and sets of them, compiled once and not before they are asked.
//!
//! A path glob is gitignore-like: without a `/` before its end it matches at any depth, else from the top; it takes in
//! everything below what it matches. Folding only ever adds matches. There is deliberately no negation.

use std::sync::OnceLock;

use bstr::{BStr, ByteSlice};
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use unicode_normalization::UnicodeNormalization;

/// What a list of globs is matched against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Paths in a tree.
    Path,
    /// Names of refs that need a proof: whole name or folder of names.
    Ref,
    /// Names of refs that are allowed something: the whole name, byte for byte.
    ExactRef,
    /// Ids of changes: `*` also matches `/`.
    Id,
}

/// The longest glob that is read.
const LONGEST: usize = 512;

/// What is wrong with a glob, as a fragment with a hint.
pub(super) fn check(glob: &str, syntax: Syntax) -> Result<(), (String, Option<String>)> {
    let refuse = |message: &str, hint: &str| Err((format!("{message} '{glob}'"), Some(hint.to_owned())));
    if glob.is_empty() {
        return Err(("empty glob".into(), Some("leave it out, or write '**' for everything".into())));
    }
    if glob.len() > LONGEST {
        return Err((format!("glob of {} bytes, at most {LONGEST} are read", glob.len()), None));
    }
    if glob.contains('\0') {
        return Err(("glob with a NUL byte".into(), None));
    }
    if glob.starts_with('!') {
        return refuse("negated glob", "globs only add; list what you mean (a leading '!' is written '\\!')");
    }
    match syntax {
        Syntax::Path => {
            if glob.starts_with('/') {
                return refuse(
                    "absolute path in glob",
                    "paths begin at the top of the repository: leave the first '/' out",
                );
            }
            let mut parts = glob.strip_suffix('/').unwrap_or(glob).split('/');
            if let Some(part) = parts.find(|part| matches!(*part, "" | "." | "..")) {
                let hint = "write the path as git lists it, without '.', '..' or '//'";
                return refuse(&format!("part '{part}' can match no path in glob"), hint);
            }
        }
        Syntax::Ref => {
            if glob.starts_with("refs/") {
                return refuse("full ref name in", "write the name without 'refs/heads/' or 'refs/tags/'");
            }
        }
        Syntax::ExactRef | Syntax::Id => {}
    }
    for pattern in patterns(glob, syntax) {
        if let Err(error) = build(&pattern, syntax, Case::Kept) {
            return Err((format!("cannot read glob '{glob}': {}", error.kind()), None));
        }
    }
    Ok(())
}

/// The globset patterns that one glob of the file stands for.
fn patterns(glob: &str, syntax: Syntax) -> Vec<String> {
    match syntax {
        Syntax::Id | Syntax::ExactRef => vec![glob.to_owned()],
        Syntax::Ref => vec![glob.to_owned(), format!("{glob}/**")],
        Syntax::Path => {
            let folder = glob.strip_suffix("/**").or(glob.strip_suffix('/')).unwrap_or(glob);
            let any_depth = !glob.trim_end_matches('/').contains('/') && folder != "**";
            let folder = if any_depth { format!("**/{folder}") } else { folder.to_owned() };
            let below = format!("{folder}/**");
            vec![folder, below]
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Kept,
    Ignored,
}

fn build(pattern: &str, syntax: Syntax, case: Case) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(pattern)
        .literal_separator(syntax != Syntax::Id)
        .backslash_escape(true)
        .empty_alternates(true)
        .case_insensitive(case == Case::Ignored)
        .build()
}

/// A list of globs, each with what it stands for. Compiled when first asked: a push asks few of a policy's lists.
#[derive(Debug)]
pub(super) struct Globs<T> {
    exact: OnceLock<Set>,
    folded: OnceLock<Set>,
    syntax: Syntax,
    globs: Vec<String>,
    /// The owners, by position.
    owners: Vec<T>,
}

#[derive(Debug)]
struct Set {
    set: GlobSet,
    /// Of each pattern of the set the position of its owner.
    owner: Vec<usize>,
    /// Owners whose glob could not be compiled. `parse` refuses such globs; a policy made otherwise must not gate less.
    always: Vec<usize>,
}

impl Set {
    fn new(globs: &[String], syntax: Syntax, case: Case) -> Self {
        let (mut builder, mut owner, mut always) = (GlobSetBuilder::new(), Vec::new(), Vec::new());
        for (position, glob) in globs.iter().enumerate() {
            for pattern in patterns(glob, syntax) {
                let built = match case {
                    Case::Kept => build(&pattern, syntax, Case::Kept),
                    // Folding can turn a class such as [Z-a] around; then ASCII case alone is ignored.
                    Case::Ignored => build(&fold(pattern.as_bytes().as_bstr()).to_str_lossy(), syntax, Case::Ignored)
                        .or_else(|_| build(&pattern, syntax, Case::Ignored)),
                };
                match built {
                    Ok(glob) => {
                        builder.add(glob);
                        owner.push(position);
                    }
                    Err(_) => always.push(position),
                }
            }
        }
        match builder.build() {
            Ok(set) => Set { set, owner, always },
            Err(_) => Set { set: GlobSet::empty(), owner: Vec::new(), always: (0..globs.len()).collect() },
        }
    }

    fn collect(&self, text: &BStr, into: &mut Vec<usize>) {
        let path = text.to_path_lossy();
        // The lossy form is only met where paths are no bytes; on Unix `to_path` always answers.
        let path = text.to_path().unwrap_or(&path);
        into.extend(self.set.matches_candidate(&Candidate::new(path)).into_iter().map(|at| self.owner[at]));
        into.extend(&self.always);
    }
}

impl<T> Globs<T> {
    pub(super) fn new(entries: impl IntoIterator<Item = (T, String)>, syntax: Syntax) -> Self {
        let (owners, globs): (Vec<T>, Vec<String>) = entries.into_iter().unzip();
        Globs { exact: OnceLock::new(), folded: OnceLock::new(), syntax, globs, owners }
    }

    fn exact(&self) -> &Set {
        self.exact.get_or_init(|| Set::new(&self.globs, self.syntax, Case::Kept))
    }

    fn folded(&self) -> &Set {
        self.folded.get_or_init(|| Set::new(&self.globs, self.syntax, Case::Ignored))
    }

    /// The positions of the owners whose globs match as they are written.
    fn exactly(&self, text: &BStr) -> Vec<usize> {
        let mut found = Vec::new();
        if self.owners.is_empty() {
            return found;
        }
        self.exact().collect(text, &mut found);
        match self.syntax {
            // What is allowed must be named: a glob that does not compile allows nothing.
            Syntax::ExactRef => found.retain(|at| !self.exact().always.contains(at)),
            Syntax::Path | Syntax::Ref | Syntax::Id => {}
        }
        found
    }

    /// The positions of those whose globs match once both sides are folded.
    fn by_folding(&self, text: &BStr) -> Vec<usize> {
        let mut found = Vec::new();
        match self.syntax {
            Syntax::ExactRef => {}
            Syntax::Path | Syntax::Ref | Syntax::Id if self.owners.is_empty() => {}
            Syntax::Path | Syntax::Ref | Syntax::Id => self.folded().collect(fold(text).as_bstr(), &mut found),
        }
        found
    }

    /// The owners whose globs match, in the order they were given, each once.
    pub(super) fn matches(&self, text: &BStr) -> Vec<&T> {
        let mut found = self.exactly(text);
        found.extend(self.by_folding(text));
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| &self.owners[at]).collect()
    }

    pub(super) fn is_match(&self, text: &BStr) -> bool {
        !self.exactly(text).is_empty() || !self.by_folding(text).is_empty()
    }
}

/// NFC and lower case, as file systems that fold would see the name.
fn fold(text: &BStr) -> Vec<u8> {
    match text.to_str() {
        Ok(text) if !text.is_ascii() => {
            text.nfc().collect::<String>().to_lowercase().nfc().collect::<String>().into_bytes()
        }
        Ok(_) | Err(_) => text.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, syntax: Syntax, text: &str) -> bool {
        check(glob, syntax).expect("the glob is good");
        Globs::new([((), glob.to_owned())], syntax).is_match(text.into())
    }

    #[test]
    fn a_path_glob_matches_as_in_gitignore_and_everything_below() {
        for (glob, path, expected) in [
            ("src/payments/**", "src/payments/a/b.js", true),
            ("src/payments/**", "src/payments", true),
            ("src/payments/", "src/payments/a.js", true),
            ("src/payments", "src/payments/a.js", true),
            ("src/payments", "lib/src/payments/a.js", false),
            ("src/payments", "src/payments2/a.js", false),
            ("migrations/*payment*", "migrations/007_payment_index.sql", true),
            ("migrations/*payment*", "migrations/007_payment/up.sql", true),
            ("migrations/*payment*", "migrations/old/007_payment.sql", false),
            ("migrations/*payment*", "old/migrations/007_payment.sql", false),
            ("*.sql", "a/b/c.sql", true),
            ("*.sql", "c.sql", true),
            (".env.example", "apps/shop/.env.example", true),
            ("vendor/", "a/vendor/b", true),
            ("**", "anything/at/all", true),
            ("**/test", "a/test/b", true),
            ("{src,lib}/pay{,ments}", "lib/pay/x", true),
            ("a?c", "a/c", false),
        ] {
            assert_eq!(matches(glob, Syntax::Path, path), expected, "{glob} on {path}");
        }
    }

    #[test]
    fn case_and_unicode_form_never_hide_a_path() {
        assert!(matches("src/payments/**", Syntax::Path, "SRC/Payments/a.js"));
        assert!(matches("SRC/Payments/**", Syntax::Path, "src/payments/a.js"));
        assert!(matches("caf\u{e9}/**", Syntax::Path, "cafe\u{301}/menu"));
        assert!(matches("cafe\u{301}/**", Syntax::Path, "CAF\u{c9}/menu"));
        assert!(matches("x/[Z-a]b", Syntax::Path, "x/_b"));
    }

    #[test]
    fn paths_are_bytes() {
        let globs = Globs::new([((), "src/**".to_owned())], Syntax::Path);
        assert!(globs.is_match(BStr::new(b"src/\xff\xfe\n\x1b")));
        assert!(globs.is_match(BStr::new(b"SRC/\xff")));
    }

    #[test]
    fn what_is_allowed_must_be_named_exactly() {
        assert!(matches("old/*", Syntax::ExactRef, "old/x"));
        assert!(!matches("old/*", Syntax::ExactRef, "OLD/x"));
        assert!(!matches("old/*", Syntax::ExactRef, "old/x/y"));
        let broken = Globs::new([((), "[".to_owned())], Syntax::ExactRef);
        assert!(!broken.is_match("main".into()));
    }

    #[test]
    fn a_glob_that_does_not_compile_matches_everything_where_that_asks_for_more() {
        assert!(Globs::new([((), "[".to_owned())], Syntax::Ref).is_match("main".into()));
        assert!(Globs::new([((), "[".to_owned())], Syntax::Path).is_match("a".into()));
    }

    #[test]
    fn a_brace_bomb_is_answered_at_once() {
        let bomb = "{a,b}".repeat(100);
        assert!(matches(&bomb, Syntax::Path, &"ab".repeat(50)));
        assert!(check(&"{a,b}".repeat(200), Syntax::Path).is_err());
    }
}
