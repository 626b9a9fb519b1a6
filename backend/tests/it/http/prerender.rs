//! The app's pages, as the server sends them: with the content of a product, or as they were built.

use std::fs;

use ostrakon::config::Config;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestApp, TestResponse};

const INDEX: &str = "<html><head><!--head--><title>Ostrakon</title><!--/head--></head>\
    <body><!--content--><p>skeleton</p><!--/content--><!--answers--><!--/answers--></body></html>";

/// A cluster whose server has an app, compressed too.
pub async fn start() -> TestApp {
    start_with(|_| ()).await
}

/// The same, configured in another way.
pub async fn start_with(configure: impl FnOnce(&mut Config)) -> TestApp {
    TestApp::start_with(3, |config| {
        configure(config);
        fs::create_dir(&config.app_dir).unwrap();
        for (name, content) in [("index.html", INDEX), ("index.html.br", "as brotli")] {
            fs::write(config.app_dir.join(name), content).unwrap();
        }
    })
    .await
}

#[actix_web::test]
async fn the_title_of_a_window_holds_no_bidirectional_controls() {
    let app = start().await;
    // A name from before names were checked. Markup isolates the control; a title can't.
    app.sql("default", "UPDATE product SET name = 'a\u{202e}b' WHERE id = 1");
    let page = app.get("/products/1").await;
    assert!(page.text.contains("<title>ab · Ostrakon</title>"), "{}", page.text);
    assert!(page.text.contains("<h1 dir=\"auto\">a\u{202e}b</h1>"), "{}", page.text);
}

