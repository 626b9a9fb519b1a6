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

use crate::support::engine::engine;
use crate::support::place::{Place, migrate};

/// Products 1 to 5 of every test's cluster.
pub const PRODUCTS: i64 = 5;

pub struct TestApp {
    serving: Serving,
    client: reqwest::Client,
    config: Config,
    // Last, so that it is dropped when nobody uses it any more.
    place: Rc<Place>,
}

/// A process's worth of state, and the thread that serves it.
struct Serving {
    store: Store,
    base: String,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    fn start(config: &Config) -> Serving {
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
        Serving { store, base, server: receiver.recv().unwrap(), thread }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The thread gets to know; waiting is up to `join`.
        drop(self.server.stop(false));
        self.thread.take().map(JoinHandle::join);
    }
}

/// An account, and a token of it.
pub struct Account {
    pub id: i64,
    pub token: String,
}

impl Account {
    /// The same request, by this account.
    pub fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem that is as problems must be.
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

    /// The same, configured in another way.
    pub async fn start_with(databases: u16, configure: impl FnOnce(&mut Config)) -> TestApp {
        TestApp::start_in(Place::new(), databases, configure)
    }

    /// The same, in a place of one's own.
    pub fn start_in(
        place: impl Into<Rc<Place>>,
        databases: u16,
        configure: impl FnOnce(&mut Config),
    ) -> TestApp {
        let place = place.into();
        let mut config = place.config(databases);
        configure(&mut config);
        migrate(&config).unwrap();
        let app = TestApp::serve(place, config);
        (1..=PRODUCTS).for_each(|id| app.add_product(id));
        app
    }

    /// A place that is there, served as it is.
    pub fn serve_again(place: Rc<Place>, databases: u16) -> TestApp {
        let config = place.config(databases);
        TestApp::serve(place, config)
    }

    fn serve(place: Rc<Place>, config: Config) -> TestApp {
        let serving = Serving::start(&config);
        TestApp { serving, client: reqwest::Client::new(), config, place }
    }

    /// The same databases, served by a new process's worth of state.
    pub async fn restart(self) -> TestApp {
        let TestApp { serving, place, config, .. } = self;
        serving.server.stop(true).await;
        drop(serving);
        TestApp::serve(place, config)
    }

    /// Ends the server, and leaves what it has written.
    pub async fn stop(self) -> Rc<Place> {
        let TestApp { serving, place, .. } = self;
        serving.server.stop(true).await;
        place
    }

    /// Another process's worth of state that serves the same databases meanwhile.
    pub fn another(&self) -> TestApp {
        TestApp::serve(Rc::clone(&self.place), self.config.clone())
    }

    /// There is no API for products yet.
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
        self.serving.store.cluster().seed(&[product], &[], |_| ()).unwrap();
    }

    pub fn store(&self) -> &Store {
        &self.serving.store
    }

    /// Where the server is: host and port.
    pub fn host(&self) -> &str {
        self.serving.base.trim_start_matches("http://")
    }

    /// Its databases.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// A database's file on SQLite.
    pub fn file(&self, database: &str) -> PathBuf {
        self.place.file(database)
    }

    /// Runs SQL on a database, as an operator could.
    #[track_caller]
    pub fn sql(&self, database: &str, statements: &str) {
        self.place.sql(database, statements);
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.serving.base))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// The JSON at a path that must be there.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub async fn post_text(&self, path: &str, body: impl Into<String>) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        self.send(request.body(body.into())).await
    }

    pub async fn post_review(&self, product: i64, review: &Value) -> Answer {
        self.post_text(&format!("/api/products/{product}/reviews"), review.to_string()).await
    }

    pub async fn post_with_key(&self, product: i64, review: &Value, key: &str) -> Answer {
        let path = format!("/api/products/{product}/reviews");
        let request = self.request(Method::POST, &path).header("idempotency-key", key);
        self.send(request.json(review)).await
    }

    /// A new account, with a token of its own.
    pub async fn account(&self, name: &str, role: Role) -> Account {
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
        let id =
            self.place.number("default", &format!("SELECT id FROM account WHERE name = '{name}'"));
        let request = self.request(Method::GET, "/api/accounts/me/reviews");
        let account = Account { id, token };
        assert_eq!(self.send(account.sign(request)).await.status, 200);
        account
    }

    /// What a request with a JSON body, by this account or by a guest, comes to.
    pub async fn call(
        &self,
        by: Option<&Account>,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Answer {
        let request = self.request(method, path).json(body);
        self.send(match by {
            Some(account) => account.sign(request),
            None => request,
        })
        .await
    }

    /// What this account reads at a path.
    pub async fn get_as(&self, account: &Account, path: &str) -> Answer {
        self.send(account.sign(self.request(Method::GET, path))).await
    }

    /// The JSON at a path that must be there for this account.
    pub async fn read_as(&self, account: &Account, path: &str) -> Value {
        let answer = self.get_as(account, path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// What each reviews database holds.
    pub fn databases(&self) -> Value {
        serde_json::to_value(self.serving.store.cluster().databases().unwrap()).unwrap()
    }

    /// A new review's id.
    pub async fn review(&self, product: i64, rating: Option<i32>) -> String {
        let answer = self.post_review(product, &json!({"body": "text", "rating": rating})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Every item of a list, page by page; fails when pages never end.
    pub async fn all_pages(&self, path: &str) -> Vec<Value> {
        self.pages(None, path).await
    }

    /// The same, as this account sees it.
    pub async fn all_pages_as(&self, account: &Account, path: &str) -> Vec<Value> {
        self.pages(Some(account), path).await
    }

    async fn pages(&self, by: Option<&Account>, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        let separator = if path.contains('?') { '&' } else { '?' };
        for _ in 0..10_000 {
            let Some(page) = next else { return items };
            let page = match by {
                Some(account) => self.read_as(account, &page).await,
                None => self.read(&page).await,
            };
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            next = page["next_cursor"].as_str().map(|c| format!("{path}{separator}cursor={c}"));
        }
        panic!("{path} has no end");
    }

    /// Nothing that `verify` looks at is wrong.
    pub fn verify(&self) {
        for index in 0..self.serving.store.cluster().reviews_databases().len() {
            let report = self.serving.store.cluster().verify(index, |_| ()).unwrap();
            assert_eq!(report.problems, Vec::<String>::new());
        }
    }
}

pub fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}
