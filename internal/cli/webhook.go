package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

func webhookCommand(env Env) *cobra.Command {
	w := &webhooks{conn: &connection{env: env}, out: env.output()}
	cmd := command.Group(&cobra.Command{
		Use:   "webhook",
		Short: "Have addresses told of events",
		Long:  "Have addresses told of events.\n" + eventsHelp + "\n" + connectionHelp,
	}, w.list(), w.create(), w.get(), w.enable(true), w.enable(false), w.delete(), w.deliveries(), w.resend(), w.types())
	w.conn.flags(cmd)
	w.out.Flag(cmd)
	return cmd
}

type webhooks struct {
	conn *connection
	out  *command.Output
}

// with has fn called with the events of the server that is connected to.
func (w *webhooks) with(fn func(cmd *cobra.Command, events client.Events, given []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, given []string) error {
		events, err := w.conn.events()
		if err != nil {
			return err
		}
		return fn(cmd, events, given)
	}
}

func (w *webhooks) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List webhooks", Args: args(),
		RunE: w.with(func(cmd *cobra.Command, events client.Events, _ []string) error {
			all := []api.Webhook{}
			for one, err := range events.Webhooks(cmd.Context(), client.WebhookOptions{Sort: "name", Limit: pageSize}) {
				if err != nil {
					return err
				}
				all = append(all, one)
			}
			rows := make([][]string, len(all))
			for i, one := range all {
				rows[i] = []string{one.Name, one.ID, webhookState(one), one.URL, strings.Join(one.EventTypes, " "), moment(&one.CreatedAt)}
			}
			return w.out.List(cmd, all, []string{"NAME", "ID", "STATUS", "URL", "EVENTS", "CREATED"}, rows)
		}),
	}
}

func webhookState(w api.Webhook) string {
	switch {
	case w.Enabled:
		return "enabled"
	case w.DisabledReasonCode != "":
		return "disabled (" + w.DisabledReasonCode + ")"
	}
	return "disabled"
}

func (w *webhooks) print(cmd *cobra.Command, one *api.Webhook) error {
	secret := "no"
	if one.SecretKeyAdded {
		secret = "yes"
	}
	return w.out.One(cmd, one,
		[]string{"Name", "ID", "Status", "Reason", "URL", "Events", "Filter", "Secret", "Created"},
		[]string{one.Name, one.ID, webhookState(*one), one.DisabledReason, one.URL, strings.Join(one.EventTypes, " "), one.Filter, secret, moment(&one.CreatedAt)})
}

func (w *webhooks) create() *cobra.Command {
	var request api.WebhookRequest
	var headers []string
	var secret, disabled bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Have an address told of events from now on",
		Long: `Have an address told of events from now on. Deliveries are signed with the secret,
in Qlik-Signature and as Standard Webhooks has it; it is read from standard input,
where others do not see it.`,
		Example: `  openssl rand -hex 32 | tee hook.secret | freehold webhook create --name provisioner \
      --url https://hooks.example.com/freehold --event com.qlik.tenant.created --secret-stdin`,
		Args: args(),
		RunE: w.with(func(cmd *cobra.Command, events client.Events, _ []string) error {
			given, err := pairs("header", headers)
			if err != nil {
				return err
			}
			request.Headers = make(map[string]string, len(given))
			for _, pair := range given {
				request.Headers[pair[0]] = pair[1]
			}
			if request.EventTypes = fields(request.EventTypes); len(request.EventTypes) == 0 {
				return errors.New(`--event is missing: name a type of "freehold webhook types", or "*" for all`)
			}
			if secret {
				const longest = 1 << 10
				text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), longest))
				if err != nil {
					return fmt.Errorf("read secret: %w", err)
				}
				if request.Secret = strings.TrimSpace(string(text)); request.Secret == "" {
					return errors.New("the secret is empty")
				}
			}
			request.Enabled = !disabled
			made, err := events.CreateWebhook(cmd.Context(), request)
			if err != nil {
				return err
			}
			return w.print(cmd, made)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&request.Name, "name", "", "name of the webhook")
	flags.StringVar(&request.URL, "url", "", "address that is told")
	flags.StringVar(&request.Description, "description", "", "what it is for")
	flags.StringArrayVar(&request.EventTypes, "event", nil, `type of events, or "*"; may be repeated`)
	flags.StringVar(&request.Filter, "filter", "", "filter (SCIM) over id, spaceId and topLevelResourceId")
	flags.StringArrayVar(&headers, "header", nil, "further header, as name=value; may be repeated")
	flags.BoolVar(&secret, "secret-stdin", false, "read the secret from standard input")
	flags.BoolVar(&disabled, "disabled", false, "do not tell anything yet")
	return cmd
}

