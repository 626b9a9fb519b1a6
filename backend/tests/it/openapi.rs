//! The OpenAPI document: up to date, and fit for making clients from it.

use std::collections::HashSet;

use ostrakon_shared::{
    Decision, DecisionReason, FieldErrorCode, ProblemCode, ReportReason, ReviewAction,
    ReviewStatus, Role,
};
use serde_json::{Value, json};

use crate::app::TestApp;

#[test]
fn the_checked_in_document_is_up_to_date() {
    let checked_in = include_str!("../../../openapi.yaml");
    let generated = ostrakon::http::document().to_yaml().unwrap();
    assert!(checked_in == generated, "openapi.yaml is stale: run `just openapi`");
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

on_every_engine!(
    the_served_document_has_a_unique_name_and_a_text_for_every_operation,
    async || {
        let app = TestApp::start(1).await;
        let document = app.read("/api/openapi.json").await;
        let mut names = HashSet::new();
        for (route, operation) in operations(&document) {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{route}: {name} stands twice");
            assert!(operation["summary"].is_string(), "{route}");
            assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{route}");
        }
        assert!(names.contains("create_review") && names.contains("list_product_reviews"));
        let docs = app.get("/docs").await;
        assert_eq!(docs.status, 200);
        assert!(docs.text.contains("swagger-ui"), "{}", docs.text);
    }
);

/// The document lists the words that JSON has.
#[test]
fn words_are_the_same_in_json_and_in_the_document() {
    let document = serde_json::to_value(ostrakon::http::document()).unwrap();
    let check = |schema: &str, words: &[Value], names: Vec<&str>| {
        assert_eq!(json!(words), json!(names), "{schema}");
        assert_eq!(document["components"]["schemas"][schema]["enum"], json!(words), "{schema}");
    };
    macro_rules! check {
        ($($name:ident),*) => {$(
            let words: Vec<Value> = $name::ALL.iter().map(|word| json!(word)).collect();
            check(stringify!($name), &words, $name::ALL.iter().map(|word| word.as_str()).collect());
        )*};
    }
    check!(Decision, DecisionReason, ProblemCode, FieldErrorCode);
    check!(ReportReason, ReviewAction, ReviewStatus, Role);
}

/// Every `$ref` below `value`.
fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(target) if key == "$ref" => vec![target],
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(ostrakon::http::document()).unwrap();
    let references = references(&document);
    assert!(references.contains(&"#/components/schemas/Problem"));
    for target in references {
        assert!(document.pointer(&target[1..]).is_some(), "{target}");
    }
}

on_every_engine!(answers_have_exactly_the_fields_that_the_document_lists, async || {
    let app = TestApp::start(3).await;
    let admin = app.account("admin", Role::Admin).await;
    let id = app.review(1, Some(5)).await;
    let document = app.read("/api/openapi.json").await;
    for (path, schema) in [
        ("/api/products", "ProductPage"),
        ("/api/products/1", "Product"),
        ("/api/products/1/rating", "ProductRating"),
        ("/api/products/1/reviews", "ReviewPage"),
        ("/api/ratings?product_ids=1", "ProductRatingList"),
        (&format!("/api/reviews/{id}"), "Review"),
        (&format!("/api/reviews/{id}/location"), "ReviewLocation"),
        ("/api/accounts/me/reviews", "ReviewPage"),
        ("/api/moderation/queue", "QueuePage"),
        ("/api/admin/overview", "Overview"),
        ("/api/admin/reviews", "AdminReviewPage"),
        (&format!("/api/admin/reviews/{id}"), "AdminReviewDetail"),
        ("/api/admin/products", "AdminProductPage"),
        ("/api/admin/products/1", "AdminProduct"),
        ("/api/databases", "DatabaseList"),
    ] {
        let answer = app.read_as(&admin, path).await;
        check_fields(&document, &document["components"]["schemas"][schema], &answer, path);
    }
});

/// Every field of `value` is in the schema, and every one that the schema requires is there; of
/// what lies inside, the same.
fn check_fields(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(target) = schema["$ref"].as_str() {
        return check_fields(document, document.pointer(&target[1..]).unwrap(), value, place);
    }
    if let Some(items) = value.as_array() {
        return items.iter().for_each(|item| check_fields(document, &schema["items"], item, place));
    }
    let (Some(properties), Some(object)) = (schema["properties"].as_object(), value.as_object())
    else {
        return;
    };
    for (field, value) in object {
        let place = format!("{place}/{field}");
        assert!(properties.contains_key(field), "{place} is not documented");
        check_fields(document, &properties[field], value, &place);
    }
    for field in schema["required"].as_array().unwrap() {
        assert!(object.contains_key(field.as_str().unwrap()), "{place}: {field} is missing");
    }
}
