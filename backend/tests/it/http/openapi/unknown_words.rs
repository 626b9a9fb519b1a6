//! Enum values that only a later version knows: clients read them, the server refuses them.

use std::collections::HashSet;

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{document, operations, resolved, responses};
use crate::support::app::TestApp;

/// Replaces each word of an enum in `value` by one that only a later version knows.
fn with_unknown_words(document: &Value, schema: &Value, value: &mut Value) -> usize {
    let schema = resolved(document, schema);
    match value {
        Value::String(_) if schema["enum"].is_array() => {
            let text = schema["description"].as_str().unwrap_or_default();
            assert!(text.contains("Clients must expect further values."), "{schema}");
            *value = json!("from_the_future");
            1
        }
        Value::Array(items) => {
            items.iter_mut().map(|item| with_unknown_words(document, &schema["items"], item)).sum()
        }
        Value::Object(fields) => fields
            .iter_mut()
            .map(|(name, value)| with_unknown_words(document, &schema["properties"][name], value))
            .sum(),
        _ => 0,
    }
}

/// The names of the schemas of all JSON bodies of responses.
fn answer_schemas(document: &Value) -> HashSet<&str> {
    let bodies = operations(document).flat_map(|(_, operation)| {
        responses(operation).filter(|it| it.0.starts_with('2')).filter_map(|(_, response)| {
            response["content"]["application/json"]["schema"]["$ref"].as_str()
        })
    });
    bodies.filter_map(|target| target.strip_prefix("#/components/schemas/")).collect()
}

/// The app, and other clients with the same types, may be older than the server.
#[test]
fn responses_with_unknown_enum_values_are_read() {
    let document = document();
    let mut left = answer_schemas(&document);
    left.remove("Status"); // Health checks look at statuses alone.
    let mut replaced = 0;
    let mut example = |name: &'static str| {
        left.remove(name);
        let schema = &document["components"]["schemas"][name];
        let mut value = example_of(&document, name);
        replaced += with_unknown_words(&document, schema, &mut value);
        value
    };
    macro_rules! read {
        ($($answer:ident),* $(,)?) => {$(
            let value = example(stringify!($answer));
            let read = serde_json::from_value::<ostrakon_shared::$answer>(value.clone());
            assert!(read.is_ok(), "{}: {:?} in {value}", stringify!($answer), read.err());
        )*};
    }
    read!(
        Account,
        AccountPage,
        AdminProduct,
        AdminProductPage,
        AdminReviewDetail,
        AdminReviewPage,
        AuditPage,
        CreatedToken,
        DatabaseList,
        DecisionResultList,
        Overview,
        Problem,
        Product,
        ProductPage,
        ProductRating,
        ProductRatingList,
        QueuePage,
        Rebalance,
        RebalanceList,
        Review,
        ReviewLocation,
        ReviewPage,
        Session,
        SessionList,
        TokenList,
        Verification,
    );
    assert!(left.is_empty(), "add these to the list: {left:?}");
    assert!(replaced > 20, "{replaced}");
}

/// The example of a response with this schema.
fn example_of(document: &Value, schema: &str) -> Value {
    let target = json!(format!("#/components/schemas/{schema}"));
    let shared = document["components"]["responses"].as_object().unwrap().values();
    let all = operations(document).flat_map(|(_, it)| responses(it).map(|it| it.1)).chain(shared);
    let contents = all.flat_map(|it| it["content"].as_object().into_iter().flatten());
    let mut fitting = contents.filter(|(_, content)| content["schema"]["$ref"] == target);
    fitting.next().unwrap_or_else(|| panic!("no response is {schema}")).1["example"].clone()
}

on_every_engine!(requests_with_unknown_enum_values_are_refused, async || {
    let app = TestApp::start(1).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let id = app.create_review(1, Some(5)).await;
    let document = app.get_json("/api/openapi.json").await;
    let review = json!({ "id": id, "version": 1 });
    let decisions = json!({ "decision": "spam", "reason": "illegal", "reviews": [review] });
    for (method, path, body) in [
        (Method::POST, "/api/reviews/{id}/reports", json!({ "reason": "spam" })),
        (Method::POST, "/api/moderation/decisions", decisions),
    ] {
        let operation = &document["paths"][path][method.as_str().to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let schema = resolved(&document, schema);
        let path = path.replace("{id}", &id);
        for (field, value) in body.as_object().unwrap().iter().filter(|(_, it)| it.is_string()) {
            assert!(
                resolved(&document, &schema["properties"][field])["enum"].is_array(),
                "{field}"
            );
            for unknown in ["from_the_future", "unknown", ""] {
                let mut body = body.clone();
                body[field] = json!(unknown);
                let answer = app.send_json(Some(&admin), method.clone(), &path, &body).await;
                assert_eq!(answer.problem(422), "validation_failed", "{path} {value} {unknown}");
                let error = &answer.json()["errors"][0];
                assert_eq!(error["pointer"], format!("/{field}"), "{path}");
                assert_eq!(error["code"], "invalid_value", "{path}");
            }
        }
    }
});
