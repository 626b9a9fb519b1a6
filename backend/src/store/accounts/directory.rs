//! Creating, listing and editing accounts.

use jiff::Timestamp;
use ostrakon_shared::{
    Account, AccountEdit, AccountId, AccountPage, AuditAction, Credentials, FieldError,
    FieldErrorCode, Page, PageLimit, Role,
};

use crate::db::accounts::{self, AccountRow, NewAccount};
use crate::db::sessions;
use crate::db::{Connection, DbError, Lock, QueryError, lock};
use crate::store::accounts::Accounts;
use crate::store::accounts::passwords::require_strong;
use crate::store::accounts::secret;
use crate::store::accounts::sessions::{ClientInfo, StartedSession, insert_session};
use crate::store::audit::{AuditTarget, Source, audit_change, record};
use crate::store::error::{StoreError, transaction};
use crate::store::routing::cursor::{self, ListScope};
use crate::text::{NameKeys, fold, name_key};

/// The name of the demo's account, and its password.
pub const DEMO_NAME: &str = "admin";

/// The parameters of a page of accounts.
#[derive(Clone, Debug, Default)]
pub struct AccountQuery {
    /// Only accounts whose name contains this text, ignoring case and accents.
    pub search: String,
    /// The maximum number of accounts.
    pub limit: PageLimit,
    /// The start of the page.
    pub cursor: Option<String>,
}

impl Accounts<'_> {
    /// Creates an account and starts a session.
    pub fn register(
        &self,
        credentials: &Credentials,
        client: &ClientInfo,
    ) -> Result<StartedSession, StoreError> {
        if NameKeys::of(&credentials.name).is_reserved() {
            return Err(StoreError::Invalid(vec![reserved("name")]));
        }
        let new = self.new_account(credentials, Role::Member)?;
        let secret = secret::new_session()?;
        let account = self.insert(&new, |connection, account| {
            insert_session(connection, account.id, &secret, client)?;
            let source = client.source(account)?;
            record(
                connection,
                &source,
                AuditAction::AccountCreated,
                AuditTarget::Account(account),
                &[],
            )
        })?;
        Ok(StartedSession { account, secret })
    }

    /// Creates an account for an operator, who may use reserved names.
    pub fn create(&self, credentials: &Credentials, role: Role) -> Result<Account, StoreError> {
        let new = self.new_account(credentials, role)?;
        self.insert(&new, |connection, account| created_by_operator(connection, account, role))
    }

    /// Creates the demo's admin, who can only sign in on this machine. Returns false if an account
    /// has its name.
    pub fn create_demo_admin(&self) -> Result<bool, StoreError> {
        let key = name_key(DEMO_NAME);
        if self
            .default()
            .read_latest(|connection| accounts::find_by_key(connection, &key))?
            .is_some()
        {
            return Ok(false);
        }
        let new = Prepared {
            name: DEMO_NAME.to_owned(),
            keys: NameKeys::of(DEMO_NAME),
            password_hash: self.shared.passwords.hash(DEMO_NAME)?,
            role: Role::Admin,
            demo_password: true,
        };
        let insert = |connection: &mut Connection, account: &AccountRow| {
            created_by_operator(connection, account, Role::Admin)
        };
        match self.insert(&new, insert) {
            Ok(_) => Ok(true),
            Err(StoreError::NameTaken) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The names of enabled accounts with the demo's password.
    pub fn with_demo_password(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.default().read_latest(accounts::with_demo_password)?)
    }

    fn new_account(&self, credentials: &Credentials, role: Role) -> Result<Prepared, StoreError> {
        let errors = credentials.validate();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        let name = credentials.account_name();
        require_strong("password", &name, &credentials.password)?;
        let keys = NameKeys::of(&name);
        // Checked before the slow hashing, and again under a lock by `insert`.
        if self.default().read_latest(|connection| accounts::is_taken(connection, &keys))? {
            return Err(StoreError::NameTaken);
        }
        let password_hash = self.shared.passwords.hash(&credentials.password)?;
        Ok(Prepared { name, keys, password_hash, role, demo_password: false })
    }

    fn insert(
        &self,
        new: &Prepared,
        then: impl FnOnce(&mut Connection, &AccountRow) -> Result<(), QueryError>,
    ) -> Result<Account, StoreError> {
        let new = NewAccount {
            name: &new.name,
            keys: &new.keys,
            password_hash: &new.password_hash,
            role: new.role,
            demo_password: new.demo_password,
            created_at: Timestamp::now().as_millisecond(),
        };
        let inserted = self.default().write(|connection| {
            // The unique index does not cover names that only look alike.
            lock(connection, Lock::Names)?;
            if accounts::is_taken(connection, new.keys)? {
                return Ok(None);
            }
            let account = accounts::insert(connection, &new)?;
            then(connection, &account)?;
            Account::try_from(account).map(Some)
        });
        match inserted {
            // A process of an older version does not take this lock.
            Err(DbError::Conflict { .. }) => Err(StoreError::NameTaken),
            inserted => inserted?.ok_or(StoreError::NameTaken),
        }
    }

    /// A page of accounts, sorted by id.
    pub fn list(&self, query: &AccountQuery) -> Result<AccountPage, StoreError> {
        let part = fold(query.search.trim());
        let scope = ListScope::of(&["accounts", &part]);
        let after = cursor::start(scope, query.cursor.as_deref(), 0)?;
        let limit = query.limit.get();
        let list = |connection: &mut Connection| {
            let rows = accounts::list(connection, &part, after, limit + 1)?;
            rows.into_iter().map(Account::try_from).collect::<Result<Vec<_>, _>>()
        };
        let mut items = self.default().read_latest(list)?;
        let next_cursor = cursor::cut(&mut items, limit, scope, |account| account.id.get());
        Ok(Page::new(items, next_cursor))
    }

    /// Changes the role of an account, or disables or enables it. The last admin can't be demoted
    /// or disabled.
    pub fn edit(
        &self,
        source: &Source,
        id: AccountId,
        edit: &AccountEdit,
    ) -> Result<Account, StoreError> {
        let edited = transaction(&self.default(), |connection| {
            lock(connection, Lock::Admins)?;
            lock(connection, Lock::Account(id.get()))?;
            let Some(row) = accounts::find(connection, id)? else {
                return Err(StoreError::AccountNotFound(id).into());
            };
            let before = Account::try_from(row)?;
            let role = edit.role.unwrap_or(before.role);
            let disabled = edit.disabled.unwrap_or(before.disabled);
            let is_admin = |role: Role, disabled: bool| role == Role::Admin && !disabled;
            // Checked under the lock, so that two admins can't demote each other.
            if is_admin(before.role, before.disabled)
                && !is_admin(role, disabled)
                && !accounts::has_other_admin(connection, id.get())?
            {
                return Err(StoreError::LastAdmin.into());
            }
            if disabled {
                sessions::remove_all(connection, id.get(), None)?;
            }
            let after = accounts::update(connection, id.get(), role, disabled)?;
            record_edit(connection, source, &before, &after)?;
            Ok(Account::try_from(after)?)
        });
        Ok(edited?)
    }

    /// Disables or enables the account with this name, even the last admin, because an operator can
    /// enable it again.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> Result<Account, StoreError> {
        let key = name_key(name);
        let account = self.default().write(|connection| {
            lock(connection, Lock::Admins)?;
            let Some(row) = accounts::find_by_key(connection, &key)? else { return Ok(None) };
            let before = Account::try_from(row)?;
            if disabled {
                sessions::remove_all(connection, before.id.get(), None)?;
            }
            let after = accounts::update(connection, before.id.get(), before.role, disabled)?;
            record_edit(connection, &Source::operator(), &before, &after)?;
            Account::try_from(after).map(Some)
        })?;
        account.ok_or_else(|| StoreError::AccountUnknown(name.to_owned()))
    }

    /// The account with this name.
    pub fn named(&self, name: &str) -> Result<Account, StoreError> {
        Ok(self.row_named(name)?.try_into()?)
    }

    pub(super) fn row_named(&self, name: &str) -> Result<AccountRow, StoreError> {
        let key = name_key(name);
        let row =
            self.default().read_latest(|connection| accounts::find_by_key(connection, &key))?;
        row.ok_or_else(|| StoreError::AccountUnknown(name.to_owned()))
    }

    /// The number of hashed or verified passwords since the start.
    pub fn passwords_hashed(&self) -> u64 {
        self.shared.passwords.hashed()
    }
}

