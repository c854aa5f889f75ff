package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// argon2Params are OWASP's second choice for argon2id (19 MiB, 2 passes).
var argon2Params = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Lengths of passwords, in bytes. Length is the only rule (NIST SP 800-63B).
const (
	MinPasswordLength = 12
	maxPasswordLength = 1024
)

// maxHashes is how many passwords are hashed at once: each takes 19 MiB and a core.
const maxHashes = 4

// nobodysHash is what passwords of nobody are compared with, so that it takes as
// long: a hash of random bytes.
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$q83vASNFZ4mrze8BI0VniQ$x4gW1cWmKvBV8pE4m0cZp8ZxN4h9d2Zt0m6y2yLJkQ8"

// hashing waits for its turn to hash, and does.
func (s *Service) hashing(ctx context.Context, fn func()) error {
	select {
	case s.hashes <- struct{}{}:
		defer func() { <-s.hashes }()
		fn()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Proof is what somebody types to sign in.
type Proof struct {
	Email    string
	Password estate.Secret
	Code     string // of one time, or of recovery; empty: not asked for yet
}

// SignInByPassword signs in whoever knows the password and, if the person has one,
// shows a code of the authenticator app or of recovery.
func (s *Service) SignInByPassword(ctx context.Context, surface estate.Surface, p Proof, v Visitor) (in SignedIn, err error) {
	err = s.attempt(ctx, surface, p.Email, true, v, func() (person estate.Person, err error) {
		in, person, err = s.byPassword(ctx, surface, p, v)
		return person, err
	})
	return in, err
}

func (s *Service) byPassword(ctx context.Context, surface estate.Surface, p Proof, v Visitor) (in SignedIn, person estate.Person, err error) {
	place, _ := placeOf(surface)
	var k known
	var all []estate.PersonCredential
	find := func(tx *store.Tx) (err error) {
		if k, err = s.personNamed(ctx, tx, place, p.Email); err == nil {
			all, err = tx.Credentials(ctx, k.Scope(), k.ID)
		}
		return err
	}
	failed := s.store.Read(ctx, find)
	if _, refused := failed.(assertion.Refusal); failed != nil && !refused { //nolint:errorlint // made here, and never wrapped
		return in, person, failed
	}
	hash := nobodysHash
	password := credentialOf(all, estate.CredentialPassword)
	if password.ID != "" {
		hash = string(password.Data)
	}
	var match bool
	if len(p.Password) <= maxPasswordLength {
		if err := s.hashing(ctx, func() { match, err = argon2id.ComparePasswordAndHash(p.Password.Reveal(), hash) }); err != nil {
			return in, k.Person, err
		}
	}
	switch {
	case failed != nil:
		return in, person, failed
	case err != nil:
		return in, k.Person, err
	case password.ID == "":
		return in, k.Person, assertion.Refuse("there is no password")
	case !match:
		return in, k.Person, assertion.Refuse("the password is wrong")
	}
	b, err := s.prepare(ctx, surface, v)
	if err != nil {
		return in, k.Person, err
	}
	checked := k.Person
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		method := estate.SignInPassword
		if err := find(tx); err != nil { // as it is now
			return err
		}
		if again := credentialOf(all, estate.CredentialPassword); k.Person != checked || again.ID != password.ID || string(again.Data) != hash {
			return assertion.Refuse("the password has changed meanwhile")
		}
		if _, err := tx.UseCredential(ctx, k.Scope(), password, s.now()); err != nil {
			return err
		}
		second := credentialOf(all, estate.CredentialTOTP)
		if second.ID != "" && strings.TrimSpace(p.Code) == "" {
			return errCodeNeeded
		}
		if second.ID != "" {
			if method, err = s.useCode(ctx, tx, k.Person, all, second, p.Code, v.TraceID); err != nil {
				return err
			}
		}
		in, err = s.begin(ctx, tx, b, k.Person, method, "", nil)
		return err
	})
	return in, k.Person, err
}

func credentialOf(all []estate.PersonCredential, kind estate.CredentialKind) estate.PersonCredential {
	for _, c := range all {
		if c.Kind == kind {
			return c
		}
	}
	return estate.PersonCredential{}
}

// sealTOTP is what keys of one-time codes are sealed for.
const sealTOTP = "totp"

var totpOptions = totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// stepOf is the time step of a code, if it is one of now, the one before or the
// next; 0: it is none.
func stepOf(secret, code string, now time.Time) int64 {
	for _, off := range []int64{0, -1, 1} {
		step := now.Unix()/int64(totpOptions.Period) + off
		want, err := totp.GenerateCodeCustom(secret, time.Unix(step*int64(totpOptions.Period), 0), totpOptions)
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step
		}
	}
	return 0
}

