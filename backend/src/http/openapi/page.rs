//! The page around Swagger UI: the way back to the app, and its dark scheme.

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, Responder, get, routes};
use maud::{DOCTYPE, Markup, html};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The paths of these handlers.
const PATHS: [&str; 4] = ["/docs/", "/docs/index.html", "/docs/ostrakon.css", "/docs/ostrakon.js"];

/// Whether one of these handlers has this path.
pub fn has(path: &str) -> bool {
    PATHS.contains(&path)
}

#[routes]
#[get("/docs/")]
#[get("/docs/index.html")]
pub async fn get_docs() -> impl Responder {
    HttpResponse::Ok().content_type(ContentType::html()).body(page().into_string())
}

#[get("/docs/ostrakon.css")]
pub async fn get_style() -> impl Responder {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
}

#[get("/docs/ostrakon.js")]
pub async fn get_script() -> impl Responder {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(SCRIPT)
}

fn page() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "API · Ostrakon" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Before the content is drawn.
                script src="ostrakon.js" {}
                link rel="stylesheet" href="swagger-ui.css";
                link rel="stylesheet" href="ostrakon.css";
                link rel="icon" type="image/png" href="favicon-32x32.png" sizes="32x32";
            }
            body {
                header.site {
                    a href="/" { "← Ostrakon" }
                    a href="/api/openapi.json" { "OpenAPI document" }
                }
                div id="swagger-ui" {}
                script src="swagger-ui-bundle.js" {}
                script src="swagger-ui-standalone-preset.js" {}
                script src="swagger-initializer.js" {}
            }
        }
    }
}
