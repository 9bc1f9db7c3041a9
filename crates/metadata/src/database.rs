//! The one place that knows that there are two databases: connecting, migrating, and running a statement of `queries/` on either.
//!
//! The resources are written once, against [`Database`] and [`Transaction`]. A statement that both databases understand is one file; one
//! that they do not has a file in a folder for each.

use std::{
    borrow::Cow,
    str::FromStr,
    time::{Duration, Instant},
};

use onggi_domain::{Generation, IndexId, InvitationId, KeyId, Seq, SessionId, TaskUid, TenantId, Timestamp, UserId, WebhookId};
use sqlx::{
    ConnectOptions, Connection, FromRow, PgPool, Postgres, Sqlite, SqlitePool,
    migrate::{Migrate, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use uuid::Uuid;

use crate::Result;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// Connections to PostgreSQL that one process opens at most.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Connections that read an SQLite file at the same time.
const SQLITE_READERS: u32 = 4;
/// How long a statement waits for another process that writes the same SQLite file, such as the command line beside `onggi up`.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A statement in the words of each database.
#[derive(Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// The text of a file of `queries/`.
macro_rules! text {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/", $path, ".sql"))
    };
}

/// A statement of `queries/`, put together from parts. `"folder" / dialect / "name"` is a part that differs: `folder/sqlite/name.sql` and
/// `folder/postgres/name.sql`.
macro_rules! sql {
    ($folder:literal / dialect / $name:literal) => {
        $crate::database::Sql {
            sqlite: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/", $folder, "/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/", $folder, "/postgres/", $name, ".sql")),
        }
    };
    ($head:literal + $folder:literal / dialect / $name:literal $(+ $tail:literal)?) => {
        $crate::database::Sql {
            sqlite: concat!(
                $crate::database::text!($head),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/", $folder, "/sqlite/", $name, ".sql")),
                $($crate::database::text!($tail))?
            ),
            postgres: concat!(
                $crate::database::text!($head),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/", $folder, "/postgres/", $name, ".sql")),
                $($crate::database::text!($tail))?
            ),
        }
    };
    ($head:literal $(+ $tail:literal)*) => {{
        const TEXT: &str = concat!($crate::database::text!($head) $(, $crate::database::text!($tail))*);
        $crate::database::Sql { sqlite: TEXT, postgres: TEXT }
    }};
}

/// The parameters of a statement: `$1`, `$2`, ...
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Value::from($value)),*] };
}

/// How often a statement or a transaction is begun that PostgreSQL ends each time to resolve a deadlock.
pub(crate) const ATTEMPTS: usize = 4;

/// Awaits a call, and makes it again when PostgreSQL has ended it because it waited for somebody who waited for it. Two that lock the same
/// rows in different orders meet so; above all a migration, which locks whole tables, meets those who use several. Nothing of a call that
/// ended so was done, and the other one is past it now.
///
/// A macro, like [`transaction!`], because of a future that borrows what its closure borrows the compiler does not see that it is `Send`.
macro_rules! unless_deadlocked {
    ($call:expr) => {{
        let mut attempt = 1;
        loop {
            match $call.await {
                Err(error) if error.is_deadlock() && attempt < $crate::database::ATTEMPTS => tracing::warn!(%error, "begun again"),
                done => break done,
            }
            attempt += 1;
        }
    }};
}

/// Runs a block with a transaction and commits it; an error rolls it back. The block runs again when the database has ended the transaction
/// to resolve a deadlock, so it takes nothing by value.
macro_rules! transaction {
    ($database:expr, |$tx:ident| $work:block) => {
        $crate::database::unless_deadlocked!(async {
            let mut transaction = $database.begin().await?;
            let $tx = &mut transaction;
            let done: $crate::Result<_> = async $work.await;
            let done = done?;
            transaction.commit().await?;
            $crate::Result::Ok(done)
        })
    };
}

pub(crate) use {sql, text, transaction, unless_deadlocked, values};

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Bool(bool),
    Number(Option<i64>),
    Real(f64),
    Text(Option<String>),
    Id(Option<Uuid>),
}

/// Each type may also be absent.
macro_rules! value_from {
    ($($type:ty: $name:ident => $variant:ident $value:expr;)*) => {
        $(
            impl From<$type> for Value {
                fn from($name: $type) -> Self { Self::$variant(Some($value)) }
            }
            impl From<Option<$type>> for Value {
                fn from(value: Option<$type>) -> Self { Self::$variant(value.map(|$name| $value)) }
            }
        )*
    };
}

