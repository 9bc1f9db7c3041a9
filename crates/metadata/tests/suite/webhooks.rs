//! Webhooks, and what they are to be told.

use onggi_domain::{
    TaskUid, TenantId, WebhookId,
    generation::TaskResult,
    task::TaskDetails,
    tenant::TenantStatus,
    webhook::{Headers, Webhook},
};

use crate::{
    World, assert_error, at,
    tasks::{appended, books, outcome, settle, upload},
};

fn new_webhook(tenant: TenantId, created: i64) -> Webhook {
    Webhook {
        id: WebhookId::generate(),
        tenant,
        url: "https://example.com/tasks".to_owned(),
        headers: Headers::from([("authorization".to_owned(), "secret".to_owned())]),
        created_at: at(created),
    }
}

async fn stored(world: &World, tenant: TenantId, created: i64) -> Webhook {
    let webhook = new_webhook(tenant, created);
    world.metadata.webhooks.create(&webhook).await.unwrap();
    webhook
}

pub(crate) async fn a_webhook_is_stored_changed_and_deleted(world: World) {
    let webhooks = &world.metadata.webhooks;
    let tenant = world.tenant("acme").await.id;
    let (second, first) = (stored(&world, tenant, 2).await, stored(&world, tenant, 1).await);
    assert_eq!(webhooks.list(tenant).await.unwrap(), [first.clone(), second.clone()]);
    let changed = Webhook { url: "https://example.com/other".to_owned(), headers: Headers::new(), ..first };
    webhooks.update(&changed).await.unwrap();
    assert_eq!(webhooks.get(tenant, changed.id).await.unwrap(), changed);
    webhooks.delete(tenant, changed.id).await.unwrap();
    assert_error!(webhooks.get(tenant, changed.id).await, NotFound("webhook"));
    assert_error!(webhooks.update(&changed).await, NotFound("webhook"));
    assert_error!(webhooks.delete(tenant, changed.id).await, NotFound("webhook"));
    assert_eq!(webhooks.list(tenant).await.unwrap(), [second]);
}

pub(crate) async fn a_webhook_of_another_tenant_does_not_exist(world: World) {
    let webhooks = &world.metadata.webhooks;
    let (acme, other) = (world.tenant("acme").await.id, world.tenant("other").await.id);
    let webhook = stored(&world, acme, 1).await;
    assert_error!(webhooks.get(other, webhook.id).await, NotFound("webhook"));
    assert_error!(webhooks.update(&Webhook { tenant: other, ..webhook.clone() }).await, NotFound("webhook"));
    assert_error!(webhooks.delete(other, webhook.id).await, NotFound("webhook"));
    assert!(webhooks.list(other).await.unwrap().is_empty());
    assert_eq!(webhooks.list(acme).await.unwrap(), [webhook]);
}

pub(crate) async fn a_tenant_has_a_bounded_number_of_webhooks(world: World) {
    let webhooks = &world.metadata.webhooks;
    let tenant = world.tenant("acme").await.id;
    for _ in 0..Webhook::MAX {
        stored(&world, tenant, 1).await;
    }
    assert_error!(webhooks.create(&new_webhook(tenant, 1)).await, Conflict("number of webhooks"));
    let other = world.tenant("other").await.id;
    stored(&world, other, 1).await;
}

