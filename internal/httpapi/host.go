package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// resolve finds the surface that a Host header names.
func (s *Server) resolve(ctx context.Context, host string) (estate.Surface, error) {
	name := strings.ToLower(host)
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	name = strings.TrimSuffix(name, ".")
	labels, below := strings.CutSuffix(name, s.below)
	if !below {
		return estate.Surface{}, s.misdirected()
	}
	surface := estate.Surface{Origin: Origin(s.Scheme, name, s.Port)}
	if labels == estate.ConsoleLabel {
		surface.Kind = estate.SurfaceConsole
		return surface, nil
	}
	label, region, two := strings.Cut(labels, ".")
	if !two || label == "" || region == "" || strings.Contains(region, ".") {
		return estate.Surface{}, errUnknownHost
	}
	if label == estate.RegisterLabel {
		if _, err := s.Tenancy.Region(ctx, estate.RegionCode(region)); err != nil {
			return estate.Surface{}, unknownIfNotFound(err)
		}
		surface.Kind, surface.Region = estate.SurfaceRegister, estate.RegionCode(region)
		return surface, nil
	}
	tenant, err := s.Tenancy.TenantAt(ctx, estate.Hostname(labels))
	if err != nil {
		return estate.Surface{}, unknownIfNotFound(err)
	}
	surface.Kind, surface.Tenant = estate.SurfaceTenant, tenant
	return surface, nil
}

// Origin is the URL of a host as clients write it: without a port that the
// scheme implies.
func Origin(scheme, host string, port int) string {
	if scheme == "http" && port == 80 || scheme == "https" && port == 443 {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + strconv.Itoa(port)
}

func unknownIfNotFound(err error) error {
	if estate.HasKind(err, estate.NotFound) {
		return errUnknownHost
	}
	return err
}

var (
	errUnknownHost = estate.E(estate.Unauthenticated, api.CodeUnknownHost, "No authentication configured for this hostname", "")
	errDeactivated = estate.E(estate.Unauthenticated, api.CodeTenantDeactivated, "Tenant has been deactivated. Contact your administrator for more details.", "")
)

func (s *Server) misdirected() error {
	return statusError{http.StatusMisdirectedRequest, estate.E(estate.Invalid, api.CodeMisdirected, "Misdirected request",
		"This server answers at hosts below "+s.Domain+", such as "+Origin(s.Scheme, estate.ConsoleLabel+"."+s.Domain, s.Port)+".")}
}
