//! HTTP: the only place that knows actix and status codes.
//!
//! A handler extracts, makes one store call, and wraps. [`error`] turns what the store says into
//! problems, [`respond`] gives answers their ETag and links, [`app`] serves the app.

mod accounts;
mod admin_products;
mod admin_reviews;
mod app;
mod auth;
mod client;
mod cookie;
mod databases;
mod error;
mod extract;
mod hashing;
mod health;
mod index;
mod limits;
mod moderation;
mod openapi;
mod origin;
mod page;
mod position;
mod problems;
mod products;
mod respond;
mod reviews;
mod routes;
mod session;
mod settings;

use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;

use crate::store::{Store, StoreError, WaitsFor, serve};
use app::AppFiles;
use error::ApiError;
use hashing::HashingQueue;
use limits::Limits;
use routes::RouteTable;

pub use limits::Rates;
pub use openapi::document;
pub use settings::{PublicUrl, Settings, TrustedProxies};

/// How long a stopping server lets requests finish, in seconds.
const SHUTDOWN_TIMEOUT_S: u64 = 10;

/// A server of API, docs and app on `listener`; await it.
pub fn server(listener: TcpListener, store: Data<Store>, settings: Settings) -> io::Result<Server> {
    let document = Data::new(document());
    let routes = Data::new(RouteTable::new(&document));
    let files = Data::new(AppFiles::new(settings.app_dir.clone()));
    let limits = Data::new(Limits::new(settings.rates));
    let settings = Data::new(settings);
    let queue = Data::new(HashingQueue::new());
    let server = HttpServer::new(move || {
        App::new()
            .into_utoipa_app()
            .configure(routes::api)
            .into_app()
            .app_data(store.clone())
            .app_data(settings.clone())
            .app_data(limits.clone())
            .app_data(queue.clone())
            .app_data(document.clone())
            .app_data(routes.clone())
            .app_data(files.clone())
            .app_data(extract::path_config())
            .service(openapi::swagger_ui())
            .service(web::redirect("/docs", "/docs/"))
            .configure(|config| app::configure(config, &files))
            .wrap(from_fn(position::keep))
            .wrap(from_fn(origin::check))
            .wrap(from_fn(respond::finish))
            .wrap(TracingLogger::default())
    });
    let server = server.shutdown_timeout(SHUTDOWN_TIMEOUT_S).listen(listener)?;
    Ok(server.run())
}

/// How often a request that waits looks whether the server it waits for is still there.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a request waits for a server that is there: a commit may wait without end for a
/// standby that is away, and no timeout of the server ends that.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Does `work` with the store where it may block. When the work waits for a server that does not
/// answer, the request doesn't: whether a write has happened is then not known.
async fn blocking<T: Send + 'static>(
    store: Data<Store>,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let request = tracing::Span::current();
    let (seen, waits_for) = (position::seen(), WaitsFor::default());
    let thread = waits_for.clone();
    let served = move || request.in_scope(|| serve(seen, thread, || work(&store)));
    let mut done = pin!(web::block(served));
    let began = Instant::now();
    loop {
        match actix_web::rt::time::timeout(LOOK_EVERY, &mut done).await {
            Ok(Ok((done, seen))) => {
                position::note(&seen);
                return done.map_err(ApiError::from);
            }
            Ok(Err(error)) => return Err(StoreError::Internal(error.to_string()).into()),
            Err(_) => {
                let longest = began.elapsed() > LONGEST_WAIT;
                let gives_up = waits_for.database().filter(|_| longest);
                if let Some(database) = waits_for.in_vain().or(gives_up) {
                    tracing::error!(database, "a request to it is given up");
                    return Err(StoreError::Unavailable(vec![database]).into());
                }
            }
        }
    }
}
