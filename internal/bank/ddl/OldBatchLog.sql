CREATE TABLE OldBatchLog (
  LogDate date NOT NULL,
  LogTime time NOT NULL,
  Prog char(8) NOT NULL,
  Lvl char(1) NOT NULL DEFAULT 'I',
  Msg varchar(255) NOT NULL DEFAULT '',
  RecCount int(11) DEFAULT NULL,
  KEY ix_date (LogDate)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci COMMENT='no key, rows may repeat; written by the 2014 batch'
