//! Requests as the browser sends them, and what comes back.

use std::cell::RefCell;
use std::fmt;
use std::fmt::Write;

use futures::future::LocalBoxFuture;
use leptos::prelude::window;
use ostrakon_shared::{FieldError, Problem, ProblemCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestInit, Response};

use crate::net::preloaded;

/// What a request becomes, in a box: one type whoever asks, so that code that waits for answers
/// is compiled once and not for every request.
pub type Answer<T> = LocalBoxFuture<'static, Result<T, ApiError>>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiError {
    /// The server refused, and said why.
    Refused(Box<Problem>),
    /// The server was not reached.
    Unreachable,
    /// The answer, of this status if it had one, is none of ours: a proxy's page, say.
    Unreadable(Option<u16>),
}

impl ApiError {
    /// The kind of problem, if the server named one.
    pub fn code(&self) -> Option<ProblemCode> {
        match self {
            ApiError::Refused(problem) => Some(problem.code),
            ApiError::Unreachable | ApiError::Unreadable(_) => None,
        }
    }

    /// What is wrong with which field.
    pub fn field_errors(&self) -> &[FieldError] {
        match self {
            ApiError::Refused(problem) => &problem.errors,
            ApiError::Unreachable | ApiError::Unreadable(_) => &[],
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::Refused(problem) => f.write_str(&problem.detail),
            ApiError::Unreachable => f.write_str("The server can’t be reached."),
            ApiError::Unreadable(None) => f.write_str("The server’s answer can’t be read."),
            ApiError::Unreadable(Some(status)) => {
                write!(f, "The server’s answer, of status {status}, can’t be read.")
            }
        }
    }
}

thread_local! {
    static ON_SESSION_LOST: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// From now on, `act` is called whenever the server says that the session has ended.
pub fn on_session_lost(act: impl Fn() + 'static) {
    ON_SESSION_LOST.with_borrow_mut(|on_lost| *on_lost = Some(Box::new(act)));
}

/// A question to the person in front of the browser: whether the answer was good.
type Question = LocalBoxFuture<'static, bool>;

thread_local! {
    static ASK_FOR_PASSWORD: RefCell<Option<Box<dyn Fn() -> Question>>> = const { RefCell::new(None) };
}

/// From now on, `ask` asks for the password when the server wants a new proof of who is there. Then
/// the request is sent again.
pub fn on_proof_required(ask: impl Fn() -> Question + 'static) {
    ASK_FOR_PASSWORD.with_borrow_mut(|asks| *asks = Some(Box::new(ask)));
}

/// A request to be sent to where the app came from.
pub struct RequestBuilder {
    method: &'static str,
    address: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl RequestBuilder {
    /// A request of this method to this path.
    pub fn new(method: &'static str, path: impl Into<String>) -> RequestBuilder {
        RequestBuilder { method, address: path.into(), headers: Vec::new(), body: None }
    }

    /// A request that reads.
    pub fn get(path: impl Into<String>) -> RequestBuilder {
        RequestBuilder::new("GET", path)
    }

    /// With this parameter in the query, unless it is empty.
    pub fn with(mut self, name: &str, value: &str) -> RequestBuilder {
        if !value.is_empty() {
            let separator = if self.address.contains('?') { '&' } else { '?' };
            // Writing into a string can't fail.
            _ = write!(self.address, "{separator}{name}={}", escape(value));
        }
        self
    }

    /// With how much of a list, from where, and that a part is better than nothing.
    pub fn page(self, limit: u32, cursor: Option<&str>) -> RequestBuilder {
        self.with("limit", &limit.to_string())
            .with("cursor", cursor.unwrap_or_default())
            .with("allow_partial", "true")
    }

    /// With this header.
    pub fn header(mut self, name: &'static str, value: String) -> RequestBuilder {
        self.headers.push((name, value));
        self
    }

    /// About this version only.
    pub fn if_match(self, version: i32) -> RequestBuilder {
        self.header("If-Match", format!("\"{version}\""))
    }

    /// With this body.
    pub fn json(mut self, body: &impl Serialize) -> RequestBuilder {
        // Types of ours always have JSON.
        self.body = serde_json::to_string(body).ok();
        self.header("Content-Type", "application/json".to_owned())
    }

    /// Sends it, and reads the answer.
    pub async fn answer<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let (status, text) = self.exchange().await?;
        serde_json::from_str(&text).map_err(|_| ApiError::Unreadable(Some(status)))
    }

    /// Sends it; that it was done is all there is to know.
    pub async fn done(self) -> Result<(), ApiError> {
        self.exchange().await.map(|_| ())
    }

    /// In a box from here on: what follows is the same for all types of answers.
    fn exchange(self) -> Answer<(u16, String)> {
        Box::pin(async move {
            if self.method == "GET"
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
        let (status, text) = self.fetch().await.map_err(|_| ApiError::Unreachable)?;
        if (200..300).contains(&status) { Ok((status, text)) } else { Err(refusal(status, &text)) }
    }

    /// A fetch that ends when nobody waits for it any more.
    async fn fetch(&self) -> Result<(u16, String), JsValue> {
        struct AbortOnDrop(AbortController);
        impl Drop for AbortOnDrop {
            fn drop(&mut self) {
                // After the answer, this does nothing.
                self.0.abort();
            }
        }
        let abort = AbortOnDrop(AbortController::new()?);
        let headers = Headers::new()?;
        headers.set("Accept", "application/json")?;
        for (name, value) in &self.headers {
            headers.set(name, value)?;
        }
        let init = RequestInit::new();
        init.set_method(self.method);
        init.set_headers(&headers);
        init.set_signal(Some(&abort.0.signal()));
        if let Some(body) = &self.body {
            init.set_body(&JsValue::from_str(body));
        }
        let response = window().fetch_with_str_and_init(&self.address, &init);
        let response: Response = JsFuture::from(response).await?.unchecked_into();
        let text = JsFuture::from(response.text()?).await?;
        Ok((response.status(), text.as_string().unwrap_or_default()))
    }
}

fn refusal(status: u16, text: &str) -> ApiError {
    let Ok(problem) = serde_json::from_str::<Problem>(text) else {
        return ApiError::Unreadable(Some(status));
    };
    if problem.code == ProblemCode::SessionInvalid {
        ON_SESSION_LOST.with_borrow(|on_lost| on_lost.iter().for_each(|act| act()));
    }
    ApiError::Refused(Box::new(problem))
}

/// A text as it stands in a query.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => _ = write!(escaped, "%{byte:02X}"),
        }
    }
    escaped
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
        let call = RequestBuilder::new("PATCH", "/api/x").if_match(3);
        assert_eq!(call.headers, [("If-Match", "\"3\"".to_owned())]);
    }
}
