package command

import "testing"

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"Grüße, 世界":             "Grüße, 世界",
		"a\x1b]0;title\x07b\nc": "a ]0;title b c",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFitting(t *testing.T) {
	headers, rows := []string{"A", "NAME", "C"}, [][]string{{"1", "世界", "333"}, {"22", "x", "3"}}
	// Two cells for A, a gap of two, four for NAME, a gap of two, three for C.
	for width, want := range map[int]int{1: 1, 7: 1, 8: 2, 12: 2, 13: 3, 200: 3} {
		if got := fitting(width, headers, rows); got != want {
			t.Errorf("%d columns take %d, want %d", width, got, want)
		}
	}
}
