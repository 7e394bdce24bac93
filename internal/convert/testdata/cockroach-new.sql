-- DDL for shop: 6 tables
-- info Accounts, names-fold: the tables "accounts" and "Accounts" differ only in case; both are created, and SQL must quote their names to reach the right one
-- info customers.flags, set-array: SET becomes an array of labels in definition order; FIND_IN_SET and bit tests need other SQL
-- warning customers.roles, set-as-text: SET becomes one string of labels joined by commas because a key uses the column and arrays cannot be indexed
-- info customers.note, invisible-column: the column is invisible on the source; on the target SELECT * returns it
-- info accounts.no, zerofill-dropped: smallint(5) unsigned zerofill is shown with leading zeros on the source and without them on the target; the numbers are the same
-- info accounts.cut_off, time-unknown: TIME becomes TIME; a negative value or one of 24 hours and more is refused when it comes
-- warning odd "name'.ctid, name-changed: the name of the column "ctid" is taken or reserved on the target; it becomes "ctid_2"
-- info odd "name'.elapsed, time-unknown: TIME becomes TIME; a negative value or one of 24 hours and more is refused when it comes
-- warning keyless, no-primary-key: the table has no primary key and no unique key over NOT NULL columns; rows can only be compared as a whole multiset
-- info Accounts, unique-key-used: the table has no primary key; the unique key u identifies its rows
-- warning accounts.closed, default-dropped: the default 0000-00-00 is not moved: the target has no such date
-- warning accounts.half, generated-not-translated: nobody computes the column any more: `balance` / 2 is not translated because a division has other decimal places on the target; the values are copied
-- info entries.token, default-uuid: uuid() counts up on the source and is random on the target (gen_random_uuid)
-- info accounts, partitions-dropped: the table is partitioned on the source and whole on the target; the rows are the same
-- warning Accounts, engine-not-transactional: the engine MyISAM is not covered by the source's snapshot; rows written during the copy may be missed or mixed
-- warning customers.ft_note, index-type-dropped: FULLTEXT indexes are not moved
-- warning customers.iban, unique-collation: the unique key u_iban ignores case or accents on the source (utf8mb4_general_ci) and not on the target, where 'A' and 'a' may both be stored
-- warning customers.idx_profile, index-dropped: the index is not moved: JSONB cannot be in an ordinary index (profile)
-- warning Accounts.Select, unique-collation: the unique key u ignores case or accents on the source (latin1_swedish_ci) and not on the target, where 'A' and 'a' may both be stored
-- warning customers.country_known, check-changed: the CHECK is translated; case is ignored as on the source (utf8mb4_general_ci), but letters with accents are not equal to those without
-- info customers.never, check-not-enforced: the CHECK is NOT ENFORCED on the source and is not created: `id` > 0
-- warning customers.iban_form, check-dropped: the CHECK is not created: `iban` regexp '^[A-Z]' is not translated because "regexp" is not understood
-- warning entries.fk_other, foreign-key-dropped: the foreign key is not created: it refers to another database, audit.log
-- warning entries.fk_type, foreign-key-dropped: the foreign key is not created: other is INT4 and customers.id is DECIMAL(20,0) on the target
-- warning view v_totals, view-dropped: it is not moved
-- warning trigger trg_entry, trigger-dropped: it is not moved: BEFORE INSERT on entries does nothing any more
-- warning procedure close_day, procedure-dropped: it is not moved
-- warning event purge, event-dropped: it is not moved: nothing runs EVERY 1 DAY any more
-- info database shop, names-upper-case: names keep their upper-case letters, so SQL has to quote them: Accounts, Accounts.Select
-- info database shop, unsigned-bigint: BIGINT UNSIGNED becomes DECIMAL(20,0), which holds every value and is slower than INT8: customers.id, accounts.customer_id, entries.customer_id
-- info database shop, unsigned-check: UNSIGNED is kept by a CHECK (column >= 0); the upper limit is that of the wider target type: customers.id, accounts.customer_id, accounts.no, accounts.balance, entries.no, entries.customer_id and 1 more
-- warning collation utf8mb4_general_ci, collation-changed: utf8mb4_general_ci ignores case or accents; the target compares and sorts by bytes, so =, LIKE, GROUP BY and ORDER BY change: customers.iban, customers.country
-- info collation utf8mb4_bin, blanks-compared: utf8mb4_bin ignores blanks at the end of a text; on the target 'a' and 'a ' are two values, to keys and foreign keys as well: customers.note
-- info accounts, bytes-length-dropped: binary columns lose their length limit: salt
-- info odd "name', bytes-length-dropped: binary columns lose their length limit: blob
-- info database shop, charset-converted: values in latin1 are converted to UTF-8: Accounts.Select
-- warning collation latin1_swedish_ci, collation-changed: latin1_swedish_ci ignores case or accents; the target compares and sorts by bytes, so =, LIKE, GROUP BY and ORDER BY change: Accounts.Select
-- info database shop, auto-increment: AUTO_INCREMENT becomes a sequence; keys that count up make one CockroachDB range take all inserts: customers.id, entries.id
-- info database shop, default-now: CURRENT_TIMESTAMP is the start of the statement on the source and of the transaction on the target: customers.created_at, customers.updated_at

