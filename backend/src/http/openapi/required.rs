//! Marks response fields that are always present as required.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::openapi::{OpenApi, RefOr, Schema};

use crate::http::openapi::json_of;

/// Marks nullable response fields as required. The derive makes them optional, but responses only
/// omit fields that are never null.
pub fn require_sent_fields(document: &mut OpenApi) {
    let json = json_of(document);
    let mut sent = BTreeSet::new();
    for item in json["paths"].as_object().into_iter().flat_map(Map::values) {
        for operation in item.as_object().into_iter().flat_map(Map::values) {
            collect_schemas(&operation["responses"], &json, &mut sent);
        }
    }
    let schemas = &mut document.components.get_or_insert_default().schemas;
    for (name, schema) in schemas.iter_mut().filter(|(name, _)| sent.contains(*name)) {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        let properties = &json["components"]["schemas"][name]["properties"];
        for (field, schema) in properties.as_object().into_iter().flatten() {
            if is_nullable(schema) && !object.required.contains(field) {
                object.required.push(field.clone());
            }
        }
    }
}

/// The names of the schemas that `value` refers to, directly or by others.
fn collect_schemas(value: &Value, document: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let target = object.get("$ref").and_then(Value::as_str);
            let name = target.and_then(|target| target.strip_prefix("#/components/schemas/"));
            if let Some(name) = name.filter(|name| names.insert((*name).to_owned())) {
                collect_schemas(&document["components"]["schemas"][name], document, names);
            }
            object.values().for_each(|value| collect_schemas(value, document, names));
        }
        Value::Array(items) => {
            items.iter().for_each(|item| collect_schemas(item, document, names));
        }
        _ => {}
    }
}

fn is_nullable(schema: &Value) -> bool {
    let null = json!("null");
    let in_type = schema["type"].as_array().is_some_and(|types| types.contains(&null));
    in_type || schema["oneOf"].as_array().into_iter().flatten().any(|option| option["type"] == null)
}
