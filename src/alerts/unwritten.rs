//! What a batch has decided and the store does not have yet.

use std::collections::BTreeMap;

use super::error::AlertError;
use crate::domain::alert::Suppression;
use crate::store::{AlertRow, AlertTransaction, NewDelivery};

/// Rows to be written at the end of a batch, all at once.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// Each alert once.
    pub alerts: Vec<AlertRow>,
    pub deliveries: Vec<NewDelivery>,
    /// Pages that are not sent, by alert.
    pub suppressed: BTreeMap<(String, Suppression), i64>,
}

impl Unwritten {
    pub async fn write(&self, store: &mut AlertTransaction) -> Result<(), AlertError> {
        store.write_alerts(&self.alerts).await?;
        store.insert_deliveries(&self.deliveries).await?;
        let suppressed = self.suppressed.iter();
        let suppressed: Vec<_> =
            suppressed.map(|((alert, reason), pages)| (alert.as_str(), *reason, *pages)).collect();
        Ok(store.suppress(&suppressed).await?)
    }
}
