CREATE TABLE institutions (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  tenant_id smallint(5) unsigned NOT NULL,
  bic char(11) NOT NULL,
  name varchar(120) NOT NULL,
  city varchar(60) NOT NULL DEFAULT '',
  fee_note varchar(80) DEFAULT NULL COMMENT 'free text, printed on statements',
  health_score float DEFAULT NULL,
  sepa_flags bit(8) NOT NULL DEFAULT b'00000011',
  since year DEFAULT NULL,
  opens time NOT NULL DEFAULT '08:30:00',
  created datetime NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY uq_bic (bic),
  KEY idx_tenant (tenant_id),
  CONSTRAINT fk_institutions_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci COMMENT='2014 core import'
