//! What the service answers over HTTP: whether it is alive and ready, its metrics, its status, and the
//! reload of its rules.
//!
//! In: [`State`], which the app fills with what it constructed, and the routes of others, which
//! [`router`] takes beside its own. Out: a [`Router`](axum::Router) for [`server::serve`].
//!
//! | route | answers | token |
//! |---|---|---|
//! | `GET /healthz` | 200 while the loop goes round | none |
//! | `GET /readyz` | 200, or 503 naming what it waits for | none |
//! | `GET /metrics` | Prometheus text | `http.metrics_token`, where set |
//! | `GET /api/v1/status` | sources, rules, counts | `http.metrics_token`, where set |
//! | `POST /api/v1/reload` | what changed, or the mistakes | `http.admin_token`, always |
//! | `/api/v1/alerts…` | alerts, and what people do to them: [`alerts`] | of one of `http.users`, always |
//! | `/api/v1/actions…` | remediation, and what people approve and take back: [`actions`] | of one of `http.users`, always |
//! | `POST /api/v1/deliveries/replay` | how many parked deliveries are sent again | `http.admin_token`, always |

pub mod actions;
pub mod alerts;
pub mod answer;
pub mod deliveries;
pub mod health;
pub mod ingest;
mod routes;
pub mod server;
mod slots;
pub mod state;
pub mod token;

#[cfg(test)]
mod tests;

pub use health::{Health, Part};
pub use routes::router;
pub use state::{ReloadError, Reloaded, State};
