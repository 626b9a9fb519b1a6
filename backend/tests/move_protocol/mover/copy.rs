//! Steps 1 to 6 of a move: claim, arm, copy, apply the marks, freeze, open for reads.

use crate::model::{MoveProtocol, Shortcut};
use crate::state::{
    Contents, KEYS, Marks, Move, MoveId, Owner, OwnerState, Phase, Row, Rows, State, Step,
};
use OwnerState::{Frozen, Importing, Moving, Owned};

impl State {
    /// Step 1, in one transaction with the check of the lease.
    pub fn begin(&mut self) -> MoveId {
        let id = self.phases().count();
        let source = self.route(self.epoch);
        self.moves[id] = Some(Move { source, epoch: self.epoch, phase: Phase::Running });
        id as MoveId + 1
    }
}

impl MoveProtocol {
    /// Step 2.
    pub fn claim_target(&self, state: &mut State, id: MoveId) -> Option<Step> {
        let epoch = state.job(id).epoch + 1;
        let target = state.target_mut(id);
        let is_free = target.owner.is_none_or(|owner| {
            !owner.state.is_writable()
                && (owner.id < id || self.takes(Shortcut::ClaimFromNewerMove))
        });
        is_free.then(|| {
            target.owner = Some(Owner { state: Importing, epoch, id });
            Step::PurgeTarget
        })
    }

    pub fn purge_target(&self, state: &mut State, id: MoveId) -> Option<Step> {
        self.target_imports(state, id).then(|| {
            let target = state.target_mut(id);
            *target = Contents { owner: target.owner, ..Contents::default() };
            Step::Arm
        })
    }

    /// Step 3.
    pub fn arm(&self, state: &mut State, id: MoveId) -> Option<Step> {
        let epoch = state.job(id).epoch;
        let owner = state.source_mut(id).owner.as_mut()?;
        let passes_fence = owner.id < id || self.takes(Shortcut::ArmWithoutFence);
        (owner.state == Owned && owner.epoch == epoch && passes_fence).then(|| {
            *owner = Owner { state: Moving, epoch, id };
            Step::ReadBatch { key: 0 }
        })
    }

    /// The copy of step 4.
    pub fn write_batch(&self, state: &mut State, id: MoveId, key: usize, row: Row) -> Option<Step> {
        self.target_imports(state, id).then(|| {
            state.target_mut(id).rows[key] = row;
            match key + 1 {
                KEYS => Step::ReadMarks { frozen: false },
                key => Step::ReadBatch { key },
            }
        })
    }

    /// The marks of step 4, and the last ones in step 5.
    pub fn read_marks(&self, state: &State, id: MoveId, frozen: bool) -> Step {
        let Contents { marks, rows, .. } = *state.source(id);
        if self.takes(Shortcut::RowsBeforeMarks) {
            return Step::ReadMarksAfterRows { frozen, rows };
        }
        apply_or_go_on(frozen, marks, rows)
    }

    pub fn apply_marks(&self, state: &mut State, id: MoveId, marks: Marks, rows: Rows) -> bool {
        let imports = self.target_imports(state, id);
        if imports {
            let target = state.target_mut(id);
            marks.iter().for_each(|(_, key)| target.rows[key] = rows[key]);
        }
        imports
    }

    pub fn delete_marks(&self, state: &mut State, id: MoveId, marks: Marks) -> bool {
        let is_source = self.source_is(state, &[Moving, Frozen], id);
        if is_source {
            let source = state.source_mut(id);
            if self.takes(Shortcut::MarksByWatermark) {
                source.marks.remove_up_to(marks);
            } else {
                source.marks.remove(marks);
            }
        }
        is_source
    }

    /// Step 5.
    pub fn freeze(&self, state: &mut State, id: MoveId) -> Option<Step> {
        self.source_is(state, &[Moving], id).then(|| {
            state.source_mut(id).set_state(Frozen);
            Step::ReadMarks { frozen: true }
        })
    }

    /// Step 6.
    pub fn open_for_reads(&self, state: &mut State, id: MoveId) -> Option<Step> {
        let opened = self.opened_for_reads();
        let target = state.target_mut(id);
        target.owner_is(&[Importing], id).then(|| {
            target.set_state(opened);
            Step::Decide
        })
    }

    pub fn opened_for_reads(&self) -> OwnerState {
        if self.takes(Shortcut::OpenTargetBeforeDecision) { Owned } else { Frozen }
    }

    /// Whether a transaction may write rows to the target.
    fn target_imports(&self, state: &mut State, id: MoveId) -> bool {
        let target = state.target_mut(id);
        let is_importing = target.owner.is_some_and(|owner| owner.state == Importing);
        target.owner_is(&[Importing], id)
            || (is_importing && self.takes(Shortcut::WriteTargetWithoutMove))
    }
}

pub fn read_batch(state: &State, id: MoveId, key: usize) -> Step {
    Step::WriteBatch { key, row: state.source(id).rows[key] }
}

pub fn apply_or_go_on(frozen: bool, marks: Marks, mut rows: Rows) -> Step {
    if marks.is_empty() {
        return if frozen { Step::OpenForReads } else { Step::ReadMarks { frozen } };
    }
    // The mover remembers only the rows that the marks name.
    for (key, row) in rows.iter_mut().enumerate() {
        if marks.iter().all(|(_, marked)| marked != key) {
            *row = 0;
        }
    }
    Step::ApplyMarks { frozen, marks, rows }
}
