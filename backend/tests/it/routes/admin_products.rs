//! Products, as admins see and change them.

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::TestApp;

on_every_engine!(products_are_created_edited_and_archived, async || {
    let app = TestApp::start(3).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let products = "/api/admin/products";
    let new = json!({"name": "Krater", "sku": "POT-1", "picture_url": "https://a.example/k.jpg"});
    let created = app.send_json(Some(&admin), Method::POST, products, &new).await;
    assert_eq!((created.status.as_u16(), created.header("etag")), (201, "\"1.1\""));
    let path = created.header("location").to_owned();
    let product = created.json();
    let id: i64 = product["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(path, format!("{products}/{id}"));
    assert_eq!(app.get_json("/api/products?search=krater").await["items"][0]["id"], product["id"]);
    let again = app.send_json(Some(&admin), Method::POST, products, &new).await;
    assert_eq!(again.problem(409), "sku_taken");
    for bad in [
        json!({"name": " "}),
        json!({"name": "x", "picture_url": "javascript:alert(1)"}),
        json!({"name": "x", "picture_url": "http://a.example/k.jpg"}),
        json!({"name": "x", "sku": "y".repeat(65)}),
        json!({"name": "x", "id": 7}),
        json!({"name": "x", "archived": true}),
    ] {
        let refused = app.send_json(Some(&admin), Method::POST, products, &bad).await;
        assert_eq!(refused.problem(422), "validation_failed", "{bad}");
    }

    let edit = |tag: &'static str, change: Value| {
        let request = app.request(Method::PATCH, &path).header("if-match", tag).json(&change);
        app.send(admin.authorize(request))
    };
    assert_eq!(edit("\"1\"", json!({"sku": "SKU-1"})).await.problem(409), "sku_taken");
    // An edit without changes makes no new version.
    for nothing in [
        json!({}),
        json!({"archived": false}),
        json!({"description": null, "sku": "POT-1"}),
        new.clone(),
    ] {
        let same = edit("\"1\"", nothing.clone()).await;
        assert_eq!((same.status.as_u16(), same.header("etag")), (200, "\"1.1\""), "{nothing}");
        assert_eq!(same.json(), product, "{nothing}");
        assert_eq!(edit("\"2\"", nothing).await.problem(412), "version_conflict");
    }
    let edits = "/api/admin/audit?action=product_edited";
    assert_eq!(app.all_pages_as(&admin, edits).await, Vec::<Value>::new());
    let edited = edit("\"1\"", json!({"name": "Kantharos", "picture_url": null})).await;
    assert_eq!((edited.status.as_u16(), edited.header("etag")), (200, "\"2.1\""));
    assert_eq!(edited.json()["picture_url"], Value::Null);
    assert_eq!(edit("\"1\"", json!({"name": "late"})).await.problem(412), "version_conflict");
    assert_eq!(
        app.get_json("/api/products?search=kantharos").await["items"][0]["id"],
        product["id"]
    );
    assert_eq!(app.get_json("/api/products?search=krater").await["items"], json!([]));

    let review = app.create_review(id, Some(5)).await;
    assert_eq!(edit("\"2\"", json!({"archived": true})).await.status, 200);
    assert_eq!(app.get_json("/api/products?search=kantharos").await["items"], json!([]));
    assert_eq!(app.get_json(&format!("/api/products/{id}")).await["archived"], true);
    assert_eq!(app.get_json(&format!("/api/reviews/{review}")).await["rating"], 5);
    let refused = app.post_review(id, &json!({"body": "too late"})).await;
    assert_eq!(refused.problem(409), "product_archived");
    let listed = async |filter: &str| {
        app.all_pages_as(&admin, &format!("{products}?limit=2{filter}")).await.len()
    };
    assert_eq!((listed("").await, listed("&archived=true").await), (6, 1));
    assert_eq!((listed("&archived=false").await, listed("&search=kantharos").await), (5, 1));
    assert_eq!(edit("\"3\"", json!({"archived": false})).await.status, 200);
    assert_eq!(app.post_review(id, &json!({"body": "back"})).await.status, 201);
});
