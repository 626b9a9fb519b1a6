//! Who may do what: every operation of the OpenAPI document, by everybody there can be.

use std::collections::BTreeSet;

use ostrakon_shared::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::TestApp;
use crate::engine::engine;

/// Who asks: with a session, unless the name says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Actor {
    Guest,
    /// A member with whom the review has nothing to do.
    Other,
    /// The author of the review.
    Owner,
    /// The same, by an API token.
    OwnersToken,
    Moderator,
    Admin,
    Disabled,
    ExpiredSession,
    RevokedToken,
}

use Actor::*;

const ACTORS: [Actor; 9] =
    [Guest, Other, Owner, OwnersToken, Moderator, Admin, Disabled, ExpiredSession, RevokedToken];

/// Who may do it. Whoever may not is told so, and nothing else happens.
#[derive(Clone, Copy, Debug)]
enum Access {
    /// Everybody: nobody looks at who asks.
    Public,
    /// Everybody, but what they prove themselves with must be good.
    Anybody,
    /// Whoever has an account.
    Members,
    /// Whoever has signed in with the password.
    Session,
    /// Whoever wrote the review.
    Author,
    Moderators,
    Admins,
}

impl Access {
    /// What the actor is told: the success, or the code of a problem.
    fn expected(self, actor: Actor, success: &str) -> String {
        let refused = match (self, actor) {
            (Access::Public, _) => None,
            (_, Disabled | ExpiredSession | RevokedToken) => Some("401 session_invalid"),
            (Access::Anybody, _) => None,
            (_, Guest) => Some("401 sign_in_required"),
            (Access::Session, OwnersToken) => Some("403 session_required"),
            (Access::Author, Other | Moderator | Admin) => Some("403 not_allowed"),
            (Access::Moderators, Other | Owner | OwnersToken) => Some("403 not_allowed"),
            (Access::Admins, Other | Owner | OwnersToken | Moderator) => Some("403 not_allowed"),
            _ => None,
        };
        refused.unwrap_or(success).to_owned()
    }
}

/// One row for each operation: who may do it, and what comes of it. A problem stands for success
/// where the request can only get so far, past the question of who asks.
const MATRIX: [(&str, Access, &str); 40] = [
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
    ("create_review", Access::Anybody, "201"),
    ("report_review", Access::Anybody, "204"),
    ("list_own_reviews", Access::Members, "200"),
    ("edit_review", Access::Author, "200"),
    ("delete_review", Access::Author, "204"),
    ("change_password", Access::Session, "403 password_wrong"),
    ("list_sessions", Access::Session, "200"),
    ("end_session", Access::Session, "404 credential_not_found"),
    ("list_tokens", Access::Session, "200"),
    ("create_token", Access::Session, "201"),
    ("revoke_token", Access::Session, "404 credential_not_found"),
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
    ("list_accounts", Access::Admins, "200"),
    ("edit_account", Access::Admins, "200"),
    ("list_databases", Access::Admins, "200"),
    ("verify_database", Access::Admins, "404 database_not_found"),
];

struct Operation {
    id: String,
    method: Method,
    path: String,
}

async fn operations(app: &TestApp) -> Vec<Operation> {
    let document = app.read("/api/openapi.json").await;
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
        _ => return None,
    })
}

/// A product of its own with a review by the owner, for one request.
struct Scene {
    product: i64,
    review: String,
}

struct Stage {
    app: TestApp,
    /// An account that nobody needs.
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
            ("disabled", Role::Admin),
            ("expired", Role::Admin),
            ("revoked", Role::Admin),
        ] {
            let account = app.account(name, role).await.id;
            let hash: String = Sha256::digest(format!("secret of {name}"))
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let expires_at = if name == "expired" { "1" } else { "9000000000000" };
            let hash = engine().bytes(&hash);
            app.sql(
                "default",
                &format!(
                    "INSERT INTO session (account_id, secret_hash, created_at, expires_at)
                     VALUES ({account}, {hash}, 0, {expires_at})"
                ),
            );
        }
        app.sql("default", "UPDATE account SET disabled = TRUE WHERE name = 'disabled'");
        let revoked = "(SELECT id FROM account WHERE name = 'revoked')";
        app.sql("default", &format!("DELETE FROM api_token WHERE account_id = {revoked}"));
        let bystander = app.account("bystander", Role::Moderator).await.id;
        Stage { app, bystander, products: crate::app::PRODUCTS }
    }

    async fn scene(&mut self) -> Scene {
        self.products += 1;
        self.app.add_product(self.products);
        let path = format!("/api/products/{}/reviews", self.products);
        let request = self.app.request(Method::POST, &path).json(&json!({"body": "mine"}));
        let made = self.app.send(request.bearer_auth("ostk_owner")).await.json();
        Scene { product: self.products, review: made["id"].as_str().unwrap().to_owned() }
    }

    /// Whoever asks, asks as nobody else, also after having signed out.
    fn sign(&self, actor: Actor, request: RequestBuilder) -> RequestBuilder {
        let cookie = |name: &str| format!("ostrakon_session=secret of {name}");
        match actor {
            Guest => request,
            Other => request.header("cookie", cookie("other")),
            Owner => request.header("cookie", cookie("owner")),
            OwnersToken => request.bearer_auth("ostk_owner"),
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
        format!("{}{query}", path.replace("{name}", "reviews-99"))
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
        let answer = self.app.send(self.sign(actor, request)).await;
        if answer.status.is_success() {
            return answer.status.as_u16().to_string();
        }
        let status = answer.status.as_u16();
        format!("{status} {}", answer.problem(status))
    }
}

on_every_engine!(everybody_may_do_what_the_matrix_says_and_nothing_else, async || {
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
        for actor in ACTORS {
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
on_every_engine!(the_document_names_who_may_do_it, async || {
    let app = TestApp::start(1).await;
    let document = app.read("/api/openapi.json").await;
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
        assert_eq!(needs_none, matches!(access, Access::Public | Access::Anybody), "{id}");
        match access {
            Access::Public => {}
            Access::Session => assert_eq!(schemes, ["session"].into(), "{id}"),
            _ => assert_eq!(schemes, ["session", "token"].into(), "{id}"),
        }
        let told = |status: &str| described["responses"].get(status).is_some();
        let refuses_guests = !matches!(access, Access::Public | Access::Anybody);
        let refuses_some = refuses_guests && !matches!(access, Access::Members);
        assert!(told("401") || !refuses_guests, "{id} says nothing of 401");
        assert!(told("403") || !refuses_some, "{id} says nothing of 403");
    }
});
