//! Clients that write, change, delete, report, moderate and read, of one or several processes in turn:
//! each notes what was acknowledged, and checks that it stays true.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};

use futures_util::future::{join, join_all};
use ostrakon_shared::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::app::{PRODUCTS, TestAccount, TestApp, TestResponse, ids};
use crate::support::wait::wait_until;

/// Clients, and what they know.
#[derive(Default)]
pub struct Clients {
    http: reqwest::Client,
    /// The processes that they ask in turn.
    hosts: RefCell<Vec<String>>,
    turn: Cell<usize>,
    /// The problems after which they try again, beside the move of a bucket.
    outages: &'static [&'static str],
    /// The text of each acknowledged review.
    texts: RefCell<BTreeMap<String, String>>,
    /// How often reviews of each product appeared and disappeared.
    counts: RefCell<BTreeMap<i64, Counts>>,
    is_over: Cell<bool>,
}

/// How often reviews of a product appeared: by being created or approved again; and disappeared: by
/// being deleted or rejected.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// How many were to appear, by requests that were sent.
    appearing: u64,
    /// How many did, by requests that were acknowledged.
    appeared: u64,
    disappearing: u64,
    disappeared: u64,
}

/// How many clients there are besides those with accounts.
#[derive(Clone, Copy)]
pub struct Crowd {
    pub guests: usize,
    pub readers: usize,
}

impl Crowd {
    /// Sixteen writers with those of [`Accounts`], and eight readers.
    pub const LARGE: Crowd = Crowd { guests: 12, readers: 8 };
    pub const SMALL: Crowd = Crowd { guests: 4, readers: 4 };
}

/// Clients with accounts: two who edit, one who writes and deletes, one who moderates.
pub struct Accounts {
    editors: [TestAccount; 2],
    remover: TestAccount,
    moderator: TestAccount,
}

impl Accounts {
    pub async fn create(app: &TestApp) -> Accounts {
        let member = async |name| app.create_account(name, Role::Member).await;
        Accounts {
            editors: [member("aspasia").await, member("pericles").await],
            remover: member("cleon").await,
            moderator: app.create_account("moderator", Role::Moderator).await,
        }
    }
}

impl Clients {
    /// Clients of the processes at these addresses.
    pub fn of<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Clients {
        let hosts = hosts.into_iter().map(str::to_owned).collect();
        Clients { hosts: RefCell::new(hosts), ..Clients::default() }
    }

