//! A model of the protocol that moves a bucket to another database while the server reads and
//! writes it. The checker explores every interleaving of the model within its bounds. Look here
//! before you change the order, a lock or a condition of a mover's step: change the model first.
//!
//! # The protocol
//!
//! Move m takes bucket b from source S to target T. S owns b by the map of epoch e. A step is one
//! transaction, on one database, and a mover stops at a step whose condition does not hold.
//! "Moving(e, m)" is an owner row in this state, with this epoch and this move. The steps have the
//! numbers of `store/cluster/rebalance/move_bucket.rs`.
//!
//! 1. `default`: m becomes running, if the mover holds the lease and no other move of b is
//!    unfinished.
//! 2. T: an absent row, or an importing, gone or frozen one with an older move, becomes
//!    importing(e+1, m). Then the rows that T still has of b are purged.
//! 3. S: owned(e) with an older move becomes moving(e, m). From now on, each write leaves a mark.
//! 4. The rows are copied in batches. Then the marks and the rows that they name are read in one
//!    snapshot, applied to T, and exactly these marks are deleted on S. This repeats. Each
//!    transaction that writes rows to T checks importing(m). Both sides are compared.
//! 5. S: moving(m) becomes frozen(e, m), and marks are applied as in step 4 until none is left.
//! 6. T: importing(m) becomes frozen(e+1, m), which readers with the map of epoch e+1 may read.
//! 7. `default`, in one transaction: m becomes committed if it is running, and the map of epoch
//!    e+1 names T. This is the decision.
//! 8. S: frozen(m) becomes gone. Only then T: frozen(m) becomes owned.
//! 9. S: the rows of b are purged, then the owner row is removed. m is done.
//!
//! An abort changes m from running to aborting, which fails after the decision. Then it undoes the
//! move on S: owned, moving or frozen of epoch e becomes owned(e, m) unless a newer move has touched
//! the row, and the marks are deleted. Even a source that was never moving gets m's id: that is the
//! fence against a zombie, a mover that has lost its lease and is about to take step 3. Then on T:
//! the rows of importing(m) or frozen(m) are purged, and the owner row is removed. A new holder of
//! the lease rolls a committed move forward (8, 9), aborts a running one, and undoes an aborting
//! one.
//!
//! Steps 2 to 5 take the bucket's exclusive lock where they write to T, and where they change S to
//! moving or frozen. It waits for the writers, which hold the shared lock.
//!
//! # The model
//!
//! - `state` is what the databases and the processes hold.
//! - `model` has the configuration, the actions and the shortcuts.
//! - `clients` has two writers and any number of readers. They route by any map that there has ever
//!   been, because a process may have an old one in its cache.
//! - `mover` has the movers. A takeover passes the lease on at any step. The old holder then crashes
//!   or goes on as a zombie, while its successor recovers the move and begins the next one. An
//!   operator aborts at any step before the decision.
//! - `model/properties` has what must hold. [`READS_ARE_EXACT`] is stronger than our promise to
//!   readers: a read returns exactly the acknowledged writes, because a write is acknowledged as it
//!   commits.
//!
//! A [`Shortcut`] is a mistake that is easy to make. Each has a test which asserts that the checker
//! finds a counterexample, so a model that could not find mistakes would fail.
//!
//! # Bounds
//!
//! One bucket of two rows, two databases, two writers with one or two writes each, two or three
//! moves, one or two takeovers. A batch has one row. A takeover or an abort may happen in each of
//! the moves, and a later move goes back to the first database.
//!
//! # What is left out
//!
//! - The comparison in step 4: the protocol holds without it. It is there for mistakes in the code.
//! - The clock that T waits for in step 6, and so the order of review ids.
//! - The timeouts of locks and of parked writes. A waiting writer or mover just takes no step.
//! - Writes that fail or roll back, and responses that get lost.
//! - Several buckets in a transaction or in a move, and the pages of a list: each bucket and each
//!   page has a snapshot of its own.
//! - Replicas that lag, and backups that are restored.
//! - A crash within a transaction: the database undoes it.
//! - Planned moves. Moves of a bucket begin in the order of their ids.
//! - What a mover does when a step's condition does not hold. It stops, and leaves the rest to the
//!   next holder of the lease.
//!
//! # How to read a counterexample
//!
//! A failing test prints the property and the shortest path that breaks it, one action a line, and
//! for the protocol itself also the last state. Mover 0 is the first holder of the lease. A owns the
//! bucket at epoch 2, and move 1 takes it to B. A row is a set of bits: 1 if the row exists, and one
//! for each write in it. To see how a shortcut fails:
//!
//! ```text
//! cargo test --test move_protocol arming_without_draining -- --nocapture
//! ```

mod clients;
mod model;
mod mover;
mod state;

use std::collections::HashSet;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use model::properties::{COMES_TO_REST, ONE_WRITABLE_OWNER, READS_ARE_EXACT, WRITES_SURVIVE};
use model::{MoveProtocol, Shortcut, Write};

const SMALL: MoveProtocol = MoveProtocol {
    rows: [1, 1],
    writes: [&[Write::Put { key: 0 }], &[Write::Delete { key: 1 }]],
    moves: 2,
    takeovers: 1,
    shortcut: None,
};

const TWO_WRITES_EACH: [&[Write]; 2] = [
    &[Write::Put { key: 0 }, Write::Delete { key: 1 }],
    &[Write::Put { key: 1 }, Write::Put { key: 0 }],
];

#[test]
fn the_protocol_holds_for_two_writes_each() {
    assert_holds(MoveProtocol { writes: TWO_WRITES_EACH, ..SMALL });
}

