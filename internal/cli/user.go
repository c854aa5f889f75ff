package cli

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

var userView = view[api.User]{
	names: []string{"NAME", "STATUS", "E-MAIL", "SUBJECT", "ID", "ROLES", "GROUPS", "CREATED"},
	cells: func(u api.User) []string {
		return []string{u.Name, u.Status, u.Email, u.Subject, u.ID, strings.Join(u.Roles, ", "), strings.Join(u.Groups, ", "), moment(&u.CreatedAt)}
	},
}

func userCommand(env Env) *cobra.Command {
	return inTenant(env, "user", "Manage the users of a tenant", func(d *tenantCommands) []*cobra.Command {
		list := userView.list(d, &cobra.Command{
			Use: "list", Short: "List the users of the tenant, bots among them",
			Example: `  freehold user list --filter 'email eq "ada@example.com"'
  freehold user list --filter 'clientId eq ""' --sort -createdAt --output json`,
		}, nil, func(ctx context.Context, c *client.Client, opts client.ListOptions, _ []string) iter.Seq2[api.User, error] {
			return c.Users(ctx, opts)
		})
		var flags patchFlags
		update := d.update("Change a user", flags.patch, (*client.Client).UpdateUser)
		flags.text(update, "name", "/name", "display name")
		flags.text(update, "status", "/status", "active or disabled")
		flags.list(update, "add-role", "add", "/assignedRoles", false, "role to give")
		flags.list(update, "remove-role", "remove-value", "/assignedRoles", false, "role to take")
		flags.list(update, "add-group", "add", "/assignedGroups", false, "group to put the user into")
		flags.list(update, "remove-group", "remove-value", "/assignedGroups", false, "group to take the user out of")
		return []*cobra.Command{
			list, userView.get(d, "Show a user", (*client.Client).GetUser), userCreate(d), userInvite(d), userLink(d), update, d.remove("Delete a user", (*client.Client).DeleteUser),
		}
	})
}

func userCreate(d *tenantCommands) *cobra.Command {
	var request api.CreateUserRequest
	var roles []string
	cmd := d.run(&cobra.Command{
		Use: "create SUBJECT", Short: "Create a user, known by the subject that the identity provider gives",
		Example: `  freehold user create 'auth0|ada' --name Ada --email ada@example.com --role TenantAdmin`,
	}, []string{"SUBJECT"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		request.Subject, request.AssignedRoles = args[0], references(roles)
		made, err := c.CreateUser(cmd.Context(), request)
		if err != nil {
			return err
		}
		return userView.one(d, cmd, made)
	})
	cmd.Flags().StringVar(&request.Name, "name", "", "display name; default the e-mail address or the subject")
	cmd.Flags().StringVar(&request.Email, "email", "", "the user's e-mail address")
	cmd.Flags().StringVar(&request.Status, "status", "", "active (default), invited, disabled or provisioned")
	cmd.Flags().StringArrayVar(&roles, "role", nil, "name of a role; may be repeated")
	return cmd
}

func userInvite(d *tenantCommands) *cobra.Command {
	var resend bool
	cmd := &cobra.Command{Use: "invite EMAIL...", Short: "Invite people, who have yet to sign in"}
	d.run(cmd, nil, func(cmd *cobra.Command, c *client.Client, args []string) error {
		invitees := make([]api.Invitee, len(args))
		for i, email := range args {
			invitees[i] = api.Invitee{Email: email, Resend: resend}
		}
		results, err := c.InviteUsers(cmd.Context(), invitees)
		if err != nil {
			return err
		}
		failed := 0
		rows := make([][]string, len(results))
		for i, r := range results {
			if rows[i] = []string{r.Email, r.Status, r.UserID, r.Code, r.Title}; r.Status == "error" {
				failed++
			}
		}
		if err := d.out.List(cmd, results, []string{"E-MAIL", "STATUS", "ID", "CODE", "REASON"}, rows); err != nil {
			return err
		}
		return failures(failed, len(results))
	})
	cmd.Args = cobra.MinimumNArgs(1)
	cmd.Flags().BoolVar(&resend, "resend", false, "make invitations that are there already last longer")
	return cmd
}

func userLink(d *tenantCommands) *cobra.Command {
	var request api.SignInLinkRequest
	cmd := d.run(&cobra.Command{
		Use: "link ID", Short: "Make a link that signs a user in once",
		Long: "Make a link that signs a user in once, to set up a passkey or a password.\n\n" +
			"It works for a day; for somebody who has signed in before, or with --recovery, for an hour. A link that was made before for the same user stops working.",
	}, []string{"ID"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		link, err := c.CreateSignInLink(cmd.Context(), args[0], request)
		if err != nil {
			return err
		}
		return d.out.One(cmd, link, []string{"Link", "Expires"}, []string{link.URL, moment(&link.ExpiresAt)})
	})
	cmd.Flags().BoolVar(&request.Recovery, "recovery", false, "for somebody who has lost what to sign in with")
	return cmd
}

