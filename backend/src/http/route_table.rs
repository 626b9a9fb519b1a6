//! Which paths there are, and what to say about those that there are not.

use actix_web::HttpRequest;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use ostrakon_shared::ProblemCode;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;

use crate::http::openapi;
use crate::http::response::problem::ApiError;

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
