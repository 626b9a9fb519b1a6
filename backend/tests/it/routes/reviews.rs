//! Writing and reading reviews.

use ostrakon_shared::ReviewId;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{TestApp, ids};

with_databases!(a_created_review_is_in_every_list, async |app| {
    for n in 1..=12 {
        let review =
            json!({"rating": n % 5 + 1, "title": "T", "body": format!("b{n}"), "author_name": "A"});
        let created = app.post_review(1, &review).await;
        assert_eq!(created.status, 201);
        let created_json = created.json();
        let id = created_json["id"].as_str().unwrap();
        assert_eq!(created.header("location"), format!("/api/reviews/{id}"));
        assert_eq!(app.get_json(created.header("location")).await, created_json);
        for sort in ["newest", "oldest", "highest", "lowest"] {
            let list = app.all_pages(&format!("/api/products/1/reviews?sort={sort}&limit=5")).await;
            assert_eq!(list.len(), n, "{sort}");
            assert!(list.contains(&created_json), "{sort}");
        }
        let rated = app.get_json(&format!("/api/products/1/reviews?rating={}", n % 5 + 1)).await;
        assert_eq!(rated["items"][0], created_json);
        assert_eq!(app.get_json("/api/products/1/rating").await["count"], n);
        assert_eq!(app.get_json("/api/products/1").await["rating"]["count"], n);
        assert_eq!(app.get_json("/api/products/2/rating").await["count"], 0);
    }
    app.verify();
});

// The test to copy. Its name is a sentence; `with_databases!` runs it with 1, 3 and 8 databases of
// each engine, which are its own. It sets up through the API and looks at responses alone: status,
// headers, and the code of a refusal. `verify` recounts at the end.
with_databases!(the_same_key_makes_one_review, async |app| {
    let review = json!({"body": "once", "rating": 4});
    let first = app.post_with_key(1, &review, "key-1").await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, ""));
    let again =
        app.post_with_key(1, &json!({"rating": 4, "body": "once", "title": null}), "key-1").await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("location"), first.header("location"));

    let other = app.post_with_key(1, &json!({"body": "twice", "rating": 4}), "key-1").await;
    assert_eq!(other.problem(422), "idempotency_key_reused");
    assert_eq!(other.header("location"), first.header("location"));
    // A key belongs to the product it was sent to.
    assert_eq!(app.post_with_key(2, &review, "key-1").await.header("idempotency-replayed"), "");
    assert_eq!(app.post_with_key(1, &review, "key-2").await.header("idempotency-replayed"), "");
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 2);
    app.verify();
});

with_databases!(reviews_survive_a_restart, async |app| {
    let mut posted = Vec::new();
    for n in 0..10 {
        posted.push(app.create_review(n % 3 + 1, Some(5)).await);
    }
    let first = app.post_with_key(1, &json!({"body": "kept"}), "kept").await.json();
    let app = app.restart().await;
    for id in &posted {
        assert_eq!(app.get_json(&format!("/api/reviews/{id}")).await["id"], **id);
    }
    // Before anything is written, too, an order in time ends only with the reviews.
    for product in 1..=3_usize {
        let path = format!("/api/products/{product}/reviews?sort=oldest&limit=2");
        let oldest = ids(&app.all_pages(&path).await);
        let mut expected: Vec<_> = posted.iter().skip(product - 1).step_by(3).cloned().collect();
        expected.extend((product == 1).then(|| first["id"].as_str().unwrap().to_owned()));
        assert_eq!(oldest, expected);
    }
    let again = app.post_with_key(1, &json!({"body": "kept"}), "kept").await;
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first));
    app.verify();
});

on_every_engine!(ratings_sort_with_unrated_reviews_last, async || {
    let app = TestApp::start(3).await;
    let mut posted = Vec::new();
    for rating in [None, Some(3), Some(5), Some(1), Some(5), None, Some(3)] {
        posted.push(app.create_review(1, rating).await);
    }
    let at = |places: [usize; 7]| places.map(|place| posted[place].clone()).to_vec();
    for (sort, expected) in [
        ("newest", at([6, 5, 4, 3, 2, 1, 0])),
        ("oldest", at([0, 1, 2, 3, 4, 5, 6])),
        ("highest", at([4, 2, 6, 1, 3, 5, 0])),
        ("lowest", at([3, 6, 1, 4, 2, 5, 0])),
    ] {
        for limit in 1..=8 {
            let path = format!("/api/products/1/reviews?sort={sort}&limit={limit}");
            assert_eq!(ids(&app.all_pages(&path).await), expected, "{path}");
        }
    }
});

