//! Names of accounts, and signatures of reviews.

use ostrakon_shared::{Credentials, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{create_account, credentials, register, sign_in};
use crate::support::app::{TestApp, TestResponse};
use crate::support::cli::{run, succeeds};
use crate::support::cluster::TestCluster;
use crate::support::engine::{Engine, engine};

const REVIEWS: &str = "/api/products/1/reviews";

async fn try_register(app: &TestApp, name: &str) -> TestResponse {
    app.send(app.request(Method::POST, "/api/accounts").json(&credentials(name))).await
}

on_every_engine!(a_name_that_looks_like_another_is_taken, async || {
    let app = TestApp::start(1).await;
    register(&app, "aspasia").await;
    register(&app, "Victor").await;
    for name in ["аspasia", "ASPASlA", "aspas1a", "ａｓｐａｓｉａ", "νictor", "VlCTOR"] {
        assert_eq!(try_register(&app, name).await.problem(409), "name_taken", "{name}");
        let same = Credentials { name: name.to_owned(), password: "a long sentence".to_owned() };
        app.store().accounts().create(&same, Role::Member).unwrap_err();
    }
    for name in ["aspásia", "aspasio", "Σωκράτης", "Кружка"] {
        register(&app, name).await;
    }
});

on_every_engine!(names_that_look_alike_race_for_one_account, async || {
    let app = TestApp::start(1).await;
    let names = ["phidias", "рhidias", "phidi\u{430}s", "PHlDIAS"];
    let responses = names.map(|name| try_register(&app, name));
    let responses = futures_util::future::join_all(responses).await;
    let made = responses.iter().filter(|response| response.status == 201).count();
    let taken = responses.iter().filter(|response| response.status == 409).count();
    assert_eq!((made, taken), (1, 3), "{responses:?}");
});

on_every_engine!(names_that_speak_for_the_service_are_reserved, async || {
    let app = TestApp::start(1).await;
    for name in [
        "admin",
        "Administrator",
        "аdmin",
        "ad-min",
        "admins",
        "mod",
        "M0D",
        "moderator",
        "Moderators",
        "Ostrakon",
        "support",
        "staff",
        "root",
        "system",
        "0fficial",
    ] {
        let refused = try_register(&app, name).await;
        assert_eq!(refused.problem(422), "validation_failed", "{name}");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/name", "{name}");
        assert_eq!(refused.json()["errors"][0]["code"], "reserved", "{name}");
        let signed = app.post_review(1, &json!({"body": "b", "author_name": name})).await;
        assert_eq!(signed.problem(422), "validation_failed", "{name}");
        assert_eq!(signed.json()["errors"][0]["code"], "reserved", "{name}");
    }
    // An operator can create such accounts.
    create_account(&app, "admin", Role::Admin);
    let admin = sign_in(&app, "admin").await;
    let own = admin.send(Method::POST, REVIEWS, json!({"body": "b", "author_name": "Admin"})).await;
    assert_eq!(
        (&own.json()["author_name"], &own.json()["member"]),
        (&json!("admin"), &json!(true))
    );
});

/// The name of a review, and whether it is marked as a member's.
fn signature(review: &Value) -> (Option<&str>, bool) {
    (review["author_name"].as_str(), review["member"].as_bool().unwrap())
}

#[track_caller]
fn taken(response: &TestResponse) {
    assert_eq!(response.problem(422), "validation_failed", "{response:?}");
    let error = &response.json()["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/author_name"), &json!("taken")));
}

