//! Serving until told to stop, then finishing what is under way.

use std::{future::Future, time::Duration};

use tokio::net::TcpListener;

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
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(signal) => served,
        () = deadline => Ok(()),
    }
}