on_every_engine!(text_is_kept_as_typed, async || {
    let app = TestApp::start(3).await;
    for text in [
        "<script>alert(1)</script> &amp; <b>bold</b>",
        "  spaces around, a tab\t, and\r\nlines\n",
        "🏺 e\u{301} é \u{202e}right to left\u{202c} \u{feff}",
        "'; DROP TABLE review; --",
        "null",
    ] {
        let created = app.post_review(1, &json!({"body": text, "title": "%_\\"})).await.json();
        let read = app.get_json(&format!("/api/reviews/{}", created["id"].as_str().unwrap())).await;
        assert_eq!((&read["body"], &read["title"]), (&json!(text), &json!("%_\\")));
    }
});

on_every_engine!(a_review_has_its_date_and_location, async || {
    let app = TestApp::start(3).await;
    let id = app.create_review(1, None).await;
    let created: ReviewId = id.parse().unwrap();
    let review = app.get_json(&format!("/api/reviews/{}", id.to_lowercase())).await;
    assert_eq!(review["created_at"], created.created_at().to_string());
    let place = app.get_json(&format!("/api/reviews/{id}/location")).await;
    assert_eq!(place["id"], id);
    assert_eq!(place["bucket"], ostrakon::shard::bucket_of(created).get());
    assert_eq!(place["database"], app.store().cluster().locate(created).database);
});

on_every_engine!(an_unchanged_response_is_not_sent_again, async || {
    let app = TestApp::start(3).await;
    let id = app.create_review(1, Some(5)).await;
    for path in [
        "/api/products?limit=2",
        "/api/products/1",
        "/api/products/1/rating",
        "/api/products/1/reviews",
        "/api/ratings?product_ids=1,2",
    ] {
        let first = app.get(path).await;
        let etag = first.header("etag");
        assert!(etag.starts_with('"'), "{first:?}");
        for known in [etag, &format!("\"x\", W/{etag}"), "*"] {
            let request = app.request(Method::GET, path).header("if-none-match", known);
            let again = app.send(request).await;
            assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path} {known}");
            assert_eq!(again.header("etag"), etag);
        }
        app.create_review(1, Some(4)).await;
        let changed = app.send(app.request(Method::GET, path).header("if-none-match", etag)).await;
        assert_eq!(changed.status, 200, "{path}");
        assert_ne!(changed.header("etag"), etag, "{path}");
    }
    let path = format!("/api/reviews/{id}");
    let etag = app.get(&path).await.header("etag").to_owned();
    let again = app.send(app.request(Method::GET, &path).header("if-none-match", etag)).await;
    assert_eq!(again.status, 304);
});

on_every_engine!(head_is_get_without_the_body, async || {
    let app = TestApp::start(1).await;
    let get = app.get("/api/products/1").await;
    let head = app.send(app.request(Method::HEAD, "/api/products/1")).await;
    assert_eq!((head.status, head.text.as_str()), (get.status, ""));
    assert_eq!(head.header("etag"), get.header("etag"));
    assert_eq!(head.header("content-length"), get.text.len().to_string());
});

on_every_engine!(the_link_leads_to_the_next_page, async || {
    let app = TestApp::start(3).await;
    for _ in 0..3 {
        app.create_review(1, Some(5)).await;
    }
    let first = app.get("/api/products/1/reviews?rating=5&limit=2&sort=oldest").await;
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let link = first.header("link");
    assert_eq!(
        link,
        format!(
            "</api/products/1/reviews?rating=5&limit=2&sort=oldest&cursor={cursor}>; rel=\"next\""
        )
    );
    let next = link[1..].split_once('>').unwrap().0;
    let last = app.get(next).await;
    assert_eq!(last.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!((last.json()["next_cursor"].is_null(), last.header("link")), (true, ""));
});