pub(crate) async fn every_end_of_a_task_is_noted_for_each_webhook_of_its_tenant(world: World) {
    let webhooks = &world.metadata.webhooks;
    let tasks = &world.metadata.tasks;
    let books = books(&world).await;
    let before = tasks.complete_at_once(&upload(&books, 1), None).await.unwrap();
    let (one, two) = (stored(&world, books.tenant, 1).await, stored(&world, books.tenant, 2).await);
    let elsewhere = world.tenant("other").await.id;
    let theirs = stored(&world, elsewhere, 3).await;
    assert!(webhooks.due(at(100)).await.unwrap().is_empty(), "what ended before a webhook is nothing of its");

    let (folded, waiting) = (appended(&world, &books, 0).await, appended(&world, &books, 1).await);
    let dump = tasks.allocate(&upload(&books, 2)).await.unwrap();
    let at_once = tasks.complete_at_once(&upload(&books, 3), None).await.unwrap();
    settle(&world, &books, &[outcome(folded.uid, 0, TaskResult::Succeeded)], 10).await;
    settle(&world, &books, &[outcome(folded.uid, 0, TaskResult::Succeeded)], 11).await;
    tasks.finish(books.tenant, dump.uid, None, &TaskDetails::new(), at(12)).await.unwrap();
    tasks.cancel_all(books.id, None, at(13)).await.unwrap();
    let due: Vec<WebhookId> = webhooks.due(at(100)).await.unwrap().iter().map(|webhook| webhook.id).collect();
    assert_eq!((due.len(), due.contains(&theirs.id)), (2, false));
    for webhook in [&one, &two] {
        let told = webhooks.undelivered(webhook.id, 10).await.unwrap();
        assert_eq!(told, [folded.uid, waiting.uid, dump.uid, at_once.uid]);
        assert!(!told.contains(&before.uid));
    }
}

pub(crate) async fn what_was_delivered_is_forgotten_and_what_failed_waits(world: World) {
    let webhooks = &world.metadata.webhooks;
    let tasks = &world.metadata.tasks;
    let books = books(&world).await;
    let webhook = stored(&world, books.tenant, 1).await;
    for second in 0..6 {
        tasks.complete_at_once(&upload(&books, second * 10), None).await.unwrap();
    }
    let told = webhooks.undelivered(webhook.id, 2).await.unwrap();
    assert_eq!(told, [TaskUid(0), TaskUid(1)]);
    webhooks.failed(webhook.id, at(100), at(0), 100).await.unwrap();
    webhooks.failed(webhook.id, at(110), at(20), 3).await.unwrap();
    assert_eq!(webhooks.failures(webhook.id).await.unwrap(), 2);
    assert_eq!(webhooks.undelivered(webhook.id, 10).await.unwrap(), [TaskUid(3), TaskUid(4), TaskUid(5)], "too old, and too many");
    assert!(webhooks.due(at(109)).await.unwrap().is_empty());
    assert_eq!(webhooks.due(at(110)).await.unwrap(), std::slice::from_ref(&webhook));

    webhooks.delivered(webhook.id, &[TaskUid(3), TaskUid(5)]).await.unwrap();
    assert_eq!(webhooks.failures(webhook.id).await.unwrap(), 0);
    assert_eq!(webhooks.undelivered(webhook.id, 10).await.unwrap(), [TaskUid(4)]);
    assert_eq!(webhooks.due(at(1)).await.unwrap(), std::slice::from_ref(&webhook));
    world.metadata.tenants.set_status(books.tenant, TenantStatus::Deleted).await.unwrap();
    assert!(webhooks.due(at(1)).await.unwrap().is_empty());
    webhooks.delete(books.tenant, webhook.id).await.unwrap();
    assert!(webhooks.undelivered(webhook.id, 10).await.unwrap().is_empty());
}

pub(crate) async fn only_webhooks_with_something_to_be_told_are_due(world: World) {
    let (webhooks, tasks) = (&world.metadata.webhooks, &world.metadata.tasks);
    let mut waiting = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let tenant = world.tenant(name).await;
        let index = world.index(&tenant, "books").await;
        let hooks = [stored(&world, tenant.id, 1).await, stored(&world, tenant.id, 2).await];
        if matches!(name, "b" | "d") {
            for _ in 0..3 {
                tasks.complete_at_once(&upload(&index, 1), None).await.unwrap();
            }
            waiting.extend(hooks.map(|hook| hook.id));
        }
    }
    waiting.sort_unstable();
    let due = async |now| webhooks.due(at(now)).await.unwrap().iter().map(|webhook| webhook.id).collect::<Vec<WebhookId>>();
    assert_eq!(due(100).await, waiting);
    webhooks.failed(waiting[1], at(200), at(0), 10).await.unwrap();
    assert_eq!(due(100).await, [waiting[0], waiting[2], waiting[3]]);
    assert_eq!(due(200).await, waiting);
}
