//! Indexes and their revisions.

use std::collections::BTreeSet;

use onggi_domain::{
    Generation, IndexId, Seq,
    container::{Selection, WakePolicy},
    index::{Index, Published, Swap},
    key::IndexPattern,
    settings::Settings,
};
use tokio::task::JoinSet;

use crate::{World, assert_error, new_index, new_tenant, uid};

/// Indexes that are made at the same time.
const AT_ONCE: usize = 24;

fn patterns(texts: &[&str]) -> Vec<IndexPattern> {
    texts.iter().map(|text| IndexPattern::try_from((*text).to_owned()).unwrap()).collect()
}

fn published(generation: u64, documents: u64) -> Published {
    Published {
        generation: Generation(generation),
        committed_seq: Some(Seq(generation * 10)),
        documents,
        stored_bytes: 2000,
        raw_bytes: 3000,
        fields: [("title".to_owned(), documents), ("a".to_owned(), 1)].into_iter().collect(),
    }
}

pub(crate) async fn an_index_reads_back_as_it_was_created(world: World) {
    let acme = world.tenant("acme").await;
    let mut index = new_index(&acme, "books");
    index.primary_key = Some("isbn".to_owned());
    index.selection =
        Selection { size: "large".to_owned(), replicas: 0, autoscale: None, sleep_after_seconds: None, wake: WakePolicy::Manual };
    index.awake = false;
    index.settings.distinct_attribute = Some("isbn".to_owned());
    // A fork begins with a generation.
    index.published = Some(published(3, 7));
    world.metadata.indexes.create(&index).await.unwrap();
    let stored = world.metadata.indexes.get(acme.id, &uid("books")).await.unwrap();
    assert!(stored.revision > 0);
    assert_eq!(stored, Index { revision: stored.revision, ..index });
    assert_eq!(world.metadata.indexes.get_by_id(stored.id).await.unwrap(), stored);
}

pub(crate) async fn a_uid_is_unique_among_the_living_indexes_of_a_tenant(world: World) {
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    let first = world.index(&acme, "books").await;
    world.index(&other, "books").await;
    assert_error!(world.metadata.indexes.create(&new_index(&acme, "books")).await, AlreadyExists("index"));
    world.metadata.indexes.delete(first.id).await.unwrap();
    let second = world.index(&acme, "books").await;
    assert_eq!(world.metadata.indexes.get(acme.id, &uid("books")).await.unwrap().id, second.id);
    assert_eq!(world.metadata.indexes.count(acme.id).await.unwrap(), 1);
}

pub(crate) async fn an_index_of_another_tenant_does_not_exist(world: World) {
    let indexes = &world.metadata.indexes;
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    world.index(&acme, "books").await;
    world.index(&acme, "films").await;
    assert_error!(indexes.get(other.id, &uid("books")).await, NotFound("index"));
    assert_error!(indexes.swap(other.id, &[exchange("books", "films")]).await, NotFound("index"));
    let page = indexes.list(other.id, &[IndexPattern::all()], 0, 10).await.unwrap();
    assert_eq!((page.items, page.total), (vec![], 0));
    assert_error!(indexes.get_by_id(IndexId::generate()).await, NotFound("index"));
}

