//! Who may do what: every operation of the OpenAPI document, by each kind of caller.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ostrakon_shared::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::app::TestApp;
use crate::support::engine::engine;

macro_rules! actors {
    ($($(#[$doc:meta])* $actor:ident,)*) => {
        /// Who asks: with a session, unless the name says otherwise.
        #[derive(Clone, Copy, Debug, PartialEq)]
        enum Actor {
            $($(#[$doc])* $actor,)*
        }

        const ACTORS: &[Actor] = &[$(Actor::$actor,)*];
    };
}

actors! {
    Guest,
    /// A member with whom the review has nothing to do.
    Other,
    /// The author of the review.
    Owner,
    /// The same, by an API token with every scope.
    OwnersToken,
    /// By API tokens with one scope each.
    OwnersReadToken,
    OwnersWriteToken,
    Moderator,
    ModeratorsToken,
    Admin,
    /// By an API token with every scope.
    AdminsToken,
    /// By an API token with the scopes of one whose creator named none.
    AdminsPlainToken,
    /// An admin whose password was typed more than 15 minutes ago.
    StaleAdmin,
    Disabled,
    ExpiredSession,
    RevokedToken,
}

use Actor::*;

impl Actor {
    /// The scopes of an API token; `None`: a session, or no credentials.
    fn scopes(self) -> Option<&'static str> {
        match self {
            OwnersToken | AdminsToken => Some("read write moderate admin"),
            OwnersReadToken => Some("read"),
            OwnersWriteToken => Some("write"),
            ModeratorsToken => Some("moderate"),
            AdminsPlainToken => Some("read write"),
            _ => None,
        }
    }

    fn role(self) -> Role {
        match self {
            Moderator | ModeratorsToken => Role::Moderator,
            Admin | AdminsToken | AdminsPlainToken | StaleAdmin => Role::Admin,
            _ => Role::Member,
        }
    }

    fn is_author(self) -> bool {
        matches!(self, Owner | OwnersToken | OwnersReadToken | OwnersWriteToken)
    }
}

/// Who may call an operation. Any other caller is refused, and nothing else happens.
#[derive(Clone, Copy, Debug)]
enum Access {
    /// Everybody: credentials are ignored.
    Public,
    /// Everybody, but credentials must be valid.
    Anybody,
    /// The same, and tokens need the scope `write`.
    Posters,
    /// Accounts; tokens need the scope `read`.
    Members,
    /// Accounts that have signed in.
    Session,
    /// The same; admins have typed their password a short time ago.
    ProvenSession,
    /// Who wrote the review; tokens need the scope `write`.
    Author,
    Moderators,
    Admins,
    /// Admins who have signed in.
    AdminSession,
    /// The same, and have typed their password a short time ago.
    ProvenAdmin,
}

impl Access {
    /// The expected outcome: the success, or the code of a problem.
    fn expected(self, actor: Actor, success: &str) -> String {
        let refused = match (self, actor) {
            (Access::Public, _) => None,
            (_, Disabled | ExpiredSession | RevokedToken) => Some("401 session_invalid"),
            (Access::Anybody | Access::Posters, Guest) => None,
            (_, Guest) => Some("401 sign_in_required"),
            _ if self.needs_session() && actor.scopes().is_some() => Some("403 session_required"),
            _ if actor.role() < self.role() => Some("403 not_allowed"),
            (Access::ProvenSession | Access::ProvenAdmin, StaleAdmin) => Some("403 proof_required"),
            _ if !self.is_in_scope(actor) => Some("403 insufficient_scope"),
            (Access::Author, _) if !actor.is_author() => Some("403 not_allowed"),
            _ => None,
        };
        refused.unwrap_or(success).to_owned()
    }

    fn needs_session(self) -> bool {
        use Access::{AdminSession, ProvenAdmin, ProvenSession, Session};
        matches!(self, Session | ProvenSession | AdminSession | ProvenAdmin)
    }

    fn role(self) -> Role {
        match self {
            Access::Moderators => Role::Moderator,
            Access::Admins | Access::AdminSession | Access::ProvenAdmin => Role::Admin,
            _ => Role::Member,
        }
    }

    fn is_in_scope(self, actor: Actor) -> bool {
        let needed = match self {
            Access::Posters | Access::Author => "write",
            Access::Members => "read",
            Access::Moderators => "moderate",
            Access::Admins => "admin",
            _ => return true,
        };
        actor.scopes().is_none_or(|scopes| scopes.split(' ').any(|scope| scope == needed))
    }
}

/// One row for each operation: who may call it, and the outcome. A problem stands for success where
/// the request gets past authorization, but no further.
const MATRIX: [(&str, Access, &str); 51] = [
    ("list_products", Access::Public, "200"),
    ("get_product", Access::Public, "200"),
    ("get_product_rating", Access::Public, "200"),
    ("list_ratings", Access::Public, "200"),
    ("list_product_reviews", Access::Public, "200"),
    ("get_review", Access::Public, "200"),
    ("get_review_location", Access::Public, "200"),
    ("get_openapi", Access::Public, "200"),
    ("get_problem", Access::Public, "200"),
    ("get_health", Access::Public, "200"),
    ("get_readiness", Access::Public, "200"),
    ("register", Access::Public, "422 validation_failed"),
    ("sign_in", Access::Public, "401 credentials_wrong"),
    ("sign_out", Access::Public, "204"),
    ("get_session", Access::Anybody, "200"),
    ("create_review", Access::Posters, "201"),
    ("report_review", Access::Posters, "204"),
    ("list_own_reviews", Access::Members, "200"),
    ("edit_review", Access::Author, "200"),
    ("delete_review", Access::Author, "204"),
    ("prove_password", Access::Session, "403 password_wrong"),
    ("change_password", Access::Session, "403 password_wrong"),
    ("list_sessions", Access::Session, "200"),
    ("end_session", Access::Session, "404 credential_not_found"),
    ("list_tokens", Access::Session, "200"),
    ("create_token", Access::ProvenSession, "201"),
    ("revoke_token", Access::ProvenSession, "404 credential_not_found"),
    ("list_queue", Access::Moderators, "200"),
    ("decide", Access::Moderators, "200"),
    ("undo_decisions", Access::Moderators, "200"),
    ("get_overview", Access::Admins, "200"),
    ("list_all_reviews", Access::Admins, "200"),
    ("get_review_detail", Access::Admins, "200"),
    ("list_all_products", Access::Admins, "200"),
    ("create_product", Access::Admins, "201"),
    ("get_product_detail", Access::Admins, "200"),
    ("edit_product", Access::Admins, "200"),
    ("list_audit", Access::Admins, "200"),
    ("list_accounts", Access::Admins, "200"),
    ("get_account", Access::Admins, "200"),
    ("edit_account", Access::ProvenAdmin, "200"),
    ("list_account_sessions", Access::AdminSession, "200"),
    ("end_account_session", Access::ProvenAdmin, "404 credential_not_found"),
    ("list_account_tokens", Access::AdminSession, "200"),
    ("revoke_account_token", Access::ProvenAdmin, "404 credential_not_found"),
    ("revoke_all_credentials", Access::ProvenAdmin, "204"),
    ("list_databases", Access::Admins, "200"),
    ("verify_database", Access::Admins, "404 database_not_found"),
    ("list_rebalances", Access::Admins, "200"),
    ("plan_rebalance", Access::Admins, "409 rebalance_conflict"),
    ("change_rebalance", Access::Admins, "404 rebalance_not_found"),
];

struct Operation {
    id: String,
    method: Method,
    path: String,
}

async fn operations(app: &TestApp) -> Vec<Operation> {
    let document = app.get_json("/api/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let operation = |(path, method, operation): (&String, &String, &Value)| Operation {
        id: operation["operationId"].as_str().unwrap().to_owned(),
        method: method.to_uppercase().parse().unwrap(),
        path: path.clone(),
    };
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, op)| (path, method, op))
        })
        .map(operation)
        .collect()
}

