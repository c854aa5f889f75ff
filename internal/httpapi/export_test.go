package httpapi

import "github.com/freehold-platform/freehold/internal/estate"

// Route is a row of the table of operations, for tests from outside.
type Route struct {
	ID       string
	Method   string
	Path     string
	Surfaces []estate.SurfaceKind
	Public   bool
}

// Routes are all rows of the table.
func Routes() []Route {
	routes := make([]Route, len(operations))
	for i, op := range operations {
		routes[i] = Route{op.id, op.method, op.path, op.surfaces, op.public}
	}
	return routes
}

// MaxBody is the limit for bodies, in bytes.
const MaxBody = maxBody
