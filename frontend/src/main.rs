//! The program that every page starts with. It leaves what is only for who is signed in to
//! another one, so that readers need not load that.

use ostrakon_app::{is_members_address, load_members_bundle, public_app, start};

fn main() {
    if is_members_address() { load_members_bundle() } else { start(public_app) }
}