on_every_engine!(invisible_characters_make_no_other_name, async || {
    let app = TestApp::start(1).await;
    app.create_account("aspasia", Role::Admin).await;
    let member = app.create_account("pericles", Role::Member).await;
    let unseen = [
        '\u{2800}',
        '\u{3164}',
        '\u{115f}',
        '\u{1160}',
        '\u{ffa0}',
        '\u{1d159}',
        '\u{fff9}',
        '\u{fffa}',
        '\u{fffb}',
        '\u{fffc}',
        '\u{13430}',
        '\u{13441}',
        '\u{13442}',
        '\u{16fe4}',
        '\u{2d7f}',
        '\u{1107f}',
        // Format characters, of private use, not assigned, and noncharacters.
        '\u{ad}',
        '\u{200d}',
        '\u{61c}',
        '\u{e0041}',
        '\u{e000}',
        '\u{f8ff}',
        '\u{10fffd}',
        '\u{378}',
        '\u{e0fff}',
        '\u{fdd0}',
        '\u{ffff}',
        '\u{10ffff}',
    ];
    for c in unseen {
        for name in [format!("Aspasia{c}"), format!("{c}Aspasia"), format!("Asp{c}asia")] {
            let signed = json!({"body": "b", "author_name": name});
            taken(&app.post_review(1, &signed).await);
            taken(&app.send_json(Some(&member), Method::POST, REVIEWS, &signed).await);
        }
        let reserved = json!({"body": "b", "author_name": format!("ad{c}min")});
        let refused = app.post_review(1, &reserved).await;
        assert_eq!(refused.json()["errors"][0]["code"], "reserved", "{c:?}");
        try_register(&app, &format!("Aspasia{c}")).await.problem(422);
    }
    assert_eq!(app.all_pages(REVIEWS).await, Vec::<Value>::new(), "nothing of it is there");
});

with_databases!(a_review_can_t_be_signed_with_the_name_of_another_account, async |app| {
    let author = app.create_account("aspasia", Role::Member).await;
    app.create_account("pericles", Role::Member).await;
    let signed = |name: &str| json!({"body": "b", "author_name": name});
    for name in ["aspasia", "ASPASIA", "аspasia", " aspasia ", "asp\u{200b}asia", "aspas1a"] {
        taken(&app.post_review(1, &signed(name)).await);
        taken(&app.post_with_key(1, &signed(name), "a-key").await);
    }
    taken(&app.send_json(Some(&author), Method::POST, REVIEWS, &signed("Pericles")).await);
    assert_eq!(app.all_pages(REVIEWS).await, Vec::<Value>::new(), "nothing of it is there");

    let guest = app.post_review(1, &signed("Chloé")).await.json();
    assert_eq!(signature(&guest), (Some("Chloé"), false));
    let post = async |product: i64, body: Value| {
        let path = format!("/api/products/{product}/reviews");
        let response = app.send_json(Some(&author), Method::POST, &path, &body).await;
        assert_eq!(response.status, 201, "{response:?}");
        let review = response.json();
        let listed = app.all_pages(&path).await;
        assert!(listed.contains(&review), "{listed:?}");
        review
    };
    assert_eq!(signature(&post(1, json!({"body": "b"})).await), (Some("aspasia"), true));
    assert_eq!(signature(&post(2, signed("Аspasia")).await), (Some("aspasia"), true));
    assert_eq!(signature(&post(3, signed("A. of Miletus")).await), (Some("A. of Miletus"), false));
    app.verify();
});

on_every_engine!(edited_signatures_follow_the_same_rules, async || {
    let app = TestApp::start(2).await;
    let author = app.create_account("aspasia", Role::Member).await;
    app.create_account("pericles", Role::Member).await;
    let own =
        app.send_json(Some(&author), Method::POST, REVIEWS, &json!({"body": "b"})).await.json();
    let path = format!("/api/reviews/{}", own["id"].as_str().unwrap());
    let edit = async |change: Value| {
        let request = app.request(Method::PATCH, &path).header("if-match", "*");
        app.send(author.authorize(request.json(&change))).await
    };
    let signed = async |name: Value| {
        let review = edit(json!({"author_name": name})).await.json();
        assert_eq!(app.get_json(&path).await, review);
        let (name, member) = signature(&review);
        (name.unwrap_or_default().to_owned(), member)
    };
    taken(&edit(json!({"author_name": "Рericles"})).await);
    assert_eq!(signed(json!("Mila")).await, ("Mila".to_owned(), false));
    assert_eq!(signed(json!("ASPASIA")).await, ("aspasia".to_owned(), true));
    assert_eq!(signed(json!("Mila")).await, ("Mila".to_owned(), false));
    assert_eq!(signed(json!(null)).await, ("aspasia".to_owned(), true));
    assert_eq!(signed(json!("Mila")).await, ("Mila".to_owned(), false));
    let refused = edit(json!({"author_name": "Root"})).await;
    assert_eq!(refused.json()["errors"][0]["code"], "reserved");

    // An account that takes the name later does not change existing signatures.
    app.create_account("mila", Role::Member).await;
    let edited = edit(json!({"body": "c", "author_name": "Mila"})).await.json();
    assert_eq!((signature(&edited), &edited["body"]), ((Some("Mila"), false), &json!("c")));
    let edited = edit(json!({"body": "d"})).await.json();
    assert_eq!(signature(&edited), (Some("Mila"), false));
    taken(&app.post_review(1, &json!({"body": "b", "author_name": "Mila"})).await);
});

