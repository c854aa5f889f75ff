package estate

import (
	"encoding/base32"
	"regexp"
	"strings"
)

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Labels that name surfaces of the server or invite confusion with them.
var reservedLabels = map[string]bool{
	"register": true, "console": true, "www": true, "api": true, "admin": true,
	"login": true, "oauth": true, "account": true, "localhost": true,
}

// RegisterLabel is the host label of a region's register surface.
const RegisterLabel = "register"

// ConsoleLabel is the host label of the console surface.
const ConsoleLabel = "console"

var hostLabelPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// Hostname is a tenant's host name without the base domain: "label.region", in
// lower case. The domain is the server's configuration, not part of the estate.
type Hostname string

// NewHostname joins label and region.
func NewHostname(label string, region RegionCode) Hostname {
	return Hostname(strings.ToLower(label) + "." + string(region))
}

// Label is the part before the region.
func (h Hostname) Label() string {
	label, _, _ := strings.Cut(string(h), ".")
	return label
}

// CheckAliasLabel says what is wrong with label as the alias of a tenant's host
// name; empty means nothing.
func CheckAliasLabel(label string) string {
	switch {
	case len(label) < 3 || len(label) > 63:
		return "Subdomain should be between 3 and 63 characters"
	case !hostLabelPattern.MatchString(label):
		return "Subdomain should have only letters, digits and hyphens, and no hyphen at its ends"
	case reservedLabels[label]:
		return "Subdomain is reserved"
	}
	return ""
}
