package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

var spaceView = view[api.Space]{
	names: []string{"NAME", "TYPE", "ID", "OWNER", "DESCRIPTION"},
	cells: func(s api.Space) []string { return []string{s.Name, s.Type, s.ID, s.OwnerID, s.Description} },
}

func spaceCommand(env Env) *cobra.Command {
	return inTenant(env, "space", "Manage the spaces of a tenant", func(d *tenantCommands) []*cobra.Command {
		list := spaceView.list(d, &cobra.Command{Use: "list", Short: "List spaces"}, nil,
			func(ctx context.Context, c *client.Client, opts client.ListOptions, _ []string) iter.Seq2[api.Space, error] {
				return c.Spaces(ctx, opts)
			})
		var request api.CreateSpaceRequest
		create := d.run(&cobra.Command{Use: "create NAME", Short: "Create a space"}, []string{"NAME"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
			request.Name = args[0]
			made, err := c.CreateSpace(cmd.Context(), request)
			if err != nil {
				return err
			}
			return spaceView.one(d, cmd, made)
		})
		create.Flags().StringVar(&request.Type, "type", "shared", "shared, managed or data")
		create.Flags().StringVar(&request.Description, "description", "", "what is in the space")
		var flags patchFlags
		update := d.update("Change a space", flags.patch, func(c *client.Client, ctx context.Context, id string, patch []api.PatchOperation) error {
			_, err := c.UpdateSpace(ctx, id, patch)
			return err
		})
		flags.text(update, "name", "/name", "another name")
		flags.text(update, "description", "/description", "what is in the space")
		flags.text(update, "owner", "/ownerId", "id of the user who owns it from now on")
		return []*cobra.Command{
			list, spaceView.get(d, "Show a space", (*client.Client).GetSpace), create, update, d.remove("Delete a space", (*client.Client).DeleteSpace), memberCommand(d),
		}
	})
}

var memberView = view[api.SpaceAssignment]{
	names: []string{"TYPE", "ASSIGNEE", "ROLES", "ID"},
	cells: func(a api.SpaceAssignment) []string {
		return []string{a.Type, a.AssigneeID, strings.Join(a.Roles, ", "), a.ID}
	},
}

func memberCommand(d *tenantCommands) *cobra.Command {
	list := memberView.list(d, &cobra.Command{Use: "list SPACE", Short: "List who has which roles in a space"}, []string{"SPACE"},
		func(ctx context.Context, c *client.Client, opts client.ListOptions, args []string) iter.Seq2[api.SpaceAssignment, error] {
			return c.SpaceAssignments(ctx, args[0], opts)
		})
	var user, group, bot string
	var roles []string
	add := d.run(&cobra.Command{
		Use: "add SPACE", Short: "Give a user or group roles in a space",
		Example: `  freehold space member add 66e1f0a4c3b2d5980716f4ad --group 64ad3f1b7c9e20d58b16fa73 --role consumer`,
	}, []string{"SPACE"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		request := api.CreateSpaceAssignmentRequest{Roles: roles}
		for kind, id := range map[string]string{"user": user, "group": group, "bot": bot} {
			switch {
			case id != "" && request.Type != "":
				return errors.New("--user, --group and --bot exclude each other")
			case id != "":
				request.Type, request.AssigneeID = kind, id
			}
		}
		if request.Type == "" {
			return errors.New("one of --user, --group and --bot is missing")
		}
		made, err := c.CreateSpaceAssignment(cmd.Context(), args[0], request)
		if err != nil {
			return err
		}
		return memberView.one(d, cmd, made)
	})
	add.Flags().StringVar(&user, "user", "", "id of a user")
	add.Flags().StringVar(&group, "group", "", "id of a group")
	add.Flags().StringVar(&bot, "bot", "", "id of a bot user")
	add.Flags().StringArrayVar(&roles, "role", nil, "role in the space; may be repeated")
	var changed []string
	update := d.run(&cobra.Command{Use: "update SPACE ASSIGNMENT", Short: "Replace roles in a space"}, []string{"SPACE", "ASSIGNMENT"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		a, err := c.UpdateSpaceAssignment(cmd.Context(), args[0], args[1], changed)
		if err != nil {
			return err
		}
		return memberView.one(d, cmd, a)
	})
	update.Flags().StringArrayVar(&changed, "role", nil, "role in the space; may be repeated")
	remove := d.run(&cobra.Command{Use: "remove SPACE ASSIGNMENT", Short: "Take the roles in a space from a user or group"}, []string{"SPACE", "ASSIGNMENT"},
		func(cmd *cobra.Command, c *client.Client, args []string) error {
			return c.DeleteSpaceAssignment(cmd.Context(), args[0], args[1])
		})
	return command.Group(&cobra.Command{Use: "member", Short: "Manage who has which roles in a space"}, list, add, update, remove)
}