#[test]
fn the_protocol_holds_for_two_takeovers() {
    assert_holds(MoveProtocol { takeovers: 2, ..SMALL });
}

#[test]
fn the_protocol_holds_for_three_moves() {
    assert_holds(MoveProtocol { moves: 3, ..SMALL });
}

#[test]
#[ignore = "run by just soak"]
fn the_protocol_holds_for_three_moves_and_two_takeovers() {
    assert_holds(MoveProtocol { moves: 3, takeovers: 2, ..SMALL });
}

#[test]
#[ignore = "run by just soak"]
fn the_protocol_holds_for_three_moves_and_two_writes_each() {
    assert_holds(MoveProtocol { moves: 3, writes: TWO_WRITES_EACH, ..SMALL });
}

#[test]
#[ignore = "run by just soak"]
fn the_protocol_holds_for_two_takeovers_and_two_writes_each() {
    assert_holds(MoveProtocol { takeovers: 2, writes: TWO_WRITES_EACH, ..SMALL });
}

/// [`COMES_TO_REST`] is checked where a path ends, so that a path without end would escape it.
#[test]
fn every_path_ends() {
    assert!(!has_cycle(&SMALL));
}

#[test]
fn arming_without_draining_loses_a_write() {
    assert_breaks(Shortcut::ArmWithoutDraining, WRITES_SURVIVE);
}

#[test]
fn freezing_without_draining_loses_a_write() {
    assert_breaks(Shortcut::FreezeWithoutDraining, WRITES_SURVIVE);
}

#[test]
fn writing_without_the_owner_check_loses_a_write() {
    assert_breaks(Shortcut::WriteWithoutOwnerCheck, WRITES_SURVIVE);
}

#[test]
fn deleting_marks_by_watermark_loses_a_write() {
    assert_breaks(Shortcut::MarksByWatermark, WRITES_SURVIVE);
}

#[test]
fn reading_rows_before_marks_loses_a_write() {
    assert_breaks(Shortcut::RowsBeforeMarks, WRITES_SURVIVE);
}

#[test]
fn opening_the_target_before_the_source_closes_makes_reads_miss_a_write() {
    assert_breaks(Shortcut::OpenTargetBeforeSourceCloses, READS_ARE_EXACT);
}

#[test]
fn opening_the_target_before_the_decision_makes_two_owners() {
    assert_breaks(Shortcut::OpenTargetBeforeDecision, ONE_WRITABLE_OWNER);
}

#[test]
fn aborting_without_compare_and_swap_loses_a_write() {
    assert_breaks(Shortcut::AbortWithoutCompareAndSwap, WRITES_SURVIVE);
}

#[test]
fn deciding_without_compare_and_swap_makes_two_owners() {
    assert_breaks(Shortcut::DecideWithoutCompareAndSwap, ONE_WRITABLE_OWNER);
}

#[test]
fn writing_to_the_target_without_the_move_loses_a_write() {
    assert_breaks(Shortcut::WriteTargetWithoutMove, WRITES_SURVIVE);
}

#[test]
fn changing_the_source_without_the_move_makes_two_owners() {
    assert_breaks(Shortcut::ChangeSourceWithoutMove, ONE_WRITABLE_OWNER);
}

#[test]
fn reading_without_the_epoch_misses_a_write() {
    assert_breaks(Shortcut::ReadWithoutEpoch, READS_ARE_EXACT);
}

#[test]
fn arming_without_the_fence_leaves_the_bucket_moving() {
    assert_breaks(Shortcut::ArmWithoutFence, COMES_TO_REST);
}

#[test]
fn undoing_without_the_fence_leaves_the_bucket_moving() {
    assert_breaks(Shortcut::UndoWithoutFence, COMES_TO_REST);
}

#[test]
fn claiming_from_a_newer_move_loses_a_write() {
    assert_breaks(Shortcut::ClaimFromNewerMove, WRITES_SURVIVE);
}

#[test]
fn forgetting_aborting_moves_leaves_the_bucket_moving() {
    assert_breaks(Shortcut::ForgetAbortingMoves, COMES_TO_REST);
}

fn assert_holds(model: MoveProtocol) {
    explore(model, HasDiscoveries::AnyFailures).assert_properties();
}

fn assert_breaks(shortcut: Shortcut, property: &'static str) {
    let model = MoveProtocol { shortcut: Some(shortcut), ..SMALL };
    let checker = explore(model, HasDiscoveries::AnyOf([property].into()));
    let path = checker.assert_any_discovery(property);
    eprintln!("{shortcut:?} breaks \"{property}\": {path}");
}

fn explore(model: MoveProtocol, until: HasDiscoveries) -> impl Checker<MoveProtocol> {
    let began = Instant::now();
    let checker = model.checker().threads(1).finish_when(until).spawn_bfs().join();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    eprintln!("{states} states, up to {depth} actions deep, {:.1?}", began.elapsed());
    checker
}

/// Searches depth first for a path that returns to one of its states.
fn has_cycle(model: &MoveProtocol) -> bool {
    let mut seen = HashSet::new();
    let mut on_path = HashSet::new();
    let mut path = Vec::new();
    let mut next = model.init_states().pop();
    loop {
        if let Some(state) = next.filter(|state| seen.insert(state.clone())) {
            on_path.insert(state.clone());
            path.push((model.next_states(&state), state));
        }
        let Some((successors, state)) = path.last_mut() else {
            return false;
        };
        next = successors.pop();
        match &next {
            Some(successor) if on_path.contains(successor) => return true,
            Some(_) => {}
            None => {
                on_path.remove(state);
                path.pop();
            }
        }
    }
}
