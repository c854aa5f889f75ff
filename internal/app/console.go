package app

import (
	"github.com/freehold-platform/freehold/internal/console"
	"github.com/freehold-platform/freehold/internal/form"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/savedview"
)

// console is what the pages of the console are made with.
func (a *App) console(keys *keyring.Keyring) console.Config {
	return console.Config{
		Keys:       keys,
		Forms:      form.New(a.Store, a.now),
		Now:        a.now,
		Tenancy:    a.Tenancy,
		Credential: a.Credential,
		Directory:  a.Directory,
		SignIn:     a.SignIn,
		Trail:      a.Trail,
		Webhook:    a.Webhook,
		Provision:  a.Provision,
		Views:      savedview.Service{Store: a.Store, Now: a.now},
	}
}
