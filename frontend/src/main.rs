//! The program that every page starts with. It leaves the administration to another one, so that
//! readers need not load that.

use ostrakon_app::{is_admin_address, load_admin_program, public_app, start};

fn main() {
    if is_admin_address() { load_admin_program() } else { start(public_app) }
}
