package httpapi

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
)

func (x *exchange) wireTenantSettings(p estate.TenantPreferences, err error) (api.TenantSettings, error) {
	return directory.WireTenantSettings(p, x.actor.Scope.Tenant), err
}

func getTenantSettings(x *exchange) (api.TenantSettings, error) {
	return x.wireTenantSettings(x.server.Directory.TenantSettings(x.r.Context(), x.actor))
}

func createTenantSettings(x *exchange, in api.CreateTenantSettingsRequest) (api.TenantSettings, error) {
	return x.wireTenantSettings(x.server.Directory.CreateTenantSettings(x.r.Context(), x.actor, in))
}

func updateTenantSettings(x *exchange) (api.TenantSettings, error) {
	patch, err := x.readPatchBody()
	if err != nil {
		return api.TenantSettings{}, err
	}
	return x.wireTenantSettings(x.server.Directory.UpdateTenantSettings(x.r.Context(), x.actor, patch))
}

func deleteTenantSettings(x *exchange) error {
	return x.server.Directory.DeleteTenantSettings(x.r.Context(), x.actor)
}

func listStartPages(*exchange) (api.StartPageList, error) {
	pages := directory.StartPages()
	return api.StartPageList{DefaultValue: pages[0].Value, Values: pages}, nil
}

func listQuotas(x *exchange) (api.QuotaList, error) { return x.quotas("") }

func getQuota(x *exchange) (api.QuotaList, error) { return x.quotas(x.r.PathValue("quotaId")) }

func (x *exchange) quotas(id string) (list api.QuotaList, err error) {
	report, _, err := flagIn(x.r.URL.Query(), "reportUsage")
	if err != nil {
		return list, err
	}
	all, err := x.server.Directory.Quotas(x.r.Context(), x.actor, id)
	for _, q := range all {
		out := api.Quota{ID: q.ID, Type: "quotas", Attributes: api.QuotaAttributes{Quota: q.Most, Unit: "count", WarningThresholds: []int64{}}}
		if report {
			out.Attributes.Usage = &q.Usage
		}
		list.Data = append(list.Data, out)
	}
	return list, err
}
