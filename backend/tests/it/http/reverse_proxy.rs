//! Behind a proxy: Debian's nginx in front of the server, plain and as deploy/ has it.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ostrakon::http::RateLimits;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::{TestApp, TestResponse};
use crate::support::cli::{ServerProcess, ostrakon, succeeds};
use crate::support::cluster::TestCluster;
use crate::support::reserved_port::ReservedPort;

const OFF: RateLimits =
    RateLimits { sign_ins_per_minute: 0, registrations_per_hour: 0, reviews_per_minute: 0 };

/// A running nginx. Its workers have a user of their own, if we may give them one.
struct Nginx {
    folder: TempDir,
    port: ReservedPort,
}

impl Nginx {
    /// With one server, which has this in `location /`.
    fn start(location: &str) -> Nginx {
        let port = ReservedPort::new();
        let number = port.number();
        let site = format!("server {{ listen 127.0.0.1:{number}; location / {{ {location} }} }}");
        Nginx::start_site(port, &site)
    }

    fn start_site(port: ReservedPort, site: &str) -> Nginx {
        let folder = tempfile::tempdir().unwrap();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {kind};\n"))
            .concat();
        let config = format!(
            "user nobody nogroup; worker_processes 1; pid nginx.pid;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}{site}\n}}"
        );
        fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let nginx = Nginx { folder, port };
        // nginx goes into the background once it listens.
        let started = nginx.command().output().unwrap();
        assert!(started.status.success(), "{started:?}");
        nginx
    }

    fn command(&self) -> Command {
        let folder = self.folder.path().to_str().unwrap();
        // Debian's is where only root's PATH leads.
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("nginx");
        command.env("PATH", format!("{path}:/usr/sbin")).stdin(Stdio::null());
        command.args(["-p", folder, "-c", "nginx.conf", "-e", "error.log"]);
        command
    }

