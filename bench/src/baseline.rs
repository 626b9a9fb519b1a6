//! Baselines: what SQLite with diesel, and argon2id, do on this machine without Ostrakon.

use std::hint::black_box;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fastrand::Rng;
use ostrakon::db::reviews::ReviewRow;
use ostrakon::shard::bucket_of;
use ostrakon_shared::{ReviewId, ReviewStatus};

use crate::Result;
use crate::dataset::{ACCOUNT, Popularity};
use crate::text;

diesel::table! {
    review (product_id, id, bucket) {
        bucket -> SmallInt,
        id -> BigInt,
        product_id -> BigInt,
        rating -> Nullable<SmallInt>,
        title -> Nullable<Text>,
        body -> Text,
        author_name -> Nullable<Text>,
        author_id -> Nullable<BigInt>,
        status -> Text,
        version -> Integer,
        edited_at -> Nullable<BigInt>,
        open_reports -> Integer,
        pen_name -> Bool,
    }
}

diesel::table! {
    account (id) {
        id -> BigInt,
        password_hash -> Text,
    }
}

const PAGE: i64 = 20;
/// Threads that hash passwords.
const HASHING_THREADS: usize = 2;
/// The first id of a baseline's review: 2026-06-01T00:00:00Z, later than all other reviews.
const FIRST_MS: i64 = 1_780_272_000_000;

/// A SQLite file with the server's tables and settings, used by diesel alone: one connection, no pool.
/// It commits durably, as the server does; diesel keeps the prepared statements.
pub struct SqliteBaseline {
    connection: SqliteConnection,
    popularity: Popularity,
    last_id: i64,
    rng: Rng,
}

impl SqliteBaseline {
    /// Of this reviews database, which nothing else uses.
    pub fn open(file: &Path, products: usize) -> Result<SqliteBaseline> {
        let mut connection = SqliteConnection::establish(&file.to_string_lossy())?;
        connection.batch_execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
        let last_id = ReviewId::first_number_at(FIRST_MS).ok_or("no ids at that time")?;
        let popularity = Popularity::new(products);
        Ok(SqliteBaseline { connection, popularity, last_id, rng: Rng::with_seed(5) })
    }

    /// Pages of newest reviews read per second, of products drawn by popularity.
    pub fn read_pages(&mut self, duration: Duration) -> Result<f64> {
        per_second(duration, || {
            let product = self.popularity.draw(&mut self.rng);
            let page: Vec<ReviewRow> = review::table
                .filter(review::product_id.eq(product.get()))
                .filter(review::status.eq(ReviewStatus::Approved.as_str()))
                .order(review::id.desc())
                .limit(PAGE)
                .load(&mut self.connection)?;
            black_box(page);
            Ok(1)
        })
    }

    /// Rows inserted per second, with this many in each commit.
    pub fn insert(&mut self, per_commit: usize, duration: Duration) -> Result<f64> {
        per_second(duration, || {
            self.connection.batch_execute("BEGIN IMMEDIATE")?;
            for _ in 0..per_commit {
                self.insert_one()?;
            }
            self.connection.batch_execute("COMMIT")?;
            Ok(per_commit)
        })
    }

    fn insert_one(&mut self) -> Result<()> {
        // As close together as ids of 5,000 reviews a second are.
        self.last_id += (1 << ReviewId::FREE_BITS) / 5;
        let id = ReviewId::new(self.last_id).ok_or("no id")?;
        let content = text::review(&mut self.rng);
        diesel::insert_into(review::table)
            .values((
                review::bucket.eq(bucket_of(id).number()),
                review::id.eq(id.get()),
                review::product_id.eq(self.popularity.draw(&mut self.rng).get()),
                review::rating.eq(content.rating.map(|rating| rating as i16)),
                review::title.eq(content.title),
                review::body.eq(content.body),
                review::author_name.eq(content.author_name),
                review::author_id.eq(None::<i64>),
                review::status.eq(ReviewStatus::Approved.as_str()),
                review::version.eq(1),
                review::edited_at.eq(None::<i64>),
                review::open_reports.eq(0),
            ))
            .execute(&mut self.connection)?;
        Ok(())
    }
}

/// Passwords verified per second, against a hash made by the server, so that the costs are the same.
pub fn verify_passwords(default_database: &Path, duration: Duration) -> Result<f64> {
    let mut connection = SqliteConnection::establish(&default_database.to_string_lossy())?;
    let hash: String = account::table.select(account::password_hash).first(&mut connection)?;
    let verify = || -> Result<f64, String> {
        let hash = PasswordHash::new(&hash).map_err(|error| error.to_string())?;
        let one = || {
            Argon2::default()
                .verify_password(ACCOUNT.1.as_bytes(), &hash)
                .map_err(|error| format!("the password is not that of the hash: {error}").into())
        };
        per_second(duration, || one().map(|()| 1)).map_err(|error| error.to_string())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..HASHING_THREADS).map(|_| scope.spawn(verify)).collect();
        let rates = threads
            .into_iter()
            .map(|thread| -> Result<f64> { Ok(thread.join().map_err(|_| "a thread panicked")??) });
        rates.sum()
    })
}

/// Repeats `work`, which returns how much it has done, and returns how much is done per second.
fn per_second(duration: Duration, mut work: impl FnMut() -> Result<usize>) -> Result<f64> {
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < duration {
        done += work()?;
    }
    Ok(done as f64 / began.elapsed().as_secs_f64())
}
