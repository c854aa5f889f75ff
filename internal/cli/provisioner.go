package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

// provisioners is a group of commands at the console.
type provisioners struct {
	conn         *connection
	out          *command.Output
	subscription string
}

func provisionerCommand(env Env) *cobra.Command {
	p := &provisioners{conn: &connection{env: env}, out: env.output()}
	cmd := command.Group(&cobra.Command{
		Use:   "provisioner",
		Short: "Have your own infrastructure take part in the life of tenants",
		Long: `Have your own infrastructure take part in the life of tenants, at the console.

A provisioner is an endpoint of yours that is called about each change of a tenant
of a subscription, and answers when it has done its part. The tenant shows how far
its provisioners are.
` + connectionHelp,
	},
		p.listCommand(), p.createCommand(), p.getCommand(), p.updateCommand(), p.rotateCommand(), p.deleteCommand(), p.statusCommand(),
		p.actionCommand("retry", "Call provisioners about a tenant once more",
			`Call provisioners about a tenant once more: all that have not done their part, and
those that were never told of it; or one, whatever it has done.`, (*client.Client).RetryTenantProvisioning),
		p.actionCommand("skip", "Have a tenant wait no more for provisioners",
			`Have a tenant wait no more for provisioners that have not done their part, or for
one of them. They are told of its next change again.`, (*client.Client).SkipTenantProvisioning),
	)
	p.conn.flags(cmd)
	p.out.Flag(cmd)
	return cmd
}

// about adds the flag that names the subscription.
func (p *provisioners) about(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&p.subscription, "subscription", "", "licence number of the subscription")
	return cmd
}

func (p *provisioners) api() (client.Provisioners, error) {
	if p.subscription == "" {
		return client.Provisioners{}, errors.New("say which subscription with --subscription")
	}
	c, err := p.console()
	if err != nil {
		return client.Provisioners{}, err
	}
	return c.SubscriptionProvisioners(p.subscription), nil
}

func (p *provisioners) console() (*client.Client, error) {
	c, _, err := p.conn.client()
	if err == nil && hostLabel(c.BaseURL()) != consoleLabel {
		err = fmt.Errorf("provisioners are managed at the console, and this is %s", c.BaseURL())
	}
	return c, err
}

func (p *provisioners) listCommand() *cobra.Command {
	return p.about(&cobra.Command{
		Use:     "list",
		Short:   "List the provisioners of a subscription",
		Example: `  freehold provisioner list --subscription 1048362759104836`,
		Args:    args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := p.api()
			if err != nil {
				return err
			}
			all, err := from.List(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([][]string, len(all))
			for i, one := range all {
				rows[i] = []string{one.Name, one.ID, one.URL, moment(&one.CreatedAt)}
			}
			return p.out.List(cmd, all, []string{"NAME", "ID", "URL", "CREATED"}, rows)
		},
	})
}

// show writes a provisioner, and says so if its secret is shown.
func (p *provisioners) show(cmd *cobra.Command, one *api.Provisioner) error {
	err := p.out.One(cmd, one, []string{"ID", "Name", "URL", "Secret", "Created", "Updated"},
		[]string{one.ID, one.Name, one.URL, one.Secret, moment(&one.CreatedAt), moment(&one.UpdatedAt)})
	if err == nil && one.Secret != "" {
		note(cmd, "Store the secret now: it is not shown again.")
	}
	return err
}

func (p *provisioners) createCommand() *cobra.Command {
	var request api.CreateProvisionerRequest
	cmd := p.about(&cobra.Command{
		Use:   "create",
		Short: "Create a provisioner and print its secret, once",
		Long: `Create a provisioner and print its secret, once. Calls are CloudEvents that are
signed with it as Standard Webhooks has it.

Tenants that there are already are told of their next change, or when they are
retried.`,
		Example: `  freehold provisioner create --subscription 1048362759104836 --name DNS \
      --url https://hooks.example.org/freehold`,
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := p.api()
			if err != nil {
				return err
			}
			made, err := from.Create(cmd.Context(), request)
			if err != nil {
				return err
			}
			return p.show(cmd, made)
		},
	})
	cmd.Flags().StringVar(&request.Name, "name", "", "display name")
	cmd.Flags().StringVar(&request.URL, "url", "", "address that is called (https)")
	return cmd
}

