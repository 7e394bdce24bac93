package target

import "testing"

func TestLastName(t *testing.T) {
	for in, want := range map[string]string{
		`t_id_seq`: "t_id_seq", `public.t_id_seq`: "t_id_seq", `"public"."t.id"`: "t.id", `"a""b"`: `a"b`, `d.public."tábla"`: "tábla", `"x".`: "",
	} {
		if got := lastName(in); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
	for text, want := range map[string]bool{
		`nextval('public.s'::regclass)`: true, `nextval(e'"public"."it\'s"':::STRING)`: true, `(nextval('s'))::numeric`: true,
		`my_nextval('s')`: false, `'nextval(s)'`: false, `currval('s')`: false,
	} {
		if got := nextvalCall.MatchString(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestWithoutCasts(t *testing.T) {
	for text, want := range map[string]string{
		`'new':::public.order_Status`:                                       `'new'`,
		`ARRAY['a':::public.X_set,'b:::c':::public.X_set]:::public.X_set[]`: `ARRAY['a','b:::c']`,
		`e'it\'s:::x':::STRING`:                                             `e'it\'s:::x'`,
		`'a\':::STRING`:                                                     `'a\'`,
		`(1:::INT8 + 2:::INT8)`:                                             `(1 + 2)`,
		`'x'::text`:                                                         `'x'::text`,
	} {
		if got := withoutCasts(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
