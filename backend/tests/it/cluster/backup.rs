//! Backups: made while somebody writes, checked, restored.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::cli::{Serving, demo, fails, ostrakon, run, succeeds};
use crate::support::engine::{Engine, engine};
use crate::support::place::{Place, open};

const REVIEWS: [&str; 3] = ["reviews-1", "reviews-2", "reviews-3"];

fn serve(place: &Place) -> Serving {
    let mut command = ostrakon(place, &["serve"]);
    command.env("OSTRAKON_LISTEN", "127.0.0.1:0");
    for limit in ["REVIEWS_PER_MINUTE", "REGISTRATIONS_PER_HOUR", "SIGN_INS_PER_MINUTE"] {
        command.env(format!("OSTRAKON_{limit}"), "0");
    }
    Serving::spawn(command)
}

fn send(to: &Serving, method: Method, path: &str, session: &str, body: &Value) -> Answer {
    let url = format!("http://{}{path}", to.address);
    let request = reqwest::Client::new().request(method, url).header("cookie", session).json(body);
    actix_web::rt::System::new().block_on(async {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    })
}

/// Registers; returns the session's cookie.
fn register(at: &Serving, name: &str) -> String {
    let credentials = json!({"name": name, "password": "a long sentence"});
    let answer = send(at, Method::POST, "/api/accounts", "", &credentials);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Writes a review of a product; returns its id.
fn review(at: &Serving, product: u32, session: &str, text: &str) -> String {
    let path = format!("/api/products/{product}/reviews");
    let answer = send(at, Method::POST, &path, session, &json!({"body": text, "rating": 4}));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn status(at: &Serving, path: &str, session: &str) -> u16 {
    send(at, Method::GET, path, session, &Value::Null).status.as_u16()
}

/// The only backup in the folder `backups`, which is named by the time.
fn the_backup(place: &Place) -> PathBuf {
    let mut found = backups(place);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn backups(place: &Place) -> Vec<PathBuf> {
    let entries = place.folder().join("backups").read_dir().unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

fn said(output: &Output) -> String {
    let both = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8(both).unwrap()
}

#[track_caller]
fn exits(place: &Place, arguments: &[&str], code: i32) -> String {
    let output = run(place, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    said(&output)
}

fn lose_all(place: &Place) {
    ["default"].into_iter().chain(REVIEWS).for_each(|database| place.lose(database));
}

on_engines!(what_was_acknowledged_before_is_in_a_backup_made_under_writes, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    let serving = serve(&place);
    let author = register(&serving, "Aspasia");
    let own = review(&serving, 1, &author, "of an account");
    // As the first start makes it.
    let key = place.folder().join("data/secret-key");
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    fs::write(&key, "a secret of this cluster, which nobody guesses").unwrap();
    let secret = fs::read(&key).unwrap();
    let stop = AtomicBool::new(false);
    let (written, acknowledged) = mpsc::channel();
    let before = std::thread::scope(|scope| {
        for writer in 0..4 {
            let (written, serving, stop) = (written.clone(), &serving, &stop);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let text = format!("{n} by {writer}");
                    written.send(review(serving, n % 62 + 1, "", &text)).unwrap();
                }
            });
        }
        let before: Vec<String> = acknowledged.iter().take(40).collect();
        let output = run(&place, &["backup", "backups"]);
        stop.store(true, Ordering::Relaxed);
        assert!(output.status.success(), "{output:?}");
        before
    });
    let backup = the_backup(&place);
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let manifest: Value =
        serde_json::from_slice(&fs::read(backup.join("manifest.json")).unwrap()).unwrap();
    let names = manifest["databases"].as_array().unwrap().iter().map(|saved| &saved["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["reviews-1", "reviews-2", "reviews-3", "default"]);
    for folder in ["backups", backup.to_str().unwrap()] {
        let checked = succeeds(&place, &["backup", "check", folder]);
        assert!(checked.contains("4 databases") && checked.contains("as the manifest says"));
    }

    let checked = succeeds(&place, &["backup", "check", "backups", "--json"]);
    let checked: Value = serde_json::from_str(&checked).unwrap();
    assert_eq!((&checked["databases"], &checked["problems"]), (&json!(4), &json!([])));
    assert!(checked["rows"].as_u64().unwrap() > 5_000);

    drop(serving);
    lose_all(&place);
    fs::remove_file(&key).unwrap();
    let restored = succeeds(&place, &["restore", "backups"]);
    assert!(restored.contains("all in their place"), "{restored}");
    assert!(restored.contains("ended 1 sessions and 0 API tokens"), "{restored}");
    assert_eq!(fs::read(&key).unwrap(), secret);
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let serving = serve(&place);
    for id in before.iter().chain([&own]) {
        assert_eq!(status(&serving, &format!("/api/reviews/{id}"), ""), 200, "{id}");
    }
    assert_eq!(status(&serving, "/api/session", &author), 401);
    if engine() == Engine::Sqlite {
        for database in ["default", "reviews-3"] {
            let mode = "SELECT journal_mode AS value FROM pragma_journal_mode";
            assert_eq!(place.texts(database, mode), ["wal"]);
        }
    }
    // It is a cluster as any other.
    review(&serving, 2, &register(&serving, "Pericles"), "new");
    drop(serving);
    succeeds(&place, &["verify"]);
    succeeds(&place, &["backup", "backups"]);
});

/// A file of the backup of `reviews-2` that has rows.
fn a_file(backup: &Path) -> PathBuf {
    if engine() == Engine::Sqlite {
        return backup.join("reviews-2.sqlite3");
    }
    let files = backup.join("reviews-2").read_dir().unwrap().map(|entry| entry.unwrap().path());
    files.max_by_key(|file| file.metadata().unwrap().len()).unwrap()
}

on_engines!(what_is_damaged_is_found_and_not_restored, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let backup = the_backup(&place);
    let file = a_file(&backup);
    let manifest = backup.join("manifest.json");
    lose_all(&place);
    let nothing_changed = || match engine() {
        Engine::Sqlite => assert!(!place.file("default").exists()),
        _ => assert_eq!(
            place.number("default", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
            0
        ),
    };
    let refused = |finding: &str| {
        let found = exits(&place, &["backup", "check", "backups"], 1);
        assert!(found.contains(finding), "{finding}: {found}");
        let refused = exits(&place, &["restore", "backups"], 2);
        assert!(refused.contains(finding), "{finding}: {refused}");
        nothing_changed();
    };
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&file, flipped).unwrap();
    refused("is damaged");
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    refused("by the manifest");
    fs::remove_file(&file).unwrap();
    refused("No such file");
    fs::write(&file, &whole).unwrap();
    if engine() == Engine::Postgres {
        fs::write(file.with_file_name("more"), "").unwrap();
        refused("is not in the manifest");
        fs::remove_file(file.with_file_name("more")).unwrap();
    }

    let says = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, &says[..says.len() / 2]).unwrap();
    refused("not a manifest");
    fs::write(&manifest, says.replacen("\"format\":1", "\"format\":2", 1)).unwrap();
    refused("format 2");
    fs::write(&manifest, says.replacen("\"reviews-2\"", "\"reviews-4\"", 1)).unwrap();
    exits(&place, &["backup", "check", "backups"], 1);
    exits(&place, &["restore", "backups"], 2);
    nothing_changed();
    fs::write(&manifest, says).unwrap();
    succeeds(&place, &["backup", "check", "backups"]);
    succeeds(&place, &["restore", "backups"]);
});

on_engines!(rows_that_the_manifest_does_not_have_are_no_restore, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let manifest = the_backup(&place).join("manifest.json");
    let mut says: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let saved = &mut says["databases"][1]["tables"]["review"][0];
    saved["hash"] = Value::from("0".repeat(32));
    fs::write(&manifest, says.to_string()).unwrap();
    lose_all(&place);
    let said = match engine() {
        Engine::Sqlite => exits(&place, &["restore", "backups"], 2),
        // What pg_dump has saved can be counted when it is restored.
        _ => exits(&place, &["restore", "backups"], 1),
    };
    assert!(said.contains("reviews-2: review: other rows"), "{said}");
    fails(ostrakon(&place, &["serve"]), 2);
});

