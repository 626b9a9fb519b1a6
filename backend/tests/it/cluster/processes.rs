//! Several processes that serve the same PostgreSQL databases: changes at one are visible at the other
//! from the next request on, except for cached responses: see `http/cache.rs`. A SQLite file belongs
//! to one process.

use std::sync::Barrier;

use futures_util::future::{join, join_all};
use ostrakon::http::RateLimits;
use ostrakon::store::{Source, StoreError};
use ostrakon_shared::{AccountEdit, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::routes::concurrency;
use crate::support::accounts::{create_account, credentials, post_json, register, sign_in};
use crate::support::app::{TestAccount, TestApp, TestResponse, ids};

const REVIEWS: &str = "/api/products/1/reviews";
/// How often a race is run: which process wins is up to chance.
const ROUNDS: i64 = 25;

/// Two servers of the same databases, each with its own state.
struct Two {
    one: TestApp,
    other: TestApp,
}

impl Two {
    async fn start() -> Two {
        let one = TestApp::start_with(3, |config| config.cache_mib = 0).await;
        Two { other: one.start_second_process(), one }
    }

    /// Both servers, in either order.
    fn both_ways(&self) -> [[&TestApp; 2]; 2] {
        [[&self.one, &self.other], [&self.other, &self.one]]
    }

    /// A product of its own for each round.
    fn product(&self, round: i64) -> i64 {
        let product = 1000 + round;
        self.one.add_product(product);
        product
    }
}

/// The one response with this status; the others must be problems with this code.
#[track_caller]
fn one_wins(responses: Vec<TestResponse>, won: u16, lost: u16, code: &str) -> TestResponse {
    let (mut winners, losers): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|response| response.status == won);
    losers.iter().for_each(|response| assert_eq!(response.problem(lost), code));
    assert_eq!(winners.len(), 1, "{winners:?}");
    winners.remove(0)
}

async fn edit(
    app: &TestApp,
    by: &TestAccount,
    review: &Value,
    version: i64,
    body: Value,
) -> TestResponse {
    let path = format!("/api/reviews/{}", review["id"].as_str().unwrap());
    let request = app.request(Method::PATCH, &path).header("if-match", format!("\"{version}\""));
    app.send(by.authorize(request.json(&body))).await
}

/// The result of a decision about one review.
async fn decide(app: &TestApp, by: &TestAccount, decision: &str, id: &str, version: i64) -> Value {
    let body = json!({"decision": decision, "reason": "off_topic",
        "reviews": [{"id": id, "version": version}]});
    let response = app.send_json(Some(by), Method::POST, "/api/moderation/decisions", &body).await;
    response.json()["items"][0].clone()
}

on_every_server!(a_review_posted_at_one_is_visible_at_the_other, async || {
    let two = Two::start().await;
    let mut posted = Vec::new();
    for n in 0..ROUNDS {
        let [writer, reader] = two.both_ways()[n as usize % 2];
        let body = json!({"body": n.to_string(), "rating": n % 5 + 1});
        let review = writer.post_review(1, &body).await.json();
        let id = review["id"].as_str().unwrap().to_owned();
        posted.push(id.clone());
        assert_eq!(reader.get_json(&format!("/api/reviews/{id}")).await, review);
        for sort in ["newest", "oldest", "highest", "lowest"] {
            let listed = reader.all_pages(&format!("{REVIEWS}?sort={sort}&limit=7")).await;
            assert_eq!(listed.len(), posted.len(), "{sort}");
            assert!(listed.contains(&review), "{sort}");
        }
        let rated = reader.get_json(&format!("{REVIEWS}?rating={}", n % 5 + 1)).await;
        assert_eq!(rated["items"][0]["id"], id);
        assert_eq!(reader.get_json("/api/products/1/rating").await["count"], posted.len());
        assert_eq!(reader.get_json("/api/products/1").await["rating"]["count"], posted.len());
    }
    for app in [&two.one, &two.other] {
        assert_eq!(ids(&app.all_pages(&format!("{REVIEWS}?sort=oldest")).await), posted);
        app.verify();
    }
});

