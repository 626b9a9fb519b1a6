//! The OpenAPI document is up to date, and clients can be generated from it.

use std::collections::HashSet;

use ostrakon::http::problem_status;
use ostrakon_shared::{
    Decision, DecisionReason, FieldErrorCode, ProblemCode, ReportReason, ReviewAction,
    ReviewStatus, Role,
};
use serde_json::{Value, json};

use crate::support::app::TestApp;

mod headers;
mod unknown_words;

const REVIEWS: &str = "/api/products/1/reviews";

const PROOF: &str = "/api/session/proof";

#[test]
fn the_checked_in_document_is_up_to_date() {
    let checked_in = include_str!("../../../../openapi.yaml");
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
        let document = app.get_json("/api/openapi.json").await;
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
        assert!(docs.text.contains(r#"<a href="/">"#), "a way back: {}", docs.text);
        for (file, kind) in [("ostrakon.css", "text/css"), ("ostrakon.js", "text/javascript")] {
            let file = app.get(&format!("/docs/{file}")).await;
            assert_eq!(file.status, 200);
            assert!(file.header("content-type").starts_with(kind));
        }
    }
);

/// The document lists the words that JSON has.
#[test]
fn enum_values_are_the_same_in_json_and_in_the_document() {
    let document = document();
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
    let document = document();
    let references = references(&document);
    assert!(references.contains(&"#/components/schemas/Problem"));
    for target in references {
        assert!(document.pointer(&target[1..]).is_some(), "{target}");
    }
}

on_every_engine!(responses_have_exactly_the_fields_that_the_document_lists, async || {
    let app = TestApp::start(3).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let id = app.create_review(1, Some(5)).await;
    let document = app.get_json("/api/openapi.json").await;
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
        let answer = app.get_json_as(&admin, path).await;
        check_fields(&document, &document["components"]["schemas"][schema], &answer, path);
    }
});

/// Every field of `value` is documented and required, every required one is there, and all of
/// them fit their schemas: ordinary responses have every field that is always sent.
fn check_fields(document: &Value, schema: &Value, value: &Value, place: &str) {
    check_value(document, schema, value, place);
    let Some(object) = value.as_object() else {
        let items = value.as_array().into_iter().flatten();
        let schema = &resolved(document, schema)["items"];
        return items.for_each(|item| check_fields(document, schema, item, place));
    };
    let schema = resolved(document, schema);
    let required = schema["required"].as_array().unwrap();
    for (field, value) in object {
        let place = format!("{place}/{field}");
        assert!(required.contains(&json!(field)), "{place} is not required");
        check_fields(document, &schema["properties"][field], value, &place);
    }
}

/// The target of a schema's reference, or its variant that is not null.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(target) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(&target[1..]).unwrap());
    }
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let other = variants.into_iter().find(|variant| variant["type"] != "null");
    other.map_or(schema, |variant| resolved(document, variant))
}

/// `value` is what the schema says, by the keywords that this document uses.
fn check_value(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(target) = schema["$ref"].as_str() {
        return check_value(document, document.pointer(&target[1..]).unwrap(), value, place);
    }
    if schema["oneOf"].is_array() {
        let nullable = schema["oneOf"].as_array().unwrap().iter().any(|it| it["type"] == "null");
        assert!(nullable || !value.is_null(), "{place} is null");
        if !value.is_null() {
            check_value(document, resolved(document, schema), value, place);
        }
        return;
    }
    let types: Vec<_> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let fits = |name: &&str| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{place}: what is {other}?"),
    };
    assert!(types.is_empty() || types.iter().any(fits), "{place}: {value} is not {types:?}");
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{place}: {value} is not one of {words:?}");
    }
    for (keyword, is_below) in [("minimum", true), ("maximum", false)] {
        if let (Some(bound), Some(number)) = (schema[keyword].as_f64(), value.as_f64()) {
            assert!(if is_below { bound <= number } else { number <= bound }, "{place}: {number}");
        }
    }
    let fields = schema["properties"].as_object();
    for (field, value) in value.as_object().into_iter().flatten() {
        let schema = fields.and_then(|fields| fields.get(field));
        match schema {
            Some(schema) => check_value(document, schema, value, &format!("{place}/{field}")),
            None => assert!(fields.is_none(), "{place}/{field} is not documented"),
        }
    }
    for field in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(field.as_str().unwrap()).is_some(), "{place}: {field} is missing");
    }
    for item in value.as_array().into_iter().flatten() {
        check_value(document, &schema["items"], item, place);
    }
}

