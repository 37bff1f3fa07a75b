//! A webhook's receiver that does what it is told.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// What a receiver does with one request.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    RetryAfter(u64),
    /// Takes its time, then says yes.
    Slow(Duration),
    Redirect,
    /// Says yes and never stops talking.
    Endless,
    /// Says yes and breaks off.
    HangUp,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub at: Instant,
    /// With the query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Default)]
struct Inside {
    answers: Mutex<VecDeque<Answer>>,
    arrivals: Mutex<Vec<Arrival>>,
    redirected: AtomicUsize,
}

/// A receiver on a port of its own, which it keeps.
pub struct Receiver {
    address: SocketAddr,
    inside: Arc<Inside>,
    /// Ends with all its connections when the receiver goes away.
    runtime: Option<Runtime>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inside = Arc::<Inside>::default();
        let address = listener.local_addr().unwrap();
        Self { address, runtime: Some(serve(listener, inside.clone())), inside }
    }

    pub fn url(&self) -> String {
        self.at("/hook")
    }

    /// The address of a path.
    pub fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What to do with the next requests; after them it says yes.
    pub fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inside.answers.lock().unwrap().extend(answers);
    }

    pub fn arrivals(&self) -> Vec<Arrival> {
        self.inside.arrivals.lock().unwrap().clone()
    }

    /// How often a redirect was followed.
    pub fn redirected(&self) -> usize {
        self.inside.redirected.load(Ordering::SeqCst)
    }

    /// Goes away.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Comes back at the same address.
    pub async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.runtime = Some(serve(listener, self.inside.clone()));
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(listener: TcpListener, inside: Arc<Inside>) -> Runtime {
    let elsewhere = |State(inside): State<Arc<Inside>>| async move {
        inside.redirected.fetch_add(1, Ordering::SeqCst);
    };
    let router = Router::new()
        .route("/hook", post(receive))
        .route("/elsewhere", axum::routing::any(elsewhere))
        .fallback(receive)
        .with_state(inside);
    let listener = listener.into_std().unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router).await.unwrap();
    });
    runtime
}

async fn receive(State(inside): State<Arc<Inside>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let named = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    inside.arrivals.lock().unwrap().push(Arrival {
        at: Instant::now(),
        path: uri.to_string(),
        headers: named.collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let answer = inside.answers.lock().unwrap().pop_front();
    match answer {
        None => StatusCode::OK.into_response(),
        Some(Answer::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Answer::RetryAfter(seconds)) => {
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds.to_string())]).into_response()
        }
        Some(Answer::Slow(time)) => {
            tokio::time::sleep(time).await;
            StatusCode::OK.into_response()
        }
        Some(Answer::Redirect) => Redirect::temporary("/elsewhere").into_response(),
        Some(Answer::Endless) => {
            let part = Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1024]));
            Body::from_stream(futures::stream::iter(std::iter::repeat_with(move || {
                part.as_ref().map(Bytes::clone).map_err(|_| std::io::Error::other("never"))
            })))
            .into_response()
        }
        Some(Answer::HangUp) => {
            let broken = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("gone"))]);
            Response::builder().header("content-length", "10").body(Body::from_stream(broken)).unwrap()
        }
    }
}
