package event

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Keys of the data of an audit record that mean something to its event.
const (
	// KeyEvent holds the data of the event, where the contract documents what that
	// is: a map[string]any. Without it, the data of the event is that of the record.
	KeyEvent = "_event"

	// KeyUpdates holds what was changed: a []Update.
	KeyUpdates = "_updates"
)

// Update is a change of one property, for KeyUpdates.
type Update struct {
	Path     string `json:"path"`
	OldValue any    `json:"oldValue"`
	NewValue any    `json:"newValue"`
}

// Data is what the event of a record tells of what happened.
func Data(r estate.AuditRecord) map[string]any {
	data := map[string]any{}
	if told, ok := r.Data[KeyEvent].(map[string]any); ok {
		maps.Copy(data, told)
		if updates, ok := r.Data[KeyUpdates]; ok {
			data[KeyUpdates] = updates
		}
	} else {
		maps.Copy(data, r.Data)
	}
	if _, ok := data["id"]; !ok && r.Target != "" {
		data["id"] = r.Target
	}
	if r.Action == "oauth-token.issue" && r.Outcome == estate.OutcomeDone {
		// What the record is about anyway is not written with it: there are many.
		data["issuedToClientId"], data["tenantId"], data["issuedAt"] = r.Target, r.Scope.Tenant, api.Time{Time: r.Time}
	}
	return data
}

// Updates is what a record says was changed, or nil.
func Updates(r estate.AuditRecord) any { return r.Data[KeyUpdates] }

// TypeVersion is the version of all types of events.
const TypeVersion = "1.0.0"

// CloudEvent is the event of a record of something that was done (CloudEvents
// 1.0). It fails when the record can't be one.
func CloudEvent(r estate.AuditRecord) (event.Event, error) {
	e := event.New()
	e.SetID(string(r.ID))
	e.SetType(r.Type)
	e.SetSource(r.Source)
	e.SetTime(r.Time.UTC().Truncate(time.Millisecond))
	e.SetExtension("eventtypeversion", TypeVersion)
	if r.Scope.Tenant != "" {
		e.SetExtension("tenantid", string(r.Scope.Tenant))
	}
	if r.Actor.User != "" {
		e.SetExtension("userid", string(r.Actor.User))
	}
	if r.Target != "" {
		e.SetExtension("toplevelresourceid", r.Target)
	}
	if err := e.SetData(event.ApplicationJSON, Data(r)); err != nil {
		return e, err
	}
	return e, e.Validate()
}

// Is tells whether the event of a record has a name, as its type or as another that the
// contract documents for it.
func Is(r estate.AuditRecord, name string) bool {
	return name == r.Type || slices.ContainsFunc(otherNames(r.Action), func(k kind) bool { return k.eventType == name })
}

// Named is a record whose event has the given name, which may be another than its type.
// Under such a name the data says which tenant it is about, as it is documented.
func Named(r estate.AuditRecord, name string) estate.AuditRecord {
	i := slices.IndexFunc(otherNames(r.Action), func(k kind) bool { return k.eventType == name })
	if i < 0 || name == r.Type {
		return r
	}
	k := otherNames(r.Action)[i]
	r.Data, r.Type, r.Source = Data(r), k.eventType, k.source
	if _, ok := r.Data["tenantId"]; !ok && r.Scope.Tenant != "" {
		r.Data["tenantId"] = r.Scope.Tenant
	}
	return r
}

// Type is a type of events that one can subscribe to.
type Type struct {
	Name   string
	Title  string
	Area   string
	Tenant bool // it can be about a tenant
}

// TypeOf is the type of the event of an action.
func TypeOf(action string) string { return kindOf(action).eventType }

// IsPlatform tells whether an action is one of those that belong to no
// organization, and whose events nobody can subscribe to.
func IsPlatform(action string) bool { return slices.Contains(platform, action) }

// Types are all types of events under all of their names, sorted by name.
func Types() []Type {
	var all []Type
	add := func(action, title string, tenant bool) {
		k := kindOf(action)
		if k.title != "" {
			title = k.title
		}
		area := k.source[strings.LastIndex(k.source, "/")+1:]
		for _, k := range append([]kind{k}, otherNames(action)...) {
			if !slices.ContainsFunc(all, func(t Type) bool { return t.Name == k.eventType }) {
				all = append(all, Type{Name: k.eventType, Title: title, Area: area, Tenant: tenant})
			}
		}
	}
	for _, action := range slices.Sorted(maps.Keys(kinds)) {
		add(action, "", true)
	}
	for action, title := range otherActions {
		add(action, title, true)
	}
	for action, title := range aboveTenants {
		add(action, title, false)
	}
	slices.SortFunc(all, func(a, b Type) int { return strings.Compare(a.Name, b.Name) })
	return all
}
