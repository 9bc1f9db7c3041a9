//! The project's tasks: `cargo xtask test` is the one test command.

mod chart;
#[cfg(test)]
mod dashboards;
mod image;
mod install;
mod kube;
mod report;

use std::{path::PathBuf, process::Command};

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};

use report::Report;

/// Tasks of the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what is missing, then run format, lints, and the tests; ends with `N passed, N failed`.
    Test {
        /// Only a part, for daily use.
        part: Option<Part>,
        /// Of the tests in a cluster, those whose name contains this.
        #[arg(long)]
        only: Option<String>,
        /// Leave the cluster as it is afterwards.
        #[arg(long)]
        keep: bool,
        /// In a cluster, test this program (`target/release/onggi`) instead of the one that the tests build.
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Make the container image as an OCI archive, without a daemon.
    Image(image::ImageArgs),
    /// Hold the chart against the schemas of Kubernetes, without a cluster.
    Chart,
    /// Check licences and sources of the dependencies.
    Deny,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Format, lints, unit and conformance tests.
    Unit,
    /// The whole of Onggi with real workers and the official SDKs.
    E2e,
    /// The portal in a browser; pictures of its pages are written to target/portal-screenshots.
    Portal,
    /// Onggi on a real Kubernetes, installed by its chart. Needs root and a script that makes a cluster.
    Kube,
}

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(root()).context("the workspace's root is gone")?;
    match Cli::parse().task {
        Task::Test { part: Some(Part::Kube), only, keep, program } => {
            let mut report = Report::default();
            kube::test(&mut report, &kube::Run { only, keep, program })?;
            report.finish()
        }
        Task::Test { part, .. } => test(part),
        Task::Image(args) => image::run(&args),
        Task::Chart => chart::check(),
        Task::Deny => {
            let status = deny()?.status().context("cannot run cargo-deny")?;
            anyhow::ensure!(status.success(), "cargo-deny found something");
            Ok(())
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Where cargo puts the programs that the tests run: beside this one.
fn programs() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe().context("where this program is")?;
    Ok(this.parent().context("a program lies in a directory")?.to_owned())
}

/// Builds them. With an example: else the features of what only tests need are not there, and the dependencies are compiled once more.
fn build_programs() -> anyhow::Result<()> {
    let build = ["build", "--workspace", "--locked", "--quiet", "--bin", "onggi", "--example", "stand_in_worker"];
    let status = cargo(&build).status().context("cannot run cargo")?;
    anyhow::ensure!(status.success(), "onggi does not compile");
    Ok(())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Everything is built for the whole workspace, so that each dependency is compiled with one set of features, once.
fn test(part: Option<Part>) -> anyhow::Result<()> {
    let mut report = Report::default();
    let workspace = ["test", "--workspace", "--locked", "--quiet", "--no-fail-fast"];
    if part.is_none_or(|part| part == Part::Unit) {
        install::postgres()?;
        report.step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
        report.step("lints", &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]))?;
        report.step("dependencies", &mut deny()?)?;
        // The controller's suite runs an example as its worker.
        report.step("stand-ins", &mut cargo(&["build", "--workspace", "--examples", "--locked", "--quiet"]))?;
        let kinds = ["--lib", "--bins", "--test", "it", "--test", "suite"];
        report.tests("unit and conformance", cargo(&workspace).args(kinds))?;
    }
    if part.is_none_or(|part| part == Part::E2e) {
        let this = std::env::current_exe().context("where this program is")?;
        report.step("chart", Command::new(this).arg("chart"))?;
        install::sdks()?;
        report.tests("end to end", cargo(&workspace).args(["--test", "e2e"]))?;
    }
    if part.is_none_or(|part| part == Part::Portal) {
        install::browser_flows()?;
        report.tests("portal", cargo(&workspace).args(["--test", "portal"]))?;
    }
    if part.is_none() {
        match kube::why_not() {
            None => report.attempt("kubernetes", |report| kube::test(report, &kube::Run::default())),
            Some(why) => eprintln!("== kubernetes: LEFT OUT, nothing was tested on a cluster: {why}"),
        }
    }
    report.finish()
}

/// Without the database of advisories, which is not to be had everywhere.
fn deny() -> anyhow::Result<Command> {
    let mut command = Command::new(install::cargo_deny()?);
    command.args(["--locked", "--log-level", "error", "check", "licenses", "bans", "sources"]);
    Ok(command)
}
