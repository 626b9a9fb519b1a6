//! The program `ostrakon`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Only test builds have failpoints: the variable FAILPOINTS turns them on.
    let _scenario = fail::has_failpoints().then(fail::FailScenario::setup);
    ostrakon::cli::run()
}
