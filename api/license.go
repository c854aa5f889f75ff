package api

// LicenseStatus is the answer of GET /api/v1/licenses/status on a tenant host.
type LicenseStatus struct {
	Deactivated     bool   `json:"deactivated"`
	ExtensionStatus string `json:"extensionStatus"` // always "Unavailable"
	Origin          string `json:"origin"`
	Product         string `json:"product"`
	Status          string `json:"status"` // "Ok" or "Expired"
	Trial           bool   `json:"trial"`
	Type            string `json:"type"`
	Valid           string `json:"valid"` // ISO 8601 interval
}

// LicenseSettings say whether users get seats by themselves.
type LicenseSettings struct {
	AutoAssignAnalyzer     bool `json:"autoAssignAnalyzer"`
	AutoAssignProfessional bool `json:"autoAssignProfessional"`
}

// LicenseSettingsRequest is the body of PUT /api/v1/licenses/settings. What is
// absent stays as it is.
type LicenseSettingsRequest struct {
	AutoAssignAnalyzer     *bool `json:"autoAssignAnalyzer,omitempty"`
	AutoAssignProfessional *bool `json:"autoAssignProfessional,omitempty"`
}

// LicenseAssignment is that a subject has a seat.
type LicenseAssignment struct {
	Subject string `json:"subject"`
	Type    string `json:"type"` // "professional" or "analyzer"
	Created Time   `json:"created"`
	Excess  bool   `json:"excess"` // more seats of the type are taken than there are
}

// LicenseAssignmentList is a page of assignments.
type LicenseAssignmentList struct {
	Data         []LicenseAssignment `json:"data"`
	Links        PageLinks           `json:"links"`
	TotalResults *int64              `json:"totalResults,omitempty"`
}

// SeatChange is a change to who has which seat. SourceType and SourceSubject are of
// updates: which seat it must be, and who has it, if that is not Subject.
type SeatChange struct {
	Subject       string `json:"subject"`
	Type          string `json:"type"` // "professional" or "analyzer"
	SourceType    string `json:"sourceType,omitempty"`
	SourceSubject string `json:"sourceSubject,omitempty"`
}

// AddSeatsRequest is the body of POST /api/v1/licenses/assignments/actions/add.
type AddSeatsRequest struct {
	Add []SeatChange `json:"add"` // 1 to 1000
}

// UpdateSeatsRequest is the body of POST
// /api/v1/licenses/assignments/actions/update.
type UpdateSeatsRequest struct {
	Update []SeatChange `json:"update"` // 1 to 1000
}

// DeleteSeatsRequest is the body of POST
// /api/v1/licenses/assignments/actions/delete.
type DeleteSeatsRequest struct {
	Delete []SeatChange `json:"delete"` // 1 to 1000
}

// SeatResults tell how each change went, in the order of the request.
type SeatResults struct {
	Data []SeatResult `json:"data"`
}

// SeatResult is how one change went. Code and Title are there after an error.
type SeatResult struct {
	Subject string `json:"subject"`
	Type    string `json:"type"`
	Status  int    `json:"status"` // as an HTTP status
	Code    string `json:"code,omitempty"`
	Title   string `json:"title,omitempty"`
}
