PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'PRIMARY KEY AUTOINCREMENT CHECK', 'PRIMARY KEY CHECK')
    WHERE type = 'table' AND name = 'product';
PRAGMA writable_schema = RESET;
CREATE TABLE product_ids (id INTEGER);
DROP TABLE product_ids;
DELETE FROM sqlite_sequence WHERE name = 'product';