on_engines!(a_backup_has_its_name_when_it_is_whole_and_the_oldest_go, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    let folder = place.folder().join("backups");
    let leftover = folder.join("2026-01-01T00-00-00.000Z.partial");
    let others = [folder.join("2026-01-01T00-00-00.000Z"), folder.join("mine.partial")];
    for folder in [&leftover, &others[0], &others[1]] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("default.sqlite3"), "half").unwrap();
    }
    let said = fails(ostrakon(&place, &["backup", "check", "backups"]), 2);
    assert!(said.contains("holds no backup"), "{said}");
    fails(ostrakon(&place, &["restore", "backups"]), 2);

    succeeds(&place, &["backup", "backups"]);
    assert!(!leftover.exists());
    // Another cluster's, and what is no backup, stays.
    let another = demo();
    let elsewhere = folder.to_str().unwrap();
    succeeds(&another, &["backup", elsewhere]);
    let first: HashSet<_> = backups(&place).into_iter().collect();
    assert_eq!(first.len(), 4, "{first:?}");
    succeeds(&place, &["backup", "backups"]);
    let said = succeeds(&place, &["backup", "backups", "--keep", "2"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    let left: HashSet<_> = backups(&place).into_iter().collect();
    assert_eq!(left.len(), 5, "{left:?}");
    let gone: Vec<_> = first.difference(&left).collect();
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(others.iter().all(|other| other.exists()));

    // One at a time; one that fails leaves nothing, and deletes none.
    let lock = File::open(folder.join(".ostrakon-lock")).unwrap();
    lock.lock().unwrap();
    let said = fails(ostrakon(&place, &["backup", "backups", "--keep", "1"]), 1);
    assert!(said.contains("another backup"), "{said}");
    drop(lock);
    for bad in [&["backup"][..], &["backup", "backups", "--keep", "0"]] {
        fails(ostrakon(&place, bad), 2);
    }
    assert_eq!(backups(&place).into_iter().collect::<HashSet<_>>(), left);
});

