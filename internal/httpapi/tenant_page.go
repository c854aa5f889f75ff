package httpapi

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// tenantPage is an api.OrganizationTenantList on its way out. It is written by hand:
// lists of tenants are the largest answers, and what is asked for most.
type tenantPage struct {
	x       *exchange
	tenants []estate.Tenant
	terms   map[estate.SubscriptionID][]byte // when the subscriptions are valid, as members
	links   api.PageLinks
	total   *int64
}

// newTenantPage finds out what the list needs beside the tenants.
func (x *exchange) newTenantPage(tenants []estate.Tenant) (p tenantPage, err error) {
	p = tenantPage{x: x, tenants: tenants, terms: make(map[estate.SubscriptionID][]byte, len(tenants))}
	var texts []byte // of all
	for i := range tenants {
		t := &tenants[i]
		if _, known := p.terms[t.Subscription]; known {
			continue
		}
		starts, ends, err := x.server.Tenancy.Terms(x.r.Context(), t.Organization, t.Subscription)
		if err != nil {
			return p, err
		}
		from := len(texts)
		texts = appendTime(appendTime(texts, `,"licenseStartsAt":`, starts), `,"licenseEndsAt":`, ends)
		p.terms[t.Subscription] = texts[from:len(texts):len(texts)]
	}
	return p, nil
}

// appendJSON writes what encoding/json would of the list.
func (p tenantPage) appendJSON(b []byte) []byte {
	b = append(b, `{"data":[`...)
	for i := range p.tenants {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.x.appendTenant(b, &p.tenants[i], p.terms[p.tenants[i].Subscription])
	}
	b = appendString(append(b, `],"links":{"self":{"href":`...), p.links.Self.Href)
	for _, link := range []struct {
		name string
		to   *api.Link
	}{{`},"next":{"href":`, p.links.Next}, {`},"prev":{"href":`, p.links.Prev}} {
		if link.to != nil {
			b = appendString(append(b, link.name...), link.to.Href)
		}
	}
	b = append(b, `}}`...)
	if p.total != nil {
		b = strconv.AppendInt(append(b, `,"totalResults":`...), *p.total, 10)
	}
	return append(b, '}', '\n')
}

// appendTenant writes t as organizationTenant has it. license is when its subscription
// is valid.
func (x *exchange) appendTenant(b []byte, t *estate.Tenant, license []byte) []byte {
	b = appendString(append(b, `{"id":`...), string(t.ID))
	b = appendString(append(b, `,"name":`...), t.Name)
	b = appendString(append(b, `,"status":`...), string(t.Status))
	b = append(b, `,"hostnames":[`...)
	b = appendTexts(b, string(t.Hostname), ".", x.server.Domain)
	if t.Alias != "" {
		b = appendTexts(append(b, ','), string(t.Alias), ".", x.server.Domain)
	}
	b = appendString(append(b, `],"regionCode":`...), t.Datacenter)
	b = appendString(append(b, `,"countryCode":`...), t.CountryCode)
	b = appendMoment(append(b, `,"createdAt":`...), t.CreatedAt)
	b = appendMoment(append(b, `,"updatedAt":`...), t.UpdatedAt)
	if t.CreatedBy != "" {
		b = appendString(append(b, `,"createdBy":`...), t.CreatedBy)
	}
	b = appendString(append(b, `,"licenseNumber":`...), string(t.Subscription))
	b = appendString(append(b, `,"subscriptionId":`...), string(t.Subscription))
	b = append(b, license...)
	b = appendTime(b, `,"deletionStartsAt":`, purgeDate(*t))
	b = appendTexts(append(b, `,"links":{"self":{"href":`...), x.surface.Origin, "/api/core/tenants/", string(t.ID))
	p := wireProvisioning(*t)
	b = appendString(append(b, `}},"provisioning":{"state":`...), p.State)
	if p.Message != "" {
		b = appendString(append(b, `,"message":`...), p.Message)
	}
	b = appendMoment(append(b, `,"updatedAt":`...), p.UpdatedAt.Time)
	return append(b, `}}`...)
}

// appendTime writes a member that is left out if there is no time.
func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendMoment(append(b, name...), t)
}

// appendMoment writes t in api.TimeLayout.
func appendMoment(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return append(t.AppendFormat(append(b, '"'), api.TimeLayout), '"')
	}
	hour, minute, second := t.Clock()
	b = append(b, '"')
	b = strconv.AppendInt(b, int64(year), 10)
	for _, part := range []struct {
		before byte
		n      int
	}{{'-', int(month)}, {'-', day}, {'T', hour}, {':', minute}, {':', second}} {
		b = append(b, part.before, byte('0'+part.n/10), byte('0'+part.n%10))
	}
	ms := t.Nanosecond() / 1_000_000
	return append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z', '"')
}

// appendTexts writes the texts as one JSON string.
func appendTexts(b []byte, texts ...string) []byte {
	b = append(b, '"')
	for _, s := range texts {
		if !plain(s) {
			b = appendEscaped(b, s)
			continue
		}
		b = append(b, s...)
	}
	return append(b, '"')
}

// appendString writes a JSON string as encoding/json does without escaping HTML.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	if plain(s) {
		b = append(b, s...)
	} else {
		b = appendEscaped(b, s)
	}
	return append(b, '"')
}

// unplain has the bytes that need escaping, or a look at what rune they are part of.
var unplain = func() (set [256]bool) {
	for c := range set {
		set[c] = c < ' ' || c >= 0x7f || c == '"' || c == '\\'
	}
	return set
}()

// plain tells whether s needs no escaping.
func plain(s string) bool {
	for i := range len(s) {
		if unplain[s[i]] {
			return false
		}
	}
	return true
}

// appendEscaped writes what is between the quotes of a string.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
		case r == '\u2028' || r == '\u2029': // which JavaScript takes for ends of lines
			b = append(append(b, `\u202`...), hex[r&0xf])
		case r == utf8.RuneError && size == 1: // no UTF-8
			b = append(b, `\ufffd`...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// jsonAppender is what writes itself as JSON.
type jsonAppender interface {
	appendJSON(b []byte) []byte
}
