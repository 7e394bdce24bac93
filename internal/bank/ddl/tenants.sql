CREATE TABLE tenants (
  id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  code varchar(16) NOT NULL,
  name varchar(120) NOT NULL,
  address text NOT NULL,
  country char(2) NOT NULL COMMENT 'ISO 3166-1 alpha-2',
  currency char(3) NOT NULL DEFAULT 'EUR',
  founded year DEFAULT NULL,
  cutoff_time time NOT NULL DEFAULT '16:30:00' COMMENT 'last moment for same-day execution, local time',
  flags bit(8) NOT NULL DEFAULT b'00000001',
  features set('ais','pis','vrp','cof','webhooks') NOT NULL DEFAULT 'ais',
  config json DEFAULT NULL,
  is_active tinyint(1) NOT NULL DEFAULT 1,
  created_at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_code (code)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='One row per bank group; the customer''s tenant'