    /// The same, who try again also after these problems.
    pub fn expecting(self, outages: &'static [&'static str]) -> Clients {
        Clients { outages, ..self }
    }

    /// Lets no client ask this process any more.
    pub fn leave(&self, host: &str) {
        self.hosts.borrow_mut().retain(|other| other != host);
    }

    /// The first response that is not about a move or an expected outage. Reads are never refused because
    /// of a move.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        build: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> TestResponse {
        let is_read = method == Method::GET;
        let send = async || {
            let host = self.next_host();
            let request = self.http.request(method.clone(), format!("http://{host}{path}"));
            let answer = TestResponse::try_to(build(request)).await;
            if let Err(error) = &answer {
                assert!(!self.hosts.borrow().contains(&host), "{host}: {error}");
            }
            answer.ok()
        };
        let is_answer = |answer: &Option<TestResponse>| match answer {
            // The process has ended.
            None => false,
            Some(response) if response.status == 503 => {
                let problem = response.problem(503);
                let may_pass = self.outages.contains(&&*problem);
                assert!(may_pass || problem == "bucket_moved" && !is_read, "{response:?}");
                assert_ne!(response.header("retry-after"), "");
                false
            }
            Some(_) => true,
        };
        wait_until(send, is_answer).await.unwrap()
    }

    fn next_host(&self) -> String {
        let hosts = self.hosts.borrow();
        self.turn.set(self.turn.get() + 1);
        hosts[self.turn.get() % hosts.len()].clone()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.ask(Method::GET, path, |request| request).await;
        assert_eq!(response.status, 200, "{path}: {response:?}");
        response.json()
    }

    /// Waits until the newest rebalance is as expected.
    pub async fn wait_for_rebalance(
        &self,
        admin: &TestAccount,
        is_expected: impl Fn(&Value) -> bool,
    ) -> Value {
        let newest = async || {
            let path = "/api/admin/rebalances";
            let list = self.ask(Method::GET, path, |request| admin.authorize(request)).await;
            list.json()["items"][0].clone()
        };
        wait_until(newest, is_expected).await
    }

    /// Every item of a list, each page from another process.
    async fn all_pages(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(page) = next {
            let page = self.get(&page).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            next = page["next_cursor"].as_str().map(|cursor| format!("{path}&cursor={cursor}"));
        }
        items
    }

    /// Writes a review under a key twice, which makes one.
    async fn post_twice(
        &self,
        (product, text, key): (i64, &str, &str),
        sign: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> String {
        let review = json!({"body": text, "rating": 1 + text.len() % 5});
        let path = format!("/api/products/{product}/reviews");
        let build =
            |request: RequestBuilder| sign(request).header("idempotency-key", key).json(&review);
        self.count(product, |counts| counts.appearing += 1);
        let created = self.ask(Method::POST, &path, build).await;
        assert_eq!(created.status, 201, "{created:?}");
        let id = created.json()["id"].as_str().unwrap().to_owned();
        self.texts.borrow_mut().insert(id.clone(), text.to_owned());
        self.count(product, |counts| counts.appeared += 1);
        let again = self.ask(Method::POST, &path, build).await;
        assert_eq!(again.status, 201, "{again:?}");
        assert_eq!(again.json()["id"], id, "{again:?}");
        id
    }

    /// Writes and reports reviews of guests.
    async fn write(&self, writer: usize) {
        for number in 1.. {
            if self.is_over.get() {
                break;
            }
            let (text, key) = (format!("{writer} wrote {number}"), format!("{writer}-{number}"));
            let id = self.post_twice((1 + number % PRODUCTS, &text, &key), |request| request).await;
            let (path, report) = (format!("/api/reviews/{id}/reports"), json!({"reason": "spam"}));
            let reported = self.ask(Method::POST, &path, |request| request.json(&report)).await;
            assert!([204, 409].contains(&reported.status.as_u16()), "{reported:?}");
        }
    }

    /// Edits the one review of each product that an account has.
    async fn edit(&self, account: &TestAccount) {
        let mut own = Vec::new();
        for product in 1..=PRODUCTS {
            let sign = |request| account.authorize(request);
            let id = self.post_twice((product, "first", &account.token), sign).await;
            own.push((product, id));
        }
        let mut version = 1;
        while !self.is_over.get() {
            version += 1;
            for (product, id) in &own {
                let text = format!("version {version}");
                let edit = json!({"body": text});
                let build = |request: RequestBuilder| {
                    account.authorize(request.header("if-match", "*").json(&edit))
                };
                let edited = self.ask(Method::PATCH, &format!("/api/reviews/{id}"), build).await;
                assert_eq!(edited.status, 200, "{edited:?}");
                self.texts.borrow_mut().insert(id.clone(), text);
                // One review per author and product, wherever it is.
                let path = format!("/api/products/{product}/reviews");
                let second = json!({"body": "second"});
                let build = |request: RequestBuilder| account.authorize(request.json(&second));
                let refused = self.ask(Method::POST, &path, build).await;
                assert_eq!(refused.problem(409), "review_exists");
            }
        }
    }

    /// Writes a review for each product and deletes it, again and again.
    async fn remove(&self, account: &TestAccount) {
        for round in 1.. {
            for product in 1..=PRODUCTS {
                if self.is_over.get() {
                    return;
                }
                let (text, key) =
                    (format!("removed {round}"), format!("removed-{round}-{product}"));
                let sign = |request| account.authorize(request);
                let id = self.post_twice((product, &text, &key), sign).await;
                let path = format!("/api/reviews/{id}");
                self.count(product, |counts| counts.disappearing += 1);
                let build =
                    |request: RequestBuilder| account.authorize(request.header("if-match", "*"));
                let deleted = self.ask(Method::DELETE, &path, build).await;
                // An outage may have hidden the acknowledgement of an earlier attempt.
                let was_deleted = deleted.status == 404 && !self.outages.is_empty();
                assert!(deleted.status == 204 || was_deleted, "{deleted:?}");
                self.count(product, |counts| counts.disappeared += 1);
                self.texts.borrow_mut().remove(&id);
                let gone = self.ask(Method::GET, &path, |request| request).await;
                assert_eq!(gone.problem(404), "review_not_found");
            }
        }
    }

    /// Rejects reviews of guests, and undoes every second rejection.
    async fn moderate(&self, moderator: &TestAccount) {
        for number in 1.. {
            if self.is_over.get() {
                break;
            }
            let product = 1 + number % PRODUCTS;
            let (text, key) = (format!("rejected {number}"), format!("rejected-{number}"));
            let id = self.post_twice((product, &text, &key), |request| request).await;
            self.count(product, |counts| counts.disappearing += 1);
            let rejection = json!({
                "decision": "reject",
                "reason": "off_topic",
                "reviews": [{"id": id, "version": 1}],
            });
            self.decide(moderator, "decisions", &rejection).await;
            self.count(product, |counts| counts.disappeared += 1);
            let text = self.texts.borrow_mut().remove(&id).unwrap();
            let path = format!("/api/reviews/{id}");
            let rejected = self.ask(Method::GET, &path, |request| request).await;
            assert_eq!(rejected.problem(404), "review_not_found");
            if number % 2 == 0 {
                self.count(product, |counts| counts.appearing += 1);
                let undo = json!({"reviews": [{"id": id, "version": 2}]});
                self.decide(moderator, "undo", &undo).await;
                self.count(product, |counts| counts.appeared += 1);
                assert_eq!(self.get(&path).await["status"], "approved");
                self.texts.borrow_mut().insert(id, text);
            }
        }
    }

    /// Applies a decision to one review.
    async fn decide(&self, moderator: &TestAccount, path: &str, decision: &Value) {
        let path = format!("/api/moderation/{path}");
        let send = async || {
            let build = |request: RequestBuilder| moderator.authorize(request.json(decision));
            let decided = self.ask(Method::POST, &path, build).await;
            assert_eq!(decided.status, 200, "{decided:?}");
            decided.json()["items"][0].clone()
        };
        let is_decided = |item: &Value| match item["problem"].as_str() {
            None => true,
            // An outage may have hidden the acknowledgement of an earlier attempt.
            Some("version_conflict") => !self.outages.is_empty(),
            Some(problem) => {
                assert!(problem == "bucket_moved" || self.outages.contains(&problem), "{item}");
                false
            }
        };
        wait_until(send, is_decided).await;
    }

    fn count(&self, product: i64, change: impl Fn(&mut Counts)) {
        change(self.counts.borrow_mut().entry(product).or_default());
    }

    fn counts(&self, product: i64) -> Counts {
        self.counts.borrow().get(&product).copied().unwrap_or_default()
    }

    /// Walks lists: each contains what was acknowledged before, and nothing twice.
    async fn read(&self, sort: &str) {
        while !self.is_over.get() {
            for product in 1..=PRODUCTS {
                let before = self.counts(product);
                let rating = self.get(&format!("/api/products/{product}/rating")).await;
                let after = self.counts(product);
                let least = before.appeared.saturating_sub(after.disappearing);
                let most = after.appearing - before.disappeared;
                let count = rating["count"].as_u64().unwrap();
                assert!((least..=most).contains(&count), "{count} ratings, not {least} to {most}");
                let path = format!("/api/products/{product}/reviews?sort={sort}&limit=100");
                let seen = ids(&self.all_pages(&path).await);
                let set: HashSet<_> = seen.iter().collect();
                assert_eq!(set.len(), seen.len(), "{sort} shows a review twice");
                let least = before.appeared.saturating_sub(self.counts(product).disappearing);
                assert!(seen.len() as u64 >= least, "{sort} shows {} of {least}", seen.len());
            }
        }
    }

    /// Lets clients use the service until `driven` has ended.
    pub async fn use_while<T>(
        &self,
        crowd: Crowd,
        accounts: &Accounts,
        driven: impl Future<Output = T>,
    ) -> T {
        let driven = async {
            let outcome = driven.await;
            self.is_over.set(true);
            outcome
        };
        let guests = join_all((0..crowd.guests).map(|writer| self.write(writer)));
        let editors = join_all(accounts.editors.iter().map(|author| self.edit(author)));
        let moderation = join(self.remove(&accounts.remover), self.moderate(&accounts.moderator));
        let sorts = ["newest", "oldest", "highest", "lowest"].into_iter().cycle();
        let readers = join_all(sorts.take(crowd.readers).map(|sort| self.read(sort)));
        let writers = join(guests, join(editors, moderation));
        join(driven, join(writers, readers)).await.0
    }

    /// Checks that the service has every acknowledged change, and nothing else.
    pub async fn check(&self) {
        let mut stored = BTreeMap::new();
        for product in 1..=PRODUCTS {
            let path = format!("/api/products/{product}/reviews?limit=100");
            for review in self.all_pages(&path).await {
                let text = review["body"].as_str().unwrap().to_owned();
                stored.insert(review["id"].as_str().unwrap().to_owned(), text);
            }
        }
        assert_eq!(stored, *self.texts.borrow());
    }
}
