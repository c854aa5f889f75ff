package inventory

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// A row is a tenant in a form without pointers, so that a million of them cost the
// garbage collector nothing:
//
//	created, updated   8 bytes each, microseconds
//	flags              1 byte
//	id, name, [key], hostname, alias, external id   texts
//	subscription, region, datacenter, country, status, maker, provisioning state, message   numbers of texts
//	status updated, purge, provisioning updated, rev   numbers
//	labels             their number, then names and values, texts
//
// A text is its length and its bytes; numbers are of variable length. The key, by which
// names are compared, is left out where it is the name.
type row []byte

// flags of a row.
const (
	flagProtected = 1 << iota
	flagKey       // the key is not the name
	flagSettings  // five of them
)

// texts gives numbers to texts that many tenants have in common.
type texts struct {
	all     []string
	numbers map[string]uint64
}

func (d *texts) number(s string) uint64 {
	n, ok := d.numbers[s]
	if !ok {
		if d.numbers == nil {
			d.numbers = map[string]uint64{}
		}
		n = uint64(len(d.all))
		d.all = append(d.all, s)
		d.numbers[s] = n
	}
	return n
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendRow writes t.
func (d *texts) appendRow(b []byte, t estate.Tenant) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(micros(t.CreatedAt)))
	b = binary.LittleEndian.AppendUint64(b, uint64(micros(t.UpdatedAt)))
	key := filter.Fold(t.Name)
	b = append(b, flagsOf(t, key))
	b = appendText(appendText(b, string(t.ID)), t.Name)
	if key != t.Name {
		b = appendText(b, key)
	}
	b = appendText(appendText(appendText(b, string(t.Hostname)), string(t.Alias)), t.ExternalID)
	for _, s := range []string{string(t.Subscription), string(t.Region), t.Datacenter, t.CountryCode, string(t.Status), t.CreatedBy, string(t.Provisioning.State), t.Provisioning.Message} {
		b = binary.AppendUvarint(b, d.number(s))
	}
	for _, n := range []int64{micros(t.StatusUpdatedAt), micros(t.PurgeAt), micros(t.Provisioning.UpdatedAt), t.Rev} {
		b = binary.AppendVarint(b, n)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Labels)))
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		b = appendText(appendText(b, name), t.Labels[name])
	}
	return b
}

func flagsOf(t estate.Tenant, key string) (flags byte) {
	s := t.Settings
	for i, on := range []bool{
		t.Protected, key != t.Name, s.AutoAssignCreateSharedSpacesRoleToProfessionals, s.AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals,
		s.AutoAssignDataServicesContributorRoleToProfessionals, s.EnableAnalyticCreation, s.EnableAppOpeningFeedback,
	} {
		if on {
			flags |= 1 << i
		}
	}
	return flags
}

func (r row) created() int64 { return int64(binary.LittleEndian.Uint64(r)) }
func (r row) updated() int64 { return int64(binary.LittleEndian.Uint64(r[8:])) }

// reader takes a row apart. The texts that it returns are parts of one string.
type reader struct {
	b  []byte
	at int
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b[r.at:])
	r.at += size
	return n
}

func (r *reader) signed() int64 {
	n, size := binary.Varint(r.b[r.at:])
	r.at += size
	return n
}

// text returns where the text lies.
func (r *reader) text() (from, to int) {
	n := int(r.number())
	r.at += n
	return r.at - n, r.at
}

func (r *reader) bytes() []byte {
	from, to := r.text()
	return r.b[from:to]
}

const idAt = 17 // after the times and flags

func (r row) id() []byte {
	d := reader{r, idAt}
	return d.bytes()
}

// key is what the name is compared by.
func (r row) key() []byte {
	d := reader{r, idAt}
	d.text()
	name := d.bytes()
	if r[16]&flagKey != 0 {
		return d.bytes()
	}
	return name
}

func (r row) hostname() []byte {
	d := reader{r, idAt}
	d.text()
	d.text()
	if r[16]&flagKey != 0 {
		d.text()
	}
	return d.bytes()
}

// common is what a row has in common with others, as numbers of texts.
type common struct {
	subscription, region, datacenter, country, status, maker, state, message uint64
}

func (r *reader) common() (c common) {
	for _, into := range []*uint64{&c.subscription, &c.region, &c.datacenter, &c.country, &c.status, &c.maker, &c.state, &c.message} {
		*into = r.number()
	}
	return c
}

// common skips the texts.
func (r row) common() common {
	d := reader{r, idAt}
	n := 5
	if r[16]&flagKey != 0 {
		n++
	}
	for range n {
		d.text()
	}
	return d.common()
}

// tenant is what the row was made of.
func (d *texts) tenant(r row, organization estate.OrganizationID) estate.Tenant {
	s := string(r) // of which the texts are parts
	in := reader{r, idAt}
	next := func() string {
		from, to := in.text()
		return s[from:to]
	}
	t := estate.Tenant{Organization: organization, CreatedAt: fromMicros(r.created()), UpdatedAt: fromMicros(r.updated()), Protected: r[16]&flagProtected != 0}
	t.ID, t.Name = estate.TenantID(next()), next()
	if r[16]&flagKey != 0 {
		in.text()
	}
	t.Hostname, t.Alias, t.ExternalID = estate.Hostname(next()), estate.Hostname(next()), next()
	c := in.common()
	t.Subscription, t.Region = estate.SubscriptionID(d.all[c.subscription]), estate.RegionCode(d.all[c.region])
	t.Datacenter, t.CountryCode, t.CreatedBy = d.all[c.datacenter], d.all[c.country], d.all[c.maker]
	t.Status = estate.TenantStatus(d.all[c.status])
	t.Provisioning.State, t.Provisioning.Message = estate.ProvisioningState(d.all[c.state]), d.all[c.message]
	t.StatusUpdatedAt, t.PurgeAt, t.Provisioning.UpdatedAt, t.Rev = fromMicros(in.signed()), fromMicros(in.signed()), fromMicros(in.signed()), in.signed()
	for i, into := range []*bool{
		&t.Settings.AutoAssignCreateSharedSpacesRoleToProfessionals, &t.Settings.AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals,
		&t.Settings.AutoAssignDataServicesContributorRoleToProfessionals, &t.Settings.EnableAnalyticCreation, &t.Settings.EnableAppOpeningFeedback,
	} {
		*into = r[16]&(flagSettings<<i) != 0
	}
	if n := in.number(); n > 0 {
		t.Labels = make(map[string]string, n)
		for range n {
			name := next()
			t.Labels[name] = next()
		}
	}
	return t
}

// micros is how times are kept, as in the store: 0 is no time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
