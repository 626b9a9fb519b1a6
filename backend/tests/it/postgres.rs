//! PostgreSQL servers to test on, by `tools/postgres`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use ostrakon::db::Address;

/// A server of its own, which is gone when this is dropped, or this process has ended in any way.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    keeper: Mutex<Keeper>,
}

/// Does what it reads from its standard input, a verb of `tools/postgres` a line, and answers each
/// by a line, `ok` or what went wrong. When nobody can write to it any more, it clears away.
struct Keeper {
    child: Child,
    /// None: it has been told to end.
    verbs: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

const KEEPER: &str = r#"
tool=$1 folder=$2
while read -r verb arguments; do
    if said=$("$tool" "$verb" "$folder" $arguments 2>&1); then
        echo ok
    else
        echo "${said//$'\n'/ }"
    fi
done
[[ ! -e $folder/data/PG_VERSION ]] || "$tool" stop "$folder" immediate
rm -rf "$folder"
"#;

const TOOL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/postgres");

/// The server that the tests of this process share, each with databases of its own. The first who
/// asks starts it.
pub fn shared() -> &'static Postgres {
    static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
    match SHARED.get_or_init(Postgres::try_start) {
        Ok(server) => server,
        Err(reason) => panic!("{reason}"),
    }
}

impl Postgres {
    /// A new server, which runs.
    pub fn start_new() -> Postgres {
        Postgres::try_start().unwrap()
    }

    fn try_start() -> Result<Postgres, String> {
        let server = Postgres::in_new_folder();
        server.does("create --fast")?;
        server.try_run()?;
        Ok(server)
    }

    fn in_new_folder() -> Postgres {
        // The server's user must reach it, and may be another one than this process's.
        let folder = tempfile::Builder::new().prefix("ostrakon-").tempdir().unwrap().keep();
        let keeper = Mutex::new(Keeper::of(&folder));
        Postgres { folder, port: free_port(), keeper }
    }

    /// A new server that follows this one, and runs.
    pub fn replica(&self) -> Postgres {
        let replica = Postgres::in_new_folder();
        replica.does(&format!("replica {}", self.port)).unwrap();
        replica.try_run().unwrap();
        replica
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where one of its databases is; `ostrakon` is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://ostrakon@127.0.0.1:{}/{database}", self.port)
    }

    pub fn address(&self, database: &str) -> Address {
        Address::Postgres(self.url(database))
    }

    /// Runs it again after [`Postgres::stop`] or [`Postgres::kill`].
    pub fn start(&self) {
        self.try_run().unwrap();
    }

    /// Ends it as an operator would.
    pub fn stop(&self) {
        self.does("stop").unwrap();
    }

    /// Ends it as a crash would.
    pub fn kill(&self) {
        self.does("kill").unwrap();
    }

    /// Freezes it: it is there, but silent.
    pub fn pause(&self) {
        self.does("pause").unwrap();
    }

    pub fn resume(&self) {
        self.does("resume").unwrap();
    }

    /// Makes a replica a primary.
    pub fn promote(&self) {
        self.does("promote").unwrap();
    }

    fn try_run(&self) -> Result<(), String> {
        self.does(&format!("start {}", self.port))
    }

    fn does(&self, verb: &str) -> Result<(), String> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).does(verb)
    }
}

impl Keeper {
    fn of(folder: &Path) -> Keeper {
        let mut child = Command::new("bash")
            .args(["-euc", KEEPER, "keeper", TOOL])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the tests.
            .process_group(0)
            .spawn()
            .unwrap();
        let verbs = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Keeper { child, verbs, answers }
    }

    fn does(&mut self, verb: &str) -> Result<(), String> {
        let mut verbs = self.verbs.as_ref().unwrap();
        writeln!(verbs, "{verb}").map_err(|error| error.to_string())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(|error| error.to_string())?;
        if answer == "ok\n" { Ok(()) } else { Err(answer.trim().to_owned()) }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.verbs.take());
        self.child.wait().ok();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
