//! A PostgreSQL server of the test binary's own, from the binaries that are installed.

use std::{
    cell::Cell,
    io::{BufRead, BufReader},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{ConnectOptions, Executor, PgConnection, postgres::PgConnectOptions};

/// Starts a server in the directory `$1`, says so, and ends it when standard input does: when the process of the tests is gone, however
/// it went.
const SERVE: &str = r#"
set -eu
cd "$1"
# Nobody may be there any more to read what is said below; and a signal to all of the terminal's processes ends this one as well.
trap '' PIPE
trap 'exit 1' INT TERM HUP
trap 'pg_ctl -D data -m immediate stop >/dev/null 2>&1 || true; rm -rf "$1"' EXIT
initdb -D data -U onggi --auth=trust --encoding=UTF8 --no-sync --no-instructions >log 2>&1 ||
    { cat log >&2; exit 1; }
pg_ctl -D data -l log -w start -o "-k '$1' -c listen_addresses='' -c fsync=off -c max_connections=500" >/dev/null 2>&1 ||
    { cat log >&2; exit 1; }
echo ready
cat >/dev/null
"#;

struct Server {
    /// The directory of its socket.
    directory: PathBuf,
    /// Holds the server's standard input open.
    _process: Child,
}

/// The address of a new and empty database.
pub(crate) async fn new_database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);

    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(start)).await.unwrap();
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let options = PgConnectOptions::new().socket(&server.directory).username("onggi").database("postgres");
    let mut connection = options.connect().await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    format!("postgres:///{name}?host={}&user=onggi", server.directory.display())
}

/// Runs statements on a database.
pub(crate) async fn execute(url: &str, statements: &'static str) {
    connect(url).await.execute(statements).await.unwrap();
}

/// Makes a call while somebody else, such as a migration, has locked the first table. Once the call waits for it, locks the second one,
/// which the call must be using: each then waits for the other, and it is the call that the server ends.
pub(crate) async fn in_a_deadlock<T>(url: &str, [first, second]: [&str; 2], call: impl Future<Output = T>) -> T {
    let mut other = connect(url).await;
    let mut observer = connect(url).await;
    let lock = |table| sqlx::AssertSqlSafe(format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"));
    // Who has waited for so long looks for a deadlock, and ends itself. The call does so after a second.
    other.execute("SET deadlock_timeout = '1h'; BEGIN").await.unwrap();
    other.execute(lock(first)).await.unwrap();
    let ended = Cell::new(false);
    let call = async {
        let done = call.await;
        ended.set(true);
        done
    };
    let meet = async {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = $1::regclass AND NOT granted)";
        while !sqlx::query_scalar::<_, bool>(waits).bind(first).fetch_one(&mut observer).await.unwrap() {
            assert!(!ended.get(), "the call needed no lock of {first}");
        }
        other.execute(lock(second)).await.unwrap();
        other.execute("COMMIT").await.unwrap();
    };
    tokio::join!(call, meet).0
}

async fn connect(url: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

fn start() -> Server {
    let binaries = binaries();
    let directory = tempfile::Builder::new().prefix("onggi-pg").tempdir().unwrap().keep();
    let path = std::env::join_paths(std::iter::once(binaries).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())));
    let mut command = Command::new("sh");
    command.arg("-c").arg(SERVE).arg("sh").arg(&directory).env("PATH", path.unwrap()).current_dir("/");
    if directory.metadata().unwrap().uid() == 0 {
        // PostgreSQL refuses to run as root.
        let (user, group) = ordinary_user();
        chown(&directory, Some(user), Some(group)).unwrap();
        command.uid(user).gid(group);
    }
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n", "PostgreSQL did not start; its messages are above");
    Server { directory, _process: process }
}

/// The directory that holds `initdb` and `postgres`.
fn binaries() -> PathBuf {
    let has_both = |directory: &Path| directory.join("initdb").is_file() && directory.join("postgres").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    // Debian, Fedora and Homebrew keep them elsewhere, by version.
    for (parent, below) in [("/usr/lib/postgresql", "bin"), ("/usr", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin")] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        places.extend(entries.map(|entry| entry.path().join(below)));
    }
    places.into_iter().find(|place| has_both(place)).expect(
        "the tests of the metadata database need PostgreSQL's `initdb` and `postgres`: install them with `apt-get install postgresql` \
         (Debian, Ubuntu) or `brew install postgresql`",
    )
}

/// The ids of a user and a group that are not root's: those of `postgres`, or of `nobody`.
fn ordinary_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let fields: Vec<&str> = users.lines().map(|line| line.split(':').collect()).find(|fields: &Vec<&str>| fields[0] == name)?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody")).expect("there is a user `nobody`")
}
