-- One statement makes up to 100,000 rows whose ids follow the two bounds. Everything in a row comes from its id, so the
-- content is the same on every server. Multiplying by a prime scatters neighbouring ids and is cheaper than a hash.
INSERT INTO {table} (id, account_id, balance_minor, amount, currency, description, booked_at, status, reference)
SELECT
  n,
  100000 + n * 48271 % 899981,
  n * 1234567891 % 54999999877 - 20000000000,
  (n * 7368787 % 19999999 - 10000000) * 0.01,
  ELT(1 + n % 5, 'EUR', 'PLN', 'CHF', 'GBP', 'SEK'),
  CONCAT(ELT(1 + n * 16807 % 65537 % 6, 'Überweisung', 'Prélèvement', 'Przelew', 'card payment', 'Gehalt', 'Loyer'), ' ', LEFT(SHA2(n, 256), 32)),
  TIMESTAMP('2023-01-01 00:00:00') + INTERVAL (n * 37000003 % 94608000000000) MICROSECOND,
  n % 7,
  CONCAT('E2E-', HEX(n * 2654435761 % 4294967291), '-', n)
FROM (SELECT n AS i, {after} + n AS n FROM bank_numbers WHERE n <= {upto} - {after}) numbered
ORDER BY i
