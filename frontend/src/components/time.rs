//! Times, relative and exact.

use std::time::Duration;

use jiff::Timestamp;
use js_sys::Intl::DateTimeFormat;
use js_sys::{Array, Date, Function, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::format::ago;

/// How often relative times are updated.
const TICK: Duration = Duration::from_secs(30);

/// The time in seconds since the Unix epoch, provided as context and updated every `TICK`.
#[derive(Clone, Copy)]
pub struct Clock(ReadSignal<i64>);

impl Clock {
    pub fn start() -> Clock {
        let (now, set_now) = signal(now());
        if let Ok(ticking) = set_interval_with_handle(move || set_now.set(self::now()), TICK) {
            on_cleanup(move || ticking.clear());
        }
        Clock(now)
    }
}

fn now() -> i64 {
    (Date::now() / 1000.0) as i64
}

/// The time since an event; the exact time as a tooltip.
#[component]
pub fn Ago(at: Timestamp) -> impl IntoView {
    let Clock(now) = expect_context();
    view! {
        <time datetime=at.to_string() title=exactly(at)>
            {move || ago(now.get() - at.as_second())}
        </time>
    }
}

thread_local! {
    /// Made once: that takes a phone several milliseconds.
    static EXACT_FORMAT: Function = exact_format();
}

/// A function that formats times in the browser's time zone and the page's language.
fn exact_format() -> Function {
    let options = Object::new();
    for (key, value) in [("dateStyle", "long"), ("timeStyle", "short")] {
        // A new object takes any property.
        _ = Reflect::set(&options, &key.into(), &value.into());
    }
    DateTimeFormat::new(&Array::of1(&"en-GB".into()), &options).format()
}

/// The exact time: "22 November 2026 at 15:27".
fn exactly(at: Timestamp) -> Option<String> {
    let milliseconds = JsValue::from_f64(at.as_millisecond() as f64);
    let text = EXACT_FORMAT.with(|format| format.call1(&JsValue::UNDEFINED, &milliseconds));
    // It fails only for years that a browser can't represent.
    text.ok()?.as_string()
}
