package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
)

// RepeatsMember tells whether a JSON object has a member more than once. Names that
// differ in their case only are the same to the decoder, which would take the last.
func RepeatsMember(object []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return false
	}
	seen := make(map[string]bool)
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || decoder.Decode(&value) != nil {
			return false
		}
		folded := strings.ToLower(strings.ToUpper(name)) // what is equal without regard to case, as the decoder has it
		if seen[folded] {
			return true
		}
		seen[folded] = true
	}
	return false
}
