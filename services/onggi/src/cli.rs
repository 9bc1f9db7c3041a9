//! The command line: every command with a help text that teaches.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use onggi_domain::container::{Autoscale, Role, Target};

/// Search indexes in containers, with Meilisearch's API.
///
/// Start with `onggi up --demo`: it runs everything on this machine, loads sample documents and prints what to try.
#[derive(Debug, Parser)]
#[command(name = "onggi", version, max_term_width = 110)]
pub struct Cli {
    /// Configuration file (TOML). `ONGGI_*` variables override it, flags override both.
    #[arg(long, global = true, value_name = "FILE", env = "ONGGI_CONFIG")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything on this machine: gateway, uploader, controller, and worker processes for each index.
    ///
    /// Nothing needs to be installed: the database is SQLite, the bucket a directory, containers are child processes.
    /// Stop it with Ctrl-C; whatever was accepted is there at the next start, also after a crash.
    Up(UpArgs),
    /// Tenants: customers, each with its own indexes, keys and tasks.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// API keys of a tenant.
    #[command(subcommand)]
    Key(KeyCommand),
    /// People who run the platform, and links that sign somebody in.
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Indexes of a running Onggi, through its API.
    #[command(subcommand)]
    Index(IndexCommand),
    /// Upload a file of documents: JSON, NDJSON or CSV, also compressed (.gz, .zst, .br).
    ///
    /// The file is sent in parts; a part that fails is tried again. An interrupted import goes on where it stopped when
    /// the same command is given again.
    Import(ImportArgs),
    /// Dumps and snapshots: archives of a tenant's documents and settings, which `POST /dumps` and `POST /snapshots` ask for.
    #[command(subcommand)]
    Dump(DumpCommand),
    /// Backups of the bucket, of all tenants, beside dumps of the database. Read docs/operations.md first: the order matters.
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Search an index.
    Search(SearchArgs),
    /// Check bucket, database and workers, and say what to do about what is wrong.
    Doctor(DataArgs),
    /// Bring the metadata database up to date. `up` does this by itself.
    Migrate(DataArgs),
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask a running Onggi whether it answers.
    Health(ApiArgs),
    /// Run the public edge alone, on Kubernetes: keys, limits, routing, waking.
    Gateway,
    /// Run the uploader alone, on Kubernetes: what is written becomes log entries.
    Uploader,
    /// Run the admin service alone, on Kubernetes: indexes, keys, tasks, containers.
    Admin,
    /// Run a controller alone, on Kubernetes: what is selected becomes what runs. Of several, one leads.
    Controller,
    /// Print the definition of the `SearchIndex` resource for Kubernetes, as JSON.
    Crd,
    /// Unpack the dictionaries into a directory: for who makes an image.
    #[command(hide = true)]
    Dictionaries {
        /// The directory.
        into: PathBuf,
    },
    /// Run one worker; started by the controller, which sends its configuration on standard input, or by Kubernetes.
    #[command(hide = true)]
    Worker(WorkerArgs),
}

impl Command {
    /// The name of a command that serves requests, for whoever sees it from outside.
    pub(crate) fn service(&self) -> Option<&'static str> {
        match self {
            Self::Up(_) => Some("onggi"),
            Self::Gateway => Some("onggi-gateway"),
            Self::Uploader => Some("onggi-uploader"),
            Self::Admin => Some("onggi-admin"),
            Self::Controller => Some("onggi-controller"),
            _ => None,
        }
    }
}

