package frame

import "testing"

func TestFormSource(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example.com/callback?a=b": "https://app.example.com",
		"http://127.0.0.1:8080/callback":       "http://127.0.0.1:8080",
		"com.example.app:/callback":            "com.example.app:",
		"":                                     "",
		"/callback":                            "",
		"//app.example.com":                    "",
		"javascript:alert(1)":                  "",
		"data:text/html,x":                     "",
		"https://x;script-src/":                "",
		"https://x,y/":                         "",
		"https://*/":                           "",
		"https:///":                            "",
		"https://x y/":                         "",
	} {
		if got := formSource(uri); got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
}
