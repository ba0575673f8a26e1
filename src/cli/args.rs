//! What each command takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::policy;

/// `install`
#[derive(Debug, Args)]
#[command(
    after_help = "A hook that stands there is kept beside it and runs first, with the same arguments and input.\n\
    Exit code 3 names what install must not touch, and the commands to choose from.\n\
    The lists of signers have a line for each: PRINCIPAL ssh-ed25519 KEY, or PRINCIPAL openpgp FINGERPRINT."
)]
pub struct Install {
    /// Write a server's hooks, pre-receive and post-receive, into a bare repository that is pushed to
    #[arg(long)]
    pub server: bool,
    /// Whose records count on this server; asked for where it is not set yet
    #[arg(long, value_name = "FILE", requires = "server")]
    pub allowed_signers: Option<PathBuf>,
    /// Who may approve a weaker policy on this server; asked for where it is not set yet
    #[arg(long, value_name = "FILE", requires = "server")]
    pub policy_signers: Option<PathBuf>,
    /// With --server: the policy to judge the first push by, where the repository has no commit yet
    #[arg(long, value_name = "FILE", requires = "server")]
    pub policy: Option<PathBuf>,
    /// Write into this folder instead of git's own
    #[arg(long, value_name = "DIR")]
    pub hooks_dir: Option<PathBuf>,
    /// Chain the hook of a manager that rewrites its hooks, although it may take it back
    #[arg(long)]
    pub force: bool,
    /// Only say what would be written
    #[arg(long)]
    pub dry_run: bool,
}

/// `uninstall`
#[derive(Debug, Args)]
pub struct Uninstall {
    /// Take the records and everything else of proof-gate's own out too
    #[arg(long)]
    pub purge: bool,
}

/// `doctor`
#[derive(Debug, Args)]
#[command(
    after_help = "Changes nothing; every mend is a command for you to run. Ends with 1 where the gate is open or a proof is impossible;\n\
    notes never do that. Without --fire no hook runs but proof-gate's own."
)]
pub struct Doctor {
    /// Push to a throw-away remote, through the hook that stands, and expect a refusal; from every work tree
    #[arg(long)]
    pub fire: bool,
    /// How many seconds each of these pushes may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "fire")]
    pub timeout: u32,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// A command that only takes `--json`.
#[derive(Debug, Args)]
pub struct Json {
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// Why something is proven.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// Why it is proven: deploy, migration, policy or rollback
    #[arg(long, value_enum, default_value_t, value_name = "S", hide_possible_values = true)]
    pub scenario: ScenarioName,
    /// The id of the migration or policy
    #[arg(long, requires = "scenario", value_parser = clap::builder::NonEmptyStringValueParser::new(), required_if_eq_any = [("scenario", "migration"), ("scenario", "policy")])]
    pub id: Option<String>,
    /// For a rollback: the commit that it replaces, instead of the remote's default branch as last fetched
    #[arg(long, requires = "scenario", value_name = "REV")]
    pub replacing: Option<String>,
}

/// The scenarios' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ScenarioName {
    /// A deployment
    #[default]
    Deploy,
    /// A migration, before it is marked complete
    Migration,
    /// A policy change, before it is activated
    Policy,
    /// A rollback target
    Rollback,
}

/// `plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The commit or tag
    #[arg(default_value = "HEAD")]
    pub rev: String,
    /// Count the changes from this commit, as if it were proven
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the flattened type says it")]
    pub scenario: ScenarioArgs,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `run`
