//! Abort and recovery.
//!
//! A step of the undo goes on when no row matches: another mover has already taken it.

use crate::model::{MoveProtocol, Shortcut};
use crate::state::{Contents, Marks, MoveId, Owner, OwnerState, Phase, State, Step};
use OwnerState::{Frozen, Importing, Moving, Owned};

impl MoveProtocol {
    /// A new holder of the lease finishes or undoes the move that it finds.
    pub fn recover(&self, state: &mut State, id: MoveId) -> Option<Step> {
        match state.job(id).phase {
            Phase::Running => self.abort(state, id),
            Phase::Committed => Some(self.first_after_decision()),
            Phase::Aborting => Some(Step::UndoSource),
            Phase::Done | Phase::Aborted => None,
        }
    }

    pub fn abort(&self, state: &mut State, id: MoveId) -> Option<Step> {
        let is_running = state.job(id).phase == Phase::Running;
        is_running.then(|| {
            if self.takes(Shortcut::AbortWithoutCompareAndSwap) {
                Step::AbortBlindly
            } else {
                start_undo(state, id)
            }
        })
    }

    pub fn undo_rows(&self, state: &mut State, id: MoveId) -> Step {
        if self.is_undoable_target(state, id) {
            let target = state.target_mut(id);
            *target = Contents { owner: target.owner, ..Contents::default() };
        }
        Step::UndoTarget
    }

    pub fn undo_target(&self, state: &mut State, id: MoveId) -> Step {
        if self.is_undoable_target(state, id) {
            state.target_mut(id).owner = None;
        }
        Step::FinishUndo
    }

    fn is_undoable_target(&self, state: &mut State, id: MoveId) -> bool {
        let opened = self.opened_for_reads();
        state.target_mut(id).owner_is(&[Importing, opened], id)
    }

    /// The row gets the move's id even if the move has not armed the source: that is the fence
    /// against a zombie that is about to arm it.
    pub fn undo_source(&self, state: &mut State, id: MoveId) -> Step {
        let epoch = state.job(id).epoch;
        let source = state.source_mut(id);
        if let Some(owner) = &mut source.owner
            && owner.epoch == epoch
            && matches!(owner.state, Owned | Moving | Frozen)
            && (owner.id <= id || self.takes(Shortcut::ChangeSourceWithoutMove))
            && (owner.state != Owned || !self.takes(Shortcut::UndoWithoutFence))
        {
            *owner = Owner { state: Owned, epoch, id };
            source.marks = Marks::default();
        }
        Step::UndoRows
    }
}

pub fn start_undo(state: &mut State, id: MoveId) -> Step {
    state.set_phase(id, Phase::Aborting);
    Step::UndoSource
}
