//! The tables, as the migrations leave them.
//!
//! Each migration that changes a column also changes this file, which diesel checks queries
//! against.

// `default` and reviews databases:
diesel::table! {
    cluster (singleton) {
        singleton -> Integer,
        id -> Text,
        database -> Text,
        hash -> Text,
        epoch -> Text,
        buckets -> Integer,
        spread -> Integer,
    }
}

diesel::table! {
    backfill (name) {
        name -> Text,
    }
}

// `default`:
diesel::table! {
    database (name) {
        name -> Text,
        position -> Integer,
        state -> Text,
        retired -> Bool,
    }
}

diesel::table! {
    map_version (singleton) {
        singleton -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    shard_map (bucket) {
        bucket -> SmallInt,
        database -> Text,
        epoch -> BigInt,
    }
}

diesel::table! {
    rebalance (id) {
        id -> BigInt,
        goal -> Text,
        state -> Text,
        planned_for -> BigInt,
        max_rate -> Nullable<BigInt>,
        created_at -> BigInt,
        started_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
        lease_holder -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        waits_for -> Nullable<Text>,
        waits_since -> Nullable<BigInt>,
    }
}

diesel::table! {
    process (name) {
        name -> Text,
        seen_at -> BigInt,
        databases -> Text,
    }
}

diesel::table! {
    bucket_move (id) {
        id -> BigInt,
        rebalance_id -> BigInt,
        bucket -> SmallInt,
        source -> Text,
        target -> Text,
        epoch -> BigInt,
        state -> Text,
        reviews -> BigInt,
        copied -> BigInt,
        repaired -> BigInt,
        write_pause_us -> Nullable<BigInt>,
        started_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    product (id) {
        id -> BigInt,
        name -> Text,
        description -> Nullable<Text>,
        sku -> Nullable<Text>,
        picture_url -> Nullable<Text>,
        search_text -> Text,
        archived -> Bool,
        version -> Integer,
    }
}

diesel::table! {
    account (id) {
        id -> BigInt,
        name -> Text,
        name_key -> Text,
        password_hash -> Text,
        role -> Text,
        disabled -> Bool,
        demo_password -> Bool,
        created_at -> BigInt,
        name_skeleton -> Text,
        search_text -> Text,
    }
}

diesel::table! {
    session (id) {
        id -> BigInt,
        account_id -> BigInt,
        secret_hash -> Binary,
        user_agent -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        proved_at -> BigInt,
    }
}

diesel::table! {
    api_token (id) {
        id -> BigInt,
        account_id -> BigInt,
        secret_hash -> Binary,
        name -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        scopes -> Text,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_entry (id) {
        id -> BigInt,
        action -> Text,
        at -> BigInt,
        last_at -> BigInt,
        count -> Integer,
        actor_id -> Nullable<BigInt>,
        actor_name -> Nullable<Text>,
        via -> Nullable<Text>,
        network -> Nullable<Text>,
        account_id -> Nullable<BigInt>,
        account_name -> Nullable<Text>,
        product_id -> Nullable<BigInt>,
        changes -> Text,
    }
}

diesel::table! {
    verification (database) {
        database -> Text,
        started_at -> BigInt,
        finished_at -> BigInt,
        reviews -> BigInt,
        problem_count -> BigInt,
        problems -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(account, session, api_token);

// Reviews databases:
diesel::table! {
    bucket_owner (bucket) {
        bucket -> SmallInt,
        state -> Text,
        epoch -> BigInt,
        move_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    bucket_change (bucket, review_id, mark) {
        bucket -> SmallInt,
        review_id -> BigInt,
        mark -> BigInt,
        product_id -> BigInt,
    }
}

// Only of SQLite files.
diesel::table! {
    owner_version (singleton) {
        singleton -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    review (product_id, id, bucket) {
        bucket -> SmallInt,
        id -> BigInt,
        product_id -> BigInt,
        rating -> Nullable<SmallInt>,
        title -> Nullable<Text>,
        body -> Text,
        author_name -> Nullable<Text>,
        author_id -> Nullable<BigInt>,
        status -> Text,
        version -> Integer,
        edited_at -> Nullable<BigInt>,
        open_reports -> Integer,
        pen_name -> Bool,
    }
}

diesel::table! {
    product_rating (product_id, bucket) {
        bucket -> SmallInt,
        product_id -> BigInt,
        unrated -> BigInt,
        r1 -> BigInt,
        r2 -> BigInt,
        r3 -> BigInt,
        r4 -> BigInt,
        r5 -> BigInt,
        hidden -> BigInt,
    }
}

diesel::table! {
    report (bucket, review_id, reader) {
        bucket -> SmallInt,
        review_id -> BigInt,
        reader -> Text,
        reason -> Text,
        note -> Nullable<Text>,
        created_at -> BigInt,
        closed_by -> Nullable<Integer>,
    }
}

diesel::table! {
    review_event (bucket, review_id, version) {
        bucket -> SmallInt,
        review_id -> BigInt,
        version -> Integer,
        action -> Text,
        from_status -> Text,
        to_status -> Text,
        actor_id -> BigInt,
        actor_name -> Text,
        reason -> Nullable<Text>,
        note -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    idempotency_key (bucket, product_id, key) {
        bucket -> SmallInt,
        product_id -> BigInt,
        key -> Text,
        fingerprint -> Binary,
        review_id -> BigInt,
    }
}

// Tables of a transfer, which no migration creates. In the source's `default`: the id of the
// transfer that has made the cluster read-only.
diesel::table! {
    transfer_source (id) {
        id -> Text,
    }
}

// In each target until it is complete: the id of the transfer, and the name of the database.
diesel::table! {
    transfer_target (id) {
        id -> Text,
        database -> Text,
    }
}
