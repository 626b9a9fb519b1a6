//! The known paths and methods, and the response to all others.
//!
//! Look here for 404 `route_not_found` and 405.

use actix_web::HttpRequest;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use ostrakon_shared::ProblemCode;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;

use crate::http::openapi;
use crate::http::response::problem::ApiError;

/// The routes for search engines.
const FOR_CRAWLERS: [&str; 3] = ["/robots.txt", "/sitemap.xml", "/sitemaps/{start}.xml"];

/// The methods of a read-only resource.
pub const READ: &[Method] = &[Method::GET, Method::HEAD];

/// All paths with their methods, except for the files and pages of the app.
pub struct RouteTable(Vec<(ResourceDef, Vec<Method>)>);

impl RouteTable {
    /// The routes of `document`, and those for search engines if there are pages.
    pub fn new(document: &OpenApi, has_pages: bool) -> RouteTable {
        let route = |(path, item): (&String, &PathItem)| (ResourceDef::new(&**path), methods(item));
        let for_crawlers = FOR_CRAWLERS.iter().filter(|_| has_pages);
        let for_crawlers = for_crawlers.map(|path| (ResourceDef::new(*path), READ.to_vec()));
        RouteTable(document.paths.paths.iter().map(route).chain(for_crawlers).collect())
    }

    /// The error if the path is known but does not support the method.
    pub fn wrong_method(&self, method: &Method, path: &str) -> Option<ApiError> {
        let known = self.0.iter().find(|(route, _)| route.is_match(path));
        let known = known.map(|(_, methods)| methods.as_slice());
        let methods = known.or_else(|| openapi::has_docs(path).then_some(READ))?;
        let is_wrong = !methods.contains(method);
        is_wrong.then(|| ApiError::method_not_allowed(method, path, methods))
    }

    /// The error for a request without a handler.
    pub fn refusal(&self, request: &HttpRequest) -> ApiError {
        let path = request.path();
        self.wrong_method(request.method(), path).unwrap_or_else(|| {
            ApiError::new(ProblemCode::RouteNotFound, format!("There is no route {path}."))
        })
    }
}

/// The methods of a path. HEAD is allowed wherever GET is.
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
