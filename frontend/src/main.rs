//! The bundle that every page loads. It loads the other bundle for pages of signed-in users, so that
//! readers don't have to.

use ostrakon_app::{is_members_address, load_members_bundle, public_app, start};

fn main() {
    if is_members_address() { load_members_bundle() } else { start(public_app) }
}
