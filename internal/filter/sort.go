package filter

import (
	"slices"
	"strings"
)

// SortKey is one key of a list's order.
type SortKey struct {
	Attribute  string // canonical name
	Descending bool
}

// ParseSort reads a sort parameter: attribute names with commas between them,
// the most significant first, each with "-" before it for descending or "+" or
// nothing for ascending. White space around an element is skipped, which also
// takes the space that a "+" becomes in a URL when it is not encoded. Names are
// matched without case and returned as attributes spells them.
//
// An empty input is no order, nil. The error is an [*Error]; a name that is
// not among attributes, comes twice or is missing is one.
func ParseSort(input string, attributes []string) ([]SortKey, error) {
	if input == "" {
		return nil, nil
	}
	var keys []SortKey
	end := -1 // where the element before ended
	for element := range strings.SplitSeq(input, ",") {
		start := end + 1
		end = start + len(element)

		name := strings.TrimLeft(element, " \t")
		descending := strings.HasPrefix(name, "-")
		if descending || strings.HasPrefix(name, "+") {
			name = name[1:]
		}
		position := end - len(name)
		name = strings.TrimRight(name, " \t")

		i := slices.IndexFunc(attributes, func(a string) bool { return sameName(a, name) })
		switch {
		case name == "":
			return nil, errorAt(position, "expected an attribute; known are %s", strings.Join(attributes, ", "))
		case i < 0:
			return nil, unknownAttribute(position, name, attributes)
		case slices.ContainsFunc(keys, func(k SortKey) bool { return k.Attribute == attributes[i] }):
			return nil, errorAt(position, "attribute %q is given twice", attributes[i])
		}
		keys = append(keys, SortKey{Attribute: attributes[i], Descending: descending})
	}
	return keys, nil
}
