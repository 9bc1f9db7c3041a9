//! Tasks.

use onggi_domain::{
    ApiError, Code, IndexId, Seq, TaskUid, TenantId,
    generation::{TaskOutcome, TaskResult},
    index::Index,
    key::IndexPattern,
    log::{Operation, Record},
    task::{Task, TaskDetails, TaskFilter, TaskKind, TaskStatus},
};
use onggi_metadata::{Backlog, NewTask};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{World, assert_error, at, uid};

fn details(json: serde_json::Value) -> TaskDetails {
    serde_json::from_value(json).unwrap()
}

pub(crate) fn upload(index: &Index, enqueued: i64) -> NewTask {
    NewTask {
        tenant: index.tenant,
        index: Some(index.id),
        index_uid: Some(index.uid.clone()),
        kind: TaskKind::DocumentAdditionOrUpdate,
        details: details(json!({"receivedDocuments": 2, "indexedDocuments": null})),
        custom_metadata: None,
        targets: None,
        enqueued_at: at(enqueued),
    }
}

pub(crate) fn outcome(task: TaskUid, seq: u64, result: TaskResult) -> TaskOutcome {
    TaskOutcome {
        task,
        seq: Seq(seq),
        kind: TaskKind::DocumentAdditionOrUpdate,
        result,
        details: details(json!({"receivedDocuments": 2, "indexedDocuments": 1})),
        enqueued_at: at(5),
        started_at: at(6),
    }
}

/// A task that was appended at this seq.
pub(crate) async fn appended(world: &World, index: &Index, seq: u64) -> Task {
    let task = world.metadata.tasks.allocate(&upload(index, 5)).await.unwrap();
    world.metadata.tasks.appended(index.tenant, task.uid, Seq(seq)).await.unwrap();
    world.metadata.tasks.get(index.tenant, task.uid).await.unwrap()
}

pub(crate) async fn books(world: &World) -> Index {
    let acme = world.tenant("acme").await;
    world.index(&acme, "books").await
}

pub(crate) async fn settle(world: &World, index: &Index, outcomes: &[TaskOutcome], now: i64) {
    let batch = outcomes.iter().map(|outcome| outcome.task).min().unwrap_or(TaskUid(0));
    world.metadata.tasks.settle(index, batch, outcomes, at(now)).await.unwrap();
}

pub(crate) async fn uids_are_contiguous_for_each_tenant_when_many_allocate_at_once(world: World) {
    const EACH: u32 = 30;
    let books = books(&world).await;
    let other = world.tenant("other").await;
    let theirs = world.index(&other, "books").await;
    let mut writers = JoinSet::new();
    for _ in 0..EACH {
        for index in [&books, &theirs] {
            let (tasks, new) = (world.metadata.tasks.clone(), upload(index, 1));
            writers.spawn(async move { tasks.allocate(&new).await.unwrap() });
        }
    }
    let allocated = writers.join_all().await;
    for tenant in [books.tenant, theirs.tenant] {
        let mut uids: Vec<u32> = allocated.iter().filter(|task| task.tenant == tenant).map(|task| task.uid.0).collect();
        uids.sort_unstable();
        assert_eq!(uids, (0..EACH).collect::<Vec<_>>());
    }
    let unknown = NewTask { tenant: TenantId::generate(), ..upload(&books, 1) };
    assert_error!(world.metadata.tasks.allocate(&unknown).await, NotFound("tenant"));
}

pub(crate) async fn a_task_that_needs_no_log_is_at_its_end_at_once(world: World) {
    let books = books(&world).await;
    let tasks = &world.metadata.tasks;
    let done = tasks.complete_at_once(&upload(&books, 5), None).await.unwrap();
    assert_eq!((done.status, done.started_at, done.finished_at), (TaskStatus::Succeeded, Some(at(5)), Some(at(5))));
    let error = ApiError::new(Code::InvalidDocumentId, "no id");
    let failed = tasks.complete_at_once(&upload(&books, 5), Some(&error)).await.unwrap();
    assert_eq!((failed.uid, failed.status, &failed.error), (TaskUid(1), TaskStatus::Failed, &Some(error)));
    assert_eq!(tasks.get(books.tenant, done.uid).await.unwrap(), done);
    assert_eq!(tasks.get(books.tenant, failed.uid).await.unwrap(), failed);
    assert_eq!(tasks.pending(books.id).await.unwrap(), 0);
}

