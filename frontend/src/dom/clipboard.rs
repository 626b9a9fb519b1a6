//! The browser's clipboard, and its dialog to share a page.

use js_sys::{Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::ShareData;

/// Copies a text; returns whether that has succeeded. Call it while a click is handled.
pub fn copy(text: &str) -> impl Future<Output = bool> + use<> {
    // Browsers offer the clipboard only under HTTPS.
    succeeds(navigator_has("clipboard").then(|| window().navigator().clipboard().write_text(text)))
}

/// Opens the browser's dialog to share a page; `None` if it has none. Call it while a click is handled.
pub fn share(title: &str, url: &str) -> Option<impl Future<Output = bool> + use<>> {
    navigator_has("share").then(|| {
        let page = ShareData::new();
        page.set_title(title);
        page.set_url(url);
        succeeds(Some(window().navigator().share_with_data(&page)))
    })
}

fn navigator_has(name: &str) -> bool {
    Reflect::has(&window().navigator(), &JsValue::from_str(name)).unwrap_or_default()
}

async fn succeeds(promise: Option<Promise>) -> bool {
    match promise {
        Some(promise) => JsFuture::from(promise).await.is_ok(),
        None => false,
    }
}
