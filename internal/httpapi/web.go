package httpapi

import (
	"net/url"
	"strconv"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/paging"
)

// directives are the members of a body for the directives, in the order in which
// they are stored.
func directives(d *api.CSPDirectives) []*bool {
	return []*bool{
		&d.ChildSrc, &d.ConnectSrc, &d.ConnectSrcWSS, &d.FontSrc, &d.FormAction, &d.FrameAncestors, &d.FrameSrc, &d.ImgSrc, &d.MediaSrc, &d.ObjectSrc, &d.ScriptSrc,
		&d.StyleSrc, &d.WorkerSrc,
	}
}

func listCSPOrigins(x *exchange) (list api.CSPOriginList, err error) {
	query := x.r.URL.Query()
	q := directory.CSPOriginQuery{Name: query.Get("name"), Origin: query.Get("origin"), FewQuery: fewQuery(query, "next", "prev")}
	if q.Limit, err = limitIn(query); err != nil {
		return list, err
	}
	for i, d := range estate.CSPDirectives() {
		if !query.Has(d.Member) {
			continue
		}
		wanted, err := strconv.ParseBool(query.Get(d.Member))
		switch {
		case err != nil:
			return list, paging.BadParameter(d.Member, d.Member+" must be true or false")
		case wanted:
			q.With |= 1 << i
		default:
			q.Without |= 1 << i
		}
	}
	page, err := x.server.Directory.CSPOrigins(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.CSPOrigin, len(page.Items))
	for i, o := range page.Items {
		list.Data[i] = wireCSPOrigin(o)
	}
	list.Links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", page.Next), Prev: x.cursorLink(query, "prev", page.Prev)}
	return list, nil
}

func fewQuery(query url.Values, after, before string) directory.FewQuery {
	return directory.FewQuery{Sort: query.Get("sort"), After: query.Get(after), Before: query.Get(before)}
}

// cspOriginID is the entry that the path names.
func (x *exchange) cspOriginID() estate.CSPOriginID {
	return estate.CSPOriginID(x.r.PathValue("cspOriginId"))
}

func getCSPOrigin(x *exchange) (api.CSPOrigin, error) {
	o, err := x.server.Directory.CSPOrigin(x.r.Context(), x.actor, x.cspOriginID())
	return wireCSPOrigin(o), err
}

func cspOrigin(in api.CSPOriginRequest) estate.CSPOrigin {
	o := estate.CSPOrigin{Origin: in.Origin, Name: in.Name, Description: in.Description}
	for i, on := range directives(&in.CSPDirectives) {
		if *on {
			o.Directives |= 1 << i
		}
	}
	return o
}

func createCSPOrigin(x *exchange, in api.CSPOriginRequest) (api.CSPOrigin, error) {
	o, err := x.server.Directory.CreateCSPOrigin(x.r.Context(), x.actor, cspOrigin(in))
	return wireCSPOrigin(o), err
}

func replaceCSPOrigin(x *exchange, in api.CSPOriginRequest) (api.CSPOrigin, error) {
	o := cspOrigin(in)
	o.ID = x.cspOriginID()
	o, err := x.server.Directory.ReplaceCSPOrigin(x.r.Context(), x.actor, o)
	return wireCSPOrigin(o), err
}

func deleteCSPOrigin(x *exchange) error {
	return x.server.Directory.DeleteCSPOrigin(x.r.Context(), x.actor, x.cspOriginID())
}

func getCSPHeader(x *exchange) (api.CSPHeader, error) {
	header, err := x.server.Directory.CSPHeader(x.r.Context(), x.actor)
	return api.CSPHeader{ContentSecurityPolicy: header}, err
}

func wireCSPOrigin(o estate.CSPOrigin) api.CSPOrigin {
	out := api.CSPOrigin{
		ID: string(o.ID), Origin: o.Origin, Name: o.Name, Description: o.Description, CreatedDate: api.Time{Time: o.CreatedAt}, ModifiedDate: api.Time{Time: o.UpdatedAt},
	}
	for i, on := range directives(&out.CSPDirectives) {
		*on = o.Directives&(1<<i) != 0
	}
	return out
}

// webIntegrationID is the web integration that the path names.
func (x *exchange) webIntegrationID() estate.WebIntegrationID {
	return estate.WebIntegrationID(x.r.PathValue("webIntegrationId"))
}

func listWebIntegrations(x *exchange) (list api.WebIntegrationList, err error) {
	query := x.r.URL.Query()
	q := fewQuery(query, "startingAfter", "endingBefore")
	if q.Limit, err = limitIn(query); err != nil {
		return list, err
	}
	page, err := x.server.Directory.WebIntegrations(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	if tenant := query.Get("tenantId"); tenant != "" && tenant != string(x.actor.Scope.Tenant) { // those of others can't be seen from here
		page = directory.FewPage[estate.WebIntegration]{}
	}
	list.Data = make([]api.WebIntegration, len(page.Items))
	for i, w := range page.Items {
		list.Data[i] = x.wireWebIntegration(w)
	}
	list.Links = x.besideLinks(query, page.Next, page.Prev)
	return list, nil
}

func getWebIntegration(x *exchange) (api.WebIntegration, error) {
	w, err := x.server.Directory.WebIntegration(x.r.Context(), x.actor, x.webIntegrationID())
	return x.wireWebIntegration(w), err
}

func createWebIntegration(x *exchange, in api.CreateWebIntegrationRequest) (api.WebIntegration, error) {
	w, err := x.server.Directory.CreateWebIntegration(x.r.Context(), x.actor, in.Name, in.ValidOrigins)
	return x.wireWebIntegration(w), err
}

func updateWebIntegration(x *exchange) error {
	patch, err := x.directoryPatch()
	if err != nil {
		return err
	}
	return x.server.Directory.UpdateWebIntegration(x.r.Context(), x.actor, x.webIntegrationID(), patch)
}

func deleteWebIntegration(x *exchange) error {
	return x.server.Directory.DeleteWebIntegration(x.r.Context(), x.actor, x.webIntegrationID())
}

func (x *exchange) wireWebIntegration(w estate.WebIntegration) api.WebIntegration {
	return api.WebIntegration{
		ID: string(w.ID), TenantID: string(w.Tenant), Name: w.Name, ValidOrigins: append([]string{}, w.Origins...),
		Created: api.Time{Time: w.CreatedAt}, CreatedBy: w.CreatedBy, LastUpdated: api.Time{Time: w.UpdatedAt},
		Links: x.self("/api/v1/web-integrations/" + string(w.ID)),
	}
}
