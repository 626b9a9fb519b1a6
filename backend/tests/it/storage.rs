//! A disk that is full.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::cli::{Serving, ostrakon};
use crate::place::Place;

/// A server whose data lie in a file system of 16 MB, which is gone with it.
struct Small {
    serving: Serving,
    client: Client,
    /// The data, from here.
    data: PathBuf,
}

/// Whether this user may have a file system of his own.
fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

impl Small {
    fn start(place: &Place) -> Small {
        fs::create_dir(place.folder().join("data")).unwrap();
        let served = ostrakon(place, &["serve", "--migrate"]);
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg("mount -t tmpfs -o size=16m tmpfs data && cd . && exec \"$0\" \"$@\"");
        command.arg(served.get_program()).args(served.get_args());
        command.current_dir(place.folder()).env("OSTRAKON_LISTEN", "127.0.0.1:0");
        for (name, value) in served.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let serving = Serving::spawn(command);
        let root = PathBuf::from(format!("/proc/{}/root", serving.pid()));
        let folder = place.folder().strip_prefix("/").unwrap();
        Small { serving, client: Client::new(), data: root.join(folder).join("data") }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.serving.address)
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.client.post(self.url(path)).json(body).send().await.unwrap()
    }

    /// What the program does there.
    fn run(&self, place: &Place, arguments: &[&str]) -> Output {
        let run = ostrakon(place, arguments);
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--wd", "--target"]);
        command.arg(self.serving.pid().to_string()).arg(run.get_program()).args(run.get_args());
        command.output().unwrap()
    }
}

/// Takes all room that is left in a folder's file system.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("fill");
    let mut file = fs::File::create(&path).unwrap();
    for size in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    path
}

async fn code(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    (status, body["code"].clone())
}

#[actix_web::test]
async fn a_full_disk_refuses_writes_alone_and_recovers_by_itself() {
    if !may_mount() {
        eprintln!("skipped: this user may not mount a file system of his own (unshare --user)");
        return;
    }
    let place = Place::new();
    let small = Small::start(&place);
    let account = json!({"name": "reader", "password": "a password of some length 7"});
    let registered = small.post("/api/accounts", &account).await;
    assert_eq!(registered.status(), 201);
    let cookie = registered.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let signed_in = async || {
        let request = small.client.get(small.url("/api/session")).header(COOKIE, &cookie);
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["account"]["name"].clone()
    };
    assert_eq!(signed_in().await, "reader");
    assert_eq!(small.get("/readyz").await.status(), 200);

    for _ in 0..2 {
        let fill = fill(&small.data);
        // A log may have room for a little.
        let mut ready = code(small.get("/readyz").await).await;
        for n in 0..1_000 {
            let other = json!({"name": format!("other{n}"), "password": "a password of length 7"});
            let (status, refusal) = code(small.post("/api/accounts", &other).await).await;
            ready = code(small.get("/readyz").await).await;
            if status != 201 {
                assert_eq!((status, refusal), (503, json!("storage_full")));
                break;
            }
        }
        assert_eq!(ready, (503, json!("storage_full")));
        assert_eq!(small.get("/healthz").await.status(), 200);
        assert_eq!(small.get("/api/products").await.status(), 200);
        assert_eq!(signed_in().await, "reader");

        fs::remove_file(fill).unwrap();
        assert_eq!(small.get("/readyz").await.status(), 200);
        let name = format!("later{}", fastrand::u64(..));
        let later = json!({"name": name, "password": "a password of length 7"});
        assert_eq!(small.post("/api/accounts", &later).await.status(), 201);
    }
}

#[actix_web::test]
async fn what_verify_finds_is_told_though_its_result_can_not_be_stored() {
    if !may_mount() {
        eprintln!("skipped: this user may not mount a file system of his own (unshare --user)");
        return;
    }
    let place = Place::new();
    let small = Small::start(&place);
    for finding in [false, true] {
        if finding {
            let file = small.data.join("reviews-2.sqlite3");
            let mut reviews = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
            let stray = "PRAGMA foreign_keys = OFF;
                INSERT INTO idempotency_key VALUES (700, 1, 'k', x'00', 1)";
            reviews.batch_execute(stray).unwrap();
        }
        let fill = fill(&small.data);
        for n in 0.. {
            assert!(n < 1_000, "the disk is full");
            let name = format!("account{n}of{finding}");
            let account = json!({"name": name, "password": "a password of length 7"});
            let (status, refusal) = code(small.post("/api/accounts", &account).await).await;
            if status != 201 {
                assert_eq!((status, refusal), (503, json!("storage_full")));
                break;
            }
        }
        let output = small.run(&place, &["verify"]);
        assert_eq!(output.status.code(), Some(i32::from(finding)), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.contains("all in their place"), !finding, "{said}");
        assert_eq!(said.contains("Idempotency-Key \"k\" of product 1 has no review"), finding);
        let warned = String::from_utf8(output.stderr).unwrap();
        assert_eq!(warned.lines().count(), 1, "{warned}");
        assert!(warned.contains("could not be stored") && warned.contains("disk is full"));
        fs::remove_file(fill).unwrap();
    }
    let output = small.run(&place, &["verify"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b""[..]));
}
