-- No product's id is given twice, not even after a restore of an older `default`: then the next
-- product must not get the reviews of a lost one. AUTOINCREMENT changes nothing in how rows are
-- stored, so the schema's text is changed in place, in the way that SQLite documents for such
-- changes (https://sqlite.org/lang_altertable.html, section 7).
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'PRIMARY KEY CHECK', 'PRIMARY KEY AUTOINCREMENT CHECK')
    WHERE type = 'table' AND name = 'product';
PRAGMA writable_schema = RESET;
-- Other connections read the schema again when tables were created or dropped.
CREATE TABLE product_ids (id INTEGER);
DROP TABLE product_ids;
INSERT INTO sqlite_sequence (name, seq) SELECT 'product', id FROM product ORDER BY id DESC LIMIT 1;