pub(crate) async fn a_list_holds_what_matches_the_patterns_page_by_page(world: World) {
    let acme = world.tenant("acme").await;
    for name in ["prod_b", "prod-a", "Prod_c", "prod", "dev", "prodXb"] {
        world.index(&acme, name).await;
    }
    let gone = world.index(&acme, "prod_gone").await;
    world.metadata.indexes.delete(gone.id).await.unwrap();
    let names = async |texts: &[&str], offset, limit| {
        let page = world.metadata.indexes.list(acme.id, &patterns(texts), offset, limit).await.unwrap();
        (page.items.into_iter().map(|index| index.uid.to_string()).collect::<Vec<_>>().join(" "), page.total)
    };
    assert_eq!(names(&["*"], 0, 100).await, ("Prod_c dev prod prod-a prodXb prod_b".to_owned(), 6));
    assert_eq!(names(&["dev", "*"], 1, 2).await, ("dev prod".to_owned(), 6));
    assert_eq!(names(&["prod_*"], 0, u64::MAX).await, ("prod_b".to_owned(), 1));
    assert_eq!(names(&["prod*"], 1, 2).await, ("prod-a prodXb".to_owned(), 4));
    assert_eq!(names(&["prod", "dev"], 0, 100).await, ("dev prod".to_owned(), 2));
    assert_eq!(names(&["pro"], 0, 100).await, (String::new(), 0));
    assert_eq!(names(&[], 0, 100).await, (String::new(), 0));
}

pub(crate) async fn the_first_primary_key_holds(world: World) {
    let indexes = &world.metadata.indexes;
    let acme = world.tenant("acme").await;
    let id = world.index(&acme, "books").await.id;
    assert_eq!(indexes.set_primary_key_if_absent(id, "id").await.unwrap(), "id");
    assert_eq!(indexes.set_primary_key_if_absent(id, "isbn").await.unwrap(), "id");
    indexes.set_primary_key(id, Some("isbn")).await.unwrap();
    assert_eq!(indexes.get_by_id(id).await.unwrap().primary_key.as_deref(), Some("isbn"));
    indexes.set_primary_key(id, None).await.unwrap();
    assert_eq!(indexes.get_by_id(id).await.unwrap().primary_key, None);
    assert_error!(indexes.set_primary_key_if_absent(IndexId::generate(), "id").await, NotFound("index"));
    assert_error!(indexes.set_primary_key(IndexId::generate(), None).await, NotFound("index"));
}

pub(crate) async fn an_index_takes_another_name_unless_it_is_taken(world: World) {
    let indexes = &world.metadata.indexes;
    let acme = world.tenant("acme").await;
    let books = world.index(&acme, "books").await;
    world.index(&acme, "films").await;
    assert_error!(indexes.rename(books.id, &uid("films")).await, AlreadyExists("index"));
    indexes.rename(books.id, &uid("novels")).await.unwrap();
    assert_eq!(indexes.get(acme.id, &uid("novels")).await.unwrap().id, books.id);
    assert_error!(indexes.get(acme.id, &uid("books")).await, NotFound("index"));
    assert_error!(indexes.rename(IndexId::generate(), &uid("other")).await, NotFound("index"));
}

fn exchange(from: &str, to: &str) -> Swap {
    Swap { from: uid(from), to: uid(to), rename: false }
}

pub(crate) async fn a_swap_exchanges_all_pairs_or_none(world: World) {
    let indexes = &world.metadata.indexes;
    let acme = world.tenant("acme").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(world.index(&acme, name).await.id);
    }
    let named = async || {
        let mut named = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let id = indexes.get(acme.id, &uid(name)).await.unwrap().id;
            named.push(ids.iter().position(|known| *known == id).unwrap());
        }
        named
    };
    indexes.swap(acme.id, &[exchange("a", "b"), exchange("c", "d")]).await.unwrap();
    assert_eq!(named().await, [1, 0, 3, 2]);
    assert_error!(indexes.swap(acme.id, &[exchange("a", "b"), exchange("c", "unknown")]).await, NotFound("index"));
    assert_eq!(named().await, [1, 0, 3, 2]);
    let rename = |from, to| Swap { rename: true, ..exchange(from, to) };
    assert_error!(indexes.swap(acme.id, &[exchange("a", "b"), rename("c", "d")]).await, AlreadyExists("index"));
    assert_eq!(named().await, [1, 0, 3, 2]);
    indexes.swap(acme.id, &[rename("a", "e"), exchange("c", "d")]).await.unwrap();
    assert_error!(indexes.get(acme.id, &uid("a")).await, NotFound("index"));
    indexes.swap(acme.id, &[rename("e", "a")]).await.unwrap();
    assert_eq!(named().await, [1, 0, 2, 3]);
}

