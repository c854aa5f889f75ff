package events

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/event"
)

// verifyStep is how many records of the chain one request verifies: a part of a
// second's work, after which the page says how far it is.
const verifyStep = 5000

// verification is the page that verifies the chain.
type verification struct {
	Path     string
	Part     event.ChainPart
	Begun    bool
	Noted    string
	Problems frame.FieldErrors
}

// head is where the verified part of the chain ends, as people note it.
func (v verification) head() string { return fmt.Sprintf("%d:%s", v.Part.Position, v.Part.Hash) }

// parseHead reads what head wrote; also with the organization before it, as the
// command line prints it.
func parseHead(text string) (p event.ChainPart, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) == 3 {
		parts = parts[1:]
	}
	if len(parts) != 2 {
		return p, false
	}
	position, err := strconv.ParseInt(parts[0], 10, 64)
	return event.ChainPart{Position: position, Hash: parts[1]}, err == nil && position >= 0
}

func (p Pages) verification() verification { return verification{Path: p.Base + "/audit/verify"} }

// askVerify shows the form and, between two steps, how far the work is.
func (p Pages) askVerify(q *frame.Request) error {
	if err := p.Trail.MayRead(q.Actor); err != nil {
		return err
	}
	v := p.verification()
	v.Begun = q.Take("verified", &v)
	return q.Render("Verify the audit trail", verifyPage(v))
}

// verify takes a step. The page that follows takes the next one by itself, or by
// its button.
func (p Pages) verify(q *frame.Request) error {
	v := p.verification()
	v.Noted = q.Value("noted")
	var noted event.ChainPart
	if v.Noted != "" {
		var ok bool
		if noted, ok = parseHead(v.Noted); !ok {
			v.Problems = frame.FieldErrors{"noted": "Write it as it was shown: the position, a colon, and the hash."}
			return q.Again("Verify the audit trail", verifyPage(v))
		}
	}
	from, _ := parseHead(q.Value("from")) // from the beginning, if there is none
	part, err := p.Trail.Verify(q.Context(), q.Actor, from, noted, verifyStep)
	if err != nil {
		return err
	}
	v.Part = part
	q.Pass("verified", v)
	return q.Redirect(v.Path)
}
