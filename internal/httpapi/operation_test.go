package httpapi_test

import (
	"slices"
	"testing"

	"github.com/freehold-platform/freehold/internal/apitest"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/httpapi"
)

var surfaces = []estate.SurfaceKind{estate.SurfaceConsole, estate.SurfaceRegister, estate.SurfaceTenant}

// TestRoutes_Documents holds the table of operations and the OpenAPI documents
// together, both ways.
func TestRoutes_Documents(t *testing.T) {
	for _, surface := range surfaces {
		documented := apitest.Operations(string(surface))
		if len(documented) == 0 {
			t.Fatalf("no document of the %s surface", surface)
		}
		var served []apitest.Operation
		for _, route := range httpapi.Routes() {
			if slices.Contains(route.Surfaces, surface) {
				served = append(served, apitest.Operation{Method: route.Method, Path: route.Path, OperationID: route.ID})
			}
		}
		for _, op := range served {
			if !slices.Contains(documented, op) {
				t.Errorf("%s: %v is served and not in the document", surface, op)
			}
		}
		for _, op := range documented {
			if !slices.Contains(served, op) {
				t.Errorf("%s: %v is in the document and not served", surface, op)
			}
		}
		if len(served) != len(documented) {
			t.Errorf("%s: %d operations are served, %d documented", surface, len(served), len(documented))
		}
	}
}

// TestRoutes_Public names the operations that need no token, so that a new one
// is not among them by accident.
func TestRoutes_Public(t *testing.T) {
	want := []string{
		"answerProvisioning",                             // whose path is a secret
		"authorize", "authorizeDevice", "registerClient", // for programs that nobody has approved yet
		"getAuthorizationServerMetadata", "getJWKS", "getLiveness", "getOpenAPI", "getProductInfo", "getProtectedResourceMetadata", "getReadiness",
		"introspectToken", "issueToken", "revokeToken", // these three find out by themselves who asks
		"beginLogin", "createSession", "deleteSession", "finishLogin", "getLoginMetadata", "logout", // for people who are not signed in yet, or don't want to be
	}
	slices.Sort(want)
	var have []string
	for _, route := range httpapi.Routes() {
		if route.Public {
			have = append(have, route.ID)
		}
	}
	slices.Sort(have)
	if !slices.Equal(slices.Compact(have), want) {
		t.Errorf("public operations: %v\nwant: %v", have, want)
	}
}
