//! Serves a router on a listener, and keeps hostile connections from holding up others.
//!
//! A connection has [`Server::timeout`] for the head of a request. Where there are as many connections as
//! [`Server::connections`] allows, the one that is quiet for longest makes room for a new one; where all
//! have a request in hand, the new one waits in the system's queue.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use crate::config::Server;

/// Pause after a connection could not be accepted: there are no file descriptors left, most often.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// Pause where every connection has a request in hand.
const FULL: Duration = Duration::from_millis(10);

/// Bytes of the largest head of a request. A token, a path and what proxies add fit many times.
const LARGEST_HEAD: usize = 64 << 10;

/// Serves `router` until `stop`; then requests in hand are finished within `grace`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Server,
    stop: CancellationToken,
    grace: Duration,
) {
    let connections = Connections::new(limits.connections);
    let tasks = TaskTracker::new();
    while let Some(place) = until(&stop, connections.place()).await {
        let Some(accepted) = until(&stop, listener.accept()).await else { break };
        match accepted {
            Ok((stream, _)) => {
                let connection = connections.add(place);
                let timeout = limits.timeout.duration();
                tasks.spawn(answer(stream, router.clone(), timeout, connection, stop.clone()));
            }
            Err(error) => {
                tracing::debug!(%error, "could not accept a connection");
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!("some requests were not finished in time");
    }
}

async fn until<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = stop.cancelled() => None,
        done = work => Some(done),
    }
}

/// Serves one connection.
async fn answer(
    stream: TcpStream,
    router: Router,
    timeout: Duration,
    connection: Connection,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is slower than it could be");
    }
    let service = service_fn(|request: Request<Incoming>| {
        let mut router = router.clone();
        let busy = connection.busy();
        async move {
            let response: Result<Response, Infallible> = router.call(request.map(Body::new)).await;
            drop(busy);
            response
        }
    });
    let mut serving = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(timeout)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service)
    );
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = connection.state.evicted.cancelled() => Ok(()),
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The connections that are open, within their bound.
struct Connections {
    places: Arc<Semaphore>,
    open: Arc<Open>,
}

#[derive(Default)]
struct Open {
    clock: AtomicU64,
    /// By when they were last of use; the most quiet one first.
    states: Mutex<BTreeMap<u64, Arc<State>>>,
}

/// One connection, as the others see it.
#[derive(Default)]
struct State {
    /// Where it stands in [`Open::states`].
    place: AtomicU64,
    busy: AtomicBool,
    evicted: CancellationToken,
}

impl Connections {
    fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))), open: Arc::default() }
    }

    /// A place for one more, which the most quiet one may have to give up.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                return Some(place);
            }
            if self.open.evict() {
                return Arc::clone(&self.places).acquire_owned().await.ok();
            }
            tokio::time::sleep(FULL).await;
        }
    }

    fn add(&self, place: Option<OwnedSemaphorePermit>) -> Connection {
        let state = Arc::<State>::default();
        self.open.touch(&state, false);
        Connection { state, open: Arc::clone(&self.open), _place: place }
    }
}

impl Open {
    fn states(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<State>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a connection last among those to be evicted.
    fn touch(&self, state: &Arc<State>, busy: bool) {
        let mut states = self.states();
        let place = self.clock.fetch_add(1, Ordering::Relaxed);
        states.remove(&state.place.swap(place, Ordering::Relaxed));
        state.busy.store(busy, Ordering::Relaxed);
        states.insert(place, Arc::clone(state));
    }

    /// Ends the connection that was quiet for longest, and says whether there was one.
    fn evict(&self) -> bool {
        let mut states = self.states();
        let quiet = states.iter().find(|(_, state)| !state.busy.load(Ordering::Relaxed));
        let Some(place) = quiet.map(|(place, _)| *place) else { return false };
        if let Some(state) = states.remove(&place) {
            state.evicted.cancel();
        }
        true
    }
}

/// An open connection; when it goes, so does its place.
struct Connection {
    state: Arc<State>,
    open: Arc<Open>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// A request is in hand until what this returns is dropped.
    fn busy(&self) -> Busy {
        self.open.touch(&self.state, true);
        Busy { state: Arc::clone(&self.state), open: Arc::clone(&self.open) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.states().remove(&self.state.place.load(Ordering::Relaxed));
    }
}

struct Busy {
    state: Arc<State>,
    open: Arc<Open>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.open.touch(&self.state, false);
    }
}