pub(crate) async fn a_task_of_another_tenant_does_not_exist(world: World) {
    let books = books(&world).await;
    let other = world.tenant("other").await.id;
    let tasks = &world.metadata.tasks;
    let task = tasks.allocate(&upload(&books, 5)).await.unwrap();
    assert_error!(tasks.get(other, task.uid).await, NotFound("task"));
    assert_error!(tasks.appended(other, task.uid, Seq(0)).await, NotFound("task"));
    assert_error!(tasks.abandon(other, task.uid).await, NotFound("task"));
    assert_error!(tasks.finish(other, task.uid, None, &TaskDetails::new(), at(6)).await, NotFound("task"));
    let page = tasks.list(other, &TaskFilter::default(), &[IndexPattern::all()], None, 10, false).await.unwrap();
    assert_eq!((page.items, page.total), (vec![], 0));
    assert_eq!(tasks.get(books.tenant, task.uid).await.unwrap(), task);
}

pub(crate) async fn a_task_goes_from_enqueued_over_processing_to_its_end(world: World) {
    let books = books(&world).await;
    let tasks = &world.metadata.tasks;
    assert_eq!(tasks.unfinished_span(books.id).await.unwrap(), None);
    let (first, second, third) = (appended(&world, &books, 4).await, appended(&world, &books, 5).await, appended(&world, &books, 9).await);
    assert_eq!((first.status, first.seq), (TaskStatus::Enqueued, Some(Seq(4))));
    assert_eq!(tasks.unfinished_indexes().await.unwrap(), [books.id]);
    assert_eq!(tasks.unfinished_span(books.id).await.unwrap(), Some((Seq(4), Seq(9))));

    tasks.start(books.id, Seq(5), at(7)).await.unwrap();
    tasks.start(books.id, Seq(5), at(8)).await.unwrap();
    let all = tasks.list(books.tenant, &TaskFilter::default(), &[IndexPattern::all()], None, 10, true).await.unwrap().items;
    let seen: Vec<_> = all.iter().map(|task| (task.uid, task.status, task.started_at)).collect();
    assert_eq!(
        seen,
        [
            (first.uid, TaskStatus::Processing, Some(at(7))),
            (second.uid, TaskStatus::Processing, Some(at(7))),
            (third.uid, TaskStatus::Enqueued, None),
        ]
    );

    let error = ApiError::new(Code::InvalidDocumentId, "no id");
    let outcomes = [
        outcome(first.uid, 4, TaskResult::Succeeded),
        outcome(second.uid, 5, TaskResult::Failed { error: error.clone() }),
        outcome(third.uid, 9, TaskResult::Canceled { by: TaskUid(77) }),
    ];
    settle(&world, &books, &outcomes, 10).await;
    let ended = tasks.get(books.tenant, first.uid).await.unwrap();
    assert_eq!((ended.status, ended.started_at, ended.finished_at), (TaskStatus::Succeeded, Some(at(7)), Some(at(10))));
    let failed = tasks.get(books.tenant, second.uid).await.unwrap();
    assert_eq!((failed.status, failed.error), (TaskStatus::Failed, Some(error)));
    let canceled = tasks.get(books.tenant, third.uid).await.unwrap();
    assert_eq!((canceled.status, canceled.canceled_by), (TaskStatus::Canceled, Some(TaskUid(77))));
    assert_eq!(tasks.unfinished_span(books.id).await.unwrap(), None);
    assert!(tasks.unfinished_indexes().await.unwrap().is_empty());
}

pub(crate) async fn a_task_without_an_entry_is_found_and_abandoned(world: World) {
    let books = books(&world).await;
    let tasks = &world.metadata.tasks;
    let old = tasks.allocate(&upload(&books, 5)).await.unwrap();
    tasks.allocate(&upload(&books, 50)).await.unwrap();
    tasks.allocate(&NewTask { index: None, index_uid: None, ..upload(&books, 5) }).await.unwrap();
    let in_log = appended(&world, &books, 0).await;
    assert_eq!(tasks.unappended(at(50)).await.unwrap(), std::slice::from_ref(&old));
    assert_eq!(tasks.pending(books.id).await.unwrap(), 3);

    tasks.abandon(books.tenant, old.uid).await.unwrap();
    assert_error!(tasks.get(books.tenant, old.uid).await, NotFound("task"));
    assert_error!(tasks.abandon(books.tenant, old.uid).await, NotFound("task"));
    assert_error!(tasks.abandon(books.tenant, in_log.uid).await, Conflict("task"));
    assert!(tasks.unappended(at(50)).await.unwrap().is_empty());
    assert_eq!(tasks.allocate(&upload(&books, 5)).await.unwrap().uid, TaskUid(4));
}

