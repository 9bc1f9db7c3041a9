//! What is kept how long, and garbage collection.
//!
//! Times: `P` is the longest publish, `A` the age below which nothing is removed, at least `2 P` (and for log entries at least
//! [`ENTRY_AGE`]). A put that began within `P` of its lease lands within another `P`: no store tries longer.
//!
//! **No manifest refers to what is removed.** A collection lists all objects first and reads leases, manifests and the log after. A manifest that it does
//! not know was published after the listing. Its files are (a) of its own publish: put after the lease, so younger than `2 P`, or (b) of the
//! generation before, which was the newest after the lease was taken ([`Publish::commit`](crate::Publish::commit) looks) and so is retained here, or
//! (c) of a rollback's target, which the log names at a seq above a retained generation's: see below. If an indexer believes in a longer `P` than
//! this collection was told, its lease says so: nothing younger than the oldest lease that holds is removed.
//!
//! **No generation's number is used twice.** An indexer puts manifest `N + 1` only if after taking its lease it saw `N` as the newest. If another one
//! published `N + 1` then or later, that manifest cannot be removed before it is `A >= 2 P` old, and by then the slow indexer's put has
//! landed, on a number that is taken, or never will.
//!
//! **A rollback's target is there when the fold meets it.** Retained generations are a run of numbers up to the newest one. A collection that wants to
//! let go those below a number first puts a *floor* of that number and removes nothing. From then on
//! [`IndexBucket::generations`](crate::IndexBucket::generations) does not offer them, so a rollback that names one was checked before the floor and
//! appended within `P` of that. Once the floor is `A` old, all those rollbacks are in the log, and a generation below the floor goes unless an entry
//! names it that the fold of a retained generation can meet, which is any entry above the oldest retained generation's `committed_seq`.
//!
//! **No seq is used twice**: see `log.rs`. Entries go from the lowest on, so that what remains has no gap.
//!
//! **Two collections at once** (a leader that lost its lease without knowing): what one has decided to remove stays unneeded, because objects are never
//! referred to again. One that reads the log while another removes from it misses an entry that it has listed, and removes nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore, path::Path};
use onggi_domain::{
    Generation, Seq, Timestamp,
    generation::Manifest,
    log::{Operation, Payload, Record},
};

use crate::{
    Error, IndexBucket, Result,
    index::{Folder, number},
    log::ENTRY_AGE,
    publish::Lease,
};

/// Objects that are read at the same time.
const PARALLEL: usize = 8;

/// How long things are kept. `min_age` is at least twice `publish_time`; less is taken as that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The newest generations that are kept whatever their age.
    pub generations: usize,
    /// Generations younger than this are kept whatever their number.
    pub min_age: Duration,
    /// The longest that a publish may take, from its first upload to its manifest.
    pub publish_time: Duration,
}

/// What garbage collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Manifests of generations that are no longer retained.
    pub generations: usize,
    /// Segment files, payloads and log entries.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// All objects of an index at a time, by folder.
struct Listing {
    folders: BTreeMap<String, Vec<ObjectMeta>>,
}

/// What must stay: read after the listing.
struct Needed {
    /// Names of segment objects.
    segments: HashSet<String>,
    /// Names of payload objects.
    payloads: HashSet<String>,
    /// Generations that a rollback in the log names.
    targets: BTreeSet<Generation>,
    /// The last entry that is in every retained generation.
    folded: Option<Seq>,
}

impl IndexBucket {
    /// Removes generations that `retention` lets go (never one above `recorded`, the newest that the control plane has recorded) and
    /// then what nothing refers to any more. A generation goes in two collections at least `min_age` apart.
    pub async fn collect(&self, retention: Retention, recorded: Generation, now: Timestamp) -> Result<Collected> {
        let listing = Listing::new(self.store.list(self.root()).await?);
        let young = now - retention.min_age.max(retention.publish_time * 2);
        let young = self.leases(now, young).await?.map_or(young, |lease| lease.min(young));

        let numbers: Vec<(Generation, Timestamp)> = listing.numbered(Folder::Generations);
        let wanted = floor(&numbers, retention.generations, recorded, young);
        let Some(wanted) = wanted else { return self.collect_unfolded(&listing, young).await };
        let floors = listing.numbered(Folder::Floors);
        self.raise_floor(wanted, &numbers, &floors).await?;
        let floor = aged_floor(&floors, young);

        let needed = self.needed(&listing, &numbers, floor, wanted).await?;
        let going = |number: Generation| number < floor.min(wanted) && !needed.targets.contains(&number);

        let mut collected = Collected::default();
        let manifests = listing.of(Folder::Generations).filter(|object| number(&object.location).is_some_and(|n| going(Generation(n))));
        collected.generations = self.remove(manifests).await?.objects;
        let unused = |names: &HashSet<String>, object: &ObjectMeta| {
            modified(object) < young && !object.location.filename().is_some_and(|name| names.contains(name))
        };
        let segments = listing.of(Folder::Segments).filter(|object| unused(&needed.segments, object));
        let payloads = listing.of(Folder::Payloads).filter(|object| unused(&needed.payloads, object));
        let oldest_entry = young.min(now - ENTRY_AGE);
        let entries = listing.of(Folder::Log).take_while(|object| {
            modified(object) < oldest_entry && needed.folded.is_some_and(|folded| number(&object.location).is_some_and(|n| n <= folded.0))
        });
        for removed in [self.remove(segments).await?, self.remove(payloads).await?, self.remove(entries).await?] {
            collected.objects += removed.objects;
            collected.bytes += removed.bytes;
        }
        let passed = listing.of(Folder::Floors).filter(|object| number(&object.location).is_some_and(|n| n < floor.0));
        self.remove(passed).await?;
        Ok(collected)
    }

