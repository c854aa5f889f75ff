package frame

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/console/ui"
)

// Forms remembers which forms were sent, and what came of them. It is what all
// processes on the same database have in common.
type Forms interface {
	// Begin tells whether the form with the nonce is sent for the first time.
	Begin(ctx context.Context, nonce string, expires time.Time) (first bool, err error)
	// Outcome is what came of a form that was begun; nil: nothing yet.
	Outcome(ctx context.Context, nonce string) (outcome []byte, begun time.Time, found bool, err error)
	// End keeps what came of a form; nil: nothing, so that it may be sent again.
	End(ctx context.Context, nonce string, outcome []byte) error
}

// formLifetime is how long a form may be open before it is asked once more.
const formLifetime = 12 * time.Hour

const (
	formPurpose    = "form token"
	outcomePurpose = "form outcome"
)

type formToken struct {
	Nonce string    `json:"nonce"`
	Until time.Time `json:"until"`
}

// mint makes a token for one form of the page.
func (q *Request) mint() string {
	encoded, err := json.Marshal(formToken{Nonce: rand.Text(), Until: q.Now().Add(formLifetime)})
	if err != nil {
		return ""
	}
	sealed, err := q.frame.keys.Seal(formPurpose, q.sealID(""), encoded)
	if err != nil {
		return "" // which is then refused as outdated
	}
	return base64.RawURLEncoding.EncodeToString(sealed)
}

func (q *Request) formToken() (formToken, bool) {
	var t formToken
	sealed, err := base64.RawURLEncoding.DecodeString(q.PostForm.Get("form"))
	if err != nil {
		return t, false
	}
	plain, err := q.frame.keys.Open(formPurpose, q.sealID(""), sealed)
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return t, false
	}
	return t, q.Now().Before(t.Until)
}

// submit handles a form once. Whoever sends it again, by a double click or from
// the browser's history, is led to what came of it the first time, whichever
// process that reached.
func (q *Request) submit(p Page) {
	token, ok := q.formToken()
	if !ok && p.Stale != nil {
		q.fail(p.Stale(q))
		return
	}
	if !ok {
		q.askAgain()
		return
	}
	first, err := q.frame.forms.Begin(q.Context(), token.Nonce, token.Until)
	if err == nil && !first {
		var o *outcome
		if o, err = q.outcome(token); o != nil {
			q.replay(*o)
			return
		}
		if err == nil { // it was refused at the time: it may be tried again with what is there now
			first, err = q.frame.forms.Begin(q.Context(), token.Nonce, token.Until)
		}
	}
	switch {
	case err != nil && q.Context().Err() != nil: // nobody waits for an answer
		return
	case errors.Is(err, errUndecided), err == nil && !first:
		q.askAgain()
		return
	case err != nil:
		q.fail(err)
		return
	}
	w := &recorder{ResponseWriter: q.W}
	q.W = w
	defer func() { q.end(token, w) }() // also when the handler panics
	q.fail(p.Handle(q))
}

// askAgain lets somebody decide whether a form is to be sent once more.
func (q *Request) askAgain() {
	q.write(http.StatusConflict, "Send again?", ui.Narrow(false), ui.Resend(q.URL.RequestURI(), q.typed()))
}

// outcome is what came of a form that was accepted.
type outcome struct {
	Location string    `json:"location"`
	Cookies  []string  `json:"cookies,omitempty"`
	At       time.Time `json:"at"`
}

// Waiting for what another request makes of the same form.
const (
	askEvery = 50 * time.Millisecond
	patience = 30 * time.Second
)

// errUndecided is of a form whose handling was cut off: whether it did what it is for
// is for a person to find out.
var errUndecided = errors.New("nobody knows what came of the form")

// outcome waits for what comes of a form that is being handled; nil without an error:
// nothing came of it.
func (q *Request) outcome(t formToken) (*outcome, error) {
	for {
		sealed, begun, found, err := q.frame.forms.Outcome(q.Context(), t.Nonce)
		switch {
		case err != nil || !found:
			return nil, err
		case sealed != nil:
			return q.openOutcome(t, sealed)
		case q.Now().Sub(begun) > patience:
			return nil, errUndecided
		}
		pause := time.NewTimer(askEvery)
		select {
		case <-pause.C:
		case <-q.Context().Done():
			pause.Stop()
			return nil, q.Context().Err()
		}
	}
}

func (q *Request) openOutcome(t formToken, sealed []byte) (*outcome, error) {
	o := new(outcome)
	plain, err := q.frame.keys.Open(outcomePurpose, t.Nonce, sealed)
	if err == nil {
		err = json.Unmarshal(plain, o)
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

// replay leads to what came of a form. What was passed on goes along for a moment: a
// double click shows the secret too that it made, and a step back in the history does
// not.
func (q *Request) replay(o outcome) {
	if q.Now().Before(o.At.Add(replayFor)) {
		for _, c := range o.Cookies {
			q.W.Header().Add("Set-Cookie", c)
		}
	}
	q.W.Header().Set("Location", o.Location)
	q.W.WriteHeader(http.StatusSeeOther)
}

// replayFor is how long what was passed on is passed on again.
const replayFor = 10 * time.Second

// end keeps what came of a form, sealed, because cookies and addresses may hold
// secrets; or makes it as if the form had never been sent.
func (q *Request) end(t formToken, w *recorder) {
	var sealed []byte
	var err error
	if w.status == http.StatusSeeOther || w.status == http.StatusFound {
		encoded, failed := json.Marshal(outcome{Location: w.Header().Get("Location"), Cookies: slices.Clone(w.Header()["Set-Cookie"]), At: q.Now()})
		if err = failed; err == nil {
			sealed, err = q.frame.keys.Seal(outcomePurpose, t.Nonce, encoded)
		}
	}
	if err == nil {
		err = q.frame.forms.End(context.WithoutCancel(q.Context()), t.Nonce, sealed) // the browser may be gone
	}
	if err != nil {
		q.Visit.Err = errors.Join(q.Visit.Err, err)
	}
}

// typed is what was sent, but for what must not be written into a page.
func (q *Request) typed() map[string][]string {
	kept := map[string][]string{}
	for name, values := range q.PostForm {
		if name != "form" && !strings.Contains(name, "password") && !strings.Contains(name, "code") {
			kept[name] = values
		}
	}
	return kept
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}
