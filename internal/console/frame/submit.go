package frame

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/internal/console/ui"
)

// formLifetime is how long a form may be open before it is asked once more.
const formLifetime = 12 * time.Hour

const formPurpose = "form token"

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
// the browser's history, is led to what came of it the first time.
func (q *Request) submit(p Page) {
	token, ok := q.formToken()
	if !ok && p.Stale != nil {
		q.fail(p.Stale(q))
		return
	}
	if !ok {
		q.write(http.StatusConflict, "Send again?", ui.Narrow(false), ui.Resend(q.URL.RequestURI(), q.typed()))
		return
	}
	result, first := q.frame.once.begin(token)
	if !first {
		select {
		case <-result.done:
		case <-q.Context().Done():
			return
		}
		if result.location != "" {
			if q.Now().Before(result.at.Add(replayFor)) {
				for _, c := range result.cookies {
					q.W.Header().Add("Set-Cookie", c)
				}
			}
			q.W.Header().Set("Location", result.location)
			q.W.WriteHeader(http.StatusSeeOther)
			return
		}
		// It was refused at the time: it may be tried again with what is there now.
		if result, first = q.frame.once.begin(token); !first {
			q.write(http.StatusConflict, "Send again?", ui.Narrow(false), ui.Resend(q.URL.RequestURI(), q.typed()))
			return
		}
	}
	w := &recorder{ResponseWriter: q.W}
	q.W = w
	defer func() { // also when the handler panics
		if w.status == http.StatusSeeOther || w.status == http.StatusFound {
			result.location, result.cookies = w.Header().Get("Location"), slices.Clone(w.Header()["Set-Cookie"])
			result.at = q.Now()
		} else {
			q.frame.once.forget(token)
		}
		close(result.done)
	}()
	q.fail(p.Handle(q))
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

// replayFor is how long what was passed on is passed on again: a double click
// shows the secret too that it made, and a step back in the history does not.
const replayFor = 10 * time.Second

// once remembers which forms were handled, and what came of them. It is of one
// process: a browser whose double click reaches two of them has its scripts
// against it, which send a form once.
type once struct {
	now     func() time.Time
	mu      sync.Mutex
	results map[string]*result
	trimmed time.Time
}

type result struct {
	done  chan struct{}
	until time.Time

	// Once done, if it was accepted:
	location string
	cookies  []string
	at       time.Time
}

func newOnce(now func() time.Time) *once { return &once{now: now, results: map[string]*result{}} }

// begin is the result of the form with the token, and whether it is for the
// caller to bring it about.
func (o *once) begin(t formToken) (*result, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if now.Sub(o.trimmed) > time.Minute {
		o.trimmed = now
		for nonce, r := range o.results {
			if now.After(r.until) {
				delete(o.results, nonce)
			}
		}
	}
	if r, ok := o.results[t.Nonce]; ok {
		return r, false
	}
	r := &result{done: make(chan struct{}), until: t.Until}
	o.results[t.Nonce] = r
	return r, true
}

func (o *once) forget(t formToken) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.results, t.Nonce)
}
