//! Plans which buckets move so that they are spread evenly over other databases.
//!
//! A plan moves as few buckets as possible: each database gives away only those above its share. It
//! prefers buckets of the class that is spread least evenly. A class is a set of buckets that lie
//! `BUCKETS / spread` apart. The home buckets of a product are one class, so that a move that evens
//! out a class spreads the reviews of its products better.

use crate::shard::bucket::{BUCKETS, Bucket};
use crate::shard::home::Spread;

/// A bucket with its source and target, as indexes in the list of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedMove {
    pub bucket: Bucket,
    pub source: usize,
    pub target: usize,
}

/// Plans moves after which the kept databases own equal numbers of buckets, give or take one, and
/// the other databases none. `owners` has the database of each bucket, in order of the buckets.
/// `keep` has for each database whether it is to own buckets; at least one must be kept.
pub fn plan_moves(owners: &[usize], keep: &[bool], spread: Spread) -> Vec<PlannedMove> {
    let mut plan = Plan::new(owners, keep, spread);
    while plan.move_one() {}
    // In this order, neighbouring buckets are far apart. So an unfinished plan has improved the
    // spread of all products about equally.
    plan.moves.sort_by_key(|planned| planned.bucket.get().reverse_bits());
    plan.moves
}

struct Plan {
    /// For each class and database, the buckets that the plan has not moved.
    held: Vec<Vec<Vec<Bucket>>>,
    /// For each class and database, the number of buckets after the planned moves.
    counts: Vec<Vec<usize>>,
    /// How many more buckets each database has to give away.
    surplus: Vec<usize>,
    /// How many more buckets each database is to get.
    room: Vec<usize>,
    moves: Vec<PlannedMove>,
}

impl Plan {
    fn new(owners: &[usize], keep: &[bool], spread: Spread) -> Plan {
        let classes = usize::from(BUCKETS / spread.get());
        let mut held = vec![vec![Vec::new(); keep.len()]; classes];
        for (bucket, &owner) in Bucket::all().zip(owners) {
            held[usize::from(bucket.get()) % classes][owner].push(bucket);
        }
        let counts: Vec<Vec<usize>> =
            held.iter().map(|class| class.iter().map(Vec::len).collect()).collect();
        let total = |database: usize| counts.iter().map(|class| class[database]).sum();
        let totals: Vec<usize> = (0..keep.len()).map(total).collect();
        let shares = shares(&totals, keep);
        let surplus = totals.iter().zip(&shares).map(|(&has, &share)| has.saturating_sub(share));
        let room = totals.iter().zip(&shares).map(|(&has, &share)| share.saturating_sub(has));
        let (surplus, room) = (surplus.collect(), room.collect());
        Plan { held, counts, surplus, room, moves: Vec::new() }
    }

    /// Plans the move that evens out its class most; false if no more moves are needed.
    fn move_one(&mut self) -> bool {
        let mut best: Option<(i64, usize, usize, usize)> = None;
        for (class, counts) in self.counts.iter().enumerate() {
            let may_give = |&database: &usize| {
                self.surplus[database] > 0 && !self.held[class][database].is_empty()
            };
            let databases = 0..counts.len();
            let giver = databases.clone().filter(may_give).max_by_key(|&database| {
                (counts[database], self.surplus[database], std::cmp::Reverse(database))
            });
            let taker = databases.filter(|&database| self.room[database] > 0);
            let taker = taker.min_by_key(|&database| {
                (counts[database], std::cmp::Reverse(self.room[database]), database)
            });
            let (Some(giver), Some(taker)) = (giver, taker) else { continue };
            let gain = counts[giver] as i64 - counts[taker] as i64;
            if best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, class, giver, taker));
            }
        }
        let Some((_, class, source, target)) = best else { return false };
        let Some(bucket) = self.held[class][source].pop() else { return false };
        self.counts[class][source] -= 1;
        self.counts[class][target] += 1;
        self.surplus[source] -= 1;
        self.room[target] -= 1;
        self.moves.push(PlannedMove { bucket, source, target });
        true
    }
}