pub(crate) async fn settling_twice_changes_nothing(world: World) {
    let books = books(&world).await;
    let task = appended(&world, &books, 4).await;
    settle(&world, &books, &[outcome(task.uid, 4, TaskResult::Succeeded)], 10).await;
    let ended = world.metadata.tasks.get(books.tenant, task.uid).await.unwrap();
    settle(&world, &books, &[outcome(task.uid, 4, TaskResult::Canceled { by: TaskUid(9) })], 20).await;
    settle(&world, &books, &[], 20).await;
    assert_eq!(world.metadata.tasks.get(books.tenant, task.uid).await.unwrap(), ended);
}

pub(crate) async fn settling_restores_a_lost_task_and_its_uid_is_not_given_again(world: World) {
    let books = books(&world).await;
    let tasks = &world.metadata.tasks;
    settle(&world, &books, &[outcome(TaskUid(6), 3, TaskResult::Succeeded), outcome(TaskUid(2), 1, TaskResult::Succeeded)], 10).await;
    let restored = Task {
        tenant: books.tenant,
        uid: TaskUid(6),
        index: Some(books.id),
        index_uid: Some(uid("books")),
        kind: TaskKind::DocumentAdditionOrUpdate,
        status: TaskStatus::Succeeded,
        seq: Some(Seq(3)),
        batch: Some(TaskUid(2)),
        canceled_by: None,
        custom_metadata: None,
        details: details(json!({"receivedDocuments": 2, "indexedDocuments": 1})),
        error: None,
        enqueued_at: at(5),
        started_at: Some(at(6)),
        finished_at: Some(at(10)),
    };
    assert_eq!(tasks.get(books.tenant, TaskUid(6)).await.unwrap(), restored);
    assert_eq!(tasks.allocate(&upload(&books, 11)).await.unwrap().uid, TaskUid(7));
    settle(&world, &books, &[outcome(TaskUid(0), 0, TaskResult::Succeeded)], 12).await;
    assert_eq!(tasks.allocate(&upload(&books, 13)).await.unwrap().uid, TaskUid(8));
}

pub(crate) async fn settling_keeps_what_was_known_when_the_task_was_accepted(world: World) {
    let books = books(&world).await;
    let tasks = &world.metadata.tasks;
    let known = details(json!({"matchedTasks": 3, "canceledTasks": null, "originalFilter": "?uids=1"}));
    // Not noted as appended: the generation may be there first.
    let task = tasks.allocate(&NewTask { kind: TaskKind::TaskCancelation, details: known, ..upload(&books, 5) }).await.unwrap();
    let told = TaskOutcome {
        kind: TaskKind::TaskCancelation,
        details: details(json!({"matchedTasks": 1, "canceledTasks": 1})),
        ..outcome(task.uid, 4, TaskResult::Succeeded)
    };
    settle(&world, &books, &[told], 10).await;
    tasks.appended(books.tenant, task.uid, Seq(4)).await.unwrap();
    let ended = tasks.get(books.tenant, task.uid).await.unwrap();
    assert_eq!(ended.details, details(json!({"matchedTasks": 3, "canceledTasks": 1, "originalFilter": "?uids=1"})));
    assert_eq!((ended.status, ended.seq), (TaskStatus::Succeeded, Some(Seq(4))));
}

