package sandboxtest

import (
	"slices"
	"testing"
)

// TestSequences: MariaDB's tables of numbers are there on every source.
func TestSequences(t *testing.T) {
	source := Source(t)
	db, err := source.DB(t.Context(), NewDatabase(t, source))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for query, want := range map[string][]int{
		"SELECT seq FROM seq_3_to_12":                               {3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		"SELECT seq FROM seq_2_to_0":                                {2, 1, 0},
		"SELECT seq FROM seq_7_to_7":                                {7},
		"SELECT count(*) FROM seq_1_to_2000":                        {2000},
		"SELECT x.seq * 10 + y.seq FROM seq_1_to_2 x, seq_1_to_2 y": {11, 12, 21, 22},
	} {
		rows, err := db.QueryContext(t.Context(), source.SQL(query))
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if len(want) == 4 {
			slices.Sort(got) // the order of a join is nobody's promise
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}