var seatView = view[api.LicenseAssignment]{
	names: []string{"SUBJECT", "TYPE", "SINCE", "EXCESS"},
	cells: func(a api.LicenseAssignment) []string {
		return []string{a.Subject, a.Type, moment(&a.Created), fmt.Sprint(a.Excess)}
	},
}

func licenseCommand(env Env) *cobra.Command {
	return inTenant(env, "license", "Manage who has seats of the subscription in a tenant", func(d *tenantCommands) []*cobra.Command {
		overview := d.run(&cobra.Command{Use: "overview", Short: "Show the licence and how many seats are taken"}, nil, func(cmd *cobra.Command, c *client.Client, _ []string) error {
			found, err := c.GetLicenseOverview(cmd.Context())
			if err != nil {
				return err
			}
			names, values := []string{"Licence number", "Product", "Status", "Valid"}, []string{found.LicenseNumber, found.Product, found.Status, found.Valid}
			for _, a := range found.Allotments {
				names, values = append(names, "Seats, "+a.Name), append(values, fmt.Sprintf("%d of %d", a.UnitsUsed, a.Units))
			}
			return d.out.One(cmd, found, names, values)
		})
		var orphans bool
		list := seatView.list(d, &cobra.Command{Use: "list", Short: "List who has seats"}, nil,
			func(ctx context.Context, c *client.Client, opts client.ListOptions, _ []string) iter.Seq2[api.LicenseAssignment, error] {
				return c.LicenseAssignments(ctx, orphans, opts)
			})
		list.Flags().BoolVar(&orphans, "orphans", false, "only subjects that no user has any more")
		return []*cobra.Command{
			overview, list,
			seatCommand(d, "assign", "Give seats to users", (*client.Client).AddSeats),
			seatCommand(d, "change", "Change the type of seats", (*client.Client).UpdateSeats),
			seatCommand(d, "release", "Give seats back to the subscription", (*client.Client).DeleteSeats),
			licenseSettings(d),
		}
	})
}

func seatCommand(d *tenantCommands, name, short string, change func(*client.Client, context.Context, []api.SeatChange) ([]api.SeatResult, error)) *cobra.Command {
	var seat string
	cmd := &cobra.Command{Use: name + " SUBJECT...", Short: short}
	d.run(cmd, nil, func(cmd *cobra.Command, c *client.Client, args []string) error {
		changes := make([]api.SeatChange, len(args))
		for i, subject := range args {
			changes[i] = api.SeatChange{Subject: subject, Type: seat}
		}
		results, err := change(c, cmd.Context(), changes)
		if err != nil {
			return err
		}
		failed := 0
		rows := make([][]string, len(results))
		for i, r := range results {
			if rows[i] = []string{r.Subject, r.Type, fmt.Sprint(r.Status), r.Code, r.Title}; r.Code != "" {
				failed++
			}
		}
		if err := d.out.List(cmd, results, []string{"SUBJECT", "TYPE", "STATUS", "CODE", "REASON"}, rows); err != nil {
			return err
		}
		return failures(failed, len(results))
	})
	cmd.Args = cobra.MinimumNArgs(1)
	cmd.Flags().StringVar(&seat, "type", "professional", "professional or analyzer")
	return cmd
}

func licenseSettings(d *tenantCommands) *cobra.Command {
	var professional, analyzer bool
	cmd := d.run(&cobra.Command{Use: "settings", Short: "Show or change whether users get seats by themselves"}, nil, func(cmd *cobra.Command, c *client.Client, _ []string) error {
		var request api.LicenseSettingsRequest
		if cmd.Flags().Changed("auto-professional") {
			request.AutoAssignProfessional = &professional
		}
		if cmd.Flags().Changed("auto-analyzer") {
			request.AutoAssignAnalyzer = &analyzer
		}
		set := c.GetLicenseSettings
		if request != (api.LicenseSettingsRequest{}) {
			set = func(ctx context.Context) (*api.LicenseSettings, error) { return c.SetLicenseSettings(ctx, request) }
		}
		settings, err := set(cmd.Context())
		if err != nil {
			return err
		}
		return d.out.One(cmd, settings, []string{"Auto-assign professional", "Auto-assign analyzer"},
			[]string{fmt.Sprint(settings.AutoAssignProfessional), fmt.Sprint(settings.AutoAssignAnalyzer)})
	})
	cmd.Flags().BoolVar(&professional, "auto-professional", false, "give professional seats to users who need one")
	cmd.Flags().BoolVar(&analyzer, "auto-analyzer", false, "give analyzer seats to users who sign in")
	return cmd
}
