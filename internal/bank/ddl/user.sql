CREATE TABLE `user` (
  id mediumint(8) unsigned NOT NULL AUTO_INCREMENT,
  tenant_id smallint(5) unsigned DEFAULT NULL COMMENT 'NULL: works for all tenants',
  login varchar(60) NOT NULL,
  `group` enum('admin','ops','support','read only') NOT NULL DEFAULT 'read only',
  `key` varbinary(64) DEFAULT NULL COMMENT 'public key, raw',
  `desc` varchar(255) NOT NULL DEFAULT '',
  shift_start time DEFAULT NULL,
  last_login timestamp NULL DEFAULT NULL,
  lastIP varbinary(16) DEFAULT NULL,
  locked tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  UNIQUE KEY uq_login (login),
  KEY idx_tenant (tenant_id),
  CONSTRAINT fk_user_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
