//! `cargo xtask test kube`: a cluster, images, helm, and the tests in it; and nothing of it left afterwards.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::{
    cargo,
    image::{self, ImageArgs},
    install,
    report::Report,
};

/// The script that makes a cluster, where a checkout has it beside it.
const CLUSTER: &str = "../shared/kube/cluster";
/// The images: the program, the same under another name for upgrades, a worker that only keeps the protocol, and the controller's suite.
const IMAGE: &str = "onggi:test-1";
const OTHER_IMAGE: &str = "onggi:test-2";
const STAND_IN_IMAGE: &str = "onggi-stand-in:test";
const SUITE_IMAGE: &str = "onggi-suite:test";

/// What is run, and how.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The tests whose name contains this; all without.
    pub(crate) only: Option<String>,
    /// The cluster stays for a person to look at.
    pub(crate) keep: bool,
    /// The program in the images; without, it is built as the tests are.
    pub(crate) program: Option<PathBuf>,
}

/// Makes a cluster and runs tests in it.
pub(crate) fn test(report: &mut Report, run: &Run) -> anyhow::Result<()> {
    if let Some(why) = why_not() {
        bail!("{why}");
    }
    let script = cluster_script()?;
    install::postgres()?;
    install::javascript_client()?;
    let helm = install::helm()?;
    let images = images(run.program.as_deref())?;
    let cluster = Cluster::up(&script, run.keep)?;
    let archives: Vec<String> = images.iter().map(|image| image.display().to_string()).collect();
    let mut load = vec!["load"];
    load.extend(archives.iter().map(String::as_str));
    cluster.run(&load)?;

    let mut tests = cargo(&["test", "--workspace", "--locked", "--quiet", "--test", "kube", "--"]);
    tests.args(&run.only);
    tests.env("KUBECONFIG", cluster.kubeconfig()?).env("ONGGI_KUBE_HELM", &helm);
    for (name, image) in [
        ("ONGGI_KUBE_IMAGE", IMAGE),
        ("ONGGI_KUBE_OTHER_IMAGE", OTHER_IMAGE),
        ("ONGGI_KUBE_STAND_IN_IMAGE", STAND_IN_IMAGE),
        ("ONGGI_KUBE_SUITE_IMAGE", SUITE_IMAGE),
    ] {
        tests.env(name, image);
    }
    report.tests("kubernetes", &mut tests)
}

/// Why these tests cannot run here, if they cannot.
pub(crate) fn why_not() -> Option<String> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let script = cluster_script().err().map(|error| error.to_string());
    script.or_else(|| (!root).then(|| "a cluster is made by root only".to_owned())).or_else(no_room)
}

/// A kubelet removes images from a disk that is fuller than this, and no registry would give them back.
const FULLEST_PERCENT: u64 = 85;

/// Why the disk has no room for a cluster, if it has none. What the images and the tests write is about 3 GB.
fn no_room() -> Option<String> {
    let output = Command::new("df").args(["--block-size=1", "--output=size,avail", "/"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.lines().nth(1)?.split_whitespace().map(|number| number.parse::<u64>().ok());
    let (size, free) = (numbers.next()??, numbers.next()??.saturating_sub(3_000_000_000));
    let used_percent = 100 * size.saturating_sub(free) / size.max(1);
    (used_percent >= FULLEST_PERCENT).then(|| {
        format!("the disk would be {used_percent} % full, reserved blocks included, and above {FULLEST_PERCENT} % the kubelet removes the images")
    })
}

fn cluster_script() -> anyhow::Result<PathBuf> {
    let script = std::env::var_os("ONGGI_CLUSTER").map_or_else(|| PathBuf::from(CLUSTER), PathBuf::from);
    if !script.is_file() {
        bail!(
            "{} is not there: it makes the cluster that these tests run in; name one with ONGGI_CLUSTER, that knows `up`, `load`, `env` and `down`",
            script.display()
        );
    }
    Ok(script)
}

/// Builds what the tests run anyway, and puts it into images; `program` in the place of `onggi`, if there is one.
fn images(program: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    crate::build_programs()?;
    let tests = cargo(&["test", "--workspace", "--locked", "--quiet", "--no-run", "--test", "kube"]).status();
    ensure!(tests.context("cannot run cargo")?.success(), "the tests in a cluster do not compile");
    let programs = crate::programs()?;
    let output = |name: &str| PathBuf::from(format!("target/kube-{name}.tar"));
    let args = |binary: PathBuf, tag: &str, name: &str| ImageArgs { binary: Some(binary), tag: tag.to_owned(), output: output(name) };
    let onggi = program.map_or_else(|| programs.join("onggi"), Path::to_owned);
    image::run(&args(onggi, IMAGE, "onggi"))?;
    image::tagged(&output("onggi"), &output("other"), OTHER_IMAGE)?;
    image::bare(&args(programs.join("examples/stand_in_worker"), STAND_IN_IMAGE, "stand-in"))?;
    image::bare(&args(suite()?, SUITE_IMAGE, "suite"))?;
    Ok(["onggi", "other", "stand-in", "suite"].map(output).to_vec())
}

/// The test binary of the controller's suite.
fn suite() -> anyhow::Result<PathBuf> {
    let mut command = cargo(&["test", "--workspace", "--locked", "--quiet", "--no-run", "--test", "suite", "--message-format", "json"]);
    let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    ensure!(output.status.success(), "the controller's suite does not compile");
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut suites = artifacts.filter(|message| {
        let is_suite = message["target"]["name"] == "suite" && message["executable"].is_string();
        is_suite && message["manifest_path"].as_str().is_some_and(|path| path.ends_with("services/controller/Cargo.toml"))
    });
    let suite = suites.next().context("cargo does not say where the controller's suite is")?;
    Ok(suite["executable"].as_str().unwrap_or_default().into())
}

/// A running cluster. It ends with this value, however the tests went.
struct Cluster<'a> {
    script: &'a Path,
    keep: bool,
}

impl<'a> Cluster<'a> {
    fn up(script: &'a Path, keep: bool) -> anyhow::Result<Self> {
        let cluster = Self { script, keep };
        cluster.run(&["up"])?;
        Ok(cluster)
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let status = Command::new(self.script).args(arguments).stdout(Stdio::null()).status();
        let status = status.with_context(|| format!("cannot run {}", self.script.display()))?;
        ensure!(status.success(), "{} {arguments:?} failed", self.script.display());
        Ok(())
    }

    /// The file that names the cluster, as the script's `env` exports it.
    fn kubeconfig(&self) -> anyhow::Result<String> {
        let output = Command::new(self.script).arg("env").output().context("asking for the cluster's address")?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(text.strip_prefix("export KUBECONFIG=").context("the script says where KUBECONFIG is")?.to_owned())
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = self.run(&["down"])
        {
            eprintln!("the cluster was not removed: {error:#}");
        }
    }
}
