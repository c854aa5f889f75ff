package api

// AuditEvent is an entry of the audit trail: something that was done, or an
// attempt that was refused.
type AuditEvent struct {
	ID               string          `json:"id,omitempty"` // not in the archive
	EventID          string          `json:"eventId"`
	EventTime        Time            `json:"eventTime"`
	EventType        string          `json:"eventType"` // ends in ".refused" for an attempt that was
	EventTypeVersion string          `json:"eventTypeVersion"`
	Source           string          `json:"source"`
	TenantID         string          `json:"tenantId,omitempty"`
	UserID           string          `json:"userId,omitempty"`
	ContentType      string          `json:"contentType"` // "application/json"
	Data             map[string]any  `json:"data"`
	Extensions       AuditExtensions `json:"extensions"`
	Links            *SelfLinks      `json:"links,omitempty"` // not in the archive
}

// AuditExtensions are what an AuditEvent has besides what happened. Outcome,
// TraceID and Position are additions to the contract.
type AuditExtensions struct {
	Actor              AuditActor `json:"actor"`
	TopLevelResourceID string     `json:"topLevelResourceId,omitempty"` // what it was done to
	Updates            any        `json:"updates,omitempty"`            // what was changed
	Outcome            string     `json:"outcome"`                      // "done" or "refused"
	TraceID            string     `json:"traceId,omitempty"`            // of the request
	Position           int64      `json:"position"`                     // in the organization's chain of records
}

// AuditActor is who did it.
type AuditActor struct {
	Sub     string `json:"sub"`     // id of the client or account, or a name
	SubType string `json:"subType"` // "client", "account", "operator" or "system"
}

// AuditEventList is a page of AuditEvents.
type AuditEventList struct {
	Data  []AuditEvent `json:"data"`
	Links PageLinks    `json:"links"`
}

// AuditNameList is the answer of GET …/audits/types and …/audits/sources.
type AuditNameList struct {
	Data  []string  `json:"data"`
	Links PageLinks `json:"links"`
}

// AuditArchive is the answer of GET …/audits/archive: all events of a day, oldest
// first.
type AuditArchive struct {
	Data []AuditEvent `json:"data"`
}

// AuditSettings is the answer of GET …/audits/settings.
type AuditSettings struct {
	Data AuditSettingsData `json:"data"`
}

// AuditSettingsData says how the audit trail is kept. The names are the
// contract's.
type AuditSettingsData struct {
	ArchiveEnabled bool  `json:"ArchiveEnabled"`
	EventTTL       int64 `json:"EventTTL"` // seconds that events can be listed for, at least
}
