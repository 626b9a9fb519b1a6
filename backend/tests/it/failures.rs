//! Real servers that stop, hang, come back, or lag; and disks that are full.
//!
//! A test that waits for a server asks again until the response is as expected (`wait_until`).

mod away;
mod full_disk;
mod proxy;
mod replicas;

use ostrakon::config::Config;
use ostrakon::shard::{Spread, even_owner, home_buckets, slot_of_key};
use ostrakon_shared::ProductId;
use serde_json::{Value, json};

use crate::support::app::{TestApp, TestResponse};
use crate::support::postgres::Postgres;
use crate::support::wait::wait_until;

/// A cluster of servers, each on its own: `default`, and two for reviews.
struct ServerCluster {
    // Dropped before the servers.
    app: TestApp,
    default: Postgres,
    reviews: [Postgres; 2],
}

impl ServerCluster {
    async fn start() -> ServerCluster {
        ServerCluster::start_with(|_, _| ()).await
    }

    async fn start_with(configure: impl FnOnce(&mut Config, &[Postgres; 2])) -> ServerCluster {
        let [default, one, two] = std::array::from_fn(|_| Postgres::start_new());
        let reviews = [one, two];
        let app = TestApp::start_with(2, |config| {
            config.default_url = Some(default.url("ostrakon").parse().unwrap());
            let urls = (1..).zip(&reviews).map(|(number, server)| {
                (format!("reviews-{number}"), server.url("ostrakon").parse().unwrap())
            });
            config.reviews_urls = urls.collect();
            config.connections.checkout_timeout_ms = 2_000;
            configure(config, &reviews);
        })
        .await;
        ServerCluster { app, default, reviews }
    }

    /// New reviews of product 1, half of them in reviews-1, half in reviews-2.
    async fn create_reviews(&self, number: usize) -> [Vec<String>; 2] {
        let mut reviews = [Vec::new(), Vec::new()];
        for n in 0..number {
            let written = self.post_to(n % 2).await;
            assert_eq!(written.status, 201, "{written:?}");
            reviews[n % 2].push(written.json()["id"].as_str().unwrap().to_owned());
        }
        reviews
    }

    /// The database of a review.
    fn database_index(&self, id: &str) -> usize {
        usize::from(self.app.store().cluster().locate(id.parse().unwrap()).database == "reviews-2")
    }

    /// The response to a guest's review, whose key selects the database.
    async fn post_to(&self, index: usize) -> TestResponse {
        let body = json!({"body": "text", "rating": 4});
        loop {
            let key = fastrand::u64(..).to_string();
            // A key always goes to the same place, whether or not it is written.
            let slot = slot_of_key(key.as_bytes(), Spread::DEFAULT);
            let product = ProductId::new(1).unwrap();
            let bucket = home_buckets(product, Spread::DEFAULT).nth(slot).unwrap();
            if even_owner(bucket, 2) == index {
                return self.app.post_with_key(1, &body, &key).await;
            }
        }
    }

    async fn health(&self) -> Vec<Value> {
        let databases = self.app.databases();
        databases["items"].as_array().unwrap().iter().map(|it| it["health"].clone()).collect()
    }
}

/// Waits until the server is ready.
async fn wait_until_ready(app: &TestApp) {
    wait_until(|| app.get("/readyz"), |response| response.status == 200).await;
}
