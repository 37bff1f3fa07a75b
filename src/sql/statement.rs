//! Which statements may run: queries, and nothing that creates, writes, copies or sets.
//!
//! In: SQL text. Out: whether it is exactly one query. DataFusion checks the plan a second time.

use std::collections::VecDeque;

use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as Sql;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;

use super::session::SqlError;

/// Checks that `sql` is exactly one query of at most `limit` bytes.
///
/// # Errors
/// When it is longer, no SQL, another kind of statement, or several.
pub fn check(sql: &str, limit: usize) -> Result<(), SqlError> {
    if sql.len() > limit {
        return Err(SqlError::TooLong { bytes: sql.len(), limit });
    }
    let statements = parse(sql)?;
    match (statements.front(), statements.len()) {
        (Some(statement), 1) => only_query(statement),
        (_, found) => Err(SqlError::NotOne { found }),
    }
}

fn parse(sql: &str) -> Result<VecDeque<Statement>, DataFusionError> {
    DFParserBuilder::new(sql).with_dialect(&PostgreSqlDialect {}).build()?.parse_statements()
}

fn only_query(statement: &Statement) -> Result<(), SqlError> {
    match statement {
        Statement::Explain(explain) => only_query(&explain.statement),
        Statement::Statement(inner) => match inner.as_ref() {
            Sql::Query(_) | Sql::ExplainTable { .. } => Ok(()),
            Sql::Explain { statement, .. } if matches!(statement.as_ref(), Sql::Query(_)) => Ok(()),
            other => Err(refused(&other.to_string())),
        },
        other => Err(refused(&other.to_string())),
    }
}

/// Names the statement by its first word alone: the rest may be long, or a secret.
fn refused(statement: &str) -> SqlError {
    SqlError::NotAQuery { what: statement.split_whitespace().next().unwrap_or("this").to_uppercase() }
}
