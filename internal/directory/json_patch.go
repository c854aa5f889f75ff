package directory

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// maxPatched is how long a document can become while it is patched: copies can
// double it with each operation.
const maxPatched = 64 << 10

// jsonPatchMembers are the operations of RFC 6902 and what they need.
var jsonPatchMembers = map[string]string{"add": "value", "replace": "value", "test": "value", "remove": "", "move": "from", "copy": "from"}

// applyJSONPatch does the operations of a patch to a document. Its errors name the
// operation that can't be done.
func applyJSONPatch(document, patch []byte) ([]byte, error) {
	var operations []map[string]json.RawMessage
	if json.Unmarshal(patch, &operations) != nil || operations == nil {
		return nil, badSetting("", "The body must be a JSON Patch: an array of operations.")
	}
	if len(operations) > maxPatch {
		return nil, badSetting("", "A patch can have at most "+strconv.Itoa(maxPatch)+" operations.")
	}
	for i, members := range operations {
		place := "/" + strconv.Itoa(i)
		if member, detail := checkOperation(members); detail != "" {
			return nil, errTenantSettings.At(place+"/"+member, detail)
		}
		one, err := json.Marshal([]map[string]json.RawMessage{members})
		if err != nil {
			return nil, err
		}
		operation, err := jsonpatch.DecodePatch(one)
		if err != nil {
			return nil, errTenantSettings.At(place, "is no operation of a JSON Patch")
		}
		options := jsonpatch.NewApplyOptions()
		options.SupportNegativeIndices = false // RFC 6901 has none
		changed, err := operation.ApplyWithOptions(document, options)
		switch {
		case errors.Is(err, jsonpatch.ErrTestFailed):
			return nil, errTenantSettingsTest.At(place, "does not hold")
		case err != nil:
			return nil, errTenantSettings.At(place+"/path", "there is nothing at this place, or it can't be changed like this")
		case len(changed) > maxPatched:
			return nil, errTenantSettings.At(place, "makes the settings too long")
		}
		document = changed
	}
	return document, nil
}

// checkOperation says which member of an operation is wrong, and why.
func checkOperation(members map[string]json.RawMessage) (member, detail string) {
	var op string
	if json.Unmarshal(members["op"], &op) != nil {
		return "op", "must be a string"
	}
	needs, known := jsonPatchMembers[op]
	if !known {
		return "op", "must be add, remove, replace, move, copy or test"
	}
	for _, name := range []string{"path", "from"} {
		if name != "path" && name != needs {
			continue
		}
		var pointer string
		if raw := members[name]; raw == nil || string(raw) == "null" || json.Unmarshal(raw, &pointer) != nil || pointer != "" && pointer[0] != '/' {
			return name, "must be a JSON Pointer, such as /releaseCadence"
		}
		if slices.ContainsFunc(strings.Split(pointer, "~")[1:], func(rest string) bool { return rest == "" || rest[0] != '0' && rest[0] != '1' }) {
			return name, "must have ~0 or ~1 wherever there is ~"
		}
	}
	if _, ok := members["value"]; needs == "value" && !ok {
		return "value", "is missing"
	}
	return "", ""
}
