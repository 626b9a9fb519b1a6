//! The session of the user.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{Account, GUEST, ProblemCode, Role, Session};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::BroadcastChannel;

use crate::net::api;
use crate::net::http::{ApiError, act_as, on_session_lost};
use crate::routing::url;

/// The channel on which tabs tell each other that the user has signed in or out.
const CHANNEL: &str = "ostrakon-session";

/// The session, provided as context. It is loaded at the start, when the tab becomes visible, and when
/// another tab or the server says that it has changed.
#[derive(Clone, Copy)]
pub struct CurrentSession {
    answer: RwSignal<Option<Result<Session, ApiError>>>,
    /// The account as which the user acted here, until it changed elsewhere.
    former: RwSignal<Option<Account>>,
    /// Whether the user has closed the notice of that.
    is_noticed: RwSignal<bool>,
    is_asking: StoredValue<bool>,
    /// None: the browser has no such channels.
    channel: StoredValue<Option<BroadcastChannel>, LocalStorage>,
}

impl CurrentSession {
    /// Loads the session, and watches for changes.
    pub fn start() -> CurrentSession {
        let session = CurrentSession {
            answer: RwSignal::new(None),
            former: RwSignal::new(None),
            is_noticed: RwSignal::new(false),
            is_asking: StoredValue::new(false),
            channel: StoredValue::new_local(BroadcastChannel::new(CHANNEL).ok()),
        };
        on_session_lost(move || session.ask());
        let changed = Closure::<dyn Fn()>::new(move || session.ask()).into_js_value();
        session.channel.with_value(|channel| {
            if let Some(channel) = channel {
                channel.set_onmessage(Some(changed.as_ref().unchecked_ref()));
            }
        });
        // It lasts as long as the page.
        window_event_listener(ev::visibilitychange, move |_| {
            if !document().hidden() {
                session.ask();
            }
        });
        session.ask();
        session
    }

    /// Loads the session.
    pub fn ask(self) {
        if self.is_asking.get_value() {
            return;
        }
        self.is_asking.set_value(true);
        spawn_local(async move {
            let answer = match api::session().await {
                // The cookie is gone now, so that the next request is a guest's.
                Err(error) if error.code() == Some(ProblemCode::SessionInvalid) => {
                    api::session().await
                }
                answer => answer,
            };
            self.is_asking.set_value(false);
            self.hear(answer);
        });
    }

    /// Compares what the server says with what was known.
    fn hear(self, answer: Result<Session, ApiError>) {
        let known = self.answer.get_untracked().and_then(Result::ok);
        let (Some(known), Ok(session)) = (&known, &answer) else {
            // A request that failed says nothing about the session.
            if known.is_none() {
                self.set(answer);
            }
            return;
        };
        if known == session {
            return;
        }
        let now = session.account.as_ref().map(|account| account.id);
        if let Some(before) = known.account.clone().filter(|before| Some(before.id) != now) {
            self.former.set(Some(before));
            self.is_noticed.set(false);
        } else if self.former.get_untracked().is_some_and(|former| Some(former.id) == now) {
            self.former.set(None);
        }
        self.set(answer);
    }

    fn set(self, answer: Result<Session, ApiError>) {
        act_as(answer.as_ref().ok().map(|session| match &session.account {
            Some(account) => account.id.to_string(),
            None => GUEST.to_owned(),
        }));
        self.answer.set(Some(answer));
    }

    /// Call this after signing in.
    pub fn enter(self, session: Session) {
        self.former.set(None);
        self.set(Ok(session));
        self.tell_other_tabs();
    }

    /// Makes other tabs load the session.
    pub fn tell_other_tabs(self) {
        self.channel.with_value(|channel| {
            if let Some(channel) = channel {
                // Other tabs also look when they become visible.
                _ = channel.post_message(&JsValue::NULL);
            }
        });
    }

    /// The account as which the user acted until it changed elsewhere, unless the user has chosen to go
    /// on as the present one.
    pub fn former(self) -> Option<Account> {
        self.former.get()
    }

    /// The user goes on as the present account or guest.
    pub fn go_on(self) {
        self.former.set(None);
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

    /// Whether moderators approve reviews before they appear.
    pub fn is_moderated(self) -> bool {
        self.known().is_some_and(|session| session.pre_moderation)
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

/// A notice that the session has ended or changed elsewhere, until the user signs in or closes it.
#[component]
pub fn LostSession() -> impl IntoView {
    let session = current_session();
    let is_shown = move || session.former().is_some() && !session.is_noticed.get();
    let text = move || match session.account().filter(|_| is_shown()) {
        Some(now) => format!("You are now signed in as {}. ", now.name),
        None if is_shown() => "Your session has ended. ".to_owned(),
        None => String::new(),
    };
    view! {
        <div role="status">
            <p class="notice lost-session" class:unneeded=move || !is_shown()>
                <span>{text} <SignInAgain class="" /></span>
                <button
                    type="button"
                    class="link-button"
                    on:click=move |_| session.is_noticed.set(true)
                >
                    "Close"
                </button>
            </p>
        </div>
    }
}

/// Asks in a form as whom to go on, after the session has ended or changed elsewhere.
#[component]
pub fn AuthorChoice(
    /// The id of the notice, which gets the focus when the form is sent before a choice is made.
    id: String,
) -> impl IntoView {
    let session = current_session();
    let text = move || {
        let Some(before) = session.former() else { return String::new() };
        let now = session.account().map(|now| format!(" You are signed in as {} now.", now.name));
        let (before, now) = (before.name, now.unwrap_or_default());
        format!("You are no longer signed in as {before}.{now} Your text has been kept.")
    };
    let go_on = move || match session.account() {
        Some(now) => format!("Go on as {}", now.name),
        None => "Go on as a guest".to_owned(),
    };
    view! {
        <div
            class="notice"
            class:unneeded=move || session.former().is_none()
            id=id
            role="alert"
            tabindex="-1"
        >
            <p dir="auto">{text}</p>
            <p class="write-end">
                <SignInAgain class="button button-primary" />
                <button type="button" class="button" on:click=move |_| session.go_on()>
                    {go_on}
                </button>
            </p>
        </div>
    }
}

/// The link to sign in again and come back, for users who are signed out.
#[component]
fn SignInAgain(class: &'static str) -> impl IntoView {
    let session = current_session();
    let href = move || {
        session.former.track();
        sign_in_href(&url::browser_address())
    };
    view! {
        <a class=class class:unneeded=move || session.account().is_some() href=href>
            "Sign in again"
        </a>
    }
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
