//! Disks that can be filled.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::cli::{ServerProcess, ostrakon};
use crate::support::cluster::TestCluster;
use crate::support::postgres::Postgres;

/// A server that has a file system of 16 MB, which ends with it.
pub struct ServerOnSmallDisk {
    server: ServerProcess,
    pub client: Client,
    /// The folder of that file system, as this process sees it.
    pub disk: PathBuf,
}

/// The folder of what it holds at first.
pub const BEFORE: &str = "before";

/// Whether this user may mount a file system.
pub fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

impl ServerOnSmallDisk {
    /// The file system is this folder of the cluster's.
    pub fn start(cluster: &TestCluster, disk: &str) -> ServerOnSmallDisk {
        for folder in [disk, BEFORE] {
            fs::create_dir_all(cluster.folder().join(folder)).unwrap();
        }
        let served = ostrakon(cluster, &["serve", "--migrate"]);
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg(format!(
            "mount -t tmpfs -o size=16m tmpfs {disk} && cp -a {BEFORE}/. {disk} && exec \"$0\" \"$@\""
        ));
        command.arg(served.get_program()).args(served.get_args());
        command.current_dir(cluster.folder()).env("OSTRAKON_LISTEN", "127.0.0.1:0");
        for (name, value) in served.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let server = ServerProcess::spawn(command);
        let root = PathBuf::from(format!("/proc/{}/root", server.pid()));
        let folder = cluster.folder().strip_prefix("/").unwrap();
        ServerOnSmallDisk { server, client: Client::new(), disk: root.join(folder).join(disk) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.client.post(self.url(path)).json(body).send().await.unwrap()
    }

    /// Runs the program in the server's namespaces.
    pub fn run(&self, cluster: &TestCluster, arguments: &[&str]) -> Output {
        let run = ostrakon(cluster, arguments);
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--wd", "--target"]);
        command.arg(self.server.pid().to_string()).arg(run.get_program()).args(run.get_args());
        command.output().unwrap()
    }
}

/// Fills the file system of a folder.
pub fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("fill");
    let mut file = fs::File::create(&path).unwrap();
    for size in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    path
}

/// A database of a server on a file system of 64 MB, which is gone when this is dropped; the server's
/// log is on another.
pub struct DatabaseOnSmallDisk {
    folder: TempDir,
    pub url: String,
}

impl DatabaseOnSmallDisk {
    /// Creates it on a server of its own, because one whose disk is full makes no checkpoints, not even
    /// for other databases. `None`: this user may not mount for other processes.
    pub fn create(server: &Postgres) -> Option<DatabaseOnSmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let database = DatabaseOnSmallDisk { folder, url: server.url("small") };
        let (disk, tables) = (database.disk(), database.disk().join("tables"));
        fs::create_dir(&disk).unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=64m", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(&disk).stderr(Stdio::null()).status();
        if !mounted.is_ok_and(|it| it.success()) {
            eprintln!("skipped: this user may not mount a file system");
            return None;
        }
        fs::create_dir(&tables).unwrap();
        // Only root can mount, and as root PostgreSQL runs as another user.
        assert!(Command::new("chown").arg("postgres:").arg(&tables).status().unwrap().success());
        server.sql(&format!("CREATE TABLESPACE small LOCATION '{}'", tables.display()));
        server.sql("CREATE DATABASE small TABLESPACE small");
        Some(database)
    }

    /// The folder of the file system.
    pub fn disk(&self) -> PathBuf {
        self.folder.path().join("disk")
    }
}

impl Drop for DatabaseOnSmallDisk {
    fn drop(&mut self) {
        // Also while a server still has files there; fails if nothing is mounted.
        Command::new("umount")
            .arg("--lazy")
            .arg(self.disk())
            .stderr(Stdio::null())
            .status()
            .unwrap();
    }
}
