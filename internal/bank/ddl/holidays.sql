CREATE TABLE holidays (
  country char(2) NOT NULL,
  `day` date NOT NULL,
  name varchar(80) NOT NULL,
  fiscal_year year NOT NULL,
  is_target tinyint(1) NOT NULL DEFAULT 0 COMMENT 'TARGET closing day',
  PRIMARY KEY (country, `day`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
