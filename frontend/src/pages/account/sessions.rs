//! The sessions of an account.

use leptos::prelude::*;
use ostrakon_shared::{AccountId, SessionInfo};

use crate::components::paginated_list::{List, PaginatedList};
use crate::components::{Ago, failure_line};
use crate::format::day;
use crate::net::api;
use crate::pages::account::browser::browser_name;
use crate::state::form_state::FormState;
use crate::state::loaded_pages::LoadedPages;

/// The sessions of an account or of the user, with buttons to end them.
pub fn sessions_panel(of: Option<AccountId>) -> AnyView {
    let sessions = PaginatedList::new(move |_| {
        Box::pin(async move { api::sessions(of).await.map(|list| LoadedPages::from(list.items)) })
    });
    let state = FormState::button();
    let row = move |session: SessionInfo| {
        let id = session.id;
        let end = move |_| {
            let work = async move {
                api::end_session(of, id).await?;
                sessions.items.update(|items| items.retain(|session| session.id != id));
                Ok(())
            };
            state.start("The session has ended.", Box::pin(work));
        };
        let browser = browser_name(session.user_agent.as_deref());
        view! {
            <li>
                <div class="row-text">
                    <p title=session.user_agent>{browser.clone()}</p>
                    <p class="muted small">
                        "Signed in "<Ago at=session.created_at />
                        {session.last_used_at.map(|at| view! { ", last used "<Ago at /> })}
                        {format!(", ends on {} if not used", day(session.expires_at))}
                    </p>
                </div>
                {if session.current {
                    view! { <span class="chip">"This browser"</span> }.into_any()
                } else {
                    view! {
                        <button type="button" class="button button-small" on:click=end>
                            "End"
                            <span class="visually-hidden">" the session of "{browser}</span>
                        </button>
                    }
                        .into_any()
                }}
            </li>
        }
        .into_any()
    };
    view! {
        <section class="panel" aria-labelledby="sessions">
            <h2 id="sessions">"Sessions"</h2>
            <p class="muted small">
                {match of {
                    None => "Browsers where you are signed in.",
                    Some(_) => "Browsers where the account is signed in.",
                }}
            </p>
            {failure_line(state)}
            <p role="status" class="write-status">
                {move || state.done()}
            </p>
            <List list=sessions.state thing="session"
                empty=|| view! { <p class="muted">"There are no sessions."</p> }
            >
                <ul class="rows" role="list" aria-labelledby="sessions">
                    {sessions.rows(row)}
                </ul>
            </List>
        </section>
    }
    .into_any()
}
