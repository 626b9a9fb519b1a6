//! The program `ostrakon`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ostrakon::cli::run()
}
