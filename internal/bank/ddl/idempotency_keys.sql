CREATE TABLE idempotency_keys (
  tenant_id smallint(5) unsigned NOT NULL,
  idem_key varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'as sent by the TPP: case matters',
  payment_id bigint(20) DEFAULT NULL,
  request_hash varbinary(32) NOT NULL,
  response_code smallint(6) NOT NULL DEFAULT 201,
  response json DEFAULT NULL,
  created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (tenant_id, idem_key),
  KEY idx_payment (payment_id),
  CONSTRAINT fk_idem_payment FOREIGN KEY (payment_id) REFERENCES payments (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
