//! The app: its files, built by Trunk and compressed beforehand, are served from a folder; its
//! pages from memory.
//!
//! Paths that belong to nothing else are pages: the app routes them in the browser, so each is
//! answered with the one page there is, [`IndexHtml`], on which [`Page`] may have something to say. Where
//! no page is, it is answered with status 404, and the app says so.

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

/// The built app, and the policy under which its pages run.
pub struct AppFiles {
    folder: PathBuf,
    index: Option<Arc<IndexHtml>>,
    content_security_policy: HeaderValue,
}

impl AppFiles {
    /// The app in `folder`, which may be missing: then the API works without it.
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

/// A policy (CSP level 3) that lets the page load what is its own and run its own WASM, and
/// nothing else; inline scripts only as they stand in `index` now, and data, which is no script.
/// Pictures of products come from anywhere, if by https.
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

/// The contents of the page's scripts that have no `src`.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

/// Everything that no route has taken.
pub fn configure(config: &mut web::ServiceConfig, files: &Data<AppFiles>) {
    let folder = Files::new("/", files.folder.clone())
        .try_compressed()
        .prefer_utf8(true)
        .disable_content_disposition()
        .default_handler(web::to(refuse));
    config.service(web::scope("").wrap(from_fn(serve_page)).service(folder));
}

/// What to say about a path where there is no file.
async fn refuse(request: HttpRequest, routes: Data<RouteTable>) -> Result<(), ApiError> {
    Err(routes.refusal(&request))
}

/// Whether the app routes this path: it is no API's, and no file's, hidden (`/.env`) or not.
fn is_page(path: &str) -> bool {
    let elsewhere = ["/api", "/docs", "/problems", "/healthz", "/readyz"];
    let is_under = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_file = last.contains('.') || path.contains("/.");
    path == "/index.html" || (!elsewhere.into_iter().any(is_under) && !is_file)
}

/// Answers with pages and files. Other methods than those that read are refused: where there is
/// something to read, because of the method, elsewhere because there is nothing.
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

/// Reads the page or the file at a path, and says how long it may be kept.
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
            // Of names that can't be a file's (`/.env`, `/a%00`) the service of files has more to
            // say than visitors need to know.
            let (request, _) = response.into_parts();
            let nothing = routes.refusal(&request);
            return Ok(ServiceResponse::from_err(nothing, request));
        }
        // Trunk puts a hash into the name of every file but the page itself.
        (response, "public, max-age=31536000, immutable")
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    // The uncompressed file too: another client could get it from a shared cache.
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

/// The page at this address. What can't be read is left to the app, which says why.
async fn page(
    files: &AppFiles,
    store: RequestStore,
    settings: &Settings,
    request: &HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let Some(index) = &files.index else {
        let detail = "The app is not built: only the API is here. `just build-app` builds it.";
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
                tracing::warn!(%error, "this page is left to the app");
                (StatusCode::OK, None)
            })
        }
    };
    let document = filled.as_ref().unwrap_or_else(|| index.plain(request));
    Ok(document.answer(request, status))
}

/// The page has another address.
fn moved(path: &str, query: &str) -> HttpResponse {
    let separator = if query.is_empty() { "" } else { "?" };
    let location = (header::LOCATION, format!("{path}{separator}{query}"));
    HttpResponse::PermanentRedirect().insert_header(location).finish()
}

/// The page with what is known of it, if anything is; and its status.
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
    fn inline_scripts_are_named_by_their_hash() {
        let policy = content_security_policy(
            "<script src=\"/a.js\"></script><script type=\"module\">alert(1)</script>",
        );
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        let expected = "'wasm-unsafe-eval' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=';";
        assert!(policy.to_str().unwrap().contains(expected), "{policy:?}");
    }

    #[test]
    fn the_app_routes_what_is_no_file_and_no_api() {
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
