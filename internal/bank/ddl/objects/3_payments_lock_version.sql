CREATE TRIGGER payments_lock_version BEFORE UPDATE ON payments
FOR EACH ROW SET NEW.lock_version = OLD.lock_version + 1
