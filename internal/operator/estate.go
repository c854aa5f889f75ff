package operator

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// The JSON that the commands print. Times are RFC 3339.
type (
	organizationView struct {
		ID        estate.OrganizationID `json:"id"`
		Name      string                `json:"name"`
		CreatedAt time.Time             `json:"createdAt"`
	}
	accountView struct {
		ID           estate.AccountID      `json:"id"`
		Organization estate.OrganizationID `json:"organizationId"`
		Email        string                `json:"email"`
		Name         string                `json:"name"`
		HasPassword  bool                  `json:"hasPassword"`
		CreatedAt    time.Time             `json:"createdAt"`
	}
	regionView struct {
		Code        estate.RegionCode `json:"code"`
		Name        string            `json:"name"`
		Datacenter  string            `json:"datacenter"`
		CountryCode string            `json:"countryCode"`
	}
	subscriptionView struct {
		LicenseNumber estate.SubscriptionID `json:"licenseNumber"`
		Organization  estate.OrganizationID `json:"organizationId"`
		Name          string                `json:"name"`
		TenantLimit   int64                 `json:"tenantLimit"`
		TenantCount   int64                 `json:"tenantCount"`
		Regions       []estate.RegionCode   `json:"regions"`
		Owners        []estate.AccountID    `json:"owners"`
		StartsAt      time.Time             `json:"startsAt"`
		EndsAt        time.Time             `json:"endsAt"`
		RateTier1     int64                 `json:"rateTier1,omitempty"` // requests per minute of each caller, if not the deployment's
		RateTier2     int64                 `json:"rateTier2,omitempty"`
		Seats         []seatsView           `json:"seats,omitempty"` // of one subscription; lists have none
	}
	seatsView struct {
		Type  estate.SeatType `json:"type"`
		Units int64           `json:"units"`
		Used  int64           `json:"used"` // by all of its tenants together
	}
)

func viewOrganization(o estate.Organization) organizationView {
	return organizationView{o.ID, o.Name, o.CreatedAt}
}

func organizationCommand(with with) *cobra.Command {
	headers := []string{"ID", "NAME", "CREATED"}
	row := func(v organizationView) []string {
		return []string{string(v.ID), v.Name, v.CreatedAt.Format(time.RFC3339)}
	}
	return group("organization", "Organizations own subscriptions",
		&cobra.Command{
			Use: "create NAME", Short: "Make an organization", Args: cobra.ExactArgs(1),
			RunE: with(func(s *session, args []string) error {
				o, err := s.Tenancy.CreateOrganization(s.cmd.Context(), s.actor, args[0])
				if err != nil {
					return err
				}
				v := viewOrganization(o)
				return s.out.One(s.cmd, v, headers, row(v))
			}),
		},
		&cobra.Command{
			Use: "list", Short: "List the organizations", Args: cobra.NoArgs,
			RunE: with(func(s *session, _ []string) error {
				all, err := s.Tenancy.Organizations(s.cmd.Context(), s.actor)
				return list(s, err, all, viewOrganization, headers, row)
			}),
		},
	)
}

func viewAccount(a estate.Account) accountView {
	return accountView{a.ID, a.Organization, a.Email, a.Name, a.PasswordHash != "", a.CreatedAt}
}

