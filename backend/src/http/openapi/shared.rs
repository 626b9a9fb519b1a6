//! Responses and headers that many operations share, described once in the document's components.

use actix_web::http::Method;
use ostrakon_shared::ProblemCode;
use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{RefBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response};

use crate::http::openapi::examples::problem_example;
use crate::http::openapi::operations;
use crate::http::response::problem::{PROBLEM_JSON, status};

/// A problem response that many operations share.
struct SharedResponse {
    status: &'static str,
    name: &'static str,
    description: &'static str,
    /// In addition to the rate limit headers.
    headers: &'static [&'static str],
}

const SHARED: [SharedResponse; 5] = [
    SharedResponse {
        status: "401",
        name: "Unauthorized",
        description: "The credentials are missing or not accepted.",
        headers: &["WWW-Authenticate", "Set-Cookie"],
    },
    SharedResponse {
        status: "403",
        name: "Forbidden",
        description: "The credentials do not allow this, or the request comes from a page of another site.",
        headers: &["WWW-Authenticate"],
    },
    SharedResponse {
        status: "429",
        name: "TooManyRequests",
        description: "A rate limit is exhausted.",
        headers: &["Retry-After"],
    },
    SharedResponse {
        status: "500",
        name: "InternalServerError",
        description: "The service has failed.",
        headers: &[],
    },
    SharedResponse {
        status: "503",
        name: "ServiceUnavailable",
        description: "The service is temporarily unable to do this; the same request may succeed later.",
        headers: &["Retry-After"],
    },
];

/// Headers of every response to a rate-limited request.
const LIMIT_HEADERS: [&str; 2] = ["RateLimit", "RateLimit-Policy"];

/// Adds the shared responses and headers, and replaces the operations' own descriptions by
/// references.
pub fn share(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    for (name, schema_type, example, description) in headers() {
        let schema = ObjectBuilder::new().schema_type(schema_type).examples([example]);
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description));
        components.headers.insert(name.to_owned(), RefOr::T(header.build()));
    }
    for shared in &SHARED {
        components.responses.insert(shared.name.to_owned(), RefOr::T(shared.response()));
    }
    for (method, operation) in operations(document) {
        reference_shared(operation);
        describe_headers(&method, operation);
    }
}

fn headers() -> [(&'static str, Type, Value, &'static str); 8] {
    [
        ("Retry-After", Type::Integer, json!(2), "Seconds to wait before a retry (RFC 9110)."),
        (
            "RateLimit",
            Type::String,
            json!("\"posting\";r=0;t=2"),
            "If the request is rate-limited: the limit's name, the remaining requests (`r`), and the \
             seconds until there are more (`t`), as in draft-ietf-httpapi-ratelimit-headers.",
        ),
        (
            "RateLimit-Policy",
            Type::String,
            json!("\"posting\";q=30;w=60"),
            "If the request is rate-limited: the limit's name, and the number of requests (`q`) per \
             window in seconds (`w`).",
        ),
        (
            "WWW-Authenticate",
            Type::String,
            json!("Bearer"),
            "The scheme to use, if the request has an API token that is not accepted (RFC 6750).",
        ),
        (
            "Set-Cookie",
            Type::String,
            json!("ostrakon_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"),
            "Removes the cookie of a session that has ended.",
        ),
        (
            "Accept-Encoding",
            Type::String,
            json!("identity"),
            "`identity`, if the body has a content coding, which is not supported (RFC 9110, section 15.5.16).",
        ),
        (
            "Accept-Patch",
            Type::String,
            json!("application/json, application/merge-patch+json"),
            "The accepted media types of a change, if the body has another one (RFC 5789).",
        ),
        (
            "Location",
            Type::String,
            json!("/api/reviews/0R7VX8GB30ESM"),
            "With `review_exists` and `idempotency_key_reused`: the path of the existing review.",
        ),
    ]
}

fn header_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

impl SharedResponse {
    /// The response, with the explanation of each code of its status.
    fn response(&self) -> Response {
        let codes: Vec<ProblemCode> = ProblemCode::ALL
            .iter()
            .copied()
            .filter(|code| status(*code).as_str() == self.status)
            .collect();
        let mut description = format!("{}\n", self.description);
        for code in &codes {
            description.push_str(&format!("\n- `{code}`: {}", code.explanation()));
        }
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .example(codes.first().map(|code| problem_example(*code)));
        let response =
            ResponseBuilder::new().description(description).content(PROBLEM_JSON, content.build());
        let with_header =
            |response: ResponseBuilder, name: &&str| response.header_ref(*name, header_ref(name));
        self.headers.iter().chain(&LIMIT_HEADERS).fold(response, with_header).build()
    }
}

/// Adds 401 and 403 to operations with authentication and 500 to those that use a database, and
/// replaces shared responses by references. An operation with fewer codes lists them beside the
/// reference.
fn reference_shared(operation: &mut Operation) {
    let guest = SecurityRequirement::default();
    let is_secured = operation.security.iter().flatten().any(|way| *way != guest);
    let responses = &mut operation.responses.responses;
    let mut statuses: Vec<&str> = if is_secured { vec!["401", "403"] } else { Vec::new() };
    if responses.contains_key("503") {
        statuses.push("500");
    }
    for status in statuses {
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(Response::new("")));
    }
    for SharedResponse { status, name, .. } in &SHARED {
        let Some(response) = responses.get_mut(*status) else { continue };
        let own = match response {
            RefOr::T(own) if matches!(*status, "401" | "403") => own.description.clone(),
            _ => String::new(),
        };
        let target = format!("#/components/responses/{name}");
        let reference = RefBuilder::new().ref_location(target).description(Some(own));
        *response = RefOr::Ref(reference.build());
    }
}

/// Adds the headers of an operation's responses that follow from its method and statuses.
fn describe_headers(method: &Method, operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    let is_limited = responses.contains_key("429");
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        let mut names = Vec::new();
        if is_limited {
            names.extend(LIMIT_HEADERS);
        }
        match status.as_str() {
            "409" if response.description.contains("`review_exists`") => names.push("Location"),
            "422" if response.description.contains("`idempotency_key_reused`") => {
                names.push("Location");
            }
            "415" if *method == Method::PATCH => names.extend(["Accept-Encoding", "Accept-Patch"]),
            "415" => names.push("Accept-Encoding"),
            _ => {}
        }
        let headers = names.into_iter().map(|name| (name.to_owned(), RefOr::Ref(header_ref(name))));
        response.headers.extend(headers);
    }
}