fn document() -> Value {
    serde_json::to_value(ostrakon::http::document()).unwrap()
}

/// The responses of an operation, by status.
fn responses(operation: &Value) -> impl Iterator<Item = (&str, &Value)> {
    operation["responses"].as_object().unwrap().iter().map(|(status, it)| (&**status, it))
}

#[test]
fn every_response_has_an_example_that_fits_its_schema() {
    let document = document();
    for (route, operation) in operations(&document) {
        for (status, response) in responses(operation) {
            let content = resolved(&document, response)["content"].as_object();
            for (media_type, content) in content.into_iter().flatten() {
                let place = format!("{route} {status} {media_type}");
                let example = content.get("example").unwrap_or_else(|| panic!("{place}"));
                check_value(&document, &content["schema"], example, &place);
                if media_type == "application/problem+json" {
                    assert_eq!(example["status"].to_string(), status, "{place}");
                }
            }
        }
    }
}

#[test]
fn shared_responses_are_described_once() {
    let document = document();
    for (status, name, headers) in [
        ("401", "Unauthorized", vec!["Set-Cookie", "WWW-Authenticate"]),
        ("403", "Forbidden", vec!["WWW-Authenticate"]),
        ("429", "TooManyRequests", vec!["Retry-After"]),
        ("500", "InternalServerError", vec![]),
        ("503", "ServiceUnavailable", vec!["Retry-After"]),
    ] {
        let shared = format!("#/components/responses/{name}");
        let mut users = 0;
        for (route, operation) in operations(&document) {
            if let Some(response) = operation["responses"].get(status) {
                assert_eq!(response["$ref"], *shared, "{route} {status}");
                users += 1;
            }
        }
        assert!(users > 1, "{status}");
        let described = &document["components"]["responses"][name];
        let listed: Vec<_> =
            described["headers"].as_object().into_iter().flatten().map(|(it, _)| &**it).collect();
        assert_eq!(listed, [&["RateLimit", "RateLimit-Policy"], &*headers].concat(), "{name}");
        for (code, text) in codes(status).map(|code| (code, code.explanation())) {
            let description = described["description"].as_str().unwrap();
            assert!(description.contains(&format!("`{code}`: {text}")), "{name}: {code}");
        }
    }
    for (name, header) in document["components"]["headers"].as_object().unwrap() {
        assert!(header["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        check_value(&document, &header["schema"], &header["schema"]["examples"][0], name);
    }
}

/// The codes of problems with this status.
fn codes(status: &str) -> impl Iterator<Item = ProblemCode> {
    ProblemCode::ALL.iter().copied().filter(move |code| problem_status(*code).as_str() == status)
}

#[test]
fn operations_list_their_possible_problems() {
    let document = document();
    let mut limited = Vec::new();
    for (route, operation) in operations(&document) {
        let has = |status: &str| operation["responses"].get(status).is_some();
        let ways = operation["security"].as_array();
        let is_secured = ways.into_iter().flatten().any(|way| *way != json!({}));
        assert!(!is_secured || has("401") && has("403"), "{route}: 401, 403");
        assert_eq!(has("500"), has("503"), "{route}: what asks a database can fail");
        if has("429") {
            limited.push(operation["operationId"].as_str().unwrap());
            for (status, response) in responses(operation) {
                for header in ["RateLimit", "RateLimit-Policy"] {
                    let response = resolved(&document, response);
                    assert!(response["headers"].get(header).is_some(), "{route} {status}");
                }
            }
        }
        for (status, response) in responses(operation).filter(|it| it.0 >= "400") {
            // The words in backticks are the codes; other backticks name headers and fields.
            let description = response["description"].as_str().unwrap_or_default();
            let words = description.split('`').skip(1).step_by(2);
            for code in words.filter_map(|word| word.parse::<ProblemCode>().ok()) {
                assert_eq!(problem_status(code).as_str(), status, "{route}: {code}");
            }
        }
    }
    limited.sort_unstable();
    let expected = [
        "change_password",
        "create_review",
        "prove_password",
        "register",
        "report_review",
        "sign_in",
    ];
    assert_eq!(limited, expected, "the operations that count against a limit");
}
