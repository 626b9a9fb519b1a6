//! The rules of imports, checked on the sources: each rule is a sentence of ARCHITECTURE.md, and fails
//! with it.

mod source;

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::source::{Source, is_in, sources};

/// The sources that the rules are about.
const BACKEND: &str = "backend/src";

/// From the bottom up: each imports only from those before it.
const LAYERS: [&str; 8] = ["text", "shard", "db", "store", "http", "config", "demo", "cli"];

/// The submodules of `store` from the bottom up; those in one line know nothing of each other.
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
    &["app_data", "background", "blocking", "cookie", "deadlines", "openapi", "rate_limit"],
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
    let knows = |source: &Source| source.code.contains("actix") && !source.is_in("http");
    check("Only `http` knows actix and statuses.", knows);
}

#[test]
fn only_db_knows_diesel() {
    let knows = |source: &Source| source.code.contains("diesel") && !source.is_in("db");
    check("Only `db` knows diesel.", knows);
}

#[test]
fn tables_match_on_no_engine() {
    let engines =
        ["Connection::Sqlite", "Connection::Postgres", "Address::Sqlite", "Address::Postgres"];
    let backends = ["SqliteConnection", "PgConnection", "diesel::sqlite", "diesel::pg"];
    let sentence = "Only `db/dialect` and `db/connection` match on connections and addresses; \
                    others ask an address for its file.";
    check(sentence, |source| {
        let may_match = source.is_in("db::dialect") || source.is_in("db::connection");
        let names = |names: &[&str]| names.iter().any(|name| source.uses(name));
        !may_match && names(&engines) || source.is_in("db::tables") && names(&backends)
    });
}

#[test]
fn shard_and_text_are_pure() {
    check("`shard` and `text` are pure: no IO, no clock, no random numbers.", |source| {
        (source.is_in("shard") || source.is_in("text")) && is_impure(source)
    });
}

#[test]
fn imports_point_down() {
    let sentence = "Imports point down: cli → config → http → store → db → shard.";
    check(sentence, |source| !is_root(source) && layer_of(&source.module).is_none());
    check_imports(sentence, |source, import| leaves_layers(&source.module, import));
}

#[test]
fn only_config_and_store_know_db() {
    let may = ["db", "store", "config"];
    check_imports("`http`, `demo` and `cli` reach the databases through `store`.", |source, to| {
        is_in(to, "db") && !may.iter().any(|layer| source.is_in(layer))
    });
}

#[test]
fn submodules_of_store_import_downwards() {
    let sentence = "The submodules of `store` import downwards: cluster → reviews → accounts, \
                    catalog → audit → routing; none of them knows `Store`.";
    check_imports(sentence, |source, import| points_up("store", &STORE, &source.module, import));
}

#[test]
fn submodules_of_http_import_downwards() {
    let sentence = "The submodules of `http` import downwards: routes → endpoints → spa → render, \
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
    let folders = [
        "shared/src",
        "backend/src",
        "backend/tests/it",
        "backend/tests/move_protocol",
        "frontend/src",
        "bench/src",
    ];
    let circles = folders.iter().flat_map(|folder| circles(&sources(folder)));
    let sentence =
        "Imports form no circle, except that a file may import from the file above its folder.";
    report(sentence, circles.collect());
}

#[test]
fn paths_to_other_files_begin_with_the_crate() {
    check("Paths to other files begin with `crate::`.", climbs);
}

#[test]
fn sources_are_read_as_the_compiler_does() {
    let code = "use crate::{db, store::reviews::{self, list::{A, B as C}}}; // crate::no\n\
                pub(in crate::store) fn f() { crate::shard::mine_id::<u8>(crate::text::fold) }";
    let read = Source::new("http::f", code);
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
}

#[test]
fn submodules_are_ranked() {
    assert!(points_up("store", &STORE, "store::audit", "store::accounts::Accounts"));
    assert!(points_up("store", &STORE, "store::catalog::admin", "store::accounts::Accounts"));
    assert!(points_up("store", &STORE, "store::audit", "store::Store"));
    assert!(points_up("store", &STORE, "store::new", "store::error::StoreError"));
    assert!(!points_up("store", &STORE, "store::reviews::list", "store::reviews::own::f"));
    assert!(!points_up("store", &STORE, "store::reviews::list", "store::catalog::Catalog"));
    assert!(!points_up("store", &STORE, "store", "store::reviews::Reviews"));
    assert!(points_up("http", &HTTP, "http::response::problem", "http::response::json::Fresh"));
    assert!(!points_up("http", &HTTP, "http::response::json", "http::response::problem::ApiError"));
}

