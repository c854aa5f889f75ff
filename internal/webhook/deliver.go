package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

const (
	consumer   = "webhooks"
	jobSend    = "webhook.send"    // the first attempts at deliveries to one webhook
	jobRetry   = "webhook.retry"   // all further attempts at one of them
	jobDeliver = "webhook.deliver" // all attempts at one: what earlier versions have enqueued

	attemptTimeout = 10 * time.Second
	atOnce         = 8                  // attempts to one webhook; those of a job fit into job.Timeout
	maxAttempts    = 12                 // with job.Backoff, over about a day
	deadAfter      = 3 * 24 * time.Hour // of failures and nothing else, an address is given up

	headerQlik = "Qlik-Signature"
	omitted    = "**OMITTED**" // stands for the values of headers that nobody may see
)

// Consumer is what follows the events for the webhooks.
func (s *Service) Consumer() event.Consumer {
	return event.Consumer{
		Name: consumer,
		Wants: func(ctx context.Context, tx *store.Tx, organization estate.OrganizationID) (bool, error) {
			all, err := tx.WebhooksToTell(ctx, estate.Scope{Organization: organization})
			return len(all) > 0, err
		},
		Take: s.take,
	}
}

// Run tells the webhooks of events until ctx ends.
func (s *Service) Run(ctx context.Context) { s.Consumer().Follow(ctx, s.store, s.log) }

// Close closes the connections to addresses that are kept open.
func (s *Service) Close() { s.post.Close() }

// payload is what a job knows of a delivery.
type payload struct {
	Scope    estate.Scope      `json:"scope"`
	Delivery estate.DeliveryID `json:"delivery"`
}

// batch is what a job knows of the deliveries to a webhook.
type batch struct {
	Scope      estate.Scope        `json:"scope"`
	Deliveries []estate.DeliveryID `json:"deliveries"`
}

// take makes a delivery of each event for each webhook that it is for, and a job
// for those to each webhook: a job of their own would cost more than the deliveries.
func (s *Service) take(ctx context.Context, tx *store.Tx, organization estate.OrganizationID, events []estate.AuditRecord) error {
	all, err := tx.WebhooksToTell(ctx, estate.Scope{Organization: organization})
	if err != nil {
		return err
	}
	for _, w := range all {
		b := batch{Scope: w.Scope}
		for _, r := range events {
			name := wants(w, r)
			if name == "" {
				continue
			}
			d := estate.Delivery{
				ID: estate.NewDeliveryID(), Scope: w.Scope, Webhook: w.ID, Event: r.ID, EventType: name, Status: estate.DeliveryPending, TriggeredAt: s.now(),
			}
			if err := tx.InsertDelivery(ctx, d); err != nil {
				return err
			}
			b.Deliveries = append(b.Deliveries, d.ID)
		}
		if len(b.Deliveries) == 0 {
			continue
		}
		if err := s.jobs.Enqueue(ctx, tx, job.New{Kind: jobSend, Payload: b}); err != nil {
			return err
		}
	}
	return nil
}

// wants is the name under which w is to be told of r, the first that it has asked for;
// empty: it is not to be told.
func wants(w estate.Webhook, r estate.AuditRecord) string {
	switch {
	case r.Action == actionTest: // is sent to the one that is tested, at once
		return ""
	case r.Position <= w.After || r.Scope.Organization != w.Scope.Organization:
		return ""
	case w.Scope.Tenant != "" && r.Scope != w.Scope: // of an organization, all of it
		return ""
	}
	i := slices.IndexFunc(w.EventTypes, func(name string) bool { return name == AllEvents || event.Is(r, name) })
	if i < 0 || w.Filter != "" && !passes(w.Filter, r) {
		return ""
	}
	if name := w.EventTypes[i]; name != AllEvents {
		return name
	}
	return r.Type
}

// passes tells whether the event of r satisfies a webhook's filter.
func passes(text string, r estate.AuditRecord) bool {
	expr, err := filter.Parse(text, filterSchema)
	return err == nil && holds(expr, func(attribute string) string {
		if member, ok := filteredData[attribute]; ok {
			if value := event.Data(r)[member]; value != nil {
				return fmt.Sprint(value)
			}
			return ""
		}
		return r.Target
	})
}

// holds evaluates a filter of filterSchema.
func holds(expr filter.Expr, value func(attribute string) string) bool {
	switch e := expr.(type) {
	case *filter.And:
		for _, term := range e.Exprs {
			if !holds(term, value) {
				return false
			}
		}
		return true
	case *filter.Or:
		for _, term := range e.Exprs {
			if holds(term, value) {
				return true
			}
		}
		return false
	case *filter.Not:
		return !holds(e.Expr, value)
	case *filter.Compare:
		return (value(e.Attribute) == e.Text) == (e.Op == filter.EQ)
	}
	return false
}

