CREATE TABLE webhooks (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  tenant_id smallint(5) unsigned NOT NULL,
  url varchar(500) NOT NULL,
  secret varbinary(48) NOT NULL,
  events set('consent','payment','balance','account') NOT NULL DEFAULT 'payment',
  retry_after time NOT NULL DEFAULT '00:05:00',
  active tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (id),
  KEY idx_tenant (tenant_id),
  CONSTRAINT fk_webhooks_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
