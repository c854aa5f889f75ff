package signin

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// actionSeat is what giving a seat is called, by hand too.
const actionSeat = "license.assignment.add"

// giveSeat gives a user who has no seat one of those that the tenant's settings say
// are given by themselves: a professional one before an analyzer's. If the
// subscription has none left, the person is let in without; that is on record.
func (s *Service) giveSeat(ctx context.Context, tx *store.Tx, scope estate.Scope, user estate.User, traceID string) error {
	settings, err := tx.DirectorySettings(ctx, scope)
	if err != nil {
		return err
	}
	var wanted []estate.SeatType
	if settings.AutoAssignProfessional {
		wanted = append(wanted, estate.SeatProfessional)
	}
	if settings.AutoAssignAnalyzer {
		wanted = append(wanted, estate.SeatAnalyzer)
	}
	if len(wanted) == 0 {
		return nil
	}
	switch _, err := tx.LicenseAssignment(ctx, scope, user.Subject); {
	case err == nil:
		return nil
	case !estate.HasKind(err, estate.NotFound):
		return err
	}
	seats, err := tx.LockSeats(ctx, scope)
	if err != nil {
		return err
	}
	data := map[string]any{"subject": user.Subject, "automatic": true}
	for _, seat := range wanted {
		for _, pool := range seats {
			if pool.Type != seat || pool.Used >= pool.Units {
				continue
			}
			if err := tx.PutLicenseAssignment(ctx, scope, user.Subject, seat, s.now()); err != nil {
				return err
			}
			data["type"] = seat
			return s.audit.Done(ctx, tx, actorOf(user, scope, traceID), scope, actionSeat, user.Subject, data)
		}
	}
	data["code"] = api.CodeLicenseNone
	return s.audit.Append(ctx, tx, estate.AuditRecord{
		Time: s.now(), Scope: scope, Actor: actorOf(user, scope, traceID), Action: actionSeat, Target: user.Subject, Outcome: estate.OutcomeRefused, Data: data,
	})
}