#[test]
fn no_rule_can_be_evaded() {
    // A layer under its own name leads to all that is in it.
    for code in ["use crate::store;", "use crate::{store as all, db};", "use crate::store::{self};"]
    {
        let read = Source::new("store::audit", code);
        let mut imports = read.imports.iter();
        assert!(imports.any(|to| points_up("store", &STORE, &read.module, to)), "{code}");
    }
    assert!(!points_up("store", &STORE, "http::settings", "store"));
    // So does the root of the crate.
    for code in ["use crate::*;", "use crate::{self as root};", "use crate::Reexported;"] {
        let read = Source::new("db::pool", code);
        assert!(read.imports.iter().any(|to| leaves_layers(&read.module, to)), "{code}");
    }
    assert_eq!(layer_of("new_file"), None);
    for code in ["use crate as root;", "use super::*;", "use super::{a};", "use super as above;"] {
        assert!(climbs(&Source::new("db::pool", code)), "{code}");
    }
    let tests = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\npub(super) mod m;";
    assert!(!climbs(&Source::new("db::pool", tests)));
    for code in [
        "use std::{fs, fmt};",
        "use std::{fmt, {time::Instant}};",
        "fn f() { std::env::var(\"x\") }",
        "use std::*;",
        "use std as all;",
        "fn f() { fastrand::u64(..) }",
    ] {
        assert!(is_impure(&Source::new("text", code)), "{code}");
    }
    assert!(!is_impure(&Source::new("text", "use std::{collections::HashSet, fmt};")));
}

#[test]
fn circles_are_found() {
    let source = |module: &str, code: &str| Source::new(module, code);
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

/// The imports that are part of a circle. What a file imports from the file above its folder counts for
/// no circle.
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

/// Whether this import leads from one submodule of a layer to one above it, or beside it. One that is
/// not listed may not be there, and the layer itself leads to all of them.
fn points_up(layer: &str, submodules: &[&[&str]], module: &str, import: &str) -> bool {
    // The longest name that fits: `response::problem` is no part of `response`.
    let ranked = |path: &str| {
        let inside = path.strip_prefix(layer)?.strip_prefix("::")?;
        let ranked = submodules.iter().enumerate().flat_map(|(at, names)| {
            let fitting = names.iter().filter(|name| is_in(inside, name));
            fitting.map(move |name| (name.len(), at, *name))
        });
        Some(ranked.max().map(|(_, rank, name)| (rank, name)))
    };
    match (ranked(module), ranked(import)) {
        (Some(None), _) | (Some(_), Some(None)) => true,
        (Some(_), None) => import == layer,
        (Some(Some((own, own_name))), Some(Some((other, name)))) => {
            name != own_name && other >= own
        }
        (None, _) => false,
    }
}

/// `main.rs` and `lib.rs` are above all layers.
fn is_root(source: &Source) -> bool {
    source.module == "main" || source.module == "lib"
}

fn layer_of(path: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| is_in(path, layer))
}

/// Whether this import leads to a layer above, or to the root of the crate.
fn leaves_layers(module: &str, import: &str) -> bool {
    layer_of(import).is_none_or(|other| layer_of(module).is_some_and(|own| other > own))
}

/// Whether a path leads to the module above, other than that of a test, or names the crate anew.
fn climbs(source: &Source) -> bool {
    let only_tests = source.outside_tests().code.len();
    let mut above = source.code.match_indices("super::");
    above.any(|(at, _)| at < only_tests || !source.code[at..].starts_with("super::*"))
        || ["crate as", "crate self", "super as"].iter().any(|renamed| source.uses(renamed))
}

/// Whether this file reads files, the network, the environment, the clock or random numbers, other
/// than in its tests.
fn is_impure(source: &Source) -> bool {
    let std = ["env", "fs", "io", "net", "os", "process", "thread", "time", "*", "self"];
    let crates = ["diesel", "fastrand", "getrandom", "jiff", "rand::", "tokio", "std as"];
    let source = source.outside_tests();
    source.from_std.iter().any(|path| std.iter().any(|module| is_in(path, module)))
        || crates.iter().any(|name| source.uses(name))
}

/// Fails with the rule's sentence if a file breaks it.
fn check(sentence: &str, breaks: impl Fn(&Source) -> bool) {
    let sources = sources(BACKEND);
    let found = sources.iter().filter(|source| breaks(source)).map(|s| s.module.clone());
    report(sentence, found.collect());
}

/// The same for each import of a file.
fn check_imports(sentence: &str, breaks: impl Fn(&Source, &str) -> bool) {
    let mut found = Vec::new();
    for source in sources(BACKEND) {
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
