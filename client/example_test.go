package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

// freehold is a stand-in for a server: two regions' worth of nothing, and just
// enough of each surface for the examples. It returns the port it listens on.
func freehold() (port string, stop func()) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/tenants", func(w http.ResponseWriter, r *http.Request) {
		if r.Host[:11] == "register.eu" {
			writeError(w, http.StatusForbidden, api.CodeTenantQuota, "License quota limit reached", "5 of 5 tenants exist.")
			return
		}
		writeJSON(w, http.StatusCreated, api.Tenant{ID: "t1", Hostnames: []string{"ire7t7hg58avbmx.us.freehold.localhost"}})
	})
	mux.HandleFunc("GET /api/v1/users/me", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, api.User{TenantID: "t1", Name: "US OAuth Client", Roles: []string{"TenantAdmin"}})
	})
	mux.HandleFunc("GET /api/core/tenants", func(w http.ResponseWriter, r *http.Request) {
		page := api.OrganizationTenantList{Data: []api.OrganizationTenant{{Name: "acme"}, {Name: "initech"}}}
		if r.URL.Query().Get("next") == "" {
			page.Links.Next = &api.Link{Href: "http://" + r.Host + "/api/core/tenants?limit=2&next=2"}
		} else {
			page.Data = []api.OrganizationTenant{{Name: "umbrella"}}
		}
		writeJSON(w, http.StatusOK, page)
	})
	server := httptest.NewServer(&issuer{api: mux})
	return server.URL[strings.LastIndex(server.URL, ":"):], server.Close
}

// A region-level credential creates a tenant at the region's register host and
// then works in the tenant, at the tenant's own host.
func Example() {
	port, stop := freehold()
	defer stop()
	ctx := context.Background()

	register, err := client.New("http://register.us.freehold.localhost"+port,
		client.WithCredentials(client.Credentials{ClientID: "id", ClientSecret: "secret"}))
	if err != nil {
		log.Fatal(err)
	}
	tenant, err := register.CreateTenant(ctx, api.CreateTenantRequest{LicenseKey: "key"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	target, err := register.Host("http://" + tenant.Hostnames[0] + port)
	if err != nil {
		log.Fatal(err)
	}
	me, err := target.GetMyUser(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(me.Name, me.Roles, me.TenantID == tenant.ID)
	// Output: US OAuth Client [TenantAdmin] true
}

// An organization-level credential goes through the whole estate. Pages are
// fetched as the loop needs them.
func ExampleClient_Tenants() {
	port, stop := freehold()
	defer stop()

	console, err := client.New("http://console.freehold.localhost"+port,
		client.WithCredentials(client.Credentials{ClientID: "id", ClientSecret: "secret"}))
	if err != nil {
		log.Fatal(err)
	}
	opts := client.TenantListOptions{Filter: `status eq "active"`, Sort: "name", Limit: 2}
	for tenant, err := range console.Tenants(context.Background(), opts) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(tenant.Name)
	}
	// Output:
	// acme
	// initech
	// umbrella
}

// What the server refuses is an *Error; its code tells the cases apart.
func ExampleCode() {
	port, stop := freehold()
	defer stop()

	register, err := client.New("http://register.eu.freehold.localhost" + port)
	if err != nil {
		log.Fatal(err)
	}
	_, err = register.CreateTenant(context.Background(), api.CreateTenantRequest{LicenseKey: "key"}, nil)
	if client.Code(err) == api.CodeTenantQuota {
		fmt.Println("no tenant left in the entitlement")
	}
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.StatusCode, refused.Errors[0].Detail)
	}
	// Output:
	// no tenant left in the entitlement
	// 403 5 of 5 tenants exist.
}

// Calls that have no method of their own go through Do.
func ExampleClient_Do() {
	port, stop := freehold()
	defer stop()

	tenant, err := client.New("http://acme.us.freehold.localhost"+port,
		client.WithCredentials(client.Credentials{ClientID: "id", ClientSecret: "secret"}))
	if err != nil {
		log.Fatal(err)
	}
	var me struct{ Name string }
	if err := tenant.Do(context.Background(), http.MethodGet, "/api/v1/users/me", nil, nil, &me); err != nil {
		log.Fatal(err)
	}
	fmt.Println(me.Name)
	// Output: US OAuth Client
}
