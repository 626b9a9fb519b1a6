//! Conditional requests: the version that a change expects.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use ostrakon_shared::ProblemCode;

use crate::http::response::problem::ApiError;
use crate::store::ExpectedVersion;

/// The versions in `If-Match` (RFC 9110, section 13.1.1).
///
/// Tags match by their version. A proxy that compresses responses weakens the tag (nginx: `W/"1"`)
/// or appends to it (Apache: `"1-gzip"`), but does not change the content.
pub struct IfMatch(Option<ExpectedVersion>);

impl IfMatch {
    /// The versions; fails without the header.
    pub fn required(self) -> Result<ExpectedVersion, ApiError> {
        self.0.ok_or_else(|| {
            let code = ProblemCode::VersionMissing;
            ApiError::new(code, code.explanation())
        })
    }

    /// The versions; any without the header.
    pub fn optional(self) -> ExpectedVersion {
        self.0.unwrap_or(ExpectedVersion::Any)
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<IfMatch, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let values = request.headers().get_all(header::IF_MATCH);
        let values: Vec<_> = values.map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
        if values.is_empty() {
            return ready(Ok(IfMatch(None)));
        }
        // A list may be split over several headers (RFC 9110, section 5.3).
        let invalid = || {
            let code = ProblemCode::IfMatchInvalid;
            ApiError::new(code, code.explanation())
        };
        let expected = expected_version(&values.join(",")).map(|expected| IfMatch(Some(expected)));
        ready(expected.ok_or_else(invalid))
    }
}

/// Parses an `If-Match` header; `None` if it is malformed.
fn expected_version(header: &str) -> Option<ExpectedVersion> {
    if header.trim() == "*" {
        return Some(ExpectedVersion::Any);
    }
    let versions = entity_tags(header)?.into_iter().filter_map(tagged_version).collect();
    Some(ExpectedVersion::OneOf(versions))
}

/// The contents of the entity tags of a list (RFC 9110, sections 5.6.1 and 8.8.3); `None` if it is
/// malformed.
fn entity_tags(list: &str) -> Option<Vec<&str>> {
    let mut tags = Vec::new();
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(tags);
        }
        let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, after) = opened.split_once('"')?;
        if tag.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return None;
        }
        tags.push(tag);
        rest = after.trim_start_matches([' ', '\t']);
        if !(rest.is_empty() || rest.starts_with(',')) {
            return None;
        }
    }
}

/// The version in an entity tag: its leading digits, up to a dot or dash.
fn tagged_version(tag: &str) -> Option<i32> {
    let version = tag.split(['.', '-']).next()?;
    let is_plain = version.bytes().all(|byte| byte.is_ascii_digit());
    version.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_the_version_of_a_tag() {
        for (header, versions) in [
            ("\"1\"", &[1][..]),
            (" W/\"12\" ", &[12]),
            ("\"3-gzip\"", &[3]),
            ("W/\"3.1-br\"", &[3]),
            ("\"3.2\"", &[3]),
            ("\"1\",W/\"2.1\" ,, \"3\"\t,", &[1, 2, 3]),
            ("", &[]),
            (" , ", &[]),
            ("\"\"", &[]),
            ("\"a,b\", \"7\"", &[7]),
            ("\"-3\", \"+3\", \"3x\"", &[]),
            ("\"99999999999\"", &[]),
            ("\"é\"", &[]),
            ("\"a4e10d51f9f0c0a7e8b6d3c2b1a09f8e\"", &[]),
        ] {
            let expected = Some(ExpectedVersion::OneOf(versions.to_vec()));
            assert_eq!(expected_version(header), expected, "{header}");
        }
        assert_eq!(expected_version(" * "), Some(ExpectedVersion::Any));
        for malformed in [
            "3",
            "\"21.1\" \"2\"",
            "\"1\"\"2\"",
            "\"1",
            "1\"",
            "w/\"3\"",
            "W/ \"3\"",
            "W/3",
            "*, \"1\"",
            "\"1\", *",
            "\"1 2\"",
            "'1'",
            "\"1\";\"2\"",
        ] {
            assert_eq!(expected_version(malformed), None, "{malformed}");
        }
    }
}
