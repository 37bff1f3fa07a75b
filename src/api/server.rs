//! Takes connections and serves the routes on them, within bounds.
//!
//! In: a bound listener, the routes, the limits of the configuration. Out: nothing; it ends after it was
//! told to stop and the requests under way were answered. No client holds up another: the head of a request
//! has a deadline, its answer has one (`routes`), and where all places are taken the connection that asks
//! nothing leaves ([`super::slots`]).

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::slots::{Slot, Slots};
use crate::config::Server;
use crate::metrics::Metrics;

/// How long a full server waits before it looks for a place again.
const NEXT_LOOK: Duration = Duration::from_millis(20);

/// How long it pauses where the system gives it no connection, which is mostly for want of file handles.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// The largest head of a request in bytes. Tokens and trace headers are some hundred.
const HEAD: usize = 32 * 1024;

/// How long requests under way may take after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until `stop`, then answers what is under way and ends.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Server,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let slots = Slots::new(limits.connections);
    let connections = TaskTracker::new();
    let ended = CancellationToken::new();
    let accept = async {
        loop {
            let Some(stream) = accepted(listener.accept().await).await else { continue };
            let slot = place(&slots, &metrics).await;
            metrics.connections(slots.open());
            let (router, metrics, slots) = (router.clone(), Arc::clone(&metrics), Arc::clone(&slots));
            let (timeout, stop, ended) = (limits.timeout.duration(), stop.clone(), ended.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = connection(stream, router, slot, timeout, stop) => {}
                    () = ended.cancelled() => {}
                }
                metrics.connections(slots.open());
            });
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = accept => {}
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!(open = slots.open(), "closing connections whose requests did not end");
        ended.cancel();
        connections.wait().await;
    }
}

/// A place for the next connection, made free where all are taken.
async fn place(slots: &Arc<Slots>, metrics: &Metrics) -> Slot {
    loop {
        if let Some(slot) = slots.take() {
            return slot;
        }
        if slots.evict() {
            metrics.evicted();
        }
        // Where all are in the middle of a request, one may be at its end soon.
        let _ = tokio::time::timeout(NEXT_LOOK, slots.freed()).await;
    }
}

/// The connection, unless the system had none to give.
async fn accepted(result: io::Result<(TcpStream, std::net::SocketAddr)>) -> Option<TcpStream> {
    match result {
        Ok((stream, _)) => {
            // Answers are small; that the system takes no wish about them is no reason to refuse.
            let _ = stream.set_nodelay(true);
            Some(stream)
        }
        Err(error) => {
            tracing::warn!(%error, "could not take a connection");
            tokio::time::sleep(AFTER_FAILURE).await;
            None
        }
    }
}

/// Serves one connection to its end.
async fn connection(
    stream: TcpStream,
    router: Router,
    slot: Slot,
    timeout: Duration,
    stop: CancellationToken,
) {
    let slot = Arc::new(slot);
    let service = Marked { routes: TowerToHyperService::new(router), slot: Arc::clone(&slot) };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = slot.asked_to_leave() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A client that breaks off or talks something else is nothing for an operator to act on.
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The routes, marking their connection while they answer.
struct Marked {
    routes: TowerToHyperService<Router>,
    slot: Arc<Slot>,
}

impl Service<hyper::Request<Incoming>> for Marked {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: hyper::Request<Incoming>) -> Self::Future {
        self.slot.busy();
        let (slot, answer) = (Arc::clone(&self.slot), self.routes.call(request));
        Box::pin(async move {
            let answer = answer.await;
            slot.waits();
            answer
        })
    }
}
