CREATE TABLE beneficiaries (
  id int(11) NOT NULL AUTO_INCREMENT,
  account_id int(10) unsigned NOT NULL,
  name varchar(140) NOT NULL,
  iban varchar(34) NOT NULL,
  bic char(11) DEFAULT NULL,
  category enum('family','rent','utility','l''État','other, unknown') NOT NULL DEFAULT 'other, unknown',
  trusted tinyint(1) NOT NULL DEFAULT 0,
  note varchar(200) NOT NULL DEFAULT '',
  created_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY uq_account_iban (account_id, iban),
  CONSTRAINT fk_beneficiaries_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_unicode_ci COMMENT='three-byte UTF-8: no emoji here'
