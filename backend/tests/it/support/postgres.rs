//! PostgreSQL servers to test on, by `tools/postgres`.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryResult, QueryableByName, RunQueryDsl};

use crate::support::reserved_port::ReservedPort;

/// A server of one test. It ends when this is dropped, or when this process ends in any way.
pub struct Postgres {
    folder: PathBuf,
    port: ReservedPort,
    supervisor: Mutex<Supervisor>,
}

/// A shell that reads verbs of `tools/postgres` from its standard input, one on each line, runs them,
/// and prints `ok` or the error. At the end of its input it stops the server and deletes the folder.
struct Supervisor {
    child: Child,
    /// None: it is ending.
    verbs: Option<ChildStdin>,
    responses: BufReader<ChildStdout>,
}

const SUPERVISOR: &str = r#"
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

/// A server that the tests of this process share; each test has databases of its own.
pub struct SharedServer {
    /// URLs of its nodes, without a database: the server, or a Citus coordinator and its workers.
    nodes: Vec<String>,
    /// Empty databases that are not in use.
    free: Mutex<Vec<String>>,
    created: AtomicUsize,
    /// None: it is not ours.
    _server: Option<Postgres>,
}

/// The shared server, which the first call starts.
pub fn shared() -> &'static SharedServer {
    static SHARED: OnceLock<Result<SharedServer, String>> = OnceLock::new();
    let start = || {
        let server = Postgres::try_start()?;
        Ok(SharedServer::new(vec![server.url("").trim_end_matches('/').to_owned()], Some(server)))
    };
    match SHARED.get_or_init(start) {
        Ok(shared) => shared,
        Err(reason) => panic!("{reason}"),
    }
}

/// The Citus cluster that `OSTRAKON_TEST_CITUS_URL` names, by a database of its coordinator with the
/// extension and the workers. Citus is in no distribution's packages: tests do not start one.
pub fn citus() -> Option<&'static SharedServer> {
    static CITUS: OnceLock<Option<SharedServer>> = OnceLock::new();
    let find = || {
        let url = std::env::var("OSTRAKON_TEST_CITUS_URL").ok()?;
        let nodes = nodes_of(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert!(nodes.len() > 1, "{url} has no workers");
        Some(SharedServer::new(nodes, None))
    };
    CITUS.get_or_init(find).as_ref()
}

/// A coordinator and its workers, as the coordinator knows them.
fn nodes_of(coordinator: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut nodes = vec![coordinator.rsplit_once('/').ok_or("it names no database")?.0.to_owned()];
    let user = nodes[0].rsplit_once('@').map_or("postgres:/", |(user, _)| user);
    let workers = "SELECT format('%s@%s:%s', $1, nodename, nodeport) AS value FROM pg_dist_node
        WHERE groupid <> 0 AND isactive ORDER BY nodeid";
    let workers = diesel::sql_query(workers).bind::<Text, _>(user);
    let workers: Vec<Line> = workers.load(&mut PgConnection::establish(coordinator)?)?;
    nodes.extend(workers.into_iter().map(|worker| worker.value));
    Ok(nodes)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    value: String,
}

impl SharedServer {
    fn new(nodes: Vec<String>, server: Option<Postgres>) -> SharedServer {
        let (free, created) = (Mutex::default(), AtomicUsize::new(0));
        SharedServer { nodes, free, created, _server: server }
    }

    fn is_citus(&self) -> bool {
        self.nodes.len() > 1
    }

