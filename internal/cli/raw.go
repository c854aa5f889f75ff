package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/client"
)

type rawCall struct {
	conn     *connection
	body     string
	bodyFile string
	query    []string
	header   []string
}

func rawCommand(env Env) *cobra.Command {
	r := &rawCall{conn: &connection{env: env}}
	cmd := &cobra.Command{
		Use:   "raw METHOD PATH",
		Short: "Call any path of the API and print the answer as it is",
		Long: `Call any path of the API and print the body of the answer as it is, also that of
an error; the command fails then. A path without a slash before it is taken to
be below /api/, so v1/users/me stands for /api/v1/users/me.
` + connectionHelp,
		Example: `  freehold raw get v1/users/me --server acme.us.example.com
  freehold raw get /api/core/tenants --query limit=5 --query sort=-createdAt
  freehold raw post v1/oauth-clients \
      --body '{"clientName":"ci","appType":"web"}'`,
		Args: args("METHOD", "PATH"),
		RunE: r.run,
	}
	flags := cmd.Flags()
	flags.StringVar(&r.body, "body", "", "text to send, which must be JSON")
	flags.StringVar(&r.bodyFile, "body-file", "", "file to send; - is standard input")
	flags.StringArrayVar(&r.query, "query", nil, "query parameter as name=value; may be repeated")
	flags.StringArrayVar(&r.header, "header", nil, "header as 'name: value'; may be repeated")
	r.conn.flags(cmd)
	return cmd
}

func (r *rawCall) run(cmd *cobra.Command, args []string) error {
	request, err := r.request(args[0], args[1], cmd.InOrStdin())
	if err != nil {
		return err
	}
	c, _, err := r.conn.client()
	if err != nil {
		return err
	}
	resp, err := c.Raw(cmd.Context(), request)
	if resp != nil {
		if _, written := cmd.OutOrStdout().Write(resp.Body); written != nil {
			return written
		}
	}
	return err
}

func (r *rawCall) request(method, path string, stdin io.Reader) (client.Request, error) {
	if !strings.HasPrefix(path, "/") && !strings.Contains(path, "://") {
		path = "/api/" + path
	}
	request := client.Request{Method: strings.ToUpper(method), Path: path, Query: make(url.Values), Header: make(http.Header)}
	query, err := pairs("query", r.query)
	if err != nil {
		return request, err
	}
	for _, pair := range query {
		request.Query.Add(pair[0], pair[1])
	}
	for _, line := range r.header {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return request, fmt.Errorf("--header %q is not of the form 'name: value'", line)
		}
		request.Header.Add(name, strings.TrimSpace(value))
	}
	request.Body, err = r.content(stdin)
	return request, err
}

func (r *rawCall) content(stdin io.Reader) ([]byte, error) {
	switch {
	case r.body != "" && r.bodyFile != "":
		return nil, errors.New("give either --body or --body-file, not both")
	case r.body != "":
		if !json.Valid([]byte(r.body)) {
			return nil, errors.New("--body is not JSON; to send something else, use --body-file with a Content-Type header")
		}
		return []byte(r.body), nil
	case r.bodyFile == "":
		return nil, nil
	}
	var text []byte
	var err error
	if r.bodyFile == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(r.bodyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return text, nil
}
