//! How long a search may take, and where its time went.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use indexmap::IndexMap;

/// The time of one search.
pub(crate) struct Clock {
    start: Instant,
    deadline: Cell<Instant>,
    /// Whether something was left out because time ran out.
    late: Cell<bool>,
    steps: RefCell<Vec<(&'static str, Duration)>>,
}

/// The deadline has passed.
#[derive(Debug)]
pub(crate) struct Late;

impl Clock {
    pub(crate) fn start(time: Duration) -> Self {
        let start = Instant::now();
        Self { start, deadline: Cell::new(start + time), late: Cell::new(false), steps: RefCell::default() }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline.get()
    }

    /// Gives what follows until so long after the start.
    pub(crate) fn extend(&self, time: Duration) {
        self.deadline.set(self.start + time);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// An error once the time is up.
    pub(crate) fn check(&self) -> Result<(), Late> {
        if Instant::now() >= self.deadline() {
            self.late.set(true);
            return Err(Late);
        }
        Ok(())
    }

    /// Whether anything had to be left out.
    pub(crate) fn was_late(&self) -> bool {
        self.late.get()
    }

    /// What has taken the time since the step before.
    pub(crate) fn step(&self, name: &'static str) {
        self.steps.borrow_mut().push((name, self.elapsed()));
    }

    /// The steps with their times, in order.
    pub(crate) fn details(&self) -> IndexMap<String, String> {
        let mut before = Duration::ZERO;
        let mut details = IndexMap::new();
        for (name, at) in self.steps.borrow().iter() {
            details.insert(format!("search > {name}"), format!("{:.2?}", at.saturating_sub(before)));
            before = *at;
        }
        details.insert("search".to_owned(), format!("{before:.2?}"));
        details
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_checked_too_late_is_late() {
        let clock = Clock::start(Duration::from_hours(1));
        assert!(clock.check().is_ok() && !clock.was_late());
        let clock = Clock::start(Duration::ZERO);
        assert!(clock.check().is_err() && clock.was_late());
        clock.extend(Duration::from_hours(1));
        assert!(clock.check().is_ok() && clock.was_late(), "what was left out stays out");
    }

    #[test]
    fn steps_are_told_in_order_with_their_sum() {
        let clock = Clock::start(Duration::ZERO);
        clock.step("filter");
        clock.step("rank");
        assert_eq!(clock.details().keys().collect::<Vec<_>>(), ["search > filter", "search > rank", "search"]);
    }
}
