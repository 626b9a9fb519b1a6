//! The workloads, the baselines that they are compared with, and the targets.

use crate::traffic::Traffic;

/// The target for p99 at half the capacity, as a multiple of the median.
pub const MAX_P99_TO_P50: f64 = 8.0;
/// The target for the server's memory at the end, in MB.
pub const MAX_RSS_MB: f64 = 150.0;
/// The target for the time from the start to the first response, with 64 databases.
pub const MAX_START_S: f64 = 1.0;
/// Share of all processors that other programs may use before the figures become unreliable.
pub const MAX_OTHERS: f64 = 0.05;

const CONNECTIONS: u32 = 64;
/// Connections that sign in: the server hashes one password per processor, and a few wait.
const SIGN_IN_CONNECTIONS: u32 = 8;

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub name: &'static str,
    pub load: Load,
    /// The workloads that it is compared with, the most important first.
    pub against: &'static [Comparison],
}

/// Another workload of the same run.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    pub name: &'static str,
    /// The target, as a multiple of the other workload.
    pub at_least: Option<f64>,
}

/// The load of a workload.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// A closed loop by wrk: as many requests as the server answers.
    Closed {
        deployment: Deployment,
        traffic: Traffic,
        /// The number of connections.
        connections: u32,
        /// Whether latency is also measured, in an open loop at half of the capacity.
        at_half: bool,
    },
    /// The mix's reads by wrk, while reviews are created at their rate in the mix, which follows from
    /// the rate of [`READS`] in the same round.
    BesideCreates,
    /// An open loop of twice as many requests as `capacity`, the workload with the same traffic, has
    /// answered in this round. Refused requests don't count.
    Overload { deployment: Deployment, traffic: Traffic, capacity: &'static str },
    /// A measurement without Ostrakon.
    Baseline(Baseline),
}

pub const READS: &str = "mix's reads alone";

/// A server and its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deployment {
    /// Three reviews databases and default settings.
    Main,
    /// The same data without cached responses, as in all deployments below.
    Uncached,
    /// The same reviews in 8 databases.
    Eight,
    SixtyFour,
    /// More reviews of the same products.
    Grown,
    /// More reviews of one product.
    Hot,
    /// An actix-web server that does nothing.
    Bare,
}

/// A measurement without Ostrakon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// Pages read by diesel from one SQLite file.
    ReadPages,
    /// Rows inserted by diesel into one SQLite file, with this many per commit.
    Insert(usize),
    /// Passwords verified.
    Verify,
    /// Reviews inserted by pgbench into one PostgreSQL server, each with its rating.
    Pgbench,
}

const STATIC: &str = "static page";
/// The name of the baseline that serves bytes without Ostrakon.
pub const BARE: &str = "bare actix-web";
const READ_PAGES: &str = "raw SQLite: newest 20";
const INSERT: &str = "raw SQLite: insert, 1 a commit";
const VERIFY: &str = "raw argon2id";
const PGBENCH: &str = "pgbench: insert with rating";
const UNCACHED: &str = "first page, nothing cached";
/// Traffic that costs the server much more than a refusal.
const RATINGS: &str = "20 ratings";

const fn at_least(name: &'static str, times: f64) -> Comparison {
    Comparison { name, at_least: Some(times) }
}

const fn beside(name: &'static str) -> Comparison {
    Comparison { name, at_least: None }
}

const fn closed(deployment: Deployment, traffic: Traffic) -> Load {
    Load::Closed { deployment, traffic, connections: CONNECTIONS, at_half: false }
}

const fn both(deployment: Deployment, traffic: Traffic) -> Load {
    Load::Closed { deployment, traffic, connections: CONNECTIONS, at_half: true }
}

const fn workload(name: &'static str, load: Load, against: &'static [Comparison]) -> Workload {
    Workload { name, load, against }
}

