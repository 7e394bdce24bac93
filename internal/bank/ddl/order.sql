CREATE TABLE `order` (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  customer_id int(10) unsigned NOT NULL,
  `key` varchar(40) NOT NULL,
  `group` varchar(40) NOT NULL DEFAULT 'cards',
  `desc` text DEFAULT NULL,
  `from` date DEFAULT NULL,
  `to` date DEFAULT NULL,
  `limit` decimal(10,2) DEFAULT NULL,
  `index` smallint(6) NOT NULL DEFAULT 0,
  `select` tinyint(1) NOT NULL DEFAULT 0,
  Status enum('new','sent','done','storniert') NOT NULL DEFAULT 'new',
  PRIMARY KEY (id),
  UNIQUE KEY `key` (`key`),
  KEY `group` (`group`, `index`),
  CONSTRAINT fk_order_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='card and cheque book orders'
