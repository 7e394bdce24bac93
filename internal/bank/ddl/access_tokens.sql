CREATE TABLE access_tokens (
  id bigint(20) unsigned NOT NULL COMMENT 'given by the token service; passed 2^63 in 2021',
  consent_id int(10) unsigned NOT NULL,
  token_hash varbinary(32) NOT NULL,
  scope set('openid','accounts','payments','funds') NOT NULL DEFAULT 'accounts',
  client_ip varbinary(16) DEFAULT NULL,
  issued_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at datetime NOT NULL,
  revoked tinyint(1) NOT NULL DEFAULT 0,
  uses mediumint(8) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  UNIQUE KEY uq_hash (token_hash),
  KEY idx_consent (consent_id),
  KEY idx_expires (expires_at),
  CONSTRAINT fk_tokens_consent FOREIGN KEY (consent_id) REFERENCES consents (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
