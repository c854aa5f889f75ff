package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// maxSeats is how many seats of a type a subscription can have.
const maxSeats = 100_000_000

// SetSeats replaces how many seats of a type a subscription has. There can be fewer
// than are taken; then nobody gets one before enough are given back. Only the
// operator may.
func (s *Service) SetSeats(ctx context.Context, actor estate.Actor, id estate.SubscriptionID, seat estate.SeatType, units int64) error {
	if !actor.IsOperator() {
		return errOperatorOnly
	}
	if !slices.Contains(estate.SeatTypes(), seat) || units < 0 || units > maxSeats {
		return estate.E(estate.Invalid, api.CodeEstateInvalid, "Invalid seats", fmt.Sprintf("There can be 0 to %d seats of the types professional and analyzer.", maxSeats))
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		owner, err := tx.SubscriptionOwner(ctx, id)
		if err != nil {
			return err
		}
		scope := estate.Scope{Organization: owner, Subscription: id}
		if err := tx.SetSeats(ctx, scope, seat, units); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, "subscription.set-seats", string(id), map[string]any{"type": seat, "units": units})
	})
}

// Seats returns the seats of the subscription of the actor's tenant, and how many of
// them its tenants have taken together.
func (s *Service) Seats(ctx context.Context, actor estate.Actor) (all []estate.Seats, err error) {
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Seats(ctx, actor.Scope)
		return err
	})
	return all, err
}

// Subscription returns the subscription of the actor's tenant and whether it is in
// force.
func (s *Service) Subscription(ctx context.Context, actor estate.Actor) (sub estate.Subscription, inForce bool, err error) {
	if actor.Scope.Tenant == "" {
		return sub, false, errNeedsTenantAdmin
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		sub, err = tx.Subscription(ctx, estate.Scope{Organization: actor.Scope.Organization}, actor.Scope.Subscription)
		return err
	})
	return sub, sub.ValidAt(s.now()), err
}

// LicenseSettings returns whether users get seats by themselves.
func (s *Service) LicenseSettings(ctx context.Context, actor estate.Actor) (settings estate.DirectorySettings, err error) {
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return settings, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		settings, err = tx.DirectorySettings(ctx, actor.Scope)
		return err
	})
	return settings, err
}

// SetLicenseSettings says whether users get seats by themselves; nil leaves a
// setting as it is.
func (s *Service) SetLicenseSettings(ctx context.Context, actor estate.Actor, professional, analyzer *bool) (settings estate.DirectorySettings, err error) {
	err = s.changeSettings(ctx, actor, "license-settings.update", api.ScopeAdminClassic, func(_ *store.Tx, now *estate.DirectorySettings) ([]update, error) {
		members := func() map[string]any {
			return map[string]any{"/autoAssignProfessional": now.AutoAssignProfessional, "/autoAssignAnalyzer": now.AutoAssignAnalyzer}
		}
		before := members()
		if professional != nil {
			now.AutoAssignProfessional = *professional
		}
		if analyzer != nil {
			now.AutoAssignAnalyzer = *analyzer
		}
		settings = *now
		return updates(before, members()), nil
	})
	return settings, err
}

// AssignmentView is an assignment of a seat. Excess is that more seats of its type
// are taken than the subscription has.
type AssignmentView struct {
	estate.LicenseAssignment

	Excess bool
}

