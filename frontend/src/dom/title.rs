//! The page's title, in the tab and announced to screen readers.

use leptos::html;
use leptos::prelude::*;
use ostrakon_shared::text::without_bidi_controls;

/// The title of the page, provided as context.
#[derive(Clone, Copy)]
pub struct Title(RwSignal<String>);

impl Title {
    pub fn new() -> Title {
        Title(RwSignal::new(String::new()))
    }
}

/// Sets the page's title.
pub fn set_title(title: &str) {
    expect_context::<Title>().0.set(without_bidi_controls(title));
}

/// Shows the title in the tab and, except on the first page, in a live region: screen readers don't
/// notice navigation without a page load.
#[component]
pub fn TitleAnnouncer() -> impl IntoView {
    let title = expect_context::<Title>().0;
    let region = NodeRef::<html::P>::new();
    Effect::new(move |shown: Option<()>| {
        let title = title.read();
        if title.is_empty() {
            return;
        }
        document().set_title(&format!("{title} · Ostrakon"));
        if let (Some(()), Some(region)) = (shown, region.get_untracked()) {
            region.set_text_content(Some(&title));
        }
    });
    view! { <p node_ref=region class="visually-hidden" aria-live="polite"></p> }
}
