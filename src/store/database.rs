//! One way to run a statement, on SQLite and on PostgreSQL.
//!
//! In: a statement of [`super::statements`] with `$1` placeholders and the values for them. Out: rows.
//! Statements stay in what both databases share, so nothing above this file knows which one it is.
//!
//! Values are integers (`BIGINT`), text (`TEXT`) and bytes (`BLOB`, which PostgreSQL calls `BYTEA`): a
//! null has one of these types too, as PostgreSQL wants to know. `COUNT(*)` is an integer in both; a
//! `SUM` is one only as `CAST(SUM(…) AS BIGINT)`.

use std::borrow::Cow;

use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Decode, Postgres, Row as _, Sqlite, Type};

/// SQLite takes the write lock at once, so that no transaction fails half-way for want of it.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// The connections to one database.
#[derive(Debug, Clone)]
pub(super) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction; dropping it takes back what it wrote.
#[derive(Debug)]
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// Where a statement runs: `&database` or `&mut transaction`.
#[derive(Debug)]
pub(super) enum On<'on> {
    Database(&'on Database),
    Transaction(&'on mut Transaction),
}

/// One row of an answer.
#[derive(Debug)]
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What stands for a placeholder.
#[derive(Debug, Clone)]
pub(super) enum Value<'v> {
    Integer(Option<i64>),
    Text(Option<Cow<'v, str>>),
    Bytes(Option<Cow<'v, [u8]>>),
}

/// A statement and the values for its placeholders, in their order.
#[derive(Debug, Clone)]
pub(super) struct Query<'v> {
    statement: Cow<'static, str>,
    values: Vec<Value<'v>>,
}

/// Begins a query: `query(FIND_SEAL).bind(id).fetch_optional(&self.database).await?`.
pub(super) const fn query<'v>(statement: &'static str) -> Query<'v> {
    Query { statement: Cow::Borrowed(statement), values: Vec::new() }
}

/// Begins a query whose statement is put together here, of our own words alone.
///
/// Where its placeholders are numbered in their order SQLite is given plain ones: it looks up the name of each
/// among all the others, which for a thousand of them costs more than everything else.
pub(super) const fn query_made<'v>(statement: String) -> Query<'v> {
    Query { statement: Cow::Owned(statement), values: Vec::new() }
}

impl Database {
    /// Begins a transaction that will write.
    pub(super) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with(BEGIN).await?),
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }

    /// Closes all connections.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    /// Makes true what was written.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }

    /// Takes back what was written.
    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await,
            Self::Postgres(transaction) => transaction.rollback().await,
        }
    }
}

/// Runs `$method` of the query that `$query` describes, wherever `$on` is.
macro_rules! run {
    ($query:expr, $on:expr, $method:ident) => {
        match $on.into() {
            On::Database(Database::Sqlite(pool)) => {
                run!(@bound $query.for_sqlite()).$method(pool).await.map(Into::into)
            }
            On::Database(Database::Postgres(pool)) => run!(@bound $query).$method(pool).await.map(Into::into),
            On::Transaction(Transaction::Sqlite(transaction)) => {
                run!(@bound $query.for_sqlite()).$method(&mut **transaction).await.map(Into::into)
            }
            On::Transaction(Transaction::Postgres(transaction)) => {
                run!(@bound $query).$method(&mut **transaction).await.map(Into::into)
            }
        }
    };
    (@bound $query:expr) => {{
        let Query { statement, values } = $query;
        let mut bound = sqlx::query(AssertSqlSafe(statement.into_owned()));
        for value in values {
            bound = match value {
                Value::Integer(value) => bound.bind(value),
                Value::Text(value) => bound.bind(value.map(Cow::into_owned)),
                Value::Bytes(value) => bound.bind(value.map(Cow::into_owned)),
            };
        }
        bound
    }};
}

impl<'v> Query<'v> {
    /// Gives the next placeholder its value.
    pub(super) fn bind(mut self, value: impl Into<Value<'v>>) -> Self {
        self.values.push(value.into());
        self
    }

    fn for_sqlite(self) -> Self {
        match &self.statement {
            Cow::Owned(statement) => match with_plain_places(statement) {
                Some(statement) => Self { statement: Cow::Owned(statement), ..self },
                None => self,
            },
            Cow::Borrowed(_) => self,
        }
    }

