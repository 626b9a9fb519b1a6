//! The store against a model of it: any inserts, any pages, in any order and filter.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::app::TestApp;

#[derive(Clone, Debug)]
enum Step {
    Post(Option<i32>),
    List { sort: &'static str, rating: Option<i64>, limit: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let post = prop_oneof![1 => Just(None), 4 => (1..=5).prop_map(Some)].prop_map(Step::Post);
    let sort = prop_oneof![Just("newest"), Just("oldest"), Just("highest"), Just("lowest")];
    let rating = prop_oneof![3 => Just(None), 1 => (1..=5_i64).prop_map(Some)];
    let list = (sort, rating, 1..12_usize).prop_map(|(sort, rating, limit)| Step::List {
        sort,
        rating,
        limit,
    });
    proptest::collection::vec(prop_oneof![4 => post, 1 => list], 1..40)
}

/// What the list must be: all reviews, in the order in which they were posted.
fn expected(posted: &[Value], sort: &str, rating: Option<i64>) -> Vec<Value> {
    let mut list: Vec<Value> = posted
        .iter()
        .filter(|review| rating.is_none() || review["rating"].as_i64() == rating)
        .cloned()
        .collect();
    if sort != "oldest" {
        list.reverse();
    }
    // Stable: reviews of the same rating stay in their order.
    match sort {
        "highest" => list.sort_by_key(|review| -review["rating"].as_i64().unwrap_or(0)),
        "lowest" => list.sort_by_key(|review| review["rating"].as_i64().unwrap_or(6)),
        _ => {}
    }
    list
}

async fn check(app: &TestApp, product: i64, steps: &[Step]) {
    app.add_product(product);
    let mut posted = Vec::new();
    for step in steps {
        match step {
            Step::Post(rating) => {
                let review = json!({"body": posted.len().to_string(), "rating": rating});
                posted.push(app.post_review(product, &review).await.json());
            }
            Step::List { sort, rating, limit } => {
                let filter = rating.map_or(String::new(), |rating| format!("&rating={rating}"));
                let path =
                    format!("/api/products/{product}/reviews?sort={sort}&limit={limit}{filter}");
                assert_eq!(app.all_pages(&path).await, expected(&posted, sort, *rating), "{path}");
            }
        }
    }
    let count = |stars: i64| posted.iter().filter(|r| r["rating"].as_i64() == Some(stars)).count();
    let rating = app.read(&format!("/api/products/{product}/rating")).await;
    assert_eq!(rating["histogram"], json!([1, 2, 3, 4, 5].map(count)));
    assert_eq!(rating["count"], posted.len());
}

fn run(databases: u16) {
    let system = actix_web::rt::System::new();
    let app = system.block_on(TestApp::start(databases));
    let product = std::cell::Cell::new(crate::app::PRODUCTS);
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(24) });
    let result = runner.run(&steps(), |steps| {
        product.set(product.get() + 1);
        system.block_on(check(&app, product.get(), &steps));
        Ok(())
    });
    result.unwrap();
    app.verify();
}

#[test]
fn on_1_database() {
    run(1);
}

#[test]
fn on_3_databases() {
    run(3);
}

#[test]
fn on_8_databases() {
    run(8);
}
