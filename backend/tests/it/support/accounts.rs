//! Accounts and the browsers that are signed in with them.

use ostrakon_shared::{Account, Credentials, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestApp, TestResponse};

pub const PASSWORD: &str = "a long sentence";

/// A browser with the cookie of its session.
pub struct Browser<'a> {
    pub app: &'a TestApp,
    pub cookie: String,
}

impl<'a> Browser<'a> {
    /// The browser that got this response to a sign-in or registration.
    pub fn from_response(app: &'a TestApp, response: &TestResponse) -> Browser<'a> {
        assert_eq!(response.status, 201, "{response:?}");
        Browser { app, cookie: cookie(response) }
    }

    /// The same browser, which asks another server.
    pub fn at<'b>(&self, app: &'b TestApp) -> Browser<'b> {
        Browser { app, cookie: self.cookie.clone() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> TestResponse {
        let request = self.app.request(method, path).header("cookie", &self.cookie);
        let request = if body.is_null() { request } else { request.json(&body) };
        self.app.send(request).await
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.send(Method::GET, path, Value::Null).await
    }

    pub async fn delete(&self, path: &str) -> TestResponse {
        self.send(Method::DELETE, path, Value::Null).await
    }

    /// The name that it is signed in with.
    pub async fn name(&self) -> Value {
        let response = self.get("/api/session").await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json()["account"]["name"].clone()
    }

    /// An API token's secret and id.
    pub async fn token(&self, token: Value) -> (String, String) {
        let response = self.send(Method::POST, "/api/accounts/me/tokens", token).await;
        assert_eq!(response.status, 201, "{response:?}");
        assert_eq!(response.header("cache-control"), "no-store");
        let created = response.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&created["secret"]), text(&created["token"]["id"]))
    }
}

pub fn credentials(name: &str) -> Value {
    json!({"name": name, "password": PASSWORD})
}

/// Creates an account without the API: that would make it a member.
pub fn create_account(app: &TestApp, name: &str, role: Role) -> Account {
    let credentials = Credentials { name: name.to_owned(), password: PASSWORD.to_owned() };
    app.store().accounts().create(&credentials, role).unwrap()
}

pub async fn post_json(app: &TestApp, path: &str, body: &Value) -> TestResponse {
    app.post_text(path, body.to_string()).await
}

pub async fn try_sign_in(app: &TestApp, name: &str, password: &str) -> TestResponse {
    post_json(app, "/api/session", &json!({"name": name, "password": password})).await
}

/// The cookie that a response sets, as a browser sends it back.
fn cookie(response: &TestResponse) -> String {
    response.header("set-cookie").split(';').next().unwrap().to_owned()
}

pub async fn sign_in<'a>(app: &'a TestApp, name: &str) -> Browser<'a> {
    Browser::from_response(app, &try_sign_in(app, name, PASSWORD).await)
}

pub async fn register<'a>(app: &'a TestApp, name: &str) -> Browser<'a> {
    Browser::from_response(app, &post_json(app, "/api/accounts", &credentials(name)).await)
}

/// The response to a request with an API token.
pub async fn send_with_token(
    app: &TestApp,
    token: &str,
    method: Method,
    path: &str,
) -> TestResponse {
    app.send(app.request(method, path).bearer_auth(token)).await
}
