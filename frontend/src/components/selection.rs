//! Selected rows of a list.

use std::collections::BTreeSet;

use leptos::prelude::*;

/// The numbers of the selected rows.
#[derive(Clone, Copy)]
pub struct Selection(RwSignal<BTreeSet<i64>>);

impl Selection {
    pub fn new() -> Selection {
        Selection(RwSignal::new(BTreeSet::new()))
    }

    /// Whether this row is selected.
    pub fn has(self, number: i64) -> bool {
        self.0.read().contains(&number)
    }

    /// Selects exactly these rows.
    pub fn set(self, numbers: impl IntoIterator<Item = i64>) {
        self.0.set(numbers.into_iter().collect());
    }

    /// The checkbox of a row.
    pub fn checkbox(self, number: i64, label: String) -> AnyView {
        let toggle = move |_| {
            self.0.update(|chosen| {
                if !chosen.remove(&number) {
                    chosen.insert(number);
                }
            });
        };
        view! {
            <label class="check">
                <input
                    type="checkbox"
                    aria-label=label
                    prop:checked=move || self.has(number)
                    on:change=toggle
                />
            </label>
        }
        .into_any()
    }

    /// The checkbox that selects all listed rows or none.
    pub fn all_checkbox(self, numbers: impl Fn() -> Vec<i64> + Send + Sync + 'static) -> AnyView {
        let numbers = StoredValue::new(numbers);
        let all = Memo::new(move |_| {
            let numbers = numbers.with_value(|numbers| numbers());
            let chosen = self.0.read();
            !numbers.is_empty() && numbers.iter().all(|number| chosen.contains(number))
        });
        let toggle = move |_| {
            let numbers = untrack(|| numbers.with_value(|numbers| numbers()));
            self.set(if all.get_untracked() { Vec::new() } else { numbers });
        };
        view! {
            <label class="check check-all">
                <input type="checkbox" prop:checked=all on:change=toggle />
                "Select all"
            </label>
        }
        .into_any()
    }
}
