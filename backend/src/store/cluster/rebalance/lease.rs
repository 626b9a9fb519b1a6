//! The lease of the process that carries out a rebalance: one process at a time. Its holder renews
//! it while it works, rests for clients, and stores its progress.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::db::rebalances::{self, Progress, RebalanceRow};
use crate::db::{Context, Lock, lock, now_ms};
use crate::shard::DatabaseIndex;
use crate::store::cluster::rebalance::MoveError;
use crate::store::routing::{Routing, Shards};

/// How long a lease lasts, and how often its holder renews it.
const DURATION: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(2);

/// While clients use the service, copying works so long, then rests this many times as long:
/// readers and writers keep more than four fifths of the machine. Each commit makes cached
/// responses and SQLite's page caches outdated, so that many in a row cost readers less than a few
/// at a time.
const BURST: Duration = Duration::from_millis(250);
const REST: u32 = 6;
/// How many times as long copying takes because of that.
pub(super) const SLOWDOWN: f64 = 1.0 + REST as f64;
/// How long after the last request of a client the service counts as used.
const USED_WINDOW: Duration = Duration::from_millis(500);

/// The lease of a rebalance that was started and has not ended.
pub(super) struct Lease<'a> {
    shards: &'a Shards,
    context: Context,
    holder: &'a str,
    rebalance: RefCell<RebalanceRow>,
    renewed_at: Cell<Instant>,
    reported_at: Cell<Instant>,
    pacer: &'a Pacer,
}

/// Since when a process has moved buckets without a rest.
pub(in crate::store) struct Pacer(Cell<Instant>);

impl Pacer {
    /// It begins now.
    pub fn start() -> Pacer {
        Pacer(Cell::new(Instant::now()))
    }

    /// It has rested until now.
    pub fn has_rested(&self) {
        self.0.set(Instant::now());
    }
}

impl<'a> Lease<'a> {
    /// Takes the lease of the rebalance that was started and has not ended. `None`: no such
    /// rebalance exists, or another process holds the lease.
    pub fn take(
        shards: &'a Shards,
        holder: &'a str,
        pacer: &'a Pacer,
    ) -> Result<Option<Lease<'a>>, MoveError> {
        let context = Context::default();
        let Some(known) = shards.default.read_latest(&context, rebalances::unfinished)? else {
            return Ok(None);
        };
        if known.state == "planned" {
            return Ok(None);
        }
        let leased = take(shards, &context, known.id, holder)?;
        Ok(leased.map(|row| Lease {
            shards,
            context,
            holder,
            rebalance: RefCell::new(row),
            renewed_at: Cell::new(Instant::now()),
            reported_at: Cell::new(Instant::now()),
            pacer,
        }))
    }

    /// Whether an operator has given the rebalance up.
    pub fn is_aborting(&self) -> bool {
        self.rebalance.borrow().state == "aborting"
    }

    /// The id and state of the rebalance.
    pub fn rebalance(&self) -> (i64, String) {
        let rebalance = self.rebalance.borrow();
        (rebalance.id, rebalance.state.clone())
    }

    /// The name of this process.
    pub fn holder(&self) -> &str {
        self.holder
    }

    pub fn routing(&self) -> Routing<'_> {
        Routing { shards: self.shards, context: &self.context }
    }

    /// The index of a database by its name; waits for one that this process does not know.
    pub fn index_of(&self, name: &str) -> Result<DatabaseIndex, MoveError> {
        self.shards.index_of(name).map_err(|_| {
            MoveError::Waits(format!(
                "{name} can't be opened by the process that moves buckets: is its URL in the \
                 configuration?"
            ))
        })
    }

    /// Notes why nothing moves; None: something does.
    pub fn note_waiting(&self, reason: Option<&str>) -> Result<(), MoveError> {
        if self.rebalance.borrow().waits_for.as_deref() == reason {
            return Ok(());
        }
        let (id, now_ms) = (self.rebalance.borrow().id, self.now_ms()?);
        Ok(self
            .routing()
            .default()
            .write(|connection| rebalances::set_waits_for(connection, id, reason, now_ms))?)
    }

    /// Rests so that clients get their share, and renews the lease; call it after each batch of
    /// this many reviews. Fails if the rebalance is being aborted or the lease is lost.
    pub fn pace(&self, reviews: usize) -> Result<(), MoveError> {
        self.renew()?;
        let began = Instant::now();
        let worked = self.pacer.0.get().elapsed();
        // In parts, so that the lease does not expire; an operator may change the rate meanwhile.
        loop {
            let rest = match self.rebalance.borrow().max_rate {
                Some(rate) if rate > 0 => {
                    Duration::from_secs_f64(reviews as f64 / rate as f64).saturating_sub(worked)
                }
                _ if !self.shards.was_used_within(USED_WINDOW) => Duration::ZERO,
                _ if worked < BURST => return Ok(()),
                _ => worked * REST,
            };
            let left = rest.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(RENEWAL));
            self.renew()?;
        }
        self.pacer.has_rested();
        Ok(())
    }

    /// Stores the progress of a move, as often as the lease is renewed.
    pub fn report(&self, move_id: i64, progress: &Progress) -> Result<(), MoveError> {
        if self.reported_at.get().elapsed() < RENEWAL {
            return Ok(());
        }
        self.reported_at.set(Instant::now());
        Ok(self
            .routing()
            .default()
            .write(|connection| rebalances::note_progress(connection, move_id, progress))?)
    }

    /// Renews the lease if that is due. Fails as [`Lease::pace`] does.
    pub fn renew(&self) -> Result<(), MoveError> {
        if self.renewed_at.get().elapsed() < RENEWAL {
            return Ok(());
        }
        let id = self.rebalance.borrow().id;
        let row = take(self.shards, &self.context, id, self.holder)?;
        let row = row.ok_or(MoveError::Superseded)?;
        self.renewed_at.set(Instant::now());
        let is_aborting = row.state == "aborting";
        let was_aborting = self.rebalance.replace(row).state == "aborting";
        // What is undone because of that goes on.
        if is_aborting && !was_aborting { Err(MoveError::Superseded) } else { Ok(()) }
    }

    /// The time by the clock of `default`, which all processes share, in milliseconds since the Unix
    /// epoch.
    pub fn now_ms(&self) -> Result<i64, MoveError> {
        Ok(self.routing().default().read_latest(now_ms)?)
    }
}

fn take(
    shards: &Shards,
    context: &Context,
    id: i64,
    holder: &str,
) -> Result<Option<RebalanceRow>, MoveError> {
    let now_ms = shards.default.read_latest(context, now_ms)?;
    let until = now_ms + i64::try_from(DURATION.as_millis()).unwrap_or(i64::MAX);
    Ok(shards.default.write(context, |connection| {
        lock(connection, Lock::Rebalance)?;
        rebalances::take_lease(connection, id, holder, (now_ms, until))
    })?)
}