/// A body that is right for the operation, as far as anybody could tell; nothing for reads.
fn body(operation: &str, review: &str) -> Option<Value> {
    let seen = json!([{"id": review, "version": 1}]);
    Some(match operation {
        "register" => json!({"name": "x", "password": "short"}),
        "sign_in" => json!({"name": "nobody", "password": "nothing"}),
        "prove_password" => json!({"password": "wrong"}),
        "change_password" => {
            json!({"current_password": "wrong", "new_password": "long enough"})
        }
        "create_token" => json!({"name": "script"}),
        "create_review" => json!({"body": "text", "rating": 3}),
        "edit_review" => json!({"body": "another text"}),
        "report_review" => json!({"reason": "spam"}),
        "decide" => json!({"decision": "reject", "reason": "illegal", "reviews": seen}),
        "undo_decisions" => json!({"reviews": seen}),
        "create_product" => json!({"name": "Krater"}),
        "edit_product" => json!({"description": "Changed."}),
        "edit_account" => json!({"role": "member"}),
        "plan_rebalance" => json!({}),
        "change_rebalance" => json!({"action": "pause"}),
        _ => return None,
    })
}

/// A product of its own with a review by the owner, for one request.
struct Scene {
    product: i64,
    review: String,
}

/// The literal of a secret's hash.
fn hash(secret: &str) -> String {
    let hex: String = Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect();
    engine().bytes(&hex)
}

