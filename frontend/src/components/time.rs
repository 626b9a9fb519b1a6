//! Moments: how long ago, and exactly.

use std::time::Duration;

use jiff::Timestamp;
use js_sys::{Date, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::format::ago;

/// How often "2 minutes ago" is looked at again.
const TICK: Duration = Duration::from_secs(30);

/// The time, as context: seconds since the Unix epoch, every now and then.
#[derive(Clone, Copy)]
pub struct Clock(ReadSignal<i64>);

impl Clock {
    /// A clock that goes until the app ends.
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

/// How long ago it was; the exact time when pointed at.
#[component]
pub fn Ago(at: Timestamp) -> impl IntoView {
    let Clock(now) = expect_context();
    view! {
        <time datetime=at.to_string() title=exactly(at)>
            {move || ago(now.get() - at.as_second())}
        </time>
    }
}

/// The moment in the browser's time zone and the page's language: "22 November 2026 at 15:27".
fn exactly(at: Timestamp) -> String {
    let options = Object::new();
    for (key, value) in [("dateStyle", "long"), ("timeStyle", "short")] {
        // A new object takes any property.
        _ = Reflect::set(&options, &key.into(), &value.into());
    }
    let date = Date::new(&JsValue::from_f64(at.as_millisecond() as f64));
    date.to_locale_string("en-GB", &options).into()
}
