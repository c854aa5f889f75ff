package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

const eventSource = "com.freehold/provisioning"

// call makes an attempt at a call. What was answered meanwhile, or has another call
// in its place, is left alone.
func (s *Service) call(ctx context.Context, j job.Job) error {
	var c callPayload
	if err := json.Unmarshal(j.Payload, &c); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	var p estate.Provisioning
	var to estate.Provisioner
	var t estate.Tenant
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		if p, err = tx.Provisioning(ctx, c.scope(), c.Tenant, c.Provisioner); err != nil {
			return err
		}
		if to, err = tx.Provisioner(ctx, estate.Scope{Organization: c.Organization}, c.Provisioner); err != nil {
			return err
		}
		t, err = tx.Tenant(ctx, c.scope(), c.Tenant)
		return err
	})
	var known *estate.Error
	if errors.As(err, &known) && known.Kind == estate.NotFound {
		return nil // the provisioner was deleted
	}
	if err != nil {
		return err
	}
	if p.Change == estate.TenantWasPurged {
		t.ExternalID = c.ExternalID
	}
	now := s.now()
	switch {
	case p.Call != c.Call || p.State == estate.ProvisioningReady || p.State == estate.ProvisioningSkipped:
		return nil
	case p.State == estate.ProvisioningFailed && !p.AcceptedUntil.IsZero():
		return s.count(ctx, c, p, j)
	case now.Before(p.AcceptedUntil):
		return later(now, p.AcceptedUntil)
	case !p.AcceptedUntil.IsZero():
		return s.failed(ctx, c, p, j, errNoAnswer)
	}
	answer, status, err := s.ask(ctx, to, t, p, j.Attempt)
	if ctx.Err() != nil {
		return ctx.Err() // the server is stopping, which is not the provisioner's fault
	}
	if err != nil {
		return s.failed(ctx, c, p, j, err)
	}
	if status == http.StatusAccepted && answer.State == "" {
		answer.State = api.ProvisioningPending
	}
	if err := checkAnswer(answer, c); err != nil {
		return s.failed(ctx, c, p, j, failure{fmt.Sprintf("the answer makes no sense: %s", err.Detail), err})
	}
	return s.answered(ctx, c, p, answer, j)
}

// later has the job look again whether there is an answer: at the latest when it
// is due, and often enough that one which says that it failed is acted upon soon.
func later(now, due time.Time) error {
	if soon := now.Add(recheck); soon.Before(due) {
		due = soon
	}
	return job.Later(due)
}

// answered notes what the provisioner has said at once. Only a pending one is not
// worth more than what it may have said by callback meanwhile.
func (s *Service) answered(ctx context.Context, c callPayload, before estate.Provisioning, answer api.ProvisioningAnswer, j job.Job) error {
	p := s.state(c, answer)
	var seen *estate.Provisioning
	if p.State == estate.ProvisioningPending {
		seen = &before
	}
	taken, err := s.record(ctx, c, p, seen, "")
	switch {
	case err != nil:
		return err
	case p.State == estate.ProvisioningPending:
		return later(p.UpdatedAt, p.AcceptedUntil)
	case taken && p.State == estate.ProvisioningFailed && !j.Last:
		return failure{"the provisioner answers that it failed", nil}
	}
	return nil
}

// count makes an answer by callback, which says that the provisioner failed, a
// failed attempt.
func (s *Service) count(ctx context.Context, c callPayload, p estate.Provisioning, j job.Job) error {
	seen := p
	p.AcceptedUntil = time.Time{}
	taken, err := s.record(ctx, c, p, &seen, "")
	switch {
	case err != nil:
		return err
	case !taken:
		return later(s.now(), s.now().Add(recheck))
	case j.Last:
		return nil
	}
	return failure{"the provisioner has answered that it failed", nil}
}

// failed notes an attempt that got no answer, and returns why, so that there is
// another one.
func (s *Service) failed(ctx context.Context, c callPayload, p estate.Provisioning, j job.Job, cause error) error {
	seen, why := p, "it could not be reached"
	var known failure
	var timeout net.Error
	switch {
	case errors.As(cause, &known):
		why = known.text
	case errors.As(cause, &timeout) && timeout.Timeout():
		why = fmt.Sprintf("it did not answer within %s", CallTimeout)
	}
	p.Message = fmt.Sprintf("attempt %d failed: %s", j.Attempt, why)
	if j.Last {
		p.State = estate.ProvisioningFailed
		p.Message = fmt.Sprintf("given up after attempt %d: %s", j.Attempt, why)
	}
	p.AcceptedUntil, p.UpdatedAt = time.Time{}, s.now()
	taken, err := s.record(ctx, c, p, &seen, "")
	if err != nil {
		return errors.Join(cause, err)
	}
	if !taken {
		return later(s.now(), s.now().Add(recheck)) // there was an answer after all
	}
	s.audit.Log.WarnContext(ctx, "provisioner failed", "provisioner", c.Provisioner, "tenant", c.Tenant, "attempt", j.Attempt, "error", cause)
	return cause
}