// send makes the first attempt at each of some deliveries, a few at a time and
// begun in order. One that fails gets a job of its own in the transaction that
// notes it, so that it does not hold up the others; when the job is done again,
// because the process was killed meanwhile, those that are noted are left alone.
func (s *Service) send(ctx context.Context, j job.Job) error {
	var b batch
	if err := json.Unmarshal(j.Payload, &b); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, id := range b.Deliveries {
		g.Go(func() error {
			p := payload{b.Scope, id}
			_, err := s.try(ctx, p, estate.DeliveryPending, func(tx *store.Tx) error {
				return s.jobs.Enqueue(ctx, tx, job.New{Kind: jobRetry, Payload: p, At: s.now().Add(job.Backoff(1))})
			})
			return err
		})
	}
	return g.Wait()
}

// deliver makes an attempt at a delivery that has not arrived yet.
func (s *Service) deliver(ctx context.Context, j job.Job) error {
	var p payload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return err
	}
	failure, err := s.try(ctx, p, "", func(*store.Tx) error { return nil })
	if err != nil {
		return err
	}
	return failure
}

// try makes an attempt at a delivery, unless it has arrived or is in another state
// than only, where that is given, and notes what came of it. Where the event has not
// arrived, failure says why, and failed runs in the transaction that notes it.
func (s *Service) try(ctx context.Context, p payload, only estate.DeliveryStatus, failed func(*store.Tx) error) (failure, err error) {
	var d estate.Delivery
	var w estate.Webhook
	var r estate.AuditRecord
	err = s.store.Read(ctx, func(tx *store.Tx) (err error) {
		d, w, r, err = load(ctx, tx, p.Scope, p.Delivery)
		return err
	})
	switch {
	case estate.HasKind(err, estate.NotFound):
		return nil, nil // the webhook was deleted
	case err != nil:
		return nil, err
	case d.Status == estate.DeliverySuccess || !w.Enabled || only != "" && d.Status != only:
		return nil, nil
	}
	failure = s.attempt(ctx, w, r, &d)
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := s.finish(ctx, tx, d); err != nil || failure == nil {
			return err
		}
		return failed(tx)
	})
	if estate.HasKind(err, estate.NotFound) {
		return nil, nil
	}
	return failure, err
}

func load(ctx context.Context, tx *store.Tx, scope estate.Scope, id estate.DeliveryID) (d estate.Delivery, w estate.Webhook, r estate.AuditRecord, err error) {
	if d, err = tx.Delivery(ctx, scope, id); err != nil {
		return d, w, r, err
	}
	if w, err = tx.Webhook(ctx, scope, d.Webhook); err != nil {
		return d, w, r, err
	}
	r, err = tx.AuditRecord(ctx, scope, d.Event)
	return d, w, r, err
}

// attempt sends an event once and notes in d what came of it. The error says why
// it has not arrived.
func (s *Service) attempt(ctx context.Context, w estate.Webhook, r estate.AuditRecord, d *estate.Delivery) error {
	d.Attempts++
	d.TriggeredAt = s.now()
	d.Response = estate.DeliveryMessage{}
	body, header, err := s.message(w, event.Named(r, d.EventType), d.TriggeredAt)
	if err == nil {
		ctx, call := s.call(ctx, r, header)
		d.Request = estate.DeliveryMessage{URL: w.URL, Headers: shown(header, w.HiddenHeaders), Body: string(body)}
		answer, postErr := s.post.Post(ctx, w.URL, header, body)
		call.End(answer.Status, postErr)
		err = postErr
		if err == nil {
			d.Response = estate.DeliveryMessage{Status: answer.Status, Headers: shown(answer.Header, w.HiddenHeaders), Body: strings.ToValidUTF8(string(answer.Body), "\uFFFD")}
			if answer.Status < 200 || answer.Status > 299 {
				err = fmt.Errorf("the address answered %d", answer.Status)
			}
		}
	}
	d.Status, d.Message = estate.DeliverySuccess, http.StatusText(d.Response.Status)
	if err != nil {
		d.Status, d.Message = estate.DeliveryFail, err.Error()
	}
	return err
}

// call begins an attempt in the trace of the request that made the event.
func (s *Service) call(ctx context.Context, r estate.AuditRecord, header http.Header) (context.Context, *telemetry.Call) {
	of := telemetry.Trace{ID: r.Actor.TraceID}
	ctx, span := s.Tracer.Begin(ctx, of, "POST webhook", telemetry.Client)
	if !span.Kept() {
		ctx = of.Carry(ctx)
	}
	return ctx, s.Metrics.Call(ctx, span, telemetry.Webhook, header)
}