value_from! {
    i64: number => Number number;
    // A limit or an offset above what a database can count to means the same as the largest that it can.
    u64: number => Number i64::try_from(number).unwrap_or(i64::MAX);
    Seq: seq => Number i64::try_from(seq.0).unwrap_or(i64::MAX);
    Generation: generation => Number i64::try_from(generation.0).unwrap_or(i64::MAX);
    TaskUid: uid => Number i64::from(uid.0);
    Timestamp: time => Number time.as_microsecond();
    String: text => Text text;
    &str: text => Text text.to_owned();
    Uuid: id => Id id;
    TenantId: id => Id id.0;
    IndexId: id => Id id.0;
    KeyId: id => Id id.0;
    WebhookId: id => Id id.0;
    UserId: id => Id id.0;
    SessionId: id => Id id.0;
    InvitationId: id => Id id.0;
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// Binds the values in their order.
macro_rules! bind {
    ($query:expr, $values:expr) => {
        $values.iter().fold($query, |query, value| match value {
            Value::Bool(value) => query.bind(*value),
            Value::Number(value) => query.bind(*value),
            Value::Real(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.as_deref()),
            Value::Id(value) => query.bind(*value),
        })
    };
}

/// What a row of either database can be read as; `#[derive(sqlx::FromRow)]` writes both.
pub(crate) trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A database with its migrations applied.
pub(crate) enum Database {
    /// A file. One connection writes, so that writers queue here instead of failing there.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Database {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        match Url::parse(url)? {
            Url::SqliteMemory(options) => {
                // The database is gone with its last connection, so there is exactly one and it stays.
                let pool = SqlitePoolOptions::new().min_connections(1).max_connections(1).idle_timeout(None).max_lifetime(None);
                let pool = pool.connect_with(options).await?;
                known(&SQLITE_MIGRATIONS).run(&pool).await?;
                Ok(Self::Sqlite { writer: pool.clone(), readers: pool })
            }
            Url::SqliteFile(options) => {
                let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
                let readers = SqlitePoolOptions::new().max_connections(SQLITE_READERS).connect_with(options).await?;
                Ok(Self::Sqlite { writer, readers })
            }
            Url::Postgres(options) => {
                Ok(Self::Postgres(PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).connect_with(options).await?))
            }
        }
    }

    /// Applies the migrations that the database at `url` lacks; returns how many these were.
    pub(crate) async fn migrate(url: &str) -> Result<usize> {
        match Url::parse(url)? {
            Url::SqliteMemory(_) => Ok(0),
            Url::SqliteFile(options) => {
                let mut connection = options.connect().await?;
                let before = applied(&SQLITE_MIGRATIONS, &mut connection).await?;
                known(&SQLITE_MIGRATIONS).run(&mut connection).await?;
                let after = applied(&SQLITE_MIGRATIONS, &mut connection).await?;
                connection.close().await?;
                Ok(after - before)
            }
            Url::Postgres(options) => {
                let mut connection = options.connect().await?;
                let before = applied(&POSTGRES_MIGRATIONS, &mut connection).await?;
                known(&POSTGRES_MIGRATIONS).run(&mut connection).await?;
                let after = applied(&POSTGRES_MIGRATIONS, &mut connection).await?;
                connection.close().await?;
                Ok(after - before)
            }
        }
    }

    /// For [`transaction!`], which commits it.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        timed("begin", async {
            Ok(match self {
                // A transaction that starts by reading and writes later would fail when another process has written in between.
                Self::Sqlite { writer, .. } => Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
                Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            })
        })
        .await
    }

    /// Runs a statement that changes rows; returns how many.
    pub(crate) async fn execute(&self, sql: Sql, values: Vec<Value>) -> Result<u64> {
        unless_deadlocked!(timed("write", async {
            Ok(match self {
                Self::Sqlite { writer, .. } => bind!(sqlx::query(sql.sqlite), values).execute(writer).await?.rows_affected(),
                Self::Postgres(pool) => bind!(sqlx::query(sql.postgres), values).execute(pool).await?.rows_affected(),
            })
        }))
    }

    /// The row of a statement that changes at most one; none is an error about `what`.
    pub(crate) async fn change_one<T: Row>(&self, what: &'static str, sql: Sql, values: Vec<Value>) -> Result<T> {
        transaction!(self, |tx| { tx.one(what, sql, values.clone()).await })
    }

    /// Every row of a statement that changes nothing.
    pub(crate) async fn all<T: Row>(&self, sql: Sql, values: Vec<Value>) -> Result<Vec<T>> {
        unless_deadlocked!(timed("read", async {
            Ok(match self {
                Self::Sqlite { readers, .. } => bind!(sqlx::query_as(sql.sqlite), values).fetch_all(readers).await?,
                Self::Postgres(pool) => bind!(sqlx::query_as(sql.postgres), values).fetch_all(pool).await?,
            })
        }))
    }

    /// The row of a statement that changes nothing and finds at most one; none is an error about `what`.
    pub(crate) async fn one<T: Row>(&self, what: &'static str, sql: Sql, values: Vec<Value>) -> Result<T> {
        self.all(sql, values).await?.pop().ok_or(crate::Error::NotFound(what))
    }

    /// The only number of the only row.
    pub(crate) async fn count(&self, sql: Sql, values: Vec<Value>) -> Result<u64> {
        let (count,): (i64,) = self.one("count", sql, values).await?;
        crate::columns::unsigned("count", count)
    }
}