// useCode uses a code up: one of the authenticator app, or of recovery.
func (s *Service) useCode(ctx context.Context, tx *store.Tx, p estate.Person, all []estate.PersonCredential, key estate.PersonCredential, code, traceID string) (estate.SignInMethod, error) {
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	secret, err := s.keys.Open(sealTOTP, string(key.ID), key.Data)
	if err != nil {
		return "", err
	}
	if step := stepOf(string(secret), code, s.now()); step != 0 {
		key.Counter = step
		first, err := tx.UseCredential(ctx, p.Scope(), key, s.now())
		if err == nil && !first {
			err = assertion.Refuse("the code was used before")
		}
		return estate.SignInTOTP, err
	}
	for _, c := range all {
		if c.Kind != estate.CredentialRecoveryCode || subtle.ConstantTimeCompare(c.Data, recoveryHash(p, code)) != 1 {
			continue
		}
		first, err := tx.DeleteCredential(ctx, p.Scope(), c.ID)
		if err == nil && !first {
			err = assertion.Refuse("the code was used before")
		}
		if err != nil {
			return "", err
		}
		return estate.SignInRecovery, s.done(ctx, tx, actorOfPerson(p, traceID), p, actionRemove, p.ID, map[string]any{"kind": c.Kind, "used": true})
	}
	return "", errWrongCode
}

// SetPassword gives the person that actor is a password, in place of the one that
// it has.
func (s *Service) SetPassword(ctx context.Context, actor estate.Actor, session estate.Session, password estate.Secret) error {
	var hash string
	_, err := s.mayChange(actor, session)
	switch {
	case err != nil: // refused below, with a record
	case len(password) < MinPasswordLength || len(password) > maxPasswordLength:
		err := estate.E(estate.Invalid, api.CodeCredential, "Invalid password", "")
		return err.At("/password", fmt.Sprintf("A password must have %d to %d characters.", MinPasswordLength, maxPasswordLength))
	default: // before the transaction, which others wait for
		waited := s.hashing(ctx, func() { hash, err = argon2id.CreateHash(password.Reveal(), argon2Params) })
		if waited != nil || err != nil {
			return either(waited, err)
		}
	}
	return s.changeCredentials(ctx, actor, session, actionAdd, func(tx *store.Tx, p estate.Person, all []estate.PersonCredential) (map[string]any, error) {
		if !p.IsAccount() { // no two accounts have the same address
			u, err := tx.User(ctx, p.Scope(), estate.UserID(p.ID))
			if err != nil {
				return nil, err
			}
			if taken, err := s.passwordElsewhere(ctx, tx, p.Scope(), u.ID, u.Email); err != nil || taken {
				return nil, either(err, errAddressTaken)
			}
		}
		return s.replaceCredential(ctx, tx, all, estate.PersonCredential{Person: p, Kind: estate.CredentialPassword, ID: estate.NewCredentialID(), Data: []byte(hash)})
	})
}

// replaceCredential adds a credential of which a person has one, in place of the
// one that it has.
func (s *Service) replaceCredential(ctx context.Context, tx *store.Tx, all []estate.PersonCredential, c estate.PersonCredential) (map[string]any, error) {
	data := map[string]any{"kind": c.Kind}
	if before := credentialOf(all, c.Kind); before.ID != "" {
		data[keyReplaced] = true
		if _, err := tx.DeleteCredential(ctx, c.Person.Scope(), before.ID); err != nil {
			return nil, err
		}
	}
	c.CreatedAt = s.now()
	return data, tx.InsertCredential(ctx, c)
}

// NewTOTP makes a key for an authenticator app. It counts once AddTOTP has seen a
// code of it.
//
// With a secret it is that key again.
func (s *Service) NewTOTP(surface estate.Surface, name, secret string) (*otp.Key, error) {
	_, host, _ := strings.Cut(surface.Origin, "://")
	opts := totp.GenerateOpts{Issuer: host, AccountName: name}
	if secret != "" {
		var err error
		if opts.Secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret); err != nil {
			return nil, err
		}
	}
	return totp.Generate(opts)
}

// AddTOTP has the person that actor is show codes of a key from now on, beside its
// password.
func (s *Service) AddTOTP(ctx context.Context, actor estate.Actor, session estate.Session, secret, code string) error {
	return s.changeCredentials(ctx, actor, session, actionAdd, func(tx *store.Tx, p estate.Person, all []estate.PersonCredential) (map[string]any, error) {
		step := stepOf(secret, strings.ReplaceAll(code, " ", ""), s.now())
		if step == 0 {
			return nil, estate.E(estate.Invalid, api.CodeCredential, "Wrong code", "").At("/code", "This is not the code that the app shows now.")
		}
		c := estate.PersonCredential{Person: p, Kind: estate.CredentialTOTP, ID: estate.NewCredentialID(), Counter: step}
		var err error
		if c.Data, err = s.keys.Seal(sealTOTP, string(c.ID), []byte(secret)); err != nil {
			return nil, err
		}
		return s.replaceCredential(ctx, tx, all, c)
	})
}

// recoveryCodes is how many there are.
const recoveryCodes = 10

func recoveryHash(p estate.Person, code string) []byte {
	sum := sha256.Sum256([]byte("freehold recovery code " + string(p.Organization) + "/" + string(p.Tenant) + "/" + p.ID + " " + code))
	return sum[:]
}