    /// Removes everything of a deleted index; returns the number of objects.
    pub async fn remove_all(&self) -> Result<u64> {
        let objects = self.store.list(self.root()).await?;
        let removed = self.remove(objects.iter()).await?.objects as u64;
        if let Some(directory) = self.store.file(self.root()) {
            match tokio::fs::remove_dir_all(&directory).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::local(&directory)(error)),
                _ => {}
            }
        }
        Ok(removed)
    }

    /// Before the first generation: payloads that no entry names. Segment files stay, a fork may be bringing them.
    async fn collect_unfolded(&self, listing: &Listing, young: Timestamp) -> Result<Collected> {
        let needed = self.needed(listing, &[], Generation(0), Generation(0)).await?;
        let unused = |object: &&ObjectMeta| {
            modified(object) < young && !object.location.filename().is_some_and(|name| needed.payloads.contains(name))
        };
        self.remove(listing.of(Folder::Payloads).filter(unused)).await
    }

    /// Since when the oldest lease holds, if one does. Leases that ran out long ago are removed.
    async fn leases(&self, now: Timestamp, young: Timestamp) -> Result<Option<Timestamp>> {
        let mut oldest: Option<Timestamp> = None;
        for object in self.store.list(&self.folder(Folder::Leases)).await? {
            let Some(bytes) = self.store.get(&object.location).await? else { continue };
            let taken = modified(&object);
            // A torn lease holds until it is old.
            let holds = serde_json::from_slice::<Lease>(&bytes).map_or(taken >= young, |lease| lease.holds(taken, now));
            if holds {
                oldest = Some(oldest.map_or(taken, |oldest| oldest.min(taken)));
            } else if taken < young {
                self.store.delete(&object.location).await?;
            }
        }
        Ok(oldest)
    }

    /// Announces which generations are to go.
    async fn raise_floor(&self, wanted: Generation, numbers: &[(Generation, Timestamp)], floors: &[(Generation, Timestamp)]) -> Result<()> {
        let lets_go = numbers.first().is_some_and(|(lowest, _)| *lowest < wanted);
        let announced = floors.last().is_some_and(|(highest, _)| *highest >= wanted);
        if !lets_go || announced {
            return Ok(());
        }
        let object = self.floor_object(wanted);
        match self.store.create(&object, Bytes::new()).await {
            Ok(()) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(Error::store("announcing", &object)(error)),
        }
    }

    /// What the generations that stay, and the folds after them, need. A fold begins at `floor` or above: what is below may be there for other
    /// reasons, and the log after it may be gone.
    async fn needed(
        &self,
        listing: &Listing,
        numbers: &[(Generation, Timestamp)],
        floor: Generation,
        wanted: Generation,
    ) -> Result<Needed> {
        let mut needed = Needed { segments: HashSet::new(), payloads: HashSet::new(), targets: BTreeSet::new(), folded: None };
        // Collected: a closure over references that lives across an await makes a future that cannot be spawned.
        let staying: Vec<Generation> = numbers.iter().map(|(number, _)| *number).filter(|number| *number >= floor.min(wanted)).collect();
        let manifests: Vec<Manifest> = stream::iter(staying).map(|number| self.manifest(number)).buffered(PARALLEL).try_collect().await?;
        needed.folded = manifests.iter().find(|manifest| manifest.generation >= floor).and_then(|oldest| oldest.committed_seq);
        for manifest in manifests {
            needed.segments.extend(manifest.files.into_iter().map(|file| file.object));
        }
        self.scan_log(listing, &mut needed).await?;
        for target in needed.targets.clone() {
            match self.manifest(target).await {
                Ok(manifest) => needed.segments.extend(manifest.files.into_iter().map(|file| file.object)),
                // The fold will say so to whoever asked for it.
                Err(Error::NoGeneration(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(needed)
    }

    /// Reads every entry that a fold can still meet. If one is missing that was listed, nothing is known about those after it: another
    /// collection has been faster than this one, or the log is damaged.
    async fn scan_log(&self, listing: &Listing, needed: &mut Needed) -> Result<()> {
        let mut next = needed.folded.map_or(Seq(0), Seq::next);
        let mut entries = stream::iter(next.0..).map(|seq| self.records(Seq(seq))).buffered(PARALLEL);
        while let Some(Some(records)) = entries.try_next().await? {
            for record in &records {
                needed.note(record);
            }
            next = next.next();
        }
        let last_listed = listing.of(Folder::Log).last().and_then(|object| number(&object.location));
        if last_listed.is_some_and(|last| last >= next.0) {
            return Err(Error::damaged(&self.entry_object(next), "it is missing"));
        }
        Ok(())
    }

    async fn remove<'a>(&self, objects: impl Iterator<Item = &'a ObjectMeta>) -> Result<Collected> {
        let objects: Vec<&ObjectMeta> = objects.collect();
        let locations: Vec<object_store::Result<Path>> = objects.iter().map(|object| Ok(object.location.clone())).collect();
        let mut removed = self.store.objects.delete_stream(stream::iter(locations).boxed());
        while let Some(outcome) = removed.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(Error::store("removing objects of", self.root())(error)),
            }
        }
        Ok(Collected { generations: 0, objects: objects.len(), bytes: objects.iter().map(|object| object.size).sum() })
    }
}

