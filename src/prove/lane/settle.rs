//! How a lane begins, and how it comes back from what a suite did to it.

use std::path::Path;

use super::super::environment::{self, Variables};
use super::super::handed::Handed;
use super::super::place::Place;
use super::super::state::{Back, State};
use super::super::tracked::{Difference, Tracked};
use super::super::workspace::Workspace;
use super::super::workspace_refs::WorkspaceRefs;
use super::super::{Cancel, Event, Request, Source, StepKind};
use super::{Lane, Stop};
use crate::error::{Context as _, Error, Result};
use crate::policy::GitView;

impl Lane<'_> {
    /// Before a suite: the lane as it was after `prepare`, whatever the suite before did to it.
    pub(super) fn settle(&mut self, progress: &mut dyn FnMut(Event), cancel: &Cancel) -> Result<(), Stop> {
        let Some(state) = &mut self.state else {
            // Where no command has run yet, the files are as they were just checked.
            if self.step_count > 0 {
                self.restore_tracked()?;
            }
            return Ok(self.take_state()?);
        };
        let tracked = &self.tracked;
        let is_tracked = |path: &Path| tracked.contains_path(path);
        let lost = match state.bring_back(&is_tracked) {
            Ok(Back::Whole) if self.restore_tracked().is_ok() => return Ok(()),
            Ok(Back::Whole) => "a file of the tree".to_owned(),
            Ok(Back::Lost(path)) => path.strip_prefix("tree").unwrap_or(&path).display().to_string(),
            Err(error) => format!("what cannot be brought back: {error}"),
        };
        progress(Event::LaneMadeAnew { lost });
        self.tear_down(progress, cancel);
        self.make_anew()?;
        progress(Event::WorkspaceReady { folder: self.folder().into() });
        self.steps(StepKind::Prepare, progress, cancel)?;
        self.restore_tracked()?;
        Ok(self.take_state()?)
    }

    /// Where this is the only suite, no way back is needed.
    fn take_state(&mut self) -> Result<()> {
        if self.request.suites.len() > 1 {
            let tracked = &self.tracked;
            self.state = Some(State::take(self.workspace.root(), &|path| tracked.contains_path(path))?);
        }
        self.tracked.clock_step()
    }

    fn make_anew(&mut self) -> Result<()> {
        self.state = None;
        let tree = self.workspace.tree_id();
        let made = Made::new(self.request, &self.place, &self.source, self.number, &self.handed)?;
        if made.workspace.tree_id() != tree {
            return Err(
                Error::new("cannot make the workspace anew: the work tree changed meanwhile").hint("run it again")
            );
        }
        (self.workspace, self.variables, self.tracked) = (made.workspace, made.variables, made.tracked);
        self.given_refs = made.given_refs;
        Ok(())
    }

    /// Brings the tree's files back and checks that they are those of the tree.
    pub(super) fn restore_tracked(&mut self) -> Result<()> {
        let differences = self.tracked.differences()?;
        if differences.is_empty() {
            return Ok(());
        }
        self.tracked.clear(&differences).context("cannot restore the tree's files")?;
        self.workspace.restore()?;
        match self.tracked.differences()?.first() {
            None => Ok(()),
            Some(Difference { path, how }) => {
                Err(Error::new(format!("cannot trust the workspace: {path} is not what the commit holds: {how}"))
                    .hint("a full disk, or a program that writes there; run again"))
            }
        }
    }
}

/// A workspace in which no child was started yet.
pub(super) struct Made {
    pub(super) workspace: Workspace,
    pub(super) variables: Variables,
    pub(super) tracked: Tracked,
    pub(super) given_refs: WorkspaceRefs,
}

impl Made {
    pub(super) fn new(
        request: &Request<'_>,
        place: &Place,
        source: &Source,
        number: usize,
        handed: &[Handed],
    ) -> Result<Self> {
        let tree = match source {
            Source::Tree(tree) => Some(*tree),
            Source::History(commit) => Some(request.repository.commit(*commit)?.tree),
            Source::WorkTree(_) => None,
        };
        if let Some(tree) = tree {
            place.check_room(|| request.repository.file_sizes(tree))?;
        }
        let (workspace, tracked) = Workspace::make(request.repository, place, source, request.proof)?;
        handed.iter().try_for_each(|file| file.place(source, workspace.root(), &tracked))?;
        let mut variables = environment::base(request.caller, &workspace.folders(), request.proof.caches)?;
        environment::add(&mut variables, request.caller, &request.proof.env)?;
        variables.insert("PROOF_TREE".into(), workspace.tree_id().to_string().into());
        variables.insert("PROOF_LANE".into(), number.to_string().into());
        // The one commit of a bare tree bears the workspace's mark; a history is the user's own.
        let given_refs = match request.proof.git {
            GitView::Tree => WorkspaceRefs::default(),
            GitView::History => WorkspaceRefs::read(workspace.folder()),
        };
        Ok(Made { workspace, variables, tracked, given_refs })
    }
}