struct Stage {
    app: TestApp,
    /// An account that no actor has.
    bystander: i64,
    products: i64,
}

impl Stage {
    async fn set() -> Stage {
        let app = TestApp::start(3).await;
        for (name, role) in [
            ("other", Role::Member),
            ("owner", Role::Member),
            ("moderator", Role::Moderator),
            ("admin", Role::Admin),
            ("stale", Role::Admin),
            ("disabled", Role::Admin),
            ("expired", Role::Admin),
            ("revoked", Role::Admin),
        ] {
            let account = app.create_account(name, role).await.id;
            let hash = hash(&format!("secret of {name}"));
            let now_ms = Timestamp::now().as_millisecond();
            let expires_at = if name == "expired" { 1 } else { now_ms + 3_600_000 };
            let proved_at = if name == "stale" { now_ms - 15 * 60_000 } else { now_ms };
            app.sql(
                "default",
                &format!(
                    "INSERT INTO session
                         (account_id, secret_hash, created_at, expires_at, last_used_at, proved_at)
                     VALUES ({account}, {hash}, {now_ms}, {expires_at}, {now_ms}, {proved_at})"
                ),
            );
        }
        for (actor, name) in [
            (OwnersReadToken, "owner"),
            (OwnersWriteToken, "owner"),
            (ModeratorsToken, "moderator"),
            (AdminsPlainToken, "admin"),
        ] {
            let (hash, scopes) = (hash(&format!("ostk_{actor:?}")), actor.scopes().unwrap());
            app.sql(
                "default",
                &format!(
                    "INSERT INTO api_token (account_id, secret_hash, name, scopes, created_at)
                     VALUES ((SELECT id FROM account WHERE name = '{name}'), {hash}, 'x', '{scopes}', 0)"
                ),
            );
        }
        app.sql("default", "UPDATE account SET disabled = TRUE WHERE name = 'disabled'");
        let revoked = "(SELECT id FROM account WHERE name = 'revoked')";
        app.sql("default", &format!("DELETE FROM api_token WHERE account_id = {revoked}"));
        let bystander = app.create_account("bystander", Role::Moderator).await.id;
        Stage { app, bystander, products: crate::support::app::PRODUCTS }
    }

    async fn scene(&mut self) -> Scene {
        self.products += 1;
        self.app.add_product(self.products);
        let path = format!("/api/products/{}/reviews", self.products);
        let request = self.app.request(Method::POST, &path).json(&json!({"body": "mine"}));
        let made = self.app.send(request.bearer_auth("ostk_owner")).await.json();
        Scene { product: self.products, review: made["id"].as_str().unwrap().to_owned() }
    }

    /// Adds the actor's own credentials, which stay the same after signing out.
    fn authorize(&self, actor: Actor, request: RequestBuilder) -> RequestBuilder {
        let cookie = |name: &str| format!("ostrakon_session=secret of {name}");
        match actor {
            Guest => request,
            Other => request.header("cookie", cookie("other")),
            Owner => request.header("cookie", cookie("owner")),
            OwnersToken => request.bearer_auth("ostk_owner"),
            AdminsToken => request.bearer_auth("ostk_admin"),
            OwnersReadToken | OwnersWriteToken | ModeratorsToken | AdminsPlainToken => {
                request.bearer_auth(format!("ostk_{actor:?}"))
            }
            StaleAdmin => request.header("cookie", cookie("stale")),
            Moderator => request.header("cookie", cookie("moderator")),
            Admin => request.header("cookie", cookie("admin")),
            Disabled => request.header("cookie", cookie("disabled")),
            ExpiredSession => request.header("cookie", cookie("expired")),
            RevokedToken => request.bearer_auth("ostk_revoked"),
        }
    }

