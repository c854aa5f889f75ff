package api

// SignInLinkRequest is the body of POST /api/v1/users/{userId}/actions/sign-in-link.
type SignInLinkRequest struct {
	Recovery bool `json:"recovery,omitempty"` // for somebody who has lost what to sign in with; whoever has signed in before gets no other
}

// SignInLink signs a person in once.
type SignInLink struct {
	URL       string `json:"url"` // of the tenant's host; it is shown this once
	ExpiresAt Time   `json:"expiresAt"`
}

// CreatedAdministrator is whom a new tenant was given as its first user.
type CreatedAdministrator struct {
	UserID     string      `json:"userId"`
	SignInLink *SignInLink `json:"signInLink,omitempty"` // absent in the answer to a repeated request
	Detail     string      `json:"detail,omitempty"`     // how to get a link, where there is none
}
