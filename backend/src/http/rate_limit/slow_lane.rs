//! Sign-in attempts for a name that exceeds its limit: they pass one at a time, so that their rate
//! is low however many arrive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as Turn;

/// The maximum number of attempts per name: the one being slowed down, and those that wait.
const MAX_INSIDE: usize = 5;

/// The attempts by name.
#[derive(Default)]
pub struct SlowLane(Mutex<HashMap<String, Lane>>);

#[derive(Default)]
struct Lane {
    inside: usize,
    turn: Arc<Turn<()>>,
}

/// The slot of an attempt, until it is dropped, also by a disconnected client.
struct Slot<'a> {
    lanes: &'a SlowLane,
    name: &'a str,
    turn: Arc<Turn<()>>,
}

impl SlowLane {
    /// Waits for all earlier attempts with this name, then for `slow_down`. Returns false if too
    /// many attempts already wait.
    pub async fn pass(&self, name: &str, slow_down: impl AsyncFnOnce()) -> bool {
        let Some(slot) = self.enter(name) else { return false };
        let _turn = slot.turn.lock().await;
        slow_down().await;
        true
    }

    fn enter<'a>(&'a self, name: &'a str) -> Option<Slot<'a>> {
        let mut lanes = self.lanes();
        let lane = lanes.entry(name.to_owned()).or_default();
        if lane.inside == MAX_INSIDE {
            return None;
        }
        lane.inside += 1;
        Some(Slot { lanes: self, name, turn: Arc::clone(&lane.turn) })
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<String, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lanes();
        if let Some(lane) = lanes.get_mut(self.name) {
            lane.inside -= 1;
            if lane.inside == 0 {
                lanes.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::cell::Cell;
    use tokio::sync::oneshot;

    #[actix_web::test]
    async fn attempts_by_one_name_pass_one_after_the_other() {
        let (lanes, begun) = (SlowLane::default(), Cell::new(0));
        let attempt = || {
            let (end, slow_down) = oneshot::channel::<()>();
            let slow_down = async || {
                begun.set(begun.get() + 1);
                slow_down.await.unwrap();
            };
            (end, Box::pin(lanes.pass("aspasia", slow_down)))
        };
        let mut inside: Vec<_> = (0..MAX_INSIDE).map(|_| attempt()).collect();
        for (_, attempt) in &mut inside {
            assert_eq!(attempt.now_or_never(), None);
        }
        assert_eq!(begun.get(), 1, "each waits for the previous one");
        assert_eq!(
            attempt().1.now_or_never(),
            Some(false),
            "the number of waiting attempts is limited"
        );
        assert_eq!(lanes.pass("pericles", async || ()).now_or_never(), Some(true));

        let (end, mut first) = inside.remove(0);
        end.send(()).unwrap();
        assert_eq!((&mut first).now_or_never(), Some(true));
        for (_, attempt) in &mut inside {
            assert_eq!(attempt.now_or_never(), None);
        }
        assert_eq!(begun.get(), 2);
        // A client that disconnects gives up its slot and its turn.
        let mut another = attempt();
        assert_eq!((&mut another.1).now_or_never(), None);
        drop(inside);
        assert_eq!((&mut another.1).now_or_never(), None);
        assert_eq!(begun.get(), 3);
        drop((first, another));
        assert!(lanes.lanes().is_empty(), "names without attempts are removed");
    }
}
