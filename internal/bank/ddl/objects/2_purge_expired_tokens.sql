CREATE PROCEDURE purge_expired_tokens(IN older_than datetime)
MODIFIES SQL DATA
COMMENT 'nightly, called by the scheduler'
BEGIN
  DELETE FROM access_tokens WHERE expires_at < older_than AND revoked = 1;
  SELECT ROW_COUNT() AS purged;
END