// message is what is sent: the event as a CloudEvent in structured mode, with both
// signatures if the webhook has a secret.
func (s *Service) message(w estate.Webhook, r estate.AuditRecord, at time.Time) ([]byte, http.Header, error) {
	plain, err := s.unseal(w)
	if err != nil {
		return nil, nil, err
	}
	e, err := event.CloudEvent(r)
	if err != nil {
		return nil, nil, err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, nil, err
	}
	header := http.Header{}
	for _, set := range []map[string]string{w.Headers, plain.Headers} {
		for name, value := range set {
			header.Set(name, value)
		}
	}
	header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	header.Set("User-Agent", "freehold")
	header.Set("Webhook-Id", string(r.ID)) // the same in every attempt, so that the receiver can tell
	header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	if plain.Secret != "" {
		header.Set(headerQlik, hex.EncodeToString(mac(plain.Secret, body)))
		signed := fmt.Appendf(nil, "%s.%d.", r.ID, at.Unix())
		header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac(plain.Secret, append(signed, body...))))
	}
	return body, header, nil
}

func mac(secret string, data []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(data)
	return h.Sum(nil)
}

// shown are headers as people may see them.
func shown(header http.Header, hidden []string) map[string]string {
	all := make(map[string]string, len(header))
	for name, values := range header {
		all[name] = strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD")
	}
	for _, name := range hidden {
		if canonical := http.CanonicalHeaderKey(name); all[canonical] != "" {
			all[canonical] = omitted
		}
	}
	return all
}

// finish stores what became of an attempt, and disables a webhook whose address
// has failed for days, or says that it is gone.
func (s *Service) finish(ctx context.Context, tx *store.Tx, d estate.Delivery) error {
	if err := tx.UpdateDelivery(ctx, d.Scope, d); err != nil {
		return err
	}
	w, err := tx.Webhook(ctx, d.Scope, d.Webhook)
	if err != nil {
		return err
	}
	switch {
	case d.Status == estate.DeliverySuccess && w.FailingSince.IsZero() || !w.Enabled:
		return nil
	case d.Status == estate.DeliverySuccess:
		w.FailingSince = time.Time{}
		return tx.UpdateWebhook(ctx, w.Scope, w)
	case w.FailingSince.IsZero():
		w.FailingSince = d.TriggeredAt
	}
	switch {
	case d.Response.Status == http.StatusGone:
		w.DisabledCode, w.DisabledReason = "gone", "The address answered 410: it wants no more events."
	case d.TriggeredAt.Sub(w.FailingSince) >= deadAfter:
		w.DisabledCode, w.DisabledReason = "failing", "No delivery has arrived for three days."
	default:
		return tx.UpdateWebhook(ctx, w.Scope, w)
	}
	w.Enabled = false
	if err := tx.UpdateWebhook(ctx, w.Scope, w); err != nil {
		return err
	}
	system := estate.Actor{Kind: estate.ActorSystem, ID: "webhooks"}
	return s.audit.Done(ctx, tx, system, w.Scope, "webhook.disable", string(w.ID), map[string]any{"name": w.Name, "url": w.URL, "code": w.DisabledCode, "reason": w.DisabledReason})
}

// Resend sends the event of a delivery again, at once and once, and returns that
// as a delivery of its own.
func (s *Service) Resend(ctx context.Context, actor estate.Actor, webhook estate.WebhookID, id estate.DeliveryID) (d estate.Delivery, err error) {
	if err := may(actor); err != nil {
		return d, err
	}
	var w estate.Webhook
	var r estate.AuditRecord
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if d, w, r, err = load(ctx, tx, actor.Scope, id); err == nil && d.Webhook != webhook {
			err = errNoDelivery
		}
		return err
	})
	if err != nil {
		return d, err
	}
	return s.once(ctx, w, r, d.EventType)
}

// once makes one attempt to tell of an event under a name, and keeps it as a delivery.
func (s *Service) once(ctx context.Context, w estate.Webhook, r estate.AuditRecord, name string) (d estate.Delivery, err error) {
	d = estate.Delivery{ID: estate.NewDeliveryID(), Scope: w.Scope, Webhook: w.ID, Event: r.ID, EventType: name}
	_ = s.attempt(ctx, w, r, &d) // which d tells
	kept := context.WithoutCancel(ctx)
	err = s.store.Write(kept, func(tx *store.Tx) error { return tx.InsertDelivery(kept, d) })
	return d, err
}

// actionTest is the event that says nothing but that a webhook is tested.
const actionTest = "webhook.test"

// Test sends an event to one webhook, enabled or not, at once and once, and returns
// that as a delivery. Other webhooks are not told of it.
func (s *Service) Test(ctx context.Context, actor estate.Actor, id estate.WebhookID) (d estate.Delivery, err error) {
	defer s.audit.Refused(ctx, actor, actionTest, string(id), &err)
	if err := may(actor); err != nil {
		return d, err
	}
	var w estate.Webhook
	var r estate.AuditRecord
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if w, err = tx.Webhook(ctx, actor.Scope, id); err != nil {
			return err
		}
		r, err = s.audit.Record(ctx, tx, actor, w.Scope, actionTest, string(w.ID), map[string]any{"name": w.Name, "url": w.URL})
		return err
	})
	if err != nil {
		return d, err
	}
	r.Time = r.Time.UTC().Truncate(time.Microsecond) // as it is kept, should it be sent once more
	return s.once(ctx, w, r, r.Type)
}
