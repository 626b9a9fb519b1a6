//! A disk that is full.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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

    /// Takes all room that is left.
    fn fill(&self) -> PathBuf {
        let path = self.data.join("fill");
        let mut file = fs::File::create(&path).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
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
        let fill = small.fill();
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