#[derive(Debug, Args)]
pub struct Run {
    /// The commit or tag
    #[arg(default_value = "HEAD", conflicts_with = "draft")]
    pub rev: String,
    /// Run the work tree as it is, with its policy file, and record nothing
    #[arg(long, conflicts_with_all = ["id", "replacing"])]
    pub draft: bool,
    /// Prove what merging the commit into this branch would give, for teams that merge on a forge
    #[arg(long, value_name = "BRANCH", conflicts_with_all = ["draft", "replacing"])]
    pub onto: Option<String>,
    /// Only this suite; may be given several times
    #[arg(long = "suite", value_name = "N")]
    pub suites: Vec<String>,
    /// Run each suite so many times, 2 to 100; runs that differ are TEST_FLAKY
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100))]
    pub repeat: Option<u32>,
    /// Every run but the first under another time zone, locale, umask and number of processors
    #[arg(long, requires = "repeat")]
    pub vary: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the flattened type says it")]
    pub scenario: ScenarioArgs,
    /// A label of what is proven against, such as local or staging; recorded
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `push`
#[derive(Debug, Args)]
#[command(after_help = "The same updates as 'git push REMOTE REFSPEC...' would make, pushed all or none.")]
pub struct Push {
    /// The remote; git's own default where it is not given
    pub remote: Option<String>,
    /// What to push; git's own default where it is not given
    #[arg(value_name = "REFSPEC", allow_hyphen_values = false)]
    pub refspecs: Vec<OsString>,
}

/// `show`
#[derive(Debug, Args)]
pub struct Show {
    /// A record's id or a unique prefix of it, or a commit or tag: its newest record
    #[arg(value_name = "REV|TAG|RECORD", default_value = "HEAD")]
    pub what: String,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `checklist`
#[derive(Debug, Args)]
#[command(after_help = "[x] is borne out by the record or by a file whose digest was compared.  [ ] is missing.\n\
    [-] is not asked for by the policy, or not looked at; the words say which.")]
pub struct Checklist {
    /// A commit or tag: its newest verdict; or a record's id or a unique prefix of it
    #[arg(value_name = "REV|TAG|RECORD", default_value = "HEAD")]
    pub what: String,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The commit or tag
    #[arg(value_name = "REV|TAG", default_value = "HEAD")]
    pub rev: String,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The commit or tag
    #[arg(value_name = "REV|TAG", default_value = "HEAD", conflicts_with = "pre_receive")]
    pub rev: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the flattened type says it")]
    pub scenario: ScenarioArgs,
    /// Count only records of allowed signers, whatever the policy says
    #[arg(long)]
    pub signed: bool,
    /// Check what is pushed to this server, as its hook does: reads lines of OLD NEW REF
    #[arg(long, conflicts_with_all = ["scenario", "id", "replacing", "signed", "json"])]
    pub pre_receive: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `audit`
#[derive(Debug, Args)]
pub struct Audit {
    /// The remote, or a URL
    pub remote: Option<String>,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `judge`
#[derive(Debug, Args)]
#[command(after_help = "For setting up a suite: ends with 0 on PASS and 1 on FAIL.")]
pub struct Judge {
    /// The report
    pub file: PathBuf,
    /// How it is read
    #[arg(long, value_parser = one_of::<policy::Adapter>(policy::ADAPTERS), value_name = "A")]
    pub adapter: policy::Adapter,
    /// A dialect of junit-xml
    #[arg(long, value_parser = one_of::<policy::Flavor>(policy::FLAVORS), value_name = "F")]
    pub flavor: Option<policy::Flavor>,
    /// The exit code that the runner ended with
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    pub exit: i32,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `resolve`
#[derive(Debug, Args)]
pub struct Resolve {
    /// The record of the FAIL: its id or a unique prefix
    pub record: String,
    /// Only this suite of it; all its failed suites otherwise
    #[arg(long, value_name = "N")]
    pub suite: Option<String>,
    /// What outside the inputs made it fail
    #[arg(long, value_name = "TEXT")]
    pub cause: String,
}

/// `approve-policy`
#[derive(Debug, Args)]
pub struct ApprovePolicy {
    /// The commit that changes the policy file
    pub rev: String,
    /// Why
    #[arg(short, long, value_name = "WHY")]
    pub message: String,
    /// For a rollback: the commit that it replaces
    #[arg(long, value_name = "REV")]
    pub replacing: Option<String>,
}

/// `sync`
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// The remote, by its name or URL
    pub remote: Option<String>,
}

/// `gc`
#[derive(Debug, Args)]
pub struct Gc {
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
}

/// A word that a policy file may hold, listed in the help and completed by shells.
fn one_of<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: serde::de::DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| serde_json::from_value(serde_json::Value::String(name)))
}