pub const SQLITE: &[Workload] = &[
    workload(STATIC, closed(Deployment::Main, Traffic::Static), &[beside(BARE)]),
    // At half capacity it shows how much latency the machine and the load generator add.
    workload(BARE, both(Deployment::Bare, Traffic::Static), &[]),
    workload(READ_PAGES, Load::Baseline(Baseline::ReadPages), &[]),
    workload(INSERT, Load::Baseline(Baseline::Insert(1)), &[]),
    workload(
        "raw SQLite: insert, 128 a commit",
        Load::Baseline(Baseline::Insert(128)),
        &[beside(INSERT)],
    ),
    workload(VERIFY, Load::Baseline(Baseline::Verify), &[]),
    workload(
        "first page",
        both(Deployment::Main, Traffic::FirstPage),
        &[at_least(STATIC, 0.6), beside(BARE)],
    ),
    workload(
        UNCACHED,
        both(Deployment::Uncached, Traffic::FirstPageUniform),
        &[at_least(STATIC, 0.25), beside(BARE), beside(READ_PAGES)],
    ),
    workload(
        "second page",
        both(Deployment::Main, Traffic::SecondPage),
        &[beside(STATIC), beside(BARE)],
    ),
    workload(
        "rating",
        both(Deployment::Main, Traffic::Rating),
        &[at_least(STATIC, 0.6), beside(BARE)],
    ),
    workload(RATINGS, both(Deployment::Main, Traffic::Ratings), &[beside(STATIC), beside(BARE)]),
    workload(
        "20 ratings, overload",
        Load::Overload {
            deployment: Deployment::Main,
            traffic: Traffic::Ratings,
            capacity: RATINGS,
        },
        &[at_least(RATINGS, 0.8)],
    ),
    workload(
        "single review",
        both(Deployment::Main, Traffic::Review),
        &[at_least(STATIC, 0.5), beside(BARE)],
    ),
    workload("create", both(Deployment::Main, Traffic::Create), &[at_least(INSERT, 4.0)]),
    workload(
        "sign-in",
        Load::Closed {
            deployment: Deployment::Main,
            traffic: Traffic::SignIn,
            connections: SIGN_IN_CONNECTIONS,
            at_half: true,
        },
        &[beside(VERIFY)],
    ),
    workload("mix", both(Deployment::Main, Traffic::Mix), &[beside(STATIC), beside(BARE)]),
    workload(READS, closed(Deployment::Main, Traffic::MixReads), &[beside(STATIC), beside(BARE)]),
    workload("mix's reads beside creates", Load::BesideCreates, &[at_least(READS, 0.667)]),
    workload(
        "8 databases",
        closed(Deployment::Eight, Traffic::FirstPageUniform),
        &[at_least(UNCACHED, 0.6)],
    ),
    workload(
        "64 databases",
        closed(Deployment::SixtyFour, Traffic::FirstPageUniform),
        &[at_least(UNCACHED, 0.5)],
    ),
    workload(
        "ten times the reviews",
        closed(Deployment::Grown, Traffic::FirstPageUniform),
        &[at_least(UNCACHED, 0.8)],
    ),
    workload("average product: first page", closed(Deployment::Hot, Traffic::AverageFirst), &[]),
    workload(
        "hottest product: first page",
        closed(Deployment::Hot, Traffic::HottestFirst),
        &[at_least("average product: first page", 0.8)],
    ),
    workload("average product: 5th page", closed(Deployment::Hot, Traffic::AverageFar), &[]),
    workload(
        "hottest product: 100th page",
        closed(Deployment::Hot, Traffic::HottestFar),
        &[at_least("average product: 5th page", 0.8)],
    ),
    workload("average product: rating", closed(Deployment::Hot, Traffic::AverageRating), &[]),
    workload(
        "hottest product: rating",
        closed(Deployment::Hot, Traffic::HottestRating),
        &[at_least("average product: rating", 0.8)],
    ),
];

/// On PostgreSQL servers.
pub const POSTGRES: &[Workload] = &[
    workload(STATIC, closed(Deployment::Main, Traffic::Static), &[beside(BARE)]),
    // At half capacity it shows how much latency the machine and the load generator add.
    workload(BARE, both(Deployment::Bare, Traffic::Static), &[]),
    workload(PGBENCH, Load::Baseline(Baseline::Pgbench), &[]),
    workload("create", both(Deployment::Main, Traffic::Create), &[at_least(PGBENCH, 3.0)]),
    workload(
        "first page",
        both(Deployment::Main, Traffic::FirstPage),
        &[beside(STATIC), beside(BARE)],
    ),
    workload(
        UNCACHED,
        closed(Deployment::Uncached, Traffic::FirstPageUniform),
        &[beside(STATIC), beside(BARE)],
    ),
    workload("rating", both(Deployment::Main, Traffic::Rating), &[beside(STATIC), beside(BARE)]),
    workload(
        "single review",
        both(Deployment::Main, Traffic::Review),
        &[beside(STATIC), beside(BARE)],
    ),
    workload("mix", both(Deployment::Main, Traffic::Mix), &[beside(STATIC), beside(BARE)]),
];

/// The workloads whose name contains `only`, and all that they are compared with, in their order.
pub fn selected(all: &'static [Workload], only: &str) -> Vec<Workload> {
    let mut names: Vec<&str> =
        all.iter().map(|workload| workload.name).filter(|name| name.contains(only)).collect();
    let mut at = 0;
    while let Some(&name) = names.get(at) {
        let found = all.iter().find(|workload| workload.name == name);
        let against = found.map_or(&[][..], |workload| workload.against);
        names.extend(against.iter().map(|comparison| comparison.name));
        at += 1;
    }
    all.iter().filter(|workload| names.contains(&workload.name)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compared_workloads_exist() {
        for all in [SQLITE, POSTGRES] {
            for (at, workload) in all.iter().enumerate() {
                for Comparison { name, .. } in workload.against {
                    let other = all.iter().position(|other| other.name == *name);
                    assert!(other.is_some_and(|other| other != at), "{}: {name}", workload.name);
                }
            }
        }
    }

    #[test]
    fn a_selection_brings_its_baselines() {
        let names = |only| -> Vec<_> {
            selected(SQLITE, only).iter().map(|workload| workload.name).collect()
        };
        assert_eq!(
            names("create"),
            [STATIC, BARE, INSERT, "create", READS, "mix's reads beside creates"]
        );
        assert_eq!(names("").len(), SQLITE.len());
        assert!(names("nothing like it").is_empty());
    }
}
