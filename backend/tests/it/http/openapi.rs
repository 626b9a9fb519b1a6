//! The OpenAPI document: up to date, and fit for making clients from it.

use std::collections::{BTreeSet, HashSet};

use ostrakon::http::{Rates, problem_status};
use ostrakon_shared::{
    Decision, DecisionReason, FieldErrorCode, ProblemCode, ReportReason, ReviewAction,
    ReviewStatus, Role,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::register;
use crate::support::app::{Account, Answer, TestApp};

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

/// Every field of `value` is documented and required, every required one is there, and all of
/// them fit their schemas: ordinary answers hold everything that is always sent.
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

/// What a schema refers to, or its variant that is not null.
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

/// The answers of an operation, by status.
fn responses(operation: &Value) -> impl Iterator<Item = (&str, &Value)> {
    operation["responses"].as_object().unwrap().iter().map(|(status, it)| (&**status, it))
}

#[test]
fn every_answer_has_an_example_that_fits() {
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
fn what_many_operations_answer_is_described_once() {
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
fn operations_list_what_can_stand_in_their_way() {
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

/// Headers that are no operation's: of HTTP, of its caches, and what browsers go by. The document's
/// introduction describes the position that answers to writes carry, and its cookie.
const OF_EVERY_ANSWER: [&str; 13] = [
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "ostrakon-position",
    "referrer-policy",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
    "x-request-id",
];

/// The operation that answers requests of this method to this path, and how it is called.
fn operation_at<'a>(document: &'a Value, method: &Method, path: &str) -> (String, &'a Value) {
    let path = path.split('?').next().unwrap();
    let is_route = |route: &str| {
        let (route, path): (Vec<_>, Vec<_>) =
            (route.split('/').collect(), path.split('/').collect());
        let fits = |(part, found): (&&str, &&str)| part.starts_with('{') || part == found;
        route.len() == path.len() && route.iter().zip(&path).all(fits)
    };
    let method = method.as_str().to_lowercase();
    let mut routes: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(route, _)| is_route(route))
        .collect();
    // `me` is no id.
    routes.sort_by_key(|(route, _)| route.matches('{').count());
    let (route, item) = routes.first().unwrap_or_else(|| panic!("{path} is not documented"));
    (format!("{method} {route}"), &item[&method])
}

/// Headers of an answer that the document does not describe, with the status.
fn undescribed(document: &Value, method: &Method, path: &str, answer: &Answer) -> Vec<String> {
    let (route, operation) = operation_at(document, method, path);
    let status = answer.status.as_str();
    let Some(response) = operation["responses"].get(status) else {
        return vec![format!("{route} {status}: not documented")];
    };
    let described = resolved(document, response)["headers"].as_object();
    let is_described = |header: &str| {
        OF_EVERY_ANSWER.contains(&header)
            || described.is_some_and(|them| them.keys().any(|it| it.eq_ignore_ascii_case(header)))
    };
    let is_of_position = |value: &[u8]| value.starts_with(b"ostrakon_position=");
    let sent = answer.headers.iter().filter(|(_, value)| !is_of_position(value.as_bytes()));
    let sent = sent.map(|(header, _)| header.as_str());
    sent.filter(|header| !is_described(header))
        .map(|it| format!("{route} {status}: {it}"))
        .collect()
}

on_every_engine!(headers_of_answers_are_described, async || {
    let app = TestApp::start_with(1, |config| {
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
        config.rates =
            Rates { sign_ins_per_minute: 6, registrations_per_hour: 6, reviews_per_minute: 60 };
    })
    .await;
    let document = app.read("/api/openapi.json").await;
    let admin = app.account("admin", Role::Admin).await;
    let author = app.account("aspasia", Role::Member).await;
    let other = app.account("pericles", Role::Member).await;
    let bearer = |account: &Account| format!("Bearer {}", account.token);
    let (by_admin, by_author, by_other) = (bearer(&admin), bearer(&author), bearer(&other));
    let member = register(&app, "xenophon").await;
    let review = app.call(Some(&author), Method::POST, REVIEWS, &json!({"body": "x"})).await.json();
    app.review(1, Some(4)).await;
    let review = format!("/api/reviews/{}", review["id"].as_str().unwrap());
    let json_type = ("content-type", "application/json");
    let text_type = ("content-type", "text/plain");
    let gone = ("cookie", "ostrakon_session=gone");
    let session = ("cookie", &*member.cookie);
    let [by_admin, by_author, by_other] =
        [&by_admin, &by_author, &by_other].map(|bearer| ("authorization", bearer.as_str()));
    let bad_token = ("authorization", "Bearer ostk_gone");
    let any = ("if-match", "*");
    let long = json!({"body": "x".repeat(200_000)}).to_string();
    let mut seen = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for (method, path, headers, body, status) in [
        (Method::GET, "/api/products?limit=1", vec![], "", 200),
        (Method::GET, "/api/products?limit=0", vec![], "", 400),
        (Method::GET, "/api/products/1", vec![], "", 200),
        (Method::GET, "/api/products/99", vec![], "", 404),
        (Method::GET, "/api/products/1/rating", vec![], "", 200),
        (Method::GET, "/api/ratings?product_ids=1", vec![], "", 200),
        (Method::GET, "/api/products/1/reviews?limit=1", vec![], "", 200),
        (Method::GET, &review, vec![], "", 200),
        (Method::GET, &review, vec![("if-none-match", "*")], "", 304),
        (Method::POST, REVIEWS, vec![json_type, ("idempotency-key", "k")], r#"{"body": "y"}"#, 201),
        (Method::POST, REVIEWS, vec![json_type, ("idempotency-key", "k")], r#"{"body": "y"}"#, 201),
        (Method::POST, REVIEWS, vec![json_type, ("idempotency-key", "k")], r#"{"body": "z"}"#, 422),
        (Method::POST, REVIEWS, vec![json_type], "{", 400),
        (Method::POST, REVIEWS, vec![json_type], "{}", 422),
        (Method::POST, REVIEWS, vec![json_type], &long, 413),
        (Method::POST, REVIEWS, vec![text_type], "{}", 415),
        (Method::POST, REVIEWS, vec![json_type, ("content-encoding", "br")], "{}", 415),
        (Method::POST, REVIEWS, vec![json_type, by_author], r#"{"body": "y"}"#, 409),
        (Method::POST, REVIEWS, vec![json_type, bad_token], r#"{"body": "y"}"#, 401),
        (Method::POST, REVIEWS, vec![json_type, gone], r#"{"body": "y"}"#, 401),
        (Method::POST, REVIEWS, vec![json_type, ("origin", "http://evil.example")], "{}", 403),
        (Method::POST, "/api/products/99/reviews", vec![json_type], r#"{"body": "y"}"#, 404),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], r#"{"reason": "spam"}"#, 204),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], r#"{"reason": "spam"}"#, 409),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], "{", 400),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], "{}", 422),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], &long, 413),
        (Method::POST, "/api/reviews/{id}/reports", vec![text_type], "{}", 415),
        (Method::PATCH, &review, vec![json_type, any, by_author], r#"{"rating": 4}"#, 200),
        (Method::PATCH, &review, vec![json_type, any, by_author], "{", 400),
        (Method::PATCH, &review, vec![json_type, ("if-match", "1"), by_author], "{}", 400),
        (Method::PATCH, &review, vec![json_type, ("if-match", "\"9\""), by_author], "{}", 412),
        (Method::PATCH, &review, vec![json_type, by_author], "{}", 428),
        (Method::PATCH, &review, vec![text_type, any, by_author], "{}", 415),
        (
            Method::PATCH,
            &review,
            vec![json_type, ("content-encoding", "br"), any, by_author],
            "{}",
            415,
        ),
        (Method::PATCH, &review, vec![json_type, any, by_other], "{}", 403),
        (Method::PATCH, &review, vec![json_type, any], "{}", 401),
        (Method::DELETE, &review, vec![("if-match", "1"), by_author], "", 400),
        (Method::GET, "/api/accounts/me/reviews", vec![by_author], "", 200),
        (Method::GET, "/api/session", vec![session], "", 200),
        (Method::GET, "/api/session", vec![gone], "", 401),
        (Method::GET, "/api/session", vec![bad_token], "", 401),
        (
            Method::POST,
            "/api/session",
            vec![json_type],
            r#"{"name": "xenophon", "password": "a long sentence"}"#,
            201,
        ),
        (
            Method::POST,
            "/api/session",
            vec![json_type],
            r#"{"name": "xenophon", "password": "x"}"#,
            401,
        ),
        (Method::POST, "/api/session", vec![json_type], "{", 400),
        (Method::POST, "/api/session", vec![json_type], &long, 413),
        (Method::POST, "/api/session", vec![text_type], "{}", 415),
        (Method::POST, "/api/session", vec![json_type], "{}", 422),
        (Method::POST, PROOF, vec![json_type, session], r#"{"password": "a long sentence"}"#, 204),
        (Method::POST, PROOF, vec![json_type, session], r#"{"password": "x"}"#, 403),
        (Method::POST, PROOF, vec![json_type, gone], r#"{"password": "x"}"#, 401),
        (Method::POST, PROOF, vec![json_type, by_author], r#"{"password": "x"}"#, 403),
        (
            Method::PUT,
            "/api/accounts/me/password",
            vec![json_type, session],
            r#"{"current_password": "x", "new_password": "another sentence"}"#,
            403,
        ),
        (
            Method::PUT,
            "/api/accounts/me/password",
            vec![json_type, session],
            r#"{"current_password": "x", "new_password": "x"}"#,
            422,
        ),
        (
            Method::POST,
            "/api/accounts",
            vec![json_type],
            r#"{"name": "xenophon", "password": "a long sentence"}"#,
            409,
        ),
        (
            Method::POST,
            "/api/accounts",
            vec![json_type],
            r#"{"name": "sappho", "password": "a long sentence"}"#,
            201,
        ),
        (Method::POST, "/api/accounts", vec![json_type], r#"{"name": "x", "password": "x"}"#, 422),
        (Method::GET, "/api/accounts/me/sessions", vec![session], "", 200),
        (Method::GET, "/api/accounts/me/tokens", vec![by_author], "", 403),
        (
            Method::POST,
            "/api/accounts/me/tokens",
            vec![json_type, session],
            r#"{"name": "x"}"#,
            201,
        ),
        (Method::DELETE, "/api/accounts/me/tokens/99", vec![session], "", 404),
        (Method::GET, "/api/moderation/queue?limit=1", vec![by_admin], "", 200),
        (Method::GET, "/api/moderation/queue", vec![by_author], "", 403),
        (Method::GET, "/api/admin/overview", vec![by_admin], "", 200),
        (Method::GET, "/api/admin/reviews?limit=1", vec![by_admin], "", 200),
        (Method::GET, "/api/admin/accounts?limit=1", vec![by_admin], "", 200),
        (Method::GET, "/api/admin/accounts/1", vec![by_admin], "", 200),
        (Method::PATCH, "/api/admin/accounts/1", vec![json_type, by_admin], "{}", 403),
        (Method::GET, "/api/admin/audit?limit=1", vec![by_admin], "", 200),
        (Method::GET, "/api/admin/products?limit=1", vec![by_admin], "", 200),
        (
            Method::POST,
            "/api/admin/products",
            vec![json_type, by_admin],
            r#"{"name": "Krater", "sku": "K"}"#,
            201,
        ),
        (
            Method::POST,
            "/api/admin/products",
            vec![json_type, by_admin],
            r#"{"name": "Krater", "sku": "K"}"#,
            409,
        ),
        (Method::POST, "/api/admin/products", vec![text_type, by_admin], "{}", 415),
        (Method::GET, "/api/admin/products/1", vec![by_admin], "", 200),
        (
            Method::PATCH,
            "/api/admin/products/1",
            vec![json_type, any, by_admin],
            r#"{"name": "Krater"}"#,
            200,
        ),
        (Method::PATCH, "/api/admin/products/1", vec![text_type, any, by_admin], "{}", 415),
        (Method::PATCH, "/api/admin/products/1", vec![json_type, by_admin], "{}", 428),
        (Method::GET, "/api/databases", vec![by_admin], "", 200),
        (Method::POST, "/api/databases/reviews-1/verification", vec![by_admin], "", 202),
        (Method::GET, "/healthz", vec![], "", 200),
        (Method::GET, "/readyz", vec![], "", 200),
        (Method::DELETE, "/api/session", vec![gone], "", 204),
        (Method::DELETE, &review, vec![by_author], "", 204),
    ] {
        let id = review.rsplit('/').next().unwrap();
        let path = path.replace("{id}", id);
        let request = app.request(method.clone(), &path).body(body.to_owned());
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = app.send(request).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        seen.extend(answer.headers.keys().map(|name| name.as_str().to_owned()));
        if status != 304 {
            missing.extend(undescribed(&document, &method, &path, &answer));
        }
    }
    // At last, what uses up a limit.
    let mut status = 0;
    while status != 429 {
        let proof = member.ask(Method::POST, PROOF, json!({"password": "x"})).await;
        missing.extend(undescribed(&document, &Method::POST, PROOF, &proof));
        seen.extend(proof.headers.keys().map(|name| name.as_str().to_owned()));
        status = proof.status.as_u16();
    }
    assert_eq!(missing, BTreeSet::new());
    for header in [
        "accept-encoding",
        "accept-patch",
        "etag",
        "idempotency-replayed",
        "link",
        "location",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "set-cookie",
        "www-authenticate",
    ] {
        assert!(seen.contains(header), "{header} is in no answer");
    }
});

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

/// The names of the schemas of all JSON bodies of answers.
fn answer_schemas(document: &Value) -> HashSet<&str> {
    let bodies = operations(document).flat_map(|(_, operation)| {
        responses(operation).filter(|it| it.0.starts_with('2')).filter_map(|(_, response)| {
            response["content"]["application/json"]["schema"]["$ref"].as_str()
        })
    });
    bodies.filter_map(|target| target.strip_prefix("#/components/schemas/")).collect()
}

/// Our own client, and every other that is made of the same types, is older than some servers.
#[test]
fn answers_with_unknown_words_are_read() {
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

/// The example of an answer with this schema.
fn example_of(document: &Value, schema: &str) -> Value {
    let target = json!(format!("#/components/schemas/{schema}"));
    let shared = document["components"]["responses"].as_object().unwrap().values();
    let all = operations(document).flat_map(|(_, it)| responses(it).map(|it| it.1)).chain(shared);
    let contents = all.flat_map(|it| it["content"].as_object().into_iter().flatten());
    let mut fitting = contents.filter(|(_, content)| content["schema"]["$ref"] == target);
    fitting.next().unwrap_or_else(|| panic!("no answer is {schema}")).1["example"].clone()
}

on_every_engine!(requests_with_unknown_words_are_refused, async || {
    let app = TestApp::start(1).await;
    let admin = app.account("admin", Role::Admin).await;
    let id = app.review(1, Some(5)).await;
    let document = app.read("/api/openapi.json").await;
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
                let answer = app.call(Some(&admin), method.clone(), &path, &body).await;
                assert_eq!(answer.problem(422), "validation_failed", "{path} {value} {unknown}");
                let error = &answer.json()["errors"][0];
                assert_eq!(error["pointer"], format!("/{field}"), "{path}");
                assert_eq!(error["code"], "invalid_value", "{path}");
            }
        }
    }
});