impl Lease {
    /// Whether a publish under this lease, taken at a time of the store's clock, may still have its manifest under way.
    fn holds(&self, taken: Timestamp, now: Timestamp) -> bool {
        now <= taken + self.expires.duration_since(self.started) * 2
    }
}

impl Needed {
    fn note(&mut self, record: &Record) {
        match &record.operation {
            Operation::Rollback { generation } => drop(self.targets.insert(*generation)),
            Operation::AddDocuments { documents: Payload::Object { name, .. }, .. } => drop(self.payloads.insert(name.clone())),
            _ => {}
        }
    }
}

impl Listing {
    fn new(objects: Vec<ObjectMeta>) -> Self {
        let mut folders: BTreeMap<String, Vec<ObjectMeta>> = BTreeMap::new();
        for object in objects {
            let folder = object.location.parts().rev().nth(1).map(|part| part.as_ref().to_owned()).unwrap_or_default();
            folders.entry(folder).or_default().push(object);
        }
        Self { folders }
    }

    /// The objects of a folder, in order of their names.
    fn of(&self, folder: Folder) -> impl Iterator<Item = &ObjectMeta> {
        self.folders.get(folder.name()).into_iter().flatten()
    }

    /// The numbers that objects of a folder have as names, and when each was put.
    fn numbered(&self, folder: Folder) -> Vec<(Generation, Timestamp)> {
        self.of(folder).filter_map(|object| Some((Generation(number(&object.location)?), modified(object)))).collect()
    }
}

/// The lowest generation that is to be kept, as far as the rules go; `None`: there is no generation.
fn floor(numbers: &[(Generation, Timestamp)], keep: usize, recorded: Generation, young: Timestamp) -> Option<Generation> {
    let (newest, _) = *numbers.get(numbers.len().saturating_sub(keep.max(1)))?;
    let first_young = numbers.iter().find(|(_, put)| *put >= young).map_or(newest, |(number, _)| *number);
    Some(newest.min(first_young).min(recorded))
}

/// The highest floor that was announced long enough ago. It holds even if generations below it should now be kept, because more of them are
/// wanted or the control plane was set back: they stay as they are, but the log after them may be gone.
fn aged_floor(floors: &[(Generation, Timestamp)], young: Timestamp) -> Generation {
    floors.iter().filter(|(_, put)| *put < young).map(|(number, _)| *number).max().unwrap_or(Generation(0))
}

/// When the store says that an object was put.
fn modified(object: &ObjectMeta) -> Timestamp {
    Timestamp::from_microsecond(object.last_modified.timestamp_micros()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(numbers: &[(u64, i64)]) -> Vec<(Generation, Timestamp)> {
        numbers.iter().map(|(number, second)| (Generation(*number), Timestamp::from_second(*second).unwrap())).collect()
    }

    #[test]
    fn the_newest_the_young_and_the_unrecorded_are_kept() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let numbers = put(&[(3, 10), (4, 20), (5, 30), (6, 40)]);
        assert_eq!(floor(&numbers, 2, Generation(9), at(100)), Some(Generation(5)), "two newest");
        assert_eq!(floor(&numbers, 0, Generation(9), at(100)), Some(Generation(6)), "always one");
        assert_eq!(floor(&numbers, 1, Generation(9), at(20)), Some(Generation(4)), "young ones");
        assert_eq!(floor(&numbers, 1, Generation(4), at(100)), Some(Generation(4)), "unrecorded ones");
        assert_eq!(floor(&numbers, 9, Generation(9), at(100)), Some(Generation(3)), "fewer than wanted");
        assert_eq!(floor(&[], 1, Generation(9), at(100)), None);
    }

    #[test]
    fn a_floor_counts_once_it_is_old() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let floors = put(&[(2, 10), (4, 20), (6, 30)]);
        assert_eq!(aged_floor(&floors, at(25)), Generation(4));
        assert_eq!(aged_floor(&floors, at(99)), Generation(6));
        assert_eq!(aged_floor(&floors, at(10)), Generation(0));
    }
}
