//! Which searchers answer for which index: written by the controller, read for each request by the gateway.

use std::{collections::HashMap, sync::Arc};

use onggi_domain::{IndexId, worker::Endpoint};
use parking_lot::RwLock;
use tokio::sync::watch;

type Endpoints = Arc<[Endpoint]>;

/// The searchers of each index that answer. A read takes an uncontended lock and clones an `Arc`.
#[derive(Default)]
pub struct RouteTable {
    indexes: RwLock<HashMap<IndexId, watch::Sender<Endpoints>>>,
}

impl RouteTable {
    /// The searchers of an index that answer; none while it is asleep or waking.
    pub fn get(&self, index: IndexId) -> Endpoints {
        self.indexes.read().get(&index).map_or_else(Endpoints::default, |sender| sender.borrow().clone())
    }

    /// Replaces the searchers of an index.
    pub fn publish(&self, index: IndexId, endpoints: Vec<Endpoint>) {
        let mut indexes = self.indexes.write();
        if let Some(sender) = indexes.get(&index) {
            if **sender.borrow() != *endpoints {
                sender.send_replace(endpoints.into());
            }
            // Who waits for an index to wake holds a receiver; nobody else needs an empty entry.
            if sender.borrow().is_empty() && sender.is_closed() {
                indexes.remove(&index);
            }
        } else if !endpoints.is_empty() {
            indexes.insert(index, watch::Sender::new(endpoints.into()));
        }
    }

    /// Waits until a searcher of the index answers.
    pub async fn ready(&self, index: IndexId) {
        loop {
            let mut receiver = self.indexes.write().entry(index).or_default().subscribe();
            if receiver.wait_for(|endpoints| !endpoints.is_empty()).await.is_ok() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str) -> Endpoint {
        Endpoint { name: name.to_owned(), address: ([127, 0, 0, 1], 1).into(), secret: "s".into(), zone: None }
    }

    #[tokio::test]
    async fn who_waits_for_an_index_is_woken_by_its_first_endpoint_and_not_by_another_index() {
        let table = Arc::new(RouteTable::default());
        let (index, other) = (IndexId::generate(), IndexId::generate());
        let mut waiting = tokio::spawn({
            let table = table.clone();
            async move { table.ready(index).await }
        });
        table.publish(other, vec![endpoint("other")]);
        table.publish(index, vec![]);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        table.publish(index, vec![endpoint("a")]);
        (&mut waiting).await.unwrap();
        assert_eq!(*table.get(index), [endpoint("a")]);
    }

    #[test]
    fn an_index_without_endpoints_takes_no_room() {
        let table = RouteTable::default();
        let index = IndexId::generate();
        table.publish(index, vec![endpoint("a"), endpoint("b")]);
        let held = table.get(index);
        table.publish(index, vec![]);
        assert_eq!((held.len(), table.get(index).len()), (2, 0));
        assert!(table.indexes.read().is_empty());
    }
}