-- before the rows

-- type customers_status
-- (not when it exists)
CREATE TYPE "public"."customers_status" AS ENUM ('new', 'active', 'it''s', 'a,b', 'say "\n"', '');

-- type odd__name__a_column_name_of_exactly_sixty_four_bytes_which_is_one_too_many__
-- (not when it exists)
CREATE TYPE "public"."odd__name__a_column_name_of_exactly_sixty_four_bytes_which_is_one_too_many__" AS ENUM ('one', 'two');

-- type odd__name__big
-- (not when it exists)
CREATE TYPE "public"."odd__name__big" AS ENUM ('a label that is longer than the sixty-three bytes which PostgreSQL allows', 'short');

-- sequence customers_id_seq
CREATE SEQUENCE IF NOT EXISTS "public"."customers_id_seq";

-- table customers
CREATE TABLE IF NOT EXISTS "public"."customers" (
  "id" DECIMAL(20,0) NOT NULL DEFAULT nextval('"public"."customers_id_seq"')::DECIMAL(20,0),
  "iban" VARCHAR(34) NOT NULL,
  "status" "public"."customers_status" NOT NULL DEFAULT 'active'::"public"."customers_status",
  "flags" STRING[] DEFAULT ARRAY['vip', 'blocked']::STRING[],
  "roles" STRING DEFAULT '',
  "country" VARCHAR(2) NOT NULL DEFAULT 'DE',
  "profile" JSONB,
  "external" UUID,
  "address" INET,
  "created_at" TIMESTAMP(0) NOT NULL DEFAULT date_trunc('second', localtimestamp),
  "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT current_timestamp ON UPDATE current_timestamp,
  "note" STRING,
  CONSTRAINT "customers_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "customers_id_unsigned" CHECK ("id" >= 0),
  CONSTRAINT "customers_flags_set" CHECK ("flags" <@ ARRAY['vip', 'staff', 'blocked']::STRING[]),
  CONSTRAINT "customers_roles_set" CHECK (string_to_array("roles", ',') <@ ARRAY['a', 'b']::STRING[])
);

-- sequence owner customers_id_seq
ALTER SEQUENCE "public"."customers_id_seq" OWNED BY "public"."customers"."id";

-- table accounts
CREATE TABLE IF NOT EXISTS "public"."accounts" (
  "customer_id" DECIMAL(20,0) NOT NULL,
  "no" INT4 NOT NULL,
  "balance" DECIMAL(18,4) NOT NULL DEFAULT 0.0000,
  "active" INT2 NOT NULL DEFAULT 1,
  "opened" DATE DEFAULT '2020-02-29',
  "closed" DATE,
  "cut_off" TIME(3) DEFAULT '16:30:00.500',
  "rights" BIT(8) DEFAULT B'00000101',
  "salt" BYTES DEFAULT '\x00275c6162',
  "rate" FLOAT4 DEFAULT 1.5,
  "factor" FLOAT8 DEFAULT -2.5e-3,
  "since" INT2 DEFAULT 1999,
  "quote" VARCHAR(40) DEFAULT 'it''s \ "quoted"',
  "doubled" DECIMAL(20,4) AS (("balance" * 2)::DECIMAL(20,4)) STORED,
  "label" VARCHAR(60) AS ((("no"::INT8 + 0)::INT8::STRING || '-' || "quote")) STORED,
  "opened_year" INT2 AS ((extract(year FROM "opened")::INT8)::INT2) STORED,
  "half" DECIMAL(20,4),
  "rich" INT2 AS (((((("balance" * 2)::DECIMAL(20,4)) > 1000) AND ("active" = 1))::INT4)::INT2) STORED,
  CONSTRAINT "accounts_pkey" PRIMARY KEY ("customer_id", "no"),
  CONSTRAINT "accounts_customer_id_unsigned" CHECK ("customer_id" >= 0),
  CONSTRAINT "accounts_no_unsigned" CHECK ("no" >= 0),
  CONSTRAINT "accounts_balance_unsigned" CHECK ("balance" >= 0)
);

-- sequence entries_id_seq
CREATE SEQUENCE IF NOT EXISTS "public"."entries_id_seq";

-- table entries
CREATE TABLE IF NOT EXISTS "public"."entries" (
  "id" INT4 NOT NULL DEFAULT nextval('"public"."entries_id_seq"'),
  "no" INT4,
  "customer_id" DECIMAL(20,0),
  "other" INT4,
  "parent" INT4,
  "token" VARCHAR(36) DEFAULT gen_random_uuid()::VARCHAR(36),
  CONSTRAINT "entries_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "entries_no_unsigned" CHECK ("no" >= 0),
  CONSTRAINT "entries_customer_id_unsigned" CHECK ("customer_id" >= 0)
);