// LicenseAssignments lists who has seats in the actor's tenant: of all subjects, or
// of those that no user has.
func (s *Service) LicenseAssignments(ctx context.Context, actor estate.Actor, orphans bool, q PageQuery) (page Page[AssignmentView], err error) {
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return page, err
	}
	r := rows[estate.LicenseAssignment]{
		name:    "license-assignments",
		listing: store.LicenseAssignmentListing,
		page: func(tx *store.Tx, ctx context.Context, scope estate.Scope, q store.Query) ([]estate.LicenseAssignment, bool, error) {
			return tx.LicenseAssignments(ctx, scope, orphans, q)
		},
		count: func(tx *store.Tx, ctx context.Context, scope estate.Scope, expr filter.Expr) (int64, error) {
			return tx.CountLicenseAssignments(ctx, scope, orphans, expr)
		},
	}
	query, err := r.parse(q)
	if err != nil {
		return page, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		found, err := r.read(ctx, tx, actor.Scope, query, q.Total)
		if err != nil {
			return err
		}
		seats, err := tx.Seats(ctx, actor.Scope)
		if err != nil {
			return err
		}
		page = Page[AssignmentView]{Items: make([]AssignmentView, len(found.Items)), Next: found.Next, Prev: found.Prev, Total: found.Total}
		for i, a := range found.Items {
			page.Items[i] = AssignmentView{a, free(seats, a.Type) < 0}
		}
		return nil
	})
	return page, err
}

// free is how many seats of a type are left; less than none if there are more
// assignments than seats.
func free(seats []estate.Seats, of estate.SeatType) int64 {
	for _, s := range seats {
		if s.Type == of {
			return s.Units - s.Used
		}
	}
	return 0
}

// SeatChange is a change to who has which seat.
type SeatChange struct {
	Subject       string
	Type          estate.SeatType
	SourceType    estate.SeatType // of an update: what the seat must be now; empty: any
	SourceSubject string          // of an update: who has the seat now; empty: Subject
}

// SeatResult is how a SeatChange went; Err is nil if it went well.
type SeatResult struct {
	SeatChange

	Changed bool
	Err     *estate.Error
}

// maxSeatChanges is how many changes can be made at once.
const maxSeatChanges = 1000

// SeatAction is what is done with seats.
type SeatAction string

// The actions.
const (
	SeatAdd    SeatAction = "add"
	SeatUpdate SeatAction = "update"
	SeatDelete SeatAction = "delete"
)

// ChangeSeats gives seats to subjects of the actor's tenant, changes or takes them.
// Each change goes on its own; what is wrong with one is in its result. The seats
// are the subscription's: no tenant gets one when all are taken.
func (s *Service) ChangeSeats(ctx context.Context, actor estate.Actor, action SeatAction, changes []SeatChange) (results []SeatResult, err error) {
	name := map[SeatAction]string{SeatAdd: "license.assignment.add", SeatUpdate: "license.assignment.update", SeatDelete: "license.assignment.delete"}[action]
	defer s.audit.Refused(ctx, actor, name, "", &err)
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return nil, err
	}
	if len(changes) == 0 || len(changes) > maxSeatChanges {
		return nil, errSeatInvalid.At("/"+string(action), fmt.Sprintf("%s must have 1 to %d items", action, maxSeatChanges))
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		seats, err := tx.LockSeats(ctx, actor.Scope)
		if err != nil {
			return err
		}
		c := seatChanger{s: s, tx: tx, actor: actor, seats: seats}
		results = make([]SeatResult, len(changes))
		for i, change := range changes {
			results[i] = SeatResult{SeatChange: change}
			changed, err := c.apply(ctx, action, change)
			var refusal *estate.Error
			switch {
			case errors.As(err, &refusal) && (refusal.Kind == estate.Invalid || refusal.Kind == estate.NotFound || refusal.Kind == estate.Conflict || refusal.Kind == estate.Forbidden):
				results[i].Err = refusal
				continue
			case err != nil:
				return err
			}
			if results[i].Changed = changed; !changed {
				continue
			}
			data := map[string]any{"subject": change.Subject, "type": change.Type}
			if change.SourceSubject != "" {
				data["sourceSubject"] = change.SourceSubject
			}
			if err := s.audit.Done(ctx, tx, actor, actor.Scope, name, change.Subject, data); err != nil {
				return err
			}
		}
		return nil
	})
	return results, err
}

// seatChanger changes seats while nobody else does.
type seatChanger struct {
	s     *Service
	tx    *store.Tx
	actor estate.Actor
	seats []estate.Seats
}