/// The JSON in the script element with this attribute.
fn script(page: &TestResponse, attribute: &str) -> Value {
    let (_, rest) = page.text.split_once(attribute).unwrap_or_else(|| panic!("{page:?}"));
    let (_, rest) = rest.split_once('>').unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

async fn rename(app: &TestApp, product: i64, name: &str) {
    let admin = app.create_account("admin", Role::Admin).await;
    let path = format!("/api/admin/products/{product}");
    let request = app.request(Method::PATCH, &path).header("if-match", "\"1\"");
    let renamed = app.send(admin.authorize(request).json(&json!({"name": name}))).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
}

#[actix_web::test]
async fn a_product_page_contains_the_product() {
    let app = start().await;
    for rating in [5, 2] {
        app.create_review(1, Some(rating)).await;
    }
    let page = app.get("/products/1").await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-cache"));
    assert!(page.text.contains("<title>Product 1 · Ostrakon</title>"), "{}", page.text);
    assert!(page.text.contains("<h1 dir=\"auto\">Product 1</h1>"), "{}", page.text);
    assert!(!page.text.contains("skeleton</p>"), "{}", page.text);
    let data = script(&page, "type=\"application/ld+json\"");
    assert_eq!(data["aggregateRating"]["ratingValue"], 3.5);
    assert_eq!(data["aggregateRating"]["ratingCount"], 2);
    // The app uses these instead of asking the API.
    for address in [
        "/api/products/1?allow_partial=true",
        "/api/products/1/reviews?sort=newest&limit=10&allow_partial=true",
    ] {
        let id = format!("id=\"{}\"", address.replace('&', "&amp;"));
        assert_eq!(script(&page, &id), app.get_json(address).await, "{address}");
    }
    app.create_review(1, None).await;
    assert_eq!(
        script(&app.get("/products/1").await, "ld+json")["aggregateRating"]["reviewCount"],
        3
    );
    let unrated = script(&app.get("/products/2").await, "ld+json");
    assert!(unrated.get("aggregateRating").is_none(), "{unrated}");
}

#[actix_web::test]
async fn the_home_page_contains_the_catalogue() {
    let app = start().await;
    let page = app.get("/").await;
    assert!(page.text.contains("href=\"/products/5\""), "{}", page.text);
    let address = "/api/products?limit=24&allow_partial=true";
    let id = format!("id=\"{}\"", address.replace('&', "&amp;"));
    assert_eq!(script(&page, &id), app.get_json(address).await);
    // A search is the app's.
    assert_eq!(app.get("/?search=1").await.text, INDEX);
}

#[actix_web::test]
async fn texts_of_users_are_escaped() {
    let app = start().await;
    let evil = "</title></script><script>alert(1)</script>\u{2028}\"'<!--";
    rename(&app, 1, evil).await;
    app.post_review(1, &json!({"body": evil, "rating": 5})).await;
    for path in ["/", "/products/1"] {
        let page = app.get(path).await;
        assert!(page.text.contains("alert(1)"), "{path}");
        assert!(!page.text.contains("<script>"), "{path}: {}", page.text);
        assert!(!page.text.contains("</title></script>"), "{path}: {}", page.text);
    }
    let page = app.get("/products/1").await;
    assert_eq!(script(&page, "type=\"application/ld+json\"")["name"], evil);
}

#[actix_web::test]
async fn pages_without_content_are_served_as_built() {
    let app = start().await;
    assert_eq!(app.get("/sign-in").await.text, INDEX);
    for path in ["/products/999", "/products/bear"] {
        let page = app.get(path).await;
        assert_eq!((page.status.as_u16(), page.text.as_str()), (404, INDEX), "{path}");
    }
    // The app says itself which database is missing.
    app.create_review(1, Some(4)).await;
    for database in ["reviews-1", "reviews-2", "reviews-3"] {
        app.cluster().corrupt(database);
    }
    let page = app.get("/products/1").await;
    assert_eq!((page.status.as_u16(), page.text.as_str()), (200, INDEX));
}

on_every_engine!(pages_of_missing_content_are_not_found, async || {
    let app = start().await;
    let author = app.create_account("aspasia", Role::Member).await;
    let mine = json!({"body": "mine"});
    let mine =
        app.send_json(Some(&author), Method::POST, "/api/products/1/reviews", &mine).await.json();
    let permalink = format!("/reviews/{}", mine["id"].as_str().unwrap());
    let status = async |path: &str| {
        let page = app.get(path).await;
        assert_eq!(page.header("cache-control"), "no-cache", "{path}");
        assert!(page.text.starts_with("<html>"), "{path}: {page:?}");
        page.status.as_u16()
    };
    for there in [
        &*permalink,
        &permalink.to_lowercase(),
        "/products/1",
        "/products/1?sort=lowest",
        "/?search=x",
    ] {
        assert_eq!(status(there).await, 200, "{there}");
    }
    for missing in [
        "/nonsense",
        "/nonsense/",
        "/nonsense?sort=lowest",
        "/products",
        "/products/",
        "/products/6",
        "/products/6?sort=lowest",
        "/products/bear",
        "/products/01",
        "/products/1/nonsense",
        "/reviews/7ZZZZZZZZZZZZ",
        "/reviews/1",
        "/reviews",
        "/account/nonsense",
        "/admin/nonsense",
        "/admin/queue/x",
        "//",
        "//example.org/",
        "/%2e%2e/x",
        "/sign-in%00",
        "/sitemaps",
    ] {
        assert_eq!(status(missing).await, 404, "{missing}");
    }
    let deleted = app.request(Method::DELETE, &format!("/api{permalink}"));
    assert_eq!(app.send(author.authorize(deleted)).await.status, 204);
    assert_eq!(status(&permalink).await, 404);
    // An archived product keeps its reviews and its page.
    app.sql("default", "UPDATE product SET archived = (1 = 1) WHERE id = 2");
    assert_eq!(status("/products/2").await, 200);
});

on_every_engine!(read_only_paths_refuse_other_methods, async || {
    let app = start().await;
    for (path, there) in [
        ("/", true),
        ("/index.html", true),
        ("/products/1", true),
        ("/account", true),
        ("/index.html.br", true),
        ("/robots.txt", true),
        ("/sitemap.xml", true),
        ("/sitemaps/1.xml", true),
        ("/docs/", true),
        ("/docs/index.html", true),
        ("/docs/ostrakon.css", true),
        ("/nonsense", false),
        ("/products/6", false),
        ("/reviews/7ZZZZZZZZZZZZ", false),
        ("/account/nonsense", false),
        ("/nonsense.js", false),
        ("/.env", false),
        ("/docs/nonsense", false),
    ] {
        let read = app.get(path).await.status;
        assert_eq!(read.is_success(), there, "{path}: {read}");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let response = app.send(app.request(method.clone(), path)).await;
            if there {
                assert_eq!(response.problem(405), "method_not_allowed", "{method} {path}");
                assert_eq!(response.header("allow"), "GET, HEAD", "{method} {path}");
            } else {
                assert_eq!(response.problem(404), "route_not_found", "{method} {path}");
            }
        }
        let head = app.send(app.request(Method::HEAD, path)).await;
        assert_eq!(head.status, read, "{path}");
    }
});

