//! The bundle for signed-in users: the account and the administration.

use ostrakon_app::{members_app, start};

fn main() {
    start(members_app);
}
