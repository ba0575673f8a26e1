//! `docs/policy.md`, made from the table of keys.

use super::keys::{KEYS, Key, Kind};

const HEAD: &str = include_str!("docs_head.md");

/// The text of `docs/policy.md`.
pub fn docs() -> String {
    let mut text = String::from(HEAD);
    for table in KEYS.iter().filter(|key| is_table(key)) {
        let title = match table.kind {
            Kind::Tables => format!("A table of `{}`", table.name.replace(".*", ".NAME")),
            _ => format!("`[{}]`", table.name.replace(".*", ".NAME")),
        };
        let inside = match table.kind {
            Kind::Named => format!("{}.*", table.name),
            _ => table.name.to_owned(),
        };
        let title = if table.kind == Kind::Named { title.replace(']', ".NAME]") } else { title };
        text.push_str(&format!("\n### {title}\n\n{}\n", table.meaning));
        text.push_str("\n| key | value | default | meaning | no approval when | new proof |\n| --- | --- | --- | --- | --- | --- |\n");
        let rows = KEYS.iter().filter(|key| key.name.rsplit_once('.').is_some_and(|(parent, _)| parent == inside));
        for key in rows.filter(|key| key.kind != Kind::Table) {
            text.push_str(&row(key));
        }
    }
    text
}

fn is_table(key: &Key) -> bool {
    matches!(key.kind, Kind::Table | Kind::Named | Kind::Tables | Kind::Report)
}

fn row(key: &Key) -> String {
    let own = key.name.rsplit_once('.').map_or(key.name, |(_, own)| own);
    let default = match key.default {
        "" => "–".to_owned(),
        text if text.starts_with(['"', '[', '{', '1']) || matches!(text, "true" | "false") => format!("`{text}`"),
        text => text.to_owned(),
    };
    let proof = if key.proven { "yes" } else { "no" };
    format!("| `{own}` | {} | {default} | {} | {} | {proof} |\n", value(key.kind), key.meaning, key.stronger_when)
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".into(),
        Kind::RelativePath => "relative path".into(),
        Kind::Switch => "`true` or `false`".into(),
        Kind::Number(least) => format!("whole number from {least}"),
        Kind::Time => "time".into(),
        Kind::Word(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
        Kind::Texts => "list of texts".into(),
        Kind::RelativePaths => "list of relative paths".into(),
        Kind::Glob => "path glob".into(),
        Kind::Globs => "list of path globs".into(),
        Kind::Names => "list of name globs".into(),
        Kind::Pattern => "pattern".into(),
        Kind::Patterns => "list of patterns".into(),
        Kind::Command => "command".into(),
        Kind::Commands => "list of commands".into(),
        Kind::Report => "adapter's name, or a table".into(),
        Kind::Settings => "table of texts".into(),
        Kind::Table | Kind::Named => "table".into(),
        Kind::Tables => "list of tables".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy.md");

    #[test]
    fn the_document_is_in_step_with_the_keys() {
        let there = std::fs::read_to_string(FILE).expect("docs/policy.md is there");
        assert!(there == docs(), "docs/policy.md is out of step; run `cargo test write_the_document -- --ignored`");
    }

    #[test]
    fn every_key_is_documented() {
        for key in KEYS.iter().filter(|key| key.kind != Kind::Table && key.name != "version" && key.name != "suites") {
            let own = key.name.rsplit_once('.').map_or(key.name, |(_, own)| own);
            assert!(docs().contains(&format!("\n| `{own}` |")), "{}", key.name);
            assert!(!key.stronger_when.is_empty(), "{} has a rule", key.name);
        }
    }

    #[test]
    #[ignore = "writes docs/policy.md"]
    fn write_the_document() {
        std::fs::write(FILE, docs()).expect("docs/policy.md can be written");
    }
}