/// The error of a field with a reserved name.
pub(in crate::store) fn reserved(field: &str) -> FieldError {
    let detail = "This name is reserved for the operators of the service.".to_owned();
    FieldError::at_field(field, FieldErrorCode::Reserved, detail)
}

fn created_by_operator(
    connection: &mut Connection,
    account: &AccountRow,
    role: Role,
) -> Result<(), QueryError> {
    let changes = [audit_change("role", None, Some(role.as_str()))];
    let (source, about) = (Source::operator(), AuditTarget::Account(account));
    record(connection, &source, AuditAction::AccountCreated, about, &changes)
}

/// Records the changes of an account.
fn record_edit(
    connection: &mut Connection,
    source: &Source,
    before: &Account,
    after: &AccountRow,
) -> Result<(), QueryError> {
    let about = AuditTarget::Account(after);
    if after.role != before.role.as_str() {
        let changes = [audit_change("role", Some(before.role.as_str()), Some(&after.role))];
        record(connection, source, AuditAction::RoleChanged, about, &changes)?;
    }
    match (before.disabled, after.disabled) {
        (false, true) => record(connection, source, AuditAction::AccountDisabled, about, &[]),
        (true, false) => record(connection, source, AuditAction::AccountEnabled, about, &[]),
        _ => Ok(()),
    }
}

/// A validated new account.
struct Prepared {
    name: String,
    keys: NameKeys,
    password_hash: String,
    role: Role,
    demo_password: bool,
}