// failure is why an attempt failed, in words that may be shown to anybody who sees
// the tenant.
type failure struct {
	text  string
	cause error
}

// Error implements error.
func (f failure) Error() string {
	if f.cause == nil {
		return f.text
	}
	return f.text + ": " + f.cause.Error()
}

// Unwrap returns the cause.
func (f failure) Unwrap() error { return f.cause }

var errNoAnswer = failure{fmt.Sprintf("it accepted the call, and sent no answer within %s", AnswerWithin), nil}

// ask sends the event to a provisioner and reads the answer, which with the status
// 202 may be empty.
func (s *Service) ask(ctx context.Context, to estate.Provisioner, t estate.Tenant, p estate.Provisioning, attempt int) (answer api.ProvisioningAnswer, status int, err error) {
	token, err := s.callbackToken(callPayload{Organization: t.Organization, Tenant: t.ID, Provisioner: to.ID, Call: p.Call})
	if err != nil {
		return answer, 0, err
	}
	body, err := json.Marshal(api.ProvisioningEvent{
		SpecVersion: "1.0", ID: string(p.Call), Source: eventSource, Type: "com.freehold.provisioning." + string(p.Change), Subject: string(t.ID),
		Time: api.Time{Time: s.now()}, DataContentType: "application/json",
		Data: api.ProvisioningEventData{
			Change: string(p.Change), ProvisionerID: string(to.ID), Attempt: attempt, CallbackURL: *s.console.Load() + api.ProvisioningAnswersPath + token, Tenant: s.told(t),
		},
	})
	if err != nil {
		return answer, 0, err
	}
	header, err := s.sign(to, string(p.Call), body)
	if err != nil {
		return answer, 0, err
	}
	ctx, span := telemetry.Start(ctx, "POST provisioner", telemetry.Client)
	call := s.Metrics.Call(ctx, span, telemetry.Provisioner, header)
	got, err := s.poster.Post(ctx, to.URL, header, body)
	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err // the URL may hold a secret, and this is kept and logged
	}
	call.End(got.Status, err)
	if err != nil {
		return answer, 0, err
	}
	switch {
	case got.Status == http.StatusAccepted && len(bytes.TrimSpace(got.Body)) == 0:
		return answer, got.Status, nil
	case got.Status != http.StatusOK && got.Status != http.StatusAccepted:
		return answer, 0, failure{"it answered " + strconv.Itoa(got.Status), nil}
	}
	if err := json.Unmarshal(got.Body, &answer); err != nil {
		if got.Status == http.StatusAccepted {
			return api.ProvisioningAnswer{}, got.Status, nil
		}
		return answer, 0, failure{"it answered 200 without a JSON object that has a state", err}
	}
	return answer, got.Status, nil
}

// sign makes the headers of a call (Standard Webhooks).
func (s *Service) sign(to estate.Provisioner, id string, body []byte) (http.Header, error) {
	key, err := s.keys.Open(secretPurpose, string(to.ID), to.SealedSecret)
	if err != nil {
		return nil, fmt.Errorf("secret of provisioner %s: %w", to.ID, err)
	}
	signer, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return nil, err
	}
	now := s.now()
	signature, err := signer.Sign(id, now, body)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/cloudevents+json"}, "Accept": {"application/json"}, "User-Agent": {"freehold"}}
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return header, nil
}

// told is what a provisioner hears of t.
func (s *Service) told(t estate.Tenant) api.ProvisionedTenant {
	told := api.ProvisionedTenant{
		ID: string(t.ID), Name: t.Name, Hostnames: []string{string(t.Hostname) + "." + s.domain}, Region: string(t.Region), Datacenter: t.Datacenter,
		CountryCode: t.CountryCode, Status: string(t.Status), SubscriptionID: string(t.Subscription), OrganizationID: string(t.Organization),
		ExternalID: t.ExternalID, Labels: t.Labels, CreatedAt: api.Time{Time: t.CreatedAt}, UpdatedAt: api.Time{Time: t.UpdatedAt},
	}
	if t.Alias != "" {
		told.Hostnames = append(told.Hostnames, string(t.Alias)+"."+s.domain)
	}
	return told
}
