//! `index.html` in memory: the response for all pages of the app, as built or with prerendered
//! content in its slots.

use std::fs;
use std::io;
use std::path::Path;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentEncoding, ContentType, EntityTag, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use twox_hash::XxHash3_128;

use crate::http::response::compression::{best_encoding, gzip};
use crate::http::response::json::matches_if_none_match;
use crate::http::spa::prerender::Parts;

/// The slots in order; comments mark them: `<!--head-->` to `<!--/head-->` and so on.
const SLOTS: [&str; 3] = ["head", "content", "answers"];

pub struct IndexHtml {
    text: String,
    /// The page as built, in each precompressed encoding.
    plain: Vec<Document>,
    /// The HTML around the slots.
    frame: Option<[String; SLOTS.len() + 1]>,
}

impl IndexHtml {
    /// The encodings of prerendered pages.
    pub const DYNAMIC_ENCODINGS: [ContentEncoding; 2] =
        [ContentEncoding::Identity, ContentEncoding::Gzip];

    /// Reads the page and its precompressed variants.
    pub fn read(file: &Path) -> io::Result<IndexHtml> {
        let text = fs::read_to_string(file)?;
        let mut plain = vec![Document::new(ContentEncoding::Identity, text.clone())];
        for (encoding, extension) in
            [(ContentEncoding::Brotli, "html.br"), (ContentEncoding::Gzip, "html.gz")]
        {
            match fs::read(file.with_extension(extension)) {
                Ok(body) => plain.push(Document::new(encoding, body)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let frame = frame(&text);
        Ok(IndexHtml { text, plain, frame })
    }

    /// The page's HTML.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The page as built, in the best encoding for the request.
    pub fn plain(&self, request: &HttpRequest) -> &Document {
        let encodings: Vec<_> = self.plain.iter().map(|document| document.encoding).collect();
        let encoding = best_encoding(request, &encodings);
        let fitting = self.plain.iter().find(|document| document.encoding == encoding);
        fitting.unwrap_or(&self.plain[0])
    }

    /// The page with these parts in its slots; None if it has no slots.
    pub fn render(&self, parts: &Parts, encoding: ContentEncoding) -> io::Result<Option<Document>> {
        let Some([start, body, foot, end]) = &self.frame else { return Ok(None) };
        let Parts { head, content, preloaded } = parts;
        let html = [start, &head.0, body, &content.0, foot, &preloaded.0, end].map(String::as_str);
        let html = html.concat().into_bytes();
        if encoding != ContentEncoding::Gzip {
            return Ok(Some(Document::new(ContentEncoding::Identity, html)));
        }
        // Saves two thirds: a tenth of a second on a slow connection.
        Ok(Some(Document::new(ContentEncoding::Gzip, gzip(&html)?)))
    }
}

fn frame(text: &str) -> Option<[String; SLOTS.len() + 1]> {
    let mut pieces: [String; SLOTS.len() + 1] = Default::default();
    let mut rest = text;
    for (piece, mark) in pieces.iter_mut().zip(SLOTS) {
        let (before, marked) = rest.split_once(&format!("<!--{mark}-->"))?;
        before.clone_into(piece);
        (_, rest) = marked.split_once(&format!("<!--/{mark}-->"))?;
    }
    rest.clone_into(&mut pieces[SLOTS.len()]);
    Some(pieces)
}

/// An encoded page.
pub struct Document {
    encoding: ContentEncoding,
    etag: HeaderValue,
    body: Bytes,
}

impl Document {
    fn new(encoding: ContentEncoding, body: impl Into<Bytes>) -> Document {
        let body = body.into();
        let etag = EntityTag::new_strong(format!("{:032x}", XxHash3_128::oneshot(&body)));
        let etag = HeaderValue::try_from(etag.to_string());
        let etag = etag.expect("hexadecimal digits in quotes make a header");
        Document { encoding, etag, body }
    }

    /// The response with the page; only existing pages have an ETag.
    pub fn answer(&self, request: &HttpRequest, status: StatusCode) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        if status == StatusCode::OK {
            response.insert_header((header::ETAG, self.etag.clone()));
            if matches_if_none_match(request, &self.etag) {
                return response.status(StatusCode::NOT_MODIFIED).finish();
            }
        }
        if self.encoding != ContentEncoding::Identity {
            response.insert_header(self.encoding);
        }
        response.content_type(ContentType::html()).body(self.body.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_the_html_around_the_slots() {
        let text = "a<!--head-->x<!--/head-->b<!--content-->y<!--/content-->c<!--answers--><!--/answers-->d";
        assert_eq!(frame(text), Some(["a", "b", "c", "d"].map(str::to_owned)));
        assert_eq!(frame("<!--head-->x<!--/head-->b"), None);
        assert_eq!(frame(""), None);
    }
}
