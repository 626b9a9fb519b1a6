//! Limits: how often one client may do what costs others something.

use ostrakon::http::Rates;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::accounts::{create, credentials, register, sign_in};
use crate::app::{Answer, TestApp};

async fn start(rates: Rates) -> TestApp {
    TestApp::start_with(1, |config| {
        config.rates = rates;
        config.trusted_proxies = "127.0.0.1, 10.0.0.0/8".parse().unwrap();
    })
    .await
}

const OFF: Rates =
    Rates { sign_ins_per_minute: 0, registrations_per_hour: 0, reviews_per_minute: 0 };

/// What a request comes to that the proxy has from this address.
async fn post_from(app: &TestApp, address: &str, path: &str, body: &Value) -> Answer {
    let request = app.request(Method::POST, path).header("x-forwarded-for", address);
    app.send(request.json(body)).await
}

#[track_caller]
fn assert_limited(answer: &Answer, name: &str, policy: &str, longest_s: u64) {
    assert_eq!(answer.problem(429), "rate_limited");
    let retry_after: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=longest_s).contains(&retry_after), "{retry_after}");
    assert_eq!(answer.header("ratelimit"), format!("\"{name}\";r=0;t={retry_after}"));
    assert_eq!(answer.header("ratelimit-policy"), format!("\"{name}\";{policy}"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

on_every_engine!(sign_ins_are_limited_by_address, async || {
    let app = start(Rates { sign_ins_per_minute: 3, ..OFF }).await;
    create(&app, "aspasia", Role::Member);
    let attempt = async |address: &str, name: &str| {
        post_from(&app, address, "/api/session", &json!({"name": name, "password": "x"})).await
    };
    for name in ["a", "b", "c"] {
        attempt("203.0.113.7", name).await.problem(401);
    }
    let hashed = app.store().passwords_hashed();
    assert_limited(&attempt("203.0.113.7", "d").await, "sign-in", "q=3;w=60", 20);
    // What the client wrote there itself doesn't help, nor does the right password.
    assert_limited(
        &attempt("198.51.100.9, 203.0.113.7, 10.0.0.1", "e").await,
        "sign-in",
        "q=3;w=60",
        20,
    );
    let right = post_from(&app, "203.0.113.7", "/api/session", &credentials("aspasia")).await;
    assert_limited(&right, "sign-in", "q=3;w=60", 20);
    assert_eq!(app.store().passwords_hashed(), hashed, "a refusal costs nothing");
    attempt("203.0.113.8", "f").await.problem(401);

    for host in 1..=3 {
        attempt(&format!("2001:db8::{host}"), &format!("v6-{host}")).await.problem(401);
    }
    attempt("2001:db8::ffff", "v6-4").await.problem(429);
    attempt("2001:db8:0:1::1", "v6-4").await.problem(401);
});

on_every_engine!(sign_ins_are_limited_by_name, async || {
    let app = start(Rates { sign_ins_per_minute: 3, ..OFF }).await;
    let attempt = async |host: u8, name: &str| {
        let address = format!("203.0.113.{host}");
        post_from(&app, &address, "/api/session", &json!({"name": name, "password": "x"})).await
    };
    for (host, name) in [(1, "aspasia"), (2, "Aspasia"), (3, "ASPASIA")] {
        attempt(host, name).await.problem(401);
    }
    assert_limited(&attempt(4, "aspasia").await, "sign-in", "q=3;w=60", 20);
    attempt(5, "pericles").await.problem(401);
});

on_every_engine!(a_session_that_was_stolen_can_t_guess_the_password, async || {
    let app = start(Rates { sign_ins_per_minute: 3, ..OFF }).await;
    let browser = register(&app, "aspasia").await;
    let change = json!({"current_password": "x", "new_password": "12345678"});
    for _ in 0..3 {
        let refused = browser.ask(Method::PUT, "/api/accounts/me/password", change.clone()).await;
        assert_eq!(refused.problem(403), "password_wrong");
    }
    let limited = browser.ask(Method::PUT, "/api/accounts/me/password", change).await;
    assert_limited(&limited, "sign-in", "q=3;w=60", 20);
});

on_every_engine!(registrations_are_limited_by_address_and_mistakes_are_free, async || {
    let app = start(Rates { registrations_per_hour: 2, ..OFF }).await;
    let attempt = async |address: &str, name: &str| {
        post_from(&app, address, "/api/accounts", &credentials(name)).await
    };
    for _ in 0..5 {
        attempt("203.0.113.7", "a b").await.problem(422);
    }
    assert_eq!(attempt("203.0.113.7", "one").await.status, 201);
    attempt("203.0.113.7", "one").await.problem(409);
    let limited = attempt("203.0.113.7", "two").await;
    assert_limited(&limited, "registration", "q=2;w=3600", 1800);
    assert_eq!(attempt("203.0.113.8", "two").await.status, 201);
});

on_every_engine!(posts_are_limited_by_account_or_by_a_guest_s_address, async || {
    let app = start(Rates { reviews_per_minute: 2, ..OFF }).await;
    let post = async |address: &str, path: &str| {
        post_from(&app, address, path, &json!({"body": "text"})).await
    };
    let reviews = "/api/products/1/reviews";
    assert_eq!(post("203.0.113.7", reviews).await.status, 201);
    assert_eq!(post("203.0.113.7", "/api/products/2/reviews").await.status, 201);
    assert_limited(&post("203.0.113.7", reviews).await, "posting", "q=2;w=60", 30);
    assert_eq!(post("203.0.113.8", reviews).await.status, 201);
    assert_eq!(app.store().databases().unwrap().items[0].reviews, Some(3));

    // An account has its own limit, wherever it asks from.
    create(&app, "aspasia", Role::Member);
    let browser = sign_in(&app, "aspasia").await;
    for (product, status) in [(1, 201), (2, 201), (3, 429)] {
        let path = format!("/api/products/{product}/reviews");
        let posted = browser.ask(Method::POST, &path, json!({"body": "text"})).await;
        assert_eq!(posted.status, status);
    }
    // Guests on this very machine are its operator's scripts.
    for _ in 0..10 {
        app.review(1, Some(5)).await;
    }
});

on_every_engine!(nobody_else_than_a_trusted_proxy_names_the_client, async || {
    let app = TestApp::start_with(1, |config| {
        config.rates = Rates { sign_ins_per_minute: 2, ..OFF };
        config.trusted_proxies = "10.0.0.0/8".parse().unwrap();
    })
    .await;
    for (number, status) in [(1, 401), (2, 401), (3, 429)] {
        let (address, name) = (format!("203.0.113.{number}"), format!("name-{number}"));
        let body = json!({"name": name, "password": "x"});
        post_from(&app, &address, "/api/session", &body).await.problem(status);
    }
});