/// Gives a backup the name that a clock of another year would have given it.
fn rename(backup: &Path, year: u16) -> PathBuf {
    let name = backup.file_name().unwrap().to_str().unwrap();
    let renamed = backup.with_file_name(format!("{year}{}", &name[4..]));
    fs::rename(backup, &renamed).unwrap();
    renamed
}

on_engines!(a_clock_that_was_wrong_once_costs_no_backup, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    let newest = || {
        let checked = succeeds(&place, &["backup", "check", "backups", "--json"]);
        let checked: Value = serde_json::from_str(&checked).unwrap();
        PathBuf::from(checked["folder"].as_str().unwrap()).file_name().unwrap().to_owned()
    };
    let the_new_one = |before: &[PathBuf]| {
        let new: Vec<_> = backups(&place).into_iter().filter(|it| !before.contains(it)).collect();
        assert_eq!(new.len(), 1, "{new:?}");
        new[0].clone()
    };
    succeeds(&place, &["backup", "backups"]);
    let ahead = rename(&the_backup(&place), 2068);
    let output = run(&place, &["backup", "backups", "--keep", "1"]);
    assert!(output.status.success(), "{output:?}");
    let said = said(&output);
    assert!(said.contains("dated ahead of the clock") && said.contains("deleted"), "{said}");
    let right = the_backup(&place);
    assert_ne!(right, ahead);

    succeeds(&place, &["backup", "backups"]);
    let behind = rename(&the_new_one(std::slice::from_ref(&right)), 2001);
    assert_eq!(Some(newest().as_os_str()), behind.file_name());
    succeeds(&place, &["backup", "backups", "--keep", "2"]);
    assert!(behind.exists() && !right.exists());
    let last = rename(&the_new_one(std::slice::from_ref(&behind)), 2000);
    lose_all(&place);
    let restored = succeeds(&place, &["restore", "backups"]);
    let name = last.file_name().unwrap().to_str().unwrap();
    assert!(restored.contains(name), "{restored}");

    // Those of a program that did not count them.
    for backup in backups(&place) {
        let manifest = backup.join("manifest.json");
        let mut says: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
        assert!(says.as_object_mut().unwrap().remove("sequence").is_some());
        fs::write(&manifest, says.to_string()).unwrap();
    }
    assert_eq!(Some(newest().as_os_str()), behind.file_name());
    let ahead = rename(&behind, 2068);
    assert_eq!(Some(newest().as_os_str()), last.file_name());
    succeeds(&place, &["backup", "backups", "--keep", "2"]);
    assert!(last.exists() && !ahead.exists());
});

