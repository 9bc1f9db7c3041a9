//! What `deploy` says of the program, held against the program: commands, configuration, ports, users, paths.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Parser;
use onggi_controller::kubernetes::KubernetesConfig;
use serde_json::Value;

use crate::{
    cli::{Cli, Command},
    config::Config,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn compose() -> Value {
    serde_saphyr::from_str(&text("deploy/compose/compose.yaml")).unwrap()
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The lines of the Dockerfile, those that go on joined.
fn dockerfile() -> Vec<String> {
    let text = text("deploy/docker/Dockerfile").replace("\\\n", " ");
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn compose_runs_a_command_that_there_is_with_a_configuration_that_there_is() {
    let compose = compose();
    let service = &compose["services"]["onggi"];
    let command = Cli::try_parse_from(std::iter::once("onggi".to_owned()).chain(words(&service["command"]))).unwrap().command;
    let Command::Up(up) = command else { panic!("compose runs {command:?}") };
    let port = up.listen.unwrap().port();
    assert_eq!(words(&service["ports"]), [format!("127.0.0.1:{port}:{port}")]);
    assert!(up.listen.unwrap().ip().is_unspecified(), "nobody outside of the container would reach it");

    let environment: BTreeMap<String, String> = serde_json::from_value(service["environment"].clone()).unwrap();
    let given = environment.iter().filter_map(|(name, value)| Some((name.strip_prefix("ONGGI_")?.to_lowercase(), value.clone())));
    let config = Config::from_variables(given).unwrap();
    // What the variables name is what the other services are.
    let (database, bucket) = (&compose["services"]["database"], &compose["services"]["bucket"]);
    let user = database["environment"]["POSTGRES_USER"].as_str().unwrap();
    let password = database["environment"]["POSTGRES_PASSWORD"].as_str().unwrap();
    let name = database["environment"]["POSTGRES_DB"].as_str().unwrap();
    assert_eq!(config.database_url(), format!("postgres://{user}:{password}@database:5432/{name}"));
    let url = config.bucket_url().unwrap();
    let made = bucket["entrypoint"].as_str().unwrap();
    let bucket_name = url.strip_prefix("s3://").unwrap().split('?').next().unwrap();
    assert!(made.contains(&format!("mkdir -p /data/{bucket_name}")) && url.contains("endpoint=http://bucket:9000"), "{url}");
    let keys = ["MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"].map(|name| bucket["environment"][name].as_str().unwrap().to_owned());
    let options: Vec<String> = config.bucket_options().into_iter().map(|(_, value)| value).collect();
    assert_eq!(options, keys);
    // Workers find theirs in the environment of their parent.
    assert_eq!([&environment["AWS_ACCESS_KEY_ID"], &environment["AWS_SECRET_ACCESS_KEY"]], [&keys[0], &keys[1]]);
    onggi_bucket::open_store(&url, &config.bucket_options()).unwrap();
}

#[test]
fn compose_builds_the_image_that_there_is_and_lets_it_write_where_it_must() {
    let compose = compose();
    let service = &compose["services"]["onggi"];
    let build = &service["build"];
    let context = root().join("deploy/compose").join(build["context"].as_str().unwrap());
    assert!(context.join(build["dockerfile"].as_str().unwrap()).is_file());
    assert_eq!(service["image"], format!("onggi:{}", env!("CARGO_PKG_VERSION")));
    let data = service["environment"]["ONGGI_DATA"].as_str().unwrap();
    let user = dockerfile().iter().find_map(|line| line.strip_prefix("USER ").map(str::to_owned)).unwrap();
    let (uid, gid) = user.split_once(':').unwrap();
    assert!(words(&service["tmpfs"]).contains(&format!("{data}:uid={uid},gid={gid}")), "the root is read-only");
    assert_eq!(service["read_only"], true);
    let volumes = compose["volumes"].as_object().unwrap();
    for other in ["database", "bucket"] {
        assert_eq!(service["depends_on"][other]["condition"], "service_healthy");
        assert!(compose["services"][other]["healthcheck"]["test"].is_array());
        let volume = words(&compose["services"][other]["volumes"]);
        assert!(volumes.contains_key(volume[0].split(':').next().unwrap()), "what it keeps is lost with the container");
    }
}

#[test]
fn the_image_holds_what_the_program_looks_for() {
    let lines = dockerfile();
    let defaults = KubernetesConfig::default();
    let from: Vec<&String> = lines.iter().filter(|line| line.starts_with("FROM ")).collect();
    assert_eq!(from.len(), 2);
    let toolchain = text("rust-toolchain.toml");
    let version = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    let tag = from[0].split_whitespace().nth(1).unwrap().strip_prefix("rust:").unwrap();
    let (major_minor, debian) = tag.split_once('-').unwrap();
    assert!(version.starts_with(major_minor), "the image is built with Rust {major_minor}, everything else with {version}");
    // The same glibc on both sides.
    assert!(debian == "bookworm" && from[1].contains("debian12:nonroot"), "{from:?}");

    let copied: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("COPY --from=build "))
        .map(|line| line.split_once(' ').unwrap())
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .collect();
    let runs: Vec<&String> = lines.iter().filter(|line| line.starts_with("RUN ")).collect();
    for (from, _) in &copied {
        assert!(runs.iter().any(|run| run.contains(&format!(" {from}"))), "nothing makes {from}");
    }
    let targets: Vec<&str> = copied.iter().map(|(_, to)| to.as_str()).collect();
    assert_eq!(targets, [defaults.dictionaries.to_str().unwrap(), "/usr/bin/onggi"]);
    assert!(lines.contains(&"ENTRYPOINT [\"/usr/bin/onggi\"]".to_owned()));
    let user = format!("USER {0}:{0}", defaults.run_as_user);
    assert!(lines.contains(&user), "who runs in pods is who the image is for");
    let unpack = runs.iter().find(|run| run.contains("dictionaries")).unwrap();
    let arguments: Vec<&str> = unpack.split_whitespace().skip(1).collect();
    assert!(matches!(Cli::try_parse_from(arguments).unwrap().command, Command::Dictionaries { .. }));
    assert!(runs.iter().any(|run| run.contains("--package onggi") && run.contains("--locked")));
}

#[test]
fn nothing_that_is_compiled_in_is_left_out_of_the_build() {
    let ignored = text("deploy/docker/Dockerfile.dockerignore");
    let patterns: Vec<&str> = ignored.lines().filter(|line| !line.is_empty()).collect();
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        ".cargo/config.toml",
        "migrations/postgres/0001_initial.sql",
        "crates/metadata/queries/tasks/get.sql",
        "crates/engine/dictionaries/ko-dic.tar.zst",
        "services/admin/samples/packages.ko.ndjson.zst",
        "services/admin/texts/ko/shell.toml",
        "services/onggi/src/main.rs",
    ] {
        assert!(root().join(needed).is_file(), "{needed} is not where it was");
        let hidden = patterns.iter().find(|pattern| {
            let part = pattern.trim_start_matches("**/");
            needed.split('/').next() == Some(**pattern) || (pattern.starts_with("**/") && needed.split('/').any(|name| name == part))
        });
        assert_eq!(hidden, None, "{needed}");
    }
}

#[test]
fn the_chart_runs_commands_that_there_are_on_the_ports_that_they_have() {
    let services = text("deploy/helm/onggi/templates/services.yaml");
    assert!(services.contains("args: [{{ $component }}, --config, /etc/onggi/onggi.toml]"));
    for component in ["gateway", "uploader", "admin", "controller"] {
        let command = Cli::try_parse_from(["onggi", component, "--config", "/etc/onggi/onggi.toml"]).unwrap().command;
        assert!(command.service().is_some_and(|service| service.ends_with(component)));
    }
    let config = Config::default();
    let probes = format!("{{name: probes, containerPort: {}}}", config.services.probes.port());
    assert!(services.contains(&probes));
    for address in [&config.services.uploader, &config.services.admin, &config.services.controller] {
        assert!(services.contains(&format!("{{name: http, containerPort: {}}}", address.port().unwrap())));
    }
    for (file, arguments) in [("migrate.yaml", "args: [migrate]"), ("tests/health.yaml", "args: [health, --url, ")] {
        assert!(text(&format!("deploy/helm/onggi/templates/{file}")).contains(arguments), "{file}");
    }
    for command in [&["onggi", "migrate"][..], &["onggi", "health", "--url", "http://onggi-gateway:80"]] {
        Cli::try_parse_from(command).unwrap();
    }
}
