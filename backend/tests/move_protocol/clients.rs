//! What writers and readers do.

use crate::model::{Action, MoveProtocol, Shortcut};
use crate::state::{Epoch, OwnerState, State, Transaction};

impl MoveProtocol {
    /// A writer whose owner check fails waits or reloads its map. Both change nothing, so that the
    /// model has only the attempts that succeed.
    pub fn writer_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (writer, progress) in state.writers.iter().enumerate() {
            if progress.transaction.is_some() {
                actions.push(Action::CommitWrite { writer });
            } else if usize::from(progress.acknowledged) < self.writes[writer].len() {
                let epochs = state.epochs().filter(|&epoch| self.may_write(state, epoch));
                actions.extend(epochs.map(|epoch| Action::BeginWrite { writer, epoch }));
            }
        }
    }

    fn may_write(&self, state: &State, epoch: Epoch) -> bool {
        let owner = state.at(state.route(epoch)).owner;
        self.takes(Shortcut::WriteWithoutOwnerCheck)
            || owner.is_some_and(|owner| owner.state.is_writable() && owner.epoch == epoch)
    }

    pub fn commit_write(&self, state: &mut State, writer: usize) {
        let index = usize::from(state.writers[writer].acknowledged);
        let write = self.writes[writer][index];
        let key = write.key();
        if let Some(Transaction { database, mark }) = state.writers[writer].transaction.take() {
            let contents = state.at_mut(database);
            contents.rows[key] = write.apply(contents.rows[key], writer, index);
            if let Some(seq) = mark {
                contents.marks.insert(seq, key);
            }
        }
        state.truth[key] = write.apply(state.truth[key], writer, index);
        state.writers[writer].acknowledged += 1;
    }

    pub fn is_everything_written(&self, state: &State) -> bool {
        let mut writers = state.writers.iter().zip(self.writes);
        writers.all(|(writer, writes)| usize::from(writer.acknowledged) == writes.len())
    }

    /// A read changes nothing, so that the model has only the reads that return wrong rows.
    pub fn reader_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let epochs = state.epochs().filter(|&epoch| self.misreads(state, epoch));
        actions.extend(epochs.map(|epoch| Action::Misread { epoch }));
    }

    fn misreads(&self, state: &State, epoch: Epoch) -> bool {
        let contents = state.at(state.route(epoch));
        let may_read = contents.owner.is_some_and(|owner| {
            owner.state.is_readable()
                && (owner.epoch == epoch || self.takes(Shortcut::ReadWithoutEpoch))
        });
        may_read && !state.misread && contents.rows != state.truth
    }
}

impl State {
    pub fn begin_write(&mut self, writer: usize, epoch: Epoch) {
        let database = self.route(epoch);
        let is_moving =
            self.at(database).owner.is_some_and(|owner| owner.state == OwnerState::Moving);
        let mark = is_moving.then_some(self.next_seq);
        self.next_seq += u8::from(is_moving);
        self.writers[writer].transaction = Some(Transaction { database, mark });
    }
}
