//! Finishes all responses: bodies of problems, HEAD, compression, the request id and security
//! headers.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use tracing_actix_web::RequestId;

use crate::http::middleware::connections::RequestInProgress;
use crate::http::middleware::unread_body::ChunkedBody;
use crate::http::rate_limit::Allowance;
use crate::http::response::compression;
use crate::http::response::problem::ApiError;
use crate::http::route_table::RouteTable;
use crate::http::settings::Settings;

/// The id of the request in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Swagger UI uses inline styles and data URLs.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Responses other than pages load nothing.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Browsers must use HTTPS for two years (RFC 6797).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Handles HEAD as GET without the body, adds the bodies of problems, compresses long text, and
/// adds the request id and security headers.
pub async fn finalize(
    routes: Data<RouteTable>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let request_id =
        request.extensions().get::<RequestId>().map_or_else(String::new, RequestId::to_string);
    let settings = request.app_data::<Data<Settings>>();
    let is_https = settings.is_some_and(|settings| settings.is_https());
    let policy = if request.path().starts_with("/docs/") { DOCS_POLICY } else { DATA_POLICY };
    if request.method() == Method::HEAD {
        // The protocol layer still knows the method and omits the body.
        request.head_mut().method = Method::GET;
    }
    let unread = ChunkedBody::of(&mut request);
    let in_progress = RequestInProgress::start(&request);
    let mut response = next.call(request).await?.map_into_boxed_body();
    drop(in_progress);
    let is_bare = !response.headers().contains_key(header::CONTENT_TYPE);
    if response.status() == StatusCode::NOT_FOUND && is_bare {
        // Swagger UI answers unknown files with an empty 404.
        let (request, _) = response.into_parts();
        let not_found = routes.refusal(&request);
        response = ServiceResponse::from_err(not_found, request);
    }
    let problem = response.response_mut().extensions_mut().remove::<ApiError>();
    if let Some(error) = problem {
        let body = serde_json::to_string(&error.problem(request_id.clone()))?;
        response = response.map_body(|_, _| BoxBody::new(body));
    }
    response = compression::compress(response)?;
    let allowance = response.request().extensions().get::<Allowance>().copied();
    let headers = response.headers_mut();
    for (name, value) in allowance.iter().flat_map(Allowance::headers) {
        headers.insert(name, value);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, value);
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(match unread {
        Some(body) => response.map_body(|_, answer| body.attach_to(answer)),
        None => response,
    })
}
