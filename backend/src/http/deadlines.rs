//! How long clients may take. `middleware/connections.rs` closes the connections of those that take
//! longer.

use std::pin::pin;
use std::time::Duration;

use actix_server::GracefulShutdownSignal;
use actix_web::rt::time::sleep;
use futures_util::future::{Either, select};
use ostrakon_shared::ProblemCode;

use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;

/// How long a body may take that is on its way when the server stops.
const SHUTDOWN_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// How long clients may take for what.
pub struct Deadlines {
    /// For the head of a request, and again for its body.
    pub request: Duration,
    /// Until the next request, and to read more of an answer.
    pub keep_alive: Duration,
    /// Tells that the server stops.
    pub stopping: GracefulShutdownSignal,
}

impl Deadlines {
    /// Those of the settings; less when the server is `stopping`.
    pub fn new(settings: &Settings, stopping: GracefulShutdownSignal) -> Deadlines {
        let Settings { request_timeout: request, keep_alive, .. } = *settings;
        Deadlines { request, keep_alive, stopping }
    }

    /// Waits for a body, but not too long.
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
