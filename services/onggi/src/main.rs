//! The `onggi` binary: parses the command line and the configuration, runs the command, prints the error.

use clap::Parser;
use onggi::cli::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    match onggi::run(Cli::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("onggi: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
