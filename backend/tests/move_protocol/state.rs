//! What `default`, the two reviews databases and the processes hold.

/// The rows of the bucket.
pub const KEYS: usize = 2;
/// The most movers that a configuration may use: the first holder of the lease and its successors.
pub const MOVERS: usize = 3;
/// The most moves that a configuration may use.
pub const MOVES: usize = 4;
/// The most writes of one writer.
pub const WRITES: usize = 3;
/// The owners by the map before the first move: B, whose rows are purged, and then A. So a process
/// with an old map routes to B.
const FIRST_EPOCHS: [Database; 2] = [Database::B, Database::A];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Database {
    #[default]
    A,
    B,
}

impl Database {
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// The set of writes that made a row: a bit for each, and [`PRESENT`]. 0 is the absence of the row.
pub type Row = u8;
pub type Rows = [Row; KEYS];
pub const PRESENT: Row = 1;

/// A move's id: 1, 2, … in the order of insertion. 0 names no move.
pub type MoveId = u8;
pub type Epoch = u8;

/// A row of `bucket_move`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Move {
    pub source: Database,
    /// The epoch of the source. The target's is the next one.
    pub epoch: Epoch,
    pub phase: Phase,
}

/// The state of a move. The model has no planned moves, because they do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    Running,
    Committed,
    Aborting,
    Done,
    Aborted,
}

impl Phase {
    /// Whether the move is over, so that another one may begin.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Aborted)
    }
}

/// The bucket's row of `bucket_owner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    pub state: OwnerState,
    pub epoch: Epoch,
    /// The last move that touched the row.
    pub id: MoveId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OwnerState {
    Owned,
    Moving,
    Frozen,
    Importing,
    Gone,
}

impl OwnerState {
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Owned | Self::Moving)
    }

    pub fn is_readable(self) -> bool {
        self.is_writable() || self == Self::Frozen
    }
}

/// The committed rows of `bucket_change`, each with its sequence number and its key.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Marks(u16);

impl Marks {
    pub fn insert(&mut self, seq: u8, key: usize) {
        self.0 |= 1 << (usize::from(seq) * KEYS + key);
    }

    pub fn remove(&mut self, marks: Self) {
        self.0 &= !marks.0;
    }

    /// Removes the marks up to the greatest sequence number in `marks`.
    pub fn remove_up_to(&mut self, marks: Self) {
        if let Some((seq, _)) = marks.iter().last() {
            self.0 &= !0 << ((usize::from(seq) + 1) * KEYS);
        }
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = (u8, usize)> {
        (0..16)
            .filter(move |bit| self.0 & (1 << bit) != 0)
            .map(|bit| ((bit / KEYS) as u8, bit % KEYS))
    }
}

impl std::fmt::Debug for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// What one reviews database holds of the bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Contents {
    pub owner: Option<Owner>,
    pub rows: Rows,
    pub marks: Marks,
}

impl Contents {
    pub fn owner_is(&self, states: &[OwnerState], id: MoveId) -> bool {
        self.owner.is_some_and(|owner| states.contains(&owner.state) && owner.id == id)
    }

    pub fn set_state(&mut self, state: OwnerState) {
        if let Some(owner) = &mut self.owner {
            owner.state = state;
        }
    }

    pub fn is_writable(&self) -> bool {
        self.owner.is_some_and(|owner| owner.state.is_writable())
    }
}

/// How far a writer has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Writer {
    pub acknowledged: u8,
    pub transaction: Option<Transaction>,
}

/// A write transaction that has passed the owner check and holds the bucket's shared lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transaction {
    pub database: Database,
    /// The sequence number of its mark, if the owner row said `Moving`.
    pub mark: Option<u8>,
}

/// A process that moves the bucket, and what it remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mover {
    pub id: MoveId,
    pub step: Step,
}

