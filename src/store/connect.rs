//! Opens the database of a store and brings it to this version's form.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, SqlSafeStr, SqliteConnection};

use super::bulk::PREPARED;
use super::database::Database;
use super::error::StoreError;
use super::folder::DataFolder;

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// How long a statement waits for SQLite's write lock. Transactions are a few rows long; a reader never
/// blocks a writer in WAL mode, so only a checkpoint can take noticeable time.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// One connection writes to SQLite; more would only queue at its one write lock.
const SQLITE_CONNECTIONS: u32 = 1;

/// Memory for pages of the embedded database, in KiB with SQLite's minus: ids are hashes, so a batch touches
/// pages all over, and by default 2 MB of them are kept.
const SQLITE_CACHE: &str = "-32768";

/// Pages of 4 KiB that SQLite's log gathers before they are copied into the database. By default 1,000:
/// a page that every batch touches would be copied with every other batch.
const SQLITE_LOG_PAGES: &str = "8192";

/// PostgreSQL: one seals, one renews the lease, the rest read.
const POSTGRES_CONNECTIONS: u32 = 6;

/// How long a connection to PostgreSQL is waited for, before the caller hears that there is none.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// An instance that stops in the middle of a transaction, paused or cut off, must not hold its locks
/// longer than its lease lasts: PostgreSQL ends it. In the server's notation.
const IDLE_IN_TRANSACTION: &str = "4s";

/// No statement of ours takes longer; in the server's notation.
const LONGEST_STATEMENT: &str = "30s";

/// Opens the embedded database, making it where it is missing.
pub(super) async fn embedded(folder: &DataFolder) -> Result<Database, StoreError> {
    let database = sqlite(folder, file(folder).create_if_missing(true)).await?;
    migrate(&database, &name_of(folder)).await?;
    Ok(database)
}

/// Opens the embedded database for reading; a folder without one reads as an empty one.
pub(super) async fn embedded_read_only(folder: &DataFolder) -> Result<Database, StoreError> {
    if folder.database().exists() {
        return sqlite(folder, file(folder).read_only(true)).await;
    }
    let database = sqlite(folder, SqliteConnectOptions::new().in_memory(true)).await?;
    migrate(&database, &name_of(folder)).await?;
    Ok(database)
}

/// Opens a PostgreSQL database, and makes our tables in it where they are missing.
pub(super) async fn postgres(address: &str, read_only: bool) -> Result<Database, StoreError> {
    let opening = |source| StoreError::Open { name: "at the given address".to_owned(), source };
    let options = PgConnectOptions::from_str(address)
        .map_err(opening)?
        .application_name("keyward")
        .statement_cache_capacity(PREPARED)
        .options([
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
            ("statement_timeout", LONGEST_STATEMENT),
            ("default_transaction_read_only", if read_only { "on" } else { "off" }),
        ]);
    let name = address_without_password(&options);
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(CONNECT_WAIT)
        .connect_with(options)
        .await
        .map_err(|source| StoreError::Open { name: name.clone(), source })?;
    let database = Database::Postgres(pool);
    if !read_only {
        migrate(&database, &name).await?;
    }
    Ok(database)
}

/// What messages call the embedded database.
fn name_of(folder: &DataFolder) -> String {
    folder.database().display().to_string()
}

/// What messages call a PostgreSQL database.
fn address_without_password(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("postgres://{}:{}/{database}", options.get_host(), options.get_port())
}

fn file(folder: &DataFolder) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.database())
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .statement_cache_capacity(PREPARED)
        .pragma("cache_size", SQLITE_CACHE)
        .pragma("wal_autocheckpoint", SQLITE_LOG_PAGES)
        .busy_timeout(LOCK_WAIT)
}

async fn sqlite(folder: &DataFolder, options: SqliteConnectOptions) -> Result<Database, StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(SQLITE_CONNECTIONS)
        .min_connections(SQLITE_CONNECTIONS)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|connection, _| Box::pin(is_usable(connection)))
        .connect_with(options)
        .await
        .map_err(|source| StoreError::Open { name: name_of(folder), source })?;
    Ok(Database::Sqlite(pool))
}

/// Whether a connection that is given back can be used again. SQLite itself ends a transaction for which the disk
/// has no room; sqlx's own ROLLBACK then fails, and sqlx holds that one is open for ever after: every later
/// transaction on the connection would be refused (read in sqlx-sqlite 0.9, `worker.rs`).
async fn is_usable(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    connection.ping().await?; // a rollback that was only begun is done then
    Ok(!connection.is_in_transaction())
}

async fn migrate(database: &Database, name: &str) -> Result<(), StoreError> {
    let migrated = match database {
        Database::Sqlite(pool) => MIGRATIONS.run(pool).await,
        Database::Postgres(pool) => for_postgres().run(pool).await,
    };
    migrated.map_err(|source| StoreError::Migrate { name: name.to_owned(), source })
}

/// The same migrations in PostgreSQL's words: bytes are the one type with another name.
fn for_postgres() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|migration| {
        let sql = migration.sql.as_str().replace(" BLOB", " BYTEA");
        Migration::new(
            migration.version,
            Cow::clone(&migration.description),
            migration.migration_type,
            AssertSqlSafe(sql).into_sql_str(),
            migration.no_tx,
        )
    });
    Migrator::with_migrations(migrations.collect())
}
