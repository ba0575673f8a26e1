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
    Config(&'static str),
    Data(&'static str),
    /// Below Go's first workspace, which has a variable of its own.
    GoPath(&'static str),
    /// Nowhere: what has no usual place is passed where it is set.
    Unknown,
}
use Below::{Cache, Config, Data, GoPath, Home, Unknown};

/// Installed toolchains: without them the tools themselves are not found.
const TOOLCHAINS: &[(&str, Below)] = &[
    ("ASDF_DATA_DIR", Home(".asdf")),
    ("BUN_INSTALL", Home(".bun")),
    // The package managers that corepack has unpacked, not what they install.
    ("COREPACK_HOME", Cache("node/corepack")),
    ("FNM_DIR", Data("fnm")),
    ("GOROOT", Unknown),
    ("JAVA_HOME", Unknown),
    // Its shims read there which versions the user wants.
    ("MISE_CONFIG_DIR", Config("mise")),
    ("MISE_DATA_DIR", Data("mise")),
    ("NVM_DIR", Home(".nvm")),
    ("PLAYWRIGHT_BROWSERS_PATH", Cache("ms-playwright")),
    // pnpm itself and the versions of Node.js that it manages; its store has a variable of its own below.
    ("PNPM_HOME", Data("pnpm")),
    ("PYENV_ROOT", Home(".pyenv")),
    ("RBENV_ROOT", Home(".rbenv")),
    ("RUSTUP_HOME", Home(".rustup")),
    ("UV_PYTHON_INSTALL_DIR", Data("uv/python")),
    ("VOLTA_HOME", Home(".volta")),
];

/// Package stores: what was downloaded, by name, version and digest. What holds results is not among them and is always empty: Go's build
/// cache (it holds test results), and the caches of ccache, turbo, nx and Bazel, which lie in folders of the workspace's own.
const STORES: &[(&str, Below)] = &[
    ("BUN_INSTALL_CACHE_DIR", Home(".bun/install/cache")),
    ("CARGO_HOME", Home(".cargo")),
    ("CYPRESS_CACHE_FOLDER", Cache("Cypress")),
    ("GOMODCACHE", GoPath("pkg/mod")),
    ("GRADLE_USER_HOME", Home(".gradle")),
    ("PIP_CACHE_DIR", Cache("pip")),
    ("UV_CACHE_DIR", Cache("uv")),
    ("YARN_CACHE_FOLDER", Cache("yarn")),
    ("YARN_GLOBAL_FOLDER", Home(".yarn/berry")),
    ("npm_config_cache", Home(".npm")),
    // pnpm reads the first up to version 10, the second from 11 on.
    ("npm_config_store_dir", Data("pnpm/store")),
    ("pnpm_config_store_dir", Data("pnpm/store")),
    // What registries said of packages: from version 11 on pnpm asks them about every line of a lockfile that it does not find here.
    ("npm_config_cache_dir", Cache("pnpm")),
    ("pnpm_config_cache_dir", Cache("pnpm")),
];

/// Maven reads no variable for its store, and its home folder not from `HOME` either.
const MAVEN_STORE: Below = Home(".m2/repository");

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
    for (name, below) in TOOLCHAINS {
        if let Some(folder) = place_of(caller, name, below) {
            set(name, folder.as_os_str());
        }
    }
    // Empty ones are named too: a configuration file may lead elsewhere, and a tool's home is not always `HOME`.
    let store = |name: &str, below: &Below| match caches {
        Caches::Shared => place_of(caller, name, below),
        Caches::Fresh => Some(place_in(folders, below)),
    };
    for (name, below) in STORES {
        if let Some(folder) = store(name, below) {
            set(name, folder.as_os_str());
        }
    }
    if let Some(folder) = store("", &MAVEN_STORE) {
        let mut option = OsString::from("-Dmaven.repo.local=");
        option.push(folder);
        set("MAVEN_ARGS", &option);
    }
    // Gradle's home holds its build cache beside its packages, and a test that was answered from there did not run.
    set("GRADLE_OPTS", OsStr::new("-Dorg.gradle.caching=false"));
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

/// Where the user's tool keeps its things, if it is used here.
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
        Config(path) => xdg("XDG_CONFIG_HOME", ".config").join(path),
        Data(path) => xdg("XDG_DATA_HOME", ".local/share").join(path),
        GoPath(path) => {
            let first = caller.variable("GOPATH").and_then(|path| std::env::split_paths(path).next());
            first.unwrap_or_else(|| home.join("go")).join(path)
        }
        Unknown => return None,
    };
    folder.is_dir().then_some(folder)
}

