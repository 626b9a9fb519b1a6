//! `ostrakon account`.

use crate::support::cli::{ServerProcess, fails, ostrakon, succeeds, with_password};
use crate::support::cluster::TestCluster;

on_every_engine!(accounts_can_be_managed, || {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    let create = |name: &str, role: &str, password: &str| {
        let output =
            with_password(&cluster, &["account", "create", name, "--role", role], password);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let said = |code, text: &str| (Some(code), format!("{text}\n"));
    assert_eq!(
        create("Aspasia", "admin", "a long sentence"),
        said(0, "account: created Aspasia (admin)")
    );
    assert_eq!(
        create("aspasia", "admin", "another sentence"),
        said(1, "error: this name is taken")
    );
    for (name, role, password, word) in [
        ("a b", "member", "a long sentence", "letters, digits"),
        ("pericles", "member", "1234567", "10 characters"),
        ("pericles", "member", "1234567890", "too easy to guess"),
        ("pericles", "member", "PERICLES", "must not be the name"),
        ("pericles", "member", "", "no password"),
        ("pericles", "king", "a long sentence", "member, moderator, admin"),
        ("x", "member", "x", "3 characters. A password"),
    ] {
        let (code, said) = create(name, role, password);
        assert_eq!((code, said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.starts_with("error: ") && said.contains(word), "{said}");
    }
    let unknown = fails(ostrakon(&cluster, &["account", "password", "pericles"]), 1);
    assert_eq!(unknown, "error: there is no account pericles\n");
    fails(ostrakon(&cluster, &["account", "disable", "pericles"]), 1);

    let server = ServerProcess::start(&cluster);
    let sign_in = |password: &str| {
        let body = serde_json::json!({"name": "aspasia", "password": password});
        server.post("/api/session", &body)
    };
    assert_eq!(sign_in("a long sentence"), 201);
    cluster.sql(
        "default",
        "INSERT INTO api_token (account_id, secret_hash, name, created_at)
         SELECT account_id, secret_hash, 'import', created_at FROM session",
    );
    let changed = with_password(&cluster, &["account", "password", "ASPASIA"], "another sentence");
    assert!(changed.status.success(), "{changed:?}");
    assert_eq!(
        String::from_utf8(changed.stdout).unwrap(),
        "account: ASPASIA has a new password; 1 session and 1 API token ended\n"
    );
    assert_eq!([sign_in("a long sentence"), sign_in("another sentence")], [401, 201]);
    assert_eq!(
        succeeds(&cluster, &["account", "disable", "aspasia"]),
        "account: Aspasia is disabled\n"
    );
    assert_eq!(sign_in("another sentence"), 401);
    let list = succeeds(&cluster, &["account", "list"]);
    let row: Vec<_> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["1", "Aspasia", "admin", "disabled"]);
    succeeds(&cluster, &["account", "enable", "aspasia"]);
    assert_eq!(sign_in("another sentence"), 201);
});

on_every_engine!(an_operator_sees_and_ends_sessions_and_tokens, || {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    let created = with_password(&cluster, &["account", "create", "Aspasia"], "a long sentence");
    assert!(created.status.success(), "{created:?}");
    let hash = |digits: &str| crate::support::engine::engine().bytes(digits);
    cluster.sql(
        "default",
        &format!(
            "INSERT INTO session (account_id, secret_hash, user_agent, created_at, expires_at)
             VALUES (1, {}, 'Lynx \u{1b}[2J', 0, 4000000000000), (1, {}, NULL, 0, 4000000000000);
             INSERT INTO api_token (account_id, secret_hash, name, scopes, created_at)
             VALUES (1, {}, 'import', 'read write', 0), (1, {}, 'export', 'read', 0)",
            hash("00"),
            hash("01"),
            hash("02"),
            hash("03")
        ),
    );
    let rows = |arguments: &[&str]| {
        let said = succeeds(&cluster, arguments);
        said.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let sessions = rows(&["account", "sessions", "ASPASIA"]);
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert!(sessions[1].ends_with("Lynx \u{fffd}[2J"), "{sessions:?}");
    let tokens = rows(&["account", "tokens", "aspasia"]);
    assert!(tokens[0].contains(" never ") && tokens[0].ends_with("read: export"), "{tokens:?}");
    let json = succeeds(&cluster, &["account", "tokens", "aspasia", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["items"][1]["scopes"], serde_json::json!(["read", "write"]));

    let revoke = |more: &[&str]| {
        let arguments = [&["account", "revoke", "aspasia"], more].concat();
        succeeds(&cluster, &arguments)
    };
    assert_eq!(revoke(&["--token", "1"]), "account: 0 sessions and 1 API token of Aspasia ended\n");
    assert_eq!(rows(&["account", "tokens", "aspasia"]), [tokens[0].clone()]);
    assert_eq!(revoke(&[]), "account: 2 sessions and 1 API token of Aspasia ended\n");
    assert_eq!(rows(&["account", "sessions", "aspasia"]).len(), 0);
    for (arguments, code) in [
        (&["account", "revoke", "aspasia", "--session", "7"][..], 1),
        (&["account", "revoke", "aspasia", "--session", "x"], 2),
        (&["account", "tokens", "nobody"], 1),
    ] {
        assert_eq!(fails(ostrakon(&cluster, arguments), code).lines().count(), 1);
    }
});