pub(crate) async fn a_dump_is_finished_without_an_outcome(world: World) {
    let books = books(&world).await;
    let tasks = &world.metadata.tasks;
    let new = NewTask { kind: TaskKind::DumpCreation, index: None, index_uid: None, ..upload(&books, 5) };
    let snapshot = tasks.allocate(&NewTask { kind: TaskKind::SnapshotCreation, ..new.clone() }).await.unwrap();
    let (good, bad) = (tasks.allocate(&new).await.unwrap(), tasks.allocate(&new).await.unwrap());
    let waiting = tasks.unwritten_archives().await.unwrap();
    assert_eq!(waiting.iter().map(|task| task.uid).collect::<Vec<_>>(), [snapshot.uid, good.uid, bad.uid]);
    tasks.mark_started(books.tenant, good.uid, at(8)).await.unwrap();
    let started = tasks.get(books.tenant, good.uid).await.unwrap();
    assert_eq!((started.status, started.started_at, started.batch), (TaskStatus::Processing, Some(at(8)), None));
    let source = details(json!({"dumpUid": "d"}));
    tasks.finish(books.tenant, good.uid, None, &source, at(9)).await.unwrap();
    let error = ApiError::new(Code::GenerationNotFound, "no such generation");
    tasks.finish(books.tenant, good.uid, Some(&error), &TaskDetails::new(), at(10)).await.unwrap();
    tasks.finish(books.tenant, bad.uid, Some(&error), &TaskDetails::new(), at(10)).await.unwrap();
    let good = tasks.get(books.tenant, good.uid).await.unwrap();
    assert_eq!((good.status, good.details, good.finished_at), (TaskStatus::Succeeded, source, Some(at(9))));
    assert_eq!((good.started_at, good.batch), (Some(at(8)), Some(good.uid)));
    assert_eq!(tasks.unwritten_archives().await.unwrap().len(), 1);
    let bad = tasks.get(books.tenant, bad.uid).await.unwrap();
    assert_eq!((bad.status, bad.error), (TaskStatus::Failed, Some(error)));
}

pub(crate) async fn all_unfinished_tasks_of_an_index_are_canceled(world: World) {
    let books = books(&world).await;
    let tasks = &world.metadata.tasks;
    let ended = tasks.complete_at_once(&upload(&books, 5), None).await.unwrap();
    let (waiting, lost) = (appended(&world, &books, 1).await, tasks.allocate(&upload(&books, 5)).await.unwrap());
    let elsewhere = NewTask { index: Some(IndexId::generate()), ..upload(&books, 5) };
    let elsewhere = tasks.allocate(&elsewhere).await.unwrap();
    assert_eq!(tasks.cancel_all(books.id, Some(TaskUid(9)), at(10)).await.unwrap(), 2);
    assert_eq!(tasks.cancel_all(books.id, None, at(11)).await.unwrap(), 0);
    for uid in [waiting.uid, lost.uid] {
        let task = tasks.get(books.tenant, uid).await.unwrap();
        assert_eq!((task.status, task.canceled_by, task.finished_at), (TaskStatus::Canceled, Some(TaskUid(9)), Some(at(10))));
        assert_eq!(task.batch, Some(TaskUid(9)), "they end in the batch of what ended them");
    }
    assert_eq!(tasks.get(books.tenant, ended.uid).await.unwrap(), ended);
    assert_eq!(tasks.get(books.tenant, elsewhere.uid).await.unwrap(), elsewhere);
}

/// Tasks 0 to 4: waiting in `books`, ended in `books`, canceled in `books`, waiting in `films`, and ended without an index.
async fn five_tasks(world: &World) -> TenantId {
    let books = books(world).await;
    let films = Index { uid: uid("films"), id: IndexId::generate(), ..books.clone() };
    let tasks = &world.metadata.tasks;
    tasks.allocate(&upload(&books, 10)).await.unwrap();
    for (uid, result) in [(1, TaskResult::Succeeded), (2, TaskResult::Canceled { by: TaskUid(40) })] {
        tasks.allocate(&upload(&books, 20)).await.unwrap();
        let outcome = TaskOutcome { started_at: at(25), ..outcome(TaskUid(uid), uid.into(), result) };
        settle(world, &books, &[outcome], 30).await;
    }
    tasks.allocate(&NewTask { kind: TaskKind::SettingsUpdate, ..upload(&films, 40) }).await.unwrap();
    let deletion = NewTask { index: None, index_uid: None, kind: TaskKind::TaskDeletion, ..upload(&books, 50) };
    tasks.complete_at_once(&deletion, None).await.unwrap();
    books.tenant
}

async fn listed(world: &World, tenant: TenantId, filter: &TaskFilter, patterns: &[IndexPattern]) -> Vec<u32> {
    let page = world.metadata.tasks.list(tenant, filter, patterns, None, 100, false).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items.iter().map(|task| task.uid.0).collect()
}

