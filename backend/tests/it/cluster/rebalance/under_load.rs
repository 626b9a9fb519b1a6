//! Clients that write, change, report and read while buckets move: none of them notices.

use super::Growing;
use super::load::{self, Clients};

/// Drives a cluster with these numbers of databases while clients use it.
async fn use_while(start: u16, most: u16, drive: impl AsyncFn(&Growing)) -> Growing {
    let growing = Growing::start(start, most).await;
    let clients = Clients::of([growing.app.host()]);
    clients.use_while(&load::authors(&growing.app).await, drive(&growing)).await;
    growing.app.verify();
    clients.check().await;
    growing
}

on_every_engine!(from_one_database_to_two, async || {
    use_while(1, 2, async |growing: &Growing| growing.rebalance_partly_to(2).await).await;
});

on_every_engine!(from_three_databases_to_four_and_back, async || {
    let growing = use_while(3, 4, async |growing: &Growing| {
        growing.rebalance_partly_to(4).await;
        growing.rebalance_to(3).await;
    });
    let mut buckets = growing.await.buckets();
    buckets.sort_unstable();
    assert_eq!(buckets, [0, 341, 341, 342]);
});

on_every_engine!(from_eight_databases_to_seven, async || {
    use_while(8, 8, async |growing: &Growing| growing.rebalance_partly_to(7).await).await;
});

/// The whole way, which takes minutes.
mod soak {
    use super::*;
    use crate::support::engine::Engine;

    async fn grow_and_shrink() {
        let growing = use_while(3, 64, async |growing: &Growing| {
            for databases in [4, 8, 64, 3] {
                growing.rebalance_to(databases).await;
                let buckets = growing.buckets();
                let owning = buckets.iter().filter(|&&owned| owned > 0);
                assert_eq!(owning.clone().count(), usize::from(databases));
                assert!(owning.clone().max().unwrap() - owning.min().unwrap() <= 1, "{buckets:?}");
            }
        });
        println!("{:#}", growing.await.last().await["write_pauses"]);
    }

    #[actix_web::test]
    #[ignore = "run by just soak"]
    async fn from_three_databases_to_sixty_four_and_back_on_files() {
        let _on = Engine::Sqlite.enter();
        grow_and_shrink().await;
    }

    #[actix_web::test]
    #[ignore = "run by just soak"]
    async fn from_three_databases_to_sixty_four_and_back_on_servers() {
        let _on = Engine::Postgres.enter();
        grow_and_shrink().await;
    }
}
