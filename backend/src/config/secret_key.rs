//! The file of the secret key, which is configured or created at the first start.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::config::{Config, ConfigError};
use crate::db::files;
use crate::http::SecretKey;

/// Its name in the data folder.
const FILE: &str = "secret-key";

impl Config {
    /// The file of the secret key in the data folder, which backups contain.
    pub fn own_secret_key(&self) -> PathBuf {
        self.data_dir.join(FILE)
    }

    /// The secret key, from the configured file, which must exist, or from the data folder, where
    /// it is created if it is missing.
    pub(super) fn secret_key(&self) -> Result<SecretKey, ConfigError> {
        let own = self.own_secret_key();
        let path = self.secret_key_file.as_deref().unwrap_or(&own);
        let way_out = "set secret_key_file (OSTRAKON_SECRET_KEY_FILE) to a file with a secret";
        if self.secret_key_file.is_none() && !path.exists() {
            create(&self.data_dir, path).map_err(|error| {
                problem(path, &format!("{error}: this file can't be made; {way_out}"))
            })?;
        }
        // A file that an operator names may be mounted as it is: `Config::load` only warns of it.
        if self.secret_key_file.is_none() {
            files::close_file_to_others(path);
        }
        let text = fs::read_to_string(path).map_err(|error| problem(path, &error.to_string()))?;
        text.parse::<SecretKey>().map_err(|error| problem(path, &error.to_string()))
    }
}

fn problem(path: &Path, what: &str) -> ConfigError {
    ConfigError(vec![format!("{}: {what}", path.display())])
}

/// Creates a key. The file appears as a whole; if several processes create one at the same time,
/// all use the first.
fn create(folder: &Path, path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let (mut key, mut name) = ([0; 32], [0; 8]);
    getrandom::fill(&mut key)?;
    getrandom::fill(&mut name)?;
    let draft = folder.join(format!("{FILE}.{:016x}", u64::from_ne_bytes(name)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = writeln!(file, "{}", BASE64_STANDARD.encode(key))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written,
    }
}