pub(crate) async fn a_list_is_filtered_by_each_field(world: World) {
    let tenant = five_tasks(&world).await;
    let all = TaskFilter::default();
    let cases = [
        (all.clone(), vec![4, 3, 2, 1, 0]),
        (TaskFilter { uids: Some(vec![TaskUid(3), TaskUid(1), TaskUid(99)]), ..all.clone() }, vec![3, 1]),
        (TaskFilter { uids: Some(vec![]), ..all.clone() }, vec![]),
        (TaskFilter { batch_uids: Some(vec![TaskUid(0), TaskUid(2), TaskUid(4)]), ..all.clone() }, vec![4, 2]),
        (TaskFilter { statuses: Some(vec![TaskStatus::Enqueued]), ..all.clone() }, vec![3, 0]),
        (TaskFilter { statuses: Some(vec![TaskStatus::Succeeded, TaskStatus::Canceled]), ..all.clone() }, vec![4, 2, 1]),
        (TaskFilter { kinds: Some(vec![TaskKind::SettingsUpdate, TaskKind::TaskDeletion]), ..all.clone() }, vec![4, 3]),
        (TaskFilter { index_uids: Some(vec![uid("films")]), ..all.clone() }, vec![3]),
        (TaskFilter { canceled_by: Some(vec![TaskUid(40)]), ..all.clone() }, vec![2]),
        (TaskFilter { before_enqueued_at: Some(at(20)), ..all.clone() }, vec![0]),
        (TaskFilter { after_enqueued_at: Some(at(20)), ..all.clone() }, vec![4, 3]),
        (TaskFilter { before_started_at: Some(at(26)), ..all.clone() }, vec![2, 1]),
        (TaskFilter { after_started_at: Some(at(25)), ..all.clone() }, vec![4]),
        (TaskFilter { before_finished_at: Some(at(50)), ..all.clone() }, vec![2, 1]),
        (TaskFilter { after_finished_at: Some(at(30)), ..all.clone() }, vec![4]),
        (TaskFilter { index_uids: Some(vec![uid("books")]), statuses: Some(vec![TaskStatus::Enqueued]), ..all.clone() }, vec![0]),
    ];
    for (filter, uids) in cases {
        assert_eq!(listed(&world, tenant, &filter, &[IndexPattern::all()]).await, uids, "{filter:?}");
    }
}

pub(crate) async fn a_list_is_paged_in_both_directions(world: World) {
    let tenant = five_tasks(&world).await;
    let page = async |from: Option<u32>, limit, reverse| {
        let (filter, all) = (TaskFilter::default(), [IndexPattern::all()]);
        let page = world.metadata.tasks.list(tenant, &filter, &all, from.map(TaskUid), limit, reverse).await.unwrap();
        assert_eq!(page.total, 5);
        page.items.iter().map(|task| task.uid.0).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2, false).await, [4, 3]);
    assert_eq!(page(Some(2), 2, false).await, [2, 1]);
    assert_eq!(page(Some(0), u64::MAX, false).await, [0]);
    assert_eq!(page(None, 2, true).await, [0, 1]);
    assert_eq!(page(Some(3), 5, true).await, [3, 4]);
    assert!(page(Some(5), 5, true).await.is_empty());
    assert!(page(None, 0, false).await.is_empty());
}

pub(crate) async fn a_caller_sees_the_tasks_of_the_indexes_that_its_key_allows(world: World) {
    let tenant = five_tasks(&world).await;
    let pattern = |text: &str| IndexPattern::try_from(text.to_owned()).unwrap();
    for (patterns, uids) in [
        (vec![pattern("*")], vec![4, 3, 2, 1, 0]),
        (vec![pattern("films")], vec![3]),
        (vec![pattern("b*")], vec![2, 1, 0]),
        (vec![pattern("book"), pattern("films*")], vec![3]),
        (vec![], vec![]),
    ] {
        assert_eq!(listed(&world, tenant, &TaskFilter::default(), &patterns).await, uids, "{patterns:?}");
    }
}