/// A mover's next transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The holder of the lease has no move: it takes one of the next two steps.
    Idle,
    Recover,
    Begin,
    ClaimTarget,
    PurgeTarget,
    Arm,
    ReadBatch {
        key: usize,
    },
    WriteBatch {
        key: usize,
        row: Row,
    },
    /// It reads the marks, and the rows that they name. `frozen` is whether the source is.
    ReadMarks {
        frozen: bool,
    },
    /// [`crate::model::Shortcut::RowsBeforeMarks`] has read all rows, and reads the marks.
    ReadMarksAfterRows {
        frozen: bool,
        rows: Rows,
    },
    ApplyMarks {
        frozen: bool,
        marks: Marks,
        rows: Rows,
    },
    DeleteMarks {
        frozen: bool,
        marks: Marks,
    },
    Freeze,
    /// The target becomes readable.
    OpenForReads,
    Decide,
    CloseSource,
    /// The target becomes writable.
    OpenTarget,
    PurgeSource,
    RemoveSourceOwner,
    Finish,
    Abort,
    /// [`crate::model::Shortcut::AbortWithoutCompareAndSwap`] has read that the move runs.
    AbortBlindly,
    UndoRows,
    UndoTarget,
    UndoSource,
    FinishUndo,
    /// The process has crashed, or the condition of a step did not hold.
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The databases that `shard_map` has named, by epoch.
    pub map: [Database; FIRST_EPOCHS.len() + MOVES],
    /// The epoch of `shard_map` now.
    pub epoch: Epoch,
    pub moves: [Option<Move>; MOVES],
    pub databases: [Contents; 2],
    pub writers: [Writer; 2],
    pub movers: [Mover; MOVERS],
    /// The mover that holds the lease. The movers before it have lost it: they are zombies.
    pub holder: usize,
    /// The next sequence number of a mark, in both databases.
    pub next_seq: u8,
    /// The rows that the acknowledged writes make, in the order of their commits.
    pub truth: Rows,
    /// Whether a read returned other rows than `truth`.
    pub misread: bool,
}

impl State {
    pub fn new(rows: Rows) -> Self {
        let mut map = [Database::A; FIRST_EPOCHS.len() + MOVES];
        map[..FIRST_EPOCHS.len()].copy_from_slice(&FIRST_EPOCHS);
        let epoch = FIRST_EPOCHS.len() as Epoch;
        let owner = Owner { state: OwnerState::Owned, epoch, id: 0 };
        let source = Contents { owner: Some(owner), rows, ..Contents::default() };
        Self {
            map,
            epoch,
            moves: [None; MOVES],
            databases: [source, Contents::default()],
            writers: [Writer::default(); 2],
            movers: [Mover { id: 0, step: Step::Idle }; MOVERS],
            holder: 0,
            next_seq: 0,
            truth: rows,
            misread: false,
        }
    }

    /// The database that owns the bucket by the map of `epoch`.
    pub fn route(&self, epoch: Epoch) -> Database {
        self.map[usize::from(epoch) - 1]
    }

    pub fn publish(&mut self, database: Database, epoch: Epoch) {
        self.map[usize::from(epoch) - 1] = database;
        self.epoch = epoch;
    }

    /// The epochs of the maps that a process may have in its cache.
    pub fn epochs(&self) -> std::ops::RangeInclusive<Epoch> {
        1..=self.epoch
    }

    pub fn at(&self, database: Database) -> &Contents {
        &self.databases[database as usize]
    }

    pub fn at_mut(&mut self, database: Database) -> &mut Contents {
        &mut self.databases[database as usize]
    }

    pub fn job(&self, id: MoveId) -> Move {
        self.moves[usize::from(id) - 1].expect("movers know only moves that were inserted")
    }

    pub fn set_phase(&mut self, id: MoveId, phase: Phase) {
        if let Some(job) = &mut self.moves[usize::from(id) - 1] {
            job.phase = phase;
        }
    }

    pub fn phases(&self) -> impl Iterator<Item = (MoveId, Phase)> {
        (1..).zip(self.moves.iter().flatten()).map(|(id, job)| (id, job.phase))
    }

    /// The move that its mover, or recovery, must finish or undo.
    pub fn unfinished(&self) -> Option<(MoveId, Phase)> {
        self.phases().find(|(_, phase)| !phase.is_over())
    }

    /// The owner row to which the newest map routes, if it has the map's epoch.
    pub fn current_owner(&self) -> Option<Owner> {
        self.at(self.route(self.epoch)).owner.filter(|owner| owner.epoch == self.epoch)
    }

    /// Whether a writer holds the bucket's shared lock, which the exclusive lock waits for.
    pub fn is_locked(&self, database: Database) -> bool {
        self.writers.iter().filter_map(|writer| writer.transaction).any(|t| t.database == database)
    }
}
