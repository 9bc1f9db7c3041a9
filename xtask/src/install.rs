//! What the tests need besides Rust, installed when it is missing.

use std::{path::Path, process::Command};

use anyhow::{Context, bail};

/// Where the end-to-end tests keep the scripts that use the official SDKs.
const SDKS: &str = "services/onggi/tests/sdk";

/// Debian's PostgreSQL, for the conformance suite of the metadata database.
pub(crate) fn postgres() -> anyhow::Result<()> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| versions.next().is_some());
    if installed || on_path("postgres") {
        return Ok(());
    }
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get").args(["install", "-y", "-qq", "postgresql"]))
}

/// The official SDKs, in the versions that `package.json` and `requirements.txt` name.
pub(crate) fn sdks() -> anyhow::Result<()> {
    let js = Path::new(SDKS).join("js");
    if !js.join("node_modules").is_dir() {
        run(Command::new("npm").args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]).current_dir(&js))?;
    }
    let python = Path::new(SDKS).join("python");
    if !python.join(".venv/done").is_file() {
        run(Command::new("python3").args(["-m", "venv", ".venv"]).current_dir(&python))?;
        run(Command::new(".venv/bin/pip").args(["install", "--quiet", "-r", "requirements.txt"]).current_dir(&python))?;
        std::fs::write(python.join(".venv/done"), "").context("cannot write to the virtual environment")?;
    }
    Ok(())
}

/// `cargo deny`, built from its source.
pub(crate) fn cargo_deny() -> anyhow::Result<()> {
    if on_path("cargo-deny") {
        return Ok(());
    }
    run(Command::new("cargo").args(["install", "--quiet", "--locked", "cargo-deny"]))
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(program).is_file()))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    eprintln!("== installing: {command:?}");
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed: install what it names by hand, then try again");
    }
    Ok(())
}
