//! The acting account.

use ostrakon_shared::{Account, AccountId, Role};

/// The account that performs an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account's id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
}

impl From<Account> for Actor {
    fn from(account: Account) -> Actor {
        Actor { id: account.id, name: account.name, role: account.role }
    }
}