// failures is the error for a bulk of which some failed.
func failures(failed, all int) error {
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d failed", failed, all)
}

var roleView = view[api.Role]{
	names: []string{"NAME", "TYPE", "LEVEL", "ID", "SCOPES", "DESCRIPTION"},
	cells: func(r api.Role) []string {
		return []string{r.Name, r.Type, r.Level, r.ID, strings.Join(r.AssignedScopes, " "), r.Description}
	},
}

func roleCommand(env Env) *cobra.Command {
	return inTenant(env, "role", "Manage the roles of a tenant", func(d *tenantCommands) []*cobra.Command {
		list := roleView.list(d, &cobra.Command{Use: "list", Short: "List built-in and custom roles"}, nil,
			func(ctx context.Context, c *client.Client, opts client.ListOptions, _ []string) iter.Seq2[api.Role, error] {
				return c.Roles(ctx, opts)
			})
		var request api.CreateRoleRequest
		create := d.run(&cobra.Command{Use: "create NAME", Short: "Create a custom role"}, []string{"NAME"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
			request.Name = args[0]
			made, err := c.CreateRole(cmd.Context(), request)
			if err != nil {
				return err
			}
			return roleView.one(d, cmd, made)
		})
		create.Flags().StringVar(&request.Description, "description", "", "what the role is for")
		create.Flags().StringArrayVar(&request.AssignedScopes, "scope", nil, "scope that the role allows; may be repeated")
		var flags patchFlags
		update := d.update("Change a custom role", flags.patch, (*client.Client).UpdateRole)
		flags.text(update, "name", "/name", "another name")
		flags.text(update, "description", "/description", "what the role is for")
		flags.list(update, "add-scope", "add", "/assignedScopes", true, "scope to allow")
		flags.list(update, "remove-scope", "remove-value", "/assignedScopes", true, "scope to allow no more")
		return []*cobra.Command{
			list, roleView.get(d, "Show a role", (*client.Client).GetRole), create, update, d.remove("Delete a custom role that nobody has", (*client.Client).DeleteRole),
		}
	})
}

var groupView = view[api.Group]{
	names: []string{"NAME", "STATUS", "PROVIDER", "ID", "ROLES", "DESCRIPTION"},
	cells: func(g api.Group) []string {
		return []string{g.Name, g.Status, g.ProviderType, g.ID, strings.Join(roleNames(g.AssignedRoles), ", "), g.Description}
	},
}

func groupCommand(env Env) *cobra.Command {
	return inTenant(env, "group", "Manage the groups of a tenant", func(d *tenantCommands) []*cobra.Command {
		list := groupView.list(d, &cobra.Command{Use: "list", Short: "List groups"}, nil,
			func(ctx context.Context, c *client.Client, opts client.ListOptions, _ []string) iter.Seq2[api.Group, error] {
				return c.Groups(ctx, opts)
			})
		var request api.CreateGroupRequest
		var roles []string
		create := d.run(&cobra.Command{Use: "create NAME", Short: "Create a group"}, []string{"NAME"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
			request.Name, request.AssignedRoles = args[0], references(roles)
			made, err := c.CreateGroup(cmd.Context(), request)
			if err != nil {
				return err
			}
			return groupView.one(d, cmd, made)
		})
		create.Flags().StringVar(&request.Description, "description", "", "who is in the group")
		create.Flags().StringArrayVar(&roles, "role", nil, "name of a role that members get; may be repeated")
		var flags patchFlags
		update := d.update("Change a group", flags.patch, (*client.Client).UpdateGroup)
		flags.text(update, "name", "/name", "another name")
		flags.text(update, "description", "/description", "who is in the group")
		flags.list(update, "role", "replace", "/assignedRoles", false, "name of a role that members get, in place of all they got; empty for none")
		return []*cobra.Command{
			list, groupView.get(d, "Show a group", (*client.Client).GetGroup), create, update, d.remove("Delete a group; its members stay", (*client.Client).DeleteGroup), groupSettings(d),
		}
	})
}

func groupSettings(d *tenantCommands) *cobra.Command {
	var auto bool
	cmd := d.run(&cobra.Command{Use: "settings", Short: "Show or change the settings of groups"}, nil, func(cmd *cobra.Command, c *client.Client, _ []string) error {
		if cmd.Flags().Changed("auto-create") {
			if err := c.UpdateGroupSettings(cmd.Context(), []api.PatchOperation{{Op: "replace", Path: "/autoCreateGroups", Value: auto}}); err != nil {
				return err
			}
		}
		settings, err := c.GetGroupSettings(cmd.Context())
		if err != nil {
			return err
		}
		var everyone []string
		for _, g := range settings.SystemGroups {
			everyone = append(everyone, roleNames(g.AssignedRoles)...)
		}
		return d.out.One(cmd, settings, []string{"Auto-create groups", "Roles of everyone"}, []string{fmt.Sprint(settings.AutoCreateGroups), strings.Join(everyone, ", ")})
	})
	cmd.Flags().BoolVar(&auto, "auto-create", false, "make groups at sign-in")
	return cmd
}