pub(crate) async fn swaps_of_the_same_indexes_at_once_all_take_effect(world: World) {
    let acme = world.tenant("acme").await;
    let a = world.index(&acme, "a").await;
    world.index(&acme, "b").await;
    let mut swaps = JoinSet::new();
    for n in 0..AT_ONCE {
        let (metadata, tenant) = (world.metadata.clone(), acme.id);
        let pair = if n % 2 == 0 { exchange("a", "b") } else { exchange("b", "a") };
        swaps.spawn(async move { metadata.indexes.swap(tenant, &[pair]).await });
    }
    for result in swaps.join_all().await {
        result.unwrap();
    }
    // An even number of exchanges is none.
    assert_eq!(world.metadata.indexes.get(acme.id, &uid("a")).await.unwrap().id, a.id);
}

pub(crate) async fn selecting_replicas_sends_to_sleep_and_wakes(world: World) {
    let indexes = &world.metadata.indexes;
    let acme = world.tenant("acme").await;
    let id = world.index(&acme, "books").await.id;
    let select = async |replicas| {
        indexes.set_selection(id, &Selection { replicas, ..Selection::new("small") }).await.unwrap();
        let index = indexes.get_by_id(id).await.unwrap();
        assert_eq!(index.selection.replicas, replicas);
        index.awake
    };
    assert!(select(3).await);
    assert!(!select(0).await);
    assert!(select(2).await);
    // Between two numbers above 0 a sleeping index stays asleep.
    assert!(indexes.set_awake(id, false).await.unwrap());
    assert!(!select(4).await);
    // Woken in spite of 0 replicas, an index goes back to sleep when 0 is selected again.
    assert!(!select(0).await);
    assert!(indexes.set_awake(id, true).await.unwrap());
    assert!(!select(0).await);
    assert_error!(indexes.set_selection(IndexId::generate(), &Selection::new("small")).await, NotFound("index"));
}

pub(crate) async fn only_changes_of_what_should_run_grow_the_revision(world: World) {
    let indexes = &world.metadata.indexes;
    let acme = world.tenant("acme").await;
    let index = world.index(&acme, "books").await;
    indexes.rename(index.id, &uid("novels")).await.unwrap();
    indexes.set_primary_key(index.id, Some("id")).await.unwrap();
    indexes.record_generation(index.id, &published(1, 1), &Settings::default(), None).await.unwrap();
    assert!(!indexes.set_awake(index.id, true).await.unwrap());
    assert!(indexes.changed_since(index.revision, 10).await.unwrap().is_empty());

    let mut seen = index.revision;
    let grown = async |seen: &mut i64| {
        let changed = indexes.changed_since(*seen, 10).await.unwrap();
        assert_eq!(changed.iter().map(|index| index.id).collect::<Vec<_>>(), [index.id]);
        *seen = changed[0].revision;
    };
    assert!(indexes.set_awake(index.id, false).await.unwrap());
    grown(&mut seen).await;
    indexes.set_selection(index.id, &Selection::new("large")).await.unwrap();
    grown(&mut seen).await;
    indexes.delete(index.id).await.unwrap();
    grown(&mut seen).await;

    let other = world.index(&acme, "films").await;
    let all: Vec<_> = indexes.changed_since(0, 10).await.unwrap().into_iter().map(|index| index.id).collect();
    assert_eq!(all, [index.id, other.id]);
    assert_eq!(indexes.changed_since(0, 1).await.unwrap().len(), 1);
    assert_error!(indexes.set_awake(index.id, true).await, NotFound("index"));
}

