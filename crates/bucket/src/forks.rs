//! What forks leave behind that did not come to their end: copies of segments below a prefix that no index has.
//!
//! A fork copies segments, publishes a manifest, and only then the index is created. It is given [`FORK_TIME`] from the making of its id
//! on. An id tells when it was made, so below one that is older than twice as much nothing of a fork is under way any more: a put
//! that began in time has landed within another such time.
//!
//! A prefix is removed only if nobody can ever have seen an index there: without a manifest there are no documents, and without a log
//! entry nothing was acknowledged. So a database that is older than the bucket, after a restore, costs no index.

use std::time::Duration;

use object_store::{ObjectStore, path::Path};
use onggi_domain::{IndexId, TenantId, Timestamp};

use crate::{Error, IndexBucket, Result, Store, index::Folder};

/// The longest that a fork may take, from the making of its index's id to the creation of the index.
pub const FORK_TIME: Duration = Duration::from_hours(1);

/// The tenants that have objects of indexes.
pub async fn tenants(store: &Store) -> Result<Vec<TenantId>> {
    Ok(children(store, Path::from("indexes")).await?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// The indexes of a tenant that have objects.
pub async fn indexes_of(store: &Store, tenant: TenantId) -> Result<Vec<IndexId>> {
    let prefix = Path::from("indexes").join(tenant.to_string());
    Ok(children(store, prefix).await?.iter().filter_map(|name| name.parse().ok()).collect())
}

async fn children(store: &Store, prefix: Path) -> Result<Vec<String>> {
    let found = store.objects.list_with_delimiter(Some(&prefix)).await.map_err(Error::store("listing", &prefix))?;
    Ok(found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
}

/// Whether a fork to an index of this id would have to be over by now, whatever became of it.
pub fn fork_is_over(id: IndexId, now: Timestamp) -> bool {
    let made = id.0.get_timestamp().and_then(|made| {
        let (seconds, nanoseconds) = made.to_unix();
        Timestamp::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?).ok()
    });
    // An id that does not tell its time is not one of a fork.
    made.is_some_and(|made| made < now - FORK_TIME * 2)
}

impl IndexBucket {
    /// Removes what an unfinished fork has left here, if that is all there is; returns the number of objects. Only for an index that the
    /// database does not know, and of which [`fork_is_over`] says so.
    pub async fn remove_unfinished_fork(&self, now: Timestamp) -> Result<u64> {
        let segments = self.folder(Folder::Segments);
        let objects = self.store.list(self.root()).await?;
        let old = now - FORK_TIME * 2;
        let left_over = |object: &object_store::ObjectMeta| {
            object.location.prefix_matches(&segments) && object.last_modified.timestamp_micros() < old.as_microsecond()
        };
        if objects.is_empty() || !objects.iter().all(left_over) {
            return Ok(0);
        }
        self.remove_all().await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    async fn bucket_with(objects: &[&str]) -> (Store, TenantId, IndexId, IndexBucket) {
        let store = crate::open_store("memory:///", &[]).unwrap();
        let (tenant, index) = (TenantId::generate(), IndexId::generate());
        let prefix = IndexBucket::prefix(tenant, index);
        for object in objects {
            store.objects.put(&format!("{prefix}/{object}").into(), "x".into()).await.unwrap();
        }
        let bucket = IndexBucket::new(store.clone(), &prefix);
        (store, tenant, index, bucket)
    }

    #[tokio::test]
    async fn segments_alone_go_when_a_fork_would_be_over() {
        let (store, tenant, index, bucket) = bucket_with(&["segments/a", "segments/b"]).await;
        let now = Timestamp::now();
        assert!(!fork_is_over(index, now));
        assert_eq!(bucket.remove_unfinished_fork(now).await.unwrap(), 0, "they are young");
        assert_eq!((tenants(&store).await.unwrap(), indexes_of(&store, tenant).await.unwrap()), (vec![tenant], vec![index]));
        let later = now + FORK_TIME * 2 + Duration::from_secs(1);
        assert!(fork_is_over(index, later));
        assert_eq!(bucket.remove_unfinished_fork(later).await.unwrap(), 2);
        assert!(tenants(&store).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_may_be_an_index_stays() {
        let later = Timestamp::now() + FORK_TIME * 3;
        for object in ["generations/00000000000000000001", "log/00000000000000000000", "payloads/a"] {
            let (.., bucket) = bucket_with(&["segments/a", object]).await;
            assert_eq!(bucket.remove_unfinished_fork(later).await.unwrap(), 0, "{object}");
        }
        assert!(!fork_is_over(IndexId(uuid::Uuid::nil()), later));
    }
}
