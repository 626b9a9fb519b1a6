//! Growing and shrinking a cluster while clients use it.

mod commands;
mod crashes;
mod load;
mod outages;
mod processes;
mod stale_maps;
mod under_load;

use std::rc::Rc;

use ostrakon::config::Config;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestAccount, TestApp};
use crate::support::cluster::TestCluster;
use crate::support::wait::wait_until;

/// So many buckets that each product has some of them.
const SOME: u64 = 100;
/// How many buckets move before and after an outage.
const FEW: u64 = 10;

/// A service whose cluster can grow: on servers, the configuration names more databases than it has.
struct Growing {
    app: TestApp,
    cluster: Rc<TestCluster>,
    admin: TestAccount,
    /// How many databases it can have.
    most: u16,
}

impl Growing {
    async fn start(databases: u16, most: u16) -> Growing {
        Growing::start_on(TestCluster::new(), databases, most, |_| ()).await
    }

    async fn start_on(
        cluster: TestCluster,
        databases: u16,
        most: u16,
        configure: impl FnOnce(&mut Config),
    ) -> Growing {
        let cluster = Rc::new(cluster);
        let urls = cluster.config(most).reviews_urls;
        let app = TestApp::start_on(Rc::clone(&cluster), databases, |config| {
            config.reviews_urls = urls;
            configure(config);
        });
        let admin = app.create_account("admin", Role::Admin).await;
        Growing { app, cluster, admin, most }
    }

    /// Adds databases, as the command does, until there are so many.
    fn add_until(&self, databases: u16) {
        let config = self.cluster.config(self.most);
        let has = self.app.databases()["items"].as_array().unwrap().len();
        let missing = databases.saturating_sub(has as u16);
        if missing > 0 {
            config.databases().unwrap().add(missing, &mut drop).unwrap();
        }
    }

    async fn plan(&self, goal: &Value) -> Value {
        let path = "/api/admin/rebalances";
        let planned = self.app.send_json(Some(&self.admin), Method::POST, path, goal).await;
        assert_eq!(planned.status, 201, "{planned:?}");
        planned.json()
    }

    async fn change(&self, rebalance: &Value, change: &Value) -> Value {
        let path = format!("/api/admin/rebalances/{}/changes", rebalance["id"]);
        let changed = self.app.send_json(Some(&self.admin), Method::POST, &path, change).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        changed.json()
    }

    /// Starts a plan, once every process knows the databases that were added.
    async fn start_at(&self, planned: &Value, rate: u32) {
        let path = format!("/api/admin/rebalances/{}/changes", planned["id"]);
        let start = json!({"action": "start", "max_rate": rate});
        let started = wait_until(
            async || self.app.send_json(Some(&self.admin), Method::POST, &path, &start).await,
            |response| response.status == 200,
        );
        started.await;
    }

    async fn last(&self) -> Value {
        let list = self.app.get_json_as(&self.admin, "/api/admin/rebalances").await;
        list["items"][0].clone()
    }

    /// Waits until this many buckets have moved.
    async fn wait_for_moved(&self, buckets: u64) -> Value {
        wait_until(|| self.last(), |now| now["moved_buckets"].as_u64().unwrap() >= buckets).await
    }

    async fn wait_for(&self, state: &str) -> Value {
        wait_until(|| self.last(), |rebalance| rebalance["state"] == state).await
    }

    /// The same, however long it takes, as long as buckets move.
    async fn wait_for_all(&self, state: &str) -> Value {
        loop {
            let before = self.last().await;
            if before["state"] == state {
                return before;
            }
            let goes_on = |now: &Value| {
                now["state"] == state || now["moved_buckets"] != before["moved_buckets"]
            };
            wait_until(|| self.last(), goes_on).await;
        }
    }

    /// Moves buckets so that this number of databases own them all.
    async fn rebalance_to(&self, databases: u16) -> Value {
        self.add_until(databases);
        let planned = self.plan(&json!({"to_databases": databases})).await;
        // Tests don't rest for other clients.
        self.start_at(&planned, 1_000_000).await;
        let finished = self.wait_for_all("finished").await;
        assert_eq!(finished["moved_buckets"], planned["buckets"]);
        assert_eq!(finished["repaired_reviews"], 0);
        finished
    }

    /// Moves some buckets towards this number of databases, then gives up.
    async fn rebalance_partly_to(&self, databases: u16) {
        self.add_until(databases);
        let planned = self.plan(&json!({"to_databases": databases})).await;
        self.start_at(&planned, 1_000_000).await;
        self.wait_for_moved(SOME).await;
        self.change(&planned, &json!({"action": "abort"})).await;
        let aborted = self.wait_for("aborted").await;
        assert_eq!((&aborted["repaired_reviews"], &aborted["moving"]), (&json!(0), &json!([])));
    }

    /// The numbers of buckets of each database.
    fn buckets(&self) -> Vec<u64> {
        let databases = self.app.databases();
        let databases = databases["items"].as_array().unwrap();
        databases.iter().map(|database| database["buckets"].as_u64().unwrap()).collect()
    }
}
