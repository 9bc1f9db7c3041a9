//! Two uploaders, two indexers and a garbage collector in random interleavings, step by step, with faults, crashes and hours that pass: invariants 1 to 6
//! of the design hold all the time. Everything follows from the seed.
//!
//! A step is one operation of the store, before or after its effect. The clock is virtual; what the protocol assumes of the world is kept: an operation
//! of the store takes less than [`OPERATION`], also when its caller does not live to see its end.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    task::{Poll, Waker},
    time::Duration,
};

use futures::{FutureExt, TryStreamExt, future::BoxFuture};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use onggi_bucket::{
    Error, IndexBucket, Result, Retention, Store,
    testing::{Fault, Faults, FaultyStore, Operation as StoreOperation},
};
use onggi_domain::{
    Generation, Seq, Timestamp,
    generation::{Cause, FileRef, Manifest},
    log::{Entry, Operation, Payload, Record},
};
use parking_lot::Mutex;

use crate::support::*;

/// The longest that an operation of the store takes.
const OPERATION: Duration = Duration::from_secs(20);
const RETENTION: Retention = Retention { generations: 2, min_age: Duration::from_mins(20), publish_time: PUBLISH_TIME };
const STEPS: usize = 6000;
/// Two uploaders, two indexers, a collector.
const ACTORS: usize = 5;

/// SplitMix64: small, and the same everywhere.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

