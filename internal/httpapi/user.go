package httpapi

import (
	"net/http"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

func getMyUser(x *exchange) error {
	http.Redirect(x.w, x.r, "/api/v1/users/"+string(x.actor.User), http.StatusFound)
	return nil
}

func getUser(x *exchange) (api.User, error) {
	u, err := x.server.Directory.User(x.r.Context(), x.actor, estate.UserID(x.r.PathValue("userId")))
	if err != nil {
		return api.User{}, err
	}
	out := api.User{
		ID:             string(u.ID),
		TenantID:       string(u.Tenant),
		ClientID:       string(u.ClientID),
		Status:         string(u.Status),
		Subject:        u.Subject,
		Name:           u.Name,
		Email:          u.Email,
		Roles:          []string{},
		AssignedRoles:  []api.AssignedRole{},
		AssignedGroups: []any{},
		Groups:         []string{},
		CreatedAt:      api.Time{Time: u.CreatedAt},
		LastUpdatedAt:  api.Time{Time: u.UpdatedAt},
		Created:        api.Time{Time: u.CreatedAt},
		LastUpdated:    api.Time{Time: u.UpdatedAt},
		Links:          x.self("/api/v1/users/" + string(u.ID)),
	}
	for _, name := range u.Roles {
		role := estate.DefaultRole(name)
		out.Roles = append(out.Roles, string(name))
		out.AssignedRoles = append(out.AssignedRoles, api.AssignedRole{ID: string(role.ID), Name: string(name), Type: role.Type, Level: role.Level})
	}
	return out, nil
}