/// Where it would keep them in a workspace.
fn place_in(folders: &Folders, below: &Below) -> PathBuf {
    match below {
        Home(path) => folders.folder("HOME").join(path),
        Cache(path) => folders.folder("XDG_CACHE_HOME").join(path),
        Config(path) => folders.folder("XDG_CONFIG_HOME").join(path),
        Data(path) => folders.folder("XDG_DATA_HOME").join(path),
        GoPath(path) => folders.folder("HOME").join("go").join(path),
        Unknown => folders.folder("HOME").join("unknown"),
    }
}

/// Sets a variable of a recipe. What the policy gave it stays in front: options add up, and the last of them wins.
pub(super) fn append(variables: &mut Variables, name: &str, value: &str) {
    let slot = variables.entry(name.into()).or_default();
    if !slot.is_empty() {
        slot.push(" ");
    }
    slot.push(value);
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
    fn stores_below_the_real_home_are_passed() {
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
    }

    #[test]
    fn fresh_stores_all_lie_in_the_workspace_and_toolchains_stay_the_users() {
        let home = tempfile::tempdir().unwrap();
        for folder in [".rustup", ".cargo", ".npm", ".m2/repository", ".gradle", ".cache/node/corepack", "go/pkg/mod"] {
            std::fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        let caller = caller(home.path(), &[("PATH", "/bin"), ("npm_config_cache", "/big/npm"), ("JAVA_HOME", "/jdk")]);
        let shared = seen(&caller, Caches::Shared);
        let fresh = seen(&caller, Caches::Fresh);
        for (name, _) in STORES {
            let folder = Path::new(&fresh[OsStr::new(name)]);
            assert!(folder.starts_with("/scratch"), "{name}: {}", folder.display());
        }
        assert_eq!(fresh[OsStr::new("CARGO_HOME")], "/scratch/home/.cargo");
        assert_eq!(fresh[OsStr::new("MAVEN_ARGS")], "-Dmaven.repo.local=/scratch/home/.m2/repository");
        for name in ["RUSTUP_HOME", "COREPACK_HOME", "JAVA_HOME"] {
            assert_eq!(fresh[OsStr::new(name)], shared[OsStr::new(name)], "{name}");
        }
    }

    #[test]
    fn no_shared_store_holds_results() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join(".gradle/caches/build-cache-1")).unwrap();
        std::fs::create_dir_all(home.path().join(".cache/go-build")).unwrap();
        let user = home.path().join("gopath").into_os_string().into_string().unwrap();
        std::fs::create_dir_all(home.path().join("gopath/pkg/mod")).unwrap();
        let caller =
            caller(home.path(), &[("PATH", "/bin"), ("GOCACHE", "/big/go-build"), ("GOPATH", &format!("{user}:/b"))]);
        let seen = seen(&caller, Caches::Shared);
        assert!(!seen.contains_key(OsStr::new("GOCACHE")) && !seen.contains_key(OsStr::new("GOPATH")));
        assert_eq!(seen[OsStr::new("GOMODCACHE")], home.path().join("gopath/pkg/mod"));
        assert_eq!(seen[OsStr::new("GRADLE_OPTS")], "-Dorg.gradle.caching=false");
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
