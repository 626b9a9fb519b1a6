//! Serves the app: its precompressed files, built by Trunk, from a folder, and its pages from
//! memory.
//!
//! All other paths are pages, which the app routes in the browser: each is answered with
//! [`IndexHtml`], into which [`Page`] may render content. Unknown pages get status 404, and the app
//! says so.

use std::path::PathBuf;
use std::sync::Arc;

use actix_files::Files;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, ContentEncoding, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ostrakon_shared::ProblemCode;
use sha2::{Digest, Sha256};

use crate::http::blocking::{RequestStore, run_read};
use crate::http::response::compression::{self, best_encoding};
use crate::http::response::problem::ApiError;
use crate::http::route_table::{READ, RouteTable};
use crate::http::settings::Settings;
use crate::http::spa::index_html::{Document, IndexHtml};
use crate::http::spa::prerender::{Page, Prerendered};
use crate::store::{Store, StoreError};

/// The built app, and the content security policy of its pages.
pub struct AppFiles {
    folder: PathBuf,
    index: Option<Arc<IndexHtml>>,
    content_security_policy: HeaderValue,
}

impl AppFiles {
    /// The app in `folder`; without it, only the API works.
    pub fn new(folder: PathBuf) -> AppFiles {
        let index = IndexHtml::read(&folder.join("index.html"))
            .inspect_err(|error| {
                tracing::warn!(folder = %folder.display(), %error, "the app is not built");
            })
            .ok();
        let content_security_policy =
            content_security_policy(index.as_ref().map_or("", IndexHtml::text));
        AppFiles { folder, index: index.map(Arc::new), content_security_policy }
    }

    pub fn is_built(&self) -> bool {
        self.index.is_some()
    }
}

