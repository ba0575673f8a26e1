//! Sharing: this clone's log goes to a remote, and the logs that stand there come here.
//!
//! What the remote is known to hold stands in refs, [`remotes`]; no log is ever forced, there or here, and none is removed.
//!
//! Deliberately absent: when it is done, and what a failing one means for a push.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::time::Duration;

use bstr::BString;

use super::graph::Graph;
use super::lock;
use super::log::{Log, Signing};
use super::logs::{LOGS, Logs};
use super::lookup::Records;
use super::read::read;
use super::remotes::{self, Folder};
use super::writer::{self, WriterId};
use crate::error::{Error, Result};
use crate::git::{Exchange, Oid, Pushed, Repository, is_unsigned};

/// How long somebody else of this clone may be exchanging records: a little longer than one exchange may take.
const LOCK_PATIENCE: Duration = Duration::from_secs(200);

/// Refs in one fetch or push, at most: a command line has an end.
const AT_ONCE: usize = 500;

/// The logs of one remote.
pub struct Share<'a> {
    repository: &'a Repository,
    exchange: Exchange<'a>,
}

/// What is odd about a log over there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// It is not there any more.
    WentAway,
    /// It ends before the record where it ended once.
    WentBack,
    /// It does not lead to the record where it ended once.
    Rewritten,
}

/// What came of an exchange.
#[derive(Debug, Default)]
pub struct Synced {
    /// Records that were not here.
    pub came: usize,
    /// Records that were not there.
    pub went: usize,
    /// Logs that are not what they were; what was known of them is kept.
    pub odd: Vec<(WriterId, Oddity)>,
    /// Logs that were offered and not taken, and why.
    pub refused: Vec<(WriterId, String)>,
    /// This clone's own log.
    pub own: Option<WriterId>,
}

/// The ends of logs, by writer.
type Tips = BTreeMap<WriterId, Oid>;

impl<'a> Share<'a> {
    /// The logs of the remote that is reached by this exchange.
    pub fn new(repository: &'a Repository, exchange: Exchange<'a>) -> Self {
        Share { repository, exchange }
    }

    /// The ref of this clone's own log, and where it ends.
    pub fn own_log(&self) -> Result<Option<(String, Oid)>> {
        Ok(self.own()?.map(|(writer, tip)| (format!("{LOGS}{writer}"), tip)))
    }

    /// Whether the remote is known to hold all of this clone's own log. Makes no connection.
    pub fn is_done(&self) -> Result<bool> {
        let Some((writer, tip)) = self.own()? else { return Ok(true) };
        let Some(folder) = remotes::find(self.repository, &self.exchange)? else { return Ok(false) };
        Ok(self.repository.find_ref(folder.log(writer))? == Some(tip))
    }

    /// Pushes this clone's own log, and with it the other logs of `refs/proof/log/` that the remote may lack. An error where the own
    /// one did not arrive.
    pub fn push(&self) -> Result<()> {
        let _lock = self.lock()?;
        let folder = remotes::claim(self.repository, &self.exchange)?;
        let mut was_carried_over = false;
        loop {
            // Whoever held the lock before may have pushed it already.
            let Some((writer, tip)) = self.own()? else { return Ok(()) };
            if let Some(noted) = self.repository.find_ref(folder.log(writer))?
                && leads_to(&self.graph()?, noted, tip)
            {
                return Ok(());
            }
            let mut offers = vec![(writer, tip)];
            offers.extend(self.others(writer, &folder)?);
            let results = self.offer(&offers, &folder)?;
            match &results[0] {
                Pushed::Done => return Ok(()),
                Pushed::Refused(why) => return Err(Error::new(why.clone())),
                Pushed::Behind(why) => {
                    let (held, _) = self.fetch_to(&folder)?;
                    let graph = self.graph()?;
                    if held.get(&writer).is_some_and(|there| leads_to(&graph, *there, tip)) {
                        return Ok(());
                    }
                    if was_carried_over {
                        return Err(Error::new(why.clone()));
                    }
                    self.carry_over(tip)?;
                    was_carried_over = true;
                }
            }
        }
    }

    /// Fetches the logs that stand there; gives back what is odd about them.
    pub fn fetch(&self) -> Result<Vec<(WriterId, Oddity)>> {
        let _lock = self.lock()?;
        let folder = remotes::claim(self.repository, &self.exchange)?;
        Ok(self.fetch_to(&folder)?.1)
    }

    /// The refs over there that match a pattern.
    pub fn list(&self, pattern: &str) -> Result<Vec<(BString, Oid)>> {
        self.exchange.list(pattern)
    }

    /// Brings what these refs lead to over there. No ref comes to lead to it here.
    pub fn bring(&self, refs: &[String]) -> Result<()> {
        refs.chunks(AT_ONCE).try_for_each(|refs| self.exchange.fetch(refs))
    }

