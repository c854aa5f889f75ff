package api

import "embed"

//go:embed openapi/*.json
var openapi embed.FS

// OpenAPI returns the OpenAPI document of a surface, "console", "register" or
// "tenant", as JSON; nil for any other name. It is the caller's to change.
func OpenAPI(surface string) []byte {
	document, err := openapi.ReadFile("openapi/" + surface + ".json")
	if err != nil {
		return nil // the only way to fail is that there is no such file
	}
	return document
}
