//! The table of keys as a JSON Schema and as the manual page `docs/configuration.md`. Only the generator and its test
//! call this; the binary embeds what they committed.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use crate::config::Config;
use crate::config::keys::{CONFIG, DIRECTORY, Field, Form, Key, Section, Slot, Value, quoted};
use crate::environment::Environment;

/// The JSON Schema (draft 2020-12) of `config.toml`, pretty, with a newline at its end.
pub fn schema() -> String {
    let mut root = Map::new();
    for section in CONFIG {
        let object = object(section);
        match section.form {
            Form::Top => {
                if let Some(Json::Object(keys)) = object.get("properties") {
                    root.extend(keys.clone());
                }
            }
            Form::Table => {
                root.insert(section.name.into(), object);
            }
            Form::Named | Form::Listed => {
                let list = json!({ "type": "array", "description": section.doc, "items": object });
                root.insert(section.name.into(), list);
            }
        }
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "redtab configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": root,
    });
    format!("{schema:#}\n")
}

fn object(section: &Section) -> Json {
    let mut properties = Map::new();
    for key in section.keys {
        let mut schema = key.shape.schema();
        if let Json::Object(schema) = &mut schema {
            schema.insert("description".into(), key.doc.into());
            match default(key) {
                Some(Value::Text(text)) => schema.insert("default".into(), text.into()),
                Some(Value::List(list)) => schema.insert("default".into(), list.into()),
                Some(Value::Flag(flag)) => schema.insert("default".into(), flag.into()),
                None => None,
            };
        }
        properties.insert(key.name.into(), schema);
    }
    let required: Vec<&str> = section.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut object = json!({
        "type": "object",
        "description": section.doc,
        "additionalProperties": false,
        "properties": properties,
    });
    if let (false, Json::Object(object)) = (required.is_empty(), &mut object) {
        object.insert("required".into(), required.into());
    }
    object
}

/// The built-in value of a key that stands for itself; items of lists have none.
fn default(key: &Key) -> Option<Value> {
    match key.slot {
        Slot::Config(field) => Some(field(&mut Config::default()).get()),
        Slot::Declared(_) | Slot::Environment(_) | Slot::Target(_) | Slot::Backup(_) | Slot::Rule(_) => None,
    }
}

/// The manual page `docs/configuration.md`.
pub fn manual() -> String {
    let mut out = String::from(HEAD);
    for section in CONFIG {
        let title = if section.form == Form::Top {
            "Top of the file".into()
        } else {
            format!("`{}`", section.header())
        };
        let _ = writeln!(out, "\n### {title}\n\n{}\n", section.doc);
        keys(&mut out, section);
    }
    out.push_str(BUILT_IN);
    let mut names = Config::default().names;
    for environment in &mut names.environments {
        built_in(&mut out, environment);
    }
    out.push_str("\n```toml\n[names]\n");
    setting(&mut out, "negators", &Field::get(&names.negators));
    setting(&mut out, "nonproduction", &Field::get(&names.nonproduction));
    out.push_str("```\n");
    out.push_str(DIRECTORY_HEAD);
    for section in DIRECTORY {
        keys(&mut out, section);
    }
    out.push_str(TAIL);
    out
}

fn keys(out: &mut String, section: &Section) {
    out.push_str("| key | value | default | what it does |\n|---|---|---|---|\n");
    for key in section.keys {
        let default = match default(key) {
            _ if key.required => "required".into(),
            Some(Value::List(list)) if !list.is_empty() => "see below".into(),
            Some(value) => format!("`{}`", value.toml()),
            None => String::new(),
        };
        let mut doc = key.doc.replace('|', "\\|");
        if let Some(words) = key.shape.words() {
            let _ = write!(doc, " One of `{}`.", words.join("`, `"));
        }
        let _ = writeln!(out, "| `{}` | {} | {default} | {doc} |", key.name, key.shape.described());
    }
}

