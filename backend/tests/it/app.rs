//! A server of its own for each test: a fresh folder of real files, a real socket.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use ostrakon::config::Config;
use ostrakon::db::{Reads, Settings};
use ostrakon::http::{self, Rates, TrustedProxies};
use ostrakon::store::{SeedProduct, SetupError, Store};
use ostrakon_shared::{ProductId, Role};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Runs a test body with 1, 3 and 8 reviews databases.
macro_rules! with_databases {
    ($(async fn $name:ident($app:ident: TestApp) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                async fn check($app: $crate::app::TestApp) $body

                #[actix_web::test]
                async fn on_1_database() { check($crate::app::TestApp::start(1).await).await }
                #[actix_web::test]
                async fn on_3_databases() { check($crate::app::TestApp::start(3).await).await }
                #[actix_web::test]
                async fn on_8_databases() { check($crate::app::TestApp::start(8).await).await }
            }
        )*
    };
}

/// Products 1 to 5 of every test's cluster.
pub const PRODUCTS: i64 = 5;

/// A configuration for `databases` reviews databases in `folder`.
pub fn config(folder: &Path, databases: u16) -> Config {
    Config {
        data_dir: folder.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        reviews_databases: databases,
        spread: None,
        app_dir: folder.join("no-app"),
        default_url: None,
        reviews_urls: Vec::new(),
        replicas: BTreeMap::new(),
        reads: Reads::Primary,
        max_replica_lag_ms: 1_000,
        connections: Settings {
            read_connections: 4,
            write_connections: 4,
            checkout_timeout_ms: 20_000,
            lock_timeout_ms: 20_000,
            statement_timeout_ms: 20_000,
        },
        guest_reviews: true,
        pre_moderation: false,
        trusted_proxies: TrustedProxies::default(),
        public_url: None,
        rates: Rates { sign_ins_per_minute: 0, registrations_per_hour: 0, reviews_per_minute: 0 },
        log: String::new(),
    }
}

/// Migrates the databases that `config` names.
pub fn migrate(config: &Config) -> Result<(), SetupError> {
    config.databases().migrate(None, &mut drop)
}

/// Runs SQL on a database's file, as an operator could.
pub fn sql(file: &Path, statements: &str) {
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 20000").unwrap();
    connection.batch_execute(statements).unwrap();
}

pub struct TestApp {
    folder: TempDir,
    config: Config,
    store: Data<Store>,
    server: ServerHandle,
    base: String,
    client: reqwest::Client,
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
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path(), databases);
        configure(&mut config);
        migrate(&config).unwrap();
        let app = TestApp::serve(folder, config);
        (1..=PRODUCTS).for_each(|id| app.add_product(id));
        app
    }

    fn serve(folder: TempDir, config: Config) -> TestApp {
        let listener = TcpListener::bind(config.listen).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let store = Data::new(config.open().unwrap());
        let server = http::server(listener, store.clone(), config.http()).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        TestApp { folder, config, store, server: handle, base, client: reqwest::Client::new() }
    }

    /// The same files, served by a new process's worth of state.
    pub async fn restart(self) -> TestApp {
        self.server.stop(true).await;
        drop(self.store);
        TestApp::serve(self.folder, self.config)
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
        self.store.seed(&[product], &[], |_| ()).unwrap();
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where the server is: host and port.
    pub fn host(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    pub fn file(&self, database: &str) -> PathBuf {
        self.folder.path().join(format!("{database}.sqlite3"))
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
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
        sql(
            &self.file("default"),
            &format!(
                "INSERT INTO account (name, name_key, password_hash, role, created_at)
                 VALUES ('{name}', '{name}', 'none', '{role}', 0);
                 INSERT INTO api_token (account_id, secret_hash, name, created_at)
                 VALUES ((SELECT id FROM account WHERE name = '{name}'), x'{hash}', 'test', 0)"
            ),
        );
        let request = self.request(Method::GET, "/api/accounts/me/reviews");
        let account = Account { id: self.account_id(name), token };
        assert_eq!(self.send(account.sign(request)).await.status, 200);
        account
    }

    fn account_id(&self, name: &str) -> i64 {
        let file = self.file("default");
        let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        let query = format!("(SELECT id FROM account WHERE name = '{name}')");
        let id = diesel::dsl::sql::<diesel::sql_types::BigInt>(&query);
        diesel::select(id).get_result(&mut connection).unwrap()
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
        serde_json::to_value(self.store.databases().unwrap()).unwrap()
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
        for index in 0..self.store.reviews_databases().len() {
            let report = self.store.verify(index, |_| ()).unwrap();
            assert_eq!(report.problems, Vec::<String>::new());
        }
    }
}

pub fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}
