//! `robots.txt` and sitemaps for search engines.

use reqwest::Method;

use crate::http::prerender::{start, start_with};
use crate::support::app::{TestApp, TestResponse};

/// The addresses that a sitemap, or the list of its files, has.
fn addresses(sitemap: &TestResponse) -> Vec<&str> {
    assert_eq!((sitemap.status.as_u16(), sitemap.header("content-type")), (200, "application/xml"));
    assert!(
        sitemap.text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<"),
        "{}",
        sitemap.text
    );
    let entries = sitemap.text.split("<loc>").skip(1);
    entries.map(|entry| entry.split_once("</loc>").unwrap().0).collect()
}

on_every_engine!(a_sitemap_lists_the_catalogue, async || {
    let app = start_with(|config| {
        config.public_url = Some("https://reviews.example".parse().unwrap());
    })
    .await;
    app.sql("default", "UPDATE product SET archived = (1 = 1) WHERE id = 2");
    let robots = app.get("/robots.txt").await;
    assert_eq!(robots.header("content-type"), "text/plain; charset=utf-8");
    let lines: Vec<_> = robots.text.lines().collect();
    assert_eq!(lines[0], "User-agent: *");
    assert!(lines.contains(&"Disallow: /account") && !robots.text.contains("/products"));
    assert_eq!(lines.last(), Some(&"Sitemap: https://reviews.example/sitemap.xml"));
    let sitemap = app.get("/sitemap.xml").await;
    assert_eq!(
        addresses(&sitemap),
        ["/", "/products/1", "/products/3", "/products/4", "/products/5"]
            .map(|path| format!("https://reviews.example{path}"))
    );
});

on_every_engine!(a_large_sitemap_has_several_files, async || {
    let app = start().await;
    let columns = "INSERT INTO product (id, name, search_text)";
    app.sql(
        "default",
        &format!(
        "WITH RECURSIVE number(n) AS (SELECT 6 UNION ALL SELECT n + 1 FROM number WHERE n < 20003)
         {columns} SELECT n, 'many', 'many' FROM number"
    ),
    );
    app.sql("default", "UPDATE product SET archived = (1 = 1) WHERE id IN (1, 4000)");
    let index = app.get("/sitemap.xml").await;
    assert!(index.text.contains("<sitemapindex "), "{}", index.text);
    let host = format!("http://{}", app.host());
    let files = addresses(&index);
    assert_eq!(files.len(), 3, "{files:?}");
    let mut listed = Vec::new();
    for file in files {
        let file = app.get(file.strip_prefix(&host).unwrap()).await;
        let found = addresses(&file);
        assert!(found.len() <= 10_001);
        listed.extend(
            found.into_iter().map(|address| address.strip_prefix(&host).unwrap().to_owned()),
        );
    }
    let products = (2..=20_003).filter(|id| *id != 4_000).map(|id| format!("/products/{id}"));
    let expected: Vec<_> = std::iter::once("/".to_owned()).chain(products).collect();
    assert!(listed == expected, "{} of {}", listed.len(), expected.len());
});

#[actix_web::test]
async fn sitemaps_name_the_host_that_was_asked() {
    let app = start().await;
    let robots =
        |host: &'static str| app.send(app.request(Method::GET, "/robots.txt").header("host", host));
    assert!(
        robots("reviews.example:8080")
            .await
            .text
            .ends_with("\nSitemap: http://reviews.example:8080/sitemap.xml\n")
    );
    for nonsense in ["", "a b", "a/b", "user@a", "a<b>"] {
        assert_eq!(robots(nonsense).await.problem(404), "route_not_found", "{nonsense}");
    }
    // Without the app there are no pages.
    let api = TestApp::start(1).await;
    for path in ["/robots.txt", "/sitemap.xml", "/sitemaps/0.xml"] {
        assert_eq!(api.get(path).await.problem(404), "route_not_found", "{path}");
    }
}
