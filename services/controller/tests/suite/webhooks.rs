//! Telling webhooks, with a receiver over HTTP.

use std::{
    io::Read,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use http::{HeaderMap, StatusCode};
use onggi_controller::ControllerConfig;
use onggi_domain::{
    Timestamp, WebhookId,
    task::{TaskDetails, TaskKind},
    webhook::{Headers, Webhook},
};
use onggi_metadata::NewTask;
use serde_json::Value;

use crate::world::{World, eventually, secrets};

type Message = (HeaderMap, Vec<u8>);

/// A receiver, what it has got, and what it answers.
#[derive(Clone)]
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Message>>>,
    answer: Arc<Mutex<StatusCode>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self { url, got: Arc::default(), answer: Arc::new(Mutex::new(StatusCode::OK)) };
        let receive = async |State(receiver): State<Self>, headers: HeaderMap, body: Bytes| {
            receiver.got.lock().unwrap().push((headers, body.to_vec()));
            *receiver.answer.lock().unwrap()
        };
        let router = Router::new().route("/hook", post(receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn answers(&self, status: StatusCode) {
        *self.answer.lock().unwrap() = status;
    }

    fn messages(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    /// The uids of the tasks of all messages.
    fn told(&self) -> Vec<u64> {
        let got = self.got.lock().unwrap();
        got.iter().flat_map(|(_, body)| tasks(body)).map(|task| task["uid"].as_u64().unwrap()).collect()
    }
}

fn tasks(body: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(body).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn quick(config: &mut ControllerConfig) {
    config.webhooks_every = Duration::from_millis(10);
    config.webhook_rest = Duration::from_millis(20);
    config.webhook_networks = vec!["127.0.0.0/8".parse().unwrap()];
}

async fn webhook(world: &World, url: &str) -> Webhook {
    let headers = Headers::from([("authorization".to_owned(), "Bearer told".to_owned())]);
    let webhook = Webhook { id: WebhookId::generate(), tenant: world.tenant, url: url.to_owned(), headers, created_at: Timestamp::now() };
    world.metadata.webhooks.create(&webhook).await.unwrap();
    webhook
}

async fn end_a_task(world: &World) -> u64 {
    let task = NewTask {
        tenant: world.tenant,
        index: None,
        index_uid: None,
        kind: TaskKind::TaskDeletion,
        details: TaskDetails::new(),
        custom_metadata: None,
        targets: None,
        enqueued_at: Timestamp::now(),
    };
    world.metadata.tasks.complete_at_once(&task, None).await.unwrap().uid.0.into()
}

async fn untold(world: &World, webhook: &Webhook) -> usize {
    world.metadata.webhooks.undelivered(webhook.id, 100).await.unwrap().len()
}

#[tokio::test]
async fn a_message_has_the_tasks_as_the_api_shows_them_and_is_signed() {
    let world = World::new(quick).await;
    let receiver = Receiver::start().await;
    let webhook = webhook(&world, &receiver.url).await;
    let uid = end_a_task(&world).await;
    eventually("the webhook is told", async || (untold(&world, &webhook).await == 0 && receiver.messages() > 0).then_some(())).await;
    let (headers, body) = receiver.got.lock().unwrap()[0].clone();
    let task = world.metadata.tasks.get(world.tenant, onggi_domain::TaskUid(uid as u32)).await.unwrap();
    assert_eq!(tasks(&body), [task.view()]);
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!((header("content-type"), header("content-encoding")), ("application/x-ndjson", "gzip"));
    assert_eq!(header("authorization"), "Bearer told");
    let (time, signature) = header("x-onggi-signature").split_once(',').unwrap();
    let time: i64 = time.strip_prefix("t=").unwrap().parse().unwrap();
    assert!((Timestamp::now().as_second() - time).abs() < 60);
    assert_eq!(signature.strip_prefix("v1=").unwrap(), onggi_metadata::sign(&secrets().of_webhook(webhook.id), time, &body));
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_again_by_this_controller_or_the_next() {
    let mut world = World::new(quick).await;
    let receiver = Receiver::start().await;
    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    let webhook = webhook(&world, &receiver.url).await;
    let first = end_a_task(&world).await;
    eventually("it is tried again", async || (receiver.messages() >= 3).then_some(())).await;
    assert_eq!(untold(&world, &webhook).await, 1);

    world.stop().await;
    let second = end_a_task(&world).await;
    receiver.got.lock().unwrap().clear();
    receiver.answers(StatusCode::NO_CONTENT);
    world.start();
    eventually("all is told", async || (untold(&world, &webhook).await == 0).then_some(())).await;
    assert_eq!(receiver.told(), [first, second]);
    assert_eq!(world.metadata.webhooks.failures(webhook.id).await.unwrap(), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_no_other_up() {
    let world = World::new(quick).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    webhook(&world, &format!("http://{}/", silent.local_addr().unwrap())).await;
    let receiver = Receiver::start().await;
    webhook(&world, &receiver.url).await;
    let uids = [end_a_task(&world).await, end_a_task(&world).await];
    eventually("the other is told", async || (receiver.told() == uids).then_some(())).await;
}

#[tokio::test]
async fn nothing_is_sent_to_where_nobody_may_call() {
    let world = World::new(|config| {
        quick(config);
        config.webhook_networks = Vec::new();
    })
    .await;
    let receiver = Receiver::start().await;
    let by_name = receiver.url.replace("127.0.0.1", "localhost");
    let webhooks = [webhook(&world, &receiver.url).await, webhook(&world, &by_name).await];
    end_a_task(&world).await;
    for webhook in &webhooks {
        eventually("it is refused", async || (world.metadata.webhooks.failures(webhook.id).await.unwrap() > 1).then_some(())).await;
        assert_eq!(untold(&world, webhook).await, 1);
    }
    assert_eq!(receiver.messages(), 0);
}
