//! The rules of imports, checked on the sources: each rule is a sentence of ARCHITECTURE.md, and fails
//! with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A file of `backend/src`.
struct Source {
    /// As imports name it: `store::reviews::create`.
    module: String,
    /// Without comments.
    code: String,
    /// Its imports from this crate, without `crate::`.
    imports: BTreeSet<String>,
    /// The other paths of its `use` items, as if all led into its own folder.
    from_own_folder: BTreeSet<String>,
}

/// From the bottom up: each imports only from those before it.
const LAYERS: [&str; 8] = ["text", "shard", "db", "store", "http", "config", "demo", "cli"];

/// The rooms of `store` from the bottom up; those in one line know nothing of each other.
const STORE: [&[&str]; 7] = [
    &["actor", "clock", "error"],
    &["version"],
    &["routing"],
    &["audit"],
    &["accounts", "catalog"],
    &["reviews"],
    &["cluster"],
];

/// The same of `http`.
const HTTP: [&[&str]; 10] = [
    &["response::problem", "secret_key"],
    &["settings"],
    &["app_data", "blocking", "cookie", "deadlines", "openapi", "rate_limit"],
    &["password_queue", "route_table"],
    &["extract"],
    &["response"],
    &["middleware", "render"],
    &["sign_in", "spa"],
    &["endpoints"],
    &["routes"],
];

#[test]
fn only_http_knows_actix() {
    let knows = |source: &Source| source.uses("actix") && !source.is_in("http");
    check("Only `http` knows actix and statuses.", knows);
}

#[test]
fn only_db_knows_diesel() {
    let knows = |source: &Source| source.uses("diesel") && !source.is_in("db");
    check("Only `db` knows diesel.", knows);
}

#[test]
fn tables_match_on_no_engine() {
    let engines = ["Connection::Sqlite", "Connection::Postgres"];
    let backends = ["SqliteConnection", "PgConnection", "diesel::sqlite", "diesel::pg"];
    let sentence = "Only `db/dialect` and `db/connection` match on engines.";
    check(sentence, |source| {
        let may_match = source.is_in("db::dialect") || source.is_in("db::connection");
        let names = |names: &[&str]| names.iter().any(|name| source.uses(name));
        !may_match && names(&engines) || source.is_in("db::tables") && names(&backends)
    });
}

#[test]
fn shard_and_text_are_pure() {
    let io = ["std::fs", "std::io", "std::net", "std::time", "tokio"];
    let does_io = |source: &Source| io.iter().any(|io| source.uses(io));
    let is_pure = |source: &Source| source.is_in("shard") || source.is_in("text");
    check("`shard` and `text` are pure: no IO, no clock.", |source| {
        is_pure(source) && does_io(source)
    });
}

#[test]
fn imports_point_down() {
    let rank = |module: &str| LAYERS.iter().position(|layer| is_in(module, layer));
    let points_up = |source: &Source, import: &str| {
        rank(&source.module).is_some_and(|own| rank(import).is_some_and(|other| other > own))
    };
    let sentence = "Imports point down: cli → config → http → store → db → shard.";
    check_imports(sentence, points_up);
}

#[test]
fn only_config_and_store_know_db() {
    let may = ["db", "store", "config"];
    check_imports("`http`, `demo` and `cli` reach the databases through `store`.", |source, to| {
        is_in(to, "db") && !may.iter().any(|layer| source.is_in(layer))
    });
}

#[test]
fn rooms_of_store_import_downwards() {
    let sentence = "The rooms of `store` import downwards: cluster → reviews → accounts, catalog → \
                    audit → routing; none of them knows `Store`.";
    check_imports(sentence, |source, import| points_up("store", &STORE, &source.module, import));
}

#[test]
fn rooms_of_http_import_downwards() {
    let sentence = "The rooms of `http` import downwards: routes → endpoints → spa → render, \
                    middleware → response → extract.";
    check_imports(sentence, |source, import| points_up("http", &HTTP, &source.module, import));
}

#[test]
fn only_the_route_list_knows_the_endpoints() {
    let sentence = "Only `http.rs` and `routes` know the endpoints, and no endpoint knows another.";
    check_imports(sentence, |source, import| {
        let may_know = source.module == "http" || source.module == "http::routes";
        is_in(import, "http::endpoints") && !may_know
    });
}

