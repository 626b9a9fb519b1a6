//! The route list: what there is, and what to say about what there is not.

use actix_web::HttpRequest;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use ostrakon_shared::ProblemCode;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::endpoints::{
    accounts, admin_accounts, admin_products, admin_reviews, audit, databases, health, moderation,
    problems, products, reviews, session,
};
use crate::http::openapi;
use crate::http::response::problem::ApiError;

/// Every handler; the OpenAPI document follows from this list.
pub fn api(config: &mut ServiceConfig) {
    config
        .service(products::list_products)
        .service(products::get_product)
        .service(products::get_product_rating)
        .service(products::list_ratings)
        .service(reviews::list_product_reviews)
        .service(reviews::create_review)
        .service(reviews::get_review)
        .service(reviews::edit_review)
        .service(reviews::delete_review)
        .service(reviews::report_review)
        .service(reviews::list_own_reviews)
        .service(reviews::get_review_location)
        .service(session::get_session)
        .service(session::sign_in)
        .service(session::prove_password)
        .service(session::sign_out)
        .service(accounts::register)
        .service(accounts::change_password)
        .service(accounts::list_sessions)
        .service(accounts::end_session)
        .service(accounts::list_tokens)
        .service(accounts::create_token)
        .service(accounts::revoke_token)
        .service(accounts::list_accounts)
        .service(accounts::edit_account)
        .service(audit::list_audit)
        .service(admin_accounts::get_account)
        .service(admin_accounts::list_account_sessions)
        .service(admin_accounts::end_account_session)
        .service(admin_accounts::list_account_tokens)
        .service(admin_accounts::revoke_account_token)
        .service(admin_accounts::revoke_all_credentials)
        .service(moderation::list_queue)
        .service(moderation::decide)
        .service(moderation::undo_decisions)
        .service(admin_reviews::get_overview)
        .service(admin_reviews::list_all_reviews)
        .service(admin_reviews::get_review_detail)
        .service(admin_products::list_all_products)
        .service(admin_products::create_product)
        .service(admin_products::get_product_detail)
        .service(admin_products::edit_product)
        .service(databases::list_databases)
        .service(databases::verify_database)
        .service(openapi::get_openapi)
        .service(problems::get_problem)
        .service(health::get_health)
        .service(health::get_readiness);
}

/// Which paths there are, with their methods, as the OpenAPI document lists them.
pub struct RouteTable(Vec<(ResourceDef, Vec<Method>)>);

impl RouteTable {
    pub fn new(document: &OpenApi) -> RouteTable {
        let route = |(path, item): (&String, &PathItem)| (ResourceDef::new(&**path), methods(item));
        RouteTable(document.paths.paths.iter().map(route).collect())
    }

    /// Why no handler took this request.
    pub fn refusal(&self, request: &HttpRequest) -> ApiError {
        let (method, path) = (request.method(), request.path());
        match self.0.iter().find(|(route, _)| route.is_match(path)) {
            Some((_, methods)) => ApiError::method_not_allowed(method, path, methods),
            None => {
                ApiError::new(ProblemCode::RouteNotFound, format!("There is nothing at {path}."))
            }
        }
    }
}

/// The methods of a path. HEAD goes wherever GET does.
fn methods(item: &PathItem) -> Vec<Method> {
    let mut methods = Vec::new();
    for (method, operation) in [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ] {
        if operation.is_some() {
            methods.push(method);
        }
    }
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods
}
