//! The app's files: built by Trunk, compressed beforehand, served from a folder.
//!
//! Paths that belong to nothing else are the app's: it routes them in the browser, so each is
//! answered with the one page there is.

use std::path::PathBuf;

use actix_files::Files;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data};
use actix_web::{Error, HttpRequest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ostrakon_shared::ProblemCode;
use sha2::{Digest, Sha256};

use super::error::ApiError;
use super::routes::RouteTable;

const INDEX: &str = "/index.html";
const PAGE_METHODS: &[Method] = &[Method::GET, Method::HEAD];

/// The folder of the built app, and the policy under which its page runs.
pub struct AppFiles {
    folder: PathBuf,
    content_security_policy: HeaderValue,
}

impl AppFiles {
    /// The app in `folder`, which may be missing: then the API works without it.
    pub fn new(folder: PathBuf) -> AppFiles {
        let index = std::fs::read_to_string(folder.join(&INDEX[1..])).unwrap_or_else(|error| {
            tracing::warn!(folder = %folder.display(), %error, "the app is not built");
            String::new()
        });
        AppFiles { folder, content_security_policy: content_security_policy(&index) }
    }
}

/// A policy (CSP level 3) that lets the page load what is its own and run its own WASM, and
/// nothing else; inline scripts only as they stand in `index` now. Pictures of products come
/// from anywhere, if by https.
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
    if request.path() == INDEX {
        let detail = "The app is not built: only the API is here. `just build-app` builds it.";
        return Err(ApiError::new(ProblemCode::RouteNotFound, detail));
    }
    Err(routes.refusal(&request))
}

/// Whether the app routes this path: it is no API's, and no file's.
fn is_page(path: &str) -> bool {
    let elsewhere = ["/api", "/docs", "/problems", "/healthz", "/readyz"];
    let is_under = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    !elsewhere.into_iter().any(is_under) && !last.contains('.')
}

/// Turns pages into the one page there is, and says how long each file may be kept.
async fn serve_page(
    files: Data<AppFiles>,
    routes: Data<RouteTable>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if *request.method() != Method::GET {
        let refusal = if is_page(request.path()) {
            ApiError::method_not_allowed(request.method(), request.path(), PAGE_METHODS)
        } else {
            routes.refusal(request.request())
        };
        return Ok(request.error_response(refusal));
    }
    if is_page(request.path()) {
        let index = Uri::from_static(INDEX);
        request.match_info_mut().get_mut().update(&index);
        request.head_mut().uri = index;
    }
    let is_index = request.path() == INDEX;
    let mut response = next.call(request).await?.map_into_boxed_body();
    if matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED) {
        // Trunk puts a hash into the name of every file but the page itself.
        let keep = if is_index { "no-cache" } else { "public, max-age=31536000, immutable" };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        // The uncompressed file too: another client could get it from a shared cache.
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::CONTENT_SECURITY_POLICY, files.content_security_policy.clone());
    }
    Ok(response)
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
        for page in ["/", "/products/1", "/reviews/0R7VX8GB30ESM", "/nonsense", "/apis"] {
            assert!(is_page(page), "{page}");
        }
        for other in ["/api", "/api/x", "/docs/", "/problems/x", "/app-1234.js", "/a/b.css"] {
            assert!(!is_page(other), "{other}");
        }
    }
}
