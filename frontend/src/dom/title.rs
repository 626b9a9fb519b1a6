//! The page's title: in the tab, and spoken when it changes.

use leptos::html;
use leptos::prelude::*;
use ostrakon_shared::text::without_bidi_controls;

/// The title of the page, as context.
#[derive(Clone, Copy)]
pub struct Title(RwSignal<String>);

impl Title {
    /// A title for all pages.
    pub fn new() -> Title {
        Title(RwSignal::new(String::new()))
    }
}

/// Names the page that is being shown. Screen readers hear of it.
pub fn set_title(title: &str) {
    expect_context::<Title>().0.set(without_bidi_controls(title));
}

/// Puts the title where it belongs: in the tab, and, after the first, in a live region, because
/// a screen reader can't know that a page without a page load is a new one.
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