#[test]
fn empty_files_and_files_without_tables_are_filled() {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    lose_all(&place);
    let without_tables = "PRAGMA journal_mode = WAL; CREATE TABLE gone (n); DROP TABLE gone;";
    fs::write(place.file("default"), "").unwrap();
    fs::write(place.file("reviews-1"), "").unwrap();
    place.sql("reviews-2", without_tables);
    let restored = succeeds(&place, &["restore", "backups"]);
    assert!(restored.contains("5000 reviews in 3 databases, all in their place"), "{restored}");
    for database in ["reviews-3", "default"] {
        place.lose(database);
        place.sql(database, without_tables);
        succeeds(&place, &["restore", "backups", "--database", database]);
        place.empty(database);
        succeeds(&place, &["restore", "backups", "--database", database]);
    }
    // What SQLite would apply to the next file of that name is as bad beside an empty one.
    place.empty("reviews-1");
    fs::write(place.file("reviews-1").with_extension("sqlite3-wal"), "left").unwrap();
    let said = fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-1"]), 2);
    assert!(said.contains("reviews-1.sqlite3-wal is left"), "{said}");
    fs::remove_file(place.file("reviews-1").with_extension("sqlite3-wal")).unwrap();
    succeeds(&place, &["restore", "backups", "--database", "reviews-1"]);
    review(&serve(&place), 1, "", "new");
    succeeds(&place, &["verify"]);
}

#[test]
fn a_database_that_is_a_link_is_restored_where_it_leads() {
    let place = demo();
    let (disk, link) = (place.folder().join("disk"), place.file("reviews-1"));
    let real = disk.join("one.sqlite3");
    fs::create_dir(&disk).unwrap();
    fs::rename(&link, &real).unwrap();
    symlink("../disk/one.sqlite3", &link).unwrap();
    succeeds(&place, &["backup", "backups"]);
    fs::remove_file(&real).unwrap();
    let wal = disk.join("one.sqlite3-wal");
    fs::write(&wal, "left").unwrap();
    let restore = ["restore", "backups", "--database", "reviews-1"];
    let said = fails(ostrakon(&place, &restore), 2);
    assert!(said.contains("one.sqlite3-wal is left"), "{said}");
    fs::remove_file(&wal).unwrap();
    succeeds(&place, &restore);
    assert!(link.symlink_metadata().unwrap().is_symlink() && real.exists());

    // The same of all, with the key of the data folder, and of files that are yet to be made.
    let (key, real_key) = (place.folder().join("data/secret-key"), disk.join("key"));
    fs::write(&real_key, "a secret of this cluster, which nobody guesses").unwrap();
    symlink(&real_key, &key).unwrap();
    succeeds(&place, &["backup", "backups"]);
    REVIEWS[1..].iter().chain(&["default"]).for_each(|database| place.lose(database));
    fs::remove_file(&real).unwrap();
    fs::remove_file(&real_key).unwrap();
    succeeds(&place, &["restore", "backups"]);
    for (link, real) in [(&link, &real), (&key, &real_key)] {
        assert!(link.symlink_metadata().unwrap().is_symlink() && real.exists());
    }
    let new = Place::new();
    fs::create_dir_all(new.folder().join("data")).unwrap();
    symlink("../elsewhere.sqlite3", new.file("reviews-2")).unwrap();
    succeeds(&new, &["migrate"]);
    assert!(new.folder().join("elsewhere.sqlite3").exists());
    succeeds(&new, &["verify"]);
}

