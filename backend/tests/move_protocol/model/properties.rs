//! What always holds, what happens in some behaviour, and how every behaviour ends.

use stateright::Property;

use crate::model::MoveProtocol;
use crate::state::{Database, Mover, OwnerState, Phase, Rows, State, Step};

pub const ONE_WRITABLE_OWNER: &str = "at most one database is writable";
pub const WRITES_SURVIVE: &str = "the current owner holds every acknowledged write";
pub const READS_ARE_EXACT: &str = "a read returns every acknowledged write once";
pub const COMES_TO_REST: &str = "the bucket does not stay moving or frozen";
const MAP_LEADS_TO_OWNER: &str = "the newest map routes to a readable owner";
const UNDONE_IS_WRITABLE: &str = "a bucket is writable when its moves are done or undone";

pub fn all() -> Vec<Property<MoveProtocol>> {
    vec![
        Property::always(ONE_WRITABLE_OWNER, |_, state: &State| {
            Database::ALL.iter().filter(|&&database| state.at(database).is_writable()).count() <= 1
        }),
        Property::always(WRITES_SURVIVE, |_, state: &State| {
            state.at(state.route(state.epoch)).rows == state.truth
        }),
        Property::always(MAP_LEADS_TO_OWNER, |_, state: &State| {
            state.current_owner().is_some_and(|owner| owner.state.is_readable())
        }),
        Property::always(READS_ARE_EXACT, |_, state: &State| !state.misread),
        Property::always(UNDONE_IS_WRITABLE, |_, state: &State| {
            state.unfinished().is_some() || is_owned(state)
        }),
        Property::eventually(COMES_TO_REST, is_at_rest),
        Property::sometimes("a move finishes", |_, state: &State| has(state, Phase::Done)),
        Property::sometimes("an abort finishes", |_, state: &State| has(state, Phase::Aborted)),
        Property::sometimes("a move follows an undone one", |_, state: &State| {
            has(state, Phase::Done) && has(state, Phase::Aborted)
        }),
        Property::sometimes("the bucket moves there and back", |_, state: &State| {
            state.phases().filter(|&(_, phase)| phase == Phase::Done).count() == 2
        }),
        Property::sometimes("the mover applies a mark", |_, state: &State| {
            state.movers.iter().any(|mover| matches!(mover.step, Step::ApplyMarks { .. }))
        }),
        Property::sometimes("a write is acknowledged at the target", |_, state: &State| {
            // A source that is gone keeps the rows of its last write until they are purged.
            Database::ALL.iter().map(|&database| state.at(database)).any(|contents| {
                let is_gone = contents.owner.is_some_and(|owner| owner.state == OwnerState::Gone);
                is_gone && contents.rows != Rows::default() && contents.rows != state.truth
            })
        }),
    ]
}

fn has(state: &State, phase: Phase) -> bool {
    state.phases().any(|(_, other)| other == phase)
}

fn is_owned(state: &State) -> bool {
    state.current_owner().is_some_and(|owner| owner.state == OwnerState::Owned)
}

/// Holds only where nothing can happen any more. The checker needs that: it looks at one of the
/// paths to a state, and a condition that held earlier on another path would hide a counterexample.
fn is_at_rest(model: &MoveProtocol, state: &State) -> bool {
    let (zombies, holder) = state.movers.split_at(state.holder);
    let is_idle = |mover: &Mover| mover.step == Step::Idle && model.first_step(state).is_none();
    zombies.iter().all(|mover| mover.step == Step::Stopped)
        && holder.first().is_some_and(is_idle)
        && model.is_everything_written(state)
        && is_owned(state)
}
