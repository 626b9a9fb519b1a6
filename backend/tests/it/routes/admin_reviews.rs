//! Reviews, as admins see them: all of them, wherever they live; and the overview.

use ostrakon_shared::{ReviewId, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestApp, ids};

const ALL: &str = "/api/admin/reviews";

with_databases!(all_reviews_have_exact_pages_newest_first, async |app| {
    let admin = app.create_account("admin", Role::Admin).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let mut posted = Vec::new();
    for n in 0..60_i64 {
        let product = n % 5 + 1;
        let body = json!({"body": format!("text {n}"), "rating": n % 5 + 1});
        let path = format!("/api/products/{product}/reviews");
        let by = (n < 5).then_some(&author);
        let response = app.send_json(by, Method::POST, &path, &body).await;
        posted.insert(0, response.json());
    }
    let listed = app.all_pages_as(&admin, &format!("{ALL}?limit=7")).await;
    let reviews: Vec<_> = listed.iter().map(|item| item["review"].clone()).collect();
    assert_eq!(reviews, posted);
    for item in &listed {
        let id = item["review"]["id"].as_str().unwrap().parse().unwrap();
        let place = app.store().cluster().locate(id);
        assert_eq!(item["database"], place.database);
        assert_eq!(item["bucket"], place.bucket.get());
    }
    // The lists of the databases together are the whole list.
    let mut sum = 0;
    for database in app.databases()["items"].as_array().unwrap() {
        let name = database["name"].as_str().unwrap();
        let path = format!("{ALL}?limit=9&database={name}");
        let part = app.all_pages_as(&admin, &path).await;
        let whole: Vec<_> = listed.iter().filter(|i| i["database"] == name).cloned().collect();
        assert_eq!(part, whole);
        assert_eq!(part.len() as u64, database["reviews"].as_u64().unwrap());
        sum += part.len();
    }
    assert_eq!(sum, 60);
    let count = async |filter: &str| {
        app.all_pages_as(&admin, &format!("{ALL}?limit=3&{filter}")).await.len()
    };
    assert_eq!(count("product_id=2").await, 12);
    assert_eq!(count("rating=4").await, 12);
    assert_eq!(count("product_id=2&rating=4").await, 0);
    assert_eq!(count(&format!("author_id={}", author.id)).await, 5);
    assert_eq!(count("status=approved").await, 60);
    assert_eq!(count("status=spam").await, 0);
    assert_eq!(count("search=TEXT%203").await, 15);
    assert_eq!(count("search=aspasia").await, 5);
    assert_eq!(count("search=100%25").await, 0);
    assert_eq!(listed[59]["author_account"], "aspasia");
    assert_eq!(listed[59]["product_name"], "Product 1");
});

on_every_engine!(a_review_is_found_by_its_id_in_either_form, async || {
    let app = TestApp::start(3).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let id = app.create_review(1, Some(4)).await;
    // A word of another review, which could be an id.
    app.post_review(2, &json!({"body": "an international krater"})).await;
    let number = id.parse::<ReviewId>().unwrap().get();
    let found =
        async |query: &str| ids_of(&app.all_pages_as(&admin, &format!("{ALL}?{query}")).await);
    for search in [id.clone(), id.to_lowercase(), number.to_string(), format!("%20{number}%20")] {
        assert_eq!(found(&format!("search={search}")).await, [&*id], "{search}");
    }
    assert_eq!(
        found(&format!("search={number}&rating=4&product_id=1&status=approved")).await.len(),
        1
    );
    let database = app.store().cluster().locate(id.parse().unwrap()).database;
    assert_eq!(found(&format!("search={number}&database={database}")).await.len(), 1);
    for other in ["rating=3", "product_id=2", "status=spam", "author_id=1"] {
        assert_eq!(
            found(&format!("search={number}&{other}")).await,
            Vec::<String>::new(),
            "{other}"
        );
    }
    assert_eq!(found("search=international").await.len(), 1);
    assert_eq!(found(&format!("search={}", number - 1)).await.len(), 0);
});

fn ids_of(items: &[Value]) -> Vec<String> {
    ids(&items.iter().map(|item| item["review"].clone()).collect::<Vec<_>>())
}

