//! The explanations of problem codes, to which `type` points.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, mime};
use ostrakon_shared::ProblemCode;

use crate::http::response::problem::{ApiError, status};

/// Explain a problem
///
/// Plain text for people, at the path in a problem's `type`.
#[utoipa::path(
    tag = "operations",
    params(("code" = ProblemCode, Path, description = "The problem's code.", example = "review_not_found")),
    responses(
        (status = 200, description = "The explanation.", body = String, content_type = "text/plain",
            example = "Review not found (404 Not Found)\n\nThere is no review with this id.\n"),
        crate::http::openapi::NoSuchRoute
    )
)]
#[get("/problems/{code}")]
pub async fn get_problem(code: Path<String>) -> Result<HttpResponse, ApiError> {
    let known = ProblemCode::ALL.iter().find(|known| known.as_str() == *code);
    let code = known.ok_or_else(|| {
        ApiError::new(ProblemCode::RouteNotFound, format!("There is no problem code {code}."))
    })?;
    let text = format!("{} ({})\n\n{}\n", code.title(), status(*code), code.explanation());
    Ok(HttpResponse::Ok().content_type(mime::TEXT_PLAIN_UTF_8).body(text))
}
