//! How one line of the table becomes a family of Prometheus.

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// The types of metrics.
    pub enum Kind as "metric type" {
        Counter = "counter",
        Gauge = "gauge",
        Histogram = "histogram",
    }
}

/// One metric of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    /// What it counts, in one sentence.
    pub help: &'static str,
}

/// Upper bounds of latency buckets in seconds: tight around what is promised (an alert within 250 ms, a
/// spooled record within 5 ms), then coarse.
const SECONDS: [f64; 16] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];

/// A counter and its children.
pub(super) type Counter = IntCounterVec;
/// A gauge and its children.
pub(super) type Gauge = GaugeVec;
/// A histogram of seconds and its children.
pub(super) type Histogram = HistogramVec;

/// What a type of metric has to be able to do.
pub(super) trait Family: Sized {
    const KIND: Kind;

    /// Makes the family and puts it into the registry.
    fn register(spec: &Spec, registry: &Registry) -> prometheus::Result<Self>;
}

impl Family for Counter {
    const KIND: Kind = Kind::Counter;

    fn register(spec: &Spec, registry: &Registry) -> prometheus::Result<Self> {
        let family = Self::new(Opts::new(spec.name, spec.help), spec.labels)?;
        registry.register(Box::new(family.clone()))?;
        if spec.labels.is_empty() {
            family.with_label_values::<&str>(&[]);
        }
        Ok(family)
    }
}

impl Family for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn register(spec: &Spec, registry: &Registry) -> prometheus::Result<Self> {
        let family = Self::new(Opts::new(spec.name, spec.help), spec.labels)?;
        registry.register(Box::new(family.clone()))?;
        Ok(family)
    }
}

impl Family for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn register(spec: &Spec, registry: &Registry) -> prometheus::Result<Self> {
        let options = HistogramOpts::new(spec.name, spec.help).buckets(SECONDS.to_vec());
        let family = Self::new(options, spec.labels)?;
        registry.register(Box::new(family.clone()))?;
        Ok(family)
    }
}
