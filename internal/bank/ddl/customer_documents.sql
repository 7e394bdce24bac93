CREATE TABLE customer_documents (
  id int(11) NOT NULL AUTO_INCREMENT,
  customer_id int(10) unsigned NOT NULL,
  file_name varchar(160) NOT NULL,
  mime varchar(60) NOT NULL DEFAULT 'application/pdf',
  content mediumblob NOT NULL,
  thumbnail blob DEFAULT NULL,
  sha256 binary(32) NOT NULL,
  uploaded_at datetime(3) NOT NULL,
  PRIMARY KEY (id),
  KEY idx_customer (customer_id),
  CONSTRAINT fk_documents_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
