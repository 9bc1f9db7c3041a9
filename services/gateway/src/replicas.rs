//! Which of an index's searchers gets a request: the one with the least under way, ties by chance; one in another zone when those in the own
//! have more to do, and one that has just failed only when there is no other. Holds no more than what is under way and what failed a moment ago.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use onggi_domain::worker::Endpoint;
use parking_lot::Mutex;

/// How long a searcher that failed is avoided.
const AVOID: Duration = Duration::from_secs(1);

/// How many more requests a searcher in the own zone may have under way than one in another, which is slower and costs traffic, before that
/// one is asked.
const FAR: usize = 4;

/// What is known of searchers, by name.
#[derive(Default)]
pub(crate) struct Replicas {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: HashMap<String, usize>,
    avoided: HashMap<String, Instant>,
}

/// A request that is under way at a searcher, until it is dropped.
pub(crate) struct UnderWay {
    replicas: Arc<Replicas>,
    name: String,
}

impl Replicas {
    /// The best searcher for who is in `zone`, but those that were `tried`; counted as having one more request under way.
    pub(crate) fn choose<'a>(
        self: &Arc<Self>,
        endpoints: &'a [Endpoint],
        tried: &[String],
        zone: Option<&str>,
    ) -> Option<(&'a Endpoint, UnderWay)> {
        let start = if endpoints.len() > 1 { rand::random_range(0..endpoints.len()) } else { 0 };
        let now = Instant::now();
        let mut state = self.state.lock();
        let (late, early) = endpoints.split_at(start);
        let best = early.iter().chain(late).filter(|endpoint| !tried.contains(&endpoint.name)).min_by_key(|endpoint| {
            let avoided = state.avoided.get(&endpoint.name).is_some_and(|until| *until > now);
            // A zone that is not known is taken for the own.
            let far = zone.is_some_and(|own| endpoint.zone.as_deref().is_some_and(|zone| zone != own));
            (avoided, state.under_way.get(&endpoint.name).copied().unwrap_or(0) + if far { FAR } else { 0 })
        })?;
        *state.under_way.entry(best.name.clone()).or_default() += 1;
        Some((best, UnderWay { replicas: self.clone(), name: best.name.clone() }))
    }

    /// The searcher did not answer.
    pub(crate) fn avoid(&self, name: &str) {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.avoided.retain(|_, until| *until > now);
        state.avoided.insert(name.to_owned(), now + AVOID);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.replicas.state.lock();
        if let Some(count) = state.under_way.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                state.under_way.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn endpoints(names: &[&str]) -> Vec<Endpoint> {
        names
            .iter()
            .map(|name| Endpoint { name: (*name).to_owned(), address: ([127, 0, 0, 1], 1).into(), secret: "s".into(), zone: None })
            .collect()
    }

    #[test]
    fn the_searcher_with_the_least_under_way_is_chosen() {
        let (replicas, endpoints) = (Arc::new(Replicas::default()), endpoints(&["a", "b", "c"]));
        let mut held: Vec<UnderWay> = (0..6).map(|_| replicas.choose(&endpoints, &[], None).unwrap().1).collect();
        for name in ["a", "b", "c"] {
            assert_eq!(held.iter().filter(|held| held.name == name).count(), 2);
        }
        let freed = held[0].name.clone();
        held.remove(0);
        assert_eq!(replicas.choose(&endpoints, &[], None).unwrap().0.name, freed);
    }

    #[test]
    fn ties_are_broken_by_chance() {
        let (replicas, endpoints) = (Arc::new(Replicas::default()), endpoints(&["a", "b"]));
        let chosen: HashSet<&str> = (0..200).map(|_| replicas.choose(&endpoints, &[], None).unwrap().0.name.as_str()).collect();
        assert_eq!(chosen.len(), 2);
    }

    #[test]
    fn one_that_failed_is_the_last_choice_and_one_that_was_tried_none() {
        let (replicas, endpoints) = (Arc::new(Replicas::default()), endpoints(&["a", "b"]));
        replicas.avoid("a");
        let _busy: Vec<UnderWay> = (0..9).map(|_| replicas.choose(&endpoints, &["a".to_owned()], None).unwrap().1).collect();
        assert_eq!(replicas.choose(&endpoints, &[], None).unwrap().0.name, "b");
        assert_eq!(replicas.choose(&endpoints, &["b".to_owned()], None).unwrap().0.name, "a");
        assert!(replicas.choose(&endpoints, &["a".to_owned(), "b".to_owned()], None).is_none());
        assert!(replicas.choose(&[], &[], None).is_none());
    }

    #[test]
    fn the_own_zone_is_preferred_until_it_is_busy_or_fails() {
        let replicas = Arc::new(Replicas::default());
        let mut endpoints = endpoints(&["near", "far", "anywhere"]);
        endpoints[0].zone = Some("a".into());
        endpoints[1].zone = Some("b".into());
        let near_and_far = &endpoints[..2];
        let mut held = Vec::new();
        let mut chosen = |zone: Option<&str>| {
            let (endpoint, under_way) = replicas.choose(near_and_far, &[], zone).unwrap();
            held.push(under_way);
            endpoint.name.clone()
        };
        let first: Vec<String> = (0..FAR).map(|_| chosen(Some("a"))).collect();
        assert!(first.iter().all(|name| name == "near"), "{first:?}");
        let next: Vec<String> = (0..10).map(|_| chosen(Some("a"))).collect();
        assert_eq!(next.iter().filter(|name| *name == "far").count(), 5, "beyond that both share");
        held.clear();
        replicas.avoid("near");
        assert_eq!(replicas.choose(near_and_far, &[], Some("a")).unwrap().0.name, "far");
        let replicas = Arc::new(Replicas::default());
        assert_eq!(replicas.choose(&endpoints[1..], &[], Some("a")).unwrap().0.name, "anywhere", "it may be near");
        assert_eq!(replicas.choose(&endpoints[1..2], &[], Some("a")).unwrap().0.name, "far", "better than none");
    }

    #[test]
    fn what_is_done_takes_no_room() {
        let (replicas, endpoints) = (Arc::new(Replicas::default()), endpoints(&["a", "b"]));
        drop([replicas.choose(&endpoints, &[], None), replicas.choose(&endpoints, &[], None)]);
        assert!(replicas.state.lock().under_way.is_empty());
    }
}
