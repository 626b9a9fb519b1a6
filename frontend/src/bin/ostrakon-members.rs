//! The program for who is signed in: their account and, for some, the administration.

use ostrakon_app::{members_app, start};

fn main() {
    start(members_app);
}
