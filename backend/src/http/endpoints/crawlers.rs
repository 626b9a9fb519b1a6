//! For search engines: `robots.txt` (RFC 9309) and the sitemap (sitemaps.org, 0.9).

use actix_web::dev::Payload;
use actix_web::http::Uri;
use actix_web::http::header::{self, ContentType};
use actix_web::web::{Data, Path};
use actix_web::{FromRequest, HttpRequest, HttpResponse, get};
use futures_util::future::{Ready, ready};
use maud::{Markup, PreEscaped, html};
use ostrakon_shared::ProblemCode;

use crate::http::blocking::{RequestStore, run_read};
use crate::http::response::problem::ApiError;
use crate::http::route_table::RouteTable;
use crate::http::settings::Settings;
use crate::http::spa::static_files::AppFiles;
use crate::store::{Store, StoreError};

/// Products per sitemap file, half a megabyte. The protocol allows 50,000.
const PRODUCTS_PER_FILE: usize = 10_000;

const NAMESPACE: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";
const DECLARATION: PreEscaped<&str> = PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

/// Search engines may read everything that needs no account.
const RULES: &str = "User-agent: *\nDisallow: /account\nDisallow: /admin\nDisallow: /register\n\
    Disallow: /sign-in\n";

/// The public address of this service: `public_url`, or else the `Host` of the request. Extraction
/// fails with 404 if neither is known, or if the app is not built.
pub struct SiteAddress(String);

impl FromRequest for SiteAddress {
    type Error = ApiError;
    type Future = Ready<Result<SiteAddress, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_built = request.app_data::<Data<AppFiles>>().is_some_and(|files| files.is_built());
        let settings = request.app_data::<Data<Settings>>();
        let public_url = settings.and_then(|settings| settings.public_url.as_ref());
        let address = match public_url {
            Some(url) => Some(url.origin().to_owned()),
            None => request_host(request).map(|host| format!("http://{host}")),
        };
        let address = address.filter(|_| is_built).map(SiteAddress);
        ready(address.ok_or_else(|| not_found(request)))
    }
}

/// The request's `Host`, if it is valid.
fn request_host(request: &HttpRequest) -> Option<String> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let uri = Uri::builder().scheme("http").authority(host).path_and_query("/").build().ok()?;
    uri.authority().filter(|authority| !authority.as_str().contains('@')).map(ToString::to_string)
}

fn not_found(request: &HttpRequest) -> ApiError {
    match request.app_data::<Data<RouteTable>>() {
        Some(routes) => routes.refusal(request),
        None => ApiError::new(ProblemCode::RouteNotFound, ProblemCode::RouteNotFound.explanation()),
    }
}

/// The rules for crawlers, and the address of the sitemap.
#[get("/robots.txt")]
pub async fn get_robots(SiteAddress(address): SiteAddress) -> HttpResponse {
    let text = format!("{RULES}\nSitemap: {address}/sitemap.xml\n");
    HttpResponse::Ok()
        .insert_header(cache_for_an_hour())
        .content_type(ContentType::plaintext())
        .body(text)
}

/// The sitemap of all products; or, if one file can't hold them, the index of the files.
#[get("/sitemap.xml")]
pub async fn get_sitemap(
    SiteAddress(address): SiteAddress,
    store: RequestStore,
) -> Result<HttpResponse, ApiError> {
    let read = move |store: &Store| match store.catalog().parts(PRODUCTS_PER_FILE)?.as_slice() {
        [] | [_] => part(store, &address, 0),
        starts => Ok(index(&address, starts)),
    };
    Ok(xml(run_read(store, read).await?))
}

/// One of several sitemap files: the products from an id on.
#[get("/sitemaps/{start}.xml")]
pub async fn get_sitemap_part(
    request: HttpRequest,
    SiteAddress(address): SiteAddress,
    store: RequestStore,
    start: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let start: i64 = start.parse().map_err(|_| not_found(&request))?;
    Ok(xml(run_read(store, move |store| part(store, &address, start)).await?))
}

fn index(address: &str, starts: &[i64]) -> Markup {
    html! {
        (DECLARATION)
        sitemapindex xmlns=(NAMESPACE) {
            @for start in starts {
                sitemap { loc { (address) "/sitemaps/" (start) ".xml" } }
            }
        }
    }
}

fn part(store: &Store, address: &str, start: i64) -> Result<Markup, StoreError> {
    let products = store.catalog().ids(start, PRODUCTS_PER_FILE)?;
    Ok(html! {
        (DECLARATION)
        urlset xmlns=(NAMESPACE) {
            // The first file also lists the catalogue.
            @if start == 0 { url { loc { (address) "/" } } }
            @for id in products { url { loc { (address) "/products/" (id) } } }
        }
    })
}

fn xml(markup: Markup) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(cache_for_an_hour())
        .content_type("application/xml")
        .body(markup.into_string())
}

fn cache_for_an_hour() -> (header::HeaderName, &'static str) {
    (header::CACHE_CONTROL, "public, max-age=3600")
}
