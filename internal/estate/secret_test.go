package estate_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
)

// TestSecret_IsNeverPrinted prints a secret every way there is: alone, inside of
// other values, and where a program prints by accident. Only Reveal tells it.
func TestSecret_IsNeverPrinted(t *testing.T) {
	const text = "hunter2-0123456789abcdef"
	secret := estate.Secret(text)
	type holder struct {
		Name   string
		Secret estate.Secret
		Deep   struct{ Pointer *estate.Secret }
		List   []estate.Secret
		Map    map[string]estate.Secret
		Any    any
	}
	h := holder{Name: "n", Secret: secret, List: []estate.Secret{secret}, Map: map[string]estate.Secret{"k": secret}, Any: secret}
	h.Deep.Pointer = &secret
	printed := map[string]string{}

	// Every verb, also those that make no sense of a text: fmt then prints the
	// value itself beside its complaint. A %p of a secret is refused by go vet.
	for _, flags := range []string{"", "+", "#", "-", " ", "0", "30", ".3", "+#30.3"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGsyz!" {
			format := "%" + flags + string(verb)
			printed[format] = fmt.Sprintf(format, secret)
			printed[format+" pointer"] = fmt.Sprintf(format, &secret)
			printed[format+" struct"] = fmt.Sprintf(format, h)
			printed[format+" struct pointer"] = fmt.Sprintf(format, &h)
			printed[format+" slice"] = fmt.Sprintf(format, h.List)
			printed[format+" map"] = fmt.Sprintf(format, h.Map)
			printed[format+" any"] = fmt.Sprintf(format, []any{secret, h})
		}
	}
	printed["Sprint"] = fmt.Sprint(secret, h)
	printed["Sprintln"] = fmt.Sprintln(secret, h)

	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "xml": xml.Marshal} {
		for kind, v := range map[string]any{"alone": secret, "pointer": &secret, "list": h.List} {
			encoded, err := marshal(v)
			if err != nil {
				t.Errorf("%s of %s: %v", name, kind, err)
			}
			printed[name+" "+kind] = string(encoded)
		}
	}
	encoded, err := json.Marshal(h)
	if err != nil {
		t.Error(err)
	}
	printed["json struct"] = string(encoded)
	encoded, err = secret.MarshalText()
	if err != nil {
		t.Error(err)
	}
	printed["text"] = string(encoded)

	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		log := slog.New(handler(&b)).With("with", secret)
		log.Info("message", "any", secret, "pointer", &secret, slog.Any("struct", h), slog.Group("group", "in", secret), "list", h.List, "map", h.Map)
		log.WithGroup("g").Error("message", "error", fmt.Errorf("wrong secret %v", secret))
		printed[name] = b.String()
	}

	wrapped := fmt.Errorf("%w: %v", fmt.Errorf("inner %s", secret), secret)
	printed["error"] = wrapped.Error()
	printed["joined errors"] = errors.Join(wrapped, errors.New(fmt.Sprint(secret))).Error()
	known := estate.E(estate.Invalid, "X-1", "Invalid", fmt.Sprint(secret)).Because(wrapped).At("/secret", secret.String())
	printed["estate.Error"] = fmt.Sprintf("%v %+v", known.Error(), known)
	printed["panic"] = func() (said string) {
		defer func() { said = fmt.Sprint(recover()) }()
		panic(secret)
	}()

	for way, output := range printed {
		// A part of it is a leak as well; five characters are what a hint shows.
		for i := 0; i+6 <= len(text); i++ {
			if part := text[i : i+6]; strings.Contains(output, part) || strings.Contains(output, fmt.Sprintf("%x", part)) || strings.Contains(output, fmt.Sprintf("%X", part)) {
				t.Errorf("%s prints %s", way, output)
				break
			}
		}
	}
	if printed["%v"] != "[redacted]" || printed["%s"] != "[redacted]" {
		t.Errorf("%%v prints %q, %%s prints %q", printed["%v"], printed["%s"])
	}
	if secret.Reveal() != text {
		t.Error("Reveal does not reveal")
	}
}
