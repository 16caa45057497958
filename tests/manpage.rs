//! The committed man page is the one that the code describes.

#[path = "../examples/manpage.rs"]
mod generator;

#[test]
fn committed_page_is_current() {
    let committed = include_str!("../docs/man/redtab.1");
    assert!(committed == generator::page(), "docs/man/redtab.1 is out of date: cargo run --example manpage");
}

#[test]
fn page_has_every_command_code_variable_and_file() {
    use clap::CommandFactory;
    let page = generator::page().replace("\\-", "-");
    for command in redtab::cli::Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let heading = format!(".SS \"redtab {}", command.get_name());
        assert!(page.contains(&heading), "{heading} is not in\n{page}");
    }
    for word in ["\\fB77\\fR", "REDTAB_RUN_DIR", "NO_COLOR", "/etc/redtab/config.toml"] {
        assert!(page.contains(word), "{word} is not in\n{page}");
    }
}
