//! Files whose change calls for every suite: what is installed, how tests are run, and the hooks.

use bstr::{BStr, ByteSlice as _};

/// File names, in any folder, and what they are. Names with a `*` match that part of the name. Also shown in `docs/selection.md`.
pub const TABLE: &[(&str, &[&str])] = &[
    (
        "lockfile",
        &[
            "package-lock.json",
            "npm-shrinkwrap.json",
            "pnpm-lock.yaml",
            "yarn.lock",
            "bun.lock",
            "bun.lockb",
            "deno.lock",
            "Cargo.lock",
            "go.sum",
            "go.work.sum",
            "Gemfile.lock",
            "composer.lock",
            "poetry.lock",
            "Pipfile.lock",
            "uv.lock",
            "pdm.lock",
            "requirements*.txt",
            "gradle.lockfile",
            "packages.lock.json",
            "mix.lock",
            "flake.lock",
            "pubspec.lock",
            "Package.resolved",
        ],
    ),
    (
        "manifest",
        &[
            "package.json",
            "pnpm-workspace.yaml",
            "deno.json",
            "deno.jsonc",
            "Cargo.toml",
            "go.mod",
            "go.work",
            "Gemfile",
            "composer.json",
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "Pipfile",
            "pom.xml",
            "build.gradle",
            "build.gradle.kts",
            "settings.gradle",
            "settings.gradle.kts",
            "gradle.properties",
            "libs.versions.toml",
            "*.csproj",
            "*.fsproj",
            "*.sln",
            "Directory.Build.props",
            "Directory.Packages.props",
            "mix.exs",
            "pubspec.yaml",
            "Package.swift",
            "CMakeLists.txt",
            "Makefile",
            "flake.nix",
        ],
    ),
    (
        "toolchain",
        &[
            ".nvmrc",
            ".node-version",
            ".tool-versions",
            "mise.toml",
            ".mise.toml",
            "rust-toolchain",
            "rust-toolchain.toml",
            ".python-version",
            ".ruby-version",
            ".java-version",
            ".npmrc",
            ".yarnrc",
            ".yarnrc.yml",
            ".pnpmfile.cjs",
            "global.json",
        ],
    ),
    (
        "runner's configuration",
        &[
            ".mocharc.*",
            "vitest.config.*",
            "vitest.workspace.*",
            "vite.config.*",
            "jest.config.*",
            "jest.setup.*",
            "playwright.config.*",
            "cypress.config.*",
            "wdio.conf.*",
            "karma.conf.*",
            "babel.config.*",
            ".babelrc*",
            ".swcrc",
            "tsconfig*.json",
            "pytest.ini",
            "tox.ini",
            "conftest.py",
            "noxfile.py",
            ".rspec",
            "phpunit.xml",
            "phpunit.xml.dist",
            "nextest.toml",
            "Jenkinsfile",
            "docker-compose*.yml",
            "docker-compose*.yaml",
            "compose.yml",
            "compose.yaml",
            "Dockerfile",
            ".dockerignore",
            "testng.xml",
            "junit-platform.properties",
        ],
    ),
    (
        "hooks",
        &[
            "lefthook.yml",
            "lefthook.yaml",
            ".lefthook.yml",
            ".lefthook.yaml",
            ".pre-commit-config.yaml",
            ".overcommit.yml",
            ".gitattributes",
            ".gitmodules",
        ],
    ),
];

/// Folders whose whole content calls for every suite, and what they are.
pub const FOLDERS: &[(&str, &str)] =
    &[(".husky", "hooks"), (".githooks", "hooks"), (".cargo", "toolchain"), ("gradle/wrapper", "toolchain")];

/// What makes a path call for every suite: a word and the name of the table that matched. Case does not matter.
pub fn calls_for_everything(path: &BStr) -> Option<(&'static str, &'static str)> {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit_once_str("/").map_or(&lower[..], |(_, name)| name);
    for (what, names) in TABLE {
        if let Some(found) = names.iter().find(|pattern| matches(&pattern.to_ascii_lowercase(), name)) {
            return Some((what, found));
        }
    }
    let slashed = [b"/", lower.as_slice()].concat();
    FOLDERS
        .iter()
        .find(|(folder, _)| slashed.contains_str(format!("/{}/", folder.to_ascii_lowercase())))
        .map(|(folder, what)| (*what, *folder))
}

fn matches(pattern: &str, name: &[u8]) -> bool {
    match pattern.split_once('*') {
        None => pattern.as_bytes() == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len()
                && name.starts_with(start.as_bytes())
                && name.ends_with(end.as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(&str, &str)>) {
        assert_eq!(calls_for_everything(path.into()), expected, "{path}");
    }

    #[test]
    fn lockfiles_manifests_runners_and_hooks_are_known_in_any_folder() {
        check("pnpm-lock.yaml", Some(("lockfile", "pnpm-lock.yaml")));
        check("packages/shop/package.json", Some(("manifest", "package.json")));
        check("PACKAGE.JSON", Some(("manifest", "package.json")));
        check(".mocharc.cjs", Some(("runner's configuration", ".mocharc.*")));
        check("tsconfig.base.json", Some(("runner's configuration", "tsconfig*.json")));
        check(".husky/pre-push", Some(("hooks", ".husky")));
        check("app/.cargo/config.toml", Some(("toolchain", ".cargo")));
        check("src/package.json.md", None);
        check("src/cargo/x.rs", None);
        check("tsconfig", None);
    }
}
