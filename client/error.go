package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/freehold-platform/freehold/api"
)

// maxExcerpt is how much of an unreadable answer an error quotes, in bytes.
const maxExcerpt = 300

// Error is an answer of the server with a status of 400 or more, from the API
// as well as from the OAuth endpoints.
type Error struct {
	StatusCode int
	Errors     []api.Error   // never empty
	TraceID    string        // names the request in the server's log; may be empty
	RetryAfter time.Duration // how long the server asks to wait; 0 if it does not say
}

// Error returns what the server said, in its own words, with status, code and
// trace: "License quota limit reached: 5 of 5 tenants exist (403, TENANTS-22,
// trace 9a3a5a25531c1e2d)".
func (e *Error) Error() string {
	var b strings.Builder
	for i, entry := range e.Errors {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(entry.Title)
		if entry.Detail != "" && entry.Detail != entry.Title {
			b.WriteString(": " + entry.Detail)
		}
		notes := make([]string, 0, 4)
		if i == 0 {
			notes = append(notes, strconv.Itoa(e.StatusCode))
		}
		if entry.Code != "" {
			notes = append(notes, entry.Code)
		}
		if entry.Source != nil {
			notes = append(notes, entry.Source.Pointer+entry.Source.Parameter)
		}
		if i == 0 && e.TraceID != "" {
			notes = append(notes, "trace "+e.TraceID)
		}
		if len(notes) > 0 {
			b.WriteString(" (" + strings.Join(notes, ", ") + ")")
		}
	}
	return printable(b.String())
}

// Code returns the code of the first entry of the [*Error] in err's chain, such
// as api.CodeTenantQuota, or "" if there is none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) && len(e.Errors) > 0 {
		return e.Errors[0].Code
	}
	return ""
}

// newError reads an error answer in any of its forms: the errors envelope, the
// body of RFC 6749 section 5.2, or text of something in between.
func newError(resp *Response) *Error {
	e := &Error{StatusCode: resp.StatusCode}
	var body struct {
		Errors           []wireError     `json:"errors"`
		TraceID          string          `json:"traceId"`
		OAuthError       json.RawMessage `json:"error"`
		ErrorDescription json.RawMessage `json:"error_description"`
	}
	if json.Unmarshal(resp.Body, &body) == nil {
		e.TraceID = body.TraceID
		for _, entry := range body.Errors {
			e.Errors = append(e.Errors, entry.error())
		}
		if code := text(body.OAuthError); len(e.Errors) == 0 && code != "" {
			e.Errors = []api.Error{{Code: code, Title: code, Detail: text(body.ErrorDescription)}}
		}
	}
	if len(e.Errors) == 0 {
		e.Errors = []api.Error{{Detail: excerpt(resp.Body)}}
	}
	for i := range e.Errors {
		if e.Errors[i].Title == "" {
			e.Errors[i].Title = statusText(resp.StatusCode)
		}
	}
	return e
}

// wireError is an api.Error that takes the status as a number, too: compatible
// servers are not of one mind.
type wireError struct {
	api.Error
	Status json.RawMessage `json:"status"`
}

func (w wireError) error() api.Error {
	w.Error.Status = strings.Trim(string(w.Status), `"`)
	return w.Error
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s) // anything but a string reads as none
	return s
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "Unknown error"
}

// excerpt returns the beginning of a body on one printable line.
func excerpt(body []byte) string {
	cut := body
	if len(cut) > 4*maxExcerpt {
		cut = cut[:4*maxExcerpt]
	}
	line := strings.Join(strings.Fields(printable(strings.ToValidUTF8(string(cut), "?"))), " ")
	if len(line) > maxExcerpt {
		line = strings.ToValidUTF8(line[:maxExcerpt], "") + "…"
	} else if len(cut) < len(body) {
		line += "…"
	}
	return line
}

// printable keeps text from steering the terminal that it ends up on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
