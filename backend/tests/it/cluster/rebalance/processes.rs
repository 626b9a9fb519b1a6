//! Two processes on the same servers, both of which clients use while buckets move.

use std::rc::Rc;

use ostrakon::config::Config;
use serde_json::{Value, json};

use super::load::{Accounts, Clients, Crowd};
use super::{FEW, Growing, SOME};
use crate::support::cli::{ServerProcess, ostrakon, succeeds};
use crate::support::cluster::TestCluster;

on_every_server!(clients_of_two_processes_notice_no_move, async || {
    // Each process has a cache of its own.
    let no_cache = |config: &mut Config| config.cache_mib = 0;
    let growing = Growing::start_on(TestCluster::new(), 2, 3, no_cache).await;
    let other = growing.app.start_second_process();
    let clients = Clients::of([growing.app.host(), other.host()]);
    let accounts = Accounts::create(&growing.app).await;
    clients.use_while(Crowd::SMALL, &accounts, growing.rebalance_partly_to(3)).await;
    growing.app.verify();
    other.verify();
    clients.check().await;
});

/// A server as a process of its own, without a cache and without limits.
fn serve(cluster: &TestCluster) -> ServerProcess {
    let mut command = ostrakon(cluster, &["serve"]);
    for (name, value) in [
        ("LISTEN", "127.0.0.1:0"),
        ("CACHE_MIB", "0"),
        ("REVIEWS_PER_MINUTE", "0"),
        ("CHECKOUT_TIMEOUT_MS", "20000"),
        ("LOCK_TIMEOUT_MS", "20000"),
        ("STATEMENT_TIMEOUT_MS", "20000"),
    ] {
        command.env(format!("OSTRAKON_{name}"), value);
    }
    ServerProcess::spawn(command)
}

on_every_server!(when_the_process_that_moves_buckets_is_killed_the_other_goes_on, async || {
    let growing = Growing::start(2, 3).await;
    growing.add_until(3);
    let planned = growing.plan(&json!({"to_databases": 3})).await;
    let accounts = Accounts::create(&growing.app).await;
    let Growing { app, admin, .. } = growing;
    let cluster: Rc<TestCluster> = app.stop().await;

    let servers = [serve(&cluster), serve(&cluster)];
    let clients = Clients::of(servers.iter().map(|server| &*server.address));
    succeeds(&cluster, &["rebalance", "start", "--rate", "1000000"]);
    let (clients, cluster) = (&clients, &cluster);
    let killed = async {
        let moved =
            |buckets: u64| move |now: &Value| now["moved_buckets"].as_u64().unwrap() >= buckets;
        let before = clients.wait_for_rebalance(&admin, moved(SOME / 2)).await;
        let holder = "SELECT lease_holder AS value FROM rebalance WHERE state = 'running'";
        let holder = cluster.query_texts("default", holder).remove(0);
        let holds =
            |server: &ServerProcess| holder.starts_with(&format!("process {} ", server.pid()));
        let (killed, survivors): (Vec<_>, Vec<_>) = servers.into_iter().partition(holds);
        assert_eq!(killed.len(), 1, "{holder}");
        clients.leave(&killed[0].address);
        drop(killed);
        let before = before["moved_buckets"].as_u64().unwrap();
        clients.wait_for_rebalance(&admin, moved(before + FEW)).await;
        survivors
    };
    let survivors = clients.use_while(Crowd::SMALL, &accounts, killed).await;

    let is_finished = |now: &Value| now["state"] == "finished";
    let finished = clients.wait_for_rebalance(&admin, is_finished).await;
    assert_eq!(finished["moved_buckets"], planned["buckets"]);
    assert_eq!(finished["repaired_reviews"], 0);
    assert!(succeeds(cluster, &["verify"]).contains("in 3 databases, all in their place"));
    clients.check().await;
    drop(survivors);
});
