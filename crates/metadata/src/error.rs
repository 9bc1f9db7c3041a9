//! What can go wrong with the database: a closed set.

/// An error of the metadata database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row that was asked for, or that a change is about, does not exist.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// Something of this name exists already.
    #[error("{0} exists already")]
    AlreadyExists(&'static str),
    /// A change was based on a state that is no longer so.
    #[error("{0} changed meanwhile")]
    Conflict(&'static str),
    /// The tenant may not have this; the error is for the caller.
    #[error("refused: {0}")]
    Refused(onggi_domain::ApiError),
    /// A stored value cannot be read: a newer version wrote it, or somebody edited it by hand.
    #[error("stored {what} cannot be read: {why}")]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The database failed.
    #[error("metadata database: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error("migration of the metadata database: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// PostgreSQL's code of a deadlock that it has resolved at the cost of whoever is told so.
const DEADLOCK_DETECTED: &str = "40P01";

impl Error {
    /// Whether the database has ended a transaction so that others can go on, see [`DEADLOCK_DETECTED`].
    pub(crate) fn is_deadlock(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.code().as_deref() == Some(DEADLOCK_DETECTED))
    }

    /// Says what the constraint that an insert or a change of `what` broke stands for: a name that is taken, or a tenant (the only thing
    /// that rows refer to) that does not exist.
    pub(crate) fn of_writing(self, what: &'static str) -> Self {
        match &self {
            Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation() => Self::AlreadyExists(what),
            Self::Database(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Self::NotFound("tenant"),
            _ => self,
        }
    }
}

/// A result of the metadata database.
pub type Result<T> = std::result::Result<T, Error>;