/// The addresses that the app links to under /account and /admin are those that the server knows.
#[actix_web::test]
async fn pages_of_the_app_are_found() {
    let app = start().await;
    let sources = [
        include_str!("../../../../frontend/src/pages/account.rs"),
        include_str!("../../../../frontend/src/pages/admin.rs"),
    ];
    let quoted = sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
    let pages: Vec<_> = quoted
        .filter(|text| ["/account", "/admin"].iter().any(|begin| text.starts_with(begin)))
        .collect();
    assert!(pages.len() >= 8, "{pages:?}");
    for page in pages.into_iter().chain(["/", "/sign-in", "/register", "/admin/accounts/1"]) {
        assert_eq!(app.get(page).await.status, 200, "{page}");
    }
}

#[actix_web::test]
async fn a_page_has_one_address() {
    let app = start().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    for (path, location) in [
        ("/products/1/", "/products/1"),
        ("/products/1//?sort=lowest&x=%2F", "/products/1?sort=lowest&x=%2F"),
        ("/reviews/7ZZZZZZZZZZZZ/", "/reviews/7ZZZZZZZZZZZZ"),
        ("/sign-in/", "/sign-in"),
        ("/admin/", "/admin"),
        ("/index.html", "/"),
    ] {
        let url = format!("http://{}{path}", app.host());
        let moved = client.get(url).send().await.unwrap();
        assert_eq!(moved.status(), 308, "{path}");
        assert_eq!(moved.headers()["location"], location, "{path}");
    }
    let password = client.get(format!("http://{}/.well-known/change-password", app.host()));
    let moved = password.send().await.unwrap();
    assert_eq!(
        (moved.status().as_u16(), &moved.headers()["location"]),
        (307, &"/account".parse().unwrap())
    );
}

#[actix_web::test]
async fn paths_without_a_page_get_a_problem() {
    let app = start().await;
    for path in [
        "/.well-known/security.txt",
        "/.well-known/",
        "/.well-known/nonsense",
        "/.env",
        "/.git/config",
        "/favicon.ico",
        "/app-1234.js",
        "/a/b.css",
        "/x.php?y=z",
        "/*x.js",
        "/x.js:",
        "/<x>.js",
        "/a%00.js",
        "/%ff.js",
        "/a%5cb.js",
        "/..%2f..%2fetc/passwd.txt",
        "/sitemaps/x.xml",
        "/robots.txt/x.txt",
        "/api",
        "/api/",
        "/api//products",
        "/api/nonsense",
        "/docs/nonsense",
        "/problems",
        "/problems/nonsense",
        "/healthz/",
        "/readyz/x",
    ] {
        assert_eq!(app.get(path).await.problem(404), "route_not_found", "{path}");
        let head = app.send(app.request(Method::HEAD, path)).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (404, ""), "{path}");
    }
    let response = app.send(app.request(Method::POST, "/.well-known/security.txt")).await;
    assert_eq!(response.problem(404), "route_not_found");
}

#[actix_web::test]
async fn pages_are_negotiated() {
    let app = start().await;
    let ask = |path: &'static str, name: &'static str, value: String| {
        app.send(app.request(Method::GET, path).header(name, value))
    };
    let brotli = ask("/sign-in", "accept-encoding", "br".to_owned()).await;
    assert_eq!((brotli.header("content-encoding"), brotli.text.as_str()), ("br", "as brotli"));
    let gzip = ask("/products/1", "accept-encoding", "gzip".to_owned()).await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    for path in ["/sign-in", "/products/1"] {
        let page = app.get(path).await;
        assert_eq!((page.header("content-encoding"), page.header("vary")), ("", "accept-encoding"));
        let known = ask(path, "if-none-match", page.header("etag").to_owned()).await;
        assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""), "{path}");
        let head = app.send(app.request(Method::HEAD, path)).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
        assert_eq!(head.header("etag"), page.header("etag"), "{path}");
    }
}
