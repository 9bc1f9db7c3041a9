//! Serving until told to stop, then finishing what is under way.

use std::{future::Future, net::SocketAddr, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    serve::ListenerExt,
};
use http::{HeaderValue, header::CONNECTION};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How a server behind a load balancer ends.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// How long it goes on answering while callers learn of its end: each answer closes its connection, so that the next request comes
    /// on a new one, which finds another server.
    pub announce: Duration,
    /// How long requests under way may take after that.
    pub grace: Duration,
}

/// [`serve`] for a server with others beside it: it ends in two steps, so that no request is lost on a connection that closes.
pub async fn serve_and_drain(
    listener: TcpListener,
    router: axum::Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    drain: Drain,
) -> std::io::Result<()> {
    let draining = CancellationToken::new();
    let router = router.layer(from_fn_with_state(draining.clone(), close_connection));
    let announced = async move {
        shutdown.await;
        draining.cancel();
        tokio::time::sleep(drain.announce).await;
    };
    serve(listener, router, announced, drain.grace).await
}

async fn close_connection(State(draining): State<CancellationToken>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if draining.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Serves `router` on `listener` until `shutdown` resolves, then finishes requests under way for at most `grace`.
pub async fn serve(
    listener: TcpListener,
    router: axum::Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> std::io::Result<()> {
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let signal = async move {
        shutdown.await;
        let _ = stop.send(true);
    };
    let deadline = async move {
        let mut stopping = stopping;
        // The sender lives in `signal`: an error means that the server itself is gone.
        if stopping.wait_for(|stop| *stop).await.is_ok() {
            tokio::time::sleep(grace).await;
        }
    };
    let listener = listener.tap_io(|stream| {
        if let Err(error) = prepare(stream) {
            tracing::debug!(%error, "a connection stays as the system makes it");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(signal) => served,
        () = deadline => Ok(()),
    }
}

/// How long a caller may take nothing of an answer that waits for it. Then the connection ends, and what it held is free.
#[cfg(target_os = "linux")]
const STALLED: Duration = Duration::from_secs(30);

/// Sets what a connection needs.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    // Small answers leave at once instead of waiting for the acknowledgement of the packet before (Nagle's algorithm).
    stream.set_nodelay(true)?;
    // The kernel counts: time with data that is not acknowledged or, for want of a window, not sent.
    #[cfg(target_os = "linux")]
    rustix::net::sockopt::set_tcp_user_timeout(stream, STALLED.as_millis() as u32)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{Router, body::Body, routing::get};
    use http_body_util::BodyExt;
    use tokio::sync::{Notify, oneshot};

    use super::*;
    use crate::Upstream;

    /// A server with one route that answers `done` once it is told to, and what a test needs to drive it.
    struct Server {
        address: SocketAddr,
        upstream: Upstream,
        arrived: Arc<Notify>,
        finish: Arc<Notify>,
        stop: oneshot::Sender<()>,
        served: tokio::task::JoinHandle<std::io::Result<()>>,
    }

    async fn start(grace: Duration) -> Server {
        let (arrived, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (here, done) = (arrived.clone(), finish.clone());
        let router = Router::new().route(
            "/",
            get(async move || {
                here.notify_one();
                done.notified().await;
                "done"
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(listener, router, async move { stopped.await.unwrap_or_default() }, grace));
        let upstream = Upstream::remote(format!("http://{address}").parse().unwrap(), "s");
        Server { address, upstream, arrived, finish, stop, served }
    }

    fn request() -> http::Request<Body> {
        http::Request::get("/").body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_request_under_way_is_finished_and_a_new_one_not_accepted() {
        let server = start(Duration::from_mins(1)).await;
        let upstream = server.upstream.clone();
        let under_way = tokio::spawn(async move { upstream.send(request()).await });
        server.arrived.notified().await;
        server.stop.send(()).unwrap();
        while tokio::net::TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        server.finish.notify_one();
        let answer = under_way.await.unwrap().unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "done");
        server.served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_server_that_drains_answers_and_closes_each_connection_until_it_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().route("/", get(async || "done"));
        let drain = Drain { announce: Duration::from_mins(1), grace: Duration::ZERO };
        let served = tokio::spawn(serve_and_drain(listener, router, async move { stopped.await.unwrap_or_default() }, drain));
        let ask = async || {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut answer = [0; 512];
            let read = tokio::io::AsyncReadExt::read(&mut stream, &mut answer).await.unwrap();
            String::from_utf8_lossy(&answer[..read]).to_lowercase()
        };
        assert!(!ask().await.contains("connection: close"));
        stop.send(()).unwrap();
        loop {
            let answer = ask().await;
            assert!(answer.starts_with("http/1.1 200"), "{answer}");
            if answer.contains("connection: close") {
                break;
            }
        }
        assert!(!served.is_finished());
        served.abort();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_ends_when_its_caller_takes_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_caller, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (stream, _) = accepted.unwrap();
        prepare(&stream).unwrap();
        assert!(stream.nodelay().unwrap());
        assert_eq!(rustix::net::sockopt::tcp_user_timeout(&stream).unwrap(), 30_000);
    }

    #[tokio::test]
    async fn a_request_that_outlasts_the_grace_does_not_hold_the_server() {
        let server = start(Duration::ZERO).await;
        let upstream = server.upstream.clone();
        let under_way = tokio::spawn(async move { upstream.send(request()).await });
        server.arrived.notified().await;
        server.stop.send(()).unwrap();
        server.served.await.unwrap().unwrap();
        under_way.abort();
    }
}