    /// Runs it and says how many rows it changed.
    pub(super) async fn execute<'on>(self, on: impl Into<On<'on>>) -> Result<u64, sqlx::Error> {
        let done: Changed = run!(self, on, execute)?;
        Ok(done.0)
    }

    /// All rows.
    pub(super) async fn fetch_all<'on>(self, on: impl Into<On<'on>>) -> Result<Vec<Row>, sqlx::Error> {
        let rows: Rows = run!(self, on, fetch_all)?;
        Ok(rows.0)
    }

    /// The one row, if there is one.
    pub(super) async fn fetch_optional<'on>(
        self,
        on: impl Into<On<'on>>,
    ) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// The one row that there always is.
    pub(super) async fn fetch_one<'on>(self, on: impl Into<On<'on>>) -> Result<Row, sqlx::Error> {
        self.fetch_optional(on).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// The first column of the one row.
    pub(super) async fn fetch_scalar<'on, T>(self, on: impl Into<On<'on>>) -> Result<Option<T>, sqlx::Error>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        match self.fetch_optional(on).await? {
            Some(Row::Sqlite(row)) => row.try_get(0).map(Some),
            Some(Row::Postgres(row)) => row.try_get(0).map(Some),
            None => Ok(None),
        }
    }
}

/// The statement with `?` for `$1`, `$2` and so on; nothing where they are in another order.
fn with_plain_places(statement: &str) -> Option<String> {
    let mut parts = statement.split('$');
    let mut plain = String::with_capacity(statement.len());
    plain.push_str(parts.next()?);
    for (place, part) in (1_usize..).zip(parts) {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at_checked(end)?;
        if number.parse() != Ok(place) {
            return None;
        }
        plain.push('?');
        plain.push_str(rest);
    }
    Some(plain)
}

impl Row {
    /// The value of a column: `i64`, `String`, `Vec<u8>`, or an `Option` of one.
    pub(super) fn try_get<'r, T>(&'r self, column: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

/// How many rows a statement changed.
struct Changed(u64);

/// All rows of an answer.
struct Rows(Vec<Row>);

macro_rules! from_each {
    ($database:ident, $done:ty, $row:ty) => {
        impl From<$done> for Changed {
            fn from(done: $done) -> Self {
                Self(done.rows_affected())
            }
        }

        impl From<Vec<$row>> for Rows {
            fn from(rows: Vec<$row>) -> Self {
                Self(rows.into_iter().map(Row::$database).collect())
            }
        }
    };
}

from_each!(Sqlite, sqlx::sqlite::SqliteQueryResult, SqliteRow);
from_each!(Postgres, sqlx::postgres::PgQueryResult, PgRow);

impl<'on> From<&'on Database> for On<'on> {
    fn from(database: &'on Database) -> Self {
        Self::Database(database)
    }
}

impl<'on> From<&'on mut Transaction> for On<'on> {
    fn from(transaction: &'on mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

/// The values that may be bound, plain or optional.
macro_rules! values {
    ($( $from:ty => $kind:ident($convert:expr) ),+ $(,)?) => { $(
        impl<'v> From<$from> for Value<'v> {
            fn from(value: $from) -> Self {
                Self::$kind(Some($convert(value)))
            }
        }

        impl<'v> From<Option<$from>> for Value<'v> {
            fn from(value: Option<$from>) -> Self {
                Self::$kind(value.map($convert))
            }
        }
    )+ };
}

values! {
    i64 => Integer(i64::from),
    &i64 => Integer(|value: &i64| *value),
    &'v str => Text(Cow::Borrowed),
    &'v String => Text(|text: &'v String| Cow::Borrowed(text.as_str())),
    String => Text(Cow::Owned),
    &'v [u8] => Bytes(Cow::Borrowed),
    &'v Vec<u8> => Bytes(|bytes: &'v Vec<u8>| Cow::Borrowed(bytes.as_slice())),
    Vec<u8> => Bytes(Cow::Owned),
}

#[cfg(test)]
mod tests {
    use super::with_plain_places;

    #[test]
    fn only_placeholders_in_their_order_become_plain_ones() {
        let plain = |statement| with_plain_places(statement);
        assert_eq!(plain("VALUES ($1, $2), ($3, $4)").as_deref(), Some("VALUES (?, ?), (?, ?)"));
        assert_eq!(plain("a = $1").as_deref(), Some("a = ?"));
        assert_eq!(plain("SELECT 1").as_deref(), Some("SELECT 1"));
        for other in ["a = $2 AND b = $1", "a = $1 OR b = $1", "a = $x", "$1 $"] {
            assert_eq!(plain(other), None, "{other}");
        }
    }
}