on_engines!(a_backup_among_the_data_is_refused, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    fs::create_dir_all(place.folder().join("data")).unwrap();
    symlink("data", place.folder().join("link")).unwrap();
    for folder in ["data", "data/backups/daily", "link/backups", "backups/../data/."] {
        let said = fails(ostrakon(&place, &["backup", folder]), 2);
        assert!(said.contains("a backup belongs elsewhere"), "{said}");
    }
    assert!(!place.folder().join("data/backups").exists());
    if engine() == Engine::Sqlite {
        let mut elsewhere = ostrakon(&place, &["backup", "data"]);
        elsewhere.env("OSTRAKON_DATA_DIR", "other");
        let files = ["default", "reviews-1"].map(|name| format!("sqlite:data/{name}.sqlite3"));
        elsewhere.env("OSTRAKON_DEFAULT_URL", &files[0]).env("OSTRAKON_REVIEWS_URLS", &files[1]);
        fails(elsewhere, 2);
    }
    succeeds(&place, &["backup", "database"]);
});

on_engines!(one_reviews_database_of_three_can_be_restored, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let serving = serve(&place);
    let written: Vec<_> = (1..=60).map(|n| review(&serving, n, "", "since")).collect();
    drop(serving);
    let count = |database| place.number(database, "SELECT count(*) FROM review");
    let before = REVIEWS.map(count);
    let said = fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-2"]), 2);
    assert!(said.contains("reviews-2") && said.contains("is not empty"), "{said}");
    fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-9"]), 2);

    place.lose("reviews-2");
    if engine() == Engine::Sqlite {
        // What SQLite would apply to the next file of that name.
        let wal = place.file("reviews-2").with_extension("sqlite3-wal");
        fs::write(&wal, "left").unwrap();
        let said = fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-2"]), 2);
        assert!(said.contains("reviews-2.sqlite3-wal is left"), "{said}");
        fs::remove_file(wal).unwrap();
    }
    let said = succeeds(&place, &["restore", "backups", "--database", "reviews-2"]);
    assert!(said.contains("reviews-2 is as of") && !said.contains("sessions"), "{said}");
    let after = REVIEWS.map(count);
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert!(after[1] < before[1], "{before:?} {after:?}");
    let serving = serve(&place);
    let there =
        written.iter().filter(|id| status(&serving, &format!("/api/reviews/{id}"), "") == 200);
    assert_eq!(there.count() as i64, 60 - (before[1] - after[1]));
});

/// Registers somebody after the backup, who writes; returns the session, the account's id and the
/// review's.
fn late(place: &Place) -> (String, i64, String) {
    let serving = serve(place);
    let session = register(&serving, "late");
    let id = review(&serving, 1, &session, "mine");
    drop(serving);
    let account = place.number("default", "SELECT id FROM account WHERE name = 'late'");
    (session, account, id)
}

/// Whoever registers next gets an id above a lost account's, and none of its reviews.
fn next_is_somebody_else(place: &Place, account: i64, reviewed: &str, old_session: &str) {
    let serving = serve(place);
    assert_eq!(status(&serving, "/api/session", old_session), 401);
    let session = register(&serving, "next");
    let own = send(&serving, Method::GET, "/api/accounts/me/reviews", &session, &Value::Null);
    assert_eq!(own.json()["items"], json!([]));
    assert_eq!(status(&serving, &format!("/api/reviews/{reviewed}"), ""), 200);
    review(&serving, 1, &session, "another one's");
    drop(serving);
    let next = place.number("default", "SELECT id FROM account WHERE name = 'next'");
    assert!(next > account, "{next} {account}");
}