on_every_server!(a_change_at_one_is_visible_at_the_other, async || {
    let two = Two::start().await;
    let author = two.one.create_account("aspasia", Role::Member).await;
    let moderator = two.one.create_account("moderator", Role::Moderator).await;
    for (n, [one, other]) in (1..).zip(two.both_ways()) {
        let path = format!("/api/products/{n}/reviews");
        let body = json!({"body": "first", "rating": 1});
        let review = one.send_json(Some(&author), Method::POST, &path, &body).await.json();
        let id = review["id"].as_str().unwrap();
        let edited = edit(other, &author, &review, 1, json!({"rating": 5})).await.json();
        assert_eq!(one.get_json(&format!("/api/reviews/{id}")).await, edited);
        assert_eq!(one.get_json(&format!("/api/products/{n}/rating")).await["average"], 5.0);
        assert_eq!(decide(one, &moderator, "spam", id, 2).await["status"], "spam");
        let gone = other.get(&format!("/api/reviews/{id}")).await;
        assert_eq!(gone.problem(404), "review_not_found");
        assert_eq!(other.all_pages(&path).await, Vec::<Value>::new());
        assert_eq!(other.get_json(&format!("/api/products/{n}/rating")).await["count"], 0);
    }
    two.other.verify();
});

on_every_server!(both_make_one_review_for_each_author_and_product, async || {
    let two = Two::start().await;
    let author = two.one.create_account("aspasia", Role::Member).await;
    for round in 0..ROUNDS {
        let path = format!("/api/products/{}/reviews", two.product(round));
        let body = json!({"body": "race", "rating": 5});
        let post = |app| TestApp::send_json(app, Some(&author), Method::POST, &path, &body);
        let responses = join_all([&two.one, &two.other, &two.one, &two.other].map(post)).await;
        let location = responses[0].header("location").to_owned();
        assert!(responses.iter().all(|response| response.header("location") == location));
        one_wins(responses, 201, 409, "review_exists");
        assert_eq!(two.one.all_pages(&path).await.len(), 1);
    }
    two.one.verify();
});

on_every_server!(the_same_key_at_both_makes_one_review, async || {
    let two = Two::start().await;
    for round in 0..ROUNDS {
        let key = format!("key-{round}");
        let body = json!({"body": "once", "rating": 4});
        let post = |app| TestApp::post_with_key(app, 1, &body, &key);
        let responses = join_all([&two.one, &two.other, &two.one, &two.other].map(post)).await;
        for response in &responses {
            assert_eq!((response.status.as_u16(), response.json()), (201, responses[0].json()));
        }
        let new = responses.iter().filter(|a| a.header("idempotency-replayed").is_empty()).count();
        assert_eq!(new, 1);
    }
    assert_eq!(two.one.get_json("/api/products/1/rating").await["count"], ROUNDS);
    two.one.verify();
});

on_every_server!(a_session_begun_at_one_is_valid_at_the_other, async || {
    let two = Two::start().await;
    create_account(&two.one, "aspasia", Role::Member);
    for [one, other] in two.both_ways() {
        let here = sign_in(one, "aspasia").await;
        let there = here.at(other);
        assert_eq!(there.name().await, "aspasia");
        assert_eq!(there.delete("/api/session").await.status, 204);
        assert_eq!(here.get("/api/session").await.problem(401), "session_invalid");

        let (here, another) = (sign_in(one, "aspasia").await, sign_in(other, "aspasia").await);
        let password = credentials("aspasia")["password"].clone();
        let change = json!({"current_password": password, "new_password": password});
        let changed = here.send(Method::PUT, "/api/accounts/me/password", change).await;
        assert_eq!(changed.status, 204);
        assert_eq!(another.get("/api/session").await.problem(401), "session_invalid");
        assert_eq!(here.at(other).name().await, "aspasia");
    }
    // A name can be registered at one of them only.
    let names = ["pericles", "Pericles"].map(credentials);
    let (one, other) = join(
        post_json(&two.one, "/api/accounts", &names[0]),
        post_json(&two.other, "/api/accounts", &names[1]),
    )
    .await;
    one_wins(vec![one, other], 201, 409, "name_taken");
});

