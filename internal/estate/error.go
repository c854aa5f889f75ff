package estate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is the closed set of ways in which an operation can fail.
type Kind uint8

// The kinds of failure.
const (
	Internal        Kind = iota // unexpected; details go to the log only
	Invalid                     // the request is wrong and will stay wrong
	Unauthenticated             // nobody known is asking
	Forbidden                   // the caller may know of the thing but not do this
	NotFound                    // no such thing, or not for this caller
	Conflict                    // the present state is in the way
	Precondition                // a condition the caller named does not hold
	Unprocessable               // understood, but contradicts an earlier request
	RateLimited                 // too many requests; see RetryAfter
	Unavailable                 // try again later
)

// Field names one part of a request and what is wrong with it.
type Field struct {
	Pointer   string // JSON Pointer into the body, or
	Parameter string // name of a query, path or header parameter
	Detail    string
	Meta      any // machine-readable particulars, written as JSON; nil: none
}

// Error is the one error type that crosses package borders. Title and Detail
// are written for the caller and safe to show; the cause is for the log.
type Error struct {
	Kind       Kind
	Code       string // as the contract writes it, e.g. "TENANTS-22"
	Title      string
	Detail     string
	Fields     []Field
	RetryAfter time.Duration

	cause error
}

// E makes an Error. Detail may be empty.
func E(kind Kind, code, title, detail string) *Error {
	return &Error{Kind: kind, Code: code, Title: title, Detail: detail}
}

// unavailableFor is when to try again what can't be done now: a failover takes
// some seconds, a restart less.
const unavailableFor = 2 * time.Second

// Wait is when to try again, in whole seconds as the header Retry-After has it; ""
// where that is not known.
func (e *Error) Wait() string {
	wait := e.RetryAfter
	if e.Kind == Unavailable {
		wait = max(wait, unavailableFor)
	}
	if wait <= 0 {
		return ""
	}
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}

// At returns a copy of e that names a field of the body by its JSON Pointer.
func (e *Error) At(pointer, detail string) *Error {
	c := *e
	c.Fields = append(c.Fields[:len(c.Fields):len(c.Fields)], Field{Pointer: pointer, Detail: detail})
	return &c
}

// InParameter returns a copy of e that names a parameter of the request.
func (e *Error) InParameter(parameter, detail string) *Error {
	c := *e
	c.Fields = append(c.Fields[:len(c.Fields):len(c.Fields)], Field{Parameter: parameter, Detail: detail})
	return &c
}

// Because returns a copy of e with a cause, which is logged and never shown.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error implements error. It is for logs.
func (e *Error) Error() string {
	s := e.Code + " " + e.Title
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	for _, f := range e.Fields {
		s += fmt.Sprintf(" [%s%s: %s]", f.Pointer, f.Parameter, f.Detail)
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Plain is what a person is told at a terminal: neither code nor cause.
func (e *Error) Plain() string {
	s := strings.TrimSuffix(e.Title, ".")
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	for _, f := range e.Fields {
		s += fmt.Sprintf("\n%s%s: %s", f.Pointer, f.Parameter, f.Detail)
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error of the same code, so that errors.Is
// works against the package's values.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Kind == e.Kind
}

// HasCode tells whether err is, or wraps, an Error of the code.
func HasCode(err error, code string) bool {
	var known *Error
	return errors.As(err, &known) && known.Code == code
}

// HasKind tells whether err is, or wraps, an Error of the kind.
func HasKind(err error, kind Kind) bool {
	var known *Error
	return errors.As(err, &known) && known.Kind == kind
}
