package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

// tenantCommands is a group of commands about what is inside the tenant at the
// server that is connected to.
type tenantCommands struct {
	conn *connection
	out  *command.Output
}

// inTenant makes such a group.
func inTenant(env Env, use, short string, commands func(d *tenantCommands) []*cobra.Command) *cobra.Command {
	d := &tenantCommands{conn: &connection{env: env}, out: env.output()}
	cmd := command.Group(&cobra.Command{
		Use: use, Short: short, Long: short + ". The server is the tenant's own host.\n" + connectionHelp,
	}, commands(d)...)
	d.conn.flags(cmd)
	d.out.Flag(cmd)
	return cmd
}

// run makes a command that calls the server.
func (d *tenantCommands) run(cmd *cobra.Command, arguments []string, fn func(cmd *cobra.Command, c *client.Client, args []string) error) *cobra.Command {
	cmd.Args = args(arguments...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, _, err := d.conn.client()
		if err != nil {
			return err
		}
		err = fn(cmd, c, args)
		if label := hostLabel(c.BaseURL()); label == consoleLabel || label == registerLabel {
			err = explain(err, c, "", "users, roles, groups, spaces, licences and the like are at a tenant's host (--context or --server)")
		}
		return err
	}
	return cmd
}

// view is how things of one kind are shown.
type view[T any] struct {
	names []string // of the columns, the lines of a single thing
	cells func(T) []string
}

func (v view[T]) one(d *tenantCommands, cmd *cobra.Command, thing *T) error {
	return d.out.One(cmd, thing, v.names, v.cells(*thing))
}

// list makes the command that lists things.
func (v view[T]) list(d *tenantCommands, cmd *cobra.Command, arguments []string, all func(ctx context.Context, c *client.Client, opts client.ListOptions, args []string) iter.Seq2[T, error]) *cobra.Command {
	var opts client.ListOptions
	limit := 100
	d.run(cmd, arguments, func(cmd *cobra.Command, c *client.Client, args []string) error {
		if limit < 0 {
			return fmt.Errorf("--limit %d is less than 0", limit)
		}
		opts.Limit = pageSize
		if limit > 0 {
			opts.Limit = min(limit, pageSize)
		}
		things, rows := []T{}, [][]string{}
		for thing, err := range all(cmd.Context(), c, opts, args) {
			if err != nil {
				return err
			}
			if limit > 0 && len(things) == limit {
				note(cmd, moreThere)
				break
			}
			things, rows = append(things, thing), append(rows, v.cells(thing))
		}
		return d.out.List(cmd, things, v.names, rows)
	})
	cmd.Flags().StringVar(&opts.Filter, "filter", "", "filter (SCIM) that picks some")
	cmd.Flags().StringVar(&opts.Sort, "sort", "", "attributes to sort by, with commas between them, each with - before it for descending")
	cmd.Flags().IntVar(&limit, "limit", limit, "most to list; 0 lists all")
	return cmd
}

// get makes the command that shows one thing.
func (v view[T]) get(d *tenantCommands, short string, get func(c *client.Client, ctx context.Context, id string) (*T, error)) *cobra.Command {
	return d.run(&cobra.Command{Use: "get ID", Short: short}, []string{"ID"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		thing, err := get(c, cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return v.one(d, cmd, thing)
	})
}

// remove makes the command that deletes one thing.
func (d *tenantCommands) remove(short string, remove func(c *client.Client, ctx context.Context, id string) error) *cobra.Command {
	return d.confirmed(&cobra.Command{Use: "delete ID", Short: short}, []string{"ID"}, func(ctx context.Context, c *client.Client, args []string) error {
		return remove(c, ctx, args[0])
	})
}

// confirmed makes a command that has to be meant.
func (d *tenantCommands) confirmed(cmd *cobra.Command, arguments []string, fn func(ctx context.Context, c *client.Client, args []string) error) *cobra.Command {
	yes := false
	d.run(cmd, arguments, func(cmd *cobra.Command, c *client.Client, args []string) error {
		if !yes {
			return errors.New("this can't be undone; say --yes if you mean it")
		}
		return fn(cmd.Context(), c, args)
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "really do it")
	return cmd
}

// update makes the command that changes one thing by a patch.
func (d *tenantCommands) update(short string, patch func(cmd *cobra.Command) []api.PatchOperation, update func(c *client.Client, ctx context.Context, id string, patch []api.PatchOperation) error) *cobra.Command {
	return d.run(&cobra.Command{Use: "update ID", Short: short}, []string{"ID"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		operations := patch(cmd)
		if len(operations) == 0 {
			return errors.New("nothing to change; see --help for what can be")
		}
		return update(c, cmd.Context(), args[0], operations)
	})
}

// patchFlags are the flags of an update, by the paths that they change.
type patchFlags struct {
	texts []textFlag
	lists []listFlag
}

type textFlag struct {
	flag, path string
	value      *string
}

// listFlag adds to a list, or removes from it, what is known by its name or, with
// plain, is a text itself.
type listFlag struct {
	flag, op, path string
	plain          bool
	value          *[]string
}

func (p *patchFlags) text(cmd *cobra.Command, flag, path, usage string) {
	value := new(string)
	p.texts = append(p.texts, textFlag{flag, path, value})
	cmd.Flags().StringVar(value, flag, "", usage)
}

func (p *patchFlags) list(cmd *cobra.Command, flag, op, path string, plain bool, usage string) {
	value := new([]string)
	p.lists = append(p.lists, listFlag{flag, op, path, plain, value})
	cmd.Flags().StringArrayVar(value, flag, nil, usage+"; may be repeated")
}

func (p *patchFlags) patch(cmd *cobra.Command) (patch []api.PatchOperation) {
	for _, t := range p.texts {
		if cmd.Flags().Changed(t.flag) {
			patch = append(patch, api.PatchOperation{Op: "replace", Path: t.path, Value: *t.value})
		}
	}
	for _, l := range p.lists {
		if !cmd.Flags().Changed(l.flag) {
			continue
		}
		operation := api.PatchOperation{Op: l.op, Path: l.path, Value: *l.value}
		if !l.plain {
			operation.Value = references(*l.value)
		}
		patch = append(patch, operation)
	}
	return patch
}

// references are roles or groups by their names. An empty name is none, so that a
// list can be emptied.
func references(names []string) []api.RoleReference {
	refs := []api.RoleReference{}
	for _, name := range names {
		if name != "" {
			refs = append(refs, api.RoleReference{Name: name})
		}
	}
	return refs
}

func roleNames(roles []api.AssignedRole) (names []string) {
	for _, role := range roles {
		names = append(names, role.Name)
	}
	return names
}
