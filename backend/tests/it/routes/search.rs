//! Searches ignore case and accents, on every engine and in every locale.

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::create_account;
use crate::support::app::{TestAccount, TestApp};
use crate::support::cluster::TestCluster;
use crate::support::engine::Engine;

/// A stored text, a search, and whether the search finds the text.
const SEARCHES: [(&str, &str, bool); 24] = [
    ("Σίσυφος", "ΣΊΣΥΦΟΣ", true),
    ("ΣΊΣΥΦΟΣ", "σισυφος", true),
    ("Łódź", "lodz", true),
    ("lodz", "ŁÓDŹ", true),
    ("Ørsted", "orsted", true),
    ("Đorđe", "dorde", true),
    ("ısparta", "ISPARTA", true),
    ("ISPARTA", "isparta", true),
    ("İzmir", "izmir", true),
    ("Straße", "STRASSE", true),
    ("STRASSE", "straße", true),
    ("Æsir", "aesir", true),
    ("Ｋｒａｔｅｒ", "krater", true),
    ("krater", "ＫＲＡＴＥＲ", true),
    ("Chloé", "chloe\u{301}", true),
    ("Chloe\u{301}", "CHLOÉ", true),
    ("КРУЖКА", "кружка", true),
    ("co\u{ad}op", "coop", true),
    ("می\u{200c}نا", "مینا", true),
    ("100% wool_", "0%", true),
    ("krater", "kratos", false),
    ("Σίσυφος", "Σίσυφον", false),
    ("がき", "かき", false),
    ("wool", "_", false),
];

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn count(app: &TestApp, by: &TestAccount, list: &str, search: &str) -> usize {
    app.all_pages_as(by, &format!("{list}search={}", escaped(search))).await.len()
}

/// Checks each search in products, accounts and reviews.
async fn search_everything(app: &TestApp) {
    let admin = app.create_account("aspasia", Role::Admin).await;
    for (number, (text, search, is_found)) in (10..).zip(SEARCHES) {
        let expected = usize::from(is_found);
        app.add_named_product(number, text);
        let products = format!("/api/products?limit=100&search={}", escaped(search));
        let found = app.all_pages(&products).await;
        let id = number.to_string();
        let found = found.iter().filter(|product| product["id"] == id).count();
        assert_eq!(found, expected, "products: {text} {search}");

        for body in [
            json!({"body": format!("I found {text}.")}),
            json!({"body": "Here.", "title": text}),
            json!({"body": "Here.", "author_name": text}),
        ] {
            let response = app.post_review(number, &body).await;
            assert_eq!(response.status, 201, "{response:?}");
        }
        let reviews = format!("/api/admin/reviews?limit=2&product_id={number}&");
        let found = count(app, &admin, &reviews, search).await;
        assert_eq!(found, 3 * expected, "reviews: {text} {search}");
        assert_eq!(count(app, &admin, &reviews, &format!("{search} here")).await, 2 * expected);

        if text.chars().all(char::is_alphanumeric) && text.chars().count() > 2 {
            let name = format!("{text}-{number}");
            create_account(app, &name, Role::Member);
            let accounts = "/api/admin/accounts?limit=100&";
            let found = count(app, &admin, accounts, &format!("{search}-{number}")).await;
            assert_eq!(found, expected, "accounts: {text} {search}");
        }
    }
}

on_every_engine!(searches_ignore_case_and_accents, async || {
    search_everything(&TestApp::start(2).await).await;
});

on_every_engine!(a_search_looks_through_all_reviews, async || {
    let app = TestApp::start(2).await;
    let admin = app.create_account("aspasia", Role::Admin).await;
    let post = async |text: &str| {
        let posted = app.post_review(1, &json!({"body": text})).await.json();
        posted["id"].as_str().unwrap().to_owned()
    };
    let first = post("Η Αθήνα").await;
    for n in 0..40 {
        post(&format!("Ничего нового: {n}")).await;
    }
    let last = post("ΑΘΗΝΑ, Αθήνα").await;
    let path = format!("/api/admin/reviews?limit=1&search={}", escaped("αθηνα"));
    let found = app.all_pages_as(&admin, &path).await;
    let found: Vec<_> = found.iter().map(|item| item["review"]["id"].clone()).collect();
    assert_eq!(found, [Value::from(last), Value::from(first)]);
});

on_every_engine!(products_are_found_by_their_current_name, async || {
    let app = TestApp::start(1).await;
    let admin = app.create_account("aspasia", Role::Admin).await;
    let new = json!({"name": "Øl", "sku": "ŁÓ-1"});
    let created = app.send_json(Some(&admin), Method::POST, "/api/admin/products", &new).await;
    let path = created.header("location").to_owned();
    let found = async |search: &str| {
        let list = format!("/api/products?search={}", escaped(search));
        app.all_pages(&list).await.len()
    };
    assert_eq!([found("OL lo-1").await, found("ale").await], [1, 0]);
    let request = app.request(Method::PATCH, &path).header("if-match", "\"1\"");
    app.send(admin.authorize(request).json(&json!({"name": "ÂLE"}))).await;
    assert_eq!([found("ale").await, found("ol").await], [1, 0]);
});

/// Locales with case rules of their own.
const LOCALES: [&str; 2] = [
    "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'",
    "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'",
];

#[actix_web::test]
async fn searches_do_not_depend_on_the_server_s_locale() {
    let _on = Engine::Postgres.enter();
    for options in LOCALES {
        let app = TestApp::start_on(TestCluster::with_create_options(options), 1, |_| ());
        search_everything(&app).await;
        // Names of accounts are compared in the same way.
        create_account(&app, "ISIDOR", Role::Member);
        create_account(&app, "Σωκράτης", Role::Member);
        for (name, code) in [("isidor", 409), ("ısidor", 409), ("ΣΩΚΡΆΤΗΣ", 409), ("other", 201)]
        {
            let body = json!({"name": name, "password": "a long sentence"});
            let response = app.send(app.request(Method::POST, "/api/accounts").json(&body)).await;
            assert_eq!(response.status, code, "{options}: {name}");
        }
    }
}
