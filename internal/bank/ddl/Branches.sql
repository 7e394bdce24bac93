CREATE TABLE Branches (
  BranchNo smallint(5) unsigned zerofill NOT NULL,
  InstitutionId int(10) unsigned NOT NULL,
  Street varchar(80) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL,
  City varchar(60) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL,
  Phone varchar(32) NOT NULL DEFAULT '',
  Remarks text DEFAULT NULL,
  Latitude double DEFAULT NULL,
  Longitude double DEFAULT NULL,
  PRIMARY KEY (InstitutionId, BranchNo),
  CONSTRAINT fk_branches_institution FOREIGN KEY (InstitutionId) REFERENCES institutions (id) ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=latin1
