package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/filter"
)

// Input is what a webhook is made of.
type Input struct {
	Name             string
	Description      string
	URL              string
	EventTypes       []string
	Filter           string
	Enabled          bool
	Headers          map[string]string
	EncryptedHeaders map[string]string
	Secret           estate.Secret
	CheckRevocation  bool
	Origin           string // when it is made: api, automations or management-console
}

// Limits of the contract.
const (
	maxName        = 512
	maxDescription = 1024
	maxHeaders     = 2048 // bytes of names and values together
	minSecret      = 32
	maxSecret      = 64
)

// AllEvents is the event type of webhooks that are told of everything.
const AllEvents = "*"

func invalid(pointer, format string, args ...any) error {
	return estate.E(estate.Invalid, api.CodeWebhookInvalid, "Invalid webhook", "").At(pointer, fmt.Sprintf(format, args...))
}

// validate checks what a webhook in scope would be made of.
func (s *Service) validate(scope estate.Scope, in Input) error {
	switch n := utf8.RuneCountInString(in.Name); {
	case strings.TrimSpace(in.Name) == "" || n > maxName:
		return invalid("/name", "name must have 1 to %d characters", maxName)
	case utf8.RuneCountInString(in.Description) > maxDescription:
		return invalid("/description", "description must have at most %d characters", maxDescription)
	}
	if err := s.fetch.CheckURL(in.URL); err != nil {
		return invalid("/url", "url %s", err)
	}
	if in.CheckRevocation {
		return invalid("/checkCertificateRevocation", "revocation of certificates is not checked here, so it can't be asked for")
	}
	if n := len(in.Secret.Reveal()); n > 0 && (n < minSecret || n > maxSecret) {
		return invalid("/secret", "secret must have %d to %d characters", minSecret, maxSecret)
	}
	if !slices.Contains([]string{"", "api", "automations", "management-console"}, in.Origin) {
		return invalid("/origin", "origin must be api, automations or management-console")
	}
	if err := validateTypes(scope, in.EventTypes); err != nil {
		return err
	}
	if in.Filter != "" {
		if _, err := filter.Parse(in.Filter, filterSchema); err != nil {
			return invalid("/filter", "%s", err)
		}
	}
	if err := validateHeaders("/headers", in.Headers, nil); err != nil {
		return err
	}
	return validateHeaders("/encryptedHeaders", in.EncryptedHeaders, in.Headers)
}

func validateTypes(scope estate.Scope, types []string) error {
	if len(types) == 0 {
		return invalid("/eventTypes", "eventTypes must name at least one type, or %s for all", AllEvents)
	}
	known := event.Types()
	for i, name := range types {
		ok := name == AllEvents || slices.ContainsFunc(known, func(t event.Type) bool { return t.Name == name && (t.Tenant || scope.Tenant == "") })
		if !ok {
			return invalid("/eventTypes/"+strconv.Itoa(i), "%q is not one of the types that …/webhooks/event-types lists", name)
		}
	}
	return nil
}