func accountCommand(with with) *cobra.Command {
	headers := []string{"ID", "E-MAIL", "NAME", "CREATED"}
	row := func(v accountView) []string {
		return []string{string(v.ID), v.Email, v.Name, v.CreatedAt.Format(time.RFC3339)}
	}
	var n directory.NewAccount
	var organization, passwordFile string
	create := &cobra.Command{
		Use: "create EMAIL", Short: "Make an account: a person of an organization", Args: cobra.ExactArgs(1),
		RunE: with(func(s *session, args []string) (err error) {
			n.Email = args[0]
			if n.Organization, err = s.organization(organization); err != nil {
				return err
			}
			if n.Password, err = readSecret(s.cmd, passwordFile); err != nil {
				return err
			}
			a, err := s.Directory.CreateAccount(s.cmd.Context(), s.actor, n)
			if err != nil {
				return err
			}
			v := viewAccount(a)
			return s.out.One(s.cmd, v, headers, row(v))
		}),
	}
	create.Flags().StringVar(&organization, "organization", "", organizationUsage)
	create.Flags().StringVar(&n.Name, "name", "", "the person's name")
	create.Flags().StringVar(&passwordFile, "password-file", "", "file with the password, - for standard input; without it the account has none")

	var listOf string
	listAll := &cobra.Command{
		Use: "list", Short: "List the accounts of an organization", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			id, err := s.organization(listOf)
			if err != nil {
				return err
			}
			all, err := s.Directory.Accounts(s.cmd.Context(), s.actor, id)
			return list(s, err, all, viewAccount, headers, row)
		}),
	}
	listAll.Flags().StringVar(&listOf, "organization", "", organizationUsage)
	return group("account", "Accounts are the people of an organization", create, listAll, accountLinkCommand(with))
}

func viewRegion(r estate.Region) regionView {
	return regionView{r.Code, r.Name, r.Datacenter, r.CountryCode}
}

func regionCommand(with with) *cobra.Command {
	headers := []string{"CODE", "NAME", "DATACENTER", "COUNTRY"}
	row := func(v regionView) []string { return []string{string(v.Code), v.Name, v.Datacenter, v.CountryCode} }
	var r estate.Region
	create := &cobra.Command{
		Use: "create CODE", Short: "Make a region; the code becomes part of host names", Args: cobra.ExactArgs(1),
		RunE: with(func(s *session, args []string) error {
			r.Code = estate.RegionCode(args[0])
			made, err := s.Tenancy.CreateRegion(s.cmd.Context(), s.actor, r)
			if err != nil {
				return err
			}
			v := viewRegion(made)
			return s.out.One(s.cmd, v, headers, row(v))
		}),
	}
	create.Flags().StringVar(&r.Name, "name", "", "name for people")
	create.Flags().StringVar(&r.Datacenter, "datacenter", "", "the datacenter, such as eu-west-1; known for the usual codes")
	create.Flags().StringVar(&r.CountryCode, "country", "", "country code of two letters; known for the usual regions")
	return group("region", "Regions are where tenants live", create, &cobra.Command{
		Use: "list", Short: "List the regions", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			all, err := s.Tenancy.Regions(s.cmd.Context(), s.actor)
			return list(s, err, all, viewRegion, headers, row)
		}),
	})
}

func viewSubscription(s estate.Subscription) subscriptionView {
	return subscriptionView{s.ID, s.Organization, s.Name, s.TenantLimit, s.TenantCount, s.Regions, s.Owners, s.StartsAt, s.EndsAt, s.RateTier1, s.RateTier2, nil}
}

// subscriptionFlags are those of create and update alike.
type subscriptionFlags struct {
	name       string
	tenants    int64
	regions    []string
	owners     []string
	start, end string
}

func (f *subscriptionFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "name", "", "name for people")
	cmd.Flags().Int64Var(&f.tenants, "tenants", 0, "how many tenants the entitlement is for")
	cmd.Flags().StringSliceVar(&f.regions, "region", nil, "regions that may be used, repeated or separated by commas")
	cmd.Flags().StringSliceVar(&f.owners, "owner", nil, "service account owners, by account id or e-mail address")
	cmd.Flags().StringVar(&f.start, "start", "", "first day (2026-01-31) or moment (RFC 3339) of validity; default now")
	cmd.Flags().StringVar(&f.end, "end", "", "day or moment at which validity ends; default one year after the start")
}

func (f *subscriptionFlags) update() (u tenancy.SubscriptionUpdate, err error) {
	u = tenancy.SubscriptionUpdate{Name: f.name, TenantLimit: f.tenants, Owners: f.owners}
	for _, code := range f.regions {
		u.Regions = append(u.Regions, estate.RegionCode(code))
	}
	if u.StartsAt, err = parseMoment("start", f.start); err != nil {
		return u, err
	}
	u.EndsAt, err = parseMoment("end", f.end)
	return u, err
}

