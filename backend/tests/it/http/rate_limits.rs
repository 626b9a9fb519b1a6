//! Rate limits of sign-ins, registrations and reviews.

use futures_util::future::select_all;
use ostrakon::http::RateLimits;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{create_account, credentials, register, sign_in};
use crate::support::app::{TestApp, TestResponse};

async fn start(rate_limits: RateLimits) -> TestApp {
    TestApp::start_with(1, |config| {
        config.rate_limits = rate_limits;
        config.trusted_proxies = "127.0.0.1, 10.0.0.0/8".parse().unwrap();
    })
    .await
}

const OFF: RateLimits =
    RateLimits { sign_ins_per_minute: 0, registrations_per_hour: 0, reviews_per_minute: 0 };

/// The response to a request that the proxy received from this address.
async fn post_from(app: &TestApp, address: &str, path: &str, body: &Value) -> TestResponse {
    let request = app.request(Method::POST, path).header("x-forwarded-for", address);
    app.send(request.json(body)).await
}

#[track_caller]
fn assert_limited(response: &TestResponse, name: &str, policy: &str, longest_s: u64) {
    assert_eq!(response.problem(429), "rate_limited");
    let retry_after: u64 = response.header("retry-after").parse().unwrap();
    assert!((1..=longest_s).contains(&retry_after), "{retry_after}");
    assert_eq!(response.header("ratelimit"), format!("\"{name}\";r=0;t={retry_after}"));
    assert_eq!(response.header("ratelimit-policy"), format!("\"{name}\";{policy}"));
    assert_eq!(response.header("cache-control"), "no-store");
}

/// An attempt to sign in from this address.
async fn attempt(app: &TestApp, address: &str, name: &str, password: &str) -> TestResponse {
    let body = json!({"name": name, "password": password});
    post_from(app, address, "/api/session", &body).await
}

on_every_engine!(wrong_passwords_from_elsewhere_lock_nobody_out, async || {
    let app = start(RateLimits { sign_ins_per_minute: 3, ..OFF }).await;
    create_account(&app, "aspasia", Role::Member);
    for (left, name) in [(2, "aspasia"), (1, "Aspasia"), (0, "ASPASIA")] {
        let wrong = attempt(&app, "203.0.113.7", name, "x").await;
        assert_eq!(wrong.problem(401), "credentials_wrong");
        assert_eq!(wrong.header("ratelimit"), format!("\"sign-in\";r={left};t=20"));
        assert_eq!(wrong.header("ratelimit-policy"), "\"sign-in\";q=3;w=60");
    }
    let hashed = app.store().accounts().passwords_hashed();
    assert_limited(&attempt(&app, "203.0.113.7", "aspasia", "x").await, "sign-in", "q=3;w=60", 20);
    // Neither addresses that the client itself has sent nor the right password help.
    let posing = attempt(&app, "198.51.100.9, 203.0.113.7, 10.0.0.1", "aspasia", "x").await;
    assert_limited(&posing, "sign-in", "q=3;w=60", 20);
    let right = post_from(&app, "203.0.113.7", "/api/session", &credentials("aspasia")).await;
    assert_limited(&right, "sign-in", "q=3;w=60", 20);
    assert_eq!(app.store().accounts().passwords_hashed(), hashed, "a refusal costs nothing");

    // Other names from that network, and the owner from elsewhere, are not limited.
    attempt(&app, "203.0.113.7", "pericles", "x").await.problem(401);
    let owner = post_from(&app, "203.0.113.8", "/api/session", &credentials("aspasia")).await;
    assert_eq!(owner.status, 201);

    for host in 1..=3 {
        attempt(&app, &format!("2001:db8::{host}"), "aspasia", "x").await.problem(401);
    }
    attempt(&app, "2001:db8::ffff", "aspasia", "x").await.problem(429);
    attempt(&app, "2001:db8:0:1::1", "aspasia", "x").await.problem(401);
});

on_every_engine!(a_network_can_t_try_one_name_after_another, async || {
    let app = start(RateLimits { sign_ins_per_minute: 1, ..OFF }).await;
    for number in 0..5 {
        attempt(&app, "203.0.113.7", &format!("name-{number}"), "x").await.problem(401);
    }
    let refused = attempt(&app, "203.0.113.7", "one-more", "x").await;
    assert_limited(&refused, "sign-in-network", "q=5;w=60", 12);
    attempt(&app, "203.0.113.8", "one-more", "x").await.problem(401);
});

