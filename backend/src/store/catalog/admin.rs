//! Administration of products: list all, create, edit, archive.
//!
//! Products are never deleted, because reviews in other databases refer to them.

use ostrakon_shared::{
    AdminProduct, AdminProductPage, AuditAction, AuditChange, NewProduct, Page, PageLimit,
    ProductEdit, ProductId,
};

use crate::db::products::{self, Filter, NewProductRow, ProductRow};
use crate::db::{DbError, Lock, QueryError, lock};
use crate::store::audit::{AuditTarget, Source, audit_change, record};
use crate::store::catalog::Catalog;
use crate::store::error::{StoreError, TransactionError, transaction};
use crate::store::routing::change_counters::Subject;
use crate::store::routing::cursor::{self, ListScope};
use crate::store::version::ExpectedVersion;
use crate::text::words;

/// The parameters of a page of products, including archived ones.
#[derive(Clone, Debug, Default)]
pub struct AdminProductQuery {
    /// Only products whose name or SKU contains all of these words, ignoring case and accents.
    pub search: String,
    /// Only archived products, or only those in the catalogue.
    pub archived: Option<bool>,
    /// The maximum number of products.
    pub limit: PageLimit,
    /// The start of the page.
    pub cursor: Option<String>,
}

impl Catalog<'_> {
    /// A page of products, sorted by id.
    pub fn list_all(&self, query: &AdminProductQuery) -> Result<AdminProductPage, StoreError> {
        let words = words(&query.search);
        let archived = query.archived.map_or(String::new(), |archived| archived.to_string());
        let scope = ListScope::of(&["all products", &archived, &words.join(" ")]);
        let after = cursor::start(scope, query.cursor.as_deref(), 0)?;
        let limit = query.limit.get();
        let filter = Filter { words, archived: query.archived };
        let mut rows = self
            .routing()
            .default()
            .read_latest(|connection| products::list(connection, &filter, after, limit + 1))?;
        let next_cursor = cursor::cut(&mut rows, limit, scope, |row| row.id);
        let items: Result<Vec<_>, _> = rows.into_iter().map(AdminProduct::try_from).collect();
        Ok(Page::new(items?, next_cursor))
    }

    /// The product with this id, archived or not.
    pub fn detail(&self, id: ProductId) -> Result<AdminProduct, StoreError> {
        let row =
            self.routing().default().read_latest(|connection| products::find(connection, id))?;
        Ok(AdminProduct::try_from(row.ok_or(StoreError::ProductNotFound(id))?)?)
    }

    /// Creates a product.
    pub fn create(
        &self,
        source: &Source,
        product: &NewProduct,
    ) -> Result<AdminProduct, StoreError> {
        let errors = product.validate();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        let created = self.routing().default().write(|connection| {
            let row = NewProductRow {
                name: product.name.clone(),
                description: product.description.clone(),
                sku: product.sku.clone(),
                picture_url: product.picture_url.clone(),
                search_text: search_text(product),
            };
            let created = AdminProduct::try_from(products::insert(connection, &row)?)?;
            let changes = changes(None, &created);
            let about = AuditTarget::Product(created.id);
            record(connection, source, AuditAction::ProductCreated, about, &changes)?;
            Ok(created)
        });
        created.map_err(sku_taken_or)
    }

    /// Changes a product if it still has an expected version. An edit without differences changes
    /// neither the version nor the audit trail.
    pub fn edit(
        &self,
        source: &Source,
        id: ProductId,
        expected: &ExpectedVersion,
        edit: &ProductEdit,
    ) -> Result<AdminProduct, StoreError> {
        let changed = transaction(&self.routing().default(), |connection| {
            lock(connection, Lock::Product(id.get()))?;
            let Some(row) = products::find(connection, id)? else {
                return Err(StoreError::ProductNotFound(id).into());
            };
            let before = AdminProduct::try_from(row)?;
            expected.require(before.version)?;
            let product = edit.applied_to(&before);
            let errors = product.validate();
            if !errors.is_empty() {
                return Err(StoreError::Invalid(errors).into());
            }
            let row = ProductRow {
                id: id.get(),
                search_text: search_text(&product),
                name: product.name,
                description: product.description,
                sku: product.sku,
                picture_url: product.picture_url,
                archived: edit.archived.unwrap_or(before.archived),
                version: before.version + 1,
            };
            let after = AdminProduct::try_from(row.clone())?;
            let changes = changes(Some(&before), &after);
            if changes.is_empty() {
                return Ok(before);
            }
            products::update(connection, &row)?;
            let about = AuditTarget::Product(id);
            record(connection, source, AuditAction::ProductEdited, about, &changes)?;
            Ok(after)
        });
        self.shared.shards.change_counters.bump(Subject::Product(id));
        changed.map_err(|error| match error {
            TransactionError::Database(error) => sku_taken_or(error),
            TransactionError::Refused(error) => error,
        })
    }
}

/// The differences between two states of a product, or all values of a new one.
fn changes(before: Option<&AdminProduct>, after: &AdminProduct) -> Vec<AuditChange> {
    let values = |product: &AdminProduct| {
        [
            ("name", Some(product.name.clone())),
            ("description", product.description.clone()),
            ("sku", product.sku.clone()),
            ("picture_url", product.picture_url.clone()),
            ("archived", product.archived.then(|| "true".to_owned())),
        ]
    };
    let unset = [const { None }; 5];
    let before = before.map_or(unset, |product| values(product).map(|(_, value)| value));
    let pairs = values(after).into_iter().zip(before);
    pairs
        .filter(|((_, to), from)| to != from)
        .map(|((field, to), from)| audit_change(field, from.as_deref(), to.as_deref()))
        .collect()
}

/// Maps conflicts to taken SKUs: the engine assigns the ids, so only the SKU can conflict.
fn sku_taken_or(error: DbError) -> StoreError {
    match error {
        DbError::Conflict { .. } => StoreError::SkuTaken,
        error => error.into(),
    }
}

fn search_text(product: &NewProduct) -> String {
    products::search_text(&product.name, product.sku.as_deref())
}

impl TryFrom<ProductRow> for AdminProduct {
    type Error = QueryError;

    fn try_from(row: ProductRow) -> Result<AdminProduct, QueryError> {
        let id = ProductId::new(row.id);
        Ok(AdminProduct {
            id: id.ok_or_else(|| QueryError::CorruptData(format!("product {}", row.id)))?,
            name: row.name,
            description: row.description,
            sku: row.sku,
            picture_url: row.picture_url,
            archived: row.archived,
            version: row.version,
        })
    }
}