on_every_engine!(a_name_is_refused_alone_in_its_batch, async || {
    let app = TestApp::start(1).await;
    app.create_account("aspasia", Role::Member).await;
    let posts = (0..24_i64).map(|n| {
        let name = ["aspasia", "Chloé", "Ben K."][(n % 3) as usize];
        let body = json!({"body": n.to_string(), "author_name": name});
        async move { (n, body) }
    });
    let posts = posts.map(|post| async {
        let (n, body) = post.await;
        (n, app.post_review(n % 5 + 1, &body).await)
    });
    for (n, response) in futures_util::future::join_all(posts).await {
        if n % 3 == 0 { taken(&response) } else { assert_eq!(response.status, 201, "{response:?}") }
    }
});

on_every_engine!(the_demo_signs_with_no_account_s_name, async || {
    let app = TestApp::start(1).await;
    app.create_account("chloe", Role::Member).await;
    let seeds = ["Chloe", "Ben K."].map(|name| ostrakon::store::SeedReview {
        product: ostrakon_shared::ProductId::new(1).unwrap(),
        unix_ms: 1_700_000_000_000,
        draw: name.len() as u32,
        content: ostrakon_shared::NewReview {
            body: "b".to_owned(),
            author_name: Some(name.to_owned()),
            ..Default::default()
        },
        status: ostrakon_shared::ReviewStatus::Approved,
    });
    app.store().cluster().seed(&[], &seeds, |_| ()).unwrap();
    let listed = app.all_pages(REVIEWS).await;
    let mut names: Vec<_> = listed.iter().map(|review| review["author_name"].as_str()).collect();
    names.sort();
    assert_eq!(names, [None, Some("Ben K.")]);
});

/// Reverts the migrations of names, as if an earlier program had filled the databases.
fn undo(cluster: &TestCluster) {
    macro_rules! down {
        ($path:literal) => {
            match engine() {
                Engine::Sqlite => include_str!(concat!("../../../../migrations/sqlite/", $path)),
                _ => include_str!(concat!("../../../../migrations/postgres/", $path)),
            }
        };
    }
    let forget = "DELETE FROM __diesel_schema_migrations WHERE version = '20261127070000'";
    let default = down!("default/2026-11-27-070000_names/down.sql");
    let reviews = down!("reviews/2026-11-27-070000_pen_names/down.sql");
    for (database, down) in [("default", default), ("reviews-1", reviews), ("reviews-2", reviews)] {
        // On Citus, a statement that changes a table must be sent alone.
        for statement in down.trim_end().split_inclusive(';').chain([forget]) {
            cluster.sql(database, statement);
        }
    }
}

