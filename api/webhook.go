package api

// WebhookRequest is the body of POST and PUT …/webhooks. In a PUT, what is left
// out is cleared.
type WebhookRequest struct {
	Name                       string            `json:"name"`
	URL                        string            `json:"url"` // https
	Description                string            `json:"description,omitempty"`
	EventTypes                 []string          `json:"eventTypes"`        // names, or "*" for all
	Filter                     string            `json:"filter,omitempty"`  // SCIM, over id, spaceId and topLevelResourceId
	Enabled                    bool              `json:"enabled,omitempty"` // absent: false
	Level                      string            `json:"level,omitempty"`   // "tenant", at the console "organization"
	OwnerID                    string            `json:"ownerId,omitempty"` // ignored: webhooks of single users are not known here
	Secret                     string            `json:"secret,omitempty"`  // 32 to 64 characters
	Headers                    map[string]string `json:"headers,omitempty"`
	EncryptedHeaders           map[string]string `json:"encryptedHeaders,omitempty"`
	CheckCertificateRevocation bool              `json:"checkCertificateRevocation,omitempty"` // must be false
	EnableCloudEventDelivery   *bool             `json:"enableCloudEventDelivery,omitempty"`   // must be true, which it is if absent
	Origin                     string            `json:"origin,omitempty"`                     // "api", "automations" or "management-console"
}

// Webhook is a webhook as it is read. Its secret and the values of its encrypted
// headers are never told.
type Webhook struct {
	ID                         string            `json:"id"`
	Name                       string            `json:"name"`
	URL                        string            `json:"url"`
	Description                string            `json:"description,omitempty"`
	EventTypes                 []string          `json:"eventTypes"`
	Filter                     string            `json:"filter,omitempty"`
	Enabled                    bool              `json:"enabled"`
	Level                      string            `json:"level"`
	SecretKeyAdded             bool              `json:"secretKeyAdded"`
	Headers                    map[string]string `json:"headers,omitempty"`
	EncryptedHeaders           []string          `json:"encryptedHeaders,omitempty"` // names
	CheckCertificateRevocation bool              `json:"checkCertificateRevocation"`
	EnableCloudEventDelivery   bool              `json:"enableCloudEventDelivery"`
	Origin                     string            `json:"origin"`
	CreatedAt                  Time              `json:"createdAt"`
	CreatedByUserID            string            `json:"createdByUserId"`
	UpdatedAt                  Time              `json:"updatedAt"`
	UpdatedByUserID            string            `json:"updatedByUserId"`
	DisabledReason             string            `json:"disabledReason,omitempty"`
	DisabledReasonCode         string            `json:"disabledReasonCode,omitempty"`
}

// WebhookList is a page of webhooks.
type WebhookList struct {
	Data  []Webhook `json:"data"`
	Links PageLinks `json:"links"`
}

// WebhookEventType is a type of events that a webhook can be told of.
type WebhookEventType struct {
	Name        string   `json:"name"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Category    string   `json:"category"`
	Levels      []string `json:"levels"` // of webhooks that can be told of it
}

// WebhookEventTypeList is the answer of GET …/webhooks/event-types.
type WebhookEventTypeList struct {
	Data []WebhookEventType `json:"data"`
}

// WebhookPatchOperation is one operation of a JSON Patch on a webhook. Only whole
// members can be changed.
type WebhookPatchOperation struct {
	Op    string `json:"op"`   // "add", "remove" or "replace"
	Path  string `json:"path"` // e.g. "/enabled"
	Value any    `json:"value,omitempty"`
}

// WebhookDelivery is an event that was sent to a webhook, with the last attempt.
type WebhookDelivery struct {
	ID            string            `json:"id"`
	WebhookID     string            `json:"webhookId"`
	EventType     string            `json:"eventType"`
	Status        string            `json:"status"` // "success" or "fail"
	StatusMessage string            `json:"statusMessage,omitempty"`
	TriggeredAt   Time              `json:"triggeredAt"`
	Attempts      int64             `json:"attempts"` // an addition to the contract
	Request       *DeliveryRequest  `json:"request,omitempty"`
	Response      *DeliveryResponse `json:"response,omitempty"` // absent: there was none
}

// DeliveryRequest is what was sent.
type DeliveryRequest struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body"`
}

// DeliveryResponse is what came back, of a long body only the beginning.
type DeliveryResponse struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

// WebhookDeliveryList is a page of deliveries.
type WebhookDeliveryList struct {
	Data  []WebhookDelivery `json:"data"`
	Links PageLinks         `json:"links"`
}
