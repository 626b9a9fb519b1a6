//! The manifest of a backup, `manifest.json`, written last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ostrakon_shared::Engine;
use serde::{Deserialize, Serialize};

use crate::db::backup::FileDigest;
use crate::db::cluster::Pins;
use crate::db::copy::Digests;
use crate::db::migrate::Kind;

pub const MANIFEST: &str = "manifest.json";
/// The format that this program writes and reads. Incompatible changes increment it; additions
/// don't.
const FORMAT: u32 = 1;

/// The manifest of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of this file.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    pub cluster: ClusterPins,
    /// The sequence number of the backup in its folder, higher than all existing ones. 0 if an
    /// older program wrote it.
    #[serde(default)]
    pub sequence: u64,
    /// When the backup began.
    pub started_at: Timestamp,
    /// When the backup was complete.
    pub finished_at: Timestamp,
    /// `reviews-1` to `reviews-N`, then `default`, in the order of saving.
    pub databases: Vec<SavedDatabase>,
    /// Other files of the data folder, by name.
    #[serde(default)]
    pub files: BTreeMap<String, FileEntry>,
}

/// The start of a backup.
#[derive(Clone, Copy, Debug)]
pub struct BackupStart {
    /// See [`Manifest::sequence`].
    pub sequence: u64,
    /// See [`Manifest::started_at`].
    pub started_at: Timestamp,
}

/// The pins that all databases of a cluster share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterPins {
    /// The cluster's own id.
    pub id: String,
    /// The bucket function.
    pub hash: String,
    /// The moment that review ids count from.
    pub epoch: String,
    /// The number of buckets.
    pub buckets: i32,
    /// The spread: the number of home buckets of a product.
    pub spread: i32,
}

/// One database of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedDatabase {
    /// `default`, or `reviews-1` to `reviews-N`.
    pub name: String,
    #[serde(deserialize_with = "Engine::known")]
    pub engine: Engine,
    /// When it was saved; it contains all earlier commits.
    pub taken_at: Timestamp,
    /// Its migrations.
    pub migrations: Vec<String>,
    /// Its files, by their paths below the backup's folder, with `/` between the parts.
    pub files: BTreeMap<String, FileEntry>,
    /// Its tables, by name.
    pub tables: BTreeMap<String, Vec<Rows>>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, as hexadecimal digits.
    pub sha256: String,
}

/// The rows of one bucket of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// The bucket; None in tables without buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<i16>,
    pub rows: u64,
    /// The sum of their hashes, XXH3 of 128 bits, as hexadecimal digits.
    pub hash: String,
}

impl Manifest {
    /// The manifest of a finished backup.
    pub fn new(
        cluster: ClusterPins,
        begun: BackupStart,
        databases: Vec<SavedDatabase>,
        files: BTreeMap<String, FileEntry>,
    ) -> Manifest {
        Manifest {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            cluster,
            sequence: begun.sequence,
            started_at: begun.started_at,
            finished_at: Timestamp::now(),
            databases,
            files,
        }
    }

    /// Reads the manifest of the backup in this folder.
    pub fn read(folder: &Path) -> Result<Manifest, String> {
        let path = folder.join(MANIFEST);
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let broken = |error| format!("{}: not a manifest: {error}", path.display());
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(&text).map_err(broken)?;
        if format != FORMAT {
            return Err(format!(
                "{}: the manifest has format {format}, but this program reads format {FORMAT}: use \
                 the program that wrote it",
                path.display()
            ));
        }
        serde_json::from_slice(&text).map_err(broken)
    }

    /// A unique id of this backup.
    pub fn id(&self) -> String {
        format!("{} of {}", self.cluster.id, self.finished_at)
    }

    /// The number of rows of the `wanted` databases.
    pub fn rows(&self, wanted: impl Fn(&str) -> bool) -> u64 {
        let databases = self.databases.iter().filter(|saved| wanted(&saved.name));
        databases.map(SavedDatabase::rows).sum()
    }
}

