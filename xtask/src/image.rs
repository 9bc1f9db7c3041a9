//! `cargo xtask image`: the container image, as an OCI archive that is written without a daemon. One image, the role is the argument.
//!
//! Three layers, the ones that change least first: what the program needs of a system (glibc, certificates, a user), the unpacked
//! dictionaries, which all containers of a node map from the same files, and the program.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Who runs in the image, unless the platform says otherwise.
const USER: u64 = 65532;
/// Where the dictionaries are, as `kubernetes.dictionaries` has it by default.
const DICTIONARIES: &str = "usr/share/onggi/dictionaries";
/// The largest image, compressed.
const LARGEST: usize = 80 << 20;

/// What to make.
#[derive(Debug, clap::Args)]
pub(crate) struct ImageArgs {
    /// The program; absent: the release build, which is made.
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// The image's name.
    #[arg(long, default_value = concat!("onggi:", env!("CARGO_PKG_VERSION")))]
    pub(crate) tag: String,
    /// The archive.
    #[arg(long, value_name = "FILE", default_value = "target/onggi-image.tar")]
    pub(crate) output: PathBuf,
}

/// Makes the archive.
pub(crate) fn run(args: &ImageArgs) -> anyhow::Result<()> {
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => release_build()?,
    };
    let work = tempfile::tempdir().context("cannot make a temporary directory")?;
    sh(Command::new(&binary).arg("dictionaries").arg(work.path()))?;
    let layers = [system(&binary)?, dictionary_layer(work.path())?, program(&binary)?];
    let size: usize = layers.iter().map(|layer| layer.compressed.len()).sum();
    ensure!(size <= LARGEST, "the image has {} MiB compressed, more than {} MiB", size >> 20, LARGEST >> 20);
    archive(&args.output, &args.tag, &layers)?;
    println!("{} ({}, {:.1} MiB compressed)", args.output.display(), args.tag, size as f64 / (1 << 20) as f64);
    Ok(())
}

/// Makes the image of a program of the tests: without dictionaries, under the name and at the place of `onggi`.
pub(crate) fn bare(args: &ImageArgs) -> anyhow::Result<()> {
    let binary = args.binary.as_ref().context("the tests name their programs")?;
    archive(&args.output, &args.tag, &[system(binary)?, program(binary)?])
}

/// The same image under another name.
pub(crate) fn tagged(archive: &Path, output: &Path, tag: &str) -> anyhow::Result<()> {
    let mut copy = LayerBuilder::new();
    let file = fs::File::open(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    for entry in tar::Archive::new(file).entries().context("reading an image")? {
        let mut entry = entry.context("reading an image")?;
        let path = entry.path().context("reading an image")?.display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).context("reading an image")?;
        if path == "index.json" {
            let mut index: Value = serde_json::from_slice(&bytes).context("reading the index of an image")?;
            index["manifests"][0]["annotations"] = annotations(tag);
            bytes = index.to_string().into_bytes();
        }
        copy.file(&path, &bytes, 0o644)?;
    }
    fs::write(output, copy.0.into_inner().context("writing the archive")?).with_context(|| format!("cannot write {}", output.display()))
}

fn release_build() -> anyhow::Result<PathBuf> {
    sh(&mut crate::cargo(&["build", "--release", "--locked", "--package", "onggi"]))?;
    Ok(crate::programs()?.with_file_name("release").join("onggi"))
}

struct Layer {
    compressed: Vec<u8>,
    /// Of what is compressed.
    diff_id: String,
}

/// Builds a layer: a tar, always the same for the same content.
struct LayerBuilder(tar::Builder<Vec<u8>>);

impl LayerBuilder {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn directory(&mut self, path: &str, mode: u32) -> anyhow::Result<()> {
        let mut header = header(0, mode);
        header.set_entry_type(tar::EntryType::Directory);
        self.0.append_data(&mut header, format!("{path}/"), std::io::empty()).with_context(|| format!("layer: {path}"))
    }

    fn file(&mut self, path: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
        self.0.append_data(&mut header(bytes.len() as u64, mode), path, bytes).with_context(|| format!("layer: {path}"))
    }

    fn copy(&mut self, path: &str, from: &Path, mode: u32) -> anyhow::Result<()> {
        self.file(path, &fs::read(from).with_context(|| format!("cannot read {}", from.display()))?, mode)
    }

    fn finish(self) -> anyhow::Result<Layer> {
        let tar = self.0.into_inner().context("writing a layer")?;
        Ok(Layer { diff_id: digest(&tar), compressed: zstd::encode_all(&tar[..], 6).context("compressing a layer")? })
    }
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header
}

/// The libraries that the program names, the loader, and what names and certificates need.
fn system(binary: &Path) -> anyhow::Result<Layer> {
    let mut layer = LayerBuilder::new();
    for directory in ["etc", "etc/ssl", "etc/ssl/certs", "tmp", "usr", "usr/bin"] {
        layer.directory(directory, if directory == "tmp" { 0o1777 } else { 0o755 })?;
    }
    layer.file("etc/passwd", format!("root:x:0:0::/:/none\nonggi:x:{USER}:{USER}::/:/none\n").as_bytes(), 0o644)?;
    layer.file("etc/group", format!("root:x:0:\nonggi:x:{USER}:\n").as_bytes(), 0o644)?;
    layer.file("etc/nsswitch.conf", b"hosts: files dns\n", 0o644)?;
    let certificates = Path::new("/etc/ssl/certs/ca-certificates.crt");
    ensure!(certificates.is_file(), "{} is missing: install ca-certificates", certificates.display());
    layer.copy("etc/ssl/certs/ca-certificates.crt", certificates, 0o644)?;
    for library in libraries(binary)? {
        layer.copy(library.trim_start_matches('/'), Path::new(&library), 0o755)?;
    }
    layer.finish()
}