// validateHeaders refuses headers that are none, that other also has, and those
// that are the server's to set.
func validateHeaders(pointer string, headers, other map[string]string) error {
	size := 0
	seen := map[string]bool{}
	for name := range other {
		seen[http.CanonicalHeaderKey(name)] = true
	}
	for name, value := range headers {
		canonical := http.CanonicalHeaderKey(name)
		size += len(name) + len(value)
		switch {
		case !isToken(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return invalid(pointer, "%q is no header of HTTP", name)
		case seen[canonical]:
			return invalid(pointer, "the header %s is there twice", canonical)
		case reservedHeader(canonical):
			return invalid(pointer, "the header %s is the server's to set", canonical)
		}
		seen[canonical] = true
	}
	if size > maxHeaders {
		return invalid(pointer, "headers must have at most %d bytes", maxHeaders)
	}
	return nil
}

// isToken is the form of names of headers (RFC 9110 section 5.6.2).
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func reservedHeader(canonical string) bool {
	return slices.Contains([]string{
		"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer", "Expect", "User-Agent", headerQlik,
	}, canonical) || strings.HasPrefix(canonical, "Webhook-") || strings.HasPrefix(canonical, "Proxy-")
}

// headerNames are the names of headers, sorted.
func headerNames(headers map[string]string) []string { return slices.Sorted(maps.Keys(headers)) }

// PatchOperation is one operation of a JSON Patch (RFC 6902) on a webhook. Only
// whole members can be changed.
type PatchOperation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

const maxPatch = 100

func invalidPatch(pointer, format string, args ...any) error {
	return estate.E(estate.Invalid, api.CodeWebhookPatch, "Invalid patch", "").At(pointer, fmt.Sprintf(format, args...))
}

// ParsePatch reads a patch.
func ParsePatch(text []byte) (patch []PatchOperation, err error) {
	if err := json.Unmarshal(text, &patch); err != nil || patch == nil {
		return nil, invalidPatch("", "the body must be a JSON Patch: an array of operations")
	}
	if len(patch) > maxPatch {
		return nil, invalidPatch("", "a patch can have at most %d operations", maxPatch)
	}
	return patch, nil
}

// patched is in after a patch. A header that nobody may see does not follow the
// webhook to another address.
func (in Input) patched(patch []PatchOperation) (Input, error) {
	before := in
	secret, encryption, hidden := "", true, false
	in.Headers, in.EncryptedHeaders, in.EventTypes = maps.Clone(in.Headers), maps.Clone(in.EncryptedHeaders), slices.Clone(in.EventTypes)
	members := map[string]any{
		"/name": &in.Name, "/description": &in.Description, "/url": &in.URL, "/eventTypes": &in.EventTypes, "/headers": &in.Headers, "/enabled": &in.Enabled,
		"/secret": &secret, "/encryptedHeaders": &in.EncryptedHeaders, "/enableCloudEventDelivery": &encryption,
	}
	clearings := map[string]func(){
		"/description": func() { in.Description = "" }, "/eventTypes": func() { in.EventTypes = nil }, "/headers": func() { in.Headers = nil },
		"/secret": func() { in.Secret = "" }, "/encryptedHeaders": func() { in.EncryptedHeaders = nil },
	}
	for i, p := range patch {
		place := "/" + strconv.Itoa(i)
		member, ok := members[p.Path]
		if !ok {
			return in, invalidPatch(place+"/path", "%q can't be changed; what can is %s", p.Path, strings.Join(slices.Sorted(maps.Keys(members)), ", "))
		}
		hidden = hidden || p.Path == "/encryptedHeaders"
		switch p.Op {
		case "remove":
			clearing, ok := clearings[p.Path]
			if !ok {
				return in, invalidPatch(place+"/path", "%s can't be removed", p.Path)
			}
			clearing()
		case "add", "replace":
			if headers, ok := member.(*map[string]string); ok {
				*headers = nil // the value is the whole of them
			}
			if string(p.Value) == "null" || json.Unmarshal(p.Value, member) != nil {
				return in, invalidPatch(place+"/value", "value is not what %s can be", p.Path)
			}
			if p.Path == "/secret" {
				in.Secret = estate.Secret(secret)
			}
			if !encryption {
				return in, invalidPatch(place+"/value", "events are delivered as CloudEvents, and in no other form")
			}
		default:
			return in, invalidPatch(place+"/op", "op must be add, remove or replace")
		}
	}
	if in.URL != before.URL && !hidden {
		in.EncryptedHeaders = nil
	}
	return in, nil
}

// filterSchema is what events can be filtered by.
var filterSchema = filter.Schema{
	{Name: "id", Type: filter.Exact, Ops: []filter.Op{filter.EQ, filter.NE}},
	{Name: "spaceId", Type: filter.Exact, Ops: []filter.Op{filter.EQ, filter.NE}},
	{Name: "topLevelResourceId", Type: filter.Exact, Ops: []filter.Op{filter.EQ, filter.NE}},
	{Name: "data.status", Type: filter.Exact, Ops: []filter.Op{filter.EQ, filter.NE}},
}

// filteredData are the members of an event's data that attributes of a filter stand
// for.
var filteredData = map[string]string{"spaceId": "spaceId", "data.status": "status"}