/// The cookie of a device on which this account has signed in, from 203.0.113.7.
async fn device_of(app: &TestApp, name: &str) -> String {
    let first = post_from(app, "203.0.113.7", "/api/session", &credentials(name)).await;
    let device = first.headers.get_all("set-cookie").iter().nth(1).unwrap().to_str().unwrap();
    assert!(device.contains("; HttpOnly") && device.contains("; Max-Age=34560000"), "{device}");
    let device = device.split(';').next().unwrap().to_owned();
    assert!(device.starts_with("ostrakon_device="), "{device}");
    device
}

/// The response to a request with this cookie from 203.0.113.7.
async fn post_by(
    app: &TestApp,
    cookie: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> TestResponse {
    let request = app.request(method, path).json(body).header("cookie", cookie);
    app.send(request.header("x-forwarded-for", "203.0.113.7")).await
}

on_every_engine!(known_devices_can_sign_in_during_a_flood_of_guesses, async || {
    let app = start(OFF).await;
    create_account(&app, "aspasia", Role::Member);
    let device = device_of(&app, "aspasia").await;
    let session = sign_in(&app, "aspasia").await.cookie;
    let guesses = (0..150).map(|number| {
        let address = format!("203.0.{}.{number}", 113 + number % 2);
        let app = &app;
        Box::pin(async move { attempt(app, &address, "aspasia", "x").await })
    });
    let mut guesses: Vec<_> = guesses.collect();
    // When the first one is refused, strangers have taken all their places.
    loop {
        let (guess, _, others) = select_all(guesses).await;
        guesses = others;
        if guess.status == 503 {
            assert_eq!(guess.problem(503), "overloaded");
            break;
        }
        assert_eq!(guess.problem(401), "credentials_wrong");
    }
    let sign_in = credentials("aspasia");
    let (proof, change) = (
        json!({"password": "x"}),
        json!({"current_password": "x", "new_password": "another sentence"}),
    );
    let known = [
        (device.as_str(), Method::POST, "/api/session", &sign_in, 201),
        (&session, Method::POST, "/api/session/proof", &proof, 403),
        (&session, Method::PUT, "/api/accounts/me/password", &change, 403),
    ];
    let app = &app;
    let known = known.map(|(cookie, method, path, body, expected)| async move {
        let response = post_by(app, cookie, method, path, body).await;
        assert_eq!(response.status, expected, "{path}: {response:?}");
    });
    futures_util::future::join_all(known).await;
});

on_every_engine!(a_device_that_signed_in_before_keeps_its_own_allowance, async || {
    let app = start(RateLimits { sign_ins_per_minute: 2, ..OFF }).await;
    create_account(&app, "aspasia", Role::Member);
    let device = device_of(&app, "aspasia").await;
    let by_device = async |device: &str, body: &Value| {
        post_by(&app, device, Method::POST, "/api/session", body).await
    };
    // Another client of the same network uses up the network's allowance.
    attempt(&app, "203.0.113.7", "aspasia", "x").await.problem(401);
    attempt(&app, "203.0.113.7", "aspasia", "x").await.problem(429);
    let signed_in = by_device(&device, &credentials("aspasia")).await;
    assert_eq!(signed_in.status, 201);
    assert_eq!(signed_in.header("ratelimit"), "\"sign-in\";r=1;t=30");

    // A device has the same allowance as others, is known for one account only, and can't be forged.
    let wrong = json!({"name": "aspasia", "password": "x"});
    by_device(&device, &wrong).await.problem(401);
    assert_limited(&by_device(&device, &wrong).await, "sign-in", "q=2;w=60", 30);
    for _ in 0..2 {
        attempt(&app, "203.0.113.7", "pericles", "x").await.problem(401);
    }
    by_device(&device, &json!({"name": "pericles", "password": "x"})).await.problem(429);
    let made_up = format!("ostrakon_device={0}.{0}", "A".repeat(22));
    by_device(&made_up, &wrong).await.problem(429);
});

on_every_engine!(a_name_attacked_from_many_networks_is_slow_but_not_locked, async || {
    let app = start(RateLimits { sign_ins_per_minute: 1, ..OFF }).await;
    create_account(&app, "aspasia", Role::Member);
    for network in 0..21 {
        let address = format!("203.0.113.{network}");
        attempt(&app, &address, "aspasia", "x").await.problem(401);
    }
    let owner = post_from(&app, "198.51.100.1", "/api/session", &credentials("aspasia")).await;
    assert_eq!(owner.status, 201);
});

on_every_engine!(concurrent_attempts_at_an_attacked_name_are_not_faster, async || {
    let app = start(RateLimits { sign_ins_per_minute: 1, ..OFF }).await;
    create_account(&app, "aspasia", Role::Member);
    let device = device_of(&app, "aspasia").await;
    for network in 0..20 {
        attempt(&app, &format!("198.51.100.{network}"), "aspasia", "x").await.problem(401);
    }
    let guesses = (20..60).map(|network| {
        let app = &app;
        Box::pin(
            async move { attempt(app, &format!("198.51.100.{network}"), "aspasia", "x").await },
        )
    });
    let mut guesses: Vec<_> = guesses.collect();
    // Few attempts may wait; the others are refused.
    let mut refused = 0;
    while refused < 20 {
        let (guess, _, others) = select_all(guesses).await;
        guesses = others;
        if guess.status == 401 {
            continue;
        }
        let retry_after = guess.header("retry-after").parse().unwrap();
        assert_limited(&guess, "sign-in-name", "q=20;w=60", retry_after);
        refused += 1;
    }
    let right = credentials("aspasia");
    let owner = post_by(&app, &device, Method::POST, "/api/session", &right).await;
    assert_eq!(owner.status, 201, "a known device does not wait");
});

on_every_engine!(a_session_that_was_stolen_can_t_guess_the_password, async || {
    let app = start(RateLimits { sign_ins_per_minute: 3, ..OFF }).await;
    let browser = register(&app, "aspasia").await;
    let change = json!({"current_password": "x", "new_password": "12345678"});
    for _ in 0..3 {
        let refused = browser.send(Method::PUT, "/api/accounts/me/password", change.clone()).await;
        assert_eq!(refused.problem(403), "password_wrong");
    }
    let limited = browser.send(Method::PUT, "/api/accounts/me/password", change).await;
    assert_limited(&limited, "sign-in", "q=3;w=60", 20);
});

on_every_engine!(registrations_are_limited_by_address_and_mistakes_are_free, async || {
    let app = start(RateLimits { registrations_per_hour: 2, ..OFF }).await;
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
    // A mistake is not counted, and says nothing of limits.
    assert_eq!(attempt("203.0.113.7", "a b").await.header("ratelimit"), "");
    assert_eq!(attempt("203.0.113.8", "two").await.status, 201);
});

on_every_engine!(posts_are_limited_by_account_or_by_a_guest_s_address, async || {
    let app = start(RateLimits { reviews_per_minute: 2, ..OFF }).await;
    let post = async |address: &str, path: &str| {
        post_from(&app, address, path, &json!({"body": "text"})).await
    };
    let reviews = "/api/products/1/reviews";
    let first = post("203.0.113.7", reviews).await;
    let says = |response: &TestResponse| response.header("ratelimit").to_owned();
    assert_eq!((first.status.as_u16(), says(&first)), (201, "\"posting\";r=1;t=30".to_owned()));
    assert_eq!(first.header("ratelimit-policy"), "\"posting\";q=2;w=60");
    let second = post("203.0.113.7", "/api/products/99/reviews").await;
    assert_eq!(second.problem(404), "product_not_found");
    assert_eq!(says(&second), "\"posting\";r=0;t=30");
    assert_eq!(app.get(reviews).await.header("ratelimit"), "", "reads have no limit");
    assert_limited(&post("203.0.113.7", reviews).await, "posting", "q=2;w=60", 30);
    assert_eq!(post("203.0.113.8", reviews).await.status, 201);
    assert_eq!(app.store().cluster().databases().unwrap().items[0].reviews, Some(2));

    // An account has its own limit, wherever it asks from.
    create_account(&app, "aspasia", Role::Member);
    let browser = sign_in(&app, "aspasia").await;
    for (product, status) in [(1, 201), (2, 201), (3, 429)] {
        let path = format!("/api/products/{product}/reviews");
        let posted = browser.send(Method::POST, &path, json!({"body": "text"})).await;
        assert_eq!(posted.status, status);
    }
});

on_every_engine!(the_operator_s_own_scripts_have_no_limit, async || {
    let app = TestApp::start_with(1, |config| {
        config.rate_limits = RateLimits { reviews_per_minute: 2, ..OFF };
    })
    .await;
    for _ in 0..10 {
        let response = app.post_review(1, &json!({"body": "text"})).await;
        assert_eq!((response.status.as_u16(), response.header("ratelimit")), (201, ""));
    }
});

on_every_engine!(only_a_trusted_proxy_can_name_the_client, async || {
    let app = TestApp::start_with(1, |config| {
        config.rate_limits = RateLimits { sign_ins_per_minute: 2, ..OFF };
        config.trusted_proxies = "10.0.0.0/8".parse().unwrap();
    })
    .await;
    for (number, status) in [(1, 401), (2, 401), (3, 429)] {
        let address = format!("203.0.113.{number}");
        attempt(&app, &address, "aspasia", "x").await.problem(status);
    }
});