fn built_in(out: &mut String, environment: &mut Environment) {
    out.push_str("\n```toml\n[[environment]]\n");
    let keys = CONFIG.iter().filter(|section| section.form == Form::Named).flat_map(|section| section.keys);
    for key in keys {
        if let Slot::Environment(field) = key.slot {
            setting(out, key.name, &field(environment).get());
        }
    }
    out.push_str("```\n");
}

/// `key = value`, a long list over several lines.
pub fn setting(out: &mut String, key: &str, value: &Value) {
    annotated(out, key, value, None);
}

/// The same with a comment behind the value, or behind the bracket that opens a long list.
pub fn annotated(out: &mut String, key: &str, value: &Value, comment: Option<&str>) {
    const WIDTH: usize = 100;
    let comment = comment.map(|comment| format!("  # {comment}")).unwrap_or_default();
    let line = format!("{key} = {}", value.toml());
    let list = match value {
        Value::List(list) if line.chars().count() > WIDTH => list,
        _ => {
            let _ = writeln!(out, "{line}{comment}");
            return;
        }
    };
    let _ = write!(out, "{key} = [{comment}");
    let mut column = usize::MAX;
    for element in list {
        let element = quoted(element);
        if column.saturating_add(element.chars().count() + 2) > WIDTH {
            out.push_str("\n   ");
            column = 3;
        }
        let _ = write!(out, " {element},");
        column += element.chars().count() + 2;
    }
    out.push_str("\n]\n");
}

const HEAD: &str = r#"# Configuration

<!-- Written by `cargo run --example generate` from src/config/keys.rs; edit that. -->

redtab needs no configuration. This page is for the names it can't know.

`redtab config check` finds every mistake at once, with line, caret and what was probably meant. `redtab config show`
prints what is in force and where each value comes from. Editors take the JSON Schema from `redtab config schema`.

## Files

Later layers go over earlier ones:

1. what is built in (at the end of this page);
2. `/etc/redtab/config.toml`, for everybody on this machine;
3. `$XDG_CONFIG_HOME/redtab/config.toml`; without that variable `~/.config/redtab/config.toml`, on macOS
   `~/Library/Application Support/redtab/config.toml`;
4. variables: `REDTAB_SEGMENT` (`long`, `short` or `off`) sets `prompt.segment`.

`REDTAB_CONFIG` names another file in place of the third. `REDTAB_SYSTEM_CONFIG` names one in place of the second; it is
there for tests. Both must be absolute paths of files that exist.

How layers merge:

- a key replaces the same key of the layer below;
- `[[environment]]`s merge by `name`, key by key;
- `[[target]]`s add up, and those of later layers are looked at first; one file may answer a name only once;
- any other list replaces the list below, unless one of its elements is `"..."`, which stands for that list:
  `match = ["...", "zeus"]` adds a word.

A key locked in `/etc/redtab/config.toml` keeps its value; a later layer that sets it gets an error that names the lock.

A file with a mistake is not half used. Its last good copy stays in force, and the prompt shows the mistake until it is
mended. When there never was a good copy, the layers below hold.

## Keys of config.toml

A key that is not listed here is an error.
"#;

const BUILT_IN: &str = "
## What is built in
";

const DIRECTORY_HEAD: &str = "
## .redtab.toml

A directory can say that it and everything below it is production. Every `.redtab.toml` from the current directory up to
`/` counts (64 levels at most), and each may only tighten. It is read only when it belongs to you or root and neither it
nor its directory can be written by everybody; others are ignored, and `redtab status` says so.

";

const TAIL: &str = "
A key that is not listed here is shown as an error, and the others of the file still count. A file that can't be read or
is no TOML makes the verdict unsure.

## An example

```toml
[[environment]]
name = \"production\"
match = [\"...\", \"zeus\"]           # zeus is what we call production

[[environment]]
name = \"demo\"
match = [\"demo\", \"showroom\"]
severity = \"caution\"

[[target]]
signal = \"aws_account\"
is = \"123456789012\"
environment = \"production\"

[[target]]
signal = \"kube_context\"
is = \"prod-replay\"                # not production, whatever it is called
environment = \"safe\"

[prompt]
segment = \"short\"
```
";
