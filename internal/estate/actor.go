package estate

// Level is how far a machine credential reaches.
type Level string

// The levels of machine credentials.
const (
	LevelTenant       Level = "tenant"       // one tenant
	LevelRegion       Level = "region"       // every tenant of one subscription in one region
	LevelOrganization Level = "organization" // every tenant of the organization
)

// Valid tells whether l is one of the levels.
func (l Level) Valid() bool {
	return l == LevelTenant || l == LevelRegion || l == LevelOrganization
}

// ActorKind says what kind of principal acts.
type ActorKind string

// The kinds of actors.
const (
	ActorOperator ActorKind = "operator" // whoever has the data folder and runs the operator commands
	ActorAccount  ActorKind = "account"  // a person at organization level
	ActorClient   ActorKind = "client"   // a machine client
	ActorUser     ActorKind = "user"     // a person who is signed in to a tenant
	ActorSystem   ActorKind = "system"   // the server itself, when something is due
)

// Actor is who asks for an operation. It is an explicit argument of every
// service method. The zero Actor may do nothing.
type Actor struct {
	Kind        ActorKind
	ID          string           // client id, account id, user id, or the operator's name
	Level       Level            // of a client or account
	Scope       Scope            // how far it reaches, at the surface where it was authenticated
	Permissions Permissions      // granted OAuth scopes
	User        UserID           // as whom it acts at Scope.Tenant: the client's bot, whom that impersonates, or the person
	Roles       []RoleName       // of the user
	Owned       []SubscriptionID // of an account: the subscriptions that it owns
	Others      []SubscriptionID // of an account: those of its organization that it does not own
	TraceID     string           // of the request, for audit records
}

// Operator is the actor of the operator commands: it reaches everything.
func Operator(name string) Actor { return Actor{Kind: ActorOperator, ID: name} }

// IsOperator tells whether a is the operator.
func (a Actor) IsOperator() bool { return a.Kind == ActorOperator }

// Can tells whether a is a client, or an account, that acts at the given level and
// holds permission.
func (a Actor) Can(level Level, permission string) bool {
	return (a.Kind == ActorClient || a.Kind == ActorAccount) && a.Level == level && a.Permissions.Holds(permission)
}