    /// A request by the client with this address.
    fn request(&self, from: u8, method: Method, path: &str) -> RequestBuilder {
        let client = reqwest::Client::builder().local_address(Some(address(from).into()));
        client
            .build()
            .unwrap()
            .request(method, format!("http://127.0.0.1:{}{path}", self.port.number()))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.command().args(["-s", "stop"]).output().ok();
    }
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

fn we_are_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn admin() -> Value {
    json!({"name": "admin", "password": "admin"})
}

/// The status of a sign-in with the demo's password.
async fn sign_in(app: &TestApp, nginx: &Nginx) -> u16 {
    let request = nginx.request(1, Method::POST, "/api/session").json(&admin());
    app.send(request).await.status.as_u16()
}

async fn review(app: &TestApp, nginx: &Nginx, from: u8) -> TestResponse {
    let request = nginx.request(from, Method::POST, "/api/products/1/reviews");
    app.send(request.json(&json!({"body": "text"}))).await
}

/// A server of the demo's account and of limits that are soon reached.
async fn start(configure: impl FnOnce(&mut ostrakon::config::Config)) -> TestApp {
    let app = TestApp::start_with(1, |config| {
        config.rate_limits = RateLimits { reviews_per_minute: 2, ..OFF };
        configure(config);
    })
    .await;
    assert!(app.store().accounts().create_demo_admin().unwrap());
    app
}

#[actix_web::test]
async fn requests_through_a_plain_proxy_pass_are_not_local() {
    let app = start(|_| ()).await;
    let to = format!("proxy_pass http://{};", app.host());
    for location in [
        to.clone(),
        // As HAProxy and others: the client chooses the host.
        format!("{to} proxy_set_header Host $http_host;"),
        format!("{to} proxy_http_version 1.1;"),
        format!("{to} proxy_set_header X-Real-IP $remote_addr;"),
        format!(
            "{to} proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Via nginx;"
        ),
    ] {
        let nginx = Nginx::start(&location);
        assert_eq!(sign_in(&app, &nginx).await, 401, "{location}");
    }
    let nginx = Nginx::start(&to);
    for status in [201, 201, 429] {
        assert_eq!(review(&app, &nginx, 1).await.status, status);
    }
    // Local requests are not limited.
    for _ in 0..5 {
        app.create_review(1, Some(5)).await;
    }
    let request = app.request(Method::POST, "/api/session").json(&admin());
    assert_eq!(app.send(request).await.status, 201);
}

#[actix_web::test]
async fn a_proxy_without_forwarding_headers_is_recognized_by_its_user() {
    let app = start(|_| ()).await;
    let silent = "proxy_http_version 1.1; proxy_set_header Connection '';";
    let nginx = Nginx::start(&format!("proxy_pass http://{}; {silent}", app.host()));
    // Without a user of its own, it can't be told from a browser: see `http/extract/local.rs`.
    let expected = if we_are_root() { 401 } else { 201 };
    assert_eq!(sign_in(&app, &nginx).await, expected);
}

#[actix_web::test]
async fn no_request_is_local_when_a_proxy_is_configured() {
    for configure in [
        |config: &mut ostrakon::config::Config| {
            config.public_url = Some("https://reviews.example".parse().unwrap());
        },
        |config: &mut ostrakon::config::Config| {
            config.trusted_proxies = "127.0.0.1".parse().unwrap();
        },
    ] {
        let app = start(configure).await;
        let request = app.request(Method::POST, "/api/session").json(&admin());
        assert_eq!(app.send(request).await.problem(401), "credentials_wrong");
        for status in [201, 201, 429] {
            assert_eq!(app.post_review(1, &json!({"body": "text"})).await.status, status);
        }
    }
    let app = start(|config| {
        config.public_url = Some("http://localhost:8080".parse().unwrap());
    })
    .await;
    let request = app.request(Method::POST, "/api/session").json(&admin());
    assert_eq!(app.send(request).await.status, 201, "a loopback URL is for this machine");
}

/// The site of deploy/, without its certificate; and the port that leads to HTTPS.
fn deployed(app: &TestApp) -> (Nginx, ReservedPort) {
    let (port, plain) = (ReservedPort::new(), ReservedPort::new());
    let mut site = fs::read_to_string(PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../deploy/nginx.conf"
    )))
    .unwrap();
    for (written, here) in [
        ("listen 443 ssl http2;", format!("listen 127.0.0.1:{};", port.number())),
        ("listen [::]:443 ssl http2;", String::new()),
        ("listen 80;", format!("listen 127.0.0.1:{};", plain.number())),
        ("listen [::]:80;", String::new()),
        ("ssl_certificate ", "# ".to_owned()),
        ("ssl_certificate_key ", "# ".to_owned()),
        ("server 127.0.0.1:8080;", format!("server {};", app.host())),
    ] {
        assert!(site.contains(written), "{written}");
        site = site.replace(written, &here);
    }
    (Nginx::start_site(port, &site), plain)
}

#[actix_web::test]
async fn the_nginx_configuration_of_deploy_forwards_client_addresses() {
    let app = start(|config| {
        config.public_url = Some("https://reviews.example.com".parse().unwrap());
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
    })
    .await;
    let (nginx, plain) = deployed(&app);
    for client in [2, 3] {
        for status in [201, 201, 429] {
            assert_eq!(review(&app, &nginx, client).await.status, status, "client {client}");
        }
    }
    // Addresses that the client itself sends are ignored.
    let posing = nginx.request(2, Method::POST, "/api/products/1/reviews");
    let posing = posing.header("x-forwarded-for", "203.0.113.7").json(&json!({"body": "text"}));
    assert_eq!(app.send(posing).await.problem(429), "rate_limited");
    assert_eq!(sign_in(&app, &nginx).await, 401, "the demo's password");

    crate::support::accounts::create_account(&app, "aspasia", ostrakon_shared::Role::Member);
    for (origin, status) in [("https://reviews.example.com", 201), ("https://evil.example", 403)] {
        let request = nginx.request(4, Method::POST, "/api/session").header("origin", origin);
        let response =
            app.send(request.json(&crate::support::accounts::credentials("aspasia"))).await;
        assert_eq!(response.status, status, "{origin}");
        assert!(response.header("strict-transport-security").starts_with("max-age="));
        if status == 201 {
            assert!(response.header("set-cookie").starts_with("__Host-ostrakon_session="));
        }
    }
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let request = client.unwrap().get(format!("http://127.0.0.1:{}/products/1", plain.number()));
    let response = app.send(request.header("host", "reviews.example.com")).await;
    let to = "https://reviews.example.com/products/1";
    assert_eq!((response.status.as_u16(), response.header("location")), (308, to));
}