impl ClusterPins {
    /// The pins of one of its databases.
    pub fn pins(&self, database: &str) -> Pins {
        Pins {
            id: self.id.clone(),
            database: database.to_owned(),
            hash: self.hash.clone(),
            epoch: self.epoch.clone(),
            buckets: self.buckets,
            spread: self.spread,
        }
    }
}

impl From<Pins> for ClusterPins {
    fn from(pins: Pins) -> ClusterPins {
        let Pins { id, hash, epoch, buckets, spread, .. } = pins;
        ClusterPins { id, hash, epoch, buckets, spread }
    }
}

impl SavedDatabase {
    /// The kind of its tables.
    pub fn kind(&self) -> Kind {
        if self.name == "default" { Kind::Default } else { Kind::Reviews }
    }

    /// The number of rows of all its tables.
    pub fn rows(&self) -> u64 {
        self.tables.values().flatten().map(|rows| rows.rows).sum()
    }

    /// Its file or folder.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(entry_name(&self.name, self.engine))
    }

    /// The differences between the manifest and the digests of a database, one line per table.
    pub fn differences(&self, found: &BTreeMap<String, Digests>) -> Vec<String> {
        let none = Digests::new();
        let line = |(table, rows): (&String, &Vec<Rows>)| {
            let found = found.get(table).unwrap_or(&none);
            let wanted: BTreeMap<_, _> =
                rows.iter().map(|rows| (rows.bucket, (rows.rows, rows.hash.as_str()))).collect();
            let hashes: Vec<_> = found.iter().map(|(&b, digest)| (b, digest.hash())).collect();
            let found: BTreeMap<_, _> = hashes
                .iter()
                .map(|(bucket, hash)| (*bucket, (found[bucket].rows, hash.as_str())))
                .collect();
            (wanted != found).then(|| {
                let [wanted, found] =
                    [&wanted, &found].map(|rows| rows.values().map(|(n, _)| n).sum::<u64>());
                self.difference(table, wanted, found)
            })
        };
        self.tables.iter().filter_map(line).collect()
    }

    /// The differences between the manifest and the row counts of a database that lacks migrations
    /// of this program.
    pub fn count_differences(&self, found: &BTreeMap<String, u64>) -> Vec<String> {
        let line = |(table, rows): (&String, &Vec<Rows>)| {
            let wanted = rows.iter().map(|rows| rows.rows).sum();
            let found = *found.get(table)?;
            (wanted != found).then(|| self.difference(table, wanted, found))
        };
        self.tables.iter().filter_map(line).collect()
    }

    fn difference(&self, table: &str, wanted: u64, found: u64) -> String {
        let name = &self.name;
        if wanted == found {
            format!("{name}: {table}: rows differ from the manifest")
        } else {
            format!("{name}: {table}: {wanted} rows in the manifest, but {found} in the database")
        }
    }
}

/// The name of the file or folder of a database.
pub fn entry_name(database: &str, engine: Engine) -> String {
    match engine {
        Engine::Sqlite => format!("{database}.sqlite3"),
        // Reading a manifest refuses unknown engines.
        Engine::Postgres | Engine::Unknown => database.to_owned(),
    }
}

/// The rows of each table, for the manifest.
pub fn rows(tables: BTreeMap<String, Digests>) -> BTreeMap<String, Vec<Rows>> {
    let rows = |digests: Digests| {
        let rows = digests.into_iter().map(|(bucket, digest)| Rows {
            bucket,
            rows: digest.rows,
            hash: digest.hash(),
        });
        rows.collect()
    };
    tables.into_iter().map(|(table, digests)| (table, rows(digests))).collect()
}

impl From<FileDigest> for FileEntry {
    fn from(FileDigest { bytes, sha256 }: FileDigest) -> FileEntry {
        FileEntry { bytes, sha256 }
    }
}
