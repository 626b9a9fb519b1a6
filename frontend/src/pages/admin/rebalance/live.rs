//! The rebalances and the owners of the buckets, polled.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{Rebalance, RebalanceList, RebalanceState};

use crate::net::api;

/// How often the server is polled while buckets move.
const POLL: Duration = Duration::from_secs(1);

/// While nothing moves, one in this number of polls is sent.
const IDLE_POLLS: u32 = 5;

/// The response to the newest request.
#[derive(Clone, Copy)]
pub struct Live {
    pub list: RwSignal<RebalanceList>,
    /// Why the newest request failed.
    pub failure: RwSignal<Option<String>>,
    /// The number of the newest request.
    sent: StoredValue<u32>,
    /// The number of the newest request that has its response.
    answered: StoredValue<u32>,
}

impl Live {
    /// Polls while the page is shown, unless its tab is hidden.
    pub fn start(list: RebalanceList) -> Live {
        let live = Live {
            list: RwSignal::new(list),
            failure: RwSignal::new(None),
            sent: StoredValue::new(0),
            answered: StoredValue::new(0),
        };
        let ticks = StoredValue::new(0_u32);
        let tick = move || {
            let tick = ticks.get_value().wrapping_add(1);
            ticks.set_value(tick);
            let is_due = live.is_active() || tick.is_multiple_of(IDLE_POLLS);
            if is_due && !live.is_pending() && !document().hidden() {
                spawn_local(live.load());
            }
        };
        let ticking = set_interval_with_handle(tick, POLL);
        on_cleanup(move || ticking.iter().for_each(|ticking| ticking.clear()));
        live
    }

    /// Asks the server. Responses to older requests are dropped, so that none hides a change.
    pub async fn load(self) {
        let Some(number) = self.sent.try_get_value().map(|sent| sent.wrapping_add(1)) else {
            return;
        };
        self.sent.set_value(number);
        let answer = api::rebalances().await;
        // Otherwise there is a newer one, or the user has left the page.
        if self.sent.try_get_value() != Some(number) {
            return;
        }
        self.answered.set_value(number);
        match answer {
            Ok(list) => {
                self.failure.set(None);
                self.list.set(list);
            }
            Err(error) => self.failure.set(Some(error.to_string())),
        }
    }

    /// The newest rebalance.
    pub fn newest(self) -> Option<Rebalance> {
        self.list.read().items.first().cloned()
    }

    /// Its number and state.
    pub fn state(self) -> Option<(i64, RebalanceState)> {
        self.list.read().items.first().map(|newest| (newest.id, newest.state))
    }

    fn is_active(self) -> bool {
        let state = untrack(|| self.state());
        matches!(state, Some((_, RebalanceState::Running | RebalanceState::Aborting)))
    }

    fn is_pending(self) -> bool {
        self.sent.get_value() != self.answered.get_value()
    }
}
