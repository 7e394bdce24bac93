CREATE TABLE payment_status_history (
  payment_id bigint(20) NOT NULL,
  seq tinyint(3) unsigned NOT NULL,
  status char(4) NOT NULL,
  reason varchar(120) DEFAULT NULL,
  changed_at datetime(6) NOT NULL,
  PRIMARY KEY (payment_id, seq),
  CONSTRAINT fk_psh_payment FOREIGN KEY (payment_id) REFERENCES payments (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
