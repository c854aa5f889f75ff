package people

import (
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
)

// browser is a short name for what calls itself agent.
func browser(agent string) string {
	name := first(agent, "Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari")
	system := first(agent, "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	switch {
	case name != "" && system != "":
		return name + " on " + system
	case name != "" || agent == "":
		return name
	case len(agent) > 40:
		return strings.ToValidUTF8(agent[:40], "") + "…"
	}
	return agent
}

// first is the name of the first mark that text has, of pairs of both.
func first(text string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if strings.Contains(text, pairs[i]) {
			return pairs[i+1]
		}
	}
	return ""
}

// method says what somebody has signed in with.
func method(m estate.SignInMethod) string {
	switch m {
	case estate.SignInFederated:
		return "Identity provider"
	case estate.SignInPasskey:
		return "Passkey"
	case estate.SignInPassword:
		return "Password"
	case estate.SignInTOTP:
		return "Password and code"
	case estate.SignInRecovery:
		return "Password and recovery code"
	case estate.SignInLink:
		return "Link"
	}
	return string(m)
}

// unknownOrganization is what to say of an organization that somebody named.
func unknownOrganization(l login) string {
	if !l.Unknown {
		return ""
	}
	return "No organization of this name signs people in by an identity provider."
}

// orNone is text, or a word for that there is none.
func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
