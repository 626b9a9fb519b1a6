//! The session of the user.

use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{Account, Role, Session};

use crate::net::api;
use crate::net::http::{ApiError, on_session_lost};
use crate::routing::url;

/// The session, provided as context. It is loaded once, and updated when the user signs in or out.
#[derive(Clone, Copy)]
pub struct CurrentSession {
    answer: RwSignal<Option<Result<Session, ApiError>>>,
    lost: RwSignal<bool>,
}

impl CurrentSession {
    /// Loads the session, and watches for its end.
    pub fn start() -> CurrentSession {
        let session = CurrentSession { answer: RwSignal::new(None), lost: RwSignal::new(false) };
        on_session_lost(move || session.lose());
        session.ask();
        session
    }

    /// Loads the session.
    pub fn ask(self) {
        spawn_local(async move {
            let answer = api::session().await;
            self.answer.set(Some(answer));
        });
    }

    /// Call this after signing in.
    pub fn enter(self, session: Session) {
        self.lost.set(false);
        self.answer.set(Some(Ok(session)));
    }

    /// The server no longer knows the session: the user is a guest again.
    fn lose(self) {
        let Some(Some(Ok(mut session))) = self.answer.try_get_untracked() else {
            // The first request failed. The cookie is gone now, so the next request is a guest's.
            self.ask();
            return;
        };
        if session.account.take().is_some() {
            self.answer.set(Some(Ok(session)));
            self.lost.set(true);
        }
    }

    /// The server's response, once it has arrived.
    pub fn answer(self) -> Option<Result<Session, ApiError>> {
        self.answer.get()
    }

    /// The signed-in account; `None` until the server has answered.
    pub fn account(self) -> Option<Account> {
        self.known().and_then(|session| session.account)
    }

    /// The session, unless it could not be loaded.
    pub fn known(self) -> Option<Session> {
        self.answer.get().and_then(Result::ok)
    }

    /// Whether the user has the rights of this role.
    pub fn may(self, role: Role) -> bool {
        self.account().is_some_and(|account| has_rights_of(account.role, role))
    }
}

/// Whether the role `own` has the rights of `role`. An unknown role has at least those of a member.
pub fn has_rights_of(own: Role, role: Role) -> bool {
    own.max(Role::Member) >= role
}

/// The session, from context.
pub fn current_session() -> CurrentSession {
    expect_context()
}

/// The address of the sign-in page that leads back to this page.
pub fn sign_in_href(back_to: &str) -> String {
    format!("/sign-in?next={}", crate::net::http::escape(back_to))
}

/// The address to go to after signing in: always one of this app, because anyone can make a link.
pub fn next_address(asked: Option<&str>) -> String {
    let is_ours = |next: &&str| {
        let mut chars = next.chars();
        // "//elsewhere" and "/\elsewhere" are other sites; browsers skip control characters.
        chars.next() == Some('/')
            && !matches!(chars.next(), Some('/' | '\\'))
            && !next.contains(|c: char| c.is_control() || c == '\\')
    };
    asked.filter(is_ours).unwrap_or("/").to_owned()
}

/// A notice that the session has ended, until the user signs in or closes it.
#[component]
pub fn LostSession() -> impl IntoView {
    let session = current_session();
    let text = move || {
        let href = sign_in_href(&url::browser_address());
        session.lost.get().then(|| {
            view! {
                <p class="notice lost-session">
                    <span>"Your session has ended. "<a href=href>"Sign in again"</a></span>
                    <button type="button" class="link-button" on:click=move |_| session.lost.set(false)>
                        "Close"
                    </button>
                </p>
            }
        })
    };
    view! { <div role="status">{text}</div> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_address_is_on_this_site() {
        for ours in ["/", "/account", "/products/1?rating=4#write-review", "/a//b"] {
            assert_eq!(next_address(Some(ours)), ours);
        }
        let others = [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/\t/evil.example",
            "javascript:alert(1)",
            "/a\\b",
        ];
        for other in others {
            assert_eq!(next_address(Some(other)), "/", "{other:?}");
        }
        assert_eq!(next_address(None), "/");
    }

    #[test]
    fn the_next_address_is_escaped() {
        assert_eq!(sign_in_href("/admin?a=b&c"), "/sign-in?next=%2Fadmin%3Fa%3Db%26c");
    }
}
