//! What every runtime does. A runtime's own tests call each of these.

use onggi_controller::runtime::{Observed, Runtime};
use onggi_domain::{
    IndexId, TenantId,
    container::{ContainerSet, ContainerStatus, Role, SizeTable},
};

use crate::world::{eventually, post};

pub(crate) fn set(searchers: u32, indexer: bool) -> ContainerSet {
    let size = SizeTable::default().0[0].clone();
    ContainerSet { index: IndexId::generate(), tenant: TenantId::generate(), uid: "movies".parse().unwrap(), size, searchers, indexer }
}

/// The containers of an index that listen, once there are this many and no others.
pub(crate) async fn listening(runtime: &dyn Runtime, index: IndexId, number: usize) -> Vec<Observed> {
    eventually(&format!("{number} containers listen"), async || {
        let observed = runtime.observe_index(index).await.unwrap();
        let listen = observed.iter().all(|container| container.endpoint.is_some() && container.status == ContainerStatus::Running);
        (listen && observed.len() == number).then_some(observed)
    })
    .await
}

fn names(observed: &[Observed], role: Role) -> Vec<String> {
    observed.iter().filter(|container| container.role == role).map(|container| container.name.clone()).collect()
}

/// A set runs as it is asked for, each container answers to its secret only, and asking again changes nothing.
pub(crate) async fn a_set_runs_and_stays(runtime: &dyn Runtime) {
    let set = set(2, true);
    runtime.apply(&set, &[]).await.unwrap();
    let first = listening(runtime, set.index, 3).await;
    assert_eq!((names(&first, Role::Searcher).len(), names(&first, Role::Indexer).len()), (2, 1));
    for container in &first {
        let mut endpoint = container.endpoint.clone().unwrap();
        assert_eq!((container.index, container.tenant, container.size.as_str()), (set.index, set.tenant, "small"));
        assert_eq!(post(&endpoint, "/search").await.unwrap().text().await.unwrap(), container.name);
        endpoint.secret = "guessed".into();
        assert_eq!(post(&endpoint, "/search").await.unwrap().status(), 401);
    }
    eventually("it is known to be what was asked for", async || runtime.holds(&set).then_some(())).await;
    assert!(runtime.indexes().await.unwrap().contains(&set.index));
    runtime.apply(&set, &[]).await.unwrap();
    let again = listening(runtime, set.index, 3).await;
    assert!(first.iter().zip(&again).all(|(a, b)| a.name == b.name && a.endpoint == b.endpoint));
}

/// Searchers end by name only: more are started beside those that run, and those that are named go.
pub(crate) async fn searchers_come_and_go(runtime: &dyn Runtime) {
    let mut set = set(1, false);
    runtime.apply(&set, &[]).await.unwrap();
    let first = names(&listening(runtime, set.index, 1).await, Role::Searcher);
    set.searchers = 3;
    runtime.apply(&set, &[]).await.unwrap();
    let three = names(&listening(runtime, set.index, 3).await, Role::Searcher);
    assert!(three.contains(&first[0]));

    set.searchers = 2;
    runtime.apply(&set, &[]).await.unwrap();
    assert_eq!(names(&listening(runtime, set.index, 3).await, Role::Searcher), three, "nobody was named");
    runtime.apply(&set, &first).await.unwrap();
    let two = names(&listening(runtime, set.index, 2).await, Role::Searcher);
    assert!(!two.contains(&first[0]));

    // One that is named while the number stays is replaced.
    runtime.apply(&set, &two[..1]).await.unwrap();
    let replaced = eventually("another takes its place", async || {
        let names = names(&runtime.observe_index(set.index).await.unwrap(), Role::Searcher);
        (names.len() == 2 && !names.contains(&two[0])).then_some(names)
    })
    .await;
    assert!(replaced.contains(&two[1]));
}

/// Another size is started beside the containers of the old one.
pub(crate) async fn another_size_runs_beside_the_old_one(runtime: &dyn Runtime) {
    let mut set = set(1, false);
    runtime.apply(&set, &[]).await.unwrap();
    let old = listening(runtime, set.index, 1).await.remove(0);
    set.size = SizeTable::default().0[1].clone();
    runtime.apply(&set, &[]).await.unwrap();
    let both = listening(runtime, set.index, 2).await;
    assert!(both.iter().any(|container| container.name == old.name && container.size == "small"));
    runtime.apply(&set, &[old.name]).await.unwrap();
    assert_eq!(listening(runtime, set.index, 1).await[0].size, "medium");
}

/// An indexer of another size takes the place of the one there is, which may be what cannot do the work.
pub(crate) async fn an_indexer_of_another_size_replaces_the_old_one(runtime: &dyn Runtime) {
    let mut set = set(0, true);
    runtime.apply(&set, &[]).await.unwrap();
    listening(runtime, set.index, 1).await;
    set.size = SizeTable::default().0[1].clone();
    runtime.apply(&set, &[]).await.unwrap();
    eventually("one of the new size is alone", async || {
        let containers = runtime.observe_index(set.index).await.unwrap();
        let is_new = |container: &Observed| container.size == "medium" && container.endpoint.is_some();
        (containers.len() == 1 && containers.iter().all(is_new)).then_some(())
    })
    .await;
}

/// An indexer comes and goes by the set alone.
pub(crate) async fn an_indexer_ends_when_it_is_not_wanted(runtime: &dyn Runtime) {
    let mut set = set(0, true);
    runtime.apply(&set, &[]).await.unwrap();
    listening(runtime, set.index, 1).await;
    set.indexer = false;
    runtime.apply(&set, &[]).await.unwrap();
    listening(runtime, set.index, 0).await;
}

/// A container that crashes is restarted under its name, says so, and its index is told to have changed.
pub(crate) async fn a_crash_is_mended(runtime: &dyn Runtime) {
    let set = set(1, false);
    runtime.apply(&set, &[]).await.unwrap();
    let before = listening(runtime, set.index, 1).await.remove(0);
    let mut changes = runtime.changes();
    post(before.endpoint.as_ref().unwrap(), "/crash").await.unwrap_err();
    eventually("the crash is told of", async || (changes.recv().await.unwrap() == set.index).then_some(())).await;
    let after = eventually("it listens again", async || {
        let container = runtime.observe_index(set.index).await.unwrap().remove(0);
        (container.restarts > 0 && container.endpoint.is_some()).then_some(container)
    })
    .await;
    assert_eq!((&after.name, after.since), (&before.name, before.since));
    assert!(after.note.unwrap().contains("exit status: 7"));
    assert!(post(after.endpoint.as_ref().unwrap(), "/search").await.unwrap().status().is_success());
}

/// An index that is removed is gone, and no other index is touched.
pub(crate) async fn a_removed_index_is_gone(runtime: &dyn Runtime) {
    let (gone, stays) = (set(2, true), set(1, false));
    runtime.apply(&gone, &[]).await.unwrap();
    runtime.apply(&stays, &[]).await.unwrap();
    listening(runtime, gone.index, 3).await;
    let before = listening(runtime, stays.index, 1).await;
    runtime.remove(gone.index).await.unwrap();
    listening(runtime, gone.index, 0).await;
    assert_eq!(listening(runtime, stays.index, 1).await[0].name, before[0].name);
    let all = runtime.observe().await.unwrap();
    assert!(all.iter().all(|container| container.index != gone.index));
    eventually("nothing is held of it", async || (!runtime.indexes().await.unwrap().contains(&gone.index)).then_some(())).await;
    assert!(runtime.indexes().await.unwrap().contains(&stays.index));
}
