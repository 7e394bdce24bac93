package convert

import "leap/internal/schema"

// bankDatabase is a source with one of everything that the rules know. The
// goldens print its plan, and the servers run it.
func bankDatabase() *schema.Database {
	db := databaseOf(customersTable(), accountsTable(), entriesTable(), oddTable(), keylessTable())
	db.Tables = append(db.Tables, &schema.Table{
		Name: "Accounts", Engine: "MyISAM", Comment: "old; it's kept for 'audit'",
		Columns: []schema.Column{required("Select", "varchar(20) collate latin1_swedish_ci"), required("n", "int(11)")},
		Indexes: []schema.Index{{Name: "u", Unique: true, Type: "BTREE", Parts: on("Select")}},
	})
	db.Objects = []schema.Object{
		{Kind: schema.View, Name: "v_totals"},
		{Kind: schema.Trigger, Name: "trg_entry", Table: "entries", Detail: "BEFORE INSERT"},
		{Kind: schema.Procedure, Name: "close_day"},
		{Kind: schema.Event, Name: "purge", Detail: "EVERY 1 DAY"},
	}
	return db
}

func customersTable() *schema.Table {
	id := required("id", "bigint(20) unsigned")
	id.AutoIncrement = true
	updated := required("updated_at", "timestamp(6)")
	updated.OnUpdate = "current_timestamp(6)"
	updated = withExpression(updated, "current_timestamp(6)")
	secret := column("note", "text")
	secret.Invisible = true
	status := withDefault(required("status", "enum('new')"), "active")
	status.Type.Labels = []string{"new", "active", "it's", "a,b", `say "\n"`, ""}
	return &schema.Table{
		Name: "customers", Engine: "InnoDB", Comment: "who owns the money",
		Columns: []schema.Column{
			id,
			required("iban", "varchar(34) collate utf8mb4_general_ci"),
			status,
			withDefault(column("flags", "set('vip','staff','blocked')"), "vip,blocked"),
			withDefault(column("roles", "set('a','b')"), ""),
			withDefault(required("country", "char(2) collate utf8mb4_general_ci"), "DE"),
			column("profile", "json"),
			column("external", "uuid"),
			column("address", "inet6"),
			withExpression(required("created_at", "datetime"), "current_timestamp()"),
			updated,
			secret,
		},
		PrimaryKey: &schema.Index{Name: primaryIndex, Unique: true, Type: "BTREE", Parts: on("id"), Comment: "it's \\ the key"},
		Indexes: []schema.Index{
			{Name: "u_iban", Unique: true, Type: "BTREE", Parts: on("iban"), Comment: "one each"},
			{Name: "u_note", Unique: true, Type: "BTREE", Parts: []schema.KeyPart{{Column: "note", Prefix: 20}}},
			{Name: "idx_created", Type: "BTREE", Parts: []schema.KeyPart{{Column: "status"}, {Column: "created_at", Descending: true}}},
			{Name: "idx_roles", Type: "BTREE", Parts: on("roles")},
			{Name: "ft_note", Type: "FULLTEXT", Parts: on("note")},
			{Name: "idx_profile", Type: "BTREE", Parts: []schema.KeyPart{{Column: "profile", Prefix: 10}}},
		},
		Checks: []schema.Check{
			{Name: "country_known", Expression: "`country` in ('DE','AT','CH')", Enforced: true},
			{Name: "iban_long", Expression: "char_length(`iban`) >= 5", Enforced: true},
			{Name: "never", Expression: "`id` > 0", Enforced: false},
			{Name: "iban_form", Expression: "`iban` regexp '^[A-Z]'", Enforced: true},
		},
		AutoIncrement: 1001,
	}
}