// NewRecoveryCodes makes codes that each stand in for the authenticator app once,
// in place of those that the person had. They are shown this once.
func (s *Service) NewRecoveryCodes(ctx context.Context, actor estate.Actor, session estate.Session) (codes []string, err error) {
	err = s.changeCredentials(ctx, actor, session, actionAdd, func(tx *store.Tx, p estate.Person, all []estate.PersonCredential) (map[string]any, error) {
		codes = nil
		for _, c := range all {
			if c.Kind == estate.CredentialRecoveryCode {
				if _, err := tx.DeleteCredential(ctx, p.Scope(), c.ID); err != nil {
					return nil, err
				}
			}
		}
		for range recoveryCodes {
			var random [10]byte // 80 bits, which are as good under a fast hash
			_, _ = rand.Read(random[:])
			code := base32.StdEncoding.EncodeToString(random[:])
			c := estate.PersonCredential{Person: p, Kind: estate.CredentialRecoveryCode, ID: estate.NewCredentialID(), Data: recoveryHash(p, code), CreatedAt: s.now()}
			if err := tx.InsertCredential(ctx, c); err != nil {
				return nil, err
			}
			codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
		}
		return map[string]any{"kind": estate.CredentialRecoveryCode, "number": recoveryCodes}, nil
	})
	return codes, err
}

// Credentials lists what the person that actor is signs in with.
func (s *Service) Credentials(ctx context.Context, actor estate.Actor) (all []estate.PersonCredential, err error) {
	person, err := PersonOf(actor)
	if err != nil {
		return nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Credentials(ctx, person.Scope(), person.ID)
		return err
	})
	return all, err
}

// RemoveCredential removes one of what the person that actor is signs in with.
// Codes go with the authenticator app that they stand in for.
func (s *Service) RemoveCredential(ctx context.Context, actor estate.Actor, session estate.Session, id estate.CredentialID) error {
	return s.changeCredentials(ctx, actor, session, actionRemove, func(tx *store.Tx, p estate.Person, all []estate.PersonCredential) (map[string]any, error) {
		for _, c := range all {
			if c.ID != id {
				continue
			}
			for _, other := range all {
				if c.Kind == estate.CredentialTOTP && other.Kind == estate.CredentialRecoveryCode {
					if _, err := tx.DeleteCredential(ctx, p.Scope(), other.ID); err != nil {
						return nil, err
					}
				}
			}
			_, err := tx.DeleteCredential(ctx, p.Scope(), id)
			return map[string]any{"kind": c.Kind, "name": c.Name}, err
		}
		return nil, estate.E(estate.NotFound, api.CodeEstateNotFound, "Not found", "No such credential.")
	})
}

// Keys of records about credentials.
const keyReplaced = "replaced" // there was another

// What adding a credential, and taking one away, is called.
const (
	actionAdd    = "credential.create"
	actionRemove = "credential.delete"
)

// changeCredentials changes what the person that actor is signs in with, with its
// record. If something is no way in any more, whoever came in by it is out: all
// other sessions of the person end.
func (s *Service) changeCredentials(ctx context.Context, actor estate.Actor, session estate.Session, action string,
	fn func(*store.Tx, estate.Person, []estate.PersonCredential) (map[string]any, error),
) (err error) {
	if _, err = s.mayChange(actor, session); err != nil {
		s.audit.Refused(ctx, actor, action, actor.ID, &err)
		return err
	}
	return s.changeWith(ctx, actor, session, action, fn)
}

// changeWith is changeCredentials in a session that was fresh when the change was
// asked for.
func (s *Service) changeWith(ctx context.Context, actor estate.Actor, session estate.Session, action string,
	fn func(*store.Tx, estate.Person, []estate.PersonCredential) (map[string]any, error),
) (err error) {
	defer s.audit.Refused(ctx, actor, action, actor.ID, &err)
	person := session.Person()
	return s.store.Write(ctx, func(tx *store.Tx) error {
		all, err := tx.Credentials(ctx, person.Scope(), person.ID)
		if err != nil {
			return err
		}
		if _, err := tx.Session(ctx, person.Scope(), session.ID); err != nil { // it may have ended meanwhile
			return noSession(err)
		}
		data, err := fn(tx, person, all)
		if err != nil {
			return err
		}
		if action == actionRemove || data[keyReplaced] == true {
			if err := s.endAll(ctx, tx, person, session.ID, actor.TraceID); err != nil {
				return err
			}
		}
		return s.done(ctx, tx, actor, person, action, person.ID, data)
	})
}

var errAddressTaken = estate.E(estate.Conflict, api.CodeCredentialTaken, "No password for this address",
	"Somebody else here has your e-mail address and a password for it. Use a passkey, or ask an administrator whose address it is.")

var errCodeNeeded = estate.E(estate.Unauthenticated, api.CodeLoginCode, "A code is needed", "Type the code that the authenticator app shows, or one of the recovery codes.")
