//! The store against a model of it: any reviews by guests and accounts, edits, deletions,
//! reports and decisions, and any pages, in any order and filter.

use ostrakon_shared::Role;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestAccount, TestApp};

const AUTHORS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// By one of the accounts, or by a guest.
    Post(Option<usize>, Option<i32>),
    Edit(usize, Option<i32>),
    Delete(usize),
    Report(usize),
    /// A decision about the review with this index, if there is one.
    Decide(usize, &'static str),
    Undo(usize),
    List {
        sort: &'static str,
        rating: Option<i64>,
        limit: usize,
    },
    Queue {
        limit: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rating = || prop_oneof![1 => Just(None), 4 => (1..=5).prop_map(Some)];
    let author = || 0..AUTHORS;
    let place = || 0..16_usize;
    let decision = prop_oneof![Just("approve"), Just("reject"), Just("spam")];
    let sort = prop_oneof![Just("newest"), Just("oldest"), Just("highest"), Just("lowest")];
    let filter = prop_oneof![3 => Just(None), 1 => (1..=5_i64).prop_map(Some)];
    let step = prop_oneof![
        6 => (prop::option::of(author()), rating()).prop_map(|(by, rating)| Step::Post(by, rating)),
        3 => (author(), rating()).prop_map(|(by, rating)| Step::Edit(by, rating)),
        1 => author().prop_map(Step::Delete),
        2 => place().prop_map(Step::Report),
        3 => (place(), decision).prop_map(|(place, decision)| Step::Decide(place, decision)),
        2 => place().prop_map(Step::Undo),
        3 => (sort, filter, 1..12_usize)
            .prop_map(|(sort, rating, limit)| Step::List { sort, rating, limit }),
        1 => (1..12_usize).prop_map(|limit| Step::Queue { limit }),
    ];
    proptest::collection::vec(step, 1..60)
}

/// A review as it must be.
struct Entry {
    /// As the API showed it last.
    json: Value,
    author: Option<usize>,
    open_reports: usize,
    /// Whether the guest has reported it: only one report is accepted.
    reported: bool,
    /// Status and open reports before the last change, if that was a decision.
    before_decision: Option<(Value, usize)>,
}

impl Entry {
    fn is(&self, status: &str) -> bool {
        self.json["status"] == status
    }

    fn waits(&self) -> bool {
        self.is("pending") || self.open_reports > 0
    }

    fn seen(&self) -> Value {
        json!({"id": self.json["id"], "version": self.json["version"]})
    }

    /// Takes over the result of a decision.
    fn decided(&mut self, result: &Value) {
        self.json["status"] = result["status"].clone();
        self.json["version"] = result["version"].clone();
    }
}

struct Model<'a> {
    app: &'a TestApp,
    product: i64,
    authors: &'a [TestAccount],
    moderator: &'a TestAccount,
    /// In the order in which they were posted.
    reviews: Vec<Entry>,
}

