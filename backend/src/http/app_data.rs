//! What the server keeps for all requests.

use actix_web::HttpRequest;
use actix_web::web::Data;
use ostrakon_shared::ProblemCode;

use crate::http::response::problem::ApiError;

/// What [`crate::http::server`] has put into the application under this type.
pub fn app_data<T: 'static>(request: &HttpRequest) -> Result<Data<T>, ApiError> {
    let code = ProblemCode::Internal;
    request.app_data::<Data<T>>().cloned().ok_or_else(|| ApiError::new(code, code.explanation()))
}
