package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/jsontext"
	"github.com/freehold-platform/freehold/internal/signin"
)

// maxBody is the contract's limit for bodies, and tokens need far less.
const maxBody = 500 << 10

// authenticate finds out who sent the request.
func (x *exchange) authenticate() (estate.Actor, error) {
	header := x.r.Header.Get("Authorization")
	scheme, token := presentedToken(header)
	if c := x.sessionCookie(); c.Token != "" && (header == "" || x.keepsSessionToken(token)) {
		return x.authenticateSession(c)
	}
	if token == "" {
		return estate.Actor{}, errNoToken
	}
	return x.server.Credential.Authenticate(x.r.Context(), x.surface, credential.Presented{
		Scheme: strings.ToLower(scheme), Token: strings.TrimSpace(token), Proof: x.proof(),
	})
}

// keepsSessionToken tells whether token is the JWT with which a session was begun:
// programs keep it in their header, and mean the session. Pages of other origins are
// left out, for which cookies never count.
func (x *exchange) keepsSessionToken(token string) bool {
	return token != "" && x.r.Header.Get("Origin") == "" && signin.BeginsSession(token)
}

// presentedToken is the access token in an Authorization header; empty if there is none.
func presentedToken(header string) (scheme, token string) {
	scheme, token, _ = strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "DPoP") {
		return "", ""
	}
	return scheme, token
}

// proof gathers what the request shows of its sender's keys. Who shows a DPoP
// proof gets the nonce for the next one, whatever the answer is.
func (x *exchange) proof() credential.Proof {
	p := credential.Proof{DPoP: x.r.Header["Dpop"], Method: x.r.Method}
	if len(p.DPoP) > 0 {
		p.URL = x.surface.Origin + x.r.URL.EscapedPath()
		x.w.Header().Set("DPoP-Nonce", x.server.Credential.ProofNonce(x.surface))
	}
	if x.r.TLS != nil && len(x.r.TLS.PeerCertificates) > 0 {
		p.Certificate = x.r.TLS.PeerCertificates[0]
	}
	return p
}

var errNoToken = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "An access token is needed: Authorization: Bearer <token>.")

// handler answers an exchange, or returns why not.
type handler func(*exchange) error

// answers adapts a function without request body: whatever it returns is
// written as JSON.
func answers[Out any](fn func(*exchange) (Out, error)) handler {
	return func(x *exchange) error {
		out, err := fn(x)
		if err != nil {
			return err
		}
		x.writeJSON(http.StatusOK, out)
		return nil
	}
}

// takes adapts a function with a JSON body.
func takes[In, Out any](status int, fn func(*exchange, In) (Out, error)) handler {
	return func(x *exchange) error {
		var in In
		if err := x.readJSON(&in); err != nil {
			return err
		}
		out, err := fn(x, in)
		if err != nil {
			return err
		}
		x.writeJSON(status, out)
		return nil
	}
}

// readJSON decodes the body: one JSON object of the right types, and nothing
// after it. Unknown members are ignored, because clients written for the
// contract send some.
func (x *exchange) readJSON(into any) error {
	if !isJSON(contentType(x.r)) && !hasNoBody(x.r) {
		return errMediaType("application/json")
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) == 0 || bytes.TrimSpace(body)[0] != '{' {
		return errBody("The body must be a JSON object.")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return errJSON(err)
	}
	return nil
}

// hasNoBody tells whether a request has neither a body nor a word about one: what is
// wrong is not its type.
func hasNoBody(r *http.Request) bool {
	return r.ContentLength == 0 && r.Header.Get("Content-Type") == ""
}

// isJSON tells whether a body of the media type is JSON, of whatever use: a patch is
// one by its path. The contract's Postman collection sends some as
// application/ecmascript.
func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json") || mediaType == "application/ecmascript"
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

