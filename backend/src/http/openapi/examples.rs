//! Examples of responses, composed of the examples of their fields.

use ostrakon_shared::{NewReview, ProblemCode};
use serde_json::{Value, json};
use utoipa::openapi::{OpenApi, RefOr};

use crate::http::openapi::{json_of, operations};
use crate::http::response::problem::{ApiError, PROBLEM_JSON};

/// Adds an example to each response that has none.
pub fn add_examples(document: &mut OpenApi) {
    let json = json_of(document);
    for (_, operation) in operations(document) {
        for response in operation.responses.responses.values_mut() {
            let RefOr::T(response) = response else { continue };
            for (media_type, content) in &mut response.content {
                let RefOr::T(content) = content else { continue };
                if content.example.is_some() || !content.examples.is_empty() {
                    continue;
                }
                let schema = serde_json::to_value(&content.schema).unwrap_or_default();
                content.example = match first_code(&response.description) {
                    Some(code) if media_type == PROBLEM_JSON => Some(problem_example(code)),
                    _ => example_of(&schema, &json),
                };
            }
        }
    }
}

/// The first problem code in a description.
fn first_code(description: &str) -> Option<ProblemCode> {
    description.split('`').nth(1)?.parse().ok()
}

/// A problem with this code.
pub fn problem_example(code: ProblemCode) -> Value {
    let error = match code {
        ProblemCode::ValidationFailed => {
            let review = NewReview { rating: Some(6), body: "Fine.".into(), ..Default::default() };
            ApiError::fields(review.validate())
        }
        code => ApiError::new(code, code.explanation()),
    };
    json!(error.problem("0194e2f0-6d4a-7a3b-9c1d-2f4e5a6b7c8d".to_owned()))
}

/// The example of a schema: its own, or one composed of the examples of its parts.
fn example_of(schema: &Value, document: &Value) -> Option<Value> {
    if let Some(target) = schema["$ref"].as_str() {
        return example_of(document.pointer(&target[1..])?, document);
    }
    let own = schema.get("example").or_else(|| schema["examples"].get(0));
    if let Some(own) = own.or_else(|| schema["enum"].get(0)) {
        return Some(own.clone());
    }
    if let Some(options) = schema["oneOf"].as_array() {
        return options.iter().find_map(|option| example_of(option, document));
    }
    match schema["type"].as_str()? {
        "boolean" => Some(json!(false)),
        "array" => Some(json!([example_of(&schema["items"], document)?])),
        "object" => {
            let fields = schema["properties"].as_object()?.iter();
            let example = |(name, schema): (&String, &Value)| {
                Some((name.clone(), example_of(schema, document)?))
            };
            fields.map(example).collect::<Option<_>>().map(Value::Object)
        }
        _ => None,
    }
}
