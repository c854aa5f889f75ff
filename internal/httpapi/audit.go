package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
)

func listAuditEvents(x *exchange) (list api.AuditEventList, err error) {
	query := x.r.URL.Query()
	q := event.Query{
		EventTime: query.Get("eventTime"), EventType: query.Get("eventType"), Source: query.Get("source"), UserID: query.Get("userId"),
		IDs: query.Get("id"), Sort: query.Get("sort"), Next: query.Get("next"), Prev: query.Get("prev"),
	}
	if q.Limit, err = limitIn(query); err != nil {
		return list, err
	}
	page, err := x.server.Trail.List(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.AuditEvent, len(page.Records))
	for i, r := range page.Records {
		list.Data[i] = x.auditEvent(r)
	}
	list.Links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", page.Next), Prev: x.cursorLink(query, "prev", page.Prev)}
	return list, nil
}

func getAuditEvent(x *exchange) (api.AuditEvent, error) {
	r, err := x.server.Trail.Get(x.r.Context(), x.actor, estate.AuditID(x.r.PathValue("auditId")))
	if err != nil {
		return api.AuditEvent{}, err
	}
	return x.auditEvent(r), nil
}

func listAuditTypes(x *exchange) (api.AuditNameList, error) {
	types, _, err := x.server.Trail.Names(x.r.Context(), x.actor)
	return x.auditNames(types), err
}

func listAuditSources(x *exchange) (api.AuditNameList, error) {
	_, sources, err := x.server.Trail.Names(x.r.Context(), x.actor)
	return x.auditNames(sources), err
}

func (x *exchange) auditNames(names []string) api.AuditNameList {
	if names == nil {
		names = []string{}
	}
	return api.AuditNameList{Data: names, Links: api.PageLinks{Self: x.pageLink("")}}
}

func getAuditSettings(x *exchange) (api.AuditSettings, error) {
	err := x.server.Trail.MayRead(x.actor)
	return api.AuditSettings{Data: api.AuditSettingsData{ArchiveEnabled: true, EventTTL: int64(event.TimeToLive / time.Second)}}, err
}

// getAuditArchive writes the answer page by page: a day can be long. What fails
// when it has begun ends the connection, so that nobody takes a part for the
// whole.
func getAuditArchive(x *exchange) error {
	query := x.r.URL.Query()
	var page bytes.Buffer
	encoder := json.NewEncoder(&page)
	encoder.SetEscapeHTML(false)
	begun, deadline := false, http.NewResponseController(x.w)
	begin := func() {
		if !begun {
			begun = true
			x.w.Header().Set("Content-Type", "application/json")
			x.w.Header().Set("X-Content-Type-Options", "nosniff")
			x.w.WriteHeader(http.StatusOK)
			page.WriteString(`{"data":[`)
		} else {
			page.WriteByte(',')
		}
	}
	err := x.server.Trail.Archive(x.r.Context(), x.actor, query.Get("date"), func(records []estate.AuditRecord) error {
		page.Reset()
		for _, r := range records {
			begin()
			archived := x.auditEvent(r)
			archived.ID, archived.Links = "", nil
			if err := encoder.Encode(archived); err != nil {
				return err
			}
		}
		_ = deadline.SetWriteDeadline(x.server.Now().Add(archivePageTimeout)) // not every writer has one
		_, err := x.w.Write(page.Bytes())
		return err
	})
	switch {
	case err != nil && begun:
		x.err = err
		panic(http.ErrAbortHandler) //nolint:forbidigo // the documented way to end the connection
	case err != nil:
		return err
	case !begun:
		x.writeJSON(http.StatusOK, api.AuditArchive{Data: []api.AuditEvent{}})
	default:
		_, _ = x.w.Write([]byte("]}\n")) // the client may be gone; there is nobody to tell
	}
	return nil
}

// archivePageTimeout is how long a client may take to read a page of an archive.
const archivePageTimeout = 30 * time.Second

// auditEvent writes r as the contract shows it.
func (x *exchange) auditEvent(r estate.AuditRecord) api.AuditEvent {
	path := "/api/v1/audits/"
	if x.surface.Kind == estate.SurfaceConsole {
		path = "/api/core/audits/"
	}
	links := x.self(path + string(r.ID))
	return api.AuditEvent{
		ID:               string(r.ID),
		EventID:          string(r.ID),
		EventTime:        api.Time{Time: r.Time},
		EventType:        r.Type,
		EventTypeVersion: event.TypeVersion,
		Source:           r.Source,
		TenantID:         string(r.Scope.Tenant),
		UserID:           string(r.Actor.User),
		ContentType:      "application/json",
		Data:             event.Data(r),
		Extensions: api.AuditExtensions{
			Actor:              api.AuditActor{Sub: r.Actor.ID, SubType: string(r.Actor.Kind)},
			TopLevelResourceID: r.Target,
			Updates:            event.Updates(r),
			Outcome:            string(r.Outcome),
			TraceID:            r.Actor.TraceID,
			Position:           r.Position,
		},
		Links: &links,
	}
}
