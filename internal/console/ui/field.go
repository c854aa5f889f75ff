package ui

import (
	"maps"
	"slices"
	"strconv"

	"github.com/a-h/templ"
)

func (f Field) id() string      { return "f-" + f.Name }
func (f Field) hintID() string  { return f.id() + "-hint" }
func (f Field) errorID() string { return f.id() + "-error" }

func (f Field) inputType() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f Field) autocomplete() string {
	if f.Autocomplete == "" {
		return "off"
	}
	return f.Autocomplete
}

func (f Field) rows() string {
	if f.Rows == 0 {
		return "4"
	}
	return strconv.Itoa(f.Rows)
}

// attributes are those that tell assistive technology of hint and error.
func (f Field) attributes() templ.Attributes {
	a := templ.Attributes{}
	described := ""
	if f.Hint != "" {
		described = f.hintID()
	}
	if f.Error != "" {
		if described != "" {
			described += " "
		}
		described += f.errorID()
		if f.Options == nil || f.Type == "select" {
			a["aria-invalid"] = "true"
		}
	}
	if described != "" {
		a["aria-describedby"] = described
	}
	if f.Required && f.Options == nil {
		a["required"] = true
	}
	if f.Autofocus {
		a["autofocus"] = true
	}
	if f.Search {
		a["data-search"] = true
	}
	for name, value := range map[string]string{"min": f.Min, "max": f.Max} {
		if value != "" {
			a[name] = value
		}
	}
	return a
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// otherTheme is what the toggle leads to where no script runs.
func otherTheme(theme string) string {
	if theme == "dark" {
		return "light"
	}
	return "dark"
}

func sortedKeys(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
