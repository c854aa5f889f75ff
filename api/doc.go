// Package api is Freehold's public contract: the wire types, error codes and
// scope names of its HTTP surfaces, and the OpenAPI documents that describe
// them. It depends on the standard library only, so that clients can import it
// without taking the server along.
//
// Freehold serves three surfaces, picked by the Host header:
//
//   - the console host (organization API),
//   - one register host a region (tenant creation),
//   - every tenant's own host (tenant API).
package api
