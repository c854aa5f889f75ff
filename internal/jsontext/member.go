package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
)

// RepeatsMember tells whether an object in a JSON text has a member more than once:
// which of them counts would be up to the reader. Names of the outermost object that
// differ in their case only are the same, as they are to a decoder into a struct; below
// it an object may be somebody's own names, as labels are. A text that is not JSON
// repeats nothing.
func RepeatsMember(text []byte) bool {
	if !json.Valid(text) { // which bounds the depth as well
		return false
	}
	return repeatsMember(json.NewDecoder(bytes.NewReader(text)), func(name string) string {
		return strings.ToLower(strings.ToUpper(name)) // what is equal without regard to case, as the decoder has it
	})
}

// repeatsMember reads one value, of a valid text.
func repeatsMember(decoder *json.Decoder, same func(name string) string) bool {
	exactly := func(name string) string { return name }
	open, _ := decoder.Token()
	if _, composite := open.(json.Delim); !composite {
		return false
	}
	seen := make(map[string]bool)
	for decoder.More() {
		if open == json.Delim('{') {
			token, _ := decoder.Token()
			text, _ := token.(string)
			name := same(text)
			if seen[name] {
				return true
			}
			seen[name] = true
		}
		if repeatsMember(decoder, exactly) {
			return true
		}
	}
	_, _ = decoder.Token() // the end
	return false
}
