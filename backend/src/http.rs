//! HTTP: the only module that knows actix and status codes.
//!
//! `server` starts here, and `routes` lists the handlers of the API. A handler extracts its
//! arguments, makes one store call, and wraps the result. `response::problem` maps errors to
//! problems, `response::json` adds ETags and links, and `spa` serves the app.

mod app_data;
mod background;
mod blocking;
mod cookie;
mod deadlines;
mod endpoints;
mod extract;
mod middleware;
mod openapi;
mod password_queue;
mod rate_limit;
mod render;
mod response;
mod route_table;
mod routes;
mod secret_key;
mod settings;
mod sign_in;
mod spa;

use std::io;
use std::net::TcpListener;

use actix_web::App;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::rt::System;
use actix_web::web::{self, Data};
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;

use crate::store::Store;
use blocking::Threads;
use deadlines::Deadlines;
use endpoints::crawlers;
use extract::query;
use middleware::connections;
use middleware::{consistency_token, csrf, response_headers};
use password_queue::PasswordQueue;
use rate_limit::RateLimiters;
use response::cache::ResponseCache;
use route_table::RouteTable;
use spa::static_files::{self, AppFiles};

pub use middleware::connections::CLIENT_LOG_TARGET;
pub use response::problem::status as problem_status;
pub use routes::document;
pub use secret_key::SecretKey;
pub use settings::{PublicUrl, RateLimits, Settings, TrustedProxies};

/// How long a stopping server waits for running requests, in seconds.
const SHUTDOWN_TIMEOUT_S: u64 = 10;

/// Serves API, docs and app on `listener` until a signal stops the process; calls `started` when
/// clients can connect.
pub fn serve(
    listener: TcpListener,
    store: Store,
    settings: Settings,
    started: impl FnOnce(),
) -> io::Result<()> {
    System::new().block_on(async {
        let server = server(listener, store, settings)?;
        started();
        server.await
    })
}

/// The server of API, docs and app on `listener`; runs when awaited.
pub fn server(listener: TcpListener, store: Store, settings: Settings) -> io::Result<Server> {
    actix_web::rt::spawn(background::prune(store.clone(), settings.audit_days));
    store.cluster().start_background()?;
    actix_web::rt::spawn(background::reload_on_hangup(store.clone(), background::hangups()?));
    let store = Data::new(store);
    let document = Data::new(document());
    let files = Data::new(AppFiles::new(settings.app_dir.clone()));
    let routes = Data::new(RouteTable::new(&document, files.is_built()));
    let limiters = Data::new(RateLimiters::new(settings.rate_limits));
    let cache = Data::new(ResponseCache::new(settings.cache_bytes));
    let threads = Data::new(Threads::new(&store)?);
    let queue = Data::new(PasswordQueue::new());
    let builder = Server::build().shutdown_timeout(SHUTDOWN_TIMEOUT_S);
    let deadlines = Data::new(Deadlines::new(&settings, builder.graceful_shutdown_signal()));
    let settings = Data::new(settings);
    let builder = builder.listen("http", listener, move || {
        let app = App::new()
            .into_utoipa_app()
            .configure(routes::api)
            .into_app()
            .app_data(store.clone())
            .app_data(threads.clone())
            .app_data(cache.clone())
            .app_data(deadlines.clone())
            .app_data(settings.clone())
            .app_data(limiters.clone())
            .app_data(queue.clone())
            .app_data(document.clone())
            .app_data(routes.clone())
            .app_data(files.clone())
            .app_data(query::path_config())
            .service(openapi::page::get_docs)
            .service(openapi::page::get_style)
            .service(openapi::page::get_script)
            .service(openapi::swagger_ui())
            .service(web::redirect("/docs", "/docs/"))
            // Where password managers look (W3C, "A Well-Known URL for Changing Passwords").
            .service(web::redirect("/.well-known/change-password", "/account"))
            .service(crawlers::get_robots)
            .service(crawlers::get_sitemap)
            .service(crawlers::get_sitemap_part)
            .configure(|config| static_files::configure(config, &files))
            .wrap(from_fn(consistency_token::track))
            .wrap(from_fn(csrf::check))
            .wrap(from_fn(response_headers::finalize))
            .wrap(TracingLogger::default());
        connections::service(app, deadlines.clone())
    });
    Ok(builder?.run())
}
