//! What unfinished forks have left.

use std::{
    fs::{File, create_dir_all},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use onggi_bucket::{FORK_TIME, IndexBucket};
use onggi_domain::{IndexId, index::Index};
use uuid::{NoContext, Timestamp, Uuid};

use crate::world::{World, eventually};

fn long_ago() -> SystemTime {
    SystemTime::now() - FORK_TIME * 3
}

/// An id that was made long ago.
fn old_id() -> IndexId {
    let made = long_ago().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    IndexId(Uuid::new_v7(Timestamp::from_unix(NoContext, made.as_secs(), 0)))
}

/// An object that was written long ago.
fn object(world: &World, index: IndexId, name: &str) -> PathBuf {
    let bucket = world.store().directory.clone().expect("the bucket is a directory");
    let path = bucket.join(IndexBucket::prefix(world.tenant, index)).join(name);
    create_dir_all(path.parent().unwrap()).unwrap();
    File::create(&path).unwrap().set_modified(long_ago()).unwrap();
    path
}

#[tokio::test]
async fn what_an_unfinished_fork_has_left_goes_and_nothing_else() {
    let mut world = World::at_rest(|config| config.collect_forks_every = Duration::from_millis(10)).await;
    let left = object(&world, old_id(), "segments/a");
    let under_way = object(&world, IndexId::generate(), "segments/a");
    let written = old_id();
    let of_an_index_that_the_database_has_lost = [object(&world, written, "segments/a"), object(&world, written, "log/0")];
    let young = world.index("movies", 0).await;
    let young = world.metadata.indexes.get_by_id(young).await.unwrap();
    let known = Index { id: old_id(), uid: "books".parse().unwrap(), ..young };
    world.metadata.indexes.create(&known).await.unwrap();
    let of_an_index = object(&world, known.id, "segments/a");
    world.start();
    eventually("what was left is gone", async || (!left.exists()).then_some(())).await;
    world.stop().await;
    for path in of_an_index_that_the_database_has_lost.iter().chain([&under_way, &of_an_index]) {
        assert!(path.exists(), "{}", path.display());
    }
}
