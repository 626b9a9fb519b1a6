//! The application data that all requests share.

use actix_web::HttpRequest;
use actix_web::web::Data;
use ostrakon_shared::ProblemCode;

use crate::http::response::problem::ApiError;

/// The data of this type that [`crate::http::server`] has added to the application.
pub fn app_data<T: 'static>(request: &HttpRequest) -> Result<Data<T>, ApiError> {
    let code = ProblemCode::Internal;
    request.app_data::<Data<T>>().cloned().ok_or_else(|| ApiError::new(code, code.explanation()))
}
