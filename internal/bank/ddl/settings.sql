CREATE TABLE settings (
  tenant_id smallint(5) unsigned NOT NULL,
  `key` varchar(80) NOT NULL,
  `value` text NOT NULL,
  `group` varchar(40) NOT NULL DEFAULT '',
  `desc` varchar(255) DEFAULT NULL,
  updated_by varchar(60) NOT NULL DEFAULT '',
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, `key`),
  KEY idx_group (`group`),
  CONSTRAINT fk_settings_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
