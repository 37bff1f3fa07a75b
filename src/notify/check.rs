//! Whether alerts could be told as the configuration says, without telling any.

use super::channel::Outlet;
use super::error::NotifyError;
use super::routes::Routes;
use super::schedule::Schedule;
use super::template::Templates;
use crate::config::Alerts;

/// Every mistake in channels, routes, schedules and templates that the configuration's form does not show.
pub fn mistakes(alerts: &Alerts) -> Vec<NotifyError> {
    let channels = alerts.all_channels();
    let channels = channels.iter().map(|channel| Outlet::new(channel).map(drop));
    let schedules = alerts.schedules.values().map(|path| Schedule::load(path).map(drop));
    let routes = Routes::new(&alerts.route()).map(drop);
    let templates = Templates::load(alerts.templates.as_deref()).map(drop);
    channels.chain(schedules).chain([routes, templates]).filter_map(Result::err).collect()
}
