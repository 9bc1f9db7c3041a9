//! Copying a whole bucket while it is used, so that the copy is one that can be worked with.
//!
//! A store has no moment at which all of it can be seen, so the order matters: what refers to other objects is listed before what it refers to.
//! Manifests name segments, entries name payloads, an archive's contents name its indexes; each is written after what it names. So
//! what the first list names is in the second one, and as nothing that a retained generation names goes, the copy finds it, if it takes
//! no longer than generations are retained.
//!
//! Objects never change, so what the copy has already at the same size is not copied again: a second copy to the same place is a
//! matter of what came since. What has gone from the bucket since is not removed from the copy: it holds more than it must.
//!
//! Leases and floors are left out: they are about work that is under way.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStoreExt, WriteMultipart, path::Path};

use crate::{Error, Result, Store};

/// Objects that are copied at the same time.
const PARALLEL: usize = 8;
/// Objects up to this size are put at once.
const SMALL: u64 = 8 << 20;
/// Parts of a larger object that are under way at the same time.
const PARTS: usize = 4;

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Objects that the copy did not have.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that the copy had.
    pub known: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Refers to others.
    Referring,
    /// Is referred to.
    Referred,
    /// Belongs to work that is under way.
    Passing,
}

fn kind(object: &Path) -> Kind {
    let mut folders = object.parts().rev();
    let name = folders.next();
    if name.is_some_and(|name| name.as_ref() == "contents.json") {
        return Kind::Referring;
    }
    match folders.next().as_ref().map(AsRef::as_ref) {
        Some("generations" | "log") => Kind::Referring,
        Some("leases" | "floors") => Kind::Passing,
        _ => Kind::Referred,
    }
}

/// Copies everything in `from` to `to`.
pub async fn copy_bucket(from: &Store, to: &Store) -> Result<Copied> {
    let root = Path::default();
    let known: HashMap<Path, u64> = to.list(&root).await?.into_iter().map(|object| (object.location, object.size)).collect();
    let of_kind = async |wanted: Kind| {
        let objects = from.list(&root).await?;
        Ok::<Vec<ObjectMeta>, Error>(objects.into_iter().filter(|object| kind(&object.location) == wanted).collect())
    };
    // What the first list refers to was there before it, and so is in the second one.
    let referring = of_kind(Kind::Referring).await?;
    let referred = of_kind(Kind::Referred).await?;
    let mut copied = Copied::default();
    // And copied last: a copy that is broken off refers to nothing that it lacks.
    for objects in [referred, referring] {
        let (have, lack): (Vec<ObjectMeta>, Vec<ObjectMeta>) =
            objects.into_iter().partition(|object| known.get(&object.location) == Some(&object.size));
        copied.known += have.len() as u64;
        let copies = lack.into_iter().map(|object| copy_object(from, to, object));
        let sizes: Vec<Option<u64>> = stream::iter(copies).buffer_unordered(PARALLEL).try_collect().await?;
        copied.objects += sizes.iter().flatten().count() as u64;
        copied.bytes += sizes.iter().flatten().sum::<u64>();
    }
    Ok(copied)
}

/// Copies an object; `None`: it has gone, so no retained generation needs it.
async fn copy_object(from: &Store, to: &Store, object: ObjectMeta) -> Result<Option<u64>> {
    let path = &object.location;
    if object.size <= SMALL {
        let Some(bytes) = from.get(path).await? else { return Ok(None) };
        to.objects.put(path, bytes.into()).await.map_err(Error::store("writing", path))?;
        return Ok(Some(object.size));
    }
    let found = match from.objects.get(path).await {
        Ok(found) => found,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(Error::store("reading", path)(error)),
    };
    let upload = to.objects.put_multipart(path).await.map_err(Error::store("writing", path))?;
    let mut writer = WriteMultipart::new(upload);
    let mut chunks = found.into_stream();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                // What fails here too is the store's to clean up: an upload that was never completed is no object.
                let _ = writer.abort().await;
                return Err(Error::store("reading", path)(error));
            }
        };
        length += chunk.len() as u64;
        writer.wait_for_capacity(PARTS).await.map_err(Error::store("writing", path))?;
        writer.put(chunk);
    }
    if length != object.size {
        let _ = writer.abort().await;
        return Err(Error::damaged(path, format!("{length} bytes instead of {}", object.size)));
    }
    writer.finish().await.map_err(Error::store("writing", path))?;
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn put(store: &Store, path: &str, bytes: &'static [u8]) {
        store.objects.put(&path.into(), bytes.into()).await.unwrap();
    }

    fn memory() -> Store {
        crate::open_store("memory:///", &[]).unwrap()
    }

    #[test]
    fn what_refers_to_others_is_told_from_what_is_referred_to() {
        for (path, expected) in [
            ("indexes/t/i/generations/00000000000000000001", Kind::Referring),
            ("indexes/t/i/log/00000000000000000000", Kind::Referring),
            ("archives/t/20260101/contents.json", Kind::Referring),
            ("archives/t/20260101/i/generations/00000000000000000001", Kind::Referring),
            ("indexes/t/i/segments/a.idx-b", Kind::Referred),
            ("indexes/t/i/payloads/a", Kind::Referred),
            ("indexes/t/i/leases/a", Kind::Passing),
            ("indexes/t/i/floors/00000000000000000001", Kind::Passing),
        ] {
            assert!(kind(&path.into()) == expected, "{path}");
        }
    }

    #[tokio::test]
    async fn a_copy_has_everything_but_work_under_way_and_a_second_one_only_what_is_new() {
        let (from, to) = (memory(), memory());
        put(&from, "indexes/t/i/generations/1", b"manifest").await;
        put(&from, "indexes/t/i/segments/a", b"segment").await;
        put(&from, "indexes/t/i/leases/w", b"lease").await;
        assert_eq!(copy_bucket(&from, &to).await.unwrap(), Copied { objects: 2, bytes: 15, known: 0 });
        put(&from, "indexes/t/i/log/0", b"entry").await;
        assert_eq!(copy_bucket(&from, &to).await.unwrap(), Copied { objects: 1, bytes: 5, known: 2 });
        let names: Vec<String> = to.list(&Path::default()).await.unwrap().into_iter().map(|object| object.location.to_string()).collect();
        assert_eq!(names, ["indexes/t/i/generations/1", "indexes/t/i/log/0", "indexes/t/i/segments/a"]);
    }

    #[tokio::test]
    async fn a_large_object_is_copied_in_parts() {
        let (from, to) = (memory(), memory());
        let bytes: Vec<u8> = (0..SMALL as usize + 12_345).map(|at| at as u8).collect();
        let path = Path::from("indexes/t/i/segments/large");
        from.objects.put(&path, bytes.clone().into()).await.unwrap();
        copy_bucket(&from, &to).await.unwrap();
        assert!(to.get(&path).await.unwrap().unwrap() == bytes);
    }
}
