package api

// Provisioner is an endpoint of a platform team that hooks into the life of the
// tenants of a subscription.
type Provisioner struct {
	ID             string    `json:"id"` // 32 hexadecimal digits
	SubscriptionID string    `json:"subscriptionId"`
	Name           string    `json:"name"`
	URL            string    `json:"url"`
	Secret         string    `json:"secret,omitempty"` // "whsec_" and base64; only in the answers that make it
	CreatedBy      string    `json:"createdBy,omitempty"`
	CreatedAt      Time      `json:"createdAt"`
	UpdatedAt      Time      `json:"updatedAt"`
	Links          SelfLinks `json:"links"`
}

// ProvisionerList is all provisioners of a subscription.
type ProvisionerList struct {
	Data  []Provisioner `json:"data"`
	Links PageLinks     `json:"links"`
}

// CreateProvisionerRequest is the body of POST
// /api/core/subscriptions/{subscriptionId}/provisioners.
type CreateProvisionerRequest struct {
	Name string `json:"name"`
	URL  string `json:"url"` // https
}

// States of provisioning.
const (
	ProvisioningPending = "pending"
	ProvisioningReady   = "ready"
	ProvisioningFailed  = "failed"
	ProvisioningSkipped = "skipped"
)

// Provisioning is how far the provisioners of a tenant are: it is ready when all
// are, or when there are none.
type Provisioning struct {
	State     string `json:"state"`             // "pending", "ready", "failed" or "skipped"
	Message   string `json:"message,omitempty"` // what those say that make it so
	UpdatedAt Time   `json:"updatedAt"`
}

// TenantProvisioning is how far each provisioner of a tenant is.
type TenantProvisioning struct {
	State        string             `json:"state"` // as in Provisioning
	Message      string             `json:"message,omitempty"`
	UpdatedAt    Time               `json:"updatedAt"`
	Provisioners []ProvisionerState `json:"provisioners"`
}

// ProvisionerState is how far a provisioner is with a tenant.
type ProvisionerState struct {
	ProvisionerID string `json:"provisionerId"`
	Name          string `json:"name"`
	Change        string `json:"change"` // what it was told of last: "created", "updated", "deactivated", "reactivated" or "purged"
	State         string `json:"state"`
	Message       string `json:"message,omitempty"`
	AnswerDue     *Time  `json:"answerDue,omitempty"` // by when it must answer, once it has accepted the call
	UpdatedAt     Time   `json:"updatedAt"`
}

// ProvisionerChoice is the body of the actions on the provisioning of a tenant.
type ProvisionerChoice struct {
	ProvisionerID string `json:"provisionerId,omitempty"` // empty: all that are not done
}

// ProvisioningEvent is what a provisioner is sent: a CloudEvent 1.0, signed by
// Standard Webhooks with the provisioner's secret. All attempts at a call have the
// same id.
type ProvisioningEvent struct {
	SpecVersion     string                `json:"specversion"`
	ID              string                `json:"id"`
	Source          string                `json:"source"`
	Type            string                `json:"type"`    // "com.freehold.provisioning." and the change
	Subject         string                `json:"subject"` // id of the tenant
	Time            Time                  `json:"time"`
	DataContentType string                `json:"datacontenttype"`
	Data            ProvisioningEventData `json:"data"`
}

// ProvisioningEventData is the data of a ProvisioningEvent.
type ProvisioningEventData struct {
	Change        string            `json:"change"` // "created", "updated", "deactivated", "reactivated" or "purged"
	ProvisionerID string            `json:"provisionerId"`
	Attempt       int               `json:"attempt"`     // counted from 1
	CallbackURL   string            `json:"callbackUrl"` // takes a ProvisioningAnswer; a secret of this call
	Tenant        ProvisionedTenant `json:"tenant"`      // as it is at the time of the attempt
}

// ProvisionedTenant is what a provisioner is told of a tenant.
type ProvisionedTenant struct {
	ID             string            `json:"id"`
	Name           string            `json:"name"`
	Hostnames      []string          `json:"hostnames"`
	Region         string            `json:"region"`
	Datacenter     string            `json:"datacenter"`
	CountryCode    string            `json:"countryCode"`
	Status         string            `json:"status"`
	SubscriptionID string            `json:"subscriptionId"`
	OrganizationID string            `json:"organizationId"`
	ExternalID     string            `json:"externalId,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	CreatedAt      Time              `json:"createdAt"`
	UpdatedAt      Time              `json:"updatedAt"`
}

// ProvisioningAnswer is what a provisioner answers: in the body of a 200, or of a
// POST to the callback URL after a 202.
type ProvisioningAnswer struct {
	State    string `json:"state"` // "ready", "failed", or "pending": still at it
	Message  string `json:"message,omitempty"`
	TenantID string `json:"tenantId,omitempty"` // if set, it must be the one of the call
}

// ProvisioningAnswersPath and a token make the path of a callback URL on the
// console host.
const ProvisioningAnswersPath = "/api/core/provisioning-answers/"