pub(crate) async fn only_finished_tasks_are_deleted(world: World) {
    let tenant = five_tasks(&world).await;
    let tasks = &world.metadata.tasks;
    let canceled = TaskFilter { statuses: Some(vec![TaskStatus::Canceled, TaskStatus::Enqueued]), ..TaskFilter::default() };
    let films = [IndexPattern::try_from("films".to_owned()).unwrap()];
    assert_eq!(tasks.delete(tenant, &canceled, &films).await.unwrap(), 0);
    assert_eq!(tasks.delete(tenant, &canceled, &[IndexPattern::all()]).await.unwrap(), 1);
    assert_eq!(listed(&world, tenant, &TaskFilter::default(), &[IndexPattern::all()]).await, [4, 3, 1, 0]);
    assert_eq!(tasks.delete(tenant, &TaskFilter::default(), &[IndexPattern::all()]).await.unwrap(), 2);
    assert_eq!(listed(&world, tenant, &TaskFilter::default(), &[IndexPattern::all()]).await, [3, 0]);
}

pub(crate) async fn what_a_caller_gave_along_is_kept(world: World) {
    let books = books(&world).await;
    let tasks = &world.metadata.tasks;
    let new = NewTask { custom_metadata: Some("import 7".to_owned()), ..upload(&books, 5) };
    let task = tasks.allocate(&new).await.unwrap();
    settle(&world, &books, &[outcome(task.uid, 0, TaskResult::Succeeded)], 10).await;
    assert_eq!(tasks.get(books.tenant, task.uid).await.unwrap().custom_metadata, new.custom_metadata);
}

pub(crate) async fn batches_are_listed_by_the_tasks_in_them(world: World) {
    let books = books(&world).await;
    let films = Index { uid: uid("films"), id: IndexId::generate(), ..books.clone() };
    let tasks = &world.metadata.tasks;
    for seq in 0..3 {
        appended(&world, &books, seq).await;
    }
    appended(&world, &films, 0).await;
    let succeeded = |task, seq| outcome(TaskUid(task), seq, TaskResult::Succeeded);
    let failed = TaskResult::Failed { error: ApiError::new(Code::InvalidDocumentId, "no id") };
    settle(&world, &books, &[succeeded(0, 0), outcome(TaskUid(1), 1, failed)], 10).await;
    settle(&world, &books, &[succeeded(2, 2)], 11).await;
    settle(&world, &films, &[succeeded(3, 0)], 12).await;
    tasks.allocate(&upload(&books, 20)).await.unwrap();

    let listed = async |filter: TaskFilter, pattern: &str, from: Option<u32>, limit, reverse| {
        let pattern = IndexPattern::try_from(pattern.to_owned()).unwrap();
        let page = tasks.batches(books.tenant, &filter, &[pattern], from.map(TaskUid), limit, reverse).await.unwrap();
        (page.items.iter().map(|uid| uid.0).collect::<Vec<_>>(), page.total)
    };
    let all = TaskFilter::default();
    assert_eq!(listed(all.clone(), "*", None, 10, false).await, (vec![3, 2, 0], 3));
    assert_eq!(listed(all.clone(), "*", Some(2), 1, false).await, (vec![2], 3));
    assert_eq!(listed(all.clone(), "*", Some(2), 10, true).await, (vec![2, 3], 3));
    assert_eq!(listed(all.clone(), "films", None, 10, false).await, (vec![3], 1));
    assert_eq!(listed(TaskFilter { statuses: Some(vec![TaskStatus::Failed]), ..all.clone() }, "*", None, 10, false).await, (vec![0], 1));
    assert_eq!(listed(TaskFilter { uids: Some(vec![TaskUid(1)]), ..all.clone() }, "*", None, 10, false).await, (vec![0], 1));
    assert_eq!(listed(TaskFilter { batch_uids: Some(vec![TaskUid(2)]), ..all }, "*", None, 10, false).await, (vec![2], 1));
}

