//! A server of its own for each test: fresh databases, a real socket.

use std::net::TcpListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use ostrakon::config::Config;
use ostrakon::http;
use ostrakon::store::{SeedProduct, Store};
use ostrakon::text::name_skeleton;
use ostrakon_shared::{ProductId, Role};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::cluster::{TestCluster, migrate};
use crate::support::engine::engine;

/// Products 1 to 5 of every test's cluster.
pub const PRODUCTS: i64 = 5;

pub struct TestApp {
    server_thread: RunningServer,
    client: reqwest::Client,
    config: Config,
    // Last, so that it is dropped after the server.
    cluster: Rc<TestCluster>,
}

/// A store with its own state, and the thread that serves it.
struct RunningServer {
    store: Store,
    base: String,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    fn start(config: &Config) -> RunningServer {
        let listener = TcpListener::bind(config.listen).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let store = config.open().unwrap();
        let (sender, receiver) = mpsc::channel();
        let (served, settings) = (store.clone(), config.http().unwrap());
        let serve = move || {
            System::new().block_on(async {
                let server = http::server(listener, served, settings).unwrap();
                sender.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        };
        let thread = Some(thread::spawn(serve));
        RunningServer { store, base, server: receiver.recv().unwrap(), thread }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // `stop` only tells the thread; `join` waits for it.
        drop(self.server.stop(false));
        self.thread.take().map(JoinHandle::join);
    }
}

/// An account, and one of its tokens.
pub struct TestAccount {
    pub id: i64,
    pub token: String,
}

impl TestAccount {
    /// Adds this account's token to a request.
    pub fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }
}

/// A response of the server, completely read.
#[derive(Debug)]
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl TestResponse {
    /// The response to a request.
    pub async fn to(request: RequestBuilder) -> TestResponse {
        TestResponse::try_to(request).await.unwrap()
    }

    /// The same, of a process that may end meanwhile.
    pub async fn try_to(request: RequestBuilder) -> reqwest::Result<TestResponse> {
        let response = request.send().await?;
        Ok(TestResponse {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem with this status, whose form is checked.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert!(!self.header("etag").starts_with('"'), "a problem is no version of anything");
        let problem = self.json();
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/problems/{code}"));
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        code
    }
}

impl TestApp {
    /// A new cluster with products 1 to [`PRODUCTS`], served.
    pub async fn start(databases: u16) -> TestApp {
        TestApp::start_with(databases, |_| ()).await
    }

    /// The same, with another configuration.
    pub async fn start_with(databases: u16, configure: impl FnOnce(&mut Config)) -> TestApp {
        TestApp::start_on(TestCluster::new(), databases, configure)
    }

    /// The same, on this cluster.
    pub fn start_on(
        cluster: impl Into<Rc<TestCluster>>,
        databases: u16,
        configure: impl FnOnce(&mut Config),
    ) -> TestApp {
        let cluster = cluster.into();
        let mut config = cluster.config(databases);
        configure(&mut config);
        migrate(&config).unwrap();
        let app = TestApp::serve(cluster, config);
        (1..=PRODUCTS).for_each(|id| app.add_product(id));
        app
    }

    /// A server of an existing cluster, as it is.
    pub fn serve_existing(cluster: Rc<TestCluster>, databases: u16) -> TestApp {
        let config = cluster.config(databases);
        TestApp::serve(cluster, config)
    }

    fn serve(cluster: Rc<TestCluster>, config: Config) -> TestApp {
        let server_thread = RunningServer::start(&config);
        TestApp { server_thread, client: reqwest::Client::new(), config, cluster }
    }

    /// Serves the same databases with new state, as after a restart of the process.
    pub async fn restart(self) -> TestApp {
        let TestApp { server_thread, cluster, config, .. } = self;
        server_thread.server.stop(true).await;
        drop(server_thread);
        TestApp::serve(cluster, config)
    }

    /// Stops the server, and keeps its databases.
    pub async fn stop(self) -> Rc<TestCluster> {
        let TestApp { server_thread, cluster, .. } = self;
        server_thread.server.stop(true).await;
        cluster
    }

    /// Serves the same databases a second time, with state of its own, as another process would.
    pub fn start_second_process(&self) -> TestApp {
        TestApp::serve(Rc::clone(&self.cluster), self.config.clone())
    }

    /// Adds a product with this id, which the API would choose itself.
    pub fn add_product(&self, id: i64) {
        self.add_named_product(id, &format!("Product {id}"));
    }

    pub fn add_named_product(&self, id: i64, name: &str) {
        let product = SeedProduct {
            id: ProductId::new(id).unwrap(),
            name: name.to_owned(),
            description: format!("What there is to say about {name}."),
            sku: format!("SKU-{id}"),
        };
        self.server_thread.store.cluster().seed(&[product], &[], |_| ()).unwrap();
    }

    pub fn store(&self) -> &Store {
        &self.server_thread.store
    }

    /// The server's host and port.
    pub fn host(&self) -> &str {
        self.server_thread.base.trim_start_matches("http://")
    }

    /// Its databases.
    pub fn cluster(&self) -> &TestCluster {
        &self.cluster
    }

    /// A database's file on SQLite.
    pub fn file(&self, database: &str) -> PathBuf {
        self.cluster.file(database)
    }

    /// Runs SQL on a database, as an operator could.
    #[track_caller]
    pub fn sql(&self, database: &str, statements: &str) {
        self.cluster.sql(database, statements);
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server_thread.base))
    }

    pub async fn send(&self, request: RequestBuilder) -> TestResponse {
        TestResponse::to(request).await
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.send(self.request(Method::GET, path)).await
    }

    /// The JSON at a path, which must exist.
    pub async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status, 200, "{path}: {response:?}");
        response.json()
    }

    pub async fn post_text(&self, path: &str, body: impl Into<String>) -> TestResponse {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        self.send(request.body(body.into())).await
    }

    pub async fn post_review(&self, product: i64, review: &Value) -> TestResponse {
        self.post_text(&format!("/api/products/{product}/reviews"), review.to_string()).await
    }

    pub async fn post_with_key(&self, product: i64, review: &Value, key: &str) -> TestResponse {
        let path = format!("/api/products/{product}/reviews");
        let request = self.request(Method::POST, &path).header("idempotency-key", key);
        self.send(request.json(review)).await
    }

    /// A new account, with a token of its own.
    pub async fn create_account(&self, name: &str, role: Role) -> TestAccount {
        let token = format!("ostk_{name}");
        let hash: String =
            Sha256::digest(&token).iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = engine().bytes(&hash);
        self.sql(
            "default",
            &format!(
                "INSERT INTO account
                     (name, name_key, name_skeleton, search_text, password_hash, role, created_at)
                 VALUES ('{name}', '{name}', '{}', '{name}', 'none', '{role}', 0);
                 INSERT INTO api_token (account_id, secret_hash, name, scopes, created_at)
                 VALUES ((SELECT id FROM account WHERE name = '{name}'), {hash}, 'test',
                     'read write moderate admin', 0)",
                name_skeleton(name),
            ),
        );
        let id = self
            .cluster
            .query_number("default", &format!("SELECT id FROM account WHERE name = '{name}'"));
        let request = self.request(Method::GET, "/api/accounts/me/reviews");
        let account = TestAccount { id, token };
        assert_eq!(self.send(account.authorize(request)).await.status, 200);
        account
    }

    /// The response to a request with a JSON body by this account, or by a guest.
    pub async fn send_json(
        &self,
        by: Option<&TestAccount>,
        method: Method,
        path: &str,
        body: &Value,
    ) -> TestResponse {
        let request = self.request(method, path).json(body);
        self.send(match by {
            Some(account) => account.authorize(request),
            None => request,
        })
        .await
    }

    /// The response to a request for a path by this account.
    pub async fn get_as(&self, account: &TestAccount, path: &str) -> TestResponse {
        self.send(account.authorize(self.request(Method::GET, path))).await
    }

    /// The JSON at a path, which must exist for this account.
    pub async fn get_json_as(&self, account: &TestAccount, path: &str) -> Value {
        let response = self.get_as(account, path).await;
        assert_eq!(response.status, 200, "{path}: {response:?}");
        response.json()
    }

    /// The table of the reviews databases.
    pub fn databases(&self) -> Value {
        serde_json::to_value(self.server_thread.store.cluster().databases().unwrap()).unwrap()
    }

    /// Writes a review; returns its id.
    pub async fn create_review(&self, product: i64, rating: Option<i32>) -> String {
        let response = self.post_review(product, &json!({"body": "text", "rating": rating})).await;
        assert_eq!(response.status, 201, "{response:?}");
        response.json()["id"].as_str().unwrap().to_owned()
    }

    /// Every item of a list, page by page; fails when pages never end.
    pub async fn all_pages(&self, path: &str) -> Vec<Value> {
        self.pages(None, path).await
    }

    /// The same, as this account sees it.
    pub async fn all_pages_as(&self, account: &TestAccount, path: &str) -> Vec<Value> {
        self.pages(Some(account), path).await
    }

    async fn pages(&self, by: Option<&TestAccount>, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        let separator = if path.contains('?') { '&' } else { '?' };
        for _ in 0..10_000 {
            let Some(page) = next else { return items };
            let page = match by {
                Some(account) => self.get_json_as(account, &page).await,
                None => self.get_json(&page).await,
            };
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            next = page["next_cursor"].as_str().map(|c| format!("{path}{separator}cursor={c}"));
        }
        panic!("{path} has no end");
    }

    /// Checks that `verify` finds no problem.
    pub fn verify(&self) {
        let cluster = self.server_thread.store.cluster();
        for database in cluster.reviews_databases() {
            let index = cluster.database_index(database.name()).unwrap();
            let report = cluster.verify(index, |_| ()).unwrap();
            assert_eq!(report.problems, Vec::<String>::new());
        }
    }
}

pub fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Makes a test of one for each engine ([`on_every_engine`]) with 1, 3 and 8 reviews databases.
macro_rules! with_databases {
    ($name:ident, async |$app:ident| $body:expr) => {
        mod $name {
            use super::*;

            async fn with($app: $crate::support::app::TestApp) {
                $body
            }

            on_every_engine!(on_1_database, async || with(TestApp::start(1).await).await);
            on_every_engine!(on_3_databases, async || with(TestApp::start(3).await).await);
            on_every_engine!(on_8_databases, async || with(TestApp::start(8).await).await);
        }
    };
}