    /// Fetches the logs that stand there, then pushes what they lack of those that are known here, whoever wrote them. Where they lack
    /// nothing there is no push.
    pub fn sync(&self) -> Result<Synced> {
        let _lock = self.lock()?;
        let folder = remotes::claim(self.repository, &self.exchange)?;
        let before = Records::load(self.repository)?.all().len();
        let (held, odd) = self.fetch_to(&folder)?;
        let came = Records::load(self.repository)?.all().len().saturating_sub(before);
        if let Some((writer, tip)) = self.own()?
            && let Some(there) = held.get(&writer)
        {
            let graph = self.graph()?;
            if !leads_to(&graph, *there, tip) && !leads_to(&graph, tip, *there) {
                self.carry_over(tip)?;
            }
        }
        let graph = self.graph()?;
        let own = self.own()?.map(|(writer, _)| writer);
        let mut offers = lacking(&graph, &held, own);
        if let Some((_, tip)) = self.own()? {
            let id = self.repository_of(tip);
            offers.retain(|(_, offered)| id.is_none() || self.repository_of(*offered).is_none_or(|of| Some(of) == id));
        }
        let results = if offers.is_empty() { Vec::new() } else { self.offer(&offers, &folder)? };
        let mut synced = Synced { came, odd, own, ..Synced::default() };
        let mut arrived = Vec::new();
        for ((writer, tip), pushed) in offers.into_iter().zip(results) {
            match pushed {
                Pushed::Done => arrived.push(tip),
                Pushed::Behind(why) | Pushed::Refused(why) => synced.refused.push((writer, why)),
            }
        }
        let held = graph.reach(&held.values().copied().collect::<Vec<_>>());
        synced.went = graph.reach(&arrived).difference(&held).count();
        Ok(synced)
    }

    /// Whether the remote is known to hold all logs that are known here. Makes no connection.
    pub fn lacks_nothing(&self) -> Result<bool> {
        let Some(folder) = remotes::find(self.repository, &self.exchange)? else { return Ok(false) };
        let own = self.own()?.map(|(writer, _)| writer);
        Ok(lacking(&self.graph()?, &self.noted(&folder)?, own).is_empty())
    }

    /// Which repository a record is of.
    fn repository_of(&self, record: Oid) -> Option<String> {
        Some(read(self.repository, record).ok()?.ok()?.predicate.repository)
    }

    fn lock(&self) -> Result<File> {
        let goes_on = |time| self.exchange.goes_on(time);
        lock::take(self.repository, ("share.lock", "the exchange of records"), LOCK_PATIENCE, &goes_on)
    }

