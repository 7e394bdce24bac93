package event

import (
	"slices"
	"testing"
)

func TestTee(t *testing.T) {
	var got []string
	listener := func(name string) Sink {
		return SinkFunc(func(e Event) { got = append(got, name+" "+e.Table) })
	}
	tee := Tee(listener("a"), Discard, listener("b"))
	tee.Emit(Event{Table: "x"})
	tee.Emit(Event{Table: "y"})
	if want := []string{"a x", "b x", "a y", "b y"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	Tee().Emit(Event{}) // nobody listens
}