impl Model<'_> {
    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Post(author, rating) => self.post(author, rating).await,
            Step::Edit(author, rating) => self.edit(author, rating).await,
            Step::Delete(author) => self.delete(author).await,
            Step::Report(place) => self.report(place).await,
            Step::Decide(place, decision) => self.decide(place, decision).await,
            Step::Undo(place) => self.undo(place).await,
            Step::List { sort, rating, limit } => self.list(sort, rating, limit).await,
            Step::Queue { limit } => self.queue(limit).await,
        }
        self.check_rating().await;
    }

    fn own(&mut self, author: usize) -> Option<&mut Entry> {
        self.reviews.iter_mut().find(|r| r.author == Some(author) && !r.is("deleted"))
    }

    async fn post(&mut self, author: Option<usize>, rating: Option<i32>) {
        let path = format!("/api/products/{}/reviews", self.product);
        let body = json!({"body": self.reviews.len().to_string(), "rating": rating});
        let by = author.map(|author| &self.authors[author]);
        let response = self.app.send_json(by, Method::POST, &path, &body).await;
        if let Some(existing) = author.and_then(|author| self.own(author)) {
            let path = format!("/api/reviews/{}", existing.json["id"].as_str().unwrap());
            assert_eq!(response.problem(409), "review_exists");
            assert_eq!(response.header("location"), path);
            return;
        }
        assert_eq!(response.status, 201, "{response:?}");
        let json = response.json();
        assert_eq!(json["member"], author.is_some());
        self.reviews.push(Entry {
            json,
            author,
            open_reports: 0,
            reported: false,
            before_decision: None,
        });
    }

    async fn edit(&mut self, author: usize, rating: Option<i32>) {
        let by = &self.authors[author];
        let Some(entry) = self.own(author) else { return };
        let path = format!("/api/reviews/{}", entry.json["id"].as_str().unwrap());
        let version = entry.json["version"].as_i64().unwrap();
        let changes = entry.json["rating"] != json!(rating);
        let status = if entry.is("approved") { "approved" } else { "pending" };
        let expected = if changes { json!(status) } else { entry.json["status"].clone() };
        let request = by.authorize(self.app.request(Method::PATCH, &path));
        let request = request.header("if-match", format!("\"{version}\""));
        let response = self.app.send(request.json(&json!({"rating": rating}))).await;
        assert_eq!(response.status, 200, "{response:?}");
        let json = response.json();
        assert_eq!(json["status"], expected);
        assert_eq!(json["version"], version + i64::from(changes));
        let Some(entry) = self.own(author) else { return };
        entry.json = json;
        if changes {
            entry.before_decision = None;
        }
    }

    async fn delete(&mut self, author: usize) {
        let by = &self.authors[author];
        let Some(entry) = self.own(author) else { return };
        let path = format!("/api/reviews/{}", entry.json["id"].as_str().unwrap());
        entry.json["status"] = json!("deleted");
        entry.open_reports = 0;
        let response = self.app.send(by.authorize(self.app.request(Method::DELETE, &path))).await;
        assert_eq!(response.status, 204, "{response:?}");
        assert_eq!(self.app.get(&path).await.problem(404), "review_not_found");
    }

    async fn report(&mut self, place: usize) {
        let Some(entry) = self.reviews.get(place) else { return };
        let path = format!("/api/reviews/{}/reports", entry.json["id"].as_str().unwrap());
        let response =
            self.app.send_json(None, Method::POST, &path, &json!({"reason": "spam"})).await;
        let entry = &mut self.reviews[place];
        if !entry.is("approved") {
            assert_eq!(response.problem(404), "review_not_found");
        } else if entry.reported {
            assert_eq!(response.problem(409), "already_reported");
        } else {
            assert_eq!(response.status, 204, "{response:?}");
            entry.reported = true;
            entry.open_reports += 1;
        }
    }

    async fn decide(&mut self, place: usize, decision: &str) {
        let Some(entry) = self.reviews.get(place) else { return };
        let body = json!({
            "decision": decision, "reason": "within_rules", "reviews": [entry.seen()]
        });
        let path = "/api/moderation/decisions";
        let response =
            self.app.send_json(Some(self.moderator), Method::POST, path, &body).await.json();
        let result = &response["items"][0];
        let entry = &mut self.reviews[place];
        if entry.is("deleted") {
            assert_eq!(result["problem"], "review_deleted");
            return;
        }
        let status = match decision {
            "approve" => "approved",
            "reject" => "rejected",
            other => other,
        };
        assert_eq!((&result["problem"], &result["status"]), (&Value::Null, &json!(status)));
        entry.before_decision = Some((entry.json["status"].clone(), entry.open_reports));
        entry.open_reports = 0;
        entry.decided(result);
    }

    async fn undo(&mut self, place: usize) {
        let Some(entry) = self.reviews.get(place) else { return };
        let body = json!({"reviews": [entry.seen()]});
        let path = "/api/moderation/undo";
        let response =
            self.app.send_json(Some(self.moderator), Method::POST, path, &body).await.json();
        let result = &response["items"][0];
        let entry = &mut self.reviews[place];
        match (entry.is("deleted"), entry.before_decision.take()) {
            (true, _) => assert_eq!(result["problem"], "review_deleted"),
            (false, None) => assert_eq!(result["problem"], "nothing_to_undo"),
            (false, Some((status, open_reports))) => {
                assert_eq!((&result["problem"], &result["status"]), (&Value::Null, &status));
                // Reports that were made after the decision are open as well.
                entry.open_reports += open_reports;
                entry.decided(result);
            }
        }
    }

    async fn list(&self, sort: &str, rating: Option<i64>, limit: usize) {
        let filter = rating.map_or(String::new(), |rating| format!("&rating={rating}"));
        let product = self.product;
        let path = format!("/api/products/{product}/reviews?sort={sort}&limit={limit}{filter}");
        assert_eq!(self.app.all_pages(&path).await, self.expected(sort, rating), "{path}");
    }

    /// The expected list: all approved reviews, in the order in which they were posted.
    fn expected(&self, sort: &str, rating: Option<i64>) -> Vec<Value> {
        let mut list: Vec<Value> = self
            .reviews
            .iter()
            .filter(|entry| entry.is("approved"))
            .map(|entry| entry.json.clone())
            .filter(|review| rating.is_none() || review["rating"].as_i64() == rating)
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

    /// Of the queue of all products, those of this one.
    async fn queue(&self, limit: usize) {
        let path = format!("/api/moderation/queue?limit={limit}");
        let queue = self.app.all_pages_as(self.moderator, &path).await;
        let product = self.product.to_string();
        let queued: Vec<_> = queue.iter().filter(|item| item["product_id"] == *product).collect();
        let waiting: Vec<_> = self.reviews.iter().filter(|entry| entry.waits()).collect();
        assert_eq!(queued.len(), waiting.len());
        for (item, entry) in queued.iter().zip(waiting) {
            assert_eq!((&item["id"], &item["status"]), (&entry.json["id"], &entry.json["status"]));
            let open = item["reports"].as_array().unwrap().iter().filter(|r| r["open"] == true);
            assert_eq!(open.count(), entry.open_reports);
            assert!(item.get("rating").is_none(), "moderation is blind to the rating");
        }
    }

    async fn check_rating(&self) {
        let public: Vec<_> = self.reviews.iter().filter(|entry| entry.is("approved")).collect();
        let count = |stars: i64| {
            public.iter().filter(|entry| entry.json["rating"].as_i64() == Some(stars)).count()
        };
        let rating = self.app.get_json(&format!("/api/products/{}/rating", self.product)).await;
        assert_eq!(rating["histogram"], json!([1, 2, 3, 4, 5].map(count)));
        assert_eq!(rating["count"], public.len());
    }
}

