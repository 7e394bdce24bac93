CREATE TABLE audit_log (
  id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  tenant_id smallint(5) unsigned NOT NULL,
  at datetime(6) NOT NULL,
  actor varchar(80) NOT NULL DEFAULT 'system',
  action varchar(60) NOT NULL,
  entity varchar(40) DEFAULT NULL,
  entity_id bigint(20) DEFAULT NULL,
  ip varbinary(16) DEFAULT NULL,
  duration_ms float DEFAULT NULL,
  message text DEFAULT NULL,
  details json DEFAULT NULL,
  PRIMARY KEY (id),
  KEY idx_tenant_at (tenant_id, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='append only; no foreign keys on purpose'
