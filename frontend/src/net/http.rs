//! HTTP requests to the API, and their errors.

use std::cell::RefCell;
use std::fmt;
use std::fmt::Write;

use futures::future::LocalBoxFuture;
use leptos::prelude::window;
use ostrakon_shared::{ACCOUNT_HEADER, FieldError, Problem, ProblemCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use reqwest::header::LOCATION;
use reqwest::{Client, Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::net::preloaded;
use crate::net::problem_text::problem_text;

/// The response to a request. The future is boxed, so that code which awaits it is compiled once and
/// not for each request.
pub type ResponseFuture<T> = LocalBoxFuture<'static, Result<T, ApiError>>;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiError {
    /// The server answered with a problem, and for some with the path of what exists already.
    Refused(Box<Problem>, Option<String>),
    /// The server can't be reached.
    Unreachable,
    /// The response, with this status, is not from the API but from a proxy, say.
    Unreadable(u16),
}

impl ApiError {
    /// The code of the server's problem.
    pub fn code(&self) -> Option<ProblemCode> {
        match self {
            ApiError::Refused(problem, _) => Some(problem.code),
            ApiError::Unreachable | ApiError::Unreadable(_) => None,
        }
    }

    /// The path of what exists already.
    pub fn location(&self) -> Option<&str> {
        match self {
            ApiError::Refused(_, location) => location.as_deref(),
            ApiError::Unreachable | ApiError::Unreadable(_) => None,
        }
    }

    /// The errors of single fields.
    pub fn field_errors(&self) -> &[FieldError] {
        match self {
            ApiError::Refused(problem, _) => &problem.errors,
            ApiError::Unreachable | ApiError::Unreadable(_) => &[],
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::Refused(problem, _) => f.write_str(problem_text(problem)),
            ApiError::Unreachable => f.write_str("The server can’t be reached."),
            ApiError::Unreadable(status) => {
                write!(f, "The server sent an unexpected response (status {status}).")
            }
        }
    }
}

thread_local! {
    static ON_SESSION_LOST: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Registers a function to be called when the server says that the session has ended, or is another
/// account's.
pub fn on_session_lost(act: impl Fn() + 'static) {
    ON_SESSION_LOST.with_borrow_mut(|on_lost| *on_lost = Some(Box::new(act)));
}

thread_local! {
    static ACCOUNT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Sets as whom the user acts, an account's id or [`GUEST`], and `None` while that is not known. The
/// server refuses what another tab would make somebody else's.
pub fn act_as(account: Option<String>) {
    ACCOUNT.set(account);
}

/// Asks the user for the password. The result is whether the server has accepted it.
type Question = LocalBoxFuture<'static, bool>;

thread_local! {
    static ASK_FOR_PASSWORD: RefCell<Option<Box<dyn Fn() -> Question>>> = const { RefCell::new(None) };
}

/// Registers a function to be called when the server requires the password again. The refused request
/// is sent once more afterwards.
pub fn on_proof_required(ask: impl Fn() -> Question + 'static) {
    ASK_FOR_PASSWORD.with_borrow_mut(|asks| *asks = Some(Box::new(ask)));
}

/// A request to the server that the app was loaded from.
pub struct RequestBuilder {
    method: Method,
    address: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl RequestBuilder {
    pub fn new(method: Method, path: impl Into<String>) -> RequestBuilder {
        RequestBuilder { method, address: path.into(), headers: Vec::new(), body: None }
    }

    pub fn get(path: impl Into<String>) -> RequestBuilder {
        RequestBuilder::new(Method::GET, path)
    }

    /// Adds a query parameter, unless it is empty.
    pub fn with(mut self, name: &str, value: &str) -> RequestBuilder {
        if !value.is_empty() {
            let separator = if self.address.contains('?') { '&' } else { '?' };
            // Writing into a string can't fail.
            _ = write!(self.address, "{separator}{name}={}", escape(value));
        }
        self
    }

    /// Asks for a page of a list, or for the part of it that is available.
    pub fn page(self, limit: u32, cursor: Option<&str>) -> RequestBuilder {
        self.with("limit", &limit.to_string())
            .with("cursor", cursor.unwrap_or_default())
            .with("allow_partial", "true")
    }

    pub fn header(mut self, name: &'static str, value: String) -> RequestBuilder {
        self.headers.push((name, value));
        self
    }

    /// Makes the request fail if the resource has another version.
    pub fn if_match(self, version: i32) -> RequestBuilder {
        self.header("If-Match", format!("\"{version}\""))
    }

    pub fn json(mut self, body: &impl Serialize) -> RequestBuilder {
        // The types of `shared` always serialize.
        self.body = serde_json::to_string(body).ok();
        self.header("Content-Type", "application/json".to_owned())
    }

    /// Sends the request, and deserializes the response.
    pub async fn answer<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let (status, text) = self.exchange().await?;
        serde_json::from_str(&text).map_err(|_| ApiError::Unreadable(status))
    }

    /// Sends a request whose response has no content.
    pub async fn done(self) -> Result<(), ApiError> {
        self.exchange().await.map(|_| ())
    }

    /// Boxed, because the code from here on is the same for all types of responses.
    fn exchange(self) -> ResponseFuture<(u16, String)> {
        Box::pin(async move {
            if self.method == Method::GET
                && let Some(text) = preloaded::take(&self.address)
            {
                return Ok((200, text));
            }
            let refused = match self.once().await {
                Err(error) if error.code() == Some(ProblemCode::ProofRequired) => error,
                answer => return answer,
            };
            let question = ASK_FOR_PASSWORD.with_borrow(|asks| asks.as_ref().map(|ask| ask()));
            let is_proved = match question {
                Some(question) => question.await,
                None => false,
            };
            if is_proved { self.once().await } else { Err(refused) }
        })
    }

    async fn once(&self) -> Result<(u16, String), ApiError> {
        let response = self.fetch().await.map_err(|_| ApiError::Unreachable)?;
        let status = response.status().as_u16();
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|path| path.to_str().ok()).map(str::to_owned);
        let text = response.text().await.map_err(|_| ApiError::Unreachable)?;
        if (200..300).contains(&status) {
            Ok((status, text))
        } else {
            Err(refusal(status, &text, location))
        }
    }

    /// Whether the request is made in the name of an account: not reading what is public, nor signing
    /// in or out.
    fn is_personal(&self) -> bool {
        let is_public = self.method == Method::GET && !self.address.starts_with("/api/accounts/me");
        !is_public && self.address != "/api/session" && self.address != "/api/accounts"
    }

    /// Dropping the future aborts the request.
    async fn fetch(&self) -> reqwest::Result<Response> {
        // reqwest takes absolute URLs only.
        let origin = window().location().origin().unwrap_or_default();
        let mut request = Client::new()
            .request(self.method.clone(), origin + &self.address)
            .header("Accept", "application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(account) = ACCOUNT.with_borrow(Clone::clone).filter(|_| self.is_personal()) {
            request = request.header(ACCOUNT_HEADER, account);
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        request.send().await
    }
}

fn refusal(status: u16, text: &str, location: Option<String>) -> ApiError {
    let Ok(problem) = serde_json::from_str::<Problem>(text) else {
        return ApiError::Unreadable(status);
    };
    if [ProblemCode::SessionInvalid, ProblemCode::AccountChanged].contains(&problem.code) {
        ON_SESSION_LOST.with_borrow(|on_lost| on_lost.iter().for_each(|act| act()));
    }
    ApiError::Refused(Box::new(problem), location)
}

/// The characters that a query contains unencoded: the unreserved ones of RFC 3986.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes a value for a query.
pub fn escape(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, UNRESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped_and_have_no_empty_parameters() {
        let call =
            RequestBuilder::get("/api/x").with("a", "").with("b", "é &=?/+").with("c", "1-2_3.4~");
        assert_eq!(call.address, "/api/x?b=%C3%A9%20%26%3D%3F%2F%2B&c=1-2_3.4~");
        let call = RequestBuilder::get("/api/x").page(20, Some("AA"));
        assert_eq!(call.address, "/api/x?limit=20&cursor=AA&allow_partial=true");
    }

    #[test]
    fn versions_are_quoted() {
        let call = RequestBuilder::new(Method::PATCH, "/api/x").if_match(3);
        assert_eq!(call.headers, [("If-Match", "\"3\"".to_owned())]);
    }
}
