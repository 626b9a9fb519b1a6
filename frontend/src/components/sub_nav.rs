//! Navigation between the pages of a section.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Links, one of which is marked as the current page.
pub fn sub_nav(label: &'static str, links: &'static [(&'static str, &'static str)]) -> AnyView {
    let path = use_location().pathname;
    let link = |(href, name): &(&'static str, &'static str)| {
        let href = *href;
        let current = move || (path.read().trim_end_matches('/') == href).then_some("page");
        view! {
            <li>
                <a href=href aria-current=current>
                    {*name}
                </a>
            </li>
        }
    };
    view! {
        <nav class="sub-nav" aria-label=label>
            <ul role="list">{links.iter().map(link).collect_view()}</ul>
        </nav>
    }
    .into_any()
}
