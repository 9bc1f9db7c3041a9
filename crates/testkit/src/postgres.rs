//! A PostgreSQL server of the test's own, from the binaries that are installed, reached over TCP.

use std::{
    io::{BufRead, BufReader},
    net::{IpAddr, SocketAddr, TcpListener},
    os::unix::{fs::chown, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// Starts a server in the directory `$1` on address `$2` and port `$3`, says so, and ends it when standard input does: when the process of
/// the tests is gone, however it went.
const SERVE: &str = r#"
set -eu
cd "$1"
trap '' PIPE
trap 'exit 1' INT TERM HUP
trap 'pg_ctl -D data -m immediate stop >/dev/null 2>&1 || true; rm -rf "$1"' EXIT
initdb -D data -U onggi --auth=trust --encoding=UTF8 --no-sync --no-instructions >log 2>&1 || { cat log >&2; exit 1; }
echo "host all all all trust" >>data/pg_hba.conf
pg_ctl -D data -l log -w start -o "-k '$1' -c listen_addresses='$2' -p $3 -c fsync=off -c max_connections=400" >/dev/null 2>&1 ||
    { cat log >&2; exit 1; }
createdb -h "$1" -p "$3" -U onggi onggi
echo ready
cat >/dev/null
"#;

/// A running server. It ends with this value.
pub struct Postgres {
    address: IpAddr,
    port: u16,
    programs: PathBuf,
    /// Holds the server's standard input open.
    process: Child,
}

impl Postgres {
    /// Starts a server on an address, at a free port, with an empty database.
    pub fn start(address: IpAddr) -> Self {
        let programs = programs();
        let directory = tempfile::Builder::new().prefix("onggi-pg").tempdir().expect("a temporary directory").keep();
        let port = TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr()).expect("a free port").port();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs.clone()).chain(std::env::split_paths(&path))).expect("a path");
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(SERVE)
            .arg("sh")
            .arg(&directory)
            .arg(address.to_string())
            .arg(port.to_string())
            .env("PATH", path)
            .current_dir("/");
        if let Some((user, group)) = user_of_postgres() {
            // PostgreSQL refuses to run as root.
            chown(&directory, Some(user), Some(group)).expect("root can give a directory away");
            command.uid(user).gid(group);
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("standard output is piped")).read_line(&mut line).expect("what it says");
        assert_eq!(line, "ready\n", "PostgreSQL did not start; its messages are above");
        Self { address, port, programs, process }
    }

    /// The database.
    pub fn url(&self) -> String {
        format!("postgres://onggi@{}:{}/onggi", self.address, self.port)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (self.address, self.port).into()
    }

    /// What a statement answers, one row a line, columns separated by `|`.
    pub async fn query(&self, statement: &str) -> String {
        let output = tokio::process::Command::new(self.programs.join("psql"))
            .args(["-At", &self.url(), "-c", statement])
            .output()
            .await
            .expect("psql");
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The directory that holds `initdb` and the others.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = versions.chain(std::env::split_paths(&path));
    places.find(|place| place.join("initdb").is_file()).expect("PostgreSQL's `initdb` is needed: `apt-get install postgresql`")
}

/// Whom to run as when this is root.
fn user_of_postgres() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").ok()?.uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields: Vec<&str> = users.lines().find(|line| line.starts_with("postgres:"))?.split(':').collect();
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}