on_every_server!(an_account_disabled_or_demoted_at_one_is_so_at_the_other, async || {
    let two = Two::start().await;
    create_account(&two.one, "admin", Role::Admin);
    for (name, [one, other]) in ["aspasia", "pericles"].into_iter().zip(two.both_ways()) {
        let admin = sign_in(one, "admin").await;
        let there = register(other, name).await;
        let id = there.get("/api/session").await.json()["account"]["id"].clone();
        let path = format!("/api/admin/accounts/{}", id.as_str().unwrap());
        let change = async |change| admin.send(Method::PATCH, &path, change).await.status;

        assert_eq!(change(json!({"role": "moderator"})).await, 200);
        assert_eq!(there.get("/api/moderation/queue").await.status, 200);
        assert_eq!(change(json!({"role": "member"})).await, 200);
        assert_eq!(there.get("/api/moderation/queue").await.problem(403), "not_allowed");
        assert_eq!(change(json!({"disabled": true})).await, 200);
        assert_eq!(there.get("/api/session").await.problem(401), "session_invalid");
        let refused = post_json(other, "/api/session", &credentials(name)).await;
        assert_eq!(refused.problem(401), "credentials_wrong");
    }
});

on_every_server!(two_admins_who_demote_each_other_at_both_leave_one, async || {
    let two = Two::start().await;
    let admins = ["one", "other"].map(|name| create_account(&two.one, name, Role::Admin));
    let promote = AccountEdit { role: Some(Role::Admin), disabled: Some(false) };
    for demote in [
        AccountEdit { role: Some(Role::Member), disabled: None },
        AccountEdit { role: None, disabled: Some(true) },
    ] {
        for _ in 0..ROUNDS {
            let barrier = Barrier::new(2);
            let stores = [two.one.store(), two.other.store()];
            let outcomes = std::thread::scope(|scope| {
                let demotions = [0, 1].map(|n| {
                    let (barrier, admin, demote) = (&barrier, &admins[n], &demote);
                    scope.spawn(move || {
                        barrier.wait();
                        stores[n].accounts().edit(&Source::operator(), admin.id, demote)
                    })
                });
                demotions.map(|demotion| demotion.join().unwrap())
            });
            let refused = |o: &&Result<_, _>| matches!(o, Err(StoreError::LastAdmin));
            assert_eq!(outcomes.iter().filter(refused).count(), 1, "{outcomes:?}");
            assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1, "{outcomes:?}");
            for admin in &admins {
                two.one.store().accounts().edit(&Source::operator(), admin.id, &promote).unwrap();
            }
        }
    }
});

on_every_server!(one_of_two_concurrent_edits_wins, async || {
    let two = Two::start().await;
    let author = two.one.create_account("aspasia", Role::Member).await;
    let body = json!({"body": "first", "rating": 3});
    let review = two.one.send_json(Some(&author), Method::POST, REVIEWS, &body).await.json();
    for version in 1..=ROUNDS {
        let change =
            |by: &str| json!({"body": format!("{by} {version}"), "rating": version % 5 + 1});
        let edits = join(
            edit(&two.one, &author, &review, version, change("one")),
            edit(&two.other, &author, &review, version, change("other")),
        );
        let (one, other) = edits.await;
        let won = one_wins(vec![one, other], 200, 412, "version_conflict");
        let path = format!("/api/reviews/{}", review["id"].as_str().unwrap());
        for app in [&two.one, &two.other] {
            assert_eq!(app.get_json(&path).await, won.json());
        }
    }
    two.one.verify();
});

on_every_server!(one_of_two_concurrent_decisions_wins, async || {
    let two = Two::start().await;
    let moderator = two.one.create_account("moderator", Role::Moderator).await;
    let id = two.one.create_review(1, Some(4)).await;
    for version in 1..=ROUNDS {
        let (one, other) = join(
            decide(&two.one, &moderator, "spam", &id, version),
            decide(&two.other, &moderator, "approve", &id, version),
        )
        .await;
        let told = [&one, &other].map(|result| result["problem"] == "version_conflict");
        assert!(told[0] != told[1], "{one} {other}");
        let won = if told[0] { &other } else { &one };
        assert_eq!(won["version"], version + 1);
        let count = u64::from(won["status"] == "approved");
        for app in [&two.one, &two.other] {
            assert_eq!(app.get_json("/api/products/1/rating").await["count"], count);
        }
    }
    two.one.verify();
});

