//! PostgreSQL servers to test on, by `tools/postgres`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryResult};

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

/// The server that the tests of this process share, each with databases of its own.
pub struct Shared {
    server: Postgres,
    /// Databases without anything in them that nobody uses.
    free: Mutex<Vec<String>>,
    created: AtomicUsize,
}

/// The shared server. The first who asks starts it.
pub fn shared() -> &'static Shared {
    static SHARED: OnceLock<Result<Shared, String>> = OnceLock::new();
    let start = || {
        let server = Postgres::try_start()?;
        Ok(Shared { server, free: Mutex::default(), created: AtomicUsize::new(0) })
    };
    match SHARED.get_or_init(start) {
        Ok(shared) => shared,
        Err(reason) => panic!("{reason}"),
    }
}

impl Shared {
    /// Where a database is; `ostrakon` is always there.
    pub fn url(&self, database: &str) -> String {
        self.server.url(database)
    }

    /// An empty database. To empty one takes a tenth of the time that it takes to create one.
    pub fn take(&self) -> String {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| {
            let name = format!("test_{}", self.created.fetch_add(1, Ordering::Relaxed));
            self.administer(&format!("CREATE DATABASE {name}")).unwrap();
            name
        })
    }

    /// Empties a database for the next one who needs one. Whoever still uses it is thrown out.
    pub fn give_back(&self, name: &str) {
        let empty = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                 WHERE datname = '{name}' AND pid <> pg_backend_pid();
             DROP SCHEMA public CASCADE;
             CREATE SCHEMA public"
        );
        let emptied = PgConnection::establish(&self.url(name))
            .is_ok_and(|mut connection| connection.batch_execute(&empty).is_ok());
        if emptied {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
        }
    }

    /// Runs a statement that is about databases.
    pub fn administer(&self, statement: &str) -> QueryResult<()> {
        PgConnection::establish(&self.url("ostrakon")).unwrap().batch_execute(statement)
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

    /// Runs SQL on its database `ostrakon`, as an operator could.
    #[track_caller]
    pub fn sql(&self, statements: &str) {
        let mut connection = PgConnection::establish(&self.url("ostrakon")).unwrap();
        connection.batch_execute(statements).unwrap();
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