-- sequence owner entries_id_seq
ALTER SEQUENCE "public"."entries_id_seq" OWNED BY "public"."entries"."id";

-- table odd "name'
CREATE TABLE IF NOT EXISTS "public"."odd ""name'" (
  "id" INT4 NOT NULL,
  "sp ace ""q'" VARCHAR(1),
  "ctid_2" INT4,
  "order" INT8,
  "a_column_name_of_exactly_sixty_four_bytes_which_is_one_too_many__" "public"."odd__name__a_column_name_of_exactly_sixty_four_bytes_which_is_one_too_many__",
  "big" "public"."odd__name__big",
  "elapsed" TIME(6),
  "blob" BYTES,
  CONSTRAINT "odd ""name'_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "odd ""name'_order_unsigned" CHECK ("order" >= 0)
);

-- table keyless
CREATE TABLE IF NOT EXISTS "public"."keyless" (
  "id" INT4,
  "v" VARCHAR(5)
);

-- table Accounts
CREATE TABLE IF NOT EXISTS "public"."Accounts" (
  "Select" VARCHAR(20) NOT NULL,
  "n" INT4 NOT NULL
);

-- after the rows

-- index customers.u_iban
-- (not when it exists)
CREATE UNIQUE INDEX "u_iban" ON "public"."customers" ("iban");

-- index customers.u_note
-- (not when it exists)
CREATE UNIQUE INDEX "u_note" ON "public"."customers" ((left("note", 20)));

-- index customers.idx_created
-- (not when it exists)
CREATE INDEX "idx_created" ON "public"."customers" ("status", "created_at" DESC);

-- index customers.idx_roles
-- (not when it exists)
CREATE INDEX "idx_roles" ON "public"."customers" ("roles");

-- index accounts.idx_created
-- (not when it exists)
CREATE INDEX "idx_created" ON "public"."accounts" ("opened");

-- index accounts.idx_year
-- (not when it exists)
CREATE INDEX "idx_year" ON "public"."accounts" ("opened_year");

-- index entries.fk_account
-- (not when it exists)
CREATE INDEX "fk_account" ON "public"."entries" ("no", "customer_id");

-- index Accounts.u
-- (not when it exists)
CREATE UNIQUE INDEX "u" ON "public"."Accounts" ("Select");

-- check customers.country_known
-- (not when it exists)
ALTER TABLE "public"."customers" ADD CONSTRAINT "country_known" CHECK ((lower(rtrim("country", ' ')) IN ('de', 'at', 'ch')));

-- check customers.iban_long
-- (not when it exists)
ALTER TABLE "public"."customers" ADD CONSTRAINT "iban_long" CHECK ((char_length("iban") >= 5));

-- check accounts.balance
-- (not when it exists)
ALTER TABLE "public"."accounts" ADD CONSTRAINT "balance" CHECK ((("balance" >= 0) AND ("balance" <= 1000000)));

-- foreign key accounts.fk_customer
-- (not when it exists)
ALTER TABLE "public"."accounts" ADD CONSTRAINT "fk_customer" FOREIGN KEY ("customer_id") REFERENCES "public"."customers" ("id") ON DELETE CASCADE ON UPDATE RESTRICT;

-- foreign key entries.fk_account
-- (not when it exists)
ALTER TABLE "public"."entries" ADD CONSTRAINT "fk_account" FOREIGN KEY ("customer_id", "no") REFERENCES "public"."accounts" ("customer_id", "no") ON DELETE SET NULL;

-- foreign key entries.fk_parent
-- (not when it exists)
ALTER TABLE "public"."entries" ADD CONSTRAINT "fk_parent" FOREIGN KEY ("parent") REFERENCES "public"."entries" ("id") ON DELETE CASCADE;

-- setval customers_id_seq
SELECT setval('"public"."customers_id_seq"', GREATEST(m, 1000, 1), GREATEST(m, 1000) >= 1) FROM (SELECT LEAST(COALESCE(MAX("id"), 0), 9223372036854775807)::INT8 AS m FROM "public"."customers") AS used;

-- setval entries_id_seq
SELECT setval('"public"."entries_id_seq"', GREATEST(m, 0, 1), GREATEST(m, 0) >= 1) FROM (SELECT LEAST(COALESCE(MAX("id"), 0), 9223372036854775807)::INT8 AS m FROM "public"."entries") AS used;

-- comment customers
COMMENT ON TABLE "public"."customers" IS 'who owns the money';

-- comment index customers.customers_pkey
COMMENT ON INDEX "public"."customers"@"customers_pkey" IS 'it''s \ the key';

-- comment index customers.u_iban
COMMENT ON INDEX "public"."customers"@"u_iban" IS 'one each';

-- comment odd "name'.ctid_2
COMMENT ON COLUMN "public"."odd ""name'"."ctid_2" IS 'it''s a --comment
with a line break';

-- comment Accounts
COMMENT ON TABLE "public"."Accounts" IS 'old; it''s kept for ''audit''';
