//! Long responses are compressed for clients that accept it; each encoding has its own tag.

use std::io::Read;

use flate2::read::GzDecoder;
use ostrakon_shared::Role;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::app::TestApp;

/// A response whose body may be compressed.
struct CompressedResponse {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl CompressedResponse {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of a body that must be compressed.
    fn json(&self) -> Value {
        assert_eq!(
            (self.header("content-encoding"), self.header("vary")),
            ("gzip", "accept-encoding")
        );
        assert_eq!(self.header("content-length"), self.body.len().to_string());
        let mut text = String::new();
        GzDecoder::new(&*self.body).read_to_string(&mut text).unwrap();
        assert!(self.body.len() < text.len() / 2, "{} of {}", self.body.len(), text.len());
        serde_json::from_str(&text).unwrap()
    }
}

async fn send(request: RequestBuilder) -> CompressedResponse {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    CompressedResponse { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> CompressedResponse {
    let mut request = app.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request).await
}

const GZIP: (&str, &str) = ("accept-encoding", "gzip, deflate, br, zstd");

async fn with_reviews(cache_mib: u32) -> TestApp {
    let app = TestApp::start_with(3, |config| config.cache_mib = cache_mib).await;
    for _ in 0..20 {
        app.post_review(1, &json!({"body": "long enough ".repeat(20), "rating": 4})).await;
    }
    app
}

on_every_engine!(long_responses_are_compressed_for_clients_that_accept_it, async || {
    for cache_mib in [8, 0] {
        let app = with_reviews(cache_mib).await;
        for path in [
            "/api/products/1/reviews",
            "/api/products/1/reviews?sort=highest&limit=15",
            "/api/products",
        ] {
            let plain = app.get(path).await;
            assert_eq!(
                (plain.header("content-encoding"), plain.header("vary")),
                ("", "accept-encoding")
            );
            // Cached or not, the response is the same.
            for _ in 0..2 {
                let coded = get(&app, path, &[GZIP]).await;
                assert_eq!(coded.json(), plain.json(), "{path}");
                let tag = plain.header("etag").strip_suffix('"').unwrap();
                assert_eq!(coded.header("etag"), format!("{tag}-gzip\""));
                assert_eq!(coded.header("link"), plain.header("link"));
            }
            for refused in ["identity", "br", "gzip;q=0", "*;q=0", ""] {
                let same = get(&app, path, &[("accept-encoding", refused)]).await;
                assert_eq!(same.body, plain.text.as_bytes(), "{path} {refused}");
            }
            let head = send(app.request(Method::HEAD, path).header(GZIP.0, GZIP.1)).await;
            assert_eq!((head.header("content-encoding"), head.body.len()), ("gzip", 0));
        }
        // A changed response is compressed anew.
        app.post_review(1, &json!({"body": "new"})).await;
        let page = get(&app, "/api/products/1/reviews", &[GZIP]).await.json();
        assert_eq!(page["items"][0]["body"], "new");
        let short = get(&app, "/api/products/1/rating", &[GZIP]).await;
        assert_eq!((short.header("content-encoding"), short.header("vary")), ("", ""));
    }
});

on_every_engine!(responses_that_are_not_cached_are_compressed_too, async || {
    let app = with_reviews(8).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let list = "/api/admin/reviews?limit=20";
    let request = admin.authorize(app.request(Method::GET, list)).header(GZIP.0, GZIP.1);
    assert_eq!(send(request).await.json(), app.get_json_as(&admin, list).await);
    let document = get(&app, "/api/openapi.json", &[GZIP]).await.json();
    assert_eq!(document["info"]["title"], "Ostrakon");
    let body = json!({"body": "long ".repeat(400)});
    let post = admin.authorize(app.request(Method::POST, "/api/products/1/reviews").json(&body));
    let created = send(post.header(GZIP.0, GZIP.1)).await;
    assert_eq!((created.status.as_u16(), created.header("etag")), (201, "\"1.1-gzip\""));
    let id = created.json()["id"].as_str().unwrap().to_owned();
    // The tag of any coding is good for a change.
    let edit =
        app.request(Method::PATCH, &format!("/api/reviews/{id}")).json(&json!({"title": "t"}));
    let edited = send(admin.authorize(edit).header("if-match", created.header("etag"))).await;
    assert_eq!((edited.status.as_u16(), edited.header("etag")), (200, "\"2.1\""));
    // Problems, too.
    let names: Vec<String> = (0..200).map(|n| format!("field_{n}")).collect();
    let wrong = format!("{{\"{}\": 1}}", names.concat());
    let post = app.request(Method::POST, "/api/products/1/reviews").body(wrong);
    let post = post.header("content-type", "application/json").header(GZIP.0, GZIP.1);
    assert_eq!(send(post).await.json()["code"], "validation_failed");
});

on_every_engine!(each_encoding_has_its_own_tag, async || {
    let app = with_reviews(8).await;
    for path in ["/api/products/1/reviews", "/api/products"] {
        let plain = app.get(path).await.header("etag").to_owned();
        let coded = get(&app, path, &[GZIP]).await.header("etag").to_owned();
        let weak = format!("W/{plain}");
        for (known, accepts, status, tag) in [
            (&plain, false, 304, &plain),
            (&coded, true, 304, &coded),
            // A client that has the other encoding gets a new response.
            (&plain, true, 200, &coded),
            // Tags as nginx and Apache change them when they compress.
            (&weak, false, 304, &plain),
            (&coded, false, 304, &plain),
        ] {
            let known = ("if-none-match", known.as_str());
            let headers = if accepts { vec![GZIP, known] } else { vec![known] };
            let response = get(&app, path, &headers).await;
            assert_eq!(
                (response.status.as_u16(), response.header("etag")),
                (status, tag.as_str()),
                "{path} {known:?}"
            );
            assert_eq!(response.header("vary"), "accept-encoding");
        }
    }
});
