//! Full disks.

use std::fs;

use reqwest::Response;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::cli::succeeds;
use crate::support::cluster::TestCluster;
use crate::support::postgres::Postgres;
use crate::support::small_disk::{BEFORE, DatabaseOnSmallDisk, ServerOnSmallDisk, fill, may_mount};
use crate::support::wait::wait_until;

async fn code(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    (status, body["code"].clone())
}

#[actix_web::test]
async fn a_full_disk_refuses_writes_alone_and_recovers_by_itself() {
    if !may_mount() {
        eprintln!("skipped: this user may not mount a file system of his own (unshare --user)");
        return;
    }
    let cluster = TestCluster::new();
    let server = ServerOnSmallDisk::start(&cluster, "data");
    let account = json!({"name": "reader", "password": "a password of some length 7"});
    let registered = server.post("/api/accounts", &account).await;
    assert_eq!(registered.status(), 201);
    let cookie = registered.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let signed_in = async || {
        let request = server.client.get(server.url("/api/session")).header(COOKIE, &cookie);
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["account"]["name"].clone()
    };
    assert_eq!(signed_in().await, "reader");
    assert_eq!(server.get("/readyz").await.status(), 200);

    for _ in 0..2 {
        let fill = fill(&server.disk);
        // A log may have room for a little.
        let mut ready = code(server.get("/readyz").await).await;
        for n in 0..1_000 {
            let other = json!({"name": format!("other{n}"), "password": "a password of length 7"});
            let (status, refusal) = code(server.post("/api/accounts", &other).await).await;
            ready = code(server.get("/readyz").await).await;
            if status != 201 {
                assert_eq!((status, refusal), (503, json!("storage_full")));
                break;
            }
        }
        assert_eq!(ready, (503, json!("storage_full")));
        assert_eq!(server.get("/healthz").await.status(), 200);
        assert_eq!(server.get("/api/products").await.status(), 200);
        assert_eq!(signed_in().await, "reader");

        fs::remove_file(fill).unwrap();
        assert_eq!(server.get("/readyz").await.status(), 200);
        let name = format!("later{}", fastrand::u64(..));
        let later = json!({"name": name, "password": "a password of length 7"});
        assert_eq!(server.post("/api/accounts", &later).await.status(), 201);
    }
}

#[actix_web::test]
async fn a_full_disk_of_a_server_is_reported_until_there_is_room() {
    let server = Postgres::start_new();
    let Some(small) = DatabaseOnSmallDisk::create(&server) else { return };
    let app = TestApp::start_with(1, |config| {
        config.default_url = Some(server.url("ostrakon").parse().unwrap());
        let url = small.url.parse().unwrap();
        config.reviews_urls = [("reviews-1".to_owned(), url)].into();
    })
    .await;

    for _ in 0..2 {
        let fill = fill(&small.disk());
        // These reviews fill the free space of existing pages.
        let review = json!({"body": "x".repeat(9_000)});
        let mut written = 0;
        let refused = loop {
            let response = app.post_review(1, &review).await;
            if response.status != 201 {
                break response;
            }
            written += 1;
            assert!(written < 10_000, "the disk is full");
        };
        assert_eq!(refused.problem(503), "storage_full");
        // Small reviews may still fit, but the database stays reported as full.
        for n in 0..50 {
            let small = app.post_review(2, &json!({"body": n.to_string()})).await;
            assert!(small.status == 201 || small.problem(503) == "storage_full");
            let ready = app.get("/readyz").await;
            assert_eq!(ready.problem(503), "storage_full");
            assert_eq!(ready.json()["detail"], "The disk of reviews-1 is full.");
        }
        assert_eq!(app.get("/api/products").await.status, 200);

        fs::remove_file(fill).unwrap();
        wait_until(|| app.get("/readyz"), |ready| ready.status == 200).await;
        assert_eq!(app.post_review(1, &review).await.status, 201);
    }
    app.verify();
}

#[actix_web::test]
async fn verify_reports_even_when_its_result_can_t_be_stored() {
    if !may_mount() {
        eprintln!("skipped: this user may not mount a file system of his own (unshare --user)");
        return;
    }
    for finding in [false, true] {
        let cluster = TestCluster::new();
        if finding {
            succeeds(&cluster, &["migrate"]);
            let stray = "INSERT INTO idempotency_key VALUES (700, 1, 'k', x'00', 1)";
            cluster.sql_without_foreign_keys("reviews-2", stray);
            fs::rename(cluster.folder().join("data"), cluster.folder().join(BEFORE)).unwrap();
        }
        let server = ServerOnSmallDisk::start(&cluster, "data");
        let fill = fill(&server.disk);
        for n in 0.. {
            assert!(n < 1_000, "the disk is full");
            let account =
                json!({"name": format!("account{n}"), "password": "a password of length 7"});
            let (status, refusal) = code(server.post("/api/accounts", &account).await).await;
            if status != 201 {
                assert_eq!((status, refusal), (503, json!("storage_full")));
                break;
            }
        }
        let verify = || {
            let output = server.run(&cluster, &["verify"]);
            assert_eq!(output.status.code(), Some(i32::from(finding)), "{output:?}");
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(said.contains("all in their place"), !finding, "{said}");
            let stray = "Idempotency-Key \"k\" of product 1 has no review";
            assert_eq!(said.contains(stray), finding, "{said}");
            String::from_utf8(output.stderr).unwrap()
        };
        let warned = verify();
        assert_eq!(warned.lines().count(), 1, "{warned}");
        assert!(warned.contains("could not be stored") && warned.contains("disk is full"));
        fs::remove_file(fill).unwrap();
        assert_eq!(verify(), "");
    }
}
