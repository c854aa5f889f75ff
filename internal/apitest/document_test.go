package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
)

// forEach runs f for the document of each surface.
func forEach(t *testing.T, f func(t *testing.T, surface string, d *document)) {
	for _, surface := range surfaces() {
		t.Run(surface, func(t *testing.T) {
			d, err := documentOf(surface)
			if err != nil {
				t.Fatal(err)
			}
			f(t, surface, d)
		})
	}
}

func TestOpenAPI_UnknownSurface(t *testing.T) {
	for _, name := range []string{"", "Console", "../openapi/console", "console.json"} {
		if got := api.OpenAPI(name); got != nil {
			t.Errorf("OpenAPI(%q) = %d bytes, want nil", name, len(got))
		}
		if got := Operations(name); got != nil {
			t.Errorf("Operations(%q) = %v, want nil", name, got)
		}
	}
}

func TestDocuments_Format(t *testing.T) {
	forEach(t, func(t *testing.T, surface string, d *document) {
		if d.OpenAPI != "3.1.0" {
			t.Errorf("openapi is %q, want 3.1.0", d.OpenAPI)
		}
		data := api.OpenAPI(surface)
		var compact, indented bytes.Buffer
		if err := json.Compact(&compact, data); err != nil {
			t.Fatal(err)
		}
		if err := json.Indent(&indented, compact.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		indented.WriteByte('\n')
		if diff := cmp.Diff(indented.String(), string(data)); diff != "" {
			t.Errorf("not indented with two spaces (-want +got):\n%s", diff)
		}
		if duplicate := duplicateKey(data); duplicate != "" {
			t.Errorf("the key %q comes twice in one object", duplicate)
		}
	})
}

// duplicateKey returns a key that one object of data has twice, if any.
func duplicateKey(data []byte) string {
	type object struct {
		keys map[string]bool // nil in an array
		want bool            // a key, not a value
	}
	var stack []*object
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		tok, err := decoder.Token()
		if err != nil {
			return "" // at the end
		}
		var top *object
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		if key, ok := tok.(string); ok && top != nil && top.want {
			if top.keys[key] {
				return key
			}
			top.keys[key], top.want = true, false
			continue
		}
		if top != nil && top.keys != nil {
			top.want = true // after this value
		}
		switch tok {
		case json.Delim('{'):
			stack = append(stack, &object{keys: map[string]bool{}, want: true})
		case json.Delim('['):
			stack = append(stack, &object{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}

// Every component is referred to, and every tag, security scheme and scope
// that an operation names is declared. (A reference to nothing fails the load.)
func TestDocuments_References(t *testing.T) {
	forEach(t, func(t *testing.T, surface string, d *document) {
		var raw struct {
			Components map[string]map[string]any `json:"components"`
		}
		data := api.OpenAPI(surface)
		if err := json.Unmarshal(data, &raw); err != nil {
			t.Fatal(err)
		}
		for kind, components := range raw.Components {
			for name := range components {
				reference := fmt.Sprintf(`"$ref": "#/components/%s/%s"`, kind, name)
				if kind != "securitySchemes" && !bytes.Contains(data, []byte(reference)) {
					t.Errorf("nothing refers to components/%s/%s", kind, name)
				}
			}
		}

		schemes, tags := map[string]bool{}, map[string]bool{}
		for _, op := range d.allOperations() {
			for _, tag := range op.Tags {
				tags[tag] = true
				if d.Tags.Get(tag) == nil {
					t.Errorf("%s: the tag %q is not declared", op.OperationID, tag)
				}
			}
			if op.Security == nil {
				t.Errorf("%s: does not say which security it needs", op.OperationID)
				continue
			}
			for _, requirement := range *op.Security {
				for scheme, scopes := range requirement {
					schemes[scheme] = true
					declared := d.Components.SecuritySchemes[scheme]
					if declared == nil {
						t.Errorf("%s: the security scheme %q is not declared", op.OperationID, scheme)
						continue
					}
					for _, scope := range scopes {
						if _, ok := declared.Value.Flows.ClientCredentials.Scopes[scope]; !ok {
							t.Errorf("%s: the scope %q is not declared", op.OperationID, scope)
						}
					}
				}
			}
		}
		for name := range d.Components.SecuritySchemes {
			if !schemes[name] {
				t.Errorf("no operation uses the security scheme %q", name)
			}
		}
		for _, tag := range d.Tags {
			if !tags[tag.Name] {
				t.Errorf("no operation has the tag %q", tag.Name)
			}
		}
	})
}

func (d *document) allOperations() []*openapi3.Operation {
	var all []*openapi3.Operation
	for _, o := range d.operations() {
		all = append(all, d.Paths.Value(o.Path).GetOperation(o.Method))
	}
	return all
}

// What a reader, or a generator of clients, can count on.
func TestDocuments_Conventions(t *testing.T) {
	programs := []string{"authorize", "authorizeDevice", "registerClient"} // public too, where there are people
	public := []string{"issueToken", "revokeToken", "introspectToken", "getProtectedResourceMetadata", "getAuthorizationServerMetadata", "getJWKS", "getProductInfo", "getOpenAPI", "getLiveness", "getReadiness"}
	forEach(t, func(t *testing.T, surface string, d *document) {
		seen := map[string]bool{}
		for _, op := range d.allOperations() {
			id := op.OperationID
			if id == "" || seen[id] {
				t.Errorf("operation id %q is empty or comes twice", id)
			}
			seen[id] = true
			if op.Summary == "" || strings.HasSuffix(op.Summary, ".") || op.Description == "" || len(op.Tags) != 1 {
				t.Errorf("%s: needs a summary without a full stop, a description and one tag", id)
			}
			if op.Responses.Default() == nil {
				t.Errorf("%s: has no default response", id)
			}
			if slices.Contains(public, id) || slices.Contains(programs, id) || id == "answerProvisioning" { // whose path is a secret
				continue
			}
			for _, status := range []int{401, 421, 500} {
				if op.Responses.Status(status) == nil {
					t.Errorf("%s: says nothing about %d", id, status)
				}
			}
			for _, scopes := range (*op.Security)[0] {
				if refuses := op.Responses.Status(403) != nil; refuses != (len(scopes) > 0) {
					t.Errorf("%s: needs the scopes %v, but answers 403: %v", id, scopes, refuses)
				}
			}
			if op.RequestBody != nil && (op.Responses.Status(413) == nil || op.Responses.Status(415) == nil) {
				t.Errorf("%s: has a body, but says nothing about 413 or 415", id)
			}
			for _, p := range op.Parameters {
				if p.Value.Description == "" {
					t.Errorf("%s: parameter %s has no description", id, p.Value.Name)
				}
				s := p.Value.Schema.Value
				if s.Type.Is("string") && s.Pattern == "" && s.MaxLength == nil && s.Enum == nil ||
					s.Type.Is("integer") && (s.Min == nil || s.Max == nil) {
					t.Errorf("%s: parameter %s has no limits", id, p.Value.Name)
				}
			}
		}
		for _, id := range public {
			if !seen[id] {
				t.Errorf("%s is missing", id)
			}
		}
		for name, s := range d.Components.Schemas {
			if s.Value.Description == "" {
				t.Errorf("schema %s has no description", name)
			}
			for property, p := range s.Value.Properties {
				if p.Value.Description == "" {
					t.Errorf("%s.%s has no description", name, property)
				}
			}
		}
	})
}

// The documents stand alone, so they repeat what they share. What has the same
// name in two of them is the same.
func TestDocuments_Agree(t *testing.T) {
	differ := map[string]string{
		"schemas/TokenResponse": `token_type is "Bearer" at the console host and "bearer" elsewhere`,
	}
	type component struct{ surface, text string }
	first := map[string]component{}
	differing := map[string]bool{}
	for _, surface := range surfaces() {
		var raw struct {
			Components map[string]map[string]json.RawMessage `json:"components"`
		}
		if err := json.Unmarshal(api.OpenAPI(surface), &raw); err != nil {
			t.Fatal(err)
		}
		delete(raw.Components, "securitySchemes") // each surface has its own scopes
		for kind, components := range raw.Components {
			for name, text := range components {
				key := kind + "/" + name
				other, ok := first[key]
				if !ok {
					first[key] = component{surface, string(text)}
					continue
				}
				diff := cmp.Diff(other.text, string(text))
				if diff == "" {
					continue
				}
				differing[key] = true
				if differ[key] == "" {
					t.Errorf("components/%s is not the same in %s (-) and %s (+):\n%s", key, other.surface, surface, diff)
				}
			}
		}
	}
	for key := range differ {
		if !differing[key] {
			t.Errorf("components/%s is the same everywhere: take it off the list of those that differ", key)
		}
	}
}

// wireTypes are the Go types of the schemas. Schemas that describe a part of
// what package api leaves open have none: JWK is a raw message there, and the
// others belong to the server.
func wireTypes() map[string]any {
	return map[string]any{
		"ActorClaim":                     api.ActorClaim{},
		"AssignedRole":                   api.AssignedRole{},
		"AuthorizationServerMetadata":    api.AuthorizationServerMetadata{},
		"ClientSecret":                   api.ClientSecret{},
		"Composition":                    api.Composition{},
		"Confirmation":                   api.Confirmation{},
		"ConnectionConfig":               api.ConnectionConfig{},
		"Count":                          api.Count{},
		"CreateOAuthClientRequest":       api.CreateOAuthClientRequest{},
		"CreateTenantRequest":            api.CreateTenantRequest{},
		"Error":                          api.Error{},
		"ErrorBody":                      api.ErrorBody{},
		"ErrorSource":                    api.ErrorSource{},
		"FederatedCredential":            api.FederatedCredential{},
		"Introspection":                  api.Introspection{},
		"JWKSet":                         api.JWKSet{},
		"LicenseAllotment":               api.LicenseAllotment{},
		"LicenseOverview":                api.LicenseOverview{},
		"LicenseParameter":               api.LicenseParameter{},
		"Link":                           api.Link{},
		"OAuthClient":                    api.OAuthClient{},
		"OAuthErrorBody":                 api.OAuthErrorBody{},
		"OAuthToken":                     api.OAuthToken{},
		"OAuthTokenList":                 api.OAuthTokenList{},
		"OrganizationTenant":             api.OrganizationTenant{},
		"OrganizationTenantList":         api.OrganizationTenantList{},
		"PageLinks":                      api.PageLinks{},
		"ProductInfo":                    api.ProductInfo{},
		"ProtectedResourceMetadata":      api.ProtectedResourceMetadata{},
		"SelfLinks":                      api.SelfLinks{},
		"Tenant":                         api.Tenant{},
		"TenantFilterRequest":            api.TenantFilterRequest{},
		"TokenQuery":                     api.TokenQuery{},
		"TokenRequest":                   api.TokenRequest{},
		"ClientRegistration":             api.ClientRegistration{},
		"RegisteredClient":               api.RegisteredClient{},
		"DeviceAuthorization":            api.DeviceAuthorization{},
		"DeviceAuthorizationRequest":     api.DeviceAuthorizationRequest{},
		"TokenResponse":                  api.TokenResponse{},
		"User":                           api.User{},
		"AssignedGroup":                  api.AssignedGroup{},
		"CreateGroupRequest":             api.CreateGroupRequest{},
		"CreateRoleRequest":              api.CreateRoleRequest{},
		"CreateUserRequest":              api.CreateUserRequest{},
		"DirectoryPatchOperation":        api.PatchOperation{},
		"FilterRequest":                  api.FilterRequest{},
		"Group":                          api.Group{},
		"GroupList":                      api.GroupList{},
		"GroupSettings":                  api.GroupSettings{},
		"InviteRequest":                  api.InviteRequest{},
		"SignInLink":                     api.SignInLink{},
		"SignInLinkRequest":              api.SignInLinkRequest{},
		"CreatedAdministrator":           api.CreatedAdministrator{},
		"InviteResponse":                 api.InviteResponse{},
		"InviteResult":                   api.InviteResult{},
		"Invitee":                        api.Invitee{},
		"Role":                           api.Role{},
		"RoleList":                       api.RoleList{},
		"RoleReference":                  api.RoleReference{},
		"SystemGroup":                    api.SystemGroup{},
		"UserList":                       api.UserList{},
		"LicenseStatus":                  api.LicenseStatus{},
		"LicenseSettings":                api.LicenseSettings{},
		"LicenseSettingsRequest":         api.LicenseSettingsRequest{},
		"LicenseAssignment":              api.LicenseAssignment{},
		"LicenseAssignmentList":          api.LicenseAssignmentList{},
		"SeatChange":                     api.SeatChange{},
		"AddSeatsRequest":                api.AddSeatsRequest{},
		"UpdateSeatsRequest":             api.UpdateSeatsRequest{},
		"DeleteSeatsRequest":             api.DeleteSeatsRequest{},
		"SeatResult":                     api.SeatResult{},
		"SeatResults":                    api.SeatResults{},
		"SpaceMeta":                      api.SpaceMeta{},
		"SpaceLinks":                     api.SpaceLinks{},
		"ListMeta":                       api.ListMeta{},
		"Space":                          api.Space{},
		"SpaceList":                      api.SpaceList{},
		"SpaceTypeList":                  api.SpaceTypeList{},
		"CreateSpaceRequest":             api.CreateSpaceRequest{},
		"UpdateSpaceRequest":             api.UpdateSpaceRequest{},
		"SpaceAssignment":                api.SpaceAssignment{},
		"SpaceAssignmentList":            api.SpaceAssignmentList{},
		"CreateSpaceAssignmentRequest":   api.CreateSpaceAssignmentRequest{},
		"UpdateSpaceAssignmentRequest":   api.UpdateSpaceAssignmentRequest{},
		"SubscriptionList":               api.SubscriptionList{},
		"Subscription":                   api.Subscription{},
		"CreateRegionOAuthClientRequest": api.CreateRegionOAuthClientRequest{},
		"CreatedClientSecret":            api.CreatedClientSecret{},
		"RotateClientSecretRequest":      api.RotateClientSecretRequest{},
		"CreateClientSecretRequest":      api.CreateClientSecretRequest{},
		"PublishedOAuthClient":           api.PublishedOAuthClient{},
		"PatchedOAuthClient":             api.PatchedOAuthClient{},
		"PatchOperation":                 api.PatchOperation{},
		"OAuthClientList":                api.OAuthClientList{},
		"BulkTenantResult":               api.BulkTenantResult{},
		"BulkTenantsRequest":             api.BulkTenantsRequest{},
		"BulkTenantsResponse":            api.BulkTenantsResponse{},
		"DeactivateTenantRequest":        api.DeactivateTenantRequest{},
		"DeactivatedTenant":              api.DeactivatedTenant{},
		"DeactivationPreview":            api.DeactivationPreview{},
		"HostnameAvailability":           api.HostnameAvailability{},
		"ReactivatedTenant":              api.ReactivatedTenant{},
		"TenantList":                     api.TenantList{},
		"TenantPatchOperation":           api.TenantPatchOperation{},

		"AdoptBotRequest":            api.AdoptBotRequest{},
		"Bot":                        api.Bot{},
		"Owned":                      api.Owned{},
		"BotList":                    api.BotList{},
		"CheckFederatedTokenRequest": api.CheckFederatedTokenRequest{},
		"CheckedFederatedToken":      api.CheckedFederatedToken{},

		"APIKey":                      api.APIKey{},
		"APIKeyList":                  api.APIKeyList{},
		"APIKeySettings":              api.APIKeySettings{},
		"CSPHeader":                   api.CSPHeader{},
		"CSPOrigin":                   api.CSPOrigin{},
		"CSPOriginList":               api.CSPOriginList{},
		"CSPOriginRequest":            api.CSPOriginRequest{},
		"CreateAPIKeyRequest":         api.CreateAPIKeyRequest{},
		"CreateWebIntegrationRequest": api.CreateWebIntegrationRequest{},
		"CreatedAPIKey":               api.CreatedAPIKey{},
		"WebIntegration":              api.WebIntegration{},
		"WebIntegrationList":          api.WebIntegrationList{},

		"CreateTenantSettingsRequest": api.CreateTenantSettingsRequest{},
		"CustomizeNoAccess":           api.CustomizeNoAccess{},
		"JSONPatchOperation":          api.JSONPatchOperation{},
		"Quota":                       api.Quota{},
		"QuotaAttributes":             api.QuotaAttributes{},
		"QuotaList":                   api.QuotaList{},
		"StartPage":                   api.StartPage{},
		"StartPageList":               api.StartPageList{},
		"TenantSettings":              api.TenantSettings{},

		"AuthSettings":                  api.AuthSettings{},
		"CreateIdentityProviderRequest": api.CreateIdentityProviderRequest{},
		"IdentityProvider":              api.IdentityProvider{},
		"IdentityProviderLinks":         api.IdentityProviderLinks{},
		"IdentityProviderList":          api.IdentityProviderList{},
		"IdentityProviderMetadata":      api.IdentityProviderMetadata{},
		"IdentityProviderOptions":       api.IdentityProviderOptions{},
		"IdentityProviderStatus":        api.IdentityProviderStatus{},
		"LoginMetadata":                 api.LoginMetadata{},
		"OAuth2Error":                   api.OAuth2Error{},
		"OpenIDConfiguration":           api.OpenIDConfiguration{},
		"PendingResult":                 api.PendingResult{},
		"ResultClaims":                  api.ResultClaims{},
		"StaticKey":                     api.StaticKey{},
		"SignInPatchOperation":          nil, // of its own paths, and with values of any type

		"AuditActor":               api.AuditActor{},
		"AuditArchive":             api.AuditArchive{},
		"AuditEvent":               api.AuditEvent{},
		"AuditEventList":           api.AuditEventList{},
		"AuditExtensions":          api.AuditExtensions{},
		"AuditNameList":            api.AuditNameList{},
		"AuditSettings":            api.AuditSettings{},
		"AuditSettingsData":        api.AuditSettingsData{},
		"DeliveryRequest":          api.DeliveryRequest{},
		"DeliveryResponse":         api.DeliveryResponse{},
		"Webhook":                  api.Webhook{},
		"WebhookDelivery":          api.WebhookDelivery{},
		"WebhookDeliveryList":      api.WebhookDeliveryList{},
		"WebhookEventType":         api.WebhookEventType{},
		"WebhookEventTypeList":     api.WebhookEventTypeList{},
		"WebhookList":              api.WebhookList{},
		"WebhookPatchOperation":    api.WebhookPatchOperation{},
		"WebhookRequest":           api.WebhookRequest{},
		"CreateProvisionerRequest": api.CreateProvisionerRequest{},
		"Provisioner":              api.Provisioner{},
		"ProvisionerChoice":        api.ProvisionerChoice{},
		"ProvisionerList":          api.ProvisionerList{},
		"ProvisionerState":         api.ProvisionerState{},
		"Provisioning":             api.Provisioning{},
		"ProvisioningAnswer":       api.ProvisioningAnswer{},
		"TenantProvisioning":       api.TenantProvisioning{},

		"AppType":         nil, // string
		"ClientPublicKey": nil,
		"JWK":             nil,
		"Liveness":        nil,
		"OpenAPIDocument": nil,
		"Readiness":       nil,
		"Timestamp":       nil, // api.Time
	}
}

// The properties of a schema are the fields of its Go type, those without
// omitempty are required, and nothing else is allowed but in requests.
func TestDocuments_WireTypes(t *testing.T) {
	open := map[string]string{
		"AdoptBotRequest":                "as other requests",
		"CheckFederatedTokenRequest":     "as other requests",
		"ClientPublicKey":                "JWKs may have more members, which are not kept",
		"CreateOAuthClientRequest":       "clients written for the contract send more",
		"CreateTenantRequest":            "clients written for the contract send more",
		"OpenAPIDocument":                "described by the OpenAPI Specification",
		"TenantFilterRequest":            "clients written for the contract send more",
		"TokenQuery":                     "unknown parameters are ignored, as in a TokenRequest",
		"ClientRegistration":             "unknown members are ignored (RFC 7591 section 2)",
		"DeviceAuthorizationRequest":     "unknown parameters are ignored (RFC 8628 section 3.1)",
		"TokenRequest":                   "unknown parameters are ignored (RFC 6749 section 3.2)",
		"CreateClientSecretRequest":      "as other requests",
		"CreateRegionOAuthClientRequest": "as other requests",
		"CreateProvisionerRequest":       "as other requests",
		"ProvisionerChoice":              "as other requests",
		"ProvisioningAnswer":             "as other requests",
		"PatchOperation":                 "unknown members are ignored (RFC 6902 section 4)",
		"RotateClientSecretRequest":      "as other requests",
		"BulkTenantsRequest":             "as other requests",
		"DeactivateTenantRequest":        "as other requests",
		"TenantPatchOperation":           "unknown members are ignored (RFC 6902 section 4)",
		"CreateIdentityProviderRequest":  "as other requests",
		"IdentityProviderOptions":        "as other requests",
		"OpenIDConfiguration":            "as other requests",
		"SignInPatchOperation":           "as other requests",
		"StaticKey":                      "as other requests",
		"CreateGroupRequest":             "as other requests",
		"CreateRoleRequest":              "as other requests",
		"CreateAPIKeyRequest":            "as other requests",
		"CreateWebIntegrationRequest":    "as other requests",
		"CSPOriginRequest":               "as other requests",
		"CreateUserRequest":              "as other requests",
		"DirectoryPatchOperation":        "as other patches",
		"FilterRequest":                  "as other requests",
		"InviteRequest":                  "as other requests",
		"Invitee":                        "as other requests",
		"RoleReference":                  "clients send whole roles, too",
		"LicenseSettingsRequest":         "as other requests",
		"SeatChange":                     "as other requests",
		"AddSeatsRequest":                "as other requests",
		"UpdateSeatsRequest":             "as other requests",
		"DeleteSeatsRequest":             "as other requests",
		"CreateSpaceRequest":             "as other requests",
		"UpdateSpaceRequest":             "as other requests",
		"CreateSpaceAssignmentRequest":   "as other requests",
		"UpdateSpaceAssignmentRequest":   "as other requests",
		"WebhookPatchOperation":          "unknown members are ignored (RFC 6902 section 4)",
		"WebhookRequest":                 "as other requests",
	}
	types := wireTypes()
	used := map[string]bool{}
	forEach(t, func(t *testing.T, surface string, d *document) {
		for name, s := range d.Components.Schemas {
			used[name] = true
			closed := s.Value.AdditionalProperties.Has != nil && !*s.Value.AdditionalProperties.Has
			if s.Value.Type.Is("object") && closed == (open[name] != "") {
				t.Errorf("schema %s: additionalProperties is false: %v", name, closed)
			}
			value, ok := types[name]
			if !ok {
				t.Errorf("schema %s has no Go type", name)
			}
			if value == nil {
				continue
			}
			fields, required := wireFields(reflect.TypeOf(value))
			if diff := cmp.Diff(fields, slices.Sorted(maps.Keys(s.Value.Properties))); diff != "" {
				t.Errorf("schema %s: properties (-Go +document):\n%s", name, diff)
			}
			if diff := cmp.Diff(required, slices.Sorted(slices.Values(s.Value.Required))); diff != "" {
				t.Errorf("schema %s: required (-Go +document):\n%s", name, diff)
			}
		}
	})
	for name := range types {
		if !used[name] {
			t.Errorf("no document has a schema %s", name)
		}
	}
}

// wireFields returns the JSON names of the fields of a struct and of those that it
// embeds, sorted: all, and those that are always written.
func wireFields(t reflect.Type) (all, required []string) {
	for field := range t.Fields() {
		if field.Anonymous {
			more, always := wireFields(field.Type)
			all, required = append(all, more...), append(required, always...)
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		all = append(all, name)
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	slices.Sort(all)
	slices.Sort(required)
	return all, required
}

func TestDocuments_Examples(t *testing.T) {
	forEach(t, func(t *testing.T, surface string, d *document) {
		for _, problem := range checkExamples(d) {
			t.Error(problem)
		}
	})
}

// A test of the test: examples that do not match are found wherever they are.
func TestCheckExamples_FindsMistakes(t *testing.T) {
	for name, change := range map[string][2]string{
		"response body":  {`"status": "unavailable"`, `"status": "maybe"`},
		"stray property": {`"kty": "EC",`, `"kty": "EC", "d": "secret",`},
		"request body":   {`"grant_type": "client_credentials",`, `"grant_type": "password",`},
		"parameter":      {`"maxLength": 255`, `"maxLength": 3`},
		"schema": {`"examples": [
              21600
            ]`, `"examples": [0]`},
		"response header": {`"example": "no-store"`, `"example": "private"`},
		"error status":    {`"status": "409"`, `"status": "400"`},
	} {
		t.Run(name, func(t *testing.T) {
			data := string(api.OpenAPI("register"))
			broken := strings.Replace(data, change[0], change[1], 1)
			if broken == data {
				t.Fatalf("the document has no %s", change[0])
			}
			loaded, err := openapi3.NewLoader().LoadFromData([]byte(broken))
			if err != nil {
				t.Fatal(err)
			}
			b, err := newBodies([]byte(broken))
			if err != nil {
				t.Fatal(err)
			}
			if len(checkExamples(&document{loaded, b})) == 0 {
				t.Error("the mistake was not found")
			}
		})
	}
}

// checkExamples returns what is wrong with the examples of d. Every body needs
// one.
func checkExamples(d *document) (problems []string) {
	check := func(where string, s *openapi3.Schema, value any) {
		if err := s.VisitJSON(value, openapi3.MultiErrors(), openapi3.EnableJSONSchema2020()); err != nil {
			problems = append(problems, where+": "+plain(err).Error())
		}
	}
	checkAt := func(where, pointer string, value any) {
		body, err := json.Marshal(value)
		if err == nil {
			err = d.bodies.check(where, pointer, body)
		}
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	content := func(where, ref, at string, content openapi3.Content) (values []any) {
		for _, mediaType := range slices.Sorted(maps.Keys(content)) {
			media := content[mediaType]
			if len(media.Examples) == 0 {
				problems = append(problems, where+": no examples of "+mediaType)
			}
			for name, e := range media.Examples {
				if mediaType == jsonType {
					checkAt(where+", example "+name, pointer(ref, at), e.Value.Value)
				} else {
					check(where+", example "+name, media.Schema.Value, e.Value.Value)
				}
				values = append(values, e.Value.Value)
			}
		}
		return values
	}
	for path, item := range d.Paths.Map() {
		for method, op := range item.Operations() {
			at := operationAt(&routers.Route{Path: path, Method: method})
			for _, p := range op.Parameters {
				if p.Value.Example != nil {
					check(op.OperationID+" parameter "+p.Value.Name, p.Value.Schema.Value, p.Value.Example)
				}
			}
			if op.RequestBody != nil {
				content(op.OperationID+" request", op.RequestBody.Ref, at+"/requestBody", op.RequestBody.Value.Content)
			}
			for status, r := range op.Responses.Map() {
				where := op.OperationID + " " + status
				values := content(where, r.Ref, at+"/responses/"+status, r.Value.Content)
				bodyless := strings.HasPrefix(status, "3") || status == "204" || (op.OperationID == "revokeToken" || op.OperationID == "createSession") && status == "200" // RFC 7009 section 2.2; the contract
				if !bodyless && len(values) == 0 {
					problems = append(problems, where+": no body")
				}
				for _, value := range values {
					if got := exampleStatus(value); got != "" && got != status && status != "default" {
						problems = append(problems, where+": an example says it is "+got)
					}
				}
				if r.Ref != "" {
					continue // the headers of a component, which are looked at below
				}
				for name, h := range r.Value.Headers {
					check(where+" header "+name, h.Value.Schema.Value, h.Value.Example)
				}
			}
		}
	}
	for response, r := range d.Components.Responses {
		for name, h := range r.Value.Headers {
			check(response+" header "+name, h.Value.Schema.Value, h.Value.Example)
		}
	}
	schemas, err := json.Marshal(d.Components.Schemas)
	var raw any
	if err == nil {
		err = json.Unmarshal(schemas, &raw)
	}
	if err != nil {
		return append(problems, err.Error())
	}
	var walk func(at string, node any)
	walk = func(at string, node any) {
		switch node := node.(type) {
		case map[string]any:
			if examples, ok := node["examples"].([]any); ok {
				for _, value := range examples {
					checkAt("schema "+at, at, value)
				}
			}
			for key, value := range node {
				walk(at+"/"+escape(key), value)
			}
		case []any:
			for i, value := range node {
				walk(at+"/"+strconv.Itoa(i), value)
			}
		}
	}
	walk("/components/schemas", raw)
	return problems
}

// exampleStatus returns the status that an example of an error names, if any.
func exampleStatus(value any) string {
	var body api.ErrorBody
	data, err := json.Marshal(value)
	if err != nil || json.Unmarshal(data, &body) != nil || len(body.Errors) == 0 {
		return ""
	}
	return body.Errors[0].Status
}

// Every error code is in a document: as an example where operations answer it.
func TestDocuments_Codes(t *testing.T) {
	unanswered := map[string]string{ // by an operation of these surfaces
		"CodeOAuthUserCode": "of the page on which people approve devices",
		"CodeOneTenant":     "of the pages of the organization console",
		"CodeLoginWrong":    "of the pages on which people sign in",
		"CodeLoginTooMany":  "of the pages on which people sign in",
		"CodeLoginCode":     "of the pages on which people sign in",
		"CodeLinkNone":      "of the pages on which people sign in",
		"CodeCredential":    "of the pages on which people sign in",
	}
	for name, code := range errorCodes(t) {
		word := regexp.MustCompile(`\b` + regexp.QuoteMeta(code) + `\b`)
		var mentioned []string
		for _, surface := range surfaces() {
			if word.Match(api.OpenAPI(surface)) {
				mentioned = append(mentioned, surface)
			}
		}
		switch reason := unanswered[name]; {
		case reason == "" && len(mentioned) == 0:
			t.Errorf("%s (%s) is in no document", name, code)
		case reason != "" && len(mentioned) > 0:
			t.Errorf("%s (%s) is in the documents of %v, but also on the list of codes that no operation answers", name, code, mentioned)
		}
	}
}

// Codes in the documents are codes of package api.
func TestDocuments_KnownCodes(t *testing.T) {
	known := slices.Collect(maps.Values(errorCodes(t)))
	code := regexp.MustCompile(`\b(AUTH|AUTHSETTINGS|CSRF-TOKEN|ESTATE|GROUPS|HTTP|IDP|INVITES|LICENSES|LOGIN|OAUTH|OAUTHCLIENTS|OAUTHTOKENS|PROVISIONERS|ROLES|SPACES|TENANTS|USERS)-[0-9]+\b|\bTENANT_[A-Z]+\b`)
	forEach(t, func(t *testing.T, surface string, d *document) {
		for _, found := range code.FindAllString(string(api.OpenAPI(surface)), -1) {
			if !slices.Contains(known, found) {
				t.Errorf("%s is no error code", found)
			}
		}
	})
}

// errorCodes reads the constants Code… of package api from its source.
func errorCodes(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/error.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes[spec.Names[0].Name] = code
		return false
	})
	if len(codes) < 30 {
		t.Fatalf("found only %d error codes: %v", len(codes), codes)
	}
	return codes
}

func TestOperations(t *testing.T) {
	everywhere := []Operation{
		{"GET", "/.well-known/jwks.json", "getJWKS"},
		{"GET", "/.well-known/oauth-authorization-server", "getAuthorizationServerMetadata"},
		{"GET", "/.well-known/oauth-protected-resource", "getProtectedResourceMetadata"},
		{"GET", "/livez", "getLiveness"},
		{"POST", "/oauth/introspect", "introspectToken"},
		{"POST", "/oauth/revoke", "revokeToken"},
		{"POST", "/oauth/token", "issueToken"},
		{"GET", "/openapi.json", "getOpenAPI"},
		{"GET", "/readyz", "getReadiness"},
		{"GET", "/resources/autogenerated/product-info.json", "getProductInfo"},
	}
	own := map[string][]Operation{
		"console": {
			{"GET", "/api/core/audits", "listAuditEvents"},
			{"GET", "/api/v1/csrf-token", "getCSRFToken"},
			{"GET", "/api/core/audits/archive", "getAuditArchive"},
			{"GET", "/api/core/audits/settings", "getAuditSettings"},
			{"GET", "/api/core/audits/sources", "listAuditSources"},
			{"GET", "/api/core/audits/types", "listAuditTypes"},
			{"GET", "/api/core/audits/{auditId}", "getAuditEvent"},
			{"GET", "/api/core/bots", "listBots"},
			{"DELETE", "/api/core/bots/{userId}", "removeBot"},
			{"POST", "/api/core/bots/{userId}/actions/adopt", "adoptBot"},
			{"GET", "/api/core/identity-providers", "listIdentityProviders"},
			{"POST", "/api/core/identity-providers", "createIdentityProvider"},
			{"GET", "/api/core/identity-providers/{identityProviderId}", "getIdentityProvider"},
			{"PATCH", "/api/core/identity-providers/{identityProviderId}", "updateIdentityProvider"},
			{"DELETE", "/api/core/identity-providers/{identityProviderId}", "deleteIdentityProvider"},
			{"GET", "/login", "beginLogin"},
			{"GET", "/login/callback/{identityProviderId}", "finishLogin"},
			{"GET", "/login/test", "beginLoginTest"},
			{"GET", "/api/core/oauth-clients", "listOAuthClients"},
			{"POST", "/api/core/oauth-clients", "createOAuthClient"},
			{"DELETE", "/api/core/oauth-clients/{clientId}", "deleteOAuthClient"},
			{"GET", "/api/core/oauth-clients/{clientId}", "getOAuthClient"},
			{"PATCH", "/api/core/oauth-clients/{clientId}", "updateOAuthClient"},
			{"POST", "/api/core/oauth-clients/{clientId}/actions/cancel-rotation", "cancelOAuthClientSecretRotation"},
			{"POST", "/api/core/oauth-clients/{clientId}/actions/finish-rotation", "finishOAuthClientSecretRotation"},
			{"POST", "/api/core/oauth-clients/{clientId}/actions/rotate-secret", "rotateOAuthClientSecret"},
			{"POST", "/api/core/oauth-clients/{clientId}/client-secrets", "createOAuthClientSecret"},
			{"DELETE", "/api/core/oauth-clients/{clientId}/client-secrets/{hint}", "deleteOAuthClientSecret"},
			{"POST", "/api/core/oauth-clients/{clientId}/federated-credentials", "addFederatedCredential"},
			{"POST", "/api/core/oauth-clients/{clientId}/federated-credentials/actions/check", "checkFederatedToken"},
			{"DELETE", "/api/core/oauth-clients/{clientId}/federated-credentials/{name}", "removeFederatedCredential"},
			{"POST", "/api/core/provisioning-answers/{token}", "answerProvisioning"},
			{"GET", "/api/core/subscriptions", "listSubscriptions"},
			{"GET", "/api/core/subscriptions/{subscriptionId}", "getSubscription"},
			{"GET", "/api/core/subscriptions/{subscriptionId}/oauth-clients", "listRegionOAuthClients"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/oauth-clients", "createRegionOAuthClient"},
			{"DELETE", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}", "deleteRegionOAuthClient"},
			{"GET", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}", "getRegionOAuthClient"},
			{"PATCH", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}", "updateRegionOAuthClient"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}/actions/cancel-rotation", "cancelRegionOAuthClientSecretRotation"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}/actions/finish-rotation", "finishRegionOAuthClientSecretRotation"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}/actions/rotate-secret", "rotateRegionOAuthClientSecret"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}/client-secrets", "createRegionOAuthClientSecret"},
			{"DELETE", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}/client-secrets/{hint}", "deleteRegionOAuthClientSecret"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}/federated-credentials", "addRegionFederatedCredential"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}/federated-credentials/actions/check", "checkRegionFederatedToken"},
			{"DELETE", "/api/core/subscriptions/{subscriptionId}/oauth-clients/{clientId}/federated-credentials/{name}", "removeRegionFederatedCredential"},
			{"GET", "/api/core/subscriptions/{subscriptionId}/provisioners", "listProvisioners"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/provisioners", "createProvisioner"},
			{"DELETE", "/api/core/subscriptions/{subscriptionId}/provisioners/{provisionerId}", "deleteProvisioner"},
			{"GET", "/api/core/subscriptions/{subscriptionId}/provisioners/{provisionerId}", "getProvisioner"},
			{"PATCH", "/api/core/subscriptions/{subscriptionId}/provisioners/{provisionerId}", "updateProvisioner"},
			{"POST", "/api/core/subscriptions/{subscriptionId}/provisioners/{provisionerId}/actions/rotate-secret", "rotateProvisionerSecret"},
			{"GET", "/api/core/tenants", "listTenants"},
			{"GET", "/api/core/tenants/actions/count", "countTenants"},
			{"POST", "/api/core/tenants/actions/filter", "filterTenants"},
			{"GET", "/api/core/tenants/{tenantId}", "getTenant"},
			{"GET", "/api/core/tenants/{tenantId}/provisioning", "getTenantProvisioning"},
			{"POST", "/api/core/tenants/{tenantId}/provisioning/actions/retry", "retryTenantProvisioning"},
			{"POST", "/api/core/tenants/{tenantId}/provisioning/actions/skip", "skipTenantProvisioning"},
			{"GET", "/api/core/webhooks", "listWebhooks"},
			{"POST", "/api/core/webhooks", "createWebhook"},
			{"GET", "/api/core/webhooks/event-types", "listWebhookEventTypes"},
			{"DELETE", "/api/core/webhooks/{webhookId}", "deleteWebhook"},
			{"GET", "/api/core/webhooks/{webhookId}", "getWebhook"},
			{"PATCH", "/api/core/webhooks/{webhookId}", "updateWebhook"},
			{"PUT", "/api/core/webhooks/{webhookId}", "replaceWebhook"},
			{"GET", "/api/core/webhooks/{webhookId}/deliveries", "listWebhookDeliveries"},
			{"GET", "/api/core/webhooks/{webhookId}/deliveries/{deliveryId}", "getWebhookDelivery"},
			{"POST", "/api/core/webhooks/{webhookId}/deliveries/{deliveryId}/actions/resend", "resendWebhookDelivery"},
			{"POST", "/oauth/device_authorization", "authorizeDevice"},
		},
		"register": {
			{"GET", "/api/v1/tenants", "listTenants"},
			{"POST", "/api/v1/tenants", "createTenant"},
			{"POST", "/api/v1/tenants/actions/bulk", "bulkTenants"},
			{"GET", "/api/v1/tenants/actions/check-hostname", "checkHostname"},
			{"POST", "/api/v1/tenants/actions/filter", "filterTenants"},
			{"GET", "/api/v1/tenants/{tenantId}", "getTenant"},
			{"PATCH", "/api/v1/tenants/{tenantId}", "updateTenant"},
			{"POST", "/api/v1/tenants/{tenantId}/actions/deactivate", "deactivateTenant"},
			{"POST", "/api/v1/tenants/{tenantId}/actions/reactivate", "reactivateTenant"},
			{"GET", "/api/v1/tenants/{tenantId}/deactivation-preview", "previewDeactivation"},
		},
		"tenant": {
			{"GET", "/api/core/auth-settings", "getAuthSettings"},
			{"PATCH", "/api/core/auth-settings", "updateAuthSettings"},
			{"GET", "/api/v1/audits", "listAuditEvents"},
			{"GET", "/api/v1/audits/archive", "getAuditArchive"},
			{"GET", "/api/v1/audits/settings", "getAuditSettings"},
			{"GET", "/api/v1/audits/sources", "listAuditSources"},
			{"GET", "/api/v1/audits/types", "listAuditTypes"},
			{"GET", "/api/v1/audits/{auditId}", "getAuditEvent"},
			{"GET", "/api/v1/bots", "listBots"},
			{"DELETE", "/api/v1/bots/{userId}", "removeBot"},
			{"POST", "/api/v1/bots/{userId}/actions/adopt", "adoptBot"},
			{"GET", "/api/v1/csrf-token", "getCSRFToken"},
			{"GET", "/api/v1/groups", "listGroups"},
			{"POST", "/api/v1/groups", "createGroup"},
			{"POST", "/api/v1/groups/actions/filter", "filterGroups"},
			{"GET", "/api/v1/groups/settings", "getGroupSettings"},
			{"PATCH", "/api/v1/groups/settings", "updateGroupSettings"},
			{"DELETE", "/api/v1/groups/{groupId}", "deleteGroup"},
			{"GET", "/api/v1/groups/{groupId}", "getGroup"},
			{"PATCH", "/api/v1/groups/{groupId}", "updateGroup"},
			{"GET", "/api/v1/identity-providers", "listIdentityProviders"},
			{"POST", "/api/v1/identity-providers", "createIdentityProvider"},
			{"GET", "/api/v1/identity-providers/.well-known/metadata.json", "getLoginMetadata"},
			{"GET", "/api/v1/identity-providers/me/meta", "getMyIdentityProviderMeta"},
			{"GET", "/api/v1/identity-providers/status", "getIdentityProviderStatus"},
			{"DELETE", "/api/v1/identity-providers/{identityProviderId}", "deleteIdentityProvider"},
			{"GET", "/api/v1/identity-providers/{identityProviderId}", "getIdentityProvider"},
			{"PATCH", "/api/v1/identity-providers/{identityProviderId}", "updateIdentityProvider"},
			{"GET", "/api/v1/licenses/assignments", "listLicenseAssignments"},
			{"POST", "/api/v1/licenses/assignments/actions/add", "addLicenseAssignments"},
			{"POST", "/api/v1/licenses/assignments/actions/delete", "deleteLicenseAssignments"},
			{"POST", "/api/v1/licenses/assignments/actions/update", "updateLicenseAssignments"},
			{"GET", "/api/v1/licenses/overview", "getLicenseOverview"},
			{"GET", "/api/v1/licenses/settings", "getLicenseSettings"},
			{"PUT", "/api/v1/licenses/settings", "setLicenseSettings"},
			{"GET", "/api/v1/licenses/status", "getLicenseStatus"},
			{"GET", "/api/v1/oauth-clients", "listOAuthClients"},
			{"POST", "/api/v1/oauth-clients", "createOAuthClient"},
			{"DELETE", "/api/v1/oauth-clients/{clientId}", "deleteOAuthClient"},
			{"GET", "/api/v1/oauth-clients/{clientId}", "getOAuthClient"},
			{"PATCH", "/api/v1/oauth-clients/{clientId}", "updateOAuthClient"},
			{"POST", "/api/v1/oauth-clients/{clientId}/actions/cancel-rotation", "cancelOAuthClientSecretRotation"},
			{"POST", "/api/v1/oauth-clients/{clientId}/actions/finish-rotation", "finishOAuthClientSecretRotation"},
			{"POST", "/api/v1/oauth-clients/{clientId}/actions/publish", "publishOAuthClient"},
			{"POST", "/api/v1/oauth-clients/{clientId}/actions/rotate-secret", "rotateOAuthClientSecret"},
			{"POST", "/api/v1/oauth-clients/{clientId}/client-secrets", "createOAuthClientSecret"},
			{"DELETE", "/api/v1/oauth-clients/{clientId}/client-secrets/{hint}", "deleteOAuthClientSecret"},
			{"DELETE", "/api/v1/oauth-clients/{clientId}/connection-configs/me", "deleteConnectionConfig"},
			{"GET", "/api/v1/oauth-clients/{clientId}/connection-configs/me", "getConnectionConfig"},
			{"PATCH", "/api/v1/oauth-clients/{clientId}/connection-configs/me", "updateConnectionConfig"},
			{"POST", "/api/v1/oauth-clients/{clientId}/federated-credentials", "addFederatedCredential"},
			{"POST", "/api/v1/oauth-clients/{clientId}/federated-credentials/actions/check", "checkFederatedToken"},
			{"DELETE", "/api/v1/oauth-clients/{clientId}/federated-credentials/{name}", "removeFederatedCredential"},
			{"GET", "/api/v1/oauth-tokens", "listOAuthTokens"},
			{"DELETE", "/api/v1/oauth-tokens/{tokenId}", "deleteOAuthToken"},
			{"GET", "/api/v1/quotas", "listQuotas"},
			{"GET", "/api/v1/quotas/{quotaId}", "getQuota"},
			{"GET", "/api/v1/roles", "listRoles"},
			{"POST", "/api/v1/roles", "createRole"},
			{"DELETE", "/api/v1/roles/{roleId}", "deleteRole"},
			{"GET", "/api/v1/roles/{roleId}", "getRole"},
			{"PATCH", "/api/v1/roles/{roleId}", "updateRole"},
			{"GET", "/api/v1/spaces", "listSpaces"},
			{"POST", "/api/v1/spaces", "createSpace"},
			{"GET", "/api/v1/spaces/types", "listSpaceTypes"},
			{"DELETE", "/api/v1/spaces/{spaceId}", "deleteSpace"},
			{"GET", "/api/v1/spaces/{spaceId}", "getSpace"},
			{"PATCH", "/api/v1/spaces/{spaceId}", "updateSpace"},
			{"PUT", "/api/v1/spaces/{spaceId}", "replaceSpace"},
			{"GET", "/api/v1/spaces/{spaceId}/assignments", "listSpaceAssignments"},
			{"POST", "/api/v1/spaces/{spaceId}/assignments", "createSpaceAssignment"},
			{"DELETE", "/api/v1/spaces/{spaceId}/assignments/{assignmentId}", "deleteSpaceAssignment"},
			{"GET", "/api/v1/spaces/{spaceId}/assignments/{assignmentId}", "getSpaceAssignment"},
			{"PUT", "/api/v1/spaces/{spaceId}/assignments/{assignmentId}", "updateSpaceAssignment"},
			{"DELETE", "/api/v1/tenant-settings", "deleteTenantSettings"},
			{"GET", "/api/v1/tenant-settings", "getTenantSettings"},
			{"PATCH", "/api/v1/tenant-settings", "updateTenantSettings"},
			{"POST", "/api/v1/tenant-settings", "createTenantSettings"},
			{"GET", "/api/v1/tenant-settings/start-pages", "listStartPages"},
			{"GET", "/api/v1/tenants", "listTenants"},
			{"GET", "/api/v1/tenants/me", "getMyTenant"},
			{"GET", "/api/v1/tenants/{tenantId}", "getTenant"},
			{"PATCH", "/api/v1/tenants/{tenantId}", "updateTenant"},
			{"GET", "/api/v1/users", "listUsers"},
			{"POST", "/api/v1/users", "createUser"},
			{"GET", "/api/v1/users/actions/count", "countUsers"},
			{"POST", "/api/v1/users/actions/filter", "filterUsers"},
			{"POST", "/api/v1/users/actions/invite", "inviteUsers"},
			{"GET", "/api/v1/users/me", "getMyUser"},
			{"DELETE", "/api/v1/users/{userId}", "deleteUser"},
			{"GET", "/api/v1/users/{userId}", "getUser"},
			{"PATCH", "/api/v1/users/{userId}", "updateUser"},
			{"POST", "/api/v1/users/{userId}/actions/sign-in-link", "createSignInLink"},
			{"GET", "/api/v1/webhooks", "listWebhooks"},
			{"POST", "/api/v1/webhooks", "createWebhook"},
			{"GET", "/api/v1/webhooks/event-types", "listWebhookEventTypes"},
			{"DELETE", "/api/v1/webhooks/{webhookId}", "deleteWebhook"},
			{"GET", "/api/v1/webhooks/{webhookId}", "getWebhook"},
			{"PATCH", "/api/v1/webhooks/{webhookId}", "updateWebhook"},
			{"PUT", "/api/v1/webhooks/{webhookId}", "replaceWebhook"},
			{"GET", "/api/v1/webhooks/{webhookId}/deliveries", "listWebhookDeliveries"},
			{"GET", "/api/v1/webhooks/{webhookId}/deliveries/{deliveryId}", "getWebhookDelivery"},
			{"POST", "/api/v1/webhooks/{webhookId}/deliveries/{deliveryId}/actions/resend", "resendWebhookDelivery"},
			{"GET", "/api/v1/api-keys", "listAPIKeys"},
			{"POST", "/api/v1/api-keys", "createAPIKey"},
			{"GET", "/api/v1/api-keys/configs/{tenantId}", "getAPIKeySettings"},
			{"PATCH", "/api/v1/api-keys/configs/{tenantId}", "updateAPIKeySettings"},
			{"DELETE", "/api/v1/api-keys/{apiKeyId}", "deleteAPIKey"},
			{"GET", "/api/v1/api-keys/{apiKeyId}", "getAPIKey"},
			{"PATCH", "/api/v1/api-keys/{apiKeyId}", "updateAPIKey"},
			{"GET", "/api/v1/csp-origins", "listCSPOrigins"},
			{"POST", "/api/v1/csp-origins", "createCSPOrigin"},
			{"GET", "/api/v1/csp-origins/actions/generate-header", "getCSPHeader"},
			{"DELETE", "/api/v1/csp-origins/{cspOriginId}", "deleteCSPOrigin"},
			{"GET", "/api/v1/csp-origins/{cspOriginId}", "getCSPOrigin"},
			{"PUT", "/api/v1/csp-origins/{cspOriginId}", "replaceCSPOrigin"},
			{"GET", "/api/v1/web-integrations", "listWebIntegrations"},
			{"POST", "/api/v1/web-integrations", "createWebIntegration"},
			{"DELETE", "/api/v1/web-integrations/{webIntegrationId}", "deleteWebIntegration"},
			{"GET", "/api/v1/web-integrations/{webIntegrationId}", "getWebIntegration"},
			{"PATCH", "/api/v1/web-integrations/{webIntegrationId}", "updateWebIntegration"},
			{"GET", "/login", "beginLogin"},
			{"GET", "/login/callback", "finishLogin"},
			{"POST", "/login/jwt-session", "createSession"},
			{"GET", "/login/test", "beginLoginTest"},
			{"GET", "/logout", "logout"},
			{"POST", "/logout", "deleteSession"},
			{"GET", "/oauth/authorize", "authorize"},
			{"POST", "/oauth/device_authorization", "authorizeDevice"},
			{"POST", "/oauth/register", "registerClient"},
		},
	}
	for _, surface := range surfaces() {
		want := slices.Concat(everywhere, own[surface])
		slices.SortFunc(want, func(a, b Operation) int {
			return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
		})
		if diff := cmp.Diff(want, Operations(surface)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", surface, diff)
		}
	}
}
