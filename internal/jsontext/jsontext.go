// Package jsontext is for what encoding/json is not: it writes JSON by hand, for the few
// answers that are made so often that reflection would be most of their cost, and
// finds members that a decoder would pass over.
package jsontext

import "encoding/json"

// AppendString appends s as a JSON string.
func AppendString(b []byte, s string) []byte {
	for i := range len(s) {
		if !plain[s[i]] {
			return appendEscaped(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendEscaped leaves what needs escaping to encoding/json.
func appendEscaped(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) //nolint:forbidigo // a string always has a JSON text
	}
	return append(b, text...)
}

// plain are the bytes that stand for themselves in a JSON string, of ASCII.
var plain = func() (table [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		table[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return table
}()
