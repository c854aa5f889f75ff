// Package credential is the authorization server: OAuth clients with their
// secrets, client authentication, grants, and access tokens.
//
// A request for a token runs through the same steps whatever the grant:
//
//	IssueToken: authenticate the client → admit it to the surface → grant → sign
//
// Nothing on that way reads the database once client and bot are cached.
package credential