pub(crate) async fn a_cancelation_over_two_indexes_ends_with_the_later_one(world: World) {
    let books = books(&world).await;
    let films = Index { uid: uid("films"), id: IndexId::generate(), ..books.clone() };
    let tasks = &world.metadata.tasks;
    let (first, second) = (appended(&world, &books, 0).await, appended(&world, &films, 0).await);
    let new = NewTask {
        kind: TaskKind::TaskCancelation,
        details: details(json!({"matchedTasks": 2, "canceledTasks": null})),
        targets: Some(vec![first.uid, second.uid]),
        ..upload(&films, 6)
    };
    let cancel = tasks.allocate(&new).await.unwrap();
    tasks.appended(books.tenant, cancel.uid, Seq(1)).await.unwrap();
    let canceled = |task: &Task| outcome(task.uid, 0, TaskResult::Canceled { by: cancel.uid });
    let done = TaskOutcome {
        kind: TaskKind::TaskCancelation,
        details: details(json!({"matchedTasks": 1, "canceledTasks": 1})),
        ..outcome(cancel.uid, 1, TaskResult::Succeeded)
    };
    settle(&world, &books, &[canceled(&first), done.clone()], 10).await;
    assert_eq!(tasks.get(books.tenant, first.uid).await.unwrap().status, TaskStatus::Canceled);
    assert_eq!(tasks.get(books.tenant, cancel.uid).await.unwrap().status, TaskStatus::Enqueued, "the other index has not been folded");

    settle(&world, &films, &[canceled(&second), done], 11).await;
    let cancel = tasks.get(books.tenant, cancel.uid).await.unwrap();
    assert_eq!((cancel.status, cancel.finished_at), (TaskStatus::Succeeded, Some(at(11))));
    assert_eq!(cancel.details, details(json!({"matchedTasks": 2, "canceledTasks": 2})));
}

pub(crate) async fn the_oldest_finished_tasks_are_trimmed(world: World) {
    let tenant = five_tasks(&world).await;
    let tasks = &world.metadata.tasks;
    assert_eq!(tasks.trim(tenant, 5).await.unwrap(), 0);
    assert_eq!(tasks.trim(tenant, 1).await.unwrap(), 2, "the unfinished ones stay, and the newest");
    assert_eq!(listed(&world, tenant, &TaskFilter::default(), &[IndexPattern::all()]).await, [4, 3, 0]);
}

pub(crate) async fn the_tasks_of_a_log_are_restored_to_an_older_database(world: World) {
    let tasks = &world.metadata.tasks;
    let books = books(&world).await;
    let record = |task: TaskUid| Record { task, enqueued_at: at(5), operation: Operation::DeleteAllDocuments };
    let (done, lost) = (appended(&world, &books, 0).await, tasks.allocate(&upload(&books, 5)).await.unwrap());
    settle(&world, &books, &[outcome(done.uid, 0, TaskResult::Succeeded)], 6).await;
    assert_eq!(tasks.restore(&books, Seq(0), &[record(done.uid)]).await.unwrap(), 0, "it is at its end");
    assert_eq!(tasks.restore(&books, Seq(1), &[record(lost.uid), record(TaskUid(7))]).await.unwrap(), 2);
    assert_eq!(tasks.restore(&books, Seq(1), &[record(lost.uid), record(TaskUid(7))]).await.unwrap(), 0, "it may be repeated");
    let restored = tasks.get(books.tenant, TaskUid(7)).await.unwrap();
    assert_eq!((restored.kind, restored.status, restored.seq), (TaskKind::DocumentDeletion, TaskStatus::Enqueued, Some(Seq(1))));
    assert_eq!(tasks.get(books.tenant, lost.uid).await.unwrap().seq, Some(Seq(1)));
    assert_eq!(tasks.unfinished_span(books.id).await.unwrap(), Some((Seq(1), Seq(1))));
    assert_eq!(tasks.allocate(&upload(&books, 8)).await.unwrap().uid, TaskUid(8), "uids of the log are not given out again");
}

pub(crate) async fn the_backlog_is_what_is_under_way(world: World) {
    let tasks = &world.metadata.tasks;
    let books = books(&world).await;
    assert_eq!(tasks.backlog().await.unwrap(), Backlog { tasks: 0, oldest: None, entries: 0 });
    let first = appended(&world, &books, 0).await;
    appended(&world, &books, 0).await;
    appended(&world, &books, 1).await;
    tasks.allocate(&upload(&books, 3)).await.unwrap();
    assert_eq!(tasks.backlog().await.unwrap(), Backlog { tasks: 4, oldest: Some(at(3)), entries: 2 });
    settle(&world, &books, &[outcome(first.uid, 0, TaskResult::Succeeded)], 6).await;
    assert_eq!(tasks.backlog().await.unwrap().tasks, 3);
}
