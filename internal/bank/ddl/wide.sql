CREATE TABLE {table} (
  id bigint NOT NULL AUTO_INCREMENT,
  account_id int NOT NULL,
  balance_minor bigint NOT NULL,
  amount decimal(18,2) NOT NULL,
  currency char(3) NOT NULL,
  description varchar(64) NOT NULL,
  booked_at datetime(6) NOT NULL,
  status tinyint NOT NULL,
  reference varchar(32) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
