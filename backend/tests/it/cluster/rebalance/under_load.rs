//! Clients that write, change, delete, report, moderate and read while buckets move: none of them
//! notices.

use ostrakon::db::Address;

use super::Growing;
use super::load::{Accounts, Clients, Crowd};
use crate::support::app::TestApp;
use crate::support::cluster::TestCluster;
use crate::support::engine::Engine;
use crate::support::wait::wait_until;

/// Drives a cluster with these numbers of databases while some clients use it.
async fn use_while(start: u16, most: u16, drive: impl AsyncFn(&Growing)) -> Growing {
    let growing = Growing::start(start, most).await;
    let clients = Clients::of([growing.app.host()]);
    use_by(&clients, Crowd::SMALL, growing, drive).await
}

async fn use_by(
    clients: &Clients,
    crowd: Crowd,
    growing: Growing,
    drive: impl AsyncFn(&Growing),
) -> Growing {
    let accounts = Accounts::create(&growing.app).await;
    clients.use_while(crowd, &accounts, drive(&growing)).await;
    growing.app.verify();
    clients.check().await;
    growing
}

on_every_engine!(growing_from_one_database_to_two, async || {
    use_while(1, 2, async |growing: &Growing| growing.rebalance_partly_to(2).await).await;
});

on_every_engine!(growing_from_three_databases_to_four_and_back, async || {
    let growing = use_while(3, 4, async |growing: &Growing| {
        growing.rebalance_partly_to(4).await;
        growing.rebalance_to(3).await;
    });
    let mut buckets = growing.await.buckets();
    buckets.sort_unstable();
    assert_eq!(buckets, [0, 341, 341, 342]);
});

on_every_engine!(shrinking_from_eight_databases_to_seven, async || {
    use_while(8, 8, async |growing: &Growing| growing.rebalance_partly_to(7).await).await;
});

on_every_server!(from_a_file_to_a_server_and_back, async || {
    let server = TestCluster::new();
    let Address::Postgres(url) = server.address("reviews-2") else { unreachable!() };
    let _on = Engine::Sqlite.enter();
    let cluster = TestCluster::new();
    cluster.place("reviews-2", &url);
    let growing = Growing::start_on(cluster, 1, 2, |_| ()).await;
    let clients = Clients::of([growing.app.host()]);
    let growing = use_by(&clients, Crowd::SMALL, growing, async |growing: &Growing| {
        growing.rebalance_partly_to(2).await;
        growing.rebalance_to(1).await;
    });
    assert_eq!(growing.await.buckets(), [1_024, 0]);
});

/// The whole way, which takes minutes; on servers with two processes.
mod soak {
    use ostrakon::config::Config;

    use super::*;

    async fn grow_and_shrink(engine: Engine) {
        let _on = engine.enter();
        let configure = |config: &mut Config| {
            // The processes have a cache each, and tests expect answers of the same moment.
            config.cache_mib = 0;
            // One server has all databases.
            config.connections.read_connections = 2;
            config.connections.write_connections = 2;
        };
        let growing = Growing::start_on(TestCluster::new(), 3, 64, configure).await;
        let other = (engine != Engine::Sqlite).then(|| growing.app.start_second_process());
        let hosts = [Some(&growing.app), other.as_ref()].into_iter().flatten();
        let clients = Clients::of(hosts.map(TestApp::host));
        let grown = use_by(&clients, Crowd::LARGE, growing, async |growing: &Growing| {
            for databases in [4, 8, 64, 3] {
                let finished = growing.rebalance_to(databases).await;
                println!("{databases} databases, write pauses {}", finished["write_pauses"]);
                // The other process may have moved them.
                let is_even = |buckets: &Vec<u64>| {
                    let owning = buckets.iter().filter(|&&owned| owned > 0);
                    owning.clone().count() == usize::from(databases)
                        && owning.clone().max().unwrap() - owning.min().unwrap() <= 1
                };
                wait_until(async || growing.buckets(), is_even).await;
            }
        });
        let databases = grown.await.app.databases();
        let reviews = databases["items"].as_array().unwrap().iter();
        let reviews = reviews.map(|database| database["reviews"].as_u64().unwrap());
        println!("{} reviews", reviews.sum::<u64>());
    }

    #[actix_web::test]
    #[ignore = "run by just soak"]
    async fn from_three_databases_to_sixty_four_and_back_on_files() {
        grow_and_shrink(Engine::Sqlite).await;
    }

    #[actix_web::test]
    #[ignore = "run by just soak"]
    async fn from_three_databases_to_sixty_four_and_back_on_servers() {
        grow_and_shrink(Engine::Postgres).await;
    }
}
