CREATE TABLE consent_accounts (
  consent_id int(10) unsigned NOT NULL,
  account_id int(10) unsigned NOT NULL,
  access set('balances','transactions') NOT NULL DEFAULT 'balances',
  granted_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (consent_id, account_id),
  KEY idx_account (account_id),
  CONSTRAINT fk_ca_consent FOREIGN KEY (consent_id) REFERENCES consents (id) ON DELETE CASCADE,
  CONSTRAINT fk_ca_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
