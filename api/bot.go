package api

// Bot is the user of a tenant as which a client acts there, after it has lost its
// client: it can do nothing any more, and what it owns stays its own.
type Bot struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	TenantID    string `json:"tenantId"`
	TenantName  string `json:"tenantName"`
	ClientID    string `json:"clientId"` // of the client that it was for
	ClientName  string `json:"clientName"`
	ClientLevel string `json:"clientLevel"` // "tenant", "region" or "organization"
	Reason      string `json:"reason"`      // "deleted" or "disabled": what happened to the client
	Since       Time   `json:"since"`

	Owns []Owned `json:"owns"` // the first 100 things
}

// Owned is something that belongs to a user.
type Owned struct {
	Type string `json:"type"` // "space"
	ID   string `json:"id"`
	Name string `json:"name"`
}

// BotList is all bots that have lost their client, by tenant.
type BotList struct {
	Data  []Bot     `json:"data"`
	Links PageLinks `json:"links"`
}

// AdoptBotRequest is the body of POST …/bots/{userId}/actions/adopt.
type AdoptBotRequest struct {
	ClientID string `json:"clientId"` // that the bot is for from now on
}
