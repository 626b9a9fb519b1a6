//! Extractors for authentication and authorization.
//!
//! A handler names what it needs: [`Author`] if guests are allowed; [`Member`], [`Moderator`] or
//! [`Admin`] for a role; [`SessionUser`] or [`AdminSession`] for a session; [`Reauthenticated`] or
//! [`ReauthenticatedAdmin`] for a recent password confirmation. Each makes one lookup, or none
//! without a credential. An invalid credential is 401. An API token needs the scope of the
//! operation. A client that names its account in `Ostrakon-Account` is refused if it has another.

use std::future::Future;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use ostrakon_shared::{
    ACCOUNT_HEADER, Account, AuditVia, CredentialId, GUEST, ProblemCode, Role, TokenScope,
};

use crate::http::app_data::app_data;
use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::cookie;
use crate::http::extract::client_ip::Client;
use crate::http::rate_limit::{ClientKey, Limit, RateLimiters};
use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;
use crate::store::{Actor, AuthMethod, Authenticated, Credential, Source};

/// The author of a review or report, a guest or an account, within the rate limit (else 429). Local
/// guests and API tokens have no limit: they are the operator's scripts.
pub struct Author(pub Option<Actor>);

/// An account of any role.
pub struct Member(pub Actor);

/// A moderator or an admin.
pub struct Moderator(pub Actor);

/// An admin, as the audit trail records it.
pub struct Admin(pub Source);

/// An account with a session; API tokens are refused.
pub struct SessionUser {
    pub actor: Actor,
    pub session: CredentialId,
    /// The account and client, as the audit trail records them.
    pub source: Source,
    has_fresh_proof: bool,
}

/// An admin with a session.
pub struct AdminSession;

/// An account with a session; an admin must have entered the password within the last 15 minutes.
pub struct Reauthenticated(pub SessionUser);

/// An admin with a session who has entered the password within the last 15 minutes.
pub struct ReauthenticatedAdmin(pub Source);

/// The account of the request; `None` for a guest.
pub struct SignedIn(pub Option<Account>);

/// Implements extraction by an async function from the request.
macro_rules! extractor {
    ($extractor:ident, $extract:expr) => {
        impl FromRequest for $extractor {
            type Error = ApiError;
            type Future = LocalBoxFuture<'static, Result<$extractor, ApiError>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let extract = $extract;
                Box::pin(extract(request.clone()))
            }
        }
    };
}

extractor!(SignedIn, async |request: HttpRequest| {
    Ok(SignedIn(authenticate(&request).await?.map(|found| found.account)))
});

extractor!(Author, async |request: HttpRequest| {
    let found = authenticate(&request).await?;
    let client = Client::extract(&request).await?;
    found.as_ref().map_or(Ok(()), |found| require_scope(found, TokenScope::Write))?;
    let by_session =
        found.as_ref().is_some_and(|found| matches!(found.method, AuthMethod::Session { .. }));
    let actor: Option<Actor> = found.map(|found| found.account.into());
    if !client.local || by_session {
        let key = actor.as_ref().map_or_else(|| ClientKey::from(&client), ClientKey::from);
        app_data::<RateLimiters>(&request)?.check(&request, Limit::Posting, &key)?;
    }
    Ok(Author(actor))
});

extractor!(Member, async |request: HttpRequest| {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let scope = if reads { TokenScope::Read } else { TokenScope::Write };
    Ok(Member(require(&request, Role::Member, scope).await?))
});

extractor!(Moderator, async |request: HttpRequest| {
    Ok(Moderator(require(&request, Role::Moderator, TokenScope::Moderate).await?))
});

extractor!(Admin, async |request: HttpRequest| {
    let actor = require(&request, Role::Admin, TokenScope::Admin).await?;
    let via = if bearer(&request).is_some() { AuditVia::Token } else { AuditVia::Session };
    Ok(Admin(source(&request, actor, via).await?))
});

extractor!(SessionUser, async |request: HttpRequest| { require_session(&request).await });

extractor!(AdminSession, async |request: HttpRequest| {
    let user = require_session(&request).await?;
    require_role(&user.actor, Role::Admin)?;
    Ok(AdminSession)
});

extractor!(Reauthenticated, async |request: HttpRequest| {
    let user = require_session(&request).await?;
    // An admin's unattended browser could do more harm than a password prompt.
    if user.actor.role == Role::Admin {
        require_proof(&user)?;
    }
    Ok(Reauthenticated(user))
});

extractor!(ReauthenticatedAdmin, async |request: HttpRequest| {
    let user = require_session(&request).await?;
    require_role(&user.actor, Role::Admin)?;
    require_proof(&user)?;
    Ok(ReauthenticatedAdmin(user.source))
});

