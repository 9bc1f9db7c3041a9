//! Webhooks: a receiver over HTTP is told of every end of a task, also of those while Onggi was down.

use std::{io::Read, net::SocketAddr};

use onggi_testkit::Api;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

use crate::{documents, onggi};

/// Answers each request with this status and passes on the tasks of those that it answers with success.
async fn receiver(address: SocketAddr, status: &'static str) -> (SocketAddr, mpsc::UnboundedReceiver<Value>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, tasks) = mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let (mut length, mut line) = (0, String::new());
            while stream.read_line(&mut line).await.unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            if status.starts_with('2') {
                let mut text = String::new();
                flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
                for line in text.lines() {
                    sender.send(serde_json::from_str(line).unwrap()).unwrap();
                }
            }
        }
    });
    (address, tasks, serving)
}

async fn next(tasks: &mut mpsc::UnboundedReceiver<Value>) -> Value {
    tokio::time::timeout(std::time::Duration::from_mins(1), tasks.recv()).await.expect("the receiver is told").unwrap()
}

async fn told_of(api: &Api, tasks: &mut mpsc::UnboundedReceiver<Value>, accepted: &Value) {
    let told = next(tasks).await;
    assert_eq!(told["uid"], accepted["taskUid"]);
    assert_eq!(told, api.get(&format!("/tasks/{}", accepted["taskUid"])).await, "as the API shows it");
}

#[tokio::test]
async fn a_receiver_is_told_of_each_task_that_ends() {
    let onggi = onggi().await;
    let api = onggi.api();
    let (address, mut tasks, _) = receiver(([127, 0, 0, 1], 0).into(), "200 OK").await;
    api.ok("POST", "/webhooks", Some(&json!({"url": format!("http://{address}/"), "headers": {"authorization": "x"}}))).await;
    for (method, path, body) in [
        ("POST", "/indexes/jars/documents", documents(0, 3)),
        ("DELETE", "/indexes/none", Value::Null),
        ("PATCH", "/indexes/jars/settings", json!({"stopWords": ["a"]})),
        ("POST", "/dumps", Value::Null),
        ("DELETE", "/indexes/jars", Value::Null),
    ] {
        let accepted = api.ok(method, path, Some(&body)).await;
        told_of(&api, &mut tasks, &accepted).await;
    }
}

#[tokio::test]
async fn what_a_receiver_missed_is_told_after_a_restart() {
    let mut onggi = onggi().await;
    let api = onggi.api();
    let (address, _, refusing) = receiver(([127, 0, 0, 1], 0).into(), "503 Busy").await;
    api.ok("POST", "/webhooks", Some(&json!({"url": format!("http://{address}/")}))).await;
    let first = api.ok("POST", "/indexes/jars/documents", Some(&documents(0, 1))).await;
    api.finished(&first).await;
    onggi.kill().await;
    refusing.abort();
    let _ = refusing.await;
    let (_, mut tasks, _) = receiver(address, "204 No Content").await;
    onggi.restart().await;
    assert_eq!(next(&mut tasks).await["uid"], first["taskUid"]);
}