pub(crate) async fn a_reader_of_revisions_misses_none_while_others_write(world: World) {
    let acme = world.tenant("acme").await;
    let mut writers = JoinSet::new();
    for n in 0..AT_ONCE {
        let (metadata, index) = (world.metadata.clone(), new_index(&acme, &format!("index-{n}")));
        writers.spawn(async move {
            metadata.indexes.create(&index).await.unwrap();
            metadata.indexes.set_awake(index.id, false).await.unwrap();
        });
    }
    // Reads as the controller does: what is newer than the newest that it has seen.
    let (mut seen, mut asleep) = (0, BTreeSet::new());
    while asleep.len() < AT_ONCE {
        let changed = world.metadata.indexes.changed_since(seen, 5).await.unwrap();
        if changed.is_empty() {
            assert!(writers.join_next().await.is_some(), "a change was missed");
        }
        for index in changed {
            assert!(index.revision > seen);
            seen = index.revision;
            if !index.awake {
                asleep.insert(index.id);
            }
        }
    }
    writers.join_all().await;
}

pub(crate) async fn an_older_generation_is_not_recorded_over_a_newer_one(world: World) {
    let indexes = &world.metadata.indexes;
    let acme = world.tenant("acme").await;
    let created = world.index(&acme, "books").await;
    let settings = Settings { distinct_attribute: Some("isbn".to_owned()), ..Settings::default() };
    let empty = Published { committed_seq: None, fields: indexmap::IndexMap::new(), ..published(1, 0) };
    assert!(indexes.record_generation(created.id, &empty, &Settings::default(), None).await.unwrap());
    assert_eq!(indexes.get_by_id(created.id).await.unwrap().published, Some(empty.clone()));

    assert!(indexes.record_generation(created.id, &published(3, 7), &settings, Some("isbn")).await.unwrap());
    assert!(!indexes.record_generation(created.id, &published(3, 8), &Settings::default(), None).await.unwrap());
    assert!(!indexes.record_generation(created.id, &published(2, 9), &Settings::default(), Some("id")).await.unwrap());
    let index = indexes.get_by_id(created.id).await.unwrap();
    assert_eq!((index.published, index.settings), (Some(published(3, 7)), settings));
    assert_eq!(index.primary_key.as_deref(), Some("isbn"));
    assert!(index.updated_at > created.updated_at);

    // Without documents another primary key may be selected, and a generation that knows the old one leaves it.
    indexes.set_primary_key(created.id, Some("sku")).await.unwrap();
    let emptied = Published { documents: 0, ..published(4, 8) };
    assert!(indexes.record_generation(created.id, &emptied, &Settings::default(), Some("isbn")).await.unwrap());
    assert_eq!(indexes.get_by_id(created.id).await.unwrap().primary_key.as_deref(), Some("sku"));
    assert_error!(indexes.record_generation(IndexId::generate(), &empty, &Settings::default(), None).await, NotFound("index"));
}

pub(crate) async fn a_deleted_index_waits_for_its_purge(world: World) {
    let indexes = &world.metadata.indexes;
    let acme = world.tenant("acme").await;
    let index = world.index(&acme, "books").await;
    assert_error!(indexes.purge(index.id).await, NotFound("index"));
    indexes.delete(index.id).await.unwrap();
    assert_error!(indexes.delete(index.id).await, NotFound("index"));
    assert_error!(indexes.get(acme.id, &uid("books")).await, NotFound("index"));
    let waiting = indexes.deleted().await.unwrap();
    assert_eq!(waiting.iter().map(|index| index.id).collect::<Vec<_>>(), [index.id]);
    assert!(indexes.get_by_id(index.id).await.unwrap().deleted_at.is_some());
    indexes.purge(index.id).await.unwrap();
    assert!(indexes.deleted().await.unwrap().is_empty());
    assert_error!(indexes.get_by_id(index.id).await, NotFound("index"));
    assert_error!(indexes.delete(new_index(&new_tenant("unknown"), "books").id).await, NotFound("index"));
}