async fn require(request: &HttpRequest, role: Role, scope: TokenScope) -> Result<Actor, ApiError> {
    let found = authenticate(request).await?.ok_or_else(sign_in_required)?;
    let scoped = require_scope(&found, scope);
    let actor = Actor::from(found.account);
    require_role(&actor, role)?;
    scoped.map(|()| actor)
}

async fn require_session(request: &HttpRequest) -> Result<SessionUser, ApiError> {
    let found = authenticate(request).await?.ok_or_else(sign_in_required)?;
    match found.method {
        AuthMethod::Session { id, has_fresh_proof } => {
            let actor = Actor::from(found.account);
            let source = source(request, actor.clone(), AuditVia::Session).await?;
            Ok(SessionUser { actor, session: id, source, has_fresh_proof })
        }
        AuthMethod::Token { .. } => Err(problem(ProblemCode::SessionRequired)),
    }
}

async fn source(request: &HttpRequest, actor: Actor, via: AuditVia) -> Result<Source, ApiError> {
    let network = Client::extract(request).await?.network();
    Ok(Source { actor: Some(actor), via: Some(via), network: Some(network) })
}

fn require_role(actor: &Actor, role: Role) -> Result<(), ApiError> {
    if actor.role >= role {
        return Ok(());
    }
    let detail = format!("This requires the role {role}.");
    Err(ApiError::new(ProblemCode::NotAllowed, detail))
}

/// A session may do everything that its account may; a token needs the scope (RFC 6750, section
/// 3.1).
fn require_scope(found: &Authenticated, scope: TokenScope) -> Result<(), ApiError> {
    match &found.method {
        AuthMethod::Token { scopes } if !scopes.contains(&scope) => {
            let detail = format!("The API token lacks the scope {scope}.");
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
            let error = ApiError::new(ProblemCode::InsufficientScope, detail);
            Err(match HeaderValue::try_from(challenge) {
                Ok(challenge) => error.with_header(header::WWW_AUTHENTICATE, challenge),
                Err(_) => error,
            })
        }
        _ => Ok(()),
    }
}

fn require_proof(user: &SessionUser) -> Result<(), ApiError> {
    if user.has_fresh_proof {
        return Ok(());
    }
    let detail = "You last entered your password more than 15 minutes ago. Enter it again.";
    Err(ApiError::new(ProblemCode::ProofRequired, detail))
}

fn sign_in_required() -> ApiError {
    problem(ProblemCode::SignInRequired)
}

fn problem(code: ProblemCode) -> ApiError {
    ApiError::new(code, code.explanation())
}

/// Authenticates the credential of the request; `None` for a guest.
fn authenticate(
    request: &HttpRequest,
) -> impl Future<Output = Result<Option<Authenticated>, ApiError>> + use<> {
    let request = request.clone();
    async move {
        let settings = app_data::<Settings>(&request)?;
        let Some(credential) = credential(&request, &settings) else {
            return require_expected(&request, None).map(|()| None);
        };
        let by_session = matches!(credential, Credential::Session(_));
        let store = RequestStore::of(&request)?;
        match run_blocking(store, move |store| store.accounts().authenticate(&credential)).await? {
            Some(found) => {
                require_expected(&request, Some(&found.account))?;
                Ok(Some(found))
            }
            None if by_session => Err(problem(ProblemCode::SessionInvalid)
                .with_header(header::SET_COOKIE, cookie::clear_session(&settings))),
            None => Err(problem(ProblemCode::SessionInvalid)
                .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        }
    }
}

/// Fails if the client takes itself for another account, or for a guest. The user may have signed
/// out, or in as somebody else, in another tab.
fn require_expected(request: &HttpRequest, found: Option<&Account>) -> Result<(), ApiError> {
    let Some(expected) = request.headers().get(ACCOUNT_HEADER) else { return Ok(()) };
    let actual = found.map_or_else(|| GUEST.to_owned(), |account| account.id.to_string());
    if expected.as_bytes() == actual.as_bytes() {
        return Ok(());
    }
    Err(problem(ProblemCode::AccountChanged))
}

/// The credential of the request. A token takes precedence over a cookie, which browsers send by
/// default.
fn credential(request: &HttpRequest, settings: &Settings) -> Option<Credential> {
    bearer(request)
        .map(Credential::Token)
        .or_else(|| cookie::session_secret(request, settings).map(Credential::Session))
}

/// The token after `Bearer`. Other schemes are for a proxy.
fn bearer(request: &HttpRequest) -> Option<String> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    values.find_map(|value| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let (scheme, token) = value.split_once(' ').unwrap_or((&value, ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    })
}
