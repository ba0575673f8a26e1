//! The environment that suites see: an allow-list, and nothing else of the user's.
//!
//! Deliberately absent: reading this process's own environment; it comes from the [`Caller`].

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::workspace::Folders;
use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};
use crate::policy::{Caches, Environment};

/// Names and values of an environment.
pub(super) type Variables = BTreeMap<OsString, OsString>;

/// Where a tool keeps its things unless a variable says otherwise.
enum Below {
    Home(&'static str),
    Cache(&'static str),
    Data(&'static str),
}
use Below::{Cache, Data, Home};

/// Installed toolchains: without them the tools themselves are not found.
const TOOLCHAINS: &[(&str, Below)] = &[
    ("ASDF_DATA_DIR", Home(".asdf")),
    ("FNM_DIR", Data("fnm")),
    ("MISE_DATA_DIR", Data("mise")),
    ("NVM_DIR", Home(".nvm")),
    ("PLAYWRIGHT_BROWSERS_PATH", Cache("ms-playwright")),
    ("RUSTUP_HOME", Home(".rustup")),
    ("UV_PYTHON_INSTALL_DIR", Data("uv/python")),
    ("VOLTA_HOME", Home(".volta")),
];

/// Package stores. Go's build cache is not among them: it holds test results.
const STORES: &[(&str, Below)] = &[
    ("BUN_INSTALL_CACHE_DIR", Home(".bun/install/cache")),
    ("CARGO_HOME", Home(".cargo")),
    ("COREPACK_HOME", Cache("node/corepack")),
    ("CYPRESS_CACHE_FOLDER", Cache("Cypress")),
    ("GOMODCACHE", Home("go/pkg/mod")),
    ("GRADLE_USER_HOME", Home(".gradle")),
    ("PIP_CACHE_DIR", Cache("pip")),
    ("UV_CACHE_DIR", Cache("uv")),
    ("YARN_CACHE_FOLDER", Cache("yarn")),
    ("npm_config_cache", Home(".npm")),
    // pnpm reads the first up to version 10, the second from 11 on.
    ("npm_config_store_dir", Data("pnpm/store")),
    ("pnpm_config_store_dir", Data("pnpm/store")),
    // What registries said of packages: from version 11 on pnpm asks them about every line of a lockfile that it does not find here.
    ("npm_config_cache_dir", Cache("pnpm")),
    ("pnpm_config_cache_dir", Cache("pnpm")),
];

/// What every command of a proof sees.
pub(super) fn base(caller: &Caller, folders: &Folders, caches: Caches) -> Result<Variables> {
    let mut variables = Variables::new();
    let mut set = |name: &str, value: &OsStr| drop(variables.insert(name.into(), value.into()));
    set("PATH", &search_path(caller)?);
    for (name, value) in [
        ("CI", "1"),
        ("LANG", "C.UTF-8"),
        ("NO_COLOR", "1"),
        ("PROOF_GATE", "1"),
        ("SHELL", "/bin/sh"),
        ("TERM", "dumb"),
        ("TZ", "UTC"),
    ] {
        set(name, value.as_ref());
    }
    for (name, folder) in folders.variables() {
        set(name, folder.as_os_str());
    }
    for name in ["LOGNAME", "USER"] {
        if let Some(value) = caller.variable(name) {
            set(name, value);
        }
    }
    let stores: &[_] = match caches {
        Caches::Shared => STORES,
        Caches::Fresh => &[],
    };
    for (name, below) in TOOLCHAINS.iter().chain(stores) {
        if let Some(folder) = place_of(caller, name, below) {
            set(name, folder.as_os_str());
        }
    }
    if caches == Caches::Shared
        && let Some(repository) = caller.home().map(|home| home.join(".m2/repository")).filter(|folder| folder.is_dir())
    {
        let mut option = OsString::from("-Dmaven.repo.local=");
        option.push(repository);
        set("MAVEN_ARGS", &option);
    }
    Ok(variables)
}

/// Adds what the policy says. A variable that is passed and not set stays unset.
pub(super) fn add(variables: &mut Variables, caller: &Caller, environment: &Environment) -> Result<()> {
    for name in environment.pass.iter().chain(environment.set.keys()) {
        check_name(name)?;
    }
    for name in &environment.pass {
        if let Some(value) = caller.variables.get(OsStr::new(name)) {
            variables.insert(name.into(), value.clone());
        }
    }
    for (name, value) in &environment.set {
        if value.contains('\0') {
            return Err(Error::new(format!("cannot set the variable '{name}': its value holds a NUL")));
        }
        variables.insert(name.into(), value.into());
    }
    Ok(())
}

/// Variables that would lead a suite's git to the user's repository, or pretend to come from the gate.
fn check_name(name: &str) -> Result<()> {
    let harmless = name.starts_with("GIT_AUTHOR_") || name.starts_with("GIT_COMMITTER_");
    let ours = name.starts_with("PROOF_") || (name.starts_with("GIT_") && !harmless);
    if ours || name.is_empty() || name.contains(['=', '\0']) {
        return Err(Error::new(format!("cannot hand the variable '{name}' to suites: the gate keeps it from them"))
            .hint("take it out of 'env' in .proofrc.toml"));
    }
    Ok(())
}

/// The caller's PATH without relative entries and without the folder that git puts in front for its hooks.
fn search_path(caller: &Caller) -> Result<OsString> {
    let path = caller.variable("PATH").context("cannot run suites: PATH is not set")?;
    let of_git = caller.variable("GIT_EXEC_PATH").map(Path::new);
    let entries = std::env::split_paths(path)
        .filter(|entry| entry.is_absolute() && Some(entry.as_path()) != of_git && !entry.ends_with("git-core"));
    std::env::join_paths(entries).context("cannot read PATH")
}

fn place_of(caller: &Caller, name: &str, below: &Below) -> Option<PathBuf> {
    if let Some(value) = caller.variable(name) {
        return Some(value.into());
    }
    let home = caller.home()?;
    let xdg = |name: &str, default: &str| match caller.variable(name) {
        Some(folder) => PathBuf::from(folder),
        None => home.join(default),
    };
    let folder = match below {
        Home(path) => home.join(path),
        Cache(path) => xdg("XDG_CACHE_HOME", ".cache").join(path),
        Data(path) => xdg("XDG_DATA_HOME", ".local/share").join(path),
    };
    folder.is_dir().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(home: &Path, variables: &[(&str, &str)]) -> Caller {
        let mut all: Variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        all.insert("HOME".into(), home.into());
        Caller { variables: all, directory: home.into(), program: "/bin/proof-gate".into() }
    }

    fn seen(caller: &Caller, caches: Caches) -> Variables {
        base(caller, &Folders::below(Path::new("/scratch")), caches).unwrap()
    }

    #[test]
    fn nothing_of_the_user_is_seen_but_the_allow_list() {
        let home = tempfile::tempdir().unwrap();
        let hostile =
            ["NODE_OPTIONS", "LD_PRELOAD", "BASH_ENV", "GIT_DIR", "GIT_CONFIG_PARAMETERS", "npm_config_registry"];
        let mut variables: Vec<(&str, &str)> = hostile.iter().map(|name| (*name, "x")).collect();
        variables.extend([("PATH", "/usr/bin"), ("USER", "ana"), ("TZ", "Asia/Tokyo"), ("LANG", "tr_TR")]);
        let seen = seen(&caller(home.path(), &variables), Caches::Shared);
        assert!(hostile.iter().all(|name| !seen.contains_key(OsStr::new(name))));
        assert_eq!(seen[OsStr::new("TZ")], "UTC");
        assert_eq!(seen[OsStr::new("LANG")], "C.UTF-8");
        assert_eq!(seen[OsStr::new("USER")], "ana");
        assert_eq!(seen[OsStr::new("HOME")], "/scratch/home");
    }

    #[test]
    fn a_proof_in_the_hook_and_one_by_hand_have_the_same_path() {
        let home = Path::new("/nowhere");
        let by_hand = caller(home, &[("PATH", "/usr/local/bin:/usr/bin:relative::.")]);
        let in_hook =
            caller(home, &[("PATH", "/opt/git/exec:/usr/local/bin:/usr/bin"), ("GIT_EXEC_PATH", "/opt/git/exec")]);
        assert_eq!(search_path(&by_hand).unwrap(), "/usr/local/bin:/usr/bin");
        assert_eq!(search_path(&in_hook).unwrap(), "/usr/local/bin:/usr/bin");
    }

    #[test]
    fn stores_below_the_real_home_are_passed_and_fresh_ones_keep_only_toolchains() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join(".rustup")).unwrap();
        std::fs::create_dir_all(home.path().join(".local/share/pnpm/store")).unwrap();
        std::fs::create_dir_all(home.path().join(".cache/pnpm")).unwrap();
        let caller = caller(home.path(), &[("PATH", "/bin"), ("npm_config_cache", "/big/npm")]);
        let shared = seen(&caller, Caches::Shared);
        assert_eq!(shared[OsStr::new("RUSTUP_HOME")], home.path().join(".rustup"));
        for name in ["npm_config_store_dir", "pnpm_config_store_dir"] {
            assert_eq!(shared[OsStr::new(name)], home.path().join(".local/share/pnpm/store"));
        }
        for name in ["npm_config_cache_dir", "pnpm_config_cache_dir"] {
            assert_eq!(shared[OsStr::new(name)], home.path().join(".cache/pnpm"));
        }
        assert_eq!(shared[OsStr::new("npm_config_cache")], "/big/npm");
        assert!(!shared.contains_key(OsStr::new("CARGO_HOME")));
        let fresh = seen(&caller, Caches::Fresh);
        assert!(fresh.contains_key(OsStr::new("RUSTUP_HOME")) && !fresh.contains_key(OsStr::new("npm_config_cache")));
    }

    #[test]
    fn the_policy_cannot_lead_a_suite_to_the_users_repository() {
        let caller =
            caller(Path::new("/nowhere"), &[("PATH", "/bin"), ("DATABASE_URL", "postgres:"), ("GIT_DIR", "/x")]);
        let environment = |pass: &str| Environment { pass: vec![pass.to_owned()], set: BTreeMap::new() };
        let mut variables = Variables::new();
        add(&mut variables, &caller, &environment("DATABASE_URL")).unwrap();
        add(&mut variables, &caller, &environment("NOT_SET")).unwrap();
        assert_eq!(variables.len(), 1);
        let error = add(&mut variables, &caller, &environment("GIT_DIR")).unwrap_err();
        assert!(error.message.contains("'GIT_DIR'"), "{error}");
    }
}
