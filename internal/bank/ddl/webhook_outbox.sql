CREATE TABLE webhook_outbox (
  event_id binary(16) NOT NULL,
  webhook_id smallint(6) NOT NULL,
  event_type varchar(40) NOT NULL,
  payload json NOT NULL,
  attempts tinyint(3) unsigned NOT NULL DEFAULT 0,
  next_attempt datetime(3) DEFAULT NULL,
  delivered_at datetime(3) DEFAULT NULL,
  last_error tinytext DEFAULT NULL,
  PRIMARY KEY (event_id),
  KEY idx_pending (webhook_id, next_attempt),
  CONSTRAINT fk_outbox_webhook FOREIGN KEY (webhook_id) REFERENCES webhooks (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