on_every_engine!(every_status_is_listed_and_can_be_filtered, async || {
    let app = TestApp::start(3).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let mut by_status = Vec::new();
    for (decision, status) in [("approve", "approved"), ("reject", "rejected"), ("spam", "spam")] {
        let id = app.create_review(1, None).await;
        let body = json!({"decision": decision, "reason": "off_topic",
            "reviews": [{"id": id, "version": 1}]});
        app.send_json(Some(&admin), Method::POST, "/api/moderation/decisions", &body).await;
        by_status.push((status, id));
    }
    let path = "/api/products/1/reviews";
    let own = app.send_json(Some(&admin), Method::POST, path, &json!({"body": "b"})).await.json();
    let id = own["id"].as_str().unwrap().to_owned();
    app.send(admin.authorize(app.request(Method::DELETE, &format!("/api/reviews/{id}")))).await;
    by_status.push(("deleted", id));
    for (status, id) in &by_status {
        let listed = app.get_json_as(&admin, &format!("{ALL}?status={status}")).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        assert_eq!(listed["items"][0]["review"]["id"], *id);
        let detail = app.get_json_as(&admin, &format!("{ALL}/{id}")).await;
        assert_eq!(detail["review"]["review"]["status"], *status);
    }
    assert_eq!(app.all_pages_as(&admin, ALL).await.len(), 4);
    let total: u64 = app.databases()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|database| database["reviews"].as_u64().unwrap())
        .sum();
    assert_eq!(total, 4, "hidden reviews are rows, too");
    for (filter, code) in [
        ("status=odd", "parameter_invalid"),
        ("rating=6", "parameter_invalid"),
        ("author_id=x", "parameter_invalid"),
        ("cursor=x", "cursor_invalid"),
    ] {
        let refused = app.get_as(&admin, &format!("{ALL}?{filter}")).await;
        assert_eq!(refused.problem(400), code, "{filter}");
    }
    let nowhere = app.get_as(&admin, &format!("{ALL}?database=reviews-9")).await;
    assert_eq!(nowhere.problem(404), "database_not_found");
});

on_every_engine!(the_overview_counts_reviews_by_day_and_the_queue, async || {
    let app = TestApp::start_with(3, |config| config.pre_moderation = true).await;
    let admin = app.create_account("admin", Role::Admin).await;
    for n in 0..7 {
        app.create_review(n % 5 + 1, Some(3)).await;
    }
    let overview = app.get_json_as(&admin, "/api/admin/overview").await;
    let days = overview["days"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    let counted: u64 = days.iter().map(|day| day["reviews"].as_u64().unwrap()).sum();
    assert_eq!((counted, &overview["pending"], &overview["reported"]), (7, &json!(7), &json!(0)));
    assert!(days.windows(2).all(|pair| pair[0]["date"].as_str() < pair[1]["date"].as_str()));
    assert_eq!(overview["databases"].as_array().unwrap().len(), 3);
});

on_every_engine!(admins_see_which_database_is_down, async || {
    let app = TestApp::start(3).await;
    let admin = app.create_account("admin", Role::Admin).await;
    for _ in 0..30 {
        app.create_review(1, Some(3)).await;
    }
    let all = ids(&app
        .all_pages_as(&admin, ALL)
        .await
        .iter()
        .map(|item| item["review"].clone())
        .collect::<Vec<_>>());
    let app = app.restart().await;
    app.cluster().corrupt("reviews-2");
    let (status, code) = app.cluster().corrupt_problem();
    assert_eq!(app.get_as(&admin, ALL).await.problem(status), code);
    let partial = app.get_json_as(&admin, &format!("{ALL}?allow_partial=true&limit=100")).await;
    assert_eq!(partial["missing_databases"], json!(["reviews-2"]));
    let there = app.get_json_as(&admin, &format!("{ALL}?database=reviews-1&limit=100")).await;
    let len = |page: &Value| page["items"].as_array().unwrap().len();
    assert!(len(&there) < len(&partial) && len(&partial) < all.len());
    let down = &app.get_json_as(&admin, "/api/databases").await["items"][1];
    assert_eq!((&down["health"], &down["size_bytes"]), (&json!("down"), &Value::Null));
    let overview = app.get_json_as(&admin, "/api/admin/overview").await;
    assert_eq!(overview["databases"][1]["health"], "down");
});
