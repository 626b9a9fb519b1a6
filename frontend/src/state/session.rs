//! Who is signed in.

use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{Account, Role, Session};

use crate::net::api;
use crate::net::http::{ApiError, on_session_lost};
use crate::routing::url;

/// Who is signed in, as context: asked for once, and followed from then on.
#[derive(Clone, Copy)]
pub struct CurrentSession {
    answer: RwSignal<Option<Result<Session, ApiError>>>,
    lost: RwSignal<bool>,
}

impl CurrentSession {
    /// Asks who is signed in, and listens for the end of that.
    pub fn start() -> CurrentSession {
        let session = CurrentSession { answer: RwSignal::new(None), lost: RwSignal::new(false) };
        on_session_lost(move || session.lose());
        session.ask();
        session
    }

    /// Asks who is signed in.
    pub fn ask(self) {
        spawn_local(async move {
            let answer = api::session().await;
            self.answer.set(Some(answer));
        });
    }

    /// Somebody has signed in.
    pub fn enter(self, session: Session) {
        self.lost.set(false);
        self.answer.set(Some(Ok(session)));
    }

    /// The server does not know the session any more: this is a guest again.
    fn lose(self) {
        let Some(Some(Ok(mut session))) = self.answer.try_get_untracked() else {
            // The very first question was answered so. The cookie is gone, the next one is a guest's.
            self.ask();
            return;
        };
        if session.account.take().is_some() {
            self.answer.set(Some(Ok(session)));
            self.lost.set(true);
        }
    }

    /// What the server said, if it has answered yet.
    pub fn answer(self) -> Option<Result<Session, ApiError>> {
        self.answer.get()
    }

    /// The account that is signed in; nobody's until the server has answered.
    pub fn account(self) -> Option<Account> {
        self.known().and_then(|session| session.account)
    }

    /// What this service lets anybody do, and who is signed in.
    pub fn known(self) -> Option<Session> {
        self.answer.get().and_then(Result::ok)
    }

    /// Whether who is signed in may do what this role may.
    pub fn may(self, role: Role) -> bool {
        self.account().is_some_and(|account| has_rights_of(account.role, role))
    }
}

/// Whether an account of the role `own` may do what `role` may. One that only a later version
/// knows is a member's at least.
pub fn has_rights_of(own: Role, role: Role) -> bool {
    own.max(Role::Member) >= role
}

/// Who is signed in.
pub fn current_session() -> CurrentSession {
    expect_context()
}

/// The page to sign in, and to come back from to this one.
pub fn sign_in_href(back_to: &str) -> String {
    format!("/sign-in?next={}", crate::net::http::escape(back_to))
}

/// Where to go after signing in: an address of this very app, whatever a link may say.
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

/// Says that the session has ended, until somebody signs in or does not care.
#[component]
pub fn LostSession() -> impl IntoView {
    let session = current_session();
    let text = move || {
        let href = sign_in_href(&url::browser_address());
        session.lost.get().then(|| {
            view! {
                <p class="notice lost-session">
                    <span>"You are not signed in any more. "<a href=href>"Sign in again"</a></span>
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
    fn the_way_back_stays_on_this_site() {
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
    fn the_way_back_is_escaped() {
        assert_eq!(sign_in_href("/admin?a=b&c"), "/sign-in?next=%2Fadmin%3Fa%3Db%26c");
    }
}
