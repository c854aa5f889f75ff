package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
)

// allotments are the seats of the tenant's subscription.
func (x *exchange) allotments() ([]api.LicenseAllotment, error) {
	seats, err := x.server.Directory.Seats(x.r.Context(), x.actor)
	out := make([]api.LicenseAllotment, len(seats))
	for i, s := range seats {
		out[i] = api.LicenseAllotment{Name: string(s.Type), Units: s.Units, UnitsUsed: s.Used, UsageClass: "assigned"}
	}
	return out, err
}

// licenseVersion is another whenever the entitlement or the seats change.
func licenseVersion(sub estate.Subscription, allotments []api.LicenseAllotment) string {
	h := sha256.New()
	fmt.Fprintln(h, sub.ID, sub.UpdatedAt.UnixMicro())
	for _, a := range allotments {
		fmt.Fprintln(h, a.Name, a.Units)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func getLicenseStatus(x *exchange) (api.LicenseStatus, error) {
	sub, inForce, err := x.server.Directory.Subscription(x.r.Context(), x.actor)
	out := api.LicenseStatus{
		ExtensionStatus: "Unavailable", Origin: "Internal", Product: sub.Name, Status: "Ok", Type: "Signed", Valid: sub.StartsAt.Format(time.DateOnly) + "/" + sub.EndsAt.Format(time.DateOnly),
	}
	if !inForce {
		out.Status = "Expired"
	}
	return out, err
}

func getLicenseSettings(x *exchange) (api.LicenseSettings, error) {
	s, err := x.server.Directory.LicenseSettings(x.r.Context(), x.actor)
	return api.LicenseSettings{AutoAssignAnalyzer: s.AutoAssignAnalyzer, AutoAssignProfessional: s.AutoAssignProfessional}, err
}

func setLicenseSettings(x *exchange, in api.LicenseSettingsRequest) (api.LicenseSettings, error) {
	s, err := x.server.Directory.SetLicenseSettings(x.r.Context(), x.actor, in.AutoAssignProfessional, in.AutoAssignAnalyzer)
	return api.LicenseSettings{AutoAssignAnalyzer: s.AutoAssignAnalyzer, AutoAssignProfessional: s.AutoAssignProfessional}, err
}

// listLicenseAssignments has its cursor in the parameter page, as the contract does.
func listLicenseAssignments(x *exchange) (list api.LicenseAssignmentList, err error) {
	query := x.r.URL.Query()
	q, err := x.pageQuery(query.Get("filter"))
	if err != nil {
		return list, err
	}
	q.Next = query.Get("page")
	orphans, _, err := flagIn(query, "orphans")
	if err != nil {
		return list, err
	}
	page, err := x.server.Directory.LicenseAssignments(x.r.Context(), x.actor, orphans, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.LicenseAssignment, len(page.Items))
	for i, a := range page.Items {
		list.Data[i] = api.LicenseAssignment{Subject: a.Subject, Type: string(a.Type), Created: api.Time{Time: a.CreatedAt}, Excess: a.Excess}
	}
	query.Del("page")
	list.Links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "page", page.Next), Prev: x.cursorLink(query, "prev", page.Prev)}
	list.TotalResults = total(page.Total)
	return list, nil
}

func addSeats(x *exchange, in api.AddSeatsRequest) (api.SeatResults, error) {
	return x.changeSeats(directory.SeatAdd, in.Add, http.StatusCreated)
}

func updateSeats(x *exchange, in api.UpdateSeatsRequest) (api.SeatResults, error) {
	return x.changeSeats(directory.SeatUpdate, in.Update, http.StatusOK)
}

func deleteSeats(x *exchange, in api.DeleteSeatsRequest) (api.SeatResults, error) {
	return x.changeSeats(directory.SeatDelete, in.Delete, http.StatusNoContent)
}

// changeSeats changes seats; done is the status of a change that had something to
// do.
func (x *exchange) changeSeats(action directory.SeatAction, in []api.SeatChange, done int) (out api.SeatResults, err error) {
	changes := make([]directory.SeatChange, len(in))
	for i, c := range in {
		changes[i] = directory.SeatChange{
			Subject: c.Subject, Type: estate.SeatType(c.Type), SourceType: estate.SeatType(c.SourceType), SourceSubject: c.SourceSubject,
		}
	}
	results, err := x.server.Directory.ChangeSeats(x.r.Context(), x.actor, action, changes)
	if err != nil {
		return out, err
	}
	out.Data = make([]api.SeatResult, len(results))
	for i, r := range results {
		out.Data[i] = api.SeatResult{Subject: r.Subject, Type: string(r.Type), Status: http.StatusOK}
		switch {
		case r.Err != nil:
			out.Data[i].Status, out.Data[i].Code, out.Data[i].Title = statusOf[r.Err.Kind], r.Err.Code, r.Err.Title
		case r.Changed:
			out.Data[i].Status = done
		}
	}
	return out, nil
}
