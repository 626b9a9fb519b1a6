//! How long the server waits for clients. `middleware/connections.rs` closes connections that
//! exceed these deadlines.

use std::pin::pin;
use std::time::Duration;

use actix_server::GracefulShutdownSignal;
use actix_web::rt::time::sleep;
use futures_util::future::{Either, select};
use ostrakon_shared::ProblemCode;

use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;

/// How long a stopping server waits for a body.
const SHUTDOWN_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// The deadlines of clients.
pub struct Deadlines {
    /// For sending the head of a request, and again for its body.
    pub request: Duration,
    /// For the next request on a connection, and for reading more of a response.
    pub keep_alive: Duration,
    /// Resolves when the server stops.
    pub stopping: GracefulShutdownSignal,
}

impl Deadlines {
    /// The configured deadlines; shorter when the server is `stopping`.
    pub fn new(settings: &Settings, stopping: GracefulShutdownSignal) -> Deadlines {
        let Settings { request_timeout: request, keep_alive, .. } = *settings;
        Deadlines { request, keep_alive, stopping }
    }

    /// Waits for a body until the deadline.
    pub async fn for_body<T>(
        &self,
        body: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let late = async {
            let stopping = pin!(async {
                self.stopping.notified().await;
                sleep(SHUTDOWN_BODY_TIMEOUT).await;
            });
            select(pin!(sleep(self.request)), stopping).await;
        };
        match select(pin!(body), pin!(late)).await {
            Either::Left((body, _)) => body,
            Either::Right(_) => {
                let code = ProblemCode::RequestTimeout;
                Err(ApiError::new(code, code.explanation()))
            }
        }
    }
}
