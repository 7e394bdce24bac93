CREATE TABLE psd2_pilot (
  id int(11) NOT NULL AUTO_INCREMENT,
  tpp varchar(64) NOT NULL DEFAULT '',
  request mediumtext DEFAULT NULL,
  response longblob DEFAULT NULL,
  created timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='pilot of 2018, emptied, never dropped'