// checkChanges fails unless the flags of an update change something. An empty value is
// what a script's variable looks like that was never set: it must change nothing.
func checkChanges(cmd *cobra.Command) (err error) {
	changed := false
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		changed = changed || f.Changed
		if value := f.Value.String(); f.Changed && (value == "" || value == "[]") {
			err = fmt.Errorf("--%s is empty; leave it out to keep what is there", f.Name)
		}
	})
	if err == nil && !changed {
		err = fmt.Errorf("nothing to change; the flags of %q say what can be", cmd.CommandPath()+" --help")
	}
	return err
}

func subscriptionCommand(with with) *cobra.Command {
	headers := []string{"LICENCE NUMBER", "NAME", "TENANTS", "REGIONS", "END"}
	row := func(v subscriptionView) []string {
		return []string{
			string(v.LicenseNumber), v.Name, fmt.Sprintf("%d of %d", v.TenantCount, v.TenantLimit), join(v.Regions), v.EndsAt.Format(time.DateOnly),
		}
	}
	one := func(s *session, sub estate.Subscription, err error) error {
		if err != nil {
			return err
		}
		seats, err := s.Directory.SubscriptionSeats(s.cmd.Context(), s.actor, sub.ID)
		if err != nil {
			return err
		}
		v := viewSubscription(sub)
		var shown []string
		for _, of := range seats {
			v.Seats = append(v.Seats, seatsView{of.Type, of.Units, of.Used})
			shown = append(shown, fmt.Sprintf("%s %d of %d", of.Type, of.Used, of.Units))
		}
		return s.out.One(s.cmd, v, append(headers, "SEATS"), append(row(v), strings.Join(shown, ", ")))
	}

	var made subscriptionFlags
	var number, organization string
	create := &cobra.Command{
		Use: "create", Short: "Make a subscription with its entitlement", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			id, err := s.organization(organization)
			if err != nil {
				return err
			}
			u, err := made.update()
			if err != nil {
				return err
			}
			sub, err := s.Tenancy.CreateSubscription(s.cmd.Context(), s.actor, estate.Subscription{
				ID: estate.SubscriptionID(number), Organization: id, Name: u.Name, TenantLimit: u.TenantLimit, Regions: u.Regions, StartsAt: u.StartsAt, EndsAt: u.EndsAt,
			}, u.Owners)
			return one(s, sub, err)
		}),
	}
	create.Flags().StringVar(&organization, "organization", "", organizationUsage)
	create.Flags().StringVar(&number, "number", "", "licence number, 16 digits; default random")
	made.bind(create)

	var changed subscriptionFlags
	var tier1, tier2 int64
	var noOwners bool
	seats := map[estate.SeatType]*int64{}
	update := &cobra.Command{
		Use: "update NUMBER", Short: "Change name, entitlement, owners or limits; what is not given stays", Args: cobra.ExactArgs(1),
		RunE: with(func(s *session, args []string) error {
			if err := checkChanges(s.cmd); err != nil {
				return err
			}
			u, err := changed.update()
			if err != nil {
				return err
			}
			if s.cmd.Flags().Changed("tenants") && changed.tenants < 1 {
				return errors.New("--tenants must be at least 1")
			}
			if noOwners {
				u.Owners = []string{}
			}
			if s.cmd.Flags().Changed("rate-tier1") {
				u.RateTier1 = &tier1
			}
			if s.cmd.Flags().Changed("rate-tier2") {
				u.RateTier2 = &tier2
			}
			sub, err := s.Tenancy.UpdateSubscription(s.cmd.Context(), s.actor, estate.SubscriptionID(args[0]), u)
			for _, seat := range estate.SeatTypes() {
				if err == nil && s.cmd.Flags().Changed(string(seat)+"-seats") {
					err = s.Directory.SetSeats(s.cmd.Context(), s.actor, sub.ID, seat, *seats[seat])
				}
			}
			return one(s, sub, err)
		}),
	}
	changed.bind(update)
	update.Flags().BoolVar(&noOwners, "no-owners", false, "take all service account owners away")
	update.MarkFlagsMutuallyExclusive("owner", "no-owners")
	for _, seat := range estate.SeatTypes() {
		seats[seat] = update.Flags().Int64(string(seat)+"-seats", 0, "how many "+string(seat)+" seats its tenants share")
	}
	update.Flags().Int64Var(&tier1, "rate-tier1", 0, "requests of tier 1 (reads) per minute and caller; 0: as the server is configured")
	update.Flags().Int64Var(&tier2, "rate-tier2", 0, "requests of tier 2 (writes, tokens) per minute and caller; 0: as the server is configured")

	var listOf string
	listAll := &cobra.Command{
		Use: "list", Short: "List the subscriptions of an organization", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			id, err := s.organization(listOf)
			if err != nil {
				return err
			}
			all, err := s.Tenancy.Subscriptions(s.cmd.Context(), s.actor, id)
			return list(s, err, all, viewSubscription, headers, row)
		}),
	}
	listAll.Flags().StringVar(&listOf, "organization", "", organizationUsage)

	return group("subscription", "Subscriptions entitle an organization to tenants", create, update, listAll,
		&cobra.Command{
			Use: "get NUMBER", Short: "Show a subscription", Args: cobra.ExactArgs(1),
			RunE: with(func(s *session, args []string) error {
				sub, err := s.Tenancy.Subscription(s.cmd.Context(), s.actor, estate.SubscriptionID(args[0]))
				return one(s, sub, err)
			}),
		},
		&cobra.Command{
			Use: "license-key NUMBER", Short: "Print the licence key with which region-level clients create tenants", Args: cobra.ExactArgs(1),
			RunE: with(func(s *session, args []string) error {
				license, err := s.Tenancy.SubscriptionLicense(s.cmd.Context(), s.actor, estate.SubscriptionID(args[0]))
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(s.cmd.OutOrStdout(), license.Key)
				return err
			}),
		},
	)
}