/// Paths of shared libraries, as the loader will look for them.
fn libraries(binary: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("ldd").arg(binary).output().context("cannot run ldd")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(!text.contains("not found"), "{} needs a library that is not there: {text}", binary.display());
    let paths = text.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    let paths: Vec<String> = paths.map(str::to_owned).collect();
    if paths.is_empty() {
        bail!("ldd says nothing of {}", binary.display());
    }
    Ok(paths)
}

fn dictionary_layer(from: &Path) -> anyhow::Result<Layer> {
    let mut layer = LayerBuilder::new();
    for directory in ["usr/share", "usr/share/onggi", DICTIONARIES] {
        layer.directory(directory, 0o755)?;
    }
    add_directory(&mut layer, from, DICTIONARIES)?;
    layer.finish()
}

fn add_directory(layer: &mut LayerBuilder, from: &Path, to: &str) -> anyhow::Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().context("reading a directory")?;
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).context("a dictionary's file has a plain name")?;
        let target = format!("{to}/{name}");
        if path.is_dir() {
            layer.directory(&target, 0o755)?;
            add_directory(layer, &path, &target)?;
        } else {
            layer.copy(&target, &path, 0o644)?;
        }
    }
    Ok(())
}

/// The program without what only a debugger reads.
fn program(binary: &Path) -> anyhow::Result<Layer> {
    let stripped = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    sh(Command::new("strip").arg("-o").arg(stripped.path()).arg(binary))?;
    let mut layer = LayerBuilder::new();
    layer.copy("usr/bin/onggi", stripped.path(), 0o755)?;
    layer.finish()
}

/// Writes the archive: an OCI layout in a tar.
fn archive(output: &Path, tag: &str, layers: &[Layer]) -> anyhow::Result<()> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": ["/usr/bin/onggi"],
            "Env": ["PATH=/usr/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "Labels": {"org.opencontainers.image.title": "onggi", "org.opencontainers.image.licenses": "Apache-2.0"},
        },
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|layer| layer.diff_id.clone()).collect::<Vec<_>>()},
    })
    .to_string()
    .into_bytes();
    let described: Vec<Value> =
        layers.iter().map(|layer| descriptor("application/vnd.oci.image.layer.v1.tar+zstd", &layer.compressed)).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": described,
    })
    .to_string()
    .into_bytes();
    let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
    entry["platform"] = json!({"architecture": architecture, "os": "linux"});
    entry["annotations"] = annotations(tag);
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}).to_string();

    let mut tar = LayerBuilder::new();
    tar.file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, 0o644)?;
    tar.file("index.json", index.as_bytes(), 0o644)?;
    let blobs = layers.iter().map(|layer| layer.compressed.as_slice()).chain([config.as_slice(), manifest.as_slice()]);
    for blob in blobs {
        tar.file(&format!("blobs/sha256/{}", hex::encode(Sha256::digest(blob))), blob, 0o644)?;
    }
    fs::write(output, tar.0.into_inner().context("writing the archive")?).with_context(|| format!("cannot write {}", output.display()))
}

/// What names an image in the index of an archive. containerd knows images by their full names only.
fn annotations(tag: &str) -> Value {
    let full = if tag.contains('/') { tag.to_owned() } else { format!("docker.io/library/{tag}") };
    json!({"io.containerd.image.name": full, "org.opencontainers.image.ref.name": tag.rsplit(':').next().unwrap_or(tag)})
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn sh(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_the_same_each_time_and_the_archive_names_all_of_its_blobs() {
        let build = || {
            let mut layer = LayerBuilder::new();
            layer.directory("a", 0o755).unwrap();
            layer.file("a/b", b"text", 0o644).unwrap();
            layer.finish().unwrap()
        };
        let (first, second) = (build(), build());
        assert_eq!((&first.diff_id, &first.compressed), (&second.diff_id, &second.compressed));
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("image.tar");
        archive(&output, "onggi:1", &[first]).unwrap();
        let mut names = Vec::new();
        let mut index = String::new();
        let mut read = tar::Archive::new(fs::File::open(&output).unwrap());
        for entry in read.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            if name == "index.json" {
                entry.read_to_string(&mut index).unwrap();
            }
            names.push(name);
        }
        assert_eq!(names.len(), 5);
        let index: Value = serde_json::from_str(&index).unwrap();
        let manifest = &index["manifests"][0];
        assert_eq!(manifest["annotations"]["io.containerd.image.name"], "docker.io/library/onggi:1");
        let digest = manifest["digest"].as_str().unwrap().trim_start_matches("sha256:");
        assert!(names.contains(&format!("blobs/sha256/{digest}")));
    }
}
