use std::process::ExitCode;

fn main() -> ExitCode {
    redtab::cli::run()
}
