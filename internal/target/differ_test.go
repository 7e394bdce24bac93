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
