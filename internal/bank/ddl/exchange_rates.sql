CREATE TABLE exchange_rates (
  base char(3) NOT NULL,
  quote char(3) NOT NULL,
  rate_date date NOT NULL,
  rate decimal(18,8) NOT NULL,
  mid double NOT NULL COMMENT 'unrounded, from the feed',
  spread_bp float NOT NULL DEFAULT 12.5,
  source enum('ECB','NBP','manual') NOT NULL DEFAULT 'ECB',
  PRIMARY KEY (base, quote, rate_date),
  KEY idx_date (rate_date),
  CONSTRAINT ck_rate_positive CHECK (rate > 0)
) ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_general_ci
