//! What a suite left in its workspace beside its report: collected by the policy's globs, searched, compared, and copied out.
//!
//! An artifact is a regular file that was not there before the suite, or is another one now. Whatever else a glob means (a link, a pipe,
//! another name of a file that lies elsewhere) is refused and said, for it could show anything: evidence that is not kept is none.
//!
//! Deliberately absent: what it is worth, see `judge`; its place under its digest, see `evidence`.

mod baselines;
mod keep;
mod lines;
mod pictures;
mod said;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};

use self::keep::{Kept, kept_name};
use self::lines::{Lines, Pattern, Wants};
use self::said::Said;
use self::walk::{Kind, Mark, Top, Walked};
use super::log::Masks;
use super::tracked::Tracked;
use crate::error::{Context as _, Result};
use crate::evidence::Noticed;
use crate::policy::{Artifact, PathGlob};

/// The folder of a suite's evidence that artifacts are kept in, under their own paths.
pub(super) const ARTIFACTS: &str = "artifacts";

/// The folder that differences from baselines are kept in.
pub(super) const DIFFERENCES: &str = "differences";

/// A larger file is not kept, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// All that is kept of one run of a suite, in bytes.
const MAX_ALL: u64 = 1 << 30;

/// Files that are kept of one run of a suite.
const MAX_FILES: usize = 2_000;

/// A suite's rules, ready to be asked.
pub(super) struct Rules(Vec<Rule>);

struct Rule {
    glob: PathGlob,
    at_least: u64,
    patterns: Vec<Pattern>,
    /// Without a `/` at its end.
    baseline: Option<String>,
}

/// What lay in the workspace before the suite.
#[derive(Default)]
pub(super) struct Before {
    found: BTreeMap<BString, Mark>,
    closed: BTreeSet<BString>,
}

/// How far the suite came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To its own end.
    Whole,
    /// Until it was stopped: what it did not come to is no fault of its own, and is not missed.
    CutOff,
}

/// Where artifacts are taken from and put to.
pub(super) struct Places<'a> {
    /// The folder of the tree, in the workspace.
    pub(super) tree: &'a Path,
    /// The tree's files.
    pub(super) tracked: &'a Tracked,
    /// What is masked in texts.
    pub(super) masks: &'a Masks,
    /// The folder of the suite's evidence.
    pub(super) outputs: &'a Path,
}

/// What came of a collection.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// The copies, by name.
    pub(super) files: Vec<PathBuf>,
    /// What is missing and what is wrong.
    pub(super) noticed: Vec<Noticed>,
}

impl Rules {
    /// Those of a suite of the policy.
    pub(super) fn of(artifacts: &[Artifact]) -> Result<Self> {
        let rule = |Artifact { paths, at_least, require, forbid, baseline }: &Artifact| {
            let required = require.iter().map(|text| Pattern::new(text, Wants::Some));
            let forbidden = forbid.iter().map(|text| Pattern::new(text, Wants::None));
            Ok(Rule {
                glob: PathGlob::new(paths),
                at_least: *at_least,
                patterns: required.chain(forbidden).collect::<Result<_>>()?,
                baseline: baseline.as_ref().map(|folder| folder.trim_end_matches('/').to_owned()),
            })
        };
        artifacts.iter().map(rule).collect::<Result<_>>().map(Rules)
    }

    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks at what is there before the suite starts.
    pub(super) fn before(&self, tree: &Path) -> Result<Before> {
        let mut before = Before::default();
        if self.is_empty() {
            return Ok(before);
        }
        let top = Top::open(tree).context("cannot look for artifacts in the workspace")?;
        for walked in self.walk(&top) {
            before.found.extend(walked.found);
            before.closed.extend(walked.closed.into_iter().map(|(folder, _)| folder));
        }
        Ok(before)
    }

    fn walk(&self, top: &Top) -> Vec<Walked> {
        self.0.iter().map(|rule| top.walk(&rule.glob)).collect()
    }

    /// Collects what the suite left and asks it the rules. No process of the suite's may be alive. An error means that nothing can be
    /// kept, which is nothing that the suite did.
    pub(super) fn collect(&self, before: &Before, reach: Reach, places: &Places<'_>) -> Result<Collected> {
        if self.is_empty() {
            return Ok(Collected::default());
        }
        let Ok(top) = Top::open(places.tree) else {
            // That the folder of the tree is gone is noticed as a change of the tree.
            return Ok(Collected::default());
        };
        let walked = self.walk(&top);
        let mut collection =
            Collection { rules: self, top, reach, places, shelf: Shelf::default(), said: Said::default() };
        let closed: BTreeSet<_> = walked.iter().flat_map(|walked| &walked.closed).collect();
        for (folder, why) in closed.into_iter().filter(|(folder, _)| !before.closed.contains(folder)) {
            collection.said.unexpected(folder.as_bstr(), why.clone());
        }
        let is_own =
            |(path, mark): &(&BString, &Mark)| !before.found.get(*path).is_some_and(|old| mark.is_as_before(old));
        let own: BTreeMap<&BString, &Mark> = walked.iter().flat_map(|walked| &walked.found).filter(is_own).collect();
        for (path, mark) in &own {
            collection.take(path.as_bstr(), mark)?;
        }
        for (rule, walked) in self.0.iter().zip(&walked) {
            collection.count(rule, walked, &own);
            collection.compare(rule)?;
        }
        let Collection { shelf, said, .. } = collection;
        Ok(Collected { files: shelf.files, noticed: said.into_noticed(places.masks) })
    }
}