    /// The URL of a database; on the server that tests start, `ostrakon` always exists.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.nodes[0])
    }

    /// An empty database: a released one if possible, because emptying takes a tenth of the time of
    /// creating.
    pub fn acquire_database(&self) -> String {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| {
            let name = self.new_name();
            self.create(&name);
            name
        })
    }

    /// A new database, of a server without Citus, with these options of `CREATE DATABASE`.
    #[track_caller]
    pub fn create_with_options(&self, options: &str) -> String {
        let name = self.new_name();
        self.execute_on_all_nodes(&format!("CREATE DATABASE {name} {options}"));
        name
    }

    fn new_name(&self) -> String {
        let number = self.created.fetch_add(1, Ordering::Relaxed);
        format!("{DATABASES}{}_{number}", std::process::id())
    }

    /// Empties a database for the next test, and terminates its connections.
    pub fn release_database(&self, name: &str) {
        // Citus' own connections do no harm, and its views lie in the schema.
        let empty = if self.is_citus() { DROP_TABLES } else { DROP_SCHEMA };
        let statements = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                 WHERE datname = '{name}' AND pid <> pg_backend_pid()
                     AND application_name NOT LIKE 'citus%' AND backend_type = 'client backend';
             {empty}"
        );
        if try_run(&self.nodes[0], name, &statements).is_ok() {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
        }
    }

    /// Creates an empty database.
    #[track_caller]
    pub fn create(&self, name: &str) {
        if !self.is_citus() {
            return self.execute_on_all_nodes(&format!("CREATE DATABASE {name}"));
        }
        static TEMPLATE: Once = Once::new();
        let template = format!("{DATABASES}{}_template", std::process::id());
        TEMPLATE.call_once(|| {
            self.drop_leftovers();
            self.execute_on_all_nodes(&format!("CREATE DATABASE {template}"));
            self.nodes.iter().for_each(|node| run(node, &template, "CREATE EXTENSION citus"));
            let add = |worker: &String| {
                let (host, port) = worker.rsplit_once('@').unwrap().1.rsplit_once(':').unwrap();
                format!("SELECT citus_add_node('{host}', {port});")
            };
            let add: String = self.nodes[1..].iter().map(add).collect();
            run(&self.nodes[0], &template, &add);
            self.execute_on_all_nodes(&format!(
                "ALTER DATABASE {template} ALLOW_CONNECTIONS false"
            ));
        });
        self.copy(&template, name);
        // A table of two shards a worker is as distributed as one of sixteen.
        self.execute_on_all_nodes(&format!("ALTER DATABASE {name} SET citus.shard_count = 4"));
    }

    /// Drops the databases that earlier test processes have left on a server that is not ours.
    fn drop_leftovers(&self) {
        for node in &self.nodes {
            let databases = format!(
                "SELECT datname AS value FROM pg_database WHERE datname LIKE '{DATABASES}%'"
            );
            let mut connection =
                PgConnection::establish(&format!("{node}/{ADMIN_DATABASE}")).unwrap();
            let found: Vec<Line> = diesel::sql_query(databases).load(&mut connection).unwrap();
            for Line { value: database } in found {
                let process = database[DATABASES.len()..].split('_').next().unwrap();
                if !Path::new("/proc").join(process).exists() {
                    run(node, ADMIN_DATABASE, &format!("DROP DATABASE {database} WITH (FORCE)"));
                }
            }
        }
    }

    /// Drops a database, even while it is in use.
    #[track_caller]
    pub fn drop_database(&self, name: &str) {
        self.execute_on_all_nodes(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }

    /// Creates a database as a copy of another one, which must not be in use.
    #[track_caller]
    pub fn copy(&self, from: &str, to: &str) {
        // Citus itself looks after its databases from time to time, from every node.
        let free = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{from}'"
        );
        let copy = format!("CREATE DATABASE {to} TEMPLATE {from}");
        for node in &self.nodes {
            let copied = (0..10).any(|_| {
                self.execute_on_all_nodes(&free);
                try_run(node, ADMIN_DATABASE, &copy).is_ok()
            });
            assert!(copied, "{from} is in use");
        }
    }

    /// Runs a statement that is about databases, on all nodes.
    #[track_caller]
    pub fn execute_on_all_nodes(&self, statement: &str) {
        for node in &self.nodes {
            run(node, ADMIN_DATABASE, statement);
        }
    }
}

/// The prefix of tests' databases on any server; the id of the test process follows.
const DATABASES: &str = "ostrakon_test_";

const DROP_SCHEMA: &str = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";

/// Drops all tables and functions that do not belong to an extension.
const DROP_TABLES: &str = "DO $$
    DECLARE dropped text;
    BEGIN
        FOR dropped IN
            SELECT 'TABLE ' || string_agg(t.oid::regclass::text, ', ') FROM pg_class AS t
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = t.oid AND deptype = 'e')
            UNION ALL
            SELECT 'FUNCTION ' || string_agg(f.oid::regprocedure::text, ', ') FROM pg_proc AS f
            WHERE pronamespace = 'public'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = f.oid AND deptype = 'e')
        LOOP
            CONTINUE WHEN dropped IS NULL;
            EXECUTE 'DROP ' || dropped || ' CASCADE';
        END LOOP;
    END $$";

/// The database for statements about other databases.
const ADMIN_DATABASE: &str = "postgres";

#[track_caller]
fn run(node: &str, database: &str, statements: &str) {
    try_run(node, database, statements).unwrap();
}