on_engines!(an_older_default_gives_nobody_a_lost_account_s_reviews, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let (session, account, reviewed) = late(&place);
    place.lose("default");
    let said = succeeds(&place, &["restore", "backups", "--database", "default"]);
    assert!(said.contains(&format!("account {account}.")), "{said}");
    assert!(said.contains("default is as of") && !said.contains("reviews-1 is"), "{said}");
    next_is_somebody_else(&place, account, &reviewed, &session);
    // Its ids can't be compared with those of a database that is missing as well.
    place.lose("default");
    place.lose("reviews-2");
    let said = fails(ostrakon(&place, &["restore", "backups", "--database", "default"]), 2);
    assert!(said.contains("reviews-2") && said.contains("one more --database"), "{said}");
    let both = ["restore", "backups", "--database", "default", "--database", "reviews-2"];
    succeeds(&place, &both);
    // A lost product's id is nobody's either.
    place.sql("default", "INSERT INTO product (name, search_text) VALUES ('new', 'new')");
    assert!(place.number("default", "SELECT max(id) FROM product") > 1_000);
});

on_engines!(an_older_default_of_other_tools_is_not_served_before_it_is_repaired, [sqlite Sqlite, postgres Postgres], || {
    let (place, other) = (demo(), Place::new());
    fs::create_dir_all(other.folder().join("data")).unwrap();
    other.replace("default", &place, "default");
    let (session, account, reviewed) = late(&place);
    place.replace("default", &other, "default");
    for command in [&["serve"][..], &["demo"], &["account", "create", "next"]] {
        let said = fails(ostrakon(&place, command), 2);
        assert!(said.contains("`ostrakon restore --repair-ids`"), "{said}");
        assert!(said.contains(&format!("account {account}:")), "{said}");
    }
    // What looks only, may.
    for command in ["verify", "databases"] {
        succeeds(&place, &[command]);
    }
    let said = succeeds(&place, &["restore", "--repair-ids"]);
    assert!(said.contains(&format!("account {account}.")), "{said}");
    next_is_somebody_else(&place, account, &reviewed, &session);

    // A product that is missing, too; its reviews are found.
    let last = "UPDATE review SET product_id = 70 WHERE (product_id, id) =
                (SELECT product_id, id FROM review ORDER BY product_id, id LIMIT 1)";
    place.sql_without_foreign_keys("reviews-1", last);
    place.sql(
        "default",
        match engine() {
            Engine::Sqlite => "UPDATE sqlite_sequence SET seq = 62 WHERE name = 'product'",
            _ => "SELECT setval(pg_get_serial_sequence('product', 'id'), 62)",
        },
    );
    let said = fails(ostrakon(&place, &["serve"]), 2);
    assert!(said.contains("reviews name product 70"), "{said}");
    let said = exits(&place, &["restore", "--repair-ids"], 1);
    assert!(said.contains("them: product 70.") && said.contains("verify: 3 problems"), "{said}");
});

on_engines!(an_interrupted_restore_serves_nothing_and_goes_on, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    lose_all(&place);
    drop(place.config(3));
    let obstacle = place.file("reviews-3").with_extension("sqlite3.partial");
    match engine() {
        Engine::Sqlite => fs::create_dir_all(&obstacle).unwrap(),
        _ => place.sql("reviews-3", "CREATE TABLE review_id (n INTEGER)"),
    }
    let said = exits(&place, &["restore", "backups"], 1);
    assert!(said.contains("not finished"), "{said}");
    for command in ["serve", "migrate", "backup"] {
        let arguments = if command == "backup" { &["backup", "backups"][..] } else { &[command] };
        let said = exits(&place, arguments, 2);
        assert!(said.contains("only in part filled by `ostrakon restore`"), "{said}");
    }
    // Another backup is none of its business.
    match engine() {
        Engine::Sqlite => fs::remove_dir(&obstacle).unwrap(),
        _ => place.sql("reviews-3", "DROP TABLE review_id"),
    }
    let said = succeeds(&place, &["restore", "backups"]);
    assert!(said.contains("5000 reviews in 3 databases, all in their place"), "{said}");
    let serving = serve(&place);
    let said = fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-1"]), 2);
    let open = if engine() == Engine::Sqlite { "already" } else { "is used by" };
    assert!(said.contains(open), "{said}");
    drop(serving);
    let said = fails(ostrakon(&place, &["restore", "backups"]), 2);
    assert!(said.contains("has been restored here already"), "{said}");
    review(&serve(&place), 1, "", "since");
    let said = fails_all(&place, &["restore", "backups"]);
    assert!(said.lines().count() == 4 && said.contains("is not empty"), "{said}");
});

