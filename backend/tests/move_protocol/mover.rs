//! Movers: which step one may take, under which lock, and what follows.

mod copy;
mod finish;
mod undo;

use crate::model::{Action, MoveProtocol, Shortcut};
use crate::state::{Contents, Database, MoveId, Mover, OwnerState, Phase, State, Step};
use copy::{apply_or_go_on, read_batch};
use finish::finish;
use undo::start_undo;

impl MoveProtocol {
    pub fn mover_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (mover, &Mover { id, step }) in state.movers.iter().enumerate() {
            if mover > state.holder || step == Step::Stopped {
                continue;
            }
            let steps = self.next_steps(state, id, step).into_iter().flatten();
            let steps = steps.filter(|&step| {
                let database = self.exclusive_lock(state, id, step);
                database.is_none_or(|database| !state.is_locked(database))
            });
            actions.extend(steps.map(|step| Action::Mover { mover, step }));
            if mover < state.holder {
                actions.push(Action::Crash { mover });
            }
        }
        // Nothing distinguishes an idle holder from its successor.
        if state.holder < self.takeovers && state.movers[state.holder].step != Step::Idle {
            actions.push(Action::TakeOver);
        }
    }

    fn next_steps(&self, state: &State, id: MoveId, step: Step) -> [Option<Step>; 3] {
        let abort = is_before_decision(step).then_some(Step::Abort);
        match step {
            Step::Idle => [self.first_step(state), None, None],
            Step::ReadMarks { frozen: false } => {
                let has_marks = !state.source(id).marks.is_empty();
                [has_marks.then_some(step), Some(Step::Freeze), abort]
            }
            step => [Some(step), abort, None],
        }
    }

    /// What the holder of the lease does first: it recovers a move, or begins one.
    pub fn first_step(&self, state: &State) -> Option<Step> {
        match state.unfinished() {
            Some((_, Phase::Aborting)) if self.takes(Shortcut::ForgetAbortingMoves) => None,
            Some(_) => Some(Step::Recover),
            None => (state.phases().count() < self.moves).then_some(Step::Begin),
        }
    }

    /// The database where the step takes the exclusive lock of the bucket.
    fn exclusive_lock(&self, state: &State, id: MoveId, step: Step) -> Option<Database> {
        match step {
            Step::Arm if self.takes(Shortcut::ArmWithoutDraining) => None,
            Step::Freeze if self.takes(Shortcut::FreezeWithoutDraining) => None,
            Step::Arm | Step::Freeze => Some(state.job(id).source),
            Step::ClaimTarget
            | Step::PurgeTarget
            | Step::WriteBatch { .. }
            | Step::ApplyMarks { .. } => Some(state.job(id).source.other()),
            _ => None,
        }
    }

    pub fn take_step(&self, state: &mut State, mover: usize, step: Step) {
        let id = match step {
            Step::Begin => state.begin(),
            Step::Recover => state.unfinished().map_or(0, |(id, _)| id),
            _ => state.movers[mover].id,
        };
        state.movers[mover] = match self.next_step(state, id, step) {
            Some(Step::Idle) if mover == state.holder => IDLE,
            None | Some(Step::Idle) => STOPPED,
            Some(step) => Mover { id, step },
        };
    }

    /// Takes the step and returns the next one, or `None` if the step's condition does not hold.
    fn next_step(&self, state: &mut State, id: MoveId, step: Step) -> Option<Step> {
        match step {
            Step::Idle | Step::Stopped => None,
            Step::Begin => Some(Step::ClaimTarget),
            Step::Recover => self.recover(state, id),
            Step::ClaimTarget => self.claim_target(state, id),
            Step::PurgeTarget => self.purge_target(state, id),
            Step::Arm => self.arm(state, id),
            Step::ReadBatch { key } => Some(read_batch(state, id, key)),
            Step::WriteBatch { key, row } => self.write_batch(state, id, key, row),
            Step::ReadMarks { frozen } => Some(self.read_marks(state, id, frozen)),
            Step::ReadMarksAfterRows { frozen, rows } => {
                Some(apply_or_go_on(frozen, state.source(id).marks, rows))
            }
            Step::ApplyMarks { frozen, marks, rows } => self
                .apply_marks(state, id, marks, rows)
                .then_some(Step::DeleteMarks { frozen, marks }),
            Step::DeleteMarks { frozen, marks } => {
                self.delete_marks(state, id, marks).then_some(Step::ReadMarks { frozen })
            }
            Step::Freeze => self.freeze(state, id),
            Step::OpenForReads => self.open_for_reads(state, id),
            Step::Decide => self.decide(state, id),
            Step::CloseSource => Some(self.close_source(state, id)),
            Step::OpenTarget => Some(self.open_target(state, id)),
            Step::PurgeSource => Some(self.purge_source(state, id)),
            Step::RemoveSourceOwner => Some(self.remove_source_owner(state, id)),
            Step::Finish => Some(finish(state, id, Phase::Committed, Phase::Done)),
            Step::Abort => self.abort(state, id),
            Step::AbortBlindly => Some(start_undo(state, id)),
            Step::UndoRows => Some(self.undo_rows(state, id)),
            Step::UndoTarget => Some(self.undo_target(state, id)),
            Step::UndoSource => Some(self.undo_source(state, id)),
            Step::FinishUndo => Some(finish(state, id, Phase::Aborting, Phase::Aborted)),
        }
    }

    /// Whether the source is in one of the states by this move, as its steps require.
    fn source_is(&self, state: &State, states: &[OwnerState], id: MoveId) -> bool {
        let source = state.source(id);
        let is_in_state = source.owner.is_some_and(|owner| states.contains(&owner.state));
        source.owner_is(states, id)
            || (is_in_state && self.takes(Shortcut::ChangeSourceWithoutMove))
    }
}

/// Whether an operator may still abort the move.
fn is_before_decision(step: Step) -> bool {
    matches!(
        step,
        Step::ClaimTarget
            | Step::PurgeTarget
            | Step::Arm
            | Step::ReadBatch { .. }
            | Step::WriteBatch { .. }
            | Step::ReadMarks { .. }
            | Step::ReadMarksAfterRows { .. }
            | Step::ApplyMarks { .. }
            | Step::DeleteMarks { .. }
            | Step::OpenForReads
            | Step::Decide
    )
}

const IDLE: Mover = Mover { id: 0, step: Step::Idle };
/// It has no move, so that all movers that do nothing more are equal.
const STOPPED: Mover = Mover { id: 0, step: Step::Stopped };

impl State {
    pub fn crash(&mut self, mover: usize) {
        self.movers[mover] = STOPPED;
    }

    fn source(&self, id: MoveId) -> &Contents {
        self.at(self.job(id).source)
    }

    fn source_mut(&mut self, id: MoveId) -> &mut Contents {
        self.at_mut(self.job(id).source)
    }

    fn target_mut(&mut self, id: MoveId) -> &mut Contents {
        self.at_mut(self.job(id).source.other())
    }
}
