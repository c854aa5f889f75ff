package events

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
)

// auditList is the audit trail.
type auditList struct {
	Pages
	Query    url.Values
	Next     string // cursor
	Records  []estate.AuditRecord
	Types    []string
	Problems frame.FieldErrors
	Today    string
	Name     func(estate.Actor) string
}

// auditTime reads a time as people type it into a filter: a day, or a time of a
// browser's field.
func auditTime(text string, end bool) (string, bool) {
	if text == "" {
		return "", true
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339Nano} {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if end && layout == time.DateOnly {
			at = at.AddDate(0, 0, 1).Add(-time.Microsecond)
		}
		return at.UTC().Format(time.RFC3339Nano), true
	}
	return "", false
}

func (p Pages) audit(q *frame.Request) error {
	l := auditList{Pages: p, Query: q.URL.Query(), Problems: frame.FieldErrors{}, Name: p.nameOf(q), Today: q.Now().UTC().Format(time.DateOnly)}
	var err error
	if l.Types, _, err = p.Trail.Names(q.Context(), q.Actor); err != nil {
		return err
	}
	from, ok := auditTime(q.Value("from"), false)
	if !ok {
		l.Problems["from"] = "Write a day such as 2026-11-02."
	}
	until, ok := auditTime(q.Value("until"), true)
	if !ok {
		l.Problems["until"] = "Write a day such as 2026-11-02."
	}
	if len(l.Problems) > 0 {
		return q.Again("Audit", auditPage(l))
	}
	query := event.Query{EventType: q.Value("type"), Tenant: q.Value("tenant"), UserID: q.Value("user"), Next: q.Value("next"), Limit: pageSize}
	if from != "" || until != "" {
		query.EventTime = from + "/" + until
	}
	page, err := p.Trail.List(q.Context(), q.Actor, query)
	if err != nil {
		return err
	}
	l.Records, l.Next = page.Records, page.Next
	return q.Render("Audit", auditPage(l))
}

// typeOptions are the event types that there have been.
func (l auditList) typeOptions() []ui.Option {
	options := []ui.Option{{Label: "All"}}
	for _, t := range l.Types {
		options = append(options, ui.Option{Value: t, Label: strings.TrimPrefix(t, "com.")})
	}
	return options
}

// address is that of the list, with changes.
func (l auditList) address(changes ...string) string {
	return ui.Query(l.Base+"/audit", l.Query, changes...)
}

func (l auditList) first() string {
	if !l.Query.Has("next") {
		return ""
	}
	return l.address("next", "")
}

func (l auditList) next() string {
	if l.Next == "" {
		return ""
	}
	return l.address("next", l.Next)
}

func (l auditList) filtered(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return l.Query.Get(name) != "" })
}

func (p Pages) auditRecord(q *frame.Request) error {
	r, err := p.Trail.Get(q.Context(), q.Actor, estate.AuditID(q.PathValue("record")))
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(r.Data, "", "  ")
	if err != nil {
		return err
	}
	return q.Render("Event", auditRecordPage(p, r, string(data), p.nameOf(q)))
}

// exported is a line of an export.
type exported struct {
	ID       estate.AuditID `json:"id"`
	Time     time.Time      `json:"time"`
	Type     string         `json:"type"`
	Action   string         `json:"action"`
	Outcome  string         `json:"outcome"`
	Actor    string         `json:"actor"`
	Kind     string         `json:"actorKind"`
	User     string         `json:"userId,omitempty"`
	Tenant   string         `json:"tenantId,omitempty"`
	Target   string         `json:"target,omitempty"`
	Data     map[string]any `json:"data,omitempty"`
	Position int64          `json:"position"`
	Hash     string         `json:"hash"`
}

// auditExport is a day of the trail as a file, one event a line.
func (p Pages) auditExport(q *frame.Request) error {
	day := q.Value("day")
	var file bytes.Buffer
	begun := false
	encoder := json.NewEncoder(&file)
	err := p.Trail.Archive(q.Context(), q.Actor, day, func(records []estate.AuditRecord) error {
		for _, r := range records {
			line := exported{
				ID: r.ID, Time: r.Time, Type: r.Type, Action: r.Action, Outcome: string(r.Outcome), Actor: r.Actor.ID, Kind: string(r.Actor.Kind),
				User: string(r.Actor.User), Tenant: string(r.Scope.Tenant), Target: r.Target, Data: r.Data, Position: r.Position, Hash: r.Hash,
			}
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
		if !begun {
			begun = true
			exportHeader(q, day)
		}
		_, err := file.WriteTo(q.W)
		return err
	})
	if err == nil && !begun {
		exportHeader(q, day)
		q.W.WriteHeader(http.StatusOK)
	}
	if begun {
		q.Err = err // the file has begun; nothing can be taken back
		return nil
	}
	return err
}

func exportHeader(q *frame.Request, day string) {
	q.W.Header().Set("Content-Type", "application/x-ndjson")
	q.W.Header().Set("Content-Disposition", `attachment; filename="audit-`+day+`.ndjson"`)
}