#[test]
fn no_circle_of_imports() {
    let circles = circles(&sources());
    report("Imports form no circle.", circles);
}

#[test]
fn paths_to_other_files_begin_with_the_crate() {
    let climbs = |source: &Source| {
        let mut after = source.code.split("super::").skip(1);
        after.any(|path| !path.starts_with('*'))
    };
    check("Paths to other files begin with `crate::`.", climbs);
}

#[test]
fn sources_are_read_as_the_compiler_does() {
    let code = "use crate::{db, store::reviews::{self, list::{A, B as C}}}; // crate::no\n\
                pub(in crate::store) fn f() { crate::shard::mine_id::<u8>(crate::text::fold) }";
    let read = Source::new("http::f".to_owned(), code);
    let imports: Vec<_> = read.imports.iter().map(String::as_str).collect();
    let expected = [
        "db",
        "shard::mine_id",
        "store::reviews::list::A",
        "store::reviews::list::B",
        "store::reviews::self",
        "text::fold",
    ];
    assert_eq!(imports, expected);
    assert!(read.uses("shard") && !read.uses("hard"));
    assert!(points_up("store", &STORE, "store::audit", "store::accounts::Accounts"));
    assert!(points_up("store", &STORE, "store::catalog::admin", "store::accounts::Accounts"));
    assert!(points_up("store", &STORE, "store::audit", "store::Store"));
    assert!(points_up("store", &STORE, "store::new_room", "store::error::StoreError"));
    assert!(!points_up("store", &STORE, "store::reviews::list", "store::reviews::own::f"));
    assert!(!points_up("store", &STORE, "store::reviews::list", "store::catalog::Catalog"));
    assert!(!points_up("store", &STORE, "store", "store::reviews::Reviews"));
    assert!(points_up("http", &HTTP, "http::response::problem", "http::response::json::Fresh"));
    assert!(!points_up("http", &HTTP, "http::response::json", "http::response::problem::ApiError"));
}

#[test]
fn circles_are_found() {
    let source = |module: &str, code: &str| Source::new(module.to_owned(), code);
    let sources = [
        source("db", "mod pool; mod settings; pub use settings::Settings;"),
        source("db::pool", "use crate::db::Settings; use crate::db::connector::Connector;"),
        source("db::connector", "use crate::db::settings::Settings;"),
        source("db::settings", "use std::time::Duration;"),
        source("store", "use crate::db::pool::Pool;"),
    ];
    assert!(circles(&sources).is_empty());
    let pool_again = source("db::settings", "use crate::db::pool::Pool;");
    let [db, pool, connector, _, store] = sources;
    let expected = [
        "db::connector imports db::settings",
        "db::pool imports db::connector",
        "db::settings imports db::pool",
    ];
    assert_eq!(circles(&[db, pool, connector, pool_again, store]), expected);
}

/// The imports that are part of a circle. A file and those in its folder belong together: what they
/// import from the file above them counts for no circle.
fn circles(sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<_> = sources.iter().map(|source| source.module.as_str()).collect();
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = sources
        .iter()
        .map(|source| {
            let module = source.module.as_str();
            let paths = source.imports.iter().chain(&source.from_own_folder);
            let files = paths.filter_map(|path| file_of(path, &modules));
            (module, files.filter(|file| !is_in(module, file)).collect())
        })
        .collect();
    // What imports nothing else, or is imported by nothing else, is in no circle.
    loop {
        let imported: BTreeSet<_> = imports.values().flatten().copied().collect();
        let left = imports.len();
        imports.retain(|module, files| !files.is_empty() && imported.contains(module));
        let kept: BTreeSet<_> = imports.keys().copied().collect();
        imports.values_mut().for_each(|files| files.retain(|file| kept.contains(file)));
        if imports.len() == left {
            break;
        }
    }
    let arrows = imports.iter().flat_map(|(module, files)| {
        files.iter().map(move |file| format!("{module} imports {file}"))
    });
    arrows.collect()
}

