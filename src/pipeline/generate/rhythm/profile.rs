//! How one key is used when nothing is wrong: its shape over day and week, its growth, its deployments.

use super::super::random::Random;
use super::calendar::Hour;

/// How the use of a key is spread over day and week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// People at work: weekdays from eight to six.
    Office,
    /// Customers: every day, most in the evening, more at weekends.
    Shop,
    /// Machines: always the same.
    Steady,
    /// A batch job at two in the morning, and hardly anything else.
    Nightly,
    /// A batch job in the night to Sunday.
    Weekly,
    /// A few calls a day.
    Sparse,
    /// Not used any more since long before the log begins.
    Forgotten,
}

/// The shapes, as often as each occurs among twelve keys.
const SHAPES: [Shape; 12] = [
    Shape::Office,
    Shape::Office,
    Shape::Office,
    Shape::Shop,
    Shape::Shop,
    Shape::Shop,
    Shape::Steady,
    Shape::Steady,
    Shape::Nightly,
    Shape::Weekly,
    Shape::Sparse,
    Shape::Forgotten,
];

/// A key, and how it is used.
#[derive(Debug, Clone)]
pub struct Profile {
    pub key: String,
    /// Callers, the busiest first.
    pub callers: Vec<String>,
    pub shape: Shape,
    /// Whether the catalog knows it; of others nobody has said what they are for.
    pub is_declared: bool,
    /// Calls in its busiest hour, in the first week.
    pub peak: f64,
    /// What a week adds, as a share: 0.02 is two per cent.
    weekly_growth: f64,
    /// From this day on the use is so many times what it was.
    deployment: (u32, f64),
    /// How much hours of one kind differ, as the deviation of the factor's logarithm.
    noise: f64,
}

/// The account of all keys.
pub const ACCOUNT: &str = "210000000017";
/// Where all keys are.
pub const REGION: &str = "eu-west-1";

impl Profile {
    /// The `number`-th key of a log of `days` days.
    pub fn new(number: usize, days: u32, random: &mut Random) -> Self {
        let shape = SHAPES.get(number % SHAPES.len()).copied().unwrap_or(Shape::Steady);
        let callers = (0..1 + random.below(3)).map(|place| role(&format!("app-{number}-{place}"))).collect();
        Self {
            key: format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{}", random.uuid()),
            callers,
            shape,
            is_declared: !number.is_multiple_of(3),
            peak: peak(shape, random),
            weekly_growth: random.below(40) as f64 / 1_000.0,
            deployment: (random.below(u64::from(days.max(1))) as u32, 0.7 + random.below(80) as f64 / 100.0),
            noise: 0.08 + random.below(12) as f64 / 100.0,
        }
    }

    /// Calls to expect in `hour`, before chance.
    pub fn expected(&self, hour: Hour) -> f64 {
        let growth = self.weekly_growth.mul_add(f64::from(hour.day) / 7.0, 1.0);
        let deployed = if hour.day >= self.deployment.0 { self.deployment.1 } else { 1.0 };
        self.peak * level(self.shape, hour) * growth * deployed
    }

    /// Calls in `hour`, as chance has it, of `times` what is to be expected.
    pub fn calls(&self, hour: Hour, times: f64, random: &mut Random) -> u64 {
        let factor = (normal(random) * self.noise).exp();
        poisson(self.expected(hour) * times * factor, random)
    }
}

/// The ARN of a role.
pub fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn peak(shape: Shape, random: &mut Random) -> f64 {
    let (least, most) = match shape {
        Shape::Sparse | Shape::Forgotten => (1, 2),
        Shape::Nightly | Shape::Weekly => (60, 240),
        Shape::Office | Shape::Shop | Shape::Steady => (20, 160),
    };
    (least + random.below(most - least + 1)) as f64
}

/// The use in `hour` as a share of the busiest hour's.
fn level(shape: Shape, hour: Hour) -> f64 {
    let at_work = hour.is_workday() && (8..18).contains(&hour.hour_of_day);
    match shape {
        Shape::Office if at_work => 0.6 + 0.4 * bump(hour.hour_of_day, 11, 4),
        Shape::Office => 0.05,
        Shape::Shop => {
            let weekend = if hour.weekday >= 5 { 1.3 } else { 1.0 };
            weekend * (0.15 + 0.6 * bump(hour.hour_of_day, 20, 6) + 0.1 * bump(hour.hour_of_day, 12, 3))
        }
        Shape::Steady => 0.9,
        Shape::Nightly if hour.hour_of_day == 2 => 1.0,
        Shape::Nightly => 0.03,
        Shape::Weekly if hour.weekday == 6 && (1..4).contains(&hour.hour_of_day) => 1.0,
        Shape::Weekly => 0.02,
        Shape::Sparse => 0.2,
        Shape::Forgotten => 0.0,
    }
}

/// A round hill over the hours: 1 at its middle, 0 from `width` hours away on, around the clock.
fn bump(hour: u32, middle: u32, width: u32) -> f64 {
    let apart = hour.abs_diff(middle);
    let apart = f64::from(apart.min(24 - apart));
    (1.0 - (apart / f64::from(width)).powi(2)).max(0.0)
}

/// A number of the standard normal distribution: twelve even ones, less their mean (Irwin and Hall).
fn normal(random: &mut Random) -> f64 {
    (0..12).map(|_| random.below(1 << 32) as f64 / (1_u64 << 32) as f64).sum::<f64>() - 6.0
}

/// Above this a Poisson number is taken from the normal distribution.
const LARGE: f64 = 30.0;

/// A number of the Poisson distribution (Knuth's way for small means).
fn poisson(mean: f64, random: &mut Random) -> u64 {
    if mean > LARGE {
        return normal(random).mul_add(mean.sqrt(), mean).round().max(0.0) as u64;
    }
    let (limit, mut product, mut count) = ((-mean).exp(), 1.0, 0);
    loop {
        product *= (random.below(1 << 32) as f64 + 0.5) / (1_u64 << 32) as f64;
        if product <= limit {
            return count;
        }
        count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_has_the_mean_that_was_asked_for() {
        let mut random = Random::new(1);
        for mean in [0.5, 4.0, 29.0, 200.0] {
            let sum: u64 = (0..4_000).map(|_| poisson(mean, &mut random)).sum();
            let found = sum as f64 / 4_000.0;
            assert!((found - mean).abs() < 0.05 * mean + 0.05, "{found} of {mean}");
        }
        assert_eq!(poisson(0.0, &mut random), 0);
    }

    #[test]
    fn people_rest_at_night_and_a_forgotten_key_is_forgotten() {
        let at = |number| Hour::new(1_788_739_200_000_000, number, &[]); // a Monday
        assert!(level(Shape::Office, at(11)) > 10.0 * level(Shape::Office, at(3)));
        assert!(level(Shape::Forgotten, at(24)).abs() < f64::EPSILON);
    }
}
