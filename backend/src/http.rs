//! HTTP: the only place that knows actix and status codes.
//!
//! A handler extracts, makes one store call, and wraps. [`error`] turns what the store says into
//! problems, [`respond`] gives answers their ETag and links, [`app`] serves the app.

mod accounts;
mod admin_accounts;
mod admin_products;
mod admin_reviews;
mod answers;
mod app;
mod audit;
mod auth;
mod client;
mod compression;
mod connections;
mod cookie;
mod crawlers;
mod databases;
mod device;
mod error;
mod extract;
mod hashing;
mod health;
mod index;
mod limits;
mod local;
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
mod secret_key;
mod session;
mod settings;
mod threads;

use std::io;
use std::net::TcpListener;

use actix_web::App;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;

use crate::store::Store;
use answers::Answers;
use app::AppFiles;
use connections::Deadlines;
use hashing::HashingQueue;
use limits::Limits;
use routes::RouteTable;
use threads::Threads;

pub use error::status as problem_status;
pub use limits::Rates;
pub use openapi::document;
pub use secret_key::SecretKey;
pub use settings::{PublicUrl, Settings, TrustedProxies};

/// How long a stopping server lets requests finish, in seconds.
const SHUTDOWN_TIMEOUT_S: u64 = 10;

/// A server of API, docs and app on `listener`; await it.
pub fn server(listener: TcpListener, store: Store, settings: Settings) -> io::Result<Server> {
    actix_web::rt::spawn(audit::prune(store.clone(), settings.audit_days));
    let store = Data::new(store);
    let document = Data::new(document());
    let routes = Data::new(RouteTable::new(&document));
    let files = Data::new(AppFiles::new(settings.app_dir.clone()));
    let limits = Data::new(Limits::new(settings.rates));
    let answers = Data::new(Answers::new(settings.cache_bytes));
    let threads = Data::new(Threads::new(&store)?);
    let queue = Data::new(HashingQueue::new());
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
            .app_data(answers.clone())
            .app_data(deadlines.clone())
            .app_data(settings.clone())
            .app_data(limits.clone())
            .app_data(queue.clone())
            .app_data(document.clone())
            .app_data(routes.clone())
            .app_data(files.clone())
            .app_data(extract::path_config())
            .service(openapi::swagger_ui())
            .service(web::redirect("/docs", "/docs/"))
            // Where password managers look (W3C, "A Well-Known URL for Changing Passwords").
            .service(web::redirect("/.well-known/change-password", "/account"))
            .service(crawlers::get_robots)
            .service(crawlers::get_sitemap)
            .service(crawlers::get_sitemap_part)
            .configure(|config| app::configure(config, &files))
            .wrap(from_fn(position::keep))
            .wrap(from_fn(origin::check))
            .wrap(from_fn(respond::finish))
            .wrap(TracingLogger::default());
        connections::service(app, deadlines.clone())
    });
    Ok(builder?.run())
}