/// The content security policy (CSP level 3): allows only files and WASM of this origin, the inline
/// scripts of `index` by hash, and images from any https origin.
fn content_security_policy(index: &str) -> HeaderValue {
    let inline: String = inline_scripts(index)
        .map(|script| format!(" 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script))))
        .collect();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{inline}; style-src 'self'; \
         img-src 'self' data: https:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("ASCII text and base64 make a header")
}

/// The contents of the page's inline scripts.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

/// Serves all paths without a route.
pub fn configure(config: &mut web::ServiceConfig, files: &Data<AppFiles>) {
    let folder = Files::new("/", files.folder.clone())
        .try_compressed()
        .prefer_utf8(true)
        .disable_content_disposition()
        .default_handler(web::to(refuse));
    config.service(web::scope("").wrap(from_fn(serve_page)).service(folder));
}

/// The response for a path without a file.
async fn refuse(request: HttpRequest, routes: Data<RouteTable>) -> Result<(), ApiError> {
    Err(routes.refusal(&request))
}

/// Whether the app routes this path: it belongs neither to the API nor to a file, hidden (`/.env`)
/// or not.
fn is_page(path: &str) -> bool {
    let elsewhere = ["/api", "/docs", "/problems", "/healthz", "/readyz"];
    let is_under = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_file = last.contains('.') || path.contains("/.");
    path == "/index.html" || (!elsewhere.into_iter().any(is_under) && !is_file)
}

/// Serves pages and files. Other methods than GET and HEAD get 405 for existing paths and 404
/// elsewhere.
async fn serve_page(
    files: Data<AppFiles>,
    store: RequestStore,
    settings: Data<Settings>,
    routes: Data<RouteTable>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(refusal) = routes.wrong_method(request.method(), request.path()) {
        return Ok(request.error_response(refusal));
    }
    let method = std::mem::replace(&mut request.head_mut().method, Method::GET);
    let response = read(&files, store, &settings, &routes, request, next).await?;
    if method == Method::GET {
        return Ok(response);
    }
    let is_missing = response.status() == StatusCode::NOT_FOUND;
    let (request, _) = response.into_parts();
    let refusal = if is_missing {
        routes.refusal(&request)
    } else {
        ApiError::method_not_allowed(&method, request.path(), READ)
    };
    Ok(ServiceResponse::from_err(refusal, request))
}

/// Reads the page or file at a path, and sets its cache headers.
async fn read(
    files: &AppFiles,
    store: RequestStore,
    settings: &Settings,
    routes: &RouteTable,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (mut response, keep) = if is_page(request.path()) {
        let response = match page(files, store, settings, request.request()).await {
            Ok(response) => response,
            Err(refusal) => return Ok(request.error_response(refusal)),
        };
        (request.into_response(response), "no-cache")
    } else {
        let response = next.call(request).await?.map_into_boxed_body();
        if !is_of_a_file(response.status()) {
            // For invalid names (`/.env`, `/a%00`) actix-files reveals details.
            let (request, _) = response.into_parts();
            let not_found = routes.refusal(&request);
            return Ok(ServiceResponse::from_err(not_found, request));
        }
        // Trunk adds a hash to the name of each file except the page.
        (response, "public, max-age=31536000, immutable")
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    // Also for the uncompressed file, which a shared cache could serve to another client.
    headers.insert(header::VARY, HeaderValue::from_static(compression::VARY));
    headers.insert(header::CONTENT_SECURITY_POLICY, files.content_security_policy.clone());
    Ok(response)
}

fn is_of_a_file(status: StatusCode) -> bool {
    let conditions = [
        StatusCode::NOT_MODIFIED,
        StatusCode::PRECONDITION_FAILED,
        StatusCode::RANGE_NOT_SATISFIABLE,
    ];
    status.is_success() || conditions.contains(&status)
}

/// The page at this URL. If its content can't be read, the app loads it and shows the error.
async fn page(
    files: &AppFiles,
    store: RequestStore,
    settings: &Settings,
    request: &HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let Some(index) = &files.index else {
        let detail = "The app is not built, only the API is available. `just build-app` builds it.";
        return Err(ApiError::new(ProblemCode::RouteNotFound, detail));
    };
    if let Some(canonical) = Page::canonical(request.path()) {
        return Ok(moved(canonical, request.query_string()));
    }
    let (status, filled) = match Page::at(request.path(), request.query_string()) {
        Page::Other => (StatusCode::OK, None),
        Page::Missing => (StatusCode::NOT_FOUND, None),
        page => {
            let (index, encoding) =
                (Arc::clone(index), best_encoding(request, &IndexHtml::DYNAMIC_ENCODINGS));
            let origin = settings.public_url.as_ref().map(|url| url.origin().to_owned());
            let fill = move |store: &Store| fill(page, store, origin.as_deref(), &index, encoding);
            run_read(store, fill).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a page could not be prerendered");
                (StatusCode::OK, None)
            })
        }
    };
    let document = filled.as_ref().unwrap_or_else(|| index.plain(request));
    Ok(document.answer(request, status))
}

/// A redirect to the canonical path.
fn moved(path: &str, query: &str) -> HttpResponse {
    let separator = if query.is_empty() { "" } else { "?" };
    let location = (header::LOCATION, format!("{path}{separator}{query}"));
    HttpResponse::PermanentRedirect().insert_header(location).finish()
}

/// The prerendered page, if it has content, and the status.
fn fill(
    page: Page,
    store: &Store,
    origin: Option<&str>,
    index: &IndexHtml,
    encoding: ContentEncoding,
) -> Result<(StatusCode, Option<Document>), StoreError> {
    match page.prerender(store, origin)? {
        Prerendered::Filled(parts) => index
            .render(&parts, encoding)
            .map(|document| (StatusCode::OK, document))
            .map_err(|error| StoreError::Internal(error.to_string())),
        Prerendered::NotFound => Ok((StatusCode::NOT_FOUND, None)),
        Prerendered::Unknown => Ok((StatusCode::OK, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_has_the_hashes_of_inline_scripts() {
        let policy = content_security_policy(
            "<script src=\"/a.js\"></script><script type=\"module\">alert(1)</script>",
        );
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        let expected = "'wasm-unsafe-eval' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=';";
        assert!(policy.to_str().unwrap().contains(expected), "{policy:?}");
    }

    #[test]
    fn the_app_routes_paths_of_neither_files_nor_the_api() {
        for page in
            ["/", "/index.html", "/products/1", "/reviews/0R7VX8GB30ESM", "/nonsense", "/apis"]
        {
            assert!(is_page(page), "{page}");
        }
        for other in
            ["/api", "/api/x", "/docs/", "/problems/x", "/app-1234.js", "/a/b.css", "/.a/b"]
        {
            assert!(!is_page(other), "{other}");
        }
    }
}
