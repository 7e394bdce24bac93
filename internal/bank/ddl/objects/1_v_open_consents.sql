CREATE VIEW v_open_consents AS
SELECT c.id AS consent_id, c.tenant_id, p.customer_no, t.name AS tpp, c.type, c.valid_until, COUNT(ca.account_id) AS accounts
FROM consents c
JOIN customers p ON p.id = c.psu_id
JOIN tpps t ON t.authorisation_no = c.tpp_id
LEFT JOIN consent_accounts ca ON ca.consent_id = c.id
WHERE c.status = 'valid'
GROUP BY c.id, c.tenant_id, p.customer_no, t.name, c.type, c.valid_until