/// The file that a path leads to: the longest beginning of the path that names one.
fn file_of<'m>(path: &str, modules: &BTreeSet<&'m str>) -> Option<&'m str> {
    let ends = path.match_indices("::").map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|end| modules.get(&path[..end]).copied()).last()
}

/// Whether this import leads from one room of a layer to a room above it, or beside it. A room that
/// is not listed may not be there.
fn points_up(layer: &str, rooms: &[&[&str]], module: &str, import: &str) -> bool {
    // The longest name that fits: `response::problem` is no part of `response`.
    let room_of = |module: &str| {
        let inside = module.strip_prefix(layer)?.strip_prefix("::")?;
        let ranked = rooms.iter().enumerate().flat_map(|(at, rooms)| {
            let fitting = rooms.iter().filter(|room| is_in(inside, room));
            fitting.map(move |room| (room.len(), at, *room))
        });
        Some(ranked.max().map(|(_, rank, room)| (rank, room)))
    };
    match (room_of(module), room_of(import)) {
        (Some(None), _) | (Some(_), Some(None)) => true,
        (Some(Some((own, own_room))), Some(Some((other, room)))) => {
            room != own_room && other >= own
        }
        _ => false,
    }
}

/// Fails with the rule's sentence if a file breaks it.
fn check(sentence: &str, breaks: impl Fn(&Source) -> bool) {
    let sources = sources();
    let found = sources.iter().filter(|source| breaks(source)).map(|s| s.module.clone());
    report(sentence, found.collect());
}

/// The same for each import of a file.
fn check_imports(sentence: &str, breaks: impl Fn(&Source, &str) -> bool) {
    let mut found = Vec::new();
    for source in sources() {
        let broken = source.imports.iter().filter(|import| breaks(&source, import));
        found.extend(broken.map(|import| format!("{} imports {import}", source.module)));
    }
    report(sentence, found);
}

fn report(sentence: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{sentence}\n{}", found.join("\n"));
    let document = include_str!("../../../ARCHITECTURE.md");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(document).contains(sentence), "ARCHITECTURE.md does not say: {sentence}");
}

/// All files of `backend/src`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let module = path.strip_prefix(&root).unwrap().with_extension("");
            let module = module.to_str().unwrap().replace('/', "::");
            sources.push(Source::new(module, &fs::read_to_string(&path).unwrap()));
        }
    }
    sources
}

impl Source {
    fn new(module: String, text: &str) -> Source {
        let code: Vec<_> = text.lines().map(|line| line.split("//").next().unwrap()).collect();
        let code = code.join("\n");
        let mut imports = BTreeSet::new();
        for (at, start) in code.match_indices("crate::") {
            // A visibility is no import.
            if !code[..at].ends_with("in ") {
                add_paths(&code[at + start.len()..], "", &mut imports);
            }
        }
        let mut from_own_folder = BTreeSet::new();
        for (at, start) in code.match_indices("use ") {
            if code[..at].ends_with(['\n', ' ']) && !code[at..].starts_with("use crate::") {
                let prefix = format!("{module}::");
                add_paths(&code[at + start.len()..], &prefix, &mut from_own_folder);
            }
        }
        Source { module, code, imports, from_own_folder }
    }

    fn is_in(&self, room: &str) -> bool {
        is_in(&self.module, room)
    }

    /// Whether a word of the code begins with `word`.
    fn uses(&self, word: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut found = self.code.match_indices(word);
        found.any(|(at, _)| !self.code[..at].ends_with(is_word))
    }
}

/// Adds the paths of a `use` tree, or the one path of an expression; returns what follows.
fn add_paths<'t>(text: &'t str, prefix: &str, paths: &mut BTreeSet<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.trim_start().starts_with('}') {
            rest = add_paths(rest, prefix, paths);
            rest = rest.split_once([',', '}']).map_or("", |(skipped, _)| &rest[skipped.len()..]);
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        return &rest.trim_start()[1..];
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    match rest.strip_prefix("::") {
        Some(more) if !more.starts_with('<') => {
            add_paths(more, &format!("{prefix}{name}::"), paths)
        }
        _ => {
            paths.insert(format!("{prefix}{name}"));
            rest
        }
    }
}

fn is_in(module: &str, room: &str) -> bool {
    module.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