    fn graph(&self) -> Result<Graph<'a>> {
        Graph::load(self.repository, &Logs::here())
    }

    /// This clone's log and where it ends.
    fn own(&self) -> Result<Option<(WriterId, Oid)>> {
        let Some(writer) = writer::last(self.repository)? else { return Ok(None) };
        Ok(self.repository.find_ref(format!("{LOGS}{writer}"))?.map(|tip| (writer, tip)))
    }

    /// The logs beside the own one that stand where a clone writes: those of copies, and from before this clone took a new name.
    fn others(&self, own: WriterId, folder: &Folder) -> Result<Vec<(WriterId, Oid)>> {
        let graph = self.graph()?;
        let noted = self.noted(folder)?;
        let lacks = |writer: &WriterId, tip: Oid| {
            noted.get(writer).is_none_or(|noted| *noted != tip && graph.is_ancestor(*noted, tip))
        };
        let logs = graph.logs();
        let beside = logs.iter().filter(|(name, writer, _)| name.starts_with(LOGS) && *writer != own);
        Ok(beside.filter(|(_, writer, tip)| lacks(writer, *tip)).map(|(_, writer, tip)| (*writer, *tip)).collect())
    }

    /// What the remote was last known to hold.
    fn noted(&self, folder: &Folder) -> Result<Tips> {
        let refs = self.repository.list_refs(&folder.logs())?;
        Ok(refs.iter().filter_map(|(name, tip)| Some((writer_named(name, &folder.logs())?, *tip))).collect())
    }

    /// Pushes these logs and notes what arrived. The first must arrive if it can: where the remote refuses all because of one, it is
    /// pushed once more alone.
    fn offer(&self, offers: &[(WriterId, Oid)], folder: &Folder) -> Result<Vec<Pushed>> {
        let refs: Vec<(Oid, String)> = offers.iter().map(|(writer, tip)| (*tip, format!("{LOGS}{writer}"))).collect();
        let mut results = Vec::with_capacity(refs.len());
        for refs in refs.chunks(AT_ONCE) {
            results.extend(self.exchange.push(refs)?);
        }
        if refs.len() > 1 && matches!(results[0], Pushed::Refused(_)) {
            results[0] = self.exchange.push(&refs[..1])?.remove(0);
        }
        for ((writer, tip), result) in offers.iter().zip(&results) {
            if *result == Pushed::Done {
                self.note(folder, *writer, *tip);
            }
        }
        Ok(results)
    }

    /// Notes where a log stands over there. Where that cannot be noted it is only pushed or fetched once more.
    fn note(&self, folder: &Folder, writer: WriterId, tip: Oid) {
        let name = folder.log(writer);
        drop(self.repository.find_ref(&name).and_then(|old| self.repository.compare_and_swap(&name, old, tip)));
    }

    /// Fetches all logs into a folder; gives back what the remote holds, and what is odd about that.
    fn fetch_to(&self, folder: &Folder) -> Result<(Tips, Vec<(WriterId, Oddity)>)> {
        let listed = self.exchange.list(&format!("{LOGS}*"))?;
        let held: Tips = listed.iter().filter_map(|(name, tip)| Some((writer_named(name, LOGS)?, *tip))).collect();
        let noted = self.noted(folder)?;
        let graph = self.graph()?;
        let is_back =
            |writer: &WriterId, tip: Oid| noted.get(writer).is_some_and(|noted| graph.is_ancestor(tip, *noted));
        let news = held.iter().filter(|(writer, tip)| noted.get(writer) != Some(*tip) && !is_back(writer, **tip));
        // What came here by another way need not come once more; a log that would have to be forced is left to git to refuse.
        let is_here = |writer: &WriterId, tip: &Oid| {
            graph.counts(*tip) && noted.get(writer).is_none_or(|noted| graph.is_ancestor(*noted, *tip))
        };
        let (here, wanted): (Vec<_>, Vec<_>) = news.partition(|(writer, tip)| is_here(writer, tip));
        here.into_iter().for_each(|(writer, tip)| self.note(folder, *writer, *tip));
        let wanted: Vec<String> =
            wanted.into_iter().map(|(writer, _)| format!("{LOGS}{writer}:{}", folder.log(*writer))).collect();
        for refspecs in wanted.chunks(AT_ONCE) {
            self.exchange.fetch(refspecs)?;
        }
        let now = self.noted(folder)?;
        let mut odd = Vec::new();
        for writer in noted.keys().chain(held.keys()).collect::<BTreeSet<_>>() {
            match held.get(writer) {
                None => odd.push((*writer, Oddity::WentAway)),
                Some(tip) if now.get(writer) == Some(tip) => {}
                Some(tip) if is_back(writer, *tip) => odd.push((*writer, Oddity::WentBack)),
                Some(_) => odd.push((*writer, Oddity::Rewritten)),
            }
        }
        Ok((held, odd))
    }

    /// The log over there went another way, because this clone was put back to an earlier state: it goes on under a new name. The new
    /// log leads to the old one's end, and so takes along what stands only here.
    fn carry_over(&self, tip: Oid) -> Result<()> {
        let newest = Records::load(self.repository)?.get(tip)?;
        let (_, commit) = self.repository.checked_object(tip)?;
        let signing = if is_unsigned(&commit) { Signing::Never } else { Signing::Always };
        Log::open(self.repository, signing)?.begin_anew_with(&newest).map(drop)
    }
}

/// Whether a log that ends there holds this record.
fn leads_to(graph: &Graph<'_>, end: Oid, record: Oid) -> bool {
    end == record || graph.is_ancestor(record, end)
}

/// The writer of a log's ref below a prefix.
fn writer_named(name: &BString, prefix: &str) -> Option<WriterId> {
    WriterId::parse(std::str::from_utf8(name).ok()?.strip_prefix(prefix)?)
}

/// The logs that are known here and that a remote lacks or has shorter, the own one first.
fn lacking(graph: &Graph<'_>, held: &Tips, own: Option<WriterId>) -> Vec<(WriterId, Oid)> {
    let mut tips: BTreeMap<WriterId, Vec<Oid>> = BTreeMap::new();
    for (_, writer, tip) in &graph.logs() {
        tips.entry(*writer).or_default().push(*tip);
    }
    let mut lacking = Vec::new();
    for (writer, tips) in tips {
        let there = held.get(&writer);
        let goes_on = |tip: &&Oid| there.is_none_or(|there| **tip != *there && graph.is_ancestor(*there, **tip));
        let leads_to_all = |tip: &&Oid| tips.iter().all(|other| leads_to(graph, **tip, *other));
        let longer: Vec<&Oid> = tips.iter().filter(goes_on).collect();
        // A log with two ends, of which neither is longer, is offered as it was found first: where a clone writes.
        if let Some(tip) = longer.iter().copied().find(leads_to_all).or(longer.first().copied()) {
            lacking.push((writer, *tip));
        }
    }
    lacking.sort_by_key(|(writer, _)| Some(*writer) != own);
    lacking
}