/// The scheduler's side of the store: every operation waits for its turn before and after its effect.
#[derive(Debug)]
struct Turns {
    random: Mutex<Random>,
    now: Mutex<Timestamp>,
    /// Whether an operation has come to wait since the flag was taken down.
    waits: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Turns {
    /// Waits once.
    async fn turn(&self) {
        let mut waited = false;
        poll_fn(|context| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            self.waits.store(true, Ordering::Relaxed);
            self.waiting.lock().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn below(&self, limit: usize) -> usize {
        self.random.lock().below(limit)
    }
}

/// A generation is fetched at once: several files at a time, on threads of their own, would not follow from the seed.
fn is_fetch(operation: StoreOperation, object: &Path) -> bool {
    operation == StoreOperation::Get && object.as_ref().contains("/segments/")
}

impl Faults for Turns {
    fn before<'a>(&'a self, operation: StoreOperation, object: &'a Path) -> BoxFuture<'a, Fault> {
        async move {
            if is_fetch(operation, object) {
                return Fault::None;
            }
            self.turn().await;
            let atomic =
                operation == StoreOperation::Create && ["/log/", "/generations/"].iter().any(|name| object.as_ref().contains(name));
            match self.below(500) {
                0 => Fault::Before,
                1 => Fault::After,
                2 => Fault::Late,
                3 if !atomic => Fault::Torn,
                4 => Fault::Twice,
                _ => Fault::None,
            }
        }
        .boxed()
    }

    fn after<'a>(&'a self, operation: StoreOperation, object: &'a Path) -> BoxFuture<'a, ()> {
        if is_fetch(operation, object) { futures::future::ready(()).boxed() } else { self.turn().boxed() }
    }

    fn now(&self) -> Option<Timestamp> {
        Some(*self.now.lock())
    }
}

/// What is known from outside: what was acknowledged, and what was seen in the store.
#[derive(Default)]
struct Observed {
    next_task: u32,
    acknowledged: Vec<(u32, Seq)>,
    log: BTreeMap<u64, Entry>,
    manifests: BTreeMap<u64, Manifest>,
    states: BTreeMap<u64, State>,
    /// The documents of each task that has them.
    texts: BTreeMap<u32, String>,
    /// Generations whose publish was confirmed, by number.
    published: BTreeMap<u64, u128>,
    collected: usize,
}

/// The toy index: documents by id.
type State = BTreeMap<u32, u32>;

struct World {
    turns: Arc<Turns>,
    faulty: FaultyStore,
    /// Without faults and turns, for whoever looks from outside.
    objects: Arc<InMemory>,
    plain: IndexBucket,
    observed: RefCell<Observed>,
    /// Which actors are between two operations and may stay there for hours.
    resting: RefCell<[bool; ACTORS]>,
}

impl World {
    fn new(seed: u64) -> Self {
        let turns = Arc::new(Turns {
            random: Mutex::new(Random(seed)),
            now: Mutex::new(Timestamp::from_second(1_700_000_000).unwrap()),
            waits: AtomicBool::new(false),
            waiting: Mutex::default(),
        });
        let inner = Arc::new(InMemory::new());
        let faulty = FaultyStore::new(Arc::clone(&inner) as _, Arc::clone(&turns) as _);
        let plain = IndexBucket::new(Store { objects: Arc::clone(&inner) as _, directory: None, fsync: false }, PREFIX);
        Self { turns, faulty, objects: inner, plain, observed: RefCell::default(), resting: RefCell::default() }
    }

    /// The bucket as a new process sees it.
    fn bucket(&self) -> IndexBucket {
        let turns = Arc::clone(&self.turns);
        let store = Store { objects: Arc::new(self.faulty.clone()), directory: None, fsync: false };
        IndexBucket::new(store, PREFIX).with_clock(Arc::new(move || *turns.now.lock()))
    }
}

impl World {
    /// A place where an actor may be stopped for hours and go on.
    async fn rest(&self, actor: usize) {
        self.resting.borrow_mut()[actor] = true;
        self.turns.turn().await;
        self.resting.borrow_mut()[actor] = false;
    }
}

/// An error is somebody's bad luck, and tried again; a protocol violation is not.
fn tolerate(outcome: Result<()>) {
    match outcome {
        // Damaged: a read that was torn, or a generation that went while it was fetched; `check` knows whether it really is.
        Ok(()) | Err(Error::Store { .. } | Error::Lost(_) | Error::LeaseExpired | Error::NoGeneration(_) | Error::Damaged { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

async fn uploader(world: Rc<World>, actor: usize) {
    let bucket = world.bucket();
    loop {
        tolerate(upload(&world, &bucket).await);
        world.rest(actor).await;
    }
}

async fn upload(world: &World, bucket: &IndexBucket) -> Result<()> {
    let mut text = String::new();
    let operation = match world.turns.below(12) {
        0 => Operation::DeleteAllDocuments,
        1 => {
            let generations = bucket.generations().await?;
            if generations.is_empty() {
                return Ok(());
            }
            Operation::Rollback { generation: generations[world.turns.below(generations.len())] }
        }
        2 | 3 => Operation::DeleteDocuments { ids: vec![world.turns.below(20).to_string()] },
        kind => {
            text = format!("{} {}\n", world.turns.below(20), world.turns.below(1000));
            let documents = if kind < 7 { put_payload(bucket, &text).await? } else { inline(&text) };
            add(0, documents).operation
        }
    };
    let task = {
        let mut observed = world.observed.borrow_mut();
        observed.next_task += 1;
        let task = observed.next_task;
        observed.texts.insert(task, text);
        task
    };
    let seq = bucket.append(&[record(task, operation)]).await?;
    world.observed.borrow_mut().acknowledged.push((task, seq));
    Ok(())
}

async fn indexer(world: Rc<World>, actor: usize) {
    let bucket = world.bucket();
    loop {
        tolerate(index(&world, &bucket, actor).await);
        world.rest(actor).await;
    }
}

/// Folds one window and publishes it.
async fn index(world: &World, bucket: &IndexBucket, actor: usize) -> Result<()> {
    let base = bucket.latest().await?;
    let from = base.as_ref().and_then(|base| base.committed_seq).map_or(Seq(0), Seq::next);
    let entries = bucket.read(from, 1 + world.turns.below(4)).await?;
    let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok(()) };
    let mut files = base.as_ref().map_or(Vec::new(), |base| base.files.clone());
    let (mut state, mut changes, mut cause) = (load(bucket, base.as_ref()).await?, String::new(), Cause::Fold);
    for record in entries.iter().flat_map(|entry| &entry.records) {
        if let Operation::Rollback { generation } = record.operation {
            let target = bucket.manifest(generation).await?;
            state = load(bucket, Some(&target)).await?;
            (files, changes, cause) = (target.files, String::new(), Cause::Rollback { to: generation });
        } else {
            let line = line(bucket, record).await?;
            apply(&mut state, &line);
            changes.push_str(&line);
        }
    }
    if world.turns.below(6) == 0 {
        // A merge: one file for all.
        files.clear();
        changes = lines(state.iter().map(|(id, value)| format!("{id} {value}")));
    }
    world.rest(actor).await;
    let name = format!("indexer-{actor}-{}", world.turns.below(usize::MAX));
    let publish = bucket.begin_publish(&name, PUBLISH_TIME).await?;
    let directory = tempfile::tempdir().expect("a directory for the file");
    let number = base.map_or(1, |base| base.generation.0 + 1);
    // Both indexers use the same names, as Tantivy does for deletes.
    files.push(put_file(&publish, directory.path(), &format!("changes-{number}"), &changes).await?);
    let manifest = Manifest { cause, ..manifest(number, Some(last.0), files) };
    publish.commit(&manifest).await?;
    let before = world.observed.borrow_mut().published.insert(number, manifest.nonce);
    assert_eq!(before, None, "generation {number} was published twice");
    Ok(())
}

async fn collector(world: Rc<World>, actor: usize) {
    let bucket = world.bucket();
    loop {
        let recorded = world.observed.borrow().published.last_key_value().map_or(0, |(number, _)| *number);
        let recorded = recorded.saturating_sub(world.turns.below(2) as u64);
        let now = *world.turns.now.lock();
        match bucket.collect(RETENTION, Generation(recorded), now).await {
            Ok(collected) => world.observed.borrow_mut().collected += collected.generations,
            Err(error) => tolerate(Err(error)),
        }
        world.rest(actor).await;
    }
}

/// What a record does, as a line of a file: `id value`, `-id` or `clear`.
async fn line(bucket: &IndexBucket, record: &Record) -> Result<String> {
    Ok(match &record.operation {
        Operation::AddDocuments { documents, .. } => text_of(bucket, documents).await?,
        Operation::DeleteDocuments { ids } => format!("-{}\n", ids[0]),
        _ => "clear\n".to_owned(),
    })
}

fn apply(state: &mut State, lines: &str) {
    for line in lines.lines() {
        if line == "clear" {
            state.clear();
        } else if let Some(id) = line.strip_prefix('-') {
            state.remove(&id.parse().unwrap());
        } else {
            let (id, value) = line.split_once(' ').unwrap();
            state.insert(id.parse().unwrap(), value.parse().unwrap());
        }
    }
}

async fn load(bucket: &IndexBucket, manifest: Option<&Manifest>) -> Result<State> {
    let mut state = State::new();
    let Some(manifest) = manifest else { return Ok(state) };
    let directory = tempfile::tempdir().expect("a directory for the files");
    bucket.fetch(manifest, directory.path()).await?;
    for file in &manifest.files {
        apply(&mut state, &std::fs::read_to_string(directory.path().join(&file.name)).expect("it was fetched"));
    }
    Ok(state)
}

impl World {
    /// Looks at everything from outside and checks the invariants.
    async fn check(&self) {
        // No actor runs meanwhile.
        let mut observed = self.observed.take();
        self.check_log(&mut observed).await;
        self.check_generations(&mut observed).await;
        self.observed.replace(observed);
    }

    async fn check_log(&self, observed: &mut Observed) {
        let committed = self.plain.latest().await.unwrap().and_then(|manifest| manifest.committed_seq);
        let first = observed.log.keys().next_back().map_or(0, |seq| seq + 1);
        for entry in self.plain.read(Seq(first), usize::MAX).await.unwrap() {
            observed.log.insert(entry.seq.0, entry);
        }
        let head = self.plain.head(None).await.unwrap().map_or(0, |seq| seq.0 + 1);
        assert_eq!(observed.log.len() as u64, head, "contiguous, and nothing beyond");
        for (task, seq) in &observed.acknowledged {
            assert_eq!(observed.log[&seq.0].records[0].task.0, *task, "acknowledged at {seq}");
        }
        // What is not folded yet is there, unchanged, with its documents.
        for seq in committed.map_or(0, |seq| seq.0 + 1)..head {
            let entry = self.plain.read(Seq(seq), 1).await.unwrap().remove(0);
            assert_eq!(entry, observed.log[&seq]);
            if let Operation::AddDocuments { documents: documents @ Payload::Object { .. }, .. } = &entry.records[0].operation {
                text_of(&self.plain, documents).await.unwrap();
            }
        }
    }

    async fn check_generations(&self, observed: &mut Observed) {
        let root = Path::from(format!("{PREFIX}/generations"));
        let listed: Vec<_> = self.objects.list(Some(&root)).try_collect().await.unwrap();
        let mut numbers: Vec<u64> = listed.iter().map(|object| object.location.filename().unwrap().parse().unwrap()).collect();
        numbers.sort_unstable();
        let retained = self.plain.generations().await.unwrap();
        for number in &numbers {
            let manifest = self.plain.manifest(Generation(*number)).await.unwrap();
            if let Some(seen) = observed.manifests.get(number) {
                assert_eq!(*seen, manifest, "generation {number} never changes");
                self.check_files(&manifest.files).await;
                continue;
            }
            let state = load(&self.plain, Some(&manifest)).await.unwrap();
            assert_eq!(state, expected(observed, manifest.committed_seq.unwrap()), "generation {number} is the fold of its entries");
            observed.states.insert(*number, state);
            observed.manifests.insert(*number, manifest);
        }
        if let Some(newest) = numbers.last() {
            assert!(retained.contains(&Generation(*newest)));
            assert_eq!(observed.manifests.keys().next_back(), Some(newest), "the newest never goes");
        }
        for (number, nonce) in &observed.published {
            assert_eq!(observed.manifests[number].nonce, *nonce, "generation {number} is whose publish was confirmed");
        }
        // From every retained generation the log can be folded again.
        for number in retained {
            let from = observed.manifests[&number.0].committed_seq.unwrap().next();
            let there = self.plain.read(from, usize::MAX).await.unwrap().len();
            assert_eq!(there as u64, observed.log.len() as u64 - from.0, "the fold after generation {number}");
            for entry in observed.log.range(from.0..).map(|(_, entry)| entry) {
                if let Operation::Rollback { generation } = entry.records[0].operation {
                    self.check_files(&self.plain.manifest(generation).await.expect("a rollback finds its target").files).await;
                }
            }
        }
    }

    async fn check_files(&self, files: &[FileRef]) {
        for file in files {
            let object = Path::from(format!("{PREFIX}/segments/{}", file.object));
            assert_eq!(self.objects.head(&object).await.expect("a generation's file").size, file.size);
        }
    }
}

/// The fold of the log up to `committed`, from nothing. A rollback goes back to what a generation held when it was first seen.
fn expected(observed: &Observed, committed: Seq) -> State {
    let mut state = State::new();
    for entry in observed.log.range(..=committed.0).map(|(_, entry)| entry) {
        match &entry.records[0].operation {
            Operation::Rollback { generation } => state.clone_from(&observed.states[&generation.0]),
            Operation::AddDocuments { .. } => apply(&mut state, &observed.texts[&entry.records[0].task.0]),
            Operation::DeleteDocuments { ids } => apply(&mut state, &format!("-{}", ids[0])),
            _ => state.clear(),
        }
    }
    state
}

type Actor = Pin<Box<dyn Future<Output = ()>>>;

fn start(world: &Rc<World>, number: usize) -> Actor {
    let world = Rc::clone(world);
    world.resting.borrow_mut()[number] = false;
    match number {
        0 | 1 => Box::pin(uploader(world, number)),
        2 | 3 => Box::pin(indexer(world, number)),
        _ => Box::pin(collector(world, number)),
    }
}

/// Lets an actor run until its next turn.
async fn step(world: &World, actor: &mut Actor) {
    for waker in world.turns.waiting.lock().drain(..) {
        waker.wake();
    }
    world.turns.waits.store(false, Ordering::Relaxed);
    poll_fn(|context| match actor.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending if world.turns.waits.load(Ordering::Relaxed) => Poll::Ready(()),
        Poll::Pending => Poll::Pending,
    })
    .await;
}

async fn simulate(seed: u64) -> (usize, usize) {
    let world = Rc::new(World::new(seed));
    let mut actors: Vec<Actor> = (0..ACTORS).map(|number| start(&world, number)).collect();
    for _ in 0..STEPS {
        // The collector has the longest way, and is what is dangerous.
        let number = world.turns.below(actors.len() + 4).min(actors.len() - 1);
        match world.turns.below(400) {
            0 => actors[number] = start(&world, number),
            1..=3 => {
                // Time passes for all: what is under way in the store comes to its end first.
                world.faulty.land().await;
                for actor in &mut actors {
                    step(&world, actor).await;
                }
                let seconds = world.turns.below(usize::try_from(OPERATION.as_secs()).unwrap());
                *world.turns.now.lock() += Duration::from_secs(seconds as u64);
            }
            4 => {
                // A night: who is in the middle of something does not live to see its end, the others sleep.
                world.faulty.land().await;
                world.check().await;
                for (number, actor) in actors.iter_mut().enumerate() {
                    let resting = world.resting.borrow()[number];
                    if !resting {
                        *actor = start(&world, number);
                    }
                }
                *world.turns.now.lock() += Duration::from_mins(30 + world.turns.below(30) as u64);
            }
            5 | 6 => world.check().await,
            _ => step(&world, &mut actors[number]).await,
        }
    }
    drop(actors);
    world.faulty.land().await;
    world.check().await;
    let observed = world.observed.borrow();
    (observed.published.len(), observed.collected)
}

#[tokio::test]
async fn the_invariants_hold_in_every_interleaving() {
    let (mut published, mut collected) = (0, 0);
    for seed in 0..12 {
        let counts = simulate(seed).await;
        published += counts.0;
        collected += counts.1;
    }
    // Nothing would hold the invariants more easily than a system that does nothing.
    assert!(published > 100, "{published} generations");
    assert!(collected > 20, "{collected} collected");
}

#[tokio::test]
async fn a_seed_says_all() {
    assert_eq!(simulate(0).await, simulate(0).await);
}
