//! The JSON Schema of the policy file, made from the table of keys, for editors.
//!
//! It tells shapes and words. Bounds between keys, globs and patterns are checked by `parse` alone.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, Kind};

/// The JSON Schema (draft 2020-12) of `.proofrc.toml`.
pub fn schema() -> Value {
    let mut schema = table("");
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = super::FILE.into();
    schema["properties"]["version"] = json!({ "const": 1, "description": "The format of the file: 1." });
    schema
}

fn own(key: &Key) -> &'static str {
    key.name.rsplit_once('.').map_or(key.name, |(_, own)| own)
}

fn table(name: &str) -> Value {
    let parent = |key: &&Key| key.name.rsplit_once('.').map_or("", |(parent, _)| parent) == name;
    let keys: Vec<&Key> = KEYS.iter().filter(parent).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.default == "required").map(|key| own(key)).collect();
    let property = |key: &&Key| {
        let mut value = shape(key);
        value["description"] = key.meaning.into();
        (own(key).to_owned(), value)
    };
    json!({
        "type": "object",
        "properties": keys.iter().map(property).collect::<Map<_, _>>(),
        "required": required,
        "additionalProperties": false,
    })
}

fn shape(key: &Key) -> Value {
    let list = |items: Value| json!({ "type": "array", "items": items });
    let text = json!({ "type": "string" });
    let command = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });
    match key.kind {
        Kind::Text | Kind::RelativePath | Kind::Glob | Kind::Pattern => text,
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Number(least) => json!({ "type": "integer", "minimum": least }),
        Kind::Time => {
            json!({ "type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", "minLength": 2 })
        }
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Texts | Kind::RelativePaths | Kind::Globs | Kind::Names | Kind::Patterns => list(text),
        Kind::Command => command,
        Kind::Commands => list(command),
        Kind::Report => json!({ "oneOf": [{ "enum": super::keys::ADAPTERS }, table(key.name)] }),
        Kind::Settings => json!({ "type": "object", "additionalProperties": text }),
        Kind::Table => table(key.name),
        Kind::Named => json!({
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$" },
            "additionalProperties": table(&format!("{}.*", key.name)),
        }),
        Kind::Tables => list(table(key.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{parse, to_toml};

    fn accepts(text: &str) -> bool {
        let value: toml::Table = text.parse().expect("the file is TOML");
        jsonschema::is_valid(&schema(), &serde_json::to_value(value).expect("TOML fits JSON"))
    }

    #[test]
    fn the_schema_takes_the_whole_example_and_its_full_form() {
        let text = include_str!("../../tests/fixtures/policies/good/everything.toml");
        assert!(accepts(text));
        assert!(accepts(&to_toml(&parse(text.as_bytes()).expect("the example is good"))));
    }

    #[test]
    fn the_schema_refuses_unknown_keys_and_wrong_types() {
        let good = "version = 1\n[suites.a]\nrun = ['x']\nreport = 'tap'\n";
        assert!(accepts(good));
        for bad in ["pathz = ['x']", "default = 'yes'", "timeout = 'soon'", "min_tests = 0", "artifacts = [{}]"] {
            assert!(!accepts(&format!("{good}{bad}\n")), "{bad}");
        }
        assert!(!accepts("version = 1"));
    }
}