/// A server process and its log.
struct Logged {
    server: ServerProcess,
    log: PathBuf,
}

impl Logged {
    fn start(cluster: &TestCluster, settings: &[(&str, &str)]) -> Logged {
        succeeds(cluster, &["migrate"]);
        let log = cluster.folder().join("log");
        let mut command = ostrakon(cluster, &["serve"]);
        command.env("OSTRAKON_LISTEN", "127.0.0.1:0").envs(settings.iter().copied());
        command.stderr(fs::File::create(&log).unwrap());
        Logged { server: ServerProcess::spawn(command), log }
    }

    #[track_caller]
    fn assert_told_once(&self, words: &[&str]) {
        let log = fs::read_to_string(&self.log).unwrap();
        let fits = |line: &&str| words.iter().all(|word| line.contains(word));
        assert_eq!(log.lines().filter(fits).count(), 1, "{words:?}: {log}");
    }
}

#[actix_web::test]
async fn the_log_says_once_which_settings_a_plain_proxy_pass_lacks() {
    let cluster = TestCluster::new();
    let server = Logged::start(&cluster, &[]);
    let nginx = Nginx::start(&format!("proxy_pass http://{};", server.server.address));
    let post = async |origin: &str, path: &str| {
        let request = nginx.request(1, Method::POST, path).header("origin", origin);
        request.json(&admin()).send().await.unwrap().status().as_u16()
    };
    for _ in 0..2 {
        assert_eq!(post("https://reviews.example", "/api/session").await, 403);
        assert_eq!(post("https://other.example", "/api/accounts").await, 403);
    }
    let expected = format!("{}, which is the request's Host", server.server.address);
    for origin in ["https://reviews.example", "https://other.example"] {
        let setting = format!("set public_url = \"{origin}\" (OSTRAKON_PUBLIC_URL)");
        server.assert_told_once(&[&format!("a page of {origin}"), &expected, &setting]);
    }
    for _ in 0..2 {
        let request = nginx.request(1, Method::POST, "/api/session").json(&admin());
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    server.assert_told_once(&["HTTP/1.0", "trusted_proxies", "public_url"]);
}

#[actix_web::test]
async fn a_trusted_proxy_without_client_addresses_is_logged_once() {
    let cluster = TestCluster::new();
    let settings = [
        ("OSTRAKON_TRUSTED_PROXIES", "127.0.0.1"),
        ("OSTRAKON_PUBLIC_URL", "https://reviews.example"),
        ("OSTRAKON_SIGN_INS_PER_MINUTE", "1"),
    ];
    let server = Logged::start(&cluster, &settings);
    let nginx = Nginx::start(&format!("proxy_pass http://{};", server.server.address));
    for (client, status) in [(2, 401), (3, 429)] {
        let request = nginx.request(client, Method::POST, "/api/session").json(&admin());
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    server.assert_told_once(&["trusted proxy 127.0.0.1", "X-Forwarded-For", "share one limit"]);

    let foreign = nginx.request(2, Method::POST, "/api/session").json(&admin());
    let foreign = foreign.header("origin", "http://a.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    server.assert_told_once(&[
        "page of http://a.example",
        "https://reviews.example, which is public_url",
    ]);
}

#[actix_web::test]
async fn hsts_is_sent_when_the_public_url_is_https() {
    for (url, expected) in [
        (Some("https://reviews.example"), "max-age=63072000"),
        (Some("http://reviews.example"), ""),
        (None, ""),
    ] {
        let app = TestApp::start_with(1, |config| {
            config.public_url = url.map(|url| url.parse().unwrap());
        })
        .await;
        for path in ["/api/products", "/api/no/such/path", "/healthz", "/docs/"] {
            let response = app.get(path).await;
            assert_eq!(response.header("strict-transport-security"), expected, "{url:?} {path}");
        }
    }
}
