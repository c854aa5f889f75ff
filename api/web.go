package api

// CSPOriginRequest is the body of POST and PUT /api/v1/csp-origins. In a PUT, what is
// left out is cleared.
type CSPOriginRequest struct {
	Origin      string `json:"origin"` // e.g. https://*.example.com
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`

	CSPDirectives
}

// CSPDirectives are the directives that an origin is allowed in. Those that it is not
// allowed in are left out.
type CSPDirectives struct {
	ChildSrc       bool `json:"childSrc,omitempty"`
	ConnectSrc     bool `json:"connectSrc,omitempty"`
	ConnectSrcWSS  bool `json:"connectSrcWSS,omitempty"` // with wss:// before the origin
	FontSrc        bool `json:"fontSrc,omitempty"`
	FormAction     bool `json:"formAction,omitempty"`
	FrameAncestors bool `json:"frameAncestors,omitempty"`
	FrameSrc       bool `json:"frameSrc,omitempty"`
	ImgSrc         bool `json:"imgSrc,omitempty"`
	MediaSrc       bool `json:"mediaSrc,omitempty"`
	ObjectSrc      bool `json:"objectSrc,omitempty"`
	ScriptSrc      bool `json:"scriptSrc,omitempty"`
	StyleSrc       bool `json:"styleSrc,omitempty"`
	WorkerSrc      bool `json:"workerSrc,omitempty"`
}

// CSPOrigin is an origin in the content security policy of a tenant.
type CSPOrigin struct {
	ID          string `json:"id"`
	Origin      string `json:"origin"`
	Name        string `json:"name"`
	Description string `json:"description"`

	CSPDirectives

	CreatedDate  Time `json:"createdDate"`
	ModifiedDate Time `json:"modifiedDate"`
}

// CSPOriginList is a page of origins.
type CSPOriginList struct {
	Data  []CSPOrigin `json:"data"`
	Links PageLinks   `json:"links"`
}

// CSPHeader is the content security policy of a tenant.
type CSPHeader struct {
	ContentSecurityPolicy string `json:"Content-Security-Policy"`
}

// WebIntegration names the origins of pages that are built around a tenant.
type WebIntegration struct {
	ID           string    `json:"id"`
	TenantID     string    `json:"tenantId"`
	Name         string    `json:"name"`
	ValidOrigins []string  `json:"validOrigins"`
	Created      Time      `json:"created"`
	CreatedBy    string    `json:"createdBy"`
	LastUpdated  Time      `json:"lastUpdated"`
	Links        SelfLinks `json:"links"`
}

// WebIntegrationList is a page of web integrations.
type WebIntegrationList struct {
	Data  []WebIntegration `json:"data"`
	Links PageLinks        `json:"links"`
}

// CreateWebIntegrationRequest is the body of POST /api/v1/web-integrations.
type CreateWebIntegrationRequest struct {
	Name         string   `json:"name"`
	ValidOrigins []string `json:"validOrigins,omitempty"`
}