func (p *provisioners) getCommand() *cobra.Command {
	return p.about(&cobra.Command{
		Use:   "get ID",
		Short: "Show a provisioner, without its secret",
		Args:  args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := p.api()
			if err != nil {
				return err
			}
			found, err := from.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return p.show(cmd, found)
		},
	})
}

func (p *provisioners) updateCommand() *cobra.Command {
	var name, url string
	cmd := p.about(&cobra.Command{
		Use:     "update ID",
		Short:   "Change the name or URL of a provisioner",
		Example: `  freehold provisioner update 5d41402abc4b2a76b9719d911017c592 --subscription 1048362759104836 --url https://hooks.example.org/v2`,
		Args:    args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var patch []api.PatchOperation
			for _, part := range [][2]string{{"name", name}, {"url", url}} {
				if cmd.Flags().Changed(part[0]) {
					patch = append(patch, api.PatchOperation{Op: "replace", Path: "/" + part[0], Value: part[1]})
				}
			}
			if len(patch) == 0 {
				return errors.New("say what to change, with --name or --url")
			}
			from, err := p.api()
			if err != nil {
				return err
			}
			return from.Update(cmd.Context(), args[0], patch)
		},
	})
	cmd.Flags().StringVar(&name, "name", "", "another display name")
	cmd.Flags().StringVar(&url, "url", "", "another https URL")
	return cmd
}

func (p *provisioners) rotateCommand() *cobra.Command {
	return p.about(&cobra.Command{
		Use:   "rotate-secret ID",
		Short: "Replace the secret of a provisioner and print the new one, once",
		Args:  args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := p.api()
			if err != nil {
				return err
			}
			made, err := from.RotateSecret(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return p.show(cmd, made)
		},
	})
}

func (p *provisioners) deleteCommand() *cobra.Command {
	yes := false
	cmd := p.about(&cobra.Command{
		Use:   "delete ID",
		Short: "Delete a provisioner: tenants wait for it no more",
		Args:  args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return errors.New("this can't be undone; say --yes if you mean it")
			}
			from, err := p.api()
			if err != nil {
				return err
			}
			return from.Delete(cmd.Context(), args[0])
		},
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "really delete it")
	return cmd
}

func (p *provisioners) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status TENANT_ID",
		Short: "Show how far the provisioners of a tenant are",
		Args:  args("TENANT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.tenant(cmd, args[0], "", func(c *client.Client, ctx context.Context, tenant, _ string) (*api.TenantProvisioning, error) {
				return c.GetTenantProvisioning(ctx, tenant)
			})
		},
	}
}

func (p *provisioners) actionCommand(use, short, long string, do func(*client.Client, context.Context, string, string) (*api.TenantProvisioning, error)) *cobra.Command {
	one := ""
	cmd := &cobra.Command{
		Use:   use + " TENANT_ID",
		Short: short,
		Long:  long,
		Args:  args("TENANT_ID"),
		RunE:  func(cmd *cobra.Command, args []string) error { return p.tenant(cmd, args[0], one, do) },
	}
	cmd.Flags().StringVar(&one, "provisioner", "", "id of the only provisioner that is meant")
	return cmd
}

// tenant does something about the provisioners of a tenant and shows how far they are.
func (p *provisioners) tenant(cmd *cobra.Command, tenant, one string, do func(*client.Client, context.Context, string, string) (*api.TenantProvisioning, error)) error {
	c, err := p.console()
	if err != nil {
		return err
	}
	found, err := do(c, cmd.Context(), tenant, one)
	if err != nil {
		return err
	}
	if asJSON, err := p.out.JSON(cmd); err != nil {
		return err
	} else if asJSON {
		return command.WriteJSON(cmd.OutOrStdout(), found)
	}
	rows := make([][]string, len(found.Provisioners))
	for i, s := range found.Provisioners {
		rows[i] = []string{s.Name, s.State, s.Change, s.ProvisionerID, moment(&s.UpdatedAt), s.Message}
	}
	if err := p.out.Table(cmd, []string{"NAME", "STATE", "CHANGE", "ID", "UPDATED", "MESSAGE"}, rows); err != nil {
		return err
	}
	note(cmd, "Provisioning of the tenant: %s.", found.State)
	return nil
}