func (x *exchange) readBody() ([]byte, error) {
	if coding := x.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		x.w.Header().Set("Accept-Encoding", "identity") // RFC 9110 section 15.5.16
		return nil, errMediaType("sent as it is, without Content-Encoding")
	}
	room := make([]byte, 0, min(max(x.r.ContentLength, 0), 16<<10)+bytes.MinRead) // no more at once than a stranger's word is worth
	into := bytes.NewBuffer(room)
	_, err := into.ReadFrom(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	body := bytes.TrimPrefix(into.Bytes(), []byte("\ufeff")) // which Windows writes at the beginning of files
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, statusError{http.StatusRequestEntityTooLarge, estate.E(estate.Invalid, api.CodeTooLarge, "Request body too large", "The limit is "+strconv.Itoa(maxBody)+" bytes.")}
	case err != nil:
		return nil, errBody("The body could not be read.")
	case !utf8.Valid(body): // RFC 8259 section 8.1
		return nil, errBody("The body is not UTF-8.")
	case escapesNUL(body) || isForm(x.r) && bytes.Contains(body, []byte("%00")) || bytes.IndexByte(body, 0) >= 0:
		return nil, errBody("The body has a NUL character, which no text of the API can have.")
	case !isForm(x.r) && jsontext.RepeatsMember(body): // what is in front of the server may have read the other one
		return nil, errBody("A member of a JSON object is given more than once.")
	}
	return body, nil
}

// escapesNUL tells whether JSON has a NUL character, which it can write as an
// escape only.
func escapesNUL(body []byte) bool {
	const escaped = `\u0000`
	for {
		at := bytes.Index(body, []byte(escaped))
		if at < 0 {
			return false
		}
		before := body[:at]
		if slashes := len(before) - len(bytes.TrimRight(before, `\`)); slashes%2 == 0 { // else the last one escapes this one
			return true
		}
		body = body[at+len(escaped):]
	}
}

// contentType is the media type of the body, without parameters.
func contentType(r *http.Request) string {
	header := r.Header.Get("Content-Type")
	switch header {
	case "application/json", "application/x-www-form-urlencoded": // as most write them
		return header
	}
	t, _, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return t
}

func errMediaType(accepted string) error {
	return statusError{http.StatusUnsupportedMediaType, estate.E(estate.Invalid, api.CodeUnsupportedMediaType, "Unsupported media type", "The body must be "+accepted+".")}
}

func errBody(detail string) *estate.Error {
	return estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid request body", detail)
}

// errJSON says where a body is wrong, in words that are safe to send back.
func errJSON(err error) error {
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return errBody("The body is not valid JSON: error at byte " + strconv.FormatInt(syntax.Offset, 10) + ".")
	case errors.As(err, &wrongType) && wrongType.Field != "":
		detail := "must not be a JSON " + wrongType.Value
		return errBody(wrongType.Field+" "+detail+".").At("/"+strings.ReplaceAll(wrongType.Field, ".", "/"), detail)
	default:
		return errBody("The body does not have the expected form.")
	}
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// writeJSON answers with v.
func (x *exchange) writeJSON(status int, v any) {
	buf, _ := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if by, ok := v.(jsonAppender); ok {
		text := by.appendJSON(buf.AvailableBuffer())
		x.writeBody(status, text)
		*buf = *bytes.NewBuffer(text[:0]) // which is larger, if it had to grow
		return
	}
	encoder := json.NewEncoder(buf)
	encoder.SetEscapeHTML(false) // answers are never HTML; URLs stay readable
	if err := encoder.Encode(v); err != nil {
		x.err = err
		x.w.WriteHeader(http.StatusInternalServerError)
		return
	}
	x.writeBody(status, buf.Bytes())
}

// writeBody answers with a JSON text.
func (x *exchange) writeBody(status int, body []byte) {
	h := x.w.Header()
	h["Content-Type"], h["X-Content-Type-Options"] = valueJSON, valueNoSniff
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // the client may be gone; there is nobody to tell
}

// noStore keeps an answer out of all caches (RFC 6749 section 5.1).
func (x *exchange) noStore() {
	h := x.w.Header()
	h["Cache-Control"], h["Pragma"] = valueNoStore, valueNoCache
}

// Values of headers that all answers share. Nobody changes them: to add to a
// header copies its values.
var (
	valueJSON    = []string{"application/json"}
	valueNoSniff = []string{"nosniff"}
	valueNoStore = []string{"no-store"}
	valueNoCache = []string{"no-cache"}
)
