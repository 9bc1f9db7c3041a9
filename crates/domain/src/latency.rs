//! How long searches took: a histogram with fixed limits, so that those of many gateways and hours can be added up.

use std::time::Duration;

/// The upper limits of all buckets but the last, in microseconds.
pub const LIMITS: [u64; 15] = [250, 500, 1000, 1500, 2000, 3000, 5000, 7500, 10_000, 15_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];
/// Buckets of a histogram.
pub const BUCKETS: usize = LIMITS.len() + 1;

/// How many took how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latencies(pub [u64; BUCKETS]);

impl Latencies {
    /// The bucket of a time.
    pub fn bucket(taken: Duration) -> usize {
        let micros = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
        LIMITS.partition_point(|limit| *limit < micros)
    }

    /// Counts `times` of them.
    pub fn count(&mut self, taken: Duration, times: u64) {
        self.0[Self::bucket(taken)] += times;
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The time within which this share of them (0 to 1) ended: between the limits of its bucket by its place there. What took longer than
    /// the last limit is told as that limit. `None`: nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let rank = share * total as f64;
        let mut before = 0.0;
        for (at, count) in self.0.iter().enumerate() {
            let count = *count as f64;
            if count > 0.0 && before + count >= rank {
                let low = if at == 0 { 0 } else { LIMITS[at - 1] } as f64;
                let high = *LIMITS.get(at).unwrap_or(&LIMITS[LIMITS.len() - 1]) as f64;
                let micros = low + (high - low) * ((rank - before) / count).clamp(0.0, 1.0);
                return Some(Duration::from_micros(micros as u64));
            }
            before += count;
        }
        Some(Duration::from_micros(LIMITS[LIMITS.len() - 1]))
    }

    /// [`quantile`](Self::quantile) in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        self.quantile(share).map(|taken| taken.as_micros() as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_in_the_bucket_of_its_rank() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.5), None);
        latencies.count(Duration::from_micros(400), 98);
        latencies.count(Duration::from_millis(60), 2);
        assert_eq!(latencies.total(), 100);
        let ms = |share| latencies.quantile_ms(share).unwrap();
        assert!((0.25..=0.5).contains(&ms(0.5)), "{}", ms(0.5));
        assert!((50.0..=100.0).contains(&ms(0.99)), "{}", ms(0.99));
        latencies.count(Duration::from_mins(1), 1000);
        assert_eq!(latencies.quantile_ms(0.99), Some(1000.0));
    }

    #[test]
    fn a_limit_belongs_to_the_bucket_that_it_ends() {
        assert_eq!(Latencies::bucket(Duration::ZERO), 0);
        assert_eq!(Latencies::bucket(Duration::from_micros(250)), 0);
        assert_eq!(Latencies::bucket(Duration::from_micros(251)), 1);
        assert_eq!(Latencies::bucket(Duration::from_secs(2)), BUCKETS - 1);
    }
}
