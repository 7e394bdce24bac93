CREATE TABLE tpps (
  authorisation_no varchar(64) NOT NULL COMMENT 'the regulator''s number; also the eIDAS organizationIdentifier',
  name varchar(120) NOT NULL,
  country char(2) NOT NULL,
  roles set('PSP_AI','PSP_PI','PSP_IC','PSP_AS') NOT NULL,
  certificate blob DEFAULT NULL,
  cert_serial varbinary(20) DEFAULT NULL,
  trust double NOT NULL DEFAULT 0.5,
  `state` enum('active','suspended','withdrawn') NOT NULL DEFAULT 'active',
  onboarded date NOT NULL,
  PRIMARY KEY (authorisation_no),
  KEY idx_name (name(16))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
