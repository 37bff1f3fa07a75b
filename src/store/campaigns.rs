//! What may be a campaign: its parts, and what is known of them together. What makes one is `alerts`'
//! business; here they are rows.

use std::collections::BTreeMap;

use super::alerts::AlertTransaction;
use super::bulk::{list, parts, rows};
use super::database::{Row, query, query_made};
use super::error::StoreError;
use super::findings::storable;

/// What is known of keys and principals that may make a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRow {
    pub id: String,
    pub is_raised: bool,
    /// Its form belongs to `alerts`.
    pub facts: String,
}

/// A key or principal in what may be a campaign, with the alert that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CampaignPart<'a> {
    pub campaign_id: &'a str,
    pub other: &'a str,
    pub alert_id: &'a str,
}

/// Where several campaigns speak for an alert, the earliest does, of those the one with the least id.
const FOLD_PARTS: &str = "UPDATE alerts SET folded_into = $1, folded_pane = $2 WHERE id IN \
    (SELECT alert_id FROM campaign_parts WHERE campaign_id = $1) AND (folded_into IS NULL \
    OR folded_pane > $2 OR (folded_pane = $2 AND folded_into > $1))";

impl AlertTransaction {
    /// What is known of these campaigns, raised or not, by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn campaigns(&mut self, ids: &[&str]) -> Result<BTreeMap<String, CampaignRow>, StoreError> {
        let mut known = BTreeMap::new();
        for part in parts(ids) {
            let find =
                format!("SELECT id, is_raised, facts FROM campaigns WHERE id IN ({})", list(part.len()));
            let find = part.iter().fold(query_made(find), |query, id| query.bind(*id));
            for row in find.fetch_all(&mut self.transaction).await? {
                let campaign = campaign_of(&row)?;
                known.insert(campaign.id.clone(), campaign);
            }
        }
        Ok(known)
    }

    /// Writes what is known of campaigns. No two may be the same.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_campaigns(&mut self, campaigns: &[CampaignRow]) -> Result<(), StoreError> {
        for part in parts(campaigns) {
            let write = format!(
                "INSERT INTO campaigns (id, is_raised, facts) VALUES {} ON CONFLICT (id) \
                 DO UPDATE SET is_raised = excluded.is_raised, facts = excluded.facts",
                rows(part.len(), 3)
            );
            let write = part.iter().fold(query_made(write), |query, campaign| {
                query.bind(&campaign.id).bind(i64::from(campaign.is_raised)).bind(&campaign.facts)
            });
            write.execute(&mut self.transaction).await?;
        }
        Ok(())
    }

    /// Adds parts; those that are known stay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_parts(&mut self, added: &[CampaignPart<'_>]) -> Result<(), StoreError> {
        for part in parts(added) {
            let insert = format!(
                "INSERT INTO campaign_parts (campaign_id, other, alert_id) VALUES {} \
                 ON CONFLICT (campaign_id, other, alert_id) DO NOTHING",
                rows(part.len(), 3)
            );
            let insert = part.iter().fold(query_made(insert), |query, part| {
                query.bind(part.campaign_id).bind(storable(part.other)).bind(part.alert_id)
            });
            insert.execute(&mut self.transaction).await?;
        }
        Ok(())
    }

    /// How many distinct keys or principals there are in each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_others(&mut self, ids: &[&str]) -> Result<BTreeMap<String, i64>, StoreError> {
        let mut others = BTreeMap::new();
        for part in parts(ids) {
            let count = format!(
                "SELECT campaign_id, COUNT(DISTINCT other) AS others FROM campaign_parts \
                 WHERE campaign_id IN ({}) GROUP BY campaign_id",
                list(part.len())
            );
            let count = part.iter().fold(query_made(count), |query, id| query.bind(*id));
            for row in count.fetch_all(&mut self.transaction).await? {
                others.insert(row.try_get("campaign_id")?, row.try_get("others")?);
            }
        }
        Ok(others)
    }

    /// Lets a campaign speak for all alerts that are in it already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fold_parts(&mut self, campaign_id: &str, pane: i64) -> Result<(), StoreError> {
        query(FOLD_PARTS).bind(campaign_id).bind(pane).execute(&mut self.transaction).await?;
        Ok(())
    }
}

fn campaign_of(row: &Row) -> Result<CampaignRow, StoreError> {
    let is_raised: i64 = row.try_get("is_raised")?;
    Ok(CampaignRow { id: row.try_get("id")?, is_raised: is_raised != 0, facts: row.try_get("facts")? })
}
