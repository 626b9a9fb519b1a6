//! The configuration of the model, its shortcuts, and what may happen next.

pub mod properties;

use stateright::{Model, Property};

use crate::state::{Epoch, PRESENT, Row, Rows, State, Step, WRITES};

#[derive(Clone, Copy, Debug)]
pub enum Write {
    Put { key: usize },
    Delete { key: usize },
}

impl Write {
    pub fn key(self) -> usize {
        match self {
            Self::Put { key } | Self::Delete { key } => key,
        }
    }

    /// The row after the write of this index by this writer, which has a bit of its own.
    pub fn apply(self, row: Row, writer: usize, index: usize) -> Row {
        match self {
            Self::Put { .. } => row | PRESENT | PRESENT << (1 + writer * WRITES + index),
            Self::Delete { .. } => 0,
        }
    }
}

/// A rule of the protocol that the model breaks, to show that the rule is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// Step 3 does not wait for the writers.
    ArmWithoutDraining,
    /// Step 5 does not wait for the writers.
    FreezeWithoutDraining,
    /// Writers trust the map.
    WriteWithoutOwnerCheck,
    /// Step 4 deletes all marks up to the last one that it has read.
    MarksByWatermark,
    /// Step 4 reads the rows in an older snapshot than the marks.
    RowsBeforeMarks,
    /// Step 8 opens the target first.
    OpenTargetBeforeSourceCloses,
    /// Step 6 makes the target writable.
    OpenTargetBeforeDecision,
    /// An abort reads that the move runs, and then writes that it is aborting.
    AbortWithoutCompareAndSwap,
    /// Step 7 does not check that the move runs.
    DecideWithoutCompareAndSwap,
    /// Steps 2, 4 and 5 check that the target imports, but not for which move.
    WriteTargetWithoutMove,
    /// Steps on the source and its undo check the state, but not which move has made it.
    ChangeSourceWithoutMove,
    /// Readers check the state of the owner row, but not its epoch.
    ReadWithoutEpoch,
    /// Step 3 does not check that the row has an older move.
    ArmWithoutFence,
    /// The undo leaves a source alone that the move has not armed.
    UndoWithoutFence,
    /// Step 2 does not check that the row has an older move.
    ClaimFromNewerMove,
    /// Recovery passes over aborting moves.
    ForgetAbortingMoves,
}

/// A configuration: how much happens, and whether the model takes a shortcut.
#[derive(Clone, Debug)]
pub struct MoveProtocol {
    /// The rows before the first write.
    pub rows: Rows,
    /// What each writer writes, in order.
    pub writes: [&'static [Write]; 2],
    /// How many moves begin, in all.
    pub moves: usize,
    /// How often the lease may pass to another mover.
    pub takeovers: usize,
    pub shortcut: Option<Shortcut>,
}

impl MoveProtocol {
    pub fn takes(&self, shortcut: Shortcut) -> bool {
        self.shortcut == Some(shortcut)
    }
}

/// One transaction of one process, or an accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A writer that routes by the map of `epoch` has the shared lock, and its owner check passes.
    BeginWrite { writer: usize, epoch: Epoch },
    /// The writer's transaction commits, and the client gets the response.
    CommitWrite { writer: usize },
    /// A reader that routes by the map of `epoch` returns other rows than it must.
    Misread { epoch: Epoch },
    /// A mover takes a step.
    Mover { mover: usize, step: Step },
    /// The lease expires and another mover takes it, while the old holder goes on as a zombie.
    TakeOver,
    /// A zombie does nothing more.
    Crash { mover: usize },
}

impl Model for MoveProtocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.rows)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.writer_actions(state, actions);
        self.reader_actions(state, actions);
        self.mover_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::BeginWrite { writer, epoch } => state.begin_write(writer, epoch),
            Action::CommitWrite { writer } => self.commit_write(&mut state, writer),
            Action::Misread { .. } => state.misread = true,
            Action::Mover { mover, step } => self.take_step(&mut state, mover, step),
            Action::TakeOver => state.holder += 1,
            Action::Crash { mover } => state.crash(mover),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
