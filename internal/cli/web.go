package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

var cspOriginView = view[api.CSPOrigin]{
	names: []string{"ORIGIN", "NAME", "ID", "DIRECTIVES"},
	cells: func(o api.CSPOrigin) []string {
		return []string{o.Origin, o.Name, o.ID, directiveNames(o.CSPDirectives)}
	},
}

// directiveFields are the directives by their names.
func directiveFields(d *api.CSPDirectives) map[string]*bool {
	return map[string]*bool{
		"childSrc": &d.ChildSrc, "connectSrc": &d.ConnectSrc, "connectSrcWSS": &d.ConnectSrcWSS, "fontSrc": &d.FontSrc, "formAction": &d.FormAction,
		"frameAncestors": &d.FrameAncestors, "frameSrc": &d.FrameSrc, "imgSrc": &d.ImgSrc, "mediaSrc": &d.MediaSrc, "objectSrc": &d.ObjectSrc,
		"scriptSrc": &d.ScriptSrc, "styleSrc": &d.StyleSrc, "workerSrc": &d.WorkerSrc,
	}
}

func directiveNames(d api.CSPDirectives) string {
	var on []string
	for name, set := range directiveFields(&d) {
		if *set {
			on = append(on, name)
		}
	}
	return listed(on)
}

// listed writes names in a cell, sorted.
func listed(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

func cspOriginCommand(env Env) *cobra.Command {
	return inTenant(env, "csp-origin", "Manage the origins in a tenant's content security policy", func(d *tenantCommands) []*cobra.Command {
		list := cspOriginView.list(d, &cobra.Command{Use: "list", Short: "List origins"}, nil,
			func(ctx context.Context, c *client.Client, opts client.ListOptions, _ []string) iter.Seq2[api.CSPOrigin, error] {
				return c.CSPOrigins(ctx, opts)
			})
		noFilter(list)
		var request api.CSPOriginRequest
		var allowed []string
		create := d.run(&cobra.Command{
			Use: "create ORIGIN", Short: "Add an origin",
			Example: `  freehold csp-origin create 'https://*.example.com' --name Portal --allow frameAncestors --allow imgSrc`,
		}, []string{"ORIGIN"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
			request.Origin = args[0]
			fields := directiveFields(&request.CSPDirectives)
			for _, name := range allowed {
				field, ok := fields[name]
				if !ok {
					return fmt.Errorf("--allow %s: there is no such directive", name)
				}
				*field = true
			}
			made, err := c.CreateCSPOrigin(cmd.Context(), request)
			if err != nil {
				return err
			}
			return cspOriginView.one(d, cmd, made)
		})
		create.Flags().StringVar(&request.Name, "name", "", "what people call it")
		create.Flags().StringVar(&request.Description, "description", "", "why it is there")
		create.Flags().StringArrayVar(&allowed, "allow", nil, "directive, such as frameAncestors; may be repeated")
		header := d.run(&cobra.Command{Use: "header", Short: "Show the policy that the origins make"}, nil, func(cmd *cobra.Command, c *client.Client, _ []string) error {
			made, err := c.GetCSPHeader(cmd.Context())
			if err != nil {
				return err
			}
			return d.out.One(cmd, made, []string{"Content-Security-Policy"}, []string{made.ContentSecurityPolicy})
		})
		return []*cobra.Command{
			list, cspOriginView.get(d, "Show an origin", (*client.Client).GetCSPOrigin), create, d.remove("Delete an origin", (*client.Client).DeleteCSPOrigin), header,
		}
	})
}

var webIntegrationView = view[api.WebIntegration]{
	names: []string{"NAME", "ID", "ORIGINS"},
	cells: func(w api.WebIntegration) []string { return []string{w.Name, w.ID, listed(w.ValidOrigins)} },
}

func webIntegrationCommand(env Env) *cobra.Command {
	return inTenant(env, "web-integration", "Manage the origins of pages that are built around a tenant", func(d *tenantCommands) []*cobra.Command {
		list := webIntegrationView.list(d, &cobra.Command{Use: "list", Short: "List web integrations"}, nil,
			func(ctx context.Context, c *client.Client, opts client.ListOptions, _ []string) iter.Seq2[api.WebIntegration, error] {
				return c.WebIntegrations(ctx, opts)
			})
		noFilter(list)
		var request api.CreateWebIntegrationRequest
		create := d.run(&cobra.Command{
			Use: "create NAME", Short: "Create a web integration", Example: `  freehold web-integration create Portal --origin https://portal.example.com`,
		}, []string{"NAME"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
			request.Name = args[0]
			made, err := c.CreateWebIntegration(cmd.Context(), request)
			if err != nil {
				return err
			}
			return webIntegrationView.one(d, cmd, made)
		})
		create.Flags().StringArrayVar(&request.ValidOrigins, "origin", nil, "origin of pages; may be repeated")
		var name string
		var origins []string
		update := d.run(&cobra.Command{Use: "update ID", Short: "Change a web integration"}, []string{"ID"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
			var patch []api.PatchOperation
			if cmd.Flags().Changed("name") {
				patch = append(patch, api.PatchOperation{Op: "replace", Path: "/name", Value: name})
			}
			if cmd.Flags().Changed("origin") {
				patch = append(patch, api.PatchOperation{Op: "replace", Path: "/validOrigins", Value: origins})
			}
			if len(patch) == 0 {
				return errors.New("nothing to change; see --help for what can be")
			}
			return c.UpdateWebIntegration(cmd.Context(), args[0], patch)
		})
		update.Flags().StringVar(&name, "name", "", "another name")
		update.Flags().StringArrayVar(&origins, "origin", nil, "origins instead of those there are; may be repeated")
		return []*cobra.Command{
			list, webIntegrationView.get(d, "Show a web integration", (*client.Client).GetWebIntegration), create, update,
			d.remove("Delete a web integration", (*client.Client).DeleteWebIntegration),
		}
	})
}
