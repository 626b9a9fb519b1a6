//! The app's pages, as the server answers them: filled with what is known of a product, or as they
//! were built.

use std::fs;

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

const INDEX: &str = "<html><head><!--head--><title>Ostrakon</title><!--/head--></head>\
    <body><!--content--><p>skeleton</p><!--/content--><!--answers--><!--/answers--></body></html>";

/// A cluster whose server has an app, compressed too.
async fn start() -> TestApp {
    TestApp::start_with(3, |config| {
        fs::create_dir(&config.app_dir).unwrap();
        for (name, content) in [("index.html", INDEX), ("index.html.br", "as brotli")] {
            fs::write(config.app_dir.join(name), content).unwrap();
        }
    })
    .await
}

/// The JSON in the script element with this attribute.
fn script(page: &Answer, attribute: &str) -> Value {
    let (_, rest) = page.text.split_once(attribute).unwrap_or_else(|| panic!("{page:?}"));
    let (_, rest) = rest.split_once('>').unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

async fn rename(app: &TestApp, product: i64, name: &str) {
    let admin = app.account("admin", Role::Admin).await;
    let path = format!("/api/admin/products/{product}");
    let request = app.request(Method::PATCH, &path).header("if-match", "\"1\"");
    let renamed = app.send(admin.sign(request).json(&json!({"name": name}))).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
}

#[actix_web::test]
async fn a_product_is_on_its_page() {
    let app = start().await;
    for rating in [5, 2] {
        app.review(1, Some(rating)).await;
    }
    let page = app.get("/products/1").await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-cache"));
    assert!(page.text.contains("<title>Product 1 · Ostrakon</title>"), "{}", page.text);
    assert!(page.text.contains("<h1 dir=\"auto\">Product 1</h1>"), "{}", page.text);
    assert!(!page.text.contains("skeleton</p>"), "{}", page.text);
    let data = script(&page, "type=\"application/ld+json\"");
    assert_eq!(data["aggregateRating"]["ratingValue"], 3.5);
    assert_eq!(data["aggregateRating"]["ratingCount"], 2);
    // The app takes these for the answers of the API.
    for address in [
        "/api/products/1?allow_partial=true",
        "/api/products/1/reviews?sort=newest&limit=10&allow_partial=true",
    ] {
        let id = format!("id=\"{}\"", address.replace('&', "&amp;"));
        assert_eq!(script(&page, &id), app.read(address).await, "{address}");
    }
    app.review(1, None).await;
    assert_eq!(
        script(&app.get("/products/1").await, "ld+json")["aggregateRating"]["reviewCount"],
        3
    );
    let unrated = script(&app.get("/products/2").await, "ld+json");
    assert!(unrated.get("aggregateRating").is_none(), "{unrated}");
}

#[actix_web::test]
async fn the_catalogue_is_on_its_page() {
    let app = start().await;
    let page = app.get("/").await;
    assert!(page.text.contains("href=\"/products/5\""), "{}", page.text);
    let address = "/api/products?limit=24&allow_partial=true";
    let id = format!("id=\"{}\"", address.replace('&', "&amp;"));
    assert_eq!(script(&page, &id), app.read(address).await);
    // A search is the app's.
    assert_eq!(app.get("/?search=1").await.text, INDEX);
}

#[actix_web::test]
async fn what_people_wrote_stays_text() {
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
async fn pages_without_something_to_fill_in_are_as_they_were_built() {
    let app = start().await;
    assert_eq!(app.get("/sign-in").await.text, INDEX);
    for path in ["/products/999", "/products/bear"] {
        let page = app.get(path).await;
        assert_eq!((page.status.as_u16(), page.text.as_str()), (404, INDEX), "{path}");
    }
    // The app says itself which database is missing.
    app.review(1, Some(4)).await;
    for database in ["reviews-1", "reviews-2", "reviews-3"] {
        app.place().spoil(database);
    }
    let page = app.get("/products/1").await;
    assert_eq!((page.status.as_u16(), page.text.as_str()), (200, INDEX));
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
