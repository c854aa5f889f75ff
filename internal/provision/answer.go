package provision

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// What the keyring seals here, and for what.
const (
	secretPurpose = "provisioner-secret"
	tokenPurpose  = "provisioning-answer"
	tokenID       = "callback"
)

// callbackToken is what an answer to a call is authenticated with. It holds which
// call that is, sealed: it can't be made up, nor used for another one.
func (s *Service) callbackToken(c callPayload) (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	sealed, err := s.keys.Seal(tokenPurpose, tokenID, text)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

func (s *Service) openToken(token string) (c callPayload, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return c, errNoCall
	}
	text, err := s.keys.Open(tokenPurpose, tokenID, sealed)
	if err != nil {
		return c, errNoCall
	}
	return c, json.Unmarshal(text, &c)
}

// Answer takes the answer to a call that is named by the token of its callback URL.
// While a call lasts, each answer takes the place of the one before; the first
// "ready" is the last, and may be repeated.
func (s *Service) Answer(ctx context.Context, token, trace string, answer api.ProvisioningAnswer) error {
	c, err := s.openToken(token)
	if err != nil {
		return err
	}
	if err := checkAnswer(answer, c); err != nil {
		return err
	}
	p := s.state(c, answer)
	if p.State == estate.ProvisioningFailed {
		p.AcceptedUntil = p.UpdatedAt // has the job count it as a failed attempt
	}
	taken, err := s.record(ctx, c, p, nil, trace)
	if err == nil && !taken {
		err = errAnswered
	}
	return err
}

// checkAnswer tells what is wrong with an answer to a call.
func checkAnswer(answer api.ProvisioningAnswer, c callPayload) *estate.Error {
	switch {
	case answer.TenantID != "" && answer.TenantID != string(c.Tenant):
		return errInvalid("the call is about another tenant").At("/tenantId", "the call is about another tenant")
	case answer.State != api.ProvisioningReady && answer.State != api.ProvisioningFailed && answer.State != api.ProvisioningPending:
		return errInvalid("state must be ready, failed or pending").At("/state", "must be ready, failed or pending")
	}
	return nil
}

// state is what an answer makes of a provisioning.
func (s *Service) state(c callPayload, answer api.ProvisioningAnswer) estate.Provisioning {
	p := estate.Provisioning{
		Provisioner: c.Provisioner, Tenant: c.Tenant, Call: c.Call, State: estate.ProvisioningState(answer.State),
		Message: estate.CutText(answer.Message, estate.MaxProvisioningMessage), UpdatedAt: s.now(),
	}
	if p.State == estate.ProvisioningPending {
		p.AcceptedUntil = p.UpdatedAt.Add(AnswerWithin)
	}
	return p
}

// record writes down what has become of a call. It returns false if that does not
// count any more: because it has had its answer, another call took its place, or
// something came between, if seen is what there should be.
func (s *Service) record(ctx context.Context, c callPayload, p estate.Provisioning, seen *estate.Provisioning, trace string) (taken bool, err error) {
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		before, err := tx.Provisioning(ctx, c.scope(), c.Tenant, c.Provisioner)
		if taken = false; err != nil || seen != nil && before != *seen {
			return err
		}
		taken, _, err = tx.SetProvisioning(ctx, c.scope(), p)
		if err != nil {
			return err
		}
		if !taken {
			taken = before.Call == p.Call && before.State == p.State // said twice
			return nil
		}
		if p.State == before.State || p.State == estate.ProvisioningPending {
			return nil
		}
		action := "provisioning.ready"
		if p.State == estate.ProvisioningFailed {
			action = "provisioning.fail"
		}
		t, err := tx.Tenant(ctx, c.scope(), c.Tenant)
		if err != nil {
			return err
		}
		actor := estate.Actor{Kind: estate.ActorSystem, ID: string(c.Provisioner), TraceID: trace}
		return s.audit.Done(ctx, tx, actor, t.Scope(), action, string(t.ID), map[string]any{
			"provisionerId": c.Provisioner, "provisioner": before.Name, "change": before.Change, "message": p.Message,
		})
	})
	return taken, err
}

func errInvalid(detail string) *estate.Error {
	return estate.E(estate.Invalid, api.CodeProvisionerInvalid, "Invalid provisioner", detail)
}

var (
	errNoCall   = estate.E(estate.NotFound, api.CodeProvisionerNotFound, "Not found", "No such call.")
	errAnswered = estate.E(estate.Conflict, api.CodeProvisioningDone, "Call is over", "The call has had its answer, or another one took its place.")
)
