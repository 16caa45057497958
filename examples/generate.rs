//! Writes the files that are made from tables in the code: `cargo run --example generate`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    std::fs::write(docs.join("configuration.md"), redtab::config::reference::manual())?;
    std::fs::write(docs.join("config.schema.json"), redtab::config::reference::schema())
}
