//! The program for moderators and admins, under `/admin`.

use ostrakon_app::{admin_app, start};

fn main() {
    start(admin_app);
}