/// `onggi backup ...`.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Copy the bucket while it is used. Dump the database before it. Given again, it copies what is new.
    Copy {
        /// Where to: `file:///directory` or `s3://bucket/path?...`, with the options of the configured bucket.
        #[arg(long, value_name = "URL")]
        to: String,
        /// The data.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Copy a backup into the configured bucket, and tell the restored database what is newer than it. Nothing else may run.
    Restore {
        /// Where from.
        #[arg(long, value_name = "URL")]
        from: String,
        /// The data.
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Where the data is.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Directory of database, bucket and workers.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `onggi worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// What it does and for which index: for people who look at the process list.
    #[arg(hide = true)]
    pub label: Vec<String>,
    /// What it does, when its configuration is the file of `--config`, which the containers of an index share.
    #[arg(long, value_parser = role, requires_all = ["name", "memory_bytes", "disk_bytes"])]
    pub role: Option<Role>,
    /// Its name, which no other container ever has.
    #[arg(long)]
    pub name: Option<String>,
    /// Memory that it may use.
    #[arg(long)]
    pub memory_bytes: Option<u64>,
    /// Disk that it may use.
    #[arg(long)]
    pub disk_bytes: Option<u64>,
}

/// Reads `MIN-MAX:TARGET`; what cannot be is told by the API.
fn autoscale(text: &str) -> Result<Autoscale, String> {
    let read = || {
        let (range, target) = text.split_once(':')?;
        let (min, max) = range.split_once('-')?;
        let target = match target.strip_suffix('%') {
            Some(percent) => Target::CpuPercent(percent.parse().ok()?),
            None => Target::ConcurrentSearches(target.parse().ok()?),
        };
        Some(Autoscale { min: min.parse().ok()?, max: max.parse().ok()?, target })
    };
    read().ok_or_else(|| "give it as `1-4:8` or `1-4:70%`".to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    [Role::Indexer, Role::Searcher].into_iter().find(|role| role.as_str() == text).ok_or_else(|| "give `indexer` or `searcher`".to_owned())
}

/// `onggi up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented by the type")]
    pub data: DataArgs,
    /// Address of the public API; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Create tenant `demo`, load sample documents (English, Korean, Japanese) with two replicas each, and print what to try.
    #[arg(long)]
    pub demo: bool,
    /// Create tenant `dev` whose root key is KEY (8 characters or more); only on a loopback address.
    #[arg(long, value_name = "KEY", env = "ONGGI_DEV_KEY", hide_env_values = true)]
    pub dev_key: Option<String>,
}

/// `onggi operator ...`. These work on the database itself; `onggi up` may be running or not.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help texts are the documentation")]
pub enum OperatorCommand {
    /// Make somebody an operator, with a new account where there is none, and print a link that signs in once.
    Add {
        /// The address.
        email: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Make somebody an ordinary person again; the account stays.
    Remove {
        /// The address.
        email: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the operators.
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Print a link that signs somebody in once, for who has lost the password.
    Link {
        /// The address.
        email: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `onggi tenant ...`. These work on the database itself; `onggi up` may be running or not.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help texts are the documentation")]
pub enum TenantCommand {
    /// Create a tenant and print its keys, which are shown only now.
    Create {
        /// Its name, unique.
        name: String,
        /// Its plan; none: the configuration's default.
        #[arg(long)]
        plan: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Give a tenant another plan. What it has beyond that stays as it is.
    Plan {
        /// Its name.
        name: String,
        /// The name of the plan.
        plan: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the tenants.
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Refuse every request of a tenant; its data stays. `--resume` ends that.
    Suspend {
        /// Its name.
        name: String,
        /// Serve the tenant again.
        #[arg(long)]
        resume: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Delete a tenant with all its indexes. There is no way back.
    Delete {
        /// Its name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `onggi key ...`. These work on the database itself.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help texts are the documentation")]
pub enum KeyCommand {
    /// Create a key and print it.
    Create {
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
        /// A name for people.
        #[arg(long)]
        name: Option<String>,
        /// What it allows, such as `search` or `documents.*`; several are allowed.
        #[arg(long = "action", value_name = "ACTION", required = true)]
        actions: Vec<String>,
        /// Index uid or prefix with `*`; several are allowed.
        #[arg(long = "index", value_name = "PATTERN", default_value = "*")]
        indexes: Vec<String>,
        /// Until when, as RFC 3339.
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List a tenant's keys, without the secrets.
    List {
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Delete a key; it is refused within a second.
    Revoke {
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
        /// The key's uid, as `key list` shows it.
        uid: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Where a running Onggi is, and who asks.
#[derive(Debug, Clone, Args)]
pub struct ApiArgs {
    /// Address of the API.
    #[arg(long, value_name = "URL", env = "ONGGI_URL", default_value = "http://127.0.0.1:7700")]
    pub url: String,
    /// API key.
    #[arg(long, value_name = "KEY", env = "ONGGI_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

/// `onggi index ...`.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help texts are the documentation")]
pub enum IndexCommand {
    /// List the indexes.
    List {
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Create an index.
    Create {
        /// Its uid.
        uid: String,
        /// The attribute that holds each document's id.
        #[arg(long)]
        primary_key: Option<String>,
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Show an index's containers, or select how many and how large.
    Containers {
        /// Its uid.
        uid: String,
        /// Searchers to run; 0 sends the index to sleep.
        #[arg(long, conflicts_with = "autoscale")]
        replicas: Option<u32>,
        /// A range in which their number follows the load, such as `1-4:8` or `1-4:70%`: fewest, most, and what each is to be asked,
        /// concurrent searches or CPU.
        #[arg(long, value_name = "MIN-MAX:TARGET", value_parser = autoscale)]
        autoscale: Option<Autoscale>,
        /// Size class.
        #[arg(long)]
        size: Option<String>,
        /// Seconds without a search until the index sleeps.
        #[arg(long, value_name = "SECONDS")]
        sleep_after: Option<u32>,
        #[command(flatten)]
        api: ApiArgs,
    },
    /// List the generations that can be gone back to.
    Generations {
        /// Its uid.
        uid: String,
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Go back to a generation: its documents and settings, as a new generation.
    Rollback {
        /// Its uid.
        uid: String,
        /// The generation.
        generation: u64,
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// The format of a file of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// One array of objects, or one object.
    Json,
    /// One object a line.
    Ndjson,
    /// A header line, then one document a line.
    Csv,
}

/// `onggi import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file; `-` reads standard input (not resumable).
    pub file: PathBuf,
    /// The index, created when it is absent.
    #[arg(long, value_name = "UID")]
    pub index: String,
    /// The attribute that holds each document's id; found by itself when there is only one `id` or `*id`.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub primary_key: Option<String>,
    /// The format; told by the file's name when absent.
    #[arg(long)]
    pub format: Option<FileFormat>,
    /// What separates the columns of CSV.
    #[arg(long, value_name = "CHAR", default_value = ",")]
    pub csv_delimiter: char,
    /// Update the documents that exist field by field instead of replacing them.
    #[arg(long)]
    pub update: bool,
    /// Size of a part before compression.
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub part: bytesize::ByteSize,
    /// Forget how far an interrupted import of this file came.
    #[arg(long)]
    pub restart: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented by the type")]
    pub api: ApiArgs,
}

/// `onggi dump ...`. `list` and `fetch` work on database and bucket themselves; `restore` goes through the API.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help texts are the documentation")]
pub enum DumpCommand {
    /// List the dumps and snapshots of a tenant, oldest first.
    List {
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Write a dump or snapshot to a file: JSON and NDJSON in a tar, compressed with zstd.
    Fetch {
        /// Its uid, as the task's `dumpUid` and `dump list` name it.
        uid: String,
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Load a fetched file into the tenant of an API key, which need not be the one that it comes from.
    ///
    /// Each index is created with its settings and documents. One of the same uid that exists already is left alone, and the command fails.
    Restore {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// `onggi search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// What to look for; several words need no quotes.
    pub query: Vec<String>,
    /// The index.
    #[arg(long, value_name = "UID")]
    pub index: String,
    /// A filter, such as `section = games`.
    #[arg(long)]
    pub filter: Option<String>,
    /// Number of hits.
    #[arg(long, default_value_t = 5)]
    pub limit: usize,
    /// Print the answer as it came.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented by the type")]
    pub api: ApiArgs,
}

/// `onggi config ...`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the effective configuration, secrets hidden.
    Show,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn a_range_is_read_with_its_target() {
        use onggi_domain::container::{Autoscale, Target};
        assert_eq!(super::autoscale("1-4:8"), Ok(Autoscale { min: 1, max: 4, target: Target::ConcurrentSearches(8) }));
        assert_eq!(super::autoscale("2-2:70%"), Ok(Autoscale { min: 2, max: 2, target: Target::CpuPercent(70) }));
        for wrong in ["", "1-4", "4:8", "1-4:", "1-4:%", "-1-4:8"] {
            assert!(super::autoscale(wrong).is_err(), "{wrong}");
        }
    }
}
