CREATE TABLE SchemaVersion (
  installed_rank int(11) NOT NULL,
  version varchar(50) DEFAULT NULL,
  description varchar(200) NOT NULL,
  script varchar(1000) NOT NULL,
  checksum int(11) DEFAULT NULL,
  installedBy varchar(100) NOT NULL DEFAULT 'deploy',
  installed_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  execution_time int(11) NOT NULL,
  success tinyint(1) NOT NULL,
  PRIMARY KEY (installed_rank),
  KEY SchemaVersion_s_idx (success)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
