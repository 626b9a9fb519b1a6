//! Who does something.

use ostrakon_shared::{Account, AccountId, Role};

/// The account on whose behalf something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account's id.
    pub id: AccountId,
    /// Its name, as it is shown.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

impl From<Account> for Actor {
    fn from(account: Account) -> Actor {
        Actor { id: account.id, name: account.name, role: account.role }
    }
}