/// A transaction; rolled back unless it is committed. See [`transaction!`].
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Runs a statement that changes rows; returns how many.
    pub(crate) async fn execute(&mut self, sql: Sql, values: Vec<Value>) -> Result<u64> {
        timed("write", async {
            Ok(match self {
                Self::Sqlite(tx) => bind!(sqlx::query(sql.sqlite), values).execute(&mut **tx).await?.rows_affected(),
                Self::Postgres(tx) => bind!(sqlx::query(sql.postgres), values).execute(&mut **tx).await?.rows_affected(),
            })
        })
        .await
    }

    /// Every row of a statement.
    pub(crate) async fn all<T: Row>(&mut self, sql: Sql, values: Vec<Value>) -> Result<Vec<T>> {
        timed("read", async {
            Ok(match self {
                Self::Sqlite(tx) => bind!(sqlx::query_as(sql.sqlite), values).fetch_all(&mut **tx).await?,
                Self::Postgres(tx) => bind!(sqlx::query_as(sql.postgres), values).fetch_all(&mut **tx).await?,
            })
        })
        .await
    }

    /// The row of a statement that finds or changes at most one; none is an error about `what`.
    pub(crate) async fn one<T: Row>(&mut self, what: &'static str, sql: Sql, values: Vec<Value>) -> Result<T> {
        self.all(sql, values).await?.pop().ok_or(crate::Error::NotFound(what))
    }

    /// The only number of the only row.
    pub(crate) async fn count(&mut self, sql: Sql, values: Vec<Value>) -> Result<u64> {
        let (count,): (i64,) = self.one("count", sql, values).await?;
        crate::columns::unsigned("count", count)
    }

    pub(crate) async fn commit(self) -> Result<()> {
        timed("commit", async {
            match self {
                Self::Sqlite(tx) => tx.commit().await?,
                Self::Postgres(tx) => tx.commit().await?,
            }
            Ok(())
        })
        .await
    }
}

/// How long the database takes, and whether it fails, as a metric. The wait for a connection is part of it.
async fn timed<T>(operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
    let since = Instant::now();
    let result = call.await;
    let outcome = if result.is_ok() { "ok" } else { "error" };
    metrics::histogram!("onggi_database_seconds", "operation" => operation, "outcome" => outcome).record(since.elapsed().as_secs_f64());
    result
}

/// Where a database is.
enum Url {
    SqliteMemory(SqliteConnectOptions),
    SqliteFile(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

impl Url {
    fn parse(url: &str) -> Result<Self> {
        let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
        match scheme {
            "sqlite" => {
                // FULL: after a power failure the database must not hand out a task uid again that an entry of the log carries.
                let options = SqliteConnectOptions::from_str(url)?
                    .create_if_missing(true)
                    .foreign_keys(true)
                    .busy_timeout(SQLITE_BUSY_TIMEOUT)
                    .synchronous(SqliteSynchronous::Full);
                let in_memory = url.contains(":memory:") || url.contains("mode=memory");
                Ok(if in_memory { Self::SqliteMemory(options) } else { Self::SqliteFile(options.journal_mode(SqliteJournalMode::Wal)) })
            }
            "postgres" | "postgresql" => Ok(Self::Postgres(PgConnectOptions::from_str(url)?)),
            _ => Err(sqlx::Error::Configuration("the address of the database must begin with `sqlite:` or `postgres://`".into()).into()),
        }
    }
}

/// The migrations that this version knows. A newer one may have applied more before it was gone back from: they work with this one too.
fn known(migrations: &'static Migrator) -> Migrator {
    Migrator { migrations: Cow::Borrowed(&migrations.migrations), ignore_missing: true, ..Migrator::DEFAULT }
}

async fn applied<C: Migrate>(migrations: &Migrator, connection: &mut C) -> Result<usize> {
    connection.ensure_migrations_table(&migrations.table_name).await?;
    Ok(connection.list_applied_migrations(&migrations.table_name).await?.len())
}