func (w *webhooks) get() *cobra.Command {
	return &cobra.Command{
		Use: "get WEBHOOK", Short: "Print a webhook", Args: args("WEBHOOK"),
		RunE: w.with(func(cmd *cobra.Command, events client.Events, given []string) error {
			one, err := events.GetWebhook(cmd.Context(), given[0])
			if err != nil {
				return err
			}
			return w.print(cmd, one)
		}),
	}
}

func (w *webhooks) enable(enabled bool) *cobra.Command {
	use, short := "disable WEBHOOK", "Tell a webhook no more events"
	if enabled {
		use, short = "enable WEBHOOK", "Tell a webhook events again, from now on"
	}
	return &cobra.Command{
		Use: use, Short: short, Args: args("WEBHOOK"),
		RunE: w.with(func(cmd *cobra.Command, events client.Events, given []string) error {
			return events.UpdateWebhook(cmd.Context(), given[0], []api.WebhookPatchOperation{{Op: "replace", Path: "/enabled", Value: enabled}})
		}),
	}
}

func (w *webhooks) delete() *cobra.Command {
	return &cobra.Command{
		Use: "delete WEBHOOK", Short: "Delete a webhook, with the history of its deliveries", Args: args("WEBHOOK"),
		RunE: w.with(func(cmd *cobra.Command, events client.Events, given []string) error {
			return events.DeleteWebhook(cmd.Context(), given[0])
		}),
	}
}

func (w *webhooks) deliveries() *cobra.Command {
	var status string
	cmd := &cobra.Command{
		Use: "deliveries WEBHOOK", Short: "List what was sent within the last week, the newest first", Args: args("WEBHOOK"),
		RunE: w.with(func(cmd *cobra.Command, events client.Events, given []string) error {
			all := []api.WebhookDelivery{}
			for one, err := range events.Deliveries(cmd.Context(), given[0], status) {
				if err != nil {
					return err
				}
				all = append(all, one)
			}
			rows := make([][]string, len(all))
			for i, d := range all {
				rows[i] = []string{moment(&d.TriggeredAt), d.EventType, d.Status, strconv.FormatInt(d.Attempts, 10), d.StatusMessage, d.ID}
			}
			return w.out.List(cmd, all, []string{"TIME", "EVENT", "STATUS", "ATTEMPTS", "MESSAGE", "ID"}, rows)
		}),
	}
	cmd.Flags().StringVar(&status, "status", "", "only what has this status: success or fail")
	return cmd
}

func (w *webhooks) resend() *cobra.Command {
	return &cobra.Command{
		Use: "resend WEBHOOK DELIVERY", Short: "Send an event again, at once and once", Args: args("WEBHOOK", "DELIVERY"),
		RunE: w.with(func(cmd *cobra.Command, events client.Events, given []string) error {
			sent, err := events.ResendDelivery(cmd.Context(), given[0], given[1])
			if err != nil {
				return err
			}
			if sent.Status != "success" {
				return fmt.Errorf("the event has not arrived: %s", sent.StatusMessage)
			}
			note(cmd, "The event has arrived.")
			return nil
		}),
	}
}

func (w *webhooks) types() *cobra.Command {
	return &cobra.Command{
		Use: "types", Short: "List the types of events", Args: args(),
		RunE: w.with(func(cmd *cobra.Command, events client.Events, _ []string) error {
			all, err := events.WebhookEventTypes(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([][]string, len(all))
			for i, t := range all {
				rows[i] = []string{t.Name, t.Title}
			}
			return w.out.List(cmd, all, []string{"TYPE", "WHAT HAS HAPPENED"}, rows)
		}),
	}
}
