//! Products: pages, search, ratings.

use serde_json::json;

use crate::support::app::{TestApp, ids};

with_databases!(each_product_comes_with_its_own_rating, async |app| {
    for (product, ratings) in [(1, vec![Some(5), Some(4), None]), (3, vec![Some(1)])] {
        for rating in ratings {
            app.create_review(product, rating).await;
        }
    }
    let page = app.get_json("/api/products").await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(ids(items), ["1", "2", "3", "4", "5"]);
    let first = json!({"count": 3, "average": 4.5, "histogram": [0, 0, 0, 1, 1], "unrated": 1});
    let none = json!({"count": 0, "average": null, "histogram": [0, 0, 0, 0, 0], "unrated": 0});
    let third = json!({"count": 1, "average": 1.0, "histogram": [1, 0, 0, 0, 0], "unrated": 0});
    for (place, rating) in [(0, &first), (1, &none), (2, &third)] {
        assert_eq!(items[place]["rating"], *rating);
    }
    assert_eq!(app.get_json("/api/products/1").await, items[0]);
    assert_eq!(app.get_json("/api/products/1/rating").await, first);
    let ratings = app.get_json("/api/ratings?product_ids=3,1,99,3,2").await;
    assert_eq!(
        ratings,
        json!({"items": [
            {"product_id": "3", "rating": third},
            {"product_id": "1", "rating": first},
            {"product_id": "2", "rating": none},
        ]})
    );
});

on_every_engine!(pages_hold_every_product_once, async || {
    let app = TestApp::start(3).await;
    (6..=30).for_each(|id| app.add_product(id));
    let expected: Vec<_> = (1..=30).map(|id| id.to_string()).collect();
    for limit in [1, 7, 29, 30, 31] {
        assert_eq!(ids(&app.all_pages(&format!("/api/products?limit={limit}")).await), expected);
    }
    assert_eq!(app.get_json("/api/products").await["items"].as_array().unwrap().len(), 20);
});

on_every_engine!(search_finds_words_in_any_order_case_and_accent, async || {
    let app = TestApp::start(1).await;
    for (id, name) in
        [(11, "Crème Brûlée dish"), (12, "Brown bear"), (13, "100% wool_scarf"), (14, "Кружка")]
    {
        app.add_named_product(id, name);
    }
    for (search, expected) in [
        ("creme", vec!["11"]),
        ("DISH%20br%C3%BBl%C3%A9e", vec!["11"]),
        ("br", vec!["11", "12"]),
        ("bear%20dish", vec![]),
        ("100%25", vec!["13"]),
        ("%25", vec!["13"]),
        ("l_s", vec!["13"]),
        ("%5C", vec![]),
        ("%D0%9A%D0%A0%D0%A3%D0%96", vec!["14"]),
        ("sku-12", vec!["12"]),
        ("%20%20", vec!["1", "2", "3", "4", "5", "11", "12", "13", "14"]),
    ] {
        let found = app.all_pages(&format!("/api/products?search={search}&limit=2")).await;
        assert_eq!(ids(&found), expected, "{search}");
    }
});
