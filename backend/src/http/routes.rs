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

/// What search engines read.
const FOR_CRAWLERS: [&str; 3] = ["/robots.txt", "/sitemap.xml", "/sitemaps/{start}.xml"];

/// The methods of what is only read.
pub const READ: &[Method] = &[Method::GET, Method::HEAD];

/// Which paths there are, with their methods; but for the app's files and pages.
pub struct RouteTable(Vec<(ResourceDef, Vec<Method>)>);

impl RouteTable {
    /// The routes of `document`, and where there are pages those of search engines.
    pub fn new(document: &OpenApi, has_pages: bool) -> RouteTable {
        let route = |(path, item): (&String, &PathItem)| (ResourceDef::new(&**path), methods(item));
        let for_crawlers = FOR_CRAWLERS.iter().filter(|_| has_pages);
        let for_crawlers = for_crawlers.map(|path| (ResourceDef::new(*path), READ.to_vec()));
        RouteTable(document.paths.paths.iter().map(route).chain(for_crawlers).collect())
    }

    /// Why this request is refused, if its path is known and does not take its method.
    pub fn wrong_method(&self, method: &Method, path: &str) -> Option<ApiError> {
        let known = self.0.iter().find(|(route, _)| route.is_match(path));
        let known = known.map(|(_, methods)| methods.as_slice());
        let methods = known.or_else(|| openapi::has_docs(path).then_some(READ))?;
        let is_wrong = !methods.contains(method);
        is_wrong.then(|| ApiError::method_not_allowed(method, path, methods))
    }

    /// Why no handler took this request.
    pub fn refusal(&self, request: &HttpRequest) -> ApiError {
        let path = request.path();
        self.wrong_method(request.method(), path).unwrap_or_else(|| {
            ApiError::new(ProblemCode::RouteNotFound, format!("There is nothing at {path}."))
        })
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
