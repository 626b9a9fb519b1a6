//! Steps 7 to 9 of a move: the decision, and the roll-forward.
//!
//! A step of the roll-forward goes on when no row matches: another mover has already taken it.

use crate::model::{MoveProtocol, Shortcut};
use crate::state::{Contents, Move, MoveId, OwnerState, Phase, State, Step};
use OwnerState::{Frozen, Gone, Owned};

impl MoveProtocol {
    /// Step 7, in one transaction.
    pub fn decide(&self, state: &mut State, id: MoveId) -> Option<Step> {
        let Move { source, epoch, phase } = state.job(id);
        let may_decide =
            phase == Phase::Running || self.takes(Shortcut::DecideWithoutCompareAndSwap);
        may_decide.then(|| {
            state.set_phase(id, Phase::Committed);
            state.publish(source.other(), epoch + 1);
            self.first_after_decision()
        })
    }

    pub fn first_after_decision(&self) -> Step {
        if self.takes(Shortcut::OpenTargetBeforeSourceCloses) {
            Step::OpenTarget
        } else {
            Step::CloseSource
        }
    }

    /// Step 8.
    pub fn close_source(&self, state: &mut State, id: MoveId) -> Step {
        if self.source_is(state, &[Frozen], id) {
            state.source_mut(id).set_state(Gone);
        }
        if self.takes(Shortcut::OpenTargetBeforeSourceCloses) {
            Step::PurgeSource
        } else {
            Step::OpenTarget
        }
    }

    pub fn open_target(&self, state: &mut State, id: MoveId) -> Step {
        let target = state.target_mut(id);
        if target.owner_is(&[Frozen], id) {
            target.set_state(Owned);
        }
        if self.takes(Shortcut::OpenTargetBeforeSourceCloses) {
            Step::CloseSource
        } else {
            Step::PurgeSource
        }
    }

    /// Step 9.
    pub fn purge_source(&self, state: &mut State, id: MoveId) -> Step {
        if self.source_is(state, &[Gone], id) {
            let source = state.source_mut(id);
            *source = Contents { owner: source.owner, ..Contents::default() };
        }
        Step::RemoveSourceOwner
    }

    pub fn remove_source_owner(&self, state: &mut State, id: MoveId) -> Step {
        if self.source_is(state, &[Gone], id) {
            state.source_mut(id).owner = None;
        }
        Step::Finish
    }
}

/// The end of a move or of its undo. Another mover may have recorded it already.
pub fn finish(state: &mut State, id: MoveId, from: Phase, to: Phase) -> Step {
    if state.job(id).phase == from {
        state.set_phase(id, to);
    }
    Step::Idle
}