// apply makes one change. It tells whether there was something to do.
func (c *seatChanger) apply(ctx context.Context, action SeatAction, change SeatChange) (bool, error) {
	if !slices.Contains(estate.SeatTypes(), change.Type) {
		return false, errSeatInvalid.At("/type", "type must be professional or analyzer")
	}
	holder := change.Subject
	if action == SeatUpdate && change.SourceSubject != "" {
		holder = change.SourceSubject
	}
	now, err := c.tx.LicenseAssignment(ctx, c.actor.Scope, holder)
	has := err == nil
	if err != nil && !estate.HasKind(err, estate.NotFound) {
		return false, err
	}
	switch action {
	case SeatDelete:
		if !has || now.Type != change.Type {
			return false, errNoSeat
		}
		c.count(now.Type, -1)
		return true, c.tx.DeleteLicenseAssignment(ctx, c.actor.Scope, holder)
	case SeatUpdate:
		if !has || change.SourceType != "" && now.Type != change.SourceType {
			return false, errNoSeat
		}
		return c.move(ctx, now, change)
	default:
		switch {
		case has && now.Type == change.Type:
			return false, nil
		case has:
			return false, errOtherSeat
		}
		return true, c.take(ctx, change.Subject, change.Type)
	}
}

// move changes the type of a seat or who has it.
func (c *seatChanger) move(ctx context.Context, now estate.LicenseAssignment, change SeatChange) (bool, error) {
	if now.Subject == change.Subject && now.Type == change.Type {
		return false, nil
	}
	if now.Subject != change.Subject {
		switch _, err := c.tx.LicenseAssignment(ctx, c.actor.Scope, change.Subject); {
		case err == nil:
			return false, errOtherSeat
		case !estate.HasKind(err, estate.NotFound):
			return false, err
		}
	}
	if now.Type != change.Type && free(c.seats, change.Type) <= 0 {
		return false, errNoSeatLeft
	}
	if err := c.exists(ctx, change.Subject); err != nil {
		return false, err
	}
	c.count(now.Type, -1)
	c.count(change.Type, 1)
	if now.Subject != change.Subject {
		if err := c.tx.DeleteLicenseAssignment(ctx, c.actor.Scope, now.Subject); err != nil {
			return false, err
		}
	}
	return true, c.tx.PutLicenseAssignment(ctx, c.actor.Scope, change.Subject, change.Type, c.s.now())
}

// take gives a free seat to a subject.
func (c *seatChanger) take(ctx context.Context, subject string, seat estate.SeatType) error {
	if err := c.exists(ctx, subject); err != nil {
		return err
	}
	if free(c.seats, seat) <= 0 {
		return errNoSeatLeft
	}
	c.count(seat, 1)
	return c.tx.PutLicenseAssignment(ctx, c.actor.Scope, subject, seat, c.s.now())
}

func (c *seatChanger) exists(ctx context.Context, subject string) error {
	_, err := c.tx.UserBySubject(ctx, c.actor.Scope, subject)
	if estate.HasKind(err, estate.NotFound) {
		return errNoSeat
	}
	return err
}

// count keeps what is known of the seats up to date.
func (c *seatChanger) count(of estate.SeatType, by int64) {
	for i := range c.seats {
		if c.seats[i].Type == of {
			c.seats[i].Used += by
		}
	}
}

var (
	errSeatInvalid = estate.E(estate.Invalid, api.CodeLicenseInvalid, "Invalid assignment", "")
	errNoSeatLeft  = estate.E(estate.Forbidden, api.CodeLicenseNone, "No seat left", "The subscription has no free seat of this type.")
	errOtherSeat   = estate.E(estate.Conflict, api.CodeLicenseOther, "Seat of another type", "The subject has a seat of another type; update or delete that.")
	errNoSeat      = estate.E(estate.NotFound, api.CodeLicenseNotFound, "Not found", "The subject has no such seat, or no user of this tenant has the subject.")
)
