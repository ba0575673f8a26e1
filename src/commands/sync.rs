//! `sync`: exchanges logs with a remote.

use std::ffi::OsString;

use super::sharing::Destination;
use crate::caller::Caller;
use crate::cli;
use crate::error::{Exit, Result};
use crate::git::Repository;
use crate::records::{Oddity, Synced};
use crate::reporter::{Line, Reporter, Tone};

/// Fetches from where git fetches, pushes to everywhere that git pushes to.
pub fn sync(caller: &Caller, repository: &Repository, args: &cli::SyncArgs, reporter: &Reporter) -> Result<Exit> {
    let remote = match &args.remote {
        Some(remote) => remote.clone(),
        None => repository.default_remote()?,
    };
    let urls = repository.urls(&remote)?;
    let folder = repository.work_tree().unwrap_or(repository.git_dir());
    let remote = OsString::from(remote);
    let at =
        |url: OsString| Destination { remote: remote.clone(), url, folder: folder.to_owned(), carried: Vec::new() };
    let mut exit = Exit::Allowed;
    let elsewhere = urls.push.into_iter().filter(|url| *url != urls.fetch);
    for (to, is_first) in [(at(urls.fetch.clone()), true)].into_iter().chain(elsewhere.map(|url| (at(url), false))) {
        let done = to.meet((caller, repository), reporter, None, |share| {
            if !is_first && share.lacks_nothing()? { Ok(None) } else { share.sync().map(Some) }
        });
        let done = done.map_err(|error| error.while_doing(format!("cannot exchange records with {}", to.called())))?;
        let Some(synced) = done else { continue };
        reporter.say_all(&lines(&to, &synced));
        if synced.refused.iter().any(|(writer, _)| Some(*writer) == synced.own) {
            exit = Exit::Refused;
        }
    }
    Ok(exit)
}

fn lines(to: &Destination, synced: &Synced) -> Vec<Line> {
    let came = count(synced.came);
    let head = Line::new().text("proof-gate: ").data(to.called()).text(": ").data(came).text(" came, ");
    let mut lines = vec![head.data(count(synced.went)).text(" went")];
    for (writer, why) in &synced.refused {
        let line = Line::new().text("  ").tone(Tone::Bad, "refused").to(11).data(writer.to_string());
        let line = if Some(*writer) == synced.own { line.text(" (this clone's)") } else { line };
        lines.push(line.text("  ").data(why));
    }
    for (writer, oddity) in &synced.odd {
        let line = Line::new().text("  ").tone(Tone::Doubt, "odd").to(11).data(writer.to_string()).text("  ");
        lines.push(line.text(match oddity {
            Oddity::WentAway => "it is not there any more; what was known of it is kept and was offered",
            Oddity::WentBack => "it ends earlier there than it did; what was known of it is kept and was offered",
            Oddity::Rewritten => "it was written anew there; what was known of it is kept",
        }));
    }
    lines
}

/// `no record`, `1 record`, `3 records`
fn count(records: usize) -> String {
    match records {
        0 => "no record".to_owned(),
        1 => "1 record".to_owned(),
        more => format!("{more} records"),
    }
}