/// How many buckets each database is to own. If the number does not divide evenly, the databases
/// that have the most buckets own one more than the others, so that as few buckets as possible
/// move.
fn shares(totals: &[usize], keep: &[bool]) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..keep.len()).filter(|&database| keep[database]).collect();
    let (share, rest) =
        (usize::from(BUCKETS) / kept.len().max(1), usize::from(BUCKETS) % kept.len().max(1));
    kept.sort_by_key(|&database| (std::cmp::Reverse(totals[database]), database));
    let mut shares = vec![0; keep.len()];
    for (rank, database) in kept.into_iter().enumerate() {
        shares[database] = share + usize::from(rank < rest);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::even_owner;

    fn owners(databases: usize) -> Vec<usize> {
        Bucket::all().map(|bucket| even_owner(bucket, databases)).collect()
    }

    /// Plans the step from the databases of `owners` to the kept ones, and carries it out.
    fn carry_out(owners: &mut [usize], keep: &[bool]) -> usize {
        let moves = plan_moves(owners, keep, Spread::DEFAULT);
        for planned in &moves {
            let owner = &mut owners[usize::from(planned.bucket.get())];
            assert_eq!(*owner, planned.source);
            *owner = planned.target;
        }
        moves.len()
    }

    fn totals(owners: &[usize], databases: usize) -> Vec<usize> {
        (0..databases).map(|d| owners.iter().filter(|&&owner| owner == d).count()).collect()
    }

    /// The numbers of home buckets that each database has, for each class of products.
    fn spreads(owners: &[usize], databases: usize) -> Vec<Vec<usize>> {
        let of_class = |class: usize| {
            let homes = (0..8).map(|slot| owners[class + slot * 128]);
            let mut counts = vec![0; databases];
            homes.for_each(|owner| counts[owner] += 1);
            counts
        };
        (0..128).map(of_class).collect()
    }

    #[test]
    fn a_fourth_database_gets_a_quarter_and_every_product_is_spread_better() {
        let mut owners = owners(3);
        assert!(spreads(&owners, 3).iter().all(|class| class.iter().max() == Some(&3)));
        assert_eq!(carry_out(&mut owners, &[true; 4]), 256);
        assert_eq!(totals(&owners, 4), [256; 4]);
        assert!(spreads(&owners, 4).iter().all(|class| class == &[2; 4]));
    }

    #[test]
    fn growing_and_shrinking_move_as_few_buckets_as_possible() {
        let mut owners = owners(3);
        let mut databases = 3;
        for (now, least) in [(4, 256), (8, 512), (64, 896), (5, 944), (3, 410), (1, 682)] {
            let keep: Vec<bool> = (0..databases.max(now)).map(|d| d < now).collect();
            let before = totals(&owners, keep.len());
            let moved = carry_out(&mut owners, &keep);
            let after = totals(&owners, keep.len());
            let kept: Vec<_> = after.iter().take(now).collect();
            let (most, fewest) = (kept.iter().max().unwrap(), kept.iter().min().unwrap());
            assert!(**most - **fewest <= 1, "{now} databases: {after:?}");
            assert_eq!(after[now..].iter().sum::<usize>(), 0);
            let needed: usize =
                before.iter().zip(&after).map(|(had, has)| had.saturating_sub(*has)).sum();
            assert_eq!(moved, needed, "to {now} databases");
            assert!(moved <= least, "to {now} databases: {moved}");
            databases = now;
        }
    }

    #[test]
    fn drained_databases_give_all_buckets_and_balanced_ones_none() {
        let mut owners = owners(3);
        assert_eq!(carry_out(&mut owners, &[true; 3]), 0);
        assert_eq!(carry_out(&mut owners, &[true, false, true]), 341);
        assert_eq!(totals(&owners, 3), [512, 0, 512]);
        // Of the eight buckets of each class, each of the two databases has about half.
        let worst = spreads(&owners, 3).into_iter().flatten().max().unwrap();
        assert!(worst <= 5, "{worst} of 8 home buckets in one database");
    }

    #[test]
    fn every_spread_can_be_planned() {
        for spread in [1, 2, 1024] {
            let owners = owners(3);
            let spread = Spread::new(spread).unwrap();
            assert_eq!(plan_moves(&owners, &[true; 4], spread).len(), 256);
        }
    }
}
