//! The tables, as the migrations leave them.

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

// `default`:
diesel::table! {
    database (name) {
        name -> Text,
        position -> Integer,
        state -> Text,
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
    product (id) {
        id -> BigInt,
        name -> Text,
        description -> Nullable<Text>,
        sku -> Nullable<Text>,
        picture_url -> Nullable<Text>,
        search_text -> Text,
    }
}

// Reviews databases:
diesel::table! {
    bucket_owner (bucket) {
        bucket -> SmallInt,
        state -> Text,
        epoch -> BigInt,
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
