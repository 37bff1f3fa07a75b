//! The store, on both of its databases.

mod actions;
mod alerts;
mod lease;
mod life;
mod routing;
mod silence;
mod state;

use keyward::config::StoreAddress;
use keyward::store::{Place, Store, StoreError};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::services::postgres;

/// A place for one store: a data folder, and a database.
pub struct Home {
    folder: TempDir,
    address: StoreAddress,
}

impl Home {
    /// A data folder with the embedded database.
    pub fn embedded() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), address: StoreAddress::Embedded }
    }

    /// A data folder beside a new PostgreSQL database; nothing where no PostgreSQL is installed.
    pub async fn postgres() -> Option<Self> {
        let address = StoreAddress::Postgres(postgres::new_database().await?);
        Some(Self { folder: tempfile::tempdir().unwrap(), address })
    }

    pub fn place(&self) -> Place<'_> {
        Place { root: self.folder.path(), address: &self.address, instance: "test" }
    }

    pub async fn open(&self, at: i64) -> Result<Store, StoreError> {
        Store::open_at(self.place(), at).await
    }

    /// A connection of the test's own to the PostgreSQL database.
    pub async fn connect(&self) -> PgConnection {
        let StoreAddress::Postgres(address) = &self.address else { panic!("this store is embedded") };
        PgConnection::connect(address).await.unwrap()
    }

    /// Runs a statement behind the store's back.
    pub async fn execute(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&mut self.connect().await).await.unwrap();
    }

    pub async fn read(&self) -> Result<Store, StoreError> {
        Store::read_at(self.place()).await
    }
}

/// Makes of each `async fn test(home: Home)` one test on SQLite and one on PostgreSQL.
macro_rules! on_both {
    ($( $test:ident );+ $(;)?) => {
        mod on_sqlite {
            $( #[tokio::test]
            async fn $test() {
                super::$test(super::Home::embedded()).await;
            } )+
        }

        mod on_postgres {
            $( #[tokio::test]
            async fn $test() {
                let Some(home) = super::Home::postgres().await else { return };
                super::$test(home).await;
            } )+
        }
    };
}

use on_both;