const organizationUsage = "id or name of the organization; may be left out while there is only one"

// organization finds an organization by id or name.
func (s *session) organization(name string) (estate.OrganizationID, error) {
	all, err := s.Tenancy.Organizations(s.cmd.Context(), s.actor)
	if err != nil {
		return "", err
	}
	var found []estate.OrganizationID
	for _, o := range all {
		if name == "" || string(o.ID) == name || o.Name == name {
			found = append(found, o.ID)
		}
	}
	switch {
	case len(all) == 0:
		return "", fmt.Errorf("there is no organization yet; make one with: %s organization create NAME", s.cmd.Root().Name()+" operator")
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return "", fmt.Errorf("no organization has the id or name %q", name)
	case name == "":
		return "", fmt.Errorf("there are %d organizations; say which with --organization", len(all))
	}
	return "", fmt.Errorf("%d organizations are called %q; name one by its id", len(found), name)
}

// list prints all of something.
func list[T, V any](s *session, err error, all []T, view func(T) V, headers []string, row func(V) []string) error {
	if err != nil {
		return err
	}
	views := make([]V, len(all))
	rows := make([][]string, len(all))
	for i, one := range all {
		views[i] = view(one)
		rows[i] = row(views[i])
	}
	return s.out.List(s.cmd, views, headers, rows)
}

// parseMoment reads a day, meaning its begin in UTC, or an RFC 3339 time.
func parseMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("--%s %q is neither a day (2026-01-31) nor an RFC 3339 time", flag, text)
	}
	return t.UTC(), nil
}

// readSecret reads a file, or standard input, without the line's end.
func readSecret(cmd *cobra.Command, path string) (estate.Secret, error) {
	var text []byte
	var err error
	switch path {
	case "":
		return "", nil
	case "-":
		text, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), 64<<10))
	default:
		text, err = os.ReadFile(path)
	}
	return estate.Secret(strings.TrimRight(string(text), "\r\n")), err
}

func join[T ~string](list []T) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = string(v)
	}
	return strings.Join(parts, ", ")
}