func accountsTable() *schema.Table {
	return &schema.Table{
		Name: "accounts", Engine: "InnoDB",
		Columns: []schema.Column{
			required("customer_id", "bigint(20) unsigned"),
			required("no", "smallint(5) unsigned zerofill"),
			withDefault(required("balance", "decimal(18,4) unsigned"), "0.0000"),
			withDefault(required("active", "tinyint(1)"), "1"),
			withDefault(column("opened", "date"), "2020-02-29"),
			withDefault(column("closed", "date"), "0000-00-00"),
			withDefault(column("cut_off", "time(3)"), "16:30:00.500"),
			withDefault(column("rights", "bit(8)"), "b'101'"),
			withDefault(column("salt", "varbinary(16)"), "\x00'\\ab"),
			withDefault(column("rate", "float"), "1.5"),
			withDefault(column("factor", "double"), "-2.5e-3"),
			withDefault(column("since", "year(4)"), "1999"),
			withDefault(column("quote", "varchar(40)"), `it's \ "quoted"`),
			generated("doubled", "decimal(20,4)", "`balance` * 2"),
			generated("label", "varchar(60)", "concat(`no` + 0,_utf8mb4'-',`quote`)"),
			generated("opened_year", "smallint(6)", "year(`opened`)"),
			generated("half", "decimal(20,4)", "`balance` / 2"),
			generated("rich", "tinyint(1)", "`doubled` > 1000 and `active` = 1"),
		},
		PrimaryKey: &schema.Index{Name: primaryIndex, Unique: true, Type: "BTREE", Parts: on("customer_id", "no")},
		Indexes: []schema.Index{
			{Name: "idx_created", Type: "BTREE", Parts: on("opened")},
			{Name: "idx_year", Type: "BTREE", Parts: on("opened_year")},
		},
		ForeignKeys: []schema.ForeignKey{{
			Name: "fk_customer", Columns: []string{"customer_id"}, RefTable: "customers", RefColumns: []string{"id"},
			OnDelete: "CASCADE", OnUpdate: "RESTRICT",
		}},
		Checks:      []schema.Check{{Name: "balance", Expression: "`balance` between 0 and 1000000", Enforced: true}},
		Partitioned: true,
	}
}

func entriesTable() *schema.Table {
	id := required("id", "int(11)")
	id.AutoIncrement = true
	return &schema.Table{
		Name: "entries", Engine: "InnoDB",
		Columns: []schema.Column{
			id,
			column("no", "smallint(5) unsigned"),
			column("customer_id", "bigint(20) unsigned"),
			column("other", "int(11)"),
			column("parent", "int(11)"),
			withExpression(column("token", "char(36)"), "uuid()"),
		},
		PrimaryKey: &schema.Index{Name: primaryIndex, Unique: true, Type: "BTREE", Parts: on("id")},
		Indexes:    []schema.Index{{Name: "fk_account", Type: "BTREE", Parts: on("no", "customer_id")}},
		ForeignKeys: []schema.ForeignKey{
			{
				// The other way round than the key that it refers to.
				Name: "fk_account", Columns: []string{"no", "customer_id"}, RefTable: "accounts",
				RefColumns: []string{"no", "customer_id"}, OnDelete: "SET NULL", OnUpdate: "NO ACTION",
			},
			{Name: "fk_other", Columns: []string{"other"}, RefSchema: "audit", RefTable: "log", RefColumns: []string{"id"}},
			{Name: "fk_type", Columns: []string{"other"}, RefTable: "customers", RefColumns: []string{"id"}},
			{Name: "fk_parent", Columns: []string{"parent"}, RefTable: "entries", RefColumns: []string{"id"}, OnDelete: "CASCADE"},
		},
		AutoIncrement: 1,
	}
}

// oddTable has the names and types that are easy to get wrong.
func oddTable() *schema.Table {
	odd := tableOf(`odd "name'`,
		column(`sp ace "q'`, "varchar(0)"),
		column("ctid", "mediumint(9)"),
		column("order", "int(10) unsigned"),
		column("a_column_name_of_exactly_sixty_four_bytes_which_is_one_too_many__", "enum('one','two')"),
		column("big", "enum('"+longLabel+"','short')"),
		column("elapsed", "time(6)"),
		column("blob", "mediumblob"),
	)
	odd.Columns[2].Comment = "it's a --comment\nwith a line break"
	return odd
}

const longLabel = "a label that is longer than the sixty-three bytes which PostgreSQL allows"

func keylessTable() *schema.Table {
	t := tableOf("keyless", column("v", "varchar(5)"))
	t.PrimaryKey = nil
	t.Columns[0].Nullable = true
	return t
}