fn try_run(node: &str, database: &str, statements: &str) -> QueryResult<()> {
    let mut connection = PgConnection::establish(&format!("{node}/{database}")).unwrap();
    connection.batch_execute("SET client_min_messages = warning")?;
    connection.batch_execute(statements)
}

impl Postgres {
    /// A new server, which runs.
    pub fn start_new() -> Postgres {
        Postgres::try_start().unwrap()
    }

    fn try_start() -> Result<Postgres, String> {
        let server = Postgres::in_new_folder();
        server.run_verb("create --fast")?;
        server.launch()?;
        Ok(server)
    }

    fn in_new_folder() -> Postgres {
        // The server's user must reach it, and may be another one than this process's.
        let folder = tempfile::Builder::new().prefix("ostrakon-").tempdir().unwrap().keep();
        let supervisor = Mutex::new(Supervisor::of(&folder));
        Postgres { folder, port: ReservedPort::new(), supervisor }
    }

    /// A new server that follows this one, and runs.
    pub fn replica(&self) -> Postgres {
        let replica = Postgres::in_new_folder();
        replica.run_verb(&format!("replica {}", self.port())).unwrap();
        replica.launch().unwrap();
        replica
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The URL of one of its databases; `ostrakon` always exists.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://ostrakon@127.0.0.1:{}/{database}", self.port())
    }

    /// Runs SQL on its database `ostrakon`, as an operator could.
    #[track_caller]
    pub fn sql(&self, statements: &str) {
        let mut connection = PgConnection::establish(&self.url("ostrakon")).unwrap();
        connection.batch_execute(statements).unwrap();
    }

    /// Runs it again after [`Postgres::stop`] or [`Postgres::kill`].
    pub fn start(&self) {
        self.launch().unwrap();
    }

    /// Stops it as an operator would.
    pub fn stop(&self) {
        self.run_verb("stop").unwrap();
    }

    /// Stops it as a crash would.
    pub fn kill(&self) {
        self.run_verb("kill").unwrap();
    }

    /// Freezes it: it accepts connections, but does not respond.
    pub fn pause(&self) {
        self.run_verb("pause").unwrap();
    }

    pub fn resume(&self) {
        self.run_verb("resume").unwrap();
    }

    /// Makes a replica a primary.
    pub fn promote(&self) {
        self.run_verb("promote").unwrap();
    }

    fn launch(&self) -> Result<(), String> {
        self.run_verb(&format!("start {}", self.port()))
    }

    fn run_verb(&self, verb: &str) -> Result<(), String> {
        self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).run_verb(verb)
    }
}

impl Supervisor {
    fn of(folder: &Path) -> Supervisor {
        let mut child = Command::new("bash")
            .args(["-euc", SUPERVISOR, "supervisor", TOOL])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C must reach the tests only.
            .process_group(0)
            .spawn()
            .unwrap();
        let verbs = child.stdin.take();
        let responses = BufReader::new(child.stdout.take().unwrap());
        Supervisor { child, verbs, responses }
    }

    fn run_verb(&mut self, verb: &str) -> Result<(), String> {
        let mut verbs = self.verbs.as_ref().unwrap();
        writeln!(verbs, "{verb}").map_err(|error| error.to_string())?;
        let mut response = String::new();
        self.responses.read_line(&mut response).map_err(|error| error.to_string())?;
        if response == "ok\n" { Ok(()) } else { Err(response.trim().to_owned()) }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.verbs.take());
        self.child.wait().ok();
    }
}

#[test]
fn a_server_obeys_and_leaves_nothing_behind() {
    let primary = Postgres::start_new();
    let add = |server: &Postgres| {
        let mut connection = PgConnection::establish(&server.url("ostrakon"))?;
        let statements = "CREATE TABLE IF NOT EXISTS number (n integer PRIMARY KEY);
            INSERT INTO number SELECT count(*) FROM number";
        connection
            .batch_execute(statements)
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)
    };
    add(&primary).unwrap();
    primary.pause();
    primary.resume();
    add(&primary).unwrap();
    primary.kill();
    add(&primary).unwrap_err();
    primary.start();
    add(&primary).unwrap();
    let replica = primary.replica();
    assert_ne!(primary.port(), replica.port());
    add(&replica).unwrap_err();
    primary.stop();
    add(&primary).unwrap_err();
    replica.promote();
    add(&replica).unwrap();
    let folders = [primary.folder.clone(), replica.folder.clone()];
    drop((primary, replica));
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
}