on_every_server!(ratings_stay_exact_under_concurrent_changes, async || {
    let two = Two::start().await;
    let moderator = two.one.create_account("moderator", Role::Moderator).await;
    let mut reviews = Vec::new();
    for n in 0..ROUNDS {
        let author = two.one.create_account(&format!("author-{n}"), Role::Member).await;
        let body = json!({"body": "text", "rating": n % 5 + 1});
        let review = two.other.send_json(Some(&author), Method::POST, REVIEWS, &body).await;
        assert_eq!(review.status, 201, "{review:?}");
        reviews.push((author, review.json()));
    }
    // Three clients change each review at the same time, in random order.
    join_all(reviews.iter().map(async |(author, review)| {
        let id = review["id"].as_str().unwrap();
        let delete = two.other.request(Method::DELETE, &format!("/api/reviews/{id}"));
        let report = format!("/api/reviews/{id}/reports");
        let spam = json!({"reason": "spam"});
        let edits = join(
            edit(&two.one, author, review, 1, json!({"body": "edited", "rating": 1})),
            two.other.send(author.authorize(delete.header("if-match", "\"1\""))),
        );
        let judges = join(
            decide(&two.other, &moderator, "reject", id, 1),
            two.one.send_json(Some(&moderator), Method::POST, &report, &spam),
        );
        let ((edited, deleted), (decided, _)) = join(edits, judges).await;
        let won = [edited.status == 200, deleted.status == 204, decided["problem"].is_null()];
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{edited:?} {deleted:?} {decided}");
    }))
    .await;
    for app in [&two.one, &two.other] {
        let listed = app.all_pages(REVIEWS).await;
        assert_eq!(app.get_json("/api/products/1/rating").await["count"], listed.len());
        app.verify();
    }
});

on_every_server!(the_same_sku_at_both_makes_one_product, async || {
    let two = Two::start().await;
    let admin = two.one.create_account("admin", Role::Admin).await;
    for round in 0..ROUNDS {
        let body = json!({"name": "Krater", "sku": format!("POT-{round}")});
        let create =
            |app| TestApp::send_json(app, Some(&admin), Method::POST, "/api/admin/products", &body);
        let responses = join_all([&two.one, &two.other].map(create)).await;
        let product = one_wins(responses, 201, 409, "sku_taken").json();
        let path = format!("/api/products/{}", product["id"].as_str().unwrap());
        for app in [&two.one, &two.other] {
            assert_eq!(app.get_json(&path).await["name"], "Krater");
        }
    }
});

on_every_server!(a_product_that_is_archived_at_one_takes_no_reviews_at_the_other, async || {
    let two = Two::start().await;
    let admin = two.one.create_account("admin", Role::Admin).await;
    for (id, [one, other]) in (1..).zip(two.both_ways()) {
        other.create_review(id, Some(5)).await;
        let path = format!("/api/admin/products/{id}");
        let archive = one.request(Method::PATCH, &path).header("if-match", "\"1\"");
        let archived = one.send(admin.authorize(archive.json(&json!({"archived": true})))).await;
        assert_eq!(archived.status, 200, "{archived:?}");
        let refused = other.post_review(id, &json!({"body": "too late"})).await;
        assert_eq!(refused.problem(409), "product_archived");
    }
});

on_every_server!(pages_are_exact_while_both_write, async || {
    let two = Two::start().await;
    concurrency::post_while_others_page(&[&two.one, &two.other]).await;
});

// Each process counts by itself: two allow twice as much.
on_every_server!(each_process_has_limits_of_its_own, async || {
    let one = TestApp::start_with(1, |config| {
        config.rate_limits =
            RateLimits { sign_ins_per_minute: 2, registrations_per_hour: 0, reviews_per_minute: 0 };
    })
    .await;
    for app in [&one, &one.start_second_process()] {
        for status in [401, 401, 429] {
            let body = json!({"name": "aspasia", "password": "wrong"});
            post_json(app, "/api/session", &body).await.problem(status);
        }
    }
});