/// A collection under way.
struct Collection<'a> {
    rules: &'a Rules,
    top: Top,
    reach: Reach,
    places: &'a Places<'a>,
    shelf: Shelf,
    said: Said,
}

/// What is kept so far.
#[derive(Default)]
struct Shelf {
    files: Vec<PathBuf>,
    /// The copy of each artifact.
    copies: BTreeMap<BString, PathBuf>,
    names: HashSet<String>,
    bytes: u64,
}

impl Collection<'_> {
    /// Keeps one artifact, and searches its lines for what every rule that means it asks for.
    fn take(&mut self, path: &BStr, mark: &Mark) -> Result<()> {
        if let Some(why) = self.refusal(mark) {
            self.said.unexpected(path, why);
            return Ok(());
        }
        let (file, opened) = match self.top.file(path) {
            Ok(opened) => opened,
            Err(error) => {
                self.said.unexpected(path, format!("it cannot be opened: {error}"));
                return Ok(());
            }
        };
        if opened != *mark {
            self.said.unexpected(path, "it was replaced while it was looked at".to_owned());
            return Ok(());
        }
        let meant = self.rules.0.iter().filter(|rule| rule.glob.is_match(path));
        let mut lines = Lines::new(meant.flat_map(|rule| &rule.patterns).filter(|pattern| self.asks(pattern)));
        let (name, copy) = self.place(path)?;
        // Two names with a secret in them look the same, but for what tells their copies apart.
        let named = if keep::is_long(&name) { path.to_owned() } else { name.as_str().into() };
        match keep::keep(&file, mark, &copy, self.places.masks, &mut lines)? {
            Kept::Not(why) => self.said.unexpected(path, why),
            Kept::Whole(size) => {
                self.shelf.names.insert(name);
                self.shelf.bytes += size;
                self.shelf.copies.insert(path.to_owned(), copy.clone());
                self.shelf.files.push(copy);
            }
        }
        for why in lines.end() {
            self.said.unexpected(named.as_bstr(), why);
        }
        Ok(())
    }

    /// Why a file is not kept. What is no regular file of the suite's own could show anything, and a limit says where it ends.
    fn refusal(&self, mark: &Mark) -> Option<String> {
        let only = |what: &str| Some(format!("it is {what}: only regular files of the suite's own are evidence"));
        match mark.kind {
            Kind::File if mark.has_other_names() => only("another name of a file (a hard link)"),
            Kind::File if mark.size > MAX_FILE => {
                Some(format!("it has {} bytes, and at most {MAX_FILE} are kept of one file", mark.size))
            }
            Kind::File if self.shelf.files.len() >= MAX_FILES => {
                Some(format!("at most {MAX_FILES} artifacts are kept of one suite"))
            }
            Kind::File if self.shelf.bytes + mark.size > MAX_ALL => {
                Some(format!("at most {MAX_ALL} bytes of artifacts are kept of one suite"))
            }
            Kind::File => None,
            Kind::Link => only("a symbolic link"),
            Kind::Pipe => only("a pipe"),
            Kind::Socket => only("a socket"),
            Kind::Device => only("a device"),
            Kind::Folder => only("a folder"),
        }
    }

    /// Of a run that was cut off only what it must not hold counts.
    fn asks(&self, pattern: &Pattern) -> bool {
        self.reach == Reach::Whole || pattern.wants() == Wants::None
    }

    /// A name that is free, and its folder made.
    fn place(&self, path: &BStr) -> Result<(String, PathBuf)> {
        let name = kept_name(path, self.places.masks);
        let taken = |name: &String| self.shelf.names.contains(name);
        let others = (2..).map(|number| format!("{name}~{number}"));
        let name = std::iter::once(name.clone()).chain(others).find(|name| !taken(name)).unwrap_or(name);
        let copy = self.places.outputs.join(ARTIFACTS).join(&name);
        make_folder_of(&copy)?;
        Ok((name, copy))
    }

    /// Whether a rule's files are as many as it asks for. An empty one is none.
    fn count(&mut self, rule: &Rule, walked: &Walked, own: &BTreeMap<&BString, &Mark>) {
        let regular = walked.found.iter().filter(|(_, mark)| mark.kind == Kind::File);
        let (mut there, mut empty, mut old) = (0_u64, 0_u64, 0_u64);
        for (path, mark) in regular {
            match own.contains_key(path) {
                true if mark.size == 0 => empty += 1,
                true => there += 1,
                false => old += 1,
            }
        }
        if there >= rule.at_least || self.reach == Reach::CutOff {
            return;
        }
        let mut what = format!("{}: {there} of at least {}", rule.glob.as_str(), rule.at_least);
        if empty > 0 {
            what += &format!(", {empty} empty");
        }
        if old > 0 {
            what += &format!(", {old} from before the suite");
        }
        self.said.missing.push(what);
    }
}

fn make_folder_of(file: &Path) -> Result<()> {
    let folder = file.parent().expect("evidence lies in a folder");
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.context(format!("cannot make the folder {}", folder.display()))
}