async fn accounts(app: &TestApp) -> (Vec<TestAccount>, TestAccount) {
    let mut authors = Vec::new();
    for author in 0..AUTHORS {
        authors.push(app.create_account(&format!("author-{author}"), Role::Member).await);
    }
    (authors, app.create_account("moderator", Role::Moderator).await)
}

async fn check(
    app: &TestApp,
    product: i64,
    people: &(Vec<TestAccount>, TestAccount),
    steps: &[Step],
) {
    app.add_product(product);
    let (authors, moderator) = people;
    let mut model = Model { app, product, authors, moderator, reviews: Vec::new() };
    for step in steps {
        model.take(step).await;
    }
    for sort in ["newest", "oldest", "highest", "lowest"] {
        model.list(sort, None, 5).await;
    }
}

fn run(databases: u16) {
    let system = actix_web::rt::System::new();
    let app = system.block_on(TestApp::start(databases));
    let people = system.block_on(accounts(&app));
    let product = std::cell::Cell::new(crate::support::app::PRODUCTS);
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(24) });
    let result = runner.run(&steps(), |steps| {
        product.set(product.get() + 1);
        system.block_on(check(&app, product.get(), &people, &steps));
        Ok(())
    });
    result.unwrap();
    app.verify();
}

on_every_engine!(on_1_database, || run(1));

on_every_engine!(on_3_databases, || run(3));

on_every_engine!(on_8_databases, || run(8));
