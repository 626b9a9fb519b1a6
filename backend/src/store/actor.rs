//! The account that acts: changes and the audit trail name it.

use ostrakon_shared::{Account, AccountId, Role};

/// The account that performs an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub id: AccountId,
    pub name: String,
    pub role: Role,
}

impl From<Account> for Actor {
    fn from(account: Account) -> Actor {
        Actor { id: account.id, name: account.name, role: account.role }
    }
}
