CREATE TABLE balances (
  account_id int(10) unsigned NOT NULL,
  balance_type char(4) NOT NULL COMMENT 'ISO 20022: CLBD, ITAV',
  amount decimal(15,2) NOT NULL,
  currency char(3) NOT NULL DEFAULT 'EUR',
  credit_limit_included tinyint(1) NOT NULL DEFAULT 0,
  reference_date date NOT NULL,
  last_change datetime(6) NOT NULL,
  PRIMARY KEY (account_id, balance_type),
  CONSTRAINT fk_balances_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