fn fails_all(place: &Place, arguments: &[&str]) -> String {
    exits(place, arguments, 2)
}

#[test]
fn a_server_is_stopped_before_its_databases_are_restored() {
    let _on = Engine::Postgres.enter();
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let serving = Serving::start(&place);
    assert_eq!(serving.get("/readyz"), "{\"status\":\"ok\"}");
    for arguments in [&["restore", "backups"][..], &["restore", "--repair-ids"]] {
        let said = exits(&place, arguments, 2);
        assert!(said.contains("default: it is used by"), "{said}");
        assert!(!said.contains("is not empty"), "{said}");
    }
}

#[test]
fn a_file_is_not_restored_under_a_server_that_has_it_open() {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let serving = Serving::start(&place);
    place.lose("reviews-2");
    let restore = ["restore", "backups", "--database", "reviews-2"];
    let said = fails(ostrakon(&place, &restore), 2);
    assert!(said.contains("served by another process"), "{said}");
    drop(serving);
    succeeds(&place, &restore);
}

/// A backup that an older program has made is migrated when it is restored.
#[test]
fn a_backup_of_an_older_program_is_restored() {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let backup = the_backup(&place);
    let (copy, manifest) = (backup.join("default.sqlite3"), backup.join("manifest.json"));
    let down = include_str!(
        "../../../../migrations/sqlite/default/2026-11-27-050000_product_ids/down.sql"
    );
    let version = "DELETE FROM __diesel_schema_migrations WHERE version = '20261127050000'";
    let sqlite = |sql: &str| {
        use diesel::connection::SimpleConnection;
        open(&copy).batch_execute(sql).unwrap();
    };
    sqlite(down);
    sqlite(version);
    let mut says: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let bytes = fs::read(&copy).unwrap();
    let sha256: String = {
        use sha2::{Digest, Sha256};
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let saved = &mut says["databases"][3];
    saved["files"]["default.sqlite3"] = json!({"bytes": bytes.len(), "sha256": sha256});
    saved["migrations"].as_array_mut().unwrap().retain(|version| version != "20261127050000");
    fs::write(&manifest, says.to_string()).unwrap();
    lose_all(&place);
    succeeds(&place, &["backup", "check", "backups"]);
    succeeds(&place, &["restore", "backups"]);
    assert!(!succeeds(&place, &["migrate", "--status"]).contains("pending"));
}

// Of a coordinator, pg_dump would save tables without rows.
on_engines!(citus_is_refused, [citus Citus], || {
    let place = demo();
    let said = fails(ostrakon(&place, &["backup", "backups"]), 1);
    assert!(said.contains("it is a Citus coordinator"), "{said}");
    assert!(!place.folder().join("backups").exists());
});

#[test]
fn pg_dump_must_be_there_and_not_older_than_the_server() {
    let _on = Engine::Postgres.enter();
    let place = demo();
    let programs = place.folder().join("programs");
    fs::create_dir(&programs).unwrap();
    let backup = || {
        let mut command = ostrakon(&place, &["backup", "backups"]);
        command.env("PATH", &programs);
        fails(command, 1)
    };
    assert!(backup().contains("pg_dump is not installed"));
    let old = programs.join("pg_dump");
    fs::write(&old, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n").unwrap();
    Command::new("chmod").arg("755").arg(&old).status().unwrap();
    let said = backup();
    assert!(said.contains("pg_dump is version 9, older than this server"), "{said}");
    assert!(!place.folder().join("backups").exists());
}