on_every_engine!(a_migration_compares_existing_names, async || {
    let app = TestApp::start(2).await;
    let [one, other] =
        [create_account(&app, "aspasia", Role::Member), create_account(&app, "mila", Role::Member)];
    let by = [sign_in(&app, "aspasia").await, sign_in(&app, "mila").await];
    for (product, body) in [
        (1, json!({"body": "own"})),
        (2, json!({"body": "pen", "author_name": "A. of Miletus"})),
        (3, json!({"body": "cased"})),
        (4, json!({"body": "nameless"})),
    ] {
        let path = format!("/api/products/{product}/reviews");
        for by in &by {
            assert_eq!(by.send(Method::POST, &path, body.clone()).await.status, 201);
        }
    }
    app.post_review(5, &json!({"body": "guest", "author_name": "Chloé"})).await;
    let cluster = app.stop().await;
    undo(&cluster);
    for database in ["reviews-1", "reviews-2"] {
        cluster.sql(
            database,
            "UPDATE review SET author_name = upper(author_name) WHERE body = 'cased';
             UPDATE review SET author_name = NULL WHERE body = 'nameless'",
        );
    }
    cluster.sql("default", "UPDATE product SET search_text = 'of an earlier program'");
    // Two names that look alike, which an earlier program allowed.
    let (name, id) = ("аspasia", other.id);
    cluster.sql(
        "default",
        &format!("UPDATE account SET name = '{name}', name_key = '{name}' WHERE id = {id}"),
    );

    let config = cluster.config(2);
    config.open().map(drop).unwrap_err();
    let mut lines = Vec::new();
    config.databases().unwrap().migrate(None, &mut |line| lines.push(line)).unwrap();
    for line in ["default: account_names: done, 2 rows", "default: product_search: done, 5 rows"] {
        assert!(lines.iter().any(|said| said == line), "{line}: {lines:?}");
    }
    let app = TestApp::start_on(cluster, 2, |_| ());
    assert_eq!(sign_in(&app, "aspasia").await.name().await, "aspasia");
    assert_eq!(sign_in(&app, name).await.name().await, name);
    assert_eq!(try_register(&app, "Aspasia").await.problem(409), "name_taken");
    assert_eq!(app.all_pages("/api/products?search=product").await.len(), 5);
    let admin = app.create_account("admin", Role::Admin).await;
    let listed = app.all_pages_as(&admin, "/api/admin/reviews").await;
    for item in &listed {
        let (review, body) = (&item["review"], item["review"]["body"].as_str().unwrap());
        let expected = match body {
            "own" | "cased" if item["author_id"] == one.id.to_string() => (Some("aspasia"), true),
            // The account had another name when it signed.
            "own" => (Some("mila"), false),
            "cased" => (Some("MILA"), false),
            "pen" => (Some("A. of Miletus"), false),
            "nameless" => (None, false),
            _ => (Some("Chloé"), false),
        };
        assert_eq!(signature(review), expected, "{item}");
    }
    assert_eq!(listed.len(), 9);
    // A second migration does nothing.
    let config = app.cluster().config(2);
    let mut lines = Vec::new();
    config.databases().unwrap().migrate(None, &mut |line| lines.push(line)).unwrap();
    assert!(lines.iter().all(|line| line.ends_with("up to date")), "{lines:?}");
});

on_every_engine!(a_migration_that_was_interrupted_is_finished_by_the_next_one, async || {
    let app = TestApp::start(3).await;
    create_account(&app, "aspasia", Role::Member);
    let cluster = app.stop().await;
    // As if the program had been killed after the migrations, before it computed anything.
    cluster.sql(
        "default",
        "INSERT INTO backfill VALUES ('account_names');
         UPDATE account SET name_skeleton = '', search_text = ''",
    );
    let refused = run(&cluster, &["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("default") && said.contains("ostrakon migrate"), "{said}");
    succeeds(&cluster, &["migrate"]);
    let app = TestApp::start_on(cluster, 3, |_| ());
    assert_eq!(try_register(&app, "аspasia").await.problem(409), "name_taken");
});

on_every_engine!(a_migration_ignores_invisible_characters, async || {
    let app = TestApp::start(1).await;
    create_account(&app, "aspasia", Role::Member);
    app.add_named_product(6, "Kra\u{e000}ter");
    let cluster = app.stop().await;
    // As an earlier program stored it.
    for statement in [
        "UPDATE account SET name_skeleton = 'of an earlier program'",
        "UPDATE product SET search_text = 'kra\u{e000}ter' WHERE id = 6",
        "DELETE FROM __diesel_schema_migrations WHERE version = '20261127200000'",
    ] {
        cluster.sql("default", statement);
    }
    cluster.config(1).open().map(drop).unwrap_err();
    let app = TestApp::start_on(cluster, 1, |_| ());
    assert_eq!(try_register(&app, "аspasia").await.problem(409), "name_taken");
    assert_eq!(app.all_pages("/api/products?search=krater").await.len(), 1);
});
