//! Routes of the HTTP server that answer from the start and lead somewhere once their part of the service is there.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use tower_service::Service as _;

use crate::api::answer::refuse;

/// Where requests go, once there is such a place: until then they are told so.
#[derive(Clone, Default)]
pub struct Entrance(Arc<OnceLock<Router>>);

impl Entrance {
    /// Routes with these paths, which answer from the start.
    pub fn router(&self, paths: &[&str]) -> Router {
        let routes = paths.iter().fold(Router::new(), |routes, path| routes.route(path, any(enter)));
        routes.with_state(self.clone())
    }

    /// From now on requests go to these routes.
    pub fn open(&self, routes: Router) {
        // There is one start in a life of the service.
        let _ = self.0.set(routes);
    }
}

async fn enter(State(place): State<Entrance>, request: Request) -> Response {
    let Some(router) = place.0.get() else {
        let told = "the service is still starting, or another instance has the store";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, told, "try again in a few seconds; see /readyz");
    };
    // Without what the outer route put in: its path parameters would come before those of the inner one.
    let (parts, body) = request.into_parts();
    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = parts.uri;
    *request.headers_mut() = parts.headers;
    match router.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