    fn path(&self, operation: &Operation, scene: &Scene) -> String {
        let id = match operation.path.as_str() {
            path if path.contains("/reviews/{id}") => scene.review.clone(),
            path if path.contains("/products/{id}") => scene.product.to_string(),
            path if path.contains("/accounts/{id}") => self.bystander.to_string(),
            _ => "999999".to_owned(),
        };
        let path = operation.path.replace("{id}", &id).replace("{code}", "internal");
        let query = if operation.id == "list_ratings" { "?product_ids=1" } else { "" };
        format!(
            "{}{query}",
            path.replace("{name}", "reviews-99").replace("{credential_id}", "999999")
        )
    }

    async fn outcome(&mut self, operation: &Operation, actor: Actor) -> String {
        let mut scene = self.scene().await;
        if operation.id == "create_review" {
            // The owner has reviewed the product of the scene.
            self.products += 1;
            self.app.add_product(self.products);
            scene.product = self.products;
        }
        let request = self.app.request(operation.method.clone(), &self.path(operation, &scene));
        let request = match operation.method {
            Method::PATCH => request.header("if-match", "\"1\""),
            _ => request,
        };
        let request = match body(&operation.id, &scene.review) {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = self.app.send(self.authorize(actor, request)).await;
        if response.status.is_success() {
            return response.status.as_u16().to_string();
        }
        let status = response.status.as_u16();
        format!("{status} {}", response.problem(status))
    }
}

on_every_engine!(each_actor_may_do_what_the_matrix_says_and_nothing_else, async || {
    let mut stage = Stage::set().await;
    let mut operations = operations(&stage.app).await;
    // Signing out ends the sessions, so it comes last.
    operations.sort_by_key(|operation| operation.id == "sign_out");
    let documented: BTreeSet<_> = operations.iter().map(|o| o.id.as_str()).collect();
    let in_matrix: BTreeSet<_> = MATRIX.iter().map(|(id, ..)| *id).collect();
    assert_eq!(documented, in_matrix, "each operation has its row, and each row its operation");

    let mut wrong = Vec::new();
    for operation in &operations {
        let (id, access, success) = MATRIX.iter().find(|(id, ..)| *id == operation.id).unwrap();
        for &actor in ACTORS {
            let expected = access.expected(actor, success);
            let outcome = stage.outcome(operation, actor).await;
            if outcome != expected {
                wrong.push(format!("{id} by {actor:?}: {outcome}, expected is {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    stage.app.verify();
});

// The document says of each operation what the program does.
on_every_engine!(the_document_states_which_credentials_each_operation_needs, async || {
    let app = TestApp::start(1).await;
    let document = app.get_json("/api/openapi.json").await;
    for operation in operations(&app).await {
        let (id, access, _) = MATRIX.iter().find(|(id, ..)| *id == operation.id).unwrap();
        let method = operation.method.as_str().to_lowercase();
        let described = &document["paths"][&operation.path][&method];
        let schemes: BTreeSet<&str> = described["security"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|scheme| scheme.as_object().unwrap().keys().map(String::as_str))
            .collect();
        let needs_none = described["security"]
            .as_array()
            .is_none_or(|schemes| schemes.iter().any(|s| s.as_object().unwrap().is_empty()));
        let is_open = matches!(access, Access::Public | Access::Anybody | Access::Posters);
        assert_eq!(needs_none, is_open, "{id}");
        match access {
            Access::Public => {}
            access if access.needs_session() => assert_eq!(schemes, ["session"].into(), "{id}"),
            _ => assert_eq!(schemes, ["session", "token"].into(), "{id}"),
        }
        let told = |status: &str| described["responses"].get(status).is_some();
        assert!(told("401") || is_open, "{id} says nothing of 401");
        let refuses_some = !matches!(access, Access::Public | Access::Anybody);
        assert!(told("403") || !refuses_some, "{id} says nothing of 403");
    }
});
